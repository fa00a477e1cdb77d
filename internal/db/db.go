// Package db is the house's store: SQLite in one file, or PostgreSQL, behind
// one Read and one Write. Write is a group commit: callers that arrive
// together share one durable transaction and each still has its own outcome.
package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
)

// Engine names, as Engine returns them.
const (
	SQLite   = "sqlite"
	Postgres = "postgres"
)

const (
	sqliteReaders  = 4
	postgresPool   = 16
	statementLimit = 500
)

// Options of Open; the zero value is right for production.
type Options struct {
	Clock func() time.Time // nil: time.Now
}

// DB is one open database.
type DB struct {
	engine  string
	clock   func() time.Time
	sql     *sql.DB       // SQLite: opens write connections; PostgreSQL: the pool
	reading *sql.DB       // SQLite only: opens query_only connections
	readers chan *session // SQLite only: idle readers, nil stands for one not opened yet
	path    string        // SQLite only
	ids     *idSource
	inserts insertTexts
	writer  *writer
	topics  topics

	closing sync.Once
	closed  chan struct{}
}

// Open connects to "sqlite:/path/file.db" or "postgres://...". It does not
// migrate.
func Open(ctx context.Context, url string, o Options) (*DB, error) {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	d := &DB{clock: o.Clock, ids: &idSource{}, closed: make(chan struct{})}
	var err error
	switch scheme, rest, _ := strings.Cut(url, ":"); scheme {
	case "sqlite":
		d.engine = SQLite
		err = d.openSQLite(strings.TrimPrefix(rest, "//"))
	case "postgres", "postgresql":
		d.engine = Postgres
		err = d.openPostgres(url)
	default:
		return nil, errors.New(`db: the address must begin with "sqlite:" or "postgres:"`)
	}
	if err != nil {
		return nil, fmt.Errorf("open %s database: %w", d.engine, err)
	}
	d.writer = newWriter(d)
	if err := d.writer.connect(ctx); err != nil {
		d.closePools()
		return nil, fmt.Errorf("open %s database: %w", d.engine, err)
	}
	go d.writer.loop()
	return d, nil
}

// Engine is "sqlite" or "postgres".
func (d *DB) Engine() string { return d.engine }

// Now is the clock of this database, in UTC and whole microseconds: what is
// stored and what is compared is the same instant.
func (d *DB) Now() time.Time { return d.clock().UTC().Truncate(time.Microsecond) }

// Close lets the writes that were accepted finish and releases everything.
func (d *DB) Close() error {
	d.closing.Do(func() {
		d.writer.stop()
		close(d.closed)
		d.closePools()
	})
	return nil
}

func (d *DB) closePools() {
	for range cap(d.readers) {
		if s := <-d.readers; s != nil {
			s.close()
		}
	}
	if d.reading != nil {
		d.reading.Close()
	}
	d.sql.Close()
}

// Read runs fn on one consistent snapshot, without the right to write.
func (d *DB) Read(ctx context.Context, fn func(*Tx) error) error {
	if d.engine == Postgres {
		return d.readPostgres(ctx, fn)
	}
	var s *session
	select {
	case s = <-d.readers:
	case <-ctx.Done():
		return ctx.Err()
	case <-d.closed:
		return ErrClosed
	}
	defer func() { d.readers <- s }() // the last value of s: nil when it must be opened anew
	select {
	case <-d.closed:
		return ErrClosed
	default:
	}
	if s == nil {
		var err error
		if s, err = openSession(ctx, d.reading, true); err != nil {
			return unavailable(err)
		}
	}
	if err := s.begin(ctx); err != nil {
		s.close()
		s = nil
		return fmt.Errorf("begin read: %w", classify(err))
	}
	healthy := false
	defer func() { // also when fn panics
		if s.rollback() != nil || !healthy {
			s.close()
			s = nil
		}
	}()
	tx := &Tx{Now: d.Now(), Ctx: ctx, db: d, s: s, readOnly: true}
	err := fn(tx)
	tx.closeRows()
	healthy = tx.dead == nil
	return classify(err)
}

func (d *DB) readPostgres(ctx context.Context, fn func(*Tx) error) error {
	t, err := d.sql.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return fmt.Errorf("begin read: %w", classify(err))
	}
	defer t.Rollback()
	tx := &Tx{Now: d.Now(), Ctx: ctx, db: d, s: &session{tx: t}, readOnly: true}
	err = fn(tx)
	tx.closeRows()
	return classify(err)
}
