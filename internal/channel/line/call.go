package line

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"dingdong/internal/channel"
)

// maxAnswer bounds what is read of an answer; LINE's are a few hundred bytes.
const maxAnswer = 64 << 10

// request is one call to the API.
type request struct {
	method, url string
	body        []byte
	retryKey    string
	reply       bool // a refused reply token is possible
}

// answer is what came back, read to its end so that the connection is kept.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (a answer) requestID() string { return a.header.Get("X-Line-Request-Id") }

// call makes one call. Answers other than 2xx are errors, classified, except a
// conflict on a retry key, which only the sender can judge.
func (ad *Adapter) call(ctx context.Context, acc channel.Account, r request) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, ad.limit())
	defer cancel()
	res, err := ad.do(ctx, acc, r)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	// A status that arrived counts even if the rest of the answer is lost.
	body, _ := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	ans := answer{status: res.StatusCode, header: res.Header, body: body}
	if ans.status >= 200 && ans.status < 300 {
		return ans, nil
	}
	return ans, classify(ans, r, acc)
}

func (ad *Adapter) limit() time.Duration {
	if ad.timeout > 0 {
		return ad.timeout
	}
	return callTimeout
}

// do sends the request and classifies a call that got no answer.
func (ad *Adapter) do(ctx context.Context, acc channel.Account, r request) (*http.Response, error) {
	if !usable(acc.Token) {
		return nil, &channel.Error{Kind: channel.Misconfigured, Message: "no usable channel access token"}
	}
	if err := ctx.Err(); err != nil {
		return nil, &channel.Error{Kind: channel.Retry, Err: err}
	}
	var sent progress
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn:      func(string) { sent.traced.Store(true) },
		WroteHeaders: func() { sent.wrote.Store(true) },
	})
	var body io.Reader
	if r.body != nil {
		body = bytes.NewReader(r.body)
	}
	req, err := http.NewRequestWithContext(ctx, r.method, r.url, body)
	if err != nil || req.URL.Host == "" {
		return nil, &channel.Error{Kind: channel.Misconfigured, Message: "the platform's address is not an address"}
	}
	req.Header.Set("Authorization", "Bearer "+acc.Token)
	if r.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if r.retryKey != "" {
		req.Header.Set("X-Line-Retry-Key", r.retryKey)
	}
	res, err := ad.client().Do(req)
	if err != nil {
		return nil, &channel.Error{Kind: channel.Retry, Unknown: sent.unknown(err), Err: withoutAddress(err)}
	}
	return res, nil
}

func (ad *Adapter) client() *http.Client {
	if ad.HTTP != nil {
		return ad.HTTP
	}
	return http.DefaultClient
}

// usable keeps a token out of the header that could not be sent in one.
func usable(token string) bool {
	return token != "" && strings.IndexFunc(token, func(r rune) bool { return r <= ' ' || r >= 0x7f }) < 0
}

// progress remembers how far a call came: only one that certainly was not written
// certainly had no effect.
type progress struct {
	traced, wrote atomic.Bool
}

func (p *progress) unknown(err error) bool {
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" {
		return false
	}
	return p.wrote.Load() || !p.traced.Load()
}

// withoutAddress drops the wrapping that repeats the address called: some hold a
// customer's id.
func withoutAddress(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}

// refusal is LINE's error body.
type refusal struct {
	Message string `json:"message"`
	Details []struct {
		Message  string `json:"message"`
		Property string `json:"property"`
	} `json:"details"`
}

// classify turns a refusal into its kind (reference, "Status codes" and "Error
// messages"). 429 has three meanings that only the message tells apart.
func classify(ans answer, r request, acc channel.Account) *channel.Error {
	words := refusalText(ans.body)
	e := &channel.Error{Kind: channel.Rejected, Status: ans.status, Message: withoutSecrets(words, acc), RequestID: ans.requestID()}
	lower := strings.ToLower(words) // before secrets are blotted out: one of them might be a word of the message
	switch {
	case ans.status >= 500 || ans.status == http.StatusRequestTimeout:
		e.Kind, e.Unknown = channel.Retry, true
	case ans.status == http.StatusTooManyRequests && strings.Contains(lower, "monthly limit"):
		e.Kind = channel.OverQuota
	case ans.status == http.StatusTooManyRequests:
		e.Kind, e.RetryAfter = channel.Throttled, retryAfter(ans.header)
	case ans.status == http.StatusUnauthorized || ans.status == http.StatusForbidden:
		e.Kind = channel.Misconfigured
	case ans.status < 400:
		// The API never redirects: something else answers at this address.
		e.Kind = channel.Misconfigured
	case r.reply && ans.status == http.StatusBadRequest && strings.Contains(lower, "invalid reply token"):
		e.Kind = channel.TokenSpent
	}
	return e
}

// refusalText gives LINE's words with their details.
func refusalText(body []byte) string {
	var f refusal
	if json.Unmarshal(body, &f) != nil || f.Message == "" {
		return "an answer without a message"
	}
	var b strings.Builder
	b.WriteString(f.Message)
	for i, d := range f.Details {
		if i == 10 {
			break
		}
		b.WriteString("; ")
		if d.Property != "" {
			b.WriteString(d.Property + ": ")
		}
		b.WriteString(d.Message)
	}
	return clean(b.String())
}

// withoutSecrets bounds LINE's words and takes ids and secrets out of them,
// because error texts end up in logs.
func withoutSecrets(text string, acc channel.Account) string {
	for _, secret := range []string{acc.Token, acc.Secret, acc.OldSecret} {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "***")
		}
	}
	text = hideIDs(text)
	return text[:cut(text, 1000)]
}

// hideIDs blots out LINE's ids of people, groups and rooms: a letter and 32 hex
// digits.
func hideIDs(s string) string {
	var b []byte
	for i := 0; i+33 <= len(s); i++ {
		if s[i] != 'U' && s[i] != 'C' && s[i] != 'R' || !isHex(s[i+1:i+33]) {
			continue
		}
		if b == nil {
			b = []byte(s)
		}
		for j := i + 1; j < i+33; j++ {
			b[j] = '*'
		}
		i += 32
	}
	if b == nil {
		return s
	}
	return string(b)
}

func isHex(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// retryAfter reads how long to wait: seconds, or a date against the answer's own.
// LINE documents no such header, so two seconds stand in.
func retryAfter(h http.Header) time.Duration {
	const fallback, most = 2 * time.Second, time.Hour
	v := h.Get("Retry-After")
	if v == "" {
		return fallback
	}
	d, err := time.ParseDuration(v + "s")
	if err != nil {
		at, err1 := http.ParseTime(v)
		now, err2 := http.ParseTime(h.Get("Date"))
		if err1 != nil || err2 != nil {
			return fallback
		}
		d = at.Sub(now)
	}
	if d <= 0 {
		return fallback
	}
	return min(d, most)
}
