package db_test

import (
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
)

func TestIDs(t *testing.T) {
	clock := dbtest.NewClock(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	d := dbtest.NewAt(t, clock)
	last := ""
	for _, step := range []time.Duration{0, time.Millisecond, -time.Hour, 0, 2 * time.Hour} {
		clock.Advance(step)
		err := d.Read(t.Context(), func(tx *db.Tx) error {
			for range 1000 {
				id := tx.NewID("msg")
				if id <= last {
					return fmt.Errorf("%s after %s", id, last)
				}
				if len(id) != 30 || strings.Trim(id[4:], "0123456789abcdefghijklmnopqrstuv") != "" {
					return errors.New(id)
				}
				last = id
			}
			return nil
		})
		if err != nil {
			t.Fatalf("after %v: %v", step, err)
		}
	}
}

func TestTimes(t *testing.T) {
	at := time.Date(2026, 11, 22, 5, 0, 0, 123456000, time.FixedZone("Taipei", 8*3600))
	if got := db.Time(db.Micro(at)); !got.Equal(at) || got.Location() != time.UTC {
		t.Error(got)
	}
	if db.Micro(time.Time{}) != 0 || !db.Time(0).IsZero() {
		t.Error("no time is not 0")
	}
}

func TestReadIsASnapshotAndReadOnly(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		count := func(tx *db.Tx) (n int) {
			if err := tx.QueryRow("SELECT COUNT(*) FROM setting").Scan(&n); err != nil {
				t.Error(err)
			}
			return n
		}
		err := d.Read(t.Context(), func(tx *db.Tx) error {
			before := count(tx)
			if err := d.Write(t.Context(), put("x")); err != nil {
				return err
			}
			if after := count(tx); after != before {
				t.Errorf("the snapshot moved from %d to %d", before, after)
			}
			_, err := tx.Exec("DELETE FROM setting")
			return err
		})
		if err == nil {
			t.Error("a reader could write")
		}
		if got := names(t, d); len(got) != 1 {
			t.Error(got)
		}
	})
}

func TestErrors(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		err := d.Read(t.Context(), func(tx *db.Tx) error {
			var s string
			return db.NotFound(tx.QueryRow("SELECT value FROM setting WHERE name = $1", "none").Scan(&s))
		})
		if !errors.Is(err, db.ErrNotFound) {
			t.Errorf("a missing row: %v", err)
		}
		err = d.Write(t.Context(), func(tx *db.Tx) error { _, err := db.Tally(tx, "none", 1); return err })
		if !errors.Is(err, db.ErrNotFound) {
			t.Errorf("a missing tally: %v", err)
		}
		secret := "0912-345-678"
		_ = d.Write(t.Context(), put(secret))
		if err := d.Write(t.Context(), put(secret)); !errors.Is(err, db.ErrConflict) || strings.Contains(err.Error(), secret) {
			t.Errorf("a conflict: %v", err)
		}
		err = d.Write(t.Context(), func(tx *db.Tx) error {
			rows, err := tx.Query("SELECT name FROM tally")
			if err != nil {
				return err
			}
			defer rows.Close()
			rows.Next()
			return put("nested")(tx)
		})
		if err == nil || !strings.Contains(err.Error(), "close the rows") {
			t.Errorf("a statement while rows are open: %v", err)
		}
		err = d.Write(t.Context(), func(tx *db.Tx) error {
			var s string
			return tx.QueryRow("SELECT name FROM tally WHERE name = $1", "\x00").Scan(&s)
		})
		if !errors.Is(err, db.ErrText) {
			t.Errorf("QueryRow with a NUL: %v", err)
		}
	})
}

func TestCleanText(t *testing.T) {
	for in, want := range map[string]string{"": "", "你好 👋": "你好 👋", "a\x00b": "ab", "a\xffb": "a\uFFFDb", "\x00": ""} {
		if got := db.CleanText(in); got != want {
			t.Errorf("%q became %q", in, got)
		}
	}
}

func TestInsertAndCollect(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		for _, n := range []int{0, 1, 3, 4, 700} {
			var args []any
			for i := range n {
				args = append(args, fmt.Sprintf("%d/%04d", n, i), "v")
			}
			err := d.Write(t.Context(), func(tx *db.Tx) error {
				if err := tx.Insert("INSERT INTO setting (name, value)", 2, args, "ON CONFLICT (name) DO NOTHING"); err != nil {
					return err
				}
				rows, err := tx.Query("SELECT name FROM setting WHERE name LIKE $1 ORDER BY name", fmt.Sprintf("%d/%%", n))
				got, err := db.Collect(rows, err, func(r *sql.Rows) (s string, err error) { return s, r.Scan(&s) })
				if err == nil && (len(got) != n || !slices.IsSorted(got)) {
					t.Errorf("%d rows in, %d out", n, len(got))
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := d.Write(t.Context(), func(tx *db.Tx) error { return tx.Insert("INSERT", 2, []any{1}, "") }); err == nil {
			t.Error("half a row was accepted")
		}
	})
	if got := db.Marks(3, 9); got != "$9,$10,$11" {
		t.Error(got)
	}
}

func TestStatementsAreKept(t *testing.T) {
	d := dbtest.New(t)
	for round := range 2 {
		for i := range db.StatementLimit + 50 {
			var n int
			err := d.Write(t.Context(), func(tx *db.Tx) error {
				return tx.QueryRow(fmt.Sprintf("SELECT %d FROM tally WHERE name = 'job'", i)).Scan(&n)
			})
			if err != nil || n != i {
				t.Fatalf("round %d, statement %d: %d, %v", round, i, n, err)
			}
		}
	}
	if got := db.Statements(d); got != db.StatementLimit {
		t.Errorf("%d statements are kept", got)
	}
}

func TestMigrate(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		if err := d.Migrate(t.Context()); err != nil {
			t.Errorf("a second time: %v", err)
		}
		if err := db.MigrateWith(d, nil); !errors.Is(err, db.ErrTooNew) {
			t.Errorf("an older program: %v", err)
		}
		// What both engines must agree about.
		err := d.Write(t.Context(), func(tx *db.Tx) error {
			for _, name := range []string{"b", "B", "a", "é", "Z", "_"} {
				if err := put(name)(tx); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := names(t, d); !slices.Equal(got, []string{"B", "Z", "_", "a", "b", "é"}) {
			t.Errorf("sorted: %q", got)
		}
		err = d.Write(t.Context(), func(tx *db.Tx) error {
			_, err := tx.Exec("INSERT INTO tally (name, n) VALUES ('x', 'many')")
			return err
		})
		if err == nil {
			t.Error("a number may be text")
		}
	})
}

func TestFailedMigrationLeavesNothing(t *testing.T) {
	for name, url := range map[string]string{"sqlite": "sqlite:" + filepath.Join(dbtest.Folder(t), "empty.db"), "postgres": dbtest.NewServer(t).URL()} {
		t.Run(name, func(t *testing.T) {
			d, err := db.Open(t.Context(), url, db.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer d.Close()
			files := map[string]string{
				"1_a.sql": "CREATE TABLE one (a BIGINT, b BYTEA, c BOOLEAN NOT NULL DEFAULT TRUE, d TEXT);",
				"2_b.sql": "CREATE TABLE two (a BIGINT);\nINSERT INTO nowhere VALUES (1);",
			}
			if err := db.MigrateWith(d, files); err == nil {
				t.Fatal("the broken migration was accepted")
			}
			files["2_b.sql"] = "CREATE TABLE two (a BIGINT);"
			if err := db.MigrateWith(d, files); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestSplit(t *testing.T) {
	got := db.Split("-- a; b\nCREATE TABLE a (\n  x TEXT, -- one; two\n  y TEXT\n);\n\nINSERT INTO a VALUES ('p;q');\nSELECT 1")
	want := []string{"CREATE TABLE a (\n  x TEXT, \n  y TEXT\n)", "INSERT INTO a VALUES ('p;q')", "SELECT 1"}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

func TestBackup(t *testing.T) {
	d := dbtest.New(t)
	if err := d.Write(t.Context(), put("kept")); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "it's a copy.db")
	if err := d.Backup(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	if err := d.Backup(t.Context(), path); err == nil {
		t.Error("a backup overwrote another file")
	}
	if err := d.Write(t.Context(), put("later")); err != nil {
		t.Fatal(err)
	}
	c, err := db.Open(t.Context(), "sqlite:"+path, db.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if got := names(t, c); !slices.Equal(got, []string{"kept"}) {
		t.Errorf("%q", got)
	}
	if err := c.Integrity(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestIntegrity(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		if err := d.Integrity(t.Context()); err != nil {
			t.Error(err)
		}
		err := d.Write(t.Context(), func(tx *db.Tx) error {
			_, err := tx.Exec("INSERT INTO counter (id, store_id, brand_id, name) VALUES ('cnt_1', 'none', 'none', 'x')")
			return err
		})
		if err == nil {
			t.Error("a foreign key was not kept")
		}
	})
}

func TestCopyBetweenEngines(t *testing.T) {
	lite, pg, back := dbtest.New(t), dbtest.Postgres(t), dbtest.New(t)
	fill := func(tx *db.Tx) error {
		if _, err := db.Tally(tx, "event", 41); err != nil {
			return err
		}
		var args []any
		for i := range 1203 {
			args = append(args, fmt.Sprintf("stf_%04d", i), fmt.Sprintf("%d@example.com", i), "名 👋", "advisor", i%2 == 0, int64(i)<<40)
		}
		if err := tx.Insert("INSERT INTO staff (id, email, name, role, sound, created_at)", 6, args, ""); err != nil {
			return err
		}
		for _, q := range []string{
			"INSERT INTO store (id, name, closed_at) VALUES ('sto_1', 's', NULL)",
			"INSERT INTO brand (id, name) VALUES ('brd_1', 'b')",
			"INSERT INTO counter (id, store_id, brand_id, name) VALUES ('cnt_1', 'sto_1', 'brd_1', 'c')",
		} {
			if _, err := tx.Exec(q); err != nil {
				return err
			}
		}
		_, err := tx.Exec("INSERT INTO vault_key (customer_id, sealed, created_at) VALUES ('cus_1', $1, 5)", []byte{0, 255, 1})
		return err
	}
	if err := lite.Write(t.Context(), fill); err != nil {
		t.Fatal(err)
	}
	copied := make(map[string]int64)
	if err := lite.CopyTo(t.Context(), pg, func(table string, n int64) { copied[table] = n }); err != nil {
		t.Fatal(err)
	}
	if copied["staff"] != 1203 || copied["counter"] != 1 || copied["message"] != 0 {
		t.Errorf("%v", copied)
	}
	if err := pg.CopyTo(t.Context(), back, nil); err != nil {
		t.Fatal(err)
	}
	if err := lite.CopyTo(t.Context(), back, nil); !errors.Is(err, db.ErrConflict) {
		t.Errorf("into a database with rows: %v", err)
	}
	dump := func(d *db.DB) string {
		var b strings.Builder
		err := d.Read(t.Context(), func(tx *db.Tx) error {
			var n int64
			var sealed []byte
			if err := tx.QueryRow("SELECT n FROM tally WHERE name = 'event'").Scan(&n); err != nil {
				return err
			}
			if err := tx.QueryRow("SELECT sealed FROM vault_key").Scan(&sealed); err != nil {
				return err
			}
			fmt.Fprintln(&b, n, sealed)
			rows, err := tx.Query("SELECT id, name, sound, created_at, left_at FROM staff ORDER BY id")
			_, err = db.Collect(rows, err, func(r *sql.Rows) (x struct{}, err error) {
				var id, name string
				var sound bool
				var at int64
				var left sql.NullInt64
				err = r.Scan(&id, &name, &sound, &at, &left)
				fmt.Fprintln(&b, id, name, sound, at, left)
				return x, err
			})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	want := dump(lite)
	if dump(pg) != want || dump(back) != want {
		t.Error("the copies differ")
	}
}
