package consent

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
)

// TestNobodyOverdraws: two nodes and many goroutines ask at once for the same
// person, some of them for the same message.
func TestNobodyOverdraws(t *testing.T) {
	t.Run(db.SQLite, func(t *testing.T) { crowdAsks(t, dbtest.SQLiteURL(t)) })
	t.Run(db.Postgres, func(t *testing.T) { crowdAsks(t, dbtest.PostgresURL(t)) })
}

func crowdAsks(t *testing.T, url string) {
	nodes := twoNodes(t, url)
	h := nodes[0]
	h.grant(h.lin)
	h.grant(h.wang)
	undo := h.merge(h.lin, h.wang)
	defer undo()

	const asking, messages = 24, 12
	var group sync.WaitGroup
	answers := make([]Answer, asking)
	for i := range asking {
		group.Add(1)
		go func() {
			defer group.Done()
			node := nodes[i%2]
			a := Ask{Customer: []string{h.lin, h.wang}[i/2%2], Message: fmt.Sprintf("msg_%02d", i%messages), Purpose: Marketing, Priority: i % 3}
			// The same message must be of the same record.
			a.Customer = []string{h.lin, h.wang}[i%messages%2]
			if err := node.try(func(tx *db.Tx) (err error) {
				answers[i], err = node.Check(tx, a)
				return err
			}); err != nil {
				t.Error(err)
			}
		}()
	}
	group.Wait()
	if t.Failed() {
		return
	}
	var spent, planned []place
	h.read(func(tx *db.Tx) error {
		all, err := placesOf(tx, []string{h.lin, h.wang}, h.clock.Now())
		for _, p := range all {
			if p.state == stateSpent {
				spent = append(spent, p)
			} else {
				planned = append(planned, p)
			}
		}
		return err
	})
	if len(spent) != 1 || len(spent)+len(planned) != messages {
		t.Errorf("%d went at once and %d are planned, of %d messages", len(spent), len(planned), messages)
	}
	all := append(spent, planned...)
	slices.SortFunc(all, func(a, b place) int { return a.at.Compare(b.at) })
	for i, p := range all {
		if i > 0 && p.at.Sub(all[i-1].at) < 20*time.Hour {
			t.Errorf("%s is %s after %s", p.message, p.at.Sub(all[i-1].at), all[i-1].message)
		}
		n := 0
		for _, o := range all[:i+1] {
			if p.at.Sub(o.at) < 30*day {
				n++
			}
		}
		if n > 4 { // the cap of marketing, over the phases
			t.Errorf("%d in 30 days before %s", n, p.at)
		}
	}
	now := 0
	for _, a := range answers {
		if a.Refused == "" && !a.At.After(opening) {
			now++
		}
	}
	if now != asking/messages { // the one that went, and its retry
		t.Errorf("%d answers said now", now)
	}
}

// TestDueTogether: both nodes recheck everything that is due; at most one goes.
func TestDueTogether(t *testing.T) {
	eachHouse(t, func(h *house) {
		h.grant(h.lin)
		h.clock.Advance(10 * day)
		var ids []string
		for i := range 6 {
			m := fmt.Sprintf("msg_%d", i)
			if a := h.ask(Ask{Message: m, NotBefore: h.clock.Now().Add(time.Hour)}); a.Refused != "" {
				t.Fatalf("%+v", a)
			}
			ids = append(ids, m)
		}
		h.clock.Advance(90 * day) // nobody worked for a quarter
		var group sync.WaitGroup
		var mu sync.Mutex
		went := 0
		for _, m := range append(ids, ids...) {
			group.Add(1)
			go func() {
				defer group.Done()
				var a Answer
				if err := h.try(func(tx *db.Tx) (err error) { a, err = h.Recheck(tx, m); return err }); err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				if a.Refused == "" && !a.At.After(h.clock.Now()) {
					went++
				}
			}()
		}
		group.Wait()
		if went == 0 || went > 2 { // one message, from each of the two asking
			t.Errorf("%d rechecks said now", went)
		}
	})
}

func BenchmarkCheck(b *testing.B) {
	for name, open := range map[string]func(testing.TB) *db.DB{db.SQLite: dbtest.New, db.Postgres: dbtest.Postgres} {
		b.Run(name, func(b *testing.B) {
			d := open(b)
			h := openHouse(b, d, dbtest.NewClock(opening))
			const people = 512
			who := make([]string, people)
			h.write(func(tx *db.Tx) error {
				for i := range who {
					who[i] = h.customer(tx, fmt.Sprint("U-", i))
					if _, err := h.Record(tx, Entry{Customer: who[i], Purpose: Marketing, State: Granted, How: HowPage}); err != nil {
						return err
					}
				}
				return nil
			})
			ctx := context.Background()
			n := 0
			for kind, ask := range map[string]Ask{"answer": {Purpose: Service, Answers: true, Staff: true}, "campaign": {Purpose: Marketing, Expires: opening.Add(7 * day)}} {
				b.Run(kind, func(b *testing.B) {
					for b.Loop() {
						// 64 checks a transaction, as a group commit has them.
						if err := d.Write(ctx, func(tx *db.Tx) error {
							for range 64 {
								n++
								a := ask
								a.Customer, a.Message = who[n%people], fmt.Sprintf("msg_%s_%d", kind, n)
								if _, err := h.Check(tx, a); err != nil {
									return err
								}
							}
							return nil
						}); err != nil {
							b.Fatal(err)
						}
					}
					b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(64*b.N), "µs/check")
				})
			}
		})
	}
}
