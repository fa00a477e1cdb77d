package insight

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Languages are those that a lexicon may be of, in the order in which equal
// findings of two of them are told apart.
func Languages() []string {
	return []string{"zh-Hant", "zh-Hans", "en", "id", "ms", "ar", "th", "vi"}
}

// byLetters says whether a language writes without spaces, so that distances
// are counted in letters.
func byLetters(language string) bool {
	return language == "th" || strings.HasPrefix(language, "zh")
}

// latin says whether a language shares its letters with others.
func latin(language string) bool {
	return slices.Contains([]string{"en", "id", "ms", "vi"}, language)
}

// asksKeep is the rule that takes a question for a wish.
const asksKeep = "keep"

// list is a list of phrases with its path in the file.
type list struct {
	field string
	texts []string
}

func (l *Lexicon) lists() []list {
	all := []list{
		{"words", l.Words}, {"negation.before", l.Negation.Before}, {"negation.after", l.Negation.After},
		{"negation.except", l.Negation.Except}, {"negation.past", l.Negation.Past}, {"other", l.Other}, {"self", l.Self},
		{"question.words", l.Question.Words}, {"question.final", l.Question.Final}, {"question.except", l.Question.Except},
		{"question.doubt", l.Question.Doubt}, {"question.or", l.Question.Or},
		{"clause", l.Clause}, {"condition", l.Condition}, {"same", l.Same}, {"differs", l.Differs}, {"guards", l.Guards}, {"prefixes", l.Prefixes}, {"suffixes", l.Suffixes},
	}
	for i, r := range l.Rules {
		all = append(all, list{fmt.Sprintf("rules[%d].phrases", i), r.Phrases}, list{fmt.Sprintf("rules[%d].denied", i), r.Denied},
			list{fmt.Sprintf("rules[%d].unless", i), r.Unless})
	}
	return all
}

// check says what is wrong with a lexicon, the first thing only.
func (l *Lexicon) check() (Problem, bool) {
	bad := func(field, code string, detail ...string) (Problem, bool) {
		return Problem{Field: field, Code: code, Detail: strings.Join(detail, " ")}, false
	}
	switch {
	case l.Language == "":
		return bad("language", "required")
	case !slices.Contains(Languages(), l.Language):
		return bad("language", "unknown", l.Language)
	case l.Version < 1 || l.Version > 1_000_000:
		return bad("version", "range")
	case l.Negation.Window < 0 || l.Negation.Window > 20:
		return bad("negation.window", "range")
	case l.Gap < 0 || l.Gap > 20:
		return bad("gap", "range")
	case len(l.Rules) == 0:
		return bad("rules", "required")
	case len(l.Rules) > maxRules:
		return bad("rules", "too_many")
	}
	for i, m := range l.Question.Marks {
		if foldPhrase(m) != "?" {
			return bad(fmt.Sprintf("question.marks[%d]", i), "unknown", m)
		}
	}
	if p, ok := l.checkLists(); !ok {
		return p, false
	}
	ids := map[string]bool{}
	for i, r := range l.Rules {
		at := fmt.Sprintf("rules[%d]", i)
		if r.ID == "" {
			return bad(at+".id", "required")
		}
		if !name(r.ID, "_.:") {
			return bad(at+".id", "format", r.ID)
		}
		if ids[r.ID] {
			return bad(at+".id", "taken", r.ID)
		}
		ids[r.ID] = true
		if p, ok := r.check(at); !ok {
			return p, false
		}
	}
	return Problem{}, true
}

func (l *Lexicon) checkLists() (Problem, bool) {
	total := 0
	for _, li := range l.lists() {
		seen := map[string]bool{}
		for i, text := range li.texts {
			field := fmt.Sprintf("%s[%d]", li.field, i)
			total++
			switch {
			case total > maxPhrases:
				return Problem{Field: field, Code: "too_many"}, false
			case strings.TrimSpace(text) == "":
				return Problem{Field: field, Code: "required"}, false
			case utf8.RuneCountInString(text) > maxPhrase:
				return Problem{Field: field, Code: "too_long", Detail: short(text)}, false
			}
			parts := splitParts(text)
			if len(parts) > 1 && !strings.HasSuffix(li.field, ".phrases") || len(parts) > 4 {
				return Problem{Field: field, Code: "format", Detail: text}, false
			}
			for _, p := range parts {
				if p == "" || !hasLetter(p) {
					return Problem{Field: field, Code: "format", Detail: text}, false
				}
			}
			// Spellings that are one when folded ("mother's day", "mothers day") are
			// both welcome; the same text twice is a slip.
			if seen[text] {
				return Problem{Field: field, Code: "taken", Detail: text}, false
			}
			seen[text] = true
		}
	}
	return Problem{}, true
}

func (r Rule) check(at string) (Problem, bool) {
	bad := func(field, code, detail string) (Problem, bool) {
		return Problem{Field: at + field, Code: code, Detail: detail}, false
	}
	switch {
	case len(r.Phrases) == 0:
		return bad(".phrases", "required", r.ID)
	case r.Tag == "" && r.Attribute == nil && r.Signal == "":
		return bad(".tag", "required", r.ID)
	case r.Tag != "" && !name(r.Tag, "_:"):
		return bad(".tag", "format", r.Tag)
	case r.Signal != "" && !name(r.Signal, "_:"):
		return bad(".signal", "format", r.Signal)
	case r.Reply != "" && !name(r.Reply, "_:"):
		return bad(".reply", "format", r.Reply)
	case r.Asks != "" && r.Asks != asksKeep && r.Asks != "ignore":
		return bad(".asks", "unknown", r.Asks)
	case r.Days < 0 || r.Days > 36500:
		return bad(".days", "range", r.ID)
	}
	if r.Attribute != nil {
		if p, ok := r.Attribute.check(at + ".attribute"); !ok {
			return p, false
		}
	}
	if r.Negated == nil {
		return Problem{}, true
	}
	if r.Negated.Tag == "" && r.Negated.Attribute == nil {
		return bad(".negated", "required", r.ID)
	}
	if r.Negated.Tag != "" && !name(r.Negated.Tag, "_:") {
		return bad(".negated.tag", "format", r.Negated.Tag)
	}
	if r.Negated.Attribute != nil {
		return r.Negated.Attribute.check(at + ".negated.attribute")
	}
	return Problem{}, true
}

func (a Attribute) check(at string) (Problem, bool) {
	switch {
	case !name(a.Name, "_"):
		return Problem{Field: at + ".name", Code: "format", Detail: short(a.Name)}, false
	case strings.TrimSpace(a.Value) == "":
		return Problem{Field: at + ".value", Code: "required"}, false
	case utf8.RuneCountInString(a.Value) > maxPhrase:
		return Problem{Field: at + ".value", Code: "too_long"}, false
	}
	return Problem{}, true
}

// name tells whether s is a word for programs: a-z, 0-9 and the signs in more,
// which stand neither first nor last.
func name(s, more string) bool {
	if s == "" || len(s) > 60 || strings.ContainsAny(s[:1]+s[len(s)-1:], more) {
		return false
	}
	for _, c := range s {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && !strings.ContainsRune(more, c) {
			return false
		}
	}
	return true
}

// splitParts folds a phrase and cuts it where " ~ " leaves room for other words.
func splitParts(text string) []string {
	raw := strings.Split(text, " ~ ")
	parts := make([]string, len(raw))
	for i, p := range raw {
		parts[i] = foldPhrase(p)
	}
	return parts
}
