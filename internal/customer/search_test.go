package customer

import "testing"

func TestFold(t *testing.T) {
	for name, c := range map[string]struct{ in, out string }{
		"case and width":        {"Ｒｏｓｅ ROSE", "rose rose"},
		"accents":               {"Zoë Nguyễn", "zoe nguyen"},
		"Arabic marks":          {"فَاطِمَة", "فاطمة"},
		"Thai keeps its vowels": {"กี่ กู่", "กี่ กู่"},
		"Thai, two spellings":   {"น้\u0e33", "น้\u0e4d\u0e32"},
		"spaces":                {"  林\u3000怡君 ", "林 怡君"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Fold(c.in); got != c.out {
				t.Errorf("%q folds to %q, want %q", c.in, got, c.out)
			}
		})
	}
	if Fold("ดี") == Fold("ดู") {
		t.Error("two Thai words became one")
	}
}
