package web

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestTooManyRequests(t *testing.T) {
	h := newHouse(t)
	b := newBrowser(t, h)
	for range int(proofRequests.burst) {
		if got := b.get("/sign-in/sso"); got.Code == http.StatusTooManyRequests {
			t.Fatal("too early")
		}
	}
	got := b.get("/sign-in/sso")
	want(t, got, http.StatusTooManyRequests, "asked too often")
	if got.Header().Get("Retry-After") != "1" {
		t.Errorf("Retry-After is %q", got.Header().Get("Retry-After"))
	}
	want(t, b.get("/sign-in"), http.StatusOK) // others doors stay open

	mei, ada := h.as(t, h.Advisor), h.as(t, h.Admin)
	now := h.DB.Now().Add(time.Minute) // so that nothing grows back meanwhile
	for h.chat.take("person "+h.Advisor, "", personRequests, now) == 0 {
	}
	want(t, mei.get("/me"), http.StatusTooManyRequests, "asked too often")
	want(t, ada.get("/me"), http.StatusOK)
	for h.chat.take("door 192.0.2.1", "", doorRequests, now) == 0 {
	}
	want(t, newBrowser(t, h).get("/sign-in"), http.StatusTooManyRequests)
	want(t, newBrowser(t, h).get("/healthz"), http.StatusOK)
}

// Every answer of every kind of route carries what keeps a browser safe.
func TestHeadersOfEveryRoute(t *testing.T) {
	h := newAdminHouse(t)
	f := h.prepare("admin")
	for _, rt := range h.routes() {
		method, path, found := strings.Cut(f.path(rt.pattern), " ")
		if !found {
			method, path = http.MethodGet, "/nowhere"
		}
		if path == "/live" {
			continue // a stream; its headers are set before it begins, like all others'
		}
		for who, b := range map[string]*browser{"nobody": newBrowser(t, h), "admin": h.as(t, h.Admin)} {
			head := b.do(method, path, strings.NewReader("")).Header()
			csp := head.Get("Content-Security-Policy")
			for _, weak := range []string{"unsafe-inline", "unsafe-eval", "script-src *"} {
				if strings.Contains(csp, weak) {
					t.Errorf("%s for %s: the policy allows %s", rt.pattern, who, weak)
				}
			}
			if !strings.Contains(csp, "default-src 'none'") {
				t.Errorf("%s for %s: policy %q", rt.pattern, who, csp)
			}
			if head.Get("X-Content-Type-Options") != "nosniff" || head.Get("Referrer-Policy") == "" || head.Get("Permissions-Policy") == "" {
				t.Errorf("%s for %s: %v", rt.pattern, who, head)
			}
			if !strings.Contains(csp, "frame-ancestors") && !strings.Contains(csp, "sandbox") {
				t.Errorf("%s for %s can be framed", rt.pattern, who)
			}
		}
	}
}
