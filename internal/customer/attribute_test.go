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

func TestValuesByType(t *testing.T) {
	now := time.Date(2026, 11, 22, 20, 0, 0, 0, time.UTC)
	choices := []Choice{{Code: "dry"}, {Code: "oily", Label: "油性"}}
	for _, c := range []struct {
		kind       Type
		in, out    string
		complaint  string
		withoutAny bool
	}{
		{kind: TypeText, in: "  Ms\tLin\x00\u202e ", out: "Ms Lin"},
		{kind: TypeText, in: " \n ", complaint: "required"},
		{kind: TypeText, in: strings.Repeat("字", MaxValue), out: strings.Repeat("字", MaxValue)},
		{kind: TypeText, in: strings.Repeat("字", MaxValue+1), complaint: "too_long"},
		{kind: TypeChoice, in: "ＤＲＹ", out: "dry"},
		{kind: TypeChoice, in: "油性", out: "oily"},
		{kind: TypeChoice, in: "wet", complaint: "unknown"},
		{kind: TypeMany, in: "wet", complaint: "unknown"},
		{kind: TypeMany, in: "Wet", out: "Wet", withoutAny: true},
		{kind: TypeNumber, in: "007.50", out: "7.5"},
		{kind: TypeNumber, in: "-0.0", out: "0"},
		{kind: TypeNumber, in: "-3", out: "-3"},
		{kind: TypeNumber, in: "３６", out: "36"},
		{kind: TypeNumber, in: "٣٦", out: "36"},
		{kind: TypeNumber, in: "1,000", complaint: "malformed"},
		{kind: TypeNumber, in: "1e9", complaint: "malformed"},
		{kind: TypeNumber, in: strings.Repeat("9", 16), complaint: "malformed"},
		{kind: TypeDate, in: "2024-02-29", out: "2024-02-29"},
		{kind: TypeDate, in: "2024/02/29", out: "2024-02-29"},
		{kind: TypeDate, in: "2023-02-29", complaint: "unknown"},
		{kind: TypeDate, in: "02-28", complaint: "malformed"},
		{kind: TypeDate, in: "28.02.2024", complaint: "malformed"},
		{kind: TypeBirthday, in: "02-29", out: "02-29"},
		{kind: TypeBirthday, in: "1992-02-29", out: "1992-02-29"},
		{kind: TypeBirthday, in: "1991-02-29", complaint: "unknown"},
		{kind: TypeBirthday, in: "13-01", complaint: "unknown"},
		{kind: TypeBirthday, in: "2026-11-23", out: "2026-11-23"},
		{kind: TypeBirthday, in: "2026-11-24", complaint: "unknown"},
		{kind: TypeBirthday, in: "0001-01-01", complaint: "unknown"},
		{kind: TypeYes, in: "YES", out: "yes"},
		{kind: TypeYes, in: "0", out: "no"},
		{kind: TypeYes, in: "perhaps", complaint: "unknown"},
	} {
		d := AttributeDef{Name: "it", Type: c.kind, Choices: choices}
		if c.withoutAny {
			d.Choices = nil
		}
		got, err := d.normal(c.in, now)
		if got != c.out || c.complaint != "" && !invalid(err, "it", c.complaint) || c.complaint == "" && err != nil {
			t.Errorf("%s %.20q: %.20q, %v", c.kind, c.in, got, err)
		}
	}
}

func TestNewestProofWins(t *testing.T) {
	eachShop(t, func(s *shop) {
		t := s.t
		want := func(step, value string, changed, said bool) {
			t.Helper()
			got, _ := s.attributes(s.mei, s.lin)
			if !slices.Equal(got, []string{"skin_type=" + value}) || changed != said {
				t.Errorf("%s: %q, changed %v", step, got, said)
			}
		}
		said := func(minutes int, message string) Proof {
			return Proof{Source: SourceSaid, At: at(minutes), MessageID: message, CounterID: s.counter, Rule: "en/1/skin", Cause: "my skin"}
		}
		want("first", "dry", true, s.learn(s.lin, "skin_type", "dry", said(10, "m1")))
		want("the same message again", "dry", false, s.learn(s.lin, "skin_type", "dry", said(10, "m1")))
		want("newer", "oily", true, s.learn(s.lin, "skin_type", "oily", said(20, "m2")))
		want("late, older", "oily", false, s.learn(s.lin, "skin_type", "normal", said(15, "m3")))
		want("by hand", "combination", true, s.learn(s.lin, "skin_type", "combination", Proof{Source: SourceStaff, By: s.mei.ID, At: at(30)}))
		want("the till, as of before", "combination", false, s.learn(s.lin, "skin_type", "dry", Proof{Source: SourceTill, At: at(5)}))
		want("a clock that runs ahead", "normal", true, s.learn(s.lin, "skin_type", "normal", Proof{Source: SourceAPI, At: opening.AddDate(50, 0, 0)}))
		s.clock.Advance(time.Minute)
		want("after it", "dry", true, s.learn(s.lin, "skin_type", "dry", Proof{Source: SourceAPI}))

		s.read(func(tx *db.Tx) error {
			d, err := s.attributeDef(tx, "name", "skin_type")
			s.check(err)
			sight, err := s.Sight(tx, s.mei)
			s.check(err)
			all, err := s.AttributeHistory(tx, sight, Page{Records: []string{s.lin}}, d.ID)
			var got []string
			for _, a := range all {
				got = append(got, string(a.Proof.Source)+" "+a.Value)
			}
			if want := []string{"api dry", "api normal", "staff combination", "said oily", "said normal", "said dry", "till dry"}; !slices.Equal(got, want) {
				t.Errorf("history: %q", got)
			}
			if a := all[3]; a.Proof.Cause != "my skin" || a.Proof.MessageID != "m2" || a.Proof.Rule != "en/1/skin" || !a.At.Equal(at(20)) {
				t.Errorf("proof: %+v", a)
			}
			return err
		})
		if got, _ := s.told(0); len(got) != 5 || got[0] != "attribute of "+s.lin {
			t.Errorf("told: %q", got)
		}
	})
}

func TestRepeatedFilesDoNotFillTheHistory(t *testing.T) {
	eachShop(t, func(s *shop) {
		t := s.t
		for n := range 5 {
			till := Proof{Source: SourceTill, By: "imp_1", At: at(n)}
			if s.learn(s.lin, "member_level", "gold", till) != (n == 0) || s.learn(s.lin, "sizes", "50 ml", till) != (n == 0) ||
				s.learn(s.lin, "sizes", "30 ml", till) != (n == 0) {
				t.Error("a repetition changed the card")
			}
		}
		s.read(func(tx *db.Tx) error {
			all, err := s.AttributePage(tx, s.sight(tx, s.mei), Page{Records: []string{s.lin}})
			if len(all) != 3 || !all[0].At.Equal(at(4)) {
				t.Errorf("history: %+v", all)
			}
			return err
		})
	})
}

func TestForget(t *testing.T) {
	eachShop(t, func(s *shop) {
		t := s.t
		said := Proof{Source: SourceSaid, At: at(1), MessageID: "m1"}
		s.learn(s.lin, "skin_type", "dry", said)
		said.At, said.MessageID = at(2), "m2"
		s.learn(s.lin, "skin_type", "oily", said)
		said.At, said.MessageID = at(3), "m3"
		s.learn(s.lin, "skin_type", "oily", said)
		_, all := s.attributes(s.mei, s.lin)
		if err := s.try(func(tx *db.Tx) error { return s.Forget(tx, s.mark, all[0].ID) }); !errors.Is(err, staff.ErrForbidden) {
			t.Errorf("who may not chat: %v", err)
		}
		if err := s.try(func(tx *db.Tx) error { return s.Forget(tx, s.mei, "atr_none") }); !errors.Is(err, db.ErrNotFound) {
			t.Errorf("nothing: %v", err)
		}
		for range 2 { // a double tap is one
			s.write(func(tx *db.Tx) error { return s.Forget(tx, s.mei, all[0].ID) })
		}
		if got, _ := s.attributes(s.mei, s.lin); !slices.Equal(got, []string{"skin_type=dry"}) {
			t.Errorf("undone: %q", got)
		}
		said.At, said.MessageID = at(4), "m4"
		if s.learn(s.lin, "skin_type", "oily", said) || s.learn(s.lin, "skin_type", "oily", Proof{Source: SourceComputed}) {
			t.Error("it was concluded again")
		}
		if !s.learn(s.lin, "skin_type", "oily", Proof{Source: SourceTill, At: at(5)}) {
			t.Error("the till was refused")
		}
		s.read(func(tx *db.Tx) error {
			refused, err := s.Refused(tx, []string{s.lin})
			if len(refused) != 1 {
				t.Errorf("refused: %v", refused)
			}
			return err
		})
		// Who enters it has changed her mind.
		s.learn(s.lin, "skin_type", "oily", Proof{Source: SourceStaff, By: s.mei.ID, At: at(6)})
		s.learn(s.lin, "skin_type", "dry", Proof{Source: SourceStaff, By: s.mei.ID, At: at(7)})
		said.At, said.MessageID = at(8), "m8"
		if !s.learn(s.lin, "skin_type", "oily", said) {
			t.Error("it is still refused")
		}
		// What a person entered and took back is no conclusion to refuse.
		s.learn(s.lin, "sensitive", "yes", Proof{Source: SourceStaff, By: s.mei.ID, At: at(9)})
		_, all = s.attributes(s.mei, s.lin)
		s.write(func(tx *db.Tx) error { return s.Forget(tx, s.mei, all[1].ID) })
		if !s.learn(s.lin, "sensitive", "yes", said) {
			t.Error("what staff mistyped is refused")
		}
	})
}

func TestTakeBack(t *testing.T) {
	eachShop(t, func(s *shop) {
		t := s.t
		said := func(n int) Proof {
			return Proof{Source: SourceSaid, At: at(n), MessageID: fmt.Sprint("m", n), CounterID: s.counter, Cause: "dry skin"}
		}
		s.learn(s.lin, "skin_type", "oily", said(1))
		s.learn(s.lin, "skin_type", "dry", said(2))
		s.give(s.lin, "skin:dry", said(1))
		s.give(s.lin, "skin:dry", said(2))
		s.give(s.lin, "category:mask", said(2))
		back := func(n int) (changed bool) {
			s.write(func(tx *db.Tx) (err error) {
				changed, err = s.TakeBack(tx, s.lin, fmt.Sprint("m", n))
				return err
			})
			return changed
		}
		if !back(2) || back(2) || back(0) {
			t.Error("taken back not once")
		}
		if got, _ := s.attributes(s.mei, s.lin); !slices.Equal(got, []string{"skin_type=oily"}) {
			t.Errorf("attributes: %q", got)
		}
		if got, all := s.tags(s.mei, s.lin); !slices.Equal(got, []string{"skin:dry"}) || all[0].Proof.MessageID != "m1" {
			t.Errorf("tags: %q", got)
		}
		if !back(1) {
			t.Error("not taken back")
		}
		if got, _ := s.tags(s.mei, s.lin); len(got) != 0 {
			t.Errorf("tags: %q", got)
		}
		if !s.learn(s.lin, "skin_type", "dry", said(2)) || !s.give(s.lin, "skin:dry", said(2)) {
			t.Error("an edited message proves nothing any more")
		}
	})
}

func TestTakeBackOfARepetition(t *testing.T) {
	eachShop(t, func(s *shop) {
		t := s.t
		for n, value := range []string{"oily", "dry", "oily"} {
			s.learn(s.lin, "skin_type", value, Proof{Source: SourceSaid, At: at(n), MessageID: fmt.Sprint("m", n)})
		}
		for _, step := range []struct{ message, want string }{
			{"m2", "skin_type=dry"}, {"m1", "skin_type=oily"},
		} {
			s.write(func(tx *db.Tx) error { _, err := s.TakeBack(tx, s.lin, step.message); return err })
			if got, _ := s.attributes(s.mei, s.lin); !slices.Equal(got, []string{step.want}) {
				t.Errorf("without %s: %q", step.message, got)
			}
		}
		// Undone is undone, also for what an older message proved.
		s.learn(s.lin, "skin_type", "oily", Proof{Source: SourceSaid, At: at(5), MessageID: "m5"})
		_, all := s.attributes(s.mei, s.lin)
		s.write(func(tx *db.Tx) error { return s.Forget(tx, s.mei, all[0].ID) })
		s.write(func(tx *db.Tx) error { _, err := s.TakeBack(tx, s.lin, "m5"); return err })
		if got, _ := s.attributes(s.mei, s.lin); len(got) != 0 {
			t.Errorf("back again: %q", got)
		}
		s.read(func(tx *db.Tx) error {
			page, err := s.AttributePage(tx, s.sight(tx, s.mei), Page{Records: []string{s.lin}})
			if len(page) != 1 || page[0].EndedBy != s.mei.ID {
				t.Errorf("history: %+v", page)
			}
			return err
		})
	})
}

func TestManyValues(t *testing.T) {
	eachShop(t, func(s *shop) {
		t := s.t
		s.learn(s.lin, "scents", "Rose", Proof{Source: SourceSaid, At: at(1).Add(-Lately), MessageID: "m1"})
		s.learn(s.lin, "scents", "ｒｏｓｅ", Proof{Source: SourceSaid, At: at(2), MessageID: "m2"})
		s.learn(s.lin, "scents", "musk", Proof{Source: SourceStaff, At: at(3)})
		if got, _ := s.attributes(s.mei, s.lin); !slices.Equal(got, []string{"scents=ｒｏｓｅ", "scents=musk"}) {
			t.Errorf("%q", got)
		}
		s.write(func(tx *db.Tx) error {
			for n := range MaxMany - 2 {
				_, err := s.Learn(tx, s.lin, Learnt{"scents", fmt.Sprint("scent ", n), Proof{Source: SourceImport}})
				s.check(err)
			}
			return nil
		})
		err := s.try(func(tx *db.Tx) error {
			_, err := s.Learn(tx, s.lin, Learnt{"scents", "one more", Proof{Source: SourceStaff}})
			return err
		})
		if !invalid(err, "scents", "too_many") {
			t.Errorf("one more: %v", err)
		}
		if s.learn(s.lin, "scents", "MUSK", Proof{Source: SourceStaff}) {
			t.Error("a value that is there is new")
		}
	})
}

func TestLearnRefusesNonsense(t *testing.T) {
	eachShop(t, func(s *shop) {
		for name, c := range map[string]struct {
			who         string
			l           Learnt
			field, code string
		}{
			"no such attribute": {s.lin, Learnt{"shoe", "38", Proof{Source: SourceStaff}}, "attribute", "unknown"},
			"a NUL in its name": {s.lin, Learnt{"shoe\x00", "38", Proof{Source: SourceStaff}}, "attribute", "unknown"},
			"no source":         {s.lin, Learnt{"sizes", "38", Proof{}}, "source", "unknown"},
			"a wrong value":     {s.lin, Learnt{"skin_type", "38", Proof{Source: SourceStaff}}, "skin_type", "unknown"},
			"a wrong birthday":  {s.lin, Learnt{"birthday", "02-30", Proof{Source: SourceSaid}}, "birthday", "unknown"},
		} {
			err := s.try(func(tx *db.Tx) error { _, err := s.Learn(tx, c.who, c.l); return err })
			if !invalid(err, c.field, c.code) {
				s.t.Errorf("%s: %v", name, err)
			}
		}
		err := s.try(func(tx *db.Tx) error {
			_, err := s.Learn(tx, "cus_none", Learnt{"sizes", "38", Proof{Source: SourceStaff}})
			return err
		})
		if !errors.Is(err, db.ErrNotFound) {
			s.t.Errorf("nobody: %v", err)
		}
		s.write(func(tx *db.Tx) error { return s.Vault.DropKey(tx, s.wang) })
		err = s.try(func(tx *db.Tx) error {
			_, err := s.Learn(tx, s.wang, Learnt{"sizes", "38", Proof{Source: SourceStaff}})
			return err
		})
		if !errors.Is(err, db.ErrNotFound) {
			s.t.Errorf("an erased customer: %v", err)
		}
	})
}

func (s *shop) sight(tx *db.Tx, v staff.Viewer) Sight {
	s.t.Helper()
	sight, err := s.Sight(tx, v)
	s.check(err)
	return sight
}

func TestBrandsAndWordsAreForWhoSeesThem(t *testing.T) {
	eachShop(t, func(s *shop) {
		t := s.t
		s.write(func(tx *db.Tx) error {
			_, err := s.SaveAttributeDef(tx, staff.System(), AttributeDef{Name: "vip", Type: TypeYes, BrandID: s.brand})
			s.check(err)
			_, err = s.SaveTag(tx, staff.System(), Tag{Name: "muse", BrandID: s.brand, ByHand: true})
			return err
		})
		said := Proof{Source: SourceSaid, At: at(1), MessageID: "m1", Cause: "her words", CounterID: s.counter}
		s.learn(s.lin, "vip", "yes", Proof{Source: SourceStaff, CounterID: s.counter})
		s.learn(s.lin, "sensitive", "yes", said)
		s.give(s.lin, "muse", Proof{Source: SourceStaff, CounterID: s.counter})
		s.give(s.lin, "skin:dry", said)
		for name, c := range map[string]struct {
			v     staff.Viewer
			brand bool
		}{
			"her advisor":   {s.mei, true},
			"the manager":   {s.hua, true},
			"a program":     {staff.Machine("x"), true},
			"another brand": {s.fang, false},
			"nobody":        {staff.Viewer{}, false},
		} {
			values, attributes := s.attributes(c.v, s.lin)
			tags, worn := s.tags(c.v, s.lin)
			if slices.Contains(values, "vip=yes") != c.brand || slices.Contains(tags, "muse") != c.brand || len(values) < 1 || len(tags) < 1 {
				t.Errorf("%s: %q, %q", name, values, tags)
				continue
			}
			words := attributes[len(attributes)-1].Proof.Cause + worn[len(worn)-1].Proof.Cause
			for _, a := range attributes {
				if a.Def.Name == "sensitive" {
					words = a.Proof.Cause + a.Proof.MessageID
				}
			}
			if (words == "her wordsm1") != c.brand || !c.brand && words != "" {
				t.Errorf("%s reads %q", name, words)
			}
			s.read(func(tx *db.Tx) error {
				p := Page{Records: []string{s.lin}}
				history, err := s.AttributePage(tx, s.sight(tx, c.v), p)
				s.check(err)
				tags, err := s.TagPage(tx, s.sight(tx, c.v), p)
				if n := len(history) + len(tags); c.brand && n != 4 || !c.brand && n != 2 {
					t.Errorf("%s: %d rows of history", name, n)
				}
				return err
			})
			h := ByHand{CustomerID: s.lin, Name: "vip", Value: "yes"}
			err := s.try(func(tx *db.Tx) error { _, err := s.LearnByHand(tx, c.v, h); return err })
			if c.brand == invalid(err, "attribute", "unknown") && !errors.Is(err, staff.ErrForbidden) {
				t.Errorf("%s enters: %v", name, err)
			}
		}
		if err := s.try(func(tx *db.Tx) error {
			_, err := s.LearnByHand(tx, s.mei, ByHand{CustomerID: s.lin, CounterID: s.next, Name: "sensitive", Value: "no"})
			return err
		}); !errors.Is(err, db.ErrNotFound) {
			t.Errorf("at a foreign counter: %v", err)
		}
	})
}

func TestAttributesOfAPerson(t *testing.T) {
	eachShop(t, func(s *shop) {
		t := s.t
		s.learn(s.lin, "skin_type", "dry", Proof{Source: SourceStaff, At: at(1)})
		s.learn(s.wang, "skin_type", "oily", Proof{Source: SourceSaid, At: at(2), MessageID: "m1"})
		s.give(s.lin, "gift_expert", Proof{Source: SourceStaff, At: at(1)})
		s.give(s.wang, "gift_expert", Proof{Source: SourceSaid, At: at(2), MessageID: "m1"})
		s.merge(s.lin, s.wang)
		values, all := s.attributes(s.mei, s.lin)
		tags, worn := s.tags(s.mei, s.lin)
		if !slices.Equal(values, []string{"skin_type=oily"}) || !slices.Equal(tags, []string{"gift_expert"}) || worn[0].CustomerID != s.wang {
			t.Errorf("%q, %q", values, tags)
		}
		s.write(func(tx *db.Tx) error {
			s.check(s.Forget(tx, s.mei, all[0].ID))
			_, err := s.TakeTag(tx, s.mei, worn[0].ID)
			return err
		})
		if got, _ := s.attributes(s.mei, s.lin); !slices.Equal(got, []string{"skin_type=dry"}) {
			t.Errorf("%q", got)
		}
		if got, _ := s.tags(s.mei, s.lin); len(got) != 0 {
			t.Errorf("%q", got)
		}
		// It holds for the person, whichever record she speaks through.
		said := Proof{Source: SourceSaid, At: at(3), MessageID: "m3"}
		if s.learn(s.lin, "skin_type", "oily", said) || s.give(s.lin, "gift_expert", said) {
			t.Error("concluded again")
		}
		if what, _ := s.told(0); what[len(what)-1] != "tag of "+s.lin {
			t.Errorf("told: %q", what)
		}
	})
}

func TestFindByAttribute(t *testing.T) {
	eachShop(t, func(s *shop) {
		t := s.t
		s.learn(s.lin, "scents", "Rosée d’été", Proof{Source: SourceStaff, At: at(1)})
		s.learn(s.wang, "scents", "ROSEE D’ETE", Proof{Source: SourceStaff, At: at(1)})
		s.learn(s.lin, "skin_type", "dry", Proof{Source: SourceStaff, At: at(1)})
		s.learn(s.lin, "skin_type", "oily", Proof{Source: SourceStaff, At: at(2)})
		s.learn(s.lin, "birthday", "1990-03-08", Proof{Source: SourceStaff, At: at(2)})
		s.learn(s.wang, "birthday", "03-08", Proof{Source: SourceStaff, At: at(2)})
		find := func(f Find) (found Found) {
			s.read(func(tx *db.Tx) (err error) {
				found, err = s.FindByAttribute(tx, f)
				return err
			})
			return found
		}
		both := []string{s.lin, s.wang}
		for name, c := range map[string]struct {
			f    Find
			want []string
		}{
			"case and marks":       {Find{Name: "scents", Value: "rosee d’été"}, both},
			"replaced":             {Find{Name: "skin_type", Value: "dry"}, nil},
			"standing":             {Find{Name: "skin_type", Value: "OILY"}, []string{s.lin}},
			"impossible":           {Find{Name: "skin_type", Value: "wet"}, nil},
			"a day":                {Find{Name: "birthday", Value: "03-08"}, both},
			"a day of a year":      {Find{Name: "birthday", Value: "1990-03-08"}, []string{s.lin}},
			"a day of another one": {Find{Name: "birthday", Value: "1991-03-08"}, nil},
		} {
			if got := find(c.f); !slices.Equal(got.Persons, c.want) || got.Next != "" {
				t.Errorf("%s: %+v", name, got)
			}
		}
		page := find(Find{Name: "scents", Value: "rosée d’été", Limit: 1})
		rest := find(Find{Name: "scents", Value: "rosée d’été", Limit: 1, After: page.Next})
		if !slices.Equal(append(page.Persons, rest.Persons...), both) || page.Next == "" || rest.Next != "" {
			t.Errorf("paged: %+v %+v", page, rest)
		}
		// As one person the newer skin of the other record overrules.
		s.learn(s.wang, "skin_type", "normal", Proof{Source: SourceStaff, At: at(3)})
		s.merge(s.lin, s.wang)
		if got := find(Find{Name: "skin_type", Value: "oily"}); len(got.Persons) != 0 {
			t.Errorf("overruled: %+v", got)
		}
		if got := find(Find{Name: "skin_type", Value: "normal"}); !slices.Equal(got.Persons, []string{s.lin}) {
			t.Errorf("of the person: %+v", got)
		}
	})
}

func TestAttributeDefs(t *testing.T) {
	eachShop(t, func(s *shop) {
		t := s.t
		save := func(v staff.Viewer, d AttributeDef) (saved AttributeDef, err error) {
			err = s.try(func(tx *db.Tx) error { saved, err = s.SaveAttributeDef(tx, v, d); return err })
			return saved, err
		}
		good := AttributeDef{Name: "hair", Label: " Her  hair ", Type: TypeChoice, Choices: []Choice{{"long", ""}, {"short", "短髮"}}, Position: 5}
		saved, err := save(staff.System(), good)
		s.check(err)
		for name, c := range map[string]struct {
			change      func(d *AttributeDef)
			field, code string
		}{
			"taken":               {func(d *AttributeDef) { d.ID = "" }, "name", "taken"},
			"renamed":             {func(d *AttributeDef) { d.Name = "hairs" }, "name", "fixed"},
			"another type":        {func(d *AttributeDef) { d.Type = TypeText }, "type", "fixed"},
			"no name":             {func(d *AttributeDef) { d.ID, d.Name = "", "" }, "name", "malformed"},
			"an odd name":         {func(d *AttributeDef) { d.ID, d.Name = "", "her hair" }, "name", "malformed"},
			"an unknown type":     {func(d *AttributeDef) { d.ID, d.Name, d.Type = "", "new", "blob" }, "type", "unknown"},
			"no choices":          {func(d *AttributeDef) { d.Choices = nil }, "choices", "required"},
			"a choice twice":      {func(d *AttributeDef) { d.Choices = []Choice{{"a", ""}, {"A", ""}} }, "choices", "taken"},
			"a choice of lines":   {func(d *AttributeDef) { d.Choices = []Choice{{"a\nb", ""}} }, "choices", "malformed"},
			"too many choices":    {func(d *AttributeDef) { d.Choices = make([]Choice, maxChoices+1) }, "choices", "too_many"},
			"a long label":        {func(d *AttributeDef) { d.Label = strings.Repeat("字", 81) }, "label", "too_long"},
			"an unknown brand":    {func(d *AttributeDef) { d.BrandID = "brd_none" }, "brand", "unknown"},
			"a negative place":    {func(d *AttributeDef) { d.Position = -1 }, "position", "unknown"},
			"a label of a choice": {func(d *AttributeDef) { d.Choices = []Choice{{"a", strings.Repeat("字", 81)}} }, "choices", "too_long"},
		} {
			d := saved
			c.change(&d)
			if _, err := save(staff.System(), d); !invalid(err, c.field, c.code) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := save(s.hua, good); !errors.Is(err, staff.ErrForbidden) {
			t.Errorf("a manager: %v", err)
		}
		saved.Label, saved.BrandID = "Hair", s.brand
		_, err = save(staff.System(), saved)
		s.check(err)
		s.read(func(tx *db.Tx) error {
			defs, err := s.AttributeDefs(tx)
			if defs[0].Name != "hair" || defs[0].Label != "Hair" || !slices.Equal(defs[0].Choices, good.Choices) || defs[0].BrandID != s.brand {
				t.Errorf("%+v", defs[0])
			}
			return err
		})
		s.learn(s.lin, "hair", "短髮", Proof{Source: SourceStaff})
		s.write(func(tx *db.Tx) error { return s.CloseAttributeDef(tx, staff.System(), saved.ID) })
		if got, _ := s.attributes(s.mei, s.lin); len(got) != 0 {
			t.Errorf("closed: %q", got)
		}
		err = s.try(func(tx *db.Tx) error {
			_, err := s.Learn(tx, s.lin, Learnt{"hair", "long", Proof{Source: SourceStaff}})
			return err
		})
		if !invalid(err, "attribute", "closed") {
			t.Errorf("closed: %v", err)
		}
		s.write(func(tx *db.Tx) error { return s.ReopenAttributeDef(tx, staff.System(), saved.ID) })
		if got, _ := s.attributes(s.mei, s.lin); !slices.Equal(got, []string{"hair=short"}) {
			t.Errorf("reopened: %q", got)
		}
	})
}
