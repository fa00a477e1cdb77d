package app

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"dingdong/internal/channel/line/linefake"
	"dingdong/internal/db"
)

// The kill test: a house in a process of its own, killed ten times under load.
const (
	kills     = 10
	writers   = 4 // customers' connections; each posts for people of its own
	perWriter = 3 // customers of each connection
	speakers  = 2 // advisor's pages; each answers in threads of its own
)

// program is the house as a child process.
type program struct {
	t      *testing.T
	binary string
	dir    string
	listen string
	log    *record
	cmd    *exec.Cmd
	ended  chan error
}

// build makes the binary once.
func build(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "dingdong")
	cmd := exec.Command("go", "build", "-o", binary, "dingdong/cmd/dingdong")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return binary
}

// freeAddress is an address that was free a moment ago.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	return l.Addr().String()
}

func (p *program) start() {
	p.t.Helper()
	p.cmd = exec.Command(p.binary, "serve", "--data", p.dir, "--listen", p.listen, "--metrics", "off", "--log-level", "warn")
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	must(p.t, p.cmd.Start())
	cmd, ended := p.cmd, make(chan error, 1)
	p.ended = ended
	go func() { ended <- cmd.Wait() }()
	eventually(p.t, func() string {
		select {
		case err := <-ended:
			p.t.Fatalf("the house ended at its start: %v\n%s", err, p.log)
		default:
		}
		res, err := http.Get("http://" + p.listen + "/readyz")
		if err != nil {
			return err.Error()
		}
		defer res.Body.Close()
		if res.StatusCode != http.StatusOK {
			return res.Status
		}
		return ""
	})
}

// kill gives it no chance to say goodbye.
func (p *program) kill() {
	p.t.Helper()
	must(p.t, p.cmd.Process.Kill())
	if err := <-p.ended; err == nil {
		p.t.Fatal("the house ended by itself")
	}
}

// terminate asks it to stop and waits until it has.
func (p *program) terminate() {
	p.t.Helper()
	must(p.t, p.cmd.Process.Signal(os.Interrupt))
	select {
	case err := <-p.ended:
		if err != nil {
			p.t.Fatalf("stopping: %v\n%s", err, p.log)
		}
	case <-time.After(20 * time.Second):
		p.t.Fatalf("the house does not stop\n%s", p.log)
	}
}

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

func TestKilledTenTimesUnderLoad(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	platform := newPlatform(t, linefake.Options{AutoFriend: true, Latency: 2 * time.Millisecond})
	p := &program{t: t, binary: build(t), dir: t.TempDir(), listen: freeAddress(t), log: &record{}}
	furnished := newHouseWith(t, plan{dir: p.dir, phone: platform})
	threads := furnished.greet()
	must(t, furnished.stop())

	p.start()
	t.Cleanup(func() { p.cmd.Process.Kill() })
	base := "http://" + p.listen
	l := newLedger()
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	rest := l.load(ctx, scene{t: t, base: base, platform: platform, path: furnished.account.WebhookPath(), threads: threads})
	for range kills {
		pause(ctx, time.Duration(300+rand.IntN(600))*time.Millisecond)
		p.kill()
		p.start()
	}
	pause(ctx, 300*time.Millisecond)
	rest()
	if ctx.Err() != nil {
		t.Fatalf("the load did not come to its end\n%s", p.log)
	}
	for _, f := range l.faults {
		t.Error(f)
	}
	l.awaitPhones(t, platform)
	p.terminate()

	l.checkPhones(t, platform)
	after := newHouseWith(t, plan{dir: p.dir, unsown: true, phone: platform})
	l.checkHouse(t, after)
	must(t, after.stop())
	var out bytes.Buffer
	if status := Main(t.Context(), []string{"check", "--data", p.dir}, Streams{In: strings.NewReader(""), Out: &out, Err: &out}); status != 0 {
		t.Errorf("check ends with %d:\n%s", status, &out)
	}
	l.tell(t)
	if len(l.arrived) < 100 {
		t.Error("there was hardly any load: the test says nothing")
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
