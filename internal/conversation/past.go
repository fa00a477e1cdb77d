package conversation

import (
	"database/sql"
	"fmt"
	"time"

	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// MessageDay is one day on which a person and a counter wrote to each other.
type MessageDay struct {
	ID     string    // names the day: "day.2026-11-22"
	At     time.Time // of the last message
	Thread string    // where the last one stands
	N      int
	Hers   int // how many of them she wrote
}

// PastPage asks for a piece of a person's past, the newest first.
type PastPage struct {
	PersonID string
	Before   Cursor // zero: from the newest
	Limit    int
	Zone     *time.Location // a day is a day there
}

// MessageDays counts a person's messages by day, at counters that the viewer sees.
func (d *Desk) MessageDays(tx *db.Tx, v staff.Viewer, p PastPage) ([]MessageDay, error) {
	threads, err := threadsSeen(tx, v, p.PersonID)
	if err != nil || len(threads) == 0 {
		return nil, err
	}
	before := p.Before
	if before.At.IsZero() {
		before.At = tx.Now.Add(365 * 24 * time.Hour) // what a platform dates into the future is not lost
	}
	var out []MessageDay
	// Up to this moment, then day by day: a day costs two looks into an index.
	for end := before.At.Add(time.Microsecond); len(out) < p.Limit; {
		last, err := lastMessage(tx, threads, end)
		if err != nil || last.IsZero() {
			return out, err
		}
		y, m, n := last.In(p.Zone).Date()
		start := time.Date(y, m, n, 0, 0, 0, 0, p.Zone)
		day, err := countDay(tx, threads, start, start.AddDate(0, 0, 1))
		if err != nil {
			return nil, err
		}
		day.ID = "day." + start.Format(time.DateOnly)
		end = start
		// A day that goes on beyond the cursor was shown before.
		if day.At.Before(before.At) || day.At.Equal(before.At) && day.ID < before.ID {
			out = append(out, day)
		}
	}
	return out, nil
}

// lastMessage is when the last message before a moment was written; zero: there is none.
func lastMessage(tx *db.Tx, threads []string, before time.Time) (last time.Time, err error) {
	for _, id := range threads {
		var at sql.NullInt64
		err := tx.QueryRow(`SELECT MAX(at) FROM message WHERE thread_id = $1 AND at < $2`, id, db.Micro(before)).Scan(&at)
		if err != nil {
			return last, fmt.Errorf("the day before: %w", err)
		}
		if t := db.Time(at.Int64); at.Valid && t.After(last) {
			last = t
		}
	}
	return last, nil
}

func countDay(tx *db.Tx, threads []string, from, to time.Time) (day MessageDay, err error) {
	for _, id := range threads {
		var n, hers int
		var at sql.NullInt64
		err := tx.QueryRow(`SELECT COUNT(*), COALESCE(SUM(CASE WHEN author = 'customer' THEN 1 ELSE 0 END), 0), MAX(at) FROM message
			WHERE thread_id = $1 AND at >= $2 AND at < $3`, id, db.Micro(from), db.Micro(to)).Scan(&n, &hers, &at)
		if err != nil {
			return day, fmt.Errorf("messages of a day: %w", err)
		}
		day.N, day.Hers = day.N+n, day.Hers+hers
		if t := db.Time(at.Int64); at.Valid && t.After(day.At) {
			day.At, day.Thread = t, id
		}
	}
	return day, nil
}

// CardVisit is a card that a person scanned.
type CardVisit struct {
	ID        string
	At        time.Time
	Answer    string // "" asked, bound or refused
	CounterID string
	AdvisorID string // "": the counter's own card
}

// CardVisits lists which cards a person scanned, of counters that the viewer sees.
func (d *Desk) CardVisits(tx *db.Tx, v staff.Viewer, p PastPage) ([]CardVisit, error) {
	records, err := d.Book.Records(tx, p.PersonID)
	if err != nil {
		return nil, err
	}
	marks, args := db.In(records, 1)
	query := `SELECT x.id, x.at, x.answer, c.counter_id, c.advisor_id FROM card_visit x JOIN card c ON c.id = x.card_id WHERE x.customer_id IN (` + marks + `)`
	arg := func(value any) string {
		args = append(args, value)
		return fmt.Sprintf("$%d", len(args))
	}
	if !p.Before.At.IsZero() {
		query += ` AND (x.at, x.id) < (` + arg(db.Micro(p.Before.At)) + `, ` + arg(p.Before.ID) + `)`
	}
	if !v.SeesAll() {
		seen, more := db.In(v.Counters(), len(args)+1)
		if len(more) == 0 {
			return nil, nil
		}
		query, args = query+` AND c.counter_id IN (`+seen+`)`, append(args, more...)
	}
	rows, err := tx.Query(query+` ORDER BY x.at DESC, x.id DESC LIMIT `+arg(p.Limit), args...)
	list, err := db.Collect(rows, err, func(r *sql.Rows) (c CardVisit, err error) {
		var at int64
		err = r.Scan(&c.ID, &at, &c.Answer, &c.CounterID, &c.AdvisorID)
		c.At = db.Time(at)
		return c, err
	})
	if err != nil {
		return nil, fmt.Errorf("cards she scanned: %w", err)
	}
	return list, nil
}
