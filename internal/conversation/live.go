package conversation

import (
	"database/sql"
	"fmt"

	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// What live pages ask for: the same for many viewers, so it is read once and
// narrowed for each of them in memory.

// InboxRows returns some threads as the inbox shows them, for live pages; the
// caller asks who may see them. The inbox does not show those that were folded.
func (d *Desk) InboxRows(tx *db.Tx, ids []string) ([]Thread, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	args := make([]any, len(ids))
	for i, id := range ids {
		args[i] = id
	}
	rows, err := tx.Query(`SELECT `+threadColumns+threadFrom+`WHERE t.id IN (`+db.Marks(len(ids), 1)+`) AND t.folded_id = ''`, args...)
	sealed, err := appendThreads(nil, rows, err)
	if err != nil {
		return nil, err
	}
	return d.openThreads(tx, sealed)
}

// Crowd is everybody who waits: counter -> advisor -> how many.
type Crowd map[string]map[string]int

// CountCrowd counts who waits in the whole house, with one query for all pages.
func (d *Desk) CountCrowd(tx *db.Tx) (Crowd, error) {
	type cell struct {
		counter, assignee string
		n                 int
	}
	rows, err := tx.Query(`SELECT counter_id, assignee_id, COUNT(*) FROM thread WHERE kind = 'person' AND waiting_since > 0
		GROUP BY counter_id, assignee_id`)
	cells, err := db.Collect(rows, err, func(r *sql.Rows) (cell, error) {
		var c cell
		return c, r.Scan(&c.counter, &c.assignee, &c.n)
	})
	if err != nil {
		return nil, fmt.Errorf("count the crowd: %w", err)
	}
	crowd := Crowd{}
	for _, c := range cells {
		if crowd[c.counter] == nil {
			crowd[c.counter] = map[string]int{}
		}
		crowd[c.counter][c.assignee] = c.n
	}
	return crowd, nil
}

// For is the part of the crowd that a viewer may see, as CountWaiting counts it.
func (c Crowd) For(v staff.Viewer) Waiting {
	var w Waiting
	for _, counter := range v.Counters() {
		for assignee, n := range c[counter] {
			w.All += n
			switch assignee {
			case "":
				w.Unassigned += n
			case v.ID:
				w.Mine += n
			}
		}
	}
	return w.narrowed(v)
}

// Said returns what was sent in a thread under a client's key, or
// db.ErrNotFound: a repeated upload asks before it stores the bytes again.
func (d *Desk) Said(tx *db.Tx, v staff.Viewer, threadID, key string) (Message, error) {
	t, err := d.writable(tx, v, threadID)
	if err != nil {
		return Message{}, err
	}
	return d.messageByKey(tx, t.ID, key)
}
