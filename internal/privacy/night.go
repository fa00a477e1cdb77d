package privacy

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"dingdong/internal/audit"
	"dingdong/internal/db"
	"dingdong/internal/job"
	"dingdong/internal/staff"
)

// JobRetain is the nightly run.
const JobRetain = "privacy_retain"

// Runs begin at three in the morning of the house's clock, which is UTC plus eight
// for a group in Taiwan; another zone only moves the hour.
const (
	nightHour = 19 // UTC
	pause     = 5 * time.Millisecond
)

// Schedule enters the nightly run, once.
func Schedule(tx *db.Tx) error {
	return job.Enqueue(tx, job.New{Kind: JobRetain, Key: "periodic", RunAt: nextNight(tx.Now)})
}

func nextNight(now time.Time) time.Time {
	at := time.Date(now.Year(), now.Month(), now.Day(), nightHour, 0, 0, 0, time.UTC)
	if !at.After(now) {
		at = at.AddDate(0, 0, 1)
	}
	return at
}

func (r *Room) night(ctx context.Context, _ job.Job) (job.Outcome, error) {
	if _, err := r.Retain(ctx); err != nil {
		return nil, err // the next attempt goes on where this one stopped
	}
	return func(tx *db.Tx) error {
		job.KeepOpen(tx, nextNight(tx.Now))
		return nil
	}, nil
}

// Run is one run of the rules.
type Run struct {
	ID         string
	At, DoneAt time.Time // DoneAt zero: it goes on, or broke off
	Counts     map[string]int
}

// countPersons and countAsked are what a run counts besides the kinds.
const (
	countPersons = "persons"
	countAsked   = "asked"
)

// Retain lets go of everything that is too old, a little at a time. It may be broken
// off at any moment: what is done is done, and the next run goes on.
func (r *Room) Retain(ctx context.Context) (Run, error) {
	run := Run{Counts: map[string]int{}}
	var rules Rules
	err := r.DB.Write(ctx, func(tx *db.Tx) (err error) {
		if rules, err = ReadRules(tx); err != nil {
			return err
		}
		run.ID, run.At = tx.NewID("rtn"), tx.Now
		_, err = tx.Exec(`INSERT INTO retention_run (id, at) VALUES ($1, $2)`, run.ID, db.Micro(tx.Now))
		return err
	})
	if err != nil {
		return run, fmt.Errorf("begin a run: %w", err)
	}
	kinds := r.kinds()
	for _, kind := range Kinds() {
		days := rules.Keep[kind]
		if days == 0 {
			continue
		}
		n, err := r.letGo(ctx, kind, kinds[kind], run.At.AddDate(0, 0, -days))
		run.Counts[string(kind)] = n
		if err != nil {
			return run, errors.Join(fmt.Errorf("let go of %s: %w", kind, err), r.noteRun(ctx, run))
		}
	}
	if err := r.dropFilesTooOld(ctx); err != nil {
		return run, err
	}
	asked, gone, err := r.partings(ctx, parting{rules: rules, erasure: "ers" + strings.TrimPrefix(run.ID, "rtn")})
	maps.Copy(run.Counts, map[string]int{countAsked: asked, countPersons: gone})
	if err != nil {
		return run, errors.Join(err, r.noteRun(ctx, run))
	}
	run.DoneAt = r.DB.Now()
	return run, r.noteRun(ctx, run)
}

func (r *Room) noteRun(ctx context.Context, run Run) error {
	counts, err := json.Marshal(run.Counts)
	if err != nil {
		return err
	}
	return r.DB.Write(context.WithoutCancel(ctx), func(tx *db.Tx) error {
		done := sql.NullInt64{Int64: db.Micro(run.DoneAt), Valid: !run.DoneAt.IsZero()}
		if _, err := tx.Exec(`UPDATE retention_run SET done_at = $2, counts = $3 WHERE id = $1`, run.ID, done, string(counts)); err != nil {
			return fmt.Errorf("note a run: %w", err)
		}
		audit.Record(tx, audit.Entry{Actor: "system", Action: "privacy.retained", Object: run.ID, Detail: string(counts)})
		return nil
	})
}

// letGo lets one kind go, turn after turn, and gives way to others between two.
func (r *Room) letGo(ctx context.Context, kind Kind, k kindOf, since time.Time) (int, error) {
	var after string
	err := r.DB.Read(ctx, func(tx *db.Tx) (err error) {
		after, err = reached(tx, kind)
		return err
	})
	if err != nil {
		return 0, err
	}
	a, sum := aging{r, since}, 0
	for {
		next, n, err := k.forget(a, ctx, after)
		if err != nil {
			return sum, err
		}
		sum += n
		if next == again {
			next = after
			if n == 0 {
				return sum, nil
			}
		} else if next == "" {
			return sum, r.noteStep(ctx, kind, after, n)
		}
		after = next
		if n > 0 {
			if err := r.noteStep(ctx, kind, after, n); err != nil {
				return sum, err
			}
			if err := rest(ctx); err != nil {
				return sum, err
			}
		} else if err := ctx.Err(); err != nil {
			return sum, err
		}
	}
}

func (r *Room) noteStep(ctx context.Context, kind Kind, after string, n int) error {
	err := r.DB.Write(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(`INSERT INTO retention_step (kind, reached, removed, at) VALUES ($1, $2, $3, $4)
			ON CONFLICT (kind) DO UPDATE SET reached = excluded.reached, removed = retention_step.removed + excluded.removed, at = excluded.at`,
			string(kind), after, int64(n), db.Micro(tx.Now))
		return err
	})
	if err != nil {
		return fmt.Errorf("how far a run came: %w", err)
	}
	return nil
}

func rest(ctx context.Context) error {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Runs returns the latest runs.
func Runs(tx *db.Tx, v staff.Viewer, limit int) ([]Run, error) {
	if !v.May(staff.KeepPrivacy) {
		return nil, staff.ErrForbidden
	}
	rows, err := tx.Query(`SELECT id, at, COALESCE(done_at, 0), counts FROM retention_run ORDER BY id DESC LIMIT $1`, limit)
	list, err := db.Collect(rows, err, func(rs *sql.Rows) (x Run, err error) {
		var at, done int64
		var counts string
		if err := rs.Scan(&x.ID, &at, &done, &counts); err != nil {
			return x, err
		}
		x.At = db.Time(at)
		if done > 0 {
			x.DoneAt = db.Time(done)
		}
		return x, json.Unmarshal([]byte(counts), &x.Counts)
	})
	if err != nil {
		return nil, fmt.Errorf("runs: %w", err)
	}
	return list, nil
}
