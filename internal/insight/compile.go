package insight

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"
)

// Reader reads messages against the lexicons it was compiled of. It does not
// change, so any number of goroutines may read at once.
type Reader struct {
	machine  *automaton
	uses     []use   // what patterns are for, one pattern's after the other's
	texts    []edges // how a pattern's ends look, and where its uses are
	tongues  []tongue
	rules    []compiled
	phrases  int
	replies  map[string]string // facets for ready replies, by the name of the rule
	scratch  sync.Pool
	unmarked bool // there are phrases of people who type without marks
}

// kind is what a pattern is for.
type kind uint8

const (
	kindPhrase kind = iota
	kindGuard
	kindUnless
	kindVote
	kindDenies // before what it denies
	kindDenied // after it
	kindOther
	kindSelf
	kindAsks
	kindFinal
	kindClause
	kindPast    // so it was; a denial later in the sentence says that it is no more
	kindDoubt   // asks, even about herself
	kindOr      // what the clause before asked goes on
	kindIf      // what it names is asked when its sentence asks
	kindSame    // what was said of somebody else is so of her too
	kindDiffers // and this: it is not
	kindExcept  // hides shorter ones of the kinds above
)

// use is one thing that a pattern is for in one language.
type use struct {
	kind     kind
	tongue   uint8
	part, of uint8 // phrases: which part of how many
	affixes  bool
	home     bool // only when the message is in this language
	unmarked bool
	bare     bool  // a phrase that is read only where it is denied
	rule     int32 // phrases and unless
	phrase   int32 // parts of one phrase have the same number
}

// edges says whether a pattern begins and ends in letters that make words, and which
// of the uses are its own.
type edges struct {
	left, right bool
	size        int // in bytes
	letters     int
	from, to    int32
}

// tongue is what a language needs while a message is read.
type tongue struct {
	language  string
	version   int
	byLetters bool
	latin     bool
	family    string // languages that share most of their words
	window    int32
	gap       int32
	prefixes  map[string]bool
	suffixes  map[string]bool
}

// compiled is a rule with its language.
type compiled struct {
	Rule
	tongue uint8
}

const (
	defaultWindow    = 4
	defaultGap       = 3
	defaultLetterGap = 6
	leastAffixed     = 3 // letters; shorter words take no affix
	leastUnmarked    = 5 // letters of a single word
	leastForeignWord = 4 // a shorter Latin word may mean anything in another language
)

// Compile builds a reader of lexicons that ParseLexicon has taken, one a language.
func Compile(lexicons []Lexicon) (*Reader, error) {
	c := compiler{Reader: &Reader{replies: map[string]string{}}, registry: map[string][]use{}}
	seen := map[string]bool{}
	sorted := slices.Clone(lexicons)
	slices.SortStableFunc(sorted, func(a, b Lexicon) int {
		return slices.Index(Languages(), a.Language) - slices.Index(Languages(), b.Language)
	})
	for i := range sorted {
		l := &sorted[i]
		if seen[l.Language] {
			return nil, fmt.Errorf("two lexicons of %s", l.Language)
		}
		seen[l.Language] = true
		c.add(l)
	}
	patterns := sortedKeys(c.registry)
	c.machine = newAutomaton(patterns)
	c.texts = make([]edges, len(patterns))
	for i, p := range patterns {
		from := int32(len(c.uses))
		c.uses = append(c.uses, c.registry[p]...)
		first, _ := utf8.DecodeRuneInString(p)
		last, _ := utf8.DecodeLastRuneInString(p)
		c.texts[i] = edges{wordLetter(first), wordLetter(last), len(p), utf8.RuneCountInString(p), from, int32(len(c.uses))}
	}
	// Copies that lie together. What is kept for as long as the house stands must not be
	// strewn over the memory that parsing used.
	c.uses = slices.Clone(c.uses)
	c.rules = slices.Clone(c.rules)
	for i := range c.rules {
		c.rules[i].Rule = c.rules[i].lean()
	}
	c.scratch.New = func() any { return &scratch{} }
	return c.Reader, nil
}

// Phrases is how many phrases the rules have together.
func (r *Reader) Phrases() int { return r.phrases }

// reply is the facet that a rule wants ready replies for; empty: its own tag.
func (r *Reader) reply(rule string) string { return r.replies[rule] }

type compiler struct {
	*Reader
	registry map[string][]use
	joined   int32
}

func (c *compiler) add(l *Lexicon) {
	t := tongue{
		language: l.Language, version: l.Version, byLetters: byLetters(l.Language), latin: latin(l.Language),
		family: family(l.Language),
		window: int32(l.Negation.Window), gap: int32(l.Gap),
		prefixes: affixSet(l.Language, l.Prefixes), suffixes: affixSet(l.Language, l.Suffixes),
	}
	if t.window == 0 {
		t.window = defaultWindow
	}
	if t.gap == 0 {
		t.gap = defaultGap
		if t.byLetters {
			t.gap = defaultLetterGap
		}
	}
	n := uint8(len(c.tongues))
	c.tongues = append(c.tongues, t)
	for _, part := range []struct {
		kind  kind
		texts []string
	}{
		{kindVote, l.Words}, {kindDenies, l.Negation.Before}, {kindDenied, l.Negation.After}, {kindExcept, l.Negation.Except},
		{kindOther, l.Other}, {kindSelf, l.Self}, {kindAsks, l.Question.Words}, {kindFinal, l.Question.Final},
		{kindExcept, l.Question.Except}, {kindClause, l.Clause},
		{kindPast, l.Negation.Past}, {kindDoubt, l.Question.Doubt}, {kindOr, l.Question.Or}, {kindIf, l.Condition},
		{kindSame, l.Same}, {kindDiffers, l.Differs}, {kindGuard, l.Guards},
	} {
		for _, text := range part.texts {
			c.register(foldPhrase(text), use{kind: part.kind, tongue: n, of: 1})
		}
	}
	for _, rule := range l.Rules {
		c.rule(rule, n)
	}
}

// lean is a rule without its phrases, which the patterns have.
func (r Rule) lean() Rule {
	r.Phrases, r.Denied, r.Unless = nil, nil, nil
	for _, text := range []*string{&r.ID, &r.Tag, &r.Signal, &r.Asks, &r.Reply} {
		*text = strings.Clone(*text)
	}
	r.Attribute = r.Attribute.clone()
	if r.Negated != nil {
		r.Negated = &Denial{strings.Clone(r.Negated.Tag), r.Negated.Attribute.clone()}
	}
	return r
}

func (a *Attribute) clone() *Attribute {
	if a == nil {
		return nil
	}
	return &Attribute{strings.Clone(a.Name), strings.Clone(a.Value)}
}

func (c *compiler) rule(rule Rule, n uint8) {
	id := int32(len(c.rules))
	c.rules = append(c.rules, compiled{rule, n})
	if rule.Reply != "" {
		t := c.tongues[n]
		c.replies[Finding{Language: t.language, Version: t.version, Rule: rule.ID}.Name()] = rule.Reply
	}
	for _, text := range rule.Unless {
		c.register(foldPhrase(text), use{kind: kindUnless, tongue: n, of: 1, rule: id})
	}
	seen := map[string]bool{}
	for i, text := range slices.Concat(rule.Phrases, rule.Denied) {
		parts, bare := splitParts(text), i >= len(rule.Phrases)
		if key := strings.Join(parts, "~"); seen[key] {
			continue
		} else {
			seen[key] = true
		}
		c.phrases++
		for i, p := range parts {
			c.register(p, use{kind: kindPhrase, tongue: n, part: uint8(i), of: uint8(len(parts)), rule: id, phrase: c.joined, bare: bare,
				affixes: !rule.Exact, home: rule.Home || len(parts) == 1 && foreign(p)})
		}
		c.joined++
	}
}

// family names the languages whose words a guard of one may meet in another.
func family(language string) string {
	switch language {
	case "zh-Hant", "zh-Hans":
		return "zh"
	case "id", "ms":
		return "ms"
	}
	return ""
}

// foreign tells of a short Latin word, which may be a word of another language.
func foreign(p string) bool { return len(p) < leastForeignWord && p[0] < utf8.RuneSelf }

// register notes a pattern, and for Vietnamese how it looks without marks.
func (c *compiler) register(p string, u use) {
	if p == "" {
		return
	}
	if u.kind != kindPhrase && slices.Contains(c.registry[p], u) {
		return // another spelling of the same
	}
	c.registry[p] = append(c.registry[p], u)
	if c.tongues[u.tongue].language != "vi" {
		return
	}
	bare := unmark(p)
	least := leastUnmarked
	if u.kind != kindPhrase {
		least = leastForeignWord // "me" is English, whatever "mẹ" is
	}
	if bare == p || u.of == 1 && !strings.Contains(bare, " ") && len(bare) < least {
		return
	}
	u.unmarked, u.home = true, true
	c.registry[bare] = append(c.registry[bare], u)
	c.unmarked = true
}

// affixSet folds affixes; where a language stacks them, two together are one more.
func affixSet(language string, list []string) map[string]bool {
	set := map[string]bool{}
	for _, a := range list {
		set[foldPhrase(a)] = true
	}
	delete(set, "")
	if language != "id" && language != "ms" && language != "ar" {
		return set
	}
	single := sortedKeys(set)
	for _, a := range single {
		for _, b := range single {
			if a != b {
				set[a+b] = true
			}
		}
	}
	return set
}

// wordLetter tells letters that make words with borders: Latin, Arabic, digits
// and whatever else is not written without spaces.
func wordLetter(r rune) bool {
	if r < utf8.RuneSelf {
		return r >= 'a' && r <= 'z' || r >= '0' && r <= '9'
	}
	return r != utf8.RuneError && !spaceless(r)
}
