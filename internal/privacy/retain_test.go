package privacy

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"dingdong/internal/channel"
	"dingdong/internal/consent"
	"dingdong/internal/conversation"
	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/event"
	"dingdong/internal/staff"
)

func (h *house) rules(change func(*Rules)) {
	h.t.Helper()
	h.write(func(tx *db.Tx) error {
		rules, err := ReadRules(tx)
		check(h.t, err)
		change(&rules)
		return SaveRules(tx, h.officer, rules)
	})
}

func (h *house) would() map[Kind]Would {
	h.t.Helper()
	list, err := h.DryRun(context.Background(), h.officer)
	check(h.t, err)
	out := map[Kind]Would{}
	for _, w := range list {
		out[w.Kind] = w
	}
	return out
}

func TestWhatIsTooOldGoes(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		lin := h.hears("Ulin", "old words", nil)
		h.hears("Ulin", "taken back", nil)
		thread := ""
		h.read(func(tx *db.Tx) error { return tx.QueryRow(`SELECT id FROM thread`).Scan(&thread) })
		h.write(func(tx *db.Tx) error {
			check(t, h.Desk.SaveDraft(tx, h.mei, thread, "begun"))
			_, err := h.Book.AddNote(tx, h.mei, customer.NoteForm{CustomerID: lin, CounterID: h.counter, Body: "likes rose"})
			check(t, err)
			w, err := h.Book.AddWish(tx, h.mei, customer.WishForm{CustomerID: lin, CounterID: h.counter, Body: "a light scent", Facets: []string{"scent:light"}})
			check(t, err)
			check(t, h.Book.SetWish(tx, h.mei, w.ID, customer.WishGranted))
			_, err = h.Book.AddWish(tx, h.mei, customer.WishForm{CustomerID: lin, CounterID: h.counter, Body: "still waits"})
			check(t, err)
			for _, q := range []string{
				`INSERT INTO mention (customer_id, counter_id, message_id, kind, about, stance, rule, at) SELECT customer_id, 'c', id, 'signal', 'x', 'said', 'r', at FROM message`,
				`INSERT INTO delivery (id, thread_id, account_id, method, state, at) SELECT 'd', id, account_id, 'push', 'sent', last_at FROM thread`,
				`UPDATE tally SET n = (SELECT e.n FROM tally e WHERE e.name = 'event') WHERE name = 'react'`,
				// Paused long ago and forgotten: nothing is kept for it.
				`INSERT INTO endpoint (id, name, url, secret, created_at, paused_at) SELECT 'e', 'till', 'https://till.example', note.body, 1, 1 FROM note`,
			} {
				if _, err := tx.Exec(q); err != nil {
					return err
				}
			}
			return nil
		})
		h.hears("Ulin", "", func(in *channel.Inbound) { in.Kind, in.ExternalID = channel.Unsend, "ext-2" })
		for _, w := range h.would() {
			if w.Count != 0 {
				t.Errorf("on the first day %d %s would go", w.Count, w.Kind)
			}
		}
		h.clock.Advance(4 * 365 * 24 * time.Hour)
		h.hears("Ulin", "new words", nil)
		would := h.would()
		for kind, want := range map[Kind]int{KeepMessages: 2, KeepMarketing: 0, KeepClosed: 0, KeepNotes: 1, KeepPlans: 1, KeepMentions: 2,
			KeepDrafts: 1, KeepNotices: 1, KeepDeliveries: 1} {
			if w := would[kind]; w.Count != want || want > 0 && w.Oldest.IsZero() {
				t.Errorf("of %s %d would go, the oldest of %v; want %d", kind, w.Count, w.Oldest, want)
			}
		}
		if would[KeepEvents].Count < 2 {
			t.Errorf("%d events would go", would[KeepEvents].Count)
		}
		run, err := h.Retain(context.Background())
		check(t, err)
		for kind, w := range would {
			if kind == KeepMentions { // they went with their messages
				w.Count = 0
			}
			if run.Counts[string(kind)] != w.Count {
				t.Errorf("%d of %s went, %d were announced", run.Counts[string(kind)], kind, w.Count)
			}
		}
		for table, want := range map[string]int{"message": 1, "note": 0, "wish": 1, "wish_facet": 0, "mention": 0, "draft": 0, "notice": 0, "delivery": 0, "thread": 1} {
			if n := h.number(`SELECT COUNT(*) FROM ` + table); n != want {
				t.Errorf("%d rows of %s are left, want %d", n, table, want)
			}
		}
		for kind, w := range h.would() {
			if w.Count != 0 {
				t.Errorf("after the run %d %s would go", w.Count, kind)
			}
		}
		again, err := h.Retain(context.Background())
		check(t, err)
		for kind, n := range again.Counts {
			if n != 0 {
				t.Errorf("the second run took %d of %s", n, kind)
			}
		}
		h.read(func(tx *db.Tx) error {
			runs, err := Runs(tx, h.officer, 10)
			check(t, err)
			if len(runs) != 2 || runs[1].DoneAt.IsZero() || runs[1].Counts["messages"] != 2 {
				t.Errorf("the runs are on record as %+v", runs)
			}
			_, _, err = h.Desk.Inbox(tx, h.mei, conversation.Filter{})
			return err
		})
	})
}

func TestClosedThreadsGoWhole(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.hears("Ulin", "hello", nil)
		h.hears("Uwang", "hello", nil)
		h.rules(func(r *Rules) { r.Keep[KeepClosed] = 90 })
		h.write(func(tx *db.Tx) error {
			var id string
			check(t, tx.QueryRow(`SELECT t.id FROM thread t JOIN identity i ON i.id = t.identity_id WHERE i.external_hash = $1`,
				h.Book.ExternalHash(h.account.ID, "Ulin")).Scan(&id))
			return h.Desk.CloseThread(tx, h.mei, id)
		})
		h.clock.Advance(100 * 24 * time.Hour)
		if w := h.would()[KeepClosed]; w.Count != 1 || w.Oldest.IsZero() {
			t.Errorf("would go: %+v", w)
		}
		run, err := h.Retain(context.Background())
		check(t, err)
		if run.Counts["closed"] != 1 || h.number(`SELECT COUNT(*) FROM thread`) != 1 || h.number(`SELECT COUNT(*) FROM message`) != 1 {
			t.Errorf("%v; %d threads", run.Counts, h.number(`SELECT COUNT(*) FROM thread`))
		}
		h.hears("Ulin", "back again", nil) // she is still known
		if h.number(`SELECT COUNT(*) FROM customer`) != 2 {
			t.Error("she became somebody new")
		}
	})
}

func TestSilentCustomersAreAskedAndLetGo(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		agreed, answers, leaves := h.hears("Uagreed", "hello", nil), h.hears("Uanswers", "hello", nil), h.hears("Uleaves", "hello", nil)
		h.hears("Usilent", "hello", nil)
		buys := h.hears("Ubuys", "hello", nil)
		h.write(func(tx *db.Tx) error {
			for _, id := range []string{agreed, answers, leaves} {
				if _, err := h.Consent.Record(tx, consent.Entry{Customer: id, Purpose: consent.Marketing, State: consent.Granted, How: consent.HowChat}); err != nil {
					return err
				}
			}
			return nil
		})
		h.rules(func(r *Rules) { r.SilentMonths, r.AnswerWeeks = 12, 4 })
		h.clock.Advance(370 * 24 * time.Hour)
		h.hears("Ufresh", "hello", nil)
		h.write(func(tx *db.Tx) error {
			_, err := tx.Exec(`INSERT INTO purchase (id, source, ref, customer_id, at, total, currency, created_at) VALUES ('pur_1', 'till', '1', $1, $2, 100, 'TWD', 1)`, buys, db.Micro(tx.Now.Add(-24*time.Hour)))
			return err
		})
		n, err := h.CountSilent(context.Background(), h.DB.Now().AddDate(0, -12, 0))
		if err != nil || n != 4 {
			t.Errorf("%d are silent, %v", n, err)
		}
		run, err := h.Retain(context.Background())
		check(t, err)
		if run.Counts["asked"] != 3 || run.Counts["persons"] != 1 {
			t.Errorf("the first night: %v", run.Counts)
		}
		if n := h.number(`SELECT COUNT(*) FROM customer`); n != 5 {
			t.Errorf("%d are left", n)
		}
		if n := h.number(`SELECT COUNT(*) FROM suppression`); n != 1 {
			t.Errorf("%d are suppressed", n)
		}
		if n := h.number(`SELECT COUNT(*) FROM message WHERE purpose = 'marketing'`); n != 3 {
			t.Errorf("%d questions were asked", n)
		}
		run, err = h.Retain(context.Background()) // nobody is asked twice
		check(t, err)
		if run.Counts["asked"] != 0 || run.Counts["persons"] != 0 {
			t.Errorf("the second night: %v", run.Counts)
		}
		h.hears("Uanswers", "", func(in *channel.Inbound) {
			in.Kind, in.Body = channel.Postback, channel.Body{Type: "button", Data: conversation.StayYes}
		})
		h.react(event.MessageReceived)
		h.hears("Uleaves", "", func(in *channel.Inbound) {
			in.Kind, in.Body = channel.Postback, channel.Body{Type: "button", Data: conversation.StayNo}
		})
		h.react(event.MessageReceived)
		h.read(func(tx *db.Tx) error {
			list, err := h.Requests(tx, h.officer, RequestFilter{})
			if len(list) != 1 || list[0].PersonID != leaves || list[0].Kind != AskErase || list[0].Origin != FromChat {
				t.Errorf("who said no asked for %+v", list)
			}
			return err
		})
		h.clock.Advance(29 * 24 * time.Hour)
		run, err = h.Retain(context.Background())
		check(t, err)
		if run.Counts["persons"] != 1 || h.number(`SELECT COUNT(*) FROM customer WHERE id = $1`, agreed) != 0 {
			t.Errorf("after the weeks: %v", run.Counts)
		}
		if h.number(`SELECT COUNT(*) FROM customer WHERE id = $1`, answers) != 1 {
			t.Error("who answered is gone")
		}
	})
}

// Words may go long before silence counts: whoever wrote within its months is not let go.
func TestWhoWroteIsNotSilentWhenHerWordsAreGone(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		days := func(n int) { h.clock.Advance(time.Duration(n) * 24 * time.Hour) }
		h.hears("Usilent", "hello", nil)
		words, closed, follows, signs := h.hears("Uwords", "hello", nil), h.hears("Uclosed", "hello", nil), h.hears("Ufollows", "hello", nil), h.hears("Usigns", "hello", nil)
		met := h.hears("Umet", "hello", nil)
		h.rules(func(r *Rules) {
			r.SilentMonths, r.Keep[KeepMessages], r.Keep[KeepMarketing], r.Keep[KeepClosed] = 12, 60, 60, 60
		})
		days(200)
		h.hears("Uwords", "again", nil)
		h.hears("Uclosed", "again", nil)
		h.hears("Ufollows", "", func(in *channel.Inbound) { in.Kind, in.Unblocked = channel.Follow, true })
		second := h.hears("Usecond", "", func(in *channel.Inbound) { in.Kind = channel.Unfollow })
		h.write(func(tx *db.Tx) error {
			if _, err := h.Consent.Record(tx, consent.Entry{Customer: signs, Purpose: consent.Marketing, State: consent.Withdrawn, How: consent.HowPage}); err != nil {
				return err
			}
			if _, err := h.Desk.Merge(tx, staff.System(), conversation.Merge{KeptID: met, LostID: second, Proof: conversation.ProvedByAdvisor}); err != nil {
				return err
			}
			var thread string
			if err := tx.QueryRow(`SELECT id FROM thread WHERE customer_id = $1`, closed).Scan(&thread); err != nil {
				return err
			}
			return h.Desk.CloseThread(tx, h.mei, thread)
		})
		days(100)
		for range 2 { // the first night takes the words
			run, err := h.Retain(context.Background())
			check(t, err)
			if run.Counts["persons"] != 0 {
				t.Errorf("too early: %v", run.Counts)
			}
		}
		days(100)
		run, err := h.Retain(context.Background())
		check(t, err)
		if run.Counts["persons"] != 1 {
			t.Errorf("%v", run.Counts)
		}
		for name, id := range map[string]string{"words": words, "closed": closed, "follows": follows, "signs": signs, "met": met, "second": second} {
			if h.number(`SELECT COUNT(*) FROM customer WHERE id = $1`, id) != 1 {
				t.Errorf("%s is gone", name)
			}
		}
		days(400)
		run, err = h.Retain(context.Background())
		check(t, err)
		if run.Counts["persons"] != 5 || h.number(`SELECT COUNT(*) FROM customer`) != 0 {
			t.Errorf("in the end: %v", run.Counts)
		}
	})
}

// Between the look and her turn a night may take minutes.
func TestWhoWritesInTheNightStays(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		lin, wang := h.hears("Ulin", "hello", nil), h.hears("Uwang", "hello", nil)
		h.clock.Advance(400 * 24 * time.Hour)
		p := parting{rules: DefaultRules(), erasure: "ers_night", since: h.DB.Now().AddDate(-1, 0, 0)}
		h.hears("Ulin", "are you still open?", nil)
		h.write(func(tx *db.Tx) error {
			_, gone, err := h.part(tx, []string{lin, wang}, p)
			if err == nil && gone != 1 {
				err = fmt.Errorf("%d are let go", gone)
			}
			return err
		})
		if h.number(`SELECT COUNT(*) FROM customer WHERE id = $1`, lin) != 1 {
			t.Error("she wrote a moment ago and is gone")
		}
	})
}

// Who was asked, did not answer, and bought something is in touch; when she falls silent
// once more she is asked once more.
func TestWhoCameBackIsAskedAnew(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		lin := h.hears("Ulin", "hello", nil)
		h.write(func(tx *db.Tx) error {
			_, err := h.Consent.Record(tx, consent.Entry{Customer: lin, Purpose: consent.Marketing, State: consent.Granted, How: consent.HowChat})
			return err
		})
		h.rules(func(r *Rules) { r.SilentMonths, r.AnswerWeeks = 12, 4 })
		for n := range 2 {
			h.clock.Advance(400 * 24 * time.Hour)
			run, err := h.Retain(context.Background())
			check(t, err)
			if run.Counts["asked"] != 1 || run.Counts["persons"] != 0 {
				t.Fatalf("%d: %v", n, run.Counts)
			}
			h.write(func(tx *db.Tx) error {
				_, err := tx.Exec(`INSERT INTO purchase (id, source, ref, customer_id, at, total, currency, created_at) VALUES ($1, 'till', $1, $2, $3, 100, 'TWD', 1)`,
					fmt.Sprint("pur_", n), lin, db.Micro(tx.Now.Add(24*time.Hour)))
				return err
			})
		}
	})
}

// What she asked before two records were found to be her is still hers.
func TestARequestOutlivesAMerge(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		kept, lost := h.hears("Ukept", "hello", nil), h.hears("Ulost", "hello", nil)
		h.rules(func(r *Rules) { r.SilentMonths = 12 })
		h.write(func(tx *db.Tx) error {
			if _, err := h.RequestExport(tx, lost, FromPage); err != nil {
				return err
			}
			_, err := h.Desk.Merge(tx, staff.System(), conversation.Merge{KeptID: kept, LostID: lost, Proof: conversation.ProvedByAdvisor})
			return err
		})
		h.read(func(tx *db.Tx) error {
			list, err := h.Requests(tx, h.officer, RequestFilter{PersonID: kept})
			if err == nil && len(list) != 1 {
				t.Errorf("the officer sees %d of them", len(list))
			}
			own, err := h.OpenRequests(tx, kept)
			if err == nil && len(own) != 1 {
				t.Errorf("she sees %d of them", len(own))
			}
			return err
		})
		h.clock.Advance(400 * 24 * time.Hour)
		run, err := h.Retain(context.Background())
		check(t, err)
		if run.Counts["persons"] != 0 {
			t.Errorf("she waits for her copy and is let go: %v", run.Counts)
		}
	})
}

func TestARunGoesOnWhereItBrokeOff(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		for range 900 {
			h.hears("Ulin", "words", nil)
		}
		h.clock.Advance(4 * 365 * 24 * time.Hour)
		ctx, stop := context.WithCancel(context.Background())
		stop()
		if _, err := h.Retain(ctx); err == nil {
			t.Fatal("a run without a context")
		}
		k := h.kinds()[KeepMessages]
		since := h.DB.Now().AddDate(-3, 0, 0)
		next, n, err := k.forget(aging{h.Room, since}, context.Background(), "")
		check(t, err)
		check(t, h.noteStep(context.Background(), KeepMessages, next, n))
		if n != turn {
			t.Fatalf("a turn took %d", n)
		}
		run, err := h.Retain(context.Background())
		check(t, err)
		if run.Counts["messages"] != 900-turn || h.number(`SELECT COUNT(*) FROM message`) != 0 {
			t.Errorf("%v", run.Counts)
		}
	})
}

func TestWhoIsSuppressedIsNotBroughtBack(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		phone := customer.Contact{Kind: customer.Phone, Value: "0912345678", Source: customer.SourceAPI}
		enter := func(contacts ...customer.Contact) (id string, err error) {
			err = h.DB.Write(context.Background(), func(tx *db.Tx) error {
				e, err := h.Desk.EnterCustomer(tx, staff.System(), conversation.NewCustomer{Name: "Lin", CounterID: h.counter, Contacts: contacts})
				id = e.CustomerID
				return err
			})
			return id, err
		}
		grant := func(id string, how consent.How, staffID string) error {
			return h.DB.Write(context.Background(), func(tx *db.Tx) error {
				_, err := h.Consent.Record(tx, consent.Entry{Customer: id, Purpose: consent.Marketing, State: consent.Granted, How: how, Staff: staffID})
				return err
			})
		}
		may := func(id string) (yes bool) {
			h.read(func(tx *db.Tx) (err error) { yes, err = h.Consent.May(tx, id, consent.Marketing, ""); return err })
			return yes
		}
		lin, err := enter(phone)
		check(t, err)
		h.write(func(tx *db.Tx) error { _, err := h.EraseFor(tx, h.officer, lin, ""); return err })
		h.clock.Advance(time.Hour)
		if _, err := enter(phone); !errors.Is(err, db.Invalid{Field: "phone", Code: "erased"}) {
			t.Errorf("she was entered again: %v", err)
		}
		// She comes to the counter, and is met as anybody; what is known by her number holds.
		again, err := enter()
		check(t, err)
		h.write(func(tx *db.Tx) error { _, err := h.Book.AddContact(tx, again, phone); return err })
		if again == lin || grant(again, consent.HowImport, "") == nil || grant(again, consent.HowStaff, "token/tok_1") == nil || may(again) {
			t.Error("a file brought her back")
		}
		check(t, grant(again, consent.HowPage, ""))
		if !may(again) {
			t.Error("her own yes does not count")
		}
	})
}
