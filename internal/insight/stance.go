package insight

import (
	"slices"
	"strings"
)

// cut is where a clause ends; what follows it begins another.
type cut struct {
	from, to int32 // the border itself; of a word that begins a clause, from == to
	level    int   // strength of a border
}

// cut finds the clauses of a text, and which of the words around phrases count:
// those of a language the message may be in, the longest where they overlap.
func (s *scratch) cut(r *Reader) {
	s.around = slices.DeleteFunc(s.around, func(h hit) bool { return !s.home[h.tongue] })
	slices.SortStableFunc(s.around, func(a, b hit) int {
		if a.start != b.start {
			return int(a.start - b.start)
		}
		return int(b.end - a.end)
	})
	// What echoes hides nothing: "I don't" is one only where nothing follows.
	s.echoes = s.echoes[:0]
	s.around = slices.DeleteFunc(s.around, func(h hit) bool {
		if h.kind != kindSame && h.kind != kindDiffers {
			return false
		}
		s.echoes = append(s.echoes, h)
		return true
	})
	s.choices()
	kept := s.around[:0]
	s.inner = s.inner[:0]
	reach := hit{end: -1} // of those before, the one that reaches farthest
	for _, h := range s.around {
		if h.end < reach.end || h.end == reach.end && h.start > reach.start {
			if h.kind == kindDenies && reach.kind == kindDenies {
				s.inner = append(s.inner, h)
			}
			continue // a piece of a longer one
		}
		if h.end > reach.end && h.kind != kindClause { // which only marks a place
			reach = h
		}
		kept = append(kept, h)
	}
	s.around = kept
	s.cuts = s.cuts[:0]
	for i, c := range s.b {
		if strength(c) >= strength(soft) {
			s.cuts = append(s.cuts, cut{int32(i), int32(i) + 1, strength(c)})
		}
	}
	for _, h := range s.around {
		if h.kind == kindClause {
			s.cuts = append(s.cuts, cut{h.start, h.start, strength(comma)})
		}
	}
	slices.SortFunc(s.cuts, func(a, b cut) int { return int(a.from - b.from) })
}

// choices decides of a word that both denies and asks ("or", where a language
// has one word for it and for "nor"): after a denial it denies, else it asks.
func (s *scratch) choices() {
	both := func(i int) bool {
		return slices.ContainsFunc(s.around, func(o hit) bool {
			a := s.around[i]
			return o.start == a.start && o.end == a.end && o.tongue == a.tongue && o.kind == kindDenies+kindAsks-a.kind
		})
	}
	denied, end := false, int32(0)
	kept := s.around[:0]
	var twins []bool
	for i, h := range s.around {
		twins = append(twins, (h.kind == kindDenies || h.kind == kindAsks) && both(i))
	}
	for i, h := range s.around {
		if s.ended(end, h.start) {
			denied = false
		}
		if twins[i] && denied != (h.kind == kindDenies) {
			continue
		}
		denied = denied || h.kind == kindDenies && !twins[i]
		end = max(end, h.end)
		kept = append(kept, h)
	}
	s.around = kept
}

// extent is the clause of a phrase, and the sentence round it.
type extent struct {
	from, to   int32 // the clause
	begin, end int32 // the sentence
	asks       bool  // the clause ends with a question mark
}

func (s *scratch) extent(c candidate) extent {
	x := extent{to: int32(len(s.b)), end: int32(len(s.b))}
	whole := strength(sentence)
	for _, k := range s.cuts {
		switch {
		case k.to <= c.start:
			x.from = k.to
			if k.level >= whole {
				x.begin = k.to
			}
		case k.from >= c.end:
			if x.to == int32(len(s.b)) {
				x.to = k.from
				x.asks = k.level == strength(asks)
			}
			if k.level >= whole {
				x.end = k.from
				return x
			}
		}
	}
	return x
}

// stance decides what she meant: somebody else, a denial, a question, or that it is so.
func (r *Reader) stance(s *scratch, c candidate) Stance {
	x := s.extent(c)
	if s.others(c, x) {
		return Other
	}
	return r.owned(s, c, x)
}

// unowned is the stance of what is said whoever is meant.
func (r *Reader) unowned(s *scratch, c candidate) Stance { return r.owned(s, c, s.extent(c)) }

func (r *Reader) owned(s *scratch, c candidate, x extent) Stance {
	switch {
	case c.bare && r.asked(s, c, x):
		return Asked
	case r.denied(s, c, x), s.gone(c, x):
		return Negated
	case r.asked(s, c, x):
		return Asked
	}
	return Said
}

// purchase tells of what is about her buying, for whomever she buys.
func purchase(about string) bool {
	return about == "gift" || strings.HasPrefix(about, "occasion:")
}

// others tells whether somebody else is meant: the nearest word about a person
// in the clause decides, then what the sentence said before, then what it says
// later.
func (s *scratch) others(c candidate, x extent) bool {
	var before, after, earlier, later *hit
	for i := range s.around {
		h := &s.around[i]
		if h.kind != kindOther && h.kind != kindSelf || h.start < x.begin || h.end > x.end {
			continue
		}
		switch {
		case h.end <= x.from:
			earlier = h
		case h.start >= x.to:
			if later == nil {
				later = h
			}
		case h.start <= c.head && h.start < c.end:
			before = h
		case after == nil && h.kind == kindOther:
			after = h
		}
	}
	switch {
	case before != nil && before.kind == kindOther:
		return true
	case before != nil: // herself, unless another stands nearer
		return after != nil && s.between(c.end, after.start, true) < s.between(before.end, c.start, true)
	case after != nil:
		return true
	case earlier != nil:
		return earlier.kind == kindOther
	}
	return later != nil && later.kind == kindOther
}

// denied tells whether a negation reaches the phrase. Two that stand together
// cancel each other.
func (r *Reader) denied(s *scratch, c candidate, x extent) bool {
	var near *hit
	for i := range s.around {
		h := &s.around[i]
		t := &r.tongues[h.tongue]
		switch {
		case h.start < x.from || h.end > x.to:
		case h.kind == kindDenied && h.start >= c.end:
			if n := s.between(c.end, h.start, t.byLetters); n <= 1 || t.byLetters && n <= 2 {
				return true
			}
		case h.kind == kindDenies && (h.end <= c.start || h.start >= c.first && h.end <= c.head):
			to := c.start
			if h.start >= c.first {
				to = c.head
			}
			if s.between(h.end, to, t.byLetters) <= t.window && (near == nil || h.end > near.end) {
				near = h
			}
		}
	}
	if near == nil {
		return r.pieceDenies(s, c, x)
	}
	for i := range s.around {
		h := &s.around[i]
		t := &r.tongues[h.tongue]
		apart := int32(1) // "not that I don't"; 不是不, but not 不貴不貴
		if t.byLetters {
			apart = 0
		}
		if h.kind == kindDenies && h.start >= x.from && h.end <= near.start && s.between(h.end, near.start, t.byLetters) <= apart && !s.spokenOf(h.end, near.start) {
			return false
		}
	}
	return true
}

// pieceDenies looks for a denial inside a longer one that overlaps the phrase and
// so says nothing of it itself.
func (r *Reader) pieceDenies(s *scratch, c candidate, x extent) bool {
	return slices.ContainsFunc(s.inner, func(h hit) bool {
		t := &r.tongues[h.tongue]
		return h.start >= x.from && h.end <= c.start && s.between(h.end, c.start, t.byLetters) <= t.window
	})
}

// gone tells of what was so and, as the sentence says later on, is no more.
func (s *scratch) gone(c candidate, x extent) bool {
	past := false
	for _, h := range s.around {
		switch {
		case h.kind == kindPast && h.start >= x.from && h.end <= c.start:
			past = true
		case past && h.kind == kindDenied && h.start >= c.end && h.end <= x.end:
			return !s.spokenOf(c.end, h.start)
		}
	}
	return false
}

// spokenOf tells whether another phrase stands between two places.
func (s *scratch) spokenOf(from, to int32) bool {
	return slices.ContainsFunc(s.found, func(o candidate) bool { return !o.dropped && !o.bare && o.start >= from && o.end <= to })
}

// ended tells whether a sentence ends between two places.
func (s *scratch) ended(from, to int32) bool {
	if from >= to {
		return false
	}
	return slices.ContainsFunc(s.b[from:to], func(b byte) bool { return strength(b) >= strength(sentence) })
}

// idle tells whether a word that says too little by itself is to be passed over:
// unless a denial stands directly at it, and, of what she is, unless the clause
// has said of nothing else before.
func (r *Reader) idle(s *scratch, c candidate) bool {
	if !c.bare {
		return false
	}
	x := s.extent(c)
	for i, h := range s.around {
		t := &r.tongues[h.tongue]
		far := int32(1)
		if t.byLetters {
			far = 2
		}
		switch {
		case h.start < x.from || h.end > x.to || h.tongue != c.tongue:
		case h.kind == kindDenied && h.start >= c.end && s.between(c.end, h.start, t.byLetters) <= far:
			return false
		case h.kind == kindDenies && h.end <= c.start && s.between(h.end, c.start, t.byLetters) <= far:
			if r.rules[c.rule].Attribute == nil || r.plain(s, span{int(x.from), int(h.start)}, i) {
				return false
			}
		}
	}
	return true
}

// plain tells whether a stretch holds nothing but little words that the lexicon
// knows, and what was read.
func (r *Reader) plain(s *scratch, at span, before int) bool {
	place := int32(at.from)
	open := func(to int32) bool {
		return s.between(place, to, false) > 0 && to > place && hasLetter(string(s.b[place:to]))
	}
	for _, h := range s.around[:before] {
		if h.end <= place {
			continue
		}
		if h.start >= place && open(h.start) {
			break
		}
		place = h.end
	}
	for _, o := range s.found {
		if !o.dropped && o.start <= place+1 && o.end > place {
			place = o.end
		}
	}
	return place >= int32(at.to) || !hasLetter(string(s.b[place:at.to]))
}

// asked tells whether the clause asks, without that she states it of herself.
func (r *Reader) asked(s *scratch, c candidate, x extent) bool {
	asking := x.asks || s.continues(r, x)
	supposed := false
	var self, word int32 = -1, -1 // where she last speaks of herself, where a word last asks before the phrase
	for i := range s.around {
		h := &s.around[i]
		if h.start < x.from || h.end > x.to {
			continue
		}
		switch h.kind {
		case kindAsks:
			if h.start >= c.start && h.end <= c.first { // its own words
				continue
			}
			asking = true
			if h.start < c.start {
				word = h.start
			}
		case kindFinal:
			rest := s.between(h.end, x.to, r.tongues[h.tongue].byLetters)
			if rest <= 1 || rest <= 4 && r.tongues[h.tongue].byLetters {
				asking = asking || h.start >= c.start
			}
		case kindSelf:
			if h.start < c.end {
				self = h.start
			}
		case kindDoubt:
			if h.start <= c.start {
				return true
			}
		case kindIf:
			supposed = supposed || h.start <= c.start
		}
	}
	if supposed && s.asksLater(c, x) {
		return true
	}
	return asking && (self < 0 || word > self)
}

// asksLater tells whether the rest of the sentence asks.
func (s *scratch) asksLater(c candidate, x extent) bool {
	if int(x.end) < len(s.b) && s.b[x.end] == asks {
		return true
	}
	return slices.ContainsFunc(s.around, func(h hit) bool {
		return (h.kind == kindAsks || h.kind == kindFinal) && h.start >= c.end && h.end <= x.end
	})
}

// continues tells of a clause with "or" that goes on with what the clause before
// it asked.
func (s *scratch) continues(r *Reader, x extent) bool {
	or := false
	for _, h := range s.around {
		or = or || h.kind == kindOr && h.start >= x.from && h.end <= x.to
	}
	if !or || x.from == 0 {
		return false
	}
	from := int32(0)
	for _, k := range s.cuts {
		if k.to < x.from {
			from = k.to
		}
	}
	if s.b[x.from-1] == asks {
		return true
	}
	return slices.ContainsFunc(s.around, func(h hit) bool {
		if h.start < from || h.end > x.from {
			return false
		}
		return h.kind == kindAsks || h.kind == kindFinal && s.between(h.end, x.from, r.tongues[h.tongue].byLetters) <= 1
	})
}
