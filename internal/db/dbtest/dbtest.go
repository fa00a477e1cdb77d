// Package dbtest gives every test an empty, migrated database of its own, on
// both engines.
package dbtest

import (
	"context"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"dingdong/internal/db"
)

// Clock is a clock that only a test moves.
type Clock struct {
	mu  sync.Mutex
	now time.Time
	dbs []*db.DB
}

// NewClock starts a clock at a time.
func NewClock(start time.Time) *Clock { return &Clock{now: start.UTC()} }

// Now is the time on the clock.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves the clock on and wakes what waits for the time.
func (c *Clock) Advance(by time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(by)
	for _, d := range c.dbs {
		d.Wake()
	}
}

func (c *Clock) follow(d *db.DB) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dbs = append(c.dbs, d)
}

// New gives an empty SQLite database that ends with the test.
func New(t testing.TB) *db.DB {
	t.Helper()
	return open(t, SQLiteURL(t), nil)
}

// NewAt is New with the test's own clock.
func NewAt(t testing.TB, clock *Clock) *db.DB {
	t.Helper()
	return open(t, SQLiteURL(t), clock)
}

// Each runs a test on SQLite and on PostgreSQL.
func Each(t *testing.T, test func(t *testing.T, d *db.DB)) {
	t.Helper()
	each(t, nil, test)
}

// EachAt is Each with the test's own clock.
func EachAt(t *testing.T, clock *Clock, test func(t *testing.T, d *db.DB)) {
	t.Helper()
	each(t, clock, test)
}

func each(t *testing.T, clock *Clock, test func(t *testing.T, d *db.DB)) {
	t.Run(db.SQLite, func(t *testing.T) { test(t, open(t, SQLiteURL(t), clock)) })
	t.Run(db.Postgres, func(t *testing.T) { test(t, open(t, PostgresURL(t), clock)) })
}

// SQLiteURL is the address of a new, migrated SQLite file.
func SQLiteURL(t testing.TB) string {
	t.Helper()
	file := filepath.Join(Folder(t), "test.db")
	Sow(t, file)
	return "sqlite:" + file
}

// Postgres gives an empty PostgreSQL database that ends with the test.
func Postgres(t testing.TB) *db.DB {
	t.Helper()
	return open(t, PostgresURL(t), nil)
}

func open(t testing.TB, url string, clock *Clock) *db.DB {
	t.Helper()
	ctx := context.Background()
	var o db.Options
	if clock != nil {
		o.Clock = clock.Now
	}
	d, err := db.Open(ctx, url, o)
	if err != nil {
		t.Fatal(err)
	}
	if clock != nil {
		clock.follow(d)
	}
	t.Cleanup(func() { d.Close() })
	if err := d.Migrate(ctx); err != nil {
		t.Fatal(err)
	}
	return d
}
