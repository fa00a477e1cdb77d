package dbtest

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"dingdong/internal/db"
)

// memory is where a Linux keeps files that are never written to a disk, and room what
// it must have before the tests move in: a container may have as little as 64 MB.
const (
	memory = "/dev/shm"
	room   = 2 << 30
)

// base is the folder in which databases of tests are made. What they sync is for a crash
// of the machine, and no test crashes the machine.
var base = sync.OnceValue(func() string {
	var at syscall.Statfs_t
	if err := syscall.Statfs(memory, &at); err != nil || at.Bavail*uint64(at.Bsize) < room || syscall.Access(memory, 2) != nil {
		return os.TempDir()
	}
	return memory
})

// Folder is t.TempDir for a database.
func Folder(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp(base(), "dingdong-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// migrated is an empty SQLite file with its tables: to copy it is quicker than to make it.
var migrated = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp(base(), "dingdong-test-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "test.db")
	d, err := db.Open(context.Background(), "sqlite:"+file, db.Options{})
	if err != nil {
		return nil, err
	}
	err = d.Migrate(context.Background())
	d.Close()
	if err != nil {
		return nil, err
	}
	return os.ReadFile(file)
})

// Sow puts an empty database with its tables into a file.
func Sow(t testing.TB, file string) {
	t.Helper()
	raw, err := migrated()
	if err == nil {
		err = os.WriteFile(file, raw, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}
