package db_test

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"dingdong/internal/db"
)

// A command is run beside a house that writes without pause.
func TestAnotherProcessGetsItsTurn(t *testing.T) {
	url := "sqlite:" + filepath.Join(t.TempDir(), "d.db")
	open := func() *db.DB {
		d, err := db.Open(t.Context(), url, db.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { d.Close() })
		return d
	}
	house, command := open(), open()
	if err := house.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var busy sync.WaitGroup
	defer busy.Wait()
	defer stop()
	for range 8 {
		busy.Go(func() {
			for ctx.Err() == nil {
				err := house.Write(ctx, func(tx *db.Tx) error {
					_, err := tx.Exec(`INSERT INTO setting (name, value) VALUES ($1, '')`, tx.NewID("set"))
					return err
				})
				if err != nil && !errors.Is(err, context.Canceled) {
					t.Error(err)
					return
				}
			}
		})
	}
	for range 20 {
		began := time.Now()
		err := command.Write(t.Context(), func(tx *db.Tx) error {
			_, err := tx.Exec(`INSERT INTO setting (name, value) VALUES ($1, '')`, tx.NewID("cmd"))
			return err
		})
		if err != nil {
			t.Fatalf("after %v: %v", time.Since(began), err)
		}
	}
}
