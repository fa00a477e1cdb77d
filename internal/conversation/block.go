package conversation

import (
	"database/sql"
	"fmt"
	"strconv"
	"time"

	"dingdong/internal/channel"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// blockLooksBack is how much of what we said before a block may have led to it.
const blockLooksBack = 7 * 24 * time.Hour

// Block is a customer who blocked us, with what we had said in the week before.
type Block struct {
	ID, ThreadID, CustomerID, CounterID, AccountID string
	AdvisorID                                      string // who answered her then, as far as we still know
	At                                             time.Time
	Back                                           bool // she can be written to again
	Sent                                           []SentBefore
}

// SentBefore is something we said before she blocked us. Its words stay in the thread.
type SentBefore struct {
	MessageID        string
	Author           Author
	AuthorID, ByName string
	Purpose, Kind    string
	Type             channel.BodyType
	At               time.Time
}

// BlockFilter narrows a list of blocks.
type BlockFilter struct {
	Before string // the id of the last one shown
	Limit  int    // 0: 50
}

// Blocks lists who blocked us at the counters a viewer sees, the newest first, and
// whether there are more.
func (d *Desk) Blocks(tx *db.Tx, v staff.Viewer, f BlockFilter) ([]Block, bool, error) {
	if !v.May(staff.SeeFailures) {
		return nil, false, staff.ErrForbidden
	}
	counters, err := visible(tx, v)
	if err != nil || len(counters) == 0 {
		return nil, false, err
	}
	if f.Limit <= 0 || f.Limit > 200 {
		f.Limit = 50
	}
	before, id := int64(1)<<62, "~"
	if f.Before != "" {
		err := tx.QueryRow(`SELECT at, id FROM message WHERE id = $1 AND type = 'block'`, db.CleanText(f.Before)).Scan(&before, &id)
		if err != nil {
			return nil, false, db.NotFound(err)
		}
	}
	marks, args := db.In(counters, 4)
	rows, err := tx.Query(`SELECT m.id, t.id, t.customer_id, t.counter_id, m.account_id, t.assignee_id, m.at, i.reach
		FROM message m JOIN thread t ON t.id = m.thread_id JOIN identity i ON i.id = m.identity_id
		WHERE m.type = 'block' AND (m.at, m.id) < ($1, $2) AND t.counter_id IN (`+marks+`)
		ORDER BY m.at DESC, m.id DESC LIMIT $3`, append([]any{before, id, f.Limit + 1}, args...)...)
	list, err := db.Collect(rows, err, func(r *sql.Rows) (b Block, err error) {
		var at int64
		var reach string
		err = r.Scan(&b.ID, &b.ThreadID, &b.CustomerID, &b.CounterID, &b.AccountID, &b.AdvisorID, &at, &reach)
		b.At, b.Back = db.Time(at), reach != "blocked"
		return b, err
	})
	if err != nil {
		return nil, false, fmt.Errorf("blocks: %w", err)
	}
	more := len(list) > f.Limit
	if more {
		list = list[:f.Limit]
	}
	for i := range list {
		if list[i].Sent, err = sentBefore(tx, list[i], counters); err != nil {
			return nil, false, err
		}
	}
	return list, more, nil
}

// sentBefore lists what really went out to her in the week before a block, from some
// counters, the latest first: she blocks the account, whichever of them was too much.
func sentBefore(tx *db.Tx, b Block, counters []string) ([]SentBefore, error) {
	marks, args := db.In(counters, 4)
	rows, err := tx.Query(`SELECT m.id, m.author, m.author_id, COALESCE(s.name, ''), m.purpose, m.kind, m.type, m.at
		FROM message m LEFT JOIN staff s ON s.id = m.author_id
		WHERE m.thread_id IN (SELECT id FROM thread WHERE customer_id = $1 AND counter_id IN (`+marks+`)) AND m.author IN ('staff', 'automation') AND m.status IN ('sent', 'delivered', 'read')
			AND m.at >= $2 AND m.at <= $3 ORDER BY m.at DESC, m.id DESC LIMIT 20`,
		append([]any{b.CustomerID, db.Micro(b.At.Add(-blockLooksBack)), db.Micro(b.At)}, args...)...)
	list, err := db.Collect(rows, err, func(r *sql.Rows) (s SentBefore, err error) {
		var at int64
		err = r.Scan(&s.MessageID, &s.Author, &s.AuthorID, &s.ByName, &s.Purpose, &s.Kind, &s.Type, &at)
		s.At = db.Time(at)
		return s, err
	})
	if err != nil {
		return nil, fmt.Errorf("what was said before a block: %w", err)
	}
	return list, nil
}

// BlockMonth is how many customers blocked us in a month.
type BlockMonth struct {
	Month time.Time // its first day
	Count int
}

// BlockMonths counts blocks at the counters a viewer sees over the last months, the
// latest first; months without one are among them.
func (d *Desk) BlockMonths(tx *db.Tx, v staff.Viewer, months int, zone *time.Location) ([]BlockMonth, error) {
	if !v.May(staff.SeeFailures) {
		return nil, staff.ErrForbidden
	}
	counters, err := visible(tx, v)
	if err != nil || len(counters) == 0 {
		return nil, err
	}
	now := tx.Now.In(zone)
	out := make([]BlockMonth, months)
	marks, counterArgs := db.In(counters, 2*months+1)
	query, args := `SELECT `, []any{}
	for i := range out {
		out[i].Month = time.Date(now.Year(), now.Month()-time.Month(i), 1, 0, 0, 0, 0, zone)
		if i > 0 {
			query += `, `
		}
		query += `COALESCE(SUM(CASE WHEN m.at >= $` + strconv.Itoa(2*i+1) + ` AND m.at < $` + strconv.Itoa(2*i+2) + ` THEN 1 ELSE 0 END), 0)`
		args = append(args, db.Micro(out[i].Month), db.Micro(out[i].Month.AddDate(0, 1, 0)))
	}
	cells := make([]any, months)
	for i := range out {
		cells[i] = &out[i].Count
	}
	err = tx.QueryRow(query+` FROM message m JOIN thread t ON t.id = m.thread_id WHERE m.type = 'block' AND m.at >= $`+strconv.Itoa(2*months-1)+
		` AND t.counter_id IN (`+marks+`)`, append(args, counterArgs...)...).Scan(cells...)
	if err != nil {
		return nil, fmt.Errorf("blocks by month: %w", err)
	}
	return out, nil
}
