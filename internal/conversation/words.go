package conversation

import (
	"embed"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"unicode/utf16"

	"dingdong/internal/channel"
	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// words are about counters and advisors, own about what is her own: her page, what she
// agrees to, and how she stops it.
//
//go:embed words/*.json own/*.json
var wordFiles embed.FS

// phrases are the few sentences that the house itself says to customers, by language.
// They are read once; nothing changes them.
var phrases = sync.OnceValue(func() map[string]map[string]string {
	all := map[string]map[string]string{}
	for _, language := range staff.SpokenLanguages() {
		words := map[string]string{}
		for _, folder := range []string{"words/", "own/"} {
			raw, err := wordFiles.ReadFile(folder + language + ".json")
			if err != nil {
				panic(err) // the binary was built without it
			}
			if err := json.Unmarshal(raw, &words); err != nil {
				panic(fmt.Errorf("%s%s.json: %w", folder, language, err))
			}
		}
		all[language] = words
	}
	return all
})

// commands are the texts by which she asks for another counter, in all languages.
var commands = sync.OnceValue(func() map[string]bool {
	all := map[string]bool{}
	for _, words := range phrases() {
		for _, c := range strings.Split(words["commands"], "|") {
			all[c] = true
		}
	}
	return all
})

// StoreLanguage is in which language a store speaks to somebody of whom nothing is
// known: that of the place, as its time zone tells.
func StoreLanguage(timezone string) string {
	switch timezone {
	case "Asia/Taipei", "Asia/Hong_Kong", "Asia/Macau":
		return "zh-Hant"
	}
	return "en"
}

// customerLanguage is the language of ours that comes closest to what a platform says of
// somebody; empty: none does.
func customerLanguage(tag string) string {
	tag = strings.ToLower(strings.ReplaceAll(tag, "_", "-"))
	base, rest, _ := strings.Cut(tag, "-")
	switch base {
	case "zh":
		for _, hant := range []string{"hant", "tw", "hk", "mo"} {
			if strings.Contains(rest, hant) {
				return "zh-Hant"
			}
		}
		return "zh-Hans"
	case "in":
		return "id" // its old code
	}
	if _, known := phrases()[base]; known {
		return base
	}
	return ""
}

// voice says things to one customer, in her language.
type voice struct {
	words    map[string]string
	language string
}

// in is the voice in another language, however its code is written, where there is one.
func (v voice) in(language string) voice {
	if l := customerLanguage(language); l != "" {
		return voice{phrases()[l], l}
	}
	return v
}

// LanguageOf is in which of our languages the house speaks to an identity at a counter.
func LanguageOf(tx *db.Tx, i customer.Identity, counterID string) (string, error) {
	if l := customerLanguage(i.Language); l != "" {
		return l, nil
	}
	c, err := staff.GetCounter(tx, counterID)
	if err != nil {
		return "", err
	}
	s, err := staff.GetStore(tx, c.StoreID)
	return StoreLanguage(s.Timezone), err
}

func (d *Desk) voice(tx *db.Tx, identityID, counterID string) (voice, error) {
	i, err := d.Book.IdentityByID(tx, identityID)
	if err != nil {
		return voice{}, err
	}
	l, err := LanguageOf(tx, i, counterID)
	return voice{phrases()[l], l}, err
}

// say fills a sentence: pairs are name, value.
func (v voice) say(key string, pairs ...string) string {
	for i := 0; i < len(pairs); i += 2 {
		pairs[i] = "{" + pairs[i] + "}"
	}
	return strings.NewReplacer(pairs...).Replace(v.words[key])
}

// label cuts a name to what a button holds.
func label(s string) string {
	s = strings.TrimSpace(s)
	if len(utf16.Encode([]rune(s))) <= channel.MaxLabel {
		return s
	}
	units, end := 0, 0
	for i, r := range s {
		if units += len(utf16.Encode([]rune{r})); units > channel.MaxLabel-1 {
			end = i
			break
		}
	}
	return strings.TrimSpace(s[:end]) + "…"
}
