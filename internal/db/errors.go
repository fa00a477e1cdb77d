package db

import (
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
)

// What a store can say, in words both engines share.
var (
	ErrNotFound    = errors.New("not found")
	ErrConflict    = errors.New("already there")
	ErrTooNew      = errors.New("the database is newer than this program")
	ErrFull        = errors.New("the disk of the database is full")
	ErrUnavailable = errors.New("the database cannot be reached")
	ErrClosed      = errors.New("the database is closed")
	ErrText        = errors.New("text with a NUL or broken UTF-8")

	errSwallowed = errors.New("db: a statement failed and its error was ignored")
)

// Invalid is bad input: Code is a key of the locale files below "invalid.",
// such as "required", "too_long" or "unknown".
type Invalid struct{ Field, Code string }

func (e Invalid) Error() string { return "invalid " + e.Field + ": " + e.Code }

// NotFound turns what Scan says of a missing row into ErrNotFound, and of a
// violated unique index (INSERT ... RETURNING) into ErrConflict.
func NotFound(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return ErrNotFound
	}
	return classify(err)
}

// Primary result codes of SQLite; the low byte of what the driver reports.
const (
	liteBusy       = 5
	liteNoMemory   = 7
	liteReadOnly   = 8
	liteInterrupt  = 9
	liteIO         = 10
	liteCorrupt    = 11
	liteFull       = 13
	liteCannotOpen = 14
	liteProtocol   = 15
	liteNotADB     = 26
	liteUnique     = 2067
	litePrimaryKey = 1555
	liteRowID      = 2579
)

// classify gives an engine's error one of the names above, once.
func classify(err error) error {
	if err == nil || named(err) {
		return err
	}
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		switch lite.Code() {
		case liteUnique, litePrimaryKey, liteRowID:
			return fmt.Errorf("%w: %w", ErrConflict, err)
		}
		switch lite.Code() & 0xff {
		case liteFull:
			return fmt.Errorf("%w: %w", ErrFull, err)
		case liteCannotOpen:
			return fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
		return err
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		switch {
		case pg.Code == "23505":
			return fmt.Errorf("%w: %w", ErrConflict, err)
		case pg.Code == "53100":
			return fmt.Errorf("%w: %w", ErrFull, err)
		case strings.HasPrefix(pg.Code, "57P"), strings.HasPrefix(pg.Code, "08"), pg.Code == "53300":
			return fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
		return err
	}
	var connect *pgconn.ConnectError
	var network net.Error
	if errors.As(err, &connect) || errors.As(err, &network) || errors.Is(err, driver.ErrBadConn) ||
		errors.Is(err, sql.ErrConnDone) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) {
		return unavailable(err)
	}
	return err
}

func named(err error) bool {
	return errors.Is(err, ErrConflict) || errors.Is(err, ErrFull) || errors.Is(err, ErrUnavailable)
}

func unavailable(err error) error {
	if errors.Is(err, ErrUnavailable) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}

// retryable: the same work may well succeed in a new transaction.
func retryable(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code == "40001" || pg.Code == "40P01"
	}
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		return lite.Code()&0xff == liteBusy && !errors.Is(err, errBeginBusy)
	}
	return errors.Is(err, errAgain)
}

// errBeginBusy marks a lock that was waited for already.
var errBeginBusy = errors.New("db: another process holds the write lock")

// fatal errors may have rolled the transaction back behind our back, so that
// the next statement would commit by itself.
func fatal(err error) bool {
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		switch lite.Code() & 0xff {
		case liteBusy, liteNoMemory, liteReadOnly, liteInterrupt, liteIO, liteCorrupt, liteFull,
			liteCannotOpen, liteProtocol, liteNotADB:
			return true
		}
		return false
	}
	return errors.Is(err, ErrUnavailable) || errors.Is(err, pgx.ErrTxCommitRollback)
}
