package audit

import (
	"context"
	"fmt"
	"testing"
	"time"

	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
)

func TestADayIsFoundByItsNumbers(t *testing.T) {
	start := time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC)
	clock := dbtest.NewClock(start)
	dbtest.EachAt(t, clock, func(t *testing.T, d *db.DB) {
		begin := clock.Now()
		for i := range 48 {
			happen(t, d, Entry{Actor: []string{"stf_1", "stf_2"}[i%2], Action: "thread.open", Customer: fmt.Sprintf("cus_%d", i%3)})
			clock.Advance(time.Hour)
		}
		day := func(n int) time.Time { return begin.Add(time.Duration(n) * 24 * time.Hour) }
		for name, c := range map[string]struct {
			f    Filter
			want int
		}{
			"everything":             {Filter{}, 48},
			"the second day":         {Filter{From: day(1)}, 24},
			"the first day":          {Filter{To: day(1)}, 24},
			"a morning":              {Filter{From: begin.Add(2 * time.Hour), To: begin.Add(5 * time.Hour)}, 3},
			"before everything":      {Filter{To: begin}, 0},
			"after everything":       {Filter{From: day(9)}, 0},
			"one actor of a day":     {Filter{Actor: "stf_2", From: day(1)}, 12},
			"records of one person":  {Filter{Customers: []string{"cus_0", "cus_1"}}, 32},
			"a person on a day":      {Filter{Customers: []string{"cus_0"}, From: day(1), Limit: 100}, 8},
			"several acts, none fit": {Filter{Actions: []string{"signed_in", "customer.shown"}}, 0},
			"after a number":         {Filter{After: 40}, 8},
		} {
			if got := list(t, d, c.f); len(got) != c.want {
				t.Errorf("%s: %d rows, want %d", name, len(got), c.want)
			}
			read(t, d, func(tx *db.Tx) error {
				n, err := Count(tx, c.f, 1000)
				if n != c.want {
					t.Errorf("%s: counted %d, want %d", name, n, c.want)
				}
				forward, err2 := Forward(tx, c.f)
				for i := 1; i < len(forward); i++ {
					if forward[i].Seq <= forward[i-1].Seq {
						t.Errorf("%s: not in order", name)
					}
				}
				if err == nil {
					err = err2
				}
				return err
			})
		}
		read(t, d, func(tx *db.Tx) error {
			if n, err := Count(tx, Filter{}, 10); n != 10 || err != nil {
				t.Errorf("counted %d with a bound of ten, %v", n, err)
			}
			return nil
		})
	})
}

func TestLooksAreRecordedOnceAnHour(t *testing.T) {
	clock := dbtest.NewClock(time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC))
	dbtest.EachAt(t, clock, func(t *testing.T, d *db.DB) {
		var s Sight
		show := func(actor string, customers ...string) {
			t.Helper()
			if err := s.Record(context.Background(), d, Look{Actor: actor, Action: "customer.shown", Detail: "inbox", Customers: customers}); err != nil {
				t.Fatal(err)
			}
		}
		total := func(want int) {
			t.Helper()
			if got := len(list(t, d, Filter{Action: "customer.shown"})); got != want {
				t.Errorf("%d lines, want %d", got, want)
			}
		}
		show("stf_1", "cus_1", "cus_2", "cus_1", "")
		total(2)
		show("stf_1", "cus_2", "cus_3")
		total(3)
		show("stf_2", "cus_1")
		total(4)
		clock.Advance(59 * time.Minute)
		show("stf_1", "cus_1", "cus_2", "cus_3")
		total(4)
		clock.Advance(time.Minute)
		show("stf_1", "cus_1", "cus_2", "cus_3")
		total(7)
		gone, cancel := context.WithCancel(context.Background())
		cancel()
		if err := s.Record(gone, d, Look{Actor: "stf_3", Action: "customer.shown", Customers: []string{"cus_9"}}); err == nil {
			show("stf_3", "cus_9") // it was committed all the same
		} else if show("stf_3", "cus_9"); len(list(t, d, Filter{Actor: "stf_3"})) == 0 {
			t.Error("a look that could not be recorded counts as recorded")
		}
	})
}

func BenchmarkAPageOfLooks(b *testing.B) {
	d := dbtest.New(b)
	customers := make([]string, 25)
	for i := range customers {
		customers[i] = fmt.Sprintf("cus_%026d", i)
	}
	b.Run("first in an hour", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			var s Sight
			if err := s.Record(context.Background(), d, Look{Actor: "stf_1", Action: "customer.shown", Customers: customers}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("again", func(b *testing.B) {
		var s Sight
		for b.Loop() {
			if err := s.Record(context.Background(), d, Look{Actor: "stf_1", Action: "customer.shown", Customers: customers}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func read(t testing.TB, d *db.DB, fn func(tx *db.Tx) error) {
	t.Helper()
	if err := d.Read(context.Background(), fn); err != nil {
		t.Fatal(err)
	}
}
