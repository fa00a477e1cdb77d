package insight

import "strings"

// variants are Chinese characters that are written in two ways within one
// orthography. Traditional and Simplified are not folded into each other: each
// has a lexicon of its own, complete in its own spelling.
var variants = map[rune]rune{
	'裏': '裡', '臺': '台', '妳': '你', '脣': '唇', '粧': '妝', '乹': '乾', '牠': '它', '祂': '它', '爲': '為', '衆': '眾',
	'峯': '峰', '麪': '麵', '綫': '線', '啓': '啟', '峽': '峽', '滙': '匯', '羣': '群', '菓': '果', '祕': '秘', '喫': '吃',
}

// Tones of Vietnamese, in this order: grave, acute, hook, tilde, dot.
var (
	newTone = tones("a", "àáảãạ", "e", "èéẻẽẹ", "y", "ỳýỷỹỵ")
	toned   = map[rune][]rune{'o': []rune("òóỏõọ"), 'u': []rune("ùúủũụ")}
)

// tones maps a letter with a tone to the tone's number and the letter without.
func tones(pairs ...string) map[rune][2]rune {
	m := map[rune][2]rune{}
	for i := 0; i < len(pairs); i += 2 {
		for n, r := range []rune(pairs[i+1]) {
			m[r] = [2]rune{rune(n), rune(pairs[i][0])}
		}
	}
	return m
}

// unmark takes Vietnamese marks off a folded phrase, for those who type without.
func unmark(s string) string { return unmarker.Replace(s) }

var unmarker = strings.NewReplacer(unmarkPairs(
	"a", "àáảãạăằắẳẵặâầấẩẫậ", "e", "èéẻẽẹêềếểễệ", "i", "ìíỉĩị", "o", "òóỏõọôồốổỗộơờớởỡợ",
	"u", "ùúủũụưừứửữự", "y", "ỳýỷỹỵ", "d", "đ")...)

func unmarkPairs(groups ...string) []string {
	var out []string
	for i := 0; i < len(groups); i += 2 {
		for _, r := range groups[i+1] {
			out = append(out, string(r), groups[i])
		}
	}
	return out
}
