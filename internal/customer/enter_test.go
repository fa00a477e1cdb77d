package customer

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"dingdong/internal/db"
	"dingdong/internal/staff"
)

func TestEnter(t *testing.T) {
	eachShop(t, func(s *shop) {
		t := s.t
		var ann, eve string
		s.write(func(tx *db.Tx) (err error) {
			if ann, err = s.Enter(tx, Entry{Name: " Ann \x00Chen ", CounterID: s.counter}); err != nil {
				return err
			}
			if eve, err = s.Enter(tx, Entry{}); err != nil {
				return err
			}
			for _, c := range []Contact{{Kind: Member, Value: "m-1", Verified: true, Source: SourceAPI}, {Kind: Phone, Value: "0912345678", Source: SourceAPI}} {
				if _, err := s.AddContact(tx, ann, c); err != nil {
					return err
				}
			}
			return nil
		})
		s.read(func(tx *db.Tx) error {
			c, err := s.Get(tx, ann)
			s.check(err)
			if c.Name != "Ann Chen" || c.Kind != "person" {
				t.Errorf("%+v", c)
			}
			identities, err := s.Identities(tx, ann)
			s.check(err)
			home, err := s.HomeCounters(tx, []string{ann, eve, s.lin})
			s.check(err)
			at, err := s.AtHome(tx, []string{s.counter, s.next}, 10)
			s.check(err)
			among, err := s.AtHomeAmong(tx, []string{s.counter}, []string{ann, eve, s.lin})
			s.check(err)
			none, err := s.AtHomeAmong(tx, []string{s.next}, []string{ann, eve})
			s.check(err)
			nowhere, err := s.AtHome(tx, nil, 10)
			s.check(err)
			if len(identities) != 0 || !slices.Equal(home, []string{s.counter}) || !slices.Equal(at, []string{ann}) || !slices.Equal(among, []string{ann}) ||
				len(none)+len(nowhere) != 0 {
				t.Errorf("%v, at home %q %q %q, elsewhere %q %q", identities, home, at, among, none, nowhere)
			}
			for _, c := range []struct {
				contact Contact
				want    int
			}{{Contact{Kind: Member, Value: "M-1 "}, 1}, {Contact{Kind: Member, Value: "m-2"}, 0}, {Contact{Kind: Phone, Value: "+886912345678"}, 0}} {
				if found, err := s.VerifiedBy(tx, c.contact); err != nil || len(found) != c.want {
					t.Errorf("%+v: %q, %v", c.contact, found, err)
				}
			}
			return nil
		})
		if err := s.try(func(tx *db.Tx) error {
			_, err := s.Enter(tx, Entry{Name: strings.Repeat("字", MaxName+1)})
			return err
		}); !errors.Is(err, db.Invalid{Field: "name", Code: "too_long"}) {
			t.Errorf("a long name: %v", err)
		}
	})
}

func TestAProgramThatKeepsCustomersNeedsNoChat(t *testing.T) {
	eachShop(t, func(s *shop) {
		for name, c := range map[string]struct {
			v    staff.Viewer
			want error
		}{
			"keeps customers": {staff.Machine("crm", staff.CustomersWrite), nil},
			"writes messages": {staff.Machine("bot", staff.MessagesWrite, staff.CustomersRead), staff.ErrForbidden},
		} {
			acts := map[string]func(tx *db.Tx) error{
				"note": func(tx *db.Tx) error { _, err := s.AddNote(tx, c.v, NoteForm{s.lin, s.counter, "x"}); return err },
				"wish": func(tx *db.Tx) error { _, err := s.AddWish(tx, c.v, WishForm{s.lin, s.counter, "x", nil}); return err },
				"promise": func(tx *db.Tx) error {
					_, err := s.AddPromise(tx, c.v, PromiseForm{s.lin, s.counter, "x", tx.Now})
					return err
				},
				"tag": func(tx *db.Tx) error {
					_, err := s.GiveTagByHand(tx, c.v, ByHand{CustomerID: s.lin, Name: "skin:dry", Source: SourceAPI})
					return err
				},
				"attribute": func(tx *db.Tx) error {
					_, err := s.LearnByHand(tx, c.v, ByHand{CustomerID: s.lin, Name: "sensitive", Value: "yes", Source: SourceAPI})
					return err
				},
			}
			for what, act := range acts {
				if err := s.try(act); !errors.Is(err, c.want) {
					s.t.Errorf("%s, %s: %v", name, what, err)
				}
			}
		}
	})
}
