package web

import (
	"cmp"
	"strconv"
	"strings"

	"dingdong/internal/customer"
	"dingdong/internal/insight"
	"dingdong/internal/staff"
)

// loadTagWords gives what the tags of the shipped lexicons are called: language of
// the console -> name of the tag -> words.
func loadTagWords() (map[string]map[string]string, error) {
	all, err := insight.TagWords()
	if err != nil {
		return nil, err
	}
	out := map[string]map[string]string{}
	for _, t := range all {
		for language, label := range t.Label {
			if out[language] == nil {
				out[language] = map[string]string{}
			}
			out[language][t.Name] = label
		}
	}
	return out, nil
}

// tagName says a tag: the group's words, else the house's, else its name as it is.
func (s *Server) tagName(w *Words, name, label string) string {
	words := cmp.Or(label, s.ofTags[w.Tag][name], s.ofTags[fallback][name])
	if key := "tag." + name; words == "" && w.Has(key) {
		words = w.T(key)
	}
	if words == "" {
		_, short, found := strings.Cut(name, ":")
		if !found {
			short = name
		}
		words = strings.ReplaceAll(short, "_", " ")
	}
	return words
}

// attributeName says an attribute in the same way.
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
