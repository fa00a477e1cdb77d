package web

import (
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"regexp"
	"slices"
	"sync"
)

// pageFiles are the templates, each beside its handler. layout.html belongs to all
// pages, a ..._parts.html to those that use it; each other file is a page that defines
// "main".
//
//go:embed *.html
var pageFiles embed.FS

func staticRoot() (fs.FS, error) { return fs.Sub(staticFiles, "static") }

// page is one page in one language.
type page struct{ *template.Template }

// pages parses a page when it is first asked for in a language: to have all of them in
// all languages at start took a third of its time and memory for pages that nobody opens.
// That each can be parsed, a test says.
type pages struct {
	files  fs.FS
	assets *assets
	icons  map[string]template.HTML
	parts  parts

	mu   sync.Mutex
	made map[pageKey]*page
}

type pageKey struct{ language, name string }

func newPages(files fs.FS, a *assets) (*pages, error) {
	icons, err := a.icons()
	if err != nil {
		return nil, err
	}
	shared, err := readParts(files)
	return &pages{files: files, assets: a, icons: icons, parts: shared, made: map[pageKey]*page{}}, err
}

// get gives a page in a language.
func (p *pages) get(w *Words, name string) (*page, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	k := pageKey{w.Tag, name}
	if done := p.made[k]; done != nil {
		return done, nil
	}
	needed, err := p.parts.of(p.files, "layout.html", name+".html")
	if err != nil {
		return nil, fmt.Errorf("no page %q: %w", name, err)
	}
	t, err := template.New("").Funcs(p.funcs(w)).ParseFS(p.files, needed...)
	if err != nil {
		return nil, fmt.Errorf("parsing a page: %w", err)
	}
	p.fold(t, w)
	p.made[k] = &page{t}
	return p.made[k], nil
}

// parts are the files of shared templates: what each defines and uses. A page is
// parsed with those it needs; every page with all of them took thirty megabytes.
type parts map[string]string // template -> the file that defines it

var (
	defines = regexp.MustCompile(`\{\{-?\s*(?:define|block) "([^"]+)"`)
	uses    = regexp.MustCompile(`\{\{-?\s*template "([^"]+)"`)
)

func readParts(files fs.FS) (parts, error) {
	all, err := fs.Glob(files, "*parts.html")
	if err != nil {
		return nil, err
	}
	out := parts{}
	for _, file := range all {
		text, err := fs.ReadFile(files, file)
		if err != nil {
			return nil, err
		}
		for _, m := range defines.FindAllSubmatch(text, -1) {
			out[string(m[1])] = file
		}
	}
	return out, nil
}

// of lists some files and the parts that they use, and that those use.
func (p parts) of(files fs.FS, names ...string) ([]string, error) {
	for i := 0; i < len(names); i++ {
		text, err := fs.ReadFile(files, names[i])
		if err != nil {
			return nil, err
		}
		for _, m := range uses.FindAllSubmatch(text, -1) {
			if file := p[string(m[1])]; file != "" && !slices.Contains(names, file) {
				names = append(names, file)
			}
		}
	}
	return names, nil
}

// funcs are the words that templates know beside Go's own.
func (p *pages) funcs(w *Words) template.FuncMap {
	return template.FuncMap{
		"t":      w.T,
		"static": p.assets.url,
		"icon": func(name string) (template.HTML, error) {
			if p.icons[name] == "" {
				return "", fmt.Errorf("no icon %q", name)
			}
			return p.icons[name], nil
		},
		"row":    drawer(p, w, (*markup).row),
		"line":   drawer(p, w, (*markup).line),
		"avatar": drawer(p, w, (*markup).avatar),
		"wait":   drawer(p, w, (*markup).wait),
		"pill":   func(tone, text string) Pill { return Pill{Tone: tone, Text: text} },
		"empty":  func(icon, title, text string) Empty { return Empty{Icon: icon, Title: title, Text: text} },
	}
}

var symbol = regexp.MustCompile(`<symbol id="([a-z-]+)"`)

// icons makes the markup of every symbol of the sprite.
func (a *assets) icons() (map[string]template.HTML, error) {
	sprite := a.byName["icons.svg"]
	if sprite == nil {
		return nil, fmt.Errorf("no static file %q", "icons.svg")
	}
	icons := map[string]template.HTML{}
	for _, m := range symbol.FindAllSubmatch(sprite.body, -1) {
		name := string(m[1])
		icons[name] = template.HTML(`<svg class="icon icon-` + name + `" aria-hidden="true" focusable="false"><use href="` + sprite.url + "#" + name + `"/></svg>`)
	}
	return icons, nil
}
