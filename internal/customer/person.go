package customer

import (
	"database/sql"
	"fmt"
	"slices"

	"dingdong/internal/db"
)

// A person is one record of the register or several that were proved to be one.
// The others point to the one whose card shows them; rows keep the record they
// came from, under whose key they are sealed, so that a merge can be taken back.

// Person returns the id whose card shows a customer: her own unless she was
// merged into another record.
func (b *Book) Person(tx *db.Tx, customerID string) (string, error) {
	return db.Once(tx, personOnce(customerID), func() (string, error) { return readPerson(tx, customerID) })
}

// What a page asks for from several sides is read once.
type (
	personOnce     string
	recordsOnce    string
	identitiesOnce string
	defsOnce       struct{}
)

func readPerson(tx *db.Tx, customerID string) (string, error) {
	var person string
	err := tx.QueryRow(`SELECT person_id FROM customer WHERE id = $1`, customerID).Scan(&person)
	if err != nil {
		return "", fmt.Errorf("person: %w", db.NotFound(err))
	}
	if person == "" {
		return customerID, nil
	}
	return person, nil
}

// Records returns the ids of everything that is known as one person: herself
// first, then what was merged into her, the oldest first.
func (b *Book) Records(tx *db.Tx, personID string) ([]string, error) {
	records, err := db.Once(tx, recordsOnce(personID), func() ([]string, error) { return readRecords(tx, personID) })
	return slices.Clone(records), err
}

func readRecords(tx *db.Tx, personID string) ([]string, error) {
	rows, err := tx.Query(`SELECT id FROM customer WHERE person_id = $1 AND person_id <> '' AND id <> $1 ORDER BY id`, personID)
	others, err := db.Collect(rows, err, func(r *sql.Rows) (id string, err error) { return id, r.Scan(&id) })
	if err != nil {
		return nil, fmt.Errorf("records of a person: %w", err)
	}
	return append([]string{personID}, others...), nil
}

// wholePersons lists all records of everybody whom some customers are, one
// person after another.
func (b *Book) wholePersons(tx *db.Tx, customerIDs []string) ([]string, error) {
	if len(customerIDs) == 0 {
		return nil, nil
	}
	marks, args := db.In(customerIDs, 1)
	persons, err := texts(tx, `SELECT DISTINCT `+personOf+` FROM customer c WHERE c.id IN (`+marks+`)`, args...)
	if err != nil || len(persons) == 0 {
		return nil, err
	}
	marks, args = db.In(persons, 1)
	others, err := texts(tx, `SELECT id FROM customer WHERE person_id <> '' AND person_id IN (`+marks+`) ORDER BY person_id, id`, args...)
	if err != nil {
		return nil, fmt.Errorf("records of persons: %w", err)
	}
	return append(persons, others...), nil
}
