package customer

import (
	"context"
	"errors"
	"testing"
	"time"

	"dingdong/internal/channel"
	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
	"dingdong/internal/event"
	"dingdong/internal/staff"
	"dingdong/internal/vault"
)

// shop is a store with the counters of two brands, an advisor at each, and two
// customers.
type shop struct {
	*Book
	t             testing.TB
	db            *db.DB
	clock         *dbtest.Clock
	brand, other  string // ids of brands
	counter, next string // their counters
	mei, fang     staff.Viewer
	hua, mark     staff.Viewer // a manager, and somebody who may not write
	lin, wang     string       // customers
}

var opening = time.Date(2026, 11, 22, 5, 0, 0, 0, time.UTC)

// eachShop runs a test on both engines.
func eachShop(t *testing.T, test func(s *shop)) {
	t.Helper()
	clock := dbtest.NewClock(opening)
	dbtest.EachAt(t, clock, func(t *testing.T, d *db.DB) {
		clock.Advance(opening.Sub(clock.Now())) // the engine before may have moved it on
		test(openShop(t, d, clock))
	})
}

func openShop(t testing.TB, d *db.DB, clock *dbtest.Clock) *shop {
	t.Helper()
	v, err := vault.Open("file:"+t.TempDir()+"/key.json", d)
	if err != nil {
		t.Fatal(err)
	}
	s := &shop{Book: &Book{Vault: v}, t: t, db: d, clock: clock}
	s.write(func(tx *db.Tx) error {
		store, err := staff.SaveStore(tx, staff.System(), staff.StoreForm{Name: "Xinyi", Timezone: "Asia/Taipei"})
		s.check(err)
		for _, name := range []string{"Rosée", "Lumi"} {
			b, err := staff.SaveBrand(tx, staff.System(), staff.BrandForm{Name: name})
			s.check(err)
			c, err := staff.SaveCounter(tx, staff.System(), staff.CounterForm{StoreID: store.ID, BrandID: b.ID})
			s.check(err)
			s.brand, s.other = s.other, b.ID
			s.counter, s.next = s.next, c.ID
		}
		s.mei = s.person(tx, staff.StaffForm{Name: "Mei", Role: staff.Advisor, Counters: []string{s.counter}})
		s.fang = s.person(tx, staff.StaffForm{Name: "Fang", Role: staff.Advisor, Counters: []string{s.next}})
		s.hua = s.person(tx, staff.StaffForm{Name: "Hua", Role: staff.Manager, Stores: []string{store.ID}})
		s.mark = s.person(tx, staff.StaffForm{Name: "Mark", Role: staff.Marketing, Counters: []string{s.counter}})
		s.lin, s.wang = s.customer(tx, "U-lin"), s.customer(tx, "U-wang")
		return s.EnsureDefaults(tx)
	})
	return s
}

func (s *shop) person(tx *db.Tx, f staff.StaffForm) staff.Viewer {
	s.t.Helper()
	f.Email = f.Name + "@store.example"
	p, err := staff.SaveStaff(tx, staff.System(), f)
	s.check(err)
	v, err := staff.ViewerByID(tx, p.ID)
	s.check(err)
	return v
}

func (s *shop) customer(tx *db.Tx, external string) string {
	s.t.Helper()
	i, err := s.Meet(tx, NewPeer{AccountID: "acc_1", Peer: channel.Peer{ID: external}})
	s.check(err)
	return i.CustomerID
}

// merge makes lost a record of kept, as a merge does.
func (s *shop) merge(kept, lost string) {
	s.t.Helper()
	s.write(func(tx *db.Tx) error {
		_, err := tx.Exec(`UPDATE customer SET person_id = $1 WHERE id = $2`, kept, lost)
		return err
	})
}

func (s *shop) check(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *shop) write(fn func(tx *db.Tx) error) {
	s.t.Helper()
	s.check(s.db.Write(context.Background(), fn))
}

func (s *shop) read(fn func(tx *db.Tx) error) {
	s.t.Helper()
	s.check(s.db.Read(context.Background(), fn))
}

// try runs a write and gives its error.
func (s *shop) try(fn func(tx *db.Tx) error) error {
	return s.db.Write(context.Background(), fn)
}

// invalid says whether an error is bad input of a field, by a code.
func invalid(err error, field, code string) bool {
	var bad db.Invalid
	return errors.As(err, &bad) && bad == db.Invalid{Field: field, Code: code}
}

// at is a moment some minutes before the opening.
func at(minutes int) time.Time { return opening.Add(time.Duration(minutes-600) * time.Minute) }

// learn enters a value and gives whether the card changed.
func (s *shop) learn(who, name, value string, p Proof) (changed bool) {
	s.t.Helper()
	s.write(func(tx *db.Tx) (err error) {
		changed, err = s.Learn(tx, who, Learnt{name, value, p})
		return err
	})
	return changed
}

// give gives a tag and tells whether the card changed.
func (s *shop) give(who, name string, p Proof) (given bool) {
	s.t.Helper()
	s.write(func(tx *db.Tx) (err error) {
		given, err = s.GiveTag(tx, who, name, p)
		return err
	})
	return given
}

// attributes gives "name=value" of a card, as a viewer sees it.
func (s *shop) attributes(v staff.Viewer, who string) (out []string, all []Attribute) {
	s.t.Helper()
	s.read(func(tx *db.Tx) error {
		sight, err := s.Sight(tx, v)
		s.check(err)
		records, err := s.Records(tx, who)
		s.check(err)
		all, err = s.Attributes(tx, sight, records)
		return err
	})
	for _, a := range all {
		out = append(out, a.Def.Name+"="+a.Value)
	}
	return out, all
}

// tags gives the names of the tags on a card, as a viewer sees it.
func (s *shop) tags(v staff.Viewer, who string) (out []string, all []CustomerTag) {
	s.t.Helper()
	s.read(func(tx *db.Tx) error {
		sight, err := s.Sight(tx, v)
		s.check(err)
		records, err := s.Records(tx, who)
		s.check(err)
		all, err = s.TagsOf(tx, sight, records)
		return err
	})
	for _, t := range all {
		out = append(out, t.Tag.Name)
	}
	return out, all
}

// told counts what open pages were told since an event.
func (s *shop) told(after int64) (what []string, last int64) {
	s.t.Helper()
	s.read(func(tx *db.Tx) error {
		events, err := event.After(tx, after, 1000)
		for _, e := range events {
			if e.Kind == event.CustomerChanged {
				what = append(what, e.Data["what"]+" of "+e.Customer)
			}
			after = e.Seq
		}
		return err
	})
	return what, after
}
