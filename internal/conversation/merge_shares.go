package conversation

import (
	"database/sql"
	"fmt"

	"dingdong/internal/db"
)

// splitShares reckons what of a person's conversations is whose. One record has
// everything; of several, each has what it had when they were last put together
// and what came from it since. What colleagues did to the whole since then, they
// did to every part.
func splitShares(tx *db.Tx, records []string, threads []held, into map[spot]share) error {
	mine := map[string]bool{}
	for _, r := range records {
		mine[r] = true
	}
	for _, t := range threads {
		if !mine[t.home] || t.folded != "" {
			continue
		}
		if len(records) == 1 {
			into[spot{t.home, t.counter}] = share{t.state, t.assignee, t.unread, t.waiting}
			continue
		}
		w, err := readWhole(tx, t, records)
		if err != nil {
			return err
		}
		for record, s := range w.split() {
			into[spot{record, t.counter}] = s
		}
	}
	return nil
}

// part is a record's share when the whole was last put together.
type part struct {
	share
	heard, at int64
}

// heardMessage is a message of hers, in the order of arrival.
type heardMessage struct {
	record      string
	at, arrived int64
}

// whole is a thread that shows several records.
type whole struct {
	held
	order   []string        // the records, herself first
	parts   map[string]part // by record
	since   []heardMessage  // what came after the parts were kept
	present map[string]bool // who has a message in it
	closed  int64           // when a colleague closed it last
}

func readWhole(tx *db.Tx, t held, records []string) (whole, error) {
	w := whole{held: t, order: records, parts: map[string]part{}, present: map[string]bool{t.home: true}}
	marks, args := db.In(records, 2)
	type row struct {
		record string
		part
	}
	rows, err := tx.Query(`SELECT customer_id, state, assignee_id, unread, waiting_since, heard, at FROM thread_part
		WHERE counter_id = $1 AND customer_id IN (`+marks+`)`, append([]any{t.counter}, args...)...)
	parts, err := db.Collect(rows, err, func(r *sql.Rows) (p row, err error) {
		return p, r.Scan(&p.record, &p.state, &p.assignee, &p.unread, &p.waiting, &p.heard, &p.at)
	})
	if err != nil {
		return w, fmt.Errorf("parts of a thread: %w", err)
	}
	for _, p := range parts {
		w.parts[p.record], w.present[p.record] = p.part, true
	}
	type line struct {
		heardMessage
		hers bool
	}
	rows, err = tx.Query(`SELECT customer_id, at, arrived_at, author = 'customer' FROM message WHERE thread_id = $1 ORDER BY arrived_at, id`, t.id)
	lines, err := db.Collect(rows, err, func(r *sql.Rows) (l line, err error) { return l, r.Scan(&l.record, &l.at, &l.arrived, &l.hers) })
	if err != nil {
		return w, fmt.Errorf("messages of a thread: %w", err)
	}
	heard := map[string]int64{}
	for _, l := range lines {
		w.present[l.record] = true
		if l.hers {
			if heard[l.record]++; heard[l.record] > w.parts[l.record].heard {
				w.since = append(w.since, l.heardMessage)
			}
		}
	}
	err = tx.QueryRow(`SELECT COALESCE(MAX(at), 0) FROM thread_note WHERE thread_id = $1 AND kind = $2`, t.id, string(ActClosed)).Scan(&w.closed)
	if err != nil {
		return w, fmt.Errorf("when a thread was closed: %w", err)
	}
	return w, nil
}

func (w whole) split() map[string]share {
	out := map[string]share{}
	unread, waiting := w.splitUnread(), w.splitWaiting()
	spoke := map[string]int64{} // when she was last heard, since the parts were kept
	for _, m := range w.since {
		spoke[m.record] = max(spoke[m.record], m.arrived)
	}
	anyOpen := false
	for r := range w.present {
		s := share{state: "open", assignee: w.assigneeOf(r), unread: unread[r], waiting: waiting[r]}
		p := w.parts[r]
		switch {
		case w.state == "closed":
			s.state = w.state
		case w.closed > p.at && spoke[r] <= w.closed: // the whole was closed, and opened by another
			s.state = "closed"
		case w.closed <= p.at && p.state == "closed" && spoke[r] == 0:
			s.state = "closed"
		}
		anyOpen = anyOpen || s.state == "open"
		out[r] = s
	}
	if w.state == "open" && !anyOpen { // a colleague opened it again
		s := out[w.home]
		s.state = "open"
		out[w.home] = s
	}
	return out
}

// splitUnread: nobody has looked since when the numbers add up; else what is
// unread came last.
func (w whole) splitUnread() map[string]int64 {
	out, sum := map[string]int64{}, int64(len(w.since))
	for r, p := range w.parts {
		out[r] = p.unread
		sum += p.unread
	}
	from := 0
	if sum != w.unread {
		clear(out)
		from = max(0, len(w.since)-int(w.unread))
	}
	for _, m := range w.since[from:] {
		out[m.record]++
	}
	return out
}

// splitWaiting: nobody has answered since when the earliest of all is still who
// waits; else who waits wrote after the answer.
func (w whole) splitWaiting() map[string]int64 {
	out := map[string]int64{}
	if w.waiting == 0 {
		return out
	}
	first := int64(0)
	for r, p := range w.parts {
		out[r] = p.waiting
		first = earlier(first, p.waiting)
	}
	for _, m := range w.since {
		first = earlier(first, m.at)
	}
	from := int64(0)
	if first != w.waiting {
		clear(out)
		from = w.waiting
	}
	for _, m := range w.since {
		if m.at >= from {
			out[m.record] = earlier(out[m.record], m.at)
		}
	}
	return out
}

// assigneeOf: the advisor each had before, unless the whole was handed on since;
// then she keeps the one whose thread it was.
func (w whole) assigneeOf(record string) string {
	p, kept := w.parts[record]
	if !kept {
		return w.assignee
	}
	first := w.parts[w.home].assignee
	for _, r := range w.order {
		if first == "" {
			first = w.parts[r].assignee
		}
	}
	if first != w.assignee && record == w.home {
		return w.assignee
	}
	return p.assignee
}
