package web

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"html/template"
	"net/http"
	"strconv"
	"sync"
)

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
	raw, err := f.Words.browserJSON()
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
	p, err := s.pages.get(v.Words, x.Page)
	if err != nil {
		return err
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

// zippers take the fastest level: the usual one makes a page a tenth smaller and
// takes twice the time, while somebody waits.
var zippers = sync.Pool{New: func() any {
	z, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed)
	return z
}}

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
