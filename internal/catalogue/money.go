package catalogue

import (
	"strconv"
	"strings"

	"golang.org/x/text/currency"
	"golang.org/x/text/width"

	"dingdong/internal/db"
)

// maxAmount is more than any receipt, and far from where sums overflow.
const maxAmount = 1_000_000_000_000

// digitsOf tells how many digits the minor unit of a currency has by ISO 4217: two for
// TWD, though nobody pays in cents there, none for JPY.
func digitsOf(code string) (int, bool) {
	switch code { // what nearly every row has; for IDR the library's table follows usage and not the standard
	case "TWD", "USD", "HKD", "MYR", "CNY", "IDR":
		return 2, true
	}
	if len(code) != 3 || code != strings.ToUpper(code) {
		return 0, false
	}
	unit, err := currency.ParseISO(code)
	if err != nil || code == "XXX" || code == "XTS" {
		return 0, false
	}
	scale, _ := currency.Standard.Rounding(unit)
	return scale, true
}

// ParseAmount reads what tills and spreadsheets print: "1,280", "NT$1,280.00", "(90)",
// "1.280,50". A point or comma with three digits behind it parts thousands only where
// that is certain; "1.280" in a currency of two digits is refused and not guessed.
func ParseAmount(s, currencyCode string) (int64, error) {
	digits, ok := digitsOf(currencyCode)
	if !ok {
		return 0, db.Invalid{Field: "currency", Code: "currency"}
	}
	if n, ok := plainAmount(s, digits); ok {
		return n, nil
	}
	malformed := db.Invalid{Field: "amount", Code: "number"}
	s = strings.TrimSpace(width.Narrow.String(s))
	negative := false
	if len(s) > 2 && s[0] == '(' && s[len(s)-1] == ')' {
		negative, s = true, s[1:len(s)-1]
	}
	var number strings.Builder
	sign := false
	for i, r := range s {
		switch {
		case r >= '0' && r <= '9' || r == '.' || r == ',':
			number.WriteRune(r)
		case r == '-' || r == '\u2212':
			if sign || negative || (number.Len() > 0 && i != len(s)-1) {
				return 0, malformed
			}
			sign, negative = true, true
		case r == '+' && number.Len() == 0, r == ' ', r == '\u00a0', r == '\'':
		case strings.ContainsRune("NTUSHKRMRp$¥€£₩元圓", r), strings.EqualFold(string(r), string(currencyCode[0])),
			strings.ContainsRune(currencyCode, r):
		default:
			return 0, malformed
		}
	}
	whole, fraction, ok := splitNumber(number.String(), digits)
	if !ok {
		return 0, malformed
	}
	n, ok := minorUnits(whole, fraction, digits)
	if !ok {
		return 0, malformed
	}
	if negative {
		n = -n
	}
	return n, nil
}

// plainAmount reads digits and at most one point, without taking memory.
func plainAmount(s string, digits int) (int64, bool) {
	if s == "" || len(s) > 12 {
		return 0, false
	}
	var n int64
	negative := s[0] == '-'
	if negative {
		s = s[1:]
	}
	behind := -1
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			n = n*10 + int64(c-'0')
			if behind >= 0 {
				behind++
			}
		case c == '.' && behind < 0 && i > 0:
			behind = 0
		default:
			return 0, false
		}
	}
	if s == "" || behind == 0 || behind > digits {
		return 0, false
	}
	for range digits - max(behind, 0) {
		n *= 10
	}
	if n > maxAmount {
		return 0, false
	}
	if negative {
		n = -n
	}
	return n, true
}

// splitNumber tells the decimal mark from the marks between thousands.
func splitNumber(s string, digits int) (whole, fraction string, ok bool) {
	last := strings.LastIndexAny(s, ".,")
	if last < 0 {
		return s, "", s != ""
	}
	mark, behind := s[last], len(s)-last-1
	other := byte('.')
	if mark == '.' {
		other = ','
	}
	count := strings.Count(s, string(mark))
	switch {
	case count > 1, mark == ',' && behind == 3 && strings.IndexByte(s, '.') < 0 && digits != 3:
		// Every mark parts thousands.
		if strings.IndexByte(s, other) >= 0 || !thousands(s, mark) {
			return "", "", false
		}
		return strings.ReplaceAll(s, string(mark), ""), "", true
	case mark == '.' && behind == 3 && digits == 0 && strings.IndexByte(s, ',') < 0:
		return strings.ReplaceAll(s, ".", ""), "", thousands(s, '.')
	}
	whole, fraction = s[:last], s[last+1:]
	if strings.IndexByte(whole, other) >= 0 {
		if !thousands(whole, other) {
			return "", "", false
		}
		whole = strings.ReplaceAll(whole, string(other), "")
	}
	return whole, fraction, whole != "" && fraction != ""
}

// thousands says whether the marks stand before every third digit.
func thousands(s string, mark byte) bool {
	parts := strings.Split(s, string(mark))
	if len(parts[0]) == 0 || len(parts[0]) > 3 {
		return false
	}
	for _, p := range parts[1:] {
		if len(p) != 3 {
			return false
		}
	}
	return true
}

func minorUnits(whole, fraction string, digits int) (int64, bool) {
	for len(fraction) > digits {
		if fraction[len(fraction)-1] != '0' {
			return 0, false
		}
		fraction = fraction[:len(fraction)-1]
	}
	n, err := strconv.ParseInt(whole+fraction+strings.Repeat("0", digits-len(fraction)), 10, 64)
	return n, err == nil && n <= maxAmount
}

// FormatAmount writes an amount with a point and its decimals, without them when they
// are nought: "1280", "12.50".
func FormatAmount(amount int64, currencyCode string) string {
	digits, _ := digitsOf(currencyCode)
	sign := ""
	if amount < 0 {
		sign, amount = "-", -amount
	}
	unit := int64(1)
	for range digits {
		unit *= 10
	}
	s := sign + strconv.FormatInt(amount/unit, 10)
	if rest := amount % unit; rest != 0 {
		f := strconv.FormatInt(rest, 10)
		s += "." + strings.Repeat("0", digits-len(f)) + f
	}
	return s
}
