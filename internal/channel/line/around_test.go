package line

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"testing"
	"time"

	"dingdong/internal/channel"
)

func TestProfile(t *testing.T) {
	for _, c := range []struct {
		name string
		peer channel.Peer
		path string
		body string
		want channel.Profile
	}{
		{"person", channel.Peer{Type: channel.Person, ID: "U1"}, "/v2/bot/profile/U1", `{"displayName":"Mei\u0000","pictureUrl":"https://p","language":"zh-TW"}`, channel.Profile{Name: "Mei", Picture: "https://p", Language: "zh-TW"}},
		{"member", channel.Peer{Type: channel.Group, ID: "C1", Sender: "U1"}, "/v2/bot/group/C1/member/U1", `{"displayName":"Mei"}`, channel.Profile{Name: "Mei"}},
		{"guest", channel.Peer{Type: channel.Room, ID: "R1", Sender: "U1"}, "/v2/bot/room/R1/member/U1", `{"displayName":"Mei"}`, channel.Profile{Name: "Mei"}},
		{"group", channel.Peer{Type: channel.Group, ID: "C1"}, "/v2/bot/group/C1/summary", `{"groupName":"Friends"}`, channel.Profile{Name: "Friends"}},
		{"a path for an id", channel.Peer{Type: channel.Person, ID: "../info"}, "/v2/bot/profile/../info", `{}`, channel.Profile{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &script{status: 200, body: c.body}
			got, err := New(nil).Profile(context.Background(), startScript(t, s), c.peer)
			if err != nil || got != c.want || s.path != c.path {
				t.Fatalf("%+v %v %s", got, err, s.path)
			}
		})
	}
	s := &script{status: 404, body: `{"message":"Not found"}`}
	if _, err := New(nil).Profile(context.Background(), startScript(t, s), channel.Peer{ID: "U1"}); kindOf(err) != channel.Unreachable {
		t.Errorf("404: %v", err)
	}
	if _, err := New(nil).Profile(context.Background(), startScript(t, s), channel.Peer{Type: channel.Room, ID: "R1"}); kindOf(err) != channel.Unreachable {
		t.Errorf("room: %v", err)
	}
	s = &script{status: 200, body: `<html>`}
	if _, err := New(nil).Profile(context.Background(), startScript(t, s), channel.Peer{ID: "U1"}); kindOf(err) != channel.Retry {
		t.Errorf("html: %v", err)
	}
}

func TestFetch(t *testing.T) {
	s := &script{status: 200, body: "bytes", header: http.Header{"Content-Type": {"image/jpeg; x=y"}}}
	r, media, err := New(nil).Fetch(context.Background(), startScript(t, s), "5001", channel.Image)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if got, _ := io.ReadAll(r); string(got) != "bytes" || media.MIME != "image/jpeg" || media.Size != 5 || s.path != "/v2/bot/message/5001/content" {
		t.Errorf("%q %+v %s", got, media, s.path)
	}
	for status, want := range map[int]error{202: channel.ErrNotReady, 404: channel.ErrGone, 410: channel.ErrGone} {
		if _, _, err := New(nil).Fetch(context.Background(), startScript(t, &script{status: status}), "1", channel.Video); !errors.Is(err, want) {
			t.Errorf("%d: %v", status, err)
		}
	}
	for status, want := range map[int]channel.ErrorKind{500: channel.Retry, 401: channel.Misconfigured, 429: channel.Throttled, 302: channel.Misconfigured} {
		if _, _, err := New(nil).Fetch(context.Background(), startScript(t, &script{status: status}), "1", channel.Video); kindOf(err) != want {
			t.Errorf("%d: %v", status, err)
		}
	}
	if _, _, err := New(nil).Fetch(context.Background(), channel.Account{}, "", channel.Video); !errors.Is(err, channel.ErrGone) {
		t.Errorf("no id: %v", err)
	}
}

func TestReadAndTyping(t *testing.T) {
	s := &script{status: 200, body: "{}"}
	acc := startScript(t, s)
	if err := New(nil).MarkRead(context.Background(), acc, "rt"); err != nil || s.path != "/v2/bot/chat/markAsRead" || s.asked["markAsReadToken"] != "rt" {
		t.Errorf("%v %s %v", err, s.path, s.asked)
	}
	for d, want := range map[time.Duration]float64{0: 5, -time.Hour: 5, time.Second: 5, 5 * time.Second: 5, 5001 * time.Millisecond: 10, 58 * time.Second: 60, time.Hour: 60} {
		s.status = 202
		if err := New(nil).Typing(context.Background(), acc, "U1", d); err != nil || s.asked["loadingSeconds"] != want || s.asked["chatId"] != "U1" {
			t.Errorf("%v: %v %v", d, err, s.asked)
		}
	}
	s.status = 400
	if err := New(nil).MarkRead(context.Background(), acc, "rt"); kindOf(err) != channel.Rejected {
		t.Error(err)
	}
}

// desk is a platform for checks, an answer for each path.
func desk(t *testing.T, answers map[string]string) channel.Account {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, ok := answers[r.URL.Path]
		if !ok {
			w.WriteHeader(404)
			body = `{"message":"Webhook endpoint not found"}`
		}
		if body == "401" {
			w.WriteHeader(401)
			body = `{"message":"Authentication failed"}`
		}
		io.WriteString(w, body)
	}))
	t.Cleanup(srv.Close)
	return channel.Account{Token: testToken, APIBase: srv.URL}
}

func TestCheck(t *testing.T) {
	const hook = "https://shop.example/in/acc_1"
	const (
		info, endpoint, test = "/v2/bot/info", "/v2/bot/channel/webhook/endpoint", "/v2/bot/channel/webhook/test"
		quota, used          = "/v2/bot/message/quota", "/v2/bot/message/quota/consumption"
	)
	good := map[string]string{
		info:     `{"userId":"Ub","basicId":"@216ru","displayName":"Counter","pictureUrl":"https://p"}`,
		endpoint: `{"endpoint":"https://SHOP.example/in/acc_1","active":true}`,
		test:     `{"success":true,"statusCode":200,"reason":"OK","detail":"200"}`,
		quota:    `{"type":"limited","value":1000}`, used: `{"totalUsage":500}`,
	}
	for _, c := range []struct {
		name   string
		change map[string]string
		want   []channel.Finding
	}{
		{"all well", nil, []channel.Finding{{OK: true, Code: "token_ok"}, {OK: true, Code: "bot_ok", Detail: "Counter @216ru"},
			{OK: true, Code: "webhook_ok", Detail: "https://SHOP.example/in/acc_1"}, {OK: true, Code: "webhook_test_ok", Detail: "200"}, {OK: true, Code: "quota_ok", Detail: "500/1000"}}},
		{"token refused", map[string]string{info: "401"}, []channel.Finding{{Code: "token_refused", Detail: "Authentication failed"}}},
		{"webhook elsewhere and off", map[string]string{endpoint: `{"endpoint":"https://other/x","active":false}`},
			[]channel.Finding{{OK: true, Code: "token_ok"}, {OK: true, Code: "bot_ok", Detail: "Counter @216ru"}, {Code: "webhook_other", Detail: "https://other/x"},
				{Code: "webhook_off"}, {OK: true, Code: "webhook_test_ok", Detail: "200"}, {OK: true, Code: "quota_ok", Detail: "500/1000"}}},
		{"no webhook", map[string]string{endpoint: ""}, []channel.Finding{{OK: true, Code: "token_ok"}, {OK: true, Code: "bot_ok", Detail: "Counter @216ru"},
			{Code: "webhook_other"}, {OK: true, Code: "quota_ok", Detail: "500/1000"}}},
		{"test fails, quota low", map[string]string{test: `{"success":false,"statusCode":0,"reason":"COULD_NOT_CONNECT","detail":"TLS"}`, used: `{"totalUsage":950}`},
			[]channel.Finding{{OK: true, Code: "token_ok"}, {OK: true, Code: "bot_ok", Detail: "Counter @216ru"}, {OK: true, Code: "webhook_ok", Detail: "https://SHOP.example/in/acc_1"},
				{Code: "webhook_test_failed", Detail: "COULD_NOT_CONNECT TLS"}, {Code: "quota_low", Detail: "950/1000"}}},
		{"no limit", map[string]string{quota: `{"type":"none"}`}, []channel.Finding{{OK: true, Code: "token_ok"}, {OK: true, Code: "bot_ok", Detail: "Counter @216ru"},
			{OK: true, Code: "webhook_ok", Detail: "https://SHOP.example/in/acc_1"}, {OK: true, Code: "webhook_test_ok", Detail: "200"}, {OK: true, Code: "quota_ok", Detail: "500"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			answers := map[string]string{}
			for k, v := range good {
				answers[k] = v
			}
			for k, v := range c.change {
				if answers[k] = v; v == "" {
					delete(answers, k)
				}
			}
			got, about, err := New(nil).Check(context.Background(), desk(t, answers), hook)
			if err != nil || !reflect.DeepEqual(got, c.want) {
				t.Fatalf("%v\ngot  %+v\nwant %+v", err, got, c.want)
			}
			if got[0].OK && (about != channel.AccountInfo{BotID: "Ub", Name: "Counter", BasicID: "@216ru", Picture: "https://p"}) {
				t.Errorf("about %+v", about)
			}
		})
	}
	closed := httptest.NewServer(nil)
	closed.Close()
	got, _, err := New(nil).Check(context.Background(), channel.Account{Token: testToken, APIBase: closed.URL}, hook)
	if err != nil || len(got) != 1 || got[0].Code != "unreachable" || got[0].OK {
		t.Errorf("nobody there: %+v %v", got, err)
	}
}
