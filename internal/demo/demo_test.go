package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"dingdong/internal/blob"
	"dingdong/internal/channel"
	adapter "dingdong/internal/channel/line"
	"dingdong/internal/channel/webchat"
	"dingdong/internal/conversation"
	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
	"dingdong/internal/staff"
	"dingdong/internal/vault"
	"dingdong/internal/web"
)

func newDesk(t *testing.T, d *db.DB) *conversation.Desk {
	t.Helper()
	v := must(vault.Open("file:"+t.TempDir()+"/key.json", d))(t)
	book := &customer.Book{Vault: v}
	if err := d.Write(t.Context(), book.EnsureDefaults); err != nil {
		t.Fatal(err)
	}
	return &conversation.Desk{
		DB: d, Vault: v, Book: book, Blobs: must(blob.Open(t.TempDir()))(t), PublicURL: "http://counter.test",
		Adapters: map[channel.Kind]channel.Adapter{channel.LINE: adapter.New(nil), channel.WebChat: webchat.Adapter{}},
	}
}

func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

var places = Places{PhoneURL: "http://127.0.0.1:8082", ShopURL: "http://127.0.0.1:8081"}

// inbox gives every thread of the house, by the customer's name.
func inbox(t *testing.T, desk *conversation.Desk) map[string]conversation.Thread {
	t.Helper()
	all := map[string]conversation.Thread{}
	err := desk.DB.Read(context.Background(), func(tx *db.Tx) error {
		list, _, err := desk.Inbox(tx, staff.Machine("test"), conversation.Filter{Box: conversation.BoxAll, Limit: 100})
		for _, one := range list {
			all[one.Name] = one
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestSeed(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		desk := newDesk(t, d)
		made := must(Seed(t.Context(), desk, places))(t)
		if !made.Fresh || made.Stores != 2 || made.Counters != 4 || made.Staff != 11 || made.Customers != 42 || made.Receipts < 150 {
			t.Errorf("made %+v", made)
		}
		var answering, managers int
		for _, p := range people {
			switch p.role {
			case staff.Manager:
				managers++
				fallthrough
			case staff.Advisor:
				answering++
			}
		}
		if answering != 8 || managers != 2 {
			t.Errorf("%d people answer, %d of them managers", answering, managers)
		}
		for what, query := range map[string]string{
			"pairs of files that wait for a second person": `SELECT COUNT(*) / 2 FROM export WHERE state = 'waiting'`,
			"wishes of customers":                          `SELECT COUNT(*) FROM privacy_request WHERE kind = 'correct'`,
			"alarms":                                       `SELECT COUNT(*) / 2 FROM audit WHERE action = 'export.denied'`, // what raises one
		} {
			var n int
			err := d.Read(t.Context(), func(tx *db.Tx) error { return tx.QueryRow(query).Scan(&n) })
			if err != nil || n != 1 {
				t.Errorf("%d %s for the privacy officer: %v", n, what, err)
			}
		}
		all := inbox(t, desk)
		now := desk.DB.Now()
		waiting, unassigned, closed, blocked := 0, 0, 0, 0
		for name, one := range all {
			if one.LastAt.After(now) || now.Sub(one.LastAt) > 15*24*time.Hour {
				t.Errorf("%s: last heard of at %v", name, one.LastAt)
			}
			if !one.WaitingSince.IsZero() {
				waiting++
				if since := now.Sub(one.WaitingSince); since > 3*time.Hour {
					t.Errorf("%s waits for %v", name, since)
				}
			}
			if one.AssigneeID == "" {
				unassigned++
			}
			if one.Closed {
				closed++
			}
			if one.Reach == customer.ReachBlocked {
				blocked++
			}
		}
		if len(all) < 40 || waiting < 10 || waiting > 16 || unassigned < 4 || closed < 2 || blocked != 1 {
			t.Errorf("%d threads: %d wait, %d unassigned, %d closed, %d blocked", len(all), waiting, unassigned, closed, blocked)
		}
		first := all["林怡君"]
		if first.Unread != 2 || first.AssigneeName != "Mei 王美玲" || now.Sub(first.WaitingSince) < 3*time.Minute || now.Sub(first.WaitingSince) > 5*time.Minute {
			t.Errorf("林怡君: %+v", first)
		}
		kinds := map[channel.BodyType]int{}
		unsent := 0
		err := desk.DB.Read(t.Context(), func(tx *db.Tx) error {
			for _, one := range all {
				list, _, err := desk.Messages(tx, staff.Machine("test"), conversation.Page{ThreadID: one.ID, Limit: 200})
				if err != nil {
					return err
				}
				for i, m := range list {
					kinds[m.Type]++
					if m.Unsent {
						unsent++
					}
					if i > 0 && m.At.Before(list[i-1].At) || m.Status == conversation.StatusQueued {
						t.Errorf("%s: message %d is out of order or queued", one.Name, i)
					}
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if kinds[channel.Text] < 150 || kinds[channel.Image] < 5 || kinds[channel.Sticker] < 4 || kinds[channel.Location] != 1 || unsent != 1 {
			t.Errorf("%v, %d unsent", kinds, unsent)
		}
		again := must(Seed(t.Context(), desk, places))(t)
		if again.Fresh || again.Customers != 0 || len(inbox(t, desk)) != len(all) {
			t.Errorf("a second seeding made %+v", again)
		}
	})
}

func TestStoriesAreTheSameEveryTime(t *testing.T) {
	now := time.Date(2026, 3, 1, 16, 2, 0, 0, time.UTC) // just after midnight in Taipei
	zone := must(time.LoadLocation(zoneName))(t)
	one := must(readStories(storyText, now, zone))(t)
	two := must(readStories(storyText, now, zone))(t)
	if fmt.Sprint(one) != fmt.Sprint(two) {
		t.Error("two readings differ")
	}
	users := map[string]bool{}
	for _, s := range one {
		if users[lineUser(s)] {
			t.Errorf("%q stands there twice", s.name)
		}
		users[lineUser(s)] = true
		for i, l := range s.lines {
			if l.kind == "sticker" && stickers[l.text] == "" {
				t.Errorf("%q: no phone can draw the sticker %q", s.name, l.text)
			}
			if l.at.After(now) || (i > 0 && l.at.Before(s.lines[i-1].at)) {
				t.Errorf("%q: line %d is said at %v", s.name, i, l.at)
			}
		}
	}
}

func TestStoriesThatMakeNoSense(t *testing.T) {
	for name, text := range map[string]string{
		"no head":       "> hello",
		"short head":    "# name | account",
		"no time":       "# a | b | c\n> hello",
		"odd time":      "# a | b | c\n@ soon\n> hello",
		"odd day":       "# a | b | c\n@ -xd 10:00\n> hello",
		"odd hour":      "# a | b | c\n@ -2d 25:00\n> hello",
		"unknown begin": "# a | b | c\n@ 2m\nhello",
	} {
		if _, err := readStories(text, time.Now(), time.UTC); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestSwatch(t *testing.T) {
	data := must(swatch("b0123b 8f4f52"))(t)
	size, err := jpeg.DecodeConfig(bytes.NewReader(data))
	if err != nil || size.Width != 900 || len(data) > 200_000 {
		t.Errorf("%+v, %v, %d bytes", size, err, len(data))
	}
	img, _, err := image.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if r, g, _, _ := img.At(300, 225-24+20).RGBA(); r < 2*g {
		t.Errorf("no lipstick where it should be: %d %d", r>>8, g>>8)
	}
	if _, err := swatch("rouge"); err == nil {
		t.Error("a colour that is none")
	}
}

// house is a whole console for the demonstration to knock at.
func newHouse(t *testing.T) (*conversation.Desk, *httptest.Server) {
	t.Helper()
	desk := newDesk(t, dbtest.New(t))
	s := must(web.New(web.Deps{DB: desk.DB, Door: &staff.Door{DB: desk.DB, Vault: desk.Vault}, Desk: desk, Log: slog.New(slog.DiscardHandler), PublicURL: "http://counter.test"}))(t)
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	desk.PublicURL = server.URL
	return desk, server
}

func get(t *testing.T, url string) string {
	t.Helper()
	got, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer got.Body.Close()
	body := must(io.ReadAll(got.Body))(t)
	if got.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d %s", url, got.StatusCode, body)
	}
	return string(body)
}

func TestTheDemonstrationIsWired(t *testing.T) {
	desk, server := newHouse(t)
	o := Options{Desk: desk, Data: t.TempDir(), Phone: "127.0.0.1:0", Shop: "127.0.0.1:0"}
	at, stop, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	shop := get(t, at.ShopURL)
	_, rest, _ := strings.Cut(shop, `<script src="`)
	script, _, _ := strings.Cut(rest, `"`)
	if !strings.HasPrefix(script, server.URL+"/chat/acc_") || !strings.Contains(get(t, script), "dingdong") {
		t.Errorf("the shop's chat is at %q", script)
	}
	if page := get(t, strings.TrimSuffix(script, "/widget.js")); !strings.Contains(page, at.ShopURL) {
		t.Errorf("the shop may not frame the chat: %s", page)
	}
	if page := get(t, at.PhoneURL); !strings.Contains(page, "/chanty-xinyi/phone/") || !strings.Contains(page, "LUMI 台中店") {
		t.Errorf("phones: %s", page)
	}
	if page := get(t, at.PhoneURL+"/?account=lumi-taichung"); !strings.Contains(page, `src="/lumi-taichung/phone/"`) {
		t.Errorf("another phone: %s", page)
	}
	get(t, at.PhoneURL+"/chanty-xinyi/")

	// She writes on her phone; the house hears it as the same customer.
	var crowd []struct{ ID, Name string }
	decode(t, get(t, at.PhoneURL+"/chanty-xinyi/phone/api/people"), &crowd)
	var her string
	for _, p := range crowd {
		if p.Name == "林怡君" {
			her = p.ID
		}
	}
	chat := at.PhoneURL + "/chanty-xinyi/phone/api/people/" + her + "/messages"
	var shown []struct{ From, Type, Text string }
	decode(t, get(t, chat), &shown)
	if len(shown) < 8 || shown[0].From != "me" || !strings.Contains(shown[0].Text, "B1 粉底") {
		t.Errorf("her phone shows %+v", shown)
	}
	say(t, chat, "我現在過去")
	eventually(t, func() bool { return inbox(t, desk)["林怡君"].Unread == 3 })
	if got := inbox(t, desk)["林怡君"].Last.Body.Text; got != "我現在過去" {
		t.Errorf("the house heard %q", got)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}

	// Another day, on other ports: everybody remembers.
	at, stop, err = Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	if at.Seeded.Fresh {
		t.Error("seeded twice")
	}
	chat = at.PhoneURL + "/chanty-xinyi/phone/api/people/" + her + "/messages"
	decode(t, get(t, chat), &shown)
	if shown[len(shown)-1].Text != "我現在過去" {
		t.Errorf("after a restart her phone shows %+v", shown[len(shown)-1])
	}
	say(t, chat, "到了")
	eventually(t, func() bool { return inbox(t, desk)["林怡君"].Last.Body.Text == "到了" })
	err = desk.DB.Read(t.Context(), func(tx *db.Tx) error {
		accounts, err := desk.Accounts(tx)
		for _, a := range accounts {
			if a.Kind == channel.LINE && !strings.HasPrefix(a.APIBase, at.PhoneURL+"/") {
				t.Errorf("%s still points at %s", a.Name, a.APIBase)
			}
			if a.Kind == channel.WebChat && !strings.Contains(strings.Join(a.Origins, " "), at.ShopURL) {
				t.Errorf("%s may be framed by %v", a.Name, a.Origins)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestARealDatabaseGetsNoPhones(t *testing.T) {
	desk, _ := newHouse(t)
	err := desk.DB.Write(t.Context(), func(tx *db.Tx) error {
		_, err := staff.SaveStaff(tx, staff.System(), staff.StaffForm{Name: "Ada", Email: "ada@group.example", Role: staff.Admin})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	at, stop, err := Start(t.Context(), Options{Desk: desk, Data: t.TempDir(), Phone: "127.0.0.1:0", Shop: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	if at.Seeded.Fresh || len(inbox(t, desk)) > 0 {
		t.Error("a database with people in it was filled")
	}
	if page := get(t, at.PhoneURL); !strings.Contains(page, "there is no phone") {
		t.Errorf("phones: %s", page)
	}
	if page := get(t, at.ShopURL); strings.Contains(page, "widget.js") {
		t.Error("the shop has a chat that is nowhere")
	}
}

func TestStartTellsOfATakenPort(t *testing.T) {
	desk, server := newHouse(t)
	_, _, err := Start(t.Context(), Options{Desk: desk, Data: t.TempDir(), Phone: strings.TrimPrefix(server.URL, "http://"), Shop: "127.0.0.1:0"})
	if err == nil {
		t.Error("no error")
	}
}

func decode(t *testing.T, text string, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), into); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
}

func say(t *testing.T, chat, text string) {
	t.Helper()
	got, err := http.Post(chat, "application/json", strings.NewReader(`{"type":"text","text":"`+text+`"}`))
	if err != nil {
		t.Fatal(err)
	}
	defer got.Body.Close()
	if got.StatusCode != http.StatusOK {
		t.Fatal(errors.New(got.Status))
	}
}

// eventually waits for a webhook that another goroutine delivers.
func eventually(t *testing.T, done func() bool) {
	t.Helper()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for deadline := time.After(10 * time.Second); !done(); {
		select {
		case <-ticker.C:
		case <-deadline:
			t.Fatal("it did not happen")
		}
	}
}
