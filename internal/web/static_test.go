package web

import (
	"compress/gzip"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
)

func TestStatic(t *testing.T) {
	h := newHouse(t)
	b := newBrowser(t, h)
	page := b.get("/sign-in").Body.String()
	found := regexp.MustCompile(`(?:src|href)="(/static/[^"#]+)`).FindAllStringSubmatch(page, -1)
	if len(found) < 4 {
		t.Fatalf("static files in the page: %v", found)
	}
	b.Header.Set("Accept-Encoding", "br, gzip")
	for _, m := range found {
		got := b.get(m[1])
		want(t, got, http.StatusOK)
		if !strings.Contains(got.Header().Get("Cache-Control"), "immutable") || got.Header().Get("Content-Type") == "" {
			t.Errorf("%s: %v", m[1], got.Header())
		}
	}
	want(t, b.get("/static/app.css"), http.StatusNotFound)
	want(t, b.get("/static/../routes.go"), http.StatusTemporaryRedirect)
}

func TestStaticIsSmall(t *testing.T) {
	h := newHouse(t)
	var sum int
	for _, name := range []string{"app.css", "chat.css", "app.js", "words.js", "icons.svg", "vendor/htmx.min.js"} {
		sum += len(h.assets.byName[name].gzip())
	}
	if sum > 40<<10 { // the inbox's own scripts come on top, 60 KB in all
		t.Errorf("script and style are %d bytes compressed", sum)
	}
}

func TestGzip(t *testing.T) {
	b := newBrowser(t, newHouse(t))
	plain := b.get("/sign-in")
	b.Header.Set("Accept-Encoding", "gzip")
	small := b.get("/sign-in")
	if small.Header().Get("Content-Encoding") != "gzip" || small.Body.Len() >= plain.Body.Len() {
		t.Fatalf("not compressed: %v", small.Header())
	}
	z, err := gzip.NewReader(small.Body)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(z)
	if err != nil || string(raw) != plain.Body.String() {
		t.Errorf("another page comes out: %v", err)
	}
	for header, want := range map[string]bool{"gzip;q=0": false, "gzip;q=0.5": true, "identity": false, "deflate, gzip;q=1.0": true} {
		r := httptestRequest(b)
		r.Header.Set("Accept-Encoding", header)
		if acceptsGzip(r) != want {
			t.Errorf("%q: %v", header, !want)
		}
	}
}

func TestAssetsNameWhatTheyContain(t *testing.T) {
	files := fstest.MapFS{
		"a.js":  {Data: []byte(`import { x } from "./b.js";`)},
		"b.js":  {Data: []byte(`export const x = 1;`)},
		"c.css": {Data: []byte(`p { background: url(./d.svg); }`)},
		"d.svg": {Data: []byte(`<svg/>`)},
	}
	one, err := loadAssets(files)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(one.byName["a.js"].body), `"`+one.byName["b.js"].url+`"`) ||
		!strings.Contains(string(one.byName["c.css"].body), `(`+one.byName["d.svg"].url+`)`) {
		t.Errorf("references: %s %s", one.byName["a.js"].body, one.byName["c.css"].body)
	}
	files["b.js"] = &fstest.MapFile{Data: []byte(`export const x = 2;`)}
	two, err := loadAssets(files)
	if err != nil {
		t.Fatal(err)
	}
	if one.byName["a.js"].url == two.byName["a.js"].url {
		t.Error("a.js keeps its address although what it imports changed")
	}
	for name, bad := range map[string]fstest.MapFS{
		"circle":       {"a.js": {Data: []byte(`import "./b.js"`)}, "b.js": {Data: []byte(`import "./a.js"`)}},
		"missing":      {"a.js": {Data: []byte(`import "./b.js"`)}},
		"unknown type": {"a.exe": {}},
	} {
		if _, err := loadAssets(bad); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
