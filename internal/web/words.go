package web

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"sort"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
)

// localeFiles holds one folder per language, with one file of flat keys per area.
//
//go:embed locale
var localeFiles embed.FS

// fallback is the language in which every sentence exists.
const fallback = "en"

// Words are the sentences of one language. A value is safe for concurrent use.
type Words struct {
	Tag  string // BCP 47: "en", "zh-TW"
	Name string // in its own language, for the menu
	Dir  string // "ltr" or "rtl"

	tag      language.Tag
	sentence map[string]sentence
	fallback *Words // nil for the fallback itself

	script     sync.Once // makes the next two
	scriptJSON []byte
	scriptErr  error
}

// sentence is one text or, where the language counts, one per plural form.
type sentence struct {
	text  string
	forms map[plural.Form]string
}

var pluralForms = map[string]plural.Form{
	"zero": plural.Zero, "one": plural.One, "two": plural.Two,
	"few": plural.Few, "many": plural.Many, "other": plural.Other,
}

// UnmarshalJSON reads "text" or {"one": "text", "other": "text"}.
func (s *sentence) UnmarshalJSON(raw []byte) error {
	if len(raw) > 0 && raw[0] == '"' {
		return json.Unmarshal(raw, &s.text)
	}
	var forms map[string]string
	if err := json.Unmarshal(raw, &forms); err != nil {
		return err
	}
	s.forms = map[plural.Form]string{}
	for name, text := range forms {
		form, known := pluralForms[name]
		if !known {
			return fmt.Errorf("unknown plural form %q", name)
		}
		s.forms[form] = text
	}
	if s.text = s.forms[plural.Other]; s.text == "" {
		return fmt.Errorf("plural without %q", "other")
	}
	return nil
}

// T gives the sentence of a key with its {places} filled from pairs of name and
// value. The value named "n" chooses the plural form. An unknown key gives the
// key itself, which a test keeps from happening.
func (w *Words) T(key string, args ...any) string {
	s, ok := w.sentence[key]
	if !ok {
		if w.fallback != nil {
			return w.fallback.T(key, args...)
		}
		return key
	}
	text := s.text
	if s.forms != nil {
		if n, found := count(args); found {
			if t := s.forms[plural.Cardinal.MatchPlural(w.tag, n, 0, 0, 0, 0)]; t != "" {
				text = t
			}
		}
	}
	if len(args) < 2 || !strings.Contains(text, "{") {
		return text
	}
	return filled(text, args)
}

// filled puts values where their names stand in braces. Every place is looked at once, so
// a value may hold braces of its own.
func filled(text string, args []any) string {
	var b strings.Builder
	b.Grow(len(text) + 32)
	for {
		open := strings.IndexByte(text, '{')
		if open < 0 {
			break
		}
		end := strings.IndexByte(text[open:], '}')
		if end < 0 {
			break
		}
		b.WriteString(text[:open])
		place := text[open : open+end+1]
		b.WriteString(valueOf(place, args))
		text = text[open+end+1:]
	}
	b.WriteString(text)
	return b.String()
}

// valueOf gives the value of a place, "{name}", or the place itself when nobody named it.
func valueOf(place string, args []any) string {
	name := place[1 : len(place)-1]
	for i := 0; i+1 < len(args); i += 2 {
		if args[i] != name {
			continue
		}
		switch value := args[i+1].(type) {
		case string:
			return value
		case int:
			return strconv.Itoa(value)
		default:
			return fmt.Sprint(value)
		}
	}
	return place
}

// Has tells whether a key exists; codes that come from outside are asked first.
func (w *Words) Has(key string) bool {
	_, ok := w.sentence[key]
	return ok || (w.fallback != nil && w.fallback.Has(key))
}

func count(args []any) (int, bool) {
	for i := 0; i+1 < len(args); i += 2 {
		if args[i] != "n" {
			continue
		}
		switch n := args[i+1].(type) {
		case int:
			return n, true
		case int64:
			return int(n), true
		}
	}
	return 0, false
}

// browser gives the sentences whose keys begin with "js.", without that prefix,
// for the scripts of the page: a text, or the text of each plural form.
func (w *Words) browser() map[string]any {
	out := map[string]any{}
	if w.fallback != nil {
		out = w.fallback.browser()
	}
	for key, s := range w.sentence {
		name, ok := strings.CutPrefix(key, "js.")
		if !ok {
			continue
		}
		if s.forms == nil {
			out[name] = s.text
			continue
		}
		forms := map[string]string{}
		for form, f := range pluralForms {
			if t := s.forms[f]; t != "" {
				forms[form] = t
			}
		}
		out[name] = forms
	}
	return out
}

// browserJSON is browser as JSON, which every page carries; it is made once.
func (w *Words) browserJSON() ([]byte, error) {
	w.script.Do(func() { w.scriptJSON, w.scriptErr = json.Marshal(w.browser()) }) // Marshal escapes <, > and &
	return w.scriptJSON, w.scriptErr
}

// Languages are the languages that ship, in the order of the menu.
type Languages struct {
	All     []*Words
	byTag   map[string]*Words
	matcher language.Matcher
}

// loadLanguages reads every folder below root; each becomes a language.
func loadLanguages(files fs.FS, root string) (*Languages, error) {
	folders, err := fs.ReadDir(files, root)
	if err != nil {
		return nil, fmt.Errorf("reading languages: %w", err)
	}
	l := &Languages{byTag: map[string]*Words{}}
	for _, folder := range folders {
		w, err := loadWords(files, path.Join(root, folder.Name()))
		if err != nil {
			return nil, fmt.Errorf("language %s: %w", folder.Name(), err)
		}
		l.All = append(l.All, w)
		l.byTag[w.Tag] = w
	}
	base := l.byTag[fallback]
	if base == nil {
		return nil, fmt.Errorf("no language %q", fallback)
	}
	// The fallback goes first: the matcher falls back to its first tag.
	sort.SliceStable(l.All, func(i, j int) bool { return l.All[i] == base && l.All[j] != base })
	tags := make([]language.Tag, len(l.All))
	for i, w := range l.All {
		tags[i] = w.tag
		if w != base {
			w.fallback = base
		}
	}
	l.matcher = language.NewMatcher(tags)
	return l, nil
}

func loadWords(files fs.FS, folder string) (*Words, error) {
	w := &Words{Tag: path.Base(folder), sentence: map[string]sentence{}}
	var err error
	if w.tag, err = language.Parse(w.Tag); err != nil {
		return nil, err
	}
	areas, err := fs.Glob(files, folder+"/*.json")
	if err != nil {
		return nil, err
	}
	for _, area := range areas {
		raw, err := fs.ReadFile(files, area)
		if err != nil {
			return nil, err
		}
		var part map[string]sentence
		if err := json.Unmarshal(raw, &part); err != nil {
			return nil, fmt.Errorf("%s: %w", path.Base(area), err)
		}
		for key, s := range part {
			if _, twice := w.sentence[key]; twice {
				return nil, fmt.Errorf("%s: key %q stands in two files", path.Base(area), key)
			}
			w.sentence[key] = s
		}
	}
	w.Name, w.Dir = w.sentence["language.name"].text, w.sentence["language.dir"].text
	if w.Name == "" || (w.Dir != "ltr" && w.Dir != "rtl") {
		return nil, fmt.Errorf("language.name or language.dir missing")
	}
	return w, nil
}

// Choose picks the language: what the person chose, else what the browser
// remembers of her, else what it asks for.
func (l *Languages) Choose(chosen, cookie, accept string) *Words {
	for _, tag := range []string{chosen, cookie} {
		if w := l.byTag[tag]; w != nil {
			return w
		}
	}
	wanted, _, err := language.ParseAcceptLanguage(accept)
	if err != nil || len(wanted) == 0 {
		return l.byTag[fallback]
	}
	_, i, confidence := l.matcher.Match(wanted...)
	if confidence == language.No {
		return l.byTag[fallback]
	}
	return l.All[i]
}

// Known tells whether a language ships.
func (l *Languages) Known(tag string) bool { return l.byTag[tag] != nil }
