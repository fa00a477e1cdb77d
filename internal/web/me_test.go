package web

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestMe(t *testing.T) {
	h := newHouse(t)
	b := h.as(t, h.Advisor)
	want(t, b.get("/me"), http.StatusOK, "Mei", "mei@group.test", "Advisor", "信義店 · Rosée", "This one", `data-sound="on"`)

	wantRedirect(t, b.post("/me/look", url.Values{"theme": {"dark"}}), "/me")
	want(t, b.get("/me"), http.StatusOK, `data-theme="dark"`, "Saved", `data-sound="on"`)
	wantRedirect(t, b.post("/me/look", url.Values{"has_sound": {"1"}}), "/me")
	want(t, b.get("/me"), http.StatusOK, `data-theme="dark"`, `data-sound="off"`)
	want(t, b.post("/me/look", url.Values{"theme": {"pink"}}), http.StatusUnprocessableEntity)
}

func TestLanguage(t *testing.T) {
	h := newHouse(t)
	b := newBrowser(t, h)
	b.Header.Set("Accept-Language", "zh-TW")
	want(t, b.get("/sign-in"), http.StatusOK, `lang="zh-TW" dir="ltr"`, "登入")
	wantRedirect(t, b.post("/language", url.Values{"language": {"en"}, "back": {"/sign-in"}}), "/sign-in")
	want(t, b.get("/sign-in"), http.StatusOK, `lang="en"`, "Sign in")
	want(t, b.post("/language", url.Values{"language": {"tlh"}}), http.StatusUnprocessableEntity)

	mei := h.as(t, h.Advisor)
	wantRedirect(t, mei.post("/language", url.Values{"language": {"zh-TW"}, "back": {"https://evil.test"}}), "/")
	want(t, mei.get("/me"), http.StatusOK, "我的帳號", "顧問")
	delete(mei.cookies, "language") // another browser
	want(t, mei.get("/me"), http.StatusOK, "我的帳號")
}

func TestSessions(t *testing.T) {
	h := newHouse(t)
	one, two, three := h.as(t, h.Advisor), h.as(t, h.Advisor), h.as(t, h.Advisor)
	stranger := h.as(t, h.Other)
	page := one.get("/me").Body.String()
	if n := strings.Count(page, "/end\""); n != 2 {
		t.Fatalf("%d sessions can be ended, want 2", n)
	}
	_, after, _ := strings.Cut(page, "/me/sessions/")
	id, _, _ := strings.Cut(after, "/end")
	want(t, stranger.post("/me/sessions/"+id+"/end", nil), http.StatusNotFound)
	wantRedirect(t, one.post("/me/sessions/"+id+"/end", nil), "/me")
	wantRedirect(t, two.post("/me/sessions/end-others", nil), "/me")
	for name, b := range map[string]*browser{"one": one, "three": three} {
		if got := b.get("/me"); name == "one" && got.Code != http.StatusSeeOther {
			t.Errorf("%s is still signed in: %d", name, got.Code)
		}
	}
	want(t, stranger.get("/me"), http.StatusOK)
}

func TestDevice(t *testing.T) {
	v := &Visit{Words: shipped(t).byTag["en"]}
	for agent, want := range map[string]string{
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1": "Safari on iPhone",
		"Mozilla/5.0 (Linux; Android 15; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Mobile Safari/537.36":                   "Chrome on Android",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36 Edg/131.0":               "Edge on Windows",
		"curl/8.0": "Unknown device",
		"":         "Unknown device",
	} {
		if got := device(v, agent); got != want {
			t.Errorf("%q: %q, want %q", agent, got, want)
		}
	}
}

func TestMoreAndHome(t *testing.T) {
	h := newHouse(t)
	want(t, h.as(t, h.Admin).get("/more"), http.StatusOK, "Ada", "Sign out", `aria-current="page"`)
	if got := h.as(t, h.Advisor).get("/"); got.Code != http.StatusSeeOther {
		t.Errorf("home: %d", got.Code)
	}
	for _, item := range h.nav(&Visit{Words: shipped(t).byTag["en"]}, "") {
		t.Errorf("a stranger sees %s", item.Key)
	}
}

func TestHealth(t *testing.T) {
	ill := errors.New("the database is gone")
	for name, c := range map[string]struct {
		ready  func(context.Context) error
		status int
		text   string
	}{
		"nothing asked": {nil, 200, "ready\n"},
		"ready":         {func(context.Context) error { return nil }, 200, "ready\n"},
		"not ready":     {func(context.Context) error { return ill }, 503, "not ready\n"},
	} {
		b := newBrowser(t, newHouse(t, func(d *Deps) { d.Ready = c.ready }))
		want(t, b.get("/healthz"), 200, "ok\n")
		if got := b.get("/readyz"); got.Code != c.status || got.Body.String() != c.text {
			t.Errorf("%s: %d %q", name, got.Code, got.Body)
		}
	}
	wantFavicon := newBrowser(t, newHouse(t)).get("/favicon.ico")
	if wantFavicon.Code != http.StatusFound || !strings.HasPrefix(wantFavicon.Header().Get("Location"), "/static/logo.") {
		t.Errorf("favicon: %d", wantFavicon.Code)
	}
}
