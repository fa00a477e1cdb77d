package consent

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"dingdong/internal/db"
	"dingdong/internal/staff"
)

func (h *house) purpose(name string) (p Purpose) {
	h.t.Helper()
	h.read(func(tx *db.Tx) (err error) {
		p, err = h.Purpose(tx, name)
		return err
	})
	return p
}

func TestShippedTexts(t *testing.T) {
	eachHouse(t, func(h *house) {
		h.write(h.EnsureShipped) // a second start adds nothing
		h.read(func(tx *db.Tx) error {
			all, err := h.Purposes(tx)
			if len(all) != 5 {
				t.Errorf("%d purposes", len(all))
			}
			seen := map[string]string{}
			for i, p := range all {
				if p.Name != shippedNames()[i] || p.NeedsGrant != (p.Name != Service) || p.Version != 1 || len(p.Texts) != len(Languages()) {
					t.Errorf("%+v", p)
				}
				for language, text := range p.Texts {
					where := p.Name + " in " + language
					if text.Title == "" || utf8.RuneCountInString(text.Title) > maxTitle || utf8.RuneCountInString(text.Body) < 100 ||
						strings.Count(text.Body, "\n\n") != 2 {
						t.Errorf("the text of %s has not three paragraphs under a title", where)
					}
					if seen[text.Body] != "" {
						t.Errorf("%s and %s are the same", where, seen[text.Body])
					}
					seen[text.Body] = where
				}
			}
			return err
		})
	})
}

func TestTextOf(t *testing.T) {
	eachHouse(t, func(h *house) {
		h.read(func(tx *db.Tx) error {
			for ask, want := range map[string]string{"zh-TW": "新品與優惠通知", "zh-Hant": "新品與優惠通知", "zh_HK": "新品與優惠通知", "zh-Hans-CN": "新品与优惠通知",
				"en-GB": "News and offers", "in": "Kabar dan penawaran", "tlh": "News and offers", "": "News and offers"} {
				got, err := h.TextOf(tx, Marketing, ask, 0)
				if err != nil || got.Title != want {
					t.Errorf("%q reads %q, not %q (%v)", ask, got.Title, want, err)
				}
			}
			if _, err := h.TextOf(tx, Marketing, "en", 2); !errors.Is(err, db.ErrNotFound) {
				t.Errorf("a version to come: %v", err)
			}
			_, err := h.TextOf(tx, "spam", "en", 1)
			if !errors.Is(err, db.ErrNotFound) {
				t.Errorf("no such purpose: %v", err)
			}
			return nil
		})
	})
}

func TestANewVersionAsksAnew(t *testing.T) {
	eachHouse(t, func(h *house) {
		h.grant(h.lin)
		before := h.clock.Now()
		save := func(f PurposeForm) (p Purpose) {
			h.clock.Advance(time.Hour)
			h.write(func(tx *db.Tx) (err error) {
				p, err = h.SavePurpose(tx, h.olga, f)
				return err
			})
			return p
		}
		old := h.purpose(Marketing)
		if same := save(PurposeForm{Name: Marketing, Position: old.Position, Texts: old.Texts}); same.Version != 1 {
			t.Error("the same text is no new version")
		}
		texts := maps.Clone(old.Texts)
		texts["en"] = Text{"News", "Shorter words that mean the same."}
		if p := save(PurposeForm{Name: Marketing, Position: old.Position, Texts: texts, Note: "shorter"}); p.Version != 2 || !h.may(h.lin, Marketing, "") {
			t.Errorf("other words for the same: %+v", p)
		}
		texts["en"] = Text{"News by post too", "We would also send letters."}
		p := save(PurposeForm{Name: Marketing, Position: old.Position, Texts: texts, Note: "letters", Anew: true, Version: 2})
		if p.Version != 3 || p.FromVersion != 3 || h.may(h.lin, Marketing, "") || h.standing(h.lin, Marketing, time.Time{}) != "granted/outdated" {
			t.Errorf("everybody is asked anew: %+v", p)
		}
		if got := h.standing(h.lin, Marketing, before); got != "granted" {
			t.Errorf("at the time she stood at %q", got)
		}
		h.grant(h.wang)
		h.read(func(tx *db.Tx) error {
			text, err := h.TextOf(tx, Marketing, "en", 1)
			if text != old.Texts["en"] {
				t.Errorf("the text she agreed to is gone: %+v", text)
			}
			versions, err2 := h.Versions(tx, h.hua, Marketing)
			got := ""
			for _, v := range versions {
				got += fmt.Sprintf("%d by %s: %d, ", v.Version, v.ByName, v.Agreed)
			}
			if got != "3 by Olga: 1, 2 by Olga: 0, 1 by : 1, " {
				t.Errorf("versions %s", got)
			}
			return errors.Join(err, err2)
		})
		err := h.try(func(tx *db.Tx) error {
			_, err := h.SavePurpose(tx, h.olga, PurposeForm{Name: Marketing, Texts: old.Texts, Version: 2})
			return err
		})
		if !errors.Is(err, db.ErrConflict) {
			t.Errorf("an edit of an old version: %v", err)
		}
		closed := save(PurposeForm{Name: Marketing, Texts: texts, Closed: true})
		if closed.ClosedAt.IsZero() || h.may(h.wang, Marketing, "") {
			t.Error("a closed purpose is used")
		}
		own := save(PurposeForm{Name: "letters", New: true, Position: 60, Texts: map[string]Text{"en": {"Letters", "May we write letters?"}}})
		if !own.NeedsGrant || h.may(h.lin, "letters", "") {
			t.Error("a purpose of the group needs a grant")
		}
		if text, language := own.In("th"); text.Title != "Letters" || language != "en" {
			t.Errorf("the nearest text is %q in %q", text.Title, language)
		}
	})
}

func TestHostilePurposes(t *testing.T) {
	good := map[string]Text{"en": {"A", "B"}}
	cases := map[string]struct {
		form        PurposeForm
		field, code string
	}{
		"no name":             {PurposeForm{New: true, Texts: good}, "name", "name_form"},
		"a name with a slash": {PurposeForm{Name: "a/b", New: true, Texts: good}, "name", "name_form"},
		"a long name":         {PurposeForm{Name: strings.Repeat("a", 41), New: true, Texts: good}, "name", "name_form"},
		"a name that is used": {PurposeForm{Name: Marketing, New: true, Texts: good}, "name", "name_taken"},
		"no text":             {PurposeForm{Name: "a", New: true}, "texts", "required"},
		"half a text":         {PurposeForm{Name: "a", New: true, Texts: map[string]Text{"en": {"A", ""}}}, "text_body.en", "required"},
		"a nameless text":     {PurposeForm{Name: "a", New: true, Texts: map[string]Text{"en": {"", "B"}}}, "text_title.en", "required"},
		"a book":              {PurposeForm{Name: "a", New: true, Texts: map[string]Text{"en": {"A", strings.Repeat("字", maxBody+1)}}}, "text_body.en", "too_long"},
		"Klingon":             {PurposeForm{Name: "a", New: true, Texts: map[string]Text{"tlh": {"A", "B"}}}, "texts", "unknown"},
		"a far position":      {PurposeForm{Name: "a", New: true, Texts: good, Position: -1}, "position", "range"},
		"closing service":     {PurposeForm{Name: Service, Texts: good, Closed: true}, "name", "fixed"},
	}
	eachHouse(t, func(h *house) {
		for name, c := range cases {
			err := h.try(func(tx *db.Tx) error { _, err := h.SavePurpose(tx, h.olga, c.form); return err })
			if !invalid(err, c.field, c.code) {
				t.Errorf("%s: says %v", name, err)
			}
		}
		for _, v := range []staff.Viewer{h.mei, h.hua, {}} {
			if err := h.try(func(tx *db.Tx) error {
				_, err := h.SavePurpose(tx, v, PurposeForm{Name: Marketing, Texts: good})
				return err
			}); !errors.Is(err, staff.ErrForbidden) {
				t.Errorf("%s may: %v", v.Name, err)
			}
		}
	})
}

func TestRulesAreKept(t *testing.T) {
	eachHouse(t, func(h *house) {
		rules := DefaultRules()
		rules.Phases = []Phase{{"always", 0, 1, 7}}
		rules.Holidays = append(rules.Holidays, Holiday{"2026-11-24", "inventory"})
		if err := h.try(func(tx *db.Tx) error { return h.SaveRules(tx, h.hua, rules) }); !errors.Is(err, staff.ErrForbidden) {
			t.Errorf("a manager reads them only: %v", err)
		}
		h.write(func(tx *db.Tx) error { return h.SaveRules(tx, h.olga, rules) })
		h.grant(h.lin)
		h.ask(Ask{Message: "msg_1"})
		if a := h.ask(Ask{Message: "msg_2"}); !a.At.Equal(opening.Add(7 * day)) {
			t.Errorf("one a week: %+v", a)
		}
		if a := h.ask(Ask{Message: "msg_3", NotBefore: opening.Add(23 * time.Hour), Priority: 9}); a.At.Before(at("2026-11-25 09:00")) {
			t.Errorf("on the day of the inventory: %+v", a)
		}
		h.read(func(tx *db.Tx) error {
			got, err := h.Rules(tx)
			if len(got.Phases) != 1 || got.Holidays[len(got.Holidays)-1].Date != "2027-12-25" {
				t.Errorf("rules %+v", got)
			}
			return err
		})
		bad := rules.Clone()
		bad.PurposeCaps["spam"] = Cap{1, 1}
		if err := h.try(func(tx *db.Tx) error { return h.SaveRules(tx, h.olga, bad) }); !invalid(err, "cap_spam", "unknown") {
			t.Errorf("a cap of nothing: %v", err)
		}
	})
}

func TestRulesThatCannotBe(t *testing.T) {
	for name, c := range map[string]struct {
		change      func(r *Rules)
		field, code string
	}{
		"no phase":             {func(r *Rules) { r.Phases = nil }, "phases", "required"},
		"many phases":          {func(r *Rules) { r.Phases = make([]Phase, 9) }, "phases", "too_many"},
		"a nameless phase":     {func(r *Rules) { r.Phases[1].Name = "" }, "phase_name.1", "required"},
		"no first day":         {func(r *Rules) { r.Phases[0].FromDay = 1 }, "phase_from.0", "range"},
		"phases out of order":  {func(r *Rules) { r.Phases[1].FromDay = 0 }, "phase_from.1", "range"},
		"fewer than none":      {func(r *Rules) { r.Phases[0].Messages = -1 }, "phase_messages.0", "range"},
		"a thousand":           {func(r *Rules) { r.Phases[0].Messages = 1000 }, "phase_messages.0", "range"},
		"in no days":           {func(r *Rules) { r.Phases[0].Days = 0 }, "phase_days.0", "range"},
		"half past":            {func(r *Rules) { r.Quiet.From = "9 pm" }, "quiet_from", "malformed"},
		"25 o'clock":           {func(r *Rules) { r.Quiet.To = "25:00" }, "quiet_to", "malformed"},
		"a negative gap":       {func(r *Rules) { r.MinGapHours = -1 }, "min_gap_hours", "range"},
		"an endless answer":    {func(r *Rules) { r.AnswerHours = 10_000 }, "answer_hours", "range"},
		"no pause":             {func(r *Rules) { r.ComplaintDays = 0 }, "complaint_days", "range"},
		"years of waiting":     {func(r *Rules) { r.UnansweredDays = 1000 }, "unanswered_days", "range"},
		"the 30th of February": {func(r *Rules) { r.Holidays = []Holiday{{"2027-02-30", ""}} }, "holidays", "date"},
		"a day twice":          {func(r *Rules) { r.Holidays = append(r.Holidays, r.Holidays[0]) }, "holidays", "twice"},
		"a cap below":          {func(r *Rules) { r.PurposeCaps[Marketing] = Cap{-1, 30} }, "cap_marketing", "range"},
		"a cap of no time":     {func(r *Rules) { r.PurposeCaps[Marketing] = Cap{1, 0} }, "cap_marketing", "range"},
	} {
		t.Run(name, func(t *testing.T) {
			r := DefaultRules()
			c.change(&r)
			if err := r.Check(); !invalid(err, c.field, c.code) {
				t.Errorf("says %v", err)
			}
		})
	}
}
