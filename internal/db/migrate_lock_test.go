package db_test

import (
	"context"
	"testing"
	"time"

	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
)

// TestMigrateBesideABusyServer: a backup or a check beside a server that never
// lets go of the write lock finds nothing to migrate, and must not wait for it.
func TestMigrateBesideABusyServer(t *testing.T) {
	url := dbtest.SQLiteURL(t)
	open := func() *db.DB {
		t.Helper()
		d, err := db.Open(t.Context(), url, db.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { d.Close() })
		return d
	}
	server := open()
	if err := server.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	held, release, ended := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- server.Write(context.Background(), func(*db.Tx) error {
			close(held)
			<-release
			return nil
		})
	}()
	<-held
	defer func() {
		close(release)
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	began := time.Now()
	if err := open().Migrate(t.Context()); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > 8*time.Second {
		t.Errorf("it waited %v for a lock that it does not need", took)
	}
}
