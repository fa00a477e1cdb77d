package insight

import (
	"fmt"
	"slices"
	"testing"

	"dingdong/internal/customer"
)

// TestLexiconTags: every tag that a lexicon gives has its words, and every tag
// with words is given by a lexicon.
func TestLexiconTags(t *testing.T) {
	words, err := TagWords()
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]TagWord{}
	for _, w := range words {
		if _, twice := known[w.Name]; twice {
			t.Errorf("%s stands twice", w.Name)
		}
		if w.Label["en"] == "" || w.Label["zh-TW"] == "" || len(w.Label) != 2 {
			t.Errorf("%s: labels %v", w.Name, w.Label)
		}
		if !slices.Contains(customer.Tones(), w.Tone) {
			t.Errorf("%s: tone %q", w.Name, w.Tone)
		}
		known[w.Name] = w
	}
	given := map[string]bool{}
	for _, l := range shippedLexicons(t) {
		for _, r := range l.Rules {
			if r.Tag == "" {
				continue
			}
			given[r.Tag] = true
			if w, ok := known[r.Tag]; !ok {
				t.Errorf("%s: tag %s has no words in tags.yaml", l.Language, r.Tag)
			} else if w.Days != r.Days {
				t.Errorf("%s: rule %s ends its tag after %d days, tags.yaml says %d", l.Language, r.ID, r.Days, w.Days)
			}
		}
	}
	for name := range known {
		if !given[name] {
			t.Errorf("no lexicon gives %s", name)
		}
	}
}

// TestLexiconSameRules: a rule means the same in every language.
func TestLexiconSameRules(t *testing.T) {
	all := shippedLexicons(t)
	if len(all) != len(Languages()) {
		t.Fatalf("%d lexicons shipped", len(all))
	}
	meaning := func(r Rule) string {
		s := fmt.Sprintf("tag %q signal %q days %d asks %q reply %q home %t", r.Tag, r.Signal, r.Days, r.Asks, r.Reply, r.Home)
		if r.Attribute != nil {
			s += fmt.Sprint(*r.Attribute)
		}
		if r.Negated != nil {
			s += r.Negated.Tag
			if r.Negated.Attribute != nil {
				s += fmt.Sprint(*r.Negated.Attribute)
			}
		}
		return s
	}
	first := map[string]string{}
	for _, r := range all[0].Rules {
		first[r.ID] = meaning(r)
	}
	for _, l := range all[1:] {
		if len(l.Rules) != len(first) {
			t.Errorf("%s has %d rules, %s %d", l.Language, len(l.Rules), all[0].Language, len(first))
		}
		for _, r := range l.Rules {
			if want, ok := first[r.ID]; !ok {
				t.Errorf("%s: rule %s is in no other language", l.Language, r.ID)
			} else if got := meaning(r); got != want {
				t.Errorf("%s: rule %s means %s, elsewhere %s", l.Language, r.ID, got, want)
			}
		}
	}
}

// TestLexiconSaysNothing: everyday sentences of a chat with a counter from which
// nothing is to be concluded.
func TestLexiconSaysNothing(t *testing.T) {
	reader, err := Compile(shippedLexicons(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		"請問停車場在哪裡？", "地址在台北市大安區", "你們有清潔用品嗎", "那個活動到什麼時候", "我家小朋友發燒了", "今天头发好看",
		"My order number is 12345", "he is sensitive about this topic", "the battery is running out", "i'll come this weekend with a friend",
		"tolong kirim ke alamat ini", "pulsa mau habis", "fresh graduate nih", "saya dah sampai mall", "nak tanya kedai buka pukul berapa",
		"خلص تمام شكرا", "باعود بكرا ان شاء الله", "ورد لي رسالة", "รถคันสีแดง", "โอนเงินแล้วค่ะ สลิปตามนี้", "hôm nay đau đầu quá", "da vâng ạ",
		"dạ em cảm ơn", "mấy giờ mở cửa vậy shop",
	} {
		for _, f := range reader.Read(text) {
			t.Errorf("%q: %s %s heard in %q", text, f.About, f.Stance, f.Words)
		}
	}
}

func shippedLexicons(t *testing.T) []Lexicon {
	t.Helper()
	files, err := Shipped()
	if err != nil {
		t.Fatal(err)
	}
	var out []Lexicon
	for _, f := range files {
		l, err := ParseLexicon([]byte(f.YAML))
		if err != nil {
			t.Fatalf("%s: %v", f.Name, err)
		}
		out = append(out, l)
	}
	return out
}
