package job

import (
	"database/sql"
	"fmt"

	"dingdong/internal/db"
)

// end stores how attempts ended and moves their lanes on.
func (f *flushing) end(ends []*ending) error {
	if len(ends) == 0 {
		return nil
	}
	gone, err := f.remove(ends)
	if err != nil {
		return fmt.Errorf("complete: %w", err)
	}
	var plain []string
	leased := make(map[string]*ending)
	for _, e := range ends {
		e.next = nil // of an earlier run of this flush
		left := gone[e.job.ID]
		if !left {
			if left, err = f.reopen(e); err != nil {
				return err
			}
		}
		switch {
		case !left || e.job.Lane == "":
		case e.lease > 0:
			leased[e.job.Lane] = e
		default:
			plain = append(plain, e.job.Lane)
		}
	}
	if err := f.promote(plain, nil); err != nil {
		return err
	}
	lanes := make([]string, 0, len(leased))
	for _, e := range ends {
		if leased[e.job.Lane] == e {
			lanes = append(lanes, e.job.Lane)
		}
	}
	return f.promote(lanes, leased)
}

// remove deletes the jobs that are done, unless they are wanted once more.
func (f *flushing) remove(ends []*ending) (map[string]bool, error) {
	var ids []string
	claims := make(map[string]int64)
	for _, e := range ends {
		if e.how == done {
			ids = append(ids, e.job.ID)
			claims[e.job.ID] = e.job.claim
		}
	}
	gone := make(map[string]bool, len(ids))
	err := inChunks(ids, 1, func(marks string, args []any) error {
		rows, err := f.tx.Query("DELETE FROM job WHERE again_at = 0 AND id IN ("+marks+") RETURNING id, claim", args...)
		_, err = db.Collect(rows, err, func(r *sql.Rows) (none struct{}, err error) {
			var id string
			var claim int64
			if err = r.Scan(&id, &claim); err == nil && claim != claims[id] {
				err = errLost
			}
			gone[id] = true
			return none, err
		})
		return err
	})
	return gone, err
}

// reopen stores the end of an attempt that does not remove the job, and says
// whether the job has left its lane.
func (f *flushing) reopen(e *ending) (left bool, err error) {
	const mine = " WHERE id = $1 AND claim = $2"
	// What was enqueued meanwhile comes first; a back-off is not cut short.
	const sooner = "CASE WHEN again_at <> 0 AND again_at < $3 THEN again_at ELSE $3 END"
	var n int64
	id, claim := e.job.ID, e.job.claim
	switch e.how {
	case done:
		n, err = f.tx.Exec("UPDATE job SET run_at = again_at, due_at = again_at, again_at = 0, claim = 0, attempt = 0, error = ''"+
			mine+" AND again_at <> 0", id, claim)
	case reopened:
		n, err = f.tx.Exec("UPDATE job SET run_at = "+sooner+", due_at = "+sooner+", again_at = 0, claim = 0, attempt = 0, error = ''"+
			mine, id, claim, e.at)
	case snoozed:
		n, err = f.tx.Exec("UPDATE job SET run_at = "+sooner+", due_at = "+sooner+", again_at = 0, claim = 0, attempt = attempt - 1"+
			mine, id, claim, e.at)
	case released:
		n, err = f.tx.Exec("UPDATE job SET due_at = run_at, again_at = 0, claim = 0, attempt = attempt - 1"+mine, id, claim)
	case failed:
		n, err = f.tx.Exec("UPDATE job SET run_at = $3, due_at = $3, again_at = 0, claim = 0, error = $4"+mine, id, claim, e.at, e.text)
	case dead:
		left = true
		n, err = f.tx.Exec("UPDATE job SET dead_at = $3, due_at = NULL, again_at = 0, claim = 0, error = $4"+mine+" AND again_at = 0",
			id, claim, f.now, e.text)
		if err == nil && n == 0 { // enqueued meanwhile: that wish must not die with this one
			left = false
			n, err = f.tx.Exec("UPDATE job SET run_at = again_at, due_at = again_at, again_at = 0, claim = 0, attempt = 0, error = $3"+
				mine+" AND again_at <> 0", id, claim, e.text)
		}
	}
	if err == nil && n == 0 && !e.lenient {
		err = errLost
	}
	f.wake = f.wake || !left
	return left && n > 0, err
}

// promote makes the first job of each lane its head. Where an ending asks for
// it, a head that is due is leased at once: a lane then costs one commit per
// job and no claim.
func (f *flushing) promote(lanes []string, leased map[string]*ending) error {
	dueUntil, until := int64(-1), int64(0) // nothing is due before 1970: no lease
	for _, e := range leased {
		dueUntil, until = f.now, f.until(e.lease)
	}
	return inChunks(lanes, 4, func(marks string, args []any) error {
		rows, err := f.tx.Query(`UPDATE job SET
			due_at = CASE WHEN run_at <= $1 THEN CAST($2 AS BIGINT) ELSE run_at END,
			claim = CASE WHEN run_at <= $1 THEN CAST($3 AS BIGINT) ELSE 0 END,
			attempt = attempt + CASE WHEN run_at <= $1 THEN 1 ELSE 0 END
			WHERE due_at IS NULL AND id IN (SELECT (SELECT j.id FROM job AS j WHERE j.lane = v.column1 AND j.lane <> ''
				AND j.dead_at IS NULL ORDER BY j.lane, j.id LIMIT 1) FROM (VALUES `+rowMarks(marks)+`) AS v)
			RETURNING `+columns, append([]any{dueUntil, until, f.claim}, args...)...)
		heads, err := db.Collect(rows, err, scan)
		if err != nil {
			return fmt.Errorf("move the lanes on: %w", err)
		}
		for _, j := range heads {
			if j.claim != 0 {
				leased[j.Lane].next = &j
			} else {
				f.wake = true
			}
		}
		return nil
	})
}

// open mends what only a hand in the database or a copy could have broken,
// and frees what a process that is gone held.
func (f *flushing) open(o *opening) error {
	f.wake = true
	if o.voidLeases {
		if _, err := f.tx.Exec("UPDATE job SET claim = 0, again_at = 0, due_at = run_at WHERE claim <> 0"); err != nil {
			return fmt.Errorf("void leases: %w", err)
		}
	}
	_, err := f.tx.Exec(`UPDATE job SET due_at = run_at WHERE due_at IS NULL AND dead_at IS NULL AND (lane = '' OR (
		id IN (SELECT MIN(o.id) FROM job AS o WHERE o.dead_at IS NULL AND o.lane <> '' GROUP BY o.lane)
		AND NOT EXISTS (SELECT 1 FROM job AS h WHERE h.lane = job.lane AND h.lane <> '' AND h.due_at IS NOT NULL)))`)
	if err != nil {
		return fmt.Errorf("mend lanes: %w", err)
	}
	return nil
}

// revive opens a dead job again. Another open job of its kind and key does
// its work as well; then the dead one only goes.
func (f *flushing) revive(id string) error {
	var lane string
	err := f.tx.QueryRow(`UPDATE job SET dead_at = NULL, run_at = $2, attempt = 0, error = '' WHERE id = $1 AND dead_at IS NOT NULL
		AND NOT EXISTS (SELECT 1 FROM job AS o WHERE o.kind = job.kind AND o.key = job.key AND o.dead_at IS NULL)
		RETURNING lane`, id, f.now).Scan(&lane)
	if err := db.NotFound(err); err == db.ErrNotFound {
		_, err := f.tx.Exec("DELETE FROM job WHERE id = $1 AND dead_at IS NOT NULL", id)
		return err
	} else if err != nil {
		return fmt.Errorf("revive: %w", err)
	}
	f.wake = true
	taken, err := f.headed([]string{lane})
	if err == nil && !taken[lane] {
		_, err = f.tx.Exec("UPDATE job SET due_at = run_at WHERE id = $1", id)
	}
	return err
}
