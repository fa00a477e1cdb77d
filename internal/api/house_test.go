package api

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"dingdong/internal/blob"
	"dingdong/internal/catalogue"
	"dingdong/internal/channel"
	"dingdong/internal/channel/webchat"
	"dingdong/internal/consent"
	"dingdong/internal/conversation"
	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
	"dingdong/internal/event"
	"dingdong/internal/handover"
	"dingdong/internal/insight"
	"dingdong/internal/privacy"
	"dingdong/internal/staff"
	"dingdong/internal/vault"
	"dingdong/internal/webhook"
)

// house is a small store group behind a running API.
type house struct {
	t       testing.TB
	db      *db.DB
	desk    *conversation.Desk
	hooks   *webhook.Room
	shop    *catalogue.Shop
	reader  *insight.Room
	consent *consent.Room
	account conversation.Account
	advisor staff.Person // answers at the account's counter
	manager staff.Person // of another store
	counter string
	url     string
	token   string // with every scope
	stop    chan struct{}
	keys    int // of requests so far: each has its own
}

func newHouse(t testing.TB, d *db.DB, change ...func(*Deps)) *house {
	t.Helper()
	v, err := vault.Open("file:"+filepath.Join(t.TempDir(), "key.json"), d)
	if err != nil {
		t.Fatal(err)
	}
	blobs, err := blob.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	h := &house{t: t, db: d, stop: make(chan struct{}), desk: &conversation.Desk{DB: d, Vault: v, Book: &customer.Book{Vault: v}, Blobs: blobs,
		Adapters: map[channel.Kind]channel.Adapter{channel.WebChat: webchat.Adapter{}}, PublicURL: "https://shop.example"}}
	h.shop = &catalogue.Shop{DB: d, Vault: v, Book: h.desk.Book, Blobs: blobs}
	h.reader = &insight.Room{Vault: v, Book: h.desk.Book, Desk: h.desk}
	h.hooks = webhook.New(webhook.Options{DB: d, Vault: v, Desk: h.desk, AllowLocal: true})
	h.write(h.desk.Book.EnsureDefaults)
	h.consent = &consent.Room{Vault: v, Book: h.desk.Book}
	h.write(h.consent.EnsureShipped)
	h.write(func(tx *db.Tx) error { // a program reads what people say
		_, err := h.desk.SaveChatRules(tx, staff.System(), conversation.ChatRules{NoGreeting: true})
		return err
	})
	h.write(h.furnish)
	events := event.NewLog(d)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); events.Run(ctx) }()
	deps := Deps{DB: d, Desk: h.desk, Events: events, Hooks: h.hooks, Shop: h.shop, Reader: h.reader, Consent: h.consent,
		Privacy: &privacy.Room{DB: d, Vault: h.desk.Vault, Book: h.desk.Book, Desk: h.desk}, Hands: &handover.Room{DB: d, Desk: h.desk, Consent: h.consent}, PublicURL: "https://shop.example", Stopping: h.stop, Rate: 100_000}
	for _, c := range change {
		c(&deps)
	}
	server := httptest.NewServer(New(deps))
	h.url = server.URL
	t.Cleanup(func() { server.CloseClientConnections(); server.Close(); cancel(); <-done })
	return h
}

func (h *house) furnish(tx *db.Tx) error {
	sys := staff.System()
	north, err := staff.SaveStore(tx, sys, staff.StoreForm{Name: "North"})
	if err != nil {
		return err
	}
	south, err := staff.SaveStore(tx, sys, staff.StoreForm{Name: "South"})
	if err != nil {
		return err
	}
	rose, err := staff.SaveBrand(tx, sys, staff.BrandForm{Name: "Rose"})
	if err != nil {
		return err
	}
	counter, err := staff.SaveCounter(tx, sys, staff.CounterForm{StoreID: north.ID, BrandID: rose.ID})
	if err != nil {
		return err
	}
	h.counter = counter.ID
	if h.advisor, err = staff.SaveStaff(tx, sys, staff.StaffForm{Email: "mei@example.com", Name: "Mei", Role: staff.Advisor, Counters: []string{counter.ID}}); err != nil {
		return err
	}
	if h.manager, err = staff.SaveStaff(tx, sys, staff.StaffForm{Email: "kai@example.com", Name: "Kai", Role: staff.Manager, Stores: []string{south.ID}}); err != nil {
		return err
	}
	if h.account, err = h.desk.SaveAccount(tx, sys, conversation.AccountForm{Name: "Shop", CounterID: counter.ID, Channel: channel.WebChat}); err != nil {
		return err
	}
	h.token, _, err = staff.CreateToken(tx, sys, "all", staff.Scopes())
	return err
}

func (h *house) write(fn func(tx *db.Tx) error) {
	h.t.Helper()
	if err := h.db.Write(context.Background(), fn); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) read(fn func(tx *db.Tx) error) {
	h.t.Helper()
	if err := h.db.Read(context.Background(), fn); err != nil {
		h.t.Fatal(err)
	}
}

// tokenWith makes a token with these scopes.
func (h *house) tokenWith(scopes ...string) (plain string) {
	h.t.Helper()
	h.write(func(tx *db.Tx) (err error) {
		plain, _, err = staff.CreateToken(tx, staff.System(), "some", scopes)
		return err
	})
	return plain
}

// says lets a customer write, and gives the id of her thread.
func (h *house) says(who, text string) string {
	h.t.Helper()
	var thread string
	h.write(func(tx *db.Tx) error {
		id := tx.NewID("evt")
		_, err := h.desk.Receive(tx, h.account, []channel.Inbound{{
			EventID: id, ExternalID: id, Kind: channel.Message, At: tx.Now, Peer: channel.Peer{Type: channel.Person, ID: who, Name: who},
			Body: channel.Body{Type: channel.Text, Text: text, QuoteToken: "quote-" + id},
		}})
		if err != nil {
			return err
		}
		i, err := h.desk.Book.Find(tx, h.account.ID, who)
		if err != nil {
			return err
		}
		return tx.QueryRow(`SELECT id FROM thread WHERE customer_id = $1`, i.CustomerID).Scan(&thread)
	})
	return thread
}

// call is one request to the API.
type call struct {
	method, path, token, body string
	header                    map[string]string
}

// answer is what came of it.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (a answer) into(t testing.TB, v any) {
	t.Helper()
	if err := json.Unmarshal(a.body, v); err != nil {
		t.Fatalf("%v: %s", err, a.body)
	}
}

func (h *house) do(c call) answer {
	a, err := h.try(c)
	if err != nil {
		h.t.Error(err)
	}
	return a
}

func (h *house) try(c call) (answer, error) {
	if c.method == "" {
		c.method = http.MethodGet
	}
	req, err := http.NewRequest(c.method, h.url+c.path, strings.NewReader(c.body))
	if err != nil {
		return answer{}, err
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	if c.body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for k, v := range c.header {
		req.Header.Set(k, v)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	return answer{res.StatusCode, res.Header, raw}, err
}

// get asks with the token of every scope and expects 200.
func (h *house) get(path string, into any) {
	h.t.Helper()
	a := h.do(call{path: path, token: h.token})
	if a.status != http.StatusOK {
		h.t.Fatalf("GET %s: %d %s", path, a.status, a.body)
	}
	a.into(h.t, into)
}

func (h *house) send(thread, key, body string) answer {
	return h.do(call{method: http.MethodPost, path: prefix + "/threads/" + thread + "/messages", token: h.token, body: body,
		header: map[string]string{"Idempotency-Key": key}})
}

// problemOf checks that an answer is a problem and gives it.
func problemOf(t *testing.T, a answer, status int, kind string) Problem {
	t.Helper()
	var p Problem
	if a.status != status || a.header.Get("Content-Type") != "application/problem+json" {
		t.Fatalf("got %d %s %s, want %d %s", a.status, a.header.Get("Content-Type"), a.body, status, kind)
	}
	a.into(t, &p)
	if p.Type != problemType+kind || p.Status != status || p.Title == "" {
		t.Fatalf("got %+v, want %d %s", p, status, kind)
	}
	return p
}

func echo(text string) string {
	raw, _ := json.Marshal(map[string]any{"text": text, "as": map[string]string{"automation": "echo"}})
	return string(raw)
}

func sqlite(t *testing.T) *house { return newHouse(t, dbtest.New(t)) }

func TestHouseStands(t *testing.T) {
	h := sqlite(t)
	thread := h.says("amy", "hello")
	var got Thread
	h.get(prefix+"/threads/"+thread, &got)
	if got.Customer.Name != "amy" || got.State != "open" || got.WaitingSince == nil || got.Counter != h.counter || got.Channel != channel.WebChat {
		t.Errorf("got %+v", got)
	}
}
