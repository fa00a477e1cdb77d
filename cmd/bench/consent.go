package main

import (
	"fmt"
	"time"

	"dingdong/internal/app"
	"dingdong/internal/channel"
	"dingdong/internal/consent"
	"dingdong/internal/conversation"
	"dingdong/internal/db"
)

// consent measures what asking adds to a message: an answer to who waits asks nothing of
// the database, so it is the floor; every other message is held against it.
func (r *run) consent() error {
	const people, group = 3000, 64
	h, err := newHouse(r.ctx, r.o.binary, "", "http://127.0.0.1:9")
	if err != nil {
		return err
	}
	defer h.raze()
	return h.inside(r.ctx, func(a *app.App) error {
		var account conversation.Account
		if err := a.DB.Read(r.ctx, func(tx *db.Tx) (err error) {
			account, err = a.Desk.AccountByID(tx, h.account)
			return err
		}); err != nil {
			return err
		}
		threads := make([]string, people)
		each := func(do func(tx *db.Tx, n int) error) (time.Duration, error) {
			began := time.Now()
			for n := 0; n < people; n += group {
				if err := a.DB.Write(r.ctx, func(tx *db.Tx) error {
					for i := n; i < min(n+group, people); i++ {
						if err := do(tx, i); err != nil {
							return err
						}
					}
					return nil
				}); err != nil {
					return 0, err
				}
			}
			return time.Since(began) / people, nil
		}
		if _, err := each(func(tx *db.Tx, n int) error { // each has written, and agreed
			user := fmt.Sprintf("U%032d", n)
			if _, err := a.Desk.Receive(tx, account, []channel.Inbound{{EventID: "c-" + user, Kind: channel.Message, At: tx.Now,
				Peer: channel.Peer{Type: channel.Person, ID: user}, Body: channel.Body{Type: channel.Text, Text: "好的"}}}); err != nil {
				return err
			}
			who, err := a.Desk.Book.Find(tx, account.ID, user)
			if err != nil {
				return err
			}
			if _, err := a.Desk.Consent().Record(tx, consent.Entry{Customer: who.CustomerID, Purpose: consent.Marketing, State: consent.Granted, How: consent.HowPage}); err != nil {
				return err
			}
			return tx.QueryRow(`SELECT id FROM thread WHERE customer_id = $1`, who.CustomerID).Scan(&threads[n])
		}); err != nil {
			return err
		}
		send := func(author conversation.Author, purpose string) (time.Duration, error) {
			return each(func(tx *db.Tx, n int) error {
				_, err := a.Desk.Send(tx, conversation.Draft{ThreadID: threads[n], Author: author, AuthorID: "bench", Purpose: purpose,
					Body: channel.Body{Type: channel.Text, Text: "您好"}})
				return err
			})
		}
		if _, err := send(conversation.AuthorAutomation, ""); err != nil { // warm
			return err
		}
		floor, err := send(conversation.AuthorAutomation, "") // an automation's answer leaves her waiting
		if err != nil {
			return err
		}
		// A person's answer ends the waiting: from here on the house looks when she wrote.
		if _, err := send(conversation.AuthorStaff, ""); err != nil {
			return err
		}
		lately, err := send(conversation.AuthorStaff, "")
		if err != nil {
			return err
		}
		asked, err := send(conversation.AuthorAutomation, consent.Marketing)
		if err != nil {
			return err
		}
		add := func(d time.Duration) float64 { return 100 * float64(d-floor) / float64(floor) }
		us := func(d time.Duration) int64 { return d.Microseconds() }
		r.note("Consent, asked for an answer", fmt.Sprintf("%.0f %% of %d µs", add(lately), us(floor)), "under 10 % of a queued message", add(lately) < 10)
		r.note("Consent and a place in the budget, for a campaign's message", fmt.Sprintf("%.0f %% of %d µs", add(asked), us(floor)), "under 10 % of a queued message", add(asked) < 10)
		return nil
	})
}
