// Package api is the door for programs: tills, stock systems, bots. It is the
// JSON API v1 with its OpenAPI document and a page to read it by.
//
// A token sees the whole store group; what it may do, its scopes say. Reads of
// customers are put on record once per customer, token and hour, so that the
// record stays cheap enough to be complete.
package api

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"dingdong/internal/audit"
	"dingdong/internal/catalogue"
	"dingdong/internal/consent"
	"dingdong/internal/conversation"
	"dingdong/internal/db"
	"dingdong/internal/event"
	"dingdong/internal/handover"
	"dingdong/internal/insight"
	"dingdong/internal/privacy"
	"dingdong/internal/webhook"
)

// Deps is what the API is built from.
type Deps struct {
	DB        *db.DB
	Desk      *conversation.Desk
	Events    *event.Log
	Hooks     *webhook.Room
	Shop      *catalogue.Shop
	Reader    *insight.Room
	Consent   *consent.Room // nil: nothing is known of consents
	Privacy   *privacy.Room
	Hands     *handover.Room  // nil: nothing is handed over
	Log       *slog.Logger    // nil: the default one
	PublicURL string          // shown in examples
	Version   string          // of the program; empty: "dev"
	Stopping  <-chan struct{} // closed when streams must end

	// Rate is how many requests a second a token may make, Burst how many at
	// once; zero: 50 and 100.
	Rate, Burst int
	// Beat is how often an event stream shows that it lives, and looks whether
	// its token is still in force; zero: 15 seconds.
	Beat time.Duration
}

// prefix is where the API's resources live.
const prefix = "/api/v1"

// server answers the API's requests.
type server struct {
	Deps
	mux   *http.ServeMux
	api   huma.API
	rate  *limiter
	sight audit.Sight
	spec  func() []byte // the document of it all
}

// New builds the API; it is mounted at /api/.
func New(d Deps) http.Handler {
	if d.Log == nil {
		d.Log = slog.Default()
	}
	if d.Version == "" {
		d.Version = "dev"
	}
	if d.Rate <= 0 {
		d.Rate = 50
	}
	if d.Burst <= 0 {
		d.Burst = 2 * d.Rate
	}
	if d.Beat <= 0 {
		d.Beat = 15 * time.Second
	}
	s := &server{Deps: d, mux: http.NewServeMux(), rate: newLimiter(d.Rate, d.Burst)}
	s.api = humago.New(s.mux, s.config())
	s.api.UseMiddleware(s.admit)
	s.operations()
	schemas := s.api.OpenAPI().Components.Schemas
	// What the framework would answer with; transform puts ours in its place.
	delete(schemas.Map(), "ErrorModel")
	delete(schemas.Map(), "ErrorDetail")
	s.spec = sync.OnceValue(s.describe) // after most starts nobody reads it
	s.mux.HandleFunc("GET "+prefix+"/openapi.json", s.serveSpec)
	s.mux.Handle("GET /api/docs", newDocs(s.api.OpenAPI(), d))
	s.mux.HandleFunc("GET /api/docs.css", serveStyle)
	s.mux.HandleFunc("/", s.unknown)
	return s.guard(s.mux)
}

func (s *server) config() huma.Config {
	return huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{
				Title:       "Dingdong API",
				Version:     "1",
				Description: "Threads, messages and customers of a store group, what it sells and what they bought, and the events that happen to them.",
			},
			Servers: []*huma.Server{{URL: s.PublicURL + "/"}},
			Components: &huma.Components{
				Schemas: huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer),
				SecuritySchemes: map[string]*huma.SecurityScheme{
					securityToken: {Type: "http", Scheme: "bearer", BearerFormat: "dd_...", Description: "An API token that an administrator made. What it may do, its scopes say."},
				},
			},
		},
		Formats:       map[string]huma.Format{"application/json": huma.DefaultJSONFormat, "json": huma.DefaultJSONFormat},
		DefaultFormat: "application/json",
		Transformers:  []huma.Transformer{s.transform},
	}
}

// operations is the table of everything a program can ask for.
func (s *server) operations() {
	s.directoryOperations()
	s.threadOperations()
	s.messageOperations()
	s.sendOperations()
	s.customerOperations()
	s.mergeOperations()
	s.cardOperations()
	s.consentOperations()
	s.contactOperations()
	s.noteOperations()
	s.wishOperations()
	s.promiseOperations()
	s.bindingOperations()
	s.timelineOperations()
	s.attributeOperations()
	s.tagOperations()
	s.privacyOperations()
	s.productOperations()
	s.purchaseOperations()
	s.qrOperations()
	s.lexiconOperations()
	s.handoverOperations()
	s.eventOperations()
	s.webhookOperations()
}

// guard sets what every answer carries and turns a panic into a problem.
func (s *server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		defer func() {
			cause := recover()
			if cause == nil {
				return
			}
			if cause == http.ErrAbortHandler {
				panic(cause)
			}
			p := internalProblem()
			s.Log.Error("panic", "reference", p.Reference, "route", r.Pattern, "cause", cause, "stack", string(debug.Stack()))
			writeProblem(w, p)
		}()
		next.ServeHTTP(w, r)
	})
}

var methods = [...]string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}

// unknown answers what no operation does: 405 where another method would do.
func (s *server) unknown(w http.ResponseWriter, r *http.Request) {
	var allowed []string
	for _, m := range methods {
		other := r.Clone(r.Context())
		other.Method = m
		if _, pattern := s.mux.Handler(other); pattern != "/" {
			allowed = append(allowed, m)
		}
	}
	if len(allowed) == 0 {
		writeProblem(w, newProblem(http.StatusNotFound, "not-found", "There is nothing at this address."))
		return
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	writeProblem(w, newProblem(http.StatusMethodNotAllowed, "method-not-allowed", "This address does not answer to "+r.Method+"."))
}

func (s *server) serveSpec(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_, _ = w.Write(s.spec())
}

// describe writes the document of all operations.
func (s *server) describe() []byte {
	raw, err := json.Marshal(s.api.OpenAPI())
	if err != nil {
		panic("api: the OpenAPI document cannot be written: " + err.Error()) // a mistake in this package
	}
	return raw
}

// reference is what a caller reads to us, so that we find its request in the log.
func reference() string { return strings.ToLower(rand.Text()[:10]) }

// read runs a function on a snapshot.
func (s *server) read(ctx context.Context, fn func(tx *db.Tx) error) error {
	return s.DB.Read(ctx, fn)
}
