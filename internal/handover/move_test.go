package handover

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"dingdong/internal/channel"
	"dingdong/internal/consent"
	"dingdong/internal/conversation"
	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

func TestSheLeaves(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ann, annThread := h.customer("Uann", h.mei.ID)
		bea, _ := h.customer("Ubea", h.mei.ID)
		cat, _ := h.customer("Ucat", "")       // nobody's, but Mei answers her
		dee, _ := h.customer("Udee", h.lan.ID) // Lan's, but Mei took her on
		eve, _ := h.customer("Ueve", h.siti.ID)
		h.write(func(tx *db.Tx) error {
			for _, id := range []string{cat, dee} {
				var thread string
				check(t, tx.QueryRow(`SELECT id FROM thread WHERE customer_id = $1`, id).Scan(&thread))
				check(t, h.Desk.Take(tx, h.mei, thread))
			}
			_, err := h.Desk.Book.AddPromise(tx, h.mei, customer.PromiseForm{CustomerID: ann, CounterID: h.counter, Body: "call her", Due: tx.Now.Add(48 * time.Hour)})
			return err
		})

		plan := h.plan(h.form(Leaves))
		items := h.items(plan.ID)
		if len(items) != 4 || plan.State != Draft {
			t.Fatalf("%d customers in %+v", len(items), plan)
		}
		if i := h.item(plan.ID, dee); i.ToID != h.lan.ID || i.Bound {
			t.Errorf("who has an advisor goes to her: %+v", i)
		}
		h.expect("a draft moves nobody", ann, h.mei.ID, h.mei.ID)

		h.start(plan.ID)
		h.start(plan.ID) // a second manager taps at the same moment
		h.work(plan.ID)
		for _, id := range []string{ann, bea} {
			i := h.item(plan.ID, id)
			if i.State != ItemMoved || i.Told != Told || !oneOf(i.ToID, h.lan.ID, h.siti.ID) {
				t.Errorf("moved: %+v", i)
			}
			h.expect("moved", id, i.ToID, i.ToID)
		}
		if a, b := h.item(plan.ID, ann).ToID, h.item(plan.ID, bea).ToID; a == b {
			t.Error("both went to the same colleague")
		}
		if i := h.item(plan.ID, cat); i.Told != Silent || i.Why != WhyUnbound {
			t.Errorf("who was nobody's: %+v", i)
		}
		h.expect("Lan's own", dee, h.lan.ID, h.lan.ID)
		h.expect("another's is left alone", eve, h.siti.ID, h.siti.ID)
		if n := h.count(`SELECT COUNT(*) FROM promise WHERE author_id = $1`, h.item(plan.ID, ann).ToID); n != 1 {
			t.Errorf("%d promises with who took over", n)
		}

		said := h.told(annThread)
		if len(said) != 1 || !strings.Contains(said[0].Text, "Mei") || !strings.Contains(said[0].Text, h.item(plan.ID, ann).ToName) || len(said[0].Choices) != 3 {
			t.Fatalf("told: %+v", said)
		}
		h.taps("Uann", choice(said[0], 0))
		if i := h.item(plan.ID, ann); i.Answer != AnswerFine {
			t.Errorf("answer: %+v", i)
		}

		if x := h.get(plan.ID); x.State != Moved {
			t.Errorf("all are moved: %+v", x)
		}
		// Somebody comes to her in her last days.
		fay, _ := h.customer("Ufay", h.mei.ID)
		h.clock.Advance(plan.Ends.Sub(h.DB.Now()) - time.Minute)
		h.due(plan.ID) // before its time: nothing
		if x := h.get(plan.ID); !x.EndedAt.IsZero() {
			t.Error("it ended a minute early")
		}
		h.clock.Advance(time.Hour) // the server was down at that minute
		h.due(plan.ID)
		h.work(plan.ID)
		i := h.item(plan.ID, fay)
		h.expect("who came late", fay, i.ToID, i.ToID)
		if x := h.get(plan.ID); x.State != Done || x.ClosedAt.IsZero() {
			t.Errorf("done: %+v", x)
		}
		h.read(func(tx *db.Tx) error {
			p, err := staff.GetStaff(tx, h.mei.ID)
			if err != nil || p.LeftAt.IsZero() {
				t.Errorf("her access: %+v %v", p, err)
			}
			return err
		})
		p := h.progress(plan.ID)
		if p.Total != 5 || p.Moved != 5 || p.Told != 3 || p.Fine != 1 || p.Planned != 0 {
			t.Errorf("progress: %+v", p)
		}
	})
}

func TestWhatCustomersAnswer(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ann, annThread := h.customer("Uann", h.mei.ID)
		bea, beaThread := h.customer("Ubea", h.mei.ID)
		plan := h.plan(h.form(Leaves))
		h.start(plan.ID)
		h.work(plan.ID)
		other := h.lan.ID
		if h.item(plan.ID, ann).ToID == other {
			other = h.siti.ID
		}
		news := h.told(annThread)[0]
		h.taps("Uann", choice(news, 1))
		if i := h.item(plan.ID, ann); i.Answer != AnswerOther {
			t.Errorf("asked: %+v", i)
		}
		offer := h.told(annThread)[1]
		for _, c := range offer.Choices {
			if strings.Contains(c.Data, h.mei.ID) {
				t.Error("she who leaves is offered")
			}
			if strings.HasSuffix(c.Data, other) {
				h.taps("Uann", c.Data)
			}
		}
		if i := h.item(plan.ID, ann); i.Answer != AnswerChose || i.ChosenID != other {
			t.Errorf("chose: %+v", i)
		}
		h.expect("whom she chose", ann, other, other)
		h.taps("Uann", choice(news, 0))
		if i := h.item(plan.ID, ann); i.Answer != AnswerChose {
			t.Errorf("a later tap undid her choice: %+v", i)
		}

		h.taps("Uann", choice(h.told(beaThread)[0], 2)) // somebody else's button
		if i := h.item(plan.ID, bea); i.Answer != "" {
			t.Errorf("a stranger answered for her: %+v", i)
		}
		h.taps("Ubea", choice(h.told(beaThread)[0], 2))
		if i := h.item(plan.ID, bea); i.Answer != AnswerStop {
			t.Errorf("stop: %+v", i)
		}
		h.read(func(tx *db.Tx) error {
			history, err := h.Consent.History(tx, bea)
			if err != nil || len(history) == 0 || history[0].State != consent.Withdrawn || history[0].How != consent.HowChat {
				t.Errorf("on record: %+v %v", history, err)
			}
			return nil
		})
		if p := h.progress(plan.ID); p.Chose != 1 || p.Stop != 1 {
			t.Errorf("progress: %+v", p)
		}
	})
}

func TestWhoIsNotTold(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		quiet, quietThread := h.customer("Uquiet", h.mei.ID)
		h.clock.Advance(3 * 366 * 24 * time.Hour)
		blocked, blockedThread := h.customer("Ublocked", h.mei.ID)
		h.receive(channel.Inbound{EventID: "block", Kind: channel.Unfollow, At: h.DB.Now(), Peer: channel.Peer{Type: channel.Person, ID: "Ublocked"}})
		plan := h.plan(h.form(Leaves))
		h.start(plan.ID)
		h.work(plan.ID)
		for id, want := range map[string][2]string{quiet: {quietThread, WhyQuiet}, blocked: {blockedThread, WhyBlocked}} {
			i := h.item(plan.ID, id)
			if i.State != ItemMoved || i.Told != Silent || i.Why != want[1] || len(h.told(want[0])) != 0 {
				t.Errorf("%+v, want silence for %s", i, want[1])
			}
			h.expect("moved in silence", id, i.ToID, i.ToID)
		}
	})
}

func TestSheIsAwayAndComesBack(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ann, annThread := h.customer("Uann", h.mei.ID)
		bea, _ := h.customer("Ubea", h.mei.ID)
		cat, _ := h.customer("Ucat", h.mei.ID)
		dee, _ := h.customer("Udee", h.mei.ID)
		h.write(func(tx *db.Tx) error {
			_, err := h.Desk.Book.AddPromise(tx, h.mei, customer.PromiseForm{CustomerID: ann, CounterID: h.counter, Body: "call her", Due: tx.Now.Add(48 * time.Hour)})
			return err
		})
		f := h.form(Away)
		f.Begins = h.DB.Now().Add(24 * time.Hour)
		plan := h.plan(f)
		h.start(plan.ID)
		h.work(plan.ID)
		h.expect("before its day", ann, h.mei.ID, h.mei.ID)
		h.clock.Advance(24 * time.Hour)
		h.work(plan.ID)
		i := h.item(plan.ID, ann)
		h.expect("while she is away", ann, i.ToID, i.ToID)
		if said := h.told(annThread); len(said) != 1 || !strings.Contains(said[0].Text, plan.Ends.In(time.FixedZone("", 8*3600)).Format("1月2日")) {
			t.Errorf("told: %+v", said)
		}
		h.read(func(tx *db.Tx) error {
			on, err := staff.OnDuty(tx, h.mei.ID, h.counter)
			if on {
				t.Error("she is on duty")
			}
			return err
		})
		// Bea chooses whom she got, Cat somebody else, Dee is taken on by a colleague.
		beaTo := h.item(plan.ID, bea).ToID
		h.choose("Ubea", beaTo)
		other := map[string]string{h.lan.ID: h.siti.ID, h.siti.ID: h.lan.ID}
		catTo := other[h.item(plan.ID, cat).ToID]
		h.choose("Ucat", catTo)
		deeTo := other[h.item(plan.ID, dee).ToID]
		h.write(func(tx *db.Tx) error {
			var thread string
			check(t, tx.QueryRow(`SELECT id FROM thread WHERE customer_id = $1`, dee).Scan(&thread))
			return h.Desk.Transfer(tx, h.hua, conversation.Handing{ThreadID: thread, To: deeTo})
		})

		// Words arrive at the boundary: before the end, between the end and the way back.
		h.clock.Advance(plan.Ends.Sub(h.DB.Now()) - time.Second)
		h.says("Uann", "are you there?")
		h.expect("a second before", ann, i.ToID, i.ToID)
		h.clock.Advance(time.Second)
		h.due(plan.ID)
		h.says("Uann", "hello?")
		h.work(plan.ID)
		h.says("Uann", "ah, you are back")
		h.expect("back", ann, h.mei.ID, h.mei.ID)
		h.expect("she wanted this one", bea, beaTo, beaTo)
		h.expect("she wanted another", cat, catTo, catTo)
		h.expect("a colleague took her on", dee, h.mei.ID, deeTo)
		if n := h.count(`SELECT COUNT(*) FROM promise WHERE author_id = $1`, h.mei.ID); n != 1 {
			t.Error("the promise is not hers again")
		}
		if n := h.count(`SELECT COUNT(*) FROM thread WHERE customer_id = $1 AND waiting_since > 0`, ann); n != 1 {
			t.Error("she does not wait any more")
		}
		p := h.progress(plan.ID)
		if x := h.get(plan.ID); x.State != Returned || p.Back != 2 || p.Kept != 2 {
			t.Errorf("%s: %+v", x.State, p)
		}
		if said := h.told(annThread); len(said) != 1 {
			t.Errorf("told once too often: %+v", said)
		}
		h.plan(h.form(Leaves)) // the next one may be planned
	})
}

// choose lets a customer choose her advisor.
func (h *house) choose(user, advisor string) {
	h.t.Helper()
	h.write(func(tx *db.Tx) error {
		i, err := h.Desk.Book.Find(tx, h.account.ID, user)
		check(h.t, err)
		return h.Desk.ChooseAdvisor(tx, conversation.Choose{IdentityID: i.ID, CounterID: h.counter, AdvisorID: advisor})
	})
	h.react()
}

// A handover is no answer to what she said last: she is not told at night, nor twice.
func TestNobodyIsToldAtNight(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		night := start.Add(13 * time.Hour) // 23:00 in Taipei; both engines have one clock
		for night.Before(h.DB.Now()) {
			night = night.Add(24 * time.Hour)
		}
		h.clock.Advance(night.Sub(h.DB.Now()))
		id, thread := h.customer("U1", h.mei.ID)
		plan := h.plan(h.form(Leaves))
		h.start(plan.ID)
		h.work(plan.ID)
		h.expect("moved", id, h.items(plan.ID)[0].ToID, h.items(plan.ID)[0].ToID)
		if x := h.items(plan.ID)[0]; x.Told != Coming {
			t.Errorf("%+v", x)
		}
		h.read(func(tx *db.Tx) error {
			var status string
			var at int64
			check(t, tx.QueryRow(`SELECT status, at FROM message WHERE thread_id = $1 AND author = 'automation'`, thread).Scan(&status, &at))
			if morning := night.Add(10 * time.Hour); status != "planned" || !db.Time(at).Equal(morning) {
				t.Errorf("%s at %v", status, db.Time(at))
			}
			return nil
		})

		// Called off before morning: she hears of neither, and nobody refused anything.
		h.write(func(tx *db.Tx) error { _, err := h.Cancel(tx, h.hua, plan.ID); return err })
		h.work(plan.ID)
		h.expect("called off", id, h.mei.ID, h.mei.ID)
		if x := h.items(plan.ID)[0]; x.Told != Silent || x.Why != WhyTaken {
			t.Errorf("%+v", x)
		}
		if p := h.progress(plan.ID); p.Silent != 1 || p.Refused != 0 || p.Coming != 0 || p.Told != 0 {
			t.Errorf("%+v", p)
		}
		h.clock.Advance(12 * time.Hour)
		if n := h.count(`SELECT COUNT(*) FROM message WHERE thread_id = $1 AND author = 'automation' AND status <> 'refused'`, thread); n != 0 {
			t.Errorf("%d messages would reach her", n)
		}
	})
}

func TestItIsCalledOff(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		var ids, threads []string
		for n := range 4 {
			id, thread := h.customer(fmt.Sprint("U", n), h.mei.ID)
			ids, threads = append(ids, id), append(threads, thread)
		}
		plan := h.plan(h.form(Leaves))
		h.start(plan.ID)
		for range 3 { // begun, and two moved
			_, err := h.step(context.Background(), plan.ID)
			check(t, err)
		}
		h.write(func(tx *db.Tx) error { _, err := h.Pause(tx, h.hua, plan.ID); return err })
		h.work(plan.ID)
		if p := h.progress(plan.ID); p.Moved != 2 || p.Planned != 2 {
			t.Errorf("paused: %+v", p)
		}
		h.write(func(tx *db.Tx) error { _, err := h.Resume(tx, h.hua, plan.ID); return err })
		_, err := h.step(context.Background(), plan.ID)
		check(t, err)
		h.write(func(tx *db.Tx) error { _, err := h.Cancel(tx, h.hua, plan.ID); return err })
		h.work(plan.ID)
		told := 0
		for n, id := range ids {
			h.expect("called off", id, h.mei.ID, h.mei.ID)
			switch said := h.told(threads[n]); len(said) {
			case 0:
			case 2:
				told++
			default:
				t.Errorf("told %d times", len(said))
			}
		}
		if p, x := h.progress(plan.ID), h.get(plan.ID); p.Back != 3 || p.Skipped != 1 || told != 3 || x.State != Cancelled {
			t.Errorf("%+v %+v, %d were told twice", p, x, told)
		}
		h.clock.Advance(15 * 24 * time.Hour)
		h.due(plan.ID) // its minute comes all the same, and means nothing
		h.read(func(tx *db.Tx) error {
			if p, err := staff.GetStaff(tx, h.mei.ID); err != nil || !p.LeftAt.IsZero() {
				t.Errorf("she lost her access: %v", err)
			}
			return nil
		})
	})
}

func TestWhatFailsIsTriedAgain(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ann, _ := h.customer("Uann", h.mei.ID)
		bea, _ := h.customer("Ubea", h.mei.ID)
		plan := h.plan(h.form(Leaves))
		h.write(func(tx *db.Tx) error {
			return h.Give(tx, h.hua, Hand{plan.ID, []string{h.item(plan.ID, ann).ID}, h.lan.ID})
		})
		h.start(plan.ID)
		if _, err := h.step(context.Background(), plan.ID); err != nil {
			t.Fatal(err)
		}
		h.write(func(tx *db.Tx) error { return staff.EndStaff(tx, staff.System(), h.lan.ID) })
		h.work(plan.ID)
		i := h.item(plan.ID, ann)
		if i.State != Failed || i.Why != "not_at_counter" {
			t.Fatalf("failed: %+v", i)
		}
		h.expect("nothing was moved in part", ann, h.mei.ID, h.mei.ID)
		h.write(func(tx *db.Tx) error { _, err := h.Retry(tx, h.hua, plan.ID); return err })
		h.work(plan.ID)
		if i := h.item(plan.ID, ann); i.State != Failed {
			t.Errorf("again: %+v", i)
		}
		h.write(func(tx *db.Tx) error { return h.Give(tx, h.hua, Hand{plan.ID, []string{i.ID}, h.siti.ID}) })
		h.work(plan.ID)
		h.expect("by hand", ann, h.siti.ID, h.siti.ID)
		_ = bea
	})
}

func TestNobodyIsThere(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ann, thread := h.customer("Uann", h.mei.ID)
		h.write(func(tx *db.Tx) error {
			for _, p := range []staff.Viewer{h.lan, h.siti, h.hua} {
				check(t, staff.SetAway(tx, staff.System(), staff.Away{StaffID: p.ID, Until: tx.Now.Add(48 * time.Hour)}))
			}
			return nil
		})
		f := h.form(Away)
		f.Ends = h.DB.Now().Add(24 * time.Hour)
		plan := h.plan(f)
		h.start(plan.ID)
		h.work(plan.ID)
		h.expect("the counter answers", ann, "", "")
		if said := h.told(thread); len(said) != 1 || !strings.Contains(said[0].Text, "團隊") {
			t.Errorf("told: %+v", said)
		}
		h.clock.Advance(24 * time.Hour)
		h.due(plan.ID)
		h.work(plan.ID)
		h.expect("back", ann, h.mei.ID, h.mei.ID)
	})
}

func TestReport(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		before, beforeThread := h.customer("Ubefore", h.mei.ID)
		h.clock.Advance(10 * 24 * time.Hour)
		plan := h.plan(h.form(Leaves))
		h.start(plan.ID)
		h.work(plan.ID)
		h.write(func(tx *db.Tx) error {
			_, err := h.Desk.Send(tx, conversation.Draft{ThreadID: beforeThread, Author: conversation.AuthorStaff, AuthorID: h.lan.ID, Body: channel.Body{Type: channel.Text, Text: "how are you?"}})
			return err
		})
		h.clock.Advance(time.Hour)
		h.says("Ubefore", "fine")
		h.write(func(tx *db.Tx) error {
			_, err := tx.Exec(`INSERT INTO purchase (id, source, ref, customer_id, counter_id, at, total, currency, created_at) VALUES ('p1', 'till', '1', $1, $2, $3, 100, 'TWD', $3)`,
				before, h.counter, db.Micro(tx.Now))
			return err
		})
		h.clock.Advance(31 * 24 * time.Hour)
		for _, days := range []string{"30", "30"} { // a job may run twice
			outcome, err := h.report(context.Background(), jobOf(`{"id":"`+plan.ID+`","days":`+days+`}`))
			check(t, err)
			h.write(outcome)
		}
		h.read(func(tx *db.Tx) error {
			list, err := h.Report(tx, h.get2(tx, plan.ID))
			check(t, err)
			if len(list) != 2 {
				t.Fatalf("%+v", list)
			}
			for _, f := range list {
				f.At = time.Time{}
				want := Figures{Days: -30, Customers: 1, Wrote: 1}
				if f.Days == 30 {
					want = Figures{Days: 30, Customers: 1, Wrote: 1, WrittenTo: 1, Answered: 1, Bought: 1}
				}
				if f != want {
					t.Errorf("%+v, want %+v", f, want)
				}
			}
			return nil
		})
		h.write(func(tx *db.Tx) error { return h.Erase(tx, []string{before}) })
		if n := h.count(`SELECT (SELECT COUNT(*) FROM handover_item WHERE customer_id = $1) + (SELECT COUNT(*) FROM handover_piece)`, before); n != 0 {
			t.Errorf("%d lines know her", n)
		}
		if p := h.progress(plan.ID); p.Total != 1 {
			t.Errorf("figures: %+v", p)
		}
	})
}

// She is not told in the morning who takes over when she chose somebody in the night.
func TestNewsThatIsNotTrueAnyMoreDoesNotGo(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		night := start.Add(13 * time.Hour)
		for night.Before(h.DB.Now()) {
			night = night.Add(24 * time.Hour)
		}
		h.clock.Advance(night.Sub(h.DB.Now()))
		ann, _ := h.customer("Uann", h.mei.ID)
		plan := h.plan(h.form(Leaves))
		h.start(plan.ID)
		h.work(plan.ID)
		if i := h.item(plan.ID, ann); i.Told != Coming {
			t.Fatalf("%+v", i)
		}
		other := h.lan.ID
		if h.item(plan.ID, ann).ToID == other {
			other = h.siti.ID
		}
		h.choose("Uann", other)
		if i := h.item(plan.ID, ann); i.Told != Silent || i.Why != WhyTaken || i.Answer != AnswerChose {
			t.Errorf("in the morning she hears of another one: %+v", i)
		}
	})
}

// What a pause holds up goes on when she has left: nobody else would answer her customers.
func TestAPauseEndsWithHerAccess(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ann, _ := h.customer("Uann", h.mei.ID)
		plan := h.plan(h.form(Leaves))
		h.start(plan.ID)
		h.write(func(tx *db.Tx) error { _, err := h.Pause(tx, h.hua, plan.ID); return err })
		h.work(plan.ID)
		h.expect("paused", ann, h.mei.ID, h.mei.ID)
		h.clock.Advance(plan.Ends.Sub(h.DB.Now()))
		h.due(plan.ID)
		h.work(plan.ID)
		if i, x := h.item(plan.ID, ann), h.get(plan.ID); i.State != ItemMoved || x.State != Done {
			t.Errorf("she is %s with who left, the handover %s", i.State, x.State)
		}
	})
}

// Who left while she was away does not get her customers back.
func TestWhoLeftDoesNotComeBack(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ann, _ := h.customer("Uann", h.mei.ID)
		plan := h.plan(h.form(Away))
		h.start(plan.ID)
		h.work(plan.ID)
		to := h.item(plan.ID, ann).ToID
		h.write(func(tx *db.Tx) error { return staff.EndStaff(tx, staff.System(), h.mei.ID) })
		h.refuses(func(tx *db.Tx) error { _, err := h.Recall(tx, h.hua, plan.ID); return err }, fixed("handover"))
		bea, _ := h.customer("Ubea", "")
		h.write(func(tx *db.Tx) error { // what is still hers is moved as well
			_, err := tx.Exec(`UPDATE thread SET assignee_id = $1 WHERE customer_id = $2`, h.mei.ID, bea)
			return err
		})
		h.clock.Advance(plan.Ends.Sub(h.DB.Now()))
		h.due(plan.ID)
		h.work(plan.ID)
		h.expect("her day has come", ann, to, to)
		if _, assignee := h.stands(bea); assignee == h.mei.ID {
			t.Error("a conversation is left with who is gone")
		}
		if x := h.get(plan.ID); x.State != Done || x.ClosedAt.IsZero() {
			t.Errorf("it is %s", x.State)
		}
	})
}

// Who moved to another counter while she was away has nobody here to come back to.
func TestWhoStandsElsewhereGetsNobodyBack(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ann, _ := h.customer("Uann", h.mei.ID)
		plan := h.plan(h.form(Away))
		h.start(plan.ID)
		h.work(plan.ID)
		to := h.item(plan.ID, ann).ToID
		h.write(func(tx *db.Tx) error {
			_, err := tx.Exec(`UPDATE staff_counter SET counter_id = $2 WHERE staff_id = $1`, h.mei.ID, h.other)
			return err
		})
		h.clock.Advance(plan.Ends.Sub(h.DB.Now()))
		h.due(plan.ID)
		h.work(plan.ID)
		h.expect("she stands elsewhere", ann, to, to)
		if i := h.item(plan.ID, ann); i.State != Kept {
			t.Errorf("%+v", i)
		}
	})
}

// Who took over for a while may leave, or be away, herself: the customers come back all the same.
func TestSheComesBackToWhoWasHandedOn(t *testing.T) {
	second := func(h *house, leaver string, kind Kind) Handover {
		f := h.form(kind)
		f.LeaverID, f.Ends = leaver, h.DB.Now().Add(7*24*time.Hour)
		plan := h.plan(f)
		h.start(plan.ID)
		h.work(plan.ID)
		return plan
	}
	ends := func(h *house, plan Handover) {
		h.clock.Advance(max(0, plan.Ends.Sub(h.DB.Now())))
		h.due(plan.ID)
		h.work(plan.ID)
	}
	for name, then := range map[string]func(h *house, first Handover, ann, to string){
		"she left": func(h *house, first Handover, ann, to string) {
			ends(h, second(h, to, Leaves))
			if a, _ := h.stands(ann); a == to || a == h.mei.ID {
				t.Errorf("she was not handed on: %s", a)
			}
		},
		"she left, and nobody was there": func(h *house, first Handover, ann, to string) {
			h.write(func(tx *db.Tx) error {
				for _, p := range []string{h.lan.ID, h.siti.ID, h.hua.ID} {
					if p == to {
						continue
					}
					if err := staff.SetAway(tx, staff.System(), staff.Away{StaffID: p, Until: tx.Now.Add(48 * time.Hour)}); err != nil {
						return err
					}
				}
				return nil
			})
			ends(h, second(h, to, Leaves))
			h.expect("the counter answers", ann, "", "")
		},
		"it was called off": func(h *house, first Handover, ann, to string) {
			plan := second(h, to, Leaves)
			h.write(func(tx *db.Tx) error { _, err := h.Cancel(tx, h.hua, plan.ID); return err })
			h.work(plan.ID)
			h.expect("called off", ann, to, to)
		},
		"she is back later": func(h *house, first Handover, ann, to string) {
			f := second(h, to, Away)
			h.write(func(tx *db.Tx) error { _, err := h.Recall(tx, h.hua, first.ID); return err })
			h.work(first.ID)
			h.expect("back before her stand-in", ann, h.mei.ID, h.mei.ID)
			ends(h, f)
		},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, h *house) {
				ann, _ := h.customer("Uann", h.mei.ID)
				plan := h.plan(h.form(Away))
				h.start(plan.ID)
				h.work(plan.ID)
				then(h, plan, ann, h.item(plan.ID, ann).ToID)
				ends(h, plan)
				h.expect(name, ann, h.mei.ID, h.mei.ID)
				if i := h.item(plan.ID, ann); i.State != Back {
					t.Errorf("%s: %+v", name, i)
				}
			})
		})
	}
}

// Who takes over is handed over herself before the customer heard of her: then she hears of
// the one who has her, and not of one who is gone.
func TestSheHearsOfWhoHasHerInTheEnd(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		night := start.Add(13 * time.Hour)
		for night.Before(h.DB.Now()) {
			night = night.Add(24 * time.Hour)
		}
		h.clock.Advance(night.Sub(h.DB.Now()))
		ann, _ := h.customer("Uann", h.mei.ID)
		first := h.plan(h.form(Leaves))
		h.start(first.ID)
		h.work(first.ID)
		f := h.form(Leaves)
		f.LeaverID = h.item(first.ID, ann).ToID
		second := h.plan(f)
		h.start(second.ID)
		h.work(second.ID)
		if i := h.item(first.ID, ann); i.Told != Silent || i.Why != WhyTaken {
			t.Errorf("the first: %+v", i)
		}
		i := h.item(second.ID, ann)
		h.read(func(tx *db.Tx) error {
			var at int64
			err := tx.QueryRow(`SELECT at FROM message WHERE id = $1`, i.MessageID).Scan(&at)
			if morning := night.Add(10 * time.Hour); i.Told != Coming || db.Time(at).After(morning.Add(time.Hour)) {
				t.Errorf("the second: %+v at %v", i, db.Time(at))
			}
			return err
		})
	})
}
