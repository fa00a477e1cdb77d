package db

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"hash/fnv"
	"io/fs"
	"path"
	"regexp"
	"sort"
	"strings"
)

//go:embed migrations/*.sql
var embedded embed.FS

// migrationLock is any number that nobody else takes as an advisory lock.
const migrationLock = 0x64696e67646f6e67

// Migrate brings the database up to this program, under a lock: of several
// processes that start together one does the work. It goes forward only and
// answers ErrTooNew to a database that a later program has changed.
func (d *DB) Migrate(ctx context.Context) error {
	files, err := fs.Sub(embedded, "migrations")
	if err != nil {
		return err
	}
	if err := d.migrate(ctx, files); err != nil {
		return fmt.Errorf("migrate: %w", classify(err))
	}
	return nil
}

func (d *DB) migrate(ctx context.Context, files fs.FS) error {
	names, err := migrationNames(files)
	if err != nil {
		return err
	}
	// A command beside a busy server must not wait for its lock to find nothing to do.
	if d.upToDate(ctx, names) {
		return nil
	}
	tx, err := d.sql.BeginTx(ctx, nil) // _txlock makes it immediate on SQLite
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if d.engine == Postgres {
		if _, err := tx.ExecContext(ctx, "SELECT pg_advisory_xact_lock($1)", int64(migrationLock)); err != nil {
			return err
		}
	}
	if err := run(ctx, tx, d.dialect("CREATE TABLE IF NOT EXISTS migration (name TEXT PRIMARY KEY, at BIGINT NOT NULL);")); err != nil {
		return err
	}
	done, err := applied(ctx, tx)
	if err != nil {
		return err
	}
	for _, name := range names {
		if done[name] {
			delete(done, name)
			continue
		}
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		if err := run(ctx, tx, d.dialect(string(text))); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if _, err := tx.ExecContext(ctx, "INSERT INTO migration (name, at) VALUES ($1, $2)", name, Micro(d.Now())); err != nil {
			return err
		}
	}
	for name := range done {
		return fmt.Errorf("%w: it has %s", ErrTooNew, name)
	}
	return tx.Commit()
}

// upToDate looks without a lock. Whatever goes wrong, as in an empty database,
// is found again, and told, with it.
func (d *DB) upToDate(ctx context.Context, names []string) bool {
	var done int
	err := d.Read(ctx, func(tx *Tx) error {
		if err := tx.QueryRow("SELECT COUNT(*) FROM migration").Scan(&done); err != nil || done != len(names) {
			return err
		}
		for _, name := range names {
			var there int
			if err := tx.QueryRow("SELECT COUNT(*) FROM migration WHERE name = $1", name).Scan(&there); err != nil || there == 0 {
				done = 0
				return err
			}
		}
		return nil
	})
	return err == nil && done == len(names)
}

func migrationNames(files fs.FS) ([]string, error) {
	names, err := fs.Glob(files, "*.sql")
	sort.Strings(names)
	return names, err
}

func applied(ctx context.Context, tx *sql.Tx) (map[string]bool, error) {
	rows, err := tx.QueryContext(ctx, "SELECT name FROM migration")
	names, err := Collect(rows, err, func(r *sql.Rows) (name string, err error) { return name, r.Scan(&name) })
	done := make(map[string]bool)
	for _, n := range names {
		done[path.Base(n)] = true
	}
	return done, err
}

func run(ctx context.Context, tx *sql.Tx, text string) error {
	for _, statement := range statements(text) {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", shorten(statement), err)
		}
	}
	return nil
}

var (
	comment    = regexp.MustCompile(`--[^\n]*`)
	liteTypes  = regexp.MustCompile(`\b(BIGINT|BOOLEAN|BYTEA)\b`)
	pgText     = regexp.MustCompile(`\bTEXT\b`)
	tableStart = regexp.MustCompile(`(?i)^\s*CREATE\s+TABLE\s`)
)

// statements splits at semicolons that end a line. Comments go first, so that
// one of them cannot hide the end of a statement; migrations keep "--" and
// semicolons at line ends out of their strings.
func statements(text string) []string {
	var all []string
	var b strings.Builder
	for line := range strings.Lines(comment.ReplaceAllString(text, "")) {
		b.WriteString(line)
		if !strings.HasSuffix(strings.TrimSpace(line), ";") {
			continue
		}
		s := strings.TrimSuffix(strings.TrimSpace(b.String()), ";")
		if s != "" {
			all = append(all, s)
		}
		b.Reset()
	}
	if s := strings.TrimSpace(b.String()); s != "" {
		all = append(all, s)
	}
	return all
}

// dialect writes the one set of migrations in the engine's own words.
// PostgreSQL's text gets the "C" collation, so that both engines sort and
// compare by bytes.
func (d *DB) dialect(text string) string {
	var b strings.Builder
	for _, s := range statements(text) {
		if d.engine == SQLite {
			s = liteTypes.ReplaceAllStringFunc(s, func(t string) string {
				if t == "BYTEA" {
					return "BLOB"
				}
				return "INTEGER"
			})
			if tableStart.MatchString(s) {
				s += " STRICT"
				if strings.Contains(s, clustered) {
					s += ", WITHOUT ROWID"
				}
			}
		} else {
			s = pgText.ReplaceAllString(s, `TEXT COLLATE "C"`)
		}
		b.WriteString(s)
		b.WriteString(";\n")
	}
	return b.String()
}

// clustered marks tables of many short rows that are found by their key: SQLite
// keeps them in the key's index instead of beside it, which is half the work of an
// insert.
const clustered = "/* clustered */"

// Fingerprint names the set of migrations of this program, for templates of
// test databases.
func Fingerprint() string {
	h := fnv.New64a()
	names, _ := fs.Glob(embedded, "migrations/*.sql")
	for _, name := range names {
		text, _ := embedded.ReadFile(name)
		fmt.Fprintln(h, name, string(text))
	}
	return fmt.Sprintf("%016x", h.Sum64())
}
