package web

import (
	"crypto/rand"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"
	"time"

	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// policy is the console's content security policy: everything from ourselves, no
// inline script or style, no eval, no frames. blob: is for pictures and sounds that
// she has chosen and not yet sent.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; " +
	"media-src 'self' blob:; connect-src 'self'; font-src 'self'; manifest-src 'self'; " +
	"form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// headers sets what every answer carries; a handler may still replace one.
func (s *Server) headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=()")
		h.Set("Cache-Control", "no-store")
		if s.secure {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		next.ServeHTTP(w, r)
	})
}

// guard lets a request through to its handler: bounded, signed in, permitted.
func (s *Server) guard(rt route) http.Handler {
	limit := rt.body
	if limit == 0 {
		limit = bodyLimit
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, limit)
		v := s.visit(r)
		if err := s.limited(rt, v); err != nil {
			s.fail(w, v, err)
			return
		}
		if rt.access != public && rt.access != foreign {
			if err := s.admit(v, rt.access); err != nil {
				if errors.Is(err, staff.ErrForbidden) && rt.handsOut() && s.Files != nil {
					if err := s.Files.NoteDenied(r.Context(), v.Viewer, rt.pattern); err != nil {
						s.Log.Error("recording a refused export failed", "error", err)
					}
				}
				s.turnAway(w, r, v, err)
				return
			}
			if err := s.limited(rt, v); err != nil {
				s.fail(w, v, err)
				return
			}
			s.renew(w, v)
		}
		err := error(nil)
		if rt.shows() {
			err = s.noteOpened(r, v, r.PathValue("thread"))
		}
		if err == nil {
			err = rt.handle(w, r, v)
		}
		if err != nil {
			s.fail(w, v, err)
		} else if rt.movesPeople() {
			s.rechecks.ask()
		}
	})
}

// admit finds out who she is and whether she may.
func (s *Server) admit(v *Visit, a access) error {
	if err := s.identify(v); err != nil {
		return err
	}
	if !v.SignedIn {
		return errSignedOut
	}
	if !a.anywhere && v.Elsewhere(s.meta(v)) {
		return errElsewhere
	}
	if v.MustChange && a.kind != oneself.kind {
		return errMustChange
	}
	if a.kind == administers.kind && !v.administers() || a.kind == "permission" && !v.May(a.permission) {
		return staff.ErrForbidden
	}
	if a.fresh && !v.Fresh(v.Now) {
		return errNotFresh
	}
	return nil
}

// identify looks up the session; an unknown one leaves the visit without viewer.
func (s *Server) identify(v *Visit) error {
	cookie, err := v.request.Cookie(s.sessionCookie())
	if err != nil {
		return nil
	}
	err = s.DB.Glance(v.request.Context(), func(tx *db.Tx) error {
		var err error
		v.Viewer, err = staff.ViewerBySession(tx, cookie.Value)
		return err
	})
	if errors.Is(err, staff.ErrSignedOut) {
		return nil
	}
	if err != nil {
		return err
	}
	v.SignedIn = true
	if v.TouchDue {
		err := s.DB.Write(v.request.Context(), func(tx *db.Tx) error { return staff.Touch(tx, v.Session) })
		if err != nil { // she can read all the same
			s.Log.Warn("touching a session failed", "error", err)
		}
	}
	v.Words = s.languages.Choose(v.Language, v.cookie("language"), v.request.Header.Get("Accept-Language"))
	return nil
}

// renew gives her session another token where her rights have changed.
func (s *Server) renew(w http.ResponseWriter, v *Visit) {
	if !v.RenewDue {
		return
	}
	var token string
	err := s.DB.Write(v.request.Context(), func(tx *db.Tx) (err error) {
		token, err = staff.Renew(tx, v.Viewer)
		return err
	})
	switch {
	case err == nil:
		s.setSession(w, token)
	case !errors.Is(err, staff.ErrSignedOut): // the next request tries again
		s.Log.Warn("renewing a session failed", "error", err)
	}
}

// turnAway sends somebody without a session to the sign-in page, and back to where
// she wanted to go afterwards; and somebody with a borrowed password to choose hers.
func (s *Server) turnAway(w http.ResponseWriter, r *http.Request, v *Visit, err error) {
	door := "/sign-in"
	switch {
	case errors.Is(err, errMustChange):
		door = "/me"
	case errors.Is(err, errNotFresh), errors.Is(err, errElsewhere):
		if err := s.askAgain(w, r, v); err != nil {
			s.fail(w, v, err)
		}
		return
	case !errors.Is(err, errSignedOut):
		s.fail(w, v, err)
		return
	case r.Method == http.MethodGet && !v.Partial && r.URL.Path != "/":
		door += "?next=" + url.QueryEscape(r.URL.RequestURI())
	}
	switch {
	case v.Partial:
		w.Header().Set("HX-Redirect", door)
		w.WriteHeader(http.StatusUnauthorized)
	case r.Method == http.MethodGet && strings.Contains(r.Header.Get("Accept"), "text/html"):
		http.Redirect(w, r, door, http.StatusSeeOther)
	default:
		s.fail(w, v, err)
	}
}

// record logs each request without anything personal: the route's pattern, never
// the path, which may hold ids; and it catches panics.
func (s *Server) record(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := s.DB.Now()
		out := &recorder{ResponseWriter: w}
		defer func() {
			if cause := recover(); cause != nil {
				if cause == http.ErrAbortHandler {
					panic(cause)
				}
				reference := rand.Text()[:10]
				s.Log.Error("panic", "reference", reference, "route", r.Pattern, "cause", cause, "stack", string(debug.Stack()))
				s.answer(out, s.visit(r), fault{status: http.StatusInternalServerError, key: "error.unknown", reference: reference})
			}
			s.logRequest(r, out, s.DB.Now().Sub(began))
		}()
		next.ServeHTTP(out, r)
	})
}

func (s *Server) logRequest(r *http.Request, out *recorder, took time.Duration) {
	level := slog.LevelInfo
	switch {
	case out.status >= 500:
		level = slog.LevelError
	case out.status >= 400:
	case strings.HasPrefix(r.URL.Path, "/static/"), r.URL.Path == "/healthz", r.URL.Path == "/readyz",
		strings.HasPrefix(r.URL.Path, "/in/"): // thousands a second, each of them an event in the database
		level = slog.LevelDebug
	}
	if !s.Log.Enabled(r.Context(), level) {
		return
	}
	s.Log.Log(r.Context(), level, "request", "method", r.Method, "route", r.Pattern, "status", out.status,
		"bytes", out.bytes, "ms", float64(took.Microseconds())/1000)
}

// recorder remembers what was answered.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(p)
	w.bytes += int64(n)
	return n, err
}

// Flush sends what is written so far; live pages depend on it.
func (w *recorder) Flush() {
	_ = http.NewResponseController(w.ResponseWriter).Flush()
}

// Unwrap lets http.ResponseController reach deadlines and the like.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// address is the client's address, for throttling guesses and for her own list of
// sessions.
func (s *Server) address(r *http.Request) string {
	if s.TrustProxy {
		// Some proxies write a line of their own below the client's: the last line counts.
		chain := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
		if last := strings.TrimSpace(chain[len(chain)-1]); net.ParseIP(last) != nil {
			return last
		}
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
