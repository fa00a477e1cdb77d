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
	paused  time.Time
}

// hold locks the budget of a person to the end of the transaction and reads it.
// Whoever decides about her, or writes into her ledger, waits here for the other.
func (r *Room) hold(tx *db.Tx, customerID string) (person, error) {
	return r.holdHeard(tx, customerID, time.Time{})
}

// holdHeard is hold for who knows when she last wrote, which her budget learns with it.
func (r *Room) holdHeard(tx *db.Tx, customerID string, heard time.Time) (person, error) {
	var id string
	err := tx.QueryRow(`INSERT INTO contact_budget (customer_id, turns, heard_at)
		SELECT CASE WHEN person_id = '' THEN id ELSE person_id END, 1, CASE WHEN person_id = '' THEN CAST($2 AS BIGINT) ELSE 0 END FROM customer WHERE id = $1
		ON CONFLICT (customer_id) DO UPDATE SET turns = contact_budget.turns + 1,
			heard_at = CASE WHEN excluded.heard_at > contact_budget.heard_at THEN excluded.heard_at ELSE contact_budget.heard_at END
		RETURNING customer_id`, customerID, db.Micro(heard)).Scan(&id)
	if err != nil {
		return person{}, fmt.Errorf("hold her contact budget: %w", db.NotFound(err))
	}
	// What one record of several heard stays with it: they may be taken apart again.
	if id != customerID && !heard.IsZero() {
		if err := r.keepHeard(tx, customerID, heard); err != nil {
			return person{}, err
		}
	}
	return r.person(tx, id)
}

// look is hold for who only reads.
func (r *Room) look(tx *db.Tx, customerID string) (person, error) {
	id, err := r.Book.Person(tx, customerID)
	if err != nil {
		return person{}, err
	}
	return r.person(tx, id)
}

func (r *Room) person(tx *db.Tx, id string) (person, error) {
	return db.Once(tx, personOnce(id), func() (person, error) { return readPerson(tx, id) })
}

// personOnce is a person's budget, as a page needs it from several sides.
type personOnce string

func readPerson(tx *db.Tx, id string) (person, error) {
	p := person{id: id}
	// The relation begins with her first identity: a member who was only entered or
	// imported has no first week yet.
	rows, err := tx.Query(`SELECT c.id, COALESCE(b.heard_at, 0), COALESCE(b.paused_until, 0),
		COALESCE((SELECT MIN(i.created_at) FROM identity i WHERE i.customer_id = c.id), 0)
		FROM (SELECT id FROM customer WHERE id = $1
			UNION ALL SELECT id FROM customer WHERE person_id = $1 AND person_id <> '' AND id <> $1) c
		LEFT JOIN contact_budget b ON b.customer_id = c.id`, id)
	type part struct {
		id                   string
		heard, paused, since int64
	}
	parts, err := db.Collect(rows, err, func(r *sql.Rows) (x part, err error) {
		return x, r.Scan(&x.id, &x.heard, &x.paused, &x.since)
	})
	if err != nil {
		return p, fmt.Errorf("contact budget: %w", err)
	}
	var heard, paused, since int64
	for _, x := range parts {
		p.records = append(p.records, x.id)
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
