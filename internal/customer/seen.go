package customer

import (
	"hash/fnv"
	"io"
	"maps"
)

// Seen are the people whom a file has named, in a dry run: nothing is written there that
// would make somebody known when she is named again. It keeps numbers and no names. The
// zero Seen remembers nobody.
type Seen struct {
	before, now map[uint64]bool
}

// mostSeen bounds what a look into a file of millions keeps in memory; whoever comes
// after that is taken for new.
const mostSeen = 500_000

// NewSeen begins a file.
func NewSeen() Seen { return Seen{before: map[uint64]bool{}, now: map[uint64]bool{}} }

// Begin begins a piece of the file anew: it may be read more than once.
func (s Seen) Begin() Seen {
	clear(s.now)
	return s
}

// Keep ends a piece of the file.
func (s Seen) Keep() {
	if len(s.before)+len(s.now) <= mostSeen {
		maps.Copy(s.before, s.now)
	}
}

// again tells whether a row names somebody whom the file has named before, and remembers
// her. Somebody whom the house knows is told by her id, others as Enrol tells them.
func (s Seen) again(person string, r enrolling) (known bool) {
	if s.now == nil {
		return false
	}
	keys := []string{"person " + person}
	if person == "" {
		keys = keys[:0]
		for _, c := range r.contacts {
			if c.Kind == Email {
				continue
			}
			if c.Verified || r.weak() {
				known = known || s.has("proved "+string(c.Kind)+" "+c.hash)
			}
			if r.weak() {
				known = known || s.has("said "+c.hash)
			}
			keys = append(keys, map[bool]string{true: "proved " + string(c.Kind) + " ", false: "said "}[c.Verified]+c.hash)
		}
	} else {
		known = s.has(keys[0])
	}
	for _, key := range keys {
		s.now[seenKey(key)] = true
	}
	return known
}

func (s Seen) has(key string) bool {
	k := seenKey(key)
	return s.before[k] || s.now[k]
}

func seenKey(key string) uint64 {
	h := fnv.New64a()
	io.WriteString(h, key) // never fails
	return h.Sum64()
}
