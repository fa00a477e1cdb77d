package customer

import (
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/width"

	"dingdong/internal/db"
)

// The limits of values.
const (
	MaxValue = 500 // letters of one value
	MaxMany  = 200 // values of an attribute that takes many
)

const hashAttribute = "attribute.value"

var (
	number   = regexp.MustCompile(`^([+-]?)0*(\d{1,15})(?:\.(\d{1,6}))?$`)
	date     = regexp.MustCompile(`^(?:(\d{4})-)?(\d{2})-(\d{2})$`)
	yearly   = regexp.MustCompile(`^\d{4}[/.]\d{2}[/.]\d{2}$`)
	yesWords = map[string]string{"yes": "yes", "y": "yes", "true": "yes", "1": "yes", "no": "no", "n": "no", "false": "no", "0": "no"}
)

// normal gives the one spelling under which a value is kept, or says what is
// wrong with it.
func (d AttributeDef) normal(value string, now time.Time) (string, error) {
	value = line(value)
	bad := func(code string) (string, error) { return "", db.Invalid{Field: d.Name, Code: code} }
	if value == "" {
		return bad("required")
	}
	if utf8.RuneCountInString(value) > MaxValue {
		return bad("too_long")
	}
	switch d.Type {
	case TypeChoice, TypeMany:
		if len(d.Choices) == 0 {
			return value, nil
		}
		for _, c := range d.Choices {
			if f := Fold(value); f == Fold(c.Code) || c.Label != "" && f == Fold(c.Label) {
				return c.Code, nil
			}
		}
		return bad("unknown")
	case TypeNumber:
		m := number.FindStringSubmatch(plain(value))
		if m == nil {
			return bad("malformed")
		}
		n := m[2]
		if fraction := strings.TrimRight(m[3], "0"); fraction != "" {
			n += "." + fraction
		}
		if m[1] == "-" && n != "0" {
			n = "-" + n
		}
		return n, nil
	case TypeDate, TypeBirthday:
		return d.day(plain(value), now)
	case TypeYes:
		if word, ok := yesWords[Fold(value)]; ok {
			return word, nil
		}
		return bad("unknown")
	}
	return value, nil
}

// day checks a date. A birthday may lack its year and is not to come.
func (d AttributeDef) day(value string, now time.Time) (string, error) {
	if yearly.MatchString(value) {
		value = strings.NewReplacer("/", "-", ".", "-").Replace(value)
	}
	m := date.FindStringSubmatch(value)
	if m == nil || m[1] == "" && d.Type == TypeDate {
		return "", db.Invalid{Field: d.Name, Code: "malformed"}
	}
	year := m[1]
	if year == "" {
		year = "2000" // has a 29 February
	}
	t, err := time.Parse(time.DateOnly, year+"-"+m[2]+"-"+m[3])
	if err != nil || t.Year() < 1900 || t.Year() > 2200 {
		return "", db.Invalid{Field: d.Name, Code: "unknown"}
	}
	if d.Type == TypeBirthday && m[1] != "" && t.After(now.Add(24*time.Hour)) { // somewhere it is tomorrow already
		return "", db.Invalid{Field: d.Name, Code: "unknown"}
	}
	return value, nil
}

// plain makes full-width signs and the digits of other scripts ASCII.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		for _, zero := range [...]rune{'٠', '۰', '๐'} { // Arabic, Persian, Thai
			if r >= zero && r <= zero+9 {
				return '0' + r - zero
			}
		}
		return r
	}, width.Fold.String(s))
}

// hash is what a value is found by. It covers the attribute and
//
//	birthday            month and day, not the year: "who has her birthday this week" asks for seven hashes
//	all other types     the whole value, folded, so that case, width and marks do not matter
//
// Equal values of an attribute have equal hashes whoever has them.
func (b *Book) attributeHash(d AttributeDef, value string) string {
	if d.Type == TypeBirthday {
		value = value[len(value)-len("MM-DD"):]
	}
	return b.Vault.Hash(hashAttribute, d.ID+"\x00"+Fold(value))
}
