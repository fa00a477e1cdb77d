package staff

import (
	"errors"
	"slices"
	"testing"

	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
)

func TestSaveStaff(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		g := newGroup(t, d)
		good := StaffForm{Email: " Mei.Lin@Example.COM ", Name: " Mei ", Role: Manager, Language: "zh-TW",
			Counters: []string{g.southRose.ID, g.southRose.ID, ""}, Stores: []string{g.north.ID}}
		p := addPerson(t, d, good)
		if p.Email != "mei.lin@example.com" || p.Name != "Mei" || p.HasPassword || !p.LeftAt.IsZero() ||
			!slices.Equal(p.Counters, []string{g.southRose.ID}) || !slices.Equal(p.Stores, []string{g.north.ID}) {
			t.Errorf("got %+v", p)
		}
		cases := map[string]struct {
			change      func(f *StaffForm)
			field, code string
		}{
			"no address":       {func(f *StaffForm) { f.Email = "" }, "email", "required"},
			"no at sign":       {func(f *StaffForm) { f.Email = "mei" }, "email", "email"},
			"with a name":      {func(f *StaffForm) { f.Email = "Mei <m@example.com>" }, "email", "email"},
			"two addresses":    {func(f *StaffForm) { f.Email = "a@example.com, b@example.com" }, "email", "email"},
			"somebody else's":  {func(f *StaffForm) { f.Email = "ADA@example.com" }, "email", "taken"},
			"no name":          {func(f *StaffForm) { f.Name = "\x00" }, "name", "required"},
			"no role":          {func(f *StaffForm) { f.Role = "" }, "role", "required"},
			"the house's role": {func(f *StaffForm) { f.Role = house }, "role", "unknown"},
			"unknown language": {func(f *StaffForm) { f.Language = "tlh" }, "language", "unknown"},
			"unknown counter":  {func(f *StaffForm) { f.Counters = []string{"cnt_x"} }, "counters", "unknown"},
			"unknown store":    {func(f *StaffForm) { f.Stores = []string{"sto_x"} }, "stores", "unknown"},
		}
		for name, c := range cases {
			t.Run(name, func(t *testing.T) {
				f := good
				f.ID = p.ID
				c.change(&f)
				invalid(t, d.Write(t.Context(), func(tx *db.Tx) error {
					_, err := SaveStaff(tx, g.adminViewer, f)
					return err
				}), c.field, c.code)
			})
		}
		read(t, d, func(tx *db.Tx) error {
			again, err := StaffByEmail(tx, "MEI.LIN@example.com")
			if err != nil || again.Role != Manager || len(again.Counters) != 1 {
				t.Errorf("a refused change left traces: %+v, %v", again, err)
			}
			list, err := ListStaff(tx)
			if err != nil || len(list) != 2 || list[1].Name != "Mei" || len(list[1].Stores) != 1 {
				t.Errorf("got %+v, %v", list, err)
			}
			return nil
		})
		err := d.Write(t.Context(), func(tx *db.Tx) error {
			f := good
			f.ID, f.Email = "stf_x", "new@example.com"
			_, err := SaveStaff(tx, g.adminViewer, f)
			return err
		})
		if !errors.Is(err, db.ErrNotFound) {
			t.Errorf("change somebody who is not there: %v", err)
		}
	})
}

func TestLastAdministratorStays(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		g := newGroup(t, d)
		demote := func(p Person) error {
			return d.Write(t.Context(), func(tx *db.Tx) error {
				_, err := SaveStaff(tx, System(), StaffForm{ID: p.ID, Email: p.Email, Name: p.Name, Role: Advisor})
				return err
			})
		}
		end := func(p Person) error {
			return d.Write(t.Context(), func(tx *db.Tx) error { return EndStaff(tx, System(), p.ID) })
		}
		invalid(t, demote(g.admin), "role", "last_admin")
		invalid(t, end(g.admin), "staff", "last_admin")

		bea := addPerson(t, d, StaffForm{Email: "bea@example.com", Name: "Bea", Role: Admin})
		done := make(chan error, 2)
		go func() { done <- demote(g.admin) }()
		go func() { done <- end(bea) }()
		first, second := <-done, <-done
		if (first == nil) == (second == nil) {
			t.Errorf("both at once: %v, %v", first, second)
		}
		read(t, d, func(tx *db.Tx) error {
			list, err := ListStaff(tx)
			left := 0
			for _, p := range list {
				if p.Role == Admin && p.LeftAt.IsZero() {
					left++
				}
			}
			if left != 1 {
				t.Errorf("%d administrators are left", left)
			}
			return err
		})
	})
}

func TestEndStaff(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		g := newGroup(t, d)
		p := addPerson(t, d, StaffForm{Email: "mei@example.com", Name: "Mei", Role: Advisor, Counters: []string{g.northRose.ID}})
		if err := doorOf(t, d).GivePassword(t.Context(), System(), p.ID, "a quiet morning"); err != nil {
			t.Fatal(err)
		}
		token, _, err := doorOf(t, d).SignIn(t.Context(), Credentials{Email: p.Email, Password: "a quiet morning"})
		if err != nil {
			t.Fatal(err)
		}
		write(t, d, func(tx *db.Tx) error {
			return errors.Join(EndStaff(tx, g.adminViewer, p.ID), EndStaff(tx, g.adminViewer, p.ID))
		})
		err = d.Read(t.Context(), func(tx *db.Tx) error {
			_, err := ViewerBySession(tx, token)
			return err
		})
		if !errors.Is(err, ErrSignedOut) {
			t.Errorf("her page still works: %v", err)
		}
		if _, _, err := doorOf(t, d).SignIn(t.Context(), Credentials{Email: p.Email, Password: "a quiet morning"}); !errors.Is(err, ErrWrongPassword) {
			t.Errorf("she signs in again: %v", err)
		}
		write(t, d, func(tx *db.Tx) error { return ReturnStaff(tx, g.adminViewer, p.ID) })
		if _, _, err := doorOf(t, d).SignIn(t.Context(), Credentials{Email: p.Email, Password: "a quiet morning"}); !errors.Is(err, ErrWrongPassword) {
			t.Errorf("back, she signs in with the old password: %v", err)
		}
		read(t, d, func(tx *db.Tx) error {
			again, err := GetStaff(tx, p.ID)
			if again.HasPassword || !again.LeftAt.IsZero() || len(again.Counters) != 1 {
				t.Errorf("got %+v", again)
			}
			return err
		})
	})
}

func TestPreferences(t *testing.T) {
	d := dbtest.New(t)
	v := newGroup(t, d).adminViewer
	cases := map[string]struct {
		set   func(tx *db.Tx) error
		field string // "": accepted
	}{
		"language":         {set: func(tx *db.Tx) error { return SetLanguage(tx, v, "ar") }},
		"unknown language": {set: func(tx *db.Tx) error { return SetLanguage(tx, v, "xx") }, field: "language"},
		"theme":            {set: func(tx *db.Tx) error { return SetTheme(tx, v, "dark") }},
		"unknown theme":    {set: func(tx *db.Tx) error { return SetTheme(tx, v, "pink") }, field: "theme"},
		"sound":            {set: func(tx *db.Tx) error { return SetSound(tx, v, false) }},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			err := d.Write(t.Context(), c.set)
			if c.field != "" {
				invalid(t, err, c.field, "unknown")
			} else if err != nil {
				t.Error(err)
			}
		})
	}
	read(t, d, func(tx *db.Tx) error {
		got, err := ViewerByID(tx, v.ID)
		if got.Language != "ar" || got.Theme != "dark" || got.Sound {
			t.Errorf("got %+v", got)
		}
		return err
	})
}
