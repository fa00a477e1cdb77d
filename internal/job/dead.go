package job

import (
	"database/sql"
	"fmt"
	"time"

	"dingdong/internal/db"
)

// DeadJob is work that was given up, with the reason.
type DeadJob struct {
	ID, Kind, Lane, Key string
	Attempt             int
	DeadAt              time.Time
	Error               string
}

// Dead lists what was given up, the latest first.
func Dead(tx *db.Tx, limit int) ([]DeadJob, error) {
	rows, err := tx.Query(`SELECT id, kind, lane, COALESCE(key, ''), attempt, dead_at, error FROM job
		WHERE dead_at IS NOT NULL ORDER BY dead_at DESC, id DESC LIMIT $1`, limit)
	all, err := db.Collect(rows, err, func(r *sql.Rows) (d DeadJob, err error) {
		var at int64
		err = r.Scan(&d.ID, &d.Kind, &d.Lane, &d.Key, &d.Attempt, &at, &d.Error)
		d.DeadAt = db.Time(at)
		return d, err
	})
	if err != nil {
		return nil, fmt.Errorf("list dead jobs: %w", err)
	}
	return all, nil
}

// Revive gives a dead job all its attempts again. It goes to the front of its
// lane.
func Revive(tx *db.Tx, id string) error {
	if err := requireDead(tx, id); err != nil {
		return err
	}
	tx.Defer(changes, &revival{id})
	return nil
}

// Discard deletes a dead job.
func Discard(tx *db.Tx, id string) error {
	n, err := tx.Exec("DELETE FROM job WHERE id = $1 AND dead_at IS NOT NULL", id)
	if err == nil && n == 0 {
		err = db.ErrNotFound
	}
	return err
}

func requireDead(tx *db.Tx, id string) error {
	var at int64
	return db.NotFound(tx.QueryRow("SELECT dead_at FROM job WHERE id = $1 AND dead_at IS NOT NULL", id).Scan(&at))
}

// Count is how much work there is.
type Count struct {
	Waiting int64     // open and held by nobody
	Running int64     // held by a worker
	Dead    int64     // given up
	Oldest  time.Time // when the longest overdue job should have begun; zero: none is overdue
}

// Stats counts the work there is.
func Stats(tx *db.Tx) (Count, error) {
	var c Count
	var oldest sql.NullInt64
	err := tx.QueryRow(`SELECT
		(SELECT COUNT(*) FROM job WHERE dead_at IS NULL AND claim = 0),
		(SELECT COUNT(*) FROM job WHERE due_at IS NOT NULL AND claim <> 0),
		(SELECT COUNT(*) FROM job WHERE dead_at IS NOT NULL),
		(SELECT due_at FROM job WHERE due_at IS NOT NULL ORDER BY due_at, id LIMIT 1)`).Scan(&c.Waiting, &c.Running, &c.Dead, &oldest)
	if err != nil {
		return Count{}, fmt.Errorf("count jobs: %w", err)
	}
	if oldest.Valid && oldest.Int64 < db.Micro(tx.Now) {
		c.Oldest = db.Time(oldest.Int64)
	}
	return c, nil
}
