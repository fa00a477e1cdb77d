package catalogue

import (
	"testing"
	"time"

	"dingdong/internal/db"
	"dingdong/internal/job"
)

func (h *house) wish(customer, counter string, facets ...string) (id string) {
	h.t.Helper()
	h.write(func(tx *db.Tx) error {
		id = tx.NewID("wsh")
		if _, err := tx.Exec(`INSERT INTO wish (id, customer_id, counter_id, author_id, body, at) VALUES ($1, $2, $3, 'stf', $4, $5)`,
			id, customer, counter, []byte{1}, db.Micro(tx.Now)); err != nil {
			return err
		}
		for _, f := range facets {
			if _, err := tx.Exec(`INSERT INTO wish_facet (wish_id, facet) VALUES ($1, $2)`, id, f); err != nil {
				return err
			}
		}
		return nil
	})
	return id
}

func TestMatchWishes(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		her := h.person("Lin")
		perfume := func(ref, brand string, arrived time.Time, facets ...string) {
			h.upsert(ProductForm{Ref: ref, Name: ref, Brand: brand, Variants: []VariantForm{{SKU: ref, ArrivedAt: arrived, Facets: facets}}})
		}
		yesterday := start.AddDate(0, 0, -1)
		perfume("old", "Rosée", start.AddDate(0, 0, -61), "category:perfume", "scent:light")
		perfume("planned", "Rosée", start.AddDate(0, 0, 2), "category:perfume", "scent:light")
		perfume("heavy", "Rosée", yesterday, "category:perfume", "scent:musk")
		perfume("lumi", "Lumi", yesterday, "category:perfume", "scent:light")
		perfume("any", "", yesterday, "category:bodycare", "scent:rose")
		perfume("closed", "Rosée", yesterday, "category:mask")
		h.write(func(tx *db.Tx) error {
			_, err := tx.Exec(`UPDATE variant SET closed_at = 1 WHERE sku = 'closed'`)
			return err
		})

		light := h.wish(her, h.roseeX, "category:perfume", "scent:light")
		atLumi := h.wish(her, h.lumiX, "scent:light")
		rose := h.wish(her, h.roseeX, "scent:rose")
		mask := h.wish(her, h.roseeX, "category:mask")
		empty := h.wish(her, h.roseeX)
		dropped := h.wish(her, h.roseeX, "scent:rose")
		h.write(func(tx *db.Tx) error {
			_, err := tx.Exec(`UPDATE wish SET state = 'dropped' WHERE id = $1`, dropped)
			return err
		})
		match := func() (n int) {
			h.write(func(tx *db.Tx) (err error) { n, err = h.MatchWishes(tx); return err })
			return n
		}
		matched := func(id string) (sku string) {
			h.read(func(tx *db.Tx) error {
				return tx.QueryRow(`SELECT COALESCE((SELECT w.sku FROM variant w WHERE w.id = i.variant_id), '') FROM wish i WHERE i.id = $1`, id).Scan(&sku)
			})
			return sku
		}
		before := h.lastEvent()
		if n := match(); n != 2 {
			t.Errorf("matched %d", n)
		}
		for id, want := range map[string]string{light: "", atLumi: "lumi", rose: "any", mask: "", empty: "", dropped: ""} {
			if got := matched(id); got != want {
				t.Errorf("%q grants what %q should", got, want)
			}
		}
		if n := h.lastEvent() - before; n != 2 {
			t.Errorf("%d events", n)
		}
		if n := match(); n != 0 {
			t.Errorf("matched %d again", n)
		}
		h.clock.Advance(3 * 24 * time.Hour)
		defer h.clock.Advance(-3 * 24 * time.Hour)
		if n := match(); n != 1 || matched(light) != "planned" {
			t.Errorf("the day it came: %d", n)
		}
	})
}

func TestArrivalsAskForAMatch(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		jobs := func() int { return h.count(`SELECT COUNT(*) FROM job WHERE kind = 'wishes'`) }
		h.upsert(ProductForm{Ref: "a", Name: "a", Variants: []VariantForm{{SKU: "a"}}})
		if jobs() != 0 {
			t.Error("nothing arrived")
		}
		h.upsert(cushion())
		if jobs() != 1 {
			t.Error("an arrival, and no job")
		}
		outcome, err := h.Handlers()[JobWishes](t.Context(), job.Job{})
		if err != nil || outcome == nil {
			t.Fatal(outcome, err)
		}
	})
}
