// Package webhook tells the group's own systems what happened: each event that
// an endpoint asked for is posted to it as JSON, signed, in the order in which
// things happened, until it is accepted or a day has passed.
//
// An endpoint may receive the same event twice (it answered, and we fell before
// we could note it) and tells repeats by the webhook-id header. One endpoint
// that fails keeps only itself waiting.
package webhook

import (
	"net/http"
	"sync"
	"time"

	"dingdong/internal/audit"
	"dingdong/internal/conversation"
	"dingdong/internal/db"
	"dingdong/internal/job"
	"dingdong/internal/vault"
)

// labelSecret binds a sealed signing secret to its column.
const labelSecret = "endpoint.secret"

// Options is what the room is built from.
type Options struct {
	DB    *db.DB
	Vault *vault.Vault
	Desk  *conversation.Desk
	// AllowLocal lets endpoints be on this machine, over plain http: for trials
	// and tests. Other addresses inside the network stay refused.
	AllowLocal bool
}

// Room keeps the endpoints and delivers to them.
type Room struct {
	Options
	client *http.Client
	live   liveCache
	sight  audit.Sight
}

// Actor is how the audit names an endpoint that was told of a customer.
func Actor(endpointID string) string { return "endpoint/" + endpointID }

// New builds the room.
func New(o Options) *Room {
	return &Room{Options: o, client: newClient(o.AllowLocal)}
}

// Handlers are the room's jobs.
func (r *Room) Handlers() map[string]job.Handler {
	return map[string]job.Handler{JobDeliver: r.Deliver}
}

// liveCache spares every event a query: Queue runs for each of them. What
// another process changes is seen within a second.
type liveCache struct {
	mu   sync.Mutex
	list []target
	till time.Time
}

const liveCacheTime = time.Second

func (c *liveCache) get(now time.Time) ([]target, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	// A clock set back must not make an old list live for hours.
	fresh := now.Before(c.till) && c.till.Sub(now) <= liveCacheTime
	return c.list, fresh
}

func (c *liveCache) put(list []target, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.list, c.till = list, now.Add(liveCacheTime)
}

func (c *liveCache) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.till = time.Time{}
}
