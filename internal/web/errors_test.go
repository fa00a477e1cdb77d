package web

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"dingdong/internal/channel"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

func httptestRequest(b *browser) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "http://counter.test/", nil)
	for name, value := range b.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	return r
}

func TestExplain(t *testing.T) {
	v := &Visit{Now: noon, Words: shipped(t).byTag["en"]}
	for name, c := range map[string]struct {
		err    error
		status int
		text   string
	}{
		"not found":       {fmt.Errorf("load: %w", db.ErrNotFound), 404, "not yours to see"},
		"forbidden":       {staff.ErrForbidden, 403, "Your role"},
		"invalid":         {db.Invalid{Field: "name", Code: "required"}, 422, "Please fill this in"},
		"invalid unknown": {db.Invalid{Field: "name", Code: "no such"}, 422, "cannot be right"},
		"conflict":        {db.ErrConflict, 409, "meanwhile"},
		"throttled":       {staff.ErrThrottled{Until: noon.Add(150 * time.Second)}, 429, "3 minutes"},
		"throttled past":  {staff.ErrThrottled{Until: noon}, 429, "a minute"},
		"wrong password":  {staff.ErrWrongPassword, 422, "do not belong"},
		"signed out":      {staff.ErrSignedOut, 401, "Sign in again"},
		"too large":       {&http.MaxBytesError{Limit: 5 << 20}, 413, "5 MB"},
		"too large form":  {malformed(&http.MaxBytesError{Limit: 5 << 20}), 413, "5 MB"},
		"malformed":       {malformed(errors.New("bad escape")), 400, "makes no sense"},
		"malformed event": {channel.ErrMalformed, 400, "makes no sense"},
		"forged":          {channel.ErrSignature, 401, "signature"},
		"passes":          {unavailable(errors.New("disk full")), 503, "on our side"},
		"unknown":         {errors.New("boom"), 500, "on our side"},
	} {
		f := explain(c.err, v)
		if text := v.T(f.key, f.args...); f.status != c.status || !strings.Contains(text, c.text) {
			t.Errorf("%s: %d %q, want %d %q", name, f.status, text, c.status, c.text)
		}
		if (f.reference != "") != (c.status >= 500) {
			t.Errorf("%s: reference %q", name, f.reference)
		}
	}
}

func TestFaultInThreeForms(t *testing.T) {
	h := newHouse(t)
	b := h.as(t, h.Advisor)
	page := b.get("/nothing")
	want(t, page, http.StatusNotFound, "Nothing here", `class="rail"`, "Back to the start")

	b.Header.Set("HX-Request", "true")
	toast := b.get("/nothing")
	want(t, toast, http.StatusNotFound, "toast-bad")
	if strings.Contains(toast.Body.String(), "<html") || toast.Header().Get("HX-Retarget") != "#toasts" {
		t.Error("htmx gets a page, or puts it in the wrong place")
	}

	b.Header = http.Header{"Accept": {"application/json"}}
	want(t, b.get("/nothing"), http.StatusNotFound, `{"error":"It does not exist`)

	b.Header = http.Header{"Accept": {"text/html"}, "Accept-Language": {"en"}}
	b.post("/language", url.Values{"language": {"zh-TW"}})
	delete(b.cookies, "language") // another browser: only her own choice is left
	want(t, b.get("/nothing"), http.StatusNotFound, "找不到", "這個內容不存在")

	stranger := newBrowser(t, h).get("/nothing")
	want(t, stranger, http.StatusNotFound, "Nothing here")
	if strings.Contains(stranger.Body.String(), `class="rail"`) {
		t.Error("a stranger sees the navigation")
	}
}

// trouble serves one handler behind the server's guards.
func trouble(t *testing.T, handle handler) (*httptest.ResponseRecorder, string) {
	t.Helper()
	var log bytes.Buffer
	h := newHouse(t, func(d *Deps) { d.Log = slog.New(slog.NewTextHandler(&log, nil)) })
	mux := http.NewServeMux()
	mux.Handle("GET /x/{id}", h.guard(route{pattern: "GET /x/{id}", access: public, handle: handle}))
	h.handler = h.record(h.headers(mux))
	return newBrowser(t, h).get("/x/secret-id?q=secret-words"), log.String()
}

func TestUnknownErrorIsFoundInTheLog(t *testing.T) {
	for name, handle := range map[string]handler{
		"error": func(http.ResponseWriter, *http.Request, *Visit) error { return errors.New("disk on fire") },
		"panic": func(http.ResponseWriter, *http.Request, *Visit) error { panic("disk on fire") },
	} {
		t.Run(name, func(t *testing.T) {
			got, log := trouble(t, handle)
			want(t, got, http.StatusInternalServerError, "That went wrong")
			_, after, _ := strings.Cut(got.Body.String(), "Reference ")
			reference, _, _ := strings.Cut(after, "<")
			if len(reference) != 10 || !strings.Contains(log, reference) || !strings.Contains(log, "disk on fire") {
				t.Errorf("reference %q not in the log: %s", reference, log)
			}
			if strings.Contains(got.Body.String(), "fire") || strings.Contains(log, "secret") {
				t.Errorf("page or log tells too much: %s", log)
			}
			if !strings.Contains(log, `route="GET /x/{id}" status=500`) {
				t.Errorf("request not logged: %s", log)
			}
		})
	}
}

func TestStreamIsNotSpoiledByALateError(t *testing.T) {
	got, _ := trouble(t, func(w http.ResponseWriter, r *http.Request, v *Visit) error {
		_, _ = w.Write([]byte("data: 1\n\n"))
		if err := http.NewResponseController(w).Flush(); err != nil {
			return err
		}
		return errors.New("connection lost")
	})
	if got.Body.String() != "data: 1\n\n" || !got.Flushed || got.Header().Get("Content-Encoding") != "" {
		t.Errorf("stream: %q flushed %v", got.Body, got.Flushed)
	}
}

func TestNobodyIsToldWhenSheHasGone(t *testing.T) {
	h := newHouse(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	w := httptest.NewRecorder()
	h.fail(w, h.visit(httptest.NewRequest(http.MethodGet, "/", nil).WithContext(ctx)), context.Canceled)
	if w.Body.Len() != 0 {
		t.Errorf("told: %s", w.Body)
	}
}

func TestWhatIsLogged(t *testing.T) {
	var log bytes.Buffer
	h := newHouse(t, func(d *Deps) { d.Log = slog.New(slog.NewTextHandler(&log, nil)) })
	b := newBrowser(t, h)
	for path, logged := range map[string]bool{"/sign-in": true, "/healthz": false, "/static/none.css": true, "/nothing": true} {
		log.Reset()
		b.get(path + "?email=mei@group.test")
		if got := log.String(); strings.Contains(got, "msg=request") != logged || strings.Contains(got, "mei@") {
			t.Errorf("%s: %q", path, got)
		}
	}
}
