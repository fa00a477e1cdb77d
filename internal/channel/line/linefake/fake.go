// Package linefake is a LINE platform to test and to show Dingdong against: the
// Messaging API with its published rules on one side, customers whose phones send
// signed webhooks on the other. It calls nothing but loopback addresses and is no
// part of a real installation.
package linefake

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Options say what platform to be. The zero value is a lenient one with made-up
// credentials and no webhook.
type Options struct {
	Secret, Token, BotID   string // of the account; made up if empty
	Name, BasicID, Picture string // what the account shows
	Webhook                string // the address to call
	AllowHTTP              bool   // media and webhook addresses may be http, for demos on one machine
	Strict                 bool   // hold the webhook's receiver to LINE's two seconds
	AutoFriend             bool   // unknown recipients are friends, for load tests

	Latency      time.Duration // before each answer of the Messaging API
	ReplyLife    time.Duration // of a reply token; LINE's minute if zero
	MonthlyLimit int           // pushes a month; 0: no limit
	PerSecond    int           // calls a second; 0: no limit
	Redeliver    int           // tries after a failed webhook; 10 if zero, none if negative
	Backoff      time.Duration // before the first of them, doubling up to 10 s; 500 ms if zero
	Keep         int           // messages kept for a person; 0: all

	// Portrait is where a person's picture is; nil, or an empty address: she has none.
	Portrait func(user string) string

	LIFF  LIFF
	Cards func() []Card // the cards to scan; asked each time

	StateFile string // survives a restart: people, friendships, the last 500 messages of each
	Now       func() time.Time
	Log       *slog.Logger
	Client    *http.Client // calls the webhook; the default refuses all but loopback
}

// Platform is one fake LINE with one official account on it.
type Platform struct {
	o      Options
	routes http.Handler

	mu     sync.RWMutex
	people map[string]*person
	order  []*person
	media  map[string]*media

	acts     sync.Mutex // customers act one after the other, so events keep their order
	ids      ids
	keys     keyring
	tokens   replyTokens
	month    meter
	rate     bucket
	faults   faults
	hooks    hooks
	oddities oddities
	webhook  atomic.Pointer[hookSetting]
	requests atomic.Int64
	dirty    atomic.Bool

	ctx  context.Context
	stop context.CancelFunc
	work sync.WaitGroup
}

type hookSetting struct {
	address string
	active  bool
}

// New starts a platform; Close ends it. A state file that cannot be read is an
// error, one that does not exist is not.
func New(o Options) (*Platform, error) {
	p := &Platform{o: withDefaults(o), people: map[string]*person{}, media: map[string]*media{}}
	p.ctx, p.stop = context.WithCancel(context.Background())
	p.webhook.Store(&hookSetting{address: p.o.Webhook, active: true})
	p.faults.latency.Store(int64(p.o.Latency))
	p.ids.start(p.o.Now())
	p.keys.start()
	p.tokens.life, p.tokens.issued = p.o.ReplyLife, map[string]*replyToken{}
	p.month.limit = p.o.MonthlyLimit
	p.rate.perSecond = float64(p.o.PerSecond)
	p.hooks.start()
	p.routes = p.router()
	if err := p.load(); err != nil {
		p.stop()
		return nil, err
	}
	p.work.Go(p.deliverAll)
	if p.o.StateFile != "" {
		p.work.Go(p.saveOften)
	}
	return p, nil
}

func withDefaults(o Options) Options {
	made := func(s *string, prefix string, bytes int) {
		if *s == "" {
			*s = prefix + randomHex(bytes)
		}
	}
	made(&o.Secret, "", 16)
	made(&o.Token, "", 32)
	if o.BotID == "" {
		sum := sha256.Sum256([]byte("bot " + o.Secret))
		o.BotID = "U" + hex.EncodeToString(sum[:16])
	}
	if o.Name == "" {
		o.Name = "Dingdong"
	}
	if o.BasicID == "" {
		o.BasicID = "@" + o.BotID[len(o.BotID)-8:]
	}
	if o.LIFF.Channel == "" {
		o.LIFF.Channel = "2000000000"
	}
	if o.ReplyLife <= 0 {
		o.ReplyLife = time.Minute
	}
	if o.Redeliver == 0 {
		o.Redeliver = 10
	}
	if o.Backoff <= 0 {
		o.Backoff = 500 * time.Millisecond
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Client == nil {
		dialer := &net.Dialer{Timeout: 2 * time.Second, Control: loopbackOnly}
		o.Client = &http.Client{Transport: &http.Transport{DialContext: dialer.DialContext, MaxIdleConnsPerHost: 16, IdleConnTimeout: 30 * time.Second}}
	}
	return o
}

// loopbackOnly keeps a stand-in from ever calling a stranger.
func loopbackOnly(_, address string, _ syscall.RawConn) error {
	host, _, err := net.SplitHostPort(address)
	if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsLoopback() {
		return errors.New("linefake calls loopback addresses only")
	}
	return nil
}

// Options gives the options in force, with what New made up.
func (p *Platform) Options() Options { return p.o }

// Close gives up the webhooks still to send and saves the state.
func (p *Platform) Close() error {
	p.stop()
	p.work.Wait()
	return p.save()
}

// SetWebhook sets the address to call and whether it is in use.
func (p *Platform) SetWebhook(address string, active bool) {
	p.webhook.Store(&hookSetting{address: address, active: active})
}

// Oddities lists calls that LINE would take but nobody should make: a retry key
// with another body than before.
func (p *Platform) Oddities() []string { return p.oddities.all() }

type oddities struct {
	mu   sync.Mutex
	seen []string
}

func (o *oddities) note(what string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.seen) < 1000 {
		o.seen = append(o.seen, what)
	}
}

func (o *oddities) all() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]string(nil), o.seen...)
}

func randomHex(n int) string {
	b := make([]byte, n)
	rand.Read(b) // never fails
	return hex.EncodeToString(b)
}
