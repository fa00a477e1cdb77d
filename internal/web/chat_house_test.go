package web

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"dingdong/internal/blob"
	"dingdong/internal/channel"
	"dingdong/internal/channel/line"
	"dingdong/internal/channel/webchat"
	"dingdong/internal/conversation"
	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/event"
	"dingdong/internal/staff"
	"dingdong/internal/vault"
)

// chatHouse is a house with a web chat account, on a real server.
type chatHouse struct {
	*house
	t        testing.TB
	url      string
	account  conversation.Account
	stopping chan struct{}
}

func newChatHouse(t testing.TB, change ...func(*Deps)) *chatHouse {
	t.Helper()
	c := &chatHouse{t: t, stopping: make(chan struct{})}
	ctx, cancel := context.WithCancel(context.Background())
	change = append(change, func(d *Deps) {
		v := must(vault.Open("file:"+t.TempDir()+"/key.json", d.DB))
		d.Desk = &conversation.Desk{
			DB: d.DB, Vault: v, Book: &customer.Book{Vault: v}, Blobs: must(blob.Open(t.TempDir())), PublicURL: d.PublicURL,
			Adapters: map[channel.Kind]channel.Adapter{channel.WebChat: webchat.Adapter{}, channel.LINE: line.New(nil)},
		}
		d.Events, d.Stopping = event.NewLog(d.DB), c.stopping
	})
	c.house = newHouse(t, change...)
	ended := make(chan struct{})
	go func() { defer close(ended); c.Events.Run(ctx) }()
	server := httptest.NewServer(c.Server)
	t.Cleanup(func() { server.CloseClientConnections(); server.Close(); cancel(); <-ended })
	c.url = server.URL
	c.account = c.open(conversation.AccountForm{Channel: channel.WebChat, Name: "Rosée 線上", CounterID: c.Counter,
		Origins: []string{"https://shop.example", "http://127.0.0.1:8081"}, Greeting: "您好"})
	return c
}

func (c *chatHouse) open(f conversation.AccountForm) (a conversation.Account) {
	c.t.Helper()
	c.write(func(tx *db.Tx) (err error) {
		a, err = c.Desk.SaveAccount(tx, staff.System(), f)
		return err
	})
	return a
}

func (c *chatHouse) write(fn func(tx *db.Tx) error) {
	c.t.Helper()
	if err := c.DB.Write(context.Background(), fn); err != nil {
		c.t.Fatal(err)
	}
}

// visitor is one browser tab of one visitor.
type visitor struct {
	*chatHouse
	account string
	chatStart
	Header http.Header
}

// visits opens the chat with a token, or none.
func (c *chatHouse) visits(token string) *visitor {
	c.t.Helper()
	v := &visitor{chatHouse: c, account: c.chatHouseAccount(), Header: http.Header{}}
	v.start(map[string]string{"token": token})
	return v
}

func (c *chatHouse) chatHouseAccount() string { return c.account.ID }

func (v *visitor) start(body any) {
	v.t.Helper()
	v.chatStart = chatStart{}
	v.want(http.StatusOK, &v.chatStart, "POST", "/start", body)
}

// do makes a request: a string or bytes go as they are, anything else as JSON.
func (v *visitor) do(method, path string, body any) *http.Response {
	v.t.Helper()
	var from io.Reader
	kind := "application/json"
	switch b := body.(type) {
	case nil:
	case []byte:
		from, kind = bytes.NewReader(b), "application/octet-stream"
	case string:
		from = strings.NewReader(b)
	default:
		from = bytes.NewReader(must(json.Marshal(b)))
	}
	r := must(http.NewRequestWithContext(v.t.Context(), method, v.url+"/chat/"+v.account+path, from))
	r.Header.Set("Content-Type", kind)
	r.Header.Set("Authorization", "Bearer "+v.Token)
	for name, values := range v.Header {
		r.Header[name] = values
	}
	return must(http.DefaultClient.Do(r))
}

func (v *visitor) want(status int, into any, method, path string, body any) {
	v.t.Helper()
	got := v.do(method, path, body)
	defer got.Body.Close()
	raw := must(io.ReadAll(got.Body))
	if got.StatusCode != status {
		v.t.Fatalf("%s %s: status %d, want %d: %s", method, path, got.StatusCode, status, raw)
	}
	if into != nil {
		if err := json.Unmarshal(raw, into); err != nil {
			v.t.Fatalf("%s %s: %v in %s", method, path, err, raw)
		}
	}
	if status >= 400 {
		var e struct {
			Error struct{ Code, Message string }
		}
		if err := json.Unmarshal(raw, &e); err != nil || e.Error.Code == "" || e.Error.Message == "" {
			v.t.Errorf("%s %s: %d is not told as the protocol does: %s", method, path, status, raw)
		}
	}
}

func (v *visitor) says(text string) chatMessage {
	v.t.Helper()
	var said chatSaid
	v.want(http.StatusOK, &said, "POST", "/messages", chatSaying{uuid.NewString(), text})
	return said.Message
}

func (v *visitor) uploads(name string, data []byte, status int) chatMessage {
	v.t.Helper()
	var said chatSaid
	q := url.Values{"key": {uuid.NewString()}, "name": {name}}
	v.want(status, &said, "POST", "/upload?"+q.Encode(), data)
	return said.Message
}

// history is what the page would show after loading.
func (v *visitor) history() []string {
	v.t.Helper()
	v.start(map[string]string{"token": v.Token})
	out := []string{}
	for _, m := range v.Messages {
		out = append(out, m.From+": "+m.Text)
	}
	return out
}

// thread is the visitor's thread as an advisor finds it.
func (v *visitor) thread() conversation.Talk {
	v.t.Helper()
	var talk conversation.Talk
	err := v.DB.Read(context.Background(), func(tx *db.Tx) (err error) {
		talk, err = v.Desk.VisitorTalk(tx, conversation.Visitor{Account: v.chatHouse.account, ExternalID: v.Visitor})
		return err
	})
	if err != nil {
		v.t.Fatal(err)
	}
	return talk
}

// answers lets the advisor write in the visitor's thread.
func (v *visitor) answers(text string) {
	v.t.Helper()
	id := v.thread().ThreadID
	v.write(func(tx *db.Tx) error {
		viewer, err := staff.ViewerByID(tx, v.Advisor)
		if err != nil {
			return err
		}
		_, err = v.Desk.Say(tx, viewer, conversation.Draft{ThreadID: id, Body: channel.Body{Type: channel.Text, Text: text}})
		return err
	})
}

// told is one event of a stream.
type told struct{ id, name, data string }

func (e told) message(t testing.TB) chatMessage {
	t.Helper()
	var said chatSaid
	if err := json.Unmarshal([]byte(e.data), &said); err != nil {
		t.Fatalf("%v in %q", err, e.data)
	}
	return said.Message
}

// line is an open stream.
type chatLine struct {
	t      testing.TB
	status int
	events chan told
	last   string
	hangUp func()
}

func (v *visitor) listens(cursor string) *chatLine {
	v.t.Helper()
	ctx, cancel := context.WithCancel(v.t.Context())
	r := must(http.NewRequestWithContext(ctx, "GET", v.url+"/chat/"+v.account+"/stream?cursor="+cursor, nil))
	r.Header.Set("Authorization", "Bearer "+v.Token)
	got, err := http.DefaultClient.Do(r)
	if err != nil {
		v.t.Fatal(err)
	}
	l := &chatLine{t: v.t, status: got.StatusCode, events: make(chan told, 1000), last: cursor}
	ended := make(chan struct{})
	l.hangUp = func() { cancel(); <-ended }
	v.t.Cleanup(l.hangUp)
	go func() {
		defer close(ended)
		defer close(l.events)
		defer got.Body.Close()
		var e told
		for in := bufio.NewScanner(got.Body); in.Scan(); {
			name, value, _ := strings.Cut(in.Text(), ": ")
			switch name {
			case "id":
				e.id = value
			case "event":
				e.name = value
			case "data":
				e.data = value
			case "":
				if in.Text() == "" && e.name != "" {
					l.events <- e
					e = told{}
				}
			}
		}
	}()
	return l
}

// next waits for the next event of a name; cursors are noted on the way.
func (l *chatLine) next(name string) told {
	l.t.Helper()
	for {
		select {
		case e, open := <-l.events:
			if !open {
				l.t.Fatalf("the stream ended before %q", name)
			}
			if e.id != "" {
				l.last = e.id
			}
			if e.name == name {
				return e
			}
		case <-time.After(patience):
			l.t.Fatalf("no %q came", name)
		}
	}
}

// texts waits for as many messages and gives what they say.
func (l *chatLine) texts(n int) (out []string) {
	l.t.Helper()
	for range n {
		m := l.next("message").message(l.t)
		out = append(out, m.From+": "+m.Text)
	}
	return out
}

// ends waits until the server closes the stream.
func (l *chatLine) ends() {
	l.t.Helper()
	for {
		select {
		case _, open := <-l.events:
			if !open {
				return
			}
		case <-time.After(patience):
			l.t.Fatal("the stream did not end")
		}
	}
}

func same(t testing.TB, got, want []string) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}
