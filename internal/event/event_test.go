package event

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
)

func write(t testing.TB, d *db.DB, fn func(tx *db.Tx) error) {
	t.Helper()
	if err := d.Write(context.Background(), fn); err != nil {
		t.Fatal(err)
	}
}

// happen commits n events together; Data tells them apart.
func happen(t testing.TB, d *db.DB, name string, n int) {
	t.Helper()
	write(t, d, func(tx *db.Tx) error {
		for i := range n {
			Append(tx, Event{Kind: ThreadChanged, Thread: name, Data: map[string]string{"i": fmt.Sprint(i)}})
		}
		return nil
	})
}

func all(t testing.TB, d *db.DB) []Event {
	t.Helper()
	var events []Event
	err := d.Read(context.Background(), func(tx *db.Tx) (err error) {
		events, err = After(tx, 0, 1_000_000)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return events
}

// inOrder fails unless events are the numbers from first on.
func inOrder(t testing.TB, events []Event, first int64) {
	t.Helper()
	for i, e := range events {
		if e.Seq != first+int64(i) {
			t.Fatalf("event %d has number %d, want %d", i, e.Seq, first+int64(i))
		}
	}
}

func TestAnEventComesBackWhole(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		at := time.Date(2026, 5, 1, 12, 0, 0, 123000, time.UTC)
		want := Event{Kind: MessageStatus, At: at, Customer: "cus_1", Thread: "thr_1", Counter: "cnt_1", Message: "msg_1",
			By: "journey/run_1", Hops: 3, Data: map[string]string{"status": "failed", "code": "blocked"}}
		var now time.Time
		write(t, d, func(tx *db.Tx) error {
			now = tx.Now
			Append(tx, want)
			Append(tx, Event{Kind: AccountChanged})
			return nil
		})
		want.Seq = 1
		bare := Event{Seq: 2, Kind: AccountChanged, At: now}
		if got := all(t, d); !reflect.DeepEqual(got, []Event{want, bare}) {
			t.Errorf("got  %+v\nwant %+v", got, []Event{want, bare})
		}
		err := d.Read(t.Context(), func(tx *db.Tx) error {
			if got, err := Get(tx, 1); err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("Get(1) = %+v, %v", got, err)
			}
			if _, err := Get(tx, 3); !errors.Is(err, db.ErrNotFound) {
				t.Errorf("Get(3): %v, want ErrNotFound", err)
			}
			if got, err := Last(tx); got != 2 || err != nil {
				t.Errorf("Last = %d, %v; want 2", got, err)
			}
			if got, err := After(tx, 0, 1); len(got) != 1 || got[0].Seq != 1 || err != nil {
				t.Errorf("After(0, limit 1) = %+v, %v", got, err)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestWhatIsRolledBackNeverHappened(t *testing.T) {
	lost := errors.New("changed our mind")
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		happen(t, d, "before", 1)
		err := d.Write(t.Context(), func(tx *db.Tx) error {
			Append(tx, Event{Kind: MessageReceived, Customer: "cus_1"})
			return lost
		})
		if !errors.Is(err, lost) {
			t.Fatal(err)
		}
		happen(t, d, "after", 1)
		events := all(t, d)
		inOrder(t, events, 1)
		if len(events) != 2 || events[1].Thread != "after" {
			t.Errorf("got %+v", events)
		}
	})
}

func TestEveryKindIsListedOnce(t *testing.T) {
	seen := map[Kind]bool{}
	for _, kind := range Kinds() {
		if seen[kind] {
			t.Errorf("%s stands twice in the table", kind)
		}
		seen[kind] = true
	}
}

func TestNumbersHaveNoGapsAndFollowTheCommits(t *testing.T) {
	const writers, rounds, each = 64, 5, 3
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		// A reader that always looks: it must never see a number before the one below it.
		watched := make(chan error, 1)
		go func() {
			var seen int64
			for ctx.Err() == nil {
				err := d.Read(context.Background(), func(tx *db.Tx) error {
					events, err := After(tx, seen, 1000)
					if err != nil {
						return err
					}
					for _, e := range events {
						if e.Seq != seen+1 {
							return fmt.Errorf("saw %d after %d", e.Seq, seen)
						}
						seen = e.Seq
					}
					return nil
				})
				if err != nil {
					watched <- err
					return
				}
			}
			watched <- nil
		}()
		lost := errors.New("changed our mind")
		var writing sync.WaitGroup
		for w := range writers {
			writing.Go(func() {
				for r := range rounds {
					err := d.Write(context.Background(), func(tx *db.Tx) error {
						for i := range each {
							Append(tx, Event{Kind: ThreadChanged, Thread: fmt.Sprint(w), Hops: r*each + i})
						}
						if r == 2 { // one of them thinks better of it
							return lost
						}
						return nil
					})
					if (r == 2) != errors.Is(err, lost) {
						t.Error(err)
					}
				}
			})
		}
		writing.Wait()
		cancel()
		if err := <-watched; err != nil {
			t.Error(err)
		}
		events := all(t, d)
		inOrder(t, events, 1)
		if want := writers * (rounds - 1) * each; len(events) != want {
			t.Errorf("%d events, want %d", len(events), want)
		}
		last := map[string]int{}
		for _, e := range events {
			if before, ok := last[e.Thread]; ok && e.Hops <= before {
				t.Fatalf("writer %s: its event %d stands after %d", e.Thread, e.Hops, before)
			}
			last[e.Thread] = e.Hops
		}
	})
}
