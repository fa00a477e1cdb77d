package handover

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"dingdong/internal/db"
	"dingdong/internal/job"
)

// Figures are what the customers of a handover did in a span of days: after it began, or
// before it where Days is below zero.
type Figures struct {
	Days      int
	Customers int // of all figures but Answered
	Wrote     int
	WrittenTo int // by a colleague
	Answered  int // of WrittenTo, within a day
	Bought    int
	Blocked   int
	Withdrew  int // took back what they had agreed to, or refused
	At        time.Time
}

// answerWithin is when a word of hers still counts as an answer.
const answerWithin = 24 * time.Hour

func enqueueReport(tx *db.Tx, id string, days int) error {
	return job.Enqueue(tx, job.New{Kind: JobReport, Key: fmt.Sprint(id, ":", days), Args: args{ID: id, Days: days}, RunAt: tx.Now.AddDate(0, 0, days)})
}

// report counts what became of the customers, and as long before for comparison.
func (r *Room) report(ctx context.Context, j job.Job) (job.Outcome, error) {
	var a args
	if err := j.Decode(&a); err != nil {
		return nil, err
	}
	var found []Figures
	err := r.DB.Read(ctx, func(tx *db.Tx) error {
		found = nil
		h, err := load(tx, a.ID)
		if err != nil || h.State == Cancelled || h.State == Cancelling {
			return err
		}
		for _, days := range []int{-a.Days, a.Days} {
			f, err := count(tx, h, days)
			if err != nil {
				return err
			}
			found = append(found, f)
		}
		return nil
	})
	if errors.Is(err, db.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("figures of a handover: %w", err)
	}
	return func(tx *db.Tx) error {
		for _, f := range found {
			if _, err := tx.Exec(`INSERT INTO handover_figure (handover_id, days, customers, wrote, written_to, answered, bought, blocked, withdrew, at)
				VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (handover_id, days) DO NOTHING`,
				a.ID, f.Days, f.Customers, f.Wrote, f.WrittenTo, f.Answered, f.Bought, f.Blocked, f.Withdrew, db.Micro(tx.Now)); err != nil {
				return fmt.Errorf("keep figures: %w", err)
			}
		}
		return nil
	}, nil
}

// Report returns the figures that are there, the shortest span first, what was before
// ahead of what came after.
func (r *Room) Report(tx *db.Tx, h Handover) ([]Figures, error) {
	rows, err := tx.Query(`SELECT days, customers, wrote, written_to, answered, bought, blocked, withdrew, at FROM handover_figure WHERE handover_id = $1
		ORDER BY ABS(days), days`, h.ID)
	out, err := db.Collect(rows, err, func(r *sql.Rows) (f Figures, err error) {
		var at int64
		err = r.Scan(&f.Days, &f.Customers, &f.Wrote, &f.WrittenTo, &f.Answered, &f.Bought, &f.Blocked, &f.Withdrew, &at)
		f.At = db.Time(at)
		return f, err
	})
	if err != nil {
		return nil, fmt.Errorf("report of a handover: %w", err)
	}
	return out, nil
}

// span is a time, from one moment to before another.
type span struct{ from, to int64 }

func spanOf(h Handover, days int) span {
	other := h.BegunAt.AddDate(0, 0, days)
	if days < 0 {
		return span{db.Micro(other), db.Micro(h.BegunAt)}
	}
	return span{db.Micro(h.BegunAt), db.Micro(other)}
}

// count counts one span. Everybody who was moved counts, wherever she is now.
func count(tx *db.Tx, h Handover, days int) (Figures, error) {
	f := Figures{Days: days}
	rows, err := tx.Query(`SELECT customer_id, counter_id FROM handover_item
		WHERE handover_id = $1 AND state IN ('moved', 'back', 'kept') AND customer_id <> '' ORDER BY id`, h.ID)
	items, err := db.Collect(rows, err, func(r *sql.Rows) (s spot, err error) { return s, r.Scan(&s.person, &s.counter) })
	if err != nil {
		return f, err
	}
	for part := range slices.Chunk(items, 100) {
		customers := make([]string, len(part))
		wanted := map[spot]bool{}
		for i, s := range part {
			customers[i], wanted[s] = s.person, true
		}
		f.Customers += len(part)
		said, err := spokenIn(tx, customers, spanOf(h, days))
		if err != nil {
			return f, err
		}
		for s, lines := range said {
			if wanted[s] {
				f.take(lines)
			}
		}
		bought, err := boughtIn(tx, customers, spanOf(h, days))
		if err != nil {
			return f, err
		}
		for s := range bought {
			if wanted[s] {
				f.Bought++
			}
		}
		withdrew, err := withdrewIn(tx, customers, spanOf(h, days))
		if err != nil {
			return f, err
		}
		for _, s := range part {
			if withdrew[s.person] {
				f.Withdrew++
			}
		}
	}
	return f, nil
}

// spoken is one message as the figures see it.
type spoken struct {
	author, kind string
	at           int64
}

// take counts one customer by what was said, in its order.
func (f *Figures) take(lines []spoken) {
	var wrote, writtenTo, answered, blocked bool
	ours := int64(0)
	for _, l := range lines {
		switch {
		case l.kind == "block":
			blocked = true
		case l.author == "staff":
			writtenTo, ours = true, l.at
		case l.author == "customer":
			wrote = true
			answered = answered || ours > 0 && l.at-ours <= answerWithin.Microseconds()
		}
	}
	for _, c := range []struct {
		is  bool
		sum *int
	}{{wrote, &f.Wrote}, {writtenTo, &f.WrittenTo}, {answered, &f.Answered}, {blocked, &f.Blocked}} {
		if c.is {
			*c.sum++
		}
	}
}

// spokenIn reads what was said with some customers, by customer as she was planned and
// counter.
func spokenIn(tx *db.Tx, customers []string, s span) (map[spot][]spoken, error) {
	marks, args := db.In(customers, 3)
	rows, err := tx.Query(`SELECT c.id, t.counter_id, m.author, m.type, m.at FROM customer c
			JOIN thread t ON t.customer_id = CASE WHEN c.person_id = '' THEN c.id ELSE c.person_id END AND t.folded_id = ''
			JOIN message m ON m.thread_id = t.id
		WHERE c.id IN (`+marks+`) AND m.at >= $1 AND m.at < $2 AND (m.author IN ('customer', 'staff') OR m.type = 'block') ORDER BY m.at, m.id`,
		append([]any{s.from, s.to}, args...)...)
	out := map[spot][]spoken{}
	_, err = db.Collect(rows, err, func(r *sql.Rows) (none struct{}, err error) {
		var at spot
		var l spoken
		if err = r.Scan(&at.person, &at.counter, &l.author, &l.kind, &l.at); err == nil {
			out[at] = append(out[at], l)
		}
		return none, err
	})
	return out, err
}

// boughtIn tells who bought something at which counter, under any of her records.
func boughtIn(tx *db.Tx, customers []string, s span) (map[spot]bool, error) {
	marks, args := db.In(customers, 3)
	rows, err := tx.Query(`SELECT DISTINCT c.id, p.counter_id FROM customer c
			JOIN customer x ON x.id = CASE WHEN c.person_id = '' THEN c.id ELSE c.person_id END OR x.person_id = CASE WHEN c.person_id = '' THEN c.id ELSE c.person_id END
			JOIN purchase p ON p.customer_id = x.id AND p.customer_id <> ''
		WHERE c.id IN (`+marks+`) AND p.kind = 'sale' AND p.at >= $1 AND p.at < $2`, append([]any{s.from, s.to}, args...)...)
	out := map[spot]bool{}
	_, err = db.Collect(rows, err, func(r *sql.Rows) (none struct{}, err error) {
		var at spot
		if err = r.Scan(&at.person, &at.counter); err == nil {
			out[at] = true
		}
		return none, err
	})
	return out, err
}

// withdrewIn tells who took back something that she had agreed to, or refused it.
func withdrewIn(tx *db.Tx, customers []string, s span) (map[string]bool, error) {
	marks, args := db.In(customers, 3)
	rows, err := tx.Query(`SELECT DISTINCT c.id FROM customer c
			JOIN customer x ON x.id = CASE WHEN c.person_id = '' THEN c.id ELSE c.person_id END OR x.person_id = CASE WHEN c.person_id = '' THEN c.id ELSE c.person_id END
			JOIN consent e ON e.customer_id = x.id
		WHERE c.id IN (`+marks+`) AND e.state = 'withdrawn' AND e.at >= $1 AND e.at < $2`, append([]any{s.from, s.to}, args...)...)
	ids, err := texts(rows, err)
	out := map[string]bool{}
	for _, id := range ids {
		out[id] = true
	}
	return out, err
}

// triples reads rows of three texts.
func triples(rows *sql.Rows, err error) ([][3]string, error) {
	return db.Collect(rows, err, func(r *sql.Rows) (t [3]string, err error) { return t, r.Scan(&t[0], &t[1], &t[2]) })
}
