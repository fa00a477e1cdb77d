package customer

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"dingdong/internal/db"
	"dingdong/internal/staff"
)

func TestBirthdaysBetween(t *testing.T) {
	taipei, err := time.LoadLocation("Asia/Taipei")
	if err != nil {
		t.Fatal(err)
	}
	eachShop(t, func(s *shop) {
		t := s.t
		who := map[string]string{}
		s.write(func(tx *db.Tx) error {
			for name, value := range map[string]string{
				"leap": "02-29", "leap 92": "1992-02-29", "28th": "1990-02-28", "1st": "03-01", "new year": "2001-01-01", "eve": "12-31",
			} {
				who[name] = s.customer(tx, "U-"+name)
				_, err := s.Learn(tx, who[name], Learnt{AttributeBirthday, value, Proof{Source: SourceStaff}})
				s.check(err)
			}
			return nil
		})
		name := func(id string) string {
			for n, i := range who {
				if i == id {
					return n
				}
			}
			return "?"
		}
		day := func(year int, month time.Month, d int) time.Time {
			return time.Date(year, month, d, 15, 0, 0, 0, taipei)
		}
		for title, c := range map[string]struct {
			from, to time.Time
			want     []string
		}{
			"28 February, no leap year": {day(2027, 2, 28), day(2027, 2, 28), []string{"28th 02-28 37", "leap 02-28 0", "leap 92 02-28 35"}},
			"1 March, no leap year":     {day(2027, 3, 1), day(2027, 3, 1), []string{"1st 03-01 0"}},
			"28 February, leap year":    {day(2028, 2, 28), day(2028, 2, 28), []string{"28th 02-28 38"}},
			"29 February":               {day(2028, 2, 29), day(2028, 2, 29), []string{"leap 02-29 0", "leap 92 02-29 36"}},
			"over the new year":         {day(2026, 12, 30), day(2027, 1, 3), []string{"eve 12-31 0", "new year 01-01 26"}},
			"an empty week":             {day(2026, 7, 1), day(2026, 7, 7), nil},
			"backwards":                 {day(2027, 3, 1), day(2027, 2, 1), nil},
			// It is 31 December in London and 1 January in Taipei.
			"where it is tomorrow already": {time.Date(2026, 12, 31, 17, 0, 0, 0, time.UTC), time.Date(2026, 12, 31, 18, 0, 0, 0, time.UTC),
				[]string{"new year 01-01 26"}},
		} {
			for _, everybody := range []bool{true, false} {
				var got []string
				s.read(func(tx *db.Tx) error {
					q := Birthdays{From: c.from, To: c.to, Zone: taipei, Sight: s.sight(tx, s.mei), Limit: 1}
					if !everybody {
						q.Records = []string{s.lin}
						for _, id := range who {
							q.Records = append(q.Records, id)
						}
					}
					for range 10 {
						list, next, err := s.BirthdaysBetween(tx, q)
						s.check(err)
						for _, b := range list {
							got = append(got, fmt.Sprint(name(b.PersonID), " ", b.On.Format("01-02"), " ", b.Turns))
						}
						if q.After = next; next == "" {
							break
						}
					}
					return nil
				})
				slices.Sort(got)
				if want := slices.Sorted(slices.Values(c.want)); !slices.Equal(got, want) {
					t.Errorf("%s, everybody %v: %q", title, everybody, got)
				}
			}
		}
		err := s.db.Read(t.Context(), func(tx *db.Tx) error {
			_, _, err := s.BirthdaysBetween(tx, Birthdays{From: opening, To: opening.AddDate(1, 0, 0), Sight: s.sight(tx, s.mei)})
			return err
		})
		if !invalid(err, "to", "too_large") {
			t.Errorf("a year: %v", err)
		}
	})
}

func TestBirthdayThatCounts(t *testing.T) {
	eachShop(t, func(s *shop) {
		t := s.t
		value := func() string {
			_, all := s.attributes(s.mei, s.lin)
			if len(all) != 1 {
				t.Fatalf("%+v", all)
			}
			return all[0].Value
		}
		on := func(day string, sight Sight) int {
			from, err := time.Parse(time.DateOnly, "2027-"+day)
			s.check(err)
			n := 0
			s.read(func(tx *db.Tx) error {
				list, _, err := s.BirthdaysBetween(tx, Birthdays{From: from, To: from, Sight: sight})
				n = len(list)
				return err
			})
			return n
		}
		var house Sight
		s.read(func(tx *db.Tx) error { house = s.sight(tx, staff.System()); return nil })
		if !s.learn(s.lin, "birthday", "03-08", Proof{Source: SourceSaid, At: at(1), MessageID: "m1"}) || value() != "03-08" {
			t.Error("the day")
		}
		if !s.learn(s.lin, "birthday", "1990-03-08", Proof{Source: SourceTill, At: at(2)}) || value() != "1990-03-08" {
			t.Error("the year")
		}
		if s.learn(s.lin, "birthday", "03-08", Proof{Source: SourceSaid, At: at(3), MessageID: "m3"}) || value() != "1990-03-08" {
			t.Error("the day again took the year away")
		}
		if !s.learn(s.lin, "birthday", "1991-03-08", Proof{Source: SourceStaff, At: at(4)}) || value() != "1991-03-08" {
			t.Error("another year")
		}
		if !s.learn(s.lin, "birthday", "04-08", Proof{Source: SourceStaff, At: at(5)}) || on("03-08", house) != 0 || on("04-08", house) != 1 {
			t.Error("another day")
		}
		// Another record of hers overrules, and is found though the day was the other's.
		s.learn(s.wang, "birthday", "05-08", Proof{Source: SourceStaff, At: at(6)})
		s.merge(s.lin, s.wang)
		if on("04-08", house) != 0 || on("05-08", house) != 1 {
			t.Error("of two records")
		}
		s.write(func(tx *db.Tx) error {
			d, err := s.attributeDef(tx, "name", "birthday")
			s.check(err)
			d.BrandID = s.brand
			_, err = s.SaveAttributeDef(tx, staff.System(), d)
			return err
		})
		s.read(func(tx *db.Tx) error {
			house = s.sight(tx, s.fang)
			return nil
		})
		if on("05-08", house) != 0 {
			t.Error("another brand is told")
		}
		s.write(func(tx *db.Tx) error {
			d, err := s.attributeDef(tx, "name", "birthday")
			s.check(err)
			return s.CloseAttributeDef(tx, staff.System(), d.ID)
		})
		if on("05-08", house) != 0 {
			t.Error("the group keeps none any more")
		}
	})
}
