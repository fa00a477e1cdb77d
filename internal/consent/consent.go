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
	people, err := r.holdAll(tx, []string{customerID})
	return people[customerID], err
}

// holdAll is hold for several people; they come by the ids that were asked for.
// SQLite has one writer at a time: there is nobody to wait for.
func (r *Room) holdAll(tx *db.Tx, customers []string) (map[string]person, error) {
	if tx.DB().Engine() != db.SQLite {
		if err := lock(tx, customers); err != nil {
			return nil, err
		}
	}
	return readPeople(tx, customers)
}

// lock goes through the people in one order: two who lock some of the same do not wait
// for each other.
func lock(tx *db.Tx, customers []string) error {
	marks, args := db.In(customers, 1)
	if _, err := tx.Exec(`INSERT INTO contact_budget (customer_id, turns)
		SELECT DISTINCT CASE WHEN person_id = '' THEN id ELSE person_id END AS person, 1 FROM customer WHERE id IN (`+marks+`) ORDER BY person
		ON CONFLICT (customer_id) DO UPDATE SET turns = contact_budget.turns + 1`, args...); err != nil {
		return fmt.Errorf("hold her contact budget: %w", err)
	}
	return nil
}

// look is hold for who only reads.
func (r *Room) look(tx *db.Tx, customerID string) (person, error) {
	return db.Once(tx, personOnce(customerID), func() (person, error) {
		people, err := readPeople(tx, []string{customerID})
		return people[customerID], err
	})
}

// personOnce is a person's budget, as a page needs it from several sides.
type personOnce string

// part is one record of a person.
type part struct {
	asked, id            string
	herself              bool
	heard, paused, since int64
}

// partColumns are those of a record c and what it heard, b. The relation begins with her
// first identity: a member who was only entered or imported has no first week yet.
const partColumns = `c.id, COALESCE(b.heard_at, 0), COALESCE(b.paused_until, 0),
	COALESCE((SELECT MIN(i.created_at) FROM identity i WHERE i.customer_id = c.id), 0)`

// readPeople reads people by the ids of any of their records. Most have one record, and
// for them one look is enough.
func readPeople(tx *db.Tx, customers []string) (map[string]person, error) {
	marks, args := db.In(customers, 1)
	rows, err := tx.Query(`SELECT `+partColumns+`,
		CASE WHEN c.person_id <> '' OR EXISTS (SELECT 1 FROM customer m WHERE m.person_id <> '' AND m.person_id = c.id) THEN 1 ELSE 0 END
		FROM customer c LEFT JOIN contact_budget b ON b.customer_id = c.id WHERE c.id IN (`+marks+`)`, args...)
	var several []string
	parts, err := db.Collect(rows, err, func(r *sql.Rows) (x part, err error) {
		var merged int
		err = r.Scan(&x.id, &x.heard, &x.paused, &x.since, &merged)
		x.asked, x.herself = x.id, true
		if merged == 1 {
			several = append(several, x.id)
		}
		return x, err
	})
	if err == nil && len(several) > 0 {
		parts = slices.DeleteFunc(parts, func(x part) bool { return slices.Contains(several, x.id) })
		var all []part
		all, err = allParts(tx, several)
		parts = append(parts, all...)
	}
	if err != nil {
		return nil, fmt.Errorf("contact budget: %w", err)
	}
	out := make(map[string]person, len(customers))
	for _, x := range parts {
		p := out[x.asked]
		p.add(x)
		out[x.asked] = p
	}
	for _, id := range customers {
		p, known := out[id]
		if !known {
			return nil, fmt.Errorf("contact budget: %w", db.ErrNotFound)
		}
		if p.since.IsZero() {
			p.since = tx.Now
			out[id] = p
		}
	}
	return out, nil
}

// allParts reads every record of people by one of each.
func allParts(tx *db.Tx, customers []string) ([]part, error) {
	marks, args := db.In(customers, 1)
	rows, err := tx.Query(`SELECT c.asked, c.person_id = '', `+partColumns+`
		FROM (SELECT o.id AS asked, h.id, h.person_id FROM customer o
				JOIN customer h ON h.id = CASE WHEN o.person_id = '' THEN o.id ELSE o.person_id END
				WHERE o.id IN (`+marks+`)
			UNION ALL SELECT o.id, m.id, m.person_id FROM customer o
				JOIN customer m ON m.person_id <> '' AND m.person_id = CASE WHEN o.person_id = '' THEN o.id ELSE o.person_id END
				WHERE o.id IN (`+marks+`)) c
		LEFT JOIN contact_budget b ON b.customer_id = c.id`, args...)
	return db.Collect(rows, err, func(r *sql.Rows) (x part, err error) {
		return x, r.Scan(&x.asked, &x.herself, &x.id, &x.heard, &x.paused, &x.since)
	})
}

func (p *person) add(x part) {
	if x.herself {
		p.id = x.id
		p.records = slices.Insert(p.records, 0, x.id)
	} else {
		p.records = append(p.records, x.id)
	}
	heard, paused, since := db.Time(x.heard), db.Time(x.paused), db.Time(x.since)
	if x.id == x.asked {
		p.own = heard
	}
	if heard.After(p.heard) {
		p.heard = heard
	}
	if paused.After(p.paused) {
		p.paused = paused
	}
	if !since.IsZero() && (p.since.IsZero() || since.Before(p.since)) {
		p.since = since
	}
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
