// Package consent knows what a customer agreed to and how often she may be
// written to.
//
// The ledger is append-only: every grant and every withdrawal is a row with the
// text she was shown, how she said it and who saw it, so that its state at any
// past moment can be asked. The contact budget gives what the store wants to say
// a place in her time: see plan.go for the rules, which know no database.
//
// Promises: no automation gets a place without a purpose that she agreed to; two
// nodes, a retry or two automations at once cannot give away one place twice; a
// message that loses its place is named to the caller with the reason.
package consent

import (
	"database/sql"
	"fmt"
	"slices"
	"sync"
	"time"

	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/vault"
)

// The purposes that come with the product.
const (
	Service   = "service"   // answering her, and what she asked for
	Marketing = "marketing" // news, offers and invitations that she did not ask for
	Profiling = "profiling" // remembering her tastes to fit what is said to her
	Sharing   = "sharing"   // handing her data to a brand
	TryOn     = "try-on"    // her picture, to try shades on
)

// Room holds what the room's functions need besides a transaction. The zero
// value but for these two fields is ready.
type Room struct {
	Vault *vault.Vault
	Book  *customer.Book

	rules rulesReader
	zones sync.Map // name -> *time.Location: loading one reads a file
}

// person is a customer with all her records, and what is known for her budget.
type person struct {
	id      string
	records []string // herself first
	since   time.Time
	heard   time.Time
	own     time.Time // what the record heard that was asked for
	paused  time.Time
}

// hold locks the budget of a person to the end of the transaction and reads it.
// Whoever decides about her, or writes into her ledger, waits here for the other.
func (r *Room) hold(tx *db.Tx, customerID string) (person, error) {
	return r.holdHeard(tx, customerID, time.Time{})
}

// holdHeard is hold for who knows when she last wrote, which her budget learns with it.
// SQLite has one writer at a time: there is nobody to wait for.
func (r *Room) holdHeard(tx *db.Tx, customerID string, heard time.Time) (person, error) {
	if tx.DB().Engine() != db.SQLite {
		if err := lock(tx, customerID); err != nil {
			return person{}, err
		}
	}
	p, err := r.look(tx, customerID)
	if err != nil {
		return person{}, err
	}
	// What one record of several heard stays with it: they may be taken apart again.
	if heard.After(p.own) {
		if err := r.keepHeard(tx, customerID, heard); err != nil {
			return person{}, err
		}
	}
	if heard.After(p.heard) {
		p.heard = heard
	}
	return p, nil
}

func lock(tx *db.Tx, customerID string) error {
	n, err := tx.Exec(`INSERT INTO contact_budget (customer_id, turns)
		SELECT CASE WHEN person_id = '' THEN id ELSE person_id END, 1 FROM customer WHERE id = $1
		ON CONFLICT (customer_id) DO UPDATE SET turns = contact_budget.turns + 1`, customerID)
	if err == nil && n == 0 {
		err = db.ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("hold her contact budget: %w", err)
	}
	return nil
}

// look is hold for who only reads.
func (r *Room) look(tx *db.Tx, customerID string) (person, error) {
	return db.Once(tx, personOnce(customerID), func() (person, error) { return readPerson(tx, customerID) })
}

// personOnce is a person's budget, as a page needs it from several sides.
type personOnce string

func readPerson(tx *db.Tx, customerID string) (person, error) {
	// The relation begins with her first identity: a member who was only entered or
	// imported has no first week yet.
	rows, err := tx.Query(`SELECT c.id, c.person_id = '', COALESCE(b.heard_at, 0), COALESCE(b.paused_until, 0),
		COALESCE((SELECT MIN(i.created_at) FROM identity i WHERE i.customer_id = c.id), 0)
		FROM (SELECT h.id, h.person_id FROM customer o JOIN customer h ON h.id = CASE WHEN o.person_id = '' THEN o.id ELSE o.person_id END
				WHERE o.id = $1
			UNION ALL SELECT m.id, m.person_id FROM customer o
				JOIN customer m ON m.person_id <> '' AND m.person_id = CASE WHEN o.person_id = '' THEN o.id ELSE o.person_id END
				WHERE o.id = $1) c
		LEFT JOIN contact_budget b ON b.customer_id = c.id`, customerID)
	type part struct {
		id                   string
		herself              bool
		heard, paused, since int64
	}
	parts, err := db.Collect(rows, err, func(r *sql.Rows) (x part, err error) {
		return x, r.Scan(&x.id, &x.herself, &x.heard, &x.paused, &x.since)
	})
	if err == nil && len(parts) == 0 {
		err = db.ErrNotFound
	}
	if err != nil {
		return person{}, fmt.Errorf("contact budget: %w", err)
	}
	var p person
	var heard, paused, since int64
	for _, x := range parts {
		if x.herself {
			p.id = x.id
			p.records = slices.Insert(p.records, 0, x.id)
		} else {
			p.records = append(p.records, x.id)
		}
		if x.id == customerID {
			p.own = db.Time(x.heard)
		}
		heard, paused = max(heard, x.heard), max(paused, x.paused)
		if x.since != 0 && (since == 0 || x.since < since) {
			since = x.since
		}
	}
	p.heard, p.paused, p.since = db.Time(heard), db.Time(paused), db.Time(since)
	if p.since.IsZero() {
		p.since = tx.Now
	}
	return p, nil
}

// zone loads a time zone by its IANA name; "" is the first market's.
func (r *Room) zone(name string) (*time.Location, error) {
	if name == "" {
		name = "Asia/Taipei"
	}
	if known, ok := r.zones.Load(name); ok {
		return known.(*time.Location), nil
	}
	// LoadLocation would take "Local" for the server's own zone.
	if name == "Local" || len(name) > 64 {
		return nil, db.Invalid{Field: "zone", Code: "unknown"}
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, db.Invalid{Field: "zone", Code: "unknown"}
	}
	r.zones.Store(name, zone)
	return zone, nil
}
