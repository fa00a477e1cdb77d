package handover

import (
	"cmp"
	"slices"
	"strings"
)

// Rule says by what a client book is split. What is not asked for does not count.
type Rule struct {
	Language   bool // somebody who speaks the customer's language, where anybody does
	Speciality bool // somebody whose specialities name what she cares for, where anybody's do
	Load       bool // who has the fewest customers already gets more; else everybody gets as many
}

// Colleague is somebody who may take customers over at one counter.
type Colleague struct {
	ID           string
	Languages    []string
	Specialities string
	Load         int // customers she has
}

// Client is a customer of one counter who shall have somebody else.
type Client struct {
	ID        string
	Language  string
	Interests []string // words of her tags, and of what she bought
	To        string   // decided already, by hand or by herself
}

// Split gives every client of one counter to exactly one of its colleagues; to nobody
// only when there are none. The same people come out in the same way in whatever order
// they came in. Among those who suit a client nobody has two customers more than another
// who suits her as well.
func Split(rule Rule, colleagues []Colleague, clients []Client) map[string]string {
	s := splitting{rule: rule, to: make(map[string]string, len(clients)), load: map[string]int{}}
	s.colleagues = slices.SortedFunc(slices.Values(colleagues), func(a, b Colleague) int { return cmp.Compare(a.ID, b.ID) })
	for _, c := range s.colleagues {
		s.load[c.ID] = 0
		if rule.Load {
			s.load[c.ID] = c.Load
		}
	}
	var free []Client
	for _, c := range slices.SortedFunc(slices.Values(clients), func(a, b Client) int { return cmp.Compare(a.ID, b.ID) }) {
		if c.To != "" {
			s.to[c.ID] = c.To
			s.load[c.To]++
		} else {
			free = append(free, c)
		}
	}
	s.give(free)
	s.level(free)
	return s.to
}

type splitting struct {
	rule       Rule
	colleagues []Colleague
	to         map[string]string
	load       map[string]int
	suits      map[string][]string // by client
}

// give hands each client to the least burdened of those who suit her; who has the least
// choice comes first.
func (s *splitting) give(free []Client) {
	s.suits = make(map[string][]string, len(free))
	for _, c := range free {
		s.suits[c.ID] = s.suiting(c)
	}
	slices.SortStableFunc(free, func(a, b Client) int { return cmp.Compare(len(s.suits[a.ID]), len(s.suits[b.ID])) })
	for _, c := range free {
		to := s.least(s.suits[c.ID])
		s.to[c.ID] = to
		s.load[to]++
	}
}

// level moves clients until no move makes two colleagues more alike. Each move brings
// the loads nearer to each other, so it ends.
func (s *splitting) level(free []Client) {
	for moved := true; moved; {
		moved = false
		for _, c := range free {
			from, to := s.to[c.ID], s.least(s.suits[c.ID])
			if s.load[from]-s.load[to] > 1 {
				s.load[from]--
				s.load[to]++
				s.to[c.ID], moved = to, true
			}
		}
	}
}

func (s *splitting) least(ids []string) string {
	best := ""
	for _, id := range ids {
		if best == "" || s.load[id] < s.load[best] {
			best = id
		}
	}
	return best
}

// suiting lists whom a client may be given to. Her language goes before her interests:
// an advisor can learn about a cream sooner than Arabic.
func (s *splitting) suiting(c Client) []string {
	people := s.colleagues
	if s.rule.Language && c.Language != "" {
		people = narrow(people, func(p Colleague) bool { return slices.Contains(p.Languages, c.Language) })
		if len(people) == len(s.colleagues) { // nobody does, or all: another script of it is better than none
			people = narrow(people, func(p Colleague) bool {
				return slices.ContainsFunc(p.Languages, func(l string) bool { return base(l) == base(c.Language) })
			})
		}
	}
	if s.rule.Speciality {
		people = narrow(people, func(p Colleague) bool { return cares(p.Specialities, c.Interests) })
	}
	ids := make([]string, len(people))
	for i, p := range people {
		ids[i] = p.ID
	}
	return ids
}

// narrow keeps those of whom something is true; all of them where it is true of nobody.
func narrow(people []Colleague, is func(Colleague) bool) []Colleague {
	var kept []Colleague
	for _, p := range people {
		if is(p) {
			kept = append(kept, p)
		}
	}
	if len(kept) == 0 {
		return people
	}
	return kept
}

func base(language string) string {
	b, _, _ := strings.Cut(language, "-")
	return b
}

// cares tells whether an advisor's own words name one of a customer's interests.
func cares(specialities string, interests []string) bool {
	specialities = strings.ToLower(specialities)
	for _, word := range interests {
		word = strings.ToLower(strings.TrimSpace(word))
		if len(word) > 1 && strings.Contains(specialities, word) {
			return true
		}
	}
	return false
}
