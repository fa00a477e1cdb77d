package insight

import (
	"crypto/sha256"
	"embed"
	"fmt"
	"io/fs"
	"path"
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

// text names a lexicon's text. What ships is held against it and not kept a second time in
// memory, where it would lie for as long as the house stands.
type text [sha256.Size]byte

func textOf(yaml string) text { return sha256.Sum256([]byte(yaml)) }

// shippedTexts gives the language of each shipped lexicon by its text.
var shippedTexts = sync.OnceValue(func() map[text]string {
	files, err := Shipped()
	if err != nil {
		return nil // EnsureShipped says so
	}
	out := make(map[text]string, len(files))
	for _, f := range files {
		out[textOf(f.YAML)] = f.Language()
	}
	return out
})

// shippedTags gives the tags of each shipped lexicon by its text. A process with many
// houses parses them once.
var shippedTags = sync.OnceValue(func() map[text][]string {
	files, _ := Shipped()
	out := map[text][]string{}
	for _, f := range files {
		if l, err := ParseLexicon([]byte(f.YAML)); err == nil {
			out[textOf(f.YAML)] = l.Tags()
		}
	}
	return out
})

// tags gives the tags that the file's rules make.
func (f File) tags() ([]string, error) {
	if names, ok := shippedTags()[textOf(f.YAML)]; ok {
		return names, nil
	}
	l, err := ParseLexicon([]byte(f.YAML))
	return l.Tags(), err
}

// firstReader reads what a house has that never changed a lexicon. To parse them takes
// longer than everything else that a house does at first, and it is the same for all
// houses of a process.
var firstReader = sync.OnceValues(func() (*Reader, error) {
	files, err := Shipped()
	if err != nil {
		return nil, err
	}
	var lexicons []Lexicon
	for _, f := range files {
		l, err := ParseLexicon([]byte(f.YAML))
		if err != nil {
			return nil, err
		}
		l.Version = 1
		lexicons = append(lexicons, l)
	}
	return Compile(lexicons)
})

// untouched says that these are the shipped lexicons and nothing else.
func untouched(versions []Version) bool {
	shipped := shippedTexts()
	for _, v := range versions {
		if language, ok := shipped[textOf(v.YAML)]; !ok || v.Version != 1 || language != v.Language {
			return false
		}
	}
	return len(shipped) > 0 && len(versions) == len(shipped)
}
