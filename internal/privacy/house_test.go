package privacy

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dingdong/internal/blob"
	"dingdong/internal/catalogue"
	"dingdong/internal/channel"
	"dingdong/internal/channel/line"
	"dingdong/internal/consent"
	"dingdong/internal/conversation"
	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
	"dingdong/internal/event"
	"dingdong/internal/insight"
	"dingdong/internal/job"
	"dingdong/internal/staff"
	"dingdong/internal/vault"
)

// house is a counter with an account, an officer, and the room.
type house struct {
	*Room
	t       testing.TB
	clock   *dbtest.Clock
	account conversation.Account
	counter string
	mei     staff.Viewer // advisor of the counter
	officer staff.Viewer
	n       int
}

var base = time.Date(2026, 3, 2, 3, 0, 0, 0, time.UTC)

func each(t *testing.T, test func(t *testing.T, h *house)) {
	clock := dbtest.NewClock(base)
	dbtest.EachAt(t, clock, func(t *testing.T, d *db.DB) { test(t, newHouse(t, d, clock)) })
}

func newHouse(t testing.TB, d *db.DB, clock *dbtest.Clock) *house {
	t.Helper()
	dir := t.TempDir()
	v, err := vault.Open("file:"+filepath.Join(dir, "key.json"), d)
	check(t, err)
	blobs, err := blob.Open(filepath.Join(dir, "blobs"))
	check(t, err)
	book := &customer.Book{Vault: v}
	consents := &consent.Room{Vault: v, Book: book}
	desk := &conversation.Desk{DB: d, Vault: v, Book: book, Blobs: blobs, PublicURL: "https://counter.example",
		Adapters: map[channel.Kind]channel.Adapter{channel.LINE: line.New(nil)}}
	shop := &catalogue.Shop{DB: d, Vault: v, Book: book, Blobs: blobs}
	reader := &insight.Room{Vault: v, Book: book, Desk: desk}
	h := &house{t: t, clock: clock, Room: &Room{DB: d, Vault: v, Book: book, Desk: desk, Shop: shop, Consent: consents, Reader: reader, Blobs: blobs,
		List: filepath.Join(dir, "erasures.jsonl")}}
	h.Parts = []Part{{"insight", reader.Erase}, {"conversation", desk.Erase}, {"consent", consents.Erase}, {"catalogue", shop.Erase}, {"customer", book.Erase}}
	h.write(func(tx *db.Tx) error {
		check(t, book.EnsureDefaults(tx))
		check(t, consents.EnsureShipped(tx))
		sys := staff.System()
		store, err := staff.SaveStore(tx, sys, staff.StoreForm{Name: "Xinyi", Timezone: "Asia/Taipei"})
		check(t, err)
		b, err := staff.SaveBrand(tx, sys, staff.BrandForm{Name: "Rosée"})
		check(t, err)
		c, err := staff.SaveCounter(tx, sys, staff.CounterForm{StoreID: store.ID, BrandID: b.ID, Name: "Rosée Xinyi"})
		check(t, err)
		h.counter = c.ID
		h.mei = h.person(tx, staff.StaffForm{Name: "Mei", Role: staff.Advisor, Counters: []string{c.ID}})
		h.officer = h.person(tx, staff.StaffForm{Name: "Olga", Role: staff.Privacy})
		h.account, err = desk.SaveAccount(tx, sys, conversation.AccountForm{Channel: channel.LINE, Name: "Rosée", CounterID: h.counter, Secret: "secret", Token: "token"})
		return err
	})
	return h
}

func (h *house) person(tx *db.Tx, f staff.StaffForm) staff.Viewer {
	f.Email = f.Name + "@store.example"
	p, err := staff.SaveStaff(tx, staff.System(), f)
	check(h.t, err)
	v, err := staff.ViewerByID(tx, p.ID)
	check(h.t, err)
	return v
}

func (h *house) write(fn func(tx *db.Tx) error) {
	h.t.Helper()
	check(h.t, h.DB.Write(context.Background(), fn))
}

func (h *house) read(fn func(tx *db.Tx) error) {
	h.t.Helper()
	check(h.t, h.DB.Read(context.Background(), fn))
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (h *house) number(q string, args ...any) (n int) {
	h.t.Helper()
	h.read(func(tx *db.Tx) error { return tx.QueryRow(q, args...).Scan(&n) })
	return n
}

// hears takes in an event of the platform from somebody, and returns her record.
func (h *house) hears(who, text string, more func(*channel.Inbound)) (record string) {
	h.t.Helper()
	h.n++
	in := channel.Inbound{EventID: fmt.Sprintf("evt-%d", h.n), Kind: channel.Message, At: h.clock.Now(),
		Peer: channel.Peer{Type: channel.Person, ID: who, Name: strings.ToUpper(who[1:2]) + who[2:]}, ExternalID: fmt.Sprintf("ext-%d", h.n), Body: channel.Body{Type: channel.Text, Text: text}}
	if more != nil {
		more(&in)
	}
	h.write(func(tx *db.Tx) error {
		if _, err := h.Desk.Receive(tx, h.account, []channel.Inbound{in}); err != nil {
			return err
		}
		i, err := h.Book.Find(tx, h.account.ID, who)
		record = i.CustomerID
		return err
	})
	return record
}

// react lets the room see the last event of a kind.
func (h *house) react(kind event.Kind) {
	h.t.Helper()
	h.write(func(tx *db.Tx) error {
		events, err := event.After(tx, 0, 10_000)
		check(h.t, err)
		for i := len(events) - 1; i >= 0; i-- {
			if events[i].Kind == kind {
				return h.React(tx, events[i])
			}
		}
		h.t.Fatalf("no %s", kind)
		return nil
	})
}

// works runs the open jobs of a kind once.
func (h *house) works(kind string) {
	h.t.Helper()
	type open struct{ id, args string }
	var jobs []open
	h.read(func(tx *db.Tx) error {
		rows, err := tx.Query(`SELECT id, args FROM job WHERE kind = $1 AND dead_at IS NULL ORDER BY id`, kind)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var o open
			check(h.t, rows.Scan(&o.id, &o.args))
			jobs = append(jobs, o)
		}
		return rows.Err()
	})
	handlers := h.Handlers()
	for k, v := range h.Desk.Handlers() {
		handlers[k] = v
	}
	for _, o := range jobs {
		outcome, err := handlers[kind](context.Background(), job.Job{ID: o.id, Kind: kind, Args: []byte(o.args), Attempt: 1})
		check(h.t, err)
		h.write(func(tx *db.Tx) error {
			if outcome != nil {
				if err := outcome(tx); err != nil {
					return err
				}
			}
			job.Forget(tx, job.Forgetting{IDs: []string{o.id}})
			return nil
		})
	}
}
