package api

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
	"dingdong/internal/staff"
	"dingdong/internal/webhook"
)

// stream is an open event stream.
type stream struct {
	t     testing.TB
	lines *bufio.Scanner
	close func()
	id    string // the last one told
}

func (h *house) follow(query, lastID string) *stream {
	h.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, h.url+prefix+"/events"+query, nil)
	if err != nil {
		h.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+h.token)
	req.Header.Set("Accept", "text/event-stream")
	if lastID != "" {
		req.Header.Set("Last-Event-ID", lastID)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != "text/event-stream" {
		h.t.Fatalf("got %d %v", res.StatusCode, res.Header)
	}
	s := &stream{t: h.t, lines: bufio.NewScanner(res.Body), close: func() { cancel(); res.Body.Close() }}
	s.lines.Buffer(nil, 1<<20)
	h.t.Cleanup(s.close)
	s.block() // the one with the id to resume from
	return s
}

// block reads up to an empty line and gives its data; false at the end.
func (s *stream) block() (data string, ok bool) {
	for s.lines.Scan() {
		line := s.lines.Text()
		if line == "" {
			return data, true
		}
		name, value, _ := strings.Cut(line, ": ")
		switch name {
		case "id":
			s.id = value
		case "data":
			data = value
		}
	}
	return data, false
}

func (s *stream) next() (d webhook.Document) {
	s.t.Helper()
	for {
		data, ok := s.block()
		if !ok {
			s.t.Fatal("the stream has ended: ", s.lines.Err())
		}
		if data == "" {
			continue
		}
		if err := json.Unmarshal([]byte(data), &d); err != nil {
			s.t.Fatal(err)
		}
		if d.ID != s.id {
			s.t.Errorf("event %s under the id %s", d.ID, s.id)
		}
		return d
	}
}

func TestStreamResumes(t *testing.T) {
	h := sqlite(t)
	h.says("amy", "before")
	s := h.follow("?types=message.received", "")
	if s.id == "" {
		t.Error("no id to resume from")
	}
	began := s.id
	h.says("amy", "1")
	h.says("amy", "2")
	if a, b := s.next(), s.next(); a.Message.Text != "1" || b.Message.Text != "2" || a.Thread == "" || a.Customer == "" || a.Counter != h.counter {
		t.Errorf("got %+v, %+v", a, b)
	}
	s.close()
	h.says("amy", "3")
	h.says("amy", "4")
	s = h.follow("?types=message.received", s.id)
	h.says("amy", "5")
	for _, want := range []string{"3", "4", "5"} {
		if d := s.next(); d.Message.Text != want {
			t.Errorf("got %+v, want %s", d.Message, want)
		}
	}
	s = h.follow("?types=message.received&after="+began, "")
	if d := s.next(); d.Message.Text != "1" {
		t.Errorf("from the beginning: %+v", d.Message)
	}
}

func TestStreamMissesNothingWhileEventsPourIn(t *testing.T) {
	h := sqlite(t)
	const total = 60
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range total {
			h.says("amy", fmt.Sprint(i))
		}
	}()
	s := h.follow("?after=0&types=message.received", "")
	for i := range total {
		if i%10 == 9 { // the line breaks now and then
			s.close()
			s = h.follow("?types=message.received", s.id)
		}
		if d := s.next(); d.Message.Text != fmt.Sprint(i) {
			t.Fatalf("got %q, want %d", d.Message.Text, i)
		}
	}
	<-done
}

func TestStreamShowsItsPlaceWhenNothingPasses(t *testing.T) {
	h := sqlite(t)
	s := h.follow("?types=account.changed", "")
	began := s.id
	h.says("amy", "hello")
	if data, ok := s.block(); !ok || data != "" || s.id == began {
		t.Errorf("got %q under %s", data, s.id)
	}
}

func TestStreamEndsWhenWeStop(t *testing.T) {
	h := sqlite(t)
	s := h.follow("", "")
	close(h.stop)
	if data, ok := s.block(); ok {
		t.Errorf("got %q", data)
	}
}

func TestEventPages(t *testing.T) {
	h := sqlite(t)
	thread := h.says("amy", "1")
	h.says("amy", "2")
	h.send(thread, "k", echo("yes"))
	asJSON := map[string]string{"Accept": "application/json"}
	read := func(query string) (page EventPage) {
		a := h.do(call{path: prefix + "/events?" + query, token: h.token, header: asJSON})
		if a.status != http.StatusOK || a.header.Get("Content-Type") != "application/json" {
			t.Fatalf("got %d %s", a.status, a.body)
		}
		a.into(t, &page)
		return page
	}
	if page := read(""); len(page.Events) != 0 || page.Next == "0" {
		t.Errorf("now: %+v", page)
	}
	first := read("after=0&types=message.received,message.sent&limit=2")
	second := read("after=" + first.Next + "&types=message.received,message.sent")
	if len(first.Events) != 2 || !first.More || len(second.Events) != 1 || second.More || second.Events[0].Message.Text != "yes" {
		t.Errorf("got %+v and %+v", first, second)
	}
}

func TestEndedTokenEndsItsStream(t *testing.T) {
	h := newHouse(t, dbtest.New(t), func(d *Deps) { d.Beat = 10 * time.Millisecond })
	s := h.follow("", "")
	for range 3 {
		if data, ok := s.block(); !ok || data != "" {
			t.Fatalf("instead of a beat: %q", data)
		}
	}
	h.write(func(tx *db.Tx) error {
		list, err := staff.Tokens(tx)
		if err != nil {
			return err
		}
		return staff.EndToken(tx, staff.System(), list[0].ID)
	})
	h.says("amy", "hello")
	for { // what was under way may still come
		if _, ok := s.block(); !ok {
			return
		}
	}
}
