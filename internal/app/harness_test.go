package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"dingdong/internal/channel"
	"dingdong/internal/channel/line/linefake"
	"dingdong/internal/conversation"
	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
	"dingdong/internal/staff"
)

// What the test house is made of.
const (
	lineSecret      = "8c570fa6dd201bb328f1c1eac23a96d8"
	lineToken       = "the-channel-access-token-of-the-tests"
	advisorEmail    = "mei@counter.example"
	advisorPassword = "a long enough pass phrase"
)

// home is a whole house on loopback addresses, with a LINE platform beside it.
type home struct {
	*App
	t       *testing.T
	dir     string
	url     string
	phone   *linefake.Platform
	account conversation.Account
	counter string
	advisor string
	log     *record
	stop    func() error // ends Run and waits for it; may be called again
}

// plan is what a test wants otherwise; the zero value is the usual house.
type plan struct {
	dir     string           // empty: a folder of the test
	config  func(*Config)    // after the defaults
	line    linefake.Options // of the platform
	tune    func(*App)       // before Run
	unsown  bool             // the database is furnished already
	greets  bool             // it tells new friends who it is; the other stories are about something else
	phone   *linefake.Platform
	account conversation.Account
}

func newHouse(t *testing.T) *home { return newHouseWith(t, plan{}) }

func newHouseWith(t *testing.T, p plan) *home {
	t.Helper()
	h := &home{t: t, dir: p.dir, log: &record{}, phone: p.phone, account: p.account}
	if h.dir == "" {
		h.dir = dbtest.Folder(t)
		dbtest.Sow(t, filepath.Join(h.dir, "dingdong.db"))
	}
	if h.phone == nil {
		h.phone = newPlatform(t, p.line)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the log of the house:\n%s", h.log)
		}
	})
	c := Config{Data: h.dir, Listen: "127.0.0.1:0", Metrics: "off", LogLevel: "debug", Senders: 64}
	if p.config != nil {
		p.config(&c)
	}
	var err error
	h.App, err = New(t.Context(), c, newLog(c, h.log))
	must(t, err)
	if p.tune != nil {
		p.tune(h.App)
	}
	h.url = "http://" + h.Address()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	var result error
	go func() {
		defer close(ended)
		result = h.Run(ctx)
	}()
	h.stop = func() error {
		cancel()
		select {
		case <-ended:
			return result
		case <-time.After(patience):
			return fmt.Errorf("the house does not stop")
		}
	}
	t.Cleanup(func() {
		if err := h.stop(); err != nil {
			t.Errorf("stop: %v", err)
		}
	})
	if !p.unsown {
		h.furnish()
	}
	h.write(func(tx *db.Tx) error {
		_, err := h.Desk.SaveChatRules(tx, staff.System(), conversation.ChatRules{NoGreeting: !p.greets})
		return err
	})
	h.phone.SetWebhook(h.url+h.account.WebhookPath(), true)
	return h
}

// newPlatform starts a LINE platform with the credentials of the tests; its
// address is the option Picture's neighbour: see platformURL.
func newPlatform(t *testing.T, o linefake.Options) *linefake.Platform {
	t.Helper()
	o.Secret, o.Token, o.AllowHTTP = lineSecret, lineToken, true
	if o.Backoff == 0 {
		o.Backoff = 20 * time.Millisecond
	}
	var p *linefake.Platform
	var photo []byte
	if o.Portrait != nil {
		photo = portrait(t)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/faces/") {
			_, _ = w.Write(photo)
			return
		}
		p.ServeHTTP(w, r)
	}))
	o.Picture = server.URL + "/the-account.png"
	if path := o.Portrait; path != nil { // a path of ours
		o.Portrait = func(user string) string { return server.URL + path(user) }
	}
	var err error
	p, err = linefake.New(o)
	must(t, err)
	t.Cleanup(func() {
		p.Close() // first, so that nothing calls a server that is gone
		server.CloseClientConnections()
		server.Close()
	})
	return p
}

// platformURL is where a platform of newPlatform answers.
func platformURL(p *linefake.Platform) string {
	return strings.TrimSuffix(p.Options().Picture, "/the-account.png")
}

// furnish makes a store with a counter, its advisor and its LINE account.
func (h *home) furnish() {
	h.t.Helper()
	h.write(func(tx *db.Tx) error {
		system := staff.System()
		store, err := staff.SaveStore(tx, system, staff.StoreForm{Name: "Xinyi", Timezone: "Asia/Taipei"})
		if err != nil {
			return err
		}
		brand, err := staff.SaveBrand(tx, system, staff.BrandForm{Name: "Rosée"})
		if err != nil {
			return err
		}
		counter, err := staff.SaveCounter(tx, system, staff.CounterForm{StoreID: store.ID, BrandID: brand.ID, Name: "Rosée Xinyi"})
		if err != nil {
			return err
		}
		h.counter = counter.ID
		p, err := staff.SaveStaff(tx, system, staff.StaffForm{Name: "Mei", Email: advisorEmail, Role: staff.Advisor, Counters: []string{counter.ID}})
		if err != nil {
			return err
		}
		h.advisor = p.ID
		base := platformURL(h.phone)
		h.account, err = h.Desk.SaveAccount(tx, system, conversation.AccountForm{Channel: channel.LINE, Name: "Rosée LINE",
			CounterID: counter.ID, Secret: lineSecret, Token: lineToken, APIBase: base, DataBase: base})
		return err
	})
	must(h.t, h.Door.GivePassword(h.t.Context(), staff.System(), h.advisor, advisorPassword))
}

func (h *home) write(fn func(tx *db.Tx) error) {
	h.t.Helper()
	must(h.t, h.DB.Write(context.Background(), fn))
}

// number is the one number that a query gives.
func (h *home) number(query string, args ...any) int {
	h.t.Helper()
	var n int
	must(h.t, h.DB.Read(context.Background(), func(tx *db.Tx) error { return tx.QueryRow(query, args...).Scan(&n) }))
	return n
}

// count is how many rows a table has.
func (h *home) count(table string) int {
	h.t.Helper()
	return h.number("SELECT COUNT(*) FROM " + table)
}

// stored are the rows that a webhook can make, counted.
type stored struct{ Customers, Threads, Messages, Notices, Events int }

func (h *home) stored() stored {
	h.t.Helper()
	return stored{Customers: h.count("customer"), Threads: h.count("thread"), Messages: h.count("message"), Notices: h.count("notice"),
		Events: h.number("SELECT COUNT(*) FROM event WHERE kind = 'message.received'")}
}

// answer is what an HTTP request came to.
type answer struct {
	status int
	header http.Header
	body   string
}

// knock posts a webhook body with a signature.
func (h *home) knock(body []byte, signature string) answer {
	h.t.Helper()
	req, err := http.NewRequest(http.MethodPost, h.url+h.account.WebhookPath(), bytes.NewReader(body))
	must(h.t, err)
	if signature != "" {
		req.Header.Set("X-Line-Signature", signature)
	}
	a, err := do(http.DefaultClient, req)
	must(h.t, err)
	return a
}

// deliver posts events, well signed, and demands a 200.
func (h *home) deliver(events ...linefake.Event) {
	h.t.Helper()
	body := linefake.Body(h.phone.Options().BotID, events...)
	if a := h.knock(body, linefake.Sign(lineSecret, body)); a.status != http.StatusOK {
		h.t.Fatalf("the door answered %d: %s", a.status, a.body)
	}
}

func do(c *http.Client, req *http.Request) (answer, error) {
	res, err := c.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return answer{status: res.StatusCode, header: res.Header, body: string(body)}, err
}

// browser is somebody who is signed in.
type browser struct {
	t    *testing.T
	base string
	http *http.Client
}

// newBrowser is a browser that keeps cookies and follows no redirect.
func newBrowser(t *testing.T, base string) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	must(t, err)
	transport := &http.Transport{MaxIdleConnsPerHost: 8, DialContext: (&net.Dialer{Timeout: patience}).DialContext}
	t.Cleanup(transport.CloseIdleConnections)
	return &browser{t: t, base: base, http: &http.Client{Jar: jar, Transport: transport, Timeout: patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// signIn signs the advisor in, as her page does.
func (h *home) signIn() *browser {
	h.t.Helper()
	b := newBrowser(h.t, h.url)
	a := b.post("/sign-in", url.Values{"email": {advisorEmail}, "password": {advisorPassword}})
	if a.status != http.StatusSeeOther {
		h.t.Fatalf("sign-in answered %d", a.status)
	}
	return b
}

func (b *browser) get(path string) answer {
	b.t.Helper()
	req, err := http.NewRequest(http.MethodGet, b.base+path, nil)
	must(b.t, err)
	a, err := do(b.http, req)
	must(b.t, err)
	return a
}

func (b *browser) post(path string, form url.Values) answer {
	b.t.Helper()
	a, err := b.tryPost(path, form)
	must(b.t, err)
	return a
}

// tryPost is post for a house that may not be there.
func (b *browser) tryPost(path string, form url.Values) (answer, error) {
	req, err := http.NewRequest(http.MethodPost, b.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Hx-Request", "true")
	if path == "/sign-in" {
		req.Header.Del("Hx-Request")
	}
	return do(b.http, req)
}

// eventually waits until what holds returns "", or fails with what it says.
func eventually(t *testing.T, holds func() string) {
	t.Helper()
	eventuallyIn(t, patience, holds)
}

func eventuallyIn(t *testing.T, limit time.Duration, holds func() string) {
	t.Helper()
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		why := holds()
		if why == "" {
			return
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("after %v: %s", limit, why)
		}
	}
}

// quiet waits until nothing is left to do now.
func (h *home) quiet() {
	h.t.Helper()
	eventually(h.t, func() string {
		if n := h.number(`SELECT COUNT(*) FROM job WHERE key IS NULL OR key <> 'periodic'`); n > 0 {
			return fmt.Sprintf("%d jobs are open", n)
		}
		if n := h.number(`SELECT (SELECT n FROM tally WHERE name = 'event') - (SELECT n FROM tally WHERE name = 'react')`); n > 0 {
			return fmt.Sprintf("%d events wait for their reactions", n)
		}
		return ""
	})
}

// record is a log that can be read while it is written.
type record struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (r *record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(p)
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// files reads every file below a folder.
func files(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	must(t, filepath.WalkDir(dir, func(name string, e os.DirEntry, err error) error {
		if errors.Is(err, os.ErrNotExist) { // it went while we looked
			return nil
		}
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(name)
		if errors.Is(err, os.ErrNotExist) {
			return nil
		}
		all[name] = content
		return err
	}))
	return all
}

// silent is a log nobody reads.
func silent() *slog.Logger { return slog.New(slog.DiscardHandler) }
