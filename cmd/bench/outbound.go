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
	const threads, each = 4000, 10
	fake, err := linefake.New(linefake.Options{Secret: secret, Token: token, AutoFriend: true, AllowHTTP: true, Latency: 20 * time.Millisecond})
	if err != nil {
		return err
	}
	defer fake.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	var calls atomic.Int64
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { calls.Add(1); fake.ServeHTTP(w, r) })}
	go s.Serve(l)
	defer s.Close()
	for _, mode := range []struct {
		name    string
		bubbles int // queued in a row for one thread
	}{{"Outbound, several bubbles a call", each}, {"Outbound, one bubble a call", 1}} {
		h, err := newHouse(r.ctx, r.o.binary, "", "http://"+l.Addr().String())
		if err != nil {
			return err
		}
		users, err := r.queue(h, threads*mode.bubbles/each*each/mode.bubbles, mode.bubbles)
		if err != nil {
			h.raze()
			return err
		}
		before := calls.Load()
		count := func() (n int) {
			for _, u := range users {
				n += len(fake.Sent(u))
			}
			return n
		}
		already := count()
		total := len(users) * mode.bubbles
		began := time.Now()
		if _, err := h.start(r.ctx); err != nil {
			h.raze()
			return err
		}
		ready := time.Now()
		for count()-already < total {
			if time.Since(began) > 2*time.Minute {
				h.raze()
				return fmt.Errorf("%d of %d arrived", count()-already, total)
			}
			time.Sleep(10 * time.Millisecond)
		}
		took := time.Since(ready)
		h.raze()
		if err := inOrder(fake, users, mode.bubbles); err != nil {
			return err
		}
		rate := float64(total) / took.Seconds()
		r.note(mode.name, fmt.Sprintf("%.0f messages/s, %.0f calls/s", rate, float64(calls.Load()-before)/took.Seconds()),
			"5,000 messages/s, once each, in order", rate >= 5000)
	}
	return nil
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
		for start := range 16 {
			wg.Go(func() {
				for n := start; n < threads; n += 16 {
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
		return nil
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
	// She was asked for her name long ago: this is about messages.
	if err := desk.Book.ProfileTried(tx, who.ID); err != nil {
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
