package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// staticFiles are the scripts, styles and pictures of the console. The library in
// vendor is not in the repository: scripts/static.sh (part of `make build`) puts it
// there, and a build without it stops at the second line.
//
//go:embed static/*.css static/*.js static/*.svg
//go:embed static/chat/*.css static/chat/*.js
//go:embed static/vendor/htmx.min.js
var staticFiles embed.FS

// asset is one file under its hashed, immutable address.
type asset struct {
	url  string
	mime string
	body []byte
	gzip func() []byte // made when first asked for; nil where it would not be smaller
}

// assets knows every static file by its plain name and by its address.
type assets struct {
	files  fs.FS
	byName map[string]*asset // "app.css", "vendor/htmx.min.js"
	byURL  map[string]*asset // "/static/app.3f2a.css"
}

// mimeTypes is literal: the types known to a machine differ from one to the next.
var mimeTypes = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
	".svg": "image/svg+xml",
	".mp3": "audio/mpeg",
	".png": "image/png",
}

// reference finds "./name.js" in scripts and url(./name.svg) in styles.
var reference = regexp.MustCompile(`(["(])\./([a-zA-Z0-9_.-]+)([")])`)

// loadAssets hashes everything once, at start.
func loadAssets(files fs.FS) (*assets, error) {
	a := &assets{files: files, byName: map[string]*asset{}, byURL: map[string]*asset{}}
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		_, err = a.load(name, nil)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("loading static files: %w", err)
	}
	return a, nil
}

// load reads one file after the files it refers to, because their hashed
// addresses are part of its content and so of its own hash.
func (a *assets) load(name string, within []string) (*asset, error) {
	if done := a.byName[name]; done != nil {
		return done, nil
	}
	for _, n := range within {
		if n == name {
			return nil, fmt.Errorf("%s refers to itself by way of %s", name, strings.Join(within, ", "))
		}
	}
	body, err := fs.ReadFile(a.files, name)
	if err != nil {
		return nil, err
	}
	ext := path.Ext(name)
	mime := mimeTypes[ext]
	if mime == "" {
		return nil, fmt.Errorf("%s: no MIME type for %q", name, ext)
	}
	if !strings.HasPrefix(name, "vendor/") && (ext == ".js" || ext == ".css") {
		if body, err = a.resolve(name, body, within); err != nil {
			return nil, err
		}
	}
	sum := sha256.Sum256(body)
	done := &asset{
		url:  "/static/" + strings.TrimSuffix(name, ext) + "." + hex.EncodeToString(sum[:6]) + ext,
		mime: mime, body: body,
	}
	done.gzip = sync.OnceValue(func() []byte { return squeeze(body) })
	a.byName[name], a.byURL[done.url] = done, done
	return done, nil
}

func (a *assets) resolve(name string, body []byte, within []string) ([]byte, error) {
	var failed error
	body = reference.ReplaceAllFunc(body, func(found []byte) []byte {
		part := reference.FindSubmatch(found)
		target, err := a.load(path.Join(path.Dir(name), string(part[2])), append(within, name))
		if err != nil {
			failed = fmt.Errorf("%s: %w", name, err)
			return found
		}
		return []byte(string(part[1]) + target.url + string(part[3]))
	})
	return body, failed
}

// squeeze compresses at the best level; it runs once per file.
func squeeze(body []byte) []byte {
	var out bytes.Buffer
	z, _ := gzip.NewWriterLevel(&out, gzip.BestCompression) // the level is one that exists
	_, _ = z.Write(body)                                    // a bytes.Buffer takes everything
	_ = z.Close()
	if out.Len() >= len(body) {
		return nil
	}
	return out.Bytes()
}

// url gives a file's address; templates call it as {{static "app.css"}}.
func (a *assets) url(name string) (string, error) {
	f := a.byName[name]
	if f == nil {
		return "", fmt.Errorf("no static file %q", name)
	}
	return f.url, nil
}

// ServeHTTP answers /static/... . A changed file has a new address, so an answer
// may be kept for ever.
func (a *assets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f := a.byURL[r.URL.Path]
	if f == nil {
		w.Header().Set("Cache-Control", "no-store")
		http.Error(w, "not found", http.StatusNotFound)
		return
	}
	h := w.Header()
	h.Set("Content-Type", f.mime)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Vary", "Accept-Encoding")
	body := f.body
	if acceptsGzip(r) {
		if small := f.gzip(); small != nil {
			h.Set("Content-Encoding", "gzip")
			body = small
		}
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if r.Method != http.MethodHead {
		_, _ = w.Write(body)
	}
}

func acceptsGzip(r *http.Request) bool {
	for part := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		name, weight, _ := strings.Cut(strings.TrimSpace(part), ";")
		q, err := strconv.ParseFloat(strings.TrimPrefix(strings.TrimSpace(weight), "q="), 64)
		if name == "gzip" && (err != nil || q > 0) {
			return true
		}
	}
	return false
}
