package consent

import (
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

// checkLimit is how many messages are decided about at once.
const checkLimit = 64

// Check decides whether and when a message may go, and takes its place in the same
// transaction. Answers to her own question are service, free, and take none.
func (r *Room) Check(tx *db.Tx, a Ask) (Answer, error) {
	answers, err := r.CheckAll(tx, []Ask{a})
	if err != nil {
		return Answer{}, err
	}
	return answers[0], nil
}

// CheckAll is Check for many messages, in their order: what a campaign says to a hundred
// people costs little more than what it says to one.
func (r *Room) CheckAll(tx *db.Tx, asks []Ask) ([]Answer, error) {
	answers := make([]Answer, len(asks))
	todo := make([]*checking, 0, len(asks))
	for i := range asks {
		if asks[i].Purpose == Service && asks[i].Answers {
			answers[i] = Answer{At: tx.Now}
			continue
		}
		c := &checking{Ask: asks[i], answer: &answers[i]}
		var err error
		if c.zone, err = r.check(tx, &c.Ask); err != nil {
			return nil, err
		}
		todo = append(todo, c)
	}
	for len(todo) > 0 {
		n, err := r.checkSome(tx, todo[:min(len(todo), checkLimit)])
		if err != nil {
			return nil, err
		}
		todo = todo[n:]
	}
	return answers, nil
}

// checking is an ask on its way to an answer.
type checking struct {
	Ask
	zone   *time.Location
	answer *Answer

	book   book
	take   *place   // the place it takes; nil: none
	placed []Placed // where what is planned for her comes to stand
}

// checkSome decides about the first of some messages, as many as are for different
// people, and says how many those were: who comes twice finds what the first one took.
func (r *Room) checkSome(tx *db.Tx, todo []*checking) (int, error) {
	customers := make([]string, len(todo))
	for i, c := range todo {
		customers[i] = c.Customer
	}
	people, err := r.holdAll(tx, customers)
	if err != nil {
		return 0, err
	}
	todo = todo[:apart(todo, people)]
	if err := r.openAll(tx, todo, people); err != nil {
		return 0, err
	}
	questions := make([]question, len(todo))
	for i, c := range todo {
		questions[i] = question{c.book.who.records, c.Purpose, c.Account}
	}
	refusals, err := r.refusals(tx, questions)
	if err != nil {
		return 0, err
	}
	places := make([]place, 0, len(todo))
	for i, c := range todo {
		if c.decide(refusals[i]); c.take != nil {
			places = append(places, *c.take)
		}
	}
	kept, err := keepAll(tx, places)
	if err != nil {
		return 0, err
	}
	for _, c := range todo {
		if c.take != nil && !kept[c.Message] {
			*c.answer, err = c.book.who.taken(tx, c.Message)
		} else {
			c.answer.Moved, err = c.book.rearrange(tx, c.placed, c.Message)
		}
		if err != nil {
			return 0, err
		}
	}
	return len(todo), nil
}

// apart counts the first asks that are about different people and messages.
func apart(todo []*checking, people map[string]person) int {
	seen := make(map[string]bool, 2*len(todo))
	for i, c := range todo {
		who := people[c.Customer].id
		if seen[who] || seen[c.Message] {
			return i
		}
		seen[who], seen[c.Message] = true, true
	}
	return len(todo)
}

// openAll opens the budgets of people who are held, each for its ask. They learn with it
// when she last wrote.
func (r *Room) openAll(tx *db.Tx, todo []*checking, people map[string]person) error {
	var records []string
	whose := map[string]*checking{} // by record
	for _, c := range todo {
		c.book.who = people[c.Customer]
		for _, record := range c.book.who.records {
			records, whose[record] = append(records, record), c
		}
	}
	places, err := placesOf(tx, records, tx.Now)
	if err != nil {
		return err
	}
	hers := map[*checking][]place{}
	for _, p := range places {
		c := whose[p.customer]
		hers[c] = append(hers[c], p)
	}
	var heard []any
	for _, c := range todo {
		if c.answered(hers[c]) {
			heard = append(heard, c.Customer, db.Micro(c.Heard))
		}
		if c.Heard.After(c.book.who.heard) {
			c.book.who.heard = c.Heard
		}
		if c.book, err = r.lay(tx, c.book.who, c.zone, hers[c]); err != nil {
			return err
		}
	}
	return keepHeard(tx, heard)
}

// answered says that what she wrote is to be remembered: it answers a message, and was
// not known yet. Words that came before all of ours answer none of them, ever.
func (c *checking) answered(hers []place) bool {
	return c.Heard.After(c.book.who.own) && slices.ContainsFunc(hers, func(p place) bool { return p.at.Before(c.Heard) })
}

// decide answers a message and says which place it takes.
func (c *checking) decide(refused string) {
	known, ok := c.book.places[c.Message]
	switch {
	case ok:
		c.answer.At = known.at
	case refused != "":
		c.answer.Refused = refused
	case c.Staff:
		c.takeNow()
	default:
		c.plan()
	}
}

// takeNow is for staff: it goes, it counts, and others may have to make room.
func (c *checking) takeNow() {
	b, now := &c.book, c.book.scene.Now
	c.answer.At, c.answer.Warnings = now, b.warnings(c.Ask)
	p := c.place(now, stateSpent)
	c.take = &p
	b.scene.Past = fold(append(b.scene.Past, p.contact()))
	c.placed = Place(b.scene)
}

// plan gives an automation's message the best place that is left for it.
func (c *checking) plan() {
	b, now := &c.book, c.book.scene.Now
	if b.wished >= maxPlanned {
		c.answer.Refused = NoPlace
		return
	}
	p := c.place(now, statePlanned)
	w := p.wish()
	w.Zone = b.scene.Zone
	b.scene.Wishes = append(b.scene.Wishes, w)
	c.placed = Place(b.scene)
	own := c.placed[len(c.placed)-1]
	c.answer.At, c.answer.Refused, c.answer.Why = own.At, own.Refused, own.Why
	if own.Refused != "" {
		return
	}
	p.at = own.At
	if !own.At.After(now) {
		p.state = stateSpent
	}
	c.take = &p
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
