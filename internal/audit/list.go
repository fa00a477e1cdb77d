package audit

import (
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"dingdong/internal/db"
)

// maxList is the longest list that List gives.
const maxList = 1000

// Filter narrows a list; its zero value is the latest hundred rows.
type Filter struct {
	Actor    string
	Customer string
	// Customers are the records of one person: any of them.
	Customers []string
	Action    string
	Actions   []string  // any of them
	From, To  time.Time // from the one, before the other; zero: no bound
	Before    int64     // rows older than this number; 0: from the last one
	After     int64     // rows younger than this number
	Limit     int       // 0: 100
}

// Any tells whether the filter leaves anything out.
func (f Filter) Any() bool {
	return f.Actor+f.Customer+f.Action != "" || len(f.Customers)+len(f.Actions) > 0 || !f.From.IsZero() || !f.To.IsZero()
}

// condition is a filter as the words of a query.
type condition struct {
	where []string
	args  []any
}

func (c *condition) and(text string, arg any) {
	c.args = append(c.args, arg)
	c.where = append(c.where, text+" $"+strconv.Itoa(len(c.args)))
}

func (c *condition) in(column string, values []string) {
	marks, args := db.In(values, len(c.args)+1)
	c.where = append(c.where, column+" IN ("+marks+")")
	c.args = append(c.args, args...)
}

func (c *condition) text() string { return strings.Join(c.where, " AND ") }

// condition writes the filter. Days are turned into numbers first: rows are in the order
// of their commits, so that no index by time is needed, nor a read of what lies between.
func (f Filter) condition(tx *db.Tx) (c condition, err error) {
	after, before := f.After, f.Before
	if !f.From.IsZero() {
		// A row's time is that of its transaction's beginning, which may be a little before
		// that of an earlier row; the exact time is asked below.
		first, err := SeqAt(tx, f.From.Add(-disorder))
		if err != nil {
			return c, err
		}
		after = max(after, first-1)
	}
	if !f.To.IsZero() {
		end, err := SeqAt(tx, f.To.Add(disorder))
		if err != nil {
			return c, err
		}
		if before == 0 || end < before {
			before = end
		}
	}
	c.and("seq >", after)
	if before > 0 {
		c.and("seq <", before)
	}
	if !f.From.IsZero() {
		c.and("at >=", db.Micro(f.From))
	}
	if !f.To.IsZero() {
		c.and("at <", db.Micro(f.To))
	}
	if f.Actor != "" {
		c.and("actor =", f.Actor)
	}
	if f.Customer != "" || len(f.Customers) > 0 {
		// Said twice so that both engines see that the partial index serves.
		c.where = append(c.where, "customer_id <> ''")
	}
	if f.Customer != "" {
		c.and("customer_id =", f.Customer)
	}
	if len(f.Customers) > 0 {
		c.in("customer_id", f.Customers)
	}
	if f.Action != "" {
		c.and("action =", f.Action)
	}
	if len(f.Actions) > 0 {
		c.in("action", f.Actions)
	}
	return c, nil
}

// disorder bounds how far times and numbers may disagree: no transaction lasts longer.
const disorder = 5 * time.Minute

// SeqAt finds the number of the first row at or after a time, by halving.
func SeqAt(tx *db.Tx, at time.Time) (int64, error) {
	last, _, err := tail(tx)
	if err != nil {
		return 0, err
	}
	low, high := int64(1), last+1
	for low < high {
		middle := (low + high) / 2
		var seq, us int64
		err := tx.QueryRow(`SELECT seq, at FROM audit WHERE seq >= $1 ORDER BY seq LIMIT 1`, middle).Scan(&seq, &us)
		if errors.Is(err, sql.ErrNoRows) || err == nil && (seq >= high || us >= db.Micro(at)) {
			high = middle
			continue
		}
		if err != nil {
			return 0, fmt.Errorf("find a time in the audit: %w", db.NotFound(err))
		}
		low = seq + 1
	}
	return low, nil
}

// List gives rows, the latest first.
func List(tx *db.Tx, f Filter) ([]Row, error) {
	c, err := f.condition(tx)
	if err != nil {
		return nil, err
	}
	limit := min(f.Limit, maxList)
	if limit <= 0 {
		limit = 100
	}
	return query(tx, c, ` ORDER BY seq DESC LIMIT `, limit)
}

// Forward gives rows in their order, to be written into a file piece by piece: ask again
// After the last one.
func Forward(tx *db.Tx, f Filter) ([]Row, error) {
	c, err := f.condition(tx)
	if err != nil {
		return nil, err
	}
	return query(tx, c, ` ORDER BY seq LIMIT `, maxList)
}

func query(tx *db.Tx, c condition, tail string, limit int) ([]Row, error) {
	c.args = append(c.args, limit)
	rows, err := tx.Query(`SELECT `+columns+` FROM audit WHERE `+c.text()+tail+`$`+strconv.Itoa(len(c.args)), c.args...)
	found, err := db.Collect(rows, err, scan)
	if err != nil {
		return nil, fmt.Errorf("list audit: %w", err)
	}
	return found, nil
}

// Count counts rows, at most as many as most.
func Count(tx *db.Tx, f Filter, most int) (n int, err error) {
	c, err := f.condition(tx)
	if err != nil {
		return 0, err
	}
	c.args = append(c.args, most)
	err = tx.QueryRow(`SELECT COUNT(*) FROM (SELECT seq FROM audit WHERE `+c.text()+` LIMIT $`+strconv.Itoa(len(c.args))+`) x`, c.args...).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count audit: %w", err)
	}
	return n, nil
}

// Last gives the number of the last row, 0 when there is none.
func Last(tx *db.Tx) (int64, error) {
	seq, _, err := tail(tx)
	return seq, err
}
