package alarm

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dingdong/internal/audit"
	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
	"dingdong/internal/event"
	"dingdong/internal/staff"
	"dingdong/internal/vault"
)

// house is an advisor and an officer, with a clock.
type house struct {
	t       *testing.T
	d       *db.DB
	clock   *dbtest.Clock
	room    *Room
	mei     staff.Person
	officer staff.Viewer
}

// each runs a test at eleven in the morning in Taipei.
func each(t *testing.T, test func(h *house)) {
	clock := dbtest.NewClock(time.Date(2030, 3, 4, 3, 0, 0, 0, time.UTC))
	dbtest.EachAt(t, clock, func(t *testing.T, d *db.DB) {
		now := clock.Now() // the engine before may have moved it
		clock.Advance(now.Truncate(24 * time.Hour).Add(27 * time.Hour).Sub(now))
		v, err := vault.Open("file:"+filepath.Join(t.TempDir(), "key.json"), d)
		if err != nil {
			t.Fatal(err)
		}
		h := &house{t: t, d: d, clock: clock, room: &Room{Vault: v}}
		h.write(func(tx *db.Tx) error {
			sys := staff.System()
			store, err := staff.SaveStore(tx, sys, staff.StoreForm{Name: "S", Timezone: "Asia/Taipei"})
			if err != nil {
				return err
			}
			brand, err := staff.SaveBrand(tx, sys, staff.BrandForm{Name: "B"})
			if err != nil {
				return err
			}
			counter, err := staff.SaveCounter(tx, sys, staff.CounterForm{StoreID: store.ID, BrandID: brand.ID})
			if err != nil {
				return err
			}
			if h.mei, err = staff.SaveStaff(tx, sys, staff.StaffForm{Name: "Mei", Email: "mei@x.test", Role: staff.Advisor, Counters: []string{counter.ID}}); err != nil {
				return err
			}
			p, err := staff.SaveStaff(tx, sys, staff.StaffForm{Name: "Kai", Email: "kai@x.test", Role: staff.Privacy})
			if err != nil {
				return err
			}
			h.officer, err = staff.ViewerByID(tx, p.ID)
			return err
		})
		test(h)
	})
}

func (h *house) write(fn func(tx *db.Tx) error) {
	h.t.Helper()
	if err := h.d.Write(context.Background(), fn); err != nil {
		h.t.Fatal(err)
	}
}

// does lets somebody do the same with n customers.
func (h *house) does(actor, action string, n int) {
	h.t.Helper()
	h.write(func(tx *db.Tx) error {
		for i := range n {
			audit.Record(tx, audit.Entry{Actor: actor, Action: action, Customer: fmt.Sprintf("cus_%d", i), Object: fmt.Sprintf("thr_%d", i)})
		}
		return nil
	})
}

func (h *house) bounds(s Settings) {
	h.t.Helper()
	h.write(func(tx *db.Tx) error { return Save(tx, staff.System(), s) })
}

func (h *house) watch() {
	h.t.Helper()
	for behind := true; behind; {
		h.write(func(tx *db.Tx) (err error) {
			behind, err = h.room.Watch(tx)
			return err
		})
	}
}

// alarms are what stands, as "rule n/bound", in the order of the rules.
func (h *house) alarms(q Asked) string {
	h.t.Helper()
	var out []string
	h.write(func(tx *db.Tx) error {
		list, err := h.room.List(tx, h.officer, q)
		for i := range list {
			a := list[len(list)-1-i]
			text := fmt.Sprintf("%s %d/%d", a.Rule, a.N, a.Bound)
			if a.Leaving {
				text += " leaving"
			}
			out = append(out, text)
		}
		return err
	})
	return strings.Join(out, ", ")
}

func (h *house) expect(want string) {
	h.t.Helper()
	if got := h.alarms(Asked{}); got != want {
		h.t.Errorf("alarms: %q, want %q", got, want)
	}
}

func TestRules(t *testing.T) {
	cases := map[string]struct {
		do   func(h *house)
		want string
	}{
		"a busy day is nothing": {func(h *house) { h.does(h.mei.ID, "thread.open", 59) }, ""},
		"sixty customers":       {func(h *house) { h.does(h.mei.ID, "thread.open", 60) }, "opened 60/60"},
		"one customer sixty times": {func(h *house) {
			for range 60 {
				h.does(h.mei.ID, "thread.open", 1)
			}
		}, ""},
		"lists":                     {func(h *house) { h.does(h.mei.ID, "customer.shown", 400) }, "listed 400/400"},
		"searches":                  {func(h *house) { h.does(h.mei.ID, "customer.search", 61) }, "searches 61/60"},
		"numbers":                   {func(h *house) { h.does(h.mei.ID, "customer.contact", 10) }, "reveals 10/10"},
		"three files":               {func(h *house) { h.does(h.mei.ID, "export.asked", 3) }, "exports 3/3"},
		"files about persons":       {func(h *house) { h.does(h.officer.ID, "customer.export_fetched", 6) }, "exports 6/6"},
		"a file that is not hers":   {func(h *house) { h.does(h.mei.ID, "export.denied", 1) }, "denied 1/1"},
		"a program reads":           {func(h *house) { h.does("token/tok_1", "api.read", 4999) }, ""},
		"a program reads everybody": {func(h *house) { h.does("token/tok_1", "api.read", 5000) }, "opened 5000/5000"},
		"the house itself":          {func(h *house) { h.does("system", "thread.open", 500) }, ""},
		"somebody nobody knows":     {func(h *house) { h.does("unknown", "thread.open", 500) }, ""},
		"what is no look":           {func(h *house) { h.does(h.mei.ID, "thread.taken", 500) }, ""},
		"over two hours, thirty each": {func(h *house) {
			h.does(h.mei.ID, "thread.open", 59)
			h.clock.Advance(61 * time.Minute)
			h.watch()
			h.does(h.mei.ID, "customer.contact", 9)
		}, ""},
		"files of two mornings": {func(h *house) {
			h.does(h.mei.ID, "export.asked", 2)
			h.watch()
			h.clock.Advance(20 * time.Hour)
			h.does(h.mei.ID, "export.asked", 1)
		}, "exports 3/3"},
		"at night": {func(h *house) {
			h.clock.Advance(13 * time.Hour) // midnight in Taipei
			h.does(h.mei.ID, "thread.open", 5)
		}, "off_duty 5/5"},
		"an open page at night": {func(h *house) {
			h.clock.Advance(13 * time.Hour)
			h.write(func(tx *db.Tx) error {
				for i := range 30 {
					audit.Record(tx, audit.Entry{Actor: h.mei.ID, Action: "customer.shown", Customer: fmt.Sprint("cus_", i), Detail: "live"})
				}
				return nil
			})
			h.does(h.mei.ID, "customer.shown", 4) // these she looked at
		}, ""},
		"four at night": {func(h *house) {
			h.clock.Advance(13 * time.Hour)
			h.does(h.mei.ID, "thread.open", 4)
		}, ""},
		"while she is away": {func(h *house) {
			h.does(h.mei.ID, "thread.open", 9) // before
			h.clock.Advance(time.Minute)
			h.write(func(tx *db.Tx) error {
				return staff.SetAway(tx, staff.System(), staff.Away{StaffID: h.mei.ID, Until: tx.Now.Add(24 * time.Hour)})
			})
			h.clock.Advance(time.Minute)
			h.does(h.mei.ID, "thread.open", 6)
		}, "off_duty 6/5"},
		"before she leaves": {func(h *house) {
			h.write(func(tx *db.Tx) error {
				return staff.SetLeaving(tx, staff.System(), h.mei.ID, tx.Now.Add(10*24*time.Hour))
			})
			h.does(h.mei.ID, "thread.open", 18)
		}, "opened 18/18 leaving"},
		"long before she leaves": {func(h *house) {
			h.write(func(tx *db.Tx) error {
				return staff.SetLeaving(tx, staff.System(), h.mei.ID, tx.Now.Add(30*24*time.Hour))
			})
			h.does(h.mei.ID, "thread.open", 18)
		}, ""},
		"customers of colleagues": {func(h *house) {
			h.write(func(tx *db.Tx) error {
				for i := range 40 {
					owner := "stf_colleague"
					switch {
					case i >= 35:
						owner = h.mei.ID
					case i >= 25:
						owner = ""
					}
					audit.Record(tx, audit.Entry{Actor: h.mei.ID, Action: "thread.open", Customer: fmt.Sprint("cus_", i), Object: fmt.Sprint("thr_", i), Detail: owner})
				}
				return nil
			})
		}, "others 25/25"},
		"nothing is watched": {func(h *house) {
			s := Defaults()
			s.Bounds[Opened][staff.Advisor] = 0
			h.bounds(s)
			h.does(h.mei.ID, "thread.open", 100)
		}, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			each(t, func(h *house) {
				c.do(h)
				h.watch()
				h.expect(c.want)
			})
		})
	}
}

func TestADayOfPatience(t *testing.T) {
	each(t, func(h *house) {
		for range 5 { // fifty customers an hour, other ones each time
			h.write(func(tx *db.Tx) error {
				for i := range 50 {
					audit.Record(tx, audit.Entry{Actor: h.mei.ID, Action: "thread.open", Customer: fmt.Sprintf("cus_%d_%d", tx.Now.Unix(), i)})
				}
				return nil
			})
			h.watch()
			h.write(h.room.WatchDay)
			h.clock.Advance(61 * time.Minute)
		}
		h.expect("day 250/250")
	})
}

func TestTheSameAlarmIsRaisedOnce(t *testing.T) {
	each(t, func(h *house) {
		answer := func(v staff.Viewer, f Answer) error {
			return h.d.Write(context.Background(), func(tx *db.Tx) error {
				list, err := h.room.List(tx, h.officer, Asked{})
				if err != nil {
					return err
				}
				f.ID = list[0].ID
				_, err = h.room.Answer(tx, v, f)
				return err
			})
		}
		h.does(h.mei.ID, "customer.contact", 10)
		h.watch()
		h.does(h.mei.ID, "customer.contact", 2)
		h.watch()
		h.watch()
		h.expect("reveals 12/10")
		var raised, open int
		h.write(func(tx *db.Tx) error {
			events, err := event.After(tx, 0, 100)
			for _, e := range events {
				if e.Kind == event.AlarmRaised {
					raised++
					if e.By != h.mei.ID || e.Data["rule"] != "reveals" {
						t.Errorf("%+v", e)
					}
				}
			}
			if err == nil {
				open, err = CountOpen(tx)
			}
			return err
		})
		if raised != 1 || open != 1 {
			t.Errorf("raised %d times, %d open", raised, open)
		}
		if err := answer(h.officer, Answer{State: Seen}); err != nil {
			t.Fatal(err)
		}
		h.does(h.mei.ID, "customer.contact", 1)
		h.watch()
		h.expect("reveals 13/10")
		for name, c := range map[string]struct {
			v    staff.Viewer
			f    Answer
			want error
		}{
			"not hers":              {staff.Viewer{ID: h.mei.ID, Role: staff.Advisor}, Answer{State: Closed, Note: "x"}, staff.ErrForbidden},
			"about herself":         {staff.Viewer{ID: h.mei.ID, Role: staff.Admin}, Answer{State: Closed, Note: "x"}, db.Invalid{Field: "state", Code: "own"}},
			"closed without a word": {h.officer, Answer{State: Closed}, db.Invalid{Field: "note", Code: "required"}},
			"a book":                {h.officer, Answer{State: Closed, Note: strings.Repeat("x", maxNote+1)}, db.Invalid{Field: "note", Code: "too_long"}},
			"another state":         {h.officer, Answer{State: "open", Note: "x"}, db.Invalid{Field: "state", Code: "unknown"}},
		} {
			if err := answer(c.v, c.f); !errors.Is(err, c.want) {
				t.Errorf("%s: %v, want %v", name, err, c.want)
			}
		}
		if err := answer(h.officer, Answer{State: Closed, Note: "She called her own list."}); err != nil {
			t.Fatal(err)
		}
		h.watch()
		h.expect("")
		h.does(h.mei.ID, "customer.contact", 9)
		h.watch()
		h.expect("") // what was dealt with is not counted again
		h.does(h.mei.ID, "customer.contact", 1)
		h.watch()
		h.expect("reveals 10/10")
		if got := h.alarms(Asked{State: Closed, Actor: h.mei.ID}); got != "reveals 13/10" {
			t.Errorf("closed: %q", got)
		}
		h.write(func(tx *db.Tx) error {
			list, err := h.room.List(tx, h.officer, Asked{State: Closed})
			if len(list) != 1 || list[0].Note != "She called her own list." || list[0].By != h.officer.ID {
				t.Errorf("%+v", list)
			}
			return err
		})
	})
}

func TestSettingsAreChecked(t *testing.T) {
	for name, c := range map[string]struct {
		change func(s *Settings)
		want   string
	}{
		"below zero":     {func(s *Settings) { s.Bounds[Opened][staff.Advisor] = -1 }, "bound.opened.advisor"},
		"too many":       {func(s *Settings) { s.Bounds[Day][staff.Admin] = maxBound + 1 }, "bound.day.admin"},
		"no time":        {func(s *Settings) { s.Open = "25:00" }, "open"},
		"no time either": {func(s *Settings) { s.Shut = "late" }, "shut"},
		"days":           {func(s *Settings) { s.LeavingDays = 1000 }, "leaving_days"},
		"percent":        {func(s *Settings) { s.LeavingPercent = 0 }, "leaving_percent"},
	} {
		s := Defaults()
		c.change(&s)
		var invalid db.Invalid
		if err := s.check(); !errors.As(err, &invalid) || invalid.Field != c.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	each(t, func(h *house) {
		s := Defaults()
		s.Bounds[Reveals][staff.Manager], s.Open = 99, "08:30"
		h.bounds(s)
		h.write(func(tx *db.Tx) error {
			got, err := Load(tx)
			if got.Bounds[Reveals][staff.Manager] != 99 || got.Open != "08:30" || got.Bounds[Opened][staff.Advisor] != 60 {
				t.Errorf("%+v", got)
			}
			if err := Save(tx, h.officer, s); !errors.Is(err, staff.ErrForbidden) {
				t.Errorf("the officer changes the bounds: %v", err)
			}
			return err
		})
	})
}

func TestNight(t *testing.T) {
	at := func(clock string) time.Time {
		x, _ := time.Parse("15:04", clock)
		return x
	}
	for _, c := range []struct {
		open, shut, at string
		want           bool
	}{
		{"07:00", "23:30", "06:59", true}, {"07:00", "23:30", "07:00", false}, {"07:00", "23:30", "23:30", true}, {"07:00", "23:30", "12:00", false},
		{"10:00", "02:00", "01:59", false}, {"10:00", "02:00", "02:00", true}, {"10:00", "02:00", "23:00", false}, {"09:00", "09:00", "03:00", false},
	} {
		if got := (Settings{Open: c.open, Shut: c.shut}).night(at(c.at)); got != c.want {
			t.Errorf("%s-%s at %s: %v", c.open, c.shut, c.at, got)
		}
	}
}
