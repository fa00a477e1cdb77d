package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"net/url"
	"os"
	"strings"

	"github.com/jackc/pgx/v5"
	_ "modernc.org/sqlite" // registers the driver "sqlite"
)

// background is handed to drivers: a context that can end costs a goroutine
// for every statement on SQLite, and the connection itself on PostgreSQL.
var background = context.Background()

// session is one connection. On SQLite it keeps its prepared statements;
// pgx keeps its own, so there stmts is nil and a sql.Tx holds the transaction.
type session struct {
	conn  *sql.Conn
	tx    *sql.Tx
	stmts map[string]statement
	start string // SQLite: how a transaction begins
}

func (d *DB) openSQLite(path string) error {
	// Made here so that it is ours alone: SQLite gives its -wal and -shm
	// files the mode of the database file.
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	f.Close()
	d.path = path
	base := "file:" + (&url.URL{Path: path}).EscapedPath() +
		"?_pragma=busy_timeout(5000)&_pragma=foreign_keys(1)&_pragma=synchronous(2)"
	if d.sql, err = sql.Open("sqlite", base+"&_pragma=journal_mode(wal)&_txlock=immediate"); err != nil {
		return err
	}
	if d.reading, err = sql.Open("sqlite", base+"&_pragma=query_only(1)"); err != nil {
		return err
	}
	d.readers = make(chan *session, sqliteReaders)
	for range sqliteReaders {
		d.readers <- nil
	}
	return nil
}

func (d *DB) openPostgres(url string) error {
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		return err
	}
	cfg.StatementCacheCapacity = statementLimit
	if _, set := cfg.RuntimeParams["application_name"]; !set {
		cfg.RuntimeParams["application_name"] = "dingdong"
	}
	d.sql = sql.OpenDB(pgConnector{cfg})
	d.sql.SetMaxOpenConns(postgresPool)
	d.sql.SetMaxIdleConns(postgresPool)
	return nil
}

// openSession takes a connection of its own; sqlite says whether statements
// are to be kept here.
func openSession(ctx context.Context, pool *sql.DB, sqlite bool) (*session, error) {
	conn, err := pool.Conn(ctx)
	if err != nil {
		return nil, err
	}
	s := &session{conn: conn}
	if sqlite {
		s.stmts, s.start = make(map[string]statement), "BEGIN"
	}
	return s, nil
}

func (s *session) begin(ctx context.Context) error {
	if s.stmts == nil {
		tx, err := s.conn.BeginTx(ctx, nil)
		s.tx = tx
		return err
	}
	_, err := s.exec(ctx, s.start, nil)
	return err
}

func (s *session) commit() error {
	if s.stmts == nil {
		return s.tx.Commit()
	}
	_, err := s.exec(background, "COMMIT", nil)
	return err
}

func (s *session) rollback() error {
	if s.stmts == nil {
		if s.tx == nil {
			return nil
		}
		return s.tx.Rollback()
	}
	_, err := s.exec(background, "ROLLBACK", nil)
	return err
}

func (s *session) exec(ctx context.Context, q string, args []any) (sql.Result, error) {
	if s.stmts == nil {
		return s.tx.ExecContext(ctx, q, args...)
	}
	st, err := s.prepared(ctx, q)
	if err != nil {
		return nil, err
	}
	return st.ExecContext(ctx, arrange(st.order, args)...)
}

func (s *session) query(ctx context.Context, q string, args []any) (*sql.Rows, error) {
	if s.stmts == nil {
		return s.tx.QueryContext(ctx, q, args...)
	}
	st, err := s.prepared(ctx, q)
	if err != nil {
		return nil, err
	}
	return st.QueryContext(ctx, arrange(st.order, args)...)
}

func (s *session) queryRow(ctx context.Context, q string, args []any) *sql.Row {
	if s.stmts == nil {
		return s.tx.QueryRowContext(ctx, q, args...)
	}
	st, err := s.prepared(ctx, q)
	if err != nil {
		return refusedRow(err)
	}
	return st.QueryRowContext(ctx, arrange(st.order, args)...)
}

// refusal is a connector that only says err: the one way to a sql.Row that
// carries an error of ours.
type refusal struct{ err error }

func (r refusal) Connect(context.Context) (driver.Conn, error) { return nil, r.err }
func (r refusal) Driver() driver.Driver                        { return nil }

func refusedRow(err error) *sql.Row {
	d := sql.OpenDB(refusal{err})
	defer d.Close()
	return d.QueryRow("")
}

// statement is a prepared statement and where its arguments go.
type statement struct {
	*sql.Stmt
	order []int
}

func (s *session) prepared(ctx context.Context, q string) (statement, error) {
	if st, ok := s.stmts[q]; ok {
		return st, nil
	}
	if len(s.stmts) >= statementLimit {
		for old, st := range s.stmts { // whichever comes first: no bookkeeping on the hot path
			st.Close()
			delete(s.stmts, old)
			break
		}
	}
	text, order := positional(q)
	prepared, err := s.conn.PrepareContext(ctx, text)
	if err != nil {
		return statement{}, err
	}
	st := statement{prepared, order}
	s.stmts[strings.Clone(q)] = st
	return st, nil
}

// state asks PostgreSQL's connection whether it is lost, and whether its
// transaction has failed. SQLite has neither.
func (s *session) state() (lost, failed bool) {
	if s.stmts != nil {
		return false, false
	}
	err := s.conn.Raw(func(c any) error {
		p := c.(*pgConn).c
		lost, failed = p.IsClosed(), p.PgConn().TxStatus() == 'E'
		return nil
	})
	return lost || err != nil, failed
}

// close ends the connection itself: database/sql would keep it for the next
// one to ask, with the transaction it may still be in.
func (s *session) close() {
	for _, st := range s.stmts {
		st.Close()
	}
	_ = s.conn.Raw(func(any) error { return driver.ErrBadConn })
	s.conn.Close()
}
