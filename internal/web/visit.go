package web

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"dingdong/internal/staff"
)

// Visit is one request of one person: who she is, and in which words she reads.
type Visit struct {
	staff.Viewer // the zero viewer sees nothing and may nothing
	SignedIn     bool
	Words        *Words
	Now          time.Time
	Partial      bool // htmx asks for a part of a page, not for a page
	Address      string

	request *http.Request
}

func (s *Server) visit(r *http.Request) *Visit {
	v := &Visit{request: r, Now: s.DB.Now(), Address: s.address(r)}
	h := r.Header
	v.Partial = h.Get("HX-Request") == "true" && h.Get("HX-Boosted") != "true" && h.Get("HX-History-Restore-Request") != "true"
	v.Words = s.languages.Choose("", v.cookie("language"), h.Get("Accept-Language"))
	return v
}

// T gives a sentence in her language; see Words.T.
func (v *Visit) T(key string, args ...any) string { return v.Words.T(key, args...) }

func (v *Visit) cookie(name string) string {
	c, err := v.request.Cookie(name)
	if err != nil {
		return ""
	}
	return c.Value
}

// theme is what she chose, else what this browser remembers; empty follows the system.
func (v *Visit) theme() string {
	theme := v.Theme
	if !v.SignedIn {
		theme = v.cookie("theme")
	}
	if theme != "light" && theme != "dark" {
		return ""
	}
	return theme
}

// clock says times in her language and the zone of the named place.
func (s *Server) clock(v *Visit, zone string) Clock {
	return Clock{Now: v.Now, Zone: s.location(zone), Words: v.Words}
}

// sessionCookie is the name of the session's cookie. __Host- makes the browser
// refuse one that was set by a neighbour domain or without https.
func (s *Server) sessionCookie() string {
	if s.secure {
		return "__Host-dingdong"
	}
	return "dingdong"
}

// sessionDays is the most that the group can allow; the server ends a session earlier.
const sessionDays = 90

func (s *Server) setSession(w http.ResponseWriter, token string) {
	s.setCookie(w, s.sessionCookie(), token, sessionDays*24*60*60)
}

// setCookie sets a cookie that no script reads and no other site sends; a
// negative age removes it.
func (s *Server) setCookie(w http.ResponseWriter, name, value string, age int) {
	http.SetCookie(w, &http.Cookie{Name: name, Value: value, Path: "/", MaxAge: age,
		HttpOnly: true, Secure: s.secure, SameSite: http.SameSiteLaxMode})
}

const yearSeconds = 365 * 24 * 60 * 60

// local is a path of this server that came from outside, or the fallback: an
// address of another server never gets through.
func local(path, fallback string) string {
	u, err := url.Parse(path)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(path, "/") ||
		strings.HasPrefix(path, "//") || strings.ContainsAny(path, "\\\r\n\t") {
		return fallback
	}
	return path
}

// done sends her on after something was saved, with a short word of thanks that
// the next page shows once. key lives under "done."; an empty one says nothing.
func (s *Server) done(w http.ResponseWriter, v *Visit, path, key string) error {
	if key != "" {
		s.setCookie(w, "done", strings.TrimPrefix(key, "done."), 60)
	}
	if v.Partial {
		w.Header().Set("HX-Redirect", path)
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	http.Redirect(w, v.request, path, http.StatusSeeOther)
	return nil
}
