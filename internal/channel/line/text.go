package line

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"
)

// clean strips what no store takes: NUL and broken UTF-8.
func clean(s string) string {
	if strings.IndexByte(s, 0) < 0 && utf8.ValidString(s) {
		return s
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, ""), "\x00", "")
}

func cleanBytes(b []byte) []byte {
	return bytes.ReplaceAll(bytes.ToValidUTF8(b, nil), []byte{0}, nil)
}

// units counts as LINE does: UTF-16 code units, so most emoji count two or more.
func units(s string) int {
	n := 0
	for _, r := range s {
		n += runeUnits(r)
	}
	return n
}

func runeUnits(r rune) int {
	if r > 0xffff {
		return 2
	}
	return 1
}

// SplitText cuts a text into pieces that each fit into one LINE text message. It
// cuts after a line where it can, else after a space, else between two characters
// as a reader sees them; the pieces joined are the text again.
func SplitText(s string) []string {
	var pieces []string
	for s != "" {
		at := cut(s, maxTextUnits)
		pieces = append(pieces, s[:at])
		s = s[at:]
	}
	return pieces
}

// cut finds the byte offset at which to end the first piece of s.
func cut(s string, most int) int {
	var count, line, space, cluster, hard, flags int
	var prev rune
	for i, r := range s {
		if i > 0 {
			hard = i
			if !joins(prev, r, flags) {
				cluster = i
				if prev == '\n' {
					line = i
				} else if unicode.IsSpace(prev) {
					space = i
				}
			}
		}
		if count += runeUnits(r); count > most {
			// A cut that leaves the first piece nearly empty helps nobody.
			for _, at := range []int{line, space} {
				if at >= i/2 && at > 0 {
					return at
				}
			}
			if cluster > 0 {
				return cluster
			}
			return max(hard, 1)
		}
		if prev = r; isRegional(r) {
			flags++
		} else {
			flags = 0
		}
	}
	return len(s)
}

// joins tells whether r continues the character that ends with prev: combining
// marks, emoji sequences, flags, conjoining Hangul, CR LF. It covers what customers
// type, not every rule of Unicode's annex 29. flags counts the regional indicators
// just before r: a flag is a pair of them.
func joins(prev, r rune, flags int) bool {
	const zwj = 0x200d
	switch {
	case r == zwj || prev == zwj,
		r >= 0xfe00 && r <= 0xfe0f,   // variation selectors
		r >= 0x1f3fb && r <= 0x1f3ff, // skin tones
		r >= 0xe0020 && r <= 0xe007f, // tags of regional flags
		r >= 0x1160 && r <= 0x11ff,   // Hangul vowels and finals
		prev == '\r' && r == '\n',
		isRegional(r) && flags%2 == 1,
		unicode.In(r, unicode.Mn, unicode.Me, unicode.Mc):
		return true
	}
	return false
}

func isRegional(r rune) bool { return r >= 0x1f1e6 && r <= 0x1f1ff }
