package conversation

import (
	"database/sql"
	"errors"
	"fmt"

	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// Belonging says whose customer somebody is at a counter, whether she ever wrote
// there or not. AdvisorID empty: nobody's.
type Belonging struct {
	CustomerID, CounterID, AdvisorID string
}

// SetAdvisor lets somebody who keeps cards enter whose customer a person is at a
// counter. The thread she has there goes along.
func (d *Desk) SetAdvisor(tx *db.Tx, v staff.Viewer, b Belonging) error {
	person, err := d.writablePerson(tx, v, b.CustomerID)
	if err != nil {
		return err
	}
	if err := seesCounter(tx, v, b.CounterID); err != nil {
		return err
	}
	o := owning{person: person, counterID: b.CounterID, advisorID: b.AdvisorID}
	err = tx.QueryRow(`SELECT id FROM thread WHERE customer_id = $1 AND counter_id = $2 AND kind = 'person' AND folded_id = ''`,
		person, b.CounterID).Scan(&o.threadID)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("set advisor: %w", err)
	}
	return d.giveAdvisor(tx, v, o)
}

// seesCounter refuses a counter that is not there, or not the viewer's.
func seesCounter(tx *db.Tx, v staff.Viewer, counterID string) error {
	if !v.Sees(counterID) {
		return db.Invalid{Field: "counter", Code: "unknown"}
	}
	_, err := staff.GetCounter(tx, db.CleanText(counterID)) // who sees all also sees what is not there
	if errors.Is(err, db.ErrNotFound) {
		return db.Invalid{Field: "counter", Code: "unknown"}
	}
	return err
}

// owning is a person at a counter, with the advisor she shall have and the thread
// she has there; advisorID and threadID may be empty.
type owning struct{ person, counterID, advisorID, threadID string }

func (d *Desk) giveAdvisor(tx *db.Tx, v staff.Viewer, o owning) error {
	if o.advisorID == "" {
		if _, err := d.Book.Unbind(tx, customer.Unbinding{CustomerID: o.person, CounterID: o.counterID, By: v.ID}); err != nil {
			return err
		}
		auditBinding(tx, v.ID, o.person, o.counterID)
		if o.threadID == "" {
			return nil
		}
		return d.uncover(tx, o.threadID)
	}
	ok, err := staff.AnswersAt(tx, o.advisorID, o.counterID)
	if err != nil {
		return err
	}
	if !ok {
		return db.Invalid{Field: "advisor", Code: "not_at_counter"}
	}
	if _, err := d.Book.Bind(tx, customer.Binding{CustomerID: o.person, CounterID: o.counterID, AdvisorID: o.advisorID,
		How: customer.HowStaff, By: v.ID}); err != nil {
		return err
	}
	auditBinding(tx, v.ID, o.person, o.counterID)
	if o.threadID == "" {
		return nil
	}
	return d.bring(tx, o.threadID)
}
