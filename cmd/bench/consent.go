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

const (
	consentPeople = 1536 // of each kind, and for each round of the last
	consentRounds = 7
	consentGroup  = 64 // messages in one transaction
)

// consent measures what asking adds to a message, in processor time. An answer to somebody
// who waits asks nothing of the database, so it is the floor; an answer to somebody who
// wrote lately, and unasked messages, one by one and a campaign's together, are held
// against it. What is compared is sent in turns of one transaction, so that a machine that
// drifts slows all alike.
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
		extra := make([][]time.Duration, len(ways))
		for n := range consentRounds {
			took := make([]time.Duration, len(ways))
			for from := 0; from < consentPeople; from += consentGroup {
				for i, w := range ways {
					one, err := c.send(w, n, from)
					if err != nil {
						return err
					}
					took[i] += one
				}
			}
			if n == 0 { // warms
				continue
			}
			floors = append(floors, took[0]/consentPeople)
			for i := range ways {
				extra[i] = append(extra[i], (took[i]-took[0])/consentPeople)
			}
		}
		floor := middle(floors)
		for i, w := range ways[1:] {
			r.asks(w.name, extra[1+i], floor)
		}
		return nil
	})
}

// way is how something is said; the first is the floor.
type way struct {
	name     string
	purpose  string
	crowd    int  // who hears it
	fresh    bool // each round says it to others, who have heard none
	together bool
}

var ways = []way{
	{crowd: 0},
	{name: "Consent, asked for an answer", crowd: 1},
	{name: "Consent and a place in the budget, for a campaign's message", purpose: consent.Marketing, crowd: 2, fresh: true, together: true},
	{name: "Consent and a place in the budget, for a single unasked message", purpose: consent.Marketing, crowd: 2 + consentRounds, fresh: true},
}

// asks notes what asking costs beside putting a message into its queue and, if that was
// measured in this run, beside its whole way to the platform.
func (r *run) asks(name string, extra []time.Duration, floor time.Duration) {
	add := middle(extra)
	for _, against := range []struct {
		what string
		cost time.Duration
	}{{"to queue it", floor}, {"to queue and deliver it", floor + r.delivery}} {
		if against.what != "to queue it" && r.delivery == 0 {
			continue
		}
		share := float64(add) / float64(against.cost)
		r.note(name, fmt.Sprintf("%d µs, %.0f %% of the %d µs %s (rounds %d to %d µs)", add.Microseconds(), 100*share, against.cost.Microseconds(),
			against.what, extra[0].Microseconds(), extra[len(extra)-1].Microseconds()), "under 10 % of a queued message", share < 0.1)
	}
}

// middle sorts and gives the median.
func middle(of []time.Duration) time.Duration {
	slices.Sort(of)
	return of[len(of)/2]
}

// asking is a house with people of several kinds: who waits, who was answered, and for each
// round and way some who agreed to news and have heard none.
type asking struct {
	run     *run
	app     *app.App
	threads [2 + 2*consentRounds][]string
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
		if err := c.each(func(tx *db.Tx, n int) error {
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

// each does something for all people of a kind.
func (c *asking) each(do func(tx *db.Tx, n int) error) error {
	for from := 0; from < consentPeople; from += consentGroup {
		if err := c.group(from, do); err != nil {
			return err
		}
	}
	return nil
}

// group does it for some of them, in one transaction.
func (c *asking) group(from int, do func(tx *db.Tx, n int) error) error {
	return c.app.DB.Write(c.run.ctx, func(tx *db.Tx) error {
		for n := from; n < from+consentGroup; n++ {
			if err := do(tx, n); err != nil {
				return err
			}
		}
		return nil
	})
}

// send writes to some people, sees that it goes, and says what that took.
func (c *asking) send(w way, round, from int) (time.Duration, error) {
	crowd := w.crowd
	if w.fresh {
		crowd += round
	}
	var drafts []conversation.Draft
	for _, thread := range c.threads[crowd][from : from+consentGroup] {
		drafts = append(drafts, conversation.Draft{ThreadID: thread, Author: conversation.AuthorAutomation, AuthorID: "bench", Purpose: w.purpose,
			Body: channel.Body{Type: channel.Text, Text: "您好"}})
	}
	began := cpu()
	err := c.app.DB.Write(c.run.ctx, func(tx *db.Tx) error {
		if w.together {
			return went(c.app.Desk.SendAll(tx, drafts))
		}
		for _, f := range drafts {
			m, err := c.app.Desk.Send(tx, f)
			if err := went([]conversation.Message{m}, err); err != nil {
				return err
			}
		}
		return nil
	})
	return cpu() - began, err
}

// went says that messages go at once.
func went(messages []conversation.Message, err error) error {
	for _, m := range messages {
		if err == nil && m.Status != conversation.StatusQueued {
			err = fmt.Errorf("a message of purpose %q is %s", m.Purpose, m.Status)
		}
	}
	return err
}
