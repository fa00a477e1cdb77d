package line

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"

	"dingdong/internal/channel"
)

// pictureHosts are the domains below which LINE keeps people's pictures
// (reference, "Get profile": pictureUrl).
const pictureHosts = "line-scdn.net line-apps.com line-cdn.net"

// Portrait streams a person's picture. The address is LINE's word, so nothing but LINE's
// own hosts is asked, by https, which a machine of this house could not answer; without
// the account's token, and without following a redirect. The caller bounds its size and,
// by ctx, its time, and looks at what it is.
func (ad *Adapter) Portrait(ctx context.Context, acc channel.Account, address string) (io.ReadCloser, error) {
	u, err := url.Parse(address)
	if err != nil || !picturesAt(acc, u) {
		return nil, channel.ErrGone
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, channel.ErrGone
	}
	req.Header.Set("Accept", "image/*")
	res, err := ad.client().Do(req)
	if err != nil {
		return nil, &channel.Error{Kind: channel.Retry, Err: withoutAddress(err)}
	}
	switch {
	case res.StatusCode == http.StatusOK:
		return res.Body, nil
	case res.StatusCode == http.StatusTooManyRequests:
		err = &channel.Error{Kind: channel.Throttled, Status: res.StatusCode, RetryAfter: retryAfter(res.Header)}
	case res.StatusCode >= 500, res.StatusCode == http.StatusRequestTimeout:
		err = &channel.Error{Kind: channel.Retry, Status: res.StatusCode, Message: "the picture cannot be had now"}
	default: // a redirect, too
		err = channel.ErrGone
	}
	res.Body.Close()
	return nil, err
}

// picturesAt tells whether pictures may be fetched from an address: LINE's, or that of
// the stand-in which this account talks to.
func picturesAt(acc channel.Account, u *url.URL) bool {
	if u.User != nil || u.Opaque != "" || u.Host == "" {
		return false
	}
	for _, set := range []string{acc.DataBase, acc.APIBase} {
		if stand, err := url.Parse(set); err == nil && set != "" && stand.Scheme == u.Scheme && strings.EqualFold(stand.Host, u.Host) {
			return true
		}
	}
	if u.Scheme != "https" || u.Port() != "" {
		return false
	}
	host := strings.ToLower(u.Hostname())
	for domain := range strings.FieldsSeq(pictureHosts) {
		if strings.HasSuffix(host, "."+domain) {
			return true
		}
	}
	return false
}
