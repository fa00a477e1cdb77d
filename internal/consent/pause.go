package consent

import (
	"database/sql"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"dingdong/internal/audit"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

const (
	labelReason = "contact_budget.reason"
	maxReason   = 300
)

// Pause stops everything but service until a time, as after a complaint. A zero
// time takes the length of the rules; one that is not after now ends the pause.
// Whether the viewer may see the customer is the caller's to check.
func (r *Room) Pause(tx *db.Tx, v staff.Viewer, customerID string, until time.Time, reason string) error {
	if !v.May(staff.RecordConsent) {
		return staff.ErrForbidden
	}
	reason = strings.TrimSpace(db.CleanText(reason))
	if utf8.RuneCountInString(reason) > maxReason {
		return db.Invalid{Field: "reason", Code: "too_long"}
	}
	if until.IsZero() {
		rules, err := r.Rules(tx)
		if err != nil {
			return err
		}
		until = tx.Now.Add(time.Duration(rules.ComplaintDays) * day)
	}
	if until.After(tx.Now.Add((maxDays + 1) * day)) {
		return db.Invalid{Field: "until", Code: "too_far"}
	}
	who, err := r.hold(tx, customerID)
	if err != nil {
		return err
	}
	action, end := "contact_paused", whole(until)
	if !end.After(tx.Now) {
		action, end, reason = "contact_resumed", time.Time{}, ""
	}
	var sealed []byte
	if reason != "" {
		if sealed, err = r.Vault.SealString(tx, who.id, labelReason, reason); err != nil {
			return err
		}
	}
	// One pause for the person: those of other records end with it.
	marks, args := db.In(who.records, 1)
	if _, err := tx.Exec(`UPDATE contact_budget SET paused_until = 0, reason = NULL WHERE customer_id IN (`+marks+`)`, args...); err != nil {
		return fmt.Errorf("pause: %w", err)
	}
	if _, err := tx.Exec(`INSERT INTO contact_budget (customer_id, paused_until, paused_by, paused_at, reason) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (customer_id) DO UPDATE SET paused_until = excluded.paused_until, paused_by = excluded.paused_by,
			paused_at = excluded.paused_at, reason = excluded.reason`,
		who.id, db.Micro(end), v.ID, db.Micro(tx.Now), sealed); err != nil {
		return fmt.Errorf("pause: %w", err)
	}
	detail := ""
	if !end.IsZero() {
		detail = "until " + end.Format(time.RFC3339)
	}
	audit.Record(tx, audit.Entry{Actor: v.ID, Action: action, Customer: who.id, Detail: detail})
	return nil
}

// Use is how much of her budget is used, for her card.
type Use struct {
	Phase       string // its name
	Messages    int    // unasked messages in the window that ends now
	Of, Days    int    // of how many, in how many days
	Next        time.Time
	Why         []string // what the next place waits for; empty: it is now
	Since       time.Time
	Heard       time.Time
	PausedUntil time.Time // zero: not paused
	PausedBy    string    // staff id
	PauseReason string
	Planned     []Contact // what waits for its time, in the order of time
}

// Used tells how much of her budget is used, and when a next marketing message
// could go, as the clocks in a zone say.
func (r *Room) Used(tx *db.Tx, customerID, zone string) (Use, error) {
	loc, err := r.zone(zone)
	if err != nil {
		return Use{}, err
	}
	who, err := r.look(tx, customerID)
	if err != nil {
		return Use{}, err
	}
	b, err := r.open(tx, who, loc)
	if err != nil {
		return Use{}, err
	}
	m := moment{Scene: b.scene, zone: loc, taken: b.scene.Past}
	phase := m.phase(tx.Now)
	rule := b.scene.Rules.Phases[phase]
	u := Use{Phase: rule.Name, Of: rule.Messages, Days: rule.Days, Since: who.since, Heard: who.heard}
	for _, c := range b.scene.Past {
		if m.phase(c.At) == phase && c.At.After(tx.Now.Add(-rule.cap().window())) && !c.At.After(tx.Now) {
			u.Messages++
		}
	}
	for _, w := range b.scene.Wishes {
		u.Planned = append(u.Planned, b.places[w.Message].contact())
	}
	next := Place(Scene{Rules: b.scene.Rules, Past: append(b.scene.Past, u.Planned...), Now: tx.Now, Zone: loc, Since: who.since,
		Heard: who.heard, Paused: who.paused, Wishes: []Wish{{Purpose: Marketing}}})
	u.Next, u.Why = next[0].At, next[0].Why
	if who.paused.After(tx.Now) {
		u.PausedUntil = who.paused
		return u, r.pauseReason(tx, who, &u)
	}
	return u, nil
}

func (r *Room) pauseReason(tx *db.Tx, who person, u *Use) error {
	type row struct {
		customer, by string
		sealed       []byte
	}
	marks, args := db.In(who.records, 2)
	rows, err := tx.Query(`SELECT customer_id, paused_by, reason FROM contact_budget WHERE paused_until = $1 AND customer_id IN (`+marks+`)`,
		append([]any{db.Micro(u.PausedUntil)}, args...)...)
	found, err := db.Collect(rows, err, func(r *sql.Rows) (x row, err error) { return x, r.Scan(&x.customer, &x.by, &x.sealed) })
	if err != nil || len(found) == 0 {
		return err
	}
	u.PausedBy = found[0].by
	u.PauseReason, err = r.Vault.OpenString(tx, found[0].customer, labelReason, found[0].sealed)
	return err
}
