package customer

import (
	"database/sql"
	"fmt"
	"time"

	"dingdong/internal/db"
	"dingdong/internal/staff"
)

const labelPromise = "promise.body"

// promiseAhead is how far ahead something can be promised.
const promiseAhead = 2 * 366 * 24 * time.Hour

// Promise is what an advisor told a customer she would do, and by when.
type Promise struct {
	ID         string
	CustomerID string // the record it belongs to
	CounterID  string
	AuthorID   string
	AuthorName string // "" for a program
	Body       string
	Due        time.Time
	At         time.Time
	DoneAt     time.Time // zero: not kept yet
	EndedAt    time.Time // when it was dropped
}

// PromiseForm is a new promise.
type PromiseForm struct {
	CustomerID, CounterID, Body string
	Due                         time.Time
}

// AddPromise writes down what the viewer promised a customer.
func (b *Book) AddPromise(tx *db.Tx, v staff.Viewer, f PromiseForm) (Promise, error) {
	if err := dueField(tx, f.Due); err != nil {
		return Promise{}, err
	}
	sealed, err := b.write(tx, v, script{f.CustomerID, f.CounterID, labelPromise, f.Body, MaxPromise})
	if err != nil {
		return Promise{}, err
	}
	id := tx.NewID("prm")
	if _, err := tx.Exec(`INSERT INTO promise (id, customer_id, counter_id, author_id, body, due_at, at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		id, f.CustomerID, f.CounterID, v.ID, sealed, db.Micro(f.Due), db.Micro(tx.Now)); err != nil {
		return Promise{}, fmt.Errorf("add promise: %w", err)
	}
	if err := b.tell(tx, news{f.CustomerID, f.CounterID, v.ID, "promise"}); err != nil {
		return Promise{}, err
	}
	return b.PromiseByID(tx, v, id)
}

// dueField lets a promise be due earlier on the day, and within two years.
func dueField(tx *db.Tx, due time.Time) error {
	switch {
	case due.IsZero():
		return db.Invalid{Field: "due", Code: "required"}
	case due.Before(tx.Now.Add(-24 * time.Hour)), due.After(tx.Now.Add(promiseAhead)):
		return db.Invalid{Field: "due", Code: "unknown"}
	}
	return nil
}

// KeepPromise says that a promise was kept.
func (b *Book) KeepPromise(tx *db.Tx, v staff.Viewer, id string) error {
	return b.endPromise(tx, v, id, "done_at")
}

// DropPromise says that a promise need not be kept.
func (b *Book) DropPromise(tx *db.Tx, v staff.Viewer, id string) error {
	return b.endPromise(tx, v, id, "ended_at")
}

func (b *Book) endPromise(tx *db.Tx, v staff.Viewer, id, column string) error {
	w, err := b.writtenFor(tx, v, "promise", id)
	if err != nil {
		return err
	}
	n, err := tx.Exec(`UPDATE promise SET `+column+` = $2 WHERE id = $1 AND done_at IS NULL AND ended_at IS NULL`, id, db.Micro(tx.Now))
	if err != nil {
		return fmt.Errorf("end promise: %w", err)
	}
	if n == 0 { // kept or dropped before
		return nil
	}
	return b.tell(tx, news{w.customerID, w.counterID, v.ID, "promise"})
}

// PutOffPromise gives an open promise another time.
func (b *Book) PutOffPromise(tx *db.Tx, v staff.Viewer, id string, due time.Time) error {
	if err := dueField(tx, due); err != nil {
		return err
	}
	w, err := b.writtenFor(tx, v, "promise", id)
	if err != nil {
		return err
	}
	n, err := tx.Exec(`UPDATE promise SET due_at = $2 WHERE id = $1 AND done_at IS NULL AND ended_at IS NULL`, id, db.Micro(due))
	if err != nil {
		return fmt.Errorf("put off promise: %w", err)
	}
	if n == 0 {
		return db.ErrConflict
	}
	return b.tell(tx, news{w.customerID, w.counterID, v.ID, "promise"})
}

const promiseColumns = `x.id, x.customer_id, x.counter_id, x.author_id, COALESCE(s.name, ''), x.body, x.due_at, x.at, x.done_at, x.ended_at`

const promiseFrom = ` FROM promise x LEFT JOIN staff s ON s.id = x.author_id WHERE `

// PromiseByID returns one promise that the viewer may see.
func (b *Book) PromiseByID(tx *db.Tx, v staff.Viewer, id string) (Promise, error) {
	rows, err := tx.Query(`SELECT `+promiseColumns+promiseFrom+`x.id = $1`, db.CleanText(id))
	promises, err := b.openPromises(tx, rows, err)
	if err != nil {
		return Promise{}, err
	}
	if len(promises) == 0 || !v.Sees(promises[0].CounterID) {
		return Promise{}, db.ErrNotFound
	}
	return promises[0], nil
}

// Promises returns what a person was promised at counters the viewer sees, the
// newest first; kept and dropped ones too.
func (b *Book) Promises(tx *db.Tx, v staff.Viewer, p Page) ([]Promise, error) {
	if len(p.Records) == 0 {
		return nil, nil
	}
	where, args := p.where()
	counters, args := counterCondition(v, args)
	rows, err := tx.Query(`SELECT `+promiseColumns+promiseFrom+where+counters+p.tail(), args...)
	return b.openPromises(tx, rows, err)
}

// PromisesDue returns what the viewer herself promised and is due before a time,
// the most urgent first, at most 500.
func (b *Book) PromisesDue(tx *db.Tx, v staff.Viewer, before time.Time) ([]Promise, error) {
	counters, args := counterCondition(v, []any{v.ID, db.Micro(before)})
	rows, err := tx.Query(`SELECT `+promiseColumns+promiseFrom+`x.author_id = $1 AND x.due_at < $2 AND x.done_at IS NULL AND x.ended_at IS NULL`+
		counters+` ORDER BY x.due_at, x.id LIMIT 500`, args...)
	return b.openPromises(tx, rows, err)
}

func (b *Book) openPromises(tx *db.Tx, rows *sql.Rows, err error) ([]Promise, error) {
	type sealedPromise struct {
		Promise
		body []byte
	}
	found, err := db.Collect(rows, err, func(r *sql.Rows) (p sealedPromise, err error) {
		var due, at int64
		var done, ended sql.NullInt64
		err = r.Scan(&p.ID, &p.CustomerID, &p.CounterID, &p.AuthorID, &p.AuthorName, &p.body, &due, &at, &done, &ended)
		p.Due, p.At, p.DoneAt, p.EndedAt = db.Time(due), db.Time(at), moment(done), moment(ended)
		return p, err
	})
	if err != nil {
		return nil, fmt.Errorf("promises: %w", err)
	}
	out := make([]Promise, 0, len(found))
	for _, p := range found {
		if p.Body, err = b.openText(tx, p.CustomerID, labelPromise, p.body); err != nil {
			return nil, err
		}
		out = append(out, p.Promise)
	}
	return out, nil
}
