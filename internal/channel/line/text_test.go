package line

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestSplitText(t *testing.T) {
	family := "👩‍👩‍👧‍👦" // 11 units, one character to the eye
	for _, c := range []struct {
		name, text string
		pieces     int
	}{
		{"empty", "", 0},
		{"short", "hello", 1},
		{"just fits", strings.Repeat("a", 5000), 1},
		{"one more", strings.Repeat("a", 5001), 2},
		{"emoji count two", strings.Repeat("💄", 2501), 2},
		{"families", strings.Repeat(family, 500), 2},
		{"flags", strings.Repeat("🇹🇼", 1300), 2},
		{"skin tones", strings.Repeat("👍🏽", 1300), 2},
		{"combining marks", strings.Repeat("e\u0301", 2501), 2},
		{"marks without end", "e" + strings.Repeat("\u0301", 12000), 3},
		{"lines", strings.Repeat(strings.Repeat("x", 99)+"\n", 120), 3},
		{"words", strings.Repeat("word ", 2000), 2},
		{"crlf", strings.Repeat("ab\r\n", 2000), 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := SplitText(c.text)
			if len(got) != c.pieces || strings.Join(got, "") != c.text {
				t.Fatalf("%d pieces, want %d", len(got), c.pieces)
			}
			for i, p := range got {
				if n := units(p); n > maxTextUnits || n == 0 || !utf8.ValidString(p) {
					t.Errorf("piece %d has %d units", i, n)
				}
				if strings.HasPrefix(p, "\u200d") || strings.HasPrefix(p, "\U0001f3fd") || strings.HasPrefix(p, "\n") ||
					strings.HasPrefix(p, "\u0301") && c.name == "combining marks" {
					t.Errorf("piece %d begins inside a character", i)
				}
				if c.name == "flags" && strings.Count(p, "🇹🇼")*8 != len(p) {
					t.Errorf("piece %d cuts a flag", i)
				}
				if c.name == "families" && len(p)%len(family) != 0 {
					t.Errorf("piece %d cuts a family", i)
				}
				if c.name == "lines" && !strings.HasSuffix(p, "\n") {
					t.Errorf("piece %d does not end with a line", i)
				}
			}
		})
	}
}

func TestUnits(t *testing.T) {
	for text, want := range map[string]int{"": 0, "abc": 3, "口紅": 2, "💄": 2, "👩‍👩‍👧‍👦": 11, "e\u0301": 2} {
		if got := units(text); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
}

func TestHideIDs(t *testing.T) {
	id := "4af4980629a1b2c3d4e5f60718293a4b"
	got := hideIDs("user U" + id + " and C" + id + "; U123")
	if strings.Contains(got, "4af4") || !strings.HasPrefix(got, "user U***") || !strings.HasSuffix(got, "; U123") {
		t.Fatal(got)
	}
	if hideIDs("nothing") != "nothing" {
		t.Fatal("changed a text without ids")
	}
}
