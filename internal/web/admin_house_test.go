package web

import (
	"context"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"dingdong/internal/alarm"
	"dingdong/internal/blob"
	"dingdong/internal/catalogue"
	"dingdong/internal/channel"
	"dingdong/internal/channel/line"
	"dingdong/internal/channel/webchat"
	"dingdong/internal/consent"
	"dingdong/internal/conversation"
	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/export"
	"dingdong/internal/handover"
	"dingdong/internal/insight"
	"dingdong/internal/privacy"
	"dingdong/internal/staff"
	"dingdong/internal/vault"
	"dingdong/internal/webhook"
)

// adminHouse is a house with every room that the administration looks into.
type adminHouse struct {
	*house
	t    testing.TB
	Line conversation.Account // comes to Counter
}

func newAdminHouse(t testing.TB, change ...func(*Deps)) *adminHouse {
	t.Helper()
	return newAdminHouseOn(t, nil, change...)
}

// newAdminHouseOn furnishes a database; nil: one of its own.
func newAdminHouseOn(t testing.TB, on *db.DB, change ...func(*Deps)) *adminHouse {
	t.Helper()
	rooms := func(d *Deps) {
		if on != nil {
			d.DB = on
		}
		v := must(vault.Open("file:"+t.TempDir()+"/key.json", d.DB))
		d.Desk = &conversation.Desk{DB: d.DB, Vault: v, Book: &customer.Book{Vault: v}, Blobs: must(blob.Open(t.TempDir())), PublicURL: d.PublicURL,
			Adapters: map[channel.Kind]channel.Adapter{channel.LINE: line.New(nil), channel.WebChat: webchat.Adapter{}}}
		d.Hooks = webhook.New(webhook.Options{DB: d.DB, Vault: v, Desk: d.Desk})
		d.Shop = &catalogue.Shop{DB: d.DB, Vault: v, Book: d.Desk.Book, Blobs: d.Desk.Blobs}
		d.Consent = &consent.Room{Vault: v, Book: d.Desk.Book}
		d.Reader = &insight.Room{Vault: v, Book: d.Desk.Book, Desk: d.Desk}
		d.Alarms = &alarm.Room{Vault: v}
		d.Files = &export.Room{DB: d.DB, Vault: v, Blobs: d.Desk.Blobs, Desk: d.Desk, Book: d.Desk.Book}
		d.Hands = &handover.Room{DB: d.DB, Desk: d.Desk, Consent: &consent.Room{Vault: v, Book: d.Desk.Book}}
		d.Privacy = &privacy.Room{DB: d.DB, Vault: v, Book: d.Desk.Book, Desk: d.Desk, Shop: d.Shop, Reader: d.Reader, Blobs: d.Desk.Blobs,
			Parts: []privacy.Part{{Name: "conversation", Erase: d.Desk.Erase}, {Name: "customer", Erase: d.Desk.Book.Erase}}}
	}
	h := &adminHouse{house: newHouse(t, append([]func(*Deps){rooms}, change...)...), t: t}
	h.write(func(tx *db.Tx) (err error) {
		if err := h.Consent.EnsureShipped(tx); err != nil {
			return err
		}
		h.Line, err = h.Desk.SaveAccount(tx, staff.System(), conversation.AccountForm{Channel: channel.LINE, Name: "Rosée", CounterID: h.Counter,
			Secret: "channel-secret", Token: "access-token"})
		return err
	})
	return h
}

func (h *adminHouse) write(fn func(tx *db.Tx) error) {
	h.t.Helper()
	if err := h.DB.Write(context.Background(), fn); err != nil {
		h.t.Fatal(err)
	}
}

func (h *adminHouse) read(fn func(tx *db.Tx) error) {
	h.t.Helper()
	if err := h.DB.Read(context.Background(), fn); err != nil {
		h.t.Fatal(err)
	}
}

// says lets a customer write to the LINE account, and gives her thread.
func (h *adminHouse) says(customerID, text string) conversation.Thread {
	h.t.Helper()
	var t conversation.Thread
	h.write(func(tx *db.Tx) error {
		_, err := h.Desk.Receive(tx, h.Line, []channel.Inbound{{EventID: "evt-" + customerID, Kind: channel.Message, At: tx.Now, ExternalID: "ext-" + customerID,
			Peer: channel.Peer{Type: channel.Person, ID: customerID}, Body: channel.Body{Type: channel.Text, Text: text}}})
		return err
	})
	h.read(func(tx *db.Tx) error {
		officer, err := staff.ViewerByID(tx, h.Privacy)
		if err != nil {
			return err
		}
		all, _, err := h.Desk.Inbox(tx, officer, conversation.Filter{Box: conversation.BoxAll, Limit: 100})
		for _, x := range all {
			if x.Last.Body.Text == text {
				t = x
			}
		}
		return err
	})
	if t.ID == "" {
		h.t.Fatalf("no thread with %q", text)
	}
	return t
}

// fails answers in a thread, and the platform refuses it.
func (h *adminHouse) fails(thread conversation.Thread, text string) conversation.Message {
	h.t.Helper()
	var m conversation.Message
	h.write(func(tx *db.Tx) (err error) {
		m, err = h.Desk.Send(tx, conversation.Draft{ThreadID: thread.ID, Author: conversation.AuthorStaff, AuthorID: h.Advisor,
			Body: channel.Body{Type: channel.Text, Text: text}})
		if err != nil {
			return err
		}
		_, err = tx.Exec(`UPDATE message SET status = 'failed', failure = 'rejected', detail = 'the property to is invalid' WHERE id = $1`, m.ID)
		return err
	})
	return m
}

// dead leaves a job behind that was given up.
func (h *adminHouse) dead(id, kind string) {
	h.t.Helper()
	h.write(func(tx *db.Tx) error {
		_, err := tx.Exec(`INSERT INTO job (id, kind, run_at, dead_at, attempt, error) VALUES ($1, $2, $3, $3, 12, 'the platform is busy')`,
			id, kind, db.Micro(tx.Now))
		return err
	})
}

// link finds the first address on a page that begins so.
func link(t testing.TB, got *httptest.ResponseRecorder, start string) string {
	t.Helper()
	found := regexp.MustCompile(`"(` + regexp.QuoteMeta(start) + `_[a-z0-9]+)"`).FindStringSubmatch(got.Body.String())
	if found == nil {
		t.Fatalf("no link to %s in %.2000s", start, got.Body)
	}
	return found[1]
}

// lacks checks that a page does not hold a text.
func lacks(t testing.TB, got *httptest.ResponseRecorder, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if strings.Contains(got.Body.String(), text) {
			t.Errorf("the page holds %q", text)
		}
	}
}

func TestOverview(t *testing.T) {
	h := newAdminHouse(t)
	thread := h.says("Uwen", "hi")
	h.fails(thread, "good evening")
	h.dead("job_1", "quota")
	admin := h.as(t, h.Admin).get("/admin")
	want(t, admin, http.StatusOK, "Stores", "Brands", "Counters", "6 people", "1 account", "1 needs a look", "API tokens", "Webhooks", "Audit",
		"1 piece of work was given up", "6 without a password", "1 message did not arrive")
	manager := h.as(t, h.Manager).get("/admin")
	want(t, manager, http.StatusOK, "Saved replies", "1 message did not arrive")
	lacks(t, manager, "Stores", "API tokens", "Audit", "given up")
	officer := h.as(t, h.Privacy).get("/admin")
	want(t, officer, http.StatusOK, "Audit")
	lacks(t, officer, "Saved replies", "/admin/failures", "Stores")
	marketing := h.as(t, h.Marketing).get("/admin")
	want(t, marketing, http.StatusOK, "/admin/words")
	lacks(t, marketing, "Saved replies", "Stores", "/admin/tags")
	b := h.as(t, h.Advisor)
	want(t, b.get("/admin"), http.StatusForbidden)
	lacks(t, b.get("/more"), `href="/admin"`)
	want(t, h.as(t, h.Privacy).get("/more"), http.StatusOK, `href="/admin"`)
}

func TestShownNumber(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 12345: "12,345", 1234567: "1,234,567", -1234: "-1,234"} {
		if got := shownNumber(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}
