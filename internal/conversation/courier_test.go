package conversation

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"dingdong/internal/channel"
	"dingdong/internal/channel/line"
	"dingdong/internal/channel/line/linefake"
	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
	"dingdong/internal/job"
)

// counterHouse is a house with a LINE platform before it and a worker in it.
type courierHouse struct {
	*house
	fake   *linefake.Platform
	server *httptest.Server
	stop   func() // ends the worker and waits for it
}

func newCourierHouse(t *testing.T, d *db.DB, o linefake.Options) *courierHouse {
	t.Helper()
	h := newHouse(t, d)
	o.Secret, o.Token, o.AutoFriend, o.AllowHTTP = "secret", "token", true, true
	fake, err := linefake.New(o)
	check(t, err)
	server := httptest.NewServer(fake)
	h.Adapters[channel.LINE] = line.New(&http.Client{Timeout: 500 * time.Millisecond})
	h.write(func(tx *db.Tx) error {
		_, err := tx.Exec(`UPDATE account SET api_base = $1, data_base = $1`, server.URL)
		return err
	})
	h.accounts.forget(h.account.ID)
	h.read(func(tx *db.Tx) (err error) { h.account, err = h.AccountByID(tx, h.account.ID); return err })
	c := &courierHouse{house: h, fake: fake, server: server}
	t.Cleanup(func() {
		c.halt()
		server.Close()
		check(t, fake.Close())
	})
	return c
}

func (c *courierHouse) work() {
	ctx, cancel := context.WithCancel(context.Background())
	w := job.NewWorker(c.DB, c.Handlers(), job.Options{Slots: 32})
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	c.stop = func() { cancel(); <-done }
}

func (c *courierHouse) halt() {
	if c.stop != nil {
		c.stop()
		c.stop = nil
	}
}

func (c *courierHouse) say(thread, text string) Message {
	c.t.Helper()
	var m Message
	c.write(func(tx *db.Tx) (err error) {
		m, err = c.Say(tx, c.mei, Draft{ThreadID: thread, Body: channel.Body{Type: channel.Text, Text: text}})
		return err
	})
	return m
}

// settled waits until no message is queued, and returns how each one ended.
func (c *courierHouse) settled() map[string]string {
	c.t.Helper()
	out := map[string]string{}
	eventually(c.t, 60*time.Second, func() bool {
		clear(out)
		queued := 0
		c.read(func(tx *db.Tx) error {
			rows, err := tx.Query(`SELECT id, status, failure FROM message WHERE author = 'staff'`)
			if err != nil {
				return err
			}
			defer rows.Close()
			for rows.Next() {
				var id, status, failure string
				if err := rows.Scan(&id, &status, &failure); err != nil {
					return err
				}
				if status == "queued" {
					queued++
				}
				out[id] = strings.TrimSpace(status + " " + failure)
			}
			return rows.Err()
		})
		return queued == 0
	})
	return out
}

func eventually(t testing.TB, limit time.Duration, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatal("it did not happen in time")
		}
	}
}

const userMei = "U00000000000000000000000000000001"

func texts(sent []linefake.Message) []string {
	var out []string
	for _, m := range sent {
		out = append(out, m.Text)
	}
	return out
}

// token lets the platform know the reply token of an event that we made up.
func (c *courierHouse) wrote(user string) Thread {
	c.t.Helper()
	posted := c.fake.Text(user, "hello")
	e := says(user, 1, "hello")
	e.ReplyToken = posted.ReplyToken
	c.receive(e)
	return c.only(c.mei)
}

func TestFirstAnswerIsFreeAndTheNextIsPushed(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		c := newCourierHouse(t, d, linefake.Options{})
		th := c.wrote(userMei)
		c.work()
		c.say(th.ID, "first")
		c.settled()
		c.say(th.ID, "second")
		for id, how := range c.settled() {
			if how != "sent" {
				t.Errorf("%s is %s", id, how)
			}
		}
		sent := c.fake.Sent(userMei)
		if got := texts(sent); !slices.Equal(got, []string{"first", "second"}) {
			t.Fatalf("sent %q", got)
		}
		if sent[0].ReplyToken == "" || sent[0].RetryKey != "" {
			t.Error("the first answer was not a free reply")
		}
		if sent[1].RetryKey == "" {
			t.Error("the second answer has no retry key")
		}
	})
}

// A call that was packed before she was erased writes nothing down of her, and is not made.
func TestWhatWasPackedBeforeAnErasure(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		c := newCourierHouse(t, d, linefake.Options{})
		thread := c.wrote(userMei)
		m := c.say(thread.ID, "one")
		for name, down := range map[string]func(p parcel) func(tx *db.Tx) error{
			"before the call": func(p parcel) func(tx *db.Tx) error { return p.writeDown },
			"answer unknown": func(p parcel) func(tx *db.Tx) error {
				p.delivery = delivery{}
				return func(tx *db.Tx) error { return p.noteUnknown(tx, &channel.Error{Unknown: true}) }
			},
		} {
			p := parcel{account: c.account, threadID: thread.ID, messages: []Message{m}, delivery: delivery{ID: newDeliveryID(), Method: methodReply, Token: "t", fresh: true}}
			var records []string
			c.read(func(tx *db.Tx) (err error) { records, err = c.Book.Records(tx, thread.CustomerID); return err })
			c.write(func(tx *db.Tx) error { return c.Erase(tx, records) })
			err := c.DB.Write(context.Background(), down(p))
			if name == "before the call" && !errors.Is(err, db.ErrNotFound) || name != "before the call" && err != nil {
				t.Errorf("%s: %v", name, err)
			}
			c.read(func(tx *db.Tx) error {
				var n int
				err := tx.QueryRow(`SELECT COUNT(*) FROM delivery`).Scan(&n)
				if n != 0 {
					t.Errorf("%s: %d deliveries lead to her thread", name, n)
				}
				return err
			})
		}
	})
}

func TestSeveralBubblesTravelInOneCall(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		c := newCourierHouse(t, d, linefake.Options{})
		th := c.wrote(userMei)
		var want []string
		for n := range 7 {
			want = append(want, fmt.Sprint("bubble ", n))
			c.say(th.ID, want[n])
		}
		c.work()
		c.settled()
		sent := c.fake.Sent(userMei)
		if got := texts(sent); !slices.Equal(got, want) {
			t.Fatalf("sent %q", got)
		}
		if sent[0].ReplyToken == "" || sent[4].RequestID != sent[0].RequestID || sent[5].RequestID == sent[0].RequestID || sent[6].RequestID != sent[5].RequestID {
			t.Error("not five bubbles in the free reply and two in a push")
		}
	})
}

// What the platform can answer or not answer, and what the customer has and the
// advisor reads afterwards.
func TestOneMessage(t *testing.T) {
	for _, tc := range []struct {
		name    string
		fault   linefake.Fault
		times   int
		reply   bool // a free reply is at hand
		arrives bool
		ends    string
	}{
		{name: "push, 500 before", fault: linefake.Fault{Status: 500}, times: 2, arrives: true, ends: "sent"},
		{name: "push, 500 after it took effect", fault: linefake.Fault{Status: 500, After: true}, times: 1, arrives: true, ends: "sent"},
		{name: "push, connection dropped before", fault: linefake.Fault{Drop: true}, times: 2, arrives: true, ends: "sent"},
		{name: "push, connection dropped after", fault: linefake.Fault{Drop: true, After: true}, times: 1, arrives: true, ends: "sent"},
		{name: "push, no answer before", fault: linefake.Fault{Hang: true}, times: 1, arrives: true, ends: "sent"},
		{name: "push, no answer after", fault: linefake.Fault{Hang: true, After: true}, times: 1, arrives: true, ends: "sent"},
		{name: "reply, connection dropped before", reply: true, fault: linefake.Fault{Drop: true}, times: 1, arrives: true, ends: "sent"},
		{name: "reply, connection dropped after", reply: true, fault: linefake.Fault{Drop: true, After: true}, times: 1, arrives: true, ends: "sent"},
		{name: "reply, 500 after", reply: true, fault: linefake.Fault{Status: 500, After: true}, times: 1, arrives: true, ends: "sent"},
		{name: "too fast", fault: linefake.Fault{Status: 429, Message: "The API rate limit has been exceeded. Try again later.", RetryAfter: time.Second}, times: 1, arrives: true, ends: "sent"},
		{name: "month used up", fault: linefake.Fault{Status: 429, Message: "You have reached your monthly limit."}, times: 1, ends: "failed over_quota"},
		{name: "rejected", fault: linefake.Fault{Status: 400, Message: "A message (messages[0]) in the request body is invalid"}, times: 1, ends: "failed rejected"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := newCourierHouse(t, dbtest.New(t), linefake.Options{})
			var th Thread
			if tc.reply {
				th = c.wrote(userMei)
			} else {
				e := says(userMei, 1, "hello")
				e.ReplyToken = ""
				c.receive(e)
				th = c.only(c.mei)
			}
			c.fake.FailNext(tc.times, tc.fault)
			m := c.say(th.ID, "answer")
			c.work()
			if how := c.settled()[m.ID]; how != tc.ends {
				t.Errorf("it is %q, want %q", how, tc.ends)
			}
			want := 0
			if tc.arrives {
				want = 1
			}
			if got := len(c.fake.Sent(userMei)); got != want {
				t.Errorf("she has it %d times, want %d", got, want)
			}
		})
	}
}

func TestExpiredReplyTokenBecomesAPush(t *testing.T) {
	c := newCourierHouse(t, dbtest.New(t), linefake.Options{ReplyLife: time.Nanosecond})
	th := c.wrote(userMei)
	c.work()
	m := c.say(th.ID, "answer")
	if how := c.settled()[m.ID]; how != "sent" {
		t.Errorf("it is %s", how)
	}
	if sent := c.fake.Sent(userMei); len(sent) != 1 || sent[0].RetryKey == "" {
		t.Errorf("sent %+v", sent)
	}
}

// A wrong token must not fail messages at once: an administrator mends it, and
// they go on. Until then the bubble says why it waits.
func TestAccountIsMended(t *testing.T) {
	clock := dbtest.NewClock(time.Now())
	c := newCourierHouse(t, dbtest.NewAt(t, clock), linefake.Options{})
	e := says(userMei, 1, "hello")
	e.ReplyToken = ""
	c.receive(e)
	c.fake.FailNext(1, linefake.Fault{Status: 401, Message: "Authentication failed"})
	m := c.say(c.only(c.mei).ID, "answer")
	c.work()
	eventually(t, 60*time.Second, func() bool {
		var got Message
		c.read(func(tx *db.Tx) (err error) { got, err = c.message(tx, m.ID); return err })
		return got.Status == StatusQueued && got.Failure == "misconfigured"
	})
	clock.Advance(2 * time.Minute)
	if how := c.settled()[m.ID]; how != "sent" {
		t.Errorf("it is %s", how)
	}
}

// A bad bubble must not take its neighbours along.
func TestRejectedBubbleTravelsAlone(t *testing.T) {
	c := newCourierHouse(t, dbtest.New(t), linefake.Options{})
	e := says(userMei, 1, "hello")
	e.ReplyToken = ""
	c.receive(e)
	th := c.only(c.mei)
	one, two, three := c.say(th.ID, "one"), c.say(th.ID, "two"), c.say(th.ID, "three")
	// The call with three is refused, then the second of the three alone.
	bad := linefake.Fault{Status: 400, Message: "invalid"}
	c.fake.FailNext(1, bad)
	calls := 0
	c.fake.Fail(func(r *http.Request) linefake.Fault {
		if !strings.HasSuffix(r.URL.Path, "/push") {
			return linefake.Fault{}
		}
		if calls++; calls == 2 {
			return bad
		}
		return linefake.Fault{}
	})
	c.work()
	ends := c.settled()
	if ends[one.ID] != "sent" || ends[two.ID] != "failed rejected" || ends[three.ID] != "sent" {
		t.Errorf("ends %v", ends)
	}
	if got := texts(c.fake.Sent(userMei)); !slices.Equal(got, []string{"one", "three"}) {
		t.Errorf("sent %q", got)
	}
}

func TestBlockedIsNotCalledSent(t *testing.T) {
	c := newCourierHouse(t, dbtest.New(t), linefake.Options{})
	c.receive(says(userMei, 1, "hello"))
	th := c.only(c.mei)
	block := says(userMei, 2, "")
	block.Kind, block.Body, block.ReplyToken = channel.Unfollow, channel.Body{}, ""
	c.receive(block)
	m := c.say(th.ID, "are you there?")
	if m.Status != StatusRefused || m.Failure != "blocked" {
		t.Errorf("status %s %s", m.Status, m.Failure)
	}
}

func TestSameKeyIsOneMessage(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		h.receive(says("U1", 1, "hello"))
		th := h.only(h.mei)
		ids := make(chan string, 20)
		for range 20 {
			go func() {
				var m Message
				err := h.DB.Write(context.Background(), func(tx *db.Tx) (err error) {
					m, err = h.Say(tx, h.mei, Draft{ThreadID: th.ID, ClientKey: "k1", Body: channel.Body{Type: channel.Text, Text: "hi"}})
					return err
				})
				if err != nil {
					t.Error(err)
				}
				ids <- m.ID
			}()
		}
		first := <-ids
		for range 19 {
			if id := <-ids; id != first {
				t.Errorf("a second message %s beside %s", id, first)
			}
		}
	})
}

// Everything at once: many threads, a platform that fails in every way before
// and after taking effect, workers that are killed and started again. Every
// message must arrive once, in the order of its thread.
func TestExactlyOnceInOrderThroughTrouble(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		c := newCourierHouse(t, d, linefake.Options{})
		const threads, each = 8, 10
		users := make([]string, threads)
		for n := range users {
			users[n] = fmt.Sprintf("U%032d", n+1)
			e := says(users[n], n, "hello")
			e.ReplyToken = ""
			c.receive(e)
		}
		random := rand.New(rand.NewPCG(1, 2))
		faults := []linefake.Fault{{Status: 500}, {Status: 500, After: true}, {Drop: true}, {Drop: true, After: true},
			{Status: 429, Message: "The API rate limit has been exceeded. Try again later.", RetryAfter: time.Second}}
		dice := make(chan linefake.Fault, 1)
		rolling, stopDice := context.WithCancel(context.Background())
		defer stopDice()
		go func() {
			for {
				f := linefake.Fault{}
				if random.IntN(8) == 0 {
					f = faults[random.IntN(len(faults))]
				}
				select {
				case dice <- f:
				case <-rolling.Done():
					return
				}
			}
		}()
		c.fake.Fail(func(r *http.Request) linefake.Fault {
			if !strings.HasSuffix(r.URL.Path, "/push") {
				return linefake.Fault{}
			}
			return <-dice
		})
		byUser := map[string]string{}
		for _, th := range c.threads(c.mei, Filter{Box: BoxAll, Limit: 100}) {
			c.read(func(tx *db.Tx) error {
				external, err := c.Book.External(tx, th.IdentityID)
				byUser[external] = th.ID
				return err
			})
		}
		var want []string
		for n := range each {
			if n%5 == 0 { // a node goes away and another one comes
				c.halt()
				c.work()
			}
			want = append(want, fmt.Sprint(n))
			for _, u := range users {
				c.say(byUser[u], fmt.Sprint(n))
			}
		}
		for id, how := range c.settled() {
			if how != "sent" {
				t.Errorf("%s is %s", id, how)
			}
		}
		for _, u := range users {
			if got := texts(c.fake.Sent(u)); !slices.Equal(got, want) {
				t.Errorf("%s has %v", u, got)
			}
		}
	})
}

// A thread with very much in it does not hide what is queued in others.
func TestQueuedOfManyThreads(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		var threads []string
		for n := range 5 {
			user := fmt.Sprint("U", n)
			h.receive(says(user, n, "hello"))
			h.write(func(tx *db.Tx) error {
				who, err := h.Book.Find(tx, h.account.ID, user)
				check(t, err)
				var id string
				check(t, tx.QueryRow(`SELECT id FROM thread WHERE customer_id = $1`, who.CustomerID).Scan(&id))
				threads = append(threads, id)
				for i := range map[int]int{0: 3, 1: 100, 2: 0, 3: 60, 4: 1}[n] {
					_, err := h.Send(tx, Draft{ThreadID: id, Author: AuthorAutomation, AuthorID: "test", Body: channel.Body{Type: channel.Text, Text: fmt.Sprint(i)}})
					check(t, err)
				}
				return nil
			})
		}
		h.read(func(tx *db.Tx) error {
			got, err := readQueued(tx, threads)
			for n, want := range []int{3, perThread, 0, perThread, 1} {
				rows := got[threads[n]]
				if len(rows) != want || !slices.IsSortedFunc(rows, func(x, y row) int { return strings.Compare(x.ID, y.ID) }) {
					t.Errorf("thread %d: %d messages, want %d in order", n, len(rows), want)
				}
			}
			return err
		})
	})
}
