package conversation

import (
	"context"
	"fmt"
	"testing"
	"time"

	"dingdong/internal/blob"
	"dingdong/internal/channel"
	"dingdong/internal/channel/line"
	"dingdong/internal/channel/webchat"
	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/staff"
	"dingdong/internal/vault"
)

// house is a small store group: one store, two counters, an advisor at each,
// and a LINE account that comes to the first.
type house struct {
	*Desk
	t            testing.TB
	account      Account
	counter      string
	other        string
	mei, foreign staff.Viewer
	manager      staff.Viewer
	marketing    staff.Viewer
	officer      staff.Viewer
}

func newHouse(t testing.TB, d *db.DB) *house {
	t.Helper()
	v, err := vault.Open("file:"+t.TempDir()+"/key.json", d)
	check(t, err)
	blobs, err := blob.Open(t.TempDir())
	check(t, err)
	h := &house{t: t, Desk: &Desk{
		DB: d, Vault: v, Book: &customer.Book{Vault: v}, Blobs: blobs, PublicURL: "https://counter.example",
		Adapters: map[channel.Kind]channel.Adapter{channel.LINE: line.New(nil), channel.WebChat: webchat.Adapter{}},
	}}
	h.write(func(tx *db.Tx) error {
		system := staff.System()
		store, err := staff.SaveStore(tx, system, staff.StoreForm{Name: "Xinyi", Timezone: "Asia/Taipei"})
		check(t, err)
		var counters []string
		for _, name := range []string{"Rosée", "Lumi"} {
			b, err := staff.SaveBrand(tx, system, staff.BrandForm{Name: name})
			check(t, err)
			c, err := staff.SaveCounter(tx, system, staff.CounterForm{StoreID: store.ID, BrandID: b.ID, Name: name + " Xinyi"})
			check(t, err)
			counters = append(counters, c.ID)
		}
		h.counter, h.other = counters[0], counters[1]
		h.mei = h.person(tx, staff.StaffForm{Name: "Mei", Role: staff.Advisor, Counters: counters[:1]})
		h.foreign = h.person(tx, staff.StaffForm{Name: "Fang", Role: staff.Advisor, Counters: counters[1:]})
		h.manager = h.person(tx, staff.StaffForm{Name: "Hua", Role: staff.Manager, Stores: []string{store.ID}})
		h.marketing = h.person(tx, staff.StaffForm{Name: "Mark", Role: staff.Marketing})
		h.officer = h.person(tx, staff.StaffForm{Name: "Olga", Role: staff.Privacy})
		h.account, err = h.SaveAccount(tx, system, AccountForm{Channel: channel.LINE, Name: "Rosée", CounterID: h.counter, Secret: "secret", Token: "token"})
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

// base is when the stories begin.
var base = time.Now().UTC().Truncate(time.Second).Add(-10 * time.Minute)

// says makes the event of a customer's text, n seconds into the story.
func says(user string, n int, text string) channel.Inbound {
	return channel.Inbound{
		EventID: fmt.Sprintf("evt-%s-%d", user, n), Kind: channel.Message, At: base.Add(time.Duration(n) * time.Second),
		Peer: channel.Peer{Type: channel.Person, ID: user}, ExternalID: fmt.Sprintf("ext-%s-%d", user, n),
		ReplyToken: fmt.Sprintf("reply-%s-%d", user, n), Body: channel.Body{Type: channel.Text, Text: text},
	}
}

func (h *house) receive(events ...channel.Inbound) Received {
	h.t.Helper()
	var r Received
	h.write(func(tx *db.Tx) error {
		var err error
		r, err = h.Receive(tx, h.account, events)
		return err
	})
	return r
}

// threads lists what a viewer finds in a box.
func (h *house) threads(v staff.Viewer, f Filter) []Thread {
	h.t.Helper()
	var out []Thread
	h.read(func(tx *db.Tx) error {
		var err error
		out, _, err = h.Inbox(tx, v, f)
		return err
	})
	return out
}

func (h *house) only(v staff.Viewer) Thread {
	h.t.Helper()
	all := h.threads(v, Filter{Box: BoxAll})
	if len(all) != 1 {
		h.t.Fatalf("%d threads, want one", len(all))
	}
	return all[0]
}

func (h *house) texts(v staff.Viewer, thread string) []string {
	h.t.Helper()
	var out []string
	h.read(func(tx *db.Tx) error {
		list, _, err := h.Messages(tx, v, Page{ThreadID: thread})
		for _, m := range list {
			text := m.Body.Text
			switch {
			case m.Unsent:
				text = "(unsent)"
			case m.Author == AuthorSystem:
				text = "(" + string(m.Type) + ")"
			}
			out = append(out, text)
		}
		return err
	})
	return out
}
