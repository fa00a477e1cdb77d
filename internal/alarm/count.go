package alarm

import (
	"slices"
	"time"

	"dingdong/internal/audit"
	"dingdong/internal/staff"
)

// counting says which actions a rule counts, and whether it counts customers or lines.
var counting = map[Rule]struct {
	actions   []string
	customers bool
}{
	Opened:   {[]string{"thread.open", "api.read"}, true},
	Listed:   {[]string{"customer.shown"}, true},
	Searches: {[]string{"customer.search", "api.search"}, false},
	Reveals:  {[]string{"customer.contact", "api.contact"}, false},
	Others:   {[]string{"thread.open"}, true},
	OffDuty:  {[]string{"thread.open", "customer.shown", "customer.contact"}, true},
	Exports:  {[]string{"export.asked", "customer.export_fetched"}, false}, // the file about one person, too
	Denied:   {[]string{"export.denied"}, false},
	Day:      {[]string{"thread.open", "api.read"}, true},
}

// byItself is where a look says that nobody asked for it: what an open page was told live.
const byItself = "live"

// count counts what a rule is about, without what an alarm that was closed has counted.
func (x *suspect) count(rule Rule) (int, error) {
	c := counting[rule]
	fits := func(a act) bool { return a.seq > x.closed[rule] && slices.Contains(c.actions, a.action) }
	acts := x.acts
	switch rule {
	case Exports, Denied:
		if !slices.ContainsFunc(acts, fits) { // nothing new: the day need not be read
			return 0, nil
		}
		day, err := audit.SeqAt(x.tx, x.tx.Now.Add(-24*time.Hour))
		if err != nil {
			return 0, err
		}
		if acts, err = x.actsSince(day-1, c.actions); err != nil {
			return 0, err
		}
	case OffDuty: // a page that was left open in the evening shows by itself who writes: nobody looks
		fits = func(a act) bool {
			return a.seq > x.closed[rule] && slices.Contains(c.actions, a.action) && a.detail != byItself && x.offDuty(a.at)
		}
	case Others: // whose it was when she looked: that she took it then changes nothing
		fits = func(a act) bool {
			return a.seq > x.closed[rule] && slices.Contains(c.actions, a.action) && a.detail != "" && a.detail != x.actor
		}
	}
	n, seen := 0, map[string]bool{}
	for _, a := range acts {
		if fits(a) && !(c.customers && seen[a.customer]) {
			n++
			seen[a.customer] = true
		}
	}
	return n, nil
}

// offDuty tells whether she was away at a time, or whether it was night at her counter.
func (x *suspect) offDuty(at time.Time) bool {
	if x.role == staff.Program {
		return false
	}
	if p := x.person; !p.AwayAt.IsZero() && at.After(p.AwayAt) && at.Before(p.AwayUntil) {
		return true
	}
	return x.settings.night(at.In(x.zone))
}
