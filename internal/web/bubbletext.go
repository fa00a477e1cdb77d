package web

import (
	"html/template"
	"regexp"
	"strings"
	"unicode"
)

// address finds what a person would tap: http and https only, nothing that a
// browser would run. What follows a link in Chinese follows without a space.
var address = regexp.MustCompile(`(?i)\bhttps?://[a-z0-9][^\s<>"'` + "`" + `，。！？、；：（）「」『』【】《》]*`)

// linked turns a text into safe HTML with its addresses as links.
func linked(text string) template.HTML { return marked(text, nil) }

// links are where the addresses of a text begin and end.
func links(text string) [][2]int {
	var all [][2]int
	for _, at := range address.FindAllStringIndex(text, -1) {
		link := strings.TrimRight(text[at[0]:at[1]], ".,;:!?*_~")
		if strings.HasSuffix(link, ")") && !strings.Contains(link, "(") {
			link = strings.TrimSuffix(link, ")")
		}
		all = append(all, [2]int{at[0], at[0] + len(link)})
	}
	return all
}

// biggestEmoji is how many emoji alone are drawn large.
const biggestEmoji = 6

// emojiOnly tells a text of a few emoji and nothing else.
func emojiOnly(text string) bool {
	count := 0
	joined := false
	for _, r := range text {
		switch {
		case r == '\u200d':
			joined = true
			continue
		case unicode.IsSpace(r), r == '\ufe0f', r == '\u20e3', r >= 0x1f3fb && r <= 0x1f3ff, r >= 0xe0020 && r <= 0xe007f:
		case isEmoji(r):
			if !joined {
				count++
			}
		default:
			return false
		}
		joined = false
	}
	return count > 0 && count <= 2*biggestEmoji && (count <= biggestEmoji || flags(text))
}

func isEmoji(r rune) bool {
	return r >= 0x1f300 && r <= 0x1faff || r >= 0x1f1e6 && r <= 0x1f1ff || r >= 0x2600 && r <= 0x27bf ||
		r >= 0x2b05 && r <= 0x2b55 || r >= 0x1f000 && r <= 0x1f2ff || r == 0x203c || r == 0x2049 || r == 0x3030 || r == 0x303d
}

// flags are written with two letters each.
func flags(text string) bool {
	for _, r := range text {
		if !unicode.IsSpace(r) && (r < 0x1f1e6 || r > 0x1f1ff) {
			return false
		}
	}
	return true
}

// moods maps words that platforms give their stickers to a glyph of ours: the
// platform's own picture is not ours to show.
var moods = []struct{ glyph, words string }{
	{"🙏", "thank thanks appreciate please 謝謝 感謝 拜託 ありがとう"},
	{"👌", "ok okay yes sure agree 好 好的 沒問題 可以"},
	{"👍", "good great nice thumbs like well done 讚 棒"},
	{"❤️", "love heart affection like you 愛 愛心 喜歡"},
	{"😊", "smile happy glad joy 開心 微笑 快樂"},
	{"😂", "laugh lol haha funny 笑 哈哈 好笑"},
	{"😢", "cry sad tears upset sob 哭 難過 傷心"},
	{"😅", "sorry apology sweat oops 對不起 抱歉 不好意思"},
	{"👋", "hi hello bye hey greeting 嗨 哈囉 你好 再見"},
	{"🌙", "night sleep sleepy tired 晚安 睡覺 累"},
	{"☀️", "morning 早安"},
	{"🎉", "congratulations celebrate party birthday yay 恭喜 生日 慶祝"},
	{"😡", "angry mad rage 生氣"},
	{"😮", "surprised shock wow what 驚訝 哇"},
	{"❓", "question confused why huh 問號 疑問"},
	{"💪", "cheer fighting strong go 加油"},
}

// mood finds the glyph of a sticker's keywords; empty when there is none.
func mood(keywords []string) string {
	for _, k := range keywords {
		for _, m := range moods {
			for word := range strings.FieldsSeq(m.words) {
				if strings.EqualFold(k, word) {
					return m.glyph
				}
			}
		}
	}
	return ""
}
