package privacy

import (
	"embed"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
)

//go:embed words/*.json
var wordFiles embed.FS

// phrases are the words of the file about a person, by language. They are read once;
// nothing changes them.
var phrases = sync.OnceValue(func() map[string]map[string]string {
	all := map[string]map[string]string{}
	for _, language := range []string{"en", "zh-Hant"} {
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

// fileLanguage is in which of our languages a person reads her file.
func fileLanguage(tag string) string {
	if strings.HasPrefix(strings.ToLower(tag), "zh") {
		return "zh-Hant"
	}
	return "en"
}

func say(words map[string]string, key string, pairs ...string) string {
	for i := 0; i < len(pairs); i += 2 {
		pairs[i] = "{" + pairs[i] + "}"
	}
	return strings.NewReplacer(pairs...).Replace(words[key])
}
