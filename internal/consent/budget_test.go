package consent

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"dingdong/internal/db"
	"dingdong/internal/staff"
)

func TestCheckNeedsConsent(t *testing.T) {
	eachHouse(t, func(h *house) {
		if a := h.ask(Ask{Message: "msg_1"}); a.Refused != NoConsent {
			t.Errorf("never asked: %+v", a)
		}
		if a := h.ask(Ask{Message: "msg_2", Staff: true}); a.Refused != NoConsent {
			t.Errorf("an advisor needs a grant for marketing too: %+v", a)
		}
		if a := h.ask(Ask{Message: "msg_3", Staff: true, Purpose: Service}); a.Refused != "" || a.At.After(h.clock.Now()) {
			t.Errorf("an advisor may always help: %+v", a)
		}
		h.grant(h.lin)
		h.record(Entry{Customer: h.lin, Purpose: Marketing, Account: "acc_2", State: Withdrawn})
		if a := h.ask(Ask{Message: "msg_4", Account: "acc_2"}); a.Refused != Stopped {
			t.Errorf("stopped on this account: %+v", a)
		}
	})
}

func TestAnswersAreFree(t *testing.T) {
	eachHouse(t, func(h *house) {
		h.clock.Advance(12 * time.Hour) // the middle of the night
		for range 5 {
			if a := h.ask(Ask{Message: "msg_1", Purpose: Service, Answers: true}); a.Refused != "" || !a.At.Equal(h.clock.Now()) || len(a.Warnings) > 0 {
				t.Errorf("an answer: %+v", a)
			}
		}
		h.read(func(tx *db.Tx) error {
			use, err := h.Used(tx, h.lin, "")
			if use.Messages != 0 {
				t.Errorf("%d places taken by answers", use.Messages)
			}
			return err
		})
		if a := h.ask(Ask{Message: "msg_2", Answers: true}); a.Refused != NoConsent {
			t.Errorf("an advert that calls itself an answer: %+v", a)
		}
		// An automation that calls itself service without a question of hers.
		if a := h.ask(Ask{Message: "msg_3", Purpose: Service}); !a.At.After(h.clock.Now()) || !slices.Contains(a.Why, WhyQuiet) {
			t.Errorf("service without a question at night: %+v", a)
		}
	})
}

func TestBudgetOfAFirstWeekAndAfter(t *testing.T) {
	eachHouse(t, func(h *house) {
		h.grant(h.lin)
		var times []string
		for _, m := range []string{"msg_1", "msg_2", "msg_3", "msg_4", "msg_5", "msg_6"} {
			a := h.ask(Ask{Message: m})
			times = append(times, a.At.In(taipei).Format("01-02 15:04"))
		}
		want := []string{"11-23 14:00", "11-24 10:00", "11-25 09:00",
			// The first week is full; the next phase counts anew, under the cap of marketing.
			"11-30 09:00", "12-23 14:00", "12-30 09:00"}
		if !slices.Equal(times, want) {
			t.Errorf("places at %q, not %q", times, want)
		}
		h.read(func(tx *db.Tx) error {
			use, err := h.Used(tx, h.lin, "Asia/Taipei")
			if use.Phase != PhaseFirstWeek || use.Messages != 1 || use.Of != 3 || len(use.Planned) != 5 || !use.Next.After(opening) {
				t.Errorf("used %+v", use)
			}
			return err
		})
	})
}

func TestMoreValuableTakesThePlace(t *testing.T) {
	eachHouse(t, func(h *house) {
		h.grant(h.lin)
		h.ask(Ask{Message: "msg_1"})
		small := h.ask(Ask{Message: "msg_small", Priority: 2, Expires: opening.Add(30 * time.Hour)})
		later := h.ask(Ask{Message: "msg_later", Priority: 2})
		if small.Refused != "" || later.Refused != "" {
			t.Fatalf("%+v %+v", small, later)
		}
		big := h.ask(Ask{Message: "msg_big", Priority: 5})
		if !big.At.Equal(small.At) {
			t.Errorf("the big one goes at %s, not in place of the small one at %s", big.At, small.At)
		}
		if len(big.Moved) != 1 || big.Moved[0].Message != "msg_small" || !big.Moved[0].At.IsZero() || big.Moved[0].Reason != Outbid {
			t.Errorf("moved %+v", big.Moved)
		}
		if a := h.recheck("msg_small"); a.Refused != Outbid {
			t.Errorf("the small one: %+v", a)
		}
		bigger := h.ask(Ask{Message: "msg_bigger", Priority: 99})
		if !bigger.At.Equal(big.At) || len(bigger.Moved) != 2 || bigger.Moved[0].At.IsZero() || bigger.Moved[0].Reason == "" {
			t.Errorf("moved %+v", bigger.Moved)
		}
		if a := h.ask(Ask{Message: "msg_tiny", Priority: 0, Expires: opening.Add(50 * time.Hour)}); a.Refused != Outbid {
			t.Errorf("a tiny one: %+v", a)
		}
	})
}

func TestStaffAreWarnedAndCount(t *testing.T) {
	eachHouse(t, func(h *house) {
		h.grant(h.lin)
		planned := h.ask(Ask{Message: "msg_auto", NotBefore: opening.Add(2 * time.Hour)})
		first := h.ask(Ask{Message: "msg_1", Staff: true})
		if first.Refused != "" || len(first.Moved) != 1 || !first.Moved[0].At.After(planned.At) || first.Moved[0].Reason == "" {
			t.Errorf("the planned one makes room: %+v", first)
		}
		if !slices.Equal(first.Warnings, []string{}) && len(first.Warnings) > 0 {
			t.Errorf("warned of %q", first.Warnings)
		}
		h.clock.Advance(time.Minute)
		if a := h.ask(Ask{Message: "msg_2", Staff: true, Kind: "x"}); len(a.Warnings) > 0 {
			t.Errorf("the second bubble of one letter warns of %q", a.Warnings)
		}
		h.clock.Advance(8 * time.Hour) // 22:01
		h.write(func(tx *db.Tx) error { return h.Pause(tx, h.mei, h.lin, time.Time{}, "a broken pump") })
		a := h.ask(Ask{Message: "msg_3", Staff: true, Kind: "x"})
		if want := []string{WhyQuiet, WhyPaused, WhyBudget}; !slices.Equal(a.Warnings, want) || a.At.After(h.clock.Now()) {
			t.Errorf("warned of %q, not %q", a.Warnings, want)
		}
		h.read(func(tx *db.Tx) error {
			use, err := h.Used(tx, h.lin, "")
			if use.Messages != 2 || use.PauseReason != "a broken pump" || use.PausedBy != h.mei.ID {
				t.Errorf("used %+v", use)
			}
			sent, err2 := h.Sent(tx, h.lin, opening.AddDate(0, 0, -7))
			if len(sent) != 3 {
				t.Errorf("%d messages in the seven days", len(sent))
			}
			return errors.Join(err, err2)
		})
	})
}

func TestRecheck(t *testing.T) {
	eachHouse(t, func(h *house) {
		h.grant(h.lin)
		a := h.ask(Ask{Message: "msg_1", NotBefore: opening.Add(time.Hour)})
		b := h.ask(Ask{Message: "msg_2", NotBefore: opening.Add(2 * time.Hour)})
		if early := h.recheck("msg_1"); !early.At.Equal(a.At) {
			t.Errorf("rechecked too early: %+v", early)
		}
		h.clock.Advance(time.Hour + time.Minute)
		if due := h.recheck("msg_1"); due.Refused != "" || !due.At.Equal(h.clock.Now()) {
			t.Errorf("due: %+v", due)
		}
		if again := h.recheck("msg_1"); again.Refused != "" || again.At.After(h.clock.Now()) {
			t.Errorf("a retry: %+v", again)
		}
		h.record(Entry{Customer: h.lin, Purpose: Marketing, State: Withdrawn})
		h.clock.Advance(b.At.Sub(h.clock.Now()) + time.Minute)
		if stopped := h.recheck("msg_2"); stopped.Refused != Stopped {
			t.Errorf("stopped meanwhile: %+v", stopped)
		}
		if again := h.recheck("msg_2"); again.Refused != Stopped {
			t.Errorf("and again: %+v", again)
		}
		if err := h.try(func(tx *db.Tx) error { _, err := h.Recheck(tx, "msg_none"); return err }); !errors.Is(err, db.ErrNotFound) {
			t.Errorf("an unknown message: %v", err)
		}
	})
}

func TestRecheckAfterALongNight(t *testing.T) {
	eachHouse(t, func(h *house) {
		h.grant(h.lin)
		h.ask(Ask{Message: "msg_1", NotBefore: opening.Add(6 * time.Hour)})
		h.ask(Ask{Message: "msg_2", NotBefore: opening.Add(6 * time.Hour), Expires: opening.Add(6*time.Hour + 30*time.Hour)})
		h.clock.Advance(8 * time.Hour) // the workers were down: 22:00
		a := h.recheck("msg_1")
		if got := a.At.In(taipei).Format("01-02 15:04"); a.Refused != "" || got == "11-23 20:00" || !a.At.After(h.clock.Now()) {
			t.Errorf("moved to %s: %+v", got, a)
		}
		h.clock.Advance(72 * time.Hour)
		if a := h.recheck("msg_2"); a.Refused != Expired {
			t.Errorf("expired meanwhile: %+v", a)
		}
	})
}

func TestHeardAnswersAKind(t *testing.T) {
	eachHouse(t, func(h *house) {
		h.grant(h.lin)
		h.clock.Advance(8 * day)
		h.ask(Ask{Message: "msg_1", Kind: "replenish"})
		h.clock.Advance(2 * day)
		if a := h.ask(Ask{Message: "msg_2", Kind: "replenish", Expires: h.clock.Now().Add(day)}); a.Refused != NoPlace {
			t.Errorf("unanswered: %+v", a)
		}
		h.write(func(tx *db.Tx) error { return h.Heard(tx, h.lin, h.clock.Now()) })
		h.write(func(tx *db.Tx) error { return h.Heard(tx, h.lin, h.clock.Now().Add(-20*day)) })
		if a := h.ask(Ask{Message: "msg_2", Kind: "replenish", Expires: h.clock.Now().Add(day)}); a.Refused != "" {
			t.Errorf("she wrote: %+v", a)
		}
	})
}

func TestFreeAndDrop(t *testing.T) {
	eachHouse(t, func(h *house) {
		h.grant(h.lin)
		h.record(Entry{Customer: h.lin, Purpose: Sharing, State: Granted})
		h.ask(Ask{Message: "msg_1"})
		second := h.ask(Ask{Message: "msg_2"})
		h.write(func(tx *db.Tx) error {
			return errors.Join(h.Free(tx, "msg_2"), h.Free(tx, "msg_2"), h.Free(tx, "msg_none"))
		})
		third := h.ask(Ask{Message: "msg_3"})
		if !third.At.Equal(second.At) {
			t.Errorf("the freed place was not given again: %s, not %s", third.At, second.At)
		}
		h.clock.Advance(time.Second)
		if again := h.ask(Ask{Message: "msg_2"}); !again.At.After(third.At) {
			t.Errorf("a freed message that is asked for again stands in line: %+v", again)
		}
		h.ask(Ask{Message: "msg_4", Purpose: Sharing})
		h.record(Entry{Customer: h.lin, Purpose: Marketing, State: Withdrawn})
		h.write(func(tx *db.Tx) error {
			gone, err := h.Drop(tx, h.lin, "")
			slices.Sort(gone)
			if !slices.Equal(gone, []string{"msg_2", "msg_3"}) {
				t.Errorf("a withdrawal of marketing kills %q", gone)
			}
			return err
		})
		if a := h.recheck("msg_3"); a.Refused != Stopped {
			t.Errorf("killed: %+v", a)
		}
	})
}

func TestPause(t *testing.T) {
	eachHouse(t, func(h *house) {
		h.grant(h.lin)
		h.grant(h.wang)
		h.write(func(tx *db.Tx) error { return h.Pause(tx, h.mei, h.wang, time.Time{}, "") })
		undo := h.merge(h.lin, h.wang)
		if a := h.ask(Ask{Message: "msg_1"}); a.At.Before(opening.Add(14 * day)) {
			t.Errorf("the pause of one record holds for the person: %+v", a)
		}
		h.write(func(tx *db.Tx) error { return h.Pause(tx, h.olga, h.lin, h.clock.Now(), "") })
		if a := h.ask(Ask{Message: "msg_2"}); len(a.Moved) != 1 || !a.Moved[0].At.Equal(opening) {
			t.Errorf("the pause has ended, and what waited for that may go: %+v", a)
		}
		undo()
		for name, err := range map[string]error{
			"forbidden": h.try(func(tx *db.Tx) error {
				return h.Pause(tx, staff.Viewer{ID: "x", Role: staff.Marketing}, h.lin, time.Time{}, "")
			}),
			"invalid until: too_far": h.try(func(tx *db.Tx) error { return h.Pause(tx, h.mei, h.lin, h.clock.Now().AddDate(5, 0, 0), "") }),
			"invalid reason: too_long": h.try(func(tx *db.Tx) error {
				return h.Pause(tx, h.mei, h.lin, time.Time{}, strings.Repeat("x", maxReason+1))
			}),
		} {
			if err == nil || name != "forbidden" && err.Error() != name || name == "forbidden" && !errors.Is(err, staff.ErrForbidden) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func TestMergedRecordsShareABudget(t *testing.T) {
	eachHouse(t, func(h *house) {
		h.clock.Advance(30 * day) // both relations are old
		h.grant(h.lin)
		h.grant(h.wang)
		h.ask(Ask{Message: "msg_1", Customer: h.lin})
		h.ask(Ask{Message: "msg_2", Customer: h.wang})
		undo := h.merge(h.lin, h.wang)
		h.clock.Advance(2 * day)
		if a := h.ask(Ask{Message: "msg_3", Customer: h.wang, Expires: h.clock.Now().Add(day)}); a.Refused != NoPlace {
			t.Errorf("the two of this month are used: %+v", a)
		}
		undo()
		if a := h.ask(Ask{Message: "msg_4", Customer: h.wang, Expires: h.clock.Now().Add(day)}); a.Refused != "" {
			t.Errorf("apart again, she has one left: %+v", a)
		}
	})
}

func TestRetryIsIdempotent(t *testing.T) {
	eachHouse(t, func(h *house) {
		h.grant(h.lin)
		first := h.ask(Ask{Message: "msg_1"})
		later := h.ask(Ask{Message: "msg_2"})
		h.clock.Advance(time.Minute)
		for range 3 {
			if a := h.ask(Ask{Message: "msg_1"}); !a.At.Equal(first.At) || len(a.Moved) > 0 {
				t.Errorf("a retry: %+v", a)
			}
			if a := h.ask(Ask{Message: "msg_2"}); !a.At.Equal(later.At) {
				t.Errorf("a retry of a planned one: %+v", a)
			}
		}
		err := h.try(func(tx *db.Tx) error {
			_, err := h.Check(tx, Ask{Customer: h.wang, Message: "msg_1", Purpose: Service})
			return err
		})
		if !invalid(err, "message", "taken") {
			t.Errorf("the message of somebody else: %v", err)
		}
	})
}

func TestHostileAsks(t *testing.T) {
	cases := map[string]struct {
		change      func(a *Ask)
		field, code string
	}{
		"no message":         {func(a *Ask) { a.Message = " " }, "message", "required"},
		"no purpose":         {func(a *Ask) { a.Purpose = "" }, "purpose", "required"},
		"no customer":        {func(a *Ask) { a.Customer = "\x00" }, "customer", "required"},
		"an unknown purpose": {func(a *Ask) { a.Purpose = "spam" }, "purpose", "unknown"},
		"service, almost":    {func(a *Ask) { a.Purpose = "Service" }, "purpose", "unknown"},
		"a long kind":        {func(a *Ask) { a.Kind = strings.Repeat("x", 121) }, "kind", "too_long"},
		"a zone on Mars":     {func(a *Ask) { a.Zone = "Mars/Base" }, "zone", "unknown"},
		"the server's zone":  {func(a *Ask) { a.Zone = "Local" }, "zone", "unknown"},
		"a path as a zone":   {func(a *Ask) { a.Zone = "../../etc/passwd" }, "zone", "unknown"},
		"in ten years":       {func(a *Ask) { a.NotBefore = opening.AddDate(10, 0, 0) }, "not_before", "too_far"},
	}
	eachHouse(t, func(h *house) {
		for name, c := range cases {
			a := Ask{Customer: h.lin, Message: "msg_1", Purpose: Marketing}
			c.change(&a)
			err := h.try(func(tx *db.Tx) error { _, err := h.Check(tx, a); return err })
			if !invalid(err, c.field, c.code) {
				t.Errorf("%s: says %v", name, err)
			}
		}
		h.grant(h.lin)
		for name, a := range map[string]Ask{
			"before time":    {Message: "msg_1", NotBefore: time.Date(-4000, 1, 1, 0, 0, 0, 0, time.UTC)},
			"after time":     {Message: "msg_2", Expires: time.Date(200_000, 1, 1, 0, 0, 0, 0, time.UTC)},
			"a wild value":   {Message: "msg_3", Priority: -1 << 60},
			"a wilder value": {Message: "msg_4", Priority: 1 << 60},
			"tomorrow":       {Message: "msg_5", Heard: opening.AddDate(1, 0, 0)},
		} {
			if got := h.ask(a); got.Refused != "" {
				t.Errorf("%s: %+v", name, got)
			}
		}
		if err := h.try(func(tx *db.Tx) error {
			_, err := h.Check(tx, Ask{Customer: "cus_nobody", Message: "msg_9", Purpose: Marketing})
			return err
		}); !errors.Is(err, db.ErrNotFound) {
			t.Errorf("nobody: %v", err)
		}
	})
}
