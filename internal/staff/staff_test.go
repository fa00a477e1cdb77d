package staff

import (
	"errors"
	"testing"
	"time"

	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
)

// morning is when the frozen clocks of these tests start.
var morning = time.Date(2026, 11, 22, 1, 30, 0, 0, time.UTC)

func write(t *testing.T, d *db.DB, fn func(tx *db.Tx) error) {
	t.Helper()
	if err := d.Write(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, d *db.DB, fn func(tx *db.Tx) error) {
	t.Helper()
	if err := d.Read(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

// group is a small store group: two stores, three counters.
type group struct {
	north, south         Store
	rose, lily           Brand
	northRose, northLily Counter
	southRose            Counter
	admin                Person
	adminViewer          Viewer
}

func newGroup(t *testing.T, d *db.DB) group {
	t.Helper()
	var g group
	write(t, d, func(tx *db.Tx) error {
		g = group{}
		sys := System()
		var errs []error
		keep := func(err error) { errs = append(errs, err) }
		var err error
		g.north, err = SaveStore(tx, sys, StoreForm{Name: "North"})
		keep(err)
		g.south, err = SaveStore(tx, sys, StoreForm{Name: "South", Timezone: "Asia/Tokyo"})
		keep(err)
		g.rose, err = SaveBrand(tx, sys, BrandForm{Name: "Rose"})
		keep(err)
		g.lily, err = SaveBrand(tx, sys, BrandForm{Name: "Lily"})
		keep(err)
		g.northRose, err = SaveCounter(tx, sys, CounterForm{StoreID: g.north.ID, BrandID: g.rose.ID})
		keep(err)
		g.northLily, err = SaveCounter(tx, sys, CounterForm{StoreID: g.north.ID, BrandID: g.lily.ID})
		keep(err)
		g.southRose, err = SaveCounter(tx, sys, CounterForm{StoreID: g.south.ID, BrandID: g.rose.ID, Name: "Rose by the river"})
		keep(err)
		g.admin, err = SaveStaff(tx, sys, StaffForm{Email: "ada@example.com", Name: "Ada", Role: Admin})
		keep(err)
		if err := errors.Join(errs...); err != nil {
			return err
		}
		g.adminViewer, err = ViewerByID(tx, g.admin.ID)
		return err
	})
	return g
}

func addPerson(t *testing.T, d *db.DB, f StaffForm) Person {
	t.Helper()
	var p Person
	write(t, d, func(tx *db.Tx) (err error) {
		p, err = SaveStaff(tx, System(), f)
		return err
	})
	return p
}

// invalid checks that err refuses this field for this reason.
func invalid(t *testing.T, err error, field, code string) {
	t.Helper()
	var got db.Invalid
	if !errors.As(err, &got) || got.Field != field || got.Code != code {
		t.Errorf("got %v, want field %q refused as %q", err, field, code)
	}
}

// eachFrozen runs a test on both engines, each with a clock of its own that stands still.
func eachFrozen(t *testing.T, test func(t *testing.T, d *db.DB, clock *dbtest.Clock)) {
	clock := dbtest.NewClock(morning)
	dbtest.EachAt(t, clock, func(t *testing.T, d *db.DB) { test(t, d, clock) })
}

func TestVisibility(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		g := newGroup(t, d)
		// Everybody is a member of North's Rose; the manager manages the North as well.
		cases := []struct {
			role                      Role
			member                    bool
			own, sameStore, elsewhere bool
			answers                   bool
		}{
			{role: Advisor, member: true, own: true, answers: true},
			{role: Advisor},
			{role: Manager, member: true, own: true, sameStore: true, answers: true},
			{role: Manager, own: true, sameStore: true, answers: true},
			{role: Marketing, member: true, own: true},
			{role: Marketing},
			{role: Privacy, member: true, own: true, sameStore: true, elsewhere: true},
			{role: Privacy, own: true, sameStore: true, elsewhere: true},
			{role: Admin, member: true, own: true, answers: true},
			{role: Admin},
		}
		for i, c := range cases {
			name := string(c.role) + " without a counter"
			f := StaffForm{Email: string(rune('a'+i)) + "@example.com", Name: "Someone", Role: c.role, Stores: []string{g.north.ID}}
			if c.member {
				name, f.Counters = string(c.role)+" at a counter", []string{g.northRose.ID}
			}
			t.Run(name, func(t *testing.T) {
				p := addPerson(t, d, f)
				var v Viewer
				write(t, d, func(tx *db.Tx) error {
					token, _, err := SessionFor(tx, p.ID, Meta{})
					if err != nil {
						return err
					}
					v, err = ViewerBySession(tx, token)
					return err
				})
				want := map[string]bool{g.northRose.ID: c.own, g.northLily.ID: c.sameStore, g.southRose.ID: c.elsewhere, "": false, "cnt_unknown": c.role == Privacy}
				count := 0
				for id, sees := range want {
					if v.Sees(id) != sees {
						t.Errorf("sees %s: %v", id, !sees)
					}
					if v.AnswersAt(id) != (sees && c.answers) {
						t.Errorf("answers at %s: %v", id, v.AnswersAt(id))
					}
					if sees && id != "cnt_unknown" {
						count++
					}
				}
				if len(v.Counters()) != count {
					t.Errorf("counters %v, want %d", v.Counters(), count)
				}
				if v.Answers() != c.answers {
					t.Errorf("answers: %v", v.Answers())
				}
				if v.SeesAll() != (c.role == Privacy) {
					t.Errorf("sees all: %v", v.SeesAll())
				}
			})
		}
	})
}

func TestFormerManagerLosesHerStores(t *testing.T) {
	d := dbtest.New(t)
	g := newGroup(t, d)
	f := StaffForm{Email: "mei@example.com", Name: "Mei", Role: Manager, Stores: []string{g.north.ID}}
	p := addPerson(t, d, f)
	f.ID, f.Role = p.ID, Advisor
	addPerson(t, d, f)
	f.Role, f.Stores = Manager, nil
	addPerson(t, d, f)
	read(t, d, func(tx *db.Tx) error {
		v, err := ViewerByID(tx, p.ID)
		if v.Sees(g.northRose.ID) {
			t.Error("she sees the store she managed before")
		}
		return err
	})
}

func TestNobodySeesNothing(t *testing.T) {
	for name, v := range map[string]Viewer{
		"zero":                {},
		"has to choose first": {Role: Admin, MustChange: true, all: true, sees: &[]string{"cnt_1"}},
	} {
		t.Run(name, func(t *testing.T) {
			if v.Sees("cnt_1") || v.SeesAll() || v.Answers() || v.AnswersAt("cnt_1") || len(v.Counters()) > 0 {
				t.Error("sees something")
			}
			for p := range permitted {
				if v.May(p) {
					t.Errorf("may %s", p)
				}
			}
		})
	}
}

func TestMay(t *testing.T) {
	all := []Permission{Chat, KeepCards, ManageGroup, ManageReplies, SeeAudit, SeeFailures, KeepCatalogue, KeepPurchases, KeepLexicons, AskExports, PassExports,
		SeeConsent, KeepConsent, RecordConsent, HandOver, KeepPrivacy, AskPrivacy}
	cases := map[string]struct {
		v   Viewer
		may []Permission
	}{
		"advisor":         {Viewer{Role: Advisor}, []Permission{Chat, KeepCards, RecordConsent}},
		"manager":         {Viewer{Role: Manager}, []Permission{Chat, KeepCards, ManageReplies, SeeFailures, KeepLexicons, AskExports, SeeConsent, RecordConsent, HandOver}},
		"marketing":       {Viewer{Role: Marketing}, []Permission{KeepLexicons}},
		"privacy":         {Viewer{Role: Privacy}, []Permission{SeeAudit, AskExports, PassExports, KeepPrivacy, AskPrivacy, SeeConsent, KeepConsent, RecordConsent}},
		"admin":           {Viewer{Role: Admin}, all[:len(all)-2]},
		"system":          {System(), all},
		"reading machine": {Machine("till", ThreadsRead), nil},
		"writing machine": {Machine("bot", MessagesWrite), []Permission{Chat}},
		"member system":   {Machine("crm", CustomersWrite, ContactsRead, CardsWrite), []Permission{KeepCards}},
		"member page":     {Machine("page", ConsentsWrite), []Permission{RecordConsent}},
		"lexicographer":   {Machine("words", LexiconsWrite), []Permission{KeepLexicons}},
		"officer's tool":  {Machine("crm", PrivacyWrite), []Permission{AskPrivacy}},
		"till":            {Machine("till", CatalogueWrite, PurchasesWrite), []Permission{KeepCatalogue, KeepPurchases}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			for _, p := range all {
				want := false
				for _, m := range c.may {
					want = want || m == p
				}
				if c.v.May(p) != want {
					t.Errorf("may %s: %v", p, !want)
				}
			}
		})
	}
	if len(permitted) != len(all) {
		t.Error("a permission is missing from this test")
	}
}
