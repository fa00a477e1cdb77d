package main

import (
	"fmt"
	"slices"
	"time"

	"dingdong/internal/app"
	"dingdong/internal/channel"
	"dingdong/internal/consent"
	"dingdong/internal/conversation"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// What is compared is sent in turns, so that a machine that drifts slows all alike.
const (
	consentPeople = 1500 // of each kind, and for each round of the last
	consentRounds = 7
	consentGroup  = 64 // messages in one transaction
)

// consent measures what asking adds to a message. An answer to somebody who waits asks
// nothing of the database, so it is the floor; an answer to somebody who wrote lately, and
// a campaign's message, are held against it.
func (r *run) consent() error {
	h, err := newHouse(r.ctx, r.o.binary, "", "http://127.0.0.1:9")
	if err != nil {
		return err
	}
	defer h.raze()
	return h.inside(r.ctx, func(a *app.App) error {
		c := &asking{run: r, app: a}
		if err := c.furnish(h.account); err != nil {
			return err
		}
		var floors []time.Duration
		var lately, asked []float64
		for n := range consentRounds {
			floor, err := c.send(0, "")
			if err != nil {
				return err
			}
			wrote, err := c.send(1, "")
			if err != nil {
				return err
			}
			campaign, err := c.send(2+n, consent.Marketing)
			if err != nil {
				return err
			}
			if n == 0 { // warms
				continue
			}
			floors = append(floors, floor)
			lately = append(lately, float64(wrote-floor)/float64(floor))
			asked = append(asked, float64(campaign-floor)/float64(floor))
		}
		slices.Sort(floors)
		slices.Sort(lately)
		slices.Sort(asked)
		middle := len(floors) / 2
		say := func(of []float64) string {
			return fmt.Sprintf("%.0f %% of %d µs (%.0f to %.0f %%)", 100*of[middle], floors[middle].Microseconds(), 100*of[0], 100*of[len(of)-1])
		}
		r.note("Consent, asked for an answer", say(lately), "under 10 % of a queued message", lately[middle] < 0.1)
		r.note("Consent and a place in the budget, for a campaign's message", say(asked), "under 10 % of a queued message", asked[middle] < 0.1)
		return nil
	})
}

// asking is a house with people of several kinds: who waits, who was answered, and for each
// round some who agreed to news and have heard none.
type asking struct {
	run     *run
	app     *app.App
	threads [2 + consentRounds][]string
}

func (c *asking) furnish(accountID string) error {
	a := c.app
	var account conversation.Account
	if err := a.DB.Write(c.run.ctx, func(tx *db.Tx) (err error) {
		if account, err = a.Desk.AccountByID(tx, accountID); err != nil {
			return err
		}
		// At night everything would be planned: this is about what goes.
		rules := consent.DefaultRules()
		rules.Quiet, rules.Holidays = consent.Quiet{From: "00:00", To: "00:00"}, nil
		return a.Desk.Consent().SaveRules(tx, staff.System(), rules)
	}); err != nil {
		return err
	}
	for kind := range c.threads {
		c.threads[kind] = make([]string, consentPeople)
		if _, err := c.each(func(tx *db.Tx, n int) error {
			user := fmt.Sprintf("U%02d%030d", kind, n)
			if _, err := a.Desk.Receive(tx, account, []channel.Inbound{{EventID: "c-" + user, Kind: channel.Message, At: tx.Now,
				Peer: channel.Peer{Type: channel.Person, ID: user}, Body: channel.Body{Type: channel.Text, Text: "好的"}}}); err != nil {
				return err
			}
			who, err := a.Desk.Book.Find(tx, account.ID, user)
			if err != nil {
				return err
			}
			if err := tx.QueryRow(`SELECT id FROM thread WHERE customer_id = $1`, who.CustomerID).Scan(&c.threads[kind][n]); err != nil {
				return err
			}
			if kind == 0 {
				return nil
			}
			// A person's answer ends the waiting: from here on the house looks when she wrote.
			if _, err := a.Desk.Send(tx, conversation.Draft{ThreadID: c.threads[kind][n], Author: conversation.AuthorStaff, AuthorID: "bench",
				Body: channel.Body{Type: channel.Text, Text: "您好"}}); err != nil {
				return err
			}
			_, err = a.Desk.Consent().Record(tx, consent.Entry{Customer: who.CustomerID, Purpose: consent.Marketing, State: consent.Granted, How: consent.HowPage})
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}

// each does something for the people of a kind, and says how long one took.
func (c *asking) each(do func(tx *db.Tx, n int) error) (time.Duration, error) {
	began := time.Now()
	for n := 0; n < consentPeople; n += consentGroup {
		if err := c.app.DB.Write(c.run.ctx, func(tx *db.Tx) error {
			for i := n; i < min(n+consentGroup, consentPeople); i++ {
				if err := do(tx, i); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return 0, err
		}
	}
	return time.Since(began) / consentPeople, nil
}

// send writes to everybody of a kind, and sees that it goes.
func (c *asking) send(kind int, purpose string) (time.Duration, error) {
	return c.each(func(tx *db.Tx, n int) error {
		m, err := c.app.Desk.Send(tx, conversation.Draft{ThreadID: c.threads[kind][n], Author: conversation.AuthorAutomation, AuthorID: "bench", Purpose: purpose,
			Body: channel.Body{Type: channel.Text, Text: "您好"}})
		if err == nil && m.Status != conversation.StatusQueued {
			return fmt.Errorf("a message of purpose %q is %s", purpose, m.Status)
		}
		return err
	})
}
