package catalogue

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"dingdong/internal/db"
	"dingdong/internal/staff"
)

func TestUpsert(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		first := h.upsert(cushion())
		if first[0].State != Added || first[0].ID == "" {
			t.Fatalf("first: %+v", first)
		}
		if again := h.upsert(cushion()); again[0].State != Repeated || again[0].ID != first[0].ID {
			t.Errorf("the same again: %+v", again)
		}
		other := cushion()
		other.Name, other.Variants = "Silk Cushion N", other.Variants[:1]
		other.Variants[0].Prices = []PriceForm{{Amount: 199000, Currency: "TWD"}}
		if r := h.upsert(other); r[0].State != Changed || r[0].ID != first[0].ID {
			t.Errorf("a change: %+v", r)
		}
		h.read(func(tx *db.Tx) error {
			p, err := h.ProductByID(tx, first[0].ID)
			check(t, err)
			if p.Name != "Silk Cushion N" || p.BrandID != h.rosee || len(p.Variants) != 2 || p.LastsDays != 60 {
				t.Errorf("product: %+v", p)
			}
			if w := p.Variants[0]; len(w.Prices) != 1 || w.Prices[0].Amount != 199000 || w.Colour != "#f1d5c0" || !slices.Equal(w.Facets, []string{"category:cushion", "finish:dewy"}) {
				t.Errorf("variant: %+v", w)
			}
			if _, err := h.ProductByID(tx, "prd_no"); !errors.Is(err, db.ErrNotFound) {
				t.Errorf("unknown: %v", err)
			}
			w, err := h.VariantBySKU(tx, "C-1-23")
			if err != nil || w.Product.ID != first[0].ID || w.Prices[0].Amount != 168000 {
				t.Errorf("by SKU: %+v %v", w, err)
			}
			a, err := h.Arrivals(tx, tx.Now.AddDate(0, 0, -7))
			if err != nil || len(a) != 1 || a[0].SKU != "C-1-21" || a[0].Product.Name != "Silk Cushion N" {
				t.Errorf("arrivals: %+v %v", a, err)
			}
			c, err := h.Categories(tx)
			if err != nil || !slices.Equal(c, []string{"cushion"}) {
				t.Errorf("categories: %v %v", c, err)
			}
			return nil
		})
		other.Closed = true
		h.upsert(other)
		h.read(func(tx *db.Tx) error {
			page, err := h.Products(tx, ProductFilter{})
			if err != nil || len(page.Products) != 0 {
				t.Errorf("what is closed is on sale: %+v %v", page, err)
			}
			return nil
		})
	})
}

func TestUpsertBad(t *testing.T) {
	cases := map[string]struct {
		change      func(p *ProductForm)
		field, code string
	}{
		"no ref":           {func(p *ProductForm) { p.Ref = " \x00 " }, "ref", "required"},
		"no name":          {func(p *ProductForm) { p.Name = "" }, "name", "required"},
		"long name":        {func(p *ProductForm) { p.Name = strings.Repeat("霜", 201) }, "name", "too_long"},
		"unknown brand":    {func(p *ProductForm) { p.Brand = "Nobody" }, "brand", "unknown"},
		"script link":      {func(p *ProductForm) { p.URL = "javascript:alert(1)" }, "url", "url"},
		"lasts for ever":   {func(p *ProductForm) { p.LastsDays = 99999 }, "lasts_days", "number"},
		"no SKU":           {func(p *ProductForm) { p.Variants[1].SKU = "" }, "variants.2.sku", "required"},
		"SKU twice":        {func(p *ProductForm) { p.Variants[1].SKU = p.Variants[0].SKU }, "variants.2.sku", "taken"},
		"colour":           {func(p *ProductForm) { p.Variants[0].Colour = "pink" }, "variants.1.colour", "colour"},
		"facet":            {func(p *ProductForm) { p.Variants[0].Facets = []string{"light scent"} }, "variants.1.facets", "facet"},
		"arrives too late": {func(p *ProductForm) { p.Variants[0].ArrivedAt = start.AddDate(9, 0, 0) }, "variants.1.arrived_at", "too_late"},
		"currency":         {func(p *ProductForm) { p.Variants[0].Prices[0].Currency = "NTD" }, "variants.1.prices.1.currency", "currency"},
		"price below zero": {func(p *ProductForm) { p.Variants[0].Prices[0].Amount = -1 }, "variants.1.prices.1.amount", "number"},
		"unknown store":    {func(p *ProductForm) { p.Variants[0].Prices[1].Store = "Mars" }, "variants.1.prices.2.store", "unknown"},
		"two prices":       {func(p *ProductForm) { p.Variants[0].Prices[1].Store = "" }, "variants.1.prices.2.store", "taken"},
		"SKU of another":   {func(p *ProductForm) { p.Variants[0].SKU = "TAKEN" }, "variants.1.sku", "taken"},
	}
	each(t, func(t *testing.T, h *house) {
		h.upsert(ProductForm{Ref: "X", Name: "X", Variants: []VariantForm{{SKU: "TAKEN"}}})
		for name, c := range cases {
			t.Run(name, func(t *testing.T) {
				bad := cushion()
				c.change(&bad)
				good := ProductForm{Ref: "G-" + name, Name: "Good"}
				r := h.upsert(bad, good)
				if r[0].State != Bad || r[0].Field != c.field || r[0].Code != c.code {
					t.Errorf("bad: %+v", r[0])
				}
				if r[1].State != Added {
					t.Errorf("good: %+v", r[1])
				}
			})
		}
		if n := h.count(`SELECT COUNT(*) FROM product WHERE ref = 'C-1'`); n != 0 {
			t.Error("a bad product is in")
		}
		for _, v := range []staff.Viewer{h.mei, h.mark, {}, staff.Machine("x", staff.PurchasesWrite)} {
			if err := h.DB.Write(t.Context(), func(tx *db.Tx) error { _, err := h.Upsert(tx, v, nil); return err }); !errors.Is(err, staff.ErrForbidden) {
				t.Errorf("%s may: %v", v.ID, err)
			}
		}
		err := h.DB.Write(t.Context(), func(tx *db.Tx) error {
			_, err := h.Upsert(tx, staff.Machine("x", staff.CatalogueWrite), make([]ProductForm, MaxBatch+1))
			return err
		})
		if err != (db.Invalid{Field: "products", Code: "too_many"}) {
			t.Errorf("a batch too large: %v", err)
		}
	})
}

func TestProducts(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		for n := range 25 {
			h.upsert(ProductForm{Ref: fmt.Sprintf("R%02d", n), Name: fmt.Sprintf("玫瑰香水 %02d", n/2), Brand: []string{"Rosée", "Lumi"}[n%2], Category: "perfume",
				Variants: []VariantForm{{SKU: fmt.Sprintf("SKU%02d", n), Barcode: fmt.Sprintf("471000%02d", n)}}})
		}
		h.upsert(ProductForm{Ref: "P%", Name: "100%_Pure", Category: "mask"})
		cases := map[string]struct {
			f    ProductFilter
			want int
		}{
			"all":            {ProductFilter{}, 26},
			"by brand":       {ProductFilter{BrandID: h.lumi}, 12},
			"by category":    {ProductFilter{Category: "mask"}, 1},
			"part of a name": {ProductFilter{Query: "香水"}, 25},
			"by SKU":         {ProductFilter{Query: "sku03"}, 1},
			"by barcode":     {ProductFilter{Query: "47100011"}, 1},
			"by ref":         {ProductFilter{Query: "r0", BrandID: h.rosee}, 5},
			"a wild card":    {ProductFilter{Query: "%_p"}, 1},
			"an empty one":   {ProductFilter{Query: "x%x"}, 0},
			"hostile":        {ProductFilter{Query: strings.Repeat("霜'\x00\xff", 200)}, 0},
		}
		for name, c := range cases {
			t.Run(name, func(t *testing.T) {
				seen := map[string]bool{}
				for f := c.f; ; {
					f.Limit = 10
					var page ProductPage
					h.read(func(tx *db.Tx) (err error) { page, err = h.Products(tx, f); return err })
					for _, p := range page.Products {
						if seen[p.ID] {
							t.Fatalf("twice: %s", p.Name)
						}
						seen[p.ID] = true
					}
					if f.After = page.Next; f.After == "" {
						break
					}
				}
				if len(seen) != c.want {
					t.Errorf("%d, not %d", len(seen), c.want)
				}
			})
		}
	})
}

func TestArrivalsLieWithinTheirTime(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		for name, at := range map[string]time.Time{"old": start.AddDate(0, 0, -90), "new": start.AddDate(0, 0, -1), "planned": start.AddDate(0, 0, 5)} {
			h.upsert(ProductForm{Ref: name, Name: name, Variants: []VariantForm{{SKU: name, ArrivedAt: at}}})
		}
		h.read(func(tx *db.Tx) error {
			a, err := h.Arrivals(tx, tx.Now.AddDate(0, 0, -60))
			if err != nil || len(a) != 1 || a[0].SKU != "new" {
				t.Errorf("%+v %v", a, err)
			}
			return nil
		})
	})
}
