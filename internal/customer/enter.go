package customer

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"dingdong/internal/channel"
	"dingdong/internal/db"
)

// Entry is somebody who is known before she was met on any account: a member of
// the group's own system.
type Entry struct {
	Name      string // what the counter calls her; may be empty
	CounterID string // who sees this counter sees her; "": nobody at a counter does until she writes
}

// Enter makes a record for a person without an identity, with a key of her own.
// The caller has checked who may, and that the counter exists.
func (b *Book) Enter(tx *db.Tx, e Entry) (string, error) {
	name := strings.TrimSpace(db.CleanText(e.Name))
	if utf8.RuneCountInString(name) > MaxName {
		return "", db.Invalid{Field: "name", Code: "too_long"}
	}
	id := tx.NewID("cus")
	if err := b.Vault.NewKey(tx, id); err != nil {
		return "", fmt.Errorf("key for a new customer: %w", err)
	}
	if _, err := tx.Exec(`INSERT INTO customer (id, kind, counter_id, created_at) VALUES ($1, $2, $3, $4)`,
		id, string(channel.Person), e.CounterID, db.Micro(tx.Now)); err != nil {
		return "", fmt.Errorf("enter customer: %w", err)
	}
	if name == "" {
		return id, nil
	}
	return id, b.Rename(tx, id, name)
}

// HomeCounters returns the counters in whose view some records are without a
// thread, in the order of their ids.
func (b *Book) HomeCounters(tx *db.Tx, records []string) ([]string, error) {
	if len(records) == 0 {
		return nil, nil
	}
	marks, args := db.In(records, 1)
	ids, err := texts(tx, `SELECT DISTINCT counter_id FROM customer WHERE counter_id <> '' AND id IN (`+marks+`) ORDER BY counter_id`, args...)
	if err != nil {
		return nil, fmt.Errorf("counters of records: %w", err)
	}
	return ids, nil
}

// AtHome returns persons with a record in the view of one of some counters, the
// newest first, at most limit.
func (b *Book) AtHome(tx *db.Tx, counters []string, limit int) ([]string, error) {
	where, args := within("c.counter_id", counters, nil)
	ids, err := texts(tx, `SELECT DISTINCT `+personOf+` FROM customer c WHERE c.counter_id <> ''`+where+
		` ORDER BY 1 DESC LIMIT `+strconv.Itoa(limit), args...)
	if err != nil {
		return nil, fmt.Errorf("who is at home at counters: %w", err)
	}
	return ids, nil
}

// AtHomeAmong is AtHome for some persons, at most a few hundred.
func (b *Book) AtHomeAmong(tx *db.Tx, counters, persons []string) ([]string, error) {
	records, err := b.wholePersons(tx, persons)
	if err != nil || len(records) == 0 {
		return nil, err
	}
	who, args := db.In(records, 1)
	// The planner must start at the persons, not at everybody of the counters: hence the ||.
	at, args := within("(c.counter_id || '')", counters, args)
	ids, err := texts(tx, `SELECT DISTINCT `+personOf+` FROM customer c WHERE c.id IN (`+who+`)`+at, args...)
	if err != nil {
		return nil, fmt.Errorf("who is at home at counters: %w", err)
	}
	return ids, nil
}

// VerifiedBy returns the records for which a number or an address is proved, the
// oldest first. Only such a one tells who somebody is.
func (b *Book) VerifiedBy(tx *db.Tx, c Contact) ([]string, error) {
	hash, err := b.ContactHash(c.Kind, c.Value, c.Region)
	if err != nil {
		return nil, err
	}
	return b.withContact(tx, `verified AND kind = $1 AND hash = $2`, string(c.Kind), hash)
}
