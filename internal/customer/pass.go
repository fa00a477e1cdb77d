package customer

import (
	"database/sql"
	"fmt"

	"dingdong/internal/db"
)

// Passing hands what somebody has of a person at a counter on to a colleague.
type Passing struct {
	Records   []string // of the person
	CounterID string
	From, To  string // To empty: nobody in particular
	By        string // what caused it: "handover/<id>"
}

// Passed is a binding that was handed on. New empty: nobody has her now.
type Passed struct{ Old, New string }

// PassBindings gives every record that From has at a counter to the one who takes over.
// What held before is ended and stays history.
func (b *Book) PassBindings(tx *db.Tx, p Passing) ([]Passed, error) {
	marks, args := db.In(p.Records, 5)
	rows, err := tx.Query(`UPDATE binding SET ended_at = $3, ended_by = $4 WHERE counter_id = $1 AND advisor_id = $2 AND ended_at IS NULL
		AND customer_id IN (`+marks+`) RETURNING id, customer_id`, append([]any{p.CounterID, p.From, db.Micro(tx.Now), p.By}, args...)...)
	ended, err := db.Collect(rows, err, func(r *sql.Rows) (e [2]string, err error) { return e, r.Scan(&e[0], &e[1]) })
	if err != nil {
		return nil, fmt.Errorf("pass bindings: %w", err)
	}
	var out []Passed
	for _, e := range ended {
		next := Passed{Old: e[0]}
		if p.To != "" {
			if next.New, err = b.rebind(tx, e[1], p); err != nil {
				return nil, err
			}
		}
		boundNews(tx, Binding{CustomerID: e[1], CounterID: p.CounterID}, p.By)
		out = append(out, next)
	}
	return out, nil
}

func (b *Book) rebind(tx *db.Tx, customerID string, p Passing) (string, error) {
	id := tx.NewID("bnd")
	added, err := tx.Exec(`INSERT INTO binding (id, customer_id, counter_id, advisor_id, how, by, at) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT DO NOTHING`, id, customerID, p.CounterID, p.To, string(HowHandover), p.By, db.Micro(tx.Now))
	if err != nil {
		return "", fmt.Errorf("bind anew: %w", err)
	}
	if added == 0 { // she chose somebody at this moment: that holds
		return "", nil
	}
	return id, nil
}

// ReturnBinding gives back what PassBindings had handed on: the binding New, if it still
// holds, or Old, if nobody has her since. It tells whether it did.
func (b *Book) ReturnBinding(tx *db.Tx, was Passed, p Passing) (bool, error) {
	var customerID string
	var err error
	if was.New != "" {
		rows, queryErr := tx.Query(`UPDATE binding SET ended_at = $2, ended_by = $3 WHERE id = $1 AND ended_at IS NULL RETURNING customer_id`,
			was.New, db.Micro(tx.Now), p.By)
		ended, collectErr := db.Collect(rows, queryErr, func(r *sql.Rows) (id string, err error) { return id, r.Scan(&id) })
		if collectErr != nil || len(ended) == 0 {
			return false, collectErr
		}
		customerID = ended[0]
	} else if err = tx.QueryRow(`SELECT customer_id FROM binding WHERE id = $1`, was.Old).Scan(&customerID); err != nil {
		return false, fmt.Errorf("return binding: %w", db.NotFound(err))
	}
	p.From, p.To = p.To, p.From
	id, err := b.rebind(tx, customerID, p)
	if err != nil || id == "" {
		return false, err
	}
	boundNews(tx, Binding{CustomerID: customerID, CounterID: p.CounterID}, p.By)
	return true, nil
}

// PassPromises lets another colleague keep what From promised a person and has not kept
// yet, and tells which promises moved. Only empty: all of them.
func (b *Book) PassPromises(tx *db.Tx, p Passing, only []string) ([]string, error) {
	marks, args := db.In(p.Records, 4)
	where := ``
	if len(only) > 0 {
		ids, more := db.In(only, 4+len(args))
		where, args = ` AND id IN (`+ids+`)`, append(args, more...)
	}
	rows, err := tx.Query(`UPDATE promise SET author_id = $3 WHERE counter_id = $1 AND author_id = $2 AND done_at IS NULL AND ended_at IS NULL
		AND customer_id IN (`+marks+`)`+where+` RETURNING id, customer_id`, append([]any{p.CounterID, p.From, p.To}, args...)...)
	moved, err := db.Collect(rows, err, func(r *sql.Rows) (m [2]string, err error) { return m, r.Scan(&m[0], &m[1]) })
	if err != nil {
		return nil, fmt.Errorf("pass promises: %w", err)
	}
	var ids []string
	for _, m := range moved {
		ids = append(ids, m[0])
		if err := b.tell(tx, news{m[1], p.CounterID, p.By, "promise"}); err != nil {
			return nil, err
		}
	}
	return ids, nil
}
