package conversation

import (
	"cmp"
	"database/sql"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// Words in messages are found without an index over them: an index of keyed
// hashes would tell a thief which messages share words, and would cost at every
// message that comes in. What the viewer may see is opened instead, the newest
// first, and laid beside the query. An advisor's customers fit into one answer;
// who sees more gets a cursor and goes on.

// Find asks for messages with some words.
type Find struct {
	Query    string
	ThreadID string // only in this thread
	After    string // the cursor a former piece ended with
	Limit    int
}

// Hit is a message in which every word of a query occurs.
type Hit struct {
	Message Message
	Thread  Thread
	Snippet []Piece // of its text
}

const (
	findBudget  = 60_000 // most messages opened for one answer
	findPatient = 250 * time.Millisecond
	firstPiece  = 2_000 // messages read at once: few at first, because most words turn up soon
	largePiece  = 16_000
	readAhead   = 4_000 // from so many messages on, the next are read while these are opened
	firstSpan   = int64(time.Hour / time.Microsecond)
	widerBy     = 8.0 // most by which a span of time grows at once
	crowd       = 4   // so many times a piece is too much at once
)

// FindMessages returns messages of customers and colleagues in which every word
// of the query occurs, the newest first, in what the viewer may see. When next is
// not empty there may be older ones: an answer ends when it is full, and also when
// enough was looked through, so it may be empty and still have a next.
func (d *Desk) FindMessages(tx *db.Tx, v staff.Viewer, f Find) (hits []Hit, next string, err error) {
	words := queryWords(f.Query)
	if len(words) == 0 {
		return nil, "", nil
	}
	if f.Limit <= 0 || f.Limit > 100 {
		f.Limit = 20
	}
	w := walk{tx: tx, until: findPlace{math.MaxInt64, ""}, span: firstSpan, piece: firstPiece}
	if w.sight, w.args, err = d.findSight(tx, v, f.ThreadID); err != nil || w.sight == "" {
		return nil, "", err
	}
	if p, ok := parseFindPlace(f.After); ok {
		w.until = p
	}
	began, opened := d.DB.Now(), 0
	var found []sealedText
	running := &matching{} // of the piece that was read before
	for len(found) < f.Limit && opened < findBudget && !w.done && d.DB.Now().Sub(began) < findPatient {
		piece, err := w.next()
		if err == nil {
			found, err = running.add(found)
		}
		if err != nil {
			running.wait()
			return nil, "", err
		}
		if len(found) >= f.Limit {
			running = &matching{}
			break
		}
		opened += len(piece)
		if running, err = d.match(tx, piece, matchFor{words, f.Limit - len(found)}); err != nil {
			return nil, "", err
		}
		if opened < readAhead { // most words turn up here, and what was read ahead would be for nothing
			if found, err = running.add(found); err != nil {
				return nil, "", err
			}
			running = &matching{}
		}
	}
	if found, err = running.add(found); err != nil {
		return nil, "", err
	}
	switch {
	case len(found) >= f.Limit:
		next = found[len(found)-1].findPlace.String()
	case !w.done:
		next = w.until.String()
	}
	hits, err = d.openHits(tx, found, words)
	return hits, next, err
}

// findSight writes which threads are looked through, as a condition on the table
// t; nothing when there is none.
func (d *Desk) findSight(tx *db.Tx, v staff.Viewer, threadID string) (string, []any, error) {
	if threadID != "" {
		t, err := d.Thread(tx, v, threadID)
		return `t.id = $1`, []any{t.ID}, err
	}
	counters, err := visible(tx, v)
	if err != nil || len(counters) == 0 {
		return "", nil, err
	}
	marks, args := db.In(counters, 1)
	only, args := onlyHers(v, args)
	return `t.counter_id IN (` + marks + `) AND t.kind = 'person'` + only, args, nil
}

// findPlace is where a walk through messages stands: by event time, then id.
type findPlace struct {
	at int64
	id string
}

func (p findPlace) String() string { return strconv.FormatInt(p.at, 10) + "." + p.id }

func parseFindPlace(text string) (findPlace, bool) {
	at, id, ok := strings.Cut(db.CleanText(text), ".")
	us, err := strconv.ParseInt(at, 10, 64)
	return findPlace{us, id}, ok && err == nil && us > 0 && len(id) < 100
}

// sealedText is what is read of a message before it is known to be a hit.
type sealedText struct {
	findPlace
	customerID string
	body       []byte
	text       string // once it was opened and is a hit
}

// walk goes back through messages in spans of time, each as wide as it takes to
// hold a piece. So one index over each thread serves, and no index over everything
// has to be kept at every message that comes in.
type walk struct {
	tx    *db.Tx
	sight string
	args  []any
	until findPlace // everything from here on was read
	span  int64     // microseconds
	piece int
	done  bool
}

func (w *walk) next() ([]sealedText, error) {
	top := w.until.at
	if top == math.MaxInt64 {
		top = db.Micro(w.tx.Now)
	}
	from := int64(math.MinInt64)
	if top > w.span { // else it would lie before 1970
		from = top - w.span
	}
	found, err := w.read(from)
	if err != nil {
		return nil, fmt.Errorf("find messages: %w", err)
	}
	if len(found) == crowd*w.piece && w.span > 1 { // too many at once: look at the latest only
		w.span = max(1, w.span/(2*crowd))
		return nil, nil
	}
	slices.SortFunc(found, func(a, b sealedText) int { return cmp.Or(cmp.Compare(b.at, a.at), cmp.Compare(b.id, a.id)) })
	w.until = findPlace{from, ""}
	w.done = from == math.MinInt64
	w.piece = min(2*w.piece, largePiece)
	wanted := widerBy
	if len(found) > 0 {
		wanted = min(wanted, float64(w.piece)/float64(len(found)))
	}
	w.span = max(1, int64(float64(w.span)*wanted))
	return found, nil
}

// read reads what was said from one time up to where the walk stands. It starts at
// the threads in which anything was said since, each of which has its messages in
// the order of their times; a start at the messages would read those of everybody.
// CROSS keeps SQLite to it. The order is made later: the engine's sorting takes
// longer than its reading.
func (w *walk) read(from int64) ([]sealedText, error) {
	n := len(w.args)
	args := append(w.args[:n:n], from, w.until.at, w.until.id, crowd*w.piece)
	rows, err := w.tx.Query(`SELECT m.id, m.customer_id, m.at, m.body FROM thread t CROSS JOIN message m
		WHERE `+w.sight+fmt.Sprintf(` AND t.last_at >= $%d AND m.thread_id = t.id AND m.at >= $%d AND m.at <= $%d AND (m.at < $%d OR m.id < $%d)
			AND m.author IN ('customer', 'staff') AND m.body IS NOT NULL AND m.unsent_at IS NULL
		LIMIT $%d`, n+1, n+1, n+2, n+2, n+3, n+4), args...)
	return db.Collect(rows, err, func(r *sql.Rows) (s sealedText, err error) {
		return s, r.Scan(&s.id, &s.customerID, &s.at, &s.body)
	})
}

// openHits reads what a page shows of the messages that were found.
func (d *Desk) openHits(tx *db.Tx, found []sealedText, words []string) ([]Hit, error) {
	if len(found) == 0 {
		return nil, nil
	}
	ids, threadIDs := make([]string, len(found)), make([]string, len(found))
	for i, s := range found {
		ids[i] = s.id
	}
	messages, err := d.MessagesByID(tx, ids)
	if err != nil {
		return nil, err
	}
	for i, s := range found {
		threadIDs[i] = messages[s.id].ThreadID
	}
	threads, err := d.threadsByID(tx, threadIDs)
	if err != nil {
		return nil, err
	}
	hits := make([]Hit, len(found))
	for i, s := range found {
		hits[i] = Hit{Message: messages[s.id], Thread: threads[threadIDs[i]], Snippet: snippet(s.text, words)}
	}
	return hits, nil
}

// threadsByID opens some threads that the viewer was found to see.
func (d *Desk) threadsByID(tx *db.Tx, ids []string) (map[string]Thread, error) {
	marks, args := db.In(ids, 1)
	rows, err := tx.Query(`SELECT `+threadColumns+threadFrom+`WHERE t.id IN (`+marks+`)`, args...)
	sealed, err := appendThreads(nil, rows, err)
	if err != nil {
		return nil, err
	}
	out := make(map[string]Thread, len(sealed))
	for _, s := range sealed {
		if out[s.ID], err = d.openThreadRow(tx, s); err != nil {
			return nil, err
		}
	}
	return out, nil
}
