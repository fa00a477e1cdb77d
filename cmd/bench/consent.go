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
	consentPeople = 1024 // for each way and round
	consentRounds = 31   // collecting garbage falls into one round and not the next: many are needed
	consentGroup  = 64   // messages in one transaction
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
					one, err := c.send(w, c.threads[i][n][from:from+consentGroup])
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
		floor, _, _ := middle(floors)
		for i, w := range ways[1:] {
			r.asks(w.name, extra[1+i], floor)
		}
		return nil
	})
}

// way is how something is said; the first is the floor. Each round says it to others, of
// whom none has heard anything: what was read a moment ago costs less to read again.
type way struct {
	name     string
	purpose  string
	waits    bool // nobody has answered them
	together bool
}

var ways = []way{
	{waits: true},
	{name: "Consent, asked for an answer"},
	{name: "Consent and a place in the budget, for a campaign's message", purpose: consent.Marketing, together: true},
	{name: "Consent and a place in the budget, for a single unasked message", purpose: consent.Marketing},
}

// asks notes what asking costs beside putting a message into its queue and, if that was
// measured in this run, beside its whole way to the platform.
func (r *run) asks(name string, extra []time.Duration, floor time.Duration) {
	add, low, high := middle(extra)
	for _, against := range []struct {
		what string
		cost time.Duration
	}{{"to queue it", floor}, {"to queue and deliver it", floor + r.delivery}} {
		if against.what != "to queue it" && r.delivery == 0 {
			continue
		}
		share := float64(add) / float64(against.cost)
		r.note(name, fmt.Sprintf("%d µs, %.0f %% of the %d µs %s (half of the rounds: %d to %d µs)", add.Microseconds(), 100*share, against.cost.Microseconds(),
			against.what, low.Microseconds(), high.Microseconds()), "under 10 % of a queued message", share < 0.1)
	}
}

// middle is the mean of the middle half, and where that begins and ends.
func middle(of []time.Duration) (mean, low, high time.Duration) {
	slices.Sort(of)
	half := of[len(of)/4 : len(of)-len(of)/4]
	for _, d := range half {
		mean += d
	}
	return mean / time.Duration(len(half)), half[0], half[len(half)-1]
}

// asking is a house with people for each way and round.
type asking struct {
	run     *run
	app     *app.App
	threads [][][]string // by way, round and person
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
	// In turns, as they are written to: so none has older neighbours than the others.
	c.threads = make([][][]string, len(ways))
	for n := range consentRounds {
		for i := range ways {
			c.threads[i] = append(c.threads[i], nil)
		}
		for from := 0; from < consentPeople; from += consentGroup {
			for i, w := range ways {
				if err := a.DB.Write(c.run.ctx, func(tx *db.Tx) error {
					threads := c.threads[i][n][:from:from]
					for p := from; p < from+consentGroup; p++ {
						id, err := c.meet(tx, account, w, fmt.Sprintf("U%02d%03d%027d", i, n, p))
						if err != nil {
							return err
						}
						threads = append(threads, id)
					}
					c.threads[i][n] = threads
					return nil
				}); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// meet lets somebody write for the first time, and gives the thread.
func (c *asking) meet(tx *db.Tx, account conversation.Account, w way, user string) (thread string, err error) {
	desk := c.app.Desk
	if _, err := desk.Receive(tx, account, []channel.Inbound{{EventID: "c-" + user, Kind: channel.Message, At: tx.Now,
		Peer: channel.Peer{Type: channel.Person, ID: user}, Body: channel.Body{Type: channel.Text, Text: "好的"}}}); err != nil {
		return "", err
	}
	who, err := desk.Book.Find(tx, account.ID, user)
	if err != nil {
		return "", err
	}
	if err := tx.QueryRow(`SELECT id FROM thread WHERE customer_id = $1`, who.CustomerID).Scan(&thread); err != nil || w.waits {
		return thread, err
	}
	// A person's answer ends the waiting: from here on the house looks when she wrote.
	if _, err := desk.Send(tx, conversation.Draft{ThreadID: thread, Author: conversation.AuthorStaff, AuthorID: "bench",
		Body: channel.Body{Type: channel.Text, Text: "您好"}}); err != nil {
		return "", err
	}
	_, err = desk.Consent().Record(tx, consent.Entry{Customer: who.CustomerID, Purpose: consent.Marketing, State: consent.Granted, How: consent.HowPage})
	return thread, err
}

// send writes to some people, sees that it goes, and says what that took.
func (c *asking) send(w way, threads []string) (time.Duration, error) {
	var drafts []conversation.Draft
	for _, thread := range threads {
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
