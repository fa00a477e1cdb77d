package consent

import (
	"time"
)

// minuteOf reads "21:00" as minutes of the day. Every message asks for it: time.Parse
// would take longer than the rest of the planner.
func minuteOf(clock string) (int, bool) {
	if len(clock) != 5 || clock[2] != ':' {
		return 0, false
	}
	hour, ok := twoDigits(clock[:2], 24)
	minute, ok2 := twoDigits(clock[3:], 60)
	return 60*hour + minute, ok && ok2
}

func twoDigits(s string, below int) (int, bool) {
	if s[0] < '0' || s[0] > '9' || s[1] < '0' || s[1] > '9' {
		return 0, false
	}
	n := 10*int(s[0]-'0') + int(s[1]-'0')
	return n, n < below
}

// holds says whether it is quiet on the clocks of a zone.
func (q Quiet) holds(t time.Time, zone *time.Location) bool {
	from, _ := minuteOf(q.From)
	to, _ := minuteOf(q.To)
	local := t.In(zone)
	now := 60*local.Hour() + local.Minute()
	if from <= to {
		return from <= now && now < to
	}
	return now >= from || now < to
}

// after is the first minute after t, in which it is quiet, that is not.
func (q Quiet) after(t time.Time, zone *time.Location) time.Time {
	to, _ := minuteOf(q.To)
	local := t.In(zone)
	y, m, d := local.Date()
	if 60*local.Hour()+local.Minute() >= to {
		d++
	}
	ends := time.Date(y, m, d, to/60, to%60, 0, 0, zone)
	if ends.After(t) && !q.holds(ends, zone) && q.holds(ends.Add(-time.Minute), zone) {
		return ends
	}
	// The clocks are changed in these hours: look minute by minute.
	for ends = t.Truncate(time.Minute); !ends.After(t) || q.holds(ends, zone); {
		ends = ends.Add(time.Minute)
	}
	return ends
}

// isHoliday says whether a time lies on a holiday of her calendar.
func (r Rules) isHoliday(t time.Time, zone *time.Location) bool {
	_, found := r.holiday(t, zone)
	return found
}

func (r Rules) holiday(t time.Time, zone *time.Location) (Holiday, bool) {
	if len(r.Holidays) == 0 {
		return Holiday{}, false
	}
	var buf [10]byte
	date := t.In(zone).AppendFormat(buf[:0], time.DateOnly)
	for _, h := range r.Holidays {
		if h.Date == string(date) {
			return h, true
		}
	}
	return Holiday{}, false
}

// afterHoliday is the beginning of the next day.
func (r Rules) afterHoliday(t time.Time, zone *time.Location) time.Time {
	y, m, d := t.In(zone).Date()
	next := time.Date(y, m, d+1, 0, 0, 0, 0, zone)
	if next.After(t) && next.In(zone).Day() != d {
		return next
	}
	// Midnight does not exist on that day: its first minute is a later one.
	for next = t.Truncate(time.Minute); !next.After(t) || next.In(zone).Day() == d; {
		next = next.Add(time.Minute)
	}
	return next
}

// taiwanHolidays are the public holidays of 2026 and 2027 with the days off that
// stand in for those at a weekend.
func taiwanHolidays() []Holiday {
	return []Holiday{
		{"2026-01-01", "元旦 New Year's Day"},
		{"2026-02-15", "小年夜 Eve of Lunar New Year's Eve"},
		{"2026-02-16", "除夕 Lunar New Year's Eve"},
		{"2026-02-17", "春節 Lunar New Year"},
		{"2026-02-18", "春節 Lunar New Year"},
		{"2026-02-19", "春節 Lunar New Year"},
		{"2026-02-20", "小年夜補假 Lunar New Year, day off"},
		{"2026-02-27", "和平紀念日補假 Peace Memorial Day, day off"},
		{"2026-02-28", "和平紀念日 Peace Memorial Day"},
		{"2026-04-03", "兒童節補假 Children's Day, day off"},
		{"2026-04-04", "兒童節 Children's Day"},
		{"2026-04-05", "清明節 Tomb Sweeping Day"},
		{"2026-04-06", "清明節補假 Tomb Sweeping Day, day off"},
		{"2026-05-01", "勞動節 Labour Day"},
		{"2026-06-19", "端午節 Dragon Boat Festival"},
		{"2026-09-25", "中秋節 Mid-Autumn Festival"},
		{"2026-09-28", "教師節 Teachers' Day"},
		{"2026-10-09", "國慶日補假 National Day, day off"},
		{"2026-10-10", "國慶日 National Day"},
		{"2026-10-25", "光復節 Retrocession Day"},
		{"2026-10-26", "光復節補假 Retrocession Day, day off"},
		{"2026-12-25", "行憲紀念日 Constitution Day"},
		{"2027-01-01", "元旦 New Year's Day"},
		{"2027-02-04", "小年夜 Eve of Lunar New Year's Eve"},
		{"2027-02-05", "除夕 Lunar New Year's Eve"},
		{"2027-02-06", "春節 Lunar New Year"},
		{"2027-02-07", "春節 Lunar New Year"},
		{"2027-02-08", "春節 Lunar New Year"},
		{"2027-02-09", "春節補假 Lunar New Year, day off"},
		{"2027-02-10", "春節補假 Lunar New Year, day off"},
		{"2027-02-28", "和平紀念日 Peace Memorial Day"},
		{"2027-03-01", "和平紀念日補假 Peace Memorial Day, day off"},
		{"2027-04-04", "兒童節 Children's Day"},
		{"2027-04-05", "清明節 Tomb Sweeping Day"},
		{"2027-04-06", "兒童節補假 Children's Day, day off"},
		{"2027-04-30", "勞動節補假 Labour Day, day off"},
		{"2027-05-01", "勞動節 Labour Day"},
		{"2027-06-09", "端午節 Dragon Boat Festival"},
		{"2027-09-15", "中秋節 Mid-Autumn Festival"},
		{"2027-09-28", "教師節 Teachers' Day"},
		{"2027-10-10", "國慶日 National Day"},
		{"2027-10-11", "國慶日補假 National Day, day off"},
		{"2027-10-25", "光復節 Retrocession Day"},
		{"2027-12-24", "行憲紀念日補假 Constitution Day, day off"},
		{"2027-12-25", "行憲紀念日 Constitution Day"},
	}
}
