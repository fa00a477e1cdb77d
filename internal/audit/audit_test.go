package audit

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
)

func write(t testing.TB, d *db.DB, fn func(tx *db.Tx) error) {
	t.Helper()
	if err := d.Write(context.Background(), fn); err != nil {
		t.Fatal(err)
	}
}

func happen(t testing.TB, d *db.DB, entries ...Entry) {
	t.Helper()
	write(t, d, func(tx *db.Tx) error {
		for _, e := range entries {
			Record(tx, e)
		}
		return nil
	})
}

func verify(t testing.TB, d *db.DB) (n, broken int64) {
	t.Helper()
	err := d.Read(context.Background(), func(tx *db.Tx) (err error) {
		n, broken, err = Verify(tx)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n, broken
}

func list(t testing.TB, d *db.DB, f Filter) (rows []Row) {
	t.Helper()
	err := d.Read(context.Background(), func(tx *db.Tx) (err error) {
		rows, err = List(tx, f)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func seqs(rows []Row) (all []int64) {
	for _, r := range rows {
		all = append(all, r.Seq)
	}
	return all
}

func TestARowComesBackWhole(t *testing.T) {
	clock := dbtest.NewClock(time.Date(2026, 5, 1, 12, 0, 0, 123456000, time.UTC))
	dbtest.EachAt(t, clock, func(t *testing.T, d *db.DB) {
		e := Entry{Actor: "stf_1", Action: "thread_opened", Customer: "cus_1", Object: "thr_1", Detail: "from the inbox"}
		happen(t, d, e, Entry{Actor: "system", Action: "started"})
		rows := list(t, d, Filter{})
		if len(rows) != 2 {
			t.Fatalf("%d rows, want 2", len(rows))
		}
		first := rows[1]
		want := Row{Seq: 1, At: clock.Now(), Entry: e, Hash: first.sum()}
		if !reflect.DeepEqual(first, want) {
			t.Errorf("got  %+v\nwant %+v", first, want)
		}
		if rows[0].Prev != first.Hash {
			t.Error("the second row does not carry the hash of the first")
		}
	})
}

func TestTheChainIsTheSameOnBothEngines(t *testing.T) {
	clock := dbtest.NewClock(time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC))
	seen := ""
	dbtest.EachAt(t, clock, func(t *testing.T, d *db.DB) {
		happen(t, d, Entry{Actor: "stf_1", Action: "signed_in", Detail: "從門市"})
		hash := list(t, d, Filter{})[0].Hash
		if seen != "" && hash != seen {
			t.Errorf("hash %s here, %s on the other engine", hash, seen)
		}
		seen = hash
	})
}

func TestList(t *testing.T) {
	d := dbtest.New(t)
	happen(t, d,
		Entry{Actor: "stf_1", Action: "signed_in"},
		Entry{Actor: "stf_1", Action: "thread_opened", Customer: "cus_1"},
		Entry{Actor: "stf_2", Action: "thread_opened", Customer: "cus_1"},
		Entry{Actor: "stf_2", Action: "thread_opened", Customer: "cus_2"},
		Entry{Actor: "stf_2", Action: "exported", Customer: "cus_1"},
	)
	cases := map[string]struct {
		f    Filter
		want []int64
	}{
		"everything, the latest first": {Filter{}, []int64{5, 4, 3, 2, 1}},
		"a page":                       {Filter{Limit: 2}, []int64{5, 4}},
		"the next page":                {Filter{Limit: 2, Before: 4}, []int64{3, 2}},
		"before the first":             {Filter{Before: 1}, nil},
		"of an actor":                  {Filter{Actor: "stf_1"}, []int64{2, 1}},
		"about a customer":             {Filter{Customer: "cus_1"}, []int64{5, 3, 2}},
		"of an action":                 {Filter{Action: "thread_opened"}, []int64{4, 3, 2}},
		"all at once":                  {Filter{Actor: "stf_2", Customer: "cus_1", Action: "thread_opened", Before: 5, Limit: 9}, []int64{3}},
		"of nobody":                    {Filter{Actor: "stf_1' OR '1'='1"}, nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := seqs(list(t, d, c.f)); !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestTampering(t *testing.T) {
	const rows = 6
	cases := map[string]struct {
		sql    []string
		n      int64
		broken int64
	}{
		"untouched":           {nil, rows, 0},
		"seq":                 {[]string{`UPDATE audit SET seq = 60 WHERE seq = 3`}, 2, 3},
		"at":                  {[]string{`UPDATE audit SET at = at + 1 WHERE seq = 3`}, 2, 3},
		"actor":               {[]string{`UPDATE audit SET actor = 'stf_other' WHERE seq = 3`}, 2, 3},
		"action":              {[]string{`UPDATE audit SET action = 'other' WHERE seq = 3`}, 2, 3},
		"customer":            {[]string{`UPDATE audit SET customer_id = '' WHERE seq = 3`}, 2, 3},
		"object":              {[]string{`UPDATE audit SET object = 'other' WHERE seq = 3`}, 2, 3},
		"detail":              {[]string{`UPDATE audit SET detail = detail || '.' WHERE seq = 3`}, 2, 3},
		"prev":                {[]string{`UPDATE audit SET prev = '' WHERE seq = 3`}, 2, 3},
		"hash":                {[]string{`UPDATE audit SET hash = prev WHERE seq = 3`}, 2, 3},
		"a letter moved":      {[]string{`UPDATE audit SET actor = 'stf_3o', action = 'pened' WHERE seq = 3`}, 2, 3},
		"two rows swapped":    {[]string{`UPDATE audit SET seq = 30 WHERE seq = 3`, `UPDATE audit SET seq = 3 WHERE seq = 4`, `UPDATE audit SET seq = 4 WHERE seq = 30`}, 2, 3},
		"the first changed":   {[]string{`UPDATE audit SET detail = 'x' WHERE seq = 1`}, 0, 1},
		"the last changed":    {[]string{`UPDATE audit SET detail = 'x' WHERE seq = 6`}, 5, 6},
		"the first removed":   {[]string{`DELETE FROM audit WHERE seq = 1`}, 0, 1},
		"one removed":         {[]string{`DELETE FROM audit WHERE seq = 3`}, 2, 3},
		"the last removed":    {[]string{`DELETE FROM audit WHERE seq = 6`}, 5, 6},
		"the end removed":     {[]string{`DELETE FROM audit WHERE seq > 2`}, 2, 3},
		"all removed":         {[]string{`DELETE FROM audit`}, 0, 1},
		"removed and counted": {[]string{`DELETE FROM audit WHERE seq = 6`, `UPDATE tally SET n = 5 WHERE name = 'audit'`}, 4, 5},
		"one added":           {[]string{`INSERT INTO audit (seq, at, actor, action, prev, hash) SELECT 7, 0, 'x', 'y', hash, hash FROM audit WHERE seq = 6`}, 6, 7},
		"one put in front":    {[]string{`INSERT INTO audit (seq, at, actor, action, prev, hash) VALUES (-5, 0, 'x', 'y', '', '')`}, 0, 1},
	}
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		for name, c := range cases {
			t.Run(name, func(t *testing.T) {
				write(t, d, func(tx *db.Tx) error {
					_, err := tx.Exec(`DELETE FROM audit`)
					_, err2 := tx.Exec(`UPDATE tally SET n = 0, note = '' WHERE name = 'audit'`)
					return errors.Join(err, err2)
				})
				for i := range rows {
					happen(t, d, Entry{Actor: fmt.Sprintf("stf_%d", i+1), Action: "opened", Customer: "cus_1", Object: "thr_1", Detail: "d"})
				}
				write(t, d, func(tx *db.Tx) error {
					for _, q := range c.sql {
						if _, err := tx.Exec(q); err != nil {
							return err
						}
					}
					return nil
				})
				if n, broken := verify(t, d); n != c.n || broken != c.broken {
					t.Errorf("Verify = %d, %d; want %d, %d", n, broken, c.n, c.broken)
				}
			})
		}
	})
}

func TestARewrittenEndShows(t *testing.T) {
	d := dbtest.New(t)
	happen(t, d, Entry{Actor: "stf_1", Action: "a"}, Entry{Actor: "stf_1", Action: "b"})
	row := list(t, d, Filter{Limit: 1})[0]
	row.Actor = "stf_2"
	write(t, d, func(tx *db.Tx) error {
		_, err := tx.Exec(`UPDATE audit SET actor = $1, hash = $2 WHERE seq = 2`, row.Actor, row.sum())
		return err
	})
	if n, broken := verify(t, d); n != 1 || broken != 2 {
		t.Errorf("Verify = %d, %d; want 1, 2", n, broken)
	}
}

func TestAnEmptyChain(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		if n, broken := verify(t, d); n != 0 || broken != 0 {
			t.Errorf("Verify = %d, %d; want 0, 0", n, broken)
		}
	})
}

func TestALongChain(t *testing.T) {
	d := dbtest.New(t)
	const many = 2*verifyChunk + 17
	write(t, d, func(tx *db.Tx) error {
		for i := range many {
			Record(tx, Entry{Actor: "stf_1", Action: "opened", Detail: strings.Repeat("x", i%50)})
		}
		return nil
	})
	if n, broken := verify(t, d); n != many || broken != 0 {
		t.Errorf("Verify = %d, %d; want %d, 0", n, broken, many)
	}
	write(t, d, func(tx *db.Tx) error {
		_, err := tx.Exec(`UPDATE audit SET detail = 'y' WHERE seq = $1`, verifyChunk+1)
		return err
	})
	if n, broken := verify(t, d); n != verifyChunk || broken != verifyChunk+1 {
		t.Errorf("Verify = %d, %d; want %d, %d", n, broken, verifyChunk, verifyChunk+1)
	}
}

func TestManyAtOnceMakeOneChain(t *testing.T) {
	const writers, rounds = 32, 5
	lost := errors.New("changed our mind")
	work := func(t *testing.T, nodes ...*db.DB) {
		var all sync.WaitGroup
		for w := range writers {
			all.Go(func() {
				for r := range rounds {
					err := nodes[w%len(nodes)].Write(context.Background(), func(tx *db.Tx) error {
						Record(tx, Entry{Actor: fmt.Sprint("stf_", w), Action: "a"})
						Record(tx, Entry{Actor: fmt.Sprint("stf_", w), Action: "b"})
						if r == 1 {
							return lost
						}
						return nil
					})
					if (r == 1) != errors.Is(err, lost) {
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
		if n, broken := verify(t, nodes[0]); n != writers*(rounds-1)*2 || broken != 0 {
			t.Errorf("Verify = %d, %d; want %d, 0", n, broken, writers*(rounds-1)*2)
		}
	}
	dbtest.Each(t, func(t *testing.T, d *db.DB) { work(t, d) })
	t.Run("two nodes", func(t *testing.T) {
		url := dbtest.PostgresURL(t)
		var nodes []*db.DB
		for range 2 {
			d, err := db.Open(t.Context(), url, db.Options{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { d.Close() })
			if err := d.Migrate(t.Context()); err != nil {
				t.Fatal(err)
			}
			nodes = append(nodes, d)
		}
		work(t, nodes...)
	})
}
