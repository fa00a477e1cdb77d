// Package app builds the house from its rooms, top to bottom, and runs it.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"dingdong/internal/alarm"
	"dingdong/internal/api"
	"dingdong/internal/blob"
	"dingdong/internal/catalogue"
	"dingdong/internal/channel/line"
	"dingdong/internal/consent"
	"dingdong/internal/conversation"
	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/event"
	"dingdong/internal/export"
	"dingdong/internal/handover"
	"dingdong/internal/insight"
	"dingdong/internal/job"
	"dingdong/internal/privacy"
	"dingdong/internal/sso"
	"dingdong/internal/staff"
	"dingdong/internal/vault"
	"dingdong/internal/web"
	"dingdong/internal/webhook"
)

// App is the whole house.
type App struct {
	Config  Config
	Log     *slog.Logger
	DB      *db.DB
	Vault   *vault.Vault
	Keys    *vault.Rotation
	Door    *staff.Door
	Desk    *conversation.Desk
	Shop    *catalogue.Shop
	Consent *consent.Room
	Events  *event.Log
	Reader  *insight.Room
	Hands   *handover.Room
	Alarms  *alarm.Room
	Files   *export.Room
	Hooks   *webhook.Room
	Privacy *privacy.Room
	Web     *web.Server

	table       map[event.Kind][]reaction
	worker      *job.Worker
	listener    net.Listener
	metrics     net.Listener
	erasedAgain int           // records that a restored backup had brought back
	stopping    chan struct{} // closed when streams must end
	bodyTime    time.Duration // how long a request's body may take
}

// New opens the stores and builds every room. It does not serve yet, but the
// port is taken: a second server on the same address fails here.
func New(ctx context.Context, c Config, log *slog.Logger) (*App, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	a := &App{Config: c, Log: log, stopping: make(chan struct{}), bodyTime: bodyTime}
	if err := a.open(ctx); err != nil {
		a.close()
		return nil, err
	}
	if c.Demo {
		if err := a.allowDemo(ctx); err != nil {
			a.close()
			return nil, err
		}
	}
	if err := a.build(); err != nil {
		a.close()
		return nil, err
	}
	return a, nil
}

// open opens the database, the key and the blobs, and migrates.
func (a *App) open(ctx context.Context) error {
	if err := os.MkdirAll(a.Config.Data, 0o700); err != nil {
		return fmt.Errorf("data folder: %w", err)
	}
	var err error
	if a.DB, err = db.Open(ctx, a.Config.DatabaseURL(), db.Options{}); err != nil {
		return err
	}
	if err = a.DB.Migrate(ctx); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	if a.Vault, err = vault.Open(a.Config.KeyURI(), a.DB); err != nil {
		return fmt.Errorf("installation key: %w", err)
	}
	a.Keys = vault.NewRotation(a.Vault, sealed()...)
	a.Door = &staff.Door{DB: a.DB, Vault: a.Vault}
	blobs, err := blob.Open(filepath.Join(a.Config.Data, "blobs"))
	if err != nil {
		return fmt.Errorf("blobs: %w", err)
	}
	client := &http.Client{Transport: line.NewTransport(), Timeout: 30 * time.Second}
	a.Desk = &conversation.Desk{
		DB: a.DB, Vault: a.Vault, Book: &customer.Book{Vault: a.Vault}, Blobs: blobs,
		Adapters: adapters(client),
	}
	a.Reader = &insight.Room{Vault: a.Vault, Book: a.Desk.Book, Desk: a.Desk}
	if err = a.DB.Write(ctx, a.Desk.Book.EnsureDefaults); err != nil {
		return fmt.Errorf("what is known of customers: %w", err)
	}
	a.Consent = &consent.Room{Vault: a.Vault, Book: a.Desk.Book}
	a.Hands = &handover.Room{DB: a.DB, Desk: a.Desk, Consent: a.Consent}
	if err = a.DB.Write(ctx, a.Consent.EnsureShipped); err != nil {
		return fmt.Errorf("purposes of consent: %w", err)
	}
	a.Shop = &catalogue.Shop{DB: a.DB, Vault: a.Vault, Book: a.Desk.Book, Blobs: blobs}
	zone, err := time.LoadLocation(a.Config.Timezone)
	if err != nil {
		return fmt.Errorf("time zone: %w", err)
	}
	a.Alarms = &alarm.Room{Vault: a.Vault, Zone: zone}
	a.Files = &export.Room{DB: a.DB, Vault: a.Vault, Blobs: blobs, Desk: a.Desk, Book: a.Desk.Book,
		Agreed: func(tx *db.Tx, person string) (bool, error) { return a.Consent.May(tx, person, consent.Sharing, "") }}
	a.openPrivacy()
	return a.eraseAgain(ctx)
}

// build takes the ports and builds what serves and works.
func (a *App) build() error {
	var err error
	if a.listener, err = net.Listen("tcp", a.Config.Listen); err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	if a.Config.Metrics != "off" && a.Config.Metrics != "" {
		if a.metrics, err = net.Listen("tcp", a.Config.Metrics); err != nil {
			return fmt.Errorf("listen for metrics (another address, or 'off', goes in DINGDONG_METRICS): %w", err)
		}
	}
	public := a.publicURL()
	a.Desk.PublicURL = public
	if a.Door.Passkeys, err = staff.NewPasskeys(public); err != nil {
		return err
	}
	a.Events = event.NewLog(a.DB)
	a.Hooks = webhook.New(webhook.Options{DB: a.DB, Vault: a.Vault, Desk: a.Desk, AllowLocal: a.Config.AllowLocal})
	a.table = a.reactions()
	a.worker = job.NewWorker(a.DB, a.jobs(), job.Options{Slots: a.Config.Senders, Log: a.Log})
	a.Web, err = web.New(web.Deps{
		DB: a.DB, Door: a.Door, SSO: &sso.Room{DB: a.DB, Vault: a.Vault, PublicURL: public}, Desk: a.Desk, Events: a.Events, Hooks: a.Hooks, Shop: a.Shop, Privacy: a.Privacy, Consent: a.Consent, Reader: a.Reader, Hands: a.Hands, Keys: a.Keys, Log: a.Log, PublicURL: public, Timezone: a.Config.Timezone,
		Alarms: a.Alarms, Files: a.Files,
		TrustProxy: a.Config.TrustProxy, Demo: a.Config.Demo, Ready: a.ready, Stopping: a.stopping,
	})
	if err != nil {
		return fmt.Errorf("console: %w", err)
	}
	a.Files.Words = a.Web.ActWords // the console knows what an act is called
	a.Privacy.Words = a.Web.HerWords()
	return nil
}

// publicURL is how the world reaches us.
func (a *App) publicURL() string {
	switch {
	case a.Config.PublicURL != "":
		return strings.TrimRight(a.Config.PublicURL, "/")
	case a.listener != nil:
		// Who asks for this machine by name gets a name: browsers bind passkeys to one.
		if _, port, err := net.SplitHostPort(a.listener.Addr().String()); err == nil && strings.HasPrefix(a.Config.Listen, "localhost:") {
			return "http://localhost:" + port
		}
		return "http://" + a.listener.Addr().String()
	}
	return "http://" + a.Config.Listen
}

// ready tells whether the house can take messages: the database answers, and what
// it seals now can be opened here.
func (a *App) ready(ctx context.Context) error {
	if err := a.Vault.Ready(); err != nil {
		return err
	}
	return a.DB.Read(ctx, func(tx *db.Tx) error {
		var one int
		return tx.QueryRow(`SELECT 1`).Scan(&one)
	})
}

// Address is where the house listens.
func (a *App) Address() string { return a.listener.Addr().String() }

// MetricsAddress is where /metrics is read; empty when it is off.
func (a *App) MetricsAddress() string {
	if a.metrics == nil {
		return ""
	}
	return a.metrics.Addr().String()
}

// grace is how long a stop waits for what is in flight.
const grace = 15 * time.Second

// Run serves until ctx ends, then stops in order: no new requests, the ones in
// flight are answered, jobs in flight are finished and written down, the
// database is closed. Nothing that was acknowledged is lost.
func (a *App) Run(ctx context.Context) error {
	defer a.close()
	if err := a.DB.Write(ctx, schedule); err != nil {
		if ctx.Err() != nil { // told to stop before it began
			return nil
		}
		return fmt.Errorf("schedule: %w", err)
	}
	if err := a.DB.Write(ctx, a.Reader.EnsureShipped); err != nil && ctx.Err() == nil {
		return err
	}
	doors := http.NewServeMux()
	doors.Handle("/api/", api.New(api.Deps{DB: a.DB, Desk: a.Desk, Events: a.Events, Hooks: a.Hooks, Shop: a.Shop, Privacy: a.Privacy, Consent: a.Consent, Reader: a.Reader, Hands: a.Hands, Log: a.Log,
		PublicURL: a.Desk.PublicURL, Version: version(), Stopping: a.stopping}))
	doors.Handle("/", a.Web)
	main := server(a.patient(doors))
	servers := map[*http.Server]net.Listener{main: a.listener}
	if a.metrics != nil {
		servers[server(a.measures())] = a.metrics
	}

	background, stopWork := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWork()
	var work errgroup.Group
	work.Go(func() error { return ended(a.worker.Run(background)) })
	work.Go(func() error { a.Events.Run(background); return nil })
	work.Go(func() error { a.Vault.Follow(background, a.Log); return nil })
	work.Go(func() error { return a.react(background) })
	work.Go(func() error { giveBack(background); return nil })

	serving, serveCtx := errgroup.WithContext(ctx)
	for s, l := range servers {
		serving.Go(func() error {
			if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
				return fmt.Errorf("serve: %w", err)
			}
			return nil
		})
	}
	<-serveCtx.Done()
	close(a.stopping)
	late, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	for s := range servers {
		if err := s.Shutdown(late); err != nil {
			a.Log.Warn("requests were cut off", "error", err)
			s.Close()
		}
	}
	err := serving.Wait()
	stopWork()
	return errors.Join(err, work.Wait())
}

func ended(err error) error {
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

func server(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
	}
}

// Close lets go of everything; for callers that do not Run.
func (a *App) Close() { a.close() }

func (a *App) close() {
	if a.listener != nil {
		a.listener.Close()
	}
	if a.metrics != nil {
		a.metrics.Close()
	}
	if a.DB != nil {
		a.DB.Close()
	}
}
