package web

import (
	"context"
	"io"
	"net/http"
	"time"
)

// healthz answers as long as the process lives.
func (s *Server) healthz(w http.ResponseWriter, _ *http.Request, _ *Visit) error {
	return plain(w, http.StatusOK, "ok\n")
}

// readyz answers whether the house can serve. It says no more than that: the
// reason is in the log.
func (s *Server) readyz(w http.ResponseWriter, r *http.Request, _ *Visit) error {
	if s.Ready == nil {
		return plain(w, http.StatusOK, "ready\n")
	}
	ctx, cancel := context.WithTimeout(r.Context(), 3*time.Second)
	defer cancel()
	if err := s.Ready(ctx); err != nil {
		s.Log.Warn("not ready", "error", err)
		return plain(w, http.StatusServiceUnavailable, "not ready\n")
	}
	return plain(w, http.StatusOK, "ready\n")
}

func plain(w http.ResponseWriter, status int, text string) error {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text)
	return nil
}

// static serves the hashed files.
func (s *Server) static(w http.ResponseWriter, r *http.Request, _ *Visit) error {
	s.assets.ServeHTTP(w, r)
	return nil
}

// favicon sends browsers that ask without being told to the real one.
func (s *Server) favicon(w http.ResponseWriter, r *http.Request, _ *Visit) error {
	address, err := s.assets.url("logo.svg")
	if err != nil {
		return err
	}
	http.Redirect(w, r, address, http.StatusFound)
	return nil
}
