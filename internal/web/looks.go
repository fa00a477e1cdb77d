package web

import (
	"net/http"
	"sync"
	"time"

	"dingdong/internal/audit"
	"dingdong/internal/conversation"
)

// looks remembers for a while who has opened which thread, so that the audit
// holds one line for a look and not one for every refresh of a page.
type looks struct {
	mu   sync.Mutex
	last map[string]time.Time
}

const (
	lookLasts = 10 * time.Minute
	looksKept = 20000
)

// due tells whether the look has to be recorded.
func (l *looks) due(key string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	at, seen := l.last[key]
	return !seen || now.Sub(at) >= lookLasts
}

// done notes that it was recorded.
func (l *looks) done(key string, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.last == nil || len(l.last) >= looksKept {
		l.last = map[string]time.Time{}
	}
	l.last[key] = now
}

// shown puts on record that some customers stand in a list that she is about to read:
// once an hour for each of them. where is a code.
func (s *Server) shown(r *http.Request, v *Visit, where string, customers []string) error {
	return s.sight.Record(r.Context(), s.DB, audit.Look{Actor: v.ID, Action: "customer.shown", Detail: where, Customers: customers})
}

// customersOf are the customers of some threads.
func customersOf(threads []conversation.Thread) []string {
	ids := make([]string, len(threads))
	for i, t := range threads {
		ids[i] = t.CustomerID
	}
	return ids
}
