package conversation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"dingdong/internal/audit"
	"dingdong/internal/channel"
	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
	"dingdong/internal/event"
	"dingdong/internal/job"
	"dingdong/internal/staff"
)

// two lets two friends write to the first counter, and returns them and their threads.
func (h *house) two() (ids [2]string, threads [2]Thread) {
	h.t.Helper()
	h.receive(says("U1", 1, "it is me"), says("U2", 2, "me too"))
	for _, t := range h.threads(h.mei, Filter{Box: BoxAll}) {
		n := 0
		if t.Last.Body.Text == "me too" {
			n = 1
		}
		ids[n], threads[n] = t.CustomerID, t
	}
	return ids, threads
}

func (h *house) merge(v staff.Viewer, m Merge) (id string, err error) {
	err = h.DB.Write(context.Background(), func(tx *db.Tx) error {
		var err error
		id, err = h.Merge(tx, v, m)
		return err
	})
	return id, err
}

func (h *house) joined(kept, lost string) string {
	h.t.Helper()
	id, err := h.merge(h.mei, Merge{KeptID: kept, LostID: lost, Proof: ProvedByAdvisor})
	check(h.t, err)
	return id
}

func (h *house) unmerge(id string) {
	h.t.Helper()
	h.write(func(tx *db.Tx) error { return h.Unmerge(tx, h.mei, id) })
}

func TestAMergeIsOneConversationAndIsTold(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		ids, threads := h.two()
		id := h.joined(ids[0], ids[1])
		th := h.only(h.mei)
		if th.ID != threads[0].ID || th.CustomerID != ids[0] || th.RecordID != ids[1] || th.Unread != 2 || !th.WaitingSince.Equal(threads[0].WaitingSince) {
			t.Errorf("thread %+v", th)
		}
		if got := h.texts(h.mei, threads[1].ID); !slices.Equal(got, []string{"it is me", "me too"}) {
			t.Errorf("the address of the folded thread reads %q", got)
		}
		h.read(func(tx *db.Tx) error {
			rows, err := h.InboxRows(tx, []string{threads[0].ID, threads[1].ID})
			if err != nil || len(rows) != 1 {
				t.Errorf("rows of live pages: %d, %v", len(rows), err)
			}
			if crowd, err := h.CountCrowd(tx); err != nil || crowd.For(h.mei).All != 1 {
				t.Errorf("crowd %v, %v", crowd, err)
			}
			list, err := h.Merges(tx, h.mei, ids[1])
			if err != nil || len(list) != 1 || list[0].ID != id || list[0].KeptID != ids[0] || list[0].By != h.mei.ID {
				t.Errorf("history %+v, %v", list, err)
			}
			events, err := event.After(tx, 0, 100)
			check(t, err)
			told := map[string]bool{}
			for _, e := range events {
				told[string(e.Kind)+" "+e.Thread+e.Data["what"]+" "+e.Data["act"]] = true
			}
			for _, want := range []string{"customer.changed merge ", "thread.changed " + threads[0].ID + " merged", "thread.changed " + threads[1].ID + " merged"} {
				if !told[want] {
					t.Errorf("%q was not told: %v", want, told)
				}
			}
			rowsOf, err := audit.List(tx, audit.Filter{Customer: ids[1], Limit: 10})
			if err != nil || !slices.ContainsFunc(rowsOf, func(r audit.Row) bool { return r.Action == "customer.merge" && r.Object == id }) {
				t.Errorf("audit %+v, %v", rowsOf, err)
			}
			return nil
		})
		h.unmerge(id)
		h.unmerge(id) // twice is once
		if got := h.threads(h.mei, Filter{Box: BoxAll}); len(got) != 2 {
			t.Errorf("%d threads after the unmerge", len(got))
		}
	})
}

func TestRedeliveryAfterAMergeIsANoOp(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		ids, _ := h.two()
		id := h.joined(ids[0], ids[1])
		if got := h.receive(says("U1", 1, "it is me"), says("U2", 2, "me too")); got != (Received{Repeated: 2}) {
			t.Errorf("after the merge: %+v", got)
		}
		unsend := says("U2", 9, "")
		unsend.Kind, unsend.ExternalID, unsend.Body = channel.Unsend, "ext-U2-2", channel.Body{}
		h.receive(unsend)
		if got := h.texts(h.mei, h.only(h.mei).ID); !slices.Equal(got, []string{"it is me", "(unsent)"}) {
			t.Errorf("an unsend finds its message: %q", got)
		}
		h.unmerge(id)
		if got := h.receive(says("U1", 1, "it is me"), says("U2", 2, "me too")); got != (Received{Repeated: 2}) {
			t.Errorf("after the unmerge: %+v", got)
		}
	})
}

func TestAMessageOnItsWayStopsAMerge(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		ids, threads := h.two()
		say := func(thread, key string) (m Message) {
			h.write(func(tx *db.Tx) (err error) {
				m, err = h.Say(tx, h.mei, Draft{ThreadID: thread, ClientKey: key, Body: channel.Body{Type: channel.Text, Text: "in " + thread}})
				return err
			})
			return m
		}
		for n, th := range threads {
			say(th.ID, "the same key")
			if _, err := h.merge(h.mei, Merge{KeptID: ids[0], LostID: ids[1], Proof: ProvedByAdvisor}); !errors.Is(err, ErrBusy) || !errors.Is(err, db.ErrConflict) {
				t.Errorf("thread %d: %v", n, err)
			}
			h.write(func(tx *db.Tx) error { // sent, and the job is not done yet
				_, err := tx.Exec(`UPDATE message SET status = 'sent' WHERE status = 'queued'`)
				return err
			})
			if _, err := h.merge(h.mei, Merge{KeptID: ids[0], LostID: ids[1], Proof: ProvedByAdvisor}); !errors.Is(err, ErrBusy) {
				t.Errorf("thread %d, job: %v", n, err)
			}
			h.arrive()
		}
		if got := len(h.threads(h.mei, Filter{Box: BoxAll})); got != 2 {
			t.Fatalf("%d threads after a refused merge", got)
		}
		id := h.joined(ids[0], ids[1]) // both have a message under the same key
		if m := say(threads[0].ID, "the same key"); m.Body.Text != "in "+threads[0].ID {
			t.Errorf("the key gives %q", m.Body.Text)
		}
		last := say(threads[1].ID, "another key") // the address of the folded one
		if err := h.DB.Write(t.Context(), func(tx *db.Tx) error { return h.Unmerge(tx, h.mei, id) }); !errors.Is(err, ErrBusy) {
			t.Errorf("unmerge: %v", err)
		}
		h.arrive()
		h.unmerge(id)
		if m := say(threads[1].ID, "the same key"); m.Body.Text != "in "+threads[1].ID {
			t.Errorf("after the unmerge the key gives %q", m.Body.Text)
		}
		if last.CustomerID != ids[1] || !slices.Contains(h.texts(h.mei, threads[1].ID), last.Body.Text) {
			t.Error("what was answered to her did not go with her")
		}
	})
}

func TestNotesAndDraftsStayReadable(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		ids, threads := h.two()
		note := func(thread, text string) {
			h.write(func(tx *db.Tx) error {
				return h.Transfer(tx, h.mei, Handing{ThreadID: thread, To: h.mei.ID, Note: text})
			})
		}
		draft := func(thread, text string) {
			h.write(func(tx *db.Tx) error { return h.SaveDraft(tx, h.mei, thread, text) })
		}
		reads := func(thread string) (notes []string, text string) {
			h.read(func(tx *db.Tx) error {
				th, err := h.Thread(tx, h.mei, thread)
				check(t, err)
				list, err := h.Notes(tx, h.mei, thread, base)
				for _, n := range list {
					notes = append(notes, n.Text)
				}
				check(t, err)
				text, err = h.DraftText(tx, h.mei, th)
				return err
			})
			return notes, text
		}
		for n, th := range threads {
			note(th.ID, fmt.Sprint("note ", n))
			draft(th.ID, fmt.Sprint("draft ", n))
		}
		id := h.joined(ids[0], ids[1])
		if notes, text := reads(threads[1].ID); !slices.Equal(notes, []string{"note 0", "note 1"}) || text != "draft 0\ndraft 1" {
			t.Errorf("merged: %q %q", notes, text)
		}
		note(threads[0].ID, "since")
		h.unmerge(id)
		if notes, text := reads(threads[0].ID); !slices.Equal(notes, []string{"note 0"}) || text != "draft 0\ndraft 1" {
			t.Errorf("first: %q %q", notes, text)
		}
		if notes, text := reads(threads[1].ID); !slices.Equal(notes, []string{"note 1", "since"}) || text != "" {
			t.Errorf("second: %q %q", notes, text)
		}
	})
}

func TestWhatProvesAMerge(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		ids, _ := h.two()
		contact := func(n int, kind customer.ContactKind, value string, verified bool) {
			h.write(func(tx *db.Tx) error {
				_, err := h.Book.AddContact(tx, ids[n], customer.Contact{Kind: kind, Value: value, Verified: verified, Source: customer.SourceTill})
				return err
			})
		}
		pair := func(p Proof) Merge { return Merge{KeptID: ids[0], LostID: ids[1], Proof: p} }
		contact(0, customer.Phone, "0912345678", true)
		contact(1, customer.Phone, "0912345678", false)
		contact(0, customer.Member, "A1", true)
		contact(1, customer.Member, "B2", true)
		system := staff.System()
		for name, c := range map[string]struct {
			v    staff.Viewer
			m    Merge
			want error
		}{
			"a number that one did not verify": {system, pair(ProvedByPhone), ErrUnproved},
			"two member numbers":               {system, pair(ProvedByMember), ErrUnproved},
			"a link, said by a person":         {h.mei, pair(ProvedByLink), staff.ErrForbidden},
			"an advisor of another counter":    {h.foreign, pair(ProvedByAdvisor), db.ErrNotFound},
			"somebody who may not chat":        {h.officer, pair(ProvedByAdvisor), staff.ErrForbidden},
			"a name":                           {h.mei, pair("name"), db.Invalid{Field: "proof", Code: "unknown"}},
			"herself":                          {h.mei, Merge{KeptID: ids[0], LostID: ids[0], Proof: ProvedByAdvisor}, db.Invalid{Field: "lost", Code: "same"}},
			"evidence that is no JSON":         {h.mei, Merge{KeptID: ids[0], LostID: ids[1], Proof: ProvedByAdvisor, Evidence: []byte("{")}, db.Invalid{Field: "evidence", Code: "malformed"}},
			"nobody":                           {system, Merge{KeptID: ids[0], LostID: "cus_none", Proof: ProvedByAdvisor}, db.ErrNotFound},
		} {
			if _, err := h.merge(c.v, c.m); !errors.Is(err, c.want) {
				t.Errorf("%s: %v, want %v", name, err, c.want)
			}
		}
		proved := func() (person string) {
			h.write(func(tx *db.Tx) (err error) { person, err = h.MergeProved(tx, ids[1]); return err })
			return person
		}
		if proved() != ids[1] {
			t.Error("an unverified number merged")
		}
		contact(1, customer.Phone, "+886 912 345 678", true)
		kept := min(ids[0], ids[1])
		if got := proved(); got != kept {
			t.Errorf("person %s, want the older %s", got, kept)
		}
		var list []customer.Merged
		h.read(func(tx *db.Tx) (err error) { list, err = h.Merges(tx, h.mei, ids[0]); return err })
		if len(list) != 1 || list[0].Proof != "phone" || list[0].By != system.ID {
			t.Fatalf("history %+v", list)
		}
		h.unmerge(list[0].ID)
		if proved() != ids[1] {
			t.Error("what a person undid was done again")
		}
	})
}

func TestAProvedMergeWaitsForWhatIsOnItsWay(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		ids, threads := h.two()
		h.write(func(tx *db.Tx) error {
			_, err := h.Say(tx, h.mei, Draft{ThreadID: threads[0].ID, Body: channel.Body{Type: channel.Text, Text: "one moment"}})
			return err
		})
		machine := staff.Machine("till", staff.MessagesWrite, staff.CustomersWrite)
		for _, id := range ids {
			h.write(func(tx *db.Tx) error {
				c, err := h.AddContact(tx, machine, id, customer.Contact{Kind: customer.Member, Value: "m-1", Verified: true, Source: customer.SourceTill})
				if err == nil && !c.Verified {
					t.Error("a till's word is no proof")
				}
				return err
			})
		}
		count := func() int { return len(h.threads(h.mei, Filter{Box: BoxAll})) }
		if count() != 2 {
			t.Fatal("merged under way")
		}
		h.arrive()
		h.write(func(tx *db.Tx) error {
			out, err := h.MergeLater(t.Context(), job.Job{Kind: JobMerge, Args: []byte(`{"customer":"` + ids[1] + `"}`)})
			if err != nil {
				return err
			}
			return out(tx)
		})
		var jobs int
		h.read(func(tx *db.Tx) error { return tx.QueryRow(`SELECT COUNT(*) FROM job WHERE kind = 'merge'`).Scan(&jobs) })
		if count() != 1 || jobs != 1 {
			t.Errorf("%d threads, %d jobs", count(), jobs)
		}
	})
}

func TestSuggestions(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		named := func(user string, n int, name string) string {
			e := says(user, n, "hi")
			e.Peer.Name = name
			h.receive(e)
			var id string
			h.read(func(tx *db.Tx) error {
				i, err := h.Book.Find(tx, h.account.ID, user)
				id = i.CustomerID
				return err
			})
			return id
		}
		mei := named("U1", 1, "林怡君")
		same := named("U2", 2, "林怡君")
		phone := named("U3", 3, "Somebody")
		named("U4", 4, "怡君")
		a := h.account
		a.CounterID = h.other
		h.write(func(tx *db.Tx) error {
			e := says("U5", 5, "hi")
			e.Peer.Name = "林怡君"
			_, err := h.Receive(tx, a, []channel.Inbound{e}) // at another counter
			return err
		})
		h.write(func(tx *db.Tx) error {
			for _, id := range []string{mei, phone} {
				c, err := h.AddContact(tx, h.mei, id, customer.Contact{Kind: customer.Phone, Value: "0912345678", Verified: true, Source: customer.SourceStaff})
				if err != nil {
					return err
				}
				if c.Verified {
					t.Error("what an advisor typed is proof")
				}
			}
			return nil
		})
		list := func() (out []string) {
			h.read(func(tx *db.Tx) error {
				all, err := h.Suggestions(tx, h.mei, mei)
				for _, s := range all {
					line := s.PersonID + " " + strings.Join(s.Names, "/")
					for _, r := range s.Reasons {
						line += " " + r.Code
					}
					out = append(out, line)
				}
				return err
			})
			return out
		}
		want := []string{phone + " Somebody phone", same + " 林怡君 name"}
		if got := list(); !slices.Equal(got, want) {
			t.Errorf("suggestions %q, want %q", got, want)
		}
		h.write(func(tx *db.Tx) error { return h.Refuse(tx, h.mei, same, mei) })
		if got := list(); !slices.Equal(got, want[:1]) {
			t.Errorf("after a refusal %q", got)
		}
		id := h.joined(mei, phone)
		if got := list(); len(got) != 0 {
			t.Errorf("after the merge %q", got)
		}
		h.unmerge(id)
		if got := list(); len(got) != 0 {
			t.Errorf("after the unmerge %q", got)
		}
		h.read(func(tx *db.Tx) error {
			if _, err := h.Suggestions(tx, h.foreign, mei); !errors.Is(err, db.ErrNotFound) {
				t.Errorf("for a stranger: %v", err)
			}
			return nil
		})
	})
}

func TestWhoReadsAWholeNumberSaysWhy(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		ids, _ := h.two()
		var c customer.Contact
		h.write(func(tx *db.Tx) (err error) {
			c, err = h.AddContact(tx, h.mei, ids[0], customer.Contact{Kind: customer.Phone, Value: "0912345678", Source: customer.SourceStaff})
			return err
		})
		h.write(func(tx *db.Tx) error {
			if _, err := h.ShowContact(tx, h.mei, c.ID, "because"); !errors.Is(err, db.Invalid{Field: "reason", Code: "unknown"}) {
				t.Errorf("without a reason: %v", err)
			}
			if _, err := h.ShowContact(tx, h.foreign, c.ID, "call"); !errors.Is(err, db.ErrNotFound) {
				t.Errorf("by a stranger: %v", err)
			}
			full, err := h.ShowContact(tx, h.mei, c.ID, "call")
			if full.Value != "+886912345678" {
				t.Errorf("value %q", full.Value)
			}
			return err
		})
		h.read(func(tx *db.Tx) error {
			rows, err := audit.List(tx, audit.Filter{Customer: ids[0], Limit: 10})
			if err != nil || !slices.ContainsFunc(rows, func(r audit.Row) bool {
				return r.Action == "customer.contact" && r.Detail == "call" && r.Actor == h.mei.ID
			}) {
				t.Errorf("audit %+v, %v", rows, err)
			}
			return nil
		})
		h.write(func(tx *db.Tx) error { return h.EndContact(tx, h.mei, c.ID) })
	})
}

// Who writes from where she has no name keeps the one that the counter knows from elsewhere.
func TestAMergedPersonKeepsHerName(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		ids, _ := h.two()
		h.write(func(tx *db.Tx) error {
			i, err := h.Book.Find(tx, h.account.ID, "U1")
			check(t, err)
			return h.Book.SetProfile(tx, customer.Profile{IdentityID: i.ID, Name: "林怡君"})
		})
		name := func() string { return h.only(h.mei).Name }
		merged := h.joined(ids[1], ids[0]) // the nameless one is kept, and wrote last
		h.receive(says("U2", 9, "me again"))
		if got := name(); got != "林怡君" {
			t.Errorf("she is called %q", got)
		}
		// What an account is for that comes to another counter is not for this one.
		h.write(func(tx *db.Tx) error {
			_, err := tx.Exec(`UPDATE account SET counter_id = $1`, h.other)
			return err
		})
		if got := name(); got != "" {
			t.Errorf("another counter's name shows: %q", got)
		}
		h.write(func(tx *db.Tx) error {
			_, err := tx.Exec(`UPDATE account SET counter_id = $1`, h.counter)
			check(t, err)
			return h.Unmerge(tx, h.mei, merged)
		})
		for _, th := range h.threads(h.mei, Filter{Box: BoxAll}) {
			if want := map[string]string{ids[0]: "林怡君"}[th.CustomerID]; th.Name != want {
				t.Errorf("apart, %s is called %q", th.CustomerID, th.Name)
			}
		}
	})
}

// Messages pour in on one node while another puts the two together and apart.
func TestNothingIsLostWhileMerging(t *testing.T) {
	run := func(t *testing.T, url string) {
		open := func() *db.DB {
			d, err := db.Open(t.Context(), url, db.Options{})
			check(t, err)
			t.Cleanup(func() { d.Close() })
			return d
		}
		first := open()
		check(t, first.Migrate(t.Context()))
		h := newHouse(t, first)
		ids, _ := h.two()
		second := &Desk{DB: open(), Vault: h.Vault, Book: h.Book, Blobs: h.Blobs, Adapters: h.Adapters}
		const each = 60
		var all sync.WaitGroup
		for n, user := range []string{"U1", "U2"} {
			for part := range 2 {
				all.Go(func() {
					for i := range each {
						a := h.account
						if i%3 == 2 {
							a.CounterID = h.other // where neither had a thread
						}
						e := says(user, 100+n+10*i+5*part, fmt.Sprint(user, " ", part, " ", i))
						desk := h.Desk
						if part == 1 {
							desk = second
						}
						err := desk.DB.Write(context.Background(), func(tx *db.Tx) error {
							_, err := desk.Receive(tx, a, []channel.Inbound{e})
							return err
						})
						if err != nil {
							t.Errorf("receive: %v", err)
						}
					}
				})
			}
		}
		all.Go(func() {
			for n := range 20 {
				var id string
				err := second.DB.Write(context.Background(), func(tx *db.Tx) (err error) {
					id, err = second.Merge(tx, h.mei, Merge{KeptID: ids[n%2], LostID: ids[1-n%2], Proof: ProvedByAdvisor})
					return err
				})
				if err == nil && n < 19 {
					err = second.DB.Write(context.Background(), func(tx *db.Tx) error { return second.Unmerge(tx, h.mei, id) })
				}
				if err != nil {
					t.Errorf("merge %d: %v", n, err)
				}
			}
		})
		all.Wait()
		h.read(func(tx *db.Tx) error {
			var total, stray, shown int
			check(t, tx.QueryRow(`SELECT COUNT(*) FROM message WHERE author = 'customer'`).Scan(&total))
			check(t, tx.QueryRow(`SELECT COUNT(*) FROM message m JOIN thread t ON t.id = m.thread_id JOIN customer c ON c.id = m.customer_id
				WHERE t.folded_id <> '' OR t.customer_id <> CASE WHEN c.person_id = '' THEN c.id ELSE c.person_id END`).Scan(&stray))
			check(t, tx.QueryRow(`SELECT COUNT(*) FROM thread WHERE folded_id = ''`).Scan(&shown))
			if total != 2+4*each || stray != 0 || shown != 2 {
				t.Errorf("%d messages of %d, %d of them in a wrong thread, %d threads", total, 2+4*each, stray, shown)
			}
			for _, counter := range []string{h.counter, h.other} {
				var last, newest, unread, customers int64
				check(t, tx.QueryRow(`SELECT t.last_at, MAX(m.at), t.unread, COUNT(*) FROM thread t JOIN message m ON m.thread_id = t.id
					WHERE t.counter_id = $1 AND t.folded_id = '' GROUP BY t.last_at, t.unread`, counter).Scan(&last, &newest, &unread, &customers))
				if last != newest || unread != customers {
					t.Errorf("last %d of %d, unread %d of %d", last, newest, unread, customers)
				}
			}
			return nil
		})
	}
	t.Run(db.SQLite, func(t *testing.T) { run(t, dbtest.SQLiteURL(t)) })
	t.Run(db.Postgres, func(t *testing.T) { run(t, dbtest.PostgresURL(t)) })
}
