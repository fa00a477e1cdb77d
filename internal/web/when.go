package web

import (
	"strconv"
	"time"
)

// Clock says times in one language and one time zone, as seen from one moment.
type Clock struct {
	Now   time.Time
	Zone  *time.Location
	Words *Words
}

// Wait is how long somebody has been waiting, in words and as a feeling:
// "now", "fresh", "warm" (amber) or "late" (rouge).
type Wait struct {
	Text  string
	Level string
	Since int64 // unix seconds: the page keeps counting by itself
}

// Bounds of the feelings. A customer who is answered within five minutes does not
// notice that she waited; after a quarter of an hour she has left the chat.
const (
	waitFresh = time.Minute
	waitWarm  = 5 * time.Minute
	waitLate  = 15 * time.Minute
)

// Waiting says how long somebody has waited; the zero Wait when nobody does.
func (c Clock) Waiting(since time.Time) Wait {
	if since.IsZero() {
		return Wait{}
	}
	w := Wait{Text: c.span(c.Now.Sub(since)), Since: since.Unix(), Level: "late"}
	switch d := c.Now.Sub(since); {
	case d < waitFresh:
		w.Level = "now"
	case d < waitWarm:
		w.Level = "fresh"
	case d < waitLate:
		w.Level = "warm"
	}
	return w
}

// span says a length of time: "just now", "3 min", "2 h", "4 days". The script of
// the page uses the same sentences, so they live under "js.".
func (c Clock) span(d time.Duration) string {
	switch {
	case d < time.Minute:
		return c.Words.T("js.wait.now")
	case d < time.Hour:
		return c.Words.T("js.wait.minutes", "n", int(d/time.Minute))
	case d < 24*time.Hour:
		return c.Words.T("js.wait.hours", "n", int(d/time.Hour))
	}
	return c.Words.T("js.wait.days", "n", int(d/(24*time.Hour)))
}

// Ago says how long ago something was: "just now", "3 min ago", else as Stamp.
func (c Clock) Ago(t time.Time) string {
	d := c.Now.Sub(t)
	switch {
	case d < time.Minute:
		return c.Words.T("js.wait.now")
	case d < time.Hour:
		return c.Words.T("when.ago", "span", c.span(d))
	}
	return c.Stamp(t)
}

// Time says the time of day: "14:02".
func (c Clock) Time(t time.Time) string {
	return t.In(c.Zone).Format("15:04")
}

// Stamp is the short time of a list: "14:02" today, "yesterday", a weekday within
// the week, then the date.
func (c Clock) Stamp(t time.Time) string {
	switch days := c.daysAgo(t); {
	case days == 0:
		return c.Time(t)
	case days == 1:
		return c.Words.T("when.yesterday")
	case days > 1 && days < 7:
		return c.Words.T("when.weekday." + strconv.Itoa(int(t.In(c.Zone).Weekday())))
	}
	return c.Date(t)
}

// Date says the day: "22 November", with the year when it is not this one.
func (c Clock) Date(t time.Time) string {
	t = t.In(c.Zone)
	month := c.Words.T("when.month." + strconv.Itoa(int(t.Month())))
	if t.Year() == c.Now.In(c.Zone).Year() {
		return c.Words.T("when.date", "day", t.Day(), "month", month)
	}
	return c.Words.T("when.date_year", "day", t.Day(), "month", month, "year", t.Year())
}

// Moment says day and time: "today, 14:02", "22 November, 14:02".
func (c Clock) Moment(t time.Time) string {
	day := c.Date(t)
	switch c.daysAgo(t) {
	case 0:
		day = c.Words.T("when.today")
	case 1:
		day = c.Words.T("when.yesterday")
	}
	return c.Words.T("when.moment", "day", day, "time", c.Time(t))
}

// Day is the separator between the days of a thread: "Today, 22 November".
func (c Clock) Day(t time.Time) string {
	switch c.daysAgo(t) {
	case 0:
		return c.Words.T("when.day_named", "name", c.Words.T("when.today_separator"), "date", c.Date(t))
	case 1:
		return c.Words.T("when.day_named", "name", c.Words.T("when.yesterday_separator"), "date", c.Date(t))
	}
	return c.Date(t)
}

// SameDay tells whether no separator is needed between two messages.
func (c Clock) SameDay(a, b time.Time) bool {
	return dayNumber(a.In(c.Zone)) == dayNumber(b.In(c.Zone))
}

// Machine is a time for the datetime attribute.
func (c Clock) Machine(t time.Time) string {
	return t.UTC().Format(time.RFC3339)
}

func (c Clock) daysAgo(t time.Time) int {
	return dayNumber(c.Now.In(c.Zone)) - dayNumber(t.In(c.Zone))
}

// dayNumber counts calendar days, so that a day of 23 or 25 hours is still one.
func dayNumber(t time.Time) int {
	y, m, d := t.Date()
	return int(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / 86400)
}
