package db_test

import (
	"context"
	"database/sql"
	"errors"
	"testing"

	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
)

// Sixty-four callers at once: run with -cpu as wanted.
func write64(b *testing.B, d *db.DB, fn func(*db.Tx) error) {
	b.ReportAllocs()
	b.SetParallelism(64)
	b.ResetTimer()
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			if err := d.Write(context.Background(), fn); err != nil {
				b.Error(err)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "writes/s")
}

func insertOne(tx *db.Tx) error {
	_, err := tx.Exec("INSERT INTO setting (name, value) VALUES ($1, $2)", tx.NewID("msg"), "value")
	return err
}

// receiveLike is about what one webhook event costs: three look-ups, two
// inserts, an update, and a row that is written together with others'.
func receiveLike(tx *db.Tx) error {
	var s string
	for _, name := range []string{"event", "audit", "job"} {
		if err := tx.QueryRow("SELECT note FROM tally WHERE name = $1", name).Scan(&s); err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
	}
	id := tx.NewID("cus")
	if _, err := tx.Exec("INSERT INTO customer (id, kind, name, created_at) VALUES ($1, $2, $3, $4)", id, "person", []byte(id), db.Micro(tx.Now)); err != nil {
		return err
	}
	if _, err := tx.Exec("INSERT INTO vault_key (customer_id, sealed, created_at) VALUES ($1, $2, $3)", id, []byte(id), db.Micro(tx.Now)); err != nil {
		return err
	}
	if _, err := tx.Exec("UPDATE customer SET name = $1 WHERE id = $2", []byte("new"), id); err != nil {
		return err
	}
	tx.Defer(notes, id)
	return nil
}

func BenchmarkWrite(b *testing.B) {
	for _, c := range []struct {
		name string
		fn   func(*db.Tx) error
	}{{"one insert", insertOne}, {"like a webhook event", receiveLike}} {
		b.Run(c.name+"/sqlite", func(b *testing.B) { write64(b, dbtest.New(b), c.fn) })
		b.Run(c.name+"/postgres", func(b *testing.B) { write64(b, dbtest.Postgres(b), c.fn) })
	}
}

func BenchmarkRead(b *testing.B) {
	read := func(b *testing.B, d *db.DB) {
		b.ReportAllocs()
		b.RunParallel(func(p *testing.PB) {
			for p.Next() {
				err := d.Read(context.Background(), func(tx *db.Tx) error {
					var n int64
					return tx.QueryRow("SELECT n FROM tally WHERE name = $1", "job").Scan(&n)
				})
				if err != nil {
					b.Error(err)
				}
			}
		})
	}
	b.Run("sqlite", func(b *testing.B) { read(b, dbtest.New(b)) })
	b.Run("postgres", func(b *testing.B) { read(b, dbtest.Postgres(b)) })
}
