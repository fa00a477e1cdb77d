package staff

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
)

func TestPlaceNames(t *testing.T) {
	cases := map[string]struct {
		form StoreForm
		name string
		code string // of the field in front of the colon
	}{
		"trimmed":               {form: StoreForm{Name: "  Grand\t Store \n"}, name: "Grand Store"},
		"NUL and broken UTF-8":  {form: StoreForm{Name: "Gr\x00an\xffd"}, name: "Grand"},
		"reading direction":     {form: StoreForm{Name: "\u202eGrand\u2066"}, name: "Grand"},
		"Chinese, eighty":       {form: StoreForm{Name: strings.Repeat("百", 80)}, name: strings.Repeat("百", 80)},
		"Chinese, eighty-one":   {form: StoreForm{Name: strings.Repeat("百", 81)}, code: "name:too_long"},
		"empty":                 {form: StoreForm{Name: " \x00 "}, code: "name:required"},
		"no such time zone":     {form: StoreForm{Name: "X", Timezone: "Asia/Atlantis"}, code: "timezone:unknown"},
		"the server's own zone": {form: StoreForm{Name: "X", Timezone: "Local"}, code: "timezone:unknown"},
		"a path as time zone":   {form: StoreForm{Name: "X", Timezone: "../../etc/passwd"}, code: "timezone:unknown"},
	}
	d := dbtest.New(t)
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var s Store
			err := d.Write(t.Context(), func(tx *db.Tx) (err error) {
				if s, err = SaveStore(tx, System(), c.form); err != nil {
					return err
				}
				_, err = tx.Exec(`DELETE FROM store`)
				return err
			})
			if c.code != "" {
				field, code, _ := strings.Cut(c.code, ":")
				invalid(t, err, field, code)
				return
			}
			if err != nil || s.Name != c.name || s.Timezone != "Asia/Taipei" {
				t.Errorf("got %+v, %v", s, err)
			}
		})
	}
}

func TestDirectory(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		g := newGroup(t, d)
		sys := System()
		fail := func(name, field, code string, fn func(tx *db.Tx) error) {
			t.Run(name, func(t *testing.T) {
				invalid(t, d.Write(t.Context(), fn), field, code)
			})
		}
		fail("same store name", "name", "taken", func(tx *db.Tx) error {
			_, err := SaveStore(tx, sys, StoreForm{Name: "North "})
			return err
		})
		fail("same brand name", "name", "taken", func(tx *db.Tx) error {
			_, err := SaveBrand(tx, sys, BrandForm{ID: g.lily.ID, Name: "Rose"})
			return err
		})
		fail("second counter of a brand in a store", "brand", "taken", func(tx *db.Tx) error {
			_, err := SaveCounter(tx, sys, CounterForm{StoreID: g.north.ID, BrandID: g.rose.ID})
			return err
		})
		fail("unknown store", "store", "unknown", func(tx *db.Tx) error {
			_, err := SaveCounter(tx, sys, CounterForm{StoreID: "sto_x", BrandID: g.rose.ID})
			return err
		})
		fail("no brand", "brand", "required", func(tx *db.Tx) error {
			_, err := SaveCounter(tx, sys, CounterForm{StoreID: g.north.ID})
			return err
		})
		fail("counter to another store", "store", "fixed", func(tx *db.Tx) error {
			_, err := SaveCounter(tx, sys, CounterForm{ID: g.northRose.ID, StoreID: g.south.ID})
			return err
		})
		fail("close a store with open counters", "store", "open_counters", func(tx *db.Tx) error {
			return CloseStore(tx, sys, g.north.ID)
		})
		fail("close a brand with open counters", "brand", "open_counters", func(tx *db.Tx) error {
			return CloseBrand(tx, sys, g.rose.ID)
		})

		write(t, d, func(tx *db.Tx) error {
			if _, err := SaveStore(tx, sys, StoreForm{ID: g.south.ID, Name: "Deep South", Timezone: "Asia/Tokyo"}); err != nil {
				return err
			}
			if _, err := SaveCounter(tx, sys, CounterForm{ID: g.northLily.ID, Name: "Lilies"}); err != nil {
				return err
			}
			if err := CloseCounter(tx, sys, g.southRose.ID); err != nil {
				return err
			}
			if err := CloseStore(tx, sys, g.south.ID); err != nil {
				return err
			}
			return CloseStore(tx, sys, g.south.ID) // a second click changes nothing
		})
		fail("counter in a closed store", "store", "closed", func(tx *db.Tx) error {
			_, err := SaveCounter(tx, sys, CounterForm{StoreID: g.south.ID, BrandID: g.lily.ID})
			return err
		})
		fail("reopen a counter of a closed store", "store", "closed", func(tx *db.Tx) error {
			return ReopenCounter(tx, sys, g.southRose.ID)
		})
		read(t, d, func(tx *db.Tx) error {
			dir, err := LoadDirectory(tx)
			if err != nil {
				return err
			}
			if len(dir.Counters) != 3 || len(dir.Open()) != 2 {
				t.Errorf("%d counters, %d open", len(dir.Counters), len(dir.Open()))
			}
			got, found := dir.Counter(g.southRose.ID)
			want := DirectoryCounter{ID: g.southRose.ID, Name: "Rose by the river", StoreID: g.south.ID, Store: "Deep South",
				BrandID: g.rose.ID, Brand: "Rose", Timezone: "Asia/Tokyo", Closed: true}
			if !found || got != want {
				t.Errorf("got %+v", got)
			}
			if c, _ := dir.Counter(g.northLily.ID); c.Name != "Lilies" || c.Closed {
				t.Errorf("got %+v", c)
			}
			if c, _ := dir.Counter(g.northRose.ID); c.Name != "Rose North" {
				t.Errorf("a counter without a name is called %q", c.Name)
			}
			if _, found := dir.Counter("cnt_x"); found {
				t.Error("found a counter that is not there")
			}
			stores, err := ListStores(tx)
			if err != nil || len(stores) != 2 || stores[1].ClosedAt.IsZero() {
				t.Errorf("stores %+v, %v", stores, err)
			}
			brands, err := ListBrands(tx)
			if err != nil || len(brands) != 2 {
				t.Errorf("brands %+v, %v", brands, err)
			}
			return nil
		})
		write(t, d, func(tx *db.Tx) error {
			return errors.Join(ReopenStore(tx, sys, g.south.ID), ReopenCounter(tx, sys, g.southRose.ID))
		})
		if err := d.Write(t.Context(), func(tx *db.Tx) error { return CloseCounter(tx, sys, "cnt_x") }); !errors.Is(err, db.ErrNotFound) {
			t.Errorf("close a counter that is not there: %v", err)
		}
	})
}

func TestOnlyAdministratorsChangeTheHouse(t *testing.T) {
	d := dbtest.New(t)
	g := newGroup(t, d)
	acts := map[string]func(tx *db.Tx, v Viewer) error{
		"save store":   func(tx *db.Tx, v Viewer) error { _, err := SaveStore(tx, v, StoreForm{Name: "X"}); return err },
		"close store":  func(tx *db.Tx, v Viewer) error { return CloseStore(tx, v, g.north.ID) },
		"reopen store": func(tx *db.Tx, v Viewer) error { return ReopenStore(tx, v, g.north.ID) },
		"save brand":   func(tx *db.Tx, v Viewer) error { _, err := SaveBrand(tx, v, BrandForm{Name: "X"}); return err },
		"close brand":  func(tx *db.Tx, v Viewer) error { return CloseBrand(tx, v, g.rose.ID) },
		"reopen brand": func(tx *db.Tx, v Viewer) error { return ReopenBrand(tx, v, g.rose.ID) },
		"save counter": func(tx *db.Tx, v Viewer) error {
			_, err := SaveCounter(tx, v, CounterForm{ID: g.northRose.ID})
			return err
		},
		"close counter":  func(tx *db.Tx, v Viewer) error { return CloseCounter(tx, v, g.northRose.ID) },
		"reopen counter": func(tx *db.Tx, v Viewer) error { return ReopenCounter(tx, v, g.northRose.ID) },
		"save staff": func(tx *db.Tx, v Viewer) error {
			_, err := SaveStaff(tx, v, StaffForm{Email: "x@example.com", Name: "X", Role: Admin})
			return err
		},
		"end staff":    func(tx *db.Tx, v Viewer) error { return EndStaff(tx, v, g.admin.ID) },
		"return staff": func(tx *db.Tx, v Viewer) error { return ReturnStaff(tx, v, g.admin.ID) },
		"create token": func(tx *db.Tx, v Viewer) error { _, _, err := CreateToken(tx, v, "x", Scopes()); return err },
		"end token":    func(tx *db.Tx, v Viewer) error { return EndToken(tx, v, "tok_x") },
	}
	for name, act := range acts {
		for _, v := range []Viewer{{}, {Role: Advisor}, {Role: Manager}, {Role: Marketing}, {Role: Privacy}, Machine("bot", Scopes()...)} {
			err := d.Write(t.Context(), func(tx *db.Tx) error { return act(tx, v) })
			if !errors.Is(err, ErrForbidden) {
				t.Errorf("%s as %q: %v", name, v.Role, err)
			}
		}
	}
	if _, err := doorOf(t, d).ResetPassword(t.Context(), Viewer{Role: Manager}, g.admin.ID); !errors.Is(err, ErrForbidden) {
		t.Errorf("reset password: %v", err)
	}
	if err := doorOf(t, d).GivePassword(t.Context(), g.adminViewer, g.admin.ID, "a quiet morning"); !errors.Is(err, ErrForbidden) {
		t.Errorf("give password: %v", err)
	}
}

func TestColleagues(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		g := newGroup(t, d)
		at := []string{g.northRose.ID}
		addPerson(t, d, StaffForm{Email: "a@example.com", Name: "An", Role: Advisor, Counters: at})
		addPerson(t, d, StaffForm{Email: "b@example.com", Name: "Bo", Role: Manager, Counters: at, Stores: []string{g.north.ID}})
		addPerson(t, d, StaffForm{Email: "c@example.com", Name: "Chi", Role: Manager, Stores: []string{g.north.ID}})
		addPerson(t, d, StaffForm{Email: "d@example.com", Name: "Dan", Role: Manager, Stores: []string{g.south.ID}})
		addPerson(t, d, StaffForm{Email: "e@example.com", Name: "Eve", Role: Marketing, Counters: at})
		addPerson(t, d, StaffForm{Email: "f@example.com", Name: "Fu", Role: Admin, Counters: at})
		addPerson(t, d, StaffForm{Email: "g@example.com", Name: "Gu", Role: Advisor, Counters: []string{g.northLily.ID}})
		left := addPerson(t, d, StaffForm{Email: "h@example.com", Name: "Hui", Role: Advisor, Counters: at})
		write(t, d, func(tx *db.Tx) error { return EndStaff(tx, g.adminViewer, left.ID) })
		read(t, d, func(tx *db.Tx) error {
			list, err := Colleagues(tx, g.northRose.ID)
			var names []string
			for _, c := range list {
				names = append(names, c.Name)
			}
			if want := []string{"An", "Bo", "Chi", "Fu"}; !slices.Equal(names, want) {
				t.Errorf("got %v, want %v", names, want)
			}
			if err != nil {
				return err
			}
			byID, err := StaffNames(tx, []string{left.ID, "stf_x", list[0].ID})
			if len(byID) != 2 || byID[left.ID] != "Hui" {
				t.Errorf("got %v", byID)
			}
			return err
		})
	})
}
