package insight

import (
	"slices"
	"strings"
)

// echo is what she says of herself after something of somebody else, in a few
// words that repeat nothing: "and so do I", "I don't".
func (r *Reader) echo(s *scratch, c candidate) Stance {
	x := s.extent(c)
	for _, h := range s.echoes {
		if h.start < c.end || h.end > x.end {
			continue
		}
		t := &r.tongues[h.tongue]
		rest, far := s.between(h.end, s.clauseEnd(h.end), t.byLetters), int32(1)
		if t.byLetters {
			far = 2
		}
		if rest > far || s.spokenOf(c.end, h.start) {
			continue
		}
		if h.kind == kindSame {
			return Said
		}
		return Negated
	}
	return ""
}

// clauseEnd is where the clause ends that a place is in.
func (s *scratch) clauseEnd(place int32) int32 {
	for _, k := range s.cuts {
		if k.from >= place {
			return k.from
		}
	}
	return int32(len(s.b))
}

// present adds that she buys a gift, when somebody else has the occasion and
// what she wishes is for somebody else too.
func (r *Reader) present(out []Finding) []Finding {
	day := slices.IndexFunc(out, func(f Finding) bool {
		return f.another && f.Kind == KindSignal && f.Stance == Said && given(f.About)
	})
	if day < 0 || slices.ContainsFunc(out, func(f Finding) bool { return f.About == giftTopic }) ||
		!slices.ContainsFunc(out, func(f Finding) bool { return f.Stance == Other && wished(f.About) }) {
		return out
	}
	for i := range r.rules {
		rule := &r.rules[i]
		if rule.Signal != giftTopic || r.tongues[rule.tongue].language != out[day].Language {
			continue
		}
		f := out[day]
		f.Rule, f.Reply, f.About, f.Conclusion = rule.ID, rule.Reply, giftTopic, Conclusion{}
		out = append(out, f)
		if rule.Tag != "" {
			f.Kind, f.About, f.Conclusion = KindTag, rule.Tag, Conclusion{Tag: rule.Tag, Days: rule.Days}
			out = append(out, f)
		}
		break
	}
	return out
}

const giftTopic = "gift"

// given tells of the days on which people of her own get presents.
func given(about string) bool {
	day, ok := strings.CutPrefix(about, "occasion:")
	return ok && slices.Contains([]string{"birthday", "mothers_day", "fathers_day", "valentine"}, day)
}

// wished tells of what somebody may be given, or likes.
func wished(about string) bool {
	kind, _, _ := strings.Cut(about, ":")
	return slices.Contains([]string{"category", "scent", "finish"}, kind)
}
