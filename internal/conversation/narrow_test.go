package conversation

import (
	"errors"
	"testing"
	"time"

	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
	"dingdong/internal/staff"
)

// From the day on which a leaving date is set, everything that leads to customers leads
// only to her own.
func TestWhoLeavesSeesOnlyHerOwn(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		g := newGroup(t, d)
		threads := map[string]Thread{}
		for n, user := range []string{"Uhers", "Uopen", "Ubusy", "Ufree"} {
			g.receive(says(user, n+1, "peony for "+user))
			for _, x := range g.threads(g.manager, Filter{Box: BoxAll}) {
				if _, known := threads[user]; !known && x.LastAt.Equal(base.Add(time.Duration(n+1)*time.Second)) {
					threads[user] = x
				}
			}
		}
		g.bind(threads["Uhers"].ID, g.mei.ID)
		g.write(func(tx *db.Tx) error {
			check(t, g.Take(tx, g.mei, threads["Uopen"].ID))
			check(t, g.Take(tx, g.lan, threads["Ubusy"].ID))
			return staff.SetLeaving(tx, staff.System(), g.mei.ID, tx.Now.Add(48*time.Hour))
		})
		g.read(func(tx *db.Tx) (err error) { g.mei, err = staff.ViewerByID(tx, g.mei.ID); return err })

		hers := map[string]bool{threads["Uhers"].ID: true, threads["Uopen"].ID: true}
		for _, box := range []Box{BoxAll, BoxMine, BoxUnassigned} {
			for _, x := range g.threads(g.mei, Filter{Box: box}) {
				if !hers[x.ID] {
					t.Errorf("box %s shows somebody else's", box)
				}
			}
		}
		if n := len(g.threads(g.mei, Filter{Box: BoxAll})); n != 2 {
			t.Errorf("%d threads, want her two", n)
		}
		g.read(func(tx *db.Tx) error {
			for user, x := range threads {
				_, err := g.Thread(tx, g.mei, x.ID)
				_, personErr := g.Visible(tx, g.mei, x.CustomerID)
				if hers[x.ID] != (err == nil) || !hers[x.ID] && !errors.Is(err, db.ErrNotFound) || hers[x.ID] != (personErr == nil) {
					t.Errorf("%s: %v, %v", user, err, personErr)
				}
			}
			hits, _, err := g.FindMessages(tx, g.mei, Find{Query: "peony"})
			if err != nil || len(hits) != 2 {
				t.Errorf("%d messages found, %v", len(hits), err)
			}
			if hits, _, err = g.FindMessages(tx, g.lan, Find{Query: "peony"}); err != nil || len(hits) != 4 {
				t.Errorf("who stays finds %d, %v", len(hits), err)
			}
			w, err := g.CountWaiting(tx, g.mei)
			if err != nil || w != (Waiting{Mine: 2, All: 2}) {
				t.Errorf("waiting: %+v %v", w, err)
			}
			crowd, err := g.CountCrowd(tx)
			if err != nil || crowd.For(g.mei) != w {
				t.Errorf("the crowd: %+v %v", crowd.For(g.mei), err)
			}
			days, err := g.MessageDays(tx, g.mei, PastPage{PersonID: threads["Ubusy"].CustomerID, Limit: 9, Zone: time.UTC})
			if err != nil || len(days) != 0 {
				t.Errorf("the past of somebody else's customer: %+v %v", days, err)
			}
			list, err := g.Today(tx, g.mei, Day{})
			for _, x := range list {
				if !hers[x.Thread.ID] {
					t.Error("her day shows somebody else's customer")
				}
			}
			return err
		})
		g.write(func(tx *db.Tx) error { return g.CloseThread(tx, g.mei, threads["Uopen"].ID) })
		if n := len(g.threads(g.mei, Filter{Box: BoxAll})); n != 1 {
			t.Errorf("%d threads, want the one that is bound to her", n)
		}
		g.write(func(tx *db.Tx) error { return staff.SetLeaving(tx, staff.System(), g.mei.ID, time.Time{}) })
		g.read(func(tx *db.Tx) (err error) { g.mei, err = staff.ViewerByID(tx, g.mei.ID); return err })
		if n := len(g.threads(g.mei, Filter{Box: BoxAll})); n != 4 {
			t.Errorf("she stays and sees %d", n)
		}
	})
}
