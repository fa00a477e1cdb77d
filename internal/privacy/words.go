package privacy

import (
	"embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
)

//go:embed words/*.json
var wordFiles embed.FS

// phrases are the words of the file about a person, by language. They are read once;
// nothing changes them.
var phrases = sync.OnceValue(func() map[string]map[string]string {
	all := map[string]map[string]string{}
	for _, language := range fileLanguages() {
		raw, err := wordFiles.ReadFile("words/" + language + ".json")
		if err != nil {
			panic(err) // the binary was built without it
		}
		words := map[string]string{}
		if err := json.Unmarshal(raw, &words); err != nil {
			panic(fmt.Errorf("words/%s.json: %w", language, err))
		}
		all[language] = words
	}
	return all
})

// fileLanguages are the languages in which she may read her file.
func fileLanguages() []string {
	return []string{"zh-Hant", "zh-Hans", "en", "ar", "id", "ms", "th", "vi"}
}

// fileLanguage is in which of our languages a person reads her file.
func fileLanguage(tag string) string {
	tag = strings.ReplaceAll(strings.ToLower(tag), "_", "-")
	head, rest, _ := strings.Cut(tag, "-")
	switch head {
	case "zh":
		for _, part := range strings.Split(rest, "-") {
			if part == "hant" {
				break
			}
			if slices.Contains([]string{"hans", "cn", "sg"}, part) {
				return "zh-Hans"
			}
		}
		return "zh-Hant"
	case "in": // what older devices call Indonesian
		return "id"
	}
	if slices.Contains(fileLanguages(), head) {
		return head
	}
	return "en"
}

// direction is in which direction a language is read.
func direction(language string) string {
	if language == "ar" {
		return "rtl"
	}
	return "ltr"
}

func say(words map[string]string, key string, pairs ...string) string {
	for i := 0; i < len(pairs); i += 2 {
		pairs[i] = "{" + pairs[i] + "}"
	}
	return strings.NewReplacer(pairs...).Replace(words[key])
}
