package handover

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"dingdong/internal/db"
	"dingdong/internal/staff"
)

func TestWhoMayHandOver(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ann, _ := h.customer("Uann", h.mei.ID)
		for name, c := range map[string]struct {
			v    staff.Viewer
			who  string
			want error
		}{
			"an advisor":              {h.lan, h.mei.ID, staff.ErrForbidden},
			"a manager of elsewhere":  {h.kuo, h.mei.ID, db.Invalid{Field: "advisor", Code: "unknown"}},
			"a manager, of a manager": {h.hua, h.kuo.ID, db.Invalid{Field: "advisor", Code: "unknown"}},
			"a manager, of herself":   {h.hua, h.hua.ID, db.Invalid{Field: "advisor", Code: "oneself"}},
			"of nobody":               {h.hua, "stf_nobody", db.Invalid{Field: "advisor", Code: "unknown"}},
			"of the last one":         {staff.System(), h.admin.ID, db.Invalid{Field: "advisor", Code: "last_admin"}},
			"a program that may not":  {staff.Machine("crm", staff.HandoversRead, staff.CustomersWrite), h.mei.ID, staff.ErrForbidden},
			"a program, of a manager": {staff.Machine("crm", staff.Scopes()...), h.hua.ID, db.Invalid{Field: "advisor", Code: "unknown"}},
			"a text that is no id":    {h.hua, "\x00\xff", db.Invalid{Field: "advisor", Code: "unknown"}},
		} {
			f := h.form(Leaves)
			f.LeaverID = c.who
			h.refuses(func(tx *db.Tx) error {
				_, err := h.Plan(tx, c.v, f)
				if err == nil {
					t.Errorf("%s: it was planned", name)
				}
				if !errors.Is(err, c.want) {
					t.Errorf("%s: %v, want %v", name, err, c.want)
				}
				return c.want
			}, c.want)
		}
		plan := h.plan(h.form(Leaves))
		h.refuses(func(tx *db.Tx) error { _, err := h.Plan(tx, h.admin, h.form(Leaves)); return err }, db.Invalid{Field: "advisor", Code: "handed_over"})
		for _, v := range []staff.Viewer{h.lan, h.kuo, h.mei} {
			h.refuses(func(tx *db.Tx) error { _, err := h.Get(tx, v, plan.ID); return err }, db.ErrNotFound)
			h.refuses(func(tx *db.Tx) error { _, err := h.Start(tx, v, plan.ID); return err }, db.ErrNotFound)
			h.refuses(func(tx *db.Tx) error { _, err := h.Cancel(tx, v, plan.ID); return err }, db.ErrNotFound)
			h.refuses(func(tx *db.Tx) error { return h.Give(tx, v, Hand{plan.ID, []string{"x"}, h.lan.ID}) }, db.ErrNotFound)
		}
		h.read(func(tx *db.Tx) error {
			list, err := h.List(tx, h.kuo)
			if err != nil || len(list) != 0 {
				t.Errorf("a manager of elsewhere finds %d, %v", len(list), err)
			}
			if list, err = h.List(tx, h.hua); err != nil || len(list) != 1 {
				t.Errorf("the manager finds %d, %v", len(list), err)
			}
			items, _, err := h.Items(tx, h.admin, list[0], ItemsPage{})
			if err != nil || len(items) != 1 || items[0].Name != "" || items[0].ThreadID != "" || items[0].CustomerID != ann {
				t.Errorf("an administrator reads names of customers she does not see: %+v %v", items, err)
			}
			who, err := h.Leavers(tx, h.hua)
			if err != nil || len(who) != 3 { // Lan, Siti, Fang
				t.Errorf("%d may be handed over, %v", len(who), err)
			}
			return nil
		})
	})
}

func TestFormsAreRead(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.customer("Uann", h.mei.ID)
		now := h.DB.Now()
		for name, c := range map[string]struct {
			change func(f *Form)
			field  string
			code   string
		}{
			"no kind":              {func(f *Form) { f.Kind = "" }, "kind", "unknown"},
			"another kind":         {func(f *Form) { f.Kind = "retires" }, "kind", "unknown"},
			"no end":               {func(f *Form) { f.Ends = time.Time{} }, "ends", "required"},
			"an end that is past":  {func(f *Form) { f.Ends = now }, "ends", "past"},
			"an end in ten years":  {func(f *Form) { f.Ends = now.AddDate(10, 0, 0) }, "ends", "too_far"},
			"a beginning after it": {func(f *Form) { f.Begins = f.Ends.Add(time.Hour) }, "begins", "after_end"},
			"silence without end":  {func(f *Form) { f.QuietMonths = 1000 }, "quiet_months", "out_of_range"},
			"silence below nought": {func(f *Form) { f.QuietMonths = -1 }, "quiet_months", "out_of_range"},
			"too fast":             {func(f *Form) { f.Pace = 10_000 }, "pace", "out_of_range"},
		} {
			f := h.form(Leaves)
			c.change(&f)
			err := h.DB.Write(t.Context(), func(tx *db.Tx) error { _, err := h.Plan(tx, h.hua, f); return err })
			if bad, ok := isInvalid(err); !ok || bad.Field != c.field || bad.Code != c.code {
				t.Errorf("%s: %v", name, err)
			}
		}
		plan := h.plan(h.form(Leaves))
		item := h.items(plan.ID)[0].ID
		for name, c := range map[string]struct {
			texts []Text
			want  error
		}{
			"nobody takes over": {[]Text{{Language: "en", Body: "Good bye"}}, db.Invalid{Field: "text.en", Code: "no_colleague"}},
			"a novel":           {[]Text{{Language: "en", Body: "{colleague}" + strings.Repeat("x", maxText)}}, db.Invalid{Field: "text.en", Code: "too_long"}},
			"Klingon":           {[]Text{{Language: "tlh", Body: "{colleague}"}}, db.Invalid{Field: "language", Code: "unknown"}},
		} {
			t.Log(name)
			h.refuses(func(tx *db.Tx) error { return h.SaveTexts(tx, h.hua, plan.ID, c.texts) }, c.want)
		}
		for name, c := range map[string]struct {
			hand Hand
			want error
		}{
			"nobody":             {Hand{plan.ID, nil, h.lan.ID}, db.Invalid{Field: "customers", Code: "required"}},
			"too many":           {Hand{plan.ID, make([]string, maxHand+1), h.lan.ID}, db.Invalid{Field: "customers", Code: "too_many"}},
			"somebody else's":    {Hand{plan.ID, []string{"hoi_other"}, h.lan.ID}, db.Invalid{Field: "customers", Code: "unknown"}},
			"to another counter": {Hand{plan.ID, []string{item}, h.fang.ID}, db.Invalid{Field: "to", Code: "not_at_counter"}},
			"to her who leaves":  {Hand{plan.ID, []string{item}, h.mei.ID}, db.Invalid{Field: "to", Code: "not_at_counter"}},
			"of no handover":     {Hand{"hov_x", []string{item}, h.lan.ID}, db.ErrNotFound},
		} {
			t.Log(name)
			h.refuses(func(tx *db.Tx) error { return h.Give(tx, h.hua, c.hand) }, c.want)
		}
		h.write(func(tx *db.Tx) error {
			return h.SaveTexts(tx, h.hua, plan.ID, []Text{{Language: "zh-Hant", Body: "{colleague} 接手 {counter}"}})
		})
		h.start(plan.ID)
		h.work(plan.ID)
		h.refuses(func(tx *db.Tx) error { return h.Give(tx, h.hua, Hand{plan.ID, []string{item}, h.lan.ID}) }, fixed("customers"))
		h.refuses(func(tx *db.Tx) error { return h.Drop(tx, h.hua, plan.ID) }, fixed("handover"))
		h.refuses(func(tx *db.Tx) error { _, err := h.Change(tx, h.hua, plan.ID, h.form(Leaves)); return err }, fixed("handover"))
		i := h.items(plan.ID)[0]
		if said := h.told(i.ThreadID); len(said) != 1 || said[0].Text != i.ToName+" 接手 Rosée Xinyi" {
			t.Errorf("the manager's own words: %+v", said)
		}
	})
}

func TestPlansChange(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ann, _ := h.customer("Uann", h.mei.ID)
		bea, _ := h.customer("Ubea", h.mei.ID)
		plan := h.plan(h.form(Leaves))
		h.write(func(tx *db.Tx) error {
			return h.Give(tx, h.hua, Hand{plan.ID, []string{h.item(plan.ID, ann).ID}, h.siti.ID})
		})
		cat, _ := h.customer("Ucat", h.mei.ID)
		f := h.form(Away)
		h.write(func(tx *db.Tx) error { _, err := h.Change(tx, h.hua, plan.ID, f); return err })
		if i := h.item(plan.ID, ann); i.ToID != h.siti.ID || !i.ByHand {
			t.Errorf("by hand: %+v", i)
		}
		if b, c := h.item(plan.ID, bea), h.item(plan.ID, cat); b.ToID == "" || c.ToID == "" || h.get(plan.ID).Kind != Away {
			t.Errorf("by rule: %+v %+v", b, c)
		}
		h.read(func(tx *db.Tx) error {
			shares, err := h.Shares(tx, h.get2(tx, plan.ID))
			total := 0
			for _, s := range shares {
				total += s.Gets
			}
			if err != nil || len(shares) != 2 || total != 3 {
				t.Errorf("shares: %+v %v", shares, err)
			}
			texts, err := h.Texts(tx, h.get2(tx, plan.ID))
			if err != nil || len(texts) != 8 || !strings.Contains(texts[0].Example, "Mei") {
				t.Errorf("texts: %+v %v", texts, err)
			}
			return nil
		})
		// Put off, then brought back before her time.
		h.start(plan.ID)
		h.work(plan.ID)
		later := plan.Ends.Add(7 * 24 * time.Hour)
		h.write(func(tx *db.Tx) error { _, err := h.Reschedule(tx, h.hua, plan.ID, later); return err })
		h.clock.Advance(plan.Ends.Sub(h.DB.Now()) + time.Minute)
		h.due(plan.ID)
		if x := h.get(plan.ID); x.State != Moved || !x.Ends.Equal(later) {
			t.Errorf("put off: %+v", x)
		}
		h.write(func(tx *db.Tx) error { _, err := h.Recall(tx, h.hua, plan.ID); return err })
		h.work(plan.ID)
		h.expect("brought back", ann, h.mei.ID, h.mei.ID)

		plan = h.plan(h.form(Leaves))
		h.write(func(tx *db.Tx) error { return h.Drop(tx, h.hua, plan.ID) })
		h.refuses(func(tx *db.Tx) error { _, err := h.Get(tx, h.hua, plan.ID); return err }, db.ErrNotFound)
	})
}

// What a colleague has is shown of everybody who gets some, also of one who leaves herself.
func TestSharesOfWhoLeaves(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.customer("Uann", h.siti.ID)
		h.customer("Ubea", h.siti.ID)
		cat, _ := h.customer("Ucat", h.mei.ID)
		plan := h.plan(h.form(Leaves))
		h.write(func(tx *db.Tx) error {
			return h.Give(tx, h.hua, Hand{plan.ID, []string{h.item(plan.ID, cat).ID}, h.siti.ID})
		})
		f := h.form(Leaves)
		f.LeaverID = h.siti.ID
		h.plan(f)
		h.read(func(tx *db.Tx) error {
			shares, err := h.Shares(tx, h.get2(tx, plan.ID))
			if i := slices.IndexFunc(shares, func(s Share) bool { return s.ColleagueID == h.siti.ID }); err != nil || i < 0 || shares[i].Has != 2 || shares[i].Gets != 1 {
				t.Errorf("shares: %+v %v", shares, err)
			}
			return nil
		})
	})
}
