package staff

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"dingdong/internal/audit"
	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
)

func TestLooksAreCountedByRoleAndMonth(t *testing.T) {
	clock := dbtest.NewClock(time.Date(2026, 9, 30, 17, 0, 0, 0, time.UTC)) // October in Taipei
	dbtest.EachAt(t, clock, func(t *testing.T, d *db.DB) {
		zone := time.FixedZone("Taipei", 8*3600)
		from := clock.Now()
		var mei, kai Person
		err := d.Write(context.Background(), func(tx *db.Tx) (err error) {
			if mei, err = SaveStaff(tx, System(), StaffForm{Name: "Mei", Email: "mei@x.test", Role: Advisor}); err != nil {
				return err
			}
			kai, err = SaveStaff(tx, System(), StaffForm{Name: "Kai", Email: "kai@x.test", Role: Privacy})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		look := func(actor, action, customer string) {
			err := d.Write(context.Background(), func(tx *db.Tx) error {
				audit.Record(tx, audit.Entry{Actor: actor, Action: action, Customer: customer})
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		look(mei.ID, "thread.open", "cus_1")
		look(mei.ID, "customer.shown", "cus_2") // another record of hers
		look(mei.ID, "thread.open", "cus_other")
		look("system", "thread.open", "cus_1")
		clock.Advance(32 * 24 * time.Hour)
		look(kai.ID, "customer.exported", "cus_1")
		look("token/tok_1", "api.contact", "cus_1")
		look("endpoint/end_1", "api.read", "cus_1") // was told what she wrote
		look(mei.ID, "thread.transferred", "cus_1") // not a look
		err = d.Read(context.Background(), func(tx *db.Tx) error {
			got, err := LooksOf(tx, Looked{Records: []string{"cus_1", "cus_2"}, Since: from, Zone: zone})
			if err != nil {
				return err
			}
			start := from.In(zone)
			first := time.Date(start.Year(), start.Month(), 1, 0, 0, 0, 0, zone)
			later := start.Add(32 * 24 * time.Hour)
			second := time.Date(later.Year(), later.Month(), 1, 0, 0, 0, 0, zone)
			want := []Looks{{Month: second, Role: Program, Opened: 1, Revealed: 1}, {Month: second, Role: Privacy, Exported: 1}, {Month: first, Role: Advisor, Opened: 1, Listed: 1}}
			if len(got) != 3 {
				t.Fatalf("%+v", got)
			}
			for i, w := range want {
				if got[i].Role == Privacy && i == 0 || got[i].Role == Program && i == 1 { // names of roles decide
					w = want[1-i]
				}
				if got[i] != w {
					t.Errorf("%d: %+v, want %+v", i, got[i], w)
				}
			}
			none, err := LooksOf(tx, Looked{})
			if len(none) != 0 {
				t.Errorf("nobody was looked at: %v", none)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestALeavingDateIsNoted(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		var p Person
		write := func(fn func(tx *db.Tx) error) {
			t.Helper()
			if err := d.Write(context.Background(), fn); err != nil {
				t.Fatal(err)
			}
		}
		write(func(tx *db.Tx) (err error) {
			p, err = SaveStaff(tx, System(), StaffForm{Name: "Mei", Email: "mei@x.test", Role: Advisor})
			return err
		})
		day := d.Now().Add(10 * 24 * time.Hour)
		write(func(tx *db.Tx) error { return SetLeaving(tx, System(), p.ID, day) })
		write(func(tx *db.Tx) error {
			if err := SetLeaving(tx, Viewer{ID: p.ID, Role: Advisor}, p.ID, time.Time{}); !errors.Is(err, ErrForbidden) {
				t.Errorf("she takes her own date away: %v", err)
			}
			if err := SetLeaving(tx, System(), p.ID, tx.Now); !errors.Is(err, db.Invalid{Field: "leaves", Code: "past"}) {
				t.Errorf("a date that has passed: %v", err)
			}
			got, err := LeavingAt(tx, p.ID)
			if !got.Equal(day) {
				t.Errorf("she leaves at %v", got)
			}
			return err
		})
		write(func(tx *db.Tx) error { return SetLeaving(tx, System(), p.ID, time.Time{}) })
		write(func(tx *db.Tx) error {
			got, err := GetStaff(tx, p.ID)
			if !got.LeavesAt.IsZero() {
				t.Error("she still leaves")
			}
			return err
		})
	})
}

func TestWhichRolesSeeHer(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		err := d.Write(context.Background(), func(tx *db.Tx) error {
			sys := System()
			store, err := SaveStore(tx, sys, StoreForm{Name: "S"})
			if err != nil {
				return err
			}
			brand, err := SaveBrand(tx, sys, BrandForm{Name: "B"})
			if err != nil {
				return err
			}
			counter, err := SaveCounter(tx, sys, CounterForm{StoreID: store.ID, BrandID: brand.ID})
			if err != nil {
				return err
			}
			for _, f := range []StaffForm{{Name: "A", Email: "a@x.test", Role: Advisor, Counters: []string{counter.ID}},
				{Name: "M", Email: "m@x.test", Role: Manager, Stores: []string{store.ID}}, {Name: "K", Email: "k@x.test", Role: Marketing}} {
				if _, err := SaveStaff(tx, sys, f); err != nil {
					return err
				}
			}
			got, err := RolesSeeing(tx, []string{counter.ID})
			if err != nil || len(got) != 2 || got[0].Role != Advisor || got[1].Role != Manager {
				t.Errorf("%+v, %v", got, err)
			}
			if _, err := SaveStaff(tx, sys, StaffForm{Name: "P", Email: "p@x.test", Role: Privacy}); err != nil {
				return err
			}
			if _, _, err := CreateToken(tx, sys, "till", []string{CustomersRead}); err != nil {
				return err
			}
			got, err = RolesSeeing(tx, []string{counter.ID})
			if err != nil || len(got) != 4 || got[2].Role != Privacy || got[2].Counters != nil || got[3].Role != Program {
				t.Errorf("%+v, %v", got, err)
			}
			if _, err := SaveStaff(tx, sys, StaffForm{Name: "L", Email: "l@x.test", Role: Marketing, Counters: []string{counter.ID}}); err != nil {
				return err
			}
			got, err = RolesSeeing(tx, []string{counter.ID})
			if err != nil || len(got) != 5 || got[2].Role != Marketing {
				t.Errorf("who only reads at the counter: %+v, %v", got, err)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

// Whatever lets a program read of a customer is told on her page.
func TestWhichProgramsSeeHer(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		sees := func(tx *db.Tx) bool {
			got, err := RolesSeeing(tx, nil)
			if err != nil {
				t.Error(err)
			}
			return slices.ContainsFunc(got, func(s Seeing) bool { return s.Role == Program })
		}
		err := d.Write(context.Background(), func(tx *db.Tx) error {
			for _, scope := range Scopes() {
				_, token, err := CreateToken(tx, System(), "till", []string{scope})
				if err != nil {
					return err
				}
				blind := slices.Contains([]string{AccountsRead, StaffRead, WebhooksWrite, CatalogueRead, CatalogueWrite, PurchasesWrite, ContactsRead,
					CardsWrite, LexiconsWrite, PrivacyWrite, HandoversRead, HandoversWrite}, scope)
				if sees(tx) == blind {
					t.Errorf("%s: sees her %t", scope, !blind)
				}
				if err := EndToken(tx, System(), token.ID); err != nil {
					return err
				}
			}
			for _, state := range []string{"NULL", "1"} {
				if _, err := tx.Exec(`INSERT INTO endpoint (id, name, url, secret, kinds, after_seq, created_at, ended_at) VALUES ('end_1', 'x', 'https://x.test', $1, '', 0, 1, `+state+`)`, []byte("s")); err != nil {
					return err
				}
				if sees(tx) != (state == "NULL") {
					t.Errorf("an endpoint that was ended at %s", state)
				}
				if _, err := tx.Exec(`DELETE FROM endpoint`); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
