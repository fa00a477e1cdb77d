package catalogue

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"dingdong/internal/db"
	"dingdong/internal/event"
	"dingdong/internal/staff"
)

func TestRecordPurchases(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.upsert(cushion())
		her := h.person("Lin")
		a := receipt("A", start.AddDate(0, 0, -5))
		a.CustomerID = her
		before := h.lastEvent()
		if r := h.record(a, receipt("B", start), receipt("B", start)); !slices.Equal(states(r), []State{Added, Added, Repeated}) {
			t.Errorf("first: %+v", r)
		}
		changed := a
		changed.Currency, changed.Lines = "USD", nil
		total := int64(5)
		changed.Total = &total
		if r := h.record(changed); r[0].State != Repeated {
			t.Errorf("a repeat: %+v", r)
		}
		a.Source = "web"
		if r := h.record(a); r[0].State != Added {
			t.Errorf("another source: %+v", r)
		}
		back := PurchaseForm{Source: "till", Ref: "R", ReturnsRef: "A", CustomerID: her, Counter: h.roseeX, Advisor: "mei@store.example", At: start, Currency: "TWD",
			Lines: []LineForm{{SKU: "C-1-21", Quantity: 1, Amount: 168000}}}
		if r := h.record(back); r[0].State != Added {
			t.Errorf("a return: %+v", r)
		}
		h.read(func(tx *db.Tx) error {
			list, err := h.Purchases(tx, h.mei, []string{her}, Cursor{}, 10)
			check(t, err)
			if len(list) != 3 {
				t.Fatalf("%d purchases", len(list))
			}
			r, p := list[0], list[2]
			if r.Kind != Return || r.Total != -168000 || r.Lines[0].Quantity != -1 || r.AdvisorID != h.mei.ID || r.StoreID != h.xinyi {
				t.Errorf("the return: %+v", r)
			}
			if l := p.Lines[0]; p.Total != 168000 || p.Currency != "TWD" || l.Name != "Silk Cushion" || l.Variant != "21 Light" || l.Category != "cushion" || l.BrandID != h.rosee {
				t.Errorf("the sale: %+v", p)
			}
			return nil
		})
		if n := h.lastEvent() - before; n != 3 {
			t.Errorf("%d events", n)
		}
	})
}

func (h *house) lastEvent() (n int64) {
	h.read(func(tx *db.Tx) (err error) { n, err = event.Last(tx); return err })
	return n
}

func TestRecordPurchasesBad(t *testing.T) {
	minus, much := int64(-5), int64(maxAmount)*2
	cases := map[string]struct {
		change      func(p *PurchaseForm)
		field, code string
	}{
		"no source":           {func(p *PurchaseForm) { p.Source = "" }, "source", "required"},
		"no ref":              {func(p *PurchaseForm) { p.Ref = "\x00" }, "ref", "required"},
		"no time":             {func(p *PurchaseForm) { p.At = time.Time{} }, "at", "too_early"},
		"the future":          {func(p *PurchaseForm) { p.At = start.Add(25 * time.Hour) }, "at", "too_late"},
		"currency":            {func(p *PurchaseForm) { p.Currency = "NT$" }, "currency", "currency"},
		"kind":                {func(p *PurchaseForm) { p.Kind = "gift" }, "kind", "kind"},
		"sale below zero":     {func(p *PurchaseForm) { p.Kind, p.Total = Sale, &minus }, "total", "sign"},
		"much":                {func(p *PurchaseForm) { p.Total = &much }, "total", "number"},
		"nothing":             {func(p *PurchaseForm) { p.Lines = nil }, "lines", "required"},
		"many lines":          {func(p *PurchaseForm) { p.Lines = make([]LineForm, maxLines+1) }, "lines", "too_many"},
		"line of nothing":     {func(p *PurchaseForm) { p.Lines = append(p.Lines, LineForm{Amount: 1}) }, "lines.2.sku", "required"},
		"long name":           {func(p *PurchaseForm) { p.Lines[0].Name = strings.Repeat("霜", 300) }, "lines.1.name", "too_long"},
		"quantity":            {func(p *PurchaseForm) { p.Lines[0].Quantity = 1 << 40 }, "lines.1.quantity", "number"},
		"amount":              {func(p *PurchaseForm) { p.Lines[0].Amount = 1 << 60 }, "lines.1.amount", "number"},
		"unknown counter":     {func(p *PurchaseForm) { p.Counter = "Mars" }, "counter", "unknown"},
		"unknown store":       {func(p *PurchaseForm) { p.Store = "Mars" }, "store", "unknown"},
		"counter elsewhere":   {func(p *PurchaseForm) { p.Store = "Banqiao" }, "counter", "unknown"},
		"unknown advisor":     {func(p *PurchaseForm) { p.Advisor = "nobody@store.example" }, "advisor", "unknown"},
		"unknown customer":    {func(p *PurchaseForm) { p.CustomerID = "cus_nobody" }, "customer", "unknown"},
		"no telephone number": {func(p *PurchaseForm) { p.Phone = "12" }, "phone", "malformed"},
	}
	each(t, func(t *testing.T, h *house) {
		for name, c := range cases {
			t.Run(name, func(t *testing.T) {
				bad := receipt("bad", start)
				c.change(&bad)
				r := h.record(bad, receipt("good "+name, start))
				if r[0].State != Bad || r[0].Field != c.field || r[0].Code != c.code {
					t.Errorf("bad: %+v", r[0])
				}
				if r[1].State != Added {
					t.Errorf("good: %+v", r[1])
				}
			})
		}
		for _, v := range []staff.Viewer{h.mei, h.mark, staff.Machine("x", staff.CatalogueWrite)} {
			err := h.DB.Write(t.Context(), func(tx *db.Tx) error { _, err := h.RecordPurchases(tx, v, nil); return err })
			if !errors.Is(err, staff.ErrForbidden) {
				t.Errorf("%s may: %v", v.ID, err)
			}
		}
	})
}

func TestWhoseAReceiptIs(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		lin, chen := h.person("Lin"), h.person("Chen")
		h.contact(lin, "member", h.MemberHash("VIP-001"), true)
		h.contact(lin, "phone", h.PhoneHash("0912345678"), true)
		h.contact(chen, "member", h.MemberHash("VIP-002"), false)
		h.contact(lin, "member", h.MemberHash("FAMILY"), true)
		h.contact(chen, "member", h.MemberHash("FAMILY"), true)
		with := func(ref string, f func(p *PurchaseForm)) PurchaseForm {
			p := receipt(ref, start)
			f(&p)
			return p
		}
		h.record(
			with("proved", func(p *PurchaseForm) { p.Member = " vip-001 " }),
			with("wide", func(p *PurchaseForm) { p.Member = "ＶＩＰ-００１" }),
			with("phone", func(p *PurchaseForm) { p.Phone = "+886 912 345 678" }),
			with("not proved", func(p *PurchaseForm) { p.Member = "VIP-002" }),
			with("two persons", func(p *PurchaseForm) { p.Member = "FAMILY" }),
			with("nobody", func(p *PurchaseForm) {}),
			with("later", func(p *PurchaseForm) { p.Member = "VIP-003" }),
		)
		if n := h.count(`SELECT COUNT(*) FROM purchase WHERE customer_id = $1`, lin); n != 3 {
			t.Errorf("Lin has %d", n)
		}
		if n := h.count(`SELECT COUNT(*) FROM purchase WHERE customer_id = $1`, chen); n != 0 {
			t.Errorf("Chen has %d", n)
		}
		claim := func(member string) (n int64) {
			h.write(func(tx *db.Tx) (err error) {
				n, err = h.ClaimPurchases(tx, chen, h.MemberHash(member))
				return err
			})
			return n
		}
		if n := claim("VIP-003"); n != 1 {
			t.Errorf("claimed %d", n)
		}
		if n := claim("VIP-003"); n != 0 {
			t.Errorf("claimed again %d", n)
		}
		h.write(func(tx *db.Tx) error {
			if n, err := h.ClaimPurchases(tx, chen, ""); n != 0 || err != nil {
				t.Errorf("claimed what nobody's is: %d %v", n, err)
			}
			return nil
		})
		if n := claim("VIP-001"); n != 0 {
			t.Errorf("claimed what is Lin's: %d", n)
		}
		h.contact(chen, "member", h.MemberHash("VIP-002"), true)
		h.write(h.claimProved)
		if n := h.count(`SELECT COUNT(*) FROM purchase WHERE customer_id = $1`, chen); n != 2 {
			t.Errorf("after the proof Chen has %d", n)
		}
	})
}

func TestWhoMayReadPurchases(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.upsert(cushion(), ProductForm{Ref: "L", Name: "Lumi Balm", Brand: "Lumi", Variants: []VariantForm{{SKU: "L-1"}}})
		her := h.person("Lin")
		put := func(ref, counter string, lines ...LineForm) {
			p := PurchaseForm{Source: "till", Ref: ref, Counter: counter, CustomerID: her, At: start, Currency: "TWD", Lines: lines}
			if r := h.record(p); r[0].State != Added {
				t.Fatal(r)
			}
		}
		rosee, lumi, bag := LineForm{SKU: "C-1-21", Amount: 100}, LineForm{SKU: "L-1", Amount: 10}, LineForm{Name: "bag", Amount: 1}
		put("own", h.roseeX, rosee, bag)
		put("other store", h.roseeB, rosee)
		put("other brand", h.lumiX, lumi, bag)
		put("mixed", h.roseeX, rosee, lumi)
		put("web", "", rosee, lumi)
		put("web of another brand", "", lumi, bag)
		total := map[string]int64{}
		reads := func(v staff.Viewer) map[string]int64 {
			clear(total)
			h.read(func(tx *db.Tx) error {
				// One a page, so that what is hidden stands between pages.
				for before := (Cursor{}); ; {
					list, err := h.Purchases(tx, v, []string{her, "cus_other"}, before, 1)
					check(t, err)
					if len(list) == 0 {
						return nil
					}
					total[list[0].Ref] = list[0].Total
					before = Cursor{list[0].At, list[0].ID}
				}
			})
			return total
		}
		expect := func(name string, got, want map[string]int64) {
			t.Helper()
			if len(got) != len(want) {
				t.Errorf("%s reads %v", name, got)
			}
			for ref, n := range want {
				if got[ref] != n {
					t.Errorf("%s reads %s as %d, not %d", name, ref, got[ref], n)
				}
			}
		}
		expect("Mei", reads(h.mei), map[string]int64{"own": 101, "other store": 100, "mixed": 100, "web": 100})
		expect("Fang", reads(h.fang), map[string]int64{"other brand": 11, "web": 10, "web of another brand": 10})
		expect("the marketing", reads(h.mark), nil)
		expect("nobody", reads(staff.Viewer{}), nil)
		expect("a machine", reads(staff.Machine("till")), map[string]int64{"own": 101, "other store": 100, "other brand": 11, "mixed": 110, "web": 110, "web of another brand": 11})
		h.read(func(tx *db.Tx) error {
			habits, err := h.Habits(tx, h.mei, []string{her}, tx.Now)
			if err != nil || habits.Purchases != 4 || habits.Category.Value != "cushion" || habits.Day.Value != "sunday" || habits.Part.Value != "evening" {
				t.Errorf("habits: %+v %v", habits, err)
			}
			return nil
		})
	})
}
