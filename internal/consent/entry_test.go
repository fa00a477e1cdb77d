package consent

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"dingdong/internal/audit"
	"dingdong/internal/db"
	"dingdong/internal/event"
)

func TestLedgerKnowsEveryMoment(t *testing.T) {
	eachHouse(t, func(h *house) {
		var at []time.Time
		step := func(e Entry) {
			e.Customer, e.Purpose = h.lin, Marketing
			h.record(e)
			at = append(at, h.clock.Now())
			h.clock.Advance(time.Hour)
		}
		step(Entry{State: Granted})
		step(Entry{State: Withdrawn, Account: "acc_1"})
		step(Entry{State: Withdrawn})
		step(Entry{State: Granted, Account: "acc_2"})
		step(Entry{State: Granted})
		for i, want := range []string{"granted", "granted acc_1=withdrawn", "withdrawn", "withdrawn acc_2=granted", "granted"} {
			if got := h.standing(h.lin, Marketing, at[i]); got != want {
				t.Errorf("after step %d she stands at %q, not %q", i, got, want)
			}
		}
		if got := h.standing(h.lin, Marketing, at[0].Add(-time.Microsecond)); got != "" {
			t.Errorf("before she was asked she stands at %q", got)
		}
		if got := h.standing(h.wang, Marketing, time.Time{}); got != "" {
			t.Errorf("somebody else stands at %q", got)
		}
	})
}

func TestMay(t *testing.T) {
	type said struct {
		purpose, account string
		state            State
	}
	cases := map[string]struct {
		said             []said
		purpose, account string
		want             bool
	}{
		"never asked":                       {nil, Marketing, "acc_1", false},
		"service, never asked":              {nil, Service, "acc_1", true},
		"a yes everywhere":                  {[]said{{Marketing, "", Granted}}, Marketing, "acc_1", true},
		"a yes to another purpose":          {[]said{{Profiling, "", Granted}}, Marketing, "acc_1", false},
		"a yes on one account":              {[]said{{Marketing, "acc_1", Granted}}, Marketing, "acc_1", true},
		"on another account":                {[]said{{Marketing, "acc_1", Granted}}, Marketing, "acc_2", false},
		"one account is not everywhere":     {[]said{{Marketing, "acc_1", Granted}}, Marketing, "", false},
		"a no on one account":               {[]said{{Marketing, "", Granted}, {Marketing, "acc_1", Withdrawn}}, Marketing, "acc_1", false},
		"but the others":                    {[]said{{Marketing, "", Granted}, {Marketing, "acc_1", Withdrawn}}, Marketing, "acc_2", true},
		"a no everywhere ends a single yes": {[]said{{Marketing, "acc_1", Granted}, {Marketing, "", Withdrawn}}, Marketing, "acc_1", false},
		"a single yes after it":             {[]said{{Marketing, "", Withdrawn}, {Marketing, "acc_1", Granted}}, Marketing, "acc_1", true},
	}
	eachHouse(t, func(h *house) {
		for name, c := range cases {
			who := ""
			h.write(func(tx *db.Tx) error { who = h.customer(tx, "U-"+name); return nil })
			for _, s := range c.said {
				h.record(Entry{Customer: who, Purpose: s.purpose, Account: s.account, State: s.state})
			}
			if got := h.may(who, c.purpose, c.account); got != c.want {
				t.Errorf("%s: may %v", name, got)
			}
		}
	})
}

// TestTheLastWordWinsInOneMoment: a group commit shares one time, and a clock of
// another node may be ahead.
func TestTheLastWordWinsInOneMoment(t *testing.T) {
	eachHouse(t, func(h *house) {
		h.write(func(tx *db.Tx) error {
			for _, state := range []State{Granted, Withdrawn, Granted, Withdrawn} {
				if _, err := h.Record(tx, Entry{Customer: h.lin, Purpose: Marketing, State: state, How: HowPage}); err != nil {
					return err
				}
			}
			return nil
		})
		if h.may(h.lin, Marketing, "") {
			t.Error("her last word was no")
		}
		h.clock.Advance(-time.Minute)
		h.grant(h.lin)
		if !h.may(h.lin, Marketing, "") {
			t.Error("her last word was yes, on a slower clock")
		}
	})
}

func TestRecordingTwiceChangesNothing(t *testing.T) {
	eachHouse(t, func(h *house) {
		first := h.record(Entry{Customer: h.lin, Purpose: Marketing, State: Granted})
		h.clock.Advance(time.Hour)
		if again := h.record(Entry{Customer: h.lin, Purpose: Marketing, State: Granted, How: HowChat}); again.ID != first.ID {
			t.Error("the same yes was appended twice")
		}
		past := Entry{Customer: h.lin, Purpose: Marketing, State: Withdrawn, How: HowImport, At: opening.AddDate(-1, 0, 0)}
		one := h.record(past)
		if two := h.record(past); one.ID != two.ID || one.ID == "" {
			t.Error("what was brought in twice stands there twice")
		}
		if !h.may(h.lin, Marketing, "") {
			t.Error("an old no that was brought in later undid her newer yes")
		}
		h.read(func(tx *db.Tx) error {
			all, err := h.History(tx, h.lin)
			if len(all) != 2 || all[0].State != Granted || all[1].How != HowImport {
				t.Errorf("the history is %+v", all)
			}
			return err
		})
	})
}

func TestStopAll(t *testing.T) {
	eachHouse(t, func(h *house) {
		h.grant(h.lin)
		h.record(Entry{Customer: h.lin, Purpose: Sharing, Account: "acc_2", State: Granted})
		h.write(func(tx *db.Tx) error {
			for range 2 {
				stopped, err := h.StopAll(tx, Entry{Customer: h.lin, How: HowChat, Message: "msg_1"})
				h.check(err)
				if len(stopped) != 4 {
					t.Errorf("%d purposes stopped, not all four that need a grant", len(stopped))
				}
			}
			return nil
		})
		for _, p := range []string{Marketing, Profiling, Sharing, TryOn} {
			if got := h.standing(h.lin, p, time.Time{}); got != "withdrawn" {
				t.Errorf("%s stands at %q", p, got)
			}
		}
		if !h.may(h.lin, Service, "") || h.may(h.lin, Sharing, "acc_2") {
			t.Error("service goes on, and nothing else")
		}
		h.read(func(tx *db.Tx) error {
			all, err := h.History(tx, h.lin)
			if len(all) != 6 {
				t.Errorf("%d entries, not 2 and 4", len(all))
			}
			return err
		})
	})
}

func TestEventsAndAudit(t *testing.T) {
	eachHouse(t, func(h *house) {
		h.grant(h.lin)
		h.record(Entry{Customer: h.lin, Purpose: Marketing, State: Withdrawn, How: HowStaff, Staff: h.mei.ID, Evidence: []byte("please no more")})
		h.read(func(tx *db.Tx) error {
			events, err := event.After(tx, 0, 100)
			h.check(err)
			var got []string
			for _, e := range events {
				if strings.HasPrefix(string(e.Kind), "consent.") {
					got = append(got, string(e.Kind)+" "+e.Data["purpose"]+" by "+e.By)
				}
			}
			if want := []string{"consent.granted marketing by ", "consent.withdrawn marketing by " + h.mei.ID}; !slices.Equal(got, want) {
				t.Errorf("events %q, not %q", got, want)
			}
			rows, err := tx.Query(`SELECT actor, action, customer_id, detail FROM audit WHERE customer_id = $1 ORDER BY seq`, h.lin)
			acts, err := db.Collect(rows, err, scanAct)
			if len(acts) != 2 || acts[0].Actor != "customer" || acts[1].Actor != h.mei.ID || acts[1].Action != "consent_withdrawn" {
				t.Errorf("audit %+v", acts)
			}
			return err
		})
	})
}

func scanAct(r *sql.Rows) (e audit.Entry, err error) {
	return e, r.Scan(&e.Actor, &e.Action, &e.Customer, &e.Detail)
}

func TestEvidenceIsSealed(t *testing.T) {
	eachHouse(t, func(h *house) {
		words := []byte("SecretMarker signed here")
		h.record(Entry{Customer: h.lin, Purpose: Marketing, State: Granted, How: HowTablet, Staff: h.mei.ID, Evidence: words})
		h.read(func(tx *db.Tx) error {
			var raw []byte
			h.check(tx.QueryRow(`SELECT evidence FROM consent`).Scan(&raw))
			if bytes.Contains(raw, []byte("SecretMarker")) {
				t.Error("the evidence lies in clear")
			}
			all, err := h.History(tx, h.lin)
			if len(all) != 1 || !bytes.Equal(all[0].Evidence, words) || all[0].Witness != h.mei.ID {
				t.Errorf("history %+v", all)
			}
			return err
		})
	})
}

func TestOnePersonOfTwoRecords(t *testing.T) {
	eachHouse(t, func(h *house) {
		h.grant(h.lin)
		h.clock.Advance(time.Hour)
		h.record(Entry{Customer: h.wang, Purpose: Marketing, State: Withdrawn})
		undo := h.merge(h.lin, h.wang)
		for _, who := range []string{h.lin, h.wang} {
			if h.may(who, Marketing, "") {
				t.Errorf("%s said no last, as one person", who)
			}
		}
		h.clock.Advance(time.Hour)
		h.grant(h.wang) // the record that was merged away
		if !h.may(h.lin, Marketing, "") {
			t.Error("she said yes after all")
		}
		undo()
		if !h.may(h.lin, Marketing, "") || !h.may(h.wang, Marketing, "") {
			t.Error("each keeps her own last word")
		}
		h.record(Entry{Customer: h.lin, Purpose: Marketing, State: Withdrawn})
		if !h.may(h.wang, Marketing, "") {
			t.Error("after the unmerge they are two")
		}
	})
}

func TestHostileEntries(t *testing.T) {
	good := func(h *house) Entry {
		return Entry{Customer: h.lin, Purpose: Marketing, State: Granted, How: HowPage}
	}
	cases := map[string]struct {
		change      func(e *Entry)
		field, code string
	}{
		"no such purpose":          {func(e *Entry) { e.Purpose = "spam" }, "purpose", "unknown"},
		"service":                  {func(e *Entry) { e.Purpose, e.State = Service, Withdrawn }, "purpose", "fixed"},
		"no state":                 {func(e *Entry) { e.State = "" }, "state", "unknown"},
		"another state":            {func(e *Entry) { e.State = "maybe" }, "state", "unknown"},
		"no how":                   {func(e *Entry) { e.How = "telepathy" }, "how", "unknown"},
		"a yes by a block":         {func(e *Entry) { e.How = HowBlock }, "how", "kind"},
		"a version to come":        {func(e *Entry) { e.Version = 2 }, "version", "unknown"},
		"a version below":          {func(e *Entry) { e.Version = -1 }, "version", "unknown"},
		"a tablet without a pen":   {func(e *Entry) { e.How, e.Staff = HowTablet, "stf_1" }, "evidence", "required"},
		"by staff, nobody":         {func(e *Entry) { e.How = HowStaff }, "staff", "required"},
		"a huge signature":         {func(e *Entry) { e.Evidence = make([]byte, maxEvidence+1) }, "evidence", "too_large"},
		"tomorrow":                 {func(e *Entry) { e.At = opening.Add(time.Hour) }, "at", "too_late"},
		"in another age":           {func(e *Entry) { e.At = time.Date(1200, 1, 1, 0, 0, 0, 0, time.UTC) }, "at", "too_early"},
		"a language nobody speaks": {func(e *Entry) { e.Language = "tlh" }, "language", "unknown"},
		"a long account":           {func(e *Entry) { e.Account = strings.Repeat("x", 81) }, "account", "too_long"},
		"a long message":           {func(e *Entry) { e.Message = strings.Repeat("x", 81) }, "message", "too_long"},
		"a broken text":            {func(e *Entry) { e.Purpose = "mark\x00eting\xff" }, "purpose", "unknown"},
	}
	eachHouse(t, func(h *house) {
		for name, c := range cases {
			e := good(h)
			c.change(&e)
			err := h.try(func(tx *db.Tx) error { _, err := h.Record(tx, e); return err })
			if !invalid(err, c.field, c.code) {
				t.Errorf("%s: says %v", name, err)
			}
		}
		e := good(h)
		e.Customer = "cus_nobody"
		if err := h.try(func(tx *db.Tx) error { _, err := h.Record(tx, e); return err }); err == nil {
			t.Error("nobody agreed to something")
		}
	})
}

func TestEraseAndExport(t *testing.T) {
	eachHouse(t, func(h *house) {
		h.grant(h.lin)
		h.grant(h.wang)
		h.ask(Ask{Message: "msg_1"})
		h.write(func(tx *db.Tx) error { return h.Pause(tx, h.mei, h.lin, time.Time{}, "a broken pump") })
		h.write(func(tx *db.Tx) error {
			out, err := h.Export(tx, []string{h.lin})
			h.check(err)
			if len(out.Paused) != 1 || out.Paused[0].Reason != "a broken pump" || !out.Paused[0].Until.After(tx.Now) {
				t.Errorf("why she is in peace: %+v", out.Paused)
			}
			if len(out.Consents) != 1 || len(out.Contacts) != 1 || out.Consents[0].Text.Body == "" {
				t.Errorf("her copy is %+v", out)
			}
			return h.Erase(tx, []string{h.lin})
		})
		h.read(func(tx *db.Tx) error {
			for _, table := range []string{"consent", "contact_budget", "contact_place"} {
				var n int
				h.check(tx.QueryRow(`SELECT COUNT(*) FROM ` + table + ` WHERE customer_id = '` + h.lin + `'`).Scan(&n))
				if n > 0 {
					t.Errorf("%d rows are left in %s", n, table)
				}
			}
			return nil
		})
		if !h.may(h.wang, Marketing, "") {
			t.Error("somebody else was erased")
		}
	})
}

// Another system that says every night what it knows does not undo a no that she said here.
func TestUndatedYesUndoesNoNo(t *testing.T) {
	eachHouse(t, func(h *house) {
		yes := Entry{Customer: h.lin, Purpose: Marketing, State: Granted, How: HowImport}
		h.record(yes)
		h.clock.Advance(time.Hour)
		h.record(Entry{Customer: h.lin, Purpose: Marketing, State: Withdrawn, How: HowChat})
		h.clock.Advance(time.Hour)
		err := h.db.Write(context.Background(), func(tx *db.Tx) error { _, err := h.Record(tx, yes); return err })
		if want := (db.Invalid{Field: "at", Code: "required"}); !errors.Is(err, want) {
			t.Errorf("an undated yes: %v", err)
		}
		may := func(want bool) {
			t.Helper()
			h.read(func(tx *db.Tx) error {
				if got, err := h.May(tx, h.lin, Marketing, "acc_1"); err != nil || got != want {
					t.Errorf("may be written to: %v %v", got, err)
				}
				return nil
			})
		}
		may(false)
		yes.At = h.clock.Now().Add(-time.Minute) // said elsewhere, after her no
		h.record(yes)
		may(true)
	})
}
