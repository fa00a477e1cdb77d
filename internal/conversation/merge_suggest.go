package conversation

import (
	"cmp"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"dingdong/internal/channel"
	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// Reason is one piece of evidence that two persons may be one.
type Reason struct {
	Code      string // a key below "merge.reason.": phone, member, email, card, name
	Verified  bool   // of a number: both have it verified, yet somebody keeps them apart
	CardID    string // of card: which one both scanned
	CounterID string // of name: the counter that knows both
}

// Suggestion is another person who may be the same, with what speaks for it.
type Suggestion struct {
	PersonID string
	Names    []string // what she is called, by the counter and by platforms
	Counters []string // of those that the viewer sees, where she has a thread
	Reasons  []Reason // the strongest first
}

const (
	maxSuggestions = 10
	maxNames       = 5  // of a person, that are looked for
	sameName       = 30 // candidates for one name
	// cardTogether is how near two scans of a card are that may be one woman's:
	// she scans with her camera, and again inside the messenger.
	cardTogether = 30 * time.Minute
)

// weights order the evidence.
var weights = map[string]int{"member": 5, "phone": 4, "email": 3, "card": 2, "name": 1}

// Suggestions lists who may be the same person, among those whom the viewer may
// see. Nothing follows from it until somebody confirms.
func (d *Desk) Suggestions(tx *db.Tx, v staff.Viewer, customerID string) ([]Suggestion, error) {
	person, err := d.Visible(tx, v, customerID)
	if err != nil {
		return nil, err
	}
	records, err := d.Book.Records(tx, person)
	if err != nil {
		return nil, err
	}
	found := map[string][]Reason{} // by record
	shared, err := d.Book.Sharings(tx, records)
	if err != nil {
		return nil, err
	}
	for _, s := range shared {
		found[s.CustomerID] = append(found[s.CustomerID], Reason{Code: string(s.Kind), Verified: s.Verified})
	}
	if err := sameCard(tx, v, records, found); err != nil {
		return nil, err
	}
	if err := d.sameName(tx, v, records, found); err != nil {
		return nil, err
	}
	return d.weigh(tx, v, records, found)
}

// weigh puts the evidence for the records of one person together, and leaves out
// whom the viewer may not see and who is known to be somebody else.
func (d *Desk) weigh(tx *db.Tx, v staff.Viewer, records []string, found map[string][]Reason) ([]Suggestion, error) {
	refused, err := d.Book.Refusals(tx, records)
	if err != nil {
		return nil, err
	}
	reasons := map[string][]Reason{}
	for record, list := range found {
		other, err := d.Visible(tx, v, record)
		if errors.Is(err, db.ErrNotFound) || other == records[0] {
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, r := range list {
			if !slices.Contains(reasons[other], r) {
				reasons[other] = append(reasons[other], r)
			}
		}
	}
	var out []Suggestion
	for other, list := range reasons {
		theirs, err := d.Book.Records(tx, other)
		if err != nil {
			return nil, err
		}
		c, err := d.Book.Get(tx, other)
		if err != nil {
			return nil, err
		}
		if c.Kind != channel.Person || slices.ContainsFunc(theirs, func(r string) bool { return refused[r] }) {
			continue
		}
		slices.SortFunc(list, func(a, b Reason) int {
			return cmp.Or(cmp.Compare(weights[b.Code], weights[a.Code]), cmp.Compare(a.CardID+a.CounterID, b.CardID+b.CounterID))
		})
		out = append(out, Suggestion{PersonID: other, Reasons: list})
	}
	slices.SortFunc(out, func(a, b Suggestion) int {
		return cmp.Or(cmp.Compare(b.weight(), a.weight()), cmp.Compare(b.PersonID, a.PersonID))
	})
	out = out[:min(len(out), maxSuggestions)]
	for i := range out {
		if err := d.describe(tx, v, &out[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (s Suggestion) weight() (sum int) {
	for _, r := range s.Reasons {
		sum += weights[r.Code]
	}
	return sum
}

func (d *Desk) describe(tx *db.Tx, v staff.Viewer, s *Suggestion) error {
	records, err := d.Book.Records(tx, s.PersonID)
	if err != nil {
		return err
	}
	if s.Names, err = d.namesSeen(tx, v, records); err != nil {
		return err
	}
	slices.Sort(s.Names)
	s.Names = slices.Compact(s.Names)
	counters, err := d.CountersOf(tx, s.PersonID)
	for _, c := range counters {
		if v.Sees(c) {
			s.Counters = append(s.Counters, c)
		}
	}
	return err
}

// sameCard finds who scanned the same card, of a counter that the viewer sees, at about
// the same time.
func sameCard(tx *db.Tx, v staff.Viewer, records []string, found map[string][]Reason) error {
	marks, args := db.In(records, 2)
	rows, err := tx.Query(`SELECT DISTINCT o.customer_id, o.card_id, k.counter_id FROM card_visit c JOIN card k ON k.id = c.card_id
		JOIN card_visit o ON o.card_id = c.card_id AND o.at BETWEEN c.at - $1 AND c.at + $1 AND o.customer_id <> c.customer_id
		WHERE c.customer_id IN (`+marks+`) ORDER BY o.customer_id, o.card_id LIMIT 50`,
		append([]any{cardTogether.Microseconds()}, args...)...)
	type pair struct{ record, card, counter string }
	list, err := db.Collect(rows, err, func(r *sql.Rows) (p pair, err error) { return p, r.Scan(&p.record, &p.card, &p.counter) })
	if err != nil {
		return fmt.Errorf("who scanned the same card: %w", err)
	}
	for _, p := range list {
		if !slices.Contains(records, p.record) && v.Sees(p.counter) {
			found[p.record] = append(found[p.record], Reason{Code: "card", CardID: p.card})
		}
	}
	return nil
}

// sameName finds who has a name of hers at a counter that knows both.
func (d *Desk) sameName(tx *db.Tx, v staff.Viewer, records []string, found map[string][]Reason) error {
	counters, err := d.CountersOf(tx, records[0])
	if err != nil {
		return err
	}
	counters = slices.DeleteFunc(counters, func(c string) bool { return !v.Sees(c) })
	names, err := d.namesSeen(tx, v, records)
	if err != nil || len(counters) == 0 {
		return err
	}
	for i := range names {
		names[i] = customer.Fold(names[i])
	}
	slices.Sort(names)
	names = slices.Compact(names)
	for _, name := range names[:min(len(names), maxNames)] {
		if len([]rune(name)) < 2 { // half of all customers
			continue
		}
		candidates, err := d.called(tx, name, counters)
		if err != nil {
			return err
		}
		for _, c := range candidates {
			if slices.Contains(records, c.record) {
				continue
			}
			theirs, err := d.Book.Records(tx, c.record)
			if err != nil {
				return err
			}
			other, err := d.namesSeen(tx, v, theirs)
			if err != nil {
				return err
			}
			if slices.ContainsFunc(other, func(n string) bool { return customer.Fold(n) == name }) {
				found[c.record] = append(found[c.record], Reason{Code: "name", CounterID: c.counter})
			}
		}
	}
	return nil
}

// called finds who may be called so at some counters, by the hashes of letters.
func (d *Desk) called(tx *db.Tx, name string, counters []string) ([]spot, error) {
	hashes, need := d.Book.QueryHashes(name)
	args := []any{need, sameName}
	for _, h := range hashes {
		args = append(args, h)
	}
	seen, more := db.In(counters, len(args)+1)
	// As in the inbox's search, the planner must start at the name: hence the ||.
	rows, err := tx.Query(`SELECT t.customer_id, MIN(t.counter_id) FROM (SELECT customer_id FROM customer_gram WHERE hash IN (`+db.Marks(len(hashes), 3)+`)
			GROUP BY customer_id HAVING COUNT(*) >= $1) g
		JOIN thread t ON t.customer_id = g.customer_id
		WHERE t.kind = 'person' AND t.folded_id = '' AND (t.counter_id || '') IN (`+seen+`)
		GROUP BY t.customer_id ORDER BY MAX(t.last_at) DESC, t.customer_id LIMIT $2`, append(args, more...)...)
	list, err := db.Collect(rows, err, func(r *sql.Rows) (s spot, err error) { return s, r.Scan(&s.record, &s.counter) })
	if err != nil {
		return nil, fmt.Errorf("who is called so: %w", err)
	}
	return list, nil
}
