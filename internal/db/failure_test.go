package db_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
)

// The disk is simulated: SQLite answers a reached max_page_count with the same
// SQLITE_FULL, at the same places, as a disk without space.
func TestFullDisk(t *testing.T) {
	d := dbtest.New(t)
	limit := func(pages int) {
		t.Helper()
		if err := d.Write(t.Context(), func(tx *db.Tx) error { return db.Limit(tx, pages) }); err != nil {
			t.Fatal(err)
		}
	}
	big := func(name string) func(*db.Tx) error {
		return func(tx *db.Tx) error {
			tx.Defer(notes, name+" deferred")
			_, err := tx.Exec("INSERT INTO setting (name, value) VALUES ($1, $2)", name, fmt.Sprintf("%20000d", 1))
			return err
		}
	}
	limit(1) // SQLite makes it the present size
	for round := range 3 {
		fns := make([]func(*db.Tx) error, 8)
		for i := range fns {
			fns[i] = big(fmt.Sprint(round, "/", i))
		}
		for i, got := range together(t, d, fns...) {
			if err, _ := got.(error); !errors.Is(err, db.ErrFull) {
				t.Fatalf("round %d, write %d: %v", round, i, got)
			}
		}
	}
	if got := names(t, d); len(got) != 0 {
		t.Errorf("half a write is stored: %q", got)
	}
	limit(1 << 30)
	if err := d.Write(t.Context(), big("space")); err != nil {
		t.Errorf("with space again: %v", err)
	}
	if got := names(t, d); len(got) != 2 {
		t.Errorf("stored: %q", got)
	}
	if err := d.Integrity(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestPostgresRestartUnderLoad(t *testing.T) {
	s := dbtest.NewServer(t)
	d, err := db.Open(t.Context(), s.URL(), db.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := d.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	acknowledged, failed := make(map[string]bool), 0
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	progress := make(chan struct{}, 1)
	for w := range 16 {
		wg.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				name := fmt.Sprintf("%d/%d", w, i)
				err := d.Write(context.Background(), put(name))
				mu.Lock()
				if err == nil {
					acknowledged[name] = true
				} else {
					failed++
					if !errors.Is(err, db.ErrUnavailable) {
						t.Errorf("the error is %v", err)
					}
				}
				mu.Unlock()
				if err == nil {
					select {
					case progress <- struct{}{}:
					default:
					}
				} else {
					select {
					case <-ctx.Done():
					case <-time.After(5 * time.Millisecond):
					}
				}
			}
		})
	}
	for range 3 {
		<-progress
		<-progress
		s.Restart(t)
	}
	<-progress // one from before may be left in the channel
	<-progress
	cancel()
	wg.Wait()
	stored := make(map[string]bool)
	for _, n := range names(t, d) {
		stored[n] = true
	}
	for n := range acknowledged {
		if !stored[n] {
			t.Errorf("%s was acknowledged and is not there", n)
		}
	}
	t.Logf("%d acknowledged, %d stored, %d failed", len(acknowledged), len(stored), failed)
	if failed == 0 {
		t.Error("nobody noticed three restarts")
	}
}

// Two nodes that update the same rows in opposite order: PostgreSQL ends one
// of them, and Write runs it again.
func TestDeadlockIsRetried(t *testing.T) {
	url := dbtest.PostgresURL(t)
	nodes := make([]*db.DB, 2)
	for i := range nodes {
		d, err := db.Open(t.Context(), url, db.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		nodes[i] = d
	}
	order := [2][2]string{{"event", "audit"}, {"audit", "event"}}
	var ready sync.WaitGroup
	ready.Add(2)
	var wg sync.WaitGroup
	for i, d := range nodes {
		wg.Go(func() {
			var once sync.Once
			err := d.Write(t.Context(), func(tx *db.Tx) error {
				for step, name := range order[i] {
					if _, err := db.Tally(tx, name, 1); err != nil {
						return err
					}
					if step == 0 {
						once.Do(func() { ready.Done(); ready.Wait() })
					}
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	err := nodes[0].Read(t.Context(), func(tx *db.Tx) error {
		var sum int64
		if err := tx.QueryRow("SELECT SUM(n) FROM tally").Scan(&sum); err != nil || sum != 4 {
			t.Errorf("the tallies add up to %d, %v", sum, err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// What loses to another node in a group with savepoints is run again as well: only its
// own part was undone, and nobody else would do it.
func TestDeadlockInAGroupIsRetried(t *testing.T) {
	url := dbtest.PostgresURL(t)
	open := func() *db.DB {
		d, err := db.Open(t.Context(), url, db.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { d.Close() })
		return d
	}
	first, second := open(), open()
	add := func(tx *db.Tx, name string) error { _, err := db.Tally(tx, name, 1); return err }
	// A group in which one failed half-way makes the next ones use savepoints.
	together(t, first, put("a"), func(tx *db.Tx) error { return errors.Join(put("b")(tx), errors.New("no")) })

	var all sync.WaitGroup
	mine, theirs := make(chan struct{}), make(chan struct{})
	tries := 0
	all.Go(func() {
		<-mine
		err := second.Write(t.Context(), func(tx *db.Tx) error {
			if err := add(tx, "audit"); err != nil {
				return err
			}
			n := 1
			if tries++; tries == 1 {
				close(theirs)
				n = 0
			}
			for n == 0 { // who waits first looks first, and gives way
				if err := tx.QueryRow("SELECT COUNT(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))").Scan(&n); err != nil {
					return err
				}
			}
			return add(tx, "event")
		})
		if err != nil {
			t.Error(err)
		}
	})
	var runs atomic.Int32
	results := together(t, first, put("c"), func(tx *db.Tx) error {
		if err := add(tx, "event"); err != nil {
			return err
		}
		if runs.Add(1) == 1 {
			close(mine)
			<-theirs
		}
		return add(tx, "audit")
	}, put("d"))
	all.Wait()
	if results[0] != nil || results[1] != nil || results[2] != nil {
		t.Error(results...)
	}
	if got := names(t, first); !slices.Equal(got, []string{"a", "c", "d"}) {
		t.Errorf("stored: %q", got)
	}
	if n := runs.Load(); int(n)+tries < 3 {
		t.Errorf("it ran %d times, the other %d: nothing was lost", n, tries)
	}
}
