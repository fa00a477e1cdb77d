package event

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
)

// handled is what a consumer did, kept in the database, so that it shares the
// fate of the cursor.
func handled(t *testing.T, d *db.DB) (seqs []string) {
	t.Helper()
	err := d.Read(t.Context(), func(tx *db.Tx) error {
		rows, err := tx.Query(`SELECT value FROM setting WHERE name LIKE 'handled-%' ORDER BY name`)
		if err != nil {
			return err
		}
		defer rows.Close()
		seqs = nil
		for rows.Next() {
			var s string
			if err := rows.Scan(&s); err != nil {
				return err
			}
			seqs = append(seqs, s)
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	return seqs
}

func note(tx *db.Tx, e Event, how string) error {
	_, err := tx.Exec(`INSERT INTO setting (name, value) VALUES ($1, $2)`, fmt.Sprintf("handled-%06d", e.Seq), how+e.Thread)
	return err
}

func appendThreads(t *testing.T, d *db.DB, threads ...string) {
	t.Helper()
	write(t, d, func(tx *db.Tx) error {
		for _, name := range threads {
			Append(tx, Event{Kind: MessageReceived, Thread: name})
		}
		return nil
	})
}

func TestConsumerHandlesEachEventOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		c := Consumer{Tally: "react", Group: 2, React: func(tx *db.Tx, e Event) error { return note(tx, e, "") }}
		appendThreads(t, d, "a", "b", "c")
		// Two nodes at once: the rows have a primary key, so a second handling would fail.
		var wg sync.WaitGroup
		for range 2 {
			node := c
			wg.Go(func() {
				for range 5 {
					if _, err := node.Step(context.Background(), d); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		appendThreads(t, d, "d")
		if _, err := c.Step(t.Context(), d); err != nil {
			t.Fatal(err)
		}
		if got := handled(t, d); !slices.Equal(got, []string{"a", "b", "c", "d"}) {
			t.Errorf("handled %q", got)
		}
	})
}

func TestConsumerSetsAsideWhatFails(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		broken := errors.New("broken")
		c := Consumer{Tally: "react", Group: 10,
			React: func(tx *db.Tx, e Event) error {
				if err := note(tx, e, ""); err != nil {
					return err
				}
				if e.Thread == "bad" {
					return broken
				}
				return nil
			},
			Aside: func(tx *db.Tx, e Event, cause error) error {
				if !errors.Is(cause, broken) {
					t.Errorf("cause %v", cause)
				}
				return note(tx, e, "aside ")
			},
		}
		appendThreads(t, d, "a", "bad", "b")
		for range 5 {
			if _, err := c.Step(t.Context(), d); err != nil {
				t.Fatal(err)
			}
		}
		if got := handled(t, d); !slices.Equal(got, []string{"a", "aside bad", "b"}) {
			t.Errorf("handled %q", got)
		}
	})
}

func TestConsumerLetsOthersWriteBetweenItsGroups(t *testing.T) {
	clock := dbtest.NewClock(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	d := dbtest.NewAt(t, clock)
	happen(t, d, "e", 10)
	var seen []int64
	var ahead []int
	c := Consumer{Tally: "react", Group: 8, Slice: 5 * time.Millisecond, React: func(_ *db.Tx, e Event) error {
		clock.Advance(2 * time.Millisecond)
		seen = append(seen, e.Seq)
		return nil
	}, Ahead: func(_ *db.Tx, events []Event) error {
		ahead = append(ahead, len(events))
		return nil
	}}
	for _, want := range []struct {
		seen   int
		stands Standing
	}{{3, Behind}, {6, Behind}, {8, Behind}, {10, Moved}, {10, Idle}} {
		stands, err := c.Step(t.Context(), d)
		if err != nil || stands != want.stands || len(seen) != want.seen {
			t.Errorf("stands %v after %d events (%v), want %+v", stands, len(seen), err, want)
		}
	}
	for i, seq := range seen {
		if seq != int64(i+1) {
			t.Fatalf("seen %v", seen)
		}
	}
	if !slices.Equal(ahead, []int{8, 2}) { // what a slice has no time for is not read again
		t.Errorf("read ahead %v", ahead)
	}
}

// What one node has read and not yet done, another may do meanwhile.
func TestConsumerLeavesWhatAnotherHasDone(t *testing.T) {
	clock := dbtest.NewClock(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	dbtest.EachAt(t, clock, func(t *testing.T, d *db.DB) {
		happen(t, d, "e", 10)
		var seen []int64
		react := func(_ *db.Tx, e Event) error {
			clock.Advance(2 * time.Millisecond)
			seen = append(seen, e.Seq)
			return nil
		}
		one := Consumer{Tally: "react", Group: 8, Slice: 5 * time.Millisecond, React: react}
		two := one
		for _, c := range []*Consumer{&one, &two, &one, &one, &two, &two, &one} {
			if _, err := c.Step(t.Context(), d); err != nil {
				t.Fatal(err)
			}
		}
		if !slices.Equal(seen, []int64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}) {
			t.Errorf("seen %v", seen)
		}
	})
}

func TestConsumerPassesWhenNobodyReacts(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		nobody := true
		c := Consumer{Tally: "react", Group: 10, React: func(tx *db.Tx, e Event) error { return note(tx, e, "") },
			Nobody: func(*db.Tx) (bool, error) { return nobody, nil }}
		appendThreads(t, d, "a", "b")
		if _, err := c.Step(t.Context(), d); err != nil {
			t.Fatal(err)
		}
		nobody = false
		appendThreads(t, d, "c")
		if _, err := c.Step(t.Context(), d); err != nil {
			t.Fatal(err)
		}
		if got := handled(t, d); !slices.Equal(got, []string{"c"}) {
			t.Errorf("handled %q", got)
		}
	})
}

// A failure of the database is nobody's fault: nothing is set aside for it.
func TestConsumerStopsWhenTheDatabaseFails(t *testing.T) {
	d := dbtest.New(t)
	appendThreads(t, d, "a")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c := Consumer{Tally: "react", Group: 10, React: func(*db.Tx, Event) error { return nil },
		Aside: func(*db.Tx, Event, error) error { t.Error("set aside"); return nil }}
	if _, err := c.Step(ctx, d); err == nil {
		t.Error("no error")
	}
}

// One event that cannot be read ahead does not keep the others waiting.
func TestConsumerGoesOnWhereAheadFails(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		c := Consumer{Tally: "react", Group: 10, React: func(tx *db.Tx, e Event) error { return note(tx, e, "") },
			Ahead: func(tx *db.Tx, events []Event) error {
				if _, err := tx.Query(`SELECT no_such_column FROM event`); err == nil {
					t.Error("that is no error")
				}
				return errors.New("damaged")
			}}
		appendThreads(t, d, "a", "b")
		if _, err := c.Step(t.Context(), d); err != nil {
			t.Fatal(err)
		}
		if got := handled(t, d); !slices.Equal(got, []string{"a", "b"}) {
			t.Errorf("handled %q", got)
		}
	})
}
