package consent

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"sync"
	"testing"
	"time"

	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
)

// TestAskedTogetherAsOneByOne gives two crowds the same random past, asks for the one
// together and for the other one by one, and finds the same answers and places.
func TestAskedTogetherAsOneByOne(t *testing.T) {
	for seed := range uint64(6) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			eachHouse(t, func(h *house) {
				c := crowds{h, rand.New(rand.NewPCG(seed, 3)), [2][]string{h.people("a"), h.people("b")}}
				c.live()
				for range 6 {
					asks := c.wishes()
					var together, single []Answer
					h.write(func(tx *db.Tx) (err error) {
						together, err = h.CheckAll(tx, asks[0])
						return err
					})
					h.write(func(tx *db.Tx) error {
						for _, a := range asks[1] {
							one, err := h.Check(tx, a)
							if err != nil {
								return err
							}
							single = append(single, one)
						}
						return nil
					})
					for i := range asks[0] {
						if a, b := bare(together[i]), bare(single[i]); !reflect.DeepEqual(a, b) {
							t.Errorf("%+v: together %+v, alone %+v", asks[0][i], a, b)
						}
					}
					if a, b := c.ledger(0), c.ledger(1); !reflect.DeepEqual(a, b) {
						t.Fatalf("together the ledger is\n%v, one by one\n%v", a, b)
					}
					h.clock.Advance(time.Duration(c.r.IntN(100)) * time.Hour)
				}
			})
		})
	}
}

// crowds are two times the same people.
type crowds struct {
	*house
	r      *rand.Rand
	people [2][]string
}

func (h *house) people(crowd string) (out []string) {
	h.write(func(tx *db.Tx) error {
		for n := range 12 {
			out = append(out, h.customer(tx, fmt.Sprintf("U-%s-%02d", crowd, n)))
		}
		return nil
	})
	return out
}

// live gives every one of them a past, twice.
func (c crowds) live() {
	accounts := []string{"", "acc_1", "acc_2"}
	for range 60 {
		n, state, account := c.r.IntN(12), []State{Granted, Granted, Withdrawn}[c.r.IntN(3)], accounts[c.r.IntN(3)]
		purpose := []string{Marketing, Marketing, Profiling}[c.r.IntN(3)]
		wrote := c.r.IntN(4) == 0
		for _, people := range c.people {
			c.record(Entry{Customer: people[n], Purpose: purpose, Account: account, State: state})
			if wrote {
				c.write(func(tx *db.Tx) error { return c.Heard(tx, people[n], tx.Now) })
			}
		}
		c.clock.Advance(time.Duration(c.r.IntN(600)) * time.Minute)
	}
	for _, people := range c.people {
		c.merge(people[0], people[1])
		c.merge(people[2], people[3])
	}
}

// wishes are asks for the two crowds: some for one person twice, some for one message
// again.
func (c crowds) wishes() (out [2][]Ask) {
	for range 20 {
		n, message := c.r.IntN(12), c.r.IntN(60)
		a := Ask{Purpose: []string{Marketing, Marketing, Profiling, Service}[c.r.IntN(4)], Account: []string{"acc_1", "acc_2"}[c.r.IntN(2)],
			Kind: []string{"", "news", "replenish"}[c.r.IntN(3)], Staff: c.r.IntN(6) == 0, Answers: c.r.IntN(5) == 0, Priority: c.r.IntN(10)}
		if c.r.IntN(4) == 0 {
			a.NotBefore = c.clock.Now().Add(time.Duration(c.r.IntN(200)) * time.Hour)
		}
		if c.r.IntN(4) == 0 {
			a.Expires = c.clock.Now().Add(time.Duration(c.r.IntN(400)) * time.Hour)
		}
		if c.r.IntN(5) == 0 {
			a.Heard = c.clock.Now().Add(-time.Duration(c.r.IntN(100)) * time.Hour)
		}
		for i, people := range c.people {
			a.Customer = people[n]
			a.Message = fmt.Sprintf("%c_%02d_%02d", 'a'+i, n, message)
			out[i] = append(out[i], a)
		}
	}
	return out
}

// bare is an answer without what tells the crowds apart.
func bare(a Answer) Answer {
	moved := a.Moved
	a.Moved = nil
	for _, m := range moved {
		m.Message = m.Message[1:]
		a.Moved = append(a.Moved, m)
	}
	return a
}

// ledger is what a crowd's places are.
func (c crowds) ledger(i int) (out []string) {
	c.read(func(tx *db.Tx) error {
		rows, err := tx.Query(`SELECT `+placeColumns+` FROM contact_place WHERE substr(message_id, 1, 2) = $1 ORDER BY message_id`,
			string(rune('a'+i))+"_")
		places, err := db.Collect(rows, err, scanPlace)
		for _, p := range places {
			p.customer, p.message = "", p.message[1:]
			out = append(out, fmt.Sprintf("%+v", p))
		}
		return err
	})
	return out
}

// TestCrowdsThatMeet: two nodes ask for crowds of the same people, in any order. Nobody
// waits for ever, and nobody gets more than one message at once.
func TestCrowdsThatMeet(t *testing.T) {
	t.Run(db.SQLite, func(t *testing.T) { crowdsMeet(t, dbtest.SQLiteURL(t)) })
	t.Run(db.Postgres, func(t *testing.T) { crowdsMeet(t, dbtest.PostgresURL(t)) })
}

func crowdsMeet(t *testing.T, url string) {
	nodes := twoNodes(t, url)
	h := nodes[0]
	people := h.people("c")
	for _, who := range people {
		h.grant(who)
	}
	h.merge(people[4], people[7])
	const crowds = 8
	var group sync.WaitGroup
	for n := range crowds {
		group.Go(func() {
			var asks []Ask
			for _, i := range rand.Perm(len(people)) {
				asks = append(asks, Ask{Customer: people[i], Message: fmt.Sprintf("msg_%02d_%02d", n, i), Purpose: Marketing})
			}
			if err := nodes[n%2].try(func(tx *db.Tx) error { _, err := nodes[n%2].CheckAll(tx, asks); return err }); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	h.read(func(tx *db.Tx) error {
		for _, who := range people {
			p, err := h.look(tx, who)
			if err != nil {
				return err
			}
			all, err := placesOf(tx, p.records, tx.Now)
			if err != nil {
				return err
			}
			if len(all) != crowds*len(p.records) {
				t.Errorf("%d places", len(all))
			}
			for i := range all {
				if i > 0 && all[i].at.Sub(all[i-1].at) < 20*time.Hour {
					t.Errorf("%s is %s after %s", all[i].message, all[i].at.Sub(all[i-1].at), all[i-1].message)
				}
			}
		}
		return nil
	})
}
