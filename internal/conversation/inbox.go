package conversation

import (
	"cmp"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// Box is one of the inbox's views.
type Box string

// The inbox's views. All leaves nothing out that the viewer may see.
const (
	BoxMine       Box = "mine"
	BoxUnassigned Box = "unassigned"
	BoxAll        Box = "all"
)

// Filter asks for a piece of the inbox.
type Filter struct {
	Box    Box
	Query  string // part of a customer's name
	After  string // the cursor a former piece ended with
	Limit  int
	Closed bool // closed threads, which only All shows otherwise
}

// Inbox lists threads: who waits longest first, then the latest.
func (d *Desk) Inbox(tx *db.Tx, v staff.Viewer, f Filter) (threads []Thread, after string, err error) {
	if f.Limit <= 0 || f.Limit > 100 {
		f.Limit = 40
	}
	var sealed []sealedThread
	if strings.TrimSpace(f.Query) != "" {
		sealed, err = d.searchThreads(tx, v, f)
	} else {
		sealed, after, err = d.listThreads(tx, v, f)
	}
	if err != nil {
		return nil, "", err
	}
	threads, err = d.openThreads(tx, sealed)
	return threads, after, err
}

// listThreads reads the waiting ones first, then the others. Each counter is
// read in the order of its own index and the heads are merged: one query over
// many counters would sort everything they ever had. Her own threads have an
// index of their own, over all counters.
func (d *Desk) listThreads(tx *db.Tx, v staff.Viewer, f Filter) ([]sealedThread, string, error) {
	phase, at, id := parseCursor(f.After)
	counters, err := visible(tx, v)
	if err != nil || len(counters) == 0 {
		return nil, "", err
	}
	pieces := make([]piece, 0, len(counters))
	if f.Box == BoxMine {
		// || keeps the planner from starting at the counters; and SQLite would compare a
		// bare $1 with the words of the partial index, and so plan anew at every request.
		marks, args := db.In(counters, 5)
		pieces = append(pieces, piece{`t.assignee_id = ($1 || '') AND t.assignee_id <> '' AND (t.counter_id || '') IN (` + marks + `)`, v.ID, args})
	} else {
		for _, c := range counters {
			pieces = append(pieces, piece{`t.counter_id = $1`, c, nil})
		}
	}
	var out []sealedThread
	if phase == phaseWaiting {
		for _, p := range pieces {
			only, args := onlyHers(v, append([]any{p.first, at, id, f.Limit + 1}, p.more...))
			rows, err := tx.Query(`SELECT `+threadColumns+threadFrom+`WHERE `+p.where+` AND t.kind = 'person' AND t.waiting_since > 0
				AND (t.waiting_since, t.id) > ($2, $3) AND t.folded_id = ''`+f.where()+only+` ORDER BY t.waiting_since, t.id LIMIT $4`, args...)
			if out, err = appendThreads(out, rows, err); err != nil {
				return nil, "", err
			}
		}
		slices.SortFunc(out, func(a, b sealedThread) int {
			return cmp.Or(a.WaitingSince.Compare(b.WaitingSince), cmp.Compare(a.ID, b.ID))
		})
		if len(out) > f.Limit {
			last := out[f.Limit-1]
			return out[:f.Limit], cursor(phaseWaiting, last.WaitingSince, last.ID), nil
		}
		at, id = 1<<62, "~"
	}
	waiting := len(out)
	for _, p := range pieces {
		only, args := onlyHers(v, append([]any{p.first, at, id, f.Limit - waiting + 1}, p.more...))
		rows, err := tx.Query(`SELECT `+threadColumns+threadFrom+`WHERE `+p.where+` AND t.kind = 'person' AND t.waiting_since = 0
			AND (t.last_at, t.id) < ($2, $3) AND t.folded_id = ''`+f.where()+only+` ORDER BY t.last_at DESC, t.id DESC LIMIT $4`, args...)
		if out, err = appendThreads(out, rows, err); err != nil {
			return nil, "", err
		}
	}
	slices.SortFunc(out[waiting:], func(a, b sealedThread) int {
		return cmp.Or(b.LastAt.Compare(a.LastAt), cmp.Compare(b.ID, a.ID))
	})
	if len(out) > f.Limit {
		if waiting == f.Limit { // the waiting filled the piece to the brim
			return out[:f.Limit], cursor(phaseRest, time.Time{}, ""), nil
		}
		last := out[f.Limit-1]
		return out[:f.Limit], cursor(phaseRest, last.LastAt, last.ID), nil
	}
	return out, "", nil
}

// piece is a part of the inbox that one index holds in order.
type piece struct {
	where string
	first any   // $1
	more  []any // from $5 on
}

// where narrows a list to a box, in the words of the partial indexes.
func (f Filter) where() string {
	switch {
	case f.Box == BoxMine:
		return ` AND t.state = 'open'`
	case f.Box == BoxUnassigned:
		return ` AND t.state = 'open' AND t.assignee_id = ''`
	case f.Closed:
		return ` AND t.state = 'closed'`
	}
	return ``
}

// Letter pairs that stand apart in a name are rare: a few candidates more than are to be
// shown are enough nearly always, and else there is a second look.
const (
	spareFound = 5
	mostFound  = 400
)

// searchThreads finds threads by the hashes of the query's letters and keeps those where
// a name that she goes by matches.
func (d *Desk) searchThreads(tx *db.Tx, v staff.Viewer, f Filter) ([]sealedThread, error) {
	for most := f.Limit + spareFound; ; most = mostFound {
		found, err := d.candidates(tx, v, f, most)
		if err != nil {
			return nil, err
		}
		all := len(found) < most || most == mostFound
		if found, err = d.named(tx, v, found, f); err != nil || all || len(found) == f.Limit {
			return found, err
		}
	}
}

// named keeps at most as many of the candidates as are asked for: those who are called so,
// by the name that is shown or by another one that the viewer may know. To find her by what
// only another counter's platform calls her would tell that she is called so.
func (d *Desk) named(tx *db.Tx, v staff.Viewer, found []sealedThread, f Filter) ([]sealedThread, error) {
	customers := make([]string, 0, 2*len(found))
	for _, s := range found {
		customers = append(customers, s.CustomerID, s.RecordID)
	}
	if err := d.Vault.Warm(tx, customers); err != nil {
		return nil, err
	}
	var out []sealedThread
	for _, s := range found {
		t, err := d.openThreadRow(tx, s)
		if err != nil {
			return nil, err
		}
		match := customer.Matches(t.Name, f.Query)
		if !match {
			if match, err = d.goesBy(tx, v, s.CustomerID, f.Query); err != nil {
				return nil, err
			}
		}
		if match {
			out = append(out, s)
		}
		if len(out) == f.Limit {
			break
		}
	}
	return out, nil
}

// candidates have every pair of letters of the query in their names.
func (d *Desk) candidates(tx *db.Tx, v staff.Viewer, f Filter, most int) ([]sealedThread, error) {
	hashes, need := d.Book.QueryHashes(f.Query)
	counters, err := visible(tx, v)
	if err != nil || len(hashes) == 0 || len(counters) == 0 {
		return nil, err
	}
	args := []any{most}
	for _, h := range hashes {
		args = append(args, h)
	}
	seen, seenArgs := db.In(counters, len(args)+1)
	args = append(args, seenArgs...)
	where := f.where()
	if f.Box == BoxMine {
		args = append(args, v.ID)
		where += ` AND t.assignee_id = ` + db.Marks(1, len(args))
	}
	only, args := onlyHers(v, args)
	where += only
	// First the ids alone: a common name has thousands, and only the first are shown.
	// The planner must start at the name, not at everybody of the counter: hence the ||.
	rows, err := tx.Query(`SELECT `+threadColumns+threadFrom+`WHERE t.id IN (
			SELECT t.id FROM (SELECT customer_id FROM customer_gram WHERE hash IN (`+db.Marks(len(hashes), 2)+`)
				GROUP BY customer_id HAVING COUNT(*) >= `+fmt.Sprint(need)+`) g
			JOIN thread t ON t.customer_id = g.customer_id
			WHERE t.kind = 'person' AND t.folded_id = '' AND (t.counter_id || '') IN (`+seen+`)`+where+`
			ORDER BY t.waiting_since = 0, t.waiting_since, t.last_at DESC, t.id DESC LIMIT $1)
		ORDER BY t.waiting_since = 0, t.waiting_since, t.last_at DESC, t.id DESC`, args...)
	return appendThreads(nil, rows, err)
}

func appendThreads(to []sealedThread, rows *sql.Rows, err error) ([]sealedThread, error) {
	more, err := db.Collect(rows, err, func(r *sql.Rows) (sealedThread, error) { return scanThread(r) })
	if err != nil {
		return nil, fmt.Errorf("inbox: %w", err)
	}
	return append(to, more...), nil
}

func (d *Desk) openThreads(tx *db.Tx, sealed []sealedThread) ([]Thread, error) {
	customers := make([]string, len(sealed))
	var lasts []string
	for i, s := range sealed {
		customers[i] = s.CustomerID
		if s.RecordID != s.CustomerID {
			customers = append(customers, s.RecordID)
		}
		if s.LastMessageID != "" {
			lasts = append(lasts, s.LastMessageID)
		}
	}
	if err := d.Vault.Warm(tx, customers); err != nil {
		return nil, err
	}
	messages, err := d.MessagesByID(tx, lasts)
	if err != nil {
		return nil, err
	}
	out := make([]Thread, len(sealed))
	for i, s := range sealed {
		if out[i], err = d.openThreadRow(tx, s); err != nil {
			return nil, err
		}
		out[i].Last = messages[s.LastMessageID]
	}
	return out, nil
}

// InboxRow returns one thread as the inbox shows it, for live pages.
func (d *Desk) InboxRow(tx *db.Tx, id string) (Thread, error) {
	s, err := scanThread(tx.QueryRow(`SELECT `+threadColumns+threadFrom+`WHERE t.id = $1`, id))
	if err != nil {
		return Thread{}, db.NotFound(err)
	}
	rows, err := d.openThreads(tx, []sealedThread{s})
	if err != nil {
		return Thread{}, err
	}
	return rows[0], nil
}

// Waiting counts who waits for an answer.
type Waiting struct {
	Mine, Unassigned, All int
}

// narrowed leaves out what is no business of who is about to leave.
func (w Waiting) narrowed(v staff.Viewer) Waiting {
	if v.Leaving {
		w.All, w.Unassigned = w.Mine, 0
	}
	return w
}

// CountWaiting counts who waits, in what the viewer may see.
func (d *Desk) CountWaiting(tx *db.Tx, v staff.Viewer) (Waiting, error) {
	var w Waiting
	counters, err := visible(tx, v)
	if err != nil || len(counters) == 0 {
		return w, err
	}
	args := []any{v.ID}
	for _, c := range counters {
		args = append(args, c)
	}
	err = tx.QueryRow(`SELECT COUNT(*), COALESCE(SUM(CASE WHEN assignee_id = $1 THEN 1 ELSE 0 END), 0),
			COALESCE(SUM(CASE WHEN assignee_id = '' THEN 1 ELSE 0 END), 0)
		FROM thread WHERE kind = 'person' AND waiting_since > 0 AND counter_id IN (`+db.Marks(len(counters), 2)+`)`, args...).
		Scan(&w.All, &w.Mine, &w.Unassigned)
	if err != nil {
		return w, fmt.Errorf("count waiting: %w", err)
	}
	return w.narrowed(v), nil
}

// visible lists the counters a viewer sees. The house itself and an integrator's
// program have no list of their own: they see all there are.
func visible(tx *db.Tx, v staff.Viewer) ([]string, error) {
	if counters := v.Counters(); len(counters) > 0 || !v.SeesAll() {
		return counters, nil
	}
	rows, err := tx.Query(`SELECT id FROM counter ORDER BY id`)
	return db.Collect(rows, err, func(r *sql.Rows) (string, error) {
		var id string
		return id, r.Scan(&id)
	})
}

// The inbox is read in two phases, and a cursor says in which one it stopped.
const (
	phaseWaiting = "w"
	phaseRest    = "r"
)

func cursor(phase string, at time.Time, id string) string {
	us := db.Micro(at)
	if us == 0 {
		us, id = 1<<62, "~"
	}
	return fmt.Sprintf("%s.%d.%s", phase, us, id)
}

// parseCursor takes anything for the start that is not one of our cursors.
func parseCursor(s string) (phase string, at int64, id string) {
	parts := strings.SplitN(s, ".", 3)
	if len(parts) == 3 && (parts[0] == phaseWaiting || parts[0] == phaseRest) {
		if _, err := fmt.Sscanf(parts[1], "%d", &at); err == nil {
			return parts[0], at, parts[2]
		}
	}
	return phaseWaiting, 0, ""
}
