// Package line speaks to the LINE Messaging API: it verifies and translates
// webhooks, and sends. It keeps no state between calls, makes no retries of its
// own and waits for nothing but the one call it was asked for; what follows a
// failure is decided by the house from the error's kind.
//
// Rules are those of developers.line.biz, "Messaging API reference".
package line

import (
	"net"
	"net/http"
	"strings"
	"time"

	"dingdong/internal/channel"
)

// The platform's real addresses. Content has a host of its own.
const (
	apiBase  = "https://api.line.me"
	dataBase = "https://api-data.line.me"
)

// callTimeout bounds one call. LINE asks for no particular value; ten seconds is
// far above its usual answer and short enough not to hold a lease for long.
const callTimeout = 10 * time.Second

// Adapter is LINE's channel.Adapter. Make it with New.
type Adapter struct {
	HTTP *http.Client

	timeout time.Duration
}

var (
	_ channel.Adapter   = (*Adapter)(nil)
	_ channel.Profiler  = (*Adapter)(nil)
	_ channel.Portrayer = (*Adapter)(nil)
	_ channel.Fetcher   = (*Adapter)(nil)
	_ channel.Reader    = (*Adapter)(nil)
	_ channel.Typer     = (*Adapter)(nil)
	_ channel.Checker   = (*Adapter)(nil)
	_ channel.Quoter    = (*Adapter)(nil)
)

// New makes an adapter that calls through client; nil stands for a client on
// NewTransport. A Timeout of the client is used for calls (else 10 s), but not for
// the streaming of content, which the context of Fetch bounds. Redirects are not
// followed: the API has none, and one would carry the token elsewhere.
func New(client *http.Client) *Adapter {
	if client == nil {
		client = &http.Client{Transport: NewTransport()}
	}
	own := *client
	timeout := own.Timeout
	if timeout <= 0 {
		timeout = callTimeout
	}
	own.Timeout = 0
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Adapter{HTTP: &own, timeout: timeout}
}

// NewTransport gives the transport that sending at thousands of calls a second
// wants: as many kept connections to one host as there are calls in flight (Go's
// default keeps two and would dial for nearly every call), and idle ones closed
// before the other end does it, because a call on a connection that dies is a
// call of unknown outcome.
func NewTransport() *http.Transport {
	dialer := &net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second}
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           dialer.DialContext,
		ForceAttemptHTTP2:     true,
		MaxIdleConns:          1024,
		MaxIdleConnsPerHost:   512,
		IdleConnTimeout:       30 * time.Second,
		TLSHandshakeTimeout:   5 * time.Second,
		ResponseHeaderTimeout: callTimeout,
	}
}

// Limits tells what one call to LINE may carry. A reply token is meant to be used
// within a minute of the webhook; an older one is refused, not misdelivered.
func (*Adapter) Limits() channel.Limits {
	return channel.Limits{Bubbles: maxBubbles, TextUnits: maxTextUnits, ReplyLives: time.Minute, Idempotent: true}
}

func base(set, real string) string {
	if set == "" {
		return real
	}
	return strings.TrimRight(set, "/")
}
