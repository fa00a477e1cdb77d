package handover

import (
	"fmt"

	"dingdong/internal/audit"
	"dingdong/internal/conversation"
	"dingdong/internal/db"
	"dingdong/internal/event"
	"dingdong/internal/staff"
)

// Nobody says that no customer could answer: none was ever handed over.
func (r *Room) Nobody(tx *db.Tx) (bool, error) {
	var n int
	err := tx.QueryRow(`SELECT COUNT(*) FROM (SELECT 1 AS one FROM handover WHERE state <> 'draft' LIMIT 1) h`).Scan(&n)
	if err != nil {
		return false, fmt.Errorf("who was handed over: %w", err)
	}
	return n == 0, nil
}

// React hears what customers say to their new advisors, by a tap or by choosing another.
func (r *Room) React(tx *db.Tx, e event.Event) error {
	if e.By != "customer" || e.Customer == "" {
		return nil
	}
	switch e.Data["what"] {
	case "handover":
		return r.answered(tx, e)
	case "binding":
		return r.chose(tx, e)
	}
	return nil
}

// answered keeps what she tapped. A button of somebody else's message says nothing.
func (r *Room) answered(tx *db.Tx, e event.Event) error {
	var customerID, handoverID string
	err := db.NotFound(tx.QueryRow(`SELECT customer_id, handover_id FROM handover_item WHERE id = $1`, e.Data["item"]).Scan(&customerID, &handoverID))
	if err == db.ErrNotFound || customerID == "" {
		return nil
	}
	if err != nil {
		return fmt.Errorf("her answer: %w", err)
	}
	same, err := r.samePerson(tx, customerID, e.Customer)
	if err != nil || !same {
		return err
	}
	answer := e.Data["answer"]
	keep := `answer IN ('', 'other', 'fine')` // what she chose or refused is not taken back by another tap
	if answer == conversation.HandoverStop {
		keep = `answer <> 'stop'`
	}
	n, err := tx.Exec(`UPDATE handover_item SET answer = $2, answered_at = $3 WHERE id = $1 AND `+keep, e.Data["item"], answer, db.Micro(tx.Now))
	if err != nil {
		return fmt.Errorf("her answer: %w", err)
	}
	if n == 0 || answer != conversation.HandoverStop {
		return nil
	}
	// Everything was stopped with her tap: to stop it here again might undo what she said since.
	audit.Record(tx, audit.Entry{Actor: "customer", Action: "handover.stop", Customer: customerID, Object: handoverID})
	return nil
}

func (r *Room) samePerson(tx *db.Tx, a, b string) (bool, error) {
	one, err := r.Desk.Book.Person(tx, a)
	if err != nil {
		return false, err
	}
	other, err := r.Desk.Book.Person(tx, b)
	return one == other, err
}

// chose notes whom she wants instead, in whatever way she chose.
func (r *Room) chose(tx *db.Tx, e event.Event) error {
	person, err := r.Desk.Book.Person(tx, e.Customer)
	if err != nil {
		return err
	}
	records, err := r.Desk.Book.Records(tx, person)
	if err != nil {
		return err
	}
	own, err := r.ownAdvisor(tx, person, e.Counter)
	if err != nil {
		return err
	}
	marks, args := db.In(records, 4)
	if _, err := tx.Exec(`UPDATE handover_item SET answer = CASE WHEN answer = 'stop' THEN 'stop' ELSE 'chose' END, chosen_id = $2, answered_at = $3
		WHERE counter_id = $1 AND customer_id IN (`+marks+`) AND state = 'moved'
			AND handover_id IN (SELECT id FROM handover WHERE closed_at IS NULL OR kind = 'leaves')`,
		append([]any{e.Counter, own, db.Micro(tx.Now)}, args...)...); err != nil {
		return fmt.Errorf("whom she chose: %w", err)
	}
	return r.needNotHear(tx, e.Counter, records)
}

// needNotHear takes back the news that has not gone yet of who takes over: she has chosen
// since, or was handed on, and it would not be true any more.
func (r *Room) needNotHear(tx *db.Tx, counterID string, records []string) error {
	marks, args := db.In(records, 2)
	rows, err := tx.Query(`SELECT i.message_id FROM handover_item i JOIN message m ON m.id = i.message_id
		WHERE i.counter_id = $1 AND i.customer_id IN (`+marks+`) AND i.state = 'moved' AND i.message_id <> '' AND m.status = 'planned'`,
		append([]any{counterID}, args...)...)
	ids, err := texts(rows, err)
	if err != nil {
		return fmt.Errorf("news that has not gone: %w", err)
	}
	for _, id := range ids {
		if _, err := r.Desk.CancelPlanned(tx, staff.System(), id); err != nil {
			return err
		}
	}
	return nil
}
