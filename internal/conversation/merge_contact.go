package conversation

import (
	"context"
	"errors"
	"slices"

	"dingdong/internal/audit"
	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/job"
	"dingdong/internal/staff"
)

// AddContact gives a customer's card a number or an address that somebody at the
// counter typed, or a program sent. What a person typed proves nothing, so it is
// not verified; a verified one makes her one with whoever has it verified too.
func (d *Desk) AddContact(tx *db.Tx, v staff.Viewer, customerID string, c customer.Contact) (customer.Contact, error) {
	person, err := d.writablePerson(tx, v, customerID)
	if err != nil {
		return c, err
	}
	if !v.SeesAll() { // a person, and no program
		c.Verified = false
	}
	c.By = v.ID
	if c, err = d.Book.AddContact(tx, customerID, c); err != nil {
		return c, err
	}
	audit.Record(tx, audit.Entry{Actor: v.ID, Action: "customer.contact_added", Customer: customerID, Object: c.ID, Detail: string(c.Kind)})
	if c.Verified {
		if person, err = d.MergeProved(tx, customerID); err != nil {
			return c, err
		}
	}
	return c, d.customerNews(tx, person, v.ID)
}

// EndContact takes a number or an address off a card.
func (d *Desk) EndContact(tx *db.Tx, v staff.Viewer, contactID string) error {
	c, err := d.Book.ContactByID(tx, contactID)
	if err != nil {
		return err
	}
	if _, err := d.writablePerson(tx, v, c.CustomerID); err != nil {
		return err
	}
	audit.Record(tx, audit.Entry{Actor: v.ID, Action: "customer.contact_ended", Customer: c.CustomerID, Object: c.ID, Detail: string(c.Kind)})
	if err := d.Book.EndContact(tx, contactID); err != nil {
		return err
	}
	return d.customerNews(tx, c.CustomerID, v.ID)
}

// Contacts lists a person's numbers and addresses, masked.
func (d *Desk) Contacts(tx *db.Tx, v staff.Viewer, customerID string) ([]customer.Contact, error) {
	person, err := d.Visible(tx, v, customerID)
	if err != nil {
		return nil, err
	}
	records, err := d.Book.Records(tx, person)
	if err != nil {
		return nil, err
	}
	return d.Book.Contacts(tx, records)
}

// ContactReasons are why somebody may read a whole number. They are codes: the
// audit outlives an erasure and holds nobody's words.
func ContactReasons() []string { return []string{"call", "delivery", "verify", "complaint", "other"} }

// ShowContact opens a number or an address in full for somebody who says why, and
// puts that on record.
func (d *Desk) ShowContact(tx *db.Tx, v staff.Viewer, contactID, reason string) (customer.Contact, error) {
	c, err := d.Book.ContactByID(tx, contactID)
	if err != nil {
		return customer.Contact{}, err
	}
	if _, err := d.Visible(tx, v, c.CustomerID); err != nil {
		return customer.Contact{}, err
	}
	if !slices.Contains(ContactReasons(), reason) {
		return customer.Contact{}, db.Invalid{Field: "reason", Code: "unknown"}
	}
	audit.Record(tx, audit.Entry{Actor: v.ID, Action: "customer.contact", Customer: c.CustomerID, Object: c.ID, Detail: reason})
	return c, nil
}

// MergeLater is the job handler behind MergeProved.
func (d *Desk) MergeLater(_ context.Context, j job.Job) (job.Outcome, error) {
	var args mergeArgs
	if err := j.Decode(&args); err != nil {
		return nil, job.Fatal(err)
	}
	return func(tx *db.Tx) error {
		_, busy, err := d.mergeProved(tx, args.Customer)
		if errors.Is(err, db.ErrNotFound) { // she was erased
			return nil
		}
		if busy {
			job.KeepOpen(tx, tx.Now.Add(mergeAgain))
		}
		return err
	}, nil
}
