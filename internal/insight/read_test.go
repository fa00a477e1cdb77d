package insight

import (
	"os"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// testLexicons are small ones whose words the tests below know; the shipped ones
// may be edited without touching these tests.
func testLexicons(t testing.TB) *Reader {
	t.Helper()
	data, err := os.ReadFile("testdata/lexicons.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var all []Lexicon
	for _, doc := range strings.Split(string(data), "\n---\n") {
		l, err := ParseLexicon([]byte(doc))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, l)
	}
	r, err := Compile(all)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// brief writes findings as the tests say them: "said skin:dry". Attributes have a test of their own.
func brief(found []Finding) []string {
	var out []string
	for _, f := range found {
		if f.Kind == KindAttribute {
			continue
		}
		out = append(out, string(f.Stance)+" "+f.About)
	}
	slices.Sort(out)
	return out
}

func TestRead(t *testing.T) {
	r := testLexicons(t)
	for _, c := range []struct {
		name, text string
		want       string // findings, by comma
	}{
		{"plain", "I have dry skin", "said skin:dry"},
		{"gap", "my skin gets so dry", "said skin:dry"},
		{"gap too wide", "my skin is fine and the weather today is dry", ""},
		{"gap over a clause", "about my skin, it is dry season", ""},
		{"word border", "dry skinny jeans", ""},
		{"plural", "which lipsticks do you have?", "asked category:lipstick"},
		{"squeezed, shouted", "DRYYY SKIIIN", "said skin:dry"},
		{"guard", "dry shampoo please", ""},
		{"longest wins", "my very dry skin", "said skin:dry"},
		{"negated", "I don't have dry skin", "negated skin:dry"},
		{"negated in the gap", "my skin is not dry", "negated skin:dry"},
		{"negation ends with the clause", "no problem, dry skin", "said skin:dry"},
		{"not only", "not only dry skin", "said skin:dry"},
		{"double negation", "it's not that I don't have dry skin", "said skin:dry"},
		{"free", "a dry skin free life", "negated skin:dry"},
		{"asked", "is it good for sensitive skin?", "asked concern:sensitive"},
		{"asked with own skin", "does it suit my sensitive skin?", "said concern:sensitive"},
		{"asks in the next clause", "my skin is dry, which lipstick?", "asked category:lipstick,said skin:dry"},
		{"other", "lipstick for my mum", "other category:lipstick"},
		{"other and herself", "for my mum, but I have sensitive skin", "said concern:sensitive"},
		{"other goes on", "it's for my mum, dry skin, age 60", "other skin:dry"},
		{"other later", "sensitive skin please, it's for my mum", "other concern:sensitive"},
		{"other ends with the sentence", "Thanks for helping my mum. Sensitive skin is mine.", "said concern:sensitive"},
		{"gift is the purchase", "a gift for my mum", "said gift"},
		{"zh", "我是敏感肌,想找口紅", "said category:lipstick,said concern:sensitive"},
		{"zh guard", "洗乾淨皮膚", ""},
		{"zh negated", "我皮膚不會乾", "negated skin:dry"},
		{"zh double", "我皮膚不是不乾", "said skin:dry"},
		{"zh each its own", "皮膚不乾 不過是敏感肌", "negated skin:dry,said concern:sensitive"},
		{"zh asked", "敏感肌可以用嗎", "asked concern:sensitive"},
		{"zh own skin asked", "我是敏感肌可以用嗎", "said concern:sensitive"},
		{"zh A-not-A", "口紅有沒有", "asked category:lipstick"},
		{"zh other", "幫我媽媽買的口紅", "other category:lipstick"},
		{"zh two people", "我媽是敏感肌 我自己皮膚乾", "other concern:sensitive,said skin:dry"},
		{"zh with Latin", "想找 lipstick 給我媽", "other category:lipstick"},
		{"id suffix", "kulitku kering banget", "said skin:dry"},
		{"id prefix and suffix", "aku mau lipstiknya", "said category:lipstick"},
		{"id negated", "kulit saya tidak kering", "negated skin:dry"},
		{"id other", "lipstik untuk ibu saya", "other category:lipstick"},
		{"ar proclitic", "اريد الاحمر والعطر", "said category:perfume"},
		{"ar forms", "بَشَرَتي جافّة", "said skin:dry"},
		{"ar negated", "بشرتي ليست جافة", "negated skin:dry"},
		{"ar other", "عطر لأمي", "other category:perfume"},
		{"th", "ผิวเราแห้งมากก", "said skin:dry"},
		{"th negated", "ผิวไม่แห้ง", "negated skin:dry"},
		{"th other", "ซื้อน\u0e49\u0e4dาหอมให้แม่", "other category:perfume"},
		{"th asked", "มีน้ำหอมไหมคะ", "asked category:perfume"},
		{"vi", "da mình nhạy cảm", "said concern:sensitive"},
		{"vi without marks", "da minh nhay cam", "said concern:sensitive"},
		{"vi wrong marks", "dã mình nhay cam", ""},
		{"vi negated", "da không nhạy cảm", "negated concern:sensitive"},
		{"vi final", "có nước hoa không", "asked category:perfume"},
		{"vi other", "nước hoa cho mẹ", "other category:perfume"},
		{"short word of another language", "my son likes it", ""},
		{"the short word at home", "mình thích son này", "said category:lipstick"},
		{"nothing", "when do you close today?", ""},
		{"empty", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			found := r.Read(c.text)
			if got := strings.Join(brief(found), ","); got != c.want {
				t.Errorf("%q: %s, want %s", c.text, got, c.want)
			}
		})
	}
}

func TestConclusions(t *testing.T) {
	r := testLexicons(t)
	for name, c := range map[string]struct {
		text string
		want []Conclusion
	}{
		"said":                   {"我是敏感肌", []Conclusion{{Tag: "concern:sensitive", Days: 90}, {Attribute: Attribute{"sensitive", "yes"}}}},
		"denied":                 {"我不是敏感肌", []Conclusion{{Attribute: Attribute{"sensitive", "no"}}, {}}},
		"asked, ignored":         {"敏感肌可以用嗎", []Conclusion{{}, {}}},
		"asked, kept":            {"有沒有口紅", []Conclusion{{Tag: "category:lipstick"}}},
		"other":                  {"我媽是敏感肌", []Conclusion{{}, {}}},
		"denied without a rule":  {"不要口紅", []Conclusion{{}}},
		"a signal is no verdict": {"a gift for my mum", []Conclusion{{}}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []Conclusion
			for _, f := range r.Read(c.text) {
				got = append(got, f.Conclusion)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("%q: %+v, want %+v", c.text, got, c.want)
			}
		})
	}
}

func TestWordsAreTheOriginal(t *testing.T) {
	r := testLexicons(t)
	for text, want := range map[string]string{
		"x 😭 DRYYY\u200b  SKIN!": "DRYYY\u200b  SKIN",
		"ผิวเราแห้งมากก":         "ผิวเราแห้ง",
		"، بَشَرَتي جافّة!":      "بَشَرَتي جافّة",
	} {
		found := r.Read(text)
		if len(found) != 1 || found[0].Words != want || text[found[0].From:found[0].To] != want {
			t.Errorf("%q: %+v, want %q", text, found, want)
		}
	}
}

func TestReadIsBounded(t *testing.T) {
	r := testLexicons(t)
	for _, text := range []string{
		strings.Repeat("my skin dry ", 5000), strings.Repeat("敏感肌", 9000), strings.Repeat("不", 20000) + "敏感肌", strings.Repeat("skin ", 4000) + "dry",
	} {
		if n := len(r.Read(text)); n > maxFindings {
			t.Errorf("%d findings", n)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, s := range []string{"I don't have dry skin?", "我媽是敏感肌 我自己皮膚乾", "น\u0e4d\u0e49า ผิวไม่แห้ง", "بَشَرَتي", "da nha\u0323y ca\u0309m", "\xff\xe4\xb8"} {
		f.Add(s)
	}
	r := testLexicons(f)
	f.Fuzz(func(t *testing.T, text string) {
		var fo folded
		fo.fold(text)
		checkOffsets(t, &fo, text)
		for _, x := range r.Read(text) {
			if x.From < 0 || x.From >= x.To || x.To > len(text) || x.Words != text[x.From:x.To] {
				t.Errorf("%q: %+v", text, x)
			}
			if utf8.ValidString(text) && !utf8.ValidString(x.Words) {
				t.Errorf("%q: half a letter in %q", text, x.Words)
			}
		}
	})
}
