package consent

import (
	"database/sql"
	"fmt"
	"slices"
	"time"

	"dingdong/internal/db"
)

// The states of a place.
const (
	statePlanned = "planned" // its message waits for its time
	stateSpent   = "spent"   // its message went
	stateFreed   = "freed"   // nobody has it
)

// place is a row of the contact ledger.
type place struct {
	message, customer, account string
	purpose, kind              string
	staff                      bool
	state                      string
	at                         time.Time
	priority                   int
	notBefore, expires, asked  time.Time
	zone                       string
	reason                     string
}

func (a Ask) place(now time.Time, state string) place {
	return place{message: a.Message, customer: a.Customer, account: a.Account, purpose: a.Purpose, kind: a.Kind, staff: a.Staff,
		state: state, at: now, priority: a.Priority, notBefore: a.NotBefore, expires: a.Expires, asked: now, zone: a.Zone}
}

func (p place) contact() Contact {
	return Contact{Message: p.message, Purpose: p.purpose, Kind: p.kind, Staff: p.staff, At: p.at}
}

func (p place) wish() Wish {
	return Wish{Message: p.message, Purpose: p.purpose, Kind: p.kind, Priority: p.priority, NotBefore: p.notBefore,
		Expires: p.expires, Asked: p.asked}
}

// refusal is why a freed message may not go.
func (p place) refusal() string {
	if slices.Contains([]string{NoConsent, Stopped, NoPlace, Expired, Outbid}, p.reason) {
		return p.reason
	}
	return NoPlace // it was cancelled
}

const placeColumns = `message_id, customer_id, account_id, purpose, kind, by_staff, state, at, priority, not_before, expires_at, asked_at, zone, reason`

func scanPlace(r *sql.Rows) (p place, err error) {
	var at, notBefore, expires, asked int64
	err = r.Scan(&p.message, &p.customer, &p.account, &p.purpose, &p.kind, &p.staff, &p.state, &at, &p.priority, &notBefore, &expires,
		&asked, &p.zone, &p.reason)
	p.at, p.notBefore, p.expires, p.asked = db.Time(at), db.Time(notBefore), db.Time(expires), db.Time(asked)
	return p, err
}

// placeOf gives the place of a message, or db.ErrNotFound.
func placeOf(tx *db.Tx, messageID string) (place, error) {
	rows, err := tx.Query(`SELECT `+placeColumns+` FROM contact_place WHERE message_id = $1`, db.CleanText(messageID))
	found, err := db.Collect(rows, err, scanPlace)
	if err == nil && len(found) == 0 {
		err = db.ErrNotFound
	}
	if err != nil {
		return place{}, fmt.Errorf("place of a message: %w", err)
	}
	return found[0], nil
}

// lookBack is how far back a contact can still count: the longest window a rule can
// have.
const lookBack = (maxDays + 1) * day

// placesOf gives what was said to a person as far back as it can count, and what is
// planned, in the order of time.
func placesOf(tx *db.Tx, records []string, now time.Time) ([]place, error) {
	marks, args := db.In(records, 2)
	args = append([]any{db.Micro(now.Add(-lookBack))}, args...)
	rows, err := tx.Query(`SELECT `+placeColumns+` FROM contact_place
		WHERE customer_id IN (`+marks+`) AND (state = 'planned' OR state = 'spent' AND at > $1) ORDER BY at, message_id`, args...)
	list, err := db.Collect(rows, err, scanPlace)
	if err != nil {
		return nil, fmt.Errorf("contact ledger: %w", err)
	}
	return list, nil
}

// keepAll writes places, of as many messages; a freed one of the same message is taken
// anew. It says which were kept: the others' messages have a place already.
func keepAll(tx *db.Tx, places []place) (map[string]bool, error) {
	var n int64
	for rest := places; len(rest) > 0; {
		some := alike(rest)
		p, rows := rest[0], make([]any, 0, 2*some)
		for _, one := range rest[:some] {
			rows = append(rows, one.message, one.customer)
		}
		added, err := tx.InsertShared(`INSERT INTO contact_place (`+placeColumns+`)
			SELECT v.column1, v.column2, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12`, []any{p.account, p.purpose, p.kind, p.staff, p.state,
			db.Micro(p.at), int64(p.priority), db.Micro(p.notBefore), db.Micro(p.expires), db.Micro(p.asked), p.zone, p.reason}, 2, rows,
			`ON CONFLICT (message_id) DO UPDATE
			SET customer_id = excluded.customer_id, account_id = excluded.account_id,
			purpose = excluded.purpose, kind = excluded.kind, by_staff = excluded.by_staff, state = excluded.state, at = excluded.at,
			priority = excluded.priority, not_before = excluded.not_before, expires_at = excluded.expires_at,
			asked_at = excluded.asked_at, zone = excluded.zone, reason = excluded.reason
			WHERE contact_place.state = 'freed'`)
		if err != nil {
			return nil, fmt.Errorf("take places: %w", err)
		}
		n, rest = n+added, rest[some:]
	}
	kept := make(map[string]bool, len(places))
	for _, p := range places {
		kept[p.message] = true
		if int(n) == len(places) {
			continue
		}
		// An older one that her budget showed would have been the answer.
		is, err := placeOf(tx, p.message)
		if err != nil {
			return nil, err
		}
		kept[p.message] = is.customer == p.customer && is.asked.Equal(p.asked)
	}
	return kept, nil
}

// alike counts the first places that differ in nothing but whose they are: what a campaign
// says to many mostly does.
func alike(places []place) int {
	first := places[0]
	for i, p := range places[1:] {
		p.message, p.customer = first.message, first.customer
		if p != first {
			return i + 1
		}
	}
	return len(places)
}

func free(tx *db.Tx, messageID, reason string) error {
	if _, err := tx.Exec(`UPDATE contact_place SET state = 'freed', reason = $2 WHERE message_id = $1 AND state <> 'freed'`,
		messageID, reason); err != nil {
		return fmt.Errorf("free a place: %w", err)
	}
	return nil
}

func move(tx *db.Tx, messageID string, at time.Time) error {
	if _, err := tx.Exec(`UPDATE contact_place SET at = $2 WHERE message_id = $1 AND state = 'planned'`, messageID, db.Micro(at)); err != nil {
		return fmt.Errorf("move a place: %w", err)
	}
	return nil
}

func spend(tx *db.Tx, messageID string) error {
	if _, err := tx.Exec(`UPDATE contact_place SET state = 'spent', at = $2 WHERE message_id = $1`, messageID, db.Micro(tx.Now)); err != nil {
		return fmt.Errorf("spend a place: %w", err)
	}
	return nil
}

// Sent gives what was said to a person unasked since a time, the oldest first: what
// a block is held against.
func (r *Room) Sent(tx *db.Tx, customerID string, since time.Time) ([]Contact, error) {
	who, err := r.look(tx, customerID)
	if err != nil {
		return nil, err
	}
	places, err := placesOf(tx, who.records, tx.Now)
	if err != nil {
		return nil, err
	}
	var out []Contact
	for _, p := range places {
		if p.state == stateSpent && !p.at.Before(since) {
			out = append(out, p.contact())
		}
	}
	return out, nil
}
