package db_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
)

func put(name string) func(*db.Tx) error {
	return func(tx *db.Tx) error {
		_, err := tx.Exec("INSERT INTO setting (name, value) VALUES ($1, '')", name)
		return err
	}
}

func names(t *testing.T, d *db.DB) []string {
	t.Helper()
	var all []string
	err := d.Read(t.Context(), func(tx *db.Tx) error {
		rows, err := tx.Query("SELECT name FROM setting ORDER BY name")
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var n string
			if err := rows.Scan(&n); err != nil {
				return err
			}
			all = append(all, n)
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// together makes the writes of one group: the committer is held in a write of
// its own until all of them wait. The result holds an error or a panic value.
func together(t *testing.T, d *db.DB, fns ...func(*db.Tx) error) []any {
	t.Helper()
	release, held := make(chan struct{}), make(chan struct{})
	var once sync.Once
	var wg sync.WaitGroup
	wg.Go(func() {
		_ = d.Write(context.Background(), func(*db.Tx) error {
			once.Do(func() { close(held) })
			<-release
			return nil
		})
	})
	<-held
	results := make([]any, len(fns))
	for i, fn := range fns {
		wg.Go(func() {
			defer func() {
				if v := recover(); v != nil {
					results[i] = v
				}
			}()
			if err := d.Write(context.Background(), fn); err != nil {
				results[i] = err
			}
		})
		for db.Queued(d) <= i { // in this order
			runtime.Gosched()
		}
	}
	close(release)
	wg.Wait()
	return results
}

func TestOneBadWriteUndoesOnlyItself(t *testing.T) {
	boom := errors.New("boom")
	after := func(what func()) func(*db.Tx) error {
		return func(tx *db.Tx) error {
			if err := put("bad")(tx); err != nil {
				return err
			}
			tx.Defer(notes, "bad deferred")
			tx.AfterCommit(func() { t.Error("a hook of a failed write ran") })
			what()
			return boom
		}
	}
	cases := []struct {
		name string
		bad  func(*db.Tx) error
		want func(any) bool
	}{
		{"an error after a write", after(func() {}), func(v any) bool { err, _ := v.(error); return errors.Is(err, boom) }},
		{"a panic after a write", after(func() { panic("oh") }), func(v any) bool { return strings.Contains(fmt.Sprint(v), "oh") }},
		{"an error before anything", func(*db.Tx) error { return boom }, func(v any) bool { return v == boom }},
		{"a broken statement", func(tx *db.Tx) error { _, err := tx.Exec("INSERT INTO nowhere (a) VALUES (1)"); return err },
			func(v any) bool { return v != nil }},
		{"a unique violation", func(tx *db.Tx) error {
			if err := put("bad")(tx); err != nil {
				return err
			}
			return put("bad")(tx)
		}, func(v any) bool { err, _ := v.(error); return errors.Is(err, db.ErrConflict) }},
		{"a unique violation seen by Scan", func(tx *db.Tx) error {
			var s string
			q := "INSERT INTO tally (name, n) VALUES ('job', 0) RETURNING name"
			return db.NotFound(tx.QueryRow(q).Scan(&s))
		}, func(v any) bool { err, _ := v.(error); return errors.Is(err, db.ErrConflict) }},
		{"text with a NUL", put("a\x00b"), func(v any) bool { err, _ := v.(error); return errors.Is(err, db.ErrText) }},
		{"broken UTF-8", put("a\xff"), func(v any) bool { err, _ := v.(error); return errors.Is(err, db.ErrText) }},
		{"a poisoned row of a batch", func(tx *db.Tx) error { tx.Defer(notes, "poison"); return nil },
			func(v any) bool { err, _ := v.(error); return err != nil && strings.Contains(err.Error(), "poison") }},
		{"a panic in a batch", func(tx *db.Tx) error { tx.Defer(notes, "panic"); return nil },
			func(v any) bool { err, _ := v.(error); return err != nil && strings.Contains(err.Error(), "panic") }},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, d *db.DB) {
				var hooks atomic.Int32
				good := func(name string) func(*db.Tx) error {
					return func(tx *db.Tx) error {
						tx.AfterCommit(func() { hooks.Add(1) })
						tx.Defer(notes, name+" deferred")
						return put(name)(tx)
					}
				}
				for round := range 3 { // the later rounds use savepoints from the start
					a, b := fmt.Sprint("a", round), fmt.Sprint("b", round)
					results := together(t, d, good(a), c.bad, good(b))
					if results[0] != nil || results[2] != nil {
						t.Fatalf("the good ones failed: %v", results)
					}
					if !c.want(results[1]) {
						t.Fatalf("the bad one got %v", results[1])
					}
				}
				if got := hooks.Load(); got != 6 {
					t.Errorf("%d hooks ran, not 6", got)
				}
				want := []string{"a0", "a0 deferred", "a1", "a1 deferred", "a2", "a2 deferred",
					"b0", "b0 deferred", "b1", "b1 deferred", "b2", "b2 deferred"}
				if got := names(t, d); !slices.Equal(got, want) {
					t.Errorf("stored: %q", got)
				}
			})
		})
	}
}

// notes stores its rows as settings.
var notes = &db.Batch{Name: "notes", Order: 10, Flush: func(tx *db.Tx, rows []any) error {
	var args []any
	for _, r := range rows {
		switch r {
		case "poison":
			_, err := tx.Exec("INSERT INTO nowhere (poison) VALUES (1)")
			return err
		case "panic":
			panic("panic")
		}
		args = append(args, r, "")
	}
	return tx.Insert("INSERT INTO setting (name, value)", 2, args, "")
}}

func TestIgnoredErrorFailsItsWrite(t *testing.T) {
	d := dbtest.Postgres(t) // SQLite has nothing to ignore: its transaction goes on
	bad := func(tx *db.Tx) error {
		_, _ = tx.Exec("INSERT INTO nowhere (a) VALUES (1)")
		return nil
	}
	results := together(t, d, put("a"), bad, put("b"))
	if results[0] != nil || results[1] == nil || results[2] != nil {
		t.Fatal(results...)
	}
	if got := names(t, d); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("stored: %q", got)
	}
}

func TestManyWriters(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		const writers, each = 64, 20
		var mu sync.Mutex
		seen := make(map[int64]bool)
		var wg sync.WaitGroup
		for w := range writers {
			wg.Go(func() {
				for i := range each {
					var n int64
					err := d.Write(context.Background(), func(tx *db.Tx) (err error) {
						if n, err = db.Tally(tx, "event", 1); err != nil {
							return err
						}
						return put(fmt.Sprintf("%02d/%02d", w, i))(tx)
					})
					if err != nil {
						t.Error(err)
						return
					}
					mu.Lock()
					if seen[n] {
						t.Errorf("the tally gave %d twice", n)
					}
					seen[n] = true
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		if got := len(names(t, d)); got != writers*each {
			t.Errorf("%d rows, not %d", got, writers*each)
		}
		for n := int64(1); n <= writers*each; n++ {
			if !seen[n] {
				t.Fatalf("the tally left out %d", n)
			}
		}
	})
}

func TestCancelledContext(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx, cancel := context.WithCancel(t.Context())
		held, release := make(chan struct{}), make(chan struct{})
		first := make(chan error, 1)
		go func() {
			first <- d.Write(ctx, func(tx *db.Tx) error {
				close(held)
				<-release
				return put("started")(tx)
			})
		}()
		<-held
		second := make(chan error, 1)
		go func() { second <- d.Write(ctx, put("waiting")) }()
		for db.Queued(d) == 0 {
			runtime.Gosched()
		}
		cancel()
		if err := <-second; !errors.Is(err, context.Canceled) {
			t.Errorf("the one that waited: %v", err)
		}
		close(release)
		if err := <-first; err != nil {
			t.Errorf("the one that had started: %v", err)
		}
		if err := d.Write(ctx, put("late")); !errors.Is(err, context.Canceled) {
			t.Errorf("the late one: %v", err)
		}
		if err := d.Write(t.Context(), put("next")); err != nil {
			t.Error(err)
		}
		if got := names(t, d); !slices.Equal(got, []string{"next", "started"}) {
			t.Errorf("stored: %q", got)
		}
	})
}

func TestFatalInsideAWrite(t *testing.T) {
	d := dbtest.New(t)
	ended := make(chan bool)
	go func() {
		defer close(ended)
		_ = d.Write(context.Background(), func(tx *db.Tx) error {
			_ = put("lost")(tx)
			(&testing.T{}).SkipNow() // ends the goroutine
			return nil
		})
		ended <- true
	}()
	if <-ended {
		t.Error("the caller went on")
	}
	if err := d.Write(t.Context(), put("next")); err != nil {
		t.Fatal(err)
	}
	if got := names(t, d); !slices.Equal(got, []string{"next"}) {
		t.Errorf("stored: %q", got)
	}
}

func TestBatchesInOrder(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		var log []string
		var last *db.Batch
		flush := func(name string) func(*db.Tx, []any) error {
			return func(tx *db.Tx, rows []any) error {
				log = append(log, fmt.Sprint(name, rows))
				if name == "b" {
					tx.Defer(last, "from b")
					tx.AfterCommit(func() { log = append(log, "hook of b") })
				}
				return nil
			}
		}
		last = &db.Batch{Name: "a", Order: 3, Flush: flush("last")}
		b := &db.Batch{Name: "b", Order: 2, Flush: flush("b")}
		c := &db.Batch{Name: "c", Order: 2, Flush: flush("c")}
		first := &db.Batch{Name: "z", Order: 1, Flush: flush("first")}
		results := together(t, d,
			func(tx *db.Tx) error { tx.Defer(c, 1); tx.Defer(last, 2); return nil },
			func(tx *db.Tx) error { tx.Defer(first, 3); tx.Defer(b, 4); tx.Defer(c, 5); return nil },
		)
		if results[0] != nil || results[1] != nil {
			t.Fatal(results...)
		}
		want := []string{"first[3]", "b[4]", "c[1 5]", "last[2 from b]", "hook of b"}
		if !slices.Equal(log, want) {
			t.Errorf("%q", log)
		}
		back := &db.Batch{Name: "back", Order: 5, Flush: func(tx *db.Tx, _ []any) error { tx.Defer(first, 0); return nil }}
		if err := d.Write(t.Context(), func(tx *db.Tx) error { tx.Defer(back, 0); return nil }); err == nil {
			t.Error("a batch deferred to one before it")
		}
	})
}

func TestSignal(t *testing.T) {
	d := dbtest.New(t)
	woken, stop := d.Listen("news")
	defer stop()
	wake := func(fail error) func(*db.Tx) error {
		return func(tx *db.Tx) error { tx.Signal("news"); return fail }
	}
	_ = d.Write(t.Context(), wake(errors.New("no")))
	select {
	case <-woken:
		t.Error("woken by what was not committed")
	default:
	}
	for range 3 {
		if err := d.Write(t.Context(), wake(nil)); err != nil {
			t.Fatal(err)
		}
	}
	<-woken
	select {
	case <-woken:
		t.Error("woken twice for what one look finds")
	default:
	}
}

func TestCloseDrains(t *testing.T) {
	d := dbtest.New(t)
	var wg sync.WaitGroup
	for i := range 100 {
		wg.Go(func() {
			if err := d.Write(context.Background(), put(fmt.Sprint(i))); err != nil && !errors.Is(err, db.ErrClosed) {
				t.Error(err)
			}
		})
	}
	d.Close()
	wg.Wait()
	if err := d.Write(t.Context(), put("late")); !errors.Is(err, db.ErrClosed) {
		t.Errorf("write after close: %v", err)
	}
	if err := d.Read(t.Context(), func(*db.Tx) error { return nil }); !errors.Is(err, db.ErrClosed) {
		t.Errorf("read after close: %v", err)
	}
}
