package catalogue

import (
	"strings"
	"time"

	"golang.org/x/text/width"
)

// moments reads dates and times of a file: year, month and day in this order, with any
// mark between them or none, and a time if there is one. Other orders are not guessed:
// nobody can tell 03/04 from 04/03.
type moments struct {
	zone *time.Location
	roc  bool // years of the Republic of China
}

// rocEpoch is added to a year of the Republic of China.
const rocEpoch = 1911

func (m moments) parse(date, clock string) (time.Time, bool) {
	if clock != "" {
		date += " " + clock
	}
	if !plain(date) {
		date = width.Narrow.String(oneLine(date))
	}
	s, noon := halfDay(date)
	s, zone, ok := m.zoneOf(s)
	if !ok {
		return time.Time{}, false
	}
	// At most year, month, day, hour, minute, second.
	var n [6]int
	var digits [6]int
	count := 0
	inside := false
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c < '0' || c > '9' {
			if c == '.' && count == 6 && inside { // parts of a second
				break
			}
			if c < 0x80 && !strings.ContainsRune("-/.: T", rune(c)) {
				return time.Time{}, false
			}
			inside = false
			continue
		}
		if !inside {
			if inside = true; count == len(n) {
				return time.Time{}, false
			}
			count++
		}
		if digits[count-1]++; digits[count-1] > 14 {
			return time.Time{}, false
		}
		n[count-1] = n[count-1]*10 + int(c-'0')
	}
	if foreign(s) {
		return time.Time{}, false
	}
	n, count, ok = unpack(n, digits, count)
	if !ok || count < 3 || count == 4 {
		return time.Time{}, false
	}
	if m.roc && n[0] < 1000 {
		n[0] += rocEpoch
	}
	if noon != 0 {
		if n[3] > 12 {
			return time.Time{}, false
		}
		n[3] = n[3]%12 + 12*(noon-1)
	}
	if n[0] < 1000 || n[0] > 9999 || n[1] < 1 || n[1] > 12 || n[2] < 1 || n[3] > 23 || n[4] > 59 || n[5] > 59 {
		return time.Time{}, false
	}
	at := time.Date(n[0], time.Month(n[1]), n[2], n[3], n[4], n[5], 0, zone)
	if at.Day() != n[2] { // 31 April
		return time.Time{}, false
	}
	return at.UTC(), true
}

// unpack parts "20261122", "1151122" and "20261122130500" into their numbers.
func unpack(n, digits [6]int, count int) ([6]int, int, bool) {
	if digits[0] <= 4 {
		for i := 1; i < count; i++ {
			if digits[i] > 2 {
				return n, 0, false
			}
		}
		return n, count, true
	}
	var out [6]int
	day, rest := n[0], 0
	switch {
	case digits[0] == 14 && count == 1:
		day, rest = n[0]/1_000_000, n[0]%1_000_000
		out[3], out[4], out[5] = rest/10_000, rest/100%100, rest%100
		count = 6
	case digits[0] == 8 || digits[0] == 7:
		if count == 2 && (digits[1] == 4 || digits[1] == 6) { // 20261122 1305
			if digits[1] == 4 {
				n[1] *= 100
			}
			out[3], out[4], out[5] = n[1]/10_000, n[1]/100%100, n[1]%100
			count = 6
			break
		}
		if count > 4 {
			return n, 0, false
		}
		copy(out[3:], n[1:count])
		count += 2
	default:
		return n, 0, false
	}
	out[0], out[1], out[2] = day/10_000, day/100%100, day%100
	return out, count, true
}

// foreign says whether there are other letters than those of a date in Chinese.
func foreign(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool {
		return r >= 0x80 && !strings.ContainsRune("年月日時时分秒點点號号民國国西元", r)
	})
}

// halfDay takes the words for the half of the day away: 1 before noon, 2 after.
func halfDay(s string) (string, int) {
	for _, w := range []struct {
		word string
		half int
	}{{"上午", 1}, {"下午", 2}, {"晚上", 2}, {"AM", 1}, {"PM", 2}, {"am", 1}, {"pm", 2}} {
		if strings.Contains(s, w.word) {
			return strings.TrimSpace(strings.Replace(s, w.word, " ", 1)), w.half
		}
	}
	return s, 0
}

// zoneOf takes "Z" or "+08:00" from the end.
func (m moments) zoneOf(s string) (string, *time.Location, bool) {
	if rest, ok := strings.CutSuffix(s, "Z"); ok {
		return rest, time.UTC, true
	}
	i := max(strings.LastIndexByte(s, '+'), strings.LastIndexByte(s, '-'))
	if i < 0 || s[i] == '-' && !strings.ContainsAny(s[:i], ":") {
		return s, m.zone, true
	}
	at, err := time.Parse("-0700", strings.Replace(s[i:], ":", "", 1))
	if err != nil {
		return "", nil, false
	}
	_, offset := at.Zone()
	return strings.TrimSpace(s[:i]), time.FixedZone("", offset), true
}
