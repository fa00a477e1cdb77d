package conversation

import (
	"errors"
	"testing"

	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
	"dingdong/internal/event"
	"dingdong/internal/staff"
)

func TestReleaseAll(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		h.receive(says("Uwen", 1, "hi"), says("Ulin", 2, "hello"), says("Uann", 3, "closing time?"))
		all := h.threads(h.manager, Filter{Box: BoxAll})
		h.write(func(tx *db.Tx) error {
			for _, thread := range all[:2] {
				check(t, h.Take(tx, h.mei, thread.ID))
			}
			check(t, h.Take(tx, h.manager, all[2].ID))
			return h.CloseThread(tx, h.mei, all[1].ID)
		})
		h.read(func(tx *db.Tx) error {
			if n, err := Held(tx, h.mei.ID); err != nil || n != 1 {
				t.Errorf("she holds %d, %v; want the open one", n, err)
			}
			return nil
		})
		h.write(func(tx *db.Tx) error {
			if _, err := ReleaseAll(tx, h.manager, h.mei.ID); !errors.Is(err, staff.ErrForbidden) {
				t.Errorf("a manager ends people: %v", err)
			}
			return nil
		})
		var before int64
		h.read(func(tx *db.Tx) (err error) { before, err = event.Last(tx); return err })
		h.write(func(tx *db.Tx) error {
			n, err := ReleaseAll(tx, staff.System(), h.mei.ID)
			if n != 1 {
				t.Errorf("%d open threads went back, want 1", n)
			}
			return err
		})
		h.read(func(tx *db.Tx) error {
			for _, thread := range h.threads(h.manager, Filter{Box: BoxAll}) {
				if thread.AssigneeID == h.mei.ID {
					t.Errorf("thread %s is still hers", thread.ID)
				}
			}
			news, err := event.After(tx, before, 10)
			if len(news) != 2 || news[0].Kind != event.ThreadChanged || news[0].Thread == "" || news[0].Counter != h.counter {
				t.Errorf("news %+v, want one per thread", news)
			}
			return err
		})
		if mine := h.threads(h.manager, Filter{Box: BoxMine}); len(mine) != 1 {
			t.Errorf("the manager has %d, want her own one untouched", len(mine))
		}
	})
}
