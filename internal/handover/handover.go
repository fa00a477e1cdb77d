// Package handover moves an advisor's customers when she leaves, or is away for a
// while: who takes over is planned and looked at first, then one customer after another
// is moved and told, and whatever can go back can be sent back.
//
// Promises: a customer is moved once and told once, however often the work is begun
// anew; what she chose herself is never undone; at the minute set the access of who
// leaves ends, whether the moving is done or not.
package handover

import (
	"errors"
	"fmt"
	"time"

	"dingdong/internal/audit"
	"dingdong/internal/consent"
	"dingdong/internal/conversation"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// Room holds what the functions need besides a transaction.
type Room struct {
	DB      *db.DB
	Desk    *conversation.Desk
	Consent *consent.Room
}

// Kind says whether somebody comes back.
type Kind string

// An advisor leaves for good, or is away for a while.
const (
	Leaves Kind = "leaves"
	Away   Kind = "away"
)

// State is how far a handover has come.
type State string

// The life of a handover.
const (
	Draft      State = "draft"
	Waiting    State = "waiting"    // started; its day has not come
	Moving     State = "moving"     // customers are moved, unless it is paused
	Moved      State = "moved"      // nothing is left to move; its end has not come
	Returning  State = "returning"  // she is back: what was moved goes back
	Cancelling State = "cancelling" // it was called off: what was moved goes back
	Done       State = "done"       // she left
	Returned   State = "returned"   // she is back
	Cancelled  State = "cancelled"
)

// Handover is one advisor's customers on their way.
type Handover struct {
	ID          string
	LeaverID    string
	LeaverName  string
	Kind        Kind
	State       State
	Begins      time.Time
	Ends        time.Time // the minute her access ends, or she is back
	Rule        Rule
	QuietMonths int // who was silent for so long is not told
	Pace        int // customers a minute
	CreatedBy   string
	CreatedAt   time.Time
	StartedBy   string
	StartedAt   time.Time
	BegunAt     time.Time // the first customer was moved
	PausedAt    time.Time // zero: it runs
	MovedAt     time.Time
	EndedAt     time.Time // her access ended, or the way back began
	ClosedAt    time.Time // zero: it is open
	Counters    []string  // whose customers it is about
}

// Paused tells that a manager stopped it for now.
func (h Handover) Paused() bool { return !h.PausedAt.IsZero() && h.State == Moving }

// Cancellable tells that everything can still go back.
func (h Handover) Cancellable() bool {
	return h.EndedAt.IsZero() && (h.State == Waiting || h.State == Moving || h.State == Moved)
}

const columns = `h.id, h.leaver_id, s.name, h.kind, h.state, h.begins_at, h.ends_at, h.by_language, h.by_speciality, h.by_load, h.quiet_months, h.pace,
	h.created_by, h.created_at, h.started_by, h.started_at, h.begun_at, h.paused_at, h.moved_at, h.ended_at, COALESCE(h.closed_at, 0)`

const from = ` FROM handover h JOIN staff s ON s.id = h.leaver_id `

func scan(r interface{ Scan(...any) error }) (Handover, error) {
	var h Handover
	var begins, ends, created, started, begun, paused, moved, ended, closed int64
	err := r.Scan(&h.ID, &h.LeaverID, &h.LeaverName, &h.Kind, &h.State, &begins, &ends, &h.Rule.Language, &h.Rule.Speciality, &h.Rule.Load,
		&h.QuietMonths, &h.Pace, &h.CreatedBy, &created, &h.StartedBy, &started, &begun, &paused, &moved, &ended, &closed)
	h.Begins, h.Ends, h.CreatedAt, h.StartedAt, h.BegunAt = db.Time(begins), db.Time(ends), db.Time(created), db.Time(started), db.Time(begun)
	h.PausedAt, h.MovedAt, h.EndedAt, h.ClosedAt = db.Time(paused), db.Time(moved), db.Time(ended), db.Time(closed)
	return h, err
}

// load reads a handover for the house itself.
func load(tx *db.Tx, id string) (Handover, error) {
	h, err := scan(tx.QueryRow(`SELECT `+columns+from+`WHERE h.id = $1`, db.CleanText(id)))
	if err != nil {
		return h, fmt.Errorf("load handover: %w", db.NotFound(err))
	}
	h.Counters, err = countersOf(tx, h)
	return h, err
}

// Get returns a handover that the viewer may see, or db.ErrNotFound.
func (r *Room) Get(tx *db.Tx, v staff.Viewer, id string) (Handover, error) {
	h, err := load(tx, id)
	if err != nil {
		return h, err
	}
	p, err := staff.GetStaff(tx, h.LeaverID)
	if err != nil {
		return h, err
	}
	if mayHandOver(v, p, h.Counters) != nil {
		return Handover{}, db.ErrNotFound
	}
	return h, nil
}

// mayHandOver says whether somebody may hand over a colleague's customers: an
// administrator anybody's, a manager those of an advisor whose counters she all sees.
// Nobody hands over her own.
func mayHandOver(v staff.Viewer, p staff.Person, counters []string) error {
	switch {
	case !v.May(staff.HandOver) || v.ID == p.ID:
		return staff.ErrForbidden
	case v.May(staff.ManageGroup):
		return nil
	case p.Role != staff.Advisor || len(counters) == 0:
		return staff.ErrForbidden
	}
	for _, c := range counters {
		if !v.Sees(c) {
			return staff.ErrForbidden
		}
	}
	return nil
}

// change holds an open handover that the viewer may change to the end of the transaction.
func (r *Room) change(tx *db.Tx, v staff.Viewer, id string) (Handover, error) {
	h, err := r.Get(tx, v, id)
	if err != nil {
		return h, err
	}
	if err := hold(tx, id); err != nil {
		return h, err
	}
	return load(tx, id) // as it is now that nobody else changes it
}

// hold makes everybody wait who changes a handover at the same time.
func hold(tx *db.Tx, id string) error {
	n, err := tx.Exec(`UPDATE handover SET leaver_id = leaver_id WHERE id = $1`, id)
	if err == nil && n == 0 {
		err = db.ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("hold handover: %w", err)
	}
	return nil
}

func note(tx *db.Tx, by, action string, h Handover, detail string) {
	audit.Record(tx, audit.Entry{Actor: by, Action: "handover." + action, Object: h.ID, Detail: detail})
}

// by is whom the audit and the history of a binding name for what the house does.
func (h Handover) by() string { return "handover/" + h.ID }

// fixed refuses what cannot be changed any more.
func fixed(field string) error { return db.Invalid{Field: field, Code: "fixed"} }

// isInvalid finds the refusal in an error.
func isInvalid(err error) (db.Invalid, bool) {
	var bad db.Invalid
	return bad, errors.As(err, &bad)
}
