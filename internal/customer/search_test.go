package customer

import (
	"testing"

	"golang.org/x/text/unicode/norm"
)

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

func TestSearchFold(t *testing.T) {
	for name, c := range map[string]struct{ one, other string }{
		"skin care":             {"護膚專櫃", "护肤专柜"},
		"a name":                {"劉曉雲", "刘晓云"},
		"hair and to send":      {"髮", "發"},
		"a letter in two ways":  {"裏面", "裡面"},
		"you, to a woman":       {"妳好", "你好"},
		"flour, three ways":     {"麪粉", "面粉"},
		"lips":                  {"脣膏", "唇膏"},
		"with width and case":   {"ＬＩＰ 粧", "lip 妆"},
		"full and half width":   {"ｱﾝﾅ", "アンナ"},
		"compatibility letters": {"\uf9dc", "隆"},
	} {
		t.Run(name, func(t *testing.T) {
			if SearchFold(c.one) != SearchFold(c.other) {
				t.Errorf("%q and %q: %q and %q", c.one, c.other, SearchFold(c.one), SearchFold(c.other))
			}
		})
	}
	for one, other := range map[string]string{"敏感": "敏捷", "林": "森", "香": "番", "口紅": "口服"} {
		if SearchFold(one) == SearchFold(other) {
			t.Errorf("%q and %q became one", one, other)
		}
	}
	if Fold("護") != "護" {
		t.Error("what is stored by Fold must not change")
	}
}

func TestScriptTable(t *testing.T) {
	changed := 0
	for r := firstHan; r <= lastHan; r++ {
		to := SearchRune(r)
		if to < firstHan || to > lastHan || SearchRune(to) != to {
			t.Errorf("%c stands for %c, which stands for %c", r, to, SearchRune(to))
		}
		if to != r {
			changed++
		}
	}
	if changed < 2500 {
		t.Errorf("%d letters only", changed)
	}
	for _, r := range []rune{0, -1, 'a', firstHan - 1, lastHan + 1, 0xFFFD, 0x10FFFF, 0x110000} {
		if SearchRune(r) != r {
			t.Errorf("%U became %U", r, SearchRune(r))
		}
	}
}

func TestPlainTextNeedsNoNormalising(t *testing.T) {
	for r := rune(0); r <= lastHan; r++ {
		if s := string(r); isPlain(s) && norm.NFKD.String(s) != s {
			t.Errorf("%U", r)
		}
	}
}
