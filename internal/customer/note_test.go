package customer

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"dingdong/internal/db"
	"dingdong/internal/staff"
)

func TestNotes(t *testing.T) {
	eachShop(t, func(s *shop) {
		t := s.t
		var note Note
		s.write(func(tx *db.Tx) (err error) {
			note, err = s.AddNote(tx, s.mei, NoteForm{s.lin, s.counter, " Her cat is called Mochi.\r\nBring a sample.\x00 "})
			return err
		})
		if note.Body != "Her cat is called Mochi.\nBring a sample." || note.AuthorName != "Mei" || !note.At.Equal(opening) || !note.EditedAt.IsZero() {
			t.Errorf("%+v", note)
		}
		for name, c := range map[string]struct {
			v    staff.Viewer
			f    NoteForm
			want error
		}{
			"empty":              {s.mei, NoteForm{s.lin, s.counter, " \n\x00"}, db.Invalid{Field: "body", Code: "required"}},
			"too long":           {s.mei, NoteForm{s.lin, s.counter, strings.Repeat("字", MaxNote+1)}, db.Invalid{Field: "body", Code: "too_long"}},
			"nobody":             {s.mei, NoteForm{"cus_none", s.counter, "x"}, db.ErrNotFound},
			"a foreign counter":  {s.fang, NoteForm{s.lin, s.counter, "x"}, db.ErrNotFound},
			"no counter":         {s.mei, NoteForm{s.lin, "", "x"}, db.ErrNotFound},
			"no such counter":    {staff.System(), NoteForm{s.lin, "cnt_none", "x"}, db.Invalid{Field: "counter", Code: "unknown"}},
			"marketing":          {s.mark, NoteForm{s.lin, s.counter, "x"}, staff.ErrForbidden},
			"a program may read": {staff.Machine("x", staff.MessagesRead), NoteForm{s.lin, s.counter, "x"}, staff.ErrForbidden},
		} {
			err := s.try(func(tx *db.Tx) error { _, err := s.AddNote(tx, c.v, c.f); return err })
			if !errors.Is(err, c.want) {
				t.Errorf("%s: %v", name, err)
			}
		}
		edit := func(v staff.Viewer) error {
			return s.try(func(tx *db.Tx) error { _, err := s.EditNote(tx, v, note.ID, "It is a dog"); return err })
		}
		colleague := s.mei
		colleague.ID = "stf_other"
		if err := edit(colleague); !errors.Is(err, staff.ErrForbidden) {
			t.Errorf("a colleague: %v", err)
		}
		if err := edit(s.fang); !errors.Is(err, db.ErrNotFound) {
			t.Errorf("another counter: %v", err)
		}
		s.check(edit(s.mei))
		s.check(edit(s.hua)) // the manager may, too
		list := func(v staff.Viewer) (all []Note) {
			s.read(func(tx *db.Tx) (err error) {
				all, err = s.Notes(tx, v, Page{Records: []string{s.lin}})
				return err
			})
			return all
		}
		if all := list(s.mei); len(all) != 1 || all[0].Body != "It is a dog" || all[0].EditedAt.IsZero() {
			t.Errorf("%+v", all)
		}
		if all := append(list(s.fang), list(staff.Viewer{})...); len(all) != 0 {
			t.Errorf("a stranger reads %+v", all)
		}
		s.write(func(tx *db.Tx) error { return s.DropNote(tx, s.mei, note.ID) })
		if err := edit(s.mei); !errors.Is(err, db.ErrNotFound) || len(list(s.mei)) != 0 {
			t.Errorf("dropped: %v", err)
		}
		s.read(func(tx *db.Tx) error {
			var body []byte
			err := tx.QueryRow(`SELECT body FROM note WHERE id = $1`, note.ID).Scan(&body)
			if len(body) != 0 {
				t.Error("the words of a dropped note are kept")
			}
			return err
		})
	})
}

func TestPagesOfATimeline(t *testing.T) {
	eachShop(t, func(s *shop) {
		t := s.t
		// Four of one moment and three later ones, of two records and two counters.
		for n := range 7 {
			if n >= 4 {
				s.clock.Advance(time.Second)
			}
			s.write(func(tx *db.Tx) error {
				who, counter := s.lin, s.counter
				if n%2 == 1 {
					who = s.wang
				}
				if n == 5 {
					counter = s.next
				}
				body := fmt.Sprint("text ", n)
				_, err := s.AddNote(tx, staff.System(), NoteForm{who, counter, body})
				s.check(err)
				_, err = s.AddWish(tx, staff.System(), WishForm{CustomerID: who, CounterID: counter, Body: body})
				s.check(err)
				_, err = s.AddPromise(tx, staff.System(), PromiseForm{CustomerID: who, CounterID: counter, Body: body, Due: tx.Now.Add(time.Hour)})
				s.check(err)
				_, err = s.Learn(tx, who, Learnt{"scents", body, Proof{Source: SourceStaff}})
				s.check(err)
				_, err = s.GiveTag(tx, who, defaultTags()[n].Name, Proof{Source: SourceStaff})
				return err
			})
		}
		s.merge(s.lin, s.wang)
		type row struct {
			at   time.Time
			id   string
			text string
		}
		kinds := map[string]func(*db.Tx, staff.Viewer, Page) ([]row, error){
			"notes": func(tx *db.Tx, v staff.Viewer, p Page) (out []row, err error) {
				all, err := s.Notes(tx, v, p)
				for _, n := range all {
					out = append(out, row{n.At, n.ID, n.Body})
				}
				return out, err
			},
			"wishes": func(tx *db.Tx, v staff.Viewer, p Page) (out []row, err error) {
				all, err := s.Wishes(tx, v, p)
				for _, w := range all {
					out = append(out, row{w.At, w.ID, w.Body})
				}
				return out, err
			},
			"promises": func(tx *db.Tx, v staff.Viewer, p Page) (out []row, err error) {
				all, err := s.Promises(tx, v, p)
				for _, w := range all {
					out = append(out, row{w.At, w.ID, w.Body})
				}
				return out, err
			},
			"attributes": func(tx *db.Tx, v staff.Viewer, p Page) (out []row, err error) {
				all, err := s.AttributePage(tx, s.sight(tx, v), p)
				for _, a := range all {
					out = append(out, row{a.At, a.ID, a.Value})
				}
				return out, err
			},
			"tags": func(tx *db.Tx, v staff.Viewer, p Page) (out []row, err error) {
				all, err := s.TagPage(tx, s.sight(tx, v), p)
				for _, w := range all {
					n := slices.IndexFunc(defaultTags(), func(t Tag) bool { return t.Name == w.Tag.Name })
					out = append(out, row{w.At, w.ID, fmt.Sprint("text ", n)})
				}
				return out, err
			},
		}
		for kind, read := range kinds {
			for name, c := range map[string]struct {
				v    staff.Viewer
				want string
			}{"who sees all": {staff.System(), "6543210"}, "her advisor": {s.mei, "643210"}} {
				if c.v.ID == s.mei.ID && (kind == "attributes" || kind == "tags") {
					c.want = "6543210" // of no brand: for everybody
				}
				got := ""
				s.read(func(tx *db.Tx) error {
					p := Page{Records: []string{s.lin, s.wang}, Limit: 2}
					for range 10 {
						rows, err := read(tx, c.v, p)
						s.check(err)
						for _, r := range rows {
							got += strings.TrimPrefix(r.text, "text ")
							p.Before = Cursor{r.at, r.id}
						}
						if len(rows) < p.Limit {
							break
						}
					}
					none, err := read(tx, c.v, Page{})
					if len(none) != 0 {
						t.Errorf("%s of no records: %v", kind, none)
					}
					return err
				})
				if got != c.want {
					t.Errorf("%s for %s: %s", kind, name, got)
				}
			}
		}
	})
}

func TestWishes(t *testing.T) {
	eachShop(t, func(s *shop) {
		t := s.t
		add := func(facets ...string) (w Wish, err error) {
			err = s.try(func(tx *db.Tx) error {
				w, err = s.AddWish(tx, s.mei, WishForm{s.lin, s.counter, "wants to try light scents", facets})
				return err
			})
			return w, err
		}
		w, err := add("scent:light", "category:perfume", "scent:light")
		s.check(err)
		if !slices.Equal(w.Facets, []string{"category:perfume", "scent:light"}) || w.State != WishOpen || w.AuthorName != "Mei" {
			t.Errorf("%+v", w)
		}
		if _, err := add("scent light"); !invalid(err, "facets", "malformed") {
			t.Errorf("an odd facet: %v", err)
		}
		many := make([]string, maxFacets+1)
		for n := range many {
			many[n] = fmt.Sprint("size:", n)
		}
		if _, err := add(many...); !invalid(err, "facets", "too_many") {
			t.Errorf("too many facets: %v", err)
		}
		match := func() (matched bool) {
			s.write(func(tx *db.Tx) (err error) {
				matched, err = s.MatchWish(tx, w.ID, "var_1")
				return err
			})
			return matched
		}
		set := func(v staff.Viewer, state WishState) error {
			return s.try(func(tx *db.Tx) error { return s.SetWish(tx, v, w.ID, state) })
		}
		get := func() (got Wish) {
			s.read(func(tx *db.Tx) (err error) {
				got, err = s.WishByID(tx, s.mei, w.ID)
				return err
			})
			return got
		}
		if !match() || match() {
			t.Error("matched not once")
		}
		if got := get(); got.State != WishMatched || got.VariantID != "var_1" || !got.MatchedAt.Equal(opening) || !got.EndedAt.IsZero() {
			t.Errorf("%+v", got)
		}
		if err := set(s.fang, WishGranted); !errors.Is(err, db.ErrNotFound) {
			t.Errorf("another counter: %v", err)
		}
		if err := set(s.mark, WishGranted); !errors.Is(err, staff.ErrForbidden) {
			t.Errorf("marketing: %v", err)
		}
		if err := set(s.mei, WishMatched); !invalid(err, "state", "unknown") {
			t.Errorf("by hand: %v", err)
		}
		s.check(set(s.mei, WishGranted))
		if got := get(); got.State != WishGranted || got.VariantID != "var_1" || got.EndedAt.IsZero() || match() {
			t.Errorf("%+v", got)
		}
		s.check(set(s.mei, WishOpen))
		if got := get(); got.State != WishOpen || got.VariantID != "" || !got.EndedAt.IsZero() || !got.MatchedAt.IsZero() || !match() {
			t.Errorf("%+v", got)
		}
	})
}

func TestPromises(t *testing.T) {
	eachShop(t, func(s *shop) {
		t := s.t
		add := func(v staff.Viewer, due time.Time) (p Promise, err error) {
			err = s.try(func(tx *db.Tx) error {
				p, err = s.AddPromise(tx, v, PromiseForm{s.lin, s.counter, "call her about the serum", due})
				return err
			})
			return p, err
		}
		for name, due := range map[string]time.Time{"long ago": opening.AddDate(0, 0, -2), "far off": opening.AddDate(3, 0, 0)} {
			if _, err := add(s.mei, due); !invalid(err, "due", "unknown") {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := add(s.mei, time.Time{}); !invalid(err, "due", "required") {
			t.Errorf("never: %v", err)
		}
		late, err := add(s.mei, opening.Add(48*time.Hour))
		s.check(err)
		soon, err := add(s.mei, opening.Add(time.Hour))
		s.check(err)
		kept, err := add(s.mei, opening.Add(2*time.Hour))
		s.check(err)
		_, err = add(s.hua, opening.Add(time.Hour)) // somebody else's
		s.check(err)
		due := func(v staff.Viewer, before time.Time) (ids []string) {
			s.read(func(tx *db.Tx) error {
				all, err := s.PromisesDue(tx, v, before)
				for _, p := range all {
					ids = append(ids, p.ID)
				}
				return err
			})
			return ids
		}
		s.write(func(tx *db.Tx) error {
			s.check(s.KeepPromise(tx, s.mei, kept.ID))
			return s.KeepPromise(tx, s.mei, kept.ID)
		})
		if got := due(s.mei, opening.Add(24*time.Hour)); !slices.Equal(got, []string{soon.ID}) {
			t.Errorf("today: %q", got)
		}
		s.write(func(tx *db.Tx) error { return s.PutOffPromise(tx, s.mei, soon.ID, opening.Add(72*time.Hour)) })
		if got := due(s.mei, opening.Add(96*time.Hour)); !slices.Equal(got, []string{late.ID, soon.ID}) {
			t.Errorf("put off: %q", got)
		}
		if err := s.try(func(tx *db.Tx) error { return s.PutOffPromise(tx, s.mei, kept.ID, opening) }); !errors.Is(err, db.ErrConflict) {
			t.Errorf("a kept one: %v", err)
		}
		s.write(func(tx *db.Tx) error { return s.DropPromise(tx, s.hua, late.ID) })
		if got := due(s.mei, opening.Add(96*time.Hour)); !slices.Equal(got, []string{soon.ID}) {
			t.Errorf("dropped: %q", got)
		}
		if err := s.try(func(tx *db.Tx) error { return s.KeepPromise(tx, s.fang, soon.ID) }); !errors.Is(err, db.ErrNotFound) {
			t.Errorf("another counter: %v", err)
		}
		gone := s.mei
		gone.ID, gone.MustChange = s.mei.ID, true
		if got := due(gone, opening.AddDate(1, 0, 0)); len(got) != 0 {
			t.Errorf("who sees nothing reads %q", got)
		}
		s.read(func(tx *db.Tx) error {
			p, err := s.PromiseByID(tx, s.mei, kept.ID)
			if p.DoneAt.IsZero() || p.Body != "call her about the serum" || !p.EndedAt.IsZero() {
				t.Errorf("%+v", p)
			}
			return err
		})
	})
}
