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

func (s *shop) days(name string, days int) {
	s.t.Helper()
	s.write(func(tx *db.Tx) error {
		tag, err := s.tag(tx, "name", name)
		s.check(err)
		tag.Days = days
		_, err = s.SaveTag(tx, staff.System(), tag)
		return err
	})
}

func TestTagsExpireAndAreRenewed(t *testing.T) {
	eachShop(t, func(s *shop) {
		t := s.t
		s.days("scent:light", 30)
		said := func(at time.Time, message string) Proof {
			return Proof{Source: SourceSaid, At: at, MessageID: message, CounterID: s.counter, Rule: "zh-Hant/3/scent.light", Cause: "淡一點"}
		}
		if s.give(s.lin, "scent:light", said(opening.AddDate(0, 0, -31), "m0")) {
			t.Error("given though it would have expired")
		}
		if !s.give(s.lin, "scent:light", said(opening, "m1")) || s.give(s.lin, "scent:light", said(opening, "m1")) {
			t.Error("given not once")
		}
		_, all := s.tags(s.mei, s.lin)
		if len(all) != 1 || all[0].Language != "zh-Hant" || all[0].Proof.Cause != "淡一點" || !all[0].ExpiresAt.Equal(opening.AddDate(0, 0, 30)) {
			t.Fatalf("%+v", all)
		}
		s.clock.Advance(20 * 24 * time.Hour)
		if s.give(s.lin, "scent:light", said(opening.AddDate(0, 0, 20), "m2")) {
			t.Error("a repetition changed the card")
		}
		if s.give(s.lin, "scent:light", said(opening.AddDate(0, 0, 10), "m3")) {
			t.Error("a late proof changed the card")
		}
		s.clock.Advance(20 * 24 * time.Hour)
		_, all = s.tags(s.mei, s.lin)
		if len(all) != 1 || all[0].Proof.MessageID != "m2" || !all[0].ExpiresAt.Equal(opening.AddDate(0, 0, 50)) {
			t.Fatalf("renewed: %+v", all)
		}
		s.clock.Advance(10 * 24 * time.Hour)
		if got, _ := s.tags(s.mei, s.lin); len(got) != 0 {
			t.Errorf("expired: %q", got)
		}
		s.read(func(tx *db.Tx) error {
			found, err := s.FindByTag(tx, Find{Name: "scent:light"})
			if len(found.Persons) != 0 {
				t.Error("an expired one is found")
			}
			return err
		})
		if !s.give(s.lin, "scent:light", Proof{Source: SourceStaff, Days: 1}) {
			t.Error("not given after it expired")
		}
		s.clock.Advance(24 * time.Hour)
		if got, _ := s.tags(s.mei, s.lin); len(got) != 0 {
			t.Errorf("its own days: %q", got)
		}
	})
}

func TestTakeTag(t *testing.T) {
	eachShop(t, func(s *shop) {
		t := s.t
		said := Proof{Source: SourceSaid, At: at(1), MessageID: "m1", CounterID: s.counter}
		s.give(s.lin, "skin:dry", said)
		said.At, said.MessageID = at(2), "m2"
		s.give(s.lin, "skin:dry", said)
		_, worn := s.tags(s.mei, s.lin)
		take := func(v staff.Viewer, id string) error {
			return s.try(func(tx *db.Tx) error { _, err := s.TakeTag(tx, v, id); return err })
		}
		if err := take(s.mark, worn[0].ID); !errors.Is(err, staff.ErrForbidden) {
			t.Errorf("who may not chat: %v", err)
		}
		if err := take(s.mei, "ctg_none"); !errors.Is(err, db.ErrNotFound) {
			t.Errorf("nothing: %v", err)
		}
		s.check(take(s.mei, worn[0].ID))
		s.check(take(s.mei, worn[0].ID))
		// What is taken back afterwards does not bring it again.
		s.write(func(tx *db.Tx) error { _, err := s.TakeBack(tx, s.lin, "m2"); return err })
		said.At, said.MessageID = at(3), "m3"
		if got, _ := s.tags(s.mei, s.lin); len(got) != 0 || s.give(s.lin, "skin:dry", said) {
			t.Errorf("it is back: %q", got)
		}
		if !s.give(s.lin, "skin:dry", Proof{Source: SourceTill, At: at(4)}) {
			t.Error("the till was refused")
		}
		// By hand: given, taken, and no refusal remains.
		s.write(func(tx *db.Tx) error {
			_, err := s.GiveTagByHand(tx, s.mei, ByHand{CustomerID: s.lin, CounterID: s.counter, Name: "gift_expert"})
			return err
		})
		_, worn = s.tags(s.mei, s.lin)
		if worn[0].Tag.Name != "gift_expert" || worn[0].Proof.By != s.mei.ID || worn[0].Proof.Source != SourceStaff || !worn[0].Tag.ByHand {
			t.Fatalf("%+v", worn[0])
		}
		s.check(take(s.mei, worn[0].ID))
		if !s.give(s.lin, "gift_expert", said) {
			t.Error("refused although a person took back what a person gave")
		}
		s.read(func(tx *db.Tx) error {
			all, err := s.TagPage(tx, s.sight(tx, s.mei), Page{Records: []string{s.lin}})
			var got []string
			for _, w := range all {
				got = append(got, fmt.Sprint(w.Tag.Name, " ", w.Proof.Source, " ", w.EndedBy == s.mei.ID))
			}
			if want := []string{"gift_expert staff true", "skin:dry till false", "gift_expert said false", "skin:dry said true"}; !slices.Equal(got, want) {
				t.Errorf("history: %q", got)
			}
			return err
		})
	})
}

func TestFindByTag(t *testing.T) {
	eachShop(t, func(s *shop) {
		t := s.t
		var all []string
		s.write(func(tx *db.Tx) error {
			for n := range 7 {
				id := s.customer(tx, fmt.Sprint("U", n))
				_, err := s.GiveTag(tx, id, "scent:musk", Proof{Source: SourceImport})
				s.check(err)
				all = append(all, id)
			}
			return nil
		})
		s.merge(all[0], all[6])
		var got []string
		f := Find{Name: "scent:musk", Limit: 3}
		for pages := 0; ; pages++ {
			var found Found
			s.read(func(tx *db.Tx) (err error) {
				found, err = s.FindByTag(tx, f)
				return err
			})
			got = append(got, found.Persons...)
			if f.After = found.Next; f.After == "" || pages > 5 {
				break
			}
		}
		if !slices.Equal(got, append(all[:6:6], all[0])) {
			t.Errorf("%q", got)
		}
		err := s.try(func(tx *db.Tx) error { _, err := s.FindByTag(tx, Find{Name: "none"}); return err })
		if !invalid(err, "tag", "unknown") {
			t.Errorf("an unknown tag: %v", err)
		}
	})
}

func TestTagDefinitions(t *testing.T) {
	eachShop(t, func(s *shop) {
		t := s.t
		save := func(v staff.Viewer, tag Tag) (saved Tag, err error) {
			err = s.try(func(tx *db.Tx) error { saved, err = s.SaveTag(tx, v, tag); return err })
			return saved, err
		}
		good, err := save(staff.System(), Tag{Name: "muse", Label: "Muse", Tone: "rose", ByHand: true, Days: 30})
		s.check(err)
		for name, c := range map[string]struct {
			change      func(*Tag)
			field, code string
		}{
			"taken":         {func(x *Tag) { x.ID = "" }, "name", "taken"},
			"renamed":       {func(x *Tag) { x.Name = "muses" }, "name", "fixed"},
			"an odd name":   {func(x *Tag) { x.ID, x.Name = "", "a b" }, "name", "malformed"},
			"an odd tone":   {func(x *Tag) { x.Tone = "red;}" }, "tone", "unknown"},
			"negative days": {func(x *Tag) { x.Days = -1 }, "days", "unknown"},
			"too many days": {func(x *Tag) { x.Days = maxDays + 1 }, "days", "unknown"},
			"a long label":  {func(x *Tag) { x.Label = strings.Repeat("x", 81) }, "label", "too_long"},
			"a lost brand":  {func(x *Tag) { x.BrandID = "brd_none" }, "brand", "unknown"},
		} {
			tag := good
			c.change(&tag)
			if _, err := save(staff.System(), tag); !invalid(err, c.field, c.code) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := save(s.mei, good); !errors.Is(err, staff.ErrForbidden) {
			t.Errorf("an advisor: %v", err)
		}
		s.give(s.lin, "muse", Proof{Source: SourceStaff})
		s.write(func(tx *db.Tx) error { return s.CloseTag(tx, staff.System(), good.ID) })
		if got, _ := s.tags(s.mei, s.lin); len(got) != 0 {
			t.Errorf("closed: %q", got)
		}
		err = s.try(func(tx *db.Tx) error { _, err := s.GiveTag(tx, s.lin, "muse", Proof{Source: SourceStaff}); return err })
		if !invalid(err, "tag", "closed") {
			t.Errorf("closed: %v", err)
		}
		s.write(func(tx *db.Tx) error { return s.ReopenTag(tx, staff.System(), good.ID) })
		if got, _ := s.tags(s.mei, s.lin); len(got) != 1 {
			t.Errorf("reopened: %q", got)
		}
	})
}

func TestDefaultsAreMadeOnce(t *testing.T) {
	eachShop(t, func(s *shop) {
		t := s.t
		count := func() (defs []AttributeDef, tags []Tag) {
			s.read(func(tx *db.Tx) (err error) {
				defs, err = s.AttributeDefs(tx)
				s.check(err)
				tags, err = s.Tags(tx)
				return err
			})
			return defs, tags
		}
		defs, tags := count()
		if len(defs) != 13 || len(tags) != 52 || defs[0].Name != "address_as" || tags[0].Name != "skincare_lover" || !tags[0].ByHand || tags[5].ByHand {
			t.Fatalf("%d attributes, %d tags", len(defs), len(tags))
		}
		for _, d := range defs { // each could have been entered on the page, too
			d.ID = ""
			if err := d.check(); err != nil {
				t.Errorf("%s: %v", d.Name, err)
			}
		}
		tags[0].Label, tags[0].ByHand = "Serum people", false
		s.write(func(tx *db.Tx) error {
			_, err := s.SaveTag(tx, staff.System(), tags[0])
			s.check(err)
			return s.CloseTag(tx, staff.System(), tags[1].ID)
		})
		for range 2 {
			s.write(s.EnsureDefaults)
		}
		s.write(func(tx *db.Tx) error {
			return s.EnsureTags(tx, []Tag{{Name: "scent:musk"}, {Name: "scent:oud", Tone: "violet", Days: 9}, {Name: "scent:oud"}})
		})
		if err := s.try(func(tx *db.Tx) error { return s.EnsureTags(tx, []Tag{{Name: "Scent Oud"}}) }); !invalid(err, "tag", "malformed") {
			t.Errorf("an odd name: %v", err)
		}
		again, after := count()
		if len(again) != 13 || len(after) != 53 || after[0].Label != "Serum people" || after[0].ByHand || !after[52].Closed || after[51].Name != "scent:oud" {
			t.Errorf("%d attributes, %d tags: %+v", len(again), len(after), after[len(after)-2:])
		}
	})
}

// What one rule read in the same words goes with the tag, and only that.
func TestTakeTagTakesWhatWasReadWithIt(t *testing.T) {
	const rule = "zh-Hant/1/skin.dry"
	said := Proof{Source: SourceSaid, At: at(1), MessageID: "m1", Rule: rule}
	for name, c := range map[string]struct {
		before []Learnt // of wang, who is the same person
		value  Proof    // of skin_type=dry
		want   []string
		gone   int
	}{
		"the same words":          {value: said, gone: 1},
		"another rule":            {value: Proof{Source: SourceSaid, At: at(1), MessageID: "m1", Rule: "zh-Hant/1/other"}, want: []string{"skin_type=dry"}},
		"another message":         {value: Proof{Source: SourceSaid, At: at(1), MessageID: "m9", Rule: rule}, want: []string{"skin_type=dry"}},
		"a colleague typed it":    {value: Proof{Source: SourceStaff, At: at(1)}, want: []string{"skin_type=dry"}},
		"and a colleague, before": {before: []Learnt{{"skin_type", "dry", Proof{Source: SourceStaff, At: at(0)}}}, value: said, want: []string{"skin_type=dry"}},
		"behind a newer one":      {before: []Learnt{{"skin_type", "oily", Proof{Source: SourceTill, At: at(9)}}}, value: said, want: []string{"skin_type=oily"}},
		"what was known before":   {before: []Learnt{{"skin_type", "oily", Proof{Source: SourceTill, At: at(0)}}}, value: said, want: []string{"skin_type=oily"}, gone: 1},
	} {
		t.Run(name, func(t *testing.T) {
			eachShop(t, func(s *shop) {
				for _, l := range c.before {
					s.learn(s.wang, l.Name, l.Value, l.Proof)
				}
				s.give(s.lin, "skin:dry", said)
				s.learn(s.lin, "skin_type", "dry", c.value)
				s.merge(s.lin, s.wang)
				_, worn := s.tags(s.mei, s.lin)
				var gone []Attribute
				s.write(func(tx *db.Tx) (err error) {
					gone, err = s.TakeTag(tx, s.mei, worn[0].ID)
					return err
				})
				if got, _ := s.attributes(s.mei, s.lin); !slices.Equal(got, c.want) || len(gone) != c.gone {
					t.Errorf("%q, %d gone; want %q", got, len(gone), c.want)
				}
				// What stands behind something newer goes as well.
				if name == "behind a newer one" {
					_, all := s.attributes(s.mei, s.lin)
					s.write(func(tx *db.Tx) error { return s.Forget(tx, s.mei, all[0].ID) })
					if got, _ := s.attributes(s.mei, s.lin); len(got) != 0 {
						t.Errorf("it comes forth: %q", got)
					}
				}
				// It is not read again from what she says next.
				if c.gone > 0 && s.learn(s.lin, "skin_type", "dry", Proof{Source: SourceSaid, At: at(4), MessageID: "m4", Rule: rule}) {
					t.Error("it is concluded again")
				}
			})
		})
	}
}
