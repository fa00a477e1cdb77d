package insight

import (
	"strings"
	"testing"

	"dingdong/internal/conversation"
	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
)

func TestWhereTheWordsStand(t *testing.T) {
	clock := dbtest.NewClock(base)
	h := newHouse(t, dbtest.NewAt(t, clock), clock)
	for _, tc := range []struct {
		name, text string
		change     func(*customer.Proof)
		want       string // what is marked, with | between
	}{
		{"one", "我是敏感肌喔", nil, "敏感肌"},
		{"in the first letters of many", strings.Repeat("你好，", 40) + "我是敏感肌", nil, "敏感肌"},
		{"two of them", "我是敏感肌，想找口紅", nil, "敏感肌|口紅"},
		{"in wide letters", "I have ＳＥＮＳＩＴＩＶＥ  skin", nil, "ＳＥＮＳＩＴＩＶＥ  skin"},
		{"by a later lexicon", "我是敏感肌", func(p *customer.Proof) { p.Rule = strings.Replace(p.Rule, "/1/", "/9/", 1) }, "敏感肌"},
		{"by another rule", "我是敏感肌", func(p *customer.Proof) { p.Rule = "zh-Hant/1/gone" }, ""},
		{"other words", "我是敏感肌", func(p *customer.Proof) { p.Cause = "我是敏感性肌" }, ""},
		{"no rule at all", "我是敏感肌", func(p *customer.Proof) { p.Rule = "" }, ""},
		{"nothing to read", "", nil, ""},
	} {
		h.read(func(tx *db.Tx) error {
			reader, err := h.Live(tx)
			check(t, err)
			var proofs []customer.Proof
			for _, c := range conclusions(message{Heard: conversation.Heard{Text: tc.text}}, reader.Read(tc.text)) {
				if tc.change != nil {
					tc.change(&c.Proof)
				}
				proofs = append(proofs, c.Proof)
			}
			where, err := h.Where(tx, tc.text, proofs)
			var got []string
			for _, s := range where {
				got = append(got, tc.text[s.From:s.To])
			}
			if strings.Join(got, "|") != tc.want {
				t.Errorf("%s: %q", tc.name, got)
			}
			return err
		})
	}
}
