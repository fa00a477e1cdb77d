package conversation

import (
	"dingdong/internal/audit"
	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/event"
	"dingdong/internal/staff"
)

// NewCustomer is somebody whom another system knows and no channel has met.
type NewCustomer struct {
	Name      string
	CounterID string // who sees this counter sees her at once; "": programs only, until she writes
	Contacts  []customer.Contact
}

// Entered is what became of a NewCustomer.
type Entered struct {
	CustomerID string // the record
	New        bool   // false: a verified number was somebody's already, and this is who
}

// EnterCustomer makes a customer without a channel. Whom a verified number proves
// to be known already is not made twice: she gets the other contacts. Whoever had herself erased is refused: no program brings her
// back.
func (d *Desk) EnterCustomer(tx *db.Tx, v staff.Viewer, n NewCustomer) (Entered, error) {
	if !v.SeesAll() || !v.May(staff.KeepCards) { // a person would not see whom she made
		return Entered{}, staff.ErrForbidden
	}
	if n.CounterID != "" {
		if err := seesCounter(tx, v, n.CounterID); err != nil {
			return Entered{}, err
		}
	}
	if err := customer.LockMerges(tx); err != nil { // two programs may bring her in at once
		return Entered{}, err
	}
	out := Entered{}
	for _, c := range n.Contacts {
		if !c.Verified || c.Kind == customer.Email || out.CustomerID != "" { // a household may share an address
			continue
		}
		records, err := d.Book.VerifiedBy(tx, c)
		if err != nil {
			return out, err
		}
		if len(records) > 0 {
			out.CustomerID = records[0]
		}
	}
	if out.CustomerID == "" {
		if err := d.Book.RefuseErased(tx, n.Contacts); err != nil {
			return out, err
		}
		id, err := d.Book.Enter(tx, customer.Entry{Name: n.Name, CounterID: n.CounterID})
		if err != nil {
			return out, err
		}
		out = Entered{CustomerID: id, New: true}
		audit.Record(tx, audit.Entry{Actor: v.ID, Action: "customer.entered", Customer: id, Object: n.CounterID})
		event.Append(tx, event.Event{Kind: event.CustomerChanged, Customer: id, Counter: n.CounterID, By: v.ID, Data: map[string]string{"what": "new"}})
	}
	for _, c := range n.Contacts {
		if _, err := d.AddContact(tx, v, out.CustomerID, c); err != nil {
			return out, err
		}
	}
	return out, nil
}
