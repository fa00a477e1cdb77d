package staff

import (
	"errors"
	"strings"
	"testing"
	"time"

	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
)

// shop is a store with two counters, a manager of it, and an advisor at each.
type shop struct {
	counter, other   string
	mei, fang        Person
	manager, foreign Viewer
}

func newShop(t *testing.T, tx *db.Tx) shop {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	var s shop
	for i, name := range []string{"Xinyi", "Banqiao"} {
		store, err := SaveStore(tx, System(), StoreForm{Name: name})
		must(err)
		brand, err := SaveBrand(tx, System(), BrandForm{Name: "Brand " + name})
		must(err)
		c, err := SaveCounter(tx, System(), CounterForm{StoreID: store.ID, BrandID: brand.ID})
		must(err)
		p, err := SaveStaff(tx, System(), StaffForm{Email: name + "-a@x.example", Name: "Advisor " + name, Role: Advisor, Counters: []string{c.ID}})
		must(err)
		m, err := SaveStaff(tx, System(), StaffForm{Email: name + "-m@x.example", Name: "Manager " + name, Role: Manager, Stores: []string{store.ID}})
		must(err)
		v, err := ViewerByID(tx, m.ID)
		must(err)
		if i == 0 {
			s.counter, s.mei, s.manager = c.ID, p, v
		} else {
			s.other, s.fang, s.foreign = c.ID, p, v
		}
	}
	return s
}

func TestDuty(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		err := d.Write(t.Context(), func(tx *db.Tx) error {
			s := newShop(t, tx)
			mei, err := ViewerByID(tx, s.mei.ID)
			if err != nil {
				return err
			}
			fang, err := ViewerByID(tx, s.fang.ID)
			if err != nil {
				return err
			}
			later := tx.Now.Add(time.Hour)
			for name, c := range map[string]struct {
				v     Viewer
				until time.Time
				want  error
			}{
				"a colleague elsewhere": {fang, later, ErrForbidden},
				"a manager elsewhere":   {s.foreign, later, ErrForbidden},
				"a program":             {Machine("x", MessagesWrite), later, ErrForbidden},
				"nobody":                {Viewer{}, later, ErrForbidden},
				"in the past":           {mei, tx.Now, db.Invalid{Field: "until", Code: "past"}},
				"for ever":              {mei, tx.Now.AddDate(2, 0, 0), db.Invalid{Field: "until", Code: "too_far"}},
				"herself":               {mei, later, nil},
				"her manager":           {s.manager, later, nil},
				"an administrator":      {System(), later, nil},
			} {
				if err := SetAway(tx, c.v, Away{s.mei.ID, c.until}); !errors.Is(err, c.want) {
					t.Errorf("%s: %v, want %v", name, err, c.want)
				}
			}
			duty := func(want bool) {
				t.Helper()
				on, err := OnDuty(tx, s.mei.ID, s.counter)
				people, err2 := Colleagues(tx, s.counter)
				advisors, err3 := Advisors(tx, []string{s.counter, s.other})
				if on != want || people[0].Away == want || len(advisors[s.counter]) != 1 || advisors[s.counter][0].Away == want || errors.Join(err, err2, err3) != nil {
					t.Errorf("on duty is %v: %+v %+v", on, people, advisors)
				}
			}
			duty(false)
			if err := SetAway(tx, mei, Away{StaffID: s.mei.ID}); err != nil {
				return err
			}
			duty(true)
			for name, c := range map[string]struct {
				staff, counter string
				want           bool
			}{
				"her counter": {s.mei.ID, s.counter, true}, "another": {s.mei.ID, s.other, false},
				"a manager of the store": {s.manager.ID, s.counter, true}, "of another store": {s.foreign.ID, s.counter, false},
				"nobody": {"", s.counter, false}, "no counter": {s.mei.ID, "", false},
			} {
				if got, err := AnswersAt(tx, c.staff, c.counter); got != c.want || err != nil {
					t.Errorf("%s: answers is %v, %v", name, got, err)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestWhatCustomersReadOfHer(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		err := d.Write(t.Context(), func(tx *db.Tx) error {
			s := newShop(t, tx)
			save := func(shown *Shown) (Person, error) {
				return SaveStaff(tx, System(), StaffForm{ID: s.mei.ID, Email: s.mei.Email, Name: s.mei.Name, Role: Advisor, Counters: s.mei.Counters, Shown: shown})
			}
			p, err := save(&Shown{Languages: []string{"zh-Hant", "en", "zh-Hant", ""}, Specialities: " skin care,\n scents "})
			if err != nil || strings.Join(p.Languages, " ") != "zh-Hant en" || p.Specialities != "skin care, scents" {
				t.Errorf("got %+v, %v", p.Shown, err)
			}
			if p, err = save(nil); err != nil || p.Specialities == "" {
				t.Errorf("a form that says nothing of it changed it: %+v, %v", p.Shown, err)
			}
			for name, c := range map[string]struct {
				shown Shown
				want  db.Invalid
			}{
				"no code":  {Shown{Languages: []string{"Klingon"}}, db.Invalid{Field: "languages", Code: "unknown"}},
				"a space":  {Shown{Languages: []string{"en fr"}}, db.Invalid{Field: "languages", Code: "unknown"}},
				"too many": {Shown{Languages: strings.Split("aa ab ac ad ae af ag ah ai aj ak al am", " ")}, db.Invalid{Field: "languages", Code: "too_many"}},
				"too long": {Shown{Specialities: strings.Repeat("字", 201)}, db.Invalid{Field: "specialities", Code: "too_long"}},
			} {
				if _, err := save(&c.shown); !errors.Is(err, c.want) {
					t.Errorf("%s: %v", name, err)
				}
			}
			stand := func(id string) error {
				_, err := SaveCounter(tx, System(), CounterForm{ID: s.counter, StandIn: &id})
				return err
			}
			if err := stand(s.fang.ID); !errors.Is(err, db.Invalid{Field: "stand_in", Code: "not_at_counter"}) {
				t.Errorf("another counter's advisor stands in: %v", err)
			}
			if err := stand(s.manager.ID); err != nil {
				t.Error(err)
			}
			if c, err := SaveCounter(tx, System(), CounterForm{ID: s.counter, Name: "Ground floor"}); c.StandIn != s.manager.ID || err != nil {
				t.Errorf("renaming lost who stands in: %+v, %v", c, err)
			}
			return stand("")
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
