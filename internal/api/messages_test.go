package api

import (
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"

	"dingdong/internal/channel"
	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
	"dingdong/internal/webhook"
)

type messagePage struct {
	Messages           []webhook.Message
	Next, Older, Newer string
	More               bool
}

func TestEveryMessageComesOnceWhileTheyPourIn(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		const writers, each = 4, 25
		var group sync.WaitGroup
		for w := range writers {
			group.Go(func() {
				for i := range each {
					thread := h.says(fmt.Sprint("customer ", w, i%3), fmt.Sprint(w, " ", i))
					if i%5 == 0 {
						h.send(thread, fmt.Sprint(w, i), echo("yes"))
					}
				}
			})
		}
		done := make(chan struct{})
		go func() { group.Wait(); close(done) }()
		seen, cursor := map[string]int{}, ""
		total := writers*each + writers*each/5
		for idle := false; ; {
			var page messagePage
			h.get(prefix+"/messages?limit=7&after="+url.QueryEscape(cursor), &page)
			for _, m := range page.Messages {
				seen[m.ID]++
			}
			cursor = page.Next
			if page.More || len(page.Messages) > 0 {
				continue
			}
			if idle {
				break
			}
			select {
			case <-done:
				idle = true // one more look, now that all is written
			default:
			}
		}
		for id, n := range seen {
			if n != 1 {
				t.Errorf("%s came %d times", id, n)
			}
		}
		if len(seen) != total {
			t.Errorf("%d messages of %d", len(seen), total)
		}
	})
}

func TestLatestStartsNow(t *testing.T) {
	h := sqlite(t)
	h.says("amy", "before")
	var page messagePage
	h.get(prefix+"/messages?after=latest", &page)
	if len(page.Messages) != 0 || page.Next == "" {
		t.Fatalf("got %+v", page)
	}
	h.says("amy", "after")
	h.get(prefix+"/messages?after="+page.Next, &page)
	if len(page.Messages) != 1 || page.Messages[0].Text != "after" {
		t.Errorf("got %+v", page)
	}
}

func TestThreadPages(t *testing.T) {
	h := sqlite(t)
	var thread string
	for i := range 10 {
		thread = h.says("amy", fmt.Sprint(i))
	}
	read := func(query string) (text string, page messagePage) {
		h.get(prefix+"/threads/"+thread+"/messages?limit=4"+query, &page)
		for _, m := range page.Messages {
			text += m.Text
		}
		return text, page
	}
	newest, page := read("")
	middle, before := read("&before=" + page.Older)
	oldest, last := read("&before=" + before.Older)
	if newest != "6789" || middle != "2345" || oldest != "01" || last.Older != "" {
		t.Errorf("got %q, %q, %q and then %q", newest, middle, oldest, last.Older)
	}
	if again, _ := read("&after=" + last.Newer); again != "2345" {
		t.Errorf("back again: %q", again)
	}
	if nothing, end := read("&after=" + page.Newer); nothing != "" || end.Newer != page.Newer {
		t.Errorf("at the end: %q, %+v", nothing, end)
	}
	h.says("amy", "x")
	if more, _ := read("&after=" + page.Newer); more != "x" {
		t.Errorf("later: %q", more)
	}
}

func TestUnsentMessageHasNoContent(t *testing.T) {
	h := sqlite(t)
	h.says("amy", "secret")
	var page messagePage
	h.get(prefix+"/messages", &page)
	h.write(func(tx *db.Tx) error {
		var external string
		if err := tx.QueryRow(`SELECT external_id FROM message`).Scan(&external); err != nil {
			return err
		}
		_, err := h.desk.Receive(tx, h.account, []channel.Inbound{{EventID: "unsend", ExternalID: external, Kind: channel.Unsend, At: tx.Now,
			Peer: channel.Peer{Type: channel.Person, ID: "amy"}}})
		return err
	})
	var m webhook.Message
	h.get(prefix+"/messages/"+page.Messages[0].ID, &m)
	if !m.Unsent || m.Text != "" {
		t.Errorf("got %+v", m)
	}
	problemOf(t, h.do(call{path: prefix + "/messages/" + m.ID + "/content", token: h.token}), http.StatusNotFound, "not-found")
}

func TestThreadList(t *testing.T) {
	clock := dbtest.NewClock(time.Date(2026, 11, 22, 5, 0, 0, 0, time.UTC))
	h := newHouse(t, dbtest.NewAt(t, clock))
	ids := map[string]string{}
	for _, who := range []string{"amy", "bea", "cat", "dot", "eve"} {
		ids[who] = h.says(who, "hello")
		clock.Advance(time.Minute)
	}
	closed := h.do(call{method: "POST", path: prefix + "/threads/" + ids["cat"] + "/close", token: h.token})
	if closed.status != http.StatusOK {
		t.Fatalf("got %d %s", closed.status, closed.body)
	}
	tests := []struct{ name, query, want string }{
		{"all, the latest first", "", "eve dot cat bea amy"},
		{"page by page", "&limit=2", "eve dot cat bea amy"},
		{"open ones", "&state=open&limit=2", "eve dot bea amy"},
		{"closed ones", "&state=closed", "cat"},
		{"of this counter", "&counter=" + h.counter, "eve dot cat bea amy"},
		{"of no counter", "&counter=cnt_0", ""},
		{"what changed, the oldest first", "&updated_after=2026-11-22T05:01:00Z&limit=2", "cat dot eve"},
		{"in another time zone", "&updated_after=2026-11-22T13:01:00%2B08:00", "cat dot eve"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, cursor := "", ""
			for {
				var page struct {
					Threads []Thread
					Next    string
				}
				h.get(prefix+"/threads?cursor="+cursor+test.query, &page)
				for _, x := range page.Threads {
					if got != "" {
						got += " "
					}
					got += x.Customer.Name
				}
				if cursor = page.Next; cursor == "" {
					break
				}
			}
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestThreadActs(t *testing.T) {
	h := sqlite(t)
	thread := h.says("amy", "hello")
	act := func(what, body string) (got Thread) {
		a := h.do(call{method: "POST", path: prefix + "/threads/" + thread + "/" + what, token: h.token, body: body})
		a.into(t, &got)
		return got
	}
	if got := act("assign", `{"staff":"`+h.advisor.ID+`","note":"please"}`); got.Assignee == nil || got.Assignee.Name != "Mei" {
		t.Errorf("assigned: %+v", got)
	}
	if got := act("assign", `{"staff":""}`); got.Assignee != nil {
		t.Errorf("given back: %+v", got)
	}
	if got := act("close", ""); got.State != "closed" || got.WaitingSince != nil {
		t.Errorf("closed: %+v", got)
	}
	if got := act("reopen", ""); got.State != "open" {
		t.Errorf("reopened: %+v", got)
	}
	if a := h.do(call{method: "POST", path: prefix + "/threads/" + thread + "/typing", token: h.token}); a.status != http.StatusNoContent {
		t.Errorf("typing: %d %s", a.status, a.body)
	}
	var actors int
	h.read(func(tx *db.Tx) error {
		return tx.QueryRow(`SELECT COUNT(*) FROM audit WHERE actor LIKE 'token/tok_%' AND action LIKE 'thread.%'`).Scan(&actors)
	})
	if actors != 4 {
		t.Errorf("%d acts are on record under the token", actors)
	}
}

func TestDirectoryAndCustomers(t *testing.T) {
	h := sqlite(t)
	h.says("Amelia Wong", "hello")
	h.says("王小美", "你好")
	h.write(func(tx *db.Tx) error { // names are searched by what a profile told
		for _, who := range []string{"Amelia Wong", "王小美"} {
			i, err := h.desk.Book.Find(tx, h.account.ID, who)
			if err != nil {
				return err
			}
			if err := h.desk.Book.Rename(tx, i.CustomerID, who); err != nil {
				return err
			}
		}
		return nil
	})
	var found struct{ Customers []Customer }
	for query, want := range map[string]string{"wong": "Amelia Wong", "小美": "王小美", "zzz": ""} {
		h.get(prefix+"/customers?query="+url.QueryEscape(query), &found)
		got := ""
		for _, c := range found.Customers {
			got += c.Name
		}
		if got != want {
			t.Errorf("%q finds %q", query, got)
		}
	}
	h.get(prefix+"/customers?query=wong", &found)
	var c Customer
	h.get(prefix+"/customers/"+found.Customers[0].ID, &c)
	if c.Name != "Amelia Wong" || len(c.Identities) != 1 || c.Identities[0].Channel != channel.WebChat || len(c.Threads) != 1 || c.Kind != channel.Person {
		t.Errorf("got %+v", c)
	}
	var accounts struct{ Accounts []Account }
	h.get(prefix+"/accounts", &accounts)
	var people struct{ Staff []Staff }
	h.get(prefix+"/staff", &people)
	var counters struct{ Counters []Counter }
	h.get(prefix+"/counters", &counters)
	if len(accounts.Accounts) != 1 || len(people.Staff) != 2 || len(counters.Counters) != 1 || counters.Counters[0].Store.Name != "North" {
		t.Errorf("got %+v %+v %+v", accounts, people, counters)
	}
}

func FuzzCursor(f *testing.F) {
	for _, c := range []cursor{{listThreads, 1, "thr_1"}, {listArrived, 4711, ""}, {listThread, 1 << 60, "msg_06hk2q8s1n7v0000000000000d"}} {
		f.Add(c.String())
	}
	f.Add("")
	f.Add("dC4xLg\n")
	f.Add("dC4tMS4")
	f.Fuzz(func(t *testing.T, s string) {
		for _, list := range []string{listThreads, listUpdated, listThread, listArrived} {
			c, err := parseCursor(list, "cursor", s)
			if err == nil && (c.String() != s || c.list != list || c.at < 0) {
				t.Errorf("%q became %+v, which is written %q", s, c, c.String())
			}
		}
		if n, err := parseSeq("after", s); err == nil && fmt.Sprint(n) != s {
			t.Errorf("%q became %d", s, n)
		}
	})
}
