package main

import (
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"dingdong/internal/app"
	"dingdong/internal/channel"
	"dingdong/internal/channel/line/linefake"
	"dingdong/internal/conversation"
	"dingdong/internal/db"
)

// outbound queues messages, starts the house, and measures until the last one
// has arrived at a fake LINE with 20 ms latency.
func (r *run) outbound() error {
	for _, mode := range []struct {
		name             string
		threads, bubbles int // messages queued in a row for each thread
	}{{"Outbound, several bubbles a call", 4000, 10}, {"Outbound, one bubble a call", 60_000, 1}} {
		d, stolen, err := calm(3, func() (drained, error) { return r.drain(mode.threads, mode.bubbles) })
		if err != nil {
			return err
		}
		if mode.bubbles == 1 {
			r.delivery = d.processor
		}
		r.note(mode.name, fmt.Sprintf("%.0f messages/s, %.0f calls/s (%d µs of processor a message, %s)", d.messages, d.calls, d.processor.Microseconds(), stolen),
			"5,000 messages/s, once each, in order", d.messages >= 5000)
	}
	return nil
}

// drained is how fast a queue became empty.
type drained struct {
	messages, calls float64       // a second
	processor       time.Duration // of the house, for one message
}

func (r *run) drain(threads, bubbles int) (d drained, err error) {
	platform, err := startPlatform(20 * time.Millisecond)
	if err != nil {
		return d, err
	}
	defer platform.stop()
	h, err := newHouse(r.ctx, r.o.binary, "", platform.url)
	if err != nil {
		return d, err
	}
	defer h.raze()
	users, err := r.queue(h, threads, bubbles)
	if err != nil {
		return d, err
	}
	before := platform.calls.Load()
	// How many of them, from the first on, have everything: to look at all of them
	// again and again would take a core from the house.
	arrived := 0
	all := func() (bool, error) {
		for arrived < len(users) && len(platform.fake.Sent(users[arrived])) >= bubbles {
			arrived++
		}
		return arrived == len(users), nil
	}
	if _, err := h.start(r.ctx); err != nil {
		return d, err
	}
	ready := time.Now()
	if err := h.until(2*time.Minute, all); err != nil {
		return d, fmt.Errorf("only the first %d of %d customers have everything: %w", arrived, len(users), err)
	}
	took := time.Since(ready)
	used, err := h.processor()
	if err != nil {
		return d, err
	}
	total := len(users) * bubbles
	d = drained{messages: float64(total) / took.Seconds(), calls: float64(platform.calls.Load()-before) / took.Seconds(), processor: used / time.Duration(total)}
	return d, inOrder(platform.fake, users, bubbles)
}

// queue writes messages into threads without delivering them.
func (r *run) queue(h *house, threads, each int) ([]string, error) {
	users := make([]string, threads)
	err := h.inside(r.ctx, func(a *app.App) error {
		var account conversation.Account
		if err := a.DB.Read(r.ctx, func(tx *db.Tx) (err error) {
			account, err = a.Desk.AccountByID(tx, h.account)
			return err
		}); err != nil {
			return err
		}
		var wg sync.WaitGroup
		var failed atomic.Pointer[error]
		for start := range 64 {
			wg.Go(func() {
				for n := start; n < threads; n += 64 {
					users[n] = fmt.Sprintf("U%02d%030d", each, n)
					if err := a.DB.Write(r.ctx, func(tx *db.Tx) error { return queueOne(tx, a.Desk, account, users[n], each) }); err != nil {
						failed.Store(&err)
						return
					}
				}
			})
		}
		wg.Wait()
		if err := failed.Load(); err != nil {
			return *err
		}
		// They were asked for their names, and their words were read, long ago: this is
		// about what goes out.
		return a.DB.Write(r.ctx, func(tx *db.Tx) error {
			if _, err := tx.Exec(`UPDATE tally SET n = (SELECT MAX(seq) FROM event) WHERE name = 'react'`); err != nil {
				return err
			}
			_, err := tx.Exec(`DELETE FROM job WHERE kind = 'profile'`)
			return err
		})
	})
	return users, err
}

func queueOne(tx *db.Tx, desk *conversation.Desk, a conversation.Account, user string, each int) error {
	_, err := desk.Receive(tx, a, []channel.Inbound{{EventID: "q-" + user, Kind: channel.Message, At: tx.Now,
		Peer: channel.Peer{Type: channel.Person, ID: user}, Body: channel.Body{Type: channel.Text, Text: "hello"}}})
	if err != nil {
		return err
	}
	who, err := desk.Book.Find(tx, a.ID, user)
	if err != nil {
		return err
	}
	var thread string
	if err := tx.QueryRow(`SELECT id FROM thread WHERE customer_id = $1`, who.CustomerID).Scan(&thread); err != nil {
		return err
	}
	for n := range each {
		if _, err := desk.Send(tx, conversation.Draft{ThreadID: thread, Author: conversation.AuthorAutomation, AuthorID: "bench",
			Body: channel.Body{Type: channel.Text, Text: fmt.Sprint(n)}}); err != nil {
			return err
		}
	}
	return nil
}

// inOrder checks what the platform has got.
func inOrder(fake *linefake.Platform, users []string, each int) error {
	for _, u := range users {
		sent := fake.Sent(u)
		if len(sent) != each {
			return fmt.Errorf("%s has %d messages, want %d", u, len(sent), each)
		}
		for n, m := range sent {
			if m.Text != fmt.Sprint(n) {
				return fmt.Errorf("%s has %q in place %d", u, m.Text, n)
			}
		}
	}
	return nil
}

// platform is a fake LINE in this process, which is not the house's.
type platform struct {
	fake   *linefake.Platform
	server *http.Server
	url    string
	calls  atomic.Int64
}

func startPlatform(latency time.Duration) (*platform, error) {
	fake, err := linefake.New(linefake.Options{Secret: secret, Token: token, AutoFriend: true, AllowHTTP: true, Latency: latency})
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &platform{fake: fake, url: "http://" + l.Addr().String()}
	p.server = &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.calls.Add(1)
		fake.ServeHTTP(w, r)
	})}
	go p.server.Serve(l)
	return p, nil
}

func (p *platform) stop() {
	p.server.Close()
	p.fake.Close()
}
