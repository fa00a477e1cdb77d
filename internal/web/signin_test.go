package web

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"dingdong/internal/db/dbtest"
	"dingdong/internal/staff"
)

func TestFirstRun(t *testing.T) {
	d := Deps{DB: dbtest.New(t), Log: newHouse(t).Log, PublicURL: "http://counter.test"}
	d.Door = newDoor(t, d)
	h, err := New(d)
	if err != nil {
		t.Fatal(err)
	}
	b := newBrowser(t, h)
	wantRedirect(t, b.get("/sign-in"), "/first")
	want(t, b.get("/first"), http.StatusOK, "Nobody works here yet")
	form := url.Values{"name": {"Ada <b>"}, "email": {"not an address"}, "password": {"velvet counter lipstick"}}
	want(t, b.post("/first", form), http.StatusUnprocessableEntity, "This is not an e-mail address", `aria-invalid="true"`, "Ada &lt;b&gt;")
	form.Set("email", "ada@group.test")
	form.Set("password", "short")
	got := b.post("/first", form)
	want(t, got, http.StatusUnprocessableEntity, "too short")
	if strings.Contains(got.Body.String(), `"short"`) {
		t.Error("the password is sent back")
	}
	form.Set("password", "velvet counter lipstick")
	wantRedirect(t, b.post("/first", form), "/")
	want(t, b.get("/me"), http.StatusOK, "Ada &lt;b&gt;", "Administrator")
	wantRedirect(t, newBrowser(t, h).get("/first"), "/sign-in")
	want(t, newBrowser(t, h).post("/first", form), http.StatusConflict)
}

func TestSignIn(t *testing.T) {
	h := newHouse(t, func(d *Deps) { d.Demo = false })
	if _, err := staff.CreateFirst(context.Background(), h.DB, staff.FirstForm{}); err == nil {
		t.Fatal("a second first administrator")
	}
	password, err := h.Door.ResetPassword(context.Background(), staff.System(), h.Advisor)
	if err != nil {
		t.Fatal(err)
	}
	b := newBrowser(t, h)
	page := b.get("/sign-in?next=/me")
	want(t, page, http.StatusOK, `name="next" value="/me"`, `autocomplete="current-password"`)
	if strings.Contains(page.Body.String(), "mei@group.test") || strings.Contains(page.Body.String(), "Try it as") {
		t.Error("people are listed outside the demo")
	}
	want(t, b.post("/sign-in/demo", url.Values{"id": {h.Admin}}), http.StatusNotFound)
	form := url.Values{"email": {"mei@group.test"}, "password": {"wrong"}, "next": {"//evil.test"}}
	want(t, b.post("/sign-in", form), http.StatusUnprocessableEntity, "do not belong together", "mei@group.test")

	form.Set("password", password)
	b.cookies[h.sessionCookie()] = "planted"
	wantRedirect(t, b.post("/sign-in", form), "/")
	if b.cookies[h.sessionCookie()] == "planted" {
		t.Fatal("a planted session was taken over")
	}

	// She was given this password and has to choose her own before anything else.
	wantRedirect(t, b.get("/more"), "/me")
	want(t, b.get("/me"), http.StatusOK, "a password of your own")
	change := url.Values{"old": {"no"}, "password": {"velvet counter lipstick"}}
	want(t, b.post("/me/password", change), http.StatusUnprocessableEntity, "not your current password")
	change.Set("old", password)
	change.Set("password", "1234567890")
	want(t, b.post("/me/password", change), http.StatusUnprocessableEntity, "Too many people")
	change.Set("password", "velvet counter lipstick")
	wantRedirect(t, b.post("/me/password", change), "/me")
	want(t, b.get("/me"), http.StatusOK, "Password changed")
	if strings.Contains(b.get("/me").Body.String(), "Password changed") {
		t.Error("thanks are said twice")
	}
	want(t, b.get("/more"), http.StatusOK)

	token := b.cookies[h.sessionCookie()]
	got := b.post("/sign-out", nil)
	wantRedirect(t, got, "/sign-in")
	if got.Header().Get("Clear-Site-Data") == "" {
		t.Error("a shared phone keeps her pages")
	}
	b.cookies[h.sessionCookie()] = token
	wantRedirect(t, b.get("/more"), "/sign-in?next=%2Fmore")
}

func TestGuessingIsThrottled(t *testing.T) {
	h := newHouse(t)
	b := newBrowser(t, h)
	form := url.Values{"email": {"mei@group.test"}, "password": {"wrong"}}
	for range 30 {
		if got := b.post("/sign-in", form); got.Code == http.StatusTooManyRequests {
			want(t, got, http.StatusTooManyRequests, "Too many tries", "mei@group.test")
			if got.Header().Get("Retry-After") == "" {
				t.Error("no word about when to come again")
			}
			return
		}
	}
	t.Error("thirty guesses and no end")
}

func TestDemo(t *testing.T) {
	h := newHouse(t)
	b := newBrowser(t, h)
	want(t, b.get("/sign-in"), http.StatusOK, "Mei", "信義店 · Rosée", "Advisor", "Privacy officer", "The whole group")
	want(t, b.post("/sign-in/demo", url.Values{"id": {"stf_nobody"}}), http.StatusNotFound)
	want(t, h.as(t, h.Advisor).get("/more"), http.StatusOK, "Mei")
	wantRedirect(t, h.as(t, h.Advisor).get("/sign-in?next=/more"), "/more")
}

func TestLocal(t *testing.T) {
	for path, want := range map[string]string{
		"/inbox?x=1": "/inbox?x=1", "": "/", "//evil.test": "/", "https://evil.test": "/", "/\\evil.test": "/",
		"javascript:alert(1)": "/", "/a\r\nSet-Cookie: x": "/", "inbox": "/", "/\t/evil.test": "/", "/../x": "/../x",
	} {
		if got := local(path, "/"); got != want {
			t.Errorf("%q: %q, want %q", path, got, want)
		}
	}
}

func TestAddress(t *testing.T) {
	h := newHouse(t)
	r := httptestRequest(newBrowser(t, h))
	r.RemoteAddr = "10.0.0.1:999"
	r.Header.Set("X-Forwarded-For", "1.1.1.1, 203.0.113.9")
	if got := h.address(r); got != "10.0.0.1" {
		t.Errorf("without a proxy: %s", got)
	}
	h.TrustProxy = true
	if got := h.address(r); got != "203.0.113.9" {
		t.Errorf("behind a proxy: %s", got)
	}
	r.Header.Set("X-Forwarded-For", "1.1.1.1") // what the client made up stands in a line of its own
	r.Header.Add("X-Forwarded-For", "203.0.113.9")
	if got := h.address(r); got != "203.0.113.9" {
		t.Errorf("behind a proxy that adds a line: %s", got)
	}
	r.Header.Set("X-Forwarded-For", "nonsense")
	if got := h.address(r); got != "10.0.0.1" {
		t.Errorf("with nonsense: %s", got)
	}
}
