package catalogue

import (
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"dingdong/internal/db"
)

// The longest texts, in letters.
const (
	maxRef   = 100
	maxName  = 200
	maxWord  = 60
	maxURL   = 500
	maxFacet = 20 // of one variant
)

// fields collects the first error of an entry while its texts are cleaned.
type fields struct {
	bad  db.Invalid
	path string // "variants.2." before the names of fields
}

func (f *fields) fail(field, code string) {
	if f.bad.Code == "" {
		f.bad = db.Invalid{Field: f.path + field, Code: code}
	}
}

// text cleans a text in place.
func (f *fields) text(field string, s *string, longest int) {
	if *s == "" {
		return
	}
	if *s = oneLine(*s); len(*s) > longest && utf8.RuneCountInString(*s) > longest {
		f.fail(field, "too_long")
	}
}

// needed is text that must not be empty.
func (f *fields) needed(field string, s *string, longest int) {
	if f.text(field, s, longest); *s == "" {
		f.fail(field, "required")
	}
}

// oneLine removes what has no place in a name or number: NUL, broken UTF-8, control
// characters, marks that turn the reading direction, space at the ends and doubled.
func oneLine(s string) string {
	if plain(s) {
		return s
	}
	s = norm.NFC.String(strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r), r == utf8.RuneError, r == '\uFEFF', unicode.In(r, unicode.Bidi_Control):
			return -1
		}
		return r
	}, s))
	return strings.Join(strings.Fields(s), " ")
}

// plain is what most cells are, and need nothing done.
func plain(s string) bool {
	space := true
	for i := range len(s) {
		c := s[i]
		if c < ' ' || c >= 0x7f || c == ' ' && space {
			return false
		}
		space = c == ' '
	}
	return !space
}

var colour = regexp.MustCompile(`^#[0-9a-f]{6}$`)

func (f *fields) colour(field string, s *string) {
	*s = strings.ToLower(oneLine(*s))
	if len(*s) == 6 && (*s)[0] != '#' {
		*s = "#" + *s
	}
	if *s != "" && !colour.MatchString(*s) {
		f.fail(field, "colour")
	}
}

func (f *fields) url(field string, s *string) {
	if f.text(field, s, maxURL); *s == "" {
		return
	}
	u, err := url.Parse(*s)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil {
		f.fail(field, "url")
	}
}

func (f *fields) currency(field string, s *string) {
	*s = strings.ToUpper(strings.TrimSpace(*s))
	if _, ok := digitsOf(*s); !ok {
		f.fail(field, "currency")
	}
}

// facet is "<kind>:<value>" in the words of the lexicons.
var facet = regexp.MustCompile(`^[a-z][a-z0-9_]{0,29}:[a-z0-9][a-z0-9_]{0,29}$`)

// facets cleans, sorts and folds the facets of a variant.
func (f *fields) facets(field string, list []string) []string {
	out := make([]string, 0, len(list))
	for _, s := range list {
		s = strings.ToLower(oneLine(s))
		if s == "" {
			continue
		}
		if !facet.MatchString(s) {
			f.fail(field, "facet")
		}
		out = append(out, s)
	}
	slices.Sort(out)
	out = slices.Compact(out)
	if len(out) > maxFacet {
		f.fail(field, "too_many")
	}
	return out
}

var earliest = time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC)

// moment refuses times that can only be a slip.
func (f *fields) moment(field string, at, latest time.Time) {
	switch {
	case at.Before(earliest):
		f.fail(field, "too_early")
	case at.After(latest):
		f.fail(field, "too_late")
	}
}

// inside is a name for entry n of a list, counted from one as people do.
func inside(list string, n int) string { return list + "." + strconv.Itoa(n+1) + "." }
