package linefake

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func start(t testing.TB, o Options) (*Platform, string) {
	t.Helper()
	p, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(p)
	t.Cleanup(func() {
		srv.CloseClientConnections()
		p.Close()
		srv.Close()
	})
	return p, srv.URL
}

// ask makes a call and gives the status and the body.
func ask(t testing.TB, method, url, token, body string, header ...string) (int, string) {
	t.Helper()
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	got, _ := io.ReadAll(res.Body)
	return res.StatusCode, string(got)
}

func TestPublishedRules(t *testing.T) {
	p, url := start(t, Options{})
	user := p.Person("", "Mei")
	p.Befriend(user)
	token := p.Options().Token
	text := func(s string) string { return fmt.Sprintf(`{"type":"text","text":%q}`, s) }
	push := func(messages ...string) string {
		return `{"to":"` + user + `","messages":[` + strings.Join(messages, ",") + `]}`
	}
	one := text("x")
	for _, c := range []struct {
		name, method, path, token, body string
		status                          int
		says                            string
	}{
		{"push", "POST", "/v2/bot/message/push", token, push(one), 200, `"sentMessages":[{"id":"`},
		{"no token", "POST", "/v2/bot/message/push", "", push(one), 401, "Authentication failed"},
		{"other token", "POST", "/v2/bot/message/push", "other", push(one), 401, "Authentication failed"},
		{"none", "POST", "/v2/bot/message/push", token, push(), 400, `"property":"messages"`},
		{"six", "POST", "/v2/bot/message/push", token, push(one, one, one, one, one, one), 400, `"property":"messages"`},
		{"five", "POST", "/v2/bot/message/push", token, push(one, one, one, one, one), 200, ""},
		{"longest text", "POST", "/v2/bot/message/push", token, push(text(strings.Repeat("💄", 2500))), 200, ""},
		{"too long", "POST", "/v2/bot/message/push", token, push(text(strings.Repeat("💄", 2500) + "x")), 400, `messages[0].text`},
		{"empty text", "POST", "/v2/bot/message/push", token, push(one, text("")), 400, `messages[1].text`},
		{"http picture", "POST", "/v2/bot/message/push", token, push(`{"type":"image","originalContentUrl":"http://x/a","previewImageUrl":"https://x/b"}`), 400, "originalContentUrl"},
		{"picture", "POST", "/v2/bot/message/push", token, push(`{"type":"image","originalContentUrl":"https://x/a","previewImageUrl":"https://x/b"}`), 200, ""},
		{"sound without length", "POST", "/v2/bot/message/push", token, push(`{"type":"audio","originalContentUrl":"https://x/a"}`), 400, "duration"},
		{"unknown type", "POST", "/v2/bot/message/push", token, push(`{"type":"file"}`), 400, "messages[0].type"},
		{"made-up quote", "POST", "/v2/bot/message/push", token, push(`{"type":"text","text":"x","quoteToken":"abc"}`), 400, "quoteToken"},
		{"nobody", "POST", "/v2/bot/message/push", token, `{"to":"U0","messages":[` + one + `]}`, 400, "Failed to send messages"},
		{"no JSON", "POST", "/v2/bot/message/push", token, `{`, 400, "could not be parsed"},
		{"too big", "POST", "/v2/bot/message/push", token, strings.Repeat(" ", maxCall+1), 413, "2MB"},
		{"validate", "POST", "/v2/bot/message/validate/push", token, push(one), 200, "{}"},
		{"validate nothing", "POST", "/v2/bot/message/validate/reply", token, push(), 400, "messages"},
		{"made-up reply token", "POST", "/v2/bot/message/reply", token, `{"replyToken":"x","messages":[` + one + `]}`, 400, "Invalid reply token"},
		{"made-up read token", "POST", "/v2/bot/chat/markAsRead", token, `{"markAsReadToken":"x"}`, 400, "Invalid markAsReadToken"},
		{"loading", "POST", "/v2/bot/chat/loading/start", token, `{"chatId":"` + user + `","loadingSeconds":10}`, 202, "{}"},
		{"loading seven", "POST", "/v2/bot/chat/loading/start", token, `{"chatId":"` + user + `","loadingSeconds":7}`, 400, "multiple of five"},
		{"profile", "GET", "/v2/bot/profile/" + user, token, "", 200, `"displayName":"Mei"`},
		{"profile of nobody", "GET", "/v2/bot/profile/U0", token, "", 404, "Not found"},
		{"content of nothing", "GET", "/v2/bot/message/1/content", token, "", 404, "not found"},
		{"quota", "GET", "/v2/bot/message/quota", token, "", 200, `{"type":"none"}`},
		{"info", "GET", "/v2/bot/info", token, "", 200, `"basicId":"@`},
		{"no webhook", "GET", "/v2/bot/channel/webhook/endpoint", token, "", 404, "Webhook endpoint not found"},
		{"plain webhook", "PUT", "/v2/bot/channel/webhook/endpoint", token, `{"endpoint":"http://x"}`, 400, "Invalid webhook endpoint URL"},
		{"unknown call", "GET", "/v2/bot/what", token, "", 404, "Not found"},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, body := ask(t, c.method, url+c.path, c.token, c.body)
			if status != c.status || !strings.Contains(body, c.says) {
				t.Fatalf("%d %.200s", status, body)
			}
		})
	}
	const key = "123e4567-e89b-12d3-a456-426614174000"
	if status, _ := ask(t, "POST", url+"/v2/bot/message/reply", token, `{}`, "X-Line-Retry-Key", key); status != 400 {
		t.Error("a reply took a retry key")
	}
	if status, _ := ask(t, "POST", url+"/v2/bot/message/push", token, push(one), "X-Line-Retry-Key", "msg_1"); status != 400 {
		t.Error("a retry key that is no UUID was taken")
	}
	_, first := ask(t, "POST", url+"/v2/bot/message/push", token, push(one), "X-Line-Retry-Key", key)
	status, again := ask(t, "POST", url+"/v2/bot/message/push", token, push(one), "X-Line-Retry-Key", key)
	if status != 409 || !strings.Contains(again, strings.TrimPrefix(first, "{")) || len(p.Oddities()) != 0 {
		t.Errorf("%d %s after %s", status, again, first)
	}
	if status, _ = ask(t, "POST", url+"/v2/bot/message/push", token, push(text("y")), "X-Line-Retry-Key", key); status != 409 || len(p.Oddities()) != 1 {
		t.Errorf("another body: %d %v", status, p.Oddities())
	}
}

func TestRetryKeyOnceUnderContention(t *testing.T) {
	p, url := start(t, Options{Latency: time.Millisecond})
	user := p.Person("", "Mei")
	p.Befriend(user)
	var all sync.WaitGroup
	for i := range 40 {
		all.Go(func() {
			key := fmt.Sprintf("123e4567-e89b-12d3-a456-%012d", i%10)
			body := fmt.Sprintf(`{"to":"%s","messages":[{"type":"text","text":"%d"}]}`, user, i%10)
			ask(t, "POST", url+"/v2/bot/message/push", p.Options().Token, body, "X-Line-Retry-Key", key)
		})
	}
	all.Wait()
	if got := p.Sent(user); len(got) != 10 || len(p.Oddities()) != 0 {
		t.Fatalf("%d messages, %v", len(got), p.Oddities())
	}
}

func TestULIDsGrow(t *testing.T) {
	var g ids
	at := time.UnixMilli(1776914799677)
	var all []string
	for i := range 1000 {
		all = append(all, g.ulid(at.Add(time.Duration(i/300)*time.Millisecond)))
	}
	all = append(all, g.ulid(at.Add(-time.Hour))) // a clock set back
	if !slices.IsSorted(all) || len(slices.Compact(slices.Clone(all))) != len(all) || len(all[0]) != 26 || !strings.HasPrefix(all[0], "01KPW6071X") {
		t.Fatal(all[0], all[999], all[1000])
	}
}

// hook receives webhooks and answers as told.
type hook struct {
	mu     sync.Mutex
	bodies []string
	status func(n int) int
}

func (h *hook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	h.mu.Lock()
	defer h.mu.Unlock()
	if Sign("secret", body) != r.Header.Get("X-Line-Signature") {
		w.WriteHeader(http.StatusForbidden)
		return
	}
	h.bodies = append(h.bodies, string(body))
	if h.status != nil {
		w.WriteHeader(h.status(len(h.bodies)))
	}
}

func TestWebhooksKeepOrderAndComeAgain(t *testing.T) {
	h := &hook{status: func(n int) int {
		if n == 2 || n == 3 {
			return 500
		}
		return 200
	}}
	srv := httptest.NewServer(h)
	defer srv.Close()
	p, _ := start(t, Options{Secret: "secret", Webhook: srv.URL, Backoff: time.Millisecond})
	user := p.Person("", "Mei")
	p.Follow(user)
	second := p.Text(user, "second")
	p.Text(user, "third")
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := p.Settle(ctx); err != nil {
		t.Fatal(err)
	}
	if len(h.bodies) != 5 || !strings.Contains(h.bodies[0], `"follow"`) || !strings.Contains(h.bodies[4], "third") {
		t.Fatal(h.bodies)
	}
	for i := 1; i < 4; i++ {
		if !strings.Contains(h.bodies[i], second.EventID) || strings.Contains(h.bodies[i], `"isRedelivery":true`) != (i > 1) {
			t.Error(h.bodies[i])
		}
	}
	want := []Delivery{{second.EventID, 500, false}, {second.EventID, 500, true}, {second.EventID, 200, true}}
	if got := p.Deliveries(); !reflect.DeepEqual(got[1:4], want) {
		t.Error(got)
	}
}

func TestStrangersAreNotCalled(t *testing.T) {
	p, url := start(t, Options{AllowHTTP: true})
	status, body := ask(t, "POST", url+"/v2/bot/channel/webhook/test", p.Options().Token, `{"endpoint":"http://192.0.2.1/x"}`)
	if status != 200 || !strings.Contains(body, "COULD_NOT_CONNECT") {
		t.Fatal(status, body)
	}
}

func TestStateSurvivesRestart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "line.json")
	o := Options{Secret: "secret", Token: "token", StateFile: file}
	p, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	user := p.Person("", "小美")
	p.Follow(user)
	before := p.Text(user, "hello")
	picture := p.Image(user, File{MIME: "image/png", Bytes: []byte("png")})
	gone := p.Image(user, File{MIME: "image/png", Bytes: []byte("gone")})
	p.Unsend(user, gone.MessageID)
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	p, url := start(t, o)
	var people []publicPerson
	_, body := ask(t, "GET", url+"/phone/api/people", "", "")
	if json.Unmarshal([]byte(body), &people) != nil || len(people) != 1 || people[0].Name != "小美" || !people[0].Friend {
		t.Fatal(body)
	}
	if _, body = ask(t, "GET", url+"/phone/api/people/"+user+"/messages", "", ""); !strings.Contains(body, `"text":"hello"`) {
		t.Error(body)
	}
	if _, body = ask(t, "GET", url+"/phone/media/"+picture.MessageID, "", ""); body != "png" {
		t.Error(body)
	}
	if status, _ := ask(t, "GET", url+"/phone/media/"+gone.MessageID, "", ""); status != 404 {
		t.Error("unsent bytes are still there")
	}
	if after := p.Text(user, "again"); after.MessageID <= before.MessageID || after.EventID <= before.EventID {
		t.Error(before, after)
	}
}

func TestPhone(t *testing.T) {
	p, url := start(t, Options{Name: "Counter", AllowHTTP: true})
	api := url + "/phone/api/"
	var made struct{ ID string }
	_, body := ask(t, "POST", api+"people", "", `{"name":"Mei"}`)
	if json.Unmarshal([]byte(body), &made) != nil || !strings.HasPrefix(made.ID, "U") {
		t.Fatal(body)
	}
	me := api + "people/" + made.ID
	for _, c := range []struct {
		name, path, body string
		status           int
	}{
		{"follow", "/follow", "", 200},
		{"text", "/messages", `{"type":"text","text":"hi https://shop.example/a"}`, 200},
		{"sticker", "/messages", `{"type":"sticker","packageId":"11537","stickerId":"52002734"}`, 200},
		{"location", "/messages", `{"type":"location","title":"Store","address":"Road 1","latitude":25,"longitude":121}`, 200},
		{"nothing", "/messages", `{"type":"text"}`, 400},
		{"no JSON", "/messages", `{`, 400},
		{"voice", "/media?type=audio&duration=1500&name=a.m4a", "bytes", 200},
		{"odd type", "/media?type=hologram", "bytes", 400},
		{"no bytes", "/media?type=image", "", 413},
		{"postback", "/postback", `{"data":"a=1","label":"Yes"}`, 200},
		{"block", "/block", "", 200},
		{"blocked text", "/messages", `{"type":"text","text":"hi"}`, 409},
		{"unblock", "/unblock", "", 200},
		{"unsend nothing", "/messages/1/unsend", "", 409},
	} {
		if status, body := ask(t, "POST", me+c.path, "", c.body); status != c.status {
			t.Errorf("%s: %d %s", c.name, status, body)
		}
	}
	if status, _ := ask(t, "GET", api+"people/U0/messages", "", ""); status != 404 {
		t.Error("nobody has messages")
	}
	if status, _ := ask(t, "POST", me+"/block", "", "", "Sec-Fetch-Site", "cross-site"); status != 403 {
		t.Error("another site pressed the button")
	}
	var log []bubble
	_, body = ask(t, "GET", me+"/messages", "", "")
	if err := json.Unmarshal([]byte(body), &log); err != nil || len(log) != 5 {
		t.Fatal(err, body)
	}
	if log[0].From != "me" || !reflect.DeepEqual(log[0].Links, []string{"https://shop.example/a"}) || log[3].URL != "media/"+log[3].ID || log[3].Duration != 1500 || log[4].Text != "Yes" {
		t.Errorf("%+v", log)
	}
	if status, _ := ask(t, "POST", me+"/messages/"+log[3].ID+"/unsend", "", ""); status != 200 {
		t.Error("not unsent")
	}
	if status, _ := ask(t, "GET", url+"/v2/bot/message/"+log[3].ID+"/content", p.Options().Token, ""); status != 410 {
		t.Error("unsent content is still there", status)
	}
	if status, body := ask(t, "GET", url+"/phone/", "", ""); status != 200 || !strings.Contains(body, "<html") {
		t.Error("no page")
	}
	if _, body := ask(t, "GET", api+"account", "", ""); !strings.Contains(body, `"name":"Counter"`) {
		t.Error(body)
	}
}

func TestStreamResumes(t *testing.T) {
	p, url := start(t, Options{})
	user := p.Person("", "Mei")
	p.Befriend(user)
	push := func(text string) {
		t.Helper()
		if status, body := ask(t, "POST", url+"/v2/bot/message/push", p.Options().Token, `{"to":"`+user+`","messages":[{"type":"text","text":"`+text+`"}]}`); status != 200 {
			t.Fatal(body)
		}
	}
	listen := func(last string, act func(), want ...string) (seen []string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		req, _ := http.NewRequestWithContext(ctx, "GET", url+"/phone/api/people/"+user+"/stream", nil)
		req.Header.Set("Last-Event-ID", last)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		act()
		lines := bufio.NewScanner(res.Body)
		for len(want) > 0 && lines.Scan() {
			seen = append(seen, lines.Text())
			if strings.Contains(lines.Text(), want[0]) {
				want = want[1:]
			}
		}
		if len(want) > 0 {
			t.Fatalf("missing %q in %q", want, seen)
		}
		return seen
	}
	listen("", func() { push("one"); push("two") }, "event: message", `"text":"one"`, `"text":"two"`)
	push("in the gap")
	seen := listen("2", func() {}, "id: 3", `"text":"in the gap"`)
	if strings.Contains(strings.Join(seen, ""), "two") {
		t.Error("told twice", seen)
	}
	listen("99999", func() {}, `"text":"one"`)
	read := p.Text(user, "read me")
	listen("4", func() {
		ask(t, "POST", url+"/v2/bot/chat/markAsRead", p.Options().Token, `{"markAsReadToken":"`+p.seal("read", user, read.MessageID)+`"}`)
		ask(t, "POST", url+"/v2/bot/chat/loading/start", p.Options().Token, `{"chatId":"`+user+`"}`)
		p.Unsend(user, read.MessageID)
	}, "event: read", "event: typing", `{"seconds":20}`, "event: unsend", read.MessageID)
}

func BenchmarkPush(b *testing.B) {
	p, _ := start(b, Options{AutoFriend: true})
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		n++
		body := fmt.Sprintf(`{"to":"U%032x","messages":[{"type":"text","text":"hello"}]}`, n%1000)
		r := httptest.NewRequest("POST", "/v2/bot/message/push", bytes.NewReader([]byte(body)))
		r.Header.Set("Authorization", "Bearer "+p.Options().Token)
		r.Header.Set("X-Line-Retry-Key", fmt.Sprintf("123e4567-e89b-12d3-a456-%012d", n))
		w := httptest.NewRecorder()
		p.ServeHTTP(w, r)
		if w.Code != 200 {
			b.Fatal(w.Code, w.Body)
		}
	}
}
