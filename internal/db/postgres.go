package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
)

// pgConnector opens pgx connections for database/sql. pgx has such a driver of
// its own, but it brings a second connection pool that nothing here uses.
type pgConnector struct{ cfg *pgx.ConnConfig }

func (c pgConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := pgx.ConnectConfig(ctx, c.cfg)
	if err != nil {
		return nil, err
	}
	// Compiling a plan takes longer than anything here takes to run.
	if _, err := conn.Exec(ctx, "SET jit = off"); err != nil {
		conn.Close(ctx)
		return nil, err
	}
	return &pgConn{c: conn, used: time.Now()}, nil
}

func (c pgConnector) Driver() driver.Driver { return c }

// Open is what driver.Driver demands; connections come from Connect.
func (c pgConnector) Open(string) (driver.Conn, error) { return c.Connect(background) }

type pgConn struct {
	c    *pgx.Conn
	used time.Time // the wall clock: this is about the network, not about the house's time
}

// idleCheck is how long a connection may rest before it is tried with an
// empty round trip: readers should not be the ones to notice a restart.
const idleCheck = time.Second

func (c *pgConn) Close() error {
	ctx, cancel := context.WithTimeout(background, 5*time.Second)
	defer cancel()
	return c.c.Close(ctx)
}

func (c *pgConn) IsValid() bool { return !c.c.IsClosed() }

func (c *pgConn) ResetSession(ctx context.Context) error {
	if c.c.IsClosed() || c.c.PgConn().TxStatus() != 'I' {
		return driver.ErrBadConn
	}
	now := time.Now()
	if now.Sub(c.used) > idleCheck && c.c.PgConn().Ping(ctx) != nil {
		return driver.ErrBadConn
	}
	c.used = now
	return nil
}

func (c *pgConn) Ping(ctx context.Context) error { return c.c.Ping(ctx) }

// CheckNamedValue lets every value through: pgx knows more types than
// database/sql does.
func (c *pgConn) CheckNamedValue(*driver.NamedValue) error { return nil }

func (c *pgConn) Begin() (driver.Tx, error) { return c.BeginTx(background, driver.TxOptions{}) }

func (c *pgConn) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	if c.c.IsClosed() {
		return nil, driver.ErrBadConn
	}
	var opts pgx.TxOptions
	switch sql.IsolationLevel(o.Isolation) {
	case sql.LevelDefault:
	case sql.LevelRepeatableRead:
		opts.IsoLevel = pgx.RepeatableRead
	default:
		return nil, fmt.Errorf("db: isolation level %d is not used here", o.Isolation)
	}
	if o.ReadOnly {
		opts.AccessMode = pgx.ReadOnly
	}
	tx, err := c.c.BeginTx(ctx, opts)
	if err != nil {
		return nil, err
	}
	return pgTx{tx}, nil
}

type pgTx struct{ tx pgx.Tx }

// Commit fails when PostgreSQL answered with a rollback: pgx looks at the
// answer's tag.
func (t pgTx) Commit() error   { return t.tx.Commit(background) }
func (t pgTx) Rollback() error { return t.tx.Rollback(background) }

func pgArgs(args []driver.NamedValue) []any {
	plain := make([]any, len(args))
	for i := range args {
		plain[i] = args[i].Value
	}
	return plain
}

func (c *pgConn) ExecContext(ctx context.Context, q string, args []driver.NamedValue) (driver.Result, error) {
	if c.c.IsClosed() {
		return nil, driver.ErrBadConn
	}
	tag, err := c.c.Exec(ctx, q, pgArgs(args)...)
	if err != nil {
		return nil, badConn(err)
	}
	return driver.RowsAffected(tag.RowsAffected()), nil
}

func (c *pgConn) QueryContext(ctx context.Context, q string, args []driver.NamedValue) (driver.Rows, error) {
	if c.c.IsClosed() {
		return nil, driver.ErrBadConn
	}
	rows, err := c.c.Query(ctx, q, pgArgs(args)...)
	if err != nil {
		return nil, badConn(err)
	}
	// The first row is asked for now: an INSERT ... RETURNING that fails
	// should fail here, as it does on SQLite.
	first := rows.Next()
	if err := rows.Err(); err != nil {
		rows.Close()
		return nil, err
	}
	return &pgRows{rows: rows, types: c.c.TypeMap(), ready: first, started: true}, nil
}

// badConn lets database/sql take another connection when nothing was sent.
func badConn(err error) error {
	if pgconn.SafeToRetry(err) {
		return driver.ErrBadConn
	}
	return err
}

// Prepare is for the rare caller of database/sql that prepares by hand; pgx
// prepares and keeps every statement by itself.
func (c *pgConn) Prepare(q string) (driver.Stmt, error) { return &pgStmt{c, q}, nil }

type pgStmt struct {
	c *pgConn
	q string
}

func (s *pgStmt) Close() error  { return nil }
func (s *pgStmt) NumInput() int { return -1 }

var errOldDriver = errors.New("db: use the calls with a context")

func (s *pgStmt) Exec([]driver.Value) (driver.Result, error) { return nil, errOldDriver }
func (s *pgStmt) Query([]driver.Value) (driver.Rows, error)  { return nil, errOldDriver }

func (s *pgStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	return s.c.ExecContext(ctx, s.q, args)
}

func (s *pgStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	return s.c.QueryContext(ctx, s.q, args)
}

type pgRows struct {
	rows  pgx.Rows
	types *pgtype.Map
	ready bool // the next row has been fetched
	// started: the first row was asked for before database/sql asked
	started bool
}

func (r *pgRows) Columns() []string {
	fields := r.rows.FieldDescriptions()
	names := make([]string, len(fields))
	for i := range fields {
		names[i] = fields[i].Name
	}
	return names
}

// ColumnTypeDatabaseTypeName tells CopyTo which columns are booleans.
func (r *pgRows) ColumnTypeDatabaseTypeName(i int) string {
	if t, ok := r.types.TypeForOID(r.rows.FieldDescriptions()[i].DataTypeOID); ok {
		return t.Name
	}
	return ""
}

func (r *pgRows) Close() error {
	r.rows.Close()
	return r.rows.Err()
}

func (r *pgRows) Next(dest []driver.Value) error {
	if r.started {
		r.started = false
	} else {
		r.ready = r.rows.Next()
	}
	if !r.ready {
		if err := r.rows.Err(); err != nil {
			return err
		}
		return io.EOF
	}
	fields := r.rows.FieldDescriptions()
	for i, raw := range r.rows.RawValues() {
		if raw == nil {
			dest[i] = nil
			continue
		}
		f := &fields[i]
		t, ok := r.types.TypeForOID(f.DataTypeOID)
		if !ok {
			dest[i] = string(raw)
			continue
		}
		v, err := t.Codec.DecodeDatabaseSQLValue(r.types, f.DataTypeOID, f.Format, raw)
		if err != nil {
			return fmt.Errorf("read column %s: %w", f.Name, err)
		}
		dest[i] = v
	}
	return nil
}
