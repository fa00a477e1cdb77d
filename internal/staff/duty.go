package staff

import (
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"dingdong/internal/db"
	"dingdong/internal/job"
)

// SpokenLanguages lists the languages in which customers are written to, in the order
// in which a form offers them. An advisor may speak others too.
func SpokenLanguages() []string {
	return []string{"zh-Hant", "zh-Hans", "en", "id", "ms", "ar", "th", "vi"}
}

const (
	maxSpecialities = 200 // runes
	maxSpoken       = 12
	longestAway     = 366 * 24 * time.Hour
)

var spokenCode = regexp.MustCompile(`^[a-z]{2,3}(-[A-Z][a-z]{3})?$`)

func (s *Shown) check() error {
	if s == nil {
		return nil
	}
	s.Specialities = oneLine(s.Specialities)
	if utf8.RuneCountInString(s.Specialities) > maxSpecialities {
		return db.Invalid{Field: "specialities", Code: "too_long"}
	}
	var kept []string
	seen := map[string]bool{}
	for _, code := range s.Languages {
		if code == "" || seen[code] {
			continue
		}
		if !spokenCode.MatchString(code) {
			return db.Invalid{Field: "languages", Code: "unknown"}
		}
		seen[code] = true
		kept = append(kept, code) // her order: the one she speaks best comes first
	}
	if len(kept) > maxSpoken {
		return db.Invalid{Field: "languages", Code: "too_many"}
	}
	s.Languages = kept
	return nil
}

func saveShown(tx *db.Tx, f StaffForm) error {
	if f.Shown == nil {
		return nil
	}
	_, err := tx.Exec(`UPDATE staff SET languages = $2, specialities = $3 WHERE id = $1`, f.ID, strings.Join(f.Shown.Languages, " "), f.Shown.Specialities)
	if err != nil {
		return fmt.Errorf("save what customers read of her: %w", err)
	}
	return nil
}

func saveStandIn(tx *db.Tx, f CounterForm) error {
	if f.StandIn == nil {
		return nil
	}
	if id := *f.StandIn; id != "" {
		ok, err := AnswersAt(tx, id, f.ID)
		if err != nil {
			return err
		}
		if !ok {
			return db.Invalid{Field: "stand_in", Code: "not_at_counter"}
		}
	}
	if _, err := tx.Exec(`UPDATE counter SET stand_in_id = $2 WHERE id = $1`, f.ID, *f.StandIn); err != nil {
		return fmt.Errorf("save stand-in: %w", err)
	}
	return nil
}

// answering holds for an active member of staff s who answers at counter $2; it is the
// rule of Colleagues for one person.
const answering = ` s.left_at IS NULL AND (
	(s.role IN ('advisor', 'manager', 'admin') AND EXISTS (SELECT 1 FROM staff_counter m WHERE m.staff_id = s.id AND m.counter_id = $2))
	OR (s.role = 'manager' AND EXISTS (SELECT 1 FROM staff_store m JOIN counter c ON c.store_id = m.store_id
		WHERE m.staff_id = s.id AND c.id = $2))) `

// AnswersAt says whether somebody is an active member of the staff that answers at a
// counter, on duty or not.
func AnswersAt(tx *db.Tx, staffID, counterID string) (bool, error) {
	var n int
	if err := tx.QueryRow(`SELECT COUNT(*) FROM staff s WHERE s.id = $1 AND`+answering, staffID, counterID).Scan(&n); err != nil {
		return false, fmt.Errorf("does she answer there: %w", err)
	}
	return n > 0, nil
}

// OnDuty says whether somebody answers at a counter at this moment.
func OnDuty(tx *db.Tx, staffID, counterID string) (bool, error) {
	var n int
	err := tx.QueryRow(`SELECT COUNT(*) FROM staff s WHERE s.id = $1 AND s.away_until <= $3 AND`+answering, staffID, counterID, db.Micro(tx.Now)).Scan(&n)
	if err != nil {
		return false, fmt.Errorf("is she on duty: %w", err)
	}
	return n > 0, nil
}

// Away is an absence. Until zero: she is back.
type Away struct {
	StaffID string
	Until   time.Time
}

// JobDuty is enqueued when somebody goes off duty and when she is back; the room of the
// conversations moves her customers then.
const JobDuty = "duty"

// DutyArgs are the args of JobDuty.
type DutyArgs struct {
	Staff string `json:"staff"`
}

// SetAway notes that somebody is off duty until a time, or back. She says so herself, or
// a manager of one of her counters does.
func SetAway(tx *db.Tx, v Viewer, a Away) error {
	p, err := GetStaff(tx, a.StaffID)
	if err != nil {
		return err
	}
	if !mayExcuse(v, p) {
		return ErrForbidden
	}
	if !p.LeftAt.IsZero() {
		return db.ErrNotFound
	}
	if !a.Until.IsZero() && !a.Until.After(tx.Now) {
		return db.Invalid{Field: "until", Code: "past"}
	}
	if a.Until.Sub(tx.Now) > longestAway {
		return db.Invalid{Field: "until", Code: "too_far"}
	}
	since := p.AwayAt
	if a.Until.IsZero() || !p.AwayUntil.After(tx.Now) { // not a longer absence of the same
		since = tx.Now
	}
	if _, err := tx.Exec(`UPDATE staff SET away_until = $2, away_at = $3 WHERE id = $1`, p.ID, db.Micro(a.Until), db.Micro(since)); err != nil {
		return fmt.Errorf("set away: %w", err)
	}
	action, detail := "staff_back", ""
	if !a.Until.IsZero() {
		action, detail = "staff_away", a.Until.UTC().Format(time.RFC3339)
		// Nobody has to say that she is back at the time she said.
		err := job.Enqueue(tx, job.New{Kind: JobDuty, Key: p.ID + ":" + fmt.Sprint(db.Micro(a.Until)), Args: DutyArgs{p.ID}, RunAt: a.Until})
		if err != nil {
			return err
		}
	}
	note(tx, v, action, p.ID, detail)
	return job.Enqueue(tx, job.New{Kind: JobDuty, Key: p.ID, Args: DutyArgs{p.ID}})
}

func mayExcuse(v Viewer, p Person) bool {
	switch {
	case v.May(ManageGroup):
		return true
	case !v.May(Chat) || v.Role == machine:
		return false
	case v.ID == p.ID:
		return true
	case v.Role != Manager:
		return false
	}
	for _, c := range p.Counters {
		if v.Sees(c) {
			return true
		}
	}
	return false
}
