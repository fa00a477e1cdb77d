package web

import (
	"cmp"
	"strconv"
	"strings"

	"dingdong/internal/customer"
	"dingdong/internal/staff"
)

// attributeName says an attribute: the group's words, else the house's, else its name.
func attributeName(w *Words, d customer.AttributeDef) string {
	if key := "attribute." + d.Name; d.Label == "" && w.Has(key) {
		return w.T(key)
	}
	return cmp.Or(d.Label, strings.ReplaceAll(d.Name, "_", " "))
}

// brandOptions are the open brands, and the one that is chosen, below "every brand".
func brandOptions(v *Visit, brands []staff.Brand, chosen string) []Option {
	options := []Option{{"", v.T("known.every_brand")}}
	for _, b := range brands {
		if b.ClosedAt.IsZero() || b.ID == chosen {
			options = append(options, Option{b.ID, b.Name})
		}
	}
	return options
}

func brandName(brands []staff.Brand, id string) string {
	for _, b := range brands {
		if b.ID == id {
			return b.Name
		}
	}
	return ""
}

// typedNumber reads a whole number of a form: empty is nought, and what is none is a
// number that no room takes.
func typedNumber(s string) int {
	if s = strings.TrimSpace(s); s == "" {
		return 0
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		return -1
	}
	return n
}

// number says a count in a form, and nought not at all.
func formNumber(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// joined puts what is not empty into one line.
func joined(parts ...string) string {
	var out []string
	for _, p := range parts {
		if p != "" {
			out = append(out, p)
		}
	}
	return strings.Join(out, " · ")
}
