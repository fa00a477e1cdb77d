// Package ssotest is a sign-in provider for tests: it speaks OpenID Connect over HTTP and
// can be told to be wrong in every way that matters.
package ssotest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"
)

// The client that the provider knows.
const (
	ClientID     = "dingdong"
	ClientSecret = "between-us"
)

// Provider is one provider at an address of its own. Its fields are changed under Change.
type Provider struct {
	URL string

	Claims    map[string]any // of whoever signs in, beside those that every token has
	Now       func() time.Time
	Refuses   bool           // she does not sign in
	Forges    bool           // tokens are signed by a key that nobody knows
	Describes map[string]any // replaces parts of the description

	mu    sync.Mutex
	key   *ecdsa.PrivateKey
	codes map[string]url.Values // code -> what was asked for
}

// New starts a provider that ends with the test.
func New(t testing.TB, claims map[string]any) *Provider {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p := &Provider{Claims: claims, Now: time.Now, key: key, codes: map[string]url.Values{}}
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	p.URL = server.URL
	return p
}

// Change changes how the provider behaves.
func (p *Provider) Change(how func(*Provider)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	how(p)
}

// ServeHTTP answers browsers and the product.
func (p *Provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		d := map[string]any{"issuer": p.URL, "authorization_endpoint": p.URL + "/authorize", "token_endpoint": p.URL + "/token",
			"jwks_uri": p.URL + "/keys", "end_session_endpoint": p.URL + "/out", "response_types_supported": []string{"code"},
			"code_challenge_methods_supported": []string{"S256"}, "scopes_supported": []string{"openid", "email", "profile"},
			"id_token_signing_alg_values_supported": []string{"ES256"}}
		maps.Copy(d, p.Describes)
		say(w, http.StatusOK, d)
	case "/keys":
		public, _ := p.key.PublicKey.Bytes() // of a key that was just made
		say(w, http.StatusOK, map[string]any{"keys": []any{map[string]any{"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": "1",
			"x": encode(public[1:33]), "y": encode(public[33:])}}})
	case "/authorize":
		p.authorize(w, r)
	case "/token":
		p.token(w, r)
	case "/out":
		http.Redirect(w, r, r.URL.Query().Get("post_logout_redirect_uri"), http.StatusSeeOther)
	default:
		http.NotFound(w, r)
	}
}

// authorize sends her back at once: this provider knows everybody.
func (p *Provider) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if q.Get("client_id") != ClientID || q.Get("code_challenge_method") != "S256" || q.Get("code_challenge") == "" || q.Get("state") == "" || q.Get("nonce") == "" {
		http.Error(w, "incomplete", http.StatusBadRequest)
		return
	}
	back := url.Values{"state": {q.Get("state")}}
	if p.Refuses {
		back.Set("error", "access_denied")
	} else {
		code := rand.Text()
		p.codes[code] = q
		back.Set("code", code)
	}
	http.Redirect(w, r, q.Get("redirect_uri")+"?"+back.Encode(), http.StatusSeeOther)
}

func (p *Provider) token(w http.ResponseWriter, r *http.Request) {
	id, secret, ok := r.BasicAuth()
	if !ok {
		id, secret = r.PostFormValue("client_id"), r.PostFormValue("client_secret")
	}
	if id != ClientID || secret != ClientSecret {
		say(w, http.StatusUnauthorized, map[string]any{"error": "invalid_client"})
		return
	}
	code := r.PostFormValue("code")
	asked, known := p.codes[code]
	delete(p.codes, code)
	sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	if !known || asked.Get("code_challenge") != encode(sum[:]) || asked.Get("redirect_uri") != r.PostFormValue("redirect_uri") {
		say(w, http.StatusBadRequest, map[string]any{"error": "invalid_grant"})
		return
	}
	now := p.Now()
	c := map[string]any{"iss": p.URL, "aud": ClientID, "sub": "1", "nonce": asked.Get("nonce"), "iat": now.Unix(), "auth_time": now.Unix(), "exp": now.Add(time.Minute).Unix()}
	maps.Copy(c, p.Claims)
	say(w, http.StatusOK, map[string]any{"access_token": "x", "token_type": "Bearer", "expires_in": 60, "id_token": p.sign(c)})
}

func (p *Provider) sign(claims map[string]any) string {
	body, _ := json.Marshal(claims) // made above
	signed := encode([]byte(`{"alg":"ES256","kid":"1"}`)) + "." + encode(body)
	key := p.key
	if p.Forges {
		key, _ = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	}
	sum := sha256.Sum256([]byte(signed))
	r, s, err := ecdsa.Sign(rand.Reader, key, sum[:])
	if err != nil {
		return ""
	}
	return signed + "." + encode(append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...))
}

func say(w http.ResponseWriter, status int, x any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(x)
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
