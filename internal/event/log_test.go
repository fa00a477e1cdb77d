package event

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
)

// run starts a log that ends with the test.
func run(t testing.TB, d *db.DB) *Log {
	t.Helper()
	l := NewLog(d)
	ctx, cancel := context.WithCancel(context.Background())
	go l.Run(ctx)
	t.Cleanup(func() {
		cancel()
		<-l.stopped
	})
	return l
}

// deadline turns an event that never comes into a failure instead of a hang.
func deadline(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// take reads n events and fails unless they are the numbers from first on.
func take(t testing.TB, s *Subscription, first int64, n int) {
	t.Helper()
	ctx := deadline(t)
	for n > 0 {
		events, err := s.Next(ctx)
		if err != nil {
			t.Fatalf("waiting for event %d: %v", first, err)
		}
		if len(events) == 0 || len(events) > batchSize || len(events) > n {
			t.Fatalf("Next gave %d events, %d are due", len(events), n)
		}
		inOrder(t, events, first)
		first += int64(len(events))
		n -= len(events)
	}
}

// nothing fails when there is one more event.
func nothing(t testing.TB, s *Subscription) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if events, err := s.Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("Next gave %d events and %v, nothing is due", len(events), err)
	}
}

func TestResume(t *testing.T) {
	cases := map[string]int64{"from the start": 0, "from the middle": 300, "from the one before the last": 599, "from the last": 600}
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		happen(t, d, "old", 600)
		l := run(t, d)
		for name, after := range cases {
			t.Run(name, func(t *testing.T) { take(t, l.Subscribe(after), after+1, int(600-after)) })
		}
		live := l.Subscribe(600)
		for i := range 3 {
			happen(t, d, "new", 2)
			take(t, live, int64(601+2*i), 2)
		}
		nothing(t, live)
		for name, after := range cases {
			t.Run(name+", once more", func(t *testing.T) { take(t, l.Subscribe(after), after+1, int(606-after)) })
		}
	})
}

func TestASubscriptionMayComeBeforeTheLogRuns(t *testing.T) {
	d := dbtest.New(t)
	happen(t, d, "old", 5)
	l := NewLog(d)
	s := l.Subscribe(3)
	take(t, s, 4, 2)
	nothing(t, s)
	ctx, cancel := context.WithCancel(context.Background())
	go l.Run(ctx)
	happen(t, d, "new", 5)
	take(t, s, 6, 5)
	cancel()
	<-l.stopped
	if _, err := s.Next(deadline(t)); !errors.Is(err, ErrStopped) {
		t.Errorf("after the end: %v, want ErrStopped", err)
	}
}

func TestASlowSubscriberMissesNothing(t *testing.T) {
	const many = 3 * window // far more than memory holds
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		l := run(t, d)
		defer l.wait()() // a page is open all the time
		slow, quick := l.Subscribe(0), l.Subscribe(0)
		happen(t, d, "first", 10)
		take(t, slow, 1, 10)
		take(t, quick, 1, 10)
		for i := range many / 512 {
			happen(t, d, "flood", 512)
			take(t, quick, int64(11+512*i), 512)
		}
		if _, old, _ := l.after(10); !old {
			t.Fatal("memory still holds everything: the test tests nothing")
		}
		if n := len(l.recent); n < window || n > 2*window+batchSize {
			t.Errorf("memory holds %d events", n)
		}
		take(t, slow, 11, many)
		nothing(t, slow)
		happen(t, d, "last", 1)
		take(t, slow, many+11, 1)
		take(t, quick, many+11, 1)
	})
}

func TestNothingIsReadForNobody(t *testing.T) {
	for name, many := range map[string]int{"little happened": 2 * batchSize, "more happened than memory holds": 2 * window} {
		t.Run(name, func(t *testing.T) {
			d := dbtest.New(t)
			l := run(t, d)
			first := l.Subscribe(0)
			happen(t, d, "seen", 5)
			take(t, first, 1, 5)
			nothing(t, first) // it waited, and went
			for range many / 100 {
				happen(t, d, "unseen", 100)
			}
			l.mu.Lock()
			kept := len(l.recent)
			l.mu.Unlock()
			if kept > 5+batchSize { // one look may have been on its way
				t.Errorf("%d events were read for nobody", kept)
			}
			second := l.Subscribe(0)
			take(t, second, 1, 5+many/100*100)
			take(t, first, 6, many/100*100)
			nothing(t, second)
			happen(t, d, "live", 1)
			take(t, second, int64(6+many/100*100), 1)
			take(t, first, int64(6+many/100*100), 1)
		})
	}
}

func TestWhatWasHandedOutStaysAsItWas(t *testing.T) {
	d := dbtest.New(t)
	l := run(t, d)
	s := l.Subscribe(0)
	happen(t, d, "kept", batchSize)
	kept, err := s.Next(deadline(t))
	if err != nil {
		t.Fatal(err)
	}
	for range 3*window/512 + 1 {
		happen(t, d, "flood", 512)
	}
	end := l.Subscribe(0)
	take(t, end, 1, batchSize+(3*window/512+1)*512)
	inOrder(t, kept, 1)
	for _, e := range kept {
		if e.Thread != "kept" {
			t.Fatalf("event %d was overwritten", e.Seq)
		}
	}
}

func TestManySubscribers(t *testing.T) {
	const subscribers, writers, rounds = 200, 8, 25
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		happen(t, d, "old", 50)
		l := run(t, d)
		var reading, writing sync.WaitGroup
		for i := range subscribers {
			reading.Go(func() {
				after := int64(i % 51)
				s := l.Subscribe(after)
				want := int64(50 + writers*rounds)
				ctx := deadline(t)
				for after < want {
					events, err := s.Next(ctx)
					if err != nil {
						t.Errorf("subscriber %d after %d: %v", i, after, err)
						return
					}
					for _, e := range events {
						if e.Seq != after+1 {
							t.Errorf("subscriber %d: %d after %d", i, e.Seq, after)
							return
						}
						after = e.Seq
					}
				}
			})
		}
		for w := range writers {
			writing.Go(func() {
				for range rounds {
					if err := d.Write(context.Background(), func(tx *db.Tx) error {
						Append(tx, Event{Kind: MessageStatus, Thread: fmt.Sprint(w)})
						return nil
					}); err != nil {
						t.Error(err)
					}
				}
			})
		}
		writing.Wait()
		reading.Wait()
	})
}

func TestTwoNodesOnOneDatabase(t *testing.T) {
	url := dbtest.PostgresURL(t)
	var nodes [2]*db.DB
	var logs [2]*Log
	for i := range nodes {
		d, err := db.Open(t.Context(), url, db.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { d.Close() })
		if err := d.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		nodes[i], logs[i] = d, run(t, d)
	}
	subs := [2]*Subscription{logs[0].Subscribe(0), logs[1].Subscribe(0)}
	happen(t, nodes[0], "first node", 3)
	for _, s := range subs {
		take(t, s, 1, 3)
	}
	happen(t, nodes[1], "second node", 3)
	for _, s := range subs {
		take(t, s, 4, 3)
	}
	var writing sync.WaitGroup
	for i := range 32 {
		writing.Go(func() {
			for range 5 {
				if err := nodes[i%2].Write(context.Background(), func(tx *db.Tx) error {
					Append(tx, Event{Kind: MessageReceived, Customer: "cus_1"})
					return nil
				}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for _, s := range subs {
		take(t, s, 7, 32*5)
		nothing(t, s)
	}
	writing.Wait()
}

func TestACursorFromTheFuture(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		l := run(t, d)
		happen(t, d, "x", 3)
		s := l.Subscribe(4) // as after a restore from a backup
		for range 2 {
			if _, err := s.Next(deadline(t)); !errors.Is(err, ErrAhead) {
				t.Errorf("got %v, want ErrAhead", err)
			}
		}
	})
}

func TestPurgedEventsAreSkipped(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		happen(t, d, "old", 10)
		write(t, d, func(tx *db.Tx) error {
			_, err := tx.Exec(`DELETE FROM event WHERE seq <= 10`)
			return err
		})
		l := run(t, d)
		s := l.Subscribe(2)
		nothing(t, s)
		happen(t, d, "new", 2)
		take(t, s, 11, 2)
	})
}

func TestALogWaitsForADatabaseThatIsGone(t *testing.T) {
	d := dbtest.New(t)
	l := NewLog(d)
	d.Close()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go l.Run(ctx)
	if _, err := l.Subscribe(0).Next(deadline(t)); !errors.Is(err, db.ErrClosed) {
		t.Errorf("got %v, want ErrClosed", err)
	}
	cancel()
	<-l.stopped // it ends all the same
}

// BenchmarkDing is one event on its way to 200 open pages.
func BenchmarkDing(b *testing.B) {
	const pages = 200
	d := dbtest.New(b)
	l := run(b, d)
	ctx := context.Background()
	seen := make(chan int64, pages)
	for range pages {
		s := l.Subscribe(0)
		go func() {
			for {
				events, err := s.Next(ctx)
				if err != nil {
					return
				}
				for _, e := range events {
					seen <- e.Seq
				}
			}
		}()
	}
	for b.Loop() {
		happen(b, d, "x", 1)
		for range pages {
			<-seen
		}
	}
}
