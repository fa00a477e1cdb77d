package app

import "testing"

func TestMemoryIsGivenBackAtRest(t *testing.T) {
	const mb = 1 << 20
	var r rest
	for n, look := range []struct {
		name      string
		allocated uint64
		due       bool
	}{
		{"it opens", 40 * mb, false},
		{"at rest after that", 41 * mb, true},
		{"nothing happened", 41 * mb, false},
		{"a little every time", 42 * mb, false},
		{"a message", 47 * mb, false},
		{"at rest, but it was little", 47 * mb, false},
		{"much work", 90 * mb, false},
		{"more of it", 190 * mb, false},
		{"at rest again", 191 * mb, true},
		{"and still", 192 * mb, false},
	} {
		if got := r.due(look.allocated); got != look.due {
			t.Errorf("look %d, %s: %v", n, look.name, got)
		}
	}
}
