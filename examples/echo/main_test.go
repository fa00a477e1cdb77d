package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"dingdong/internal/api"
	"dingdong/internal/blob"
	"dingdong/internal/channel"
	"dingdong/internal/channel/line"
	"dingdong/internal/channel/line/linefake"
	"dingdong/internal/conversation"
	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
	"dingdong/internal/event"
	"dingdong/internal/job"
	"dingdong/internal/staff"
	"dingdong/internal/vault"
	"dingdong/internal/webhook"
)

// The test binary is also the echo: only a process of its own can be killed.
func TestMain(m *testing.M) {
	if os.Getenv("DINGDONG_URL") != "" {
		main()
	}
	os.Exit(m.Run())
}

// shop is a real house with LINE in front of it.
type shop struct {
	t       *testing.T
	db      *db.DB
	desk    *conversation.Desk
	account conversation.Account
	line    *linefake.Platform
	server  *httptest.Server
	token   string
	began   chan struct{} // one for each event stream that has begun
}

func newShop(t *testing.T) *shop {
	d := dbtest.New(t)
	v, err := vault.Open("file:"+filepath.Join(t.TempDir(), "key.json"), d)
	if err != nil {
		t.Fatal(err)
	}
	blobs, err := blob.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	s := &shop{t: t, db: d, began: make(chan struct{}, 10)}
	s.desk = &conversation.Desk{DB: d, Vault: v, Book: &customer.Book{Vault: v}, Blobs: blobs,
		Adapters: map[channel.Kind]channel.Adapter{channel.LINE: line.New(http.DefaultClient)}, PublicURL: "https://shop.example"}
	if s.line, err = linefake.New(linefake.Options{AllowHTTP: true}); err != nil {
		t.Fatal(err)
	}
	platform := httptest.NewServer(s.line)
	if err := d.Write(t.Context(), func(tx *db.Tx) error { return s.furnish(tx, platform.URL) }); err != nil {
		t.Fatal(err)
	}
	events := event.NewLog(d)
	ctx, cancel := context.WithCancel(context.Background())
	var work sync.WaitGroup
	work.Go(func() { events.Run(ctx) })
	work.Go(func() { job.NewWorker(d, s.desk.Handlers(), job.Options{Slots: 8}).Run(ctx) })
	doors := http.NewServeMux()
	hooks := webhook.New(webhook.Options{DB: d, Vault: v, Desk: s.desk})
	doors.Handle("/api/", s.watch(api.New(api.Deps{DB: d, Desk: s.desk, Events: events, Hooks: hooks, Stopping: ctx.Done()})))
	doors.HandleFunc("POST /in/{account}", s.receive)
	s.server = httptest.NewServer(doors)
	s.line.SetWebhook(s.server.URL+s.account.WebhookPath(), true)
	t.Cleanup(func() {
		s.line.Close()
		cancel()
		work.Wait()
		s.server.CloseClientConnections()
		s.server.Close()
		platform.Close()
	})
	return s
}

func (s *shop) furnish(tx *db.Tx, platform string) error {
	sys := staff.System()
	store, err := staff.SaveStore(tx, sys, staff.StoreForm{Name: "North"})
	if err != nil {
		return err
	}
	brand, err := staff.SaveBrand(tx, sys, staff.BrandForm{Name: "Rose"})
	if err != nil {
		return err
	}
	counter, err := staff.SaveCounter(tx, sys, staff.CounterForm{StoreID: store.ID, BrandID: brand.ID})
	if err != nil {
		return err
	}
	o := s.line.Options()
	s.account, err = s.desk.SaveAccount(tx, sys, conversation.AccountForm{Name: "Rose", CounterID: counter.ID, Channel: channel.LINE,
		Secret: o.Secret, Token: o.Token, APIBase: platform, DataBase: platform})
	if err != nil {
		return err
	}
	s.token, _, err = staff.CreateToken(tx, sys, "echo", []string{staff.EventsRead, staff.MessagesWrite})
	return err
}

// receive is the door that the platform knocks at.
func (s *shop) receive(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err == nil {
		var events []channel.Inbound
		events, err = s.desk.Adapters[channel.LINE].Receive(s.account.Account, channel.Request{Header: r.Header, Body: body})
		if err == nil {
			err = s.db.Write(r.Context(), func(tx *db.Tx) error {
				_, err := s.desk.Receive(tx, s.account, events)
				return err
			})
		}
	}
	if err != nil {
		s.t.Error(err)
		w.WriteHeader(http.StatusInternalServerError)
	}
}

// watch tells when an event stream has begun: from then on nothing is missed.
func (s *shop) watch(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/events") {
			w = &watched{ResponseWriter: w, began: s.began}
		}
		next.ServeHTTP(w, r)
	})
}

type watched struct {
	http.ResponseWriter
	began chan<- struct{}
	once  sync.Once
}

func (w *watched) Write(p []byte) (int, error) {
	w.once.Do(func() { w.began <- struct{}{} })
	return w.ResponseWriter.Write(p)
}

func (w *watched) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// echo starts the bot; stop kills it where it stands.
func (s *shop) echo(after string) (stop func()) {
	s.t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "DINGDONG_URL="+s.server.URL, "DINGDONG_TOKEN="+s.token, "DINGDONG_AFTER="+after)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	<-s.began
	return sync.OnceFunc(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
}

// answers counts what has arrived on the phones.
func (s *shop) answers(people []string) (n int) {
	for _, p := range people {
		n += len(s.line.Sent(p))
	}
	return n
}

func (s *shop) until(what string, ok func() bool) {
	s.t.Helper()
	tick, limit := time.NewTicker(5*time.Millisecond), time.NewTimer(30*time.Second)
	defer tick.Stop()
	defer limit.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-limit.C:
			s.t.Fatal("in vain: " + what)
		}
	}
}

func TestEveryTextIsAnsweredOnce(t *testing.T) {
	s := newShop(t)
	var people []string
	for i := range 4 {
		p := s.line.Person("", fmt.Sprint("Customer ", i))
		s.line.Befriend(p)
		people = append(people, p)
	}
	texts := map[string]string{} // by the id that LINE gave them
	say := func(from, to int) {
		for i := from; i < to; i++ {
			text := fmt.Sprint("text ", i)
			texts[s.line.Text(people[i%len(people)], text).MessageID] = text
		}
	}
	stop := s.echo("")
	defer func() { stop() }()
	say(0, 7)
	s.until("some answers", func() bool { return s.answers(people) >= 3 })
	stop()
	say(7, 14) // nobody is there to hear them
	// It has forgotten everything and begins at the beginning: what it answered
	// before it answers again, under the same keys.
	stop = s.echo("0")
	s.until("more answers", func() bool { return s.answers(people) >= 10 })
	s.server.CloseClientConnections() // the line breaks as well
	say(14, 20)
	s.line.Sticker(people[0], "446", "1988")
	s.until("all answers", func() bool { return s.answers(people) >= len(texts) })
	if err := s.line.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.until("nothing is left to send", func() bool { return s.count(`SELECT COUNT(*) FROM message WHERE status = 'queued'`) == 0 })
	if n := s.count(`SELECT COUNT(*) FROM message WHERE author = 'automation'`); n != len(texts) {
		t.Errorf("%d answers were written to %d texts", n, len(texts))
	}
	for _, p := range people {
		for _, m := range s.line.Sent(p) {
			if want, known := texts[m.QuotedID]; !known || m.Text != want {
				t.Errorf("%q quotes %q, which is %q or was quoted before", m.Text, m.QuotedID, want)
			}
			delete(texts, m.QuotedID)
		}
	}
	if len(texts) != 0 {
		t.Errorf("without an answer: %v", texts)
	}
	if odd := s.line.Oddities(); len(odd) != 0 {
		t.Errorf("LINE wonders: %v", odd)
	}
}

func (s *shop) count(query string) (n int) {
	s.t.Helper()
	if err := s.db.Read(s.t.Context(), func(tx *db.Tx) error { return tx.QueryRow(query).Scan(&n) }); err != nil {
		s.t.Fatal(err)
	}
	return n
}

func TestEchoIsFortyLines(t *testing.T) {
	raw, err := os.ReadFile("main.go")
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(raw), "\n"); n > 40 {
		t.Errorf("%d lines", n)
	}
}
