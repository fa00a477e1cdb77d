package web

import (
	"bytes"
	"compress/gzip"
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// pageFiles are the templates, each beside its handler. layout.html, parts.html and
// every ..._parts.html belong to all pages; each other file is a page that defines "main".
//
//go:embed *.html
var pageFiles embed.FS

func staticRoot() (fs.FS, error) { return fs.Sub(staticFiles, "static") }

// page is one page in one language.
type page struct{ *template.Template }

// Frame is what the shell around every page needs; page structs embed it.
type Frame struct {
	Title     string
	Words     *Words
	Theme     string // "", "light" or "dark"
	Sound     bool
	Bare      bool   // no navigation: signing in
	Here      string // key of the place in the navigation
	Nav       []NavItem
	ID, Name  string // the viewer's
	Unread    int    // shown on the messages' place; 0: nothing
	Done      string // a word of thanks, once
	Languages []*Words
	Path      string // to come back to after a change of language
}

// frame fills the shell. title is a sentence in her language already.
func (s *Server) frame(v *Visit, here, title string) Frame {
	f := Frame{
		Title: title, Words: v.Words, Theme: v.theme(), Sound: v.SignedIn && v.Sound, Here: here,
		Bare: !v.SignedIn, ID: v.ID, Name: v.Name, Languages: s.languages.All, Path: v.request.URL.RequestURI(),
	}
	if v.SignedIn {
		f.Nav = s.nav(v, here)
	}
	if key := "done." + v.cookie("done"); key != "done." && v.Words.Has(key) {
		f.Done = v.T(key)
	}
	return f
}

// BrowserWords are the sentences that scripts say, as JSON.
func (f Frame) BrowserWords() (template.JS, error) {
	raw, err := json.Marshal(f.Words.browser()) // Marshal escapes <, > and &
	return template.JS(raw), err
}

// view is what a handler wants to show.
type view struct {
	Page   string // the file's stem: "me"
	Block  string // a named block of that file instead of the whole page
	Status int    // 0: 200
	Data   any
}

// render executes into a buffer first, so that a failure is an error page and not
// half a page, then answers.
func (s *Server) render(w http.ResponseWriter, v *Visit, x view) error {
	p := s.pages[v.Words.Tag][x.Page]
	if p == nil {
		return fmt.Errorf("no page %q", x.Page)
	}
	block := x.Block
	if block == "" {
		block = "layout"
		if v.cookie("done") != "" {
			s.setCookie(w, "done", "", -1)
		}
	}
	var body bytes.Buffer
	if err := p.ExecuteTemplate(&body, block, x.Data); err != nil {
		return fmt.Errorf("rendering %s: %w", x.Page, err)
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", v.Words.Tag)
	h.Set("Vary", "Accept-Encoding, Cookie, HX-Request")
	return s.send(w, v.request, x.Status, body.Bytes())
}

var zippers = sync.Pool{New: func() any { return gzip.NewWriter(nil) }}

// gzipFrom is the size from which compressing pays.
const gzipFrom = 1400

// send answers with a whole body, compressed where the browser wants it. Streams
// never come through here.
func (s *Server) send(w http.ResponseWriter, r *http.Request, status int, body []byte) error {
	if status == 0 {
		status = http.StatusOK
	}
	if len(body) >= gzipFrom && acceptsGzip(r) {
		var small bytes.Buffer
		z := zippers.Get().(*gzip.Writer)
		z.Reset(&small)
		_, _ = z.Write(body) // a bytes.Buffer takes everything
		_ = z.Close()
		zippers.Put(z)
		w.Header().Set("Content-Encoding", "gzip")
		body = small.Bytes()
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // she went away: nothing to tell anybody
	}
	return nil
}

// loadPages parses every page once and copies it for each language.
func (s *Server) loadPages(files fs.FS) (map[string]map[string]*page, error) {
	icons, err := s.iconNames()
	if err != nil {
		return nil, err
	}
	names, err := pageNames(files)
	if err != nil {
		return nil, err
	}
	parts, err := readParts(files)
	if err != nil {
		return nil, err
	}
	pages := map[string]map[string]*page{}
	for _, w := range s.languages.All {
		pages[w.Tag] = map[string]*page{}
	}
	for _, name := range names {
		needed, err := parts.of(files, "layout.html", name+".html")
		if err != nil {
			return nil, err
		}
		parsed, err := template.New("").Funcs(s.funcs(s.languages.byTag[fallback], icons)).ParseFS(files, needed...)
		if err != nil {
			return nil, fmt.Errorf("parsing a page: %w", err)
		}
		for _, w := range s.languages.All {
			t, err := parsed.Clone()
			if err != nil {
				return nil, err
			}
			pages[w.Tag][name] = &page{t.Funcs(s.funcs(w, icons))}
		}
	}
	return pages, nil
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

// pageNames are the stems of the files that are pages.
func pageNames(files fs.FS) ([]string, error) {
	all, err := fs.Glob(files, "*.html")
	var names []string
	for _, file := range all {
		if name := strings.TrimSuffix(file, ".html"); name != "layout" && !strings.HasSuffix(name, "parts") {
			names = append(names, name)
		}
	}
	return names, err
}

// funcs are the words that templates know beside Go's own.
func (s *Server) funcs(w *Words, icons map[string]template.HTML) template.FuncMap {
	return template.FuncMap{
		"t":      w.T,
		"static": s.assets.url,
		"icon": func(name string) (template.HTML, error) {
			if icons[name] == "" {
				return "", fmt.Errorf("no icon %q", name)
			}
			return icons[name], nil
		},
		"pill":  func(tone, text string) Pill { return Pill{Tone: tone, Text: text} },
		"empty": func(icon, title, text string) Empty { return Empty{Icon: icon, Title: title, Text: text} },
	}
}

var symbol = regexp.MustCompile(`<symbol id="([a-z-]+)"`)

// iconNames makes the markup of every symbol of the sprite.
func (s *Server) iconNames() (map[string]template.HTML, error) {
	sprite := s.assets.byName["icons.svg"]
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
