package line

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"dingdong/internal/channel"
)

const testToken = "test-token-of-the-channel"

// script is a platform that answers as told and notes what it was asked.
type script struct {
	status int
	header http.Header
	body   string
	path   string
	got    http.Header
	asked  map[string]any
	calls  int
}

func (s *script) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.calls++
	s.path, s.got, s.asked = r.URL.Path, r.Header.Clone(), nil
	body, _ := io.ReadAll(r.Body)
	_ = json.Unmarshal(body, &s.asked)
	for k, v := range s.header {
		w.Header()[k] = v
	}
	w.Header().Set("X-Line-Request-Id", "req-1")
	w.WriteHeader(s.status)
	io.WriteString(w, s.body)
}

func startScript(t *testing.T, s *script) channel.Account {
	t.Helper()
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	return channel.Account{Token: testToken, Secret: testSecret, APIBase: srv.URL, DataBase: srv.URL + "/"}
}

func pushOf(bodies ...channel.Body) channel.Outbound {
	return channel.Outbound{To: testUser, RetryKey: "123e4567-e89b-12d3-a456-426614174000", Bodies: bodies}
}

func text(s string) channel.Body { return channel.Body{Type: channel.Text, Text: s} }

const sentOne = `{"sentMessages":[{"id":"461230966842064897","quoteToken":"IStG5h1Tz7b"}]}`

func TestSendPush(t *testing.T) {
	s := &script{status: 200, body: sentOne}
	acc := startScript(t, s)
	got, err := New(nil).Send(context.Background(), acc, pushOf(text("hello")))
	if err != nil {
		t.Fatal(err)
	}
	want := channel.Receipt{ExternalIDs: []string{"461230966842064897"}, QuoteTokens: []string{"IStG5h1Tz7b"}, RequestID: "req-1"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("receipt %+v", got)
	}
	if s.path != "/v2/bot/message/push" || s.got.Get("Authorization") != "Bearer "+testToken ||
		s.got.Get("X-Line-Retry-Key") != "123e4567-e89b-12d3-a456-426614174000" || s.asked["to"] != testUser {
		t.Errorf("%s %v %v", s.path, s.got, s.asked)
	}
}

func TestSendReply(t *testing.T) {
	s := &script{status: 200, body: `{"sentMessages":[{"id":461230966842064897},{"id":"2","quoteToken":"q"}]}`}
	acc := startScript(t, s)
	o := pushOf(text("a"), text("b"))
	o.ReplyToken = "token"
	got, err := New(nil).Send(context.Background(), acc, o)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got.ExternalIDs, []string{"461230966842064897", "2"}) || !reflect.DeepEqual(got.QuoteTokens, []string{"", "q"}) {
		t.Errorf("receipt %+v", got)
	}
	if _, has := s.got["X-Line-Retry-Key"]; has || s.path != "/v2/bot/message/reply" || s.asked["replyToken"] != "token" || s.asked["to"] != nil {
		t.Errorf("%s %v %v", s.path, s.got, s.asked)
	}
}

func TestSendRepeated(t *testing.T) {
	s := &script{status: 409, header: http.Header{"X-Line-Accepted-Request-Id": {"req-0"}},
		body: `{"message":"The retry key is already accepted","sentMessages":[{"id":"461230966842064897","quoteToken":"IStG5h1Tz7b"}]}`}
	got, err := New(nil).Send(context.Background(), startScript(t, s), pushOf(text("x")))
	if err != nil || !got.Repeated || got.RequestID != "req-0" || len(got.ExternalIDs) != 1 {
		t.Fatalf("%+v, %v", got, err)
	}
	s.body, s.header = `{"message":"something else"}`, nil
	if _, err := New(nil).Send(context.Background(), startScript(t, s), pushOf(text("x"))); kindOf(err) != channel.Rejected {
		t.Fatalf("another conflict: %v", err)
	}
}

func TestSendAcceptedWithoutReadableAnswer(t *testing.T) {
	for _, body := range []string{"", "<html>", `{"sentMessages":"x"}`, `{"sentMessages":[{"id":{}}]}`, "{}"} {
		s := &script{status: 200, body: body}
		got, err := New(nil).Send(context.Background(), startScript(t, s), pushOf(text("x")))
		if err != nil || got.RequestID != "req-1" {
			t.Errorf("%q: %+v, %v", body, got, err)
		}
	}
}

func TestMessageObjects(t *testing.T) {
	media := func(m channel.Media) *channel.Media { return &m }
	for _, c := range []struct {
		name string
		body channel.Body
		want string
	}{
		{"text", text("a\x00b"), `{"type":"text","text":"ab"}`},
		{"text quoting", channel.Body{Type: channel.Text, Text: "x", QuoteID: "qt"}, `{"type":"text","text":"x","quoteToken":"qt"}`},
		{"longest text", text(strings.Repeat("💄", 2500)), `{"type":"text","text":"` + strings.Repeat("💄", 2500) + `"}`},
		{"image", channel.Body{Type: channel.Image, Media: media(channel.Media{URL: "https://x/a", Preview: "https://x/p"})},
			`{"type":"image","originalContentUrl":"https://x/a","previewImageUrl":"https://x/p"}`},
		{"image without preview", channel.Body{Type: channel.Image, Media: media(channel.Media{URL: "https://x/a"})},
			`{"type":"image","originalContentUrl":"https://x/a","previewImageUrl":"https://x/a"}`},
		{"video", channel.Body{Type: channel.Video, Media: media(channel.Media{URL: "https://x/a", Preview: "https://x/p"})},
			`{"type":"video","originalContentUrl":"https://x/a","previewImageUrl":"https://x/p"}`},
		{"audio", channel.Body{Type: channel.Audio, Media: media(channel.Media{URL: "https://x/a", Duration: 1500 * time.Millisecond})},
			`{"type":"audio","originalContentUrl":"https://x/a","duration":1500}`},
		{"audio of unknown length", channel.Body{Type: channel.Audio, Media: media(channel.Media{URL: "https://x/a"})},
			`{"type":"audio","originalContentUrl":"https://x/a","duration":1000}`},
		{"file", channel.Body{Type: channel.File, Media: media(channel.Media{URL: "https://x/a", Name: "a.pdf"})}, `{"type":"text","text":"a.pdf\nhttps://x/a"}`},
		{"location", channel.Body{Type: channel.Location, Place: &channel.Place{Title: "t", Address: "a", Latitude: 25, Longitude: 0}},
			`{"type":"location","title":"t","address":"a","latitude":25,"longitude":0}`},
		{"bare location", channel.Body{Type: channel.Location, Place: &channel.Place{Latitude: 25.5, Longitude: 121}},
			`{"type":"location","title":"25.50000, 121.00000","address":"25.50000, 121.00000","latitude":25.5,"longitude":121}`},
		{"sticker", channel.Body{Type: channel.Sticker, QuoteID: "qt", Stick: &channel.Stick{PackageID: "1", StickerID: "2"}},
			`{"type":"sticker","packageId":"1","stickerId":"2","quoteToken":"qt"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			raw, err := encode(pushOf(c.body))
			if err != nil {
				t.Fatal(err)
			}
			var got struct{ Messages []json.RawMessage }
			var a, b any
			if json.Unmarshal(raw, &got) != nil || json.Unmarshal(got.Messages[0], &a) != nil || json.Unmarshal([]byte(c.want), &b) != nil || !reflect.DeepEqual(a, b) {
				t.Fatalf("got %.200s", raw)
			}
		})
	}
}

func TestSendRefusedBeforeTheCall(t *testing.T) {
	six := make([]channel.Body, 6)
	for i := range six {
		six[i] = text("x")
	}
	noKey, nobody := pushOf(text("x")), pushOf(text("x"))
	noKey.RetryKey, nobody.To = "", ""
	for name, o := range map[string]channel.Outbound{
		"nothing": pushOf(), "six": pushOf(six...), "no retry key": noKey, "nobody": nobody,
		"empty text": pushOf(text("")), "too long": pushOf(text(strings.Repeat("💄", 2500) + "a")),
		"image without address": pushOf(channel.Body{Type: channel.Image}),
		"video without preview": pushOf(channel.Body{Type: channel.Video, Media: &channel.Media{URL: "https://x/a"}}),
		"sticker without id":    pushOf(channel.Body{Type: channel.Sticker, Stick: &channel.Stick{PackageID: "1"}}),
		"location without one":  pushOf(channel.Body{Type: channel.Location}),
		"button":                pushOf(channel.Body{Type: channel.Button, Text: "x"}),
	} {
		t.Run(name, func(t *testing.T) {
			s := &script{status: 200, body: sentOne}
			_, err := New(nil).Send(context.Background(), startScript(t, s), o)
			if kindOf(err) != channel.Rejected || s.calls != 0 {
				t.Fatalf("%v after %d calls", err, s.calls)
			}
		})
	}
}

func TestSendErrors(t *testing.T) {
	const details = `{"message":"The request body has 1 error(s)","details":[{"message":"May not be empty","property":"messages[0].text"}]}`
	for _, c := range []struct {
		name   string
		status int
		body   string
		header http.Header
		reply  bool
		want   channel.Error
	}{
		{"500", 500, `{"message":"Internal"}`, nil, false, channel.Error{Kind: channel.Retry, Unknown: true, Message: "Internal"}},
		{"502 with html", 502, `<html>`, nil, false, channel.Error{Kind: channel.Retry, Unknown: true, Message: "an answer without a message"}},
		{"503", 503, ``, nil, true, channel.Error{Kind: channel.Retry, Unknown: true, Message: "an answer without a message"}},
		{"504", 504, ``, nil, false, channel.Error{Kind: channel.Retry, Unknown: true, Message: "an answer without a message"}},
		{"429 monthly", 429, `{"message":"You have reached your monthly limit."}`, nil, false, channel.Error{Kind: channel.OverQuota, Message: "You have reached your monthly limit."}},
		{"429 rate", 429, `{"message":"The API rate limit has been exceeded. Try again later."}`, nil, false,
			channel.Error{Kind: channel.Throttled, RetryAfter: 2 * time.Second, Message: "The API rate limit has been exceeded. Try again later."}},
		{"429 one user", 429, `{"message":"Too many messages to one user"}`, http.Header{"Retry-After": {"7"}}, false,
			channel.Error{Kind: channel.Throttled, RetryAfter: 7 * time.Second, Message: "Too many messages to one user"}},
		{"429 with a date", 429, `{"message":"x"}`, http.Header{"Retry-After": {"Tue, 01 Sep 2026 10:00:30 GMT"}, "Date": {"Tue, 01 Sep 2026 10:00:00 GMT"}}, false,
			channel.Error{Kind: channel.Throttled, RetryAfter: 30 * time.Second, Message: "x"}},
		{"429 with nonsense", 429, `{"message":"x"}`, http.Header{"Retry-After": {"-soon"}}, false, channel.Error{Kind: channel.Throttled, RetryAfter: 2 * time.Second, Message: "x"}},
		{"reply token", 400, `{"message":"Invalid reply token"}`, nil, true, channel.Error{Kind: channel.TokenSpent, Message: "Invalid reply token"}},
		{"reply with a bad message", 400, details, nil, true, channel.Error{Kind: channel.Rejected, Message: "The request body has 1 error(s); messages[0].text: May not be empty"}},
		{"push with a bad message", 400, details, nil, false, channel.Error{Kind: channel.Rejected, Message: "The request body has 1 error(s); messages[0].text: May not be empty"}},
		{"push, token words", 400, `{"message":"Invalid reply token"}`, nil, false, channel.Error{Kind: channel.Rejected, Message: "Invalid reply token"}},
		{"401", 401, `{"message":"Authentication failed ` + testToken + `"}`, nil, false, channel.Error{Kind: channel.Misconfigured, Message: "Authentication failed ***"}},
		{"403", 403, `{"message":"Access to this API is not available for your account"}`, nil, false,
			channel.Error{Kind: channel.Misconfigured, Message: "Access to this API is not available for your account"}},
		{"404", 404, `{"message":"Not found"}`, nil, false, channel.Error{Kind: channel.Rejected, Message: "Not found"}},
		{"410", 410, `{"message":"gone"}`, nil, false, channel.Error{Kind: channel.Rejected, Message: "gone"}},
		{"413", 413, `{"message":"big"}`, nil, false, channel.Error{Kind: channel.Rejected, Message: "big"}},
		{"415", 415, `{"message":"type"}`, nil, false, channel.Error{Kind: channel.Rejected, Message: "type"}},
		{"redirect", 307, ``, http.Header{"Location": {"/elsewhere"}}, false, channel.Error{Kind: channel.Misconfigured, Message: "an answer without a message"}},
		{"names a person", 400, `{"message":"no such user ` + testUser + `"}`, nil, false,
			channel.Error{Kind: channel.Rejected, Message: "no such user U" + strings.Repeat("*", 32)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &script{status: c.status, body: c.body, header: c.header}
			o := pushOf(text("x"))
			if c.reply {
				o.ReplyToken = "token"
			}
			_, err := New(nil).Send(context.Background(), startScript(t, s), o)
			var got *channel.Error
			if !errors.As(err, &got) {
				t.Fatalf("%T %v", err, err)
			}
			c.want.Status, c.want.RequestID = c.status, "req-1"
			if !reflect.DeepEqual(*got, c.want) {
				t.Fatalf("got %+v\nwant %+v", *got, c.want)
			}
			if s.calls != 1 {
				t.Fatalf("%d calls", s.calls)
			}
		})
	}
}

func TestSendWithoutAnswer(t *testing.T) {
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	drop := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	defer drop.Close()
	release := make(chan struct{})
	hang := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		<-release
	}))
	defer hang.Close()
	defer close(release)
	deaf := httptest.NewUnstartedServer(nil) // accepts, never answers the handshake
	defer deaf.Close()
	custom := &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) { return nil, errors.New("odd") })}
	short := &http.Client{Transport: NewTransport(), Timeout: 100 * time.Millisecond}
	for _, c := range []struct {
		name    string
		client  *http.Client
		address string
		unknown bool
		kind    channel.ErrorKind
	}{
		{"connection refused", nil, closed.URL, false, channel.Retry},
		{"dropped", nil, drop.URL, true, channel.Retry},
		{"no answer in time", short, hang.URL, true, channel.Retry},
		{"no handshake in time", short, "https://" + deaf.Listener.Addr().String(), false, channel.Retry},
		{"a transport that tells nothing", custom, drop.URL, true, channel.Retry},
		{"no address", nil, "not an address", false, channel.Misconfigured},
		{"broken address", nil, "http://[::1", false, channel.Misconfigured},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := New(c.client).Send(context.Background(), channel.Account{Token: testToken, APIBase: c.address}, pushOf(text("x")))
			var got *channel.Error
			if !errors.As(err, &got) || got.Kind != c.kind || got.Unknown != c.unknown || got.Status != 0 {
				t.Fatalf("%#v %v", got, err)
			}
			if strings.Contains(err.Error(), testToken) || strings.Contains(err.Error(), "/v2/") {
				t.Fatalf("tells too much: %v", err)
			}
		})
	}
	for _, token := range []string{"", "a\nb", "ключ"} {
		if _, err := New(nil).Send(context.Background(), channel.Account{Token: token, APIBase: drop.URL}, pushOf(text("x"))); kindOf(err) != channel.Misconfigured {
			t.Errorf("token %q: %v", token, err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := New(nil).Send(ctx, channel.Account{Token: testToken, APIBase: drop.URL}, pushOf(text("x")))
	var got *channel.Error
	if !errors.As(err, &got) || got.Unknown || !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled before: %#v", got)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestSendKeepsConnections(t *testing.T) {
	remotes := map[string]bool{}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		remotes[r.RemoteAddr] = true
		w.WriteHeader(400)
		fmt.Fprint(w, `{"message":"`+strings.Repeat("x", 40000)+`"}`)
	}))
	defer srv.Close()
	ad := New(nil)
	for range 5 {
		_, err := ad.Send(context.Background(), channel.Account{Token: testToken, APIBase: srv.URL}, pushOf(text("x")))
		if kindOf(err) != channel.Rejected || len(err.Error()) > 1100 {
			t.Fatal(len(err.Error()))
		}
	}
	if len(remotes) != 1 {
		t.Fatalf("%d connections", len(remotes))
	}
}
