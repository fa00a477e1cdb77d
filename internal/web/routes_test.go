package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// The doors that stand open. A new one is a decision: it is written down here too.
var openDoors = []string{
	"GET /static/", "GET /favicon.ico", "GET /healthz", "GET /readyz", "/",
	"GET /first", "POST /first", "GET /sign-in", "POST /sign-in", "POST /sign-in/demo", "GET /sign-in/sso", "GET /sign-in/sso/back", "GET /sign-in/sso/out", "POST /sign-in/passkey/ask", "POST /sign-in/passkey", "POST /language",
	"GET /chat/{account}", "GET /chat/{account}/widget.js", "POST /chat/{account}/start", "GET /chat/{account}/messages",
	"POST /chat/{account}/messages", "POST /chat/{account}/taps", "POST /chat/{account}/upload", "POST /chat/{account}/typing", "GET /chat/{account}/stream",
	"GET /chat/{account}/card", "POST /chat/{account}/card", "GET /chat/{account}/advisors", "POST /chat/{account}/advisors",
	"GET /my/{token}", "POST /my/{token}", "POST /my/{token}/one-click", "GET /liff/{account}", "POST /liff/{account}/scan", "POST /liff/{account}/choose", "POST /liff/{account}/answer",
	"POST /in/{account}", "GET /m/{link}",
}

func TestEveryRouteIsGuarded(t *testing.T) {
	h := newHouse(t)
	for _, rt := range h.routes() {
		switch {
		case rt.access == (access{}) || (rt.access.kind == "permission") != (rt.access.permission != ""):
			t.Errorf("%s: neither a permission nor public", rt.pattern)
		case (rt.access == public || rt.access == foreign) != slices.Contains(openDoors, rt.pattern):
			t.Errorf("%s: open and not in openDoors, or the other way round", rt.pattern)
		}
	}
}

func TestNobodyPassesWithoutSession(t *testing.T) {
	h := newHouse(t)
	for _, rt := range h.routes() {
		if rt.access == public || rt.access == foreign {
			continue
		}
		method, path, _ := strings.Cut(rt.pattern, " ")
		path = strings.NewReplacer("{$}", "", "{", "", "}", "").Replace(path)
		b := newBrowser(t, h)
		b.cookies[h.sessionCookie()] = strings.Repeat("x", 43)
		got := b.do(method, path, strings.NewReader(""))
		if method == http.MethodGet {
			if got.Code != http.StatusSeeOther || !strings.HasPrefix(got.Header().Get("Location"), "/sign-in") {
				t.Errorf("%s: %d to %q", rt.pattern, got.Code, got.Header().Get("Location"))
			}
		} else if got.Code != http.StatusUnauthorized {
			t.Errorf("%s: %d", rt.pattern, got.Code)
		}
	}
}

func TestRolesMeetTheirPermissions(t *testing.T) {
	h := newHouse(t)
	for name, id := range map[string]string{"admin": h.Admin, "manager": h.Manager, "advisor": h.Advisor,
		"privacy": h.Privacy, "marketing": h.Marketing} {
		b := h.as(t, id)
		v := h.visit(httptestRequest(b))
		if err := h.identify(v); err != nil {
			t.Fatal(err)
		}
		for _, rt := range h.routes() {
			if rt.access.kind != "permission" || !strings.HasPrefix(rt.pattern, "GET ") {
				continue
			}
			path := strings.NewReplacer("GET ", "", "{$}", "", "{", "", "}", "").Replace(rt.pattern)
			got := b.get(path).Code
			if may := v.May(rt.access.permission); may == (got == http.StatusForbidden) {
				t.Errorf("%s %s: %d, may is %v", name, path, got, may)
			}
		}
	}
}

func TestTurnedAway(t *testing.T) {
	h := newHouse(t)
	b := newBrowser(t, h)
	wantRedirect(t, b.get("/me?a=b"), "/sign-in?next="+url.QueryEscape("/me?a=b"))
	wantRedirect(t, b.get("/"), "/sign-in")
	b.Header.Set("HX-Request", "true")
	got := b.get("/me")
	want(t, got, http.StatusUnauthorized)
	if got.Header().Get("HX-Redirect") != "/sign-in" {
		t.Error("htmx is not sent to the sign-in page")
	}
	b.Header = http.Header{"Accept": {"application/json"}}
	want(t, b.get("/me"), http.StatusUnauthorized, `"error"`)
}

func TestHeaders(t *testing.T) {
	plain := newBrowser(t, newHouse(t)).get("/sign-in")
	for name, value := range map[string]string{
		"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY",
		"Referrer-Policy": "same-origin", "Content-Security-Policy": policy, "Strict-Transport-Security": "",
	} {
		if got := plain.Header().Get(name); got != value {
			t.Errorf("%s: %q, want %q", name, got, value)
		}
	}
	for _, weak := range []string{"unsafe", "*", "data:", "http:"} {
		if strings.Contains(policy, weak) {
			t.Errorf("the policy allows %q", weak)
		}
	}
	secure := newHouse(t, func(d *Deps) { d.PublicURL = "https://counter.test" })
	b := newBrowser(t, secure)
	got := b.post("/sign-in/demo", url.Values{"id": {secure.Advisor}})
	cookie := got.Result().Cookies()[0]
	if cookie.Name != "__Host-dingdong" || !cookie.Secure || !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode || cookie.Path != "/" {
		t.Errorf("session cookie: %v", cookie)
	}
	if got.Header().Get("Strict-Transport-Security") == "" {
		t.Error("https without HSTS")
	}
}

func TestCrossOrigin(t *testing.T) {
	h := newHouse(t)
	b := h.as(t, h.Advisor)
	b.Header.Set("Sec-Fetch-Site", "cross-site")
	b.Header.Set("Origin", "https://evil.test")
	want(t, b.post("/sign-out", nil), http.StatusForbidden, "another site")
	b.Header.Set("Sec-Fetch-Site", "same-origin")
	wantRedirect(t, b.post("/sign-out", nil), "/sign-in")
}

func TestBodyLimit(t *testing.T) {
	h := newHouse(t)
	got := h.as(t, h.Advisor).post("/me/look", url.Values{"theme": {strings.Repeat("x", bodyLimit+1)}})
	want(t, got, http.StatusRequestEntityTooLarge, "1 MB")
}
