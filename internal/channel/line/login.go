package line

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"dingdong/internal/channel"
)

var _ channel.Verifier = (*Adapter)(nil)

// issuer is who makes id tokens (LINE Login v2.1 API reference, "Verify ID token").
const issuer = "https://access.line.me"

// maxIDToken bounds what a browser may hand us; LINE's are below one kilobyte.
const maxIDToken = 8 << 10

var userID = regexp.MustCompile(`^U[0-9a-f]{32}$`)

// verified is LINE's answer to a good token: its payload.
type verified struct {
	Issuer   string `json:"iss"`
	Subject  string `json:"sub"`
	Audience string `json:"aud"`
	Expires  int64  `json:"exp"`
	Name     string `json:"name"`
}

// Verify asks LINE whose id token this is. LINE checks the signature; that the token
// was made by LINE, for our login channel, and still holds, is looked at here again.
// The id is the one of webhooks if both channels are of one provider.
func (ad *Adapter) Verify(ctx context.Context, acc channel.Account, idToken string) (channel.Peer, error) {
	switch {
	case acc.LoginChannel == "":
		return channel.Peer{}, &channel.Error{Kind: channel.Misconfigured, Message: "no LINE Login channel is set"}
	case idToken == "" || len(idToken) > maxIDToken || strings.IndexFunc(idToken, func(r rune) bool { return r <= ' ' || r >= 0x7f }) >= 0:
		return channel.Peer{}, rejected("this is no id token")
	}
	got, date, err := ad.askLogin(ctx, acc, url.Values{"id_token": {idToken}, "client_id": {acc.LoginChannel}})
	if err != nil {
		return channel.Peer{}, err
	}
	switch now, err := http.ParseTime(date); {
	case got.Issuer != issuer:
		return channel.Peer{}, rejected("the id token is of another issuer")
	case got.Audience != acc.LoginChannel:
		return channel.Peer{}, rejected("the id token is for another channel")
	case got.Expires <= 0 || (err == nil && got.Expires <= now.Unix()):
		return channel.Peer{}, rejected("the id token is too old")
	case !userID.MatchString(got.Subject):
		return channel.Peer{}, rejected("the id token names nobody")
	}
	return channel.Peer{Type: channel.Person, ID: got.Subject, Name: clean(got.Name)}, nil
}

// askLogin calls the platform's check, which takes no access token, and gives its
// answer with the platform's own date.
func (ad *Adapter) askLogin(ctx context.Context, acc channel.Account, form url.Values) (verified, string, error) {
	var got verified
	ctx, cancel := context.WithTimeout(ctx, ad.limit())
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base(acc.APIBase, apiBase)+"/oauth2/v2.1/verify", strings.NewReader(form.Encode()))
	if err != nil || req.URL.Host == "" {
		return got, "", &channel.Error{Kind: channel.Misconfigured, Message: "the platform's address is not an address"}
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := ad.client().Do(req)
	if err != nil {
		return got, "", &channel.Error{Kind: channel.Retry, Err: withoutAddress(err)}
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	switch {
	case res.StatusCode == http.StatusBadRequest:
		return got, "", &channel.Error{Kind: channel.Rejected, Status: res.StatusCode, Message: loginRefusal(body, acc)}
	case res.StatusCode != http.StatusOK:
		return got, "", classify(answer{status: res.StatusCode, header: res.Header, body: body}, request{}, acc)
	case err != nil || json.Unmarshal(body, &got) != nil:
		return got, "", &channel.Error{Kind: channel.Retry, Err: errors.New("the answer to an id token cannot be read")}
	}
	return got, res.Header.Get("Date"), nil
}

// loginRefusal gives LINE Login's words, which have another form than those of the
// Messaging API.
func loginRefusal(body []byte, acc channel.Account) string {
	var f struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}
	if json.Unmarshal(body, &f) != nil || f.Error+f.Description == "" {
		return "LINE refused the id token"
	}
	return withoutSecrets(clean(strings.TrimSpace(f.Error+": "+f.Description)), acc)
}
