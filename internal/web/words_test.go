package web

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

func shipped(t *testing.T) *Languages {
	t.Helper()
	l, err := loadLanguages(localeFiles, "locale")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestLanguagesHaveEqualKeys(t *testing.T) {
	l := shipped(t)
	base := l.byTag[fallback]
	place := regexp.MustCompile(`\{\w+\}`)
	for _, w := range l.All {
		for key, s := range base.sentence {
			other, ok := w.sentence[key]
			if !ok {
				t.Errorf("%s lacks %q", w.Tag, key)
				continue
			}
			if (s.forms == nil) != (other.forms == nil) {
				t.Errorf("%s: %q counts in one language and not in the other", w.Tag, key)
			}
			a, b := place.FindAllString(s.text, -1), place.FindAllString(other.text, -1)
			slices.Sort(a)
			slices.Sort(b)
			if !slices.Equal(slices.Compact(a), slices.Compact(b)) {
				t.Errorf("%s: %q has places %v, want %v", w.Tag, key, b, a)
			}
		}
		for key := range w.sentence {
			if !base.Has(key) {
				t.Errorf("%s has %q, which %s lacks", w.Tag, key, fallback)
			}
		}
	}
}

// The keys that the code names, whole or by their beginning ("role." + role).
var (
	wholeKey = regexp.MustCompile("(?:\\{\\{-? ?|\\(|\\s)t \"([a-z0-9_.]+)\"|\\.T\\(\"([a-z0-9_.]+)\"[,)]|\"((?:done|error)\\.[a-z_]+)\"")
	keyStart = regexp.MustCompile(`\(print "([a-z0-9_.]+\.)"|\.T\("([a-z0-9_.]+\.)" ?\+|"((?:[a-z0-9_]+\.)+)" ?\+`)
	jsKey    = regexp.MustCompile(`\bt\("([a-z0-9_.]+)"`)
)

func TestEveryKeyExistsAndIsUsed(t *testing.T) {
	base := shipped(t).byTag[fallback]
	used, starts := map[string]string{}, map[string]bool{"language.": true, "when.weekday.": true, "when.month.": true}
	files, _ := filepath.Glob("*.html")
	code, _ := filepath.Glob("*.go")
	scripts, _ := filepath.Glob("static/*.js")
	for _, name := range slices.Concat(files, code, scripts) {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, ".js") {
			for _, m := range jsKey.FindAllSubmatch(raw, -1) {
				used["js."+string(m[1])] = name
			}
			continue
		}
		for _, m := range wholeKey.FindAllSubmatch(raw, -1) {
			used[string(m[1])+string(m[2])+string(m[3])] = name
		}
		for _, m := range keyStart.FindAllSubmatch(raw, -1) {
			starts[string(m[1])+string(m[2])+string(m[3])] = true
		}
	}
	for key, name := range used {
		if !base.Has(key) {
			t.Errorf("%s uses %q, which no locale file has", name, key)
		}
	}
	for key := range base.sentence {
		if used[key] != "" || used[strings.TrimSuffix(key, ".title")] != "" {
			continue
		}
		if !slices.ContainsFunc(slices.Collect(maps.Keys(starts)), func(s string) bool { return strings.HasPrefix(key, s) }) {
			t.Errorf("nobody uses %q", key)
		}
	}
}

func TestEveryErrorHasATitle(t *testing.T) {
	base := shipped(t).byTag[fallback]
	for key := range base.sentence {
		if strings.HasPrefix(key, "error.") && !strings.HasSuffix(key, ".title") &&
			key != "error.reference" && key != "error.home" && !base.Has(key+".title") {
			t.Errorf("%q has no title", key)
		}
	}
}

func TestT(t *testing.T) {
	files := fstest.MapFS{
		"l/en/a.json": {Data: []byte(`{"language.name":"English","language.dir":"ltr","hi":"Hello {name}","only":"x",
			"cats":{"one":"{n} cat","other":"{n} cats"}}`)},
		"l/ar/a.json": {Data: []byte(`{"language.name":"العربية","language.dir":"rtl","hi":"{name}!",
			"cats":{"zero":"0","one":"1","two":"2","few":"few {n}","many":"many {n}","other":"other {n}"}}`)},
	}
	l, err := loadLanguages(files, "l")
	if err != nil {
		t.Fatal(err)
	}
	en, ar := l.byTag["en"], l.byTag["ar"]
	for name, c := range map[string]struct{ got, want string }{
		"place":                {en.T("hi", "name", "{n} <b>"), "Hello {n} <b>"},
		"one":                  {en.T("cats", "n", 1), "1 cat"},
		"many":                 {en.T("cats", "n", int64(5)), "5 cats"},
		"arabic two":           {ar.T("cats", "n", 2), "2"},
		"arabic few":           {ar.T("cats", "n", 103), "few 103"},
		"arabic many":          {ar.T("cats", "n", 11), "many 11"},
		"other language's":     {ar.T("only"), "x"},
		"unknown is itself":    {ar.T("no.such"), "no.such"},
		"nothing to put there": {en.T("hi"), "Hello {name}"},
	} {
		if c.got != c.want {
			t.Errorf("%s: %q, want %q", name, c.got, c.want)
		}
	}
}

func TestLoadRefuses(t *testing.T) {
	good := `{"language.name":"English","language.dir":"ltr"}`
	for name, files := range map[string]fstest.MapFS{
		"key in two files": {"l/en/a.json": {Data: []byte(good)}, "l/en/b.json": {Data: []byte(`{"language.dir":"ltr"}`)}},
		"no name":          {"l/en/a.json": {Data: []byte(`{"language.dir":"ltr"}`)}},
		"unknown form":     {"l/en/a.json": {Data: []byte(`{"language.name":"E","language.dir":"ltr","x":{"some":"y","other":"z"}}`)}},
		"no other":         {"l/en/a.json": {Data: []byte(`{"language.name":"E","language.dir":"ltr","x":{"one":"y"}}`)}},
		"no fallback":      {"l/th/a.json": {Data: []byte(good)}},
		"not a language":   {"l/en/a.json": {Data: []byte(good)}, "l/!!/a.json": {Data: []byte(good)}},
		"no folder":        {},
	} {
		if _, err := loadLanguages(fs.FS(files), "l"); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestChoose(t *testing.T) {
	l := shipped(t)
	for name, c := range map[string]struct{ chosen, cookie, accept, want string }{
		"her choice first":     {"zh-TW", "en", "en", "zh-TW"},
		"then the cookie":      {"", "zh-TW", "en", "zh-TW"},
		"then the browser":     {"", "", "zh-TW,zh;q=0.9,en;q=0.8", "zh-TW"},
		"Hong Kong reads it":   {"", "", "zh-HK,en;q=0.5", "zh-TW"},
		"British English":      {"", "", "en-GB", "en"},
		"nothing that we have": {"", "", "fi", "en"},
		"nonsense":             {"xx", "../../etc", "%%%;;;", "en"},
		"nothing at all":       {"", "", "", "en"},
	} {
		if got := l.Choose(c.chosen, c.cookie, c.accept).Tag; got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}
