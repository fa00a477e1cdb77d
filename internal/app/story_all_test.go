package app

import "testing"

// TestStories tells in a real browser what the house is for. Each story has a
// house, a LINE platform and people of its own; the browser is shared.
func TestStories(t *testing.T) {
	c := openChromium(t)
	for _, s := range []struct {
		name string
		tell func(*testing.T, *chromium)
	}{
		{"she writes and the console dings", sheWritesAndTheConsoleDings},
		{"what she takes back is gone", whatSheTakesBackIsGone},
		{"she blocks and comes back", sheBlocksAndComesBack},
	} {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			s.tell(t, c)
		})
	}
}
