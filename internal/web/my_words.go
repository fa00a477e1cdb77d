package web

import (
	"cmp"
	"slices"
	"strings"

	"dingdong/internal/customer"
)

// HerWords is how her page and her copy say what we know of her, in one of her languages.
type HerWords struct {
	labels
	languages *Languages
}

// HerWords are the console's.
func (s *Server) HerWords() HerWords { return HerWords{s.labels, s.languages} }

// NewHerWords reads them where there is no console.
func NewHerWords() (h HerWords, err error) {
	if h.labels, err = loadLabels(); err != nil {
		return h, err
	}
	h.languages, err = loadLanguages(localeFiles, "locale")
	return h, err
}

// pageLanguage is how her page calls a language.
func pageLanguage(tag string) string {
	switch tag {
	case "zh-Hant":
		return "zh-TW"
	case "zh-Hans":
		return "zh-CN"
	}
	return tag
}

// said are the words of her page in a language; none: an empty map.
func said(language string) map[string]string {
	texts, err := myTexts()
	if err != nil {
		return nil
	}
	return texts[pageLanguage(language)]
}

// herLabel is what a shipped tag or value is called in a language that the console does not speak.
func herLabel(name, language string) string {
	labels, err := myLabels()
	if err != nil {
		return ""
	}
	return labels[name][pageLanguage(language)]
}

// languageItself is what a language calls itself.
func languageItself(tag string) string {
	return said(tag)["name"]
}

// Attribute says what an attribute is called.
func (h HerWords) Attribute(language string, d customer.AttributeDef) string {
	if word := said(language)["a_"+d.Name]; d.Label == "" && word != "" {
		return word
	}
	return attributeName(h.languages.byLanguage(language), d)
}

// Value says a value: the group's words for it, else the house's.
func (h HerWords) Value(language string, d customer.AttributeDef, value string) string {
	if word := said(language)["v_"+value]; d.Type == customer.TypeYes && word != "" {
		return word
	}
	if named := slices.ContainsFunc(d.Choices, func(c customer.Choice) bool { return c.Code == value && c.Label != "" }); !named {
		if d.Name == "languages" {
			if name := languageItself(value); name != "" {
				return name
			}
		}
		if word := herLabel(cmp.Or(facetsOf[d.Name], d.Name)+":"+value, language); word != "" {
			return word
		}
	}
	return h.codeLabel(h.languages.byLanguage(language), d, value)
}

// Tag says a tag that the group has no words of its own for.
func (h HerWords) Tag(language, name string) string {
	if word := herLabel(name, language); word != "" {
		return word
	}
	return h.TagLabel(h.languages.byLanguage(language), name, "")
}

// byLanguage is the language of the console that comes nearest to one of hers.
func (l *Languages) byLanguage(tag string) *Words {
	if strings.HasPrefix(tag, "zh") {
		tag = "zh-TW"
	}
	if w := l.byTag[tag]; w != nil {
		return w
	}
	return l.byTag[fallback]
}
