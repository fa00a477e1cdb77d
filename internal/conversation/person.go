package conversation

import (
	"cmp"
	"database/sql"
	"fmt"
	"slices"

	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// Visible returns the person whose card shows a customer, if the viewer may see
// it: she sees a counter where the person has a thread, as long as the relation lasts
// (see narrow.go), or one that was named when a record was entered. Who sees every
// counter also sees people who have neither, such as imported ones.
// Everybody else is not found: guessing ids tells nothing.
func (d *Desk) Visible(tx *db.Tx, v staff.Viewer, customerID string) (string, error) {
	person, err := d.Book.Person(tx, customerID)
	if err != nil {
		return "", err
	}
	if ok, err := d.personIsHers(tx, v, person); err != nil || !ok {
		return "", cmp.Or(err, db.ErrNotFound)
	}
	return person, nil
}

// CountersOf returns the counters with which any record of a person has a
// thread, or in whose view it was entered, in the order of their ids.
func (d *Desk) CountersOf(tx *db.Tx, personID string) ([]string, error) {
	records, err := d.Book.Records(tx, personID)
	if err != nil {
		return nil, err
	}
	marks, args := db.In(records, 1)
	rows, err := tx.Query(`SELECT DISTINCT counter_id FROM thread WHERE customer_id IN (`+marks+`) ORDER BY counter_id`, args...)
	counters, err := db.Collect(rows, err, func(r *sql.Rows) (id string, err error) { return id, r.Scan(&id) })
	if err != nil {
		return nil, fmt.Errorf("counters of a person: %w", err)
	}
	home, err := d.Book.HomeCounters(tx, records)
	if err != nil || len(home) == 0 {
		return counters, err
	}
	counters = append(counters, home...)
	slices.Sort(counters)
	return slices.Compact(counters), nil
}

// VisibleRow is Visible for a row of a card: an attribute, a tag, a note, a wish
// or a promise, by its id.
func (d *Desk) VisibleRow(tx *db.Tx, v staff.Viewer, rowID string) (string, error) {
	customerID, err := d.Book.Whose(tx, rowID)
	if err != nil {
		return "", err
	}
	return d.Visible(tx, v, customerID)
}
