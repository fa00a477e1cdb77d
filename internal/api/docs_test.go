package api

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
)

func TestDocumentationPage(t *testing.T) {
	h := sqlite(t)
	a := h.do(call{path: "/api/docs"})
	page := string(a.body)
	if a.status != http.StatusOK || !strings.HasPrefix(a.header.Get("Content-Type"), "text/html") || a.header.Get("Content-Security-Policy") != docsPolicy {
		t.Fatalf("got %d %v", a.status, a.header)
	}
	for _, op := range operations(t, h) {
		if !strings.Contains(page, "<code>"+op.path+"</code>") {
			t.Errorf("%s %s is not on the page", op.method, op.path)
		}
	}
	for _, never := range []string{"<script", "style=", "<nil>", "&lt;nil&gt;", "%!"} {
		if strings.Contains(page, never) {
			t.Errorf("the page has %q", never)
		}
	}
	ids := map[string]bool{}
	for _, m := range regexp.MustCompile(` id="([^"]+)"`).FindAllStringSubmatch(page, -1) {
		if ids[m[1]] {
			t.Errorf("two things are called %q", m[1])
		}
		ids[m[1]] = true
	}
	for _, m := range regexp.MustCompile(`href="([^"]+)"`).FindAllStringSubmatch(page, -1) {
		switch {
		case strings.HasPrefix(m[1], "#"):
			if !ids[m[1][1:]] {
				t.Errorf("%s leads nowhere", m[1])
			}
		case strings.HasPrefix(m[1], "/"):
			if a := h.do(call{path: m[1]}); a.status != http.StatusOK {
				t.Errorf("%s: %d", m[1], a.status)
			}
		default:
			t.Errorf("%s is not ours", m[1])
		}
	}
}
