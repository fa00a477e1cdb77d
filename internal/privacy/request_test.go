package privacy

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"dingdong/internal/db"
	"dingdong/internal/staff"
)

func TestRequestsHaveAClock(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		lin, wang := h.hears("Ulin", "hello", nil), h.hears("Uwang", "hello", nil)
		var erase, export, correct Request
		h.write(func(tx *db.Tx) (err error) {
			if erase, err = h.RequestErasure(tx, lin, FromPage); err != nil {
				return err
			}
			if export, err = h.RequestExport(tx, wang, FromChat); err != nil {
				return err
			}
			correct, err = h.AskFor(tx, h.officer, Asking{PersonID: lin, Kind: AskCorrect, Origin: FromOfficer, Note: "Her name is Lin Yi-chun."})
			return err
		})
		if got := erase.Due.Sub(erase.At); got != 30*24*time.Hour {
			t.Errorf("an erasure is due after %v", got)
		}
		if got := export.Due.Sub(export.At); got != 15*24*time.Hour {
			t.Errorf("an export is due after %v", got)
		}
		h.write(func(tx *db.Tx) error { // asking again is the same request
			again, err := h.RequestErasure(tx, lin, FromChat)
			if err == nil && (again.ID != erase.ID || again.Origin != FromPage) {
				t.Errorf("asked again: %+v", again)
			}
			return err
		})
		h.clock.Advance(16 * 24 * time.Hour)
		h.read(func(tx *db.Tx) error {
			list, err := h.Requests(tx, h.officer, RequestFilter{})
			check(t, err)
			if len(list) != 3 || list[0].ID != export.ID || !list[0].Overdue(tx.Now) || list[1].Overdue(tx.Now) {
				t.Errorf("what is overdue is not first: %+v", list)
			}
			if list[2].Name != "Lin" || list[2].Note != "Her name is Lin Yi-chun." {
				t.Errorf("the request says %+v", list[2])
			}
			n, err := OverdueCount(tx)
			if n != 1 {
				t.Errorf("%d overdue", n)
			}
			return err
		})
		h.write(func(tx *db.Tx) error {
			if err := h.Extend(tx, h.officer, Working{ID: export.ID, Note: "the archive of the year before"}); err != nil {
				return err
			}
			if err := h.Extend(tx, h.officer, Working{ID: export.ID, Note: "again"}); !errors.As(err, new(db.Invalid)) {
				t.Errorf("extended twice: %v", err)
			}
			for _, nothing := range []string{"", " \n", "\x00"} {
				var bad db.Invalid
				if err := h.Refuse(tx, h.officer, Working{ID: correct.ID, Note: nothing}); !errors.As(err, &bad) || bad.Field != "note" {
					t.Errorf("refused for %q: %v", nothing, err)
				}
			}
			if err := h.Finish(tx, h.officer, Working{ID: erase.ID}); !errors.As(err, new(db.Invalid)) {
				t.Errorf("an erasure is done though she is there: %v", err)
			}
			return h.Finish(tx, h.officer, Working{ID: correct.ID, Note: "done"})
		})
		h.write(func(tx *db.Tx) error {
			_, err := h.EraseFor(tx, h.officer, lin, erase.ID)
			return err
		})
		h.read(func(tx *db.Tx) error {
			q, steps, err := h.Request(tx, h.officer, erase.ID)
			if q.State != RequestDone || !q.Erased || q.Name != "" || len(steps) != 2 || steps[1].ByName != "Olga" {
				t.Errorf("after the erasure: %+v %+v", q, steps)
			}
			q, _, _ = h.Request(tx, h.officer, correct.ID)
			if q.Note != "" {
				t.Errorf("her words are still there: %q", q.Note)
			}
			return err
		})
	})
}

func TestRequestsThatAreRefused(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		lin := h.hears("Ulin", "hello", nil)
		for name, c := range map[string]struct {
			v     staff.Viewer
			a     Asking
			field string
			want  error
		}{
			"an advisor":            {h.mei, Asking{PersonID: lin, Kind: AskErase, Origin: FromOfficer}, "", staff.ErrForbidden},
			"a program without":     {staff.Machine("x", staff.CustomersWrite), Asking{PersonID: lin, Kind: AskErase, Origin: FromAPI}, "", staff.ErrForbidden},
			"nobody":                {h.officer, Asking{PersonID: "cus_x", Kind: AskErase, Origin: FromOfficer}, "", db.ErrNotFound},
			"another kind":          {h.officer, Asking{PersonID: lin, Kind: "sell", Origin: FromOfficer}, "kind", nil},
			"another origin":        {h.officer, Asking{PersonID: lin, Kind: AskErase, Origin: "moon"}, "origin", nil},
			"nothing to correct":    {h.officer, Asking{PersonID: lin, Kind: AskCorrect, Origin: FromOfficer, Note: " \n"}, "note", nil},
			"more than can be read": {h.officer, Asking{PersonID: lin, Kind: AskCorrect, Origin: FromOfficer, Note: strings.Repeat("字", 2001)}, "note", nil},
		} {
			err := h.DB.Write(context.Background(), func(tx *db.Tx) error { _, err := h.AskFor(tx, c.v, c.a); return err })
			var bad db.Invalid
			if c.want != nil && !errors.Is(err, c.want) || c.field != "" && (!errors.As(err, &bad) || bad.Field != c.field) {
				t.Errorf("%s: %v", name, err)
			}
		}
		for name, err := range map[string]error{
			"erase": h.DB.Write(context.Background(), func(tx *db.Tx) error { _, err := h.EraseFor(tx, h.mei, lin, ""); return err }),
			"file":  h.DB.Write(context.Background(), func(tx *db.Tx) error { _, err := h.ExportFor(tx, h.mei, Exporting{PersonID: lin}); return err }),
			"list":  h.DB.Read(context.Background(), func(tx *db.Tx) error { _, err := h.Requests(tx, h.mei, RequestFilter{}); return err }),
			"rules": h.DB.Write(context.Background(), func(tx *db.Tx) error { return SaveRules(tx, h.mei, DefaultRules()) }),
		} {
			if !errors.Is(err, staff.ErrForbidden) {
				t.Errorf("an advisor's %s: %v", name, err)
			}
		}
	})
}

func TestRulesThatAreRefused(t *testing.T) {
	check(t, DefaultRules().check())
	for name, c := range map[string]struct {
		field  string
		change func(*Rules)
	}{
		"no time at all":      {"export_days", func(r *Rules) { r.ExportDays = 0 }},
		"a year to erase":     {"erase_days", func(r *Rules) { r.EraseDays = 365 }},
		"a file for ever":     {"file_days", func(r *Rules) { r.FileDays = 99 }},
		"messages of a day":   {"messages", func(r *Rules) { r.Keep[KeepMessages] = 1 }},
		"events of two lives": {"events", func(r *Rules) { r.Keep[KeepEvents] = 99_999 }},
		"silent for a month":  {"silent_months", func(r *Rules) { r.SilentMonths = 1 }},
		"no time to answer":   {"answer_weeks", func(r *Rules) { r.AnswerWeeks = 0 }},
		"a kind of its own":   {"keep", func(r *Rules) { r.Keep["gossip"] = 30 }},
	} {
		rules := DefaultRules()
		c.change(&rules)
		var bad db.Invalid
		if err := rules.check(); !errors.As(err, &bad) || bad.Field != c.field {
			t.Errorf("%s: %v", name, err)
		}
	}
}
