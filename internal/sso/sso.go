// Package sso lets people in who signed in at the group's own provider, by OpenID Connect:
// authorization code with PKCE, nonce and state, each good once and bound to one browser.
// People are matched by the e-mail address that the provider has verified, and by nothing
// else; what they may do is decided here and never by the provider.
package sso

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"dingdong/internal/db"
	"dingdong/internal/staff"
	"dingdong/internal/vault"
)

// Refusal says why somebody does not come in through the provider.
type Refusal struct {
	Code  string
	cause error
}

// The codes of refusals; each has a sentence.
const (
	Off        = "off"        // switched off
	Down       = "down"       // the provider does not answer, or with nonsense
	Refused    = "refused"    // the provider let her not in
	Lost       = "lost"       // another browser, too late, or twice
	BadToken   = "bad_token"  // what it says of her cannot be trusted
	Unverified = "unverified" // no verified e-mail address
	Domain     = "domain"     // an address of another domain
	Unknown    = "unknown"    // nobody here has that address
	Other      = "other"      // somebody else than who was asked
)

// Error says why, for the log.
func (r Refusal) Error() string {
	if r.cause != nil {
		return "sso: " + r.Code + ": " + r.cause.Error()
	}
	return "sso: " + r.Code
}

// Unwrap gives the cause, if there is one.
func (r Refusal) Unwrap() error { return r.cause }

// Room is the way in through the provider. It is safe for concurrent use.
type Room struct {
	DB        *db.DB
	Vault     *vault.Vault
	PublicURL string

	mu    sync.Mutex
	known found // the provider as it was last discovered
}

// found is a provider as it describes itself.
type found struct {
	issuer   string
	at       time.Time
	provider *oidc.Provider
}

const (
	discoveredFor = time.Hour
	patience      = 10 * time.Second
	maxAnswer     = 1 << 20
	ceremonyKind  = "sso"
)

// client calls the provider: it follows no redirect, waits not long and reads not much.
func client() *http.Client {
	return &http.Client{Transport: bounded{http.DefaultTransport}, Timeout: patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// bounded cuts answers that are longer than any provider's.
type bounded struct{ next http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := b.next.RoundTrip(r)
	if err == nil {
		res.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(res.Body, maxAnswer), res.Body}
	}
	return res, err
}

// discover reads how the provider describes itself, once an hour.
func (r *Room) discover(ctx context.Context, issuer string) (*oidc.Provider, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.DB.Now()
	if r.known.issuer == issuer && now.Before(r.known.at.Add(discoveredFor)) {
		return r.known.provider, nil
	}
	// The provider keeps the context for later look-ups of keys: it must outlive this request.
	p, err := oidc.NewProvider(oidc.ClientContext(context.WithoutCancel(ctx), client()), issuer)
	if err != nil {
		return nil, Refusal{Down, err}
	}
	r.known = found{issuer, now, p}
	return p, nil
}

// CallbackPath is where the provider sends people back to.
const CallbackPath = "/sign-in/sso/back"

// Callback is the address that has to be entered at the provider.
func (r *Room) Callback() string { return strings.TrimRight(r.PublicURL, "/") + CallbackPath }

func (r *Room) config(p *oidc.Provider, s Setting) *oauth2.Config {
	return &oauth2.Config{ClientID: s.ClientID, ClientSecret: s.secret, Endpoint: p.Endpoint(), RedirectURL: r.Callback(),
		Scopes: []string{oidc.ScopeOpenID, "email", "profile"}}
}

// trip is what has to fit when she comes back.
type trip struct {
	State    string `json:"state"`
	Nonce    string `json:"nonce"`
	Verifier string `json:"verifier"`
	Next     string `json:"next"`
}

// Going is somebody on her way to the provider.
type Going struct {
	Next    string // where she goes afterwards
	StaffID string // who is asked to prove that it is still she; "": whoever comes
}

// Begin gives the address at the provider, and the secret for the browser's cookie.
func (r *Room) Begin(ctx context.Context, g Going) (address, secret string, err error) {
	s, err := r.open(ctx)
	if err != nil {
		return "", "", err
	}
	p, err := r.discover(ctx, s.Issuer)
	if err != nil {
		return "", "", err
	}
	t := trip{State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier(), Next: g.Next}
	raw, err := json.Marshal(t)
	if err != nil {
		return "", "", fmt.Errorf("write trip: %w", err)
	}
	err = r.DB.Write(ctx, func(tx *db.Tx) error {
		secret, err = staff.BeginCeremony(tx, staff.Ceremony{Kind: ceremonyKind, StaffID: g.StaffID, Data: string(raw)})
		return err
	})
	if err != nil {
		return "", "", err
	}
	options := []oauth2.AuthCodeOption{oidc.Nonce(t.Nonce), oauth2.S256ChallengeOption(t.Verifier)}
	if g.StaffID != "" {
		options = append(options, oauth2.SetAuthURLParam("prompt", "login"), oauth2.SetAuthURLParam("max_age", "0"))
	}
	return r.config(p, s).AuthCodeURL(t.State, options...), secret, nil
}

// Back is what a browser brings from the provider.
type Back struct {
	Secret string     // of its cookie
	Query  url.Values // of the address
	Asked  *staff.Viewer
	Meta   staff.Meta
}

// Finish lets in whoever the provider vouches for, and says where she was going. With Asked
// it proves that it is still she, and renews her session.
func (r *Room) Finish(ctx context.Context, b Back) (token, next string, err error) {
	s, err := r.open(ctx)
	if err != nil {
		return "", "", err
	}
	asked := ""
	if b.Asked != nil {
		asked = b.Asked.ID
	}
	var t trip
	err = r.DB.Write(ctx, func(tx *db.Tx) error {
		c, err := staff.EndCeremony(tx, b.Secret, ceremonyKind, asked)
		if err != nil {
			return err
		}
		return json.Unmarshal([]byte(c.Data), &t)
	})
	if errors.Is(err, staff.ErrCeremony) || err == nil && subtle.ConstantTimeCompare([]byte(t.State), []byte(b.Query.Get("state"))) != 1 {
		return "", "", Refusal{Lost, nil}
	}
	if err != nil {
		return "", "", err
	}
	if b.Query.Get("error") != "" || b.Query.Get("code") == "" {
		return "", t.Next, Refusal{Refused, nil}
	}
	who, err := r.ask(ctx, s, t, b)
	if err != nil {
		return "", t.Next, err
	}
	b.Meta.Way = staff.BySSO
	err = r.DB.Write(ctx, func(tx *db.Tx) error {
		token, err = r.enter(tx, s, who, b)
		return err
	})
	return token, t.Next, err
}

// claims is what the provider says of somebody.
type claims struct {
	Email    string `json:"email"`
	Verified any    `json:"email_verified"` // some say "true"
	Name     string `json:"name"`
	AuthTime int64  `json:"auth_time"`
}

// ask changes the code for what the provider says of her, and checks it.
func (r *Room) ask(ctx context.Context, s Setting, t trip, b Back) (claims, error) {
	var who claims
	p, err := r.discover(ctx, s.Issuer)
	if err != nil {
		return who, err
	}
	tokens, err := r.config(p, s).Exchange(oidc.ClientContext(ctx, client()), b.Query.Get("code"), oauth2.VerifierOption(t.Verifier))
	if err != nil {
		var refused *oauth2.RetrieveError
		if errors.As(err, &refused) { // its words may hold what we sent
			return who, Refusal{Refused, errors.New(refused.ErrorCode)}
		}
		return who, Refusal{Down, err}
	}
	raw, _ := tokens.Extra("id_token").(string)
	id, err := p.Verifier(&oidc.Config{ClientID: s.ClientID, Now: r.DB.Now}).Verify(oidc.ClientContext(ctx, client()), raw)
	if err != nil {
		return who, Refusal{BadToken, err}
	}
	if subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(t.Nonce)) != 1 {
		return who, Refusal{BadToken, errors.New("nonce")}
	}
	if err := id.Claims(&who); err != nil {
		return who, Refusal{BadToken, err}
	}
	if b.Asked != nil && r.DB.Now().Sub(time.Unix(who.AuthTime, 0)) > staff.FreshFor {
		return who, Refusal{BadToken, errors.New("she did not sign in anew")}
	}
	if who.Verified != true && who.Verified != "true" || who.Email == "" {
		return who, Refusal{Unverified, nil}
	}
	_, domain, _ := strings.Cut(strings.ToLower(who.Email), "@")
	if !slices.Contains(s.Domains, domain) {
		return who, Refusal{Domain, nil}
	}
	return who, nil
}

// enter opens a session, or renews the one that was asked.
func (r *Room) enter(tx *db.Tx, s Setting, who claims, b Back) (token string, err error) {
	p, err := staff.StaffByEmail(tx, who.Email)
	switch {
	case errors.Is(err, db.ErrNotFound) && s.AddsPeople && b.Asked == nil:
		name := who.Name
		if strings.TrimSpace(name) == "" {
			name, _, _ = strings.Cut(who.Email, "@")
		}
		name = string([]rune(name)[:min(80, len([]rune(name)))])
		p, err = staff.SaveStaff(tx, staff.System(), staff.StaffForm{Email: who.Email, Name: name, Role: staff.Advisor})
		if invalid := (db.Invalid{}); errors.As(err, &invalid) {
			return "", Refusal{Unverified, err}
		}
		if err != nil {
			return "", err
		}
	case errors.Is(err, db.ErrNotFound), errors.Is(err, db.ErrText), err == nil && !p.LeftAt.IsZero():
		return "", Refusal{Unknown, nil}
	case err != nil:
		return "", err
	}
	if b.Asked != nil {
		if b.Asked.ID != p.ID {
			return "", Refusal{Other, nil}
		}
		return staff.Proven(tx, *b.Asked, b.Meta)
	}
	token, _, err = staff.Enter(tx, p.ID, b.Meta)
	return token, err
}

// LogoutURL is where somebody signs out at the provider too; "" where it has no such place.
func (r *Room) LogoutURL(ctx context.Context) (string, error) {
	s, err := r.open(ctx)
	if err != nil {
		return "", err
	}
	p, err := r.discover(ctx, s.Issuer)
	if err != nil {
		return "", err
	}
	var more struct {
		End string `json:"end_session_endpoint"`
	}
	if err := p.Claims(&more); err != nil || more.End == "" {
		return "", nil
	}
	u, err := url.Parse(more.End)
	if err != nil {
		return "", Refusal{Down, err}
	}
	q := u.Query()
	q.Set("client_id", s.ClientID)
	q.Set("post_logout_redirect_uri", strings.TrimRight(r.PublicURL, "/")+"/sign-in")
	u.RawQuery = q.Encode()
	return u.String(), nil
}
