package privacy

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// A night lets many go, in small parts: they share one erasure and what follows from it,
// and each of them stands in the list.
func TestANightIsOneErasure(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		const silent = 2*partAtOnce + 7
		var hers []string
		for n := range silent {
			hers = append(hers, h.hears(fmt.Sprintf("U%02d", n), "words", nil))
		}
		h.write(func(tx *db.Tx) error {
			rules := DefaultRules()
			rules.SilentMonths = 12
			return SaveRules(tx, staff.System(), rules)
		})
		h.clock.Advance(400 * 24 * time.Hour)
		stays := h.hears("Ustays", "words", nil)
		run, err := h.Retain(context.Background())
		check(t, err)
		if run.Counts[countPersons] != silent {
			t.Fatalf("%d were let go", run.Counts[countPersons])
		}
		if n, jobs := h.number(`SELECT COUNT(*) FROM erasure`), h.number(`SELECT COUNT(*) FROM job WHERE kind = $1`, JobSweep); n != 1 || jobs != 1 {
			t.Errorf("%d erasures, %d sweeps", n, jobs)
		}
		_, err = h.sweepOnce(context.Background(), "ers"+strings.TrimPrefix(run.ID, "rtn"))
		check(t, err)
		var e Erasure
		h.read(func(tx *db.Tx) error {
			list, err := Erasures(tx, staff.System(), 10)
			if err == nil {
				e, err = erasureByID(tx, list[0].ID)
			}
			return err
		})
		if e.ID != "ers"+strings.TrimPrefix(run.ID, "rtn") || e.By != ByRetention || len(e.Records) != silent || !slices.Contains(e.Records, hers[silent-1]) || e.Passes != 1 {
			t.Errorf("the erasure: %+v", e)
		}
		listed, err := os.ReadFile(h.List)
		check(t, err)
		if n := strings.Count(string(listed), "\n"); n != silent || strings.Contains(string(listed), stays) {
			t.Errorf("%d are listed", n)
		}
		if n := h.number(`SELECT COUNT(*) FROM event WHERE customer_id <> '' AND customer_id <> $1 AND kind <> 'customer.erased'`, stays); n != 0 {
			t.Errorf("%d events still name somebody", n)
		}
	})
}

// Who is let go while the night's erasure is being swept is swept the next time.
func TestASweepDoesNotEndANightThatGoesOn(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		one, two := h.hears("Uone", "words", nil), h.hears("Utwo", "words", nil)
		let := func(id string) (e Erasure) {
			h.write(func(tx *db.Tx) (err error) {
				e, err = h.erase(tx, Erasing{By: ByRetention, Together: "ers_night"}, id, []string{id})
				return err
			})
			return e
		}
		let(one)
		e, err := h.sweepOnce(context.Background(), "ers_night")
		check(t, err)
		if e.Passes != 1 {
			t.Fatalf("the first sweep: %+v", e)
		}
		let(two)
		if n := h.number(`SELECT passes FROM erasure`); n != 0 {
			t.Errorf("%d passes, and half of them are not swept", n)
		}
		for want := 1; want <= sweeps; want++ {
			if e, err = h.sweepOnce(context.Background(), "ers_night"); err != nil || e.Passes != want || len(e.Records) != 2 {
				t.Errorf("sweep %d: %+v %v", want, e, err)
			}
		}
		if h.number(`SELECT COUNT(*) FROM erasure WHERE done_at IS NULL`) != 0 {
			t.Error("it is not done")
		}
	})
}

// The list is read once and then added to; whoever else writes to it is noticed, and a
// line that was half-written is written again.
func TestTheListGrowsByWhatIsNew(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		erase := func(who string) string {
			id := h.hears(who, "words", nil)
			h.write(func(tx *db.Tx) error { _, err := h.EraseFor(tx, h.officer, id, ""); return err })
			check(t, h.noteOutside(context.Background()))
			return id
		}
		lines := func() []Tombstone {
			list, _, err := h.readList(h.List)
			check(t, err)
			return list
		}
		ids := []string{erase("Uone")}
		h.clock.Advance(3 * time.Hour)
		ids = append(ids, erase("Utwo"))
		check(t, h.noteOutside(context.Background()))
		whole, err := os.ReadFile(h.List)
		check(t, err)
		check(t, os.WriteFile(h.List, whole[:len(whole)-20], 0o600)) // a power cut
		h.clock.Advance(3 * time.Hour)
		ids = append(ids, erase("Uthree"))
		check(t, os.Remove(h.List)) // somebody took it away
		h.clock.Advance(3 * time.Hour)
		ids = append(ids, erase("Ufour"))
		var got []string
		for _, x := range lines() {
			got = append(got, x.Record)
		}
		if !slices.Equal(got, ids) {
			t.Errorf("listed are %v, not %v", got, ids)
		}
	})
}
