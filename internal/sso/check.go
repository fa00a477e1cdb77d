package sso

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// Finding is one thing that a check found; its code has a sentence.
type Finding struct {
	Code string
	Good bool
	What string // a name or number of the provider's own, to be shown as it is
}

// described is what of a provider's description matters here.
type described struct {
	Issuer     string   `json:"issuer"`
	Auth       string   `json:"authorization_endpoint"`
	Token      string   `json:"token_endpoint"`
	Keys       string   `json:"jwks_uri"`
	End        string   `json:"end_session_endpoint"`
	Responses  []string `json:"response_types_supported"`
	Challenges []string `json:"code_challenge_methods_supported"`
	Scopes     []string `json:"scopes_supported"`
}

// Check asks the provider how it describes itself and says what would not work. It tries
// the client's name and secret with a code that cannot be right.
func (r *Room) Check(ctx context.Context, s Setting) []Finding {
	if s.Issuer == "" {
		return []Finding{{Code: "no_issuer"}}
	}
	body, status, err := fetch(ctx, strings.TrimSuffix(s.Issuer, "/")+"/.well-known/openid-configuration")
	switch {
	case err != nil:
		return []Finding{{Code: "unreachable"}}
	case status != http.StatusOK:
		return []Finding{{Code: "no_discovery", What: http.StatusText(status)}}
	}
	var d described
	if err := json.Unmarshal(body, &d); err != nil {
		return []Finding{{Code: "no_json"}}
	}
	if d.Issuer != s.Issuer {
		return []Finding{{Code: "other_issuer", What: d.Issuer}}
	}
	list := []Finding{{Code: "found", Good: true, What: d.Issuer}}
	say := func(good bool, yes, no string) {
		if f := (Finding{Code: no, Good: good}); good {
			f.Code = yes
			list = append(list, f)
		} else {
			list = append(list, f)
		}
	}
	say(d.Auth != "" && d.Token != "" && safeIssuer(plain(d.Auth)) && safeIssuer(plain(d.Token)), "endpoints", "no_endpoints")
	say(slices.Contains(d.Responses, "code"), "code", "no_code")
	say(slices.Contains(d.Challenges, "S256"), "pkce", "no_pkce")
	say(len(d.Scopes) == 0 || slices.Contains(d.Scopes, "email"), "email", "no_email")
	say(keysAt(ctx, d.Keys), "keys", "no_keys")
	say(d.End != "", "logout", "no_logout")
	list[len(list)-1].Good = true // nice to have
	if d.Token != "" && s.ClientID != "" {
		list = append(list, r.tryClient(ctx, s, d))
	}
	return list
}

func plain(address string) string {
	address, _, _ = strings.Cut(address, "?")
	return address
}

// tryClient brings a code that cannot be right: a provider that knows the client complains
// about the code, another one about the client.
func (r *Room) tryClient(ctx context.Context, s Setting, d described) Finding {
	c := oauth2.Config{ClientID: s.ClientID, ClientSecret: s.secret, RedirectURL: r.Callback(), Endpoint: oauth2.Endpoint{AuthURL: d.Auth, TokenURL: d.Token}}
	_, err := c.Exchange(oidc.ClientContext(ctx, client()), "dingdong-checks-the-client", oauth2.VerifierOption(oauth2.GenerateVerifier()))
	var refused *oauth2.RetrieveError
	switch {
	case !errors.As(err, &refused):
		return Finding{Code: "client_unknown"}
	case refused.ErrorCode == "invalid_grant":
		return Finding{Code: "client", Good: true}
	case refused.ErrorCode == "invalid_client" || refused.Response != nil && refused.Response.StatusCode == http.StatusUnauthorized:
		return Finding{Code: "wrong_client"}
	}
	return Finding{Code: "client_unknown", What: refused.ErrorCode}
}

func keysAt(ctx context.Context, address string) bool {
	body, status, err := fetch(ctx, address)
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	return err == nil && status == http.StatusOK && json.Unmarshal(body, &set) == nil && len(set.Keys) > 0
}

func fetch(ctx context.Context, address string) (body []byte, status int, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, 0, err
	}
	res, err := client().Do(req)
	if err != nil {
		return nil, 0, err
	}
	defer res.Body.Close()
	body, err = io.ReadAll(res.Body)
	return body, res.StatusCode, err
}
