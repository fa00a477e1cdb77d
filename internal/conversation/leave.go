package conversation

import (
	"database/sql"
	"fmt"

	"dingdong/internal/db"
	"dingdong/internal/event"
	"dingdong/internal/staff"
)

// Held counts the open threads that somebody answers.
func Held(tx *db.Tx, staffID string) (int, error) {
	var n int
	err := tx.QueryRow(`SELECT COUNT(*) FROM thread WHERE assignee_id = $1 AND assignee_id <> '' AND state = 'open'`, staffID).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count her threads: %w", err)
	}
	return n, nil
}

// ReleaseAll gives the threads of somebody who leaves back to their counters,
// and tells how many of them were open. Closed ones go back as well: a customer
// who returns would otherwise wait for somebody who is gone.
func ReleaseAll(tx *db.Tx, v staff.Viewer, staffID string) (open int, err error) {
	if !v.May(staff.ManageGroup) {
		return 0, staff.ErrForbidden
	}
	type held struct {
		thread, customer, counter string
		open                      bool
	}
	rows, err := tx.Query(`UPDATE thread SET assignee_id = '' WHERE assignee_id = $1 AND assignee_id <> ''
		RETURNING id, customer_id, counter_id, state = 'open'`, staffID)
	all, err := db.Collect(rows, err, func(r *sql.Rows) (held, error) {
		var h held
		return h, r.Scan(&h.thread, &h.customer, &h.counter, &h.open)
	})
	if err != nil {
		return 0, fmt.Errorf("release her threads: %w", err)
	}
	if _, err := tx.Exec(`UPDATE thread_part SET assignee_id = '' WHERE assignee_id = $1 AND assignee_id <> ''`, staffID); err != nil {
		return 0, fmt.Errorf("release her threads: %w", err)
	}
	for _, h := range all {
		if h.open {
			open++
		}
		event.Append(tx, event.Event{Kind: event.ThreadChanged, Customer: h.customer, Thread: h.thread, Counter: h.counter, By: v.ID,
			Data: map[string]string{"act": string(ActReleased), "to": ""}})
	}
	return open, nil
}
