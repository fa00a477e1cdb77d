package insight

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"
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
