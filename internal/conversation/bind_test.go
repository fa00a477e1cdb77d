package conversation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"dingdong/internal/channel"
	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
	"dingdong/internal/job"
	"dingdong/internal/staff"
)

// group is a house whose account serves both counters, with two advisors at the first.
type group struct {
	*house
	lan staff.Viewer
}

func newGroup(t testing.TB, d *db.DB) *group {
	t.Helper()
	g := &group{house: newHouse(t, d)}
	g.write(func(tx *db.Tx) error {
		g.lan = g.person(tx, staff.StaffForm{Name: "Lan", Role: staff.Advisor, Counters: []string{g.counter}})
		var err error
		g.account, err = g.SaveAccount(tx, staff.System(), AccountForm{ID: g.account.ID, Name: "Rosée", CounterID: g.counter, Counters: &[]string{g.other}})
		return err
	})
	return g
}

func (g *group) bind(thread, advisor string) {
	g.t.Helper()
	g.write(func(tx *db.Tx) error {
		return g.GiveAdvisor(tx, g.manager, Giving{ThreadID: thread, AdvisorID: advisor})
	})
}

func (g *group) standIn(id string) {
	g.t.Helper()
	g.write(func(tx *db.Tx) error {
		_, err := staff.SaveCounter(tx, staff.System(), staff.CounterForm{ID: g.counter, StandIn: &id})
		return err
	})
}

// away sets somebody off duty and runs the job that follows; zero: she is back.
func (g *group) away(id string, d time.Duration) {
	g.t.Helper()
	g.write(func(tx *db.Tx) error {
		a := staff.Away{StaffID: id}
		if d > 0 {
			a.Until = tx.Now.Add(d)
		}
		return staff.SetAway(tx, g.manager, a)
	})
	outcome, err := g.dutyChanged(context.Background(), job.Job{Args: []byte(`{"staff":"` + id + `"}`)})
	check(g.t, err)
	g.write(outcome)
}

func (g *group) thread(id string) (t Thread, covers string) {
	g.t.Helper()
	g.read(func(tx *db.Tx) error {
		var err error
		if t, err = g.Thread(tx, g.manager, id); err != nil {
			return err
		}
		return tx.QueryRow(`SELECT covers_id FROM thread WHERE id = $1`, id).Scan(&covers)
	})
	return t, covers
}

func (g *group) expect(when, id, assignee, covers string) {
	g.t.Helper()
	if t, c := g.thread(id); t.AssigneeID != assignee || c != covers {
		g.t.Errorf("%s: with %q for %q, want %q for %q", when, t.AssigneeID, c, assignee, covers)
	}
}

func (g *group) acts(id string) []Act {
	g.t.Helper()
	var out []Act
	g.read(func(tx *db.Tx) error {
		notes, err := g.Notes(tx, g.manager, id, time.Time{})
		for _, n := range notes {
			out = append(out, n.Act)
		}
		return err
	})
	return out
}

// tapped makes the event of a tap, n seconds into the story.
func tapped(user string, n int, data string) channel.Inbound {
	in := says(user, n, "")
	in.Kind, in.ExternalID, in.Body = channel.Postback, "", channel.Body{Type: channel.Button, Data: data}
	return in
}

// last is what was said last to a customer in a thread.
func (g *group) last(thread string) channel.Body {
	g.t.Helper()
	var body channel.Body
	g.read(func(tx *db.Tx) error {
		list, _, err := g.Messages(tx, g.manager, Page{ThreadID: thread})
		for _, m := range list {
			if m.Author == AuthorAutomation {
				body = m.Body
			}
		}
		return err
	})
	return body
}

func TestReturningCustomerReachesHerAdvisor(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		g := newGroup(t, d)
		mei, lan, hua := g.mei.ID, g.lan.ID, g.manager.ID
		g.receive(says("U1", 1, "hello"))
		id := g.only(g.mei).ID
		g.expect("an unbound one", id, "", "")
		g.bind(id, mei)
		g.expect("bound", id, mei, "")

		g.write(func(tx *db.Tx) error { return g.CloseThread(tx, g.mei, id) })
		g.write(func(tx *db.Tx) error { return g.Take(tx, g.lan, id) })
		g.receive(says("U1", 2, "one more thing"))
		g.expect("a colleague holds it", id, lan, "")
		g.write(func(tx *db.Tx) error { return g.CloseThread(tx, g.lan, id) })
		g.receive(says("U1", 3, "me again"))
		g.expect("closed, and she writes again", id, mei, "")

		g.standIn(lan)
		g.away(mei, time.Hour)
		g.expect("off while she waits", id, lan, mei)
		g.receive(says("U1", 4, "still there?"))
		g.expect("still off", id, lan, mei)
		g.away(mei, 0)
		g.expect("back", id, mei, "")

		g.away(lan, time.Hour)
		g.away(mei, time.Hour)
		g.expect("nobody stands in", id, "", mei)
		g.write(func(tx *db.Tx) error { // her time is over without anybody saying so
			_, err := tx.Exec(`UPDATE staff SET away_until = $2 WHERE id = $1`, mei, db.Micro(tx.Now))
			return err
		})
		g.receive(says("U1", 5, "and now?"))
		g.expect("back by the clock", id, mei, "")
		if got, want := g.acts(id)[3:], []Act{ActCovered, ActReturned, ActFreed, ActReturned}; !slices.Equal(got, want) {
			t.Errorf("the thread tells %v, want %v", got, want)
		}

		g.write(func(tx *db.Tx) error { return staff.EndStaff(tx, staff.System(), mei) })
		g.write(func(tx *db.Tx) error { _, err := ReleaseAll(tx, staff.System(), mei); return err })
		g.receive(says("U1", 6, "hello?"))
		g.expect("her advisor left", id, "", "")
		g.bind(id, hua)
		g.bind(id, "")
		g.read(func(tx *db.Tx) error {
			thread, err := g.Thread(tx, g.manager, id)
			check(t, err)
			if _, err := g.Book.BindingAt(tx, thread.CustomerID, g.counter); !errors.Is(err, db.ErrNotFound) {
				t.Errorf("bound to %v", err)
			}
			all, err := g.Book.Bindings(tx, []string{thread.CustomerID})
			if len(all) != 2 || all[0].EndedAt.IsZero() || all[0].EndedBy != hua {
				t.Errorf("history is %+v", all)
			}
			return err
		})
	})
}

func TestGivingAnAdvisorIsChecked(t *testing.T) {
	g := newGroup(t, dbtest.New(t))
	g.receive(says("U1", 1, "hello"))
	id := g.only(g.mei).ID
	for name, c := range map[string]struct {
		v    staff.Viewer
		to   string
		want error
	}{
		"another counter's advisor": {g.mei, g.foreign.ID, db.Invalid{Field: "advisor", Code: "not_at_counter"}},
		"nobody":                    {g.mei, "stf_none", db.Invalid{Field: "advisor", Code: "not_at_counter"}},
		"by a stranger":             {g.foreign, g.foreign.ID, db.ErrNotFound},
		"by the officer":            {g.officer, g.mei.ID, staff.ErrForbidden},
	} {
		err := g.DB.Write(t.Context(), func(tx *db.Tx) error { return g.GiveAdvisor(tx, c.v, Giving{id, c.to}) })
		if !errors.Is(err, c.want) && fmt.Sprint(err) != fmt.Sprint(c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func TestCardsBindWhoAgrees(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		g := newGroup(t, d)
		var card, counter Card
		g.write(func(tx *db.Tx) error {
			var err error
			card, err = g.SaveCard(tx, g.mei, CardForm{g.account.ID, g.counter, g.mei.ID})
			check(t, err)
			again, err := g.SaveCard(tx, g.manager, CardForm{g.account.ID, g.counter, g.mei.ID})
			if again.ID != card.ID || !isCode(card.Code) {
				t.Errorf("two cards of one advisor: %+v %+v", card, again)
			}
			check(t, err)
			counter, err = g.SaveCard(tx, g.manager, CardForm{g.account.ID, g.other, ""})
			return err
		})
		for name, f := range map[string]struct {
			v staff.Viewer
			f CardForm
		}{
			"a colleague's":      {g.mei, CardForm{g.account.ID, g.counter, g.lan.ID}},
			"another counter's":  {g.mei, CardForm{g.account.ID, g.other, ""}},
			"not at the counter": {g.manager, CardForm{g.account.ID, g.counter, g.foreign.ID}},
			"no such account":    {g.manager, CardForm{"acc_x", g.counter, ""}},
			"an officer":         {g.officer, CardForm{g.account.ID, g.counter, ""}},
		} {
			if err := g.DB.Write(t.Context(), func(tx *db.Tx) error { _, err := g.SaveCard(tx, f.v, f.f); return err }); err == nil {
				t.Errorf("%s: a card was made", name)
			}
		}
		scan := func(c Card, user string) Scanned {
			var s Scanned
			g.write(func(tx *db.Tx) error {
				var err error
				s, err = g.ScanCard(tx, Scan{CardID: c.ID, Peer: channel.Peer{Type: channel.Person, ID: user, Name: "Lin"}})
				return err
			})
			return s
		}
		answer := func(visit string, yes bool) {
			g.write(func(tx *db.Tx) error { return g.AnswerCard(tx, visit, yes) })
		}
		s := scan(card, "U1")
		if s.BoundTo != "" || s.AdvisorID != g.mei.ID || len(g.texts(g.manager, s.ThreadID)) != 0 {
			t.Errorf("a scan came to %+v", s)
		}
		if again := scan(card, "U1"); again.VisitID != s.VisitID {
			t.Error("scanning again is another visit")
		}
		answer(s.VisitID, false)
		g.expect("she said no", s.ThreadID, "", "")
		answer(s.VisitID, true)
		answer(s.VisitID, true)
		answer(s.VisitID, false)
		g.expect("she said yes", s.ThreadID, g.mei.ID, "")
		if got := g.texts(g.manager, s.ThreadID); !slices.Equal(got, []string{"(came)"}) {
			t.Errorf("the thread tells %v", got)
		}
		if again := scan(card, "U1"); again.BoundTo != g.mei.ID {
			t.Errorf("bound to %q", again.BoundTo)
		}
		// A friend who spoke with the first counter before goes on with the second.
		g.receive(says("U2", 1, "hello"))
		s = scan(counter, "U2")
		g.receive(says("U2", 2, "not yet answered"))
		answer(s.VisitID, true)
		g.receive(says("U2", 3, "and now here"))
		if got := g.texts(g.manager, s.ThreadID); !slices.Equal(got, []string{"(came)", "and now here"}) && !slices.Equal(got, []string{"and now here", "(came)"}) {
			t.Errorf("the second counter reads %v", got)
		}
		g.write(func(tx *db.Tx) error { return g.EndCard(tx, g.manager, card.ID) })
		for name, try := range map[string]func(tx *db.Tx) error{
			"an ended card": func(tx *db.Tx) error {
				_, err := g.ScanCard(tx, Scan{CardID: card.ID, Peer: channel.Peer{ID: "U3"}})
				return err
			},
			"its code":         func(tx *db.Tx) error { _, err := g.CardByCode(tx, card.Code); return err },
			"an odd code":      func(tx *db.Tx) error { _, err := g.CardByCode(tx, "' OR 1=1"); return err },
			"a visit of no id": func(tx *db.Tx) error { return g.AnswerCard(tx, "vis_x", true) },
		} {
			if err := g.DB.Write(t.Context(), try); !errors.Is(err, db.ErrNotFound) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func TestCodeInATextIsNoMessage(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		g := newGroup(t, d)
		var card Card
		g.write(func(tx *db.Tx) error {
			var err error
			card, err = g.SaveCard(tx, g.mei, CardForm{g.account.ID, g.counter, g.mei.ID})
			return err
		})
		alone := says("U1", 1, "👋 ["+card.Code+"]")
		if r := g.receive(alone, alone); r.New != 1 || r.Repeated != 1 {
			t.Errorf("came to %+v", r)
		}
		id := g.only(g.mei).ID
		if got := g.texts(g.mei, id); len(got) != 2 || got[0] != "(scanned)" || !strings.Contains(got[1], "專屬顧問") {
			t.Fatalf("the thread holds %q", got)
		}
		if th, _ := g.thread(id); !th.WaitingSince.IsZero() {
			t.Error("a code alone waits for an answer")
		}
		ask := g.last(id)
		if len(ask.Choices) != 2 {
			t.Fatalf("she is asked %+v", ask)
		}
		g.receive(tapped("U2", 2, ask.Choices[0].Data)) // somebody else's question
		g.expect("another tapped", id, "", "")
		yes := tapped("U1", 3, ask.Choices[0].Data)
		g.receive(yes, yes)
		g.expect("she tapped yes", id, g.mei.ID, "")
		if got := g.last(id).Text; !strings.Contains(got, "Mei") {
			t.Errorf("she is told %q", got)
		}
		g.receive(says("U3", 4, "您好，想問粉底 ["+strings.ToLower(card.Code)+"] 謝謝"), says("U3", 5, "[ABCDEF] is not a code"))
		var third string
		for _, th := range g.threads(g.mei, Filter{Box: BoxAll}) {
			if got := g.texts(g.mei, th.ID); slices.Contains(got, "[ABCDEF] is not a code") {
				third = th.ID
				if got[0] != "您好，想問粉底  謝謝" || strings.Contains(strings.Join(got, " "), card.Code) {
					t.Errorf("the advisor reads %q", got)
				}
			}
		}
		if third == "" {
			t.Error("her message is lost")
		}
	})
}

func TestSwitchingCounterInTheChat(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		g := newGroup(t, d)
		g.receive(says("U1", 1, "hello"), says("U1", 2, "換櫃!"))
		first := g.only(g.mei).ID
		ask := g.last(first)
		if len(ask.Choices) != 2 {
			t.Fatalf("she is offered %+v", ask)
		}
		to := tapped("U1", 3, ask.Choices[1].Data)
		g.receive(to, to)
		g.receive(says("U1", 4, "do you have no. 21?"))
		second := g.only(g.foreign).ID
		if got := g.texts(g.foreign, second); !slices.Contains(got, "do you have no. 21?") || !slices.Contains(got, "(arrived)") {
			t.Errorf("the second counter reads %q", got)
		}
		if got := g.texts(g.mei, first); len(got) != 4 || !slices.Contains(got, "(moved)") || !slices.Contains(got, "(asked)") {
			t.Errorf("the first counter reads %q", got)
		}
		before := g.texts(g.foreign, second)
		for n, data := range []string{"dd:", "dd:counter", "dd:counter:", "dd:counter:cnt_none", "dd:counter:" + g.counter + ":x", "dd:counters:-1", "dd:counters:x",
			"dd:advisor:" + g.counter + ":" + g.foreign.ID, "dd:advisor:" + g.counter + ":stf_x", "dd:advisor:x:", "dd:card:vis_x:yes", "dd:card:vis_x:maybe",
			"dd:card::yes", "dd:" + strings.Repeat(":", 290), "dd:advisor:" + g.other + ":" + g.mei.ID, "dd:\x00"} {
			g.receive(tapped("U1", 100+n, data))
		}
		after := g.texts(g.foreign, second)
		if len(after) != len(before)+16 {
			t.Errorf("16 odd taps came to %d lines", len(after)-len(before))
		}
		for _, line := range after {
			if strings.Contains(line, "dd:") {
				t.Errorf("an advisor reads %q", line)
			}
		}
		g.receive(says("U1", 200, "still with you"))
		if got := g.texts(g.foreign, second); !slices.Contains(got, "still with you") {
			t.Error("an odd tap moved her")
		}
		// An account that stops serving a counter takes her back.
		g.write(func(tx *db.Tx) error {
			var err error
			g.account, err = g.SaveAccount(tx, staff.System(), AccountForm{ID: g.account.ID, Name: "Rosée", CounterID: g.counter, Counters: &[]string{}})
			return err
		})
		g.receive(says("U1", 201, "換櫃"))
		if got := g.texts(g.mei, first); !slices.Contains(got, "換櫃") {
			t.Errorf("where there is no choice it is a sentence: %q", got)
		}
	})
}

func TestChoiceIsOfferedOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		g := newGroup(t, d)
		on := true
		g.write(func(tx *db.Tx) error {
			var err error
			g.account, err = g.SaveAccount(tx, staff.System(), AccountForm{ID: g.account.ID, Name: "Rosée", CounterID: g.counter, OfferChoice: &on})
			return err
		})
		// Two first messages at once, from two connections.
		var wg sync.WaitGroup
		for n := range 4 {
			wg.Go(func() {
				err := g.DB.Write(t.Context(), func(tx *db.Tx) error {
					_, err := g.Receive(tx, g.account, []channel.Inbound{says("U1", n, fmt.Sprint("hello ", n))})
					return err
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		id := g.only(g.mei).ID
		offers := 0
		for _, text := range g.texts(g.mei, id) {
			if strings.Contains(text, "專屬顧問") {
				offers++
			}
		}
		ask := g.last(id)
		if offers != 1 || len(ask.Choices) != 3 {
			t.Fatalf("offered %d times: %+v", offers, ask.Choices)
		}
		i := slices.IndexFunc(ask.Choices, func(c channel.Choice) bool { return c.Label == "Lan" })
		g.receive(tapped("U1", 10, ask.Choices[i].Data))
		g.expect("she chose Lan", id, g.lan.ID, "")
		g.receive(tapped("U1", 11, ask.Choices[2].Data))
		g.read(func(tx *db.Tx) error {
			th, err := g.Thread(tx, g.mei, id)
			check(t, err)
			if _, err := g.Book.BindingAt(tx, th.CustomerID, g.counter); !errors.Is(err, db.ErrNotFound) {
				t.Error("anyone is still Lan")
			}
			return nil
		})
		g.write(func(tx *db.Tx) error { // a first answer of a person does not bind
			_, err := g.Say(tx, g.mei, Draft{ThreadID: id, Body: channel.Body{Type: channel.Text, Text: "hi"}})
			return err
		})
		g.read(func(tx *db.Tx) error {
			list, err := g.Book.BoundTo(tx, customer.ClientBook{AdvisorID: g.mei.ID, CounterIDs: []string{g.counter}})
			if len(list) != 0 {
				t.Errorf("bound silently: %+v", list)
			}
			choices, err2 := g.Choosable(tx, g.account.ID)
			if len(choices) != 2 || choices[0].CounterID != g.counter || len(choices[0].Advisors) != 2 {
				t.Errorf("choosable is %+v", choices)
			}
			return errors.Join(err, err2)
		})
	})
}

func TestVisitorTapsOnlyWhatWasOffered(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		g := newGroup(t, d)
		var v Visitor
		g.write(func(tx *db.Tx) error {
			a, err := g.SaveAccount(tx, staff.System(), AccountForm{Channel: channel.WebChat, Name: "Shop", CounterID: g.counter, Counters: &[]string{g.other}})
			v = Visitor{Account: a, ExternalID: "visitor-1"}
			return err
		})
		tap := func(key, data string) (m Message, err error) {
			err = g.DB.Write(t.Context(), func(tx *db.Tx) error {
				m, err = g.VisitorTaps(tx, v, Tapping{key, data})
				return err
			})
			return m, err
		}
		refused := db.Invalid{Field: "data", Code: "unknown"}
		if _, err := tap("k0", DataCounters); err != refused {
			t.Errorf("a stranger's tap: %v", err)
		}
		g.write(func(tx *db.Tx) error {
			m, err := g.VisitorSays(tx, v, Saying{"k1", "Switch counter"})
			if m.Said != "Switch counter" {
				t.Errorf("her page shows %+v", m)
			}
			return err
		})
		read := func() (out []Message) {
			g.read(func(tx *db.Tx) error {
				talk, err := g.VisitorTalk(tx, v)
				check(t, err)
				out, _, err = g.VisitorMessages(tx, VisitorPage{Talk: talk, Limit: 20})
				return err
			})
			return out
		}
		offer := read()[1]
		if len(offer.Body.Choices) != 2 {
			t.Fatalf("she is offered %+v", offer.Body)
		}
		if _, err := tap("k2", "dd:advisor:"+g.counter+":"+g.mei.ID); err != refused {
			t.Errorf("what was not offered: %v", err)
		}
		for range 2 {
			if m, err := tap("k3", offer.Body.Choices[1].Data); err != nil || m.ID != "" {
				t.Errorf("tapped: %+v, %v", m, err)
			}
		}
		g.write(func(tx *db.Tx) error { _, err := g.VisitorSays(tx, v, Saying{"k4", "hi there"}); return err })
		all := read()
		if len(all) != 4 || all[3].Body.Text != "hi there" {
			t.Errorf("her chat is %d messages: %+v", len(all), all)
		}
		if g.only(g.foreign).CounterID != g.other {
			t.Error("she did not come to the other counter")
		}
	})
}

func TestMergeCarriesHerAdvisor(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		g := newGroup(t, d)
		g.receive(says("U1", 1, "hello"), says("U2", 2, "hello"))
		all := g.threads(g.manager, Filter{Box: BoxAll})
		g.bind(all[0].ID, g.mei.ID)
		kept, lost := all[1].CustomerID, all[0].CustomerID
		var id string
		g.write(func(tx *db.Tx) error {
			var err error
			id, err = g.Merge(tx, g.manager, Merge{KeptID: kept, LostID: lost, Proof: ProvedByAdvisor})
			return err
		})
		at := func(person string) string {
			var b customer.Binding
			g.read(func(tx *db.Tx) error {
				var err error
				if b, err = g.Book.BindingAt(tx, person, g.counter); errors.Is(err, db.ErrNotFound) {
					err = nil
				}
				return err
			})
			return b.AdvisorID
		}
		if at(kept) != g.mei.ID {
			t.Error("the person lost her advisor")
		}
		g.write(func(tx *db.Tx) error { return g.CloseThread(tx, g.manager, all[1].ID) })
		g.receive(says("U2", 3, "me again"))
		g.expect("she writes on her other account", all[1].ID, g.mei.ID, "")
		g.write(func(tx *db.Tx) error { return g.Unmerge(tx, g.manager, id) })
		if at(kept) != "" || at(lost) != g.mei.ID {
			t.Error("the advisor did not go back")
		}
	})
}

func TestHouseSpeaksEveryLanguage(t *testing.T) {
	want := phrases()["en"]
	for _, language := range staff.SpokenLanguages() {
		words := phrases()[language]
		for key, text := range want {
			for _, name := range []string{"{advisor}", "{counter}"} {
				if strings.Contains(text, name) != strings.Contains(words[key], name) {
					t.Errorf("%s: %s has another %s", language, key, name)
				}
			}
			if words[key] == "" {
				t.Errorf("%s: %s is missing", language, key)
			}
		}
		for _, key := range []string{"yes", "no", "anyone", "more"} {
			if label(words[key]) != words[key] {
				t.Errorf("%s: %s is too long for a button", language, key)
			}
		}
	}
	for tag, want := range map[string]string{"zh-TW": "zh-Hant", "zh_HK": "zh-Hant", "zh-Hant": "zh-Hant", "zh": "zh-Hans", "zh-CN": "zh-Hans", "in": "id", "en-GB": "en", "ja": "", "": ""} {
		if got := customerLanguage(tag); got != want {
			t.Errorf("%q is %q, want %q", tag, got, want)
		}
	}
	if got := label(strings.Repeat("💄", 12)); got != strings.Repeat("💄", 9)+"…" {
		t.Errorf("cut to %q", got)
	}
}
