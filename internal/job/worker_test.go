package job_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
	"dingdong/internal/job"
)

var errNo = errors.New("no")

// soon retries without the patience a person would have.
func soon(d *db.DB, err error) error { return job.RetryAt(d.Now(), err) }

func TestLanesInOrderWithFailures(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		const jobs, lanes = 10_000, 500
		var mu sync.Mutex
		ran := make(map[string][]int)
		inLane := make(map[string]bool)
		handler := func(_ context.Context, j job.Job) (job.Outcome, error) {
			var n int
			if err := j.Decode(&n); err != nil {
				return nil, err
			}
			mu.Lock()
			if inLane[j.Lane] {
				t.Errorf("two jobs of %s at once", j.Lane)
			}
			inLane[j.Lane] = true
			mu.Unlock()
			fail := rand.IntN(20) == 0
			mu.Lock()
			defer mu.Unlock()
			inLane[j.Lane] = false
			if fail {
				return nil, soon(d, errNo)
			}
			ran[j.Lane] = append(ran[j.Lane], n)
			return nil, nil
		}
		start(t, d, map[string]job.Handler{"count": handler}, job.Options{MaxAttempts: 100})
		for first := 0; first < jobs; first += 500 {
			var some []job.New
			for i := first; i < first+500; i++ {
				some = append(some, job.New{Kind: "count", Lane: fmt.Sprint("lane ", i%lanes), Args: i / lanes})
			}
			enqueue(t, d, some...)
		}
		empty(t, d)
		for lane, got := range ran {
			for i, n := range got {
				if i != n {
					t.Fatalf("%s ran in the order %v", lane, got)
				}
			}
			if len(got) != jobs/lanes {
				t.Errorf("%s ran %d jobs", lane, len(got))
			}
		}
		if len(ran) != lanes {
			t.Errorf("%d lanes ran", len(ran))
		}
	})
}

func TestFailureBlocksItsLaneOnly(t *testing.T) {
	clock := dbtest.NewClock(time.Date(2026, 11, 22, 5, 0, 0, 0, time.UTC))
	dbtest.EachAt(t, clock, func(t *testing.T, d *db.DB) {
		var mu sync.Mutex
		var ran []string
		attempts := 0
		handler := func(_ context.Context, j job.Job) (job.Outcome, error) {
			var name string
			_ = j.Decode(&name)
			mu.Lock()
			defer mu.Unlock()
			if name == "a1" {
				if attempts++; attempts < 3 {
					return nil, errNo
				}
			}
			ran = append(ran, name)
			return nil, nil
		}
		got := func() string { mu.Lock(); defer mu.Unlock(); return strings.Join(ran, " ") }
		start(t, d, map[string]job.Handler{"x": handler}, job.Options{})
		enqueue(t, d, job.New{Kind: "x", Lane: "a", Args: "a1"}, job.New{Kind: "x", Lane: "a", Args: "a2"})
		until(t, "a1 has failed", func() bool { mu.Lock(); defer mu.Unlock(); return attempts == 1 })
		enqueue(t, d, job.New{Kind: "x", Lane: "b", Args: "b1"}, job.New{Kind: "x", Args: "free"})
		until(t, "the others ran", func() bool { return len(got()) == len("b1 free") })
		until(t, "a1 waits", func() bool { return stats(t, d).Running == 0 })
		clock.Advance(2 * time.Second) // the first wait is about a second
		until(t, "a1 has failed again", func() bool { mu.Lock(); defer mu.Unlock(); return attempts == 2 })
		until(t, "a1 waits again", func() bool { return stats(t, d).Running == 0 })
		clock.Advance(time.Second / 2)
		if strings.Contains(got(), "a") {
			t.Errorf("ran %q", got())
		}
		clock.Advance(5 * time.Second)
		empty(t, d)
		if !strings.HasSuffix(got(), "a1 a2") {
			t.Errorf("ran %q", got())
		}
	})
}

func TestCrashIsRescuedByTheLease(t *testing.T) {
	clock := dbtest.NewClock(time.Date(2026, 11, 22, 5, 0, 0, 0, time.UTC))
	dbtest.EachAt(t, clock, func(t *testing.T, d *db.DB) {
		enqueue(t, d, job.New{Kind: "x", Lane: "a", Args: 1}, job.New{Kind: "x", Lane: "a", Args: 2}, job.New{Kind: "x", Args: 3})
		// A process that claims and is gone.
		if n, err := job.Abandon(d, 10, 30*time.Second); err != nil || n != 2 {
			t.Fatalf("claimed %d jobs, %v", n, err)
		}
		if n, err := job.Abandon(d, 10, 30*time.Second); err != nil || n != 0 {
			t.Fatalf("claimed %d jobs a second time, %v", n, err)
		}
		var mu sync.Mutex
		var ran []string
		handler := func(_ context.Context, j job.Job) (job.Outcome, error) {
			mu.Lock()
			defer mu.Unlock()
			ran = append(ran, fmt.Sprintf("%s:%d", j.Args, j.Attempt))
			return nil, nil
		}
		if d.Engine() == db.Postgres {
			r := start(t, d, map[string]job.Handler{"x": handler}, job.Options{})
			enqueue(t, d, job.New{Kind: "x", Args: 4})
			until(t, "the free job ran", func() bool {
				mu.Lock()
				defer mu.Unlock()
				return len(ran) > 0 && stats(t, d).Waiting == 1
			})
			mu.Lock()
			if !slices.Equal(ran, []string{"4:1"}) {
				t.Errorf("before the leases ended ran %v", ran)
			}
			ran = nil
			mu.Unlock()
			clock.Advance(31 * time.Second)
			empty(t, d)
			r.stop(t)
		} else { // its file has one server, so nobody can be holding them
			r := start(t, d, map[string]job.Handler{"x": handler}, job.Options{})
			empty(t, d)
			r.stop(t)
		}
		slices.Sort(ran)
		if !slices.Equal(ran, []string{"1:2", "2:1", "3:2"}) {
			t.Errorf("ran %v", ran)
		}
	})
}

func TestLostLeaseStoresNothing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		begun, goOn := make(chan struct{}), make(chan struct{})
		letGo := sync.OnceFunc(func() { close(goOn) })
		defer letGo()
		handler := func(context.Context, job.Job) (job.Outcome, error) {
			close(begun)
			<-goOn
			return func(tx *db.Tx) error {
				_, err := tx.Exec("INSERT INTO setting (name, value) VALUES ('late', '')")
				return err
			}, nil
		}
		r := start(t, d, map[string]job.Handler{"x": handler}, job.Options{})
		enqueue(t, d, job.New{Kind: "x"})
		<-begun
		write(t, d, func(tx *db.Tx) error { // as another node's claim would
			_, err := tx.Exec("UPDATE job SET claim = claim + 1000")
			return err
		})
		letGo()
		r.stop(t)
		if c := stats(t, d); c.Running != 1 {
			t.Errorf("the other worker's job: %+v", c)
		}
		if settings(t, d) != 0 {
			t.Error("the late outcome was stored")
		}
	})
}

func settings(t testing.TB, d *db.DB) (n int) {
	t.Helper()
	err := d.Read(context.Background(), func(tx *db.Tx) error { return tx.QueryRow("SELECT COUNT(*) FROM setting").Scan(&n) })
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestOutcomeAndCompletionAreOne(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		put := func(name string) func(*db.Tx) error {
			return func(tx *db.Tx) error {
				_, err := tx.Exec("INSERT INTO setting (name, value) VALUES ($1, '')", name)
				return err
			}
		}
		cases := map[string]struct {
			outcome  func(tries int64) job.Outcome
			err      error
			tries    int64
			settings int
			dead     int64
		}{
			"stored": {func(int64) job.Outcome { return put("a") }, nil, 1, 1, 0},
			"an outcome that fails once is undone whole": {func(tries int64) job.Outcome {
				return func(tx *db.Tx) error {
					if err := put("b")(tx); err != nil {
						return err
					}
					if tries == 1 {
						return soon(d, errNo)
					}
					return nil
				}
			}, nil, 2, 1, 0},
			"an outcome that panics": {func(tries int64) job.Outcome {
				return func(tx *db.Tx) error {
					if err := put("c")(tx); err != nil {
						return err
					}
					panic("oh")
				}
			}, nil, 1, 0, 1},
			"an error with an outcome stores both": {func(int64) job.Outcome { return put("d") }, job.Fatal(errNo), 1, 1, 1},
			"an outcome that enqueues": {func(int64) job.Outcome {
				return func(tx *db.Tx) error { return job.Enqueue(tx, job.New{Kind: "put", Key: "e", Args: "e"}) }
			}, nil, 1, 1, 0},
		}
		for name, c := range cases {
			t.Run(name, func(t *testing.T) {
				write(t, d, func(tx *db.Tx) error { _, err := tx.Exec("DELETE FROM setting"); return err })
				write(t, d, func(tx *db.Tx) error { _, err := tx.Exec("DELETE FROM job"); return err })
				var tries atomic.Int64
				max := 20
				if strings.Contains(name, "panics") {
					max = 1
				}
				r := start(t, d, map[string]job.Handler{
					"x": func(context.Context, job.Job) (job.Outcome, error) { return c.outcome(tries.Add(1)), c.err },
					"put": func(_ context.Context, j job.Job) (job.Outcome, error) {
						var n string
						return put("by " + n), j.Decode(&n)
					},
				}, job.Options{MaxAttempts: max})
				enqueue(t, d, job.New{Kind: "x", Key: "e"})
				empty(t, d)
				r.stop(t)
				if got := stats(t, d).Dead; got != c.dead || tries.Load() != c.tries || settings(t, d) != c.settings {
					t.Errorf("%d tries, %d settings, %d dead", tries.Load(), settings(t, d), got)
				}
			})
		}
	})
}

func TestGracefulStop(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		begun, goOn := make(chan struct{}), make(chan struct{})
		handler := func(ctx context.Context, j job.Job) (job.Outcome, error) {
			begun <- struct{}{}
			select {
			case <-goOn:
				return nil, ctx.Err()
			case <-ctx.Done():
				return nil, errors.New("cut short")
			}
		}
		for i := range 5 {
			enqueue(t, d, job.New{Kind: "x", Args: i}, job.New{Kind: "x", Lane: "a", Args: i})
		}
		r := start(t, d, map[string]job.Handler{"x": handler}, job.Options{Slots: 1})
		<-begun
		r.cancel()
		close(goOn)
		r.stop(t)
		if c := stats(t, d); c.Running != 0 || c.Waiting != 9 || c.Dead != 0 {
			t.Errorf("after the first: %+v", c)
		}
		goOn = nil
		r = start(t, d, map[string]job.Handler{"x": handler}, job.Options{Slots: 1, Grace: 10 * time.Millisecond})
		<-begun
		r.stop(t)
		if c := stats(t, d); c.Running != 0 || c.Waiting != 9 {
			t.Errorf("after the one that was cut short: %+v", c)
		}
		var attempts []int
		all := make(chan struct{})
		r = start(t, d, map[string]job.Handler{"x": func(_ context.Context, j job.Job) (job.Outcome, error) {
			if attempts = append(attempts, j.Attempt); len(attempts) == 9 {
				close(all)
			}
			return nil, nil
		}}, job.Options{Slots: 1})
		<-all
		r.stop(t)
		slices.Sort(attempts)
		if !slices.Equal(attempts, []int{1, 1, 1, 1, 1, 1, 1, 1, 2}) {
			t.Errorf("what had not begun counts as an attempt: %v", attempts)
		}
	})
}

// A slot is there while it has a job: as many as are allowed when there is enough to do, none
// when there is nothing, and one again for whatever comes as the last one goes.
func TestSlotsComeAndGo(t *testing.T) {
	const slots = 3
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		begun, goOn, ran := make(chan struct{}), make(chan struct{}), make(chan struct{})
		r := start(t, d, map[string]job.Handler{
			"long":  func(context.Context, job.Job) (job.Outcome, error) { begun <- struct{}{}; <-goOn; return nil, nil },
			"short": func(context.Context, job.Job) (job.Outcome, error) { ran <- struct{}{}; return nil, nil },
		}, job.Options{Slots: slots})
		for i := range 3 * slots {
			enqueue(t, d, job.New{Kind: "long", Args: i})
		}
		for range slots {
			<-begun
		}
		select {
		case <-begun:
			t.Error("one more than there are slots")
		case <-time.After(50 * time.Millisecond):
		}
		close(goOn)
		for range 2 * slots {
			<-begun
		}
		empty(t, d)
		for i := range 300 {
			enqueue(t, d, job.New{Kind: "short", Args: i})
			<-ran
		}
		empty(t, d)
		until(t, "the slots are gone", func() bool { return r.Busy() == 0 })
	})
}

func TestTwoNodes(t *testing.T) {
	url := dbtest.PostgresURL(t)
	const jobs = 2000
	var mu sync.Mutex
	ran := make(map[string][]int)
	nodes := make(map[int]int)
	open := func() *db.DB {
		d, err := db.Open(t.Context(), url, db.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { d.Close() })
		return d
	}
	var first *db.DB
	for node := range 2 {
		d := open()
		first = d
		start(t, d, map[string]job.Handler{"x": func(_ context.Context, j job.Job) (job.Outcome, error) {
			var n int
			err := j.Decode(&n)
			mu.Lock()
			defer mu.Unlock()
			ran[j.Lane] = append(ran[j.Lane], n)
			nodes[node]++
			return nil, err
		}}, job.Options{Slots: 8})
	}
	var wg sync.WaitGroup
	for w := range 4 {
		d := open()
		wg.Go(func() {
			for i := range jobs / 4 {
				enqueue(t, d, job.New{Kind: "x", Lane: fmt.Sprint(w, "/", i%10), Args: i / 10})
			}
		})
	}
	wg.Wait()
	empty(t, first)
	mu.Lock()
	defer mu.Unlock()
	for lane, got := range ran {
		if len(got) != jobs/40 || !slices.IsSorted(got) {
			t.Errorf("lane %s ran %v", lane, got)
		}
	}
	t.Logf("jobs by node: %v", nodes)
}
