package handover

import (
	"context"
	"errors"
	"fmt"
	"slices"
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
	"dingdong/internal/job"
	"dingdong/internal/staff"
	"dingdong/internal/vault"
)

// house is a store with two counters. Mei of the first is the one who leaves; Lan and
// Siti stand beside her, Fang at the other counter.
type house struct {
	*Room
	t                    testing.TB
	clock                *dbtest.Clock
	shop                 *catalogue.Shop
	store                string
	account              conversation.Account
	counter, other       string
	mei, lan, siti, fang staff.Viewer
	hua, kuo, admin      staff.Viewer // managers of this and of another store; an administrator
	said                 int
	seen                 int64 // the last event that was reacted to
}

var start = time.Date(2026, 11, 22, 2, 0, 0, 0, time.UTC)

func each(t *testing.T, test func(t *testing.T, h *house)) {
	t.Helper()
	clock := dbtest.NewClock(start)
	dbtest.EachAt(t, clock, func(t *testing.T, d *db.DB) { test(t, newHouse(t, d, clock)) })
}

func newHouse(t testing.TB, d *db.DB, clock *dbtest.Clock) *house {
	t.Helper()
	v, err := vault.Open("file:"+t.TempDir()+"/key.json", d)
	check(t, err)
	blobs, err := blob.Open(t.TempDir())
	check(t, err)
	book := &customer.Book{Vault: v}
	desk := &conversation.Desk{DB: d, Vault: v, Book: book, Blobs: blobs, PublicURL: "https://counter.example",
		Adapters: map[channel.Kind]channel.Adapter{channel.LINE: line.New(nil)}}
	h := &house{t: t, clock: clock, Room: &Room{DB: d, Desk: desk, Consent: &consent.Room{Vault: v, Book: book}}, shop: &catalogue.Shop{DB: d, Vault: v, Book: book, Blobs: blobs}}
	h.write(h.Consent.EnsureShipped)
	if clock == nil { // whatever the hour is, she may be told
		rules := consent.DefaultRules()
		rules.Quiet, rules.Holidays = consent.Quiet{From: "09:00", To: "09:00"}, nil
		h.write(func(tx *db.Tx) error { return h.Consent.SaveRules(tx, staff.System(), rules) })
	}
	h.write(func(tx *db.Tx) error {
		system := staff.System()
		var stores []string
		for _, name := range []string{"Xinyi", "Taichung"} {
			s, err := staff.SaveStore(tx, system, staff.StoreForm{Name: name, Timezone: "Asia/Taipei"})
			check(t, err)
			stores = append(stores, s.ID)
		}
		h.store = stores[0]
		var counters []string
		for _, name := range []string{"Rosée", "Lumi"} {
			b, err := staff.SaveBrand(tx, system, staff.BrandForm{Name: name})
			check(t, err)
			c, err := staff.SaveCounter(tx, system, staff.CounterForm{StoreID: h.store, BrandID: b.ID, Name: name + " Xinyi"})
			check(t, err)
			counters = append(counters, c.ID)
		}
		h.counter, h.other = counters[0], counters[1]
		h.admin = h.person(tx, staff.StaffForm{Name: "Ada", Role: staff.Admin})
		h.mei = h.person(tx, staff.StaffForm{Name: "Mei", Role: staff.Advisor, Counters: counters[:1]})
		h.lan = h.person(tx, staff.StaffForm{Name: "Lan", Role: staff.Advisor, Counters: counters[:1], Shown: &staff.Shown{Languages: []string{"zh-Hant", "ar"}}})
		h.siti = h.person(tx, staff.StaffForm{Name: "Siti", Role: staff.Advisor, Counters: counters[:1], Shown: &staff.Shown{Languages: []string{"zh-Hant", "ms"}}})
		h.fang = h.person(tx, staff.StaffForm{Name: "Fang", Role: staff.Advisor, Counters: counters[1:]})
		h.hua = h.person(tx, staff.StaffForm{Name: "Hua", Role: staff.Manager, Stores: stores[:1]})
		h.kuo = h.person(tx, staff.StaffForm{Name: "Kuo", Role: staff.Manager, Stores: stores[1:]})
		h.account, err = desk.SaveAccount(tx, system, conversation.AccountForm{Channel: channel.LINE, Name: "Rosée", CounterID: h.counter, Secret: "secret", Token: "token"})
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

func (h *house) refuses(fn func(tx *db.Tx) error, want error) {
	h.t.Helper()
	if err := h.DB.Write(context.Background(), fn); !errors.Is(err, want) {
		h.t.Errorf("%v, want %v", err, want)
	}
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

// event makes what a platform tells of a customer at this moment.
func (h *house) event(user, text string) channel.Inbound {
	h.said++
	return channel.Inbound{EventID: fmt.Sprintf("evt-%d", h.said), Kind: channel.Message, At: h.DB.Now(), Peer: channel.Peer{Type: channel.Person, ID: user},
		ExternalID: fmt.Sprintf("ext-%d", h.said), Body: channel.Body{Type: channel.Text, Text: text}}
}

func (h *house) receive(in channel.Inbound) {
	h.t.Helper()
	h.write(func(tx *db.Tx) error {
		_, err := h.Desk.Receive(tx, h.account, []channel.Inbound{in})
		return err
	})
}

func (h *house) says(user, text string) { h.t.Helper(); h.receive(h.event(user, text)) }

func (h *house) taps(user, data string) {
	h.t.Helper()
	in := h.event(user, "")
	in.Kind, in.ExternalID, in.Body = channel.Postback, "", channel.Body{Type: channel.Button, Data: data}
	h.receive(in)
	h.react()
}

// customer writes for the first time and becomes somebody's own.
func (h *house) customer(user, advisor string) (id, thread string) {
	h.t.Helper()
	h.says(user, "hello")
	h.write(func(tx *db.Tx) error {
		i, err := h.Desk.Book.Find(tx, h.account.ID, user)
		check(h.t, err)
		id = i.PersonID
		check(h.t, db.NotFound(tx.QueryRow(`SELECT id FROM thread WHERE customer_id = $1 AND counter_id = $2`, id, h.counter).Scan(&thread)))
		if advisor == "" {
			return nil
		}
		return h.Desk.SetAdvisor(tx, h.hua, conversation.Belonging{CustomerID: id, CounterID: h.counter, AdvisorID: advisor})
	})
	return id, thread
}

// react does what the house does about what happened since it looked last.
func (h *house) react() {
	h.t.Helper()
	h.write(func(tx *db.Tx) error {
		for {
			events, err := event.After(tx, h.seen, 200)
			check(h.t, err)
			if len(events) == 0 {
				return nil
			}
			for _, e := range events {
				check(h.t, h.React(tx, e))
				h.seen = e.Seq
			}
		}
	})
}

func (h *house) form(kind Kind) Form {
	return Form{LeaverID: h.mei.ID, Kind: kind, Ends: h.DB.Now().Add(14 * 24 * time.Hour), Rule: Rule{Language: true, Load: true}}
}

func (h *house) plan(f Form) Handover {
	h.t.Helper()
	var out Handover
	h.write(func(tx *db.Tx) (err error) { out, err = h.Plan(tx, h.hua, f); return err })
	return out
}

func (h *house) start(id string) {
	h.t.Helper()
	h.write(func(tx *db.Tx) error { _, err := h.Start(tx, h.hua, id); return err })
}

func (h *house) get(id string) (out Handover) {
	h.t.Helper()
	h.read(func(tx *db.Tx) (err error) { out, err = h.Get(tx, h.admin, id); return err })
	return out
}

// work does what is due in a handover until something has to happen first.
func (h *house) work(id string) {
	h.t.Helper()
	for {
		next, err := h.step(context.Background(), id)
		check(h.t, err)
		if next.IsZero() || next.Sub(h.DB.Now()) > time.Hour {
			return
		}
		h.clock.Advance(max(0, next.Sub(h.DB.Now())))
	}
}

// due runs the job of the end.
func (h *house) due(id string) {
	h.t.Helper()
	outcome, err := h.end(context.Background(), job.Job{Args: []byte(`{"id":"` + id + `"}`)})
	check(h.t, err)
	h.write(outcome)
}

func (h *house) items(id string) (out []Item) {
	h.t.Helper()
	h.read(func(tx *db.Tx) (err error) {
		out, _, err = h.Items(tx, h.hua, h.get2(tx, id), ItemsPage{Limit: 200})
		return err
	})
	return out
}

func (h *house) get2(tx *db.Tx, id string) Handover {
	x, err := load(tx, id)
	check(h.t, err)
	return x
}

// item is a customer of a handover.
func (h *house) item(id, customerID string) Item {
	h.t.Helper()
	for _, i := range h.items(id) {
		if i.CustomerID == customerID {
			return i
		}
	}
	h.t.Fatal("the customer is not in the handover")
	return Item{}
}

// stands tells whose customer somebody is, and who answers her.
func (h *house) stands(customerID string) (advisor, assignee string) {
	h.t.Helper()
	h.read(func(tx *db.Tx) error {
		var err error
		if advisor, err = h.ownAdvisor(tx, customerID, h.counter); err != nil {
			return err
		}
		return tx.QueryRow(`SELECT assignee_id FROM thread WHERE customer_id = $1 AND counter_id = $2`, customerID, h.counter).Scan(&assignee)
	})
	return advisor, assignee
}

func (h *house) expect(when, customerID, advisor, assignee string) {
	h.t.Helper()
	if a, t := h.stands(customerID); a != advisor || t != assignee {
		h.t.Errorf("%s: customer of %q, answered by %q, want %q and %q", when, a, t, advisor, assignee)
	}
}

// told is what the house said to somebody of itself.
func (h *house) told(thread string) (out []channel.Body) {
	h.t.Helper()
	h.read(func(tx *db.Tx) error {
		list, _, err := h.Desk.Messages(tx, h.hua, conversation.Page{ThreadID: thread})
		for _, m := range list {
			if m.Author == conversation.AuthorAutomation {
				out = append(out, m.Body)
			}
		}
		return err
	})
	return out
}

func (h *house) count(q string, args ...any) (n int) {
	h.t.Helper()
	h.read(func(tx *db.Tx) error { return tx.QueryRow(q, args...).Scan(&n) })
	return n
}

func (h *house) progress(id string) (p Progress) {
	h.t.Helper()
	h.read(func(tx *db.Tx) (err error) { p, err = h.Progress(tx, h.get2(tx, id)); return err })
	return p
}

func jobOf(args string) job.Job { return job.Job{Args: []byte(args)} }

func choice(b channel.Body, n int) string {
	if n < len(b.Choices) {
		return b.Choices[n].Data
	}
	return ""
}

func oneOf(id string, others ...string) bool { return slices.Contains(others, id) }
