package db

import (
	"fmt"
	"strings"
	"time"
)

// Batch collects rows from many callers and writes them once per group
// commit, just before it: one statement for a hundred events. Declare it as a
// package-level variable.
type Batch struct {
	Name  string
	Order int // lower is flushed first; equal ones by Name
	// Flush writes the rows, in the order in which they were deferred. It may
	// be called again with the same rows in a new transaction, may Defer to a
	// batch of a greater Order, and may call AfterCommit. The values it fills
	// in in a row are the caller's to read once Write has returned.
	Flush func(tx *Tx, rows []any) error
}

type deferred struct {
	batch *Batch
	row   any
}

// Defer leaves row to the batch. If the caller's function fails, the row is
// forgotten with it.
func (tx *Tx) Defer(b *Batch, row any) {
	if tx.readOnly {
		panic("db: Defer in a Read")
	}
	if tx.flushing != nil && !tx.flushing.before(b) {
		panic(fmt.Sprintf("db: batch %s may not defer to %s, which is flushed before it", tx.flushing.Name, b.Name))
	}
	tx.wrote = true
	tx.rows = append(tx.rows, deferred{b, row})
}

func (b *Batch) before(other *Batch) bool {
	if b.Order != other.Order {
		return b.Order < other.Order
	}
	return strings.Compare(b.Name, other.Name) < 0
}

// group is what the callers of one transaction share.
type group struct {
	db    *DB
	s     *session
	now   time.Time
	rows  map[*Batch][]any
	hooks []func()
}

func newGroup(d *DB, s *session) *group {
	return &group{db: d, s: s, now: d.Now()}
}

// take adds what a function that succeeded has left behind.
func (g *group) take(tx *Tx) {
	if len(tx.rows) > 0 && g.rows == nil {
		g.rows = make(map[*Batch][]any)
	}
	for _, r := range tx.rows {
		g.rows[r.batch] = append(g.rows[r.batch], r.row)
	}
	g.hooks = append(g.hooks, tx.hooks...)
}

func (g *group) flush() error {
	for len(g.rows) > 0 {
		var next *Batch
		for b := range g.rows {
			if next == nil || b.before(next) {
				next = b
			}
		}
		rows := g.rows[next]
		delete(g.rows, next)
		if err := g.flushOne(next, rows); err != nil {
			return fmt.Errorf("flush %s: %w", next.Name, classify(err))
		}
	}
	return nil
}

func (g *group) flushOne(b *Batch, rows []any) (err error) {
	tx := &Tx{Now: g.now, Ctx: background, db: g.db, s: g.s, group: g, flushing: b}
	defer tx.closeRows()
	defer func() {
		// A panic here is no caller's own: it becomes an error, so that running
		// the callers one by one finds whose row it was.
		if v := recover(); v != nil {
			err = fmt.Errorf("db: panic: %v", v)
		}
	}()
	if err := b.Flush(tx, rows); err != nil {
		return err
	}
	if tx.dead != nil {
		return tx.dead
	}
	g.take(tx)
	return nil
}
