package insight

import (
	"slices"
	"strings"
)

// automaton finds every pattern in one pass over the bytes of a text (Aho and
// Corasick), with the trie in one array whose slots hold base, check, fail and
// output side by side.
//
// It is ours because of the memory: BobuSumisu/aho-corasick keeps 256 numbers a
// state, 300 MB for the phrases we ship, where this keeps 3 MB and walks as fast.
// docs/insight.md has the figures.
type automaton struct {
	slots   []slot
	pattern []int32 // of a slot that ends one; -1: none
}

type slot struct {
	base  int32
	check int32 // the parent's slot; -1: free
	fail  int32
	out   int32 // the nearest slot on the way of fails that ends a pattern, itself included; 0: none
}

// root is the first slot. Slot 0 stays empty, so that 0 can say "none".
const root = 1

// newAutomaton builds it of distinct patterns in ascending order, none empty.
func newAutomaton(patterns []string) *automaton {
	total := 0
	for _, p := range patterns {
		total += len(p)
	}
	b := builder{automaton: &automaton{}, patterns: patterns, free: root + 1}
	b.grow(total + 512)
	b.slots[root].check = 0
	b.spread()
	return b.automaton
}

type builder struct {
	*automaton
	patterns []string
	free     int32 // below it, no slot is worth looking at
	used     int32 // the last slot in use
}

// place is a node of the trie while it is built: the patterns that pass it.
type place struct {
	slot, lo, hi, depth int
}

func (b *builder) grow(n int) {
	for len(b.slots) < n {
		b.slots = append(b.slots, slot{check: -1})
		b.pattern = append(b.pattern, -1)
	}
}

// spread lays the trie out level by level, so that a slot's fail is ready before its children need it.
func (b *builder) spread() {
	queue := []place{{root, 0, len(b.patterns), 0}}
	var labels []byte
	var starts []int
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		labels, starts = labels[:0], starts[:0]
		for i := at.lo; i < at.hi; i++ {
			p := b.patterns[i]
			if len(p) == at.depth {
				b.pattern[at.slot] = int32(i)
				continue
			}
			if c := p[at.depth]; len(labels) == 0 || labels[len(labels)-1] != c {
				labels, starts = append(labels, c), append(starts, i)
			}
		}
		b.settle(at)
		if len(labels) == 0 {
			continue
		}
		base := b.room(labels)
		b.slots[at.slot].base = base
		for i, c := range labels {
			child := base + int32(c)
			b.slots[child].check = int32(at.slot)
			b.used = max(b.used, child)
			end := at.hi
			if i+1 < len(starts) {
				end = starts[i+1]
			}
			queue = append(queue, place{int(child), starts[i], end, at.depth + 1})
		}
		for _, c := range labels {
			b.slots[base+int32(c)].fail = b.failure(at.slot, c)
		}
	}
	// Copies: what they grew in is half empty, and would be kept as long as they are.
	b.slots = slices.Clone(b.slots[:b.used+257])
	b.pattern = slices.Clone(b.pattern[:b.used+257])
}

// settle notes what a slot ends; its fail was settled before, being less deep.
func (b *builder) settle(at place) {
	s := &b.slots[at.slot]
	switch {
	case b.pattern[at.slot] >= 0:
		s.out = int32(at.slot)
	case at.slot != root:
		s.out = b.slots[s.fail].out
	}
}

func (b *builder) failure(parent int, c byte) int32 {
	for parent != root {
		parent = int(b.slots[parent].fail)
		if t := b.slots[parent].base + int32(c); b.slots[parent].base > 0 && b.slots[t].check == int32(parent) {
			return t
		}
	}
	return root
}

// room finds a base at which all labels are free.
func (b *builder) room(labels []byte) int32 {
	for b.slots[b.free].check >= 0 {
		b.free++
		b.grow(int(b.free) + 1)
	}
	first, tries := int32(labels[0]), 0
	for i := b.free; ; i++ {
		b.grow(int(i) + 512)
		if b.slots[i].check >= 0 || i <= first {
			continue
		}
		base := i - first
		if base >= 1 && b.fits(base, labels) {
			if tries > 64 { // crowded here: begin further on next time
				b.free = i
			}
			return base
		}
		tries++
	}
}

func (b *builder) fits(base int32, labels []byte) bool {
	for _, c := range labels {
		if base+int32(c) <= root || b.slots[base+int32(c)].check >= 0 {
			return false
		}
	}
	return true
}

// find calls fn with each pattern that ends in text and where it ends.
func (a *automaton) find(text []byte, fn func(pattern int32, end int)) {
	slots := a.slots
	state := int32(root)
	for i, c := range text {
		for {
			t := slots[state].base + int32(c)
			if slots[t].check == state {
				state = t
				break
			}
			if state == root {
				break
			}
			state = slots[state].fail
		}
		for o := slots[state].out; o != 0; o = slots[slots[o].fail].out {
			fn(a.pattern[o], i+1)
		}
	}
}

// sortedKeys gives the patterns of a registry in the order newAutomaton wants.
func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, strings.Compare)
	return keys
}
