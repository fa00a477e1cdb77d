package conversation

import (
	"slices"

	"dingdong/internal/audit"
	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// Rename sets what the counter calls the customer of a thread; an empty name
// goes back to the platform's.
func (d *Desk) Rename(tx *db.Tx, v staff.Viewer, threadID, name string) error {
	t, err := d.writable(tx, v, threadID)
	if err != nil {
		return err
	}
	if err := d.Book.Rename(tx, t.CustomerID, name); err != nil {
		return err
	}
	audit.Record(tx, audit.Entry{Actor: v.ID, Action: "customer.rename", Customer: t.CustomerID, Object: t.ID})
	return d.customerNews(tx, t.CustomerID, v.ID)
}

// namesSeen lists what some records of a person are called, as far as a viewer may read
// it: what her card is headed with, and what the platforms call her on accounts of the
// counters that the viewer sees. How another brand's customers know her is theirs.
func (d *Desk) namesSeen(tx *db.Tx, v staff.Viewer, records []string) ([]string, error) {
	if v.SeesAll() {
		return d.Book.NamesOf(tx, records)
	}
	var names []string
	for i, record := range records {
		c, err := d.Book.Get(tx, record)
		if err != nil {
			return nil, err
		}
		identities, err := d.IdentitiesSeen(tx, v, record)
		if err != nil {
			return nil, err
		}
		if c.Name != "" && (i == 0 || len(identities) > 0) { // the first is the person
			names = append(names, c.Name)
		}
		for _, x := range identities {
			if x.Name != "" {
				names = append(names, x.Name)
			}
		}
	}
	return names, nil
}

// goesBy tells whether any name of a person matches that a viewer may know.
func (d *Desk) goesBy(tx *db.Tx, v staff.Viewer, personID, query string) (bool, error) {
	records, err := d.Book.Records(tx, personID)
	if err != nil {
		return false, err
	}
	names, err := d.namesSeen(tx, v, records)
	return slices.ContainsFunc(names, func(name string) bool { return customer.Matches(name, query) }), err
}

// IdentitiesSeen lists where a record can be met, on accounts that come to a counter the
// viewer sees. Whether she sees the customer is the caller's to check.
func (d *Desk) IdentitiesSeen(tx *db.Tx, v staff.Viewer, record string) ([]customer.Identity, error) {
	all, err := d.Book.Identities(tx, record)
	if err != nil || v.SeesAll() {
		return all, err
	}
	var out []customer.Identity
	for _, i := range all {
		a, err := d.AccountByID(tx, i.AccountID)
		if err != nil {
			return nil, err
		}
		if a.SeenBy(v) {
			out = append(out, i)
		}
	}
	return out, nil
}

// SeenBy says whether an account comes to a counter that a viewer sees.
func (a Account) SeenBy(v staff.Viewer) bool {
	return v.Sees(a.CounterID) || slices.ContainsFunc(a.Counters, v.Sees)
}
