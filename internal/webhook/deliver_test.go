package webhook

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"dingdong/internal/channel"
	"dingdong/internal/conversation"
	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
	"dingdong/internal/event"
	"dingdong/internal/staff"
)

// each runs a test on both engines, with a clock of its own.
func each(t *testing.T, test func(t *testing.T, h *house)) {
	clock := dbtest.NewClock(morning)
	dbtest.EachAt(t, clock, func(t *testing.T, d *db.DB) { test(t, newHouse(t, d, clock)) })
}

func alone(t *testing.T) *house {
	clock := dbtest.NewClock(morning)
	return newHouse(t, dbtest.NewAt(t, clock), clock)
}

func TestEventsArriveSignedOnceAndInOrder(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		r := newReceiver(t, ok)
		e, secret := h.add(r.URL, "thread.changed")
		h.work()
		h.happen(event.ThreadChanged, 30)
		h.happen(event.AccountChanged, 3) // not asked for
		h.happen(event.ThreadChanged, 20)
		h.until("fifty calls", func() bool { return len(r.taken()) >= 50 })
		h.until("all noted", func() bool { log := h.log(e.ID); return len(log) == 50 && log[49].State == stateSent })
		calls := r.taken()
		if len(calls) != 50 {
			t.Fatalf("%d calls", len(calls))
		}
		last := int64(0)
		for i, c := range calls {
			var d Document
			if err := json.Unmarshal(c.body, &d); err != nil {
				t.Fatal(err)
			}
			var seq int64
			fmt.Sscan(d.ID, &seq)
			if seq <= last || d.Type != event.ThreadChanged || d.Thread != "thr_1" || d.Data["n"] == "" {
				t.Errorf("call %d: %s after %d", i, c.body, last)
			}
			last = seq
			if err := verify(c, secret); err != nil {
				t.Error(err)
			}
			if c.header.Get("Content-Type") != "application/json" {
				t.Errorf("got %v", c.header)
			}
		}
	})
}

func TestWithoutEndpointsNothingIsQueued(t *testing.T) {
	h := alone(t)
	h.happen(event.ThreadChanged, 100)
	h.read(func(tx *db.Tx) error {
		var rows, jobs int
		err := tx.QueryRow(`SELECT (SELECT COUNT(*) FROM endpoint_delivery), (SELECT COUNT(*) FROM job WHERE kind = 'webhook')`).Scan(&rows, &jobs)
		if rows != 0 || jobs != 0 {
			t.Errorf("%d rows, %d jobs", rows, jobs)
		}
		return err
	})
}

func TestQueueIsOnce(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		e, _ := h.add("https://till.example.com/")
		h.happen(event.ThreadChanged, 2)
		h.write(func(tx *db.Tx) error { // the reaction is run again after a crash
			events, err := event.After(tx, 0, 10)
			for _, ev := range events {
				if err == nil {
					err = h.Queue(tx, ev)
				}
			}
			return err
		})
		if log := h.log(e.ID); len(log) != 2 {
			t.Errorf("got %+v", log)
		}
	})
}

func TestFailureKeepsOrderAndBlocksNobodyElse(t *testing.T) {
	h := alone(t)
	ill := newReceiver(t, func(n int) int {
		if n <= 2 {
			return http.StatusInternalServerError
		}
		return http.StatusOK
	})
	well := newReceiver(t, ok)
	a, _ := h.add(ill.URL)
	b, _ := h.add(well.URL)
	h.work()
	h.happen(event.ThreadChanged, 3)
	h.until("the other endpoint has all", func() bool { return len(well.taken()) == 3 })
	h.until("one attempt is noted", func() bool { l := h.log(a.ID); return l[0].Attempts == 1 })
	l := h.log(a.ID)
	if l[0].State != stateQueued || l[0].Status != 500 || l[0].Error == "" || l[1].Attempts != 0 {
		t.Errorf("got %+v", l)
	}
	h.happen(event.ThreadChanged, 1) // news must not cut the pause short
	h.until("the other endpoint has the news", func() bool { return len(well.taken()) == 4 })
	if n := len(ill.taken()); n != 1 {
		t.Errorf("%d calls in the pause", n)
	}
	h.clock.Advance(waits[0])
	h.until("the second attempt is noted", func() bool { return h.log(a.ID)[0].Attempts == 2 })
	h.clock.Advance(waits[1])
	h.until("all is sent", func() bool { l := h.log(a.ID); return l[len(l)-1].State == stateSent })
	ids := map[string]int{}
	for _, c := range ill.taken() {
		ids[c.header.Get(headerID)]++
	}
	if len(ids) != 4 || ids[l[0].ID] != 3 {
		t.Errorf("got %v", ids)
	}
	if l := h.log(b.ID); len(l) != 4 {
		t.Errorf("got %+v", l)
	}
}

func TestGivingUpAfterADay(t *testing.T) {
	h := alone(t)
	r := newReceiver(t, func(n int) int {
		if n <= 2 {
			return http.StatusBadGateway
		}
		return http.StatusOK
	})
	e, _ := h.add(r.URL)
	h.work()
	h.happen(event.ThreadChanged, 1)
	h.until("one attempt", func() bool { return h.log(e.ID)[0].Attempts == 1 })
	h.clock.Advance(tryFor)
	h.until("given up", func() bool { return h.log(e.ID)[0].State == stateFailed })
	h.happen(event.ThreadChanged, 1)
	h.until("the next goes on", func() bool { l := h.log(e.ID); return l[1].State == stateSent })
	h.write(func(tx *db.Tx) error {
		_, err := h.Retry(tx, staff.System(), h.log(e.ID)[0].ID)
		return err
	})
	h.until("sent by hand", func() bool { return h.log(e.ID)[0].State == stateSent })
}

func TestPausesAddUpToADay(t *testing.T) {
	total, attempts := time.Duration(0), 1
	for ; total < tryFor; attempts++ {
		total += wait(attempts)
	}
	if attempts < 12 || attempts > 30 {
		t.Errorf("%d attempts in a day", attempts)
	}
}

func TestGoneEndpointIsPaused(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		gone := true
		r := newReceiver(t, func(int) int {
			if gone {
				return http.StatusGone
			}
			return http.StatusOK
		})
		e, _ := h.add(r.URL)
		h.happen(event.ThreadChanged, 3)
		h.work()
		h.until("it is paused", func() bool { return !h.endpoint(e.ID).PausedAt.IsZero() })
		h.happen(event.ThreadChanged, 1) // not queued: nobody listens
		l := h.log(e.ID)
		if len(l) != 3 || l[0].State != stateFailed || l[1].State != stateQueued || len(r.taken()) != 1 {
			t.Fatalf("got %+v", l)
		}
		r.mu.Lock()
		gone = false
		r.mu.Unlock()
		h.write(func(tx *db.Tx) error { return h.Resume(tx, staff.System(), e.ID) })
		h.until("the rest is sent", func() bool { return h.log(e.ID)[2].State == stateSent })
	})
}

func (h *house) endpoint(id string) (e Endpoint) {
	h.t.Helper()
	h.read(func(tx *db.Tx) (err error) { e, err = h.Get(tx, staff.System(), id); return err })
	return e
}

func TestRedirectIsNotFollowed(t *testing.T) {
	h := alone(t)
	r := newReceiver(t, func(int) int { return http.StatusTemporaryRedirect })
	e, _ := h.add(r.URL)
	h.work()
	h.happen(event.ThreadChanged, 1)
	h.until("one attempt", func() bool { return h.log(e.ID)[0].Attempts == 1 })
	if l := h.log(e.ID); l[0].Status != 307 || l[0].State != stateQueued || len(r.taken()) != 1 {
		t.Errorf("got %+v, %d calls", l, len(r.taken()))
	}
}

func TestEndedEndpointHearsNothing(t *testing.T) {
	h := alone(t)
	r := newReceiver(t, ok)
	e, _ := h.add(r.URL)
	h.happen(event.ThreadChanged, 1)
	h.write(func(tx *db.Tx) error { return h.End(tx, staff.System(), e.ID) })
	other, _ := h.add(r.URL)
	h.work()
	h.happen(event.ThreadChanged, 1)
	h.until("the other has it", func() bool { l := h.log(other.ID); return len(l) == 1 && l[0].State == stateSent })
	if n := len(r.taken()); n != 1 {
		t.Errorf("%d calls", n)
	}
}

func TestOldLogIsForgotten(t *testing.T) {
	h := alone(t)
	r := newReceiver(t, ok)
	e, _ := h.add(r.URL)
	h.work()
	h.happen(event.ThreadChanged, 5)
	h.until("sent", func() bool { l := h.log(e.ID); return len(l) == 5 && l[4].State == stateSent })
	h.clock.Advance(keepFor + time.Hour)
	h.happen(event.ThreadChanged, 1)
	h.until("only the new one is left", func() bool { l := h.log(e.ID); return len(l) == 1 && l[0].State == stateSent })
}

func TestLogOfAnEndedEndpointIsForgotten(t *testing.T) {
	h := alone(t)
	e, _ := h.add("https://till.example")
	h.happen(event.ThreadChanged, 3)
	h.until("queued", func() bool { return len(h.log(e.ID)) == 3 })
	h.write(func(tx *db.Tx) error { return h.End(tx, staff.System(), e.ID) })
	for _, left := range []int{3, 0} {
		h.write(SweepLogs)
		if n := len(h.log(e.ID)); n != left {
			t.Errorf("%d lines are left, want %d", n, left)
		}
		h.clock.Advance(keepFor + time.Hour)
	}
}

func TestUnsentMessageGoesOutEmpty(t *testing.T) {
	h := alone(t)
	account := h.open()
	h.says(account, channel.Inbound{EventID: "1", ExternalID: "m1", Kind: channel.Message, Body: channel.Body{Type: channel.Text, Text: "secret"}})
	docs := h.documents()
	if docs[0].Message.Text != "secret" || docs[0].Message.Author.Type != conversation.AuthorCustomer {
		t.Errorf("got %+v", docs[0].Message)
	}
	h.says(account, channel.Inbound{EventID: "2", ExternalID: "m1", Kind: channel.Unsend})
	for _, d := range h.documents() {
		if d.Message == nil || !d.Message.Unsent || d.Message.Text != "" {
			t.Errorf("got %+v", d.Message)
		}
	}
}

func (h *house) open() (a conversation.Account) {
	h.t.Helper()
	h.write(func(tx *db.Tx) error {
		sys := staff.System()
		store, err := staff.SaveStore(tx, sys, staff.StoreForm{Name: "North"})
		if err != nil {
			return err
		}
		brand, err := staff.SaveBrand(tx, sys, staff.BrandForm{Name: "Rose"})
		if err != nil {
			return err
		}
		counter, err := staff.SaveCounter(tx, sys, staff.CounterForm{StoreID: store.ID, BrandID: brand.ID})
		if err != nil {
			return err
		}
		a, err = h.Desk.SaveAccount(tx, sys, conversation.AccountForm{Name: "Shop", CounterID: counter.ID, Channel: channel.WebChat})
		return err
	})
	return a
}

func (h *house) says(a conversation.Account, in channel.Inbound) {
	h.t.Helper()
	h.write(func(tx *db.Tx) error {
		in.At, in.Peer = tx.Now, channel.Peer{Type: channel.Person, ID: "amy"}
		_, err := h.Desk.Receive(tx, a, []channel.Inbound{in})
		return err
	})
}

// documents gives what is told of messages.
func (h *house) documents() (docs []Document) {
	h.t.Helper()
	h.read(func(tx *db.Tx) error {
		all, err := event.After(tx, 0, 100)
		if err != nil {
			return err
		}
		var events []event.Event
		for _, e := range all {
			if e.Message != "" {
				events = append(events, e)
			}
		}
		docs, err = Documents(tx, h.Desk, events)
		return err
	})
	if len(docs) == 0 {
		h.t.Fatal("no documents")
	}
	return docs
}

// An endpoint that is told what a customer wrote has looked at her: once an hour, before it
// is told.
func TestWhatIsToldIsOnRecord(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		r := newReceiver(t, ok)
		e, _ := h.add(r.URL)
		a := h.open()
		h.work()
		deliver := func() {
			h.write(func(tx *db.Tx) error {
				events, err := event.After(tx, 0, 100)
				for _, e := range events {
					if err == nil {
						err = h.Queue(tx, e)
					}
				}
				return err
			})
			h.until("it is told", func() bool {
				return !slices.ContainsFunc(h.log(e.ID), func(d Delivery) bool { return d.State != stateSent })
			})
		}
		h.says(a, channel.Inbound{EventID: "e1", ExternalID: "x1", Kind: channel.Message, Body: channel.Body{Type: channel.Text, Text: "one"}})
		h.says(a, channel.Inbound{EventID: "e2", ExternalID: "x2", Kind: channel.Message, Body: channel.Body{Type: channel.Text, Text: "two"}})
		deliver()
		lines := func() (n int) {
			h.read(func(tx *db.Tx) error {
				return tx.QueryRow(`SELECT COUNT(*) FROM audit WHERE action = 'api.read' AND actor = $1 AND customer_id <> '' AND customer_id IN (SELECT id FROM customer)`,
					Actor(e.ID)).Scan(&n)
			})
			return n
		}
		if n := lines(); n != 1 {
			t.Errorf("on record %d times", n)
		}
		h.clock.Advance(2 * time.Hour)
		h.says(a, channel.Inbound{EventID: "e3", ExternalID: "x3", Kind: channel.Message, Body: channel.Body{Type: channel.Text, Text: "three"}})
		if deliver(); lines() != 2 {
			t.Errorf("an hour later on record %d times", lines())
		}
	})
}
