// Package alarm watches the audit for leaks: somebody who looks at far more customers
// than her work needs, searches or reads whole numbers all day, looks while she is off
// duty, or tries to carry a file away before she leaves.
//
// It reads each line of the audit once, and of a person who has a new one her lines of
// the last hour, by index. An alarm says that somebody should ask; it proves nothing, and
// it blocks nobody: blocking an advisor in front of her customer would cost more.
package alarm

import (
	"database/sql"
	"fmt"
	"time"
	"unicode/utf8"

	"dingdong/internal/audit"
	"dingdong/internal/db"
	"dingdong/internal/staff"
	"dingdong/internal/vault"
)

// Rule is something that is watched.
type Rule string

// What is watched. All count one person's acts within an hour, the last three within a day.
const (
	Opened   Rule = "opened"   // different customers whose conversation or card she opened
	Listed   Rule = "listed"   // different customers who stood in lists that she was shown
	Searches Rule = "searches" // searches
	Reveals  Rule = "reveals"  // numbers and addresses read in full
	Others   Rule = "others"   // different customers of colleagues whom she opened
	OffDuty  Rule = "off_duty" // different customers looked at while she was away, or at night
	Exports  Rule = "exports"  // files asked for
	Denied   Rule = "denied"   // files asked for that she may not have
	Day      Rule = "day"      // different customers opened in a whole day
)

// Rules lists what is watched, in the order in which a page shows it.
func Rules() []Rule {
	return []Rule{Opened, Listed, Searches, Reveals, Others, OffDuty, Exports, Denied, Day}
}

// Daily tells whether a rule counts a day and not an hour.
func (r Rule) Daily() bool { return r == Exports || r == Denied || r == Day }

// State is where an alarm stands.
type State string

// The states of an alarm.
const (
	Open   State = "open"   // nobody has looked at it
	Seen   State = "seen"   // somebody looks into it
	Closed State = "closed" // done with
)

// Alarm is one person and one rule. While it is not closed, the same is not raised again.
type Alarm struct {
	ID       string
	Rule     Rule
	Actor    string // a staff id, or token/<id>
	Role     staff.Role
	Leaving  bool // the stricter bound of somebody about to leave held
	N, Bound int
	FirstAt  time.Time
	LastAt   time.Time
	State    State
	Note     string
	By       string // who saw or closed it
	ByAt     time.Time
}

// Room watches, and keeps what it found.
type Room struct {
	Vault *vault.Vault
	Zone  *time.Location // of people without a counter; nil: UTC
}

const (
	labelNote = "alarm.note"
	maxNote   = 2000 // letters
	usualPage = 50
)

// Asked narrows a list of alarms.
type Asked struct {
	State  State  // "": all that are not closed
	Actor  string // "": everybody's
	Before string // the id that a former piece ended with
	Limit  int    // 0: 50
}

const columns = `id, rule, actor, role, leaving, n, bound, first_at, last_at, state, note, by, by_at`

// List lists alarms, the latest first.
func (r *Room) List(tx *db.Tx, v staff.Viewer, q Asked) ([]Alarm, error) {
	if !v.May(staff.SeeAudit) {
		return nil, staff.ErrForbidden
	}
	if q.Limit <= 0 || q.Limit > 200 {
		q.Limit = usualPage
	}
	if q.Before == "" {
		q.Before = "~"
	}
	where, args := `id < $1`, []any{q.Before, q.Limit}
	if q.State == "" {
		where += ` AND state <> 'closed'`
	} else {
		args = append(args, string(q.State))
		where += fmt.Sprintf(` AND state = $%d`, len(args))
	}
	if q.Actor != "" {
		args = append(args, q.Actor)
		where += fmt.Sprintf(` AND actor = $%d`, len(args))
	}
	rows, err := tx.Query(`SELECT `+columns+` FROM alarm WHERE `+where+` ORDER BY id DESC LIMIT $2`, args...)
	list, err := db.Collect(rows, err, func(rows *sql.Rows) (Alarm, error) { return r.scan(rows.Scan) })
	if err != nil {
		return nil, fmt.Errorf("list alarms: %w", err)
	}
	return list, nil
}

func (r *Room) scan(scan func(...any) error) (Alarm, error) {
	var a Alarm
	var first, last, by int64
	var note []byte
	err := scan(&a.ID, &a.Rule, &a.Actor, &a.Role, &a.Leaving, &a.N, &a.Bound, &first, &last, &a.State, &note, &a.By, &by)
	if err != nil {
		return a, err
	}
	a.FirstAt, a.LastAt, a.ByAt = db.Time(first), db.Time(last), db.Time(by)
	if len(note) > 0 {
		plain, err := r.Vault.OpenHouse(labelNote, note)
		if err != nil {
			return a, fmt.Errorf("open note: %w", err)
		}
		a.Note = string(plain)
	}
	return a, nil
}

// Get gives one alarm, or db.ErrNotFound.
func (r *Room) Get(tx *db.Tx, v staff.Viewer, id string) (Alarm, error) {
	if !v.May(staff.SeeAudit) {
		return Alarm{}, staff.ErrForbidden
	}
	a, err := r.scan(tx.QueryRow(`SELECT `+columns+` FROM alarm WHERE id = $1`, id).Scan)
	if err != nil {
		return Alarm{}, fmt.Errorf("alarm: %w", db.NotFound(err))
	}
	return a, nil
}

// CountOpen counts the alarms that nobody has looked at.
func CountOpen(tx *db.Tx) (n int, err error) {
	if err := tx.QueryRow(`SELECT COUNT(*) FROM alarm WHERE state = 'open'`).Scan(&n); err != nil {
		return 0, fmt.Errorf("count alarms: %w", err)
	}
	return n, nil
}

// Answer is what somebody says to an alarm.
type Answer struct {
	ID    string
	State State // Seen or Closed
	Note  string
}

// Answer notes that somebody looks into an alarm, or is done with it. Whom it is about
// does not answer it. After it is closed, counting begins anew.
func (r *Room) Answer(tx *db.Tx, v staff.Viewer, f Answer) (Alarm, error) {
	a, err := r.Get(tx, v, f.ID)
	if err != nil {
		return a, err
	}
	f.Note = db.CleanText(f.Note)
	switch {
	case v.ID == a.Actor:
		return a, db.Invalid{Field: "state", Code: "own"}
	case a.State == Closed:
		return a, db.Invalid{Field: "state", Code: "fixed"}
	case f.State != Seen && f.State != Closed:
		return a, db.Invalid{Field: "state", Code: "unknown"}
	case utf8.RuneCountInString(f.Note) > maxNote:
		return a, db.Invalid{Field: "note", Code: "too_long"}
	case f.State == Closed && f.Note == "":
		return a, db.Invalid{Field: "note", Code: "required"}
	}
	if f.Note == "" {
		f.Note = a.Note
	}
	var sealed []byte
	if f.Note != "" {
		if sealed, err = r.Vault.SealHouse(labelNote, []byte(f.Note)); err != nil {
			return a, fmt.Errorf("seal note: %w", err)
		}
	}
	last, err := audit.Last(tx)
	if err != nil {
		return a, err
	}
	n, err := tx.Exec(`UPDATE alarm SET state = $2, note = $3, by = $4, by_at = $5,
		until_seq = CASE WHEN $2 = 'closed' THEN $6 ELSE until_seq END WHERE id = $1 AND state <> 'closed'`,
		a.ID, string(f.State), sealed, v.ID, db.Micro(tx.Now), last)
	if err != nil {
		return a, fmt.Errorf("answer alarm: %w", err)
	}
	if n == 0 {
		return a, db.Invalid{Field: "state", Code: "fixed"}
	}
	audit.Record(tx, audit.Entry{Actor: v.ID, Action: "alarm." + string(f.State), Object: a.ID, Detail: string(a.Rule) + " " + a.Actor})
	return r.Get(tx, v, a.ID)
}
