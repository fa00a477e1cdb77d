package conversation

import (
	"database/sql"
	"fmt"
	"time"

	"dingdong/internal/db"
	"dingdong/internal/event"
)

// What grows old in this room. Messages and files are found by their ids, which
// are ordered by when they came; who decides how old is too old is privacy.

// Aged says which messages are meant.
type Aged string

// Messages that grow old apart from each other.
const (
	AgedWords     Aged = `purpose IN ('', 'service')`
	AgedMarketing Aged = `purpose NOT IN ('', 'service')`
	AgedMedia     Aged = `(blob <> '' OR preview <> '')`
)

// looksFor is how many messages are looked at for each that may be found: most are of
// another kind, and to look is cheap.
const looksFor = 20

// OldMessages returns ids of messages in a stretch of them, and the id up to which
// that is all: "" at the end. Only so many are looked at, so that a turn is short.
func OldMessages(tx *db.Tx, kind Aged, s db.Stretch) (ids []string, upTo string, err error) {
	err = tx.QueryRow(`SELECT id FROM message WHERE id > $1 AND id < $2 ORDER BY id LIMIT 1 OFFSET $3`, s.After, s.Before, looksFor*s.Limit-1).Scan(&upTo)
	if err = db.NotFound(err); err == db.ErrNotFound {
		upTo, err = "", nil
	}
	if err != nil {
		return nil, "", fmt.Errorf("old messages: %w", err)
	}
	last := upTo
	if last == "" {
		last = s.Before
	}
	rows, err := tx.Query(`SELECT id FROM message WHERE id > $1 AND id <= $2 AND status NOT IN ('queued', 'planned') AND `+string(kind)+` ORDER BY id LIMIT $3`, s.After, last, s.Limit)
	ids, err = db.Collect(rows, err, func(r *sql.Rows) (id string, err error) { return id, r.Scan(&id) })
	if err != nil {
		return nil, "", fmt.Errorf("old messages: %w", err)
	}
	if len(ids) == s.Limit { // there may be more before the end of what was looked at
		upTo = ids[len(ids)-1]
	}
	return ids, upTo, nil
}

// CountMessages counts what OldMessages would find, and says which is the oldest.
func CountMessages(tx *db.Tx, kind Aged, s db.Stretch) (n int, oldest string, err error) {
	err = tx.QueryRow(`SELECT COUNT(*), COALESCE(MIN(id), '') FROM message WHERE id > $1 AND id < $2 AND status NOT IN ('queued', 'planned') AND `+string(kind),
		s.After, s.Before).Scan(&n, &oldest)
	if err != nil {
		return 0, "", fmt.Errorf("count old messages: %w", err)
	}
	return n, oldest, nil
}

// ForgetMessages removes messages and, by durable jobs, their bytes. A thread whose
// last words go shows none.
func (d *Desk) ForgetMessages(tx *db.Tx, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	if err := d.ForgetMedia(tx, ids); err != nil {
		return err
	}
	marks, args := db.In(ids, 1)
	if _, err := tx.Exec(`UPDATE thread SET last_message_id = '' WHERE last_message_id <> '' AND last_message_id IN (`+marks+`)
		AND id IN (SELECT thread_id FROM message WHERE id IN (`+marks+`))`, args...); err != nil {
		return fmt.Errorf("forget messages: %w", err)
	}
	if _, err := tx.Exec(`DELETE FROM message WHERE id IN (`+marks+`)`, args...); err != nil {
		return fmt.Errorf("forget messages: %w", err)
	}
	return nil
}

// ForgetMedia lets messages say that their bytes are gone, and destroys these.
func (d *Desk) ForgetMedia(tx *db.Tx, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	marks, args := db.In(ids, 1)
	type bytes struct{ blob, preview string }
	rows, err := tx.Query(`SELECT blob, preview FROM message WHERE id IN (`+marks+`) AND (blob <> '' OR preview <> '')`, args...)
	found, err := db.Collect(rows, err, func(r *sql.Rows) (b bytes, err error) { return b, r.Scan(&b.blob, &b.preview) })
	if err != nil {
		return fmt.Errorf("forget media: %w", err)
	}
	var keys []string
	for _, b := range found {
		for _, key := range []string{b.blob, b.preview} {
			if key != "" {
				keys = append(keys, key)
			}
		}
	}
	if len(keys) == 0 {
		return nil
	}
	if _, err := tx.Exec(`UPDATE message SET blob = '', preview = '', media_state = 'gone' WHERE id IN (`+marks+`) AND (blob <> '' OR preview <> '')`, args...); err != nil {
		return fmt.Errorf("forget media: %w", err)
	}
	return dropBlobs(tx, keys)
}

// Idle are the threads at a counter that were closed and have been silent since a time.
type Idle struct {
	CounterID string
	Since     time.Time
	Limit     int
}

const idleThreads = ` FROM thread WHERE counter_id = $1 AND kind = 'person' AND state = 'closed' AND last_at < $2 AND folded_id = ''
	AND NOT EXISTS (SELECT 1 FROM thread o WHERE o.folded_id = thread.id)`

// CountIdle counts idle threads, and says when the oldest fell silent.
func CountIdle(tx *db.Tx, i Idle) (n int, oldest time.Time, err error) {
	var at int64
	err = tx.QueryRow(`SELECT COUNT(*), COALESCE(MIN(last_at), 0)`+idleThreads, i.CounterID, db.Micro(i.Since)).Scan(&n, &at)
	if err != nil {
		return 0, oldest, fmt.Errorf("count idle threads: %w", err)
	}
	if at > 0 {
		oldest = db.Time(at)
	}
	return n, oldest, nil
}

// IdleThreads returns some idle threads, the oldest first. A thread of several
// records is none: its parts belong to each other.
func IdleThreads(tx *db.Tx, i Idle) ([]string, error) {
	rows, err := tx.Query(`SELECT id`+idleThreads+` ORDER BY last_at, id LIMIT $3`, i.CounterID, db.Micro(i.Since), i.Limit)
	ids, err := db.Collect(rows, err, func(r *sql.Rows) (id string, err error) { return id, r.Scan(&id) })
	if err != nil {
		return nil, fmt.Errorf("idle threads: %w", err)
	}
	return ids, nil
}

// ForgetThreads removes threads with everything that was said in them.
func (d *Desk) ForgetThreads(tx *db.Tx, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	marks, args := db.In(ids, 1)
	type idle struct{ id, customer, counter string }
	rows, err := tx.Query(`SELECT id, customer_id, counter_id FROM thread WHERE id IN (`+marks+`) ORDER BY id`, args...)
	found, err := db.Collect(rows, err, func(r *sql.Rows) (t idle, err error) { return t, r.Scan(&t.id, &t.customer, &t.counter) })
	if err != nil {
		return fmt.Errorf("forget threads: %w", err)
	}
	for _, t := range found {
		event.Append(tx, event.Event{Kind: event.ThreadChanged, Customer: t.customer, Thread: t.id, Counter: t.counter, By: "privacy",
			Data: map[string]string{"act": "erased"}})
	}
	if err := d.eraseBytes(tx, nil, ids); err != nil {
		return err
	}
	return eraseThreads(tx, ids)
}

// OldRows are rows beside conversations that grow old by a time of their own.
type OldRows string

// Rows that grow old beside messages.
const (
	OldDrafts     OldRows = "draft"
	OldNotices    OldRows = "notice"
	OldDeliveries OldRows = "delivery"
)

var oldRows = map[OldRows]struct{ time, key string }{
	OldDrafts:     {"updated_at", "thread_id, staff_id"},
	OldNotices:    {"at", "account_id, event_id"},
	OldDeliveries: {"at", "id"},
}

// CountOld counts rows older than a time, and says when the oldest was made.
func CountOld(tx *db.Tx, kind OldRows, since time.Time) (n int, oldest time.Time, err error) {
	var at int64
	c := oldRows[kind]
	if err := tx.QueryRow(`SELECT COUNT(*), COALESCE(MIN(`+c.time+`), 0) FROM `+string(kind)+` WHERE `+c.time+` < $1`, db.Micro(since)).Scan(&n, &at); err != nil {
		return 0, oldest, fmt.Errorf("count old rows: %w", err)
	}
	if at > 0 {
		oldest = db.Time(at)
	}
	return n, oldest, nil
}

// ForgetOld removes some rows older than a time, and tells how many.
func ForgetOld(tx *db.Tx, kind OldRows, since time.Time, limit int) (int, error) {
	c := oldRows[kind]
	n, err := tx.Exec(`DELETE FROM `+string(kind)+` WHERE (`+c.key+`) IN (SELECT `+c.key+` FROM `+string(kind)+` WHERE `+c.time+` < $1 ORDER BY `+c.time+` LIMIT $2)`,
		db.Micro(since), limit)
	if err != nil {
		return 0, fmt.Errorf("forget old rows: %w", err)
	}
	return int(n), nil
}
