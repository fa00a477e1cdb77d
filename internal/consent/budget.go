package consent

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"dingdong/internal/db"
)

// Ask is a message that somebody wants to send.
type Ask struct {
	Customer  string
	Message   string // its id: asking twice for the same changes nothing
	Account   string
	Purpose   string
	Kind      string    // what is said, by which a repeat is known; "": like nothing else
	Staff     bool      // an advisor writes: the budget warns and does not block
	Answers   bool      // it answers her: she waits, or wrote within Rules.AnswerHours
	Heard     time.Time // when she last wrote, if the caller knows; see Heard
	Priority  int       // 0 to 9, the most valuable; others are brought into that range
	NotBefore time.Time // zero: now
	Expires   time.Time // zero: never
	Zone      string    // of her counter's store; "": Asia/Taipei
}

// Answer is what was decided. A message that may go has a time; one that may go at
// once has one that is not after the transaction's.
type Answer struct {
	At       time.Time
	Refused  string   // or why it may not go: no_consent, stopped, no_place, expired, outbid
	Warnings []string // for staff: quiet_hours, holiday, paused, over_budget, unanswered
	Why      []string // of a planned one: what it waits for
	Moved    []Moved  // other messages whose time this changed
}

// Moved is a planned message that got another place, or lost its own.
type Moved struct {
	Message string
	At      time.Time // zero: it has no place any more
	Reason  string    // then why; else what it now waits for
}

// maxPlanned bounds what can be planned for one person.
const maxPlanned = 100

// Check decides whether and when a message may go, and takes its place in the same
// transaction. Answers to her own question are service, free, and take none.
func (r *Room) Check(tx *db.Tx, a Ask) (Answer, error) {
	if a.Purpose == Service && a.Answers {
		return Answer{At: tx.Now}, nil
	}
	zone, err := r.check(tx, &a)
	if err != nil {
		return Answer{}, err
	}
	who, err := r.holdHeard(tx, a.Customer, a.Heard)
	if err != nil {
		return Answer{}, err
	}
	b, err := r.open(tx, who, zone)
	if err != nil {
		return Answer{}, err
	}
	if known, ok := b.places[a.Message]; ok {
		return Answer{At: known.at}, nil
	}
	if refused, err := r.refused(tx, question{who.records, a.Purpose, a.Account}); err != nil || refused != "" {
		return Answer{Refused: refused}, err
	}
	if a.Staff {
		return b.takeNow(tx, a)
	}
	return b.plan(tx, a)
}

// taken answers for a message that has a place which the open budget does not show: it
// is older than anything that counts, or somebody else's.
func (p person) taken(tx *db.Tx, messageID string) (Answer, error) {
	known, err := placeOf(tx, messageID)
	if err == nil && !slices.Contains(p.records, known.customer) {
		err = db.Invalid{Field: "message", Code: "taken"}
	}
	return Answer{At: known.at}, err
}

// check tidies an ask and names the first field that cannot be.
func (r *Room) check(tx *db.Tx, a *Ask) (*time.Location, error) {
	for _, id := range []struct {
		field string
		value *string
		need  bool
	}{
		{"customer", &a.Customer, true}, {"message", &a.Message, true}, {"account", &a.Account, false},
		{"purpose", &a.Purpose, true}, {"kind", &a.Kind, false},
	} {
		*id.value = strings.TrimSpace(db.CleanText(*id.value))
		if id.need && *id.value == "" {
			return nil, db.Invalid{Field: id.field, Code: "required"}
		}
		if len(*id.value) > 120 {
			return nil, db.Invalid{Field: id.field, Code: "too_long"}
		}
	}
	a.Priority = clamp(a.Priority)
	a.NotBefore, a.Expires = whole(a.NotBefore), whole(a.Expires)
	if a.NotBefore.After(tx.Now.Add(farthest)) {
		return nil, db.Invalid{Field: "not_before", Code: "too_far"}
	}
	if a.Heard.After(tx.Now) { // a platform's clock may be ahead of ours
		a.Heard = tx.Now
	}
	if a.Zone == "" {
		a.Zone = "Asia/Taipei"
	}
	return r.zone(a.Zone)
}

// whole cuts a time to what the store keeps, so that it reads back as it was.
func whole(t time.Time) time.Time {
	if t.IsZero() || t.Year() < 1970 {
		return time.Time{}
	}
	if t.Year() > 9999 {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Microsecond)
}

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
	return r.keepHeard(tx, customerID, at)
}

func (r *Room) keepHeard(tx *db.Tx, customerID string, at time.Time) error {
	if _, err := tx.Exec(`INSERT INTO contact_budget (customer_id, heard_at) VALUES ($1, $2)
		ON CONFLICT (customer_id) DO UPDATE SET heard_at = excluded.heard_at WHERE contact_budget.heard_at < excluded.heard_at`,
		customerID, db.Micro(at)); err != nil {
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

// open reads everything the planner looks at. What is planned is in the scene as
// wishes, with its own zones.
func (r *Room) open(tx *db.Tx, who person, zone *time.Location) (book, error) {
	rules, err := r.Rules(tx)
	if err != nil {
		return book{}, err
	}
	places, err := placesOf(tx, who.records, tx.Now)
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

// takeNow is for staff: it goes, it counts, and others may have to make room.
func (b book) takeNow(tx *db.Tx, a Ask) (Answer, error) {
	answer := Answer{At: tx.Now, Warnings: b.warnings(a)}
	p := a.place(tx.Now, stateSpent)
	kept, err := p.keep(tx)
	if err != nil {
		return Answer{}, err
	}
	if !kept {
		return b.who.taken(tx, a.Message)
	}
	b.scene.Past = fold(append(b.scene.Past, p.contact()))
	answer.Moved, err = b.rearrange(tx, Place(b.scene), "")
	return answer, err
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

// plan gives an automation's message the best place that is left for it.
func (b book) plan(tx *db.Tx, a Ask) (Answer, error) {
	if b.wished >= maxPlanned {
		return Answer{Refused: NoPlace}, nil
	}
	p := a.place(tx.Now, statePlanned)
	w := p.wish()
	w.Zone = b.scene.Zone
	b.scene.Wishes = append(b.scene.Wishes, w)
	placed := Place(b.scene)
	own := placed[len(placed)-1]
	answer := Answer{At: own.At, Refused: own.Refused, Why: own.Why}
	if own.Refused == "" {
		p.at = own.At
		if !own.At.After(tx.Now) {
			p.state = stateSpent
		}
		kept, err := p.keep(tx)
		if err != nil {
			return Answer{}, err
		}
		if !kept {
			return b.who.taken(tx, a.Message)
		}
	}
	var err error
	answer.Moved, err = b.rearrange(tx, placed, a.Message)
	return answer, err
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
