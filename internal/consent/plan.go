package consent

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// The planner: pure functions over values. Who is worth more chooses first, and
// takes the first moment at which no rule stands against her message. So a lower
// one never moves a higher one, and to raise a priority never delays a message.

// Contact is something the store said without being asked, or will have said.
type Contact struct {
	Message string
	Purpose string
	Kind    string
	Staff   bool
	At      time.Time
}

// Wish is a message that wants a place.
type Wish struct {
	Message   string
	Purpose   string
	Kind      string // what is said, by which a repeat is known: "replenish"; "": like nothing else
	Priority  int
	NotBefore time.Time
	Expires   time.Time // zero: never
	Asked     time.Time
	Zone      *time.Location // hers, as the counter sees it; nil: the scene's
}

// Placed is what became of a wish.
type Placed struct {
	Message string
	At      time.Time // zero: it has no place
	Refused string    // then the reason: no_place, expired or outbid
	Why     []string  // what it had to wait for, in the order in which that was met
}

// Scene is everything the planner looks at.
type Scene struct {
	Rules  Rules
	Past   []Contact // in any order
	Wishes []Wish
	Now    time.Time
	Zone   *time.Location
	Since  time.Time // when the relation began: phases count from that day
	Heard  time.Time // when she last wrote; zero: never
	Paused time.Time // nothing but service before that
}

// What can stand against a moment. The first five are also warnings to staff.
const (
	WhyQuiet      = "quiet_hours"
	WhyHoliday    = "holiday"
	WhyBudget     = "over_budget"
	WhyUnanswered = "unanswered"
	WhyPaused     = "paused"
	WhyGap        = "too_soon"
)

// Why a message gets no place.
const (
	NoConsent = "no_consent" // she was never asked, or only about an older text
	Stopped   = "stopped"    // she said no
	NoPlace   = "no_place"   // nothing free before it expires
	Expired   = "expired"    // its time is over
	Outbid    = "outbid"     // something more valuable has the place
)

// farthest is how far ahead a place is looked for.
const farthest = 400 * day

const day = 24 * time.Hour

// Place gives every wish the best place that is left, in the order of the wishes
// given. The same scene always gives the same plan.
func Place(s Scene) []Placed {
	order := make([]int, len(s.Wishes))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return worth(s.Wishes[a], s.Wishes[b]) })
	past := slices.Clone(s.Past)
	slices.SortFunc(past, early)
	taken := slices.Clone(past)
	out := make([]Placed, len(s.Wishes))
	for _, i := range order {
		w := s.Wishes[i]
		p := s.fit(w, taken)
		if p.At.IsZero() && p.Refused == NoPlace && len(taken) > len(past) {
			if alone := s.fit(w, past); !alone.At.IsZero() {
				p.Refused = Outbid
			}
		}
		if !p.At.IsZero() {
			c := Contact{Message: w.Message, Purpose: w.Purpose, Kind: w.Kind, At: p.At}
			at, _ := slices.BinarySearchFunc(taken, c, early)
			taken = slices.Insert(taken, at, c)
		}
		out[i] = p
	}
	return out
}

// early orders contacts by time.
func early(a, b Contact) int {
	return cmp.Or(a.At.Compare(b.At), strings.Compare(a.Message, b.Message))
}

// worth orders wishes: the more valuable first, then what expires sooner, then
// what has waited longer.
func worth(a, b Wish) int {
	return cmp.Or(
		cmp.Compare(clamp(b.Priority), clamp(a.Priority)),
		end(a.Expires).Compare(end(b.Expires)),
		a.Asked.Compare(b.Asked),
		strings.Compare(a.Message, b.Message))
}

// Priorities.
const (
	LowestPriority  = 0
	HighestPriority = 9
)

func clamp(priority int) int { return min(max(priority, LowestPriority), HighestPriority) }

// end is when a wish expires, far away for those that never do.
func end(t time.Time) time.Time {
	if t.IsZero() {
		return time.Unix(1<<40, 0)
	}
	return t
}

// fit finds the first moment for a wish between what is taken.
func (s Scene) fit(w Wish, taken []Contact) Placed {
	p := Placed{Message: w.Message, Refused: NoPlace}
	t := s.Now
	if w.NotBefore.After(t) {
		t = w.NotBefore
	}
	if t.After(end(w.Expires)) {
		p.Refused = Expired
		return p
	}
	last := t.Add(farthest)
	if end(w.Expires).Before(last) {
		last = w.Expires
	}
	m := moment{Scene: s, wish: w, taken: taken, zone: w.Zone}
	if m.zone == nil {
		m.zone = s.Zone
	}
	for {
		next, why := m.against(t)
		if why == "" {
			p.At, p.Refused = t, ""
			return p
		}
		if !slices.Contains(p.Why, why) {
			p.Why = append(p.Why, why)
		}
		if !next.After(t) || next.After(last) { // never, or too late
			return p
		}
		t = next
	}
}

// moment asks whether a wish may go at a time, among what is taken.
type moment struct {
	Scene
	wish  Wish
	taken []Contact // sorted
	zone  *time.Location
}

// against names what stands against a time, and the first later time at which
// that does not; a zero time: never. "" is free.
func (m moment) against(t time.Time) (next time.Time, why string) {
	if m.wish.Purpose != Service {
		if t.Before(m.Paused) {
			return m.Paused, WhyPaused
		}
		if m.Rules.isHoliday(t, m.zone) {
			return m.Rules.afterHoliday(t, m.zone), WhyHoliday
		}
	}
	if m.Rules.Quiet.holds(t, m.zone) {
		return m.Rules.Quiet.after(t, m.zone), WhyQuiet
	}
	if next := m.gap(t); !next.IsZero() {
		return next, WhyGap
	}
	if next := m.unanswered(t); !next.IsZero() {
		return next, WhyUnanswered
	}
	if next, full := m.window(t); full {
		return next, WhyBudget
	}
	if next, full := m.cap(t); full {
		return next, WhyBudget
	}
	return time.Time{}, ""
}

// gap gives the end of the gap around another contact, or zero.
func (m moment) gap(t time.Time) time.Time {
	gap := time.Duration(m.Rules.MinGapHours) * time.Hour
	for _, c := range m.taken {
		if d := t.Sub(c.At); d < gap && d > -gap {
			return c.At.Add(gap)
		}
	}
	return time.Time{}
}

// unanswered gives the time from which something of the same kind may be said
// again, or zero. What is still to come counts as unanswered.
func (m moment) unanswered(t time.Time) time.Time {
	wait := time.Duration(m.Rules.UnansweredDays) * day
	if m.wish.Kind == "" {
		return time.Time{}
	}
	for _, c := range m.taken {
		if c.Kind != m.wish.Kind || m.Heard.After(c.At) {
			continue
		}
		if d := t.Sub(c.At); d < wait && d > -wait {
			return c.At.Add(wait)
		}
	}
	return time.Time{}
}

// window says whether the phase of her relation has room: neither the days before
// t, nor those before a later contact, may hold too many.
func (m moment) window(t time.Time) (next time.Time, full bool) {
	phase := m.phase(t)
	rule := m.Rules.Phases[phase]
	in := func(c Contact) bool { return m.phase(c.At) == phase }
	if next, full := crowd(rule.cap(), m.taken, t, in); full {
		return m.orNextPhase(next, t, phase), true
	}
	for i, c := range m.taken {
		if !c.At.After(t) {
			continue
		}
		own := m.phase(c.At)
		if own != phase {
			continue
		}
		// With t among them, c would be one too many.
		if overfills(rule.cap(), m.taken[:i+1], span{t, c.At}, in) {
			return c.At.Add(time.Microsecond), true
		}
	}
	return time.Time{}, false
}

// orNextPhase takes the beginning of the next phase where that comes sooner.
func (m moment) orNextPhase(next, t time.Time, phase int) time.Time {
	if phase+1 >= len(m.Rules.Phases) {
		return next
	}
	y, mo, d := m.Since.In(m.zone).Date()
	begins := time.Date(y, mo, d+m.Rules.Phases[phase+1].FromDay, 0, 0, 0, 0, m.zone)
	if !begins.After(t) { // midnight did not exist that day
		begins = t.Add(time.Hour)
	}
	if next.IsZero() || begins.Before(next) {
		return begins
	}
	return next
}

// phase is the number of the phase in which a time lies. Days are those of her
// calendar: day 0 is the day on which the relation began.
func (m moment) phase(t time.Time) int {
	days := dayNumber(t.In(m.zone)) - dayNumber(m.Since.In(m.zone))
	found := 0
	for i, p := range m.Rules.Phases {
		if p.FromDay <= days {
			found = i
		}
	}
	return found
}

// dayNumber counts calendar days.
func dayNumber(t time.Time) int {
	y, mo, d := t.Date()
	return int(time.Date(y, mo, d, 0, 0, 0, 0, time.UTC).Unix() / 86400)
}

// cap says whether the purpose has room.
func (m moment) cap(t time.Time) (next time.Time, full bool) {
	rule, ok := m.Rules.PurposeCaps[m.wish.Purpose]
	if !ok {
		return time.Time{}, false
	}
	in := func(c Contact) bool { return c.Purpose == m.wish.Purpose }
	if next, full := crowd(rule, m.taken, t, in); full {
		return next, true
	}
	for i, c := range m.taken {
		if c.At.After(t) && in(c) && overfills(rule, m.taken[:i+1], span{t, c.At}, in) {
			return c.At.Add(time.Microsecond), true
		}
	}
	return time.Time{}, false
}

// crowd says whether a contact at t would be one too many in the days before it,
// and when enough of them will be past; zero: never.
func crowd(rule Cap, taken []Contact, t time.Time, in func(Contact) bool) (next time.Time, full bool) {
	var inside []time.Time
	for _, c := range taken {
		if !c.At.After(t) && c.At.After(t.Add(-rule.window())) && in(c) {
			inside = append(inside, c.At)
		}
	}
	if len(inside) < rule.Messages {
		return time.Time{}, false
	}
	if rule.Messages == 0 {
		return time.Time{}, true
	}
	return inside[len(inside)-rule.Messages].Add(rule.window()), true
}

// span is from a new contact to a later one that is there.
type span struct{ from, to time.Time }

// overfills says whether a contact at the beginning of the span makes too many in
// the days before its end. taken reaches to the end.
func overfills(rule Cap, taken []Contact, s span, in func(Contact) bool) bool {
	if !s.from.After(s.to.Add(-rule.window())) {
		return false
	}
	n := 1
	for _, c := range taken {
		if c.At.After(s.to.Add(-rule.window())) && in(c) {
			n++
		}
	}
	return n > rule.Messages
}

// Warnings says what stands against a message that is sent now by hand, and free
// what of that an advisor should know.
func (s Scene) Warnings(w Wish) []string {
	m := moment{Scene: s, wish: w, taken: slices.Clone(s.Past), zone: w.Zone}
	if m.zone == nil {
		m.zone = s.Zone
	}
	slices.SortFunc(m.taken, early)
	var out []string
	warn := func(why string, holds bool) {
		if holds && !slices.Contains(out, why) {
			out = append(out, why)
		}
	}
	warn(WhyQuiet, s.Rules.Quiet.holds(s.Now, m.zone))
	warn(WhyHoliday, w.Purpose != Service && s.Rules.isHoliday(s.Now, m.zone))
	warn(WhyPaused, s.Now.Before(s.Paused))
	_, full := m.window(s.Now)
	_, capped := m.cap(s.Now)
	warn(WhyBudget, full || capped || !m.gap(s.Now).IsZero())
	warn(WhyUnanswered, !m.unanswered(s.Now).IsZero())
	return out
}
