package consent

import (
	"context"
	"errors"
	"testing"
	"time"

	"dingdong/internal/channel"
	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
	"dingdong/internal/staff"
	"dingdong/internal/vault"
)

// house is a room with its purposes, three customers and a few people of the store.
type house struct {
	*Room
	t               testing.TB
	db              *db.DB
	clock           *dbtest.Clock
	lin, wang, chen string
	mei             staff.Viewer // an advisor
	hua             staff.Viewer // a manager
	olga            staff.Viewer // the privacy officer
}

var taipei = mustZone("Asia/Taipei")

func mustZone(name string) *time.Location {
	zone, err := time.LoadLocation(name)
	if err != nil {
		panic(err)
	}
	return zone
}

// opening is a Monday, 14:00 in Taipei: no holiday, not quiet.
var opening = time.Date(2026, 11, 23, 14, 0, 0, 0, taipei)

func eachHouse(t *testing.T, test func(h *house)) {
	t.Helper()
	clock := dbtest.NewClock(opening)
	dbtest.EachAt(t, clock, func(t *testing.T, d *db.DB) {
		clock.Advance(opening.Sub(clock.Now()))
		test(openHouse(t, d, clock))
	})
}

func openHouse(t testing.TB, d *db.DB, clock *dbtest.Clock) *house {
	t.Helper()
	v, err := vault.Open("file:"+t.TempDir()+"/key.json", d)
	if err != nil {
		t.Fatal(err)
	}
	h := &house{Room: &Room{Vault: v, Book: &customer.Book{Vault: v}}, t: t, db: d, clock: clock}
	h.write(func(tx *db.Tx) error {
		h.check(h.EnsureShipped(tx))
		h.lin, h.wang, h.chen = h.customer(tx, "U-lin"), h.customer(tx, "U-wang"), h.customer(tx, "U-chen")
		h.mei = h.person(tx, staff.StaffForm{Name: "Mei", Role: staff.Advisor})
		h.hua = h.person(tx, staff.StaffForm{Name: "Hua", Role: staff.Manager})
		h.olga = h.person(tx, staff.StaffForm{Name: "Olga", Role: staff.Privacy})
		return nil
	})
	return h
}

// twoNodes are two houses on one database.
func twoNodes(t *testing.T, url string) [2]*house {
	t.Helper()
	clock := dbtest.NewClock(opening)
	var nodes [2]*house
	for i := range nodes {
		d, err := db.Open(context.Background(), url, db.Options{Clock: clock.Now})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { d.Close() })
		if i == 0 {
			nodes[0] = openHouse(t, d, clock)
			continue
		}
		other := *nodes[0]
		other.Room, other.db = &Room{Vault: other.Vault, Book: other.Book}, d
		nodes[i] = &other
	}
	return nodes
}

func (h *house) person(tx *db.Tx, f staff.StaffForm) staff.Viewer {
	h.t.Helper()
	f.Email = f.Name + "@store.example"
	p, err := staff.SaveStaff(tx, staff.System(), f)
	h.check(err)
	v, err := staff.ViewerByID(tx, p.ID)
	h.check(err)
	return v
}

func (h *house) customer(tx *db.Tx, external string) string {
	h.t.Helper()
	i, err := h.Book.Meet(tx, customer.NewPeer{AccountID: "acc_1", Peer: channel.Peer{ID: external}})
	h.check(err)
	return i.CustomerID
}

func (h *house) check(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) write(fn func(tx *db.Tx) error) {
	h.t.Helper()
	h.check(h.db.Write(context.Background(), fn))
}

func (h *house) read(fn func(tx *db.Tx) error) {
	h.t.Helper()
	h.check(h.db.Read(context.Background(), fn))
}

// try runs a write and gives its error.
func (h *house) try(fn func(tx *db.Tx) error) error {
	return h.db.Write(context.Background(), fn)
}

func (h *house) record(e Entry) (out Entry) {
	h.t.Helper()
	if e.How == "" {
		e.How = HowPage
	}
	h.write(func(tx *db.Tx) (err error) {
		out, err = h.Record(tx, e)
		return err
	})
	return out
}

// grant records that somebody agreed to marketing.
func (h *house) grant(who string) {
	h.t.Helper()
	h.record(Entry{Customer: who, Purpose: Marketing, State: Granted})
}

func (h *house) may(who, purpose, account string) (ok bool) {
	h.t.Helper()
	h.read(func(tx *db.Tx) (err error) {
		ok, err = h.May(tx, who, purpose, account)
		return err
	})
	return ok
}

func (h *house) ask(a Ask) (out Answer) {
	h.t.Helper()
	if a.Customer == "" {
		a.Customer = h.lin
	}
	if a.Purpose == "" {
		a.Purpose = Marketing
	}
	h.write(func(tx *db.Tx) (err error) {
		out, err = h.Check(tx, a)
		return err
	})
	return out
}

func (h *house) recheck(message string) (out Answer) {
	h.t.Helper()
	h.write(func(tx *db.Tx) (err error) {
		out, err = h.Recheck(tx, message)
		return err
	})
	return out
}

// standing gives "state" or "state/outdated" of a purpose at a moment, with that of
// single accounts behind it.
func (h *house) standing(who, purpose string, at time.Time) string {
	h.t.Helper()
	out := ""
	h.read(func(tx *db.Tx) error {
		all, err := h.States(tx, who, at)
		for _, s := range all {
			if s.Purpose != purpose {
				continue
			}
			if s.Account != "" {
				out += " " + s.Account + "="
			}
			out += string(s.State)
			if s.Outdated {
				out += "/outdated"
			}
		}
		return err
	})
	return out
}

// merge makes one person of two, and gives what undoes it.
func (h *house) merge(kept, lost string) (undo func()) {
	h.t.Helper()
	var m customer.Merged
	h.write(func(tx *db.Tx) (err error) {
		m, _, err = h.Book.Join(tx, customer.Merged{KeptID: kept, LostID: lost, Proof: "advisor"})
		return err
	})
	return func() {
		h.write(func(tx *db.Tx) error {
			s, err := h.Book.PlanSplit(tx, m)
			h.check(err)
			return h.Book.Apart(tx, s, "x")
		})
	}
}

// invalid says whether an error is bad input of a field, by a code.
func invalid(err error, field, code string) bool {
	var bad db.Invalid
	return errors.As(err, &bad) && bad == db.Invalid{Field: field, Code: code}
}
