package customer

import (
	"database/sql"
	"errors"
	"fmt"
	"time"

	"dingdong/internal/db"
	"dingdong/internal/event"
)

// How says how a customer came to her advisor.
type How string

// The ways to an advisor of one's own.
const (
	HowCard   How = "card"   // she scanned a card and agreed
	HowChosen How = "chosen" // she chose from a list
	HowCode   How = "code"   // she sent a card's code and agreed
	HowStaff  How = "staff"  // a colleague entered it
	HowMerge  How = "merge"  // another record of hers had it

	HowHandover How = "handover" // her advisor left, or is away, and a colleague took over
)

// Binding is a customer's own advisor at a counter. An ended one is history.
type Binding struct {
	ID         string
	CustomerID string // the person
	CounterID  string
	AdvisorID  string
	How        How
	CardID     string // the card she scanned; of a merge: the merge
	By         string // who caused it: "customer", a staff id
	At         time.Time
	EndedAt    time.Time // zero: it holds
	EndedBy    string
}

// Bind gives a customer her advisor at a counter and ends what held before. Binding her
// to the advisor she has changes nothing. The caller has checked that the advisor
// answers there.
func (b *Book) Bind(tx *db.Tx, n Binding) (Binding, error) {
	if n.CustomerID == "" || n.CounterID == "" || n.AdvisorID == "" || n.How == "" {
		return Binding{}, errors.New("bind: a binding names a customer, a counter, an advisor and how")
	}
	old, err := b.BindingAt(tx, n.CustomerID, n.CounterID)
	if err == nil && old.AdvisorID == n.AdvisorID && old.CustomerID == n.CustomerID {
		return old, nil
	}
	if err != nil && !errors.Is(err, db.ErrNotFound) {
		return Binding{}, err
	}
	if _, err := tx.Exec(`UPDATE binding SET ended_at = $3, ended_by = $4 WHERE customer_id = $1 AND counter_id = $2 AND ended_at IS NULL`,
		n.CustomerID, n.CounterID, db.Micro(tx.Now), n.By); err != nil {
		return Binding{}, fmt.Errorf("bind: %w", err)
	}
	n.ID, n.At = tx.NewID("bnd"), tx.Now
	added, err := tx.Exec(`INSERT INTO binding (id, customer_id, counter_id, advisor_id, how, card_id, by, at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT DO NOTHING`, n.ID, n.CustomerID, n.CounterID, n.AdvisorID, string(n.How), n.CardID, n.By, db.Micro(n.At))
	if err != nil {
		return Binding{}, fmt.Errorf("bind: %w", err)
	}
	if added == 0 { // another node bound her at this moment: the first one holds
		return b.BindingAt(tx, n.CustomerID, n.CounterID)
	}
	boundNews(tx, n, n.By)
	return n, nil
}

// Unbind ends what binds a customer to an advisor at a counter. It tells whether there
// was anything to end.
func (b *Book) Unbind(tx *db.Tx, e Unbinding) (bool, error) {
	n, err := tx.Exec(`UPDATE binding SET ended_at = $3, ended_by = $4 WHERE counter_id = $2 AND ended_at IS NULL
		AND (customer_id = $1 OR customer_id IN (SELECT id FROM customer WHERE person_id = $1))`,
		e.CustomerID, e.CounterID, db.Micro(tx.Now), e.By)
	if err != nil {
		return false, fmt.Errorf("unbind: %w", err)
	}
	if n > 0 {
		boundNews(tx, Binding{CustomerID: e.CustomerID, CounterID: e.CounterID}, e.By)
	}
	return n > 0, nil
}

// Unbinding says whose binding ends, and who ends it.
type Unbinding struct {
	CustomerID, CounterID, By string
}

func boundNews(tx *db.Tx, n Binding, by string) {
	event.Append(tx, event.Event{Kind: event.CustomerChanged, Customer: n.CustomerID, Counter: n.CounterID, By: by,
		Data: map[string]string{"what": "binding"}})
}

const bindingColumns = `b.id, b.customer_id, b.counter_id, b.advisor_id, b.how, b.card_id, b.by, b.at, COALESCE(b.ended_at, 0), b.ended_by`

func scanBinding(r scanner) (Binding, error) {
	var b Binding
	var at, ended int64
	err := r.Scan(&b.ID, &b.CustomerID, &b.CounterID, &b.AdvisorID, &b.How, &b.CardID, &b.By, &at, &ended, &b.EndedBy)
	b.At, b.EndedAt = db.Time(at), db.Time(ended)
	return b, err
}

// BindingAt returns a person's binding at a counter, or db.ErrNotFound. Her own record
// comes before those that were merged into it.
func (b *Book) BindingAt(tx *db.Tx, personID, counterID string) (Binding, error) {
	found, err := scanBinding(tx.QueryRow(`SELECT `+bindingColumns+` FROM binding b WHERE b.counter_id = $2 AND b.ended_at IS NULL
		AND (b.customer_id = $1 OR b.customer_id IN (SELECT id FROM customer WHERE person_id = $1))
		ORDER BY CASE WHEN b.customer_id = $1 THEN 0 ELSE 1 END, b.at DESC, b.id LIMIT 1`, personID, counterID))
	if err != nil {
		return Binding{}, db.NotFound(err)
	}
	return found, nil
}

// Bindings lists the bindings of a person's records, those that hold first, then
// history, the newest first.
func (b *Book) Bindings(tx *db.Tx, records []string) ([]Binding, error) {
	if len(records) == 0 {
		return nil, nil
	}
	marks, args := db.In(records, 1)
	rows, err := tx.Query(`SELECT `+bindingColumns+` FROM binding b WHERE b.customer_id IN (`+marks+`)
		ORDER BY CASE WHEN b.ended_at IS NULL THEN 0 ELSE 1 END, b.at DESC, b.id DESC LIMIT 500`, args...)
	list, err := db.Collect(rows, err, func(r *sql.Rows) (Binding, error) { return scanBinding(r) })
	if err != nil {
		return nil, fmt.Errorf("bindings: %w", err)
	}
	return list, nil
}

// ClientBook bounds a piece of an advisor's client book. After is the customer id of
// the last line one has; empty: from the start.
type ClientBook struct {
	AdvisorID  string
	CounterIDs []string
	After      string
	Limit      int // 1 to 500; else 50
}

// BoundTo lists who is bound to an advisor at some counters, by counter and customer.
func (b *Book) BoundTo(tx *db.Tx, p ClientBook) ([]Binding, error) {
	if len(p.CounterIDs) == 0 {
		return nil, nil
	}
	if p.Limit <= 0 || p.Limit > 500 {
		p.Limit = 50
	}
	marks, args := db.In(p.CounterIDs, 4)
	rows, err := tx.Query(`SELECT `+bindingColumns+` FROM binding b WHERE b.advisor_id = $1 AND b.ended_at IS NULL AND b.customer_id > $2
		AND b.counter_id IN (`+marks+`) ORDER BY b.customer_id, b.counter_id LIMIT $3`, append([]any{p.AdvisorID, p.After, p.Limit}, args...)...)
	list, err := db.Collect(rows, err, func(r *sql.Rows) (Binding, error) { return scanBinding(r) })
	if err != nil {
		return nil, fmt.Errorf("client book: %w", err)
	}
	return list, nil
}

// CarryBindings gives a person the advisors of a record that was merged into hers, at
// counters where she has none. The merge's id stands in each, for ReturnBindings.
func (b *Book) CarryBindings(tx *db.Tx, m Carrying) error {
	rows, err := tx.Query(`SELECT `+bindingColumns+` FROM binding b WHERE b.customer_id = $1 AND b.ended_at IS NULL AND NOT EXISTS (
		SELECT 1 FROM binding o WHERE o.customer_id = $2 AND o.counter_id = b.counter_id AND o.ended_at IS NULL)`, m.LostID, m.KeptID)
	list, err := db.Collect(rows, err, func(r *sql.Rows) (Binding, error) { return scanBinding(r) })
	if err != nil {
		return fmt.Errorf("carry bindings: %w", err)
	}
	for _, l := range list {
		_, err := tx.Exec(`INSERT INTO binding (id, customer_id, counter_id, advisor_id, how, card_id, by, at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
			ON CONFLICT DO NOTHING`, tx.NewID("bnd"), m.KeptID, l.CounterID, l.AdvisorID, string(HowMerge), m.MergeID, m.By, db.Micro(tx.Now))
		if err != nil {
			return fmt.Errorf("carry binding: %w", err)
		}
	}
	return nil
}

// Carrying is a merge as the bindings see it.
type Carrying struct {
	KeptID, LostID, MergeID, By string
}

// ReturnBindings ends what CarryBindings gave: the records are two again, and the other
// one still has her own.
func (b *Book) ReturnBindings(tx *db.Tx, m Carrying) error {
	_, err := tx.Exec(`UPDATE binding SET ended_at = $3, ended_by = $4 WHERE customer_id = $1 AND how = 'merge' AND card_id = $2 AND ended_at IS NULL`,
		m.KeptID, m.MergeID, db.Micro(tx.Now), m.By)
	if err != nil {
		return fmt.Errorf("return bindings: %w", err)
	}
	return nil
}

// SpeakAt notes with which counter an identity speaks from now on; empty: her account's own.
func (b *Book) SpeakAt(tx *db.Tx, identityID, counterID string) error {
	if _, err := tx.Exec(`UPDATE identity SET counter_id = $2 WHERE id = $1`, identityID, counterID); err != nil {
		return fmt.Errorf("speak at a counter: %w", err)
	}
	return nil
}

// KeepCounters sends those back to an account's own counter who speak with one that it
// does not serve any more.
func (b *Book) KeepCounters(tx *db.Tx, accountID string, served []string) error {
	marks, args := db.In(append([]string{""}, served...), 2)
	if _, err := tx.Exec(`UPDATE identity SET counter_id = '' WHERE account_id = $1 AND counter_id NOT IN (`+marks+`)`,
		append([]any{accountID}, args...)...); err != nil {
		return fmt.Errorf("keep counters: %w", err)
	}
	return nil
}
