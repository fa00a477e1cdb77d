package dbtest

import (
	"path"
	"testing"
	"time"

	"dingdong/internal/db"
)

func TestEach(t *testing.T) {
	clock := NewClock(time.Date(2026, 11, 22, 5, 0, 0, 0, time.UTC))
	for _, name := range []string{"first", "second, as empty as the first"} {
		t.Run(name, func(t *testing.T) {
			EachAt(t, clock, func(t *testing.T, d *db.DB) {
				if want := path.Base(t.Name()); d.Engine() != want {
					t.Fatalf("the engine is %s, not %s", d.Engine(), want)
				}
				err := d.Write(t.Context(), func(tx *db.Tx) error {
					if !tx.Now.Equal(clock.Now()) {
						t.Errorf("Now is %v", tx.Now)
					}
					first, err := db.Tally(tx, "job", 1)
					if first != 1 {
						t.Errorf("the tally begins at %d", first)
					}
					return err
				})
				if err != nil {
					t.Fatal(err)
				}
			})
		})
	}
}

func TestServerRestarts(t *testing.T) {
	s := NewServer(t)
	s.Restart(t)
	d, err := db.Open(t.Context(), s.URL(), db.Options{})
	if err != nil {
		t.Fatal(err)
	}
	d.Close()
}
