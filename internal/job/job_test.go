package job_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
	"dingdong/internal/job"
)

func TestKeyIsUnique(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		var wg sync.WaitGroup
		for range 64 {
			wg.Go(func() {
				for i := range 10 {
					enqueue(t, d, job.New{Kind: "x", Key: fmt.Sprint(i), Lane: fmt.Sprint(i % 3)}, job.New{Kind: "y", Key: fmt.Sprint(i)})
				}
			})
		}
		wg.Wait()
		if c := stats(t, d); c.Waiting != 20 {
			t.Errorf("%d jobs, not 20", c.Waiting)
		}
		var ran atomic.Int64
		count := func(context.Context, job.Job) (job.Outcome, error) { ran.Add(1); return nil, nil }
		start(t, d, map[string]job.Handler{"x": count, "y": count}, job.Options{})
		empty(t, d)
		if ran.Load() != 20 {
			t.Errorf("%d ran", ran.Load())
		}
	})
}

func TestKeyOfAnOpenJob(t *testing.T) {
	start0 := time.Date(2026, 11, 22, 5, 0, 0, 0, time.UTC)
	cases := []struct {
		name   string
		first  job.New
		second job.New
		runAt  time.Time
	}{
		{"sooner wins", job.New{RunAt: start0.Add(time.Hour)}, job.New{}, start0},
		{"later changes nothing", job.New{RunAt: start0.Add(time.Hour)}, job.New{RunAt: start0.Add(2 * time.Hour)}, start0.Add(time.Hour)},
		{"sooner wins in a lane", job.New{Lane: "a", RunAt: start0.Add(time.Hour)}, job.New{Lane: "a"}, start0},
	}
	clock := dbtest.NewClock(start0)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			dbtest.EachAt(t, clock, func(t *testing.T, d *db.DB) {
				c.first.Kind, c.first.Key, c.first.Args = "x", "k", "first"
				c.second.Kind, c.second.Key, c.second.Args = "x", "k", "second"
				for _, how := range []string{"in two commits", "in one"} {
					if how == "in one" {
						enqueue(t, d, c.first, c.second)
					} else {
						enqueue(t, d, c.first)
						enqueue(t, d, c.second)
					}
					err := d.Read(t.Context(), func(tx *db.Tx) error {
						var runAt, dueAt int64
						var args string
						err := tx.QueryRow("SELECT run_at, due_at, args FROM job").Scan(&runAt, &dueAt, &args)
						if !db.Time(runAt).Equal(c.runAt) || runAt != dueAt || args != `"first"` {
							t.Errorf("%s: runs at %v, due at %v, with %s", how, db.Time(runAt), db.Time(dueAt), args)
						}
						return err
					})
					if err != nil {
						t.Fatal(err)
					}
					write(t, d, func(tx *db.Tx) error { _, err := tx.Exec("DELETE FROM job"); return err })
				}
			})
		})
	}
}

// What is enqueued while its job runs must not be lost: the job may have
// looked before.
func TestKeyOfARunningJob(t *testing.T) {
	ends := map[string]struct {
		outcome job.Outcome
		err     error
	}{
		"done":      {nil, nil},
		"kept open": {func(tx *db.Tx) error { job.KeepOpen(tx, tx.Now.Add(time.Hour)); return nil }, nil},
		"snoozed":   {nil, job.Snooze(time.Now().Add(time.Hour))},
		"dead":      {nil, job.Fatal(errNo)},
	}
	for name, end := range ends {
		for _, lane := range []string{"", "a"} {
			t.Run(name+" "+lane, func(t *testing.T) {
				dbtest.Each(t, func(t *testing.T, d *db.DB) {
					begun, goOn := make(chan int), make(chan struct{})
					runs := 0
					handler := func(context.Context, job.Job) (job.Outcome, error) {
						runs++
						begun <- runs
						<-goOn
						if runs > 1 {
							return nil, nil
						}
						return end.outcome, end.err
					}
					start(t, d, map[string]job.Handler{"x": handler}, job.Options{})
					enqueue(t, d, job.New{Kind: "x", Key: "k", Lane: lane})
					<-begun
					enqueue(t, d, job.New{Kind: "x", Key: "k", Lane: lane})
					enqueue(t, d, job.New{Kind: "x", Key: "k", Lane: lane})
					goOn <- struct{}{}
					if n := <-begun; n != 2 {
						t.Errorf("run %d", n)
					}
					goOn <- struct{}{}
					empty(t, d)
					if c := stats(t, d); c.Dead != 0 || runs != 2 {
						t.Errorf("%d runs, %+v", runs, c)
					}
				})
			})
		}
	}
}

func TestSnoozeIsNoAttempt(t *testing.T) {
	clock := dbtest.NewClock(time.Date(2026, 11, 22, 5, 0, 0, 0, time.UTC))
	dbtest.EachAt(t, clock, func(t *testing.T, d *db.DB) {
		seen := make(chan int, 100)
		times := 0
		handler := func(_ context.Context, j job.Job) (job.Outcome, error) {
			seen <- j.Attempt
			if times++; times <= 5 {
				return nil, job.Snooze(d.Now().Add(time.Hour))
			}
			return nil, nil
		}
		start(t, d, map[string]job.Handler{"x": handler}, job.Options{MaxAttempts: 2})
		enqueue(t, d, job.New{Kind: "x"})
		for range 6 {
			if got := <-seen; got != 1 {
				t.Errorf("attempt %d", got)
			}
			until(t, "it sleeps or is done", func() bool { return stats(t, d).Running == 0 })
			clock.Advance(2 * time.Hour)
		}
		empty(t, d)
	})
}

func TestKeepOpen(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		var order []string
		handler := func(_ context.Context, j job.Job) (job.Outcome, error) {
			order = append(order, j.Key)
			more := len(order) < 4
			return func(tx *db.Tx) error {
				if more {
					job.KeepOpen(tx, tx.Now)
				}
				return nil
			}, nil
		}
		enqueue(t, d, job.New{Kind: "x", Key: "more", Lane: "a"}, job.New{Kind: "x", Key: "next", Lane: "a"})
		start(t, d, map[string]job.Handler{"x": handler}, job.Options{MaxAttempts: 2})
		empty(t, d)
		if got := strings.Join(order, " "); got != "more more more more next" {
			t.Errorf("ran %q", got)
		}
	})
}

// A job that stays open may be claimed again before its last attempt is
// forgotten; were it dropped then, it would stand still for a lease.
func TestKeepOpenAmongClaims(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		var runs, others atomic.Int64
		handler := func(context.Context, job.Job) (job.Outcome, error) {
			if runs.Add(1) == 300 {
				return nil, nil
			}
			return func(tx *db.Tx) error { job.KeepOpen(tx, tx.Now); return nil }, nil
		}
		count := func(context.Context, job.Job) (job.Outcome, error) { others.Add(1); return nil, nil }
		start(t, d, map[string]job.Handler{"x": handler, "other": count}, job.Options{Lease: time.Hour})
		enqueue(t, d, job.New{Kind: "x", Key: "k", Lane: "a"})
		for range 200 { // each is a reason to claim
			enqueue(t, d, job.New{Kind: "other"})
		}
		empty(t, d)
		if runs.Load() != 300 || others.Load() != 200 {
			t.Errorf("%d runs, %d others", runs.Load(), others.Load())
		}
	})
}

func TestDeadAndRevived(t *testing.T) {
	clock := dbtest.NewClock(time.Date(2026, 11, 22, 5, 0, 0, 0, time.UTC))
	dbtest.EachAt(t, clock, func(t *testing.T, d *db.DB) {
		var ill atomic.Bool
		ill.Store(true)
		var mu sync.Mutex
		var ran []string
		handler := func(_ context.Context, j job.Job) (job.Outcome, error) {
			mu.Lock()
			defer mu.Unlock()
			ran = append(ran, j.Key)
			switch {
			case !ill.Load() || j.Key == "well":
				return nil, nil
			case j.Key == "panics":
				panic("oh")
			case j.Key == "hopeless":
				return nil, job.Fatal(fmt.Errorf("it is so: %w", errNo))
			}
			return nil, soon(d, errors.New(strings.Repeat("é", 400)+"\x00"))
		}
		r := start(t, d, map[string]job.Handler{"x": handler}, job.Options{MaxAttempts: 3})
		for _, key := range []string{"tired", "hopeless", "well"} { // each lets the next one through
			enqueue(t, d, job.New{Kind: "x", Key: key, Lane: "a"})
		}
		empty(t, d)
		enqueue(t, d, job.New{Kind: "unknown", Key: "unknown"})
		until(t, "the unknown one waits", func() bool { c := stats(t, d); return c.Running == 0 && c.Waiting == 1 })
		if got := strings.Join(ran, " "); got != "tired tired tired hopeless well" {
			t.Errorf("ran %q", got)
		}
		var all []job.DeadJob
		list := func() {
			t.Helper()
			err := d.Read(t.Context(), func(tx *db.Tx) (err error) { all, err = job.Dead(tx, 10); return err })
			if err != nil {
				t.Fatal(err)
			}
		}
		list()
		if len(all) != 2 || all[0].Key != "hopeless" || all[0].Error != "it is so: no" || all[0].Attempt != 1 ||
			all[1].Key != "tired" || all[1].Attempt != 3 || !all[1].DeadAt.Equal(d.Now()) || len(all[1].Error) > 510 {
			t.Fatalf("dead: %+v", all)
		}
		ill.Store(false)
		// One is revived although the same was enqueued again: it is done once.
		enqueue(t, d, job.New{Kind: "x", Key: "hopeless", RunAt: d.Now().Add(time.Hour)})
		ran = nil
		for _, dead := range all {
			write(t, d, func(tx *db.Tx) error { return job.Revive(tx, dead.ID) })
		}
		until(t, "the revived one ran", func() bool { mu.Lock(); defer mu.Unlock(); return len(ran) == 1 })
		list()
		if len(all) != 0 || ran[0] != "tired" {
			t.Errorf("dead after the revival: %+v, ran %v", all, ran)
		}
		err := d.Write(t.Context(), func(tx *db.Tx) error { return job.Revive(tx, "job_none") })
		if !errors.Is(err, db.ErrNotFound) {
			t.Errorf("reviving nothing: %v", err)
		}
		err = d.Write(t.Context(), func(tx *db.Tx) error { return job.Discard(tx, "job_none") })
		if !errors.Is(err, db.ErrNotFound) {
			t.Errorf("discarding nothing: %v", err)
		}
		r.stop(t)

		ill.Store(true)
		start(t, d, map[string]job.Handler{"x": handler}, job.Options{MaxAttempts: 1})
		enqueue(t, d, job.New{Kind: "x", Key: "panics"})
		until(t, "it is dead", func() bool { return stats(t, d).Dead >= 1 })
		list()
		for _, dead := range all {
			write(t, d, func(tx *db.Tx) error { return job.Discard(tx, dead.ID) })
		}
		if c := stats(t, d); c.Dead != 0 {
			t.Errorf("%+v", c)
		}
	})
}

// A job that ends its process every time must not do so for ever.
func TestPoisonedJobDies(t *testing.T) {
	clock := dbtest.NewClock(time.Date(2026, 11, 22, 5, 0, 0, 0, time.UTC))
	dbtest.EachAt(t, clock, func(t *testing.T, d *db.DB) {
		enqueue(t, d, job.New{Kind: "x"})
		for range 3 {
			if n, err := job.Abandon(d, 1, time.Second); err != nil || n != 1 {
				t.Fatal(n, err)
			}
			clock.Advance(time.Minute)
		}
		handler := func(context.Context, job.Job) (job.Outcome, error) { t.Error("it ran"); return nil, nil }
		start(t, d, map[string]job.Handler{"x": handler}, job.Options{MaxAttempts: 3})
		until(t, "it is dead", func() bool { return stats(t, d).Dead == 1 })
	})
}

func TestScheduled(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		late := make(chan time.Duration, 1)
		handler := func(_ context.Context, j job.Job) (job.Outcome, error) {
			late <- d.Now().Sub(j.RunAt)
			return nil, nil
		}
		start(t, d, map[string]job.Handler{"x": handler}, job.Options{})
		enqueue(t, d, job.New{Kind: "x", RunAt: d.Now().Add(time.Hour)}, job.New{Kind: "x", RunAt: d.Now().Add(150 * time.Millisecond)})
		if got := <-late; got < 0 || got > 500*time.Millisecond {
			t.Errorf("begun %v after its time", got)
		}
		if c := stats(t, d); c.Waiting != 1 || !c.Oldest.IsZero() {
			t.Errorf("%+v", c)
		}
	})
}

func TestRolledBackJobIsNone(t *testing.T) {
	d := dbtest.New(t)
	err := d.Write(t.Context(), func(tx *db.Tx) error {
		if err := job.Enqueue(tx, job.New{Kind: "x"}); err != nil {
			return err
		}
		return errNo
	})
	if !errors.Is(err, errNo) || stats(t, d).Waiting != 0 {
		t.Error(err, stats(t, d))
	}
	for name, n := range map[string]job.New{"no kind": {}, "args that are no JSON": {Kind: "x", Args: func() {}}} {
		if err := d.Write(t.Context(), func(tx *db.Tx) error { return job.Enqueue(tx, n) }); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
