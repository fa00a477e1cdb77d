package conversation

import (
	"testing"
	"time"
)

func TestWhenSheAnswers(t *testing.T) {
	taipei := time.FixedZone("CST", 8*3600)
	// 2026-11-21 is a Saturday.
	on := func(day, hour, n int) (out []time.Time) {
		for i := range n {
			out = append(out, time.Date(2026, 11, day, hour, i, 0, 0, taipei))
		}
		return out
	}
	join := func(lists ...[]time.Time) (out []time.Time) {
		for _, l := range lists {
			out = append(out, l...)
		}
		return out
	}
	for name, c := range map[string]struct {
		answers []time.Time
		want    Answering
	}{
		"nothing":                   {nil, Answering{}},
		"four are too few":          {on(21, 20, 4), Answering{}},
		"one day, one part":         {on(21, 20, 5), Answering{"saturday", "evening", 5, 5}},
		"weekends":                  {join(on(21, 9, 3), on(22, 20, 3), on(21, 15, 3), on(16, 9, 2)), Answering{"weekend", "", 9, 11}},
		"weekend evenings":          {join(on(21, 20, 3), on(22, 20, 3), on(17, 9, 2)), Answering{"weekend", "evening", 6, 8}},
		"evenings on any day":       {join(on(21, 20, 2), on(17, 20, 2), on(18, 21, 2), on(19, 9, 2)), Answering{"", "evening", 6, 8}},
		"workdays alone are chance": {join(on(16, 9, 2), on(17, 14, 1), on(18, 20, 2), on(21, 9, 1), on(22, 14, 1)), Answering{}},
		"workdays":                  {join(on(16, 9, 2), on(17, 14, 2), on(18, 20, 2), on(19, 3, 1)), Answering{"workdays", "", 7, 7}},
		"workday mornings":          {join(on(16, 9, 2), on(17, 9, 2), on(18, 9, 2), on(19, 15, 1)), Answering{"workdays", "morning", 6, 7}},
		"59 percent is not mostly":  {join(on(21, 9, 10), on(16, 15, 3), on(17, 20, 4)), Answering{}},
		"the zone of the store":     {join(on(20, 16+24-8-8, 1), on(21, 1, 5)), Answering{"saturday", "night", 6, 6}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := whenSheAnswers(c.answers, taipei); got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

func TestAnswersIn(t *testing.T) {
	start := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	line := func(by Author, hours int) spoken { return spoken{by, start.Add(time.Duration(hours) * time.Hour)} }
	got := answersIn([]spoken{
		line(AuthorCustomer, 0),                                                                       // she begins: no answer
		line(AuthorStaff, 1), line(AuthorSystem, 2), line(AuthorCustomer, 3), line(AuthorCustomer, 4), // one answer
		line(AuthorStaff, 5), line(AuthorCustomer, 30), // a day later
		line(AuthorAutomation, 31), line(AuthorStaff, 32), line(AuthorCustomer, 33),
	})
	want := []time.Time{start.Add(3 * time.Hour), start.Add(33 * time.Hour)}
	if len(got) != len(want) || !got[0].Equal(want[0]) || !got[1].Equal(want[1]) {
		t.Errorf("got %v, want %v", got, want)
	}
}
