package customer

import (
	"database/sql"
	"strconv"
	"time"

	"dingdong/internal/db"
)

// Cursor is a place in what is known of a person: by time, then id.
type Cursor struct {
	At time.Time
	ID string
}

// Page asks for a piece of one kind of a person's history, the newest first. A
// timeline merges the pieces of all kinds by At and ID.
type Page struct {
	Records []string // of the person: see Book.Records
	Before  Cursor   // zero: from the newest
	Limit   int      // 0: 50, at most 500
}

const maxPage = 500

// where writes the conditions on a table called x: the records, and what is
// older than the cursor.
func (p Page) where() (string, []any) {
	marks, args := db.In(p.Records, 1)
	where := `x.customer_id IN (` + marks + `)`
	if !p.Before.At.IsZero() || p.Before.ID != "" {
		args = append(args, db.Micro(p.Before.At), p.Before.ID)
		where += ` AND (x.at, x.id) < (` + mark(len(args)-1) + `, ` + mark(len(args)) + `)`
	}
	return where, args
}

func (p Page) tail() string {
	limit := p.Limit
	if limit <= 0 {
		limit = 50
	}
	return ` ORDER BY x.at DESC, x.id DESC LIMIT ` + strconv.Itoa(min(limit, maxPage))
}

func mark(n int) string { return "$" + strconv.Itoa(n) }

// within adds a condition that a column is one of some texts; of none, that
// nothing is.
func within(column string, values []string, args []any) (string, []any) {
	if len(values) == 0 {
		return ` AND 1 = 0`, args
	}
	marks, more := db.In(values, len(args)+1)
	return ` AND ` + column + ` IN (` + marks + `)`, append(args, more...)
}

func moment(us sql.NullInt64) time.Time {
	if !us.Valid {
		return time.Time{}
	}
	return db.Time(us.Int64)
}

// texts runs a query of one text column.
func texts(tx *db.Tx, q string, args ...any) ([]string, error) {
	rows, err := tx.Query(q, args...)
	return db.Collect(rows, err, func(r *sql.Rows) (s string, err error) { return s, r.Scan(&s) })
}
