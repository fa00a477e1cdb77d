package privacy

import (
	"encoding/json"
	"errors"
	"fmt"

	"dingdong/internal/audit"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// Rules is how long what is kept, and by when a request must be done. They are one
// setting, which the privacy officer changes on a page.
type Rules struct {
	ExportDays  int `json:"export_days"`  // Taiwan's law gives 15 days to show her data
	EraseDays   int `json:"erase_days"`   // and 30 to erase
	CorrectDays int `json:"correct_days"` // or to correct
	FileDays    int `json:"file_days"`    // how long the file about a person can be fetched

	Keep map[Kind]int `json:"keep"` // days; 0: for ever

	SilentMonths int `json:"silent_months"` // who was silent for longer is let go; 0: nobody is
	AnswerWeeks  int `json:"answer_weeks"`  // how long she has to answer whether to stay in touch
}

// Kind is a kind of data with an age of its own.
type Kind string

// What grows old.
const (
	KeepMessages   Kind = "messages"   // what was said, but marketing
	KeepMarketing  Kind = "marketing"  // messages sent for another purpose than service
	KeepMedia      Kind = "media"      // pictures, voice notes and files; the message says that they are gone
	KeepClosed     Kind = "closed"     // whole threads that were closed and stayed silent
	KeepNotes      Kind = "notes"      // notes about a customer
	KeepPlans      Kind = "plans"      // wishes and promises
	KeepMentions   Kind = "mentions"   // what a message was heard to say
	KeepDrafts     Kind = "drafts"     // what somebody began to write
	KeepNotices    Kind = "notices"    // what platforms told beside messages
	KeepDeliveries Kind = "deliveries" // the log of calls to platforms
	KeepImports    Kind = "imports"    // files that were uploaded and not imported
	KeepEvents     Kind = "events"     // the event log
)

// limits of a rule, in days.
type limits struct{ byDefault, least int }

var keepLimits = map[Kind]limits{
	KeepMessages: {1095, 30}, KeepMarketing: {365, 30}, KeepMedia: {365, 7}, KeepClosed: {0, 30}, KeepNotes: {1095, 30},
	KeepPlans: {1095, 30}, KeepMentions: {365, 7}, KeepDrafts: {30, 1}, KeepNotices: {30, 7}, KeepDeliveries: {90, 7},
	KeepImports: {7, 1}, KeepEvents: {365, 30},
}

// Kinds lists what grows old, in the order of the page.
func Kinds() []Kind {
	return []Kind{KeepMessages, KeepMarketing, KeepMedia, KeepClosed, KeepNotes, KeepPlans, KeepMentions, KeepDrafts, KeepNotices,
		KeepDeliveries, KeepImports, KeepEvents}
}

const maxKeep = 36_500

// DefaultRules is what holds until somebody says otherwise.
func DefaultRules() Rules {
	r := Rules{ExportDays: 15, EraseDays: 30, CorrectDays: 30, FileDays: 7, AnswerWeeks: 6, Keep: map[Kind]int{}}
	for k, l := range keepLimits {
		r.Keep[k] = l.byDefault
	}
	return r
}

const settingRules = "privacy.rules"

// ReadRules returns the rules that hold.
func ReadRules(tx *db.Tx) (Rules, error) {
	rules := DefaultRules()
	var text string
	err := db.NotFound(tx.QueryRow(`SELECT value FROM setting WHERE name = $1`, settingRules).Scan(&text))
	if errors.Is(err, db.ErrNotFound) {
		return rules, nil
	}
	if err == nil {
		err = json.Unmarshal([]byte(text), &rules)
	}
	if err != nil {
		return rules, fmt.Errorf("rules of keeping: %w", err)
	}
	return rules, nil
}

// SaveRules changes the rules. A kind that is not named keeps its default.
func SaveRules(tx *db.Tx, v staff.Viewer, rules Rules) error {
	if !v.May(staff.KeepPrivacy) {
		return staff.ErrForbidden
	}
	if err := rules.check(); err != nil {
		return err
	}
	text, err := json.Marshal(rules)
	if err != nil {
		return fmt.Errorf("rules of keeping: %w", err)
	}
	if _, err := tx.Exec(`INSERT INTO setting (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value`,
		settingRules, string(text)); err != nil {
		return fmt.Errorf("save rules of keeping: %w", err)
	}
	audit.Record(tx, audit.Entry{Actor: v.ID, Action: "privacy.rules", Detail: string(text)})
	return nil
}

func (r Rules) check() error {
	for _, f := range []struct {
		name        string
		value, most int
	}{{"export_days", r.ExportDays, 90}, {"erase_days", r.EraseDays, 90}, {"correct_days", r.CorrectDays, 90}, {"file_days", r.FileDays, 30},
		{"answer_weeks", r.AnswerWeeks, 52}} {
		if f.value < 1 {
			return db.Invalid{Field: f.name, Code: "too_small"}
		}
		if f.value > f.most {
			return db.Invalid{Field: f.name, Code: "too_large"}
		}
	}
	if r.SilentMonths != 0 && r.SilentMonths < 6 {
		return db.Invalid{Field: "silent_months", Code: "too_small"}
	}
	if r.SilentMonths > 240 {
		return db.Invalid{Field: "silent_months", Code: "too_large"}
	}
	for _, kind := range Kinds() {
		days := r.Keep[kind]
		switch {
		case days != 0 && days < keepLimits[kind].least:
			return db.Invalid{Field: string(kind), Code: "too_small"}
		case days > maxKeep:
			return db.Invalid{Field: string(kind), Code: "too_large"}
		}
	}
	for kind := range r.Keep {
		if _, known := keepLimits[kind]; !known {
			return db.Invalid{Field: "keep", Code: "unknown"}
		}
	}
	return nil
}
