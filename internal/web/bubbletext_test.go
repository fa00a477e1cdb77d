package web

import (
	"strings"
	"testing"
)

func TestLinked(t *testing.T) {
	link := func(a string) string {
		return `<a href="` + a + `" target="_blank" rel="noopener noreferrer nofollow">` + a + `</a>`
	}
	for text, want := range map[string]string{
		"see https://a.test/x.":             "see " + link("https://a.test/x") + ".",
		"看https://a.test/x，謝謝":              "看" + link("https://a.test/x") + "，謝謝",
		"看 https://a.test/x，謝謝":             "看 " + link("https://a.test/x") + "，謝謝",
		"(https://a.test/y)":                "(" + link("https://a.test/y") + ")",
		"https://a.test/w_(b)":              link("https://a.test/w_(b)"),
		"https://a.test/?a=1&b=2":           link("https://a.test/?a=1&amp;b=2"),
		"javascript:alert(1) data:text/h,x": "javascript:alert(1) data:text/h,x",
		`http://x.test/"><script>`:          link("http://x.test/") + `&#34;&gt;&lt;script&gt;`,
		"a\nb":                              "a\nb",
	} {
		if got := string(linked(text)); got != want {
			t.Errorf("%q:\n got %s\nwant %s", text, got, want)
		}
	}
}

func TestEmojiOnly(t *testing.T) {
	for text, want := range map[string]bool{
		"😊": true, "❤️ 🌸": true, "👩‍👩‍👧‍👦👍🏽": true, "🇹🇼🇯🇵": true, "😊!": false, "": false, " ": false, "123": false,
		strings.Repeat("😊", 7): false, "好😊": false,
	} {
		if got := emojiOnly(text); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func TestMood(t *testing.T) {
	if mood([]string{"bow", "THANK"}) != "🙏" || mood([]string{"xyz"}) != "" || mood(nil) != "" {
		t.Error("wrong glyph")
	}
}
