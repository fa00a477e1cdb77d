package main

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"dingdong/internal/app"
	"dingdong/internal/channel"
	"dingdong/internal/conversation"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// What an advisor's search has to go through, and what stands beside it.
const (
	ownCustomers   = 300
	ownMessages    = 100 // each
	otherCustomers = 1000
	otherMessages  = 100 // each
)

// find measures the search through what was said, inside this process.
func (r *run) find() error {
	h, err := newHouse(r.ctx, r.o.binary, "", "http://127.0.0.1:9")
	if err != nil {
		return err
	}
	defer h.raze()
	return h.inside(r.ctx, func(a *app.App) error {
		v, err := r.fillFind(a, h)
		if err != nil {
			return fmt.Errorf("fill: %w", err)
		}
		floor, err := r.times(func() error { return floorFind(r.ctx, a, h.counters[0]) })
		if err != nil {
			return err
		}
		for _, q := range []struct {
			name, query string
			all         bool // to the end, however many answers that takes
		}{
			{"nothing found, two letters", "麝香", true}, {"a rare word", "蜂王乳", true},
			{"a common word", "香水", false}, {"two words, Latin", "Rose 21", false},
		} {
			took, err := r.times(func() error {
				for f := (conversation.Find{Query: q.query}); ; {
					var next string
					err := a.DB.Read(r.ctx, func(tx *db.Tx) (err error) {
						_, next, err = a.Desk.FindMessages(tx, v, f)
						return err
					})
					if f.After = next; err != nil || next == "" || !q.all {
						return err
					}
				}
			})
			if err != nil {
				return err
			}
			r.note("Search in 30,000 of 130,000 messages, "+q.name, fmt.Sprintf("%s (median %s)", ms(percentile(took, 0.95)), ms(percentile(took, 0.5))),
				fmt.Sprintf("300 ms (reading and opening them: %s)", ms(percentile(floor, 0.5))), percentile(took, 0.95) < 300*time.Millisecond)
		}
		return nil
	})
}

func (r *run) times(do func() error) ([]time.Duration, error) {
	var took []time.Duration
	for n := range 23 {
		began := time.Now()
		if err := do(); err != nil {
			return nil, err
		}
		if n >= 3 {
			took = append(took, time.Since(began))
		}
	}
	return took, nil
}

// fillFind stores the messages as they would have come, over a year, and returns
// the advisor who searches.
func (r *run) fillFind(a *app.App, h *house) (v staff.Viewer, err error) {
	var accounts [2]conversation.Account
	err = a.DB.Write(r.ctx, func(tx *db.Tx) error {
		if accounts[0], err = a.Desk.AccountByID(tx, h.account); err != nil {
			return err
		}
		accounts[1], err = a.Desk.SaveAccount(tx, staff.System(), conversation.AccountForm{Channel: channel.LINE, Name: "Other",
			CounterID: h.counters[1], Secret: secret, Token: token})
		if err != nil {
			return err
		}
		v, err = staff.ViewerBySession(tx, h.cookies[0])
		return err
	})
	if err != nil {
		return v, err
	}
	began := time.Now().Add(-365 * 24 * time.Hour)
	texts := []string{"請問 21 號還有嗎?我是敏感肌,想找淡一點的香水", "好的,謝謝你", "這個週末我會過去看看", "Do you still have the Rose 21? I'd like two of them.",
		"上次那支 #214 豆沙色還有嗎?想再買一支送媽媽", "ขอบคุณค่ะ พรุ่งนี้จะไปรับที่เคาน์เตอร์"}
	var next atomic.Int64
	var failed atomic.Pointer[error]
	var wg sync.WaitGroup
	for range 32 {
		wg.Go(func() {
			for failed.Load() == nil {
				n := int(next.Add(1)) - 1
				account, each := accounts[0], ownMessages
				if n >= ownCustomers {
					account, each = accounts[1], otherMessages
				}
				if n >= ownCustomers+otherCustomers {
					return
				}
				events := make([]channel.Inbound, each)
				for i := range events {
					text := texts[(n+i)%len(texts)]
					if n == 17 && i == 2 {
						text = "有沒有蜂王乳的面膜?"
					}
					events[i] = channel.Inbound{EventID: fmt.Sprintf("s-%d-%d", n, i), ExternalID: fmt.Sprintf("s%d-%d", n, i), Kind: channel.Message,
						At:   began.Add(time.Duration(i)*365*24*time.Hour/time.Duration(each) + time.Duration(n)*time.Minute),
						Peer: channel.Peer{Type: channel.Person, ID: fmt.Sprintf("S%032d", n)}, Body: channel.Body{Type: channel.Text, Text: text}}
				}
				if err := a.DB.Write(r.ctx, func(tx *db.Tx) error {
					_, err := a.Desk.Receive(tx, account, events)
					return err
				}); err != nil {
					failed.Store(&err)
				}
			}
		})
	}
	wg.Wait()
	if err := failed.Load(); err != nil {
		return v, *err
	}
	return v, nil
}

// floorFind reads and opens the messages of a counter, one after the other.
func floorFind(ctx context.Context, a *app.App, counter string) error {
	type cell struct {
		customer string
		body     []byte
	}
	return a.DB.Read(ctx, func(tx *db.Tx) error {
		rows, err := tx.Query(`SELECT m.customer_id, m.body FROM thread t CROSS JOIN message m WHERE t.counter_id = $1 AND m.thread_id = t.id`, counter)
		cells, err := db.Collect(rows, err, func(r *sql.Rows) (c cell, err error) { return c, r.Scan(&c.customer, &c.body) })
		if err != nil {
			return err
		}
		if len(cells) != ownCustomers*ownMessages {
			return fmt.Errorf("%d messages", len(cells))
		}
		for _, c := range cells {
			if _, err := a.Desk.Vault.Open(tx, c.customer, "message.body", c.body); err != nil {
				return err
			}
		}
		return nil
	})
}
