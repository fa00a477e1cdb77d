package insight

import (
	"strings"
	"testing"
)

// stanceLexicons have just the words that the cases below need.
const stanceLexicons = `language: en
version: 1
words: [the, is, my, and, if, "i", do]
negation: {before: [not, "don't", "can't say", "i'm not", no], after: ["is gone"], past: ["used to have"], window: 3}
other: ["my mum", "my sister", mum]
self: ["i", "i have", "my skin"]
question: {marks: ["?"], words: [which, is it, do you], doubt: ["not sure if", "am i"], or: [or]}
clause: [but, if]
condition: [if]
same: ["so do i"]
differs: ["i don't"]
rules:
  - {id: skin.dry, phrases: ["dry skin", "skin ~ dry"], tag: "skin:dry"}
  - {id: skin.sensitive, phrases: ["sensitive skin"], denied: [sensitive], tag: "concern:sensitive", attribute: {name: sensitive, value: "yes"}}
  - {id: acne, phrases: [acne], tag: "concern:acne"}
  - {id: reaction, phrases: [itches], denied: [reaction], signal: allergy_reaction}
  - {id: nose, phrases: ["sensitive nose"], tag: "nose:sensitive"}
  - {id: perfume, phrases: [perfume], tag: "category:perfume"}
  - {id: birthday, phrases: [birthday], signal: "occasion:birthday"}
  - {id: gift, phrases: [gift], tag: "wish:gift", signal: gift}
---
language: zh-Hant
version: 1
negation: {before: [不, 沒, 沒有, 不是], window: 4}
question: {marks: ["？"], final: [嗎]}
rules:
  - {id: skin.sensitive, phrases: [有敏感, 敏感肌], tag: "concern:sensitive"}
  - {id: price, phrases: [太貴], denied: [貴], signal: price_high}
---
language: ar
version: 1
negation: {before: [لا, مو, ولا], window: 3}
question: {marks: ["؟"], words: [ولا]}
rules:
  - {id: woody, phrases: [خشبي], tag: "scent:woody"}
  - {id: citrus, phrases: [حمضي], tag: "scent:citrus"}
`

func TestStances(t *testing.T) {
	var all []Lexicon
	for _, doc := range strings.Split(stanceLexicons, "\n---\n") {
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
	for _, c := range []struct{ name, text, want string }{
		{"same", "my mum has dry skin and so do I", "other skin:dry,said skin:dry"},
		{"differs", "my mum has dry skin, I don't", "negated skin:dry,other skin:dry"},
		{"an echo only at the end", "my mum has dry skin, I don't like perfume", "negated category:perfume,other skin:dry"},
		{"no echo without another person", "dry skin, I don't", "said skin:dry"},
		{"no more", "I used to have acne, it is gone", "negated concern:acne"},
		{"past alone", "I used to have acne", "said concern:acne"},
		{"something else is gone", "I used to have acne, dry skin is gone", "negated skin:dry,said concern:acne"},
		{"doubt", "not sure if my skin is dry", "asked skin:dry"},
		{"supposed", "if I have dry skin, is it ok", "asked skin:dry"},
		{"supposed and not asked", "if I have dry skin I stay home", "said skin:dry"},
		{"or goes on", "is it dry skin, or acne", "asked concern:acne,asked skin:dry"},
		{"too little by itself", "what a reaction", ""},
		{"little, denied", "no reaction at all", "negated allergy_reaction"},
		{"what she is, denied", "I'm not sensitive", "negated concern:sensitive"},
		{"what something else is", "the label is not sensitive", ""},
		{"little, in something longer", "not a sensitive nose", "negated nose:sensitive"},
		{"little, denied twice", "can't say I'm not sensitive", "said concern:sensitive"},
		{"present", "my sister's birthday, mum wants perfume", "other category:perfume,said gift,said occasion:birthday,said wish:gift"},
		{"her own birthday", "my birthday, which perfume", "asked category:perfume,said occasion:birthday"},
		{"a denial in a longer one", "我沒有敏感", "negated concern:sensitive"},
		{"said twice is no double denial", "不貴不貴", "negated price_high"},
		{"double", "不是不貴", "said price_high"},
		{"or that asks", "خشبي ولا حمضي", "asked scent:citrus,asked scent:woody"},
		{"or that denies", "مو خشبي ولا حمضي", "negated scent:citrus,negated scent:woody"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := strings.Join(brief(r.Read(c.text)), ","); got != c.want {
				t.Errorf("%q: %s, want %s", c.text, got, c.want)
			}
		})
	}
}
