package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Tx is one caller's part of a transaction. It is used by one goroutine and
// not after its function has returned. Rows must be closed before the next
// statement: PostgreSQL could not do otherwise, so SQLite may not either.
type Tx struct {
	Now time.Time       // frozen for the whole transaction
	Ctx context.Context // the caller's

	db       *DB
	s        *session
	group    *group // nil when read only
	readOnly bool
	glance   bool        // no statement is ended while it runs
	once     map[any]any // what Once has read
	flushing *Batch      // set while a batch is flushed

	open  *sql.Rows
	wrote bool
	dead  error // the transaction is gone: nothing more may run in it

	rows  []deferred
	hooks []func()
}

var errOpenRows = errors.New("db: close the rows of the last query before the next statement")

// NewID makes "msg_..." from "msg": ordered by time, strictly increasing
// within a process.
func (tx *Tx) NewID(prefix string) string { return tx.db.ids.next(prefix, tx.Now) }

// DB is the database this transaction belongs to.
func (tx *Tx) DB() *DB { return tx.db }

// Exec runs a statement that returns no rows.
func (tx *Tx) Exec(q string, args ...any) (int64, error) {
	if err := tx.ready(q, args); err != nil {
		return 0, err
	}
	res, err := tx.s.exec(tx.driverContext(), q, args)
	if err != nil {
		return 0, tx.failed(q, err)
	}
	return res.RowsAffected()
}

// Query runs a statement that returns rows; see Collect.
func (tx *Tx) Query(q string, args ...any) (*sql.Rows, error) {
	if err := tx.ready(q, args); err != nil {
		return nil, err
	}
	rows, err := tx.s.query(tx.driverContext(), q, args)
	if err != nil {
		return nil, tx.failed(q, err)
	}
	tx.open = rows
	return rows, nil
}

// QueryRow runs a statement that returns at most one row; pass what Scan
// returns through NotFound.
func (tx *Tx) QueryRow(q string, args ...any) *sql.Row {
	if err := tx.ready(q, args); err != nil {
		return refusedRow(err)
	}
	row := tx.s.queryRow(tx.driverContext(), q, args)
	if err := row.Err(); err != nil {
		_ = tx.failed(q, err)
	}
	return row
}

// AfterCommit runs fn once the group is durable. It must be quick and must
// not block: the next group waits for it.
func (tx *Tx) AfterCommit(fn func()) {
	if tx.readOnly {
		panic("db: AfterCommit in a Read")
	}
	tx.hooks = append(tx.hooks, fn)
}

// ready is what is checked before every statement.
func (tx *Tx) ready(q string, args []any) error {
	if tx.dead != nil {
		return tx.dead
	}
	if tx.open != nil {
		// Columns is the one thing that closed rows refuse and open ones give for nothing.
		if _, err := tx.open.Columns(); err == nil {
			return errOpenRows
		}
		tx.open = nil
	}
	for _, a := range args {
		if err := checkText(a); err != nil {
			return fmt.Errorf("%w in %s", err, shorten(q))
		}
	}
	if !tx.wrote && !isSelect(q) {
		tx.wrote = true
	}
	if tx.readOnly && tx.Ctx.Err() != nil {
		return tx.Ctx.Err()
	}
	return nil
}

func (tx *Tx) driverContext() context.Context {
	if tx.readOnly && !tx.glance {
		return tx.Ctx
	}
	return background
}

func (tx *Tx) failed(q string, err error) error {
	err = classify(err)
	if fatal(err) {
		tx.dead = err
	}
	return fmt.Errorf("%w (%s)", err, shorten(q))
}

func (tx *Tx) closeRows() {
	if tx.open != nil {
		tx.open.Close()
		tx.open = nil
	}
}

func isSelect(q string) bool {
	q = strings.TrimLeft(q, " \t\r\n")
	return len(q) >= 6 && strings.EqualFold(q[:6], "SELECT")
}

// shorten names a statement in an error without its whole text.
func shorten(q string) string {
	q = strings.Join(strings.Fields(q[:min(len(q), 160)]), " ")
	return strings.ToValidUTF8(q[:min(len(q), 60)], "")
}
