package conversation

import (
	"dingdong/internal/audit"
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
