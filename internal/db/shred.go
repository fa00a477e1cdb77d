package db

import (
	"context"
	"fmt"
	"strings"
)

// Shred makes what the rest of this transaction deletes unreadable in the file
// itself, not only out of reach: SQLite then overwrites with zeros also the pages that
// become free. That costs writes, so it is for an erasure and not for every day. On PostgreSQL it does
// nothing: see Settle.
func (tx *Tx) Shred() error {
	if tx.db.engine != SQLite {
		return nil
	}
	var on int
	if err := tx.QueryRow("PRAGMA secure_delete = 1").Scan(&on); err != nil {
		return fmt.Errorf("shred: %w", err)
	}
	tx.AfterCommit(func() {
		// Should it fail, later deletes are shredded too, which is only slower.
		_, _ = tx.s.conn.ExecContext(background, "PRAGMA secure_delete = FAST")
	})
	return nil
}

// Settle empties what lies beside the tables of earlier transactions: the
// write-ahead log of SQLite, where old pages stay until they are overwritten; on
// PostgreSQL the dead rows of the named tables. It waits for nobody: what is in
// use stays for the next time.
func (d *DB) Settle(ctx context.Context, tables ...string) error {
	q := "PRAGMA wal_checkpoint(TRUNCATE)"
	if d.engine == Postgres {
		if len(tables) == 0 {
			return nil
		}
		q = "VACUUM " + strings.Join(tables, ", ")
	}
	if _, err := d.sql.ExecContext(ctx, q); err != nil {
		return fmt.Errorf("settle: %w", classify(err))
	}
	return nil
}
