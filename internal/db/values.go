package db

import (
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Micro is how a time is stored: microseconds since 1970, 0 for no time.
func Micro(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// Time is the inverse of Micro.
func Time(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

// Collect scans every row and closes rows:
//
//	rows, err := tx.Query(...)
//	return db.Collect(rows, err, scan)
func Collect[T any](rows *sql.Rows, err error, scan func(*sql.Rows) (T, error)) ([]T, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, classify(rows.Err())
}

// Marks writes n placeholders, the first being $from: "$3,$4,$5".
func Marks(n, from int) string {
	b := make([]byte, 0, n*4)
	for i := range n {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '$')
		b = strconv.AppendInt(b, int64(from+i), 10)
	}
	return string(b)
}

// In writes the placeholders and arguments of an IN list, the first being
// $from. The list is filled up with its last value to one of few lengths, so
// that few statements are prepared; values must not be empty.
func In(values []string, from int) (marks string, args []any) {
	size := len(values)
	for _, s := range [...]int{1, 4, 16, 64, 256} {
		if len(values) <= s {
			size = s
			break
		}
	}
	args = make([]any, size)
	for i := range args {
		args[i] = values[min(i, len(values)-1)]
	}
	return Marks(size, from), args
}

// Rows writes the placeholders and arguments of a VALUES list of rows of texts,
// width values each, the first being $from; filled up as In does.
func Rows(flat []string, width, from int) (marks string, args []any) {
	n := len(flat) / width
	size := n
	for _, s := range [...]int{1, 4, 16, 64, 256} {
		if n <= s {
			size = s
			break
		}
	}
	var b strings.Builder
	args = make([]any, 0, size*width)
	for i := range size {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('(')
		b.WriteString(Marks(width, from+i*width))
		b.WriteByte(')')
		row := min(i, n-1) * width
		for _, v := range flat[row : row+width] {
			args = append(args, v)
		}
	}
	return b.String(), args
}

// Insert writes many rows with few statements: head + " VALUES (...),(...) "
// + tail. args holds the rows one after another, width values each. Fold rows
// by their key and sort them first if tail has an ON CONFLICT.
func (tx *Tx) Insert(head string, width int, args []any, tail string) error {
	return tx.insert(head, width, args, tail, func(q string, args []any) error {
		_, err := tx.Exec(q, args...)
		return err
	})
}

// InsertCount is Insert that tells how many rows went in: fewer than were given
// where tail is an ON CONFLICT DO NOTHING.
func (tx *Tx) InsertCount(head string, width int, args []any, tail string) (n int64, err error) {
	err = tx.insert(head, width, args, tail, func(q string, args []any) error {
		added, err := tx.Exec(q, args...)
		n += added
		return err
	})
	return n, err
}

// InsertReturning is Insert with a tail that has a RETURNING; scan is called
// for every row that comes back, in no certain order.
func (tx *Tx) InsertReturning(head string, width int, args []any, tail string, scan func(*sql.Rows) error) error {
	return tx.insert(head, width, args, tail, func(q string, args []any) error {
		rows, err := tx.Query(q, args...)
		_, err = Collect(rows, err, func(r *sql.Rows) (none struct{}, err error) { return none, scan(r) })
		return err
	})
}

func (tx *Tx) insert(head string, width int, args []any, tail string, run func(string, []any) error) error {
	return tx.insertAs(insertKey{head: head, tail: tail, width: width}, args, run)
}

func (tx *Tx) insertAs(k insertKey, args []any, run func(string, []any) error) error {
	width := k.width
	if width == 0 || len(args)%width != 0 {
		return fmt.Errorf("db: %d values do not make rows of %d", len(args), width)
	}
	for len(args) > 0 {
		// Few sizes, so that few statements are prepared.
		k.n = 1
		for _, size := range [...]int{256, 64, 16, 4} {
			if len(args) >= size*width && size*width <= 4096 {
				k.n = size
				break
			}
		}
		if err := run(tx.db.inserts.text(k), args[:k.n*width]); err != nil {
			return err
		}
		args = args[k.n*width:]
	}
	return nil
}

// InsertShared is InsertCount for rows of which most columns are the same: head says
// "INSERT INTO t (a, b, c, d) SELECT v.column1, v.column2, $1, $2", the rows bring only
// column1 and column2, and what they share is bound once.
func (tx *Tx) InsertShared(head string, shared []any, width int, args []any, tail string) (n int64, err error) {
	// Without the condition a parser takes ON CONFLICT for the ON of a join.
	k := insertKey{head: head + " FROM (", tail: ") v WHERE TRUE " + tail, width: width, shared: len(shared)}
	err = tx.insertAs(k, args, func(q string, args []any) error {
		added, err := tx.Exec(q, slices.Concat(shared, args)...)
		n += added
		return err
	})
	return n, err
}

type insertKey struct {
	head, tail       string
	width, n, shared int
}

func (k insertKey) text() string {
	var b strings.Builder
	b.WriteString(k.head)
	b.WriteString(" VALUES ")
	for i := range k.n {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('(')
		b.WriteString(Marks(k.width, k.shared+i*k.width+1))
		b.WriteByte(')')
	}
	b.WriteByte(' ')
	b.WriteString(k.tail)
	return b.String()
}

// Tally hands out the next n numbers of a named tally and returns the first.
// The row stays locked until the commit, so numbers follow commit order.
func Tally(tx *Tx, name string, n int64) (first int64, err error) {
	var last int64
	err = tx.QueryRow("UPDATE tally SET n = n + $1 WHERE name = $2 RETURNING n", n, name).Scan(&last)
	if err != nil {
		return 0, fmt.Errorf("tally %s: %w", name, NotFound(err))
	}
	return last - n + 1, nil
}

// insertTexts keeps the texts Insert has made: writing 64 rows of
// placeholders takes longer than storing a few rows.
type insertTexts struct {
	mu    sync.RWMutex
	texts map[insertKey]string
}

func (t *insertTexts) text(k insertKey) string {
	t.mu.RLock()
	s, ok := t.texts[k]
	t.mu.RUnlock()
	if ok {
		return s
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.texts) >= statementLimit || t.texts == nil {
		t.texts = make(map[insertKey]string)
	}
	s = k.text()
	t.texts[k] = s
	return s
}
