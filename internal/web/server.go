// Package web is the door for people: the console of the counters, in pages that
// the server renders, and the doors that platforms and customers knock on. It
// opens the transactions, and it alone knows HTTP words and the sentences that
// people read; what is allowed and who sees whom is decided in the rooms above.
package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"dingdong/internal/alarm"
	"dingdong/internal/audit"
	"dingdong/internal/catalogue"
	"dingdong/internal/consent"
	"dingdong/internal/conversation"
	"dingdong/internal/db"
	"dingdong/internal/event"
	"dingdong/internal/export"
	"dingdong/internal/handover"
	"dingdong/internal/insight"
	"dingdong/internal/privacy"
	"dingdong/internal/sso"
	"dingdong/internal/staff"
	"dingdong/internal/vault"
	"dingdong/internal/webhook"
)

// Deps is what the server is built from.
type Deps struct {
	DB        *db.DB
	Door      *staff.Door // where people prove who they are
	SSO       *sso.Room   // nil: no sign-in provider can be set up
	Desk      *conversation.Desk
	Events    *event.Log
	Hooks     *webhook.Room
	Privacy   *privacy.Room
	Shop      *catalogue.Shop // nil: cards show no purchases
	Consent   *consent.Room   // nil: nothing is shown of consents
	Reader    *insight.Room   // nil: nothing is offered to what she says
	Hands     *handover.Room
	Alarms    *alarm.Room
	Files     *export.Room
	Keys      *vault.Rotation // nil: the page of the keys is empty
	Log       *slog.Logger
	PublicURL string // how browsers reach the server; https turns on secure cookies and HSTS
	Timezone  string // for pages that belong to no counter; empty: Asia/Taipei

	// TrustProxy takes the client's address from the last X-Forwarded-For entry.
	// Only for a server that nobody can reach but through its own proxy.
	TrustProxy bool

	// Demo offers every member of staff on the sign-in page, with one tap and
	// without a password.
	Demo bool

	// Ready says why the house cannot serve right now; nil error means it can.
	Ready func(context.Context) error

	// Stopping is closed when streams must end, so that the house can close.
	Stopping <-chan struct{}
}

// Server answers the console's requests. It is built once and safe for
// concurrent use.
type Server struct {
	Deps
	secure    bool
	zone      *time.Location
	zones     sync.Map // name -> *time.Location
	languages *Languages
	assets    *assets
	pages     *pages
	access    map[string]access // pattern -> access, for the navigation
	handler   http.Handler
	settled   atomic.Bool // an administrator exists
	looks     looks
	sight     audit.Sight
	presence  *presence
	chat      chatRoom
	drawings  *drawings
	rechecks  rechecks
	labels
}

// New builds the server; an error is a mistake in the build or the settings.
func New(d Deps) (*Server, error) {
	s := &Server{Deps: d, presence: newPresence()}
	public, err := url.Parse(d.PublicURL)
	if err != nil {
		return nil, fmt.Errorf("public URL: %w", err)
	}
	s.secure = public.Scheme == "https"
	if d.Timezone == "" {
		d.Timezone = "Asia/Taipei"
	}
	if s.zone, err = time.LoadLocation(d.Timezone); err != nil {
		return nil, fmt.Errorf("time zone: %w", err)
	}
	if s.languages, err = loadLanguages(localeFiles, "locale"); err != nil {
		return nil, err
	}
	if s.labels, err = loadLabels(); err != nil {
		return nil, err
	}
	static, err := staticRoot()
	if err != nil {
		return nil, err
	}
	if s.assets, err = loadAssets(static); err != nil {
		return nil, err
	}
	if s.pages, err = newPages(pageFiles, s.assets); err != nil {
		return nil, err
	}
	s.drawings = newDrawings(s)
	if s.handler, err = s.mount(public); err != nil {
		return nil, err
	}
	return s, nil
}

// mount puts the table of routes behind the guards that every request passes.
func (s *Server) mount(public *url.URL) (http.Handler, error) {
	origins := http.NewCrossOriginProtection()
	if public.Host != "" {
		if err := origins.AddTrustedOrigin(public.Scheme + "://" + public.Host); err != nil {
			return nil, fmt.Errorf("public URL: %w", err)
		}
	}
	origins.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.fail(w, s.visit(r), errCrossOrigin)
	}))
	mux := http.NewServeMux()
	s.access = map[string]access{}
	for _, rt := range s.routes() {
		if rt.access == (access{}) {
			return nil, errors.New("route without access: " + rt.pattern)
		}
		if rt.access == foreign {
			origins.AddInsecureBypassPattern(rt.pattern)
		}
		s.access[rt.pattern] = rt.access
		mux.Handle(rt.pattern, s.guard(rt))
	}
	return s.record(s.headers(origins.Handler(mux))), nil
}

// ServeHTTP answers a request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.handler.ServeHTTP(w, r)
}

// location gives a time zone by name, the server's own when it is not known.
func (s *Server) location(name string) *time.Location {
	if name == "" {
		return s.zone
	}
	if zone, ok := s.zones.Load(name); ok {
		return zone.(*time.Location)
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return s.zone
	}
	s.zones.Store(name, zone)
	return zone
}
