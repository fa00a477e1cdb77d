package insight

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"dingdong/internal/blob"
	"dingdong/internal/channel"
	"dingdong/internal/channel/line"
	"dingdong/internal/conversation"
	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
	"dingdong/internal/event"
	"dingdong/internal/staff"
	"dingdong/internal/vault"
)

// house is a counter with an account, whose lexicons are the small ones of the tests.
type house struct {
	*Room
	t       testing.TB
	db      *db.DB
	clock   *dbtest.Clock
	account conversation.Account
	counter string
	mei     staff.Viewer // advisor of the counter
	foreign staff.Viewer // advisor of another
	mark    staff.Viewer // marketing
	seen    int64        // the last event that was reacted to
	eager   bool         // events are read before the transaction that reacts to them
}

var base = time.Date(2026, 3, 2, 3, 0, 0, 0, time.UTC)

func each(t *testing.T, test func(t *testing.T, h *house)) {
	clock := dbtest.NewClock(base)
	dbtest.EachAt(t, clock, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d, clock)
		h.eager = true
		test(t, h)
	})
	t.Run("not read ahead", func(t *testing.T) {
		clock := dbtest.NewClock(base)
		test(t, newHouse(t, dbtest.NewAt(t, clock), clock))
	})
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
	h := &house{Room: &Room{Vault: v, Book: book, Desk: desk}, t: t, db: d, clock: clock}
	h.write(func(tx *db.Tx) error {
		check(t, book.EnsureDefaults(tx))
		sys := staff.System()
		store, err := staff.SaveStore(tx, sys, staff.StoreForm{Name: "Xinyi", Timezone: "Asia/Taipei"})
		check(t, err)
		var counters []string
		for _, name := range []string{"Rosée", "Lumi"} {
			b, err := staff.SaveBrand(tx, sys, staff.BrandForm{Name: name})
			check(t, err)
			c, err := staff.SaveCounter(tx, sys, staff.CounterForm{StoreID: store.ID, BrandID: b.ID, Name: name + " Xinyi"})
			check(t, err)
			counters = append(counters, c.ID)
		}
		h.counter = counters[0]
		h.mei = h.person(tx, staff.StaffForm{Name: "Mei", Role: staff.Advisor, Counters: counters[:1]})
		h.foreign = h.person(tx, staff.StaffForm{Name: "Fang", Role: staff.Advisor, Counters: counters[1:]})
		h.mark = h.person(tx, staff.StaffForm{Name: "Mark", Role: staff.Marketing})
		h.account, err = desk.SaveAccount(tx, sys, conversation.AccountForm{Channel: channel.LINE, Name: "Rosée", CounterID: h.counter, Secret: "secret", Token: "token"})
		return err
	})
	for _, yaml := range testTexts(t) {
		language := strings.TrimSpace(strings.TrimPrefix(strings.SplitN(yaml, "\n", 2)[0], "language:"))
		h.publish(language, yaml)
	}
	return h
}

func testTexts(t testing.TB) []string {
	t.Helper()
	data, err := os.ReadFile("testdata/lexicons.yaml")
	check(t, err)
	return strings.Split(string(data), "\n---\n")
}

// publish makes a text the live one of a language.
func (h *house) publish(language, yaml string) Version {
	h.t.Helper()
	var v Version
	h.write(func(tx *db.Tx) (err error) {
		if v, err = h.SaveDraft(tx, h.mark, Draft{Language: language, YAML: yaml}); err != nil {
			return err
		}
		return h.Publish(tx, h.mark, v.ID)
	})
	return v
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
	check(h.t, h.db.Write(context.Background(), fn))
}

func (h *house) read(fn func(tx *db.Tx) error) {
	h.t.Helper()
	check(h.t, h.db.Read(context.Background(), fn))
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// tells is an event of the platform, n minutes into the story; more changes it.
func (h *house) tells(n int, text string, more func(*channel.Inbound)) {
	h.t.Helper()
	h.receive(n, text, more)
	h.react()
}

// receive is tells before anything reacts.
func (h *house) receive(n int, text string, more func(*channel.Inbound)) {
	h.t.Helper()
	in := channel.Inbound{
		EventID: fmt.Sprintf("evt-%d", n), Kind: channel.Message, At: base.Add(time.Duration(n) * time.Minute),
		Peer: channel.Peer{Type: channel.Person, ID: "Uyan"}, ExternalID: fmt.Sprintf("ext-%d", n),
		ReplyToken: fmt.Sprintf("reply-%d", n), Body: channel.Body{Type: channel.Text, Text: text},
	}
	if more != nil {
		more(&in)
	}
	h.write(func(tx *db.Tx) error {
		_, err := h.Desk.Receive(tx, h.account, []channel.Inbound{in})
		return err
	})
}

func (h *house) says(n int, text string) { h.t.Helper(); h.tells(n, text, nil) }

// react reacts to what is new, as the house does.
func (h *house) react() {
	h.t.Helper()
	if h.eager {
		h.lookAhead()
	}
	h.write(func(tx *db.Tx) error {
		events, err := event.After(tx, h.seen, 100)
		for _, e := range events {
			h.seen = e.Seq
			check(h.t, h.React(tx, e))
		}
		return err
	})
}

// lookAhead reads what is new before the transaction that reacts to it.
func (h *house) lookAhead() {
	h.t.Helper()
	h.read(func(tx *db.Tx) error {
		events, err := event.After(tx, h.seen, 100)
		check(h.t, err)
		return h.Ahead(tx, events)
	})
}

// yan is the customer of the stories.
func (h *house) yan() string {
	h.t.Helper()
	var id string
	h.read(func(tx *db.Tx) error { return tx.QueryRow(`SELECT id FROM customer`).Scan(&id) })
	return id
}

func (h *house) yanIn(tx *db.Tx) string {
	var id string
	check(h.t, tx.QueryRow(`SELECT id FROM customer`).Scan(&id))
	return id
}

func (h *house) thread() string {
	h.t.Helper()
	var id string
	h.read(func(tx *db.Tx) error { return tx.QueryRow(`SELECT id FROM thread`).Scan(&id) })
	return id
}

// card gives what her card shows, with the words that caused it.
func (h *house) card() []string {
	h.t.Helper()
	var out []string
	id := h.yan()
	h.read(func(tx *db.Tx) error {
		s, err := h.Book.Sight(tx, h.mei)
		check(h.t, err)
		tags, err := h.Book.TagsOf(tx, s, []string{id})
		check(h.t, err)
		for _, t := range tags {
			out = append(out, t.Tag.Name+" <- "+t.Proof.Cause)
		}
		attributes, err := h.Book.Attributes(tx, s, []string{id})
		check(h.t, err)
		for _, a := range attributes {
			out = append(out, a.Def.Name+"="+a.Value+" <- "+a.Proof.Cause)
		}
		return nil
	})
	slices.Sort(out)
	return out
}

func (h *house) wantCard(want ...string) {
	h.t.Helper()
	if got := h.card(); !slices.Equal(got, want) {
		h.t.Errorf("card\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// mentions gives the stored mentions.
func (h *house) mentions() []string {
	h.t.Helper()
	var out []string
	h.read(func(tx *db.Tx) error {
		rows, err := tx.Query(`SELECT stance, about, rule FROM mention ORDER BY at, about`)
		check(h.t, err)
		defer rows.Close()
		for rows.Next() {
			var stance, about, rule string
			check(h.t, rows.Scan(&stance, &about, &rule))
			out = append(out, stance+" "+about+" by "+rule)
		}
		return rows.Err()
	})
	return out
}
