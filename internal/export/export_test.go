package export

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"dingdong/internal/audit"
	"dingdong/internal/blob"
	"dingdong/internal/channel"
	"dingdong/internal/channel/webchat"
	"dingdong/internal/conversation"
	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
	"dingdong/internal/job"
	"dingdong/internal/staff"
	"dingdong/internal/vault"
)

// house is a counter with customers, its manager, an officer and an administrator.
type house struct {
	t                               *testing.T
	d                               *db.DB
	clock                           *dbtest.Clock
	room                            *Room
	counter, elsewhere              string
	account, other                  conversation.Account
	advisor, manager, officer, boss staff.Viewer
}

func each(t *testing.T, test func(h *house)) {
	clock := dbtest.NewClock(time.Date(2030, 3, 4, 3, 0, 0, 0, time.UTC))
	dbtest.EachAt(t, clock, func(t *testing.T, d *db.DB) {
		v, err := vault.Open("file:"+filepath.Join(t.TempDir(), "key.json"), d)
		if err != nil {
			t.Fatal(err)
		}
		blobs, err := blob.Open(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		desk := &conversation.Desk{DB: d, Vault: v, Book: &customer.Book{Vault: v}, Blobs: blobs,
			Adapters: map[channel.Kind]channel.Adapter{channel.WebChat: webchat.Adapter{}}, PublicURL: "https://shop.example"}
		h := &house{t: t, d: d, clock: clock, room: &Room{DB: d, Vault: v, Blobs: blobs, Desk: desk, Book: desk.Book}}
		h.write(h.furnish)
		test(h)
	})
}

func (h *house) furnish(tx *db.Tx) error {
	sys := staff.System()
	store, err := staff.SaveStore(tx, sys, staff.StoreForm{Name: "S"})
	if err != nil {
		return err
	}
	for i, id := range []*string{&h.counter, &h.elsewhere} {
		brand, err := staff.SaveBrand(tx, sys, staff.BrandForm{Name: fmt.Sprint("B", i)})
		if err != nil {
			return err
		}
		counter, err := staff.SaveCounter(tx, sys, staff.CounterForm{StoreID: store.ID, BrandID: brand.ID})
		if err != nil {
			return err
		}
		*id = counter.ID
	}
	for i, who := range []struct {
		v    *staff.Viewer
		role staff.Role
	}{{&h.advisor, staff.Advisor}, {&h.manager, staff.Manager}, {&h.officer, staff.Privacy}, {&h.boss, staff.Admin}} {
		p, err := staff.SaveStaff(tx, sys, staff.StaffForm{Name: fmt.Sprint("P", i), Email: fmt.Sprintf("p%d@x.test", i), Role: who.role, Counters: []string{h.counter}})
		if err != nil {
			return err
		}
		if *who.v, err = staff.ViewerByID(tx, p.ID); err != nil {
			return err
		}
	}
	if h.account, err = h.room.Desk.SaveAccount(tx, sys, conversation.AccountForm{Name: "Shop", CounterID: h.counter, Channel: channel.WebChat}); err != nil {
		return err
	}
	h.other, err = h.room.Desk.SaveAccount(tx, sys, conversation.AccountForm{Name: "Elsewhere", CounterID: h.elsewhere, Channel: channel.WebChat})
	return err
}

func (h *house) write(fn func(tx *db.Tx) error) {
	h.t.Helper()
	if err := h.d.Write(context.Background(), fn); err != nil {
		h.t.Fatal(err)
	}
}

// meets lets customers write, and gives their ids in the order of their names.
func (h *house) meets(a conversation.Account, names ...string) (ids []string) {
	h.t.Helper()
	for _, name := range names {
		h.write(func(tx *db.Tx) error {
			id := tx.NewID("evt")
			_, err := h.room.Desk.Receive(tx, a, []channel.Inbound{{EventID: id, ExternalID: id, Kind: channel.Message, At: tx.Now,
				Peer: channel.Peer{Type: channel.Person, ID: name, Name: name}, Body: channel.Body{Type: channel.Text, Text: "hello"}}})
			if err != nil {
				return err
			}
			i, err := h.room.Book.Find(tx, a.ID, name)
			if err != nil {
				return err
			}
			ids = append(ids, i.CustomerID)
			_, err = h.room.Book.AddContact(tx, i.CustomerID, customer.Contact{Kind: customer.Phone, Value: fmt.Sprintf("+88691234%04d", len(ids)), Source: customer.SourceStaff})
			return err
		})
	}
	return ids
}

func (h *house) ask(v staff.Viewer, q Request) (Export, error) {
	if q.Reason == "" {
		q.Reason = "for the spring mailing"
	}
	if q.Kind == Customers && q.Filter.Purpose == "" {
		q.Filter.Purpose = OwnUse
	}
	return h.room.Ask(context.Background(), v, q)
}

// asks is ask where nothing is refused.
func (h *house) asks(v staff.Viewer, q Request) Export {
	h.t.Helper()
	x, err := h.ask(v, q)
	if err != nil {
		h.t.Fatal(err)
	}
	return x
}

// run does what a job of this export would.
func (h *house) run(kind, id string) {
	h.t.Helper()
	args, _ := json.Marshal(exportArgs{id})
	done, err := h.room.Handlers()[kind](context.Background(), job.Job{Kind: kind, Args: args, Attempt: 1})
	if err != nil {
		h.t.Fatal(err)
	}
	if done != nil {
		h.write(done)
	}
}

func (h *house) get(id string) (x Export) {
	h.t.Helper()
	h.write(func(tx *db.Tx) (err error) {
		x, err = h.room.get(tx, id)
		return err
	})
	return x
}

func (h *house) fetch(v staff.Viewer, id string) (string, error) {
	_, r, err := h.room.Open(context.Background(), v, id)
	if err != nil {
		return "", err
	}
	defer r.Close()
	text, err := io.ReadAll(r)
	return string(text), err
}

// recorded lists the actions on record about an export.
func (h *house) recorded(id string) (actions []string) {
	h.write(func(tx *db.Tx) error {
		rows, err := audit.List(tx, audit.Filter{Limit: 1000})
		for _, r := range rows {
			if r.Object == id {
				actions = append(actions, r.Action)
			}
		}
		slices.Reverse(actions)
		return err
	})
	return actions
}

func table(t *testing.T, text string) [][]string {
	t.Helper()
	in := csv.NewReader(strings.NewReader(strings.TrimPrefix(text, "\ufeff")))
	in.Comment = '#'
	rows, err := in.ReadAll()
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return rows
}

func TestAListOfCustomers(t *testing.T) {
	each(t, func(h *house) {
		ids := h.meets(h.account, "Lin", "=Wang", "Chen \"CC\", Mei")
		h.meets(h.other, "Nobody's")
		x := h.asks(h.manager, Request{Kind: Customers})
		if x.State != Making || x.Expected != 3 || x.Second {
			t.Fatalf("%+v", x)
		}
		if _, err := h.fetch(h.manager, x.ID); !errors.Is(err, db.ErrNotFound) {
			t.Errorf("fetched before it is made: %v", err)
		}
		h.run(JobMake, x.ID)
		if got := h.get(x.ID); got.State != Ready || got.Rows != 3 || got.Bytes == 0 || !got.ExpiresAt.Equal(h.clock.Now().Add(24*time.Hour)) {
			t.Fatalf("%+v", got)
		}
		text, err := h.fetch(h.manager, x.ID)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(text, "P1 <p1@x.test>") || !strings.Contains(text, "for the spring mailing") {
			t.Errorf("no header: %s", text)
		}
		rows := table(t, text)
		if len(rows) != 4 || rows[2][1] != "'=Wang" || rows[1][0] != ids[0] || rows[3][1] != `Chen "CC", Mei` {
			t.Errorf("%v", rows)
		}
		if strings.Contains(text, "912340001") {
			t.Error("a number stands in it in full")
		}
		for v, who := range map[string]staff.Viewer{"officer": h.officer, "boss": h.boss, "advisor": h.advisor} {
			if _, err := h.fetch(who, x.ID); !errors.Is(err, db.ErrNotFound) {
				t.Errorf("%s fetches somebody else's file: %v", v, err)
			}
		}
		h.fetch(h.manager, x.ID)
		if got := h.get(x.ID); got.Downloads != 2 {
			t.Errorf("%d downloads", got.Downloads)
		}
		h.write(func(tx *db.Tx) error {
			rows, err := audit.List(tx, audit.Filter{Customers: ids, Action: "customer.exported"})
			if len(rows) != 3 || rows[0].Object != x.ID || rows[0].Actor != h.manager.ID {
				t.Errorf("who stood in it: %+v", rows)
			}
			return err
		})
		h.clock.Advance(25 * time.Hour)
		if _, err := h.fetch(h.manager, x.ID); !errors.Is(err, db.ErrNotFound) {
			t.Errorf("fetched after it expired: %v", err)
		}
		h.run(JobExpire, x.ID)
		if h.get(x.ID).State != Gone {
			t.Error("it is still there")
		}
		if _, _, err := h.room.Blobs.Get(context.Background(), blobKey(x.ID)); !errors.Is(err, db.ErrNotFound) {
			t.Errorf("its bytes are still there: %v", err)
		}
		want := []string{"export.asked", "customer.exported", "customer.exported", "customer.exported", "export.made", "export.downloaded", "export.downloaded", "export.gone"}
		if got := h.recorded(x.ID); !slices.Equal(got, want) {
			t.Errorf("on record: %v", got)
		}
	})
}

// Who finds a file opens it: what its asker wrote as her reason runs nowhere.
func TestAReasonIsNoFormula(t *testing.T) {
	for reason, want := range map[string]string{
		"for the spring mailing, 2026":              "for the spring mailing, 2026",
		`birthdays, =HYPERLINK("http://evil.test")`: `birthdays, '=HYPERLINK("http://evil.test")`,
		`birthdays;"=1+1"`:                          `birthdays;"'=1+1"`,
		"birthdays,\n@SUM(1)":                       "birthdays, '@SUM(1)",
	} {
		if got := plainLine(reason); got != want {
			t.Errorf("%q became %q", reason, got)
		}
	}
	for cell, want := range map[string]string{"=1+1": "'=1+1", "Mei; =1+1": "Mei; '=1+1", "Mei;\n@x": "Mei;\n'@x", "Mei - Lin; Xinyi": "Mei - Lin; Xinyi"} {
		if got := harmless(cell); got != want {
			t.Errorf("the cell %q became %q", cell, got)
		}
	}
}

func TestASecondPerson(t *testing.T) {
	each(t, func(h *house) {
		h.meets(h.account, "A", "B", "C")
		h.write(func(tx *db.Tx) error { return Save(tx, staff.System(), Settings{SecondAbove: 2, Hours: 1}) })
		x := h.asks(h.boss, Request{Kind: Customers, Filter: Filter{Full: true}})
		if x.State != Waiting || !x.Second {
			t.Fatalf("%+v", x)
		}
		decide := func(v staff.Viewer, pass bool) error {
			return h.d.Write(context.Background(), func(tx *db.Tx) error {
				_, err := h.room.Decide(tx, v, Decision{x.ID, pass})
				return err
			})
		}
		waiting := func(v staff.Viewer) (n int) {
			h.write(func(tx *db.Tx) (err error) {
				n, err = CountWaiting(tx, v)
				return err
			})
			return n
		}
		h.run(JobMake, x.ID)
		if h.get(x.ID).State != Waiting {
			t.Error("it is made without a second person")
		}
		if waiting(h.boss) != 0 || waiting(h.officer) != 1 || waiting(h.manager) != 0 {
			t.Error("it waits for the wrong ones")
		}
		if err := decide(h.boss, true); !errors.Is(err, staff.ErrForbidden) {
			t.Errorf("she agrees with herself: %v", err)
		}
		if err := decide(h.manager, true); !errors.Is(err, db.ErrNotFound) {
			t.Errorf("a manager decides: %v", err)
		}
		if err := decide(h.officer, true); err != nil {
			t.Fatal(err)
		}
		if err := decide(h.officer, false); !errors.Is(err, db.Invalid{Field: "state", Code: "fixed"}) {
			t.Errorf("decided twice: %v", err)
		}
		h.run(JobMake, x.ID)
		text, err := h.fetch(h.boss, x.ID)
		if err != nil || !strings.Contains(text, "+886912340002") {
			t.Errorf("%v: %s", err, text)
		}

		y := h.asks(h.boss, Request{Kind: Customers})
		x = y
		if err := decide(h.officer, false); err != nil {
			t.Fatal(err)
		}
		if got := h.get(y.ID); got.State != Refused || got.DecidedBy != h.officer.ID {
			t.Errorf("%+v", got)
		}
		z := h.asks(h.boss, Request{Kind: Customers})
		h.clock.Advance(8 * 24 * time.Hour)
		h.run(JobExpire, z.ID)
		if h.get(z.ID).State != Gone {
			t.Error("a request waits for ever")
		}
	})
}

func TestWhatIsRefused(t *testing.T) {
	each(t, func(h *house) {
		h.meets(h.account, "A")
		for name, c := range map[string]struct {
			v    staff.Viewer
			q    Request
			want error
		}{
			"an advisor":             {h.advisor, Request{Kind: Customers}, staff.ErrForbidden},
			"a manager, the audit":   {h.manager, Request{Kind: Audit}, staff.ErrForbidden},
			"no kind":                {h.boss, Request{Kind: "everything"}, db.Invalid{Field: "kind", Code: "unknown"}},
			"no reason to speak of":  {h.boss, Request{Kind: Audit, Reason: "x"}, db.Invalid{Field: "reason", Code: "too_short"}},
			"blanks for a reason":    {h.boss, Request{Kind: Audit, Reason: "   \x00  "}, db.Invalid{Field: "reason", Code: "required"}},
			"a novel for a reason":   {h.boss, Request{Kind: Audit, Reason: strings.Repeat("x", 501)}, db.Invalid{Field: "reason", Code: "too_long"}},
			"another's counter":      {h.boss, Request{Kind: Customers, Filter: Filter{Counters: []string{h.elsewhere}}}, db.Invalid{Field: "counters", Code: "unknown"}},
			"an unknown purpose":     {h.boss, Request{Kind: Customers, Filter: Filter{Purpose: "fun"}}, db.Invalid{Field: "purpose", Code: "unknown"}},
			"sharing, nobody agreed": {h.boss, Request{Kind: Customers, Filter: Filter{Purpose: Sharing}}, db.Invalid{Field: "purpose", Code: "no_consent"}},
			"nothing in it":          {h.officer, Request{Kind: Audit, Filter: Filter{Actor: "nobody"}}, db.Invalid{Field: "kind", Code: "empty"}},
			"from after to":          {h.officer, Request{Kind: Audit, Filter: Filter{From: h.clock.Now(), To: h.clock.Now().Add(-time.Hour)}}, db.Invalid{Field: "to", Code: "order"}},
		} {
			if _, err := h.ask(c.v, c.q); !errors.Is(err, c.want) {
				t.Errorf("%s: %v, want %v", name, err, c.want)
			}
		}
		var denied int
		h.write(func(tx *db.Tx) (err error) {
			denied, err = audit.Count(tx, audit.Filter{Action: "export.denied"}, 100)
			return err
		})
		if denied != 2 {
			t.Errorf("%d refusals on record, want 2", denied)
		}
		h.write(func(tx *db.Tx) error {
			return staff.SetLeaving(tx, staff.System(), h.manager.ID, tx.Now.Add(24*time.Hour))
		})
		if _, err := h.ask(h.manager, Request{Kind: Customers}); !errors.Is(err, errLeaving) {
			t.Errorf("she leaves tomorrow: %v", err)
		}
	})
}

func TestWhoLeavesGetsNoFile(t *testing.T) {
	each(t, func(h *house) {
		h.meets(h.account, "A")
		x := h.asks(h.manager, Request{Kind: Customers})
		h.write(func(tx *db.Tx) error { return staff.EndStaff(tx, staff.System(), h.manager.ID) })
		h.run(JobMake, x.ID)
		if got := h.get(x.ID); got.State != Failed || got.Error != "left" {
			t.Errorf("%+v", got)
		}
	})
}

// Several small files of a day are one large one: only the rows of those that she dropped
// before she fetched them do not count.
func TestManySmallFilesNeedASecondPerson(t *testing.T) {
	each(t, func(h *house) {
		h.meets(h.account, "A", "B")
		h.meets(h.other, "C", "D")
		h.write(func(tx *db.Tx) error {
			if err := Save(tx, staff.System(), Settings{SecondAbove: 3, Hours: 24}); err != nil {
				return err
			}
			p, err := staff.GetStaff(tx, h.manager.ID)
			if err == nil {
				_, err = staff.SaveStaff(tx, staff.System(), staff.StaffForm{ID: p.ID, Name: p.Name, Email: p.Email, Role: p.Role, Counters: []string{h.counter, h.elsewhere}})
			}
			if err == nil {
				h.manager, err = staff.ViewerByID(tx, p.ID)
			}
			return err
		})
		of := func(counter string) Request {
			return Request{Kind: Customers, Filter: Filter{Counters: []string{counter}}}
		}
		first := h.asks(h.manager, of(h.counter))
		if first.Second {
			t.Errorf("two rows: %+v", first)
		}
		if err := h.room.Drop(context.Background(), h.manager, first.ID); err != nil {
			t.Fatal(err)
		}
		again := h.asks(h.manager, of(h.counter))
		if again.Second {
			t.Errorf("two rows, and two that nobody has seen: %+v", again)
		}
		h.run(JobMake, again.ID)
		if _, err := h.fetch(h.manager, again.ID); err != nil {
			t.Fatal(err)
		}
		if err := h.room.Drop(context.Background(), h.manager, again.ID); err != nil {
			t.Fatal(err)
		}
		if x := h.asks(h.manager, of(h.elsewhere)); !x.Second || x.State != Waiting {
			t.Errorf("two rows more: %+v", x)
		}
		if x := h.asks(h.boss, of(h.counter)); x.Second {
			t.Errorf("somebody else's two rows: %+v", x)
		}
		h.clock.Advance(25 * time.Hour)
		if x := h.asks(h.manager, of(h.counter)); x.Second {
			t.Errorf("two rows of the next day: %+v", x)
		}
	})
}

// A file that lies ready is asked about as one that is to be made: whoever asked for it may
// have a leaving date by now, or stand elsewhere.
func TestAReadyFileIsAskedAboutAgain(t *testing.T) {
	each(t, func(h *house) {
		h.meets(h.account, "A")
		x := h.asks(h.manager, Request{Kind: Customers})
		h.run(JobMake, x.ID)
		denied := func() (n int) {
			h.write(func(tx *db.Tx) error {
				return tx.QueryRow(`SELECT COUNT(*) FROM audit WHERE action = 'export.denied'`).Scan(&n)
			})
			return n
		}
		if _, err := h.fetch(h.manager, x.ID); err != nil || denied() != 0 {
			t.Fatal(err)
		}
		h.write(func(tx *db.Tx) error {
			return staff.SetLeaving(tx, staff.System(), h.manager.ID, tx.Now.Add(24*time.Hour))
		})
		if _, err := h.fetch(h.manager, x.ID); !errors.Is(err, errLeaving) || denied() != 1 {
			t.Errorf("she leaves tomorrow: %v, on record %d times", err, denied())
		}
		h.write(func(tx *db.Tx) (err error) {
			if err := staff.SetLeaving(tx, staff.System(), h.manager.ID, time.Time{}); err != nil {
				return err
			}
			p, err := staff.GetStaff(tx, h.manager.ID)
			if err == nil {
				_, err = staff.SaveStaff(tx, staff.System(), staff.StaffForm{ID: p.ID, Name: p.Name, Email: p.Email, Role: p.Role, Counters: []string{h.elsewhere}})
			}
			if err == nil {
				h.manager, err = staff.ViewerByID(tx, p.ID)
			}
			return err
		})
		if _, err := h.fetch(h.manager, x.ID); !errors.Is(err, staff.ErrForbidden) || denied() != 2 {
			t.Errorf("she stands at another counter: %v, on record %d times", err, denied())
		}
		if _, err := h.fetch(h.officer, x.ID); !errors.Is(err, db.ErrNotFound) || denied() != 3 {
			t.Errorf("it is not hers: %v, on record %d times", err, denied())
		}
	})
}

func TestSharingNeedsHerConsent(t *testing.T) {
	each(t, func(h *house) {
		ids := h.meets(h.account, "A", "B", "C")
		h.room.Agreed = func(_ *db.Tx, person string) (bool, error) { return person == ids[1], nil }
		x := h.asks(h.manager, Request{Kind: Customers, Filter: Filter{Purpose: Sharing}})
		h.run(JobMake, x.ID)
		text, err := h.fetch(h.manager, x.ID)
		if err != nil {
			t.Fatal(err)
		}
		if rows := table(t, text); len(rows) != 2 || rows[1][0] != ids[1] {
			t.Errorf("%v", rows)
		}
		if got := h.get(x.ID); got.Rows != 1 || got.LeftOut != 2 {
			t.Errorf("%+v", got)
		}
	})
}

func TestEveryLineLeadsBack(t *testing.T) {
	each(t, func(h *house) {
		h.write(func(tx *db.Tx) error {
			for i := range 100 {
				audit.Record(tx, audit.Entry{Actor: h.advisor.ID, Action: "thread.open", Customer: fmt.Sprint("cus_", i)})
			}
			return nil
		})
		other := h.asks(h.officer, Request{Kind: Audit})
		h.run(JobMake, other.ID)
		x := h.asks(h.officer, Request{Kind: Audit, Filter: Filter{Actor: h.advisor.ID}})
		h.run(JobMake, x.ID)
		text, err := h.fetch(h.officer, x.ID)
		if err != nil {
			t.Fatal(err)
		}
		rows := table(t, text)
		if len(rows) != 101 || rows[1][1] != "P0" {
			t.Fatalf("%d rows, %v", len(rows), rows[1])
		}
		report, err := audit.VerifyFile(strings.NewReader(text))
		if err != nil || report.Rows != 100 || report.Broken != 0 {
			t.Errorf("%+v, %v", report, err)
		}
		trace := func(mark string) (out Traced, err error) {
			err = h.d.Read(context.Background(), func(tx *db.Tx) (err error) {
				out, err = h.room.Trace(tx, h.boss, mark)
				return err
			})
			return out, err
		}
		mark := rows[7][len(rows[7])-1]
		if got, err := trace(" " + mark + " "); err != nil || got.Export.ID != x.ID || got.Line != 7 || !got.Genuine {
			t.Errorf("%s: %+v, %v", mark, got, err)
		}
		if got, err := trace(strings.Replace(mark, "-7-", "-8-", 1)); err != nil || got.Genuine {
			t.Errorf("a forged mark: %+v, %v", got, err)
		}
		if got, err := trace(x.Code); err != nil || got.Export.ID != x.ID || got.Line != 0 {
			t.Errorf("a code: %+v, %v", got, err)
		}
		for _, nonsense := range []string{"", "x", "ZZZZZZZZ", "0000-1-2-3", strings.Repeat("A", 10_000)} {
			if _, err := trace(nonsense); !errors.As(err, new(db.Invalid)) {
				t.Errorf("%.20q leads somewhere: %v", nonsense, err)
			}
		}
		// Cut by hand: no header, no marks, from the middle.
		var cut bytes.Buffer
		for _, line := range strings.Split(text, "\r\n")[25:85] {
			cut.WriteString(line[:strings.LastIndex(line, ",")] + "\n")
		}
		found, err := h.room.Fingerprint(context.Background(), h.boss, &cut)
		if err != nil || len(found) != 1 || found[0].ID != x.ID {
			t.Errorf("the fingerprint leads to %v, %v", found, err)
		}
		if _, err := h.room.Fingerprint(context.Background(), h.boss, strings.NewReader("a\nb\n")); !errors.Is(err, db.Invalid{Field: "file", Code: "too_short"}) {
			t.Errorf("two lines: %v", err)
		}
		if _, err := h.room.Fingerprint(context.Background(), h.manager, strings.NewReader("")); !errors.Is(err, staff.ErrForbidden) {
			t.Errorf("a manager traces: %v", err)
		}
	})
}

func TestHerErasureDestroysTheFiles(t *testing.T) {
	each(t, func(h *house) {
		ids := h.meets(h.account, "A", "B")
		x := h.asks(h.manager, Request{Kind: Customers})
		h.run(JobMake, x.ID)
		h.write(func(tx *db.Tx) error { return h.room.Forget(tx, ids[:1]) })
		if _, err := h.fetch(h.manager, x.ID); !errors.Is(err, db.ErrNotFound) {
			t.Errorf("still there: %v", err)
		}
		h.run(JobExpire, x.ID)
		if _, _, err := h.room.Blobs.Get(context.Background(), blobKey(x.ID)); !errors.Is(err, db.ErrNotFound) {
			t.Errorf("its bytes are still there: %v", err)
		}
	})
}

func TestMineAndEverybodys(t *testing.T) {
	each(t, func(h *house) {
		h.meets(h.account, "A")
		x := h.asks(h.manager, Request{Kind: Customers})
		h.asks(h.officer, Request{Kind: Audit})
		list := func(v staff.Viewer) (n int) {
			h.write(func(tx *db.Tx) error {
				all, err := h.room.List(tx, v, Asked{})
				n = len(all)
				return err
			})
			return n
		}
		if list(h.manager) != 1 || list(h.officer) != 2 || list(h.advisor) != 0 {
			t.Errorf("%d, %d, %d", list(h.manager), list(h.officer), list(h.advisor))
		}
		if err := h.room.Drop(context.Background(), h.advisor, x.ID); !errors.Is(err, db.ErrNotFound) {
			t.Errorf("an advisor drops it: %v", err)
		}
		if err := h.room.Drop(context.Background(), h.officer, x.ID); err != nil {
			t.Error(err)
		}
		h.run(JobMake, x.ID) // too late
		if h.get(x.ID).State != Gone {
			t.Error("it came back")
		}
	})
}
