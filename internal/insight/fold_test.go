package insight

import (
	"testing"
	"unicode/utf8"
)

func TestFold(t *testing.T) {
	for name, c := range map[string]struct{ in, want string }{
		"case":                         {"Dry SKIN", "dry skin"},
		"width":                        {"ｄｒｙ　ｓｋｉｎ？", "dry skin?"},
		"repeated letters":             {"sooooo dryyy skinnn", "so dry skin"},
		"double letters stay":          {"good glossy", "good glossy"},
		"digits stay":                  {"10000", "10000"},
		"repeated Chinese stays":       {"好好好乾", "好好好乾"},
		"apostrophes":                  {"don't don’t", "dont dont"},
		"hyphen":                       {"anti-aging", "anti aging"},
		"dash":                         {"dry - very", "dry,very"},
		"zero width":                   {"sen\u200bsi\u00adtive", "sensitive"},
		"emoji":                        {"dry 😭😭 skin👩🏻‍🦰", "dry skin"},
		"punctuation":                  {"dry...really!? yes", "dry\nreally?yes"},
		"number with a point":          {"2.5 ml", "2 5 ml"},
		"composed and not":             {"cre\u0301me", "créme"},
		"Vietnamese":                   {"DA NHẠY CẢM", "da nhạy cảm"},
		"Vietnamese decomposed":        {"da nha\u0323y ca\u0309m", "da nhạy cảm"},
		"Vietnamese tone, old and new": {"hoà hòa thuỷ thủy", "hòa hòa thủy thủy"},
		"Thai SARA AM in parts":        {"น\u0e4dา", "นำ"},
		"Thai SARA AM with a tone":     {"น\u0e4d\u0e49า น\u0e49\u0e4dา", "น้ำ;น้ำ"},
		"Thai tone before the vowel":   {"ท\u0e48\u0e35", "ที่"},
		"Thai two SARA E":              {"เเห้ง", "แห้ง"},
		"Thai again and again":         {"แห้งๆ มากกกก", "แห้ง;มาก"},
		"Arabic marks and tatweel":     {"بَشَرَة جــاف", "بشره جاف"},
		"Arabic alef and ya":           {"أمي إلى آلة", "امي الي اله"},
		"Arabic presentation forms":    {"ﺑﺸﺮﺓ", "بشره"},
		"Arabic question":              {"جافة؟ نعم، لا", "جافه?نعم,لا"},
		"Chinese variants":             {"妳的粧", "你的妝"},
		"Chinese spaces":               {"皮膚 乾 matte 口紅", "皮膚;乾 matte 口紅"},
		"broken":                       {"dry\xff\xfeskin", "dry skin"},
	} {
		t.Run(name, func(t *testing.T) {
			var f folded
			f.fold(c.in)
			if string(f.b) != c.want {
				t.Errorf("%q became %q, want %q", c.in, f.b, c.want)
			}
			checkOffsets(t, &f, c.in)
		})
	}
}

// checkOffsets: every byte of the folded text comes from whole letters of the text.
func checkOffsets(t *testing.T, f *folded, text string) {
	t.Helper()
	if len(f.from) != len(f.b) || len(f.to) != len(f.b) || len(f.words) != len(f.b) || len(f.letters) != len(f.b) {
		t.Fatal("the columns have different lengths")
	}
	for i := range f.b {
		from, to := int(f.from[i]), int(f.to[i])
		if from >= to || to > len(text) {
			t.Fatalf("byte %d of %q comes from %d to %d", i, f.b, from, to)
		}
		if utf8.ValidString(text) && (!utf8.ValidString(text[from:to])) {
			t.Fatalf("byte %d comes from half a letter", i)
		}
		if i > 0 && (f.letters[i] < f.letters[i-1] || f.words[i] < f.words[i-1]) {
			t.Fatalf("counts fall at byte %d of %q", i, f.b)
		}
	}
}
