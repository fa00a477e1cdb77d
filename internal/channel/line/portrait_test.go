package line_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"dingdong/internal/channel"
	"dingdong/internal/channel/line"
)

// A picture is asked for at LINE's own hosts alone, without the token.
func TestPortraitAsksOnlyThePlatform(t *testing.T) {
	asked := ""
	ad := line.New(&http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		asked = r.URL.String()
		if r.Header.Get("Authorization") != "" {
			t.Error("the token went along")
		}
		return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader("bytes")), Request: r}, nil
	})})
	real, stand := channel.Account{Token: "t"}, channel.Account{Token: "t", APIBase: "http://127.0.0.1:9000/one", DataBase: "http://127.0.0.1:9001"}
	for _, tc := range []struct {
		name, address string
		acc           channel.Account
		allowed       bool
	}{
		{"LINE", "https://profile.line-scdn.net/0h1", real, true},
		{"LINE's former host", "https://obs.line-apps.com/abc", real, true},
		{"not encrypted", "http://profile.line-scdn.net/0h1", real, false},
		{"another port", "https://profile.line-scdn.net:8443/0h1", real, false},
		{"a name that only begins like it", "https://profile.line-scdn.net.evil.test/x", real, false},
		{"a name that only ends like it", "https://evilline-scdn.net/x", real, false},
		{"hidden behind a user", "https://profile.line-scdn.net@10.0.0.1/x", real, false},
		{"a user at LINE", "https://u:p@profile.line-scdn.net/x", real, false},
		{"this machine", "https://127.0.0.1/x", real, false},
		{"the cloud's metadata", "http://169.254.169.254/latest/meta-data", real, false},
		{"an internal name", "https://intranet/x", real, false},
		{"a file", "file:///etc/passwd", real, false},
		{"no address", "::", real, false},
		{"nothing", "", real, false},
		{"the stand-in", "http://127.0.0.1:9000/pictures/1.jpg", stand, true},
		{"the stand-in's content", "http://127.0.0.1:9001/1.jpg", stand, true},
		{"a neighbour of the stand-in", "http://127.0.0.1:9002/1.jpg", stand, false},
	} {
		asked = ""
		body, err := ad.Portrait(t.Context(), tc.acc, tc.address)
		switch {
		case tc.allowed && (err != nil || asked != tc.address):
			t.Errorf("%s: %v, asked %q", tc.name, err, asked)
		case !tc.allowed && (!errors.Is(err, channel.ErrGone) || asked != ""):
			t.Errorf("%s: %v, asked %q", tc.name, err, asked)
		case tc.allowed:
			body.Close()
		}
	}
}

func TestPortraitAnswers(t *testing.T) {
	inside := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { t.Error("a redirect was followed") }))
	defer inside.Close()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/gone":
			w.WriteHeader(http.StatusNotFound)
		case "/busy":
			w.WriteHeader(http.StatusTooManyRequests)
		case "/ill":
			w.WriteHeader(http.StatusBadGateway)
		case "/inside":
			http.Redirect(w, r, inside.URL+"/secret", http.StatusFound)
		}
	}))
	defer server.Close()
	ad := line.New(nil)
	for path, want := range map[string]channel.ErrorKind{"/gone": "", "/inside": "", "/busy": channel.Throttled, "/ill": channel.Retry} {
		_, err := ad.Portrait(t.Context(), channel.Account{DataBase: server.URL}, server.URL+path)
		var e *channel.Error
		if want == "" && !errors.Is(err, channel.ErrGone) || want != "" && (!errors.As(err, &e) || e.Kind != want) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
