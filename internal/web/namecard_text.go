package web

import (
	"strings"
	"unicode"

	"golang.org/x/text/width"
)

// An SVG does not break lines, and the fonts of whoever prints are not known here:
// widths are estimated, a little too wide rather than too narrow.

// fitLines takes the largest size at which a text fits into the lines it may have,
// and spreads it evenly; what does not fit at the smallest is cut with an ellipsis.
func fitLines(text string, t cardType) (float64, []string) {
	text = strings.Join(strings.Fields(text), " ")
	if text == "" {
		return t.sizes[0], nil
	}
	room := cardWide - 2*cardEdge
	for _, most := range oneTo(t.most) { // rather smaller on one line than large on two, but not the smallest
		sizes := t.sizes
		if most < t.most && len(sizes) > 2 {
			sizes = sizes[:len(sizes)-1]
		}
		for _, size := range sizes {
			if lines := wrapText(text, (room-float64(t.spacing))/size, t.weight); len(lines) <= most {
				return size, evenLines(text, len(lines), room/size, t.weight)
			}
		}
	}
	size := t.sizes[len(t.sizes)-1]
	lines := wrapText(text, room/size, t.weight)[:t.most]
	last := []rune(lines[t.most-1])
	for len(last) > 0 && textEms(string(last)+"…", t.weight) > room/size {
		last = last[:len(last)-1]
	}
	lines[t.most-1] = strings.TrimSpace(string(last)) + "…"
	return size, lines
}

func oneTo(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i + 1
	}
	return out
}

// evenLines narrows the column until one more line would be needed, so that no
// single character is left over on the last.
func evenLines(text string, n int, ems float64, weight int) []string {
	low, high := ems/float64(n+1), ems
	for range 12 {
		if middle := (low + high) / 2; len(wrapText(text, middle, weight)) <= n {
			high = middle
		} else {
			low = middle
		}
	}
	return wrapText(text, high, weight)
}

// wrapText breaks between words, and between characters of scripts that write
// without spaces.
func wrapText(text string, ems float64, weight int) []string {
	var lines []string
	line := ""
	for _, piece := range pieces(text) {
		if line != "" && textEms(strings.TrimRight(line+piece, " "), weight) > ems {
			lines, line = append(lines, strings.TrimSpace(line)), ""
		}
		for textEms(strings.TrimRight(piece, " "), weight) > ems { // a word wider than the card
			head := []rune(piece)
			n := len(head) - 1
			for n > 1 && textEms(string(head[:n]), weight) > ems {
				n--
			}
			if n < 1 {
				break
			}
			lines, piece = append(lines, string(head[:n])), string(head[n:])
		}
		line += piece
	}
	if line = strings.TrimSpace(line); line != "" {
		lines = append(lines, line)
	}
	return lines
}

// pieces are what a line may be broken between. A sign that closes stays with what
// it closes, one that opens with what it opens.
func pieces(text string) []string {
	var out []string
	var now strings.Builder
	var last rune
	for _, r := range text {
		breaks := last != 0 && !unicode.In(r, unicode.Mn, unicode.Mc) && (last == ' ' && r != ' ' ||
			(wide(last) || wide(r)) && r != ' ' && !closes(r) && !opens(last))
		if breaks {
			out = append(out, now.String())
			now.Reset()
		}
		now.WriteRune(r)
		last = r
	}
	return append(out, now.String())
}

func closes(r rune) bool {
	return strings.ContainsRune("、，。．；：？！）」』】》〉,.;:?!)]}’”…", r)
}
func opens(r rune) bool { return strings.ContainsRune("（「『【《〈([{‘“", r) }

func wide(r rune) bool {
	k := width.LookupRune(r).Kind()
	return k == width.EastAsianWide || k == width.EastAsianFullwidth
}

// textEms estimates how wide a text is, in the size of its letters.
func textEms(text string, weight int) float64 {
	sum := 0.0
	for _, r := range text {
		switch {
		case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		case wide(r):
			sum++
		case r == ' ':
			sum += 0.28
		case strings.ContainsRune("iljtfrI.,'’:;!|·()", r):
			sum += 0.36
		case strings.ContainsRune("mwMW@%&", r):
			sum += 0.92
		case unicode.IsUpper(r):
			sum += 0.7
		case unicode.IsDigit(r):
			sum += 0.57
		default:
			sum += 0.58
		}
	}
	if weight > 500 {
		sum *= 1.05
	}
	return sum
}
