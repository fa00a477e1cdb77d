package web

import (
	"slices"
	"strconv"
	"time"

	"dingdong/internal/consent"
)

// rulesPreview is a calendar of sixty days for a customer who might be: where
// messages would go if the store wanted to write as often as it may.
type rulesPreview struct {
	Wrong    bool // what is typed cannot be: it shows the rules that hold
	Since    []Option
	Heard    []Option
	Kinds    []Option
	Sample   map[string]string
	Weekdays []string
	Months   []previewMonth
	Summary  string
	Quiet    string
	Messages []previewMessage
}

type previewMonth struct {
	Name  string
	Blank []struct{} // cells before the first day
	Days  []previewDay
}

type previewDay struct {
	Day     int
	Date    string
	Today   bool
	Holiday string
	At      string // a message goes at that time
	Label   string // all of that, to be heard
}

type previewMessage struct{ When, Why string }

func (s *Server) preview(v *Visit, rules consent.Rules, x sample) rulesPreview {
	clock := s.clock(v, "")
	scene := x.scene(rules, clock.Now, clock.Zone)
	p := rulesPreview{Sample: map[string]string{"since": x.since, "heard": x.heard, "kind": map[bool]string{true: "same", false: "other"}[x.same]}}
	for _, o := range sampleSince {
		p.Since = append(p.Since, Option{o, v.T("consent.sample.since." + o)})
	}
	for _, o := range sampleHeard {
		p.Heard = append(p.Heard, Option{o, v.T("consent.sample.heard." + o)})
	}
	p.Kinds = []Option{{"other", v.T("consent.sample.kind.other")}, {"same", v.T("consent.sample.kind.same")}}
	if p.Quiet = v.T("consent.preview.quiet", "from", rules.Quiet.From, "to", rules.Quiet.To); rules.Quiet.From == rules.Quiet.To {
		p.Quiet = v.T("consent.preview.no_quiet")
	}
	goes := map[string]string{}
	placed := slices.DeleteFunc(consent.Place(scene), func(m consent.Placed) bool { return m.At.IsZero() })
	slices.SortFunc(placed, func(a, b consent.Placed) int { return a.At.Compare(b.At) })
	for _, m := range placed {
		day := m.At.In(clock.Zone).Format(time.DateOnly)
		goes[day] = clock.Time(m.At)
		p.Messages = append(p.Messages, previewMessage{clock.coming(m.At), v.whyLater(m.Why)})
	}
	p.Summary = v.T("consent.preview.summary", "n", len(placed), "days", sampleDays)
	if len(placed) == 0 {
		p.Summary = v.T("consent.preview.none", "days", sampleDays)
	}
	p.calendar(clock, rules, goes)
	return p
}

// whyLater says what a message had to wait for.
func (v *Visit) whyLater(why []string) string {
	if len(why) == 0 {
		return v.T("consent.why.now")
	}
	var words []string
	for _, w := range why {
		words = append(words, v.T("consent.why."+w))
	}
	return joined(words...)
}

func (p *rulesPreview) calendar(clock Clock, rules consent.Rules, goes map[string]string) {
	holidays := map[string]string{}
	for _, h := range rules.Holidays {
		holidays[h.Date] = h.Name
		if h.Name == "" {
			holidays[h.Date] = clock.Words.T("consent.preview.holiday")
		}
	}
	for i := range 7 { // the week begins on Sunday, as calendars in Taiwan do
		p.Weekdays = append(p.Weekdays, clock.Words.T("consent.weekday."+strconv.Itoa(i)))
	}
	first := sampleDay(clock.Now, clock.Zone)
	for n := range sampleDays {
		day := first.AddDate(0, 0, n)
		date := day.Format(time.DateOnly)
		if len(p.Months) == 0 || day.Day() == 1 {
			p.Months = append(p.Months, previewMonth{Name: clock.Words.T("when.month." + strconv.Itoa(int(day.Month()))), Blank: make([]struct{}, int(day.Weekday()))})
		}
		d := previewDay{Day: day.Day(), Date: date, Today: n == 0, Holiday: holidays[date], At: goes[date]}
		d.Label = clock.Date(day)
		if d.Holiday != "" {
			d.Label = joined(d.Label, d.Holiday)
		}
		if d.At != "" {
			d.Label = joined(d.Label, clock.Words.T("consent.preview.goes", "time", d.At))
		}
		m := &p.Months[len(p.Months)-1]
		m.Days = append(m.Days, d)
	}
}
