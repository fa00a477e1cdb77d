package consent

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"dingdong/internal/db"
)

// maxPlanned bounds what can be planned for one person.
const maxPlanned = 100

// Recheck decides again about a planned message that is due: consent and rules may
// have changed. One that may go now is spent.
func (r *Room) Recheck(tx *db.Tx, messageID string) (Answer, error) {
	p, err := placeOf(tx, messageID)
	if err != nil {
		return Answer{}, err
	}
	who, err := r.hold(tx, p.customer)
	if err != nil {
		return Answer{}, err
	}
	if p, err = placeOf(tx, messageID); err != nil { // it may have been decided while we waited
		return Answer{}, err
	}
	switch p.state {
	case stateSpent:
		return Answer{At: p.at}, nil
	case stateFreed:
		return Answer{Refused: p.refusal()}, nil
	}
	refused, err := r.refused(tx, question{who.records, p.purpose, p.account})
	if err != nil {
		return Answer{}, err
	}
	if refused != "" {
		return Answer{Refused: refused}, free(tx, messageID, refused)
	}
	zone, err := r.zone(p.zone)
	if err != nil {
		return Answer{}, err
	}
	b, err := r.open(tx, who, zone)
	if err != nil {
		return Answer{}, err
	}
	return b.settle(tx, messageID)
}

// Free gives back the place of a message that was cancelled, or that failed before
// anybody saw it. A message without a place has none to give back.
func (r *Room) Free(tx *db.Tx, messageID string) error {
	p, err := placeOf(tx, messageID)
	if errors.Is(err, db.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if _, err := r.hold(tx, p.customer); err != nil {
		return err
	}
	return free(tx, messageID, "cancelled")
}

// Drop frees the planned messages that may no longer be sent, and returns their
// ids; purpose "" looks at those of every purpose.
func (r *Room) Drop(tx *db.Tx, customerID, purpose string) ([]string, error) {
	who, err := r.hold(tx, customerID)
	if err != nil {
		return nil, err
	}
	places, err := placesOf(tx, who.records, tx.Now)
	if err != nil {
		return nil, err
	}
	var gone []string
	for _, p := range places {
		if p.state != statePlanned || purpose != "" && p.purpose != purpose {
			continue
		}
		refused, err := r.refused(tx, question{who.records, p.purpose, p.account})
		if err != nil {
			return nil, err
		}
		if refused == "" {
			continue
		}
		if err := free(tx, p.message, refused); err != nil {
			return nil, err
		}
		gone = append(gone, p.message)
	}
	return gone, nil
}

// Heard tells the budget that she wrote: what was said to her before is answered.
// Whoever rechecks a planned message says so first.
func (r *Room) Heard(tx *db.Tx, customerID string, at time.Time) error {
	if at.IsZero() {
		return nil
	}
	if at.After(tx.Now) {
		at = tx.Now
	}
	return keepHeard(tx, []any{customerID, db.Micro(at)})
}

// keepHeard writes down when records last wrote: id and time of each, none of them twice.
// What one record of several heard stays with it: they may be taken apart again.
func keepHeard(tx *db.Tx, rows []any) error {
	if err := tx.Insert(`INSERT INTO contact_budget (customer_id, heard_at)`, 2, rows, `ON CONFLICT (customer_id) DO UPDATE
		SET heard_at = excluded.heard_at WHERE contact_budget.heard_at < excluded.heard_at`); err != nil {
		return fmt.Errorf("note when she wrote: %w", err)
	}
	return nil
}

// book is the opened budget of a person who is held.
type book struct {
	room  *Room
	who   person
	scene Scene
	// places are those that were spent, as far back as they count, and the planned ones,
	// by message.
	places map[string]place
	wished int // how many of them are planned
}

// open reads everything the planner looks at.
func (r *Room) open(tx *db.Tx, who person, zone *time.Location) (book, error) {
	places, err := placesOf(tx, who.records, tx.Now)
	if err != nil {
		return book{}, err
	}
	return r.lay(tx, who, zone, places)
}

// lay puts her places before the planner. What is planned is in the scene as wishes,
// with its own zones.
func (r *Room) lay(tx *db.Tx, who person, zone *time.Location, places []place) (book, error) {
	rules, err := r.Rules(tx)
	if err != nil {
		return book{}, err
	}
	b := book{room: r, who: who, places: make(map[string]place, len(places)), scene: Scene{Rules: rules, Now: tx.Now, Zone: zone,
		Since: who.since, Heard: who.heard, Paused: who.paused}}
	for _, p := range places {
		b.places[p.message] = p
		if p.state == stateSpent {
			b.scene.Past = append(b.scene.Past, p.contact())
			continue
		}
		own, err := r.zone(p.zone)
		if err != nil {
			own = zone
		}
		w := p.wish()
		w.Zone = own
		b.scene.Wishes = append(b.scene.Wishes, w)
		b.wished++
	}
	b.scene.Past = fold(b.scene.Past)
	return b, nil
}

// burst is how long an advisor's messages are one contact: three bubbles in a row
// are read as one letter.
const burst = 30 * time.Minute

// fold counts the bubbles of one letter once. Contacts come in the order of time.
func fold(past []Contact) []Contact {
	var letter time.Time
	out := past[:0]
	for _, c := range past {
		if c.Staff && !letter.IsZero() && c.At.Sub(letter) < burst {
			continue
		}
		if c.Staff {
			letter = c.At
		}
		out = append(out, c)
	}
	return out
}

// warnings leaves out the bubbles of the same letter: she is being written to
// already.
func (b book) warnings(a Ask) []string {
	for _, c := range b.scene.Past {
		if c.Staff && b.scene.Now.Sub(c.At) < burst {
			return nil
		}
	}
	return b.scene.Warnings(Wish{Purpose: a.Purpose, Kind: a.Kind})
}

// settle decides about a planned message that is due.
func (b book) settle(tx *db.Tx, messageID string) (Answer, error) {
	placed := Place(b.scene)
	i := slices.IndexFunc(placed, func(p Placed) bool { return p.Message == messageID })
	own := placed[i]
	answer := Answer{At: own.At, Refused: own.Refused, Why: own.Why}
	var err error
	switch {
	case own.Refused != "":
		err = free(tx, messageID, own.Refused)
	case own.At.After(tx.Now):
		err = move(tx, messageID, own.At)
	default:
		err = spend(tx, messageID)
	}
	if err != nil {
		return Answer{}, err
	}
	answer.Moved, err = b.rearrange(tx, placed, messageID)
	return answer, err
}

// rearrange writes down the places of what was planned before, but for one message,
// and says what changed.
func (b book) rearrange(tx *db.Tx, placed []Placed, but string) ([]Moved, error) {
	var out []Moved
	for _, p := range placed {
		was, known := b.places[p.Message]
		if !known || was.state != statePlanned || p.Message == but || p.At.Equal(was.at) {
			continue
		}
		// What is overdue waits for its turn: that is no move.
		if !p.At.IsZero() && !p.At.After(tx.Now) && !was.at.After(tx.Now) {
			continue
		}
		m := Moved{Message: p.Message, At: p.At, Reason: p.Refused}
		var err error
		if p.At.IsZero() {
			err = free(tx, p.Message, p.Refused)
		} else {
			err = move(tx, p.Message, p.At)
			if len(p.Why) > 0 {
				m.Reason = p.Why[len(p.Why)-1]
			}
		}
		if err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	return out, nil
}
