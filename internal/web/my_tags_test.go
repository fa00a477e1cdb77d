package web

import (
	"strings"
	"testing"

	"dingdong/internal/insight"
)

// Every shipped tag has words in every language of her page.
func TestTagsHaveWordsOnHerPage(t *testing.T) {
	texts, err := myTexts()
	if err != nil {
		t.Fatal(err)
	}
	labels, err := myLabels()
	if err != nil {
		t.Fatal(err)
	}
	shipped, err := insight.TagWords()
	if err != nil {
		t.Fatal(err)
	}
	names := []string{"skincare_lover", "perfume_enthusiast", "gift_expert"}
	for _, tag := range shipped {
		names = append(names, tag.Name)
	}
	for _, name := range names {
		for language := range texts {
			if language == "en" || language == "zh-TW" {
				continue // the console's own
			}
			if strings.TrimSpace(labels[name][language]) == "" {
				t.Errorf("%s has no words in %s", name, language)
			}
		}
	}
	for tag, want := range map[string]string{"zh-Hant": "繁體中文", "zh-Hans": "简体中文", "ar": "العربية", "xx": ""} {
		if got := languageItself(tag); got != want {
			t.Errorf("%s calls itself %q", tag, got)
		}
	}
}
