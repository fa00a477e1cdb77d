package app

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"dingdong/internal/channel/line/linefake"
	"dingdong/internal/db"
)

// The load of the tests in which something breaks.
const (
	writers   = 4 // customers' connections; each posts for people of its own
	perWriter = 3 // customers of each connection
	speakers  = 2 // advisor's pages; each answers in threads of its own
)

// ledger remembers what was acknowledged.
type ledger struct {
	mu      sync.Mutex
	arrived map[string]bool     // event ids that got a 200
	texts   map[string][]string // user -> the texts her connection sent, in order
	said    map[string][]string // user -> answers that were acknowledged, in order
	faults  []string
}

func newLedger() *ledger {
	return &ledger{arrived: map[string]bool{}, texts: map[string][]string{}, said: map[string][]string{}}
}

func (l *ledger) note(do func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	do()
}

func (l *ledger) fault(format string, args ...any) {
	l.note(func() { l.faults = append(l.faults, fmt.Sprintf(format, args...)) })
}

// post sends one body until it is acknowledged: what was not is sent again under
// the same ids, as a platform would, over every crash in between.
func post(ctx context.Context, c *http.Client, address string, body []byte) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("X-Line-Signature", linefake.Sign(lineSecret, body))
	res, err := c.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	return res.StatusCode, err
}

// pause waits a little, without sleeping past the end.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// persist does something again and again until it is acknowledged; false: the
// test has ended before.
func persist(ctx context.Context, try func() bool) bool {
	for ctx.Err() == nil {
		if try() {
			return true
		}
		pause(ctx, 10*time.Millisecond)
	}
	return false
}

func writerUser(writer, n int) string { return fmt.Sprintf("U%016x%016x", writer, n) }

// customers post webhooks over one connection until enough is closed; each body
// in flight is persisted to the end.
func (l *ledger) customers(ctx context.Context, enough <-chan struct{}, writer int, s scene) {
	client := &http.Client{Transport: &http.Transport{}, Timeout: 5 * time.Second}
	defer client.CloseIdleConnections()
	for n := 0; ; n++ {
		select {
		case <-enough:
			return
		default:
		}
		user := writerUser(writer, n%perWriter)
		at := time.Now()
		var events []linefake.Event
		for k := range 1 + n%3 { // one to three in a body, of one customer
			text := fmt.Sprintf("w%d n%d k%d", writer, n, k)
			meta := linefake.Meta{User: user, At: at.Add(time.Duration(k) * time.Millisecond), ReplyToken: s.platform.IssueReplyToken(user)}
			e := linefake.TextEvent(meta, text)
			events = append(events, e)
			l.note(func() {
				l.texts[user] = append(l.texts[user], text)
			})
		}
		body := linefake.Body("U1", events...)
		done := persist(ctx, func() bool {
			status, err := post(ctx, client, s.base+s.path, body)
			if err == nil && status >= 400 && status < 500 {
				l.fault("a good body was refused with %d", status)
			}
			return err == nil && status == http.StatusOK
		})
		if !done {
			return
		}
		l.note(func() {
			for _, e := range events {
				l.arrived[e.WebhookEventID] = true
			}
		})
		pause(ctx, 3*time.Millisecond) // more than the milliseconds by which its events differ
	}
}

// advisor answers in the threads of one customer, one line after the other, with
// a key for each; a line that was not acknowledged is said again under its key.
func (l *ledger) advisor(ctx context.Context, enough <-chan struct{}, b *browser, user, thread string) {
	for n := 0; ; n++ {
		select {
		case <-enough:
			return
		default:
		}
		text := fmt.Sprintf("to %s line %d", user[len(user)-4:], n)
		form := url.Values{"key": {"key " + strconv.Itoa(n)}, "text": {text}}
		done := persist(ctx, func() bool {
			a, err := b.tryPost("/inbox/"+thread+"/messages", form)
			if err == nil && a.status >= 400 && a.status < 500 {
				l.fault("an answer was refused with %d: %.300s", a.status, a.body)
			}
			return err == nil && a.status == http.StatusOK
		})
		if !done {
			return
		}
		l.note(func() { l.said[user] = append(l.said[user], text) })
	}
}

// photographer sends pictures from her phone until enough is closed: the
// platform itself delivers them, again and again, as LINE does.
func photographer(ctx context.Context, enough <-chan struct{}, platform *linefake.Platform, picture []byte) (sent int) {
	for {
		select {
		case <-enough:
			return sent
		default:
		}
		platform.Image(photographerUser, linefake.File{MIME: "image/jpeg", Bytes: picture})
		sent++
		pause(ctx, 50*time.Millisecond)
	}
}

const photographerUser = "Uffffffffffffffffffffffffffffffff"

// follower is a program that follows the events over every break, by the id of
// the last it saw.
type follower struct {
	mu   sync.Mutex
	seen []int64
}

func (f *follower) follow(ctx context.Context, base, token string) {
	last := "0"
	for ctx.Err() == nil {
		f.stream(ctx, base, token, &last)
		pause(ctx, 20*time.Millisecond)
	}
}

func (f *follower) stream(ctx context.Context, base, token string, last *string) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/api/v1/events", nil)
	if err != nil {
		return
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Last-Event-ID", *last)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 1<<20)
	id, data := *last, false
	for lines.Scan() {
		line := lines.Text()
		switch {
		case strings.HasPrefix(line, "id: "):
			id = line[len("id: "):]
		case strings.HasPrefix(line, "data: "):
			data = true
		case line == "": // only a whole event counts, as in a browser
			*last = id
			if data {
				n, _ := strconv.ParseInt(id, 10, 64)
				f.mu.Lock()
				f.seen = append(f.seen, n)
				f.mu.Unlock()
			}
			data = false
		}
	}
}

// upTo is the number of the last event seen.
func (f *follower) upTo() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.seen) == 0 {
		return 0
	}
	return f.seen[len(f.seen)-1]
}

// check: every number from the first on, once, in order.
func (f *follower) check(t *testing.T) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	for n, seq := range f.seen {
		if seq != int64(n+1) {
			t.Errorf("the follower's event %d has the number %d: something was missed or told twice", n+1, seq)
			return
		}
	}
}

// greet makes everybody a friend and opens the threads in which is answered.
func (h *home) greet() map[string]string {
	h.t.Helper()
	for w := range writers {
		for n := range perWriter {
			h.phone.Befriend(writerUser(w, n))
		}
	}
	threads := map[string]string{}
	for s := range speakers {
		user := writerUser(s, 0)
		h.deliver(linefake.TextEvent(linefake.Meta{User: user, At: time.Now().Add(-time.Minute)}, "hello"))
		threads[user] = h.thread(user)
	}
	return threads
}

// scene is where load is made.
type scene struct {
	t        *testing.T
	platform *linefake.Platform
	base     string            // of the house
	path     string            // of the webhook
	threads  map[string]string // user -> thread, to be answered
}

// load lets customers write and advisors answer until rest is called, which
// returns when everything begun has been acknowledged.
func (l *ledger) load(ctx context.Context, s scene) (rest func()) {
	s.t.Helper()
	enough := make(chan struct{})
	var all sync.WaitGroup
	for user, thread := range s.threads {
		b := newBrowser(s.t, s.base)
		if a := b.post("/sign-in", url.Values{"email": {advisorEmail}, "password": {advisorPassword}}); a.status != http.StatusSeeOther {
			s.t.Fatalf("sign-in answered %d", a.status)
		}
		all.Go(func() { l.advisor(ctx, enough, b, user, thread) })
	}
	for w := range writers {
		all.Go(func() { l.customers(ctx, enough, w, s) })
	}
	return func() {
		close(enough)
		all.Wait()
	}
}

// awaitPhones waits until what was acknowledged is delivered, without anybody's help.
func (l *ledger) awaitPhones(t *testing.T, platform *linefake.Platform) {
	t.Helper()
	eventuallyIn(t, 40*time.Second, func() string {
		for user, said := range l.said {
			if got := len(platform.Sent(user)); got < len(said) {
				return fmt.Sprintf("%d of %d answers have reached %s", got, len(said), user)
			}
		}
		return ""
	})
}

// checkPhones: every acknowledged answer exactly once, in order.
func (l *ledger) checkPhones(t *testing.T, platform *linefake.Platform) {
	t.Helper()
	for user, said := range l.said {
		var got []string
		replies := 0
		for _, m := range platform.Sent(user) {
			got = append(got, m.Text)
			if m.ReplyToken != "" {
				replies++
			}
		}
		if replies == 0 || replies == len(got) {
			t.Errorf("%d of %d answers were replies: both ways out should be used", replies, len(got))
		}
		if !slices.Equal(got, said) {
			t.Errorf("%s was told %d lines and her phone shows %d; %s", user, len(said), len(got), firstDifference(said, got))
		}
		if len(said) < 20 {
			t.Errorf("only %d answers to %s: the test says little", len(said), user)
		}
	}
	if odd := platform.Oddities(); len(odd) > 0 {
		t.Errorf("the platform noticed: %q", odd[:min(5, len(odd))])
	}
}

// checkHouse: every acknowledged event exactly once, nothing else, in order.
func (l *ledger) checkHouse(t *testing.T, h *home) {
	t.Helper()
	h.quiet()
	counts := map[string]int{}
	must(t, h.DB.Read(t.Context(), func(tx *db.Tx) error {
		rows, err := tx.Query(`SELECT event_id FROM message WHERE event_id IS NOT NULL`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var id string
			if err := rows.Scan(&id); err != nil {
				return err
			}
			counts[id]++
		}
		return rows.Err()
	}))
	missing := 0
	for id := range l.arrived {
		if counts[id] == 0 {
			missing++
		}
	}
	if missing > 0 {
		t.Errorf("%d of %d acknowledged events are missing", missing, len(l.arrived))
	}
	for id, n := range counts {
		if n > 1 {
			t.Errorf("event %s is there %d times", id, n)
		}
	}
	for user, texts := range l.texts {
		hash := h.Desk.Book.ExternalHash(h.accountIn(t), user)
		got := h.said(`WHERE author = 'customer' AND type = 'text' AND customer_id = (SELECT customer_id FROM identity WHERE external_hash = $1)
			ORDER BY at, id`, hash)
		if len(got) > 0 && got[0] == "hello" {
			got = got[1:]
		}
		if !slices.Equal(got, texts) {
			t.Errorf("%s wrote %d texts and %d are there; %s", user, len(texts), len(got), firstDifference(texts, got))
		}
	}
	for what, query := range map[string]string{
		"customers twice":              `SELECT COUNT(*) - COUNT(DISTINCT external_hash) FROM identity`,
		"answers that are not sent":    `SELECT COUNT(*) FROM message WHERE author = 'staff' AND status <> 'sent'`,
		"dead jobs":                    `SELECT COUNT(*) FROM job WHERE dead_at IS NOT NULL`,
		"messages without their event": `SELECT COUNT(*) FROM message WHERE id NOT IN (SELECT message_id FROM event)`,
		"gaps in the event log":        `SELECT n - (SELECT COUNT(*) FROM event) FROM tally WHERE name = 'event'`,
		"messages received twice":      `SELECT COUNT(*) - COUNT(DISTINCT message_id) FROM event WHERE kind = 'message.received'`,
		"unread that were never read":  `SELECT COUNT(*) FROM thread t WHERE unread > (SELECT COUNT(*) FROM message m WHERE m.thread_id = t.id AND author = 'customer')`,
	} {
		if n := h.number(query); n != 0 {
			t.Errorf("%s: %d", what, n)
		}
	}
}

// progress is how far the slowest connection and the slowest advisor have come.
func (l *ledger) progress(threads map[string]string) (events, answers int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	answers = math.MaxInt
	for user := range threads {
		answers = min(answers, len(l.said[user]))
	}
	return len(l.arrived), answers
}

// work lets the load come on: a kill is to hit a house that has something to lose,
// however slow the machine is.
func (l *ledger) work(ctx context.Context, s scene, events, answers int) {
	e0, a0 := l.progress(s.threads)
	for ctx.Err() == nil {
		if e, a := l.progress(s.threads); e >= e0+events && a >= a0+answers {
			return
		}
		pause(ctx, 20*time.Millisecond)
	}
}

// accountIn is the id of the one account in the database.
func (h *home) accountIn(t *testing.T) string {
	t.Helper()
	return h.text(`SELECT id FROM account`)
}

// tell says how much load there was.
func (l *ledger) tell(t *testing.T) {
	t.Helper()
	answers := 0
	for _, said := range l.said {
		answers += len(said)
	}
	t.Logf("%d events and %d answers were acknowledged", len(l.arrived), answers)
}

// firstDifference says where two lists part.
func firstDifference(want, got []string) string {
	for n := range min(len(want), len(got)) {
		if want[n] != got[n] {
			return fmt.Sprintf("number %d is %q, not %q", n, got[n], want[n])
		}
	}
	if len(want) > len(got) {
		return fmt.Sprintf("%q is missing", want[len(got)])
	}
	if len(got) > len(want) {
		return fmt.Sprintf("%q is too much", got[len(want)])
	}
	return "they are the same"
}
