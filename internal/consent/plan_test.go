package consent

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"
)

// scene is the opening with the shipped rules and a customer of some months.
func testScene() Scene {
	return Scene{Rules: DefaultRules(), Now: opening.UTC(), Zone: taipei, Since: opening.AddDate(0, -4, 0)}
}

func at(text string) time.Time {
	t, err := time.ParseInLocation("2006-01-02 15:04", text, taipei)
	if err != nil {
		panic(err)
	}
	return t
}

func TestPlace(t *testing.T) {
	wish := func(w Wish) Wish {
		if w.Message == "" {
			w.Message = "msg_new"
		}
		if w.Purpose == "" {
			w.Purpose = Marketing
		}
		return w
	}
	said := func(when string) Contact {
		return Contact{Message: "said at " + when, Purpose: Marketing, At: at(when)}
	}
	for name, c := range map[string]struct {
		change func(s *Scene)
		wish   Wish
		want   string // "": no place
		why    []string
		reason string
	}{
		"at once":                        {want: "2026-11-23 14:00"},
		"not before":                     {wish: Wish{NotBefore: at("2026-11-24 10:00")}, want: "2026-11-24 10:00"},
		"in the evening":                 {change: func(s *Scene) { s.Now = at("2026-11-23 21:00") }, want: "2026-11-24 09:00", why: []string{WhyQuiet}},
		"after midnight":                 {change: func(s *Scene) { s.Now = at("2026-11-24 00:30") }, want: "2026-11-24 09:00", why: []string{WhyQuiet}},
		"at nine":                        {change: func(s *Scene) { s.Now = at("2026-11-24 09:00") }, want: "2026-11-24 09:00"},
		"on a holiday":                   {change: func(s *Scene) { s.Now = at("2026-12-25 11:00") }, want: "2026-12-26 09:00", why: []string{WhyHoliday, WhyQuiet}},
		"service on a holiday":           {change: func(s *Scene) { s.Now = at("2026-12-25 11:00") }, wish: Wish{Purpose: Service}, want: "2026-12-25 11:00"},
		"service in the night":           {change: func(s *Scene) { s.Now = at("2026-12-25 23:00") }, wish: Wish{Purpose: Service}, want: "2026-12-26 09:00", why: []string{WhyQuiet}},
		"over the whole lunar new year":  {change: func(s *Scene) { s.Now = at("2027-02-04 12:00") }, want: "2027-02-11 09:00", why: []string{WhyHoliday, WhyQuiet}},
		"hours after another":            {change: func(s *Scene) { s.Past = []Contact{said("2026-11-23 12:00")} }, want: "2026-11-24 09:00", why: []string{WhyGap, WhyQuiet}},
		"the third in a month":           {change: func(s *Scene) { s.Past = []Contact{said("2026-11-01 10:00"), said("2026-11-10 10:00")} }, want: "2026-12-01 10:00", why: []string{WhyBudget}},
		"the third in a month, expiring": {change: func(s *Scene) { s.Past = []Contact{said("2026-11-01 10:00"), said("2026-11-10 10:00")} }, wish: Wish{Expires: at("2026-11-30 10:00")}, why: []string{WhyBudget}, reason: NoPlace},
		"expired":                        {wish: Wish{Expires: at("2026-11-22 10:00")}, reason: Expired},
		"expires before it may begin":    {wish: Wish{NotBefore: at("2026-12-02 10:00"), Expires: at("2026-12-01 10:00")}, reason: Expired},
		"expires this moment":            {wish: Wish{Expires: at("2026-11-23 14:00")}, want: "2026-11-23 14:00"},
		"the third of the first week": {change: func(s *Scene) {
			s.Since = at("2026-11-20 15:00")
			s.Past = []Contact{said("2026-11-20 16:00"), said("2026-11-21 16:00")}
		}, want: "2026-11-23 14:00"},
		"the fourth of the first week": {change: func(s *Scene) {
			s.Since = at("2026-11-19 15:00")
			s.Past = []Contact{said("2026-11-19 16:00"), said("2026-11-20 16:00"), said("2026-11-21 17:00")}
		}, want: "2026-11-26 09:00", why: []string{WhyBudget, WhyQuiet}},
		"the same kind unanswered": {change: func(s *Scene) {
			s.Past = []Contact{{Kind: "replenish", Purpose: Marketing, At: at("2026-11-20 10:00")}}
		}, wish: Wish{Kind: "replenish"}, want: "2026-12-20 10:00", why: []string{WhyUnanswered}},
		"the same kind, and she has wrote": {change: func(s *Scene) {
			s.Heard = at("2026-11-21 10:00")
			s.Past = []Contact{{Kind: "replenish", Purpose: Marketing, At: at("2026-11-20 10:00")}}
		}, wish: Wish{Kind: "replenish"}, want: "2026-11-23 14:00"},
		"another kind":         {change: func(s *Scene) { s.Past = []Contact{{Kind: "birthday", Purpose: Marketing, At: at("2026-11-20 10:00")}} }, wish: Wish{Kind: "replenish"}, want: "2026-11-23 14:00"},
		"paused":               {change: func(s *Scene) { s.Paused = at("2026-11-30 11:00") }, want: "2026-11-30 11:00", why: []string{WhyPaused}},
		"service while paused": {change: func(s *Scene) { s.Paused = at("2026-11-30 11:00") }, wish: Wish{Purpose: Service}, want: "2026-11-23 14:00"},
		"a cap of the purpose": {change: func(s *Scene) { s.Past = []Contact{{Purpose: Sharing, At: at("2026-11-10 10:00")}} }, wish: Wish{Purpose: Sharing}, want: "2026-12-10 10:00", why: []string{WhyBudget}},
		"a phase of silence": {change: func(s *Scene) {
			s.Rules = s.Rules.Clone()
			s.Rules.Phases[0].Messages = 0
			s.Since = at("2026-11-22 12:00")
		}, want: "2026-11-29 09:00", why: []string{WhyBudget, WhyQuiet}},
		"silence for ever": {change: func(s *Scene) { s.Rules = s.Rules.Clone(); s.Rules.Phases[1].Messages = 0 }, why: []string{WhyBudget}, reason: NoPlace},
		"something planned before another": {change: func(s *Scene) {
			s.Past = []Contact{said("2026-11-10 10:00")}
			s.Wishes = []Wish{{Message: "msg_big", Purpose: Marketing, Priority: 9, NotBefore: at("2026-11-30 10:00")}}
		}, want: "2026-12-10 10:00"},
		"no place beside something bigger": {change: func(s *Scene) {
			s.Past = []Contact{said("2026-11-10 10:00")}
			s.Wishes = []Wish{{Message: "msg_big", Purpose: Marketing, Priority: 9}}
		}, wish: Wish{Expires: at("2026-11-30 10:00")}, reason: Outbid},
	} {
		t.Run(name, func(t *testing.T) {
			s := testScene()
			if c.change != nil {
				c.change(&s)
			}
			s.Wishes = append(s.Wishes, wish(c.wish))
			all := Place(s)
			got := all[len(all)-1]
			when := ""
			if !got.At.IsZero() {
				when = got.At.In(taipei).Format("2006-01-02 15:04")
			}
			if when != c.want || got.Refused != c.reason {
				t.Errorf("placed at %q (%s), not %q (%s)", when, got.Refused, c.want, c.reason)
			}
			if !slices.Equal(got.Why, c.why) && c.why != nil {
				t.Errorf("because of %q, not %q", got.Why, c.why)
			}
		})
	}
}

func TestWorth(t *testing.T) {
	s := testScene()
	s.Wishes = []Wish{
		{Message: "msg_a", Purpose: Marketing, Priority: 5, Asked: opening},
		{Message: "msg_b", Purpose: Marketing, Priority: 7, Asked: opening},
		{Message: "msg_c", Purpose: Marketing, Priority: 5, Asked: opening, Expires: opening.AddDate(0, 1, 0)},
		{Message: "msg_d", Purpose: Marketing, Priority: 5, Asked: opening.Add(-time.Hour)},
		{Message: "msg_e", Purpose: Marketing, Priority: 500, Asked: opening.Add(time.Hour)},
		{Message: "msg_f", Purpose: Marketing, Priority: -3, Asked: opening.AddDate(-1, 0, 0)},
	}
	placed := Place(s)
	slices.SortFunc(placed, func(a, b Placed) int { return a.At.Compare(b.At) })
	order := ""
	for _, p := range placed {
		order += p.Message[4:]
	}
	if order != "ebcdaf" {
		t.Errorf("the order is %s", order)
	}
}

// The zones change their clocks in every way there is: by an hour, by half an hour,
// at midnight, never; and one is fourteen hours ahead.
var zones = []string{"Asia/Taipei", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo", "America/Santiago",
	"Asia/Beirut", "Pacific/Kiritimati", "Asia/Kathmandu", "America/Havana"}

// randomScene makes a history, rules, and wishes that nobody would think of.
func randomScene(r *rand.Rand) Scene {
	zone := mustZone(zones[r.IntN(len(zones))])
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(r.Int64N(int64(700 * day)))).Truncate(time.Microsecond)
	s := Scene{Now: now, Zone: zone, Since: now.Add(-time.Duration(r.Int64N(int64(60 * day)))), Rules: randomRules(r)}
	if r.IntN(4) == 0 {
		s.Since = now
	}
	if r.IntN(3) == 0 {
		s.Heard = now.Add(-time.Duration(r.Int64N(int64(40 * day))))
	}
	if r.IntN(4) == 0 {
		s.Paused = now.Add(time.Duration(r.Int64N(int64(20 * day))))
	}
	purposes, kinds := []string{Service, Marketing, Sharing}, []string{"", "replenish", "birthday"}
	for i := range r.IntN(6) {
		s.Past = append(s.Past, Contact{Message: fmt.Sprint("past", i), Purpose: purposes[r.IntN(3)], Kind: kinds[r.IntN(3)],
			At: now.Add(-time.Duration(r.Int64N(int64(45 * day)))).Truncate(time.Microsecond)})
	}
	for i := range 1 + r.IntN(7) {
		w := Wish{Message: fmt.Sprint("wish", i), Purpose: purposes[r.IntN(3)], Kind: kinds[r.IntN(3)], Priority: r.IntN(12) - 1,
			Asked: now.Add(-time.Duration(r.Int64N(int64(5 * day))))}
		if r.IntN(2) == 0 {
			w.NotBefore = now.Add(time.Duration(r.Int64N(int64(30 * day))))
		}
		if r.IntN(2) == 0 {
			w.Expires = now.Add(time.Duration(r.Int64N(int64(60 * day))))
		}
		if r.IntN(5) == 0 {
			w.Zone = mustZone(zones[r.IntN(len(zones))])
		}
		s.Wishes = append(s.Wishes, w)
	}
	return s
}

func randomRules(r *rand.Rand) Rules {
	rules := DefaultRules()
	if r.IntN(3) == 0 {
		return rules
	}
	clock := func() string { return fmt.Sprintf("%02d:%02d", r.IntN(24), 15*r.IntN(4)) }
	rules = rules.Clone()
	rules.Quiet = Quiet{clock(), clock()}
	rules.MinGapHours, rules.UnansweredDays = r.IntN(72), r.IntN(40)
	rules.Phases = []Phase{{"a", 0, r.IntN(4), 1 + r.IntN(10)}, {"b", 1 + r.IntN(10), r.IntN(5), 1 + r.IntN(40)}, {"c", 20 + r.IntN(20), 1 + r.IntN(3), 1 + r.IntN(40)}}
	rules.PurposeCaps = map[string]Cap{Marketing: {r.IntN(4), 1 + r.IntN(40)}}
	return rules
}

// scenes runs a property over many scenes, the same ones at every run.
func scenes(t *testing.T, n int, hold func(t *testing.T, r *rand.Rand, s Scene)) {
	for seed := range uint64(n) {
		r := rand.New(rand.NewPCG(seed, 4))
		s := randomScene(r)
		if err := s.Rules.Check(); err != nil {
			t.Fatalf("scene %d has broken rules: %v", seed, err)
		}
		hold(t, r, s)
		if t.Failed() {
			t.Fatalf("in scene %d: %+v", seed, s)
		}
	}
}

// rule is an independent, slow reading of the rules: every pair and every window is
// looked at.
func breaks(s Scene, placed []Placed) string {
	all := slices.Clone(s.Past)
	zone := func(w Wish) *time.Location {
		if w.Zone != nil {
			return w.Zone
		}
		return s.Zone
	}
	for i, p := range placed {
		if !p.At.IsZero() {
			all = append(all, Contact{Message: p.Message, Purpose: s.Wishes[i].Purpose, Kind: s.Wishes[i].Kind, At: p.At})
		}
	}
	for i, p := range placed {
		w := s.Wishes[i]
		if p.At.IsZero() != (p.Refused != "") {
			return "a place and a refusal, or neither"
		}
		if p.At.IsZero() {
			continue
		}
		local := p.At.In(zone(w))
		clock := local.Format("15:04")
		from, to := s.Rules.Quiet.From, s.Rules.Quiet.To
		switch {
		case p.At.Before(s.Now), p.At.Before(w.NotBefore):
			return "too early"
		case !w.Expires.IsZero() && p.At.After(w.Expires):
			return "after it expired"
		case from < to && clock >= from && clock < to, from > to && (clock >= from || clock < to):
			return "in quiet hours"
		case w.Purpose != Service && p.At.Before(s.Paused):
			return "in a pause"
		case w.Purpose != Service && slices.ContainsFunc(s.Rules.Holidays, func(h Holiday) bool { return h.Date == local.Format(time.DateOnly) }):
			return "on a holiday"
		}
		for _, c := range all {
			if c.Message == p.Message {
				continue
			}
			apart := p.At.Sub(c.At).Abs()
			if apart < time.Duration(s.Rules.MinGapHours)*time.Hour {
				return "closer than the gap to " + c.Message
			}
			answered := c.At.Before(s.Heard) && c.At.Before(p.At)
			if w.Kind != "" && c.Kind == w.Kind && !answered && apart < time.Duration(s.Rules.UnansweredDays)*day {
				return "the same kind as " + c.Message
			}
		}
	}
	return ""
}

// crowded looks at the window that ends with each contact which was placed; past ones
// may have been too many before us.
func crowded(s Scene, placed []Placed) string {
	all := slices.Clone(s.Past)
	for i, p := range placed {
		if !p.At.IsZero() {
			all = append(all, Contact{Message: p.Message, Purpose: s.Wishes[i].Purpose, At: p.At})
		}
	}
	m := moment{Scene: s, zone: s.Zone}
	for i, p := range placed {
		if p.At.IsZero() || s.Wishes[i].Zone != nil { // whose day it is elsewhere is asked in that zone
			continue
		}
		phase := m.phase(p.At)
		rule := s.Rules.Phases[phase]
		n, purpose := 0, 0
		purposeCap, capped := s.Rules.PurposeCaps[s.Wishes[i].Purpose]
		for _, c := range all {
			if c.At.After(p.At) {
				continue
			}
			if p.At.Sub(c.At) < time.Duration(rule.Days)*day && m.phase(c.At) == phase {
				n++
			}
			if capped && c.Purpose == s.Wishes[i].Purpose && p.At.Sub(c.At) < purposeCap.window() {
				purpose++
			}
		}
		if n > rule.Messages {
			return fmt.Sprintf("%s is the %d. in %d days", p.Message, n, rule.Days)
		}
		if capped && purpose > purposeCap.Messages {
			return fmt.Sprintf("%s is the %d. of its purpose", p.Message, purpose)
		}
	}
	return ""
}

const manyScenes = 4000

func TestPlanKeepsEveryRule(t *testing.T) {
	found := 0
	scenes(t, manyScenes, func(t *testing.T, _ *rand.Rand, s Scene) {
		placed := Place(s)
		if why := breaks(s, placed); why != "" {
			t.Error(why)
		}
		if !slices.ContainsFunc(s.Wishes, func(w Wish) bool { return w.Zone != nil }) {
			if why := crowded(s, placed); why != "" {
				t.Error(why)
			}
		}
		for _, p := range placed {
			if !p.At.IsZero() {
				found++
			}
		}
	})
	if found < manyScenes {
		t.Errorf("only %d places were found: the scenes are too narrow to show anything", found)
	}
}

func TestPlanIsDeterministic(t *testing.T) {
	scenes(t, manyScenes/4, func(t *testing.T, r *rand.Rand, s Scene) {
		first := Place(s)
		byMessage := map[string]Placed{}
		for _, p := range first {
			byMessage[p.Message] = p
		}
		r.Shuffle(len(s.Wishes), func(i, j int) { s.Wishes[i], s.Wishes[j] = s.Wishes[j], s.Wishes[i] })
		r.Shuffle(len(s.Past), func(i, j int) { s.Past[i], s.Past[j] = s.Past[j], s.Past[i] })
		for _, p := range Place(s) {
			if !reflect.DeepEqual(p, byMessage[p.Message]) {
				t.Errorf("%+v became %+v in another order", byMessage[p.Message], p)
			}
		}
	})
}

func TestRaisingAPriorityNeverDelays(t *testing.T) {
	scenes(t, manyScenes, func(t *testing.T, r *rand.Rand, s Scene) {
		i := r.IntN(len(s.Wishes))
		before := Place(s)[i]
		s.Wishes[i].Priority += 1 + r.IntN(5)
		after := Place(s)[i]
		switch {
		case before.At.IsZero():
		case after.At.IsZero():
			t.Errorf("%s lost its place by being worth more", after.Message)
		case after.At.After(before.At):
			t.Errorf("%s moved from %s to %s", after.Message, before.At, after.At)
		}
	})
}

// TestTheFirstPlaceIsTaken: no earlier minute of the next days would have done.
func TestTheFirstPlaceIsTaken(t *testing.T) {
	scenes(t, 300, func(t *testing.T, _ *rand.Rand, s Scene) {
		s.Wishes = s.Wishes[:1]
		s.Wishes[0].Expires = time.Time{}
		got := Place(s)[0]
		m := moment{Scene: s, wish: s.Wishes[0], taken: slices.Clone(s.Past), zone: s.Wishes[0].Zone}
		if m.zone == nil {
			m.zone = s.Zone
		}
		slices.SortFunc(m.taken, early)
		from := s.Now
		if s.Wishes[0].NotBefore.After(from) {
			from = s.Wishes[0].NotBefore
		}
		for minute := from; minute.Before(from.Add(3*day)) && (got.At.IsZero() || minute.Before(got.At)); minute = minute.Add(7 * time.Minute) {
			if _, why := m.against(minute); why == "" {
				t.Errorf("%s was free, and %s was taken", minute, got.At)
				return
			}
		}
	})
}

func TestDefaultRulesHold(t *testing.T) {
	rules := DefaultRules()
	if err := rules.Check(); err != nil {
		t.Fatal(err)
	}
	for _, h := range rules.Holidays {
		date, err := time.Parse(time.DateOnly, h.Date)
		if err != nil {
			t.Fatal(err)
		}
		// A day off stands in for a weekend, so it lies on a weekday.
		if weekend := date.Weekday() == time.Saturday || date.Weekday() == time.Sunday; weekend && slices.Contains([]rune(h.Name), '補') {
			t.Errorf("%s %s is a %s", h.Date, h.Name, date.Weekday())
		}
	}
}
