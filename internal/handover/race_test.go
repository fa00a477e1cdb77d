package handover

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
	"dingdong/internal/job"
)

// running works off the jobs of a house until it is told to stop, in the middle of
// whatever it does.
func (h *house) running() (stop func()) {
	ctx, cancel := context.WithCancel(h.t.Context())
	w := job.NewWorker(h.DB, h.Handlers(), job.Options{Slots: 4})
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	return func() { cancel(); <-done }
}

func (h *house) until(limit time.Duration, ok func() bool) {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), limit)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			h.t.Fatal("it did not happen in time")
		}
	}
}

// once fails where a customer has more than one advisor, or was told or noted twice.
func (h *house) once(id string, customers []string) {
	h.t.Helper()
	for _, c := range customers {
		i := h.item(id, c)
		h.expect("moved", c, i.ToID, i.ToID)
		if n := h.count(`SELECT COUNT(*) FROM binding WHERE customer_id = $1`, c); n != 2 {
			h.t.Errorf("%d bindings, want the old and the new one", n)
		}
		if n := len(h.told(i.ThreadID)); n != 1 || i.Told != Told {
			h.t.Errorf("told %d times: %+v", n, i)
		}
		if n := h.count(`SELECT COUNT(*) FROM thread_note WHERE thread_id = $1 AND kind = 'handed_over'`, i.ThreadID); n != 1 {
			h.t.Errorf("handed over %d times", n)
		}
	}
}

func TestTheyWriteWhileTheyAreMoved(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d, nil)
		var ids, users []string
		for n := range 8 {
			users = append(users, fmt.Sprint("U", n))
			id, _ := h.customer(users[n], h.mei.ID)
			ids = append(ids, id)
		}
		f := h.form(Leaves)
		f.Pace = maxPace
		plan := h.plan(f)

		var work sync.WaitGroup
		for range 2 { // two managers tap at the same moment
			work.Go(func() {
				if err := d.Write(t.Context(), func(tx *db.Tx) error { _, err := h.Start(tx, h.hua, plan.ID); return err }); err != nil {
					t.Error(err)
				}
			})
		}
		work.Wait()
		stop := h.running()
		for _, u := range users {
			in := h.event(u, "one more thing")
			work.Go(func() { h.receive(in) })
		}
		for _, id := range ids[:4] { // another node, which thinks that it is its turn
			item := h.item(plan.ID, id).ID
			work.Go(func() {
				if err := h.one(t.Context(), item, h.move); err != nil {
					t.Error(err)
				}
			})
		}
		work.Wait()
		h.until(20*time.Second, func() bool { return h.get(plan.ID).State == Moved })
		stop()
		h.once(plan.ID, ids)
		if n := h.count(`SELECT COUNT(*) FROM message WHERE author = 'customer'`); n != 2*len(ids) {
			t.Errorf("%d messages of hers", n)
		}
		if n := h.count(`SELECT COUNT(*) FROM thread WHERE waiting_since > 0`); n != len(ids) {
			t.Errorf("%d wait", n)
		}
	})
}

func TestItGoesOnAfterACrash(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d, nil)
		var ids []string
		for n := range 8 {
			id, _ := h.customer(fmt.Sprint("U", n), h.mei.ID)
			ids = append(ids, id)
		}
		f := h.form(Leaves)
		f.Pace = maxPace
		plan := h.plan(f)
		h.start(plan.ID)
		for n := 2; n < len(ids); n += 2 {
			stop := h.running()
			h.until(20*time.Second, func() bool { return h.progress(plan.ID).Moved >= n })
			stop()
		}
		stop := h.running()
		h.until(20*time.Second, func() bool { return h.get(plan.ID).State == Moved })
		stop()
		h.once(plan.ID, ids)
	})
}

// A step that died after its commit and before anybody heard of it is done again.
func TestAStepIsDoneTwice(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ann, _ := h.customer("Uann", h.mei.ID)
		plan := h.plan(h.form(Leaves))
		h.start(plan.ID)
		_, err := h.step(t.Context(), plan.ID)
		check(t, err)
		item := h.item(plan.ID, ann).ID
		for range 3 {
			check(t, h.one(t.Context(), item, h.move))
			check(t, h.DB.Write(t.Context(), func(tx *db.Tx) error { return h.begin(tx, plan.ID) }))
		}
		h.once(plan.ID, []string{ann})
		h.write(func(tx *db.Tx) error { _, err := h.Cancel(tx, h.hua, plan.ID); return err })
		for range 3 {
			check(t, h.one(t.Context(), item, h.back))
		}
		h.expect("back", ann, h.mei.ID, h.mei.ID)
		if n := h.count(`SELECT COUNT(*) FROM binding WHERE customer_id = $1`, ann); n != 3 {
			t.Errorf("%d bindings", n)
		}
	})
}
