package db

import (
	"context"
	"strconv"
	"testing/fstest"
)

// Queued is how many writes wait for the committer.
func Queued(d *DB) int { return len(d.writer.queue) }

// MigrateWith migrates with files of a test.
func MigrateWith(d *DB, files map[string]string) error {
	m := fstest.MapFS{}
	for name, text := range files {
		m[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return d.migrate(context.Background(), m)
}

// Limit caps the size of a SQLite database, or lifts the cap, as a full disk
// and a freed one would. It must be called inside a Write.
func Limit(tx *Tx, pages int) error {
	_, err := tx.s.conn.ExecContext(background, "PRAGMA max_page_count = "+strconv.Itoa(pages))
	return err
}

// Statements is how many statements the writer keeps prepared.
func Statements(d *DB) (n int) {
	_ = d.Write(background, func(tx *Tx) error { n = len(tx.s.stmts); return nil })
	return n
}

// Split is the splitter of migrations.
func Split(text string) []string { return statements(text) }

// StatementLimit is the most that are kept.
const StatementLimit = statementLimit
