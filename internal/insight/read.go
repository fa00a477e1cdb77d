package insight

import (
	"slices"
	"unicode/utf8"
)

// Stance is how she meant what she mentioned.
type Stance string

// The stances, from the weakest claim on what is concluded to the strongest.
const (
	Said    Stance = "said"    // of herself, or of what she wants
	Asked   Stance = "asked"   // she only asks about it
	Negated Stance = "negated" // she denies it
	Other   Stance = "other"   // somebody else is meant
)

// Kind says what was mentioned.
type Kind string

// What can be mentioned.
const (
	KindTag       Kind = "tag"
	KindAttribute Kind = "attribute"
	KindSignal    Kind = "signal"
)

// Finding is one thing that a message mentions.
type Finding struct {
	Rule       string // its id
	Language   string
	Version    int // of the lexicon
	Kind       Kind
	About      string // tag name, attribute=value, or topic
	Stance     Stance
	From, To   int    // bytes of the text
	Words      string // the text between them
	Conclusion Conclusion
	Reply      string // the facet for which a ready reply may be offered

	another bool // somebody else is meant, also where the stance is of the purchase
}

// Conclusion is what follows for her card; zero: nothing.
type Conclusion struct {
	Tag       string
	Days      int // until the tag expires; 0: never
	Attribute Attribute
}

// What a message is read for at most: the platforms allow 5,000 letters.
const (
	maxText     = 16 << 10
	maxFindings = 64
)

// hit is a pattern in the folded text.
type hit struct {
	use
	start, end int32
}

// candidate is a phrase in the text, before it is asked what she meant.
type candidate struct {
	use
	start, end int32 // of the whole phrase
	head       int32 // where its last part starts
	first      int32 // where its first part ends
	dropped    bool
}

// scratch is what one reading needs, kept for the next.
type scratch struct {
	folded
	parts, around, guards []hit
	votes                 []int
	home                  []bool
	chains                []chain
	found                 []candidate
	echoes                []hit // "so do I"
	inner                 []hit // denials inside longer ones
	cuts                  []cut
}

// chain is a part of a gapped phrase with the parts before it.
type chain struct {
	hit
	begin, first int32 // of the whole: where it starts, where its first part ends
}

// Read finds what a message mentions, in the order of the text.
func (r *Reader) Read(text string) []Finding {
	if len(text) > maxText {
		text = text[:maxText]
		for len(text) > 0 && !utf8.ValidString(text[len(text)-min(len(text), utf8.UTFMax):]) && !utf8.RuneStart(text[len(text)-1]) {
			text = text[:len(text)-1]
		}
	}
	s := r.scratch.Get().(*scratch)
	defer r.scratch.Put(s)
	s.fold(text)
	r.scan(s)
	r.homes(s)
	r.candidates(s)
	if len(s.found) == 0 {
		return nil
	}
	r.clean(s)
	s.cut(r)
	var out []Finding
	for _, c := range s.found {
		if !c.dropped && len(out) < maxFindings && !r.idle(s, c) {
			out = r.report(out, s, c, text)
		}
	}
	return r.present(out)
}

// scan sorts what the automaton finds by what it is for.
func (r *Reader) scan(s *scratch) {
	s.parts, s.around, s.guards = s.parts[:0], s.around[:0], s.guards[:0]
	s.votes = append(s.votes[:0], make([]int, len(r.tongues))...)
	r.machine.find(s.b, func(p int32, end int) {
		e := r.texts[p]
		start := end - e.size
		left, right := start, end
		if e.left {
			left = s.wordStart(start)
		}
		if e.right {
			right = s.wordEnd(end)
		}
		whole := left == start && right == end
		for _, u := range r.uses[e.from:e.to] {
			if u.unmarked && s.marked || !whole && !r.glued(s, u, e, [4]int{left, start, end, right}) {
				continue
			}
			h := hit{u, int32(start), int32(end)}
			switch u.kind {
			case kindPhrase:
				if len(s.parts) < 4*maxFindings || u.of == 1 {
					s.parts = append(s.parts, h)
				}
			case kindGuard, kindUnless:
				s.guards = append(s.guards, h)
			case kindVote:
				s.votes[u.tongue]++
			default:
				s.around = append(s.around, h)
			}
		}
	})
}

// wordStart goes back over the letters of the word in front of place i.
func (s *scratch) wordStart(i int) int {
	for i > 0 {
		r, n := utf8.DecodeLastRune(s.b[:i])
		if !wordLetter(r) {
			break
		}
		i -= n
	}
	return i
}

func (s *scratch) wordEnd(i int) int {
	for i < len(s.b) {
		r, n := utf8.DecodeRune(s.b[i:])
		if !wordLetter(r) {
			break
		}
		i += n
	}
	return i
}

// glued tells whether what is glued to a word are affixes of its language. at:
// where the word starts, where the pattern starts and ends, where the word ends.
func (r *Reader) glued(s *scratch, u use, e edges, at [4]int) bool {
	if u.kind == kindVote || u.kind == kindGuard || u.kind == kindUnless {
		return false
	}
	t := &r.tongues[u.tongue]
	before, after := s.b[at[0]:at[1]], s.b[at[2]:at[3]]
	if u.kind != kindPhrase {
		// Of the words around a phrase only Arabic ones take a letter: "and", "so".
		return t.language == "ar" && len(after) == 0 && (string(before) == "و" || string(before) == "ف")
	}
	if !u.affixes || e.letters < leastAffixed {
		return false
	}
	return (len(before) == 0 || t.prefixes[string(before)]) && (len(after) == 0 || t.suffixes[string(after)])
}

// homes decides in which of the languages that share Latin letters the message
// is: those with the most little words. Other scripts speak for themselves.
func (r *Reader) homes(s *scratch) {
	best := 0
	for i, t := range r.tongues {
		if t.latin {
			best = max(best, s.votes[i])
		}
	}
	s.home = s.home[:0]
	for i, t := range r.tongues {
		s.home = append(s.home, !t.latin || 2*s.votes[i] >= best)
	}
}

// candidates joins the parts of phrases.
func (r *Reader) candidates(s *scratch) {
	s.found, s.chains = s.found[:0], s.chains[:0]
	for _, h := range s.parts {
		if h.home && !s.home[h.tongue] {
			continue
		}
		if len(s.found) >= 4*maxFindings {
			return
		}
		if h.of == 1 {
			s.found = append(s.found, candidate{use: h.use, start: h.start, end: h.end, head: h.start, first: h.end})
			continue
		}
		c, ok := chain{h, h.start, h.end}, true
		if h.part > 0 {
			c, ok = r.follow(s, h)
		}
		switch {
		case !ok:
		case h.part+1 < h.of:
			s.chains = append(s.chains, c)
		default:
			s.found = append(s.found, candidate{use: h.use, start: c.begin, end: h.end, head: h.start, first: c.first})
		}
	}
}

// farthest is how many bytes the words of the widest gap may have.
const farthest = 400

// follow finds the part before a part, within the gap and the clause.
func (r *Reader) follow(s *scratch, h hit) (chain, bool) {
	t := &r.tongues[h.tongue]
	for i := len(s.chains) - 1; i >= 0; i-- {
		p := s.chains[i]
		if h.start-p.end > farthest {
			break
		}
		if p.phrase != h.phrase || p.part+1 != h.part || p.end > h.start {
			continue
		}
		if s.between(p.end, h.start, t.byLetters) > t.gap || s.parted(p.end, h.start) {
			continue
		}
		return chain{h, p.begin, p.first}, true
	}
	return chain{}, false
}

// between counts the words, or the letters, from one place to a later one.
func (s *scratch) between(from, to int32, byLetters bool) int32 {
	if to <= from {
		return 0
	}
	count := s.words
	if byLetters {
		count = s.letters
	}
	n := count[to-1]
	if from > 0 {
		n -= count[from-1]
	}
	return n
}

// parted tells of the end of a clause between two places.
func (s *scratch) parted(from, to int32) bool {
	for _, c := range s.b[from:to] {
		if strength(c) >= strength(comma) {
			return true
		}
	}
	return false
}

// clean drops what a guard covers, and of overlapping phrases that say the same
// all but the longest.
func (r *Reader) clean(s *scratch) {
	for i := range s.found {
		c := &s.found[i]
		for _, g := range s.guards {
			if r.guards(s, g, c) {
				c.dropped = true
				break
			}
		}
	}
	slices.SortStableFunc(s.found, func(a, b candidate) int { return int(a.start - b.start) })
	for i := range s.found {
		a := &s.found[i]
		a.dropped = a.dropped || a.bare && slices.ContainsFunc(s.found, func(b candidate) bool {
			return !b.bare && !b.dropped && b.start <= a.start && b.end >= a.end && b.end-b.start > a.end-a.start
		})
	}
	for i := range s.found {
		for j := i + 1; j < len(s.found) && !s.found[i].dropped && s.found[j].start < s.found[i].end; j++ {
			a, b := &s.found[i], &s.found[j]
			if b.dropped || !r.rules[a.rule].same(r.rules[b.rule]) {
				continue
			}
			// Of two languages that say the same, the message's own explains it better.
			long, wide := a.end-a.start, b.end-b.start
			if wide > long || wide == long && s.votes[b.tongue] > s.votes[a.tongue] {
				a.dropped = true
			} else {
				b.dropped = true
			}
		}
	}
}

// guards tells whether a guard forbids a candidate: they touch, and the guard is
// not a piece of the candidate's own words.
func (r *Reader) guards(s *scratch, g hit, c *candidate) bool {
	if g.start >= c.end || g.end <= c.start || c.start <= g.start && g.end <= c.end && c.end-c.start > g.end-g.start {
		return false
	}
	if g.kind == kindUnless && r.rules[g.rule].ID != r.rules[c.rule].ID {
		return false
	}
	// The message's own language knows best what its words mean.
	own := s.home[g.tongue] && s.votes[g.tongue] > s.votes[c.tongue]
	return own || r.related(g.tongue, c.tongue)
}

// related: the two Chinese orthographies share most of their words, and so do
// Indonesian and Malay.
func (r *Reader) related(a, b uint8) bool {
	return a == b || r.tongues[a].family != "" && r.tongues[a].family == r.tongues[b].family
}

// same tells whether two rules, perhaps of two languages, conclude the same.
func (c compiled) same(o compiled) bool {
	return c.Tag == o.Tag && c.Signal == o.Signal && c.attribute() == o.attribute()
}

func (c compiled) attribute() Attribute {
	if c.Attribute == nil {
		return Attribute{}
	}
	return *c.Attribute
}

// report adds what a phrase mentions to the findings, once for each stance.
func (r *Reader) report(out []Finding, s *scratch, c candidate, text string) []Finding {
	rule, t := &r.rules[c.rule], &r.tongues[c.tongue]
	f := Finding{Rule: rule.ID, Language: t.language, Version: t.version, Reply: rule.Reply}
	f.From, f.To = int(s.from[c.start]), int(s.to[c.end-1])
	f.Words = text[f.From:f.To]
	if f.Reply == "" {
		f.Reply = rule.Tag
	}
	mine := r.stance(s, c)
	put := func(kind Kind, about string, said Conclusion) {
		f.Conclusion = Conclusion{}
		switch {
		case f.Stance == Said, f.Stance == Asked && rule.Asks == asksKeep:
			f.Conclusion = said
		case f.Stance == Negated && rule.Negated != nil && kind == rule.leading():
			f.Conclusion.Tag = rule.Negated.Tag
			if rule.Negated.Attribute != nil {
				f.Conclusion.Attribute = *rule.Negated.Attribute
			}
		}
		if !slices.ContainsFunc(out, func(o Finding) bool { return o.About == about && o.Kind == kind && o.Stance == f.Stance }) {
			out = append(out, f)
		}
	}
	echo := Stance("")
	if mine == Other {
		echo = r.echo(s, c)
	}
	add := func(kind Kind, about string, said Conclusion) {
		f.Kind, f.About, f.Stance, f.another = kind, about, mine, mine == Other
		if mine == Other && purchase(about) {
			f.Stance = r.unowned(s, c)
		}
		put(kind, about, said)
		if echo != "" && !purchase(about) {
			f.Stance, f.another = echo, false
			put(kind, about, said)
		}
	}
	if rule.Tag != "" {
		add(KindTag, rule.Tag, Conclusion{Tag: rule.Tag, Days: rule.Days})
	}
	if rule.Attribute != nil {
		add(KindAttribute, rule.Attribute.Name+"="+rule.Attribute.Value, Conclusion{Attribute: *rule.Attribute})
	}
	if rule.Signal != "" {
		add(KindSignal, rule.Signal, Conclusion{})
	}
	return out
}

// leading is the finding that carries what a denial concludes.
func (c *compiled) leading() Kind {
	switch {
	case c.Tag != "":
		return KindTag
	case c.Attribute != nil:
		return KindAttribute
	}
	return KindSignal
}
