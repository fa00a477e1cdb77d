package insight

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// What stands between words in a folded text. Everything that people type there
// becomes one of these.
const (
	space    = ' '  // between words
	soft     = ';'  // a space in a script that needs none: a pause
	comma    = ','  // the end of a clause
	asks     = '?'  // the end of a sentence that asks
	sentence = '\n' // the end of a sentence
)

// folded is a text as phrases are compared with it: width, case, letter forms and
// repetition are gone. Each byte knows which bytes of the original it came from.
type folded struct {
	b        []byte
	from, to []int32 // of the original, for each byte
	words    []int32 // how many words began up to and with this byte
	letters  []int32 // how many letters were written up to and with this byte
	marked   bool    // a Latin letter with a mark: somebody types her marks

	last   rune // the last letter, 0 after a border
	run    int  // how often it was repeated
	marks  int  // length in bytes of the last written letter
	nWords int32
	nRunes int32
}

func (f *folded) reset() {
	*f = folded{b: f.b[:0], from: f.from[:0], to: f.to[:0], words: f.words[:0], letters: f.letters[:0]}
}

// fold normalises text. NFKC is asked only for stretches that are not in that
// form already, which in chats are few.
func (f *folded) fold(text string) {
	f.reset()
	for i := 0; i < len(text); {
		c := text[i]
		if c < utf8.RuneSelf {
			f.ascii(text, i)
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(text[i:])
		if direct(r) && !composes(text[i+n:]) {
			f.rune(r, text, span{i, i + n})
			i += n
			continue
		}
		end := i + segment(text[i:])
		for _, r := range norm.NFKC.String(text[i:end]) {
			f.rune(r, text, span{i, end})
		}
		i = end
	}
	for len(f.b) > 0 && f.b[len(f.b)-1] == space {
		f.cut(len(f.b) - 1)
	}
}

// span is a stretch of the original text.
type span struct{ from, to int }

// direct are the letters that NFKC leaves alone: Han, Thai (SARA AM is put
// together below, which NFKC would take apart) and Arabic ones without a mark.
func direct(r rune) bool {
	return r >= 0x4E00 && r <= 0x9FFF || r >= 0x0E00 && r <= 0x0E7F || r >= 0x0621 && r <= 0x0652 || r >= 0x3001 && r <= 0x3002
}

// composes tells whether the next letter may join the one before it.
func composes(rest string) bool {
	if rest == "" || rest[0] < utf8.RuneSelf {
		return false
	}
	r, _ := utf8.DecodeRuneInString(rest)
	return r >= 0x0300 && r <= 0x036F || r >= 0x0653 && r <= 0x0655 || r == 0x3099 || r == 0x309A
}

// segment is the length of the first letter with its marks.
func segment(s string) int {
	n := norm.NFKC.NextBoundaryInString(s, true)
	if n <= 0 {
		_, n = utf8.DecodeRuneInString(s)
	}
	return n
}

func (f *folded) ascii(text string, i int) {
	c := text[i]
	switch {
	case c >= 'a' && c <= 'z' || c >= '0' && c <= '9':
		if i+1 < len(text) && text[i+1] >= utf8.RuneSelf && composes(text[i+1:]) {
			f.joined(text, i)
			return
		}
		f.letter(rune(c), span{i, i + 1})
	case c >= 'A' && c <= 'Z':
		if i+1 < len(text) && text[i+1] >= utf8.RuneSelf && composes(text[i+1:]) {
			f.joined(text, i)
			return
		}
		f.letter(rune(c)+'a'-'A', span{i, i + 1})
	default:
		f.sign(rune(c), text, span{i, i + 1})
	}
}

// joined composes an ASCII letter with the marks that follow it. The marks alone
// come by here again and are dropped, because they are no letters.
func (f *folded) joined(text string, i int) {
	end := i + segment(text[i:])
	for _, r := range norm.NFKC.String(text[i:end]) {
		f.rune(r, text, span{i, end})
	}
}

// rune takes one character in NFKC.
func (f *folded) rune(r rune, text string, at span) {
	switch {
	case r < utf8.RuneSelf:
		if r >= 'A' && r <= 'Z' {
			r += 'a' - 'A'
		}
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			f.letter(r, at)
		} else {
			f.sign(r, text, at)
		}
	case r >= 0x0E00 && r <= 0x0E7F:
		f.thai(r, at)
	case r >= 0x0600 && r <= 0x06FF:
		if r = arabic(r); r == 0 {
			return
		}
		if r < utf8.RuneSelf {
			f.sign(r, text, at)
			return
		}
		f.letter(r, at)
	case r >= 0x4E00 && r <= 0x9FFF:
		if v, ok := variants[r]; ok {
			r = v
		}
		f.letter(r, at)
	case r <= 0x024F || r >= 0x1E00 && r <= 0x1EFF:
		if !unicode.IsLetter(r) {
			f.sign(r, text, at)
			return
		}
		f.marked = true
		f.vietnamese(unicode.ToLower(r), at)
	case unicode.IsLetter(r) || unicode.IsNumber(r):
		f.letter(unicode.ToLower(r), at)
	default:
		f.sign(r, text, at)
	}
}

// sign takes what is no letter.
func (f *folded) sign(r rune, text string, at span) {
	switch r {
	case '\'', '’', '‘', 'ʼ', '`', '´', '"', '“', '”', 0x00AD:
		return // don't = dont
	case '?', '؟', '？':
		f.border(asks, at)
	case '!', '\n', '\r', '。', '！', '।':
		f.border(sentence, at)
	case '.':
		if at.to < len(text) && text[at.to] >= '0' && text[at.to] <= '9' { // 2.5
			f.border(space, at)
			return
		}
		f.border(sentence, at)
	case ',', ':', ';', '(', ')', '[', ']', '{', '}', '<', '>', '~', '…', '、', '،', '؛', '「', '」', '『', '』', '—', '–', '•', '·', '|', '*', '=', '+':
		f.border(comma, at)
	case '-':
		if f.last == 0 && (at.to == len(text) || text[at.to] == ' ') {
			f.border(comma, at)
			return
		}
		f.border(space, at)
	default:
		// Signs that nobody sees, and the marks of letters that were composed with
		// them, join nothing and part nothing.
		if unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Mn, r) || unicode.Is(unicode.Me, r) {
			return
		}
		f.border(space, at)
	}
}

// strength orders borders: of several in a row the strongest stays.
func strength(b byte) int {
	switch b {
	case space:
		return 1
	case soft:
		return 2
	case comma:
		return 3
	case sentence:
		return 4
	case asks:
		return 5
	}
	return 0
}

func isBorder(b byte) bool { return strength(b) > 0 }

func (f *folded) border(b byte, at span) {
	f.last, f.run = 0, 0
	if n := len(f.b); n > 0 {
		if was := f.b[n-1]; isBorder(was) {
			if strength(b) > strength(was) {
				f.b[n-1] = b
			}
			f.to[n-1] = int32(at.to)
			return
		}
	} else if b == space {
		return
	}
	f.put(b, at)
}

// letter writes one letter; the third of a row takes the second away with it:
// "dryyy" is "dry", "skinnn" is "skin", "good" stays.
func (f *folded) letter(r rune, at span) {
	if r == f.last && !unicode.Is(unicode.Han, r) && (r < '0' || r > '9') {
		f.run++
		if f.run == 3 {
			f.back(at)
		}
		if f.run >= 3 {
			f.to[len(f.to)-1] = int32(at.to)
			return
		}
	} else {
		f.run = 1
	}
	if n := len(f.b); n > 0 && f.b[n-1] == space && spaceless(r) {
		if before, _ := utf8.DecodeLastRune(f.b[:n-1]); spaceless(before) {
			f.b[n-1] = soft
		}
	}
	if f.last == 0 || spaceless(r) != spaceless(f.last) {
		f.nWords++
	}
	f.last = r
	f.nRunes++
	f.write(r, at)
}

// write puts a letter's bytes.
func (f *folded) write(r rune, at span) {
	if r < utf8.RuneSelf {
		f.put(byte(r), at)
		f.marks = 1
		return
	}
	var buf [utf8.UTFMax]byte
	f.marks = utf8.EncodeRune(buf[:], r)
	for _, c := range buf[:f.marks] {
		f.put(c, at)
	}
}

// back takes the last letter away; the one before it covers its place.
func (f *folded) back(at span) {
	f.cut(len(f.b) - f.marks)
	f.nRunes--
	f.to[len(f.to)-1] = int32(at.to)
}

func (f *folded) put(c byte, at span) {
	f.b = append(f.b, c)
	f.from = append(f.from, int32(at.from))
	f.to = append(f.to, int32(at.to))
	f.words = append(f.words, f.nWords)
	f.letters = append(f.letters, f.nRunes)
}

func (f *folded) cut(n int) {
	f.b, f.from, f.to, f.words, f.letters = f.b[:n], f.from[:n], f.to[:n], f.words[:n], f.letters[:n]
}

// thai puts together what keyboards send in several ways: SARA AM in two parts,
// a tone before its vowel, SARA AE as two SARA E.
func (f *folded) thai(r rune, at span) {
	if r == 0x0E46 || r == 0x0E3A || r == 0x0E4C && f.last == 0x0E4C { // "again and again"
		return
	}
	if r == 0x0E2F || r == 0x0E5A || r == 0x0E5B {
		f.border(space, at)
		return
	}
	before := f.runeBefore(0)
	switch {
	case r == 0x0E32 && before == 0x0E4D: // ํ + า
		f.drop()
		f.letter(0x0E33, at)
	case r == 0x0E32 && thaiTone(before) && f.runeBefore(1) == 0x0E4D: // ํ + tone + า
		f.drop()
		f.drop()
		f.letter(before, at)
		f.letter(0x0E33, at)
	case thaiUpper(r) && thaiTone(before): // tone + vowel
		f.drop()
		f.letter(r, at)
		f.letter(before, at)
	case r == 0x0E40 && before == 0x0E40:
		f.drop()
		f.letter(0x0E41, at)
	default:
		f.letter(r, at)
	}
}

func thaiTone(r rune) bool  { return r >= 0x0E48 && r <= 0x0E4B }
func thaiUpper(r rune) bool { return r == 0x0E31 || r >= 0x0E34 && r <= 0x0E39 }

// runeBefore is the n-th letter before the end.
func (f *folded) runeBefore(n int) rune {
	rest := f.b
	for ; n > 0; n-- {
		_, size := utf8.DecodeLastRune(rest)
		rest = rest[:len(rest)-size]
	}
	r, _ := utf8.DecodeLastRune(rest)
	return r
}

// drop takes the last letter away.
func (f *folded) drop() {
	_, size := utf8.DecodeLastRune(f.b)
	f.cut(len(f.b) - size)
	f.nRunes--
	f.run = 0
}

// arabic folds the forms of a letter into one; 0: it is not written.
func arabic(r rune) rune {
	switch {
	case r >= 0x064B && r <= 0x065F, r == 0x0640, r == 0x0670, r >= 0x06D6 && r <= 0x06ED, r >= 0x0610 && r <= 0x061A:
		return 0
	case r >= 0x0660 && r <= 0x0669: // digits
		return r - 0x0660 + '0'
	case r >= 0x06F0 && r <= 0x06F9:
		return r - 0x06F0 + '0'
	}
	switch r {
	case 'أ', 'إ', 'آ', 'ٱ':
		return 'ا'
	case 'ى', 'ی', 'ئ':
		return 'ي'
	case 'ة', 'ۀ', 'ە', 'ہ':
		return 'ه'
	case 'ؤ':
		return 'و'
	case 'ک', 'ڪ':
		return 'ك'
	case '؟':
		return '?'
	case '،', '؛':
		return ','
	case '۔':
		return '.'
	}
	return r
}

// vietnamese writes the tone of an open end where older spelling has it: hoà and
// hòa, thuỷ and thủy are one word.
func (f *folded) vietnamese(r rune, at span) {
	if pair, ok := newTone[r]; ok && (f.last == 'o' && r != 'ỳ' && r != 'ý' && r != 'ỷ' && r != 'ỹ' && r != 'ỵ' || f.last == 'u' && pair[1] == 'y') {
		// Both spellings become the one without the mark on the second letter; the
		// tone goes on the first.
		tone := toned[f.last][pair[0]]
		if tone != 0 {
			first := at
			if n := len(f.from); n > 0 {
				first = span{int(f.from[n-1]), int(f.to[n-1])}
			}
			f.drop()
			f.letter(tone, first)
			f.letter(pair[1], at)
			return
		}
	}
	f.letter(r, at)
}

// spaceless tells letters of scripts that do not part words.
func spaceless(r rune) bool {
	return r >= 0x4E00 && r <= 0x9FFF || r >= 0x0E00 && r <= 0x0E7F || r >= 0x3400 && r <= 0x4DBF || r >= 0x3040 && r <= 0x30FF ||
		r >= 0x20000 && r <= 0x3FFFF
}

// foldPhrase folds what a lexicon says, which has no offsets to keep.
func foldPhrase(s string) string {
	var f folded
	f.fold(strings.TrimSpace(s))
	return string(f.b)
}

func hasLetter(s string) bool {
	for i := range len(s) {
		if !isBorder(s[i]) {
			return true
		}
	}
	return false
}
