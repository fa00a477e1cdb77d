package insight

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
)

//go:embed all:lexicon
var files embed.FS

// File is a lexicon as text.
type File struct {
	Name string // en.yaml
	YAML string
}

// Shipped gives the lexicons that come with the product, in the order of Languages.
func Shipped() ([]File, error) {
	var out []File
	for _, language := range Languages() {
		data, err := fs.ReadFile(files, path.Join("lexicon", language+".yaml"))
		if err != nil {
			continue // a language without a file is read by none
		}
		out = append(out, File{language + ".yaml", string(data)})
	}
	names, err := fs.Glob(files, "lexicon/*.yaml")
	if err != nil {
		return nil, err
	}
	if len(names) != len(out) {
		return nil, fmt.Errorf("%d shipped lexicons, but %d of languages we know", len(names), len(out))
	}
	return out, nil
}

// Language is the language of the file, by its name.
func (f File) Language() string { return strings.TrimSuffix(f.Name, ".yaml") }

// Version is the file's own number. It is read without the rest: every start
// asks for it.
func (f File) Version() int {
	for line := range strings.Lines(f.YAML) {
		if number, ok := strings.CutPrefix(line, "version:"); ok {
			n, _ := strconv.Atoi(strings.TrimSpace(number)) // TestLexiconShipped holds the files to this form
			return n
		}
	}
	return 0
}

// parsedShipped holds the shipped lexicons by their text. To parse them takes longer
// than everything else at the start of a house, and they are the same for all houses
// of a process. Nobody changes them.
var parsedShipped = sync.OnceValue(func() map[string]Lexicon {
	files, err := Shipped()
	if err != nil {
		return nil // EnsureShipped says so
	}
	out := make(map[string]Lexicon, len(files))
	for _, f := range files {
		if l, err := ParseLexicon([]byte(f.YAML)); err == nil {
			out[f.YAML] = l
		}
	}
	return out
})

// parsed is ParseLexicon, quicker for what was shipped.
func parsed(yaml string) (Lexicon, error) {
	if l, ok := parsedShipped()[yaml]; ok {
		return l, nil
	}
	return ParseLexicon([]byte(yaml))
}

// firstReader reads what a house has that never changed a lexicon.
var firstReader = sync.OnceValues(func() (*Reader, error) {
	var lexicons []Lexicon
	for _, l := range parsedShipped() {
		l.Version = 1
		lexicons = append(lexicons, l)
	}
	slices.SortFunc(lexicons, func(a, b Lexicon) int { return strings.Compare(a.Language, b.Language) })
	return Compile(lexicons)
})

// untouched says that these are the shipped lexicons and nothing else.
func untouched(versions []Version) bool {
	shipped := parsedShipped()
	for _, v := range versions {
		if l, ok := shipped[v.YAML]; !ok || v.Version != 1 || l.Language != v.Language {
			return false
		}
	}
	return len(shipped) > 0 && len(versions) == len(shipped)
}
