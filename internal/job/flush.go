package job

import (
	"database/sql"
	"errors"
	"fmt"
	"sort"
	"strings"
	"time"

	"dingdong/internal/db"
)

// Topic is signalled when jobs may have become due.
const Topic = "job"

// changes is flushed late: other batches enqueue.
var changes = &db.Batch{Name: "job", Order: 1000, Flush: flush}

// errLost: another worker has the job now, so this result must not be stored.
var errLost = errors.New("job: the lease was lost")

// Rows of the batch. Workers read the results out of theirs after the commit.
type (
	addition struct {
		kind, lane, key, args string
		runAt                 int64
	}

	// ending is the end of one attempt.
	ending struct {
		job     Job
		how     how
		at      int64 // when it is due again, unless done or dead
		text    string
		lease   time.Duration // above 0: hand me the next job of the lane
		lenient bool          // a lost lease is no error

		next *Job
	}

	claiming struct {
		limit int
		lease time.Duration

		jobs []Job
		due  int64 // of the first job that is not due yet; 0: none
	}

	renewal struct {
		ids   []string
		lease time.Duration
	}

	revival struct{ id string }

	// opening is a worker's start: it mends lanes and, on a single node, voids
	// the leases of the process before.
	opening struct{ voidLeases bool }
)

type how int

const (
	done     how = iota
	reopened     // KeepOpen
	snoozed
	released // claimed and not begun
	failed
	dead
)

// flushing is one run of the batch.
type flushing struct {
	tx    *db.Tx
	now   int64
	claim int64 // the number of this flush's claims
	wake  bool
}

func flush(tx *db.Tx, rows []any) error {
	var adds []*addition
	var ends []*ending
	var claims []*claiming
	var others []any
	for _, row := range rows {
		switch r := row.(type) {
		case *addition:
			adds = append(adds, r)
		case *ending:
			ends = append(ends, r)
		case *claiming:
			claims = append(claims, r)
		default:
			others = append(others, row)
		}
	}
	// One lock for every change of the table, on every node.
	first, err := db.Tally(tx, "job", int64(len(adds)+1))
	if err != nil {
		return err
	}
	f := &flushing{tx: tx, now: db.Micro(tx.Now), claim: first + int64(len(adds))}
	// Endings come before additions: a job may enqueue its own successor.
	if err := f.end(ends); err != nil {
		return err
	}
	for _, row := range others {
		if err := f.other(row); err != nil {
			return err
		}
	}
	if err := f.add(adds, first); err != nil {
		return fmt.Errorf("enqueue: %w", err)
	}
	for _, c := range claims {
		if err := f.take(c); err != nil {
			return fmt.Errorf("claim: %w", err)
		}
	}
	if f.wake {
		tx.Signal(Topic)
	}
	return nil
}

func (f *flushing) other(row any) error {
	switch r := row.(type) {
	case *renewal:
		return inChunks(r.ids, 2, func(marks string, ids []any) error {
			_, err := f.tx.Exec("UPDATE job SET due_at = $1 WHERE claim <> 0 AND id IN ("+marks+")", append([]any{f.until(r.lease)}, ids...)...)
			return err
		})
	case *revival:
		return f.revive(r.id)
	case *opening:
		return f.open(r)
	case *Forgetting:
		return f.forget(r)
	}
	return fmt.Errorf("job: a row of type %T", row)
}

func (f *flushing) until(lease time.Duration) int64 { return f.now + lease.Microseconds() }

// number makes an id of a tally number, so that ids sort by commit.
func number(n int64) string { return fmt.Sprintf("job_%026d", n) }

func (f *flushing) add(adds []*addition, first int64) error {
	if len(adds) == 0 {
		return nil
	}
	f.wake = true
	adds = fold(adds)
	lanes := make([]string, 0, len(adds))
	for _, a := range adds {
		if a.lane != "" {
			lanes = append(lanes, a.lane)
		}
	}
	taken, err := f.headed(lanes)
	if err != nil {
		return err
	}
	free := make([]any, 0, 6*len(adds))
	keyed := make(map[string]string) // lane by id
	var keyedArgs []any
	for i, a := range adds {
		var due any
		if a.lane == "" || !taken[a.lane] {
			due = a.runAt
			taken[a.lane] = true
		}
		id := number(first + int64(i))
		if a.key == "" {
			free = append(free, id, a.kind, a.lane, a.args, a.runAt, due)
		} else {
			keyedArgs = append(keyedArgs, id, a.kind, a.lane, a.key, a.args, a.runAt, due)
			keyed[id] = a.lane
		}
	}
	if err := f.tx.Insert("INSERT INTO job (id, kind, lane, args, run_at, due_at)", 6, free, ""); err != nil {
		return err
	}
	return f.addKeyed(keyedArgs, keyed)
}

// addKeyed adds what has a key, or touches the open job of that key. A job
// that is held may have looked already, so it is told to look again; a
// back-off is not cut short.
func (f *flushing) addKeyed(args []any, lanes map[string]string) error {
	const sooner = "job.claim = 0 AND job.attempt = 0 AND excluded.run_at < job.run_at"
	err := f.tx.InsertReturning("INSERT INTO job (id, kind, lane, key, args, run_at, due_at)", 7, args,
		`ON CONFLICT (kind, key) WHERE key IS NOT NULL AND dead_at IS NULL DO UPDATE SET
			again_at = CASE WHEN job.claim = 0 THEN job.again_at
				WHEN job.again_at = 0 OR job.again_at > excluded.run_at THEN excluded.run_at ELSE job.again_at END,
			run_at = CASE WHEN `+sooner+` THEN excluded.run_at ELSE job.run_at END,
			due_at = CASE WHEN job.due_at IS NOT NULL AND `+sooner+` THEN excluded.run_at ELSE job.due_at END
		RETURNING id`, func(r *sql.Rows) error {
			var id string
			err := r.Scan(&id)
			delete(lanes, id)
			return err
		})
	if err != nil || len(lanes) == 0 {
		return err
	}
	// What was not added may have been meant as the first of its lane.
	var left []string
	for _, lane := range lanes {
		if lane != "" {
			left = append(left, lane)
		}
	}
	taken, err := f.headed(left)
	if err != nil {
		return err
	}
	var headless []string
	for _, lane := range distinct(left) {
		if !taken[lane] {
			headless = append(headless, lane)
		}
	}
	return f.promote(headless, nil)
}

type kindKey struct{ kind, key string }

// fold makes one of the additions that share a kind and key: the first, due
// when the soonest is.
func fold(adds []*addition) []*addition {
	keyed := make(map[kindKey]*addition)
	few := make([]*addition, 0, len(adds))
	for _, a := range adds {
		if a.key != "" {
			k := kindKey{a.kind, a.key}
			if same := keyed[k]; same != nil {
				same.runAt = min(same.runAt, a.runAt)
				continue
			}
			clone := *a // a flush may run twice over its rows
			a = &clone
			keyed[k] = a
		}
		few = append(few, a)
	}
	return few
}

// headed says which lanes have an open job.
func (f *flushing) headed(lanes []string) (map[string]bool, error) {
	taken := make(map[string]bool)
	err := inChunks(distinct(lanes), 1, func(marks string, args []any) error {
		rows, err := f.tx.Query("SELECT lane FROM job WHERE lane IN ("+marks+") AND lane <> '' AND due_at IS NOT NULL", args...)
		some, err := db.Collect(rows, err, func(r *sql.Rows) (lane string, err error) { return lane, r.Scan(&lane) })
		for _, lane := range some {
			taken[lane] = true
		}
		return err
	})
	return taken, err
}

const columns = "id, kind, lane, COALESCE(key, ''), args, attempt, run_at, claim"

func scan(r *sql.Rows) (j Job, err error) {
	var runAt int64
	err = r.Scan(&j.ID, &j.Kind, &j.Lane, &j.Key, (*[]byte)(&j.Args), &j.Attempt, &runAt, &j.claim)
	j.RunAt = db.Time(runAt)
	return j, err
}

func (f *flushing) take(c *claiming) error {
	rows, err := f.tx.Query(`UPDATE job SET claim = $1, due_at = $2, attempt = attempt + 1 WHERE id IN (
		SELECT id FROM job WHERE due_at IS NOT NULL AND due_at <= $3 ORDER BY due_at, id LIMIT $4) RETURNING `+columns,
		f.claim, f.until(c.lease), f.now, c.limit)
	if c.jobs, err = db.Collect(rows, err, scan); err != nil {
		return err
	}
	sort.Slice(c.jobs, func(a, b int) bool { return c.jobs[a].ID < c.jobs[b].ID })
	if c.due = 0; len(c.jobs) == c.limit {
		return nil
	}
	c.due, err = firstDue(f.tx)
	return err
}

// firstDue is when the next job may be claimed, 0 if there is none.
func firstDue(tx *db.Tx) (due int64, err error) {
	err = db.NotFound(tx.QueryRow("SELECT due_at FROM job WHERE due_at IS NOT NULL ORDER BY due_at, id LIMIT 1").Scan(&due))
	if errors.Is(err, db.ErrNotFound) {
		return 0, nil
	}
	return due, err
}

func distinct(all []string) []string {
	seen := make(map[string]bool, len(all))
	few := all[:0:0]
	for _, s := range all {
		if !seen[s] {
			seen[s] = true
			few = append(few, s)
		}
	}
	return few
}

// inChunks calls fn with the placeholders, from $from on, and values of a list
// for IN. Lists are filled up with their last value to a few sizes, so that
// few statements are prepared.
func inChunks(all []string, from int, fn func(marks string, args []any) error) error {
	for len(all) > 0 {
		n := min(len(all), 256)
		size := 1
		for size < n {
			size *= 4
		}
		args := make([]any, size)
		for i := range args {
			args[i] = all[min(i, n-1)]
		}
		if err := fn(db.Marks(size, from), args); err != nil {
			return err
		}
		all = all[n:]
	}
	return nil
}

// rowMarks writes ($2),($3) for VALUES.
func rowMarks(marks string) string { return "(" + strings.ReplaceAll(marks, ",", "),(") + ")" }
