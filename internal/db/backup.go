package db

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Backup copies a SQLite database into a new file while it is being used. The
// copy is one consistent moment, compact, and on the disk when Backup returns.
func (d *DB) Backup(ctx context.Context, path string) (err error) {
	if d.engine != SQLite {
		return errors.New("backup: only SQLite; use pg_dump for PostgreSQL")
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("backup: %w", classify(err))
		}
	}()
	// Made here so that it is ours alone, and refused if it is there.
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	defer func() {
		if err != nil {
			os.Remove(path)
		}
	}()
	conn, err := d.sql.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, "VACUUM INTO $1", path); err != nil {
		return err
	}
	return syncFile(f, filepath.Dir(path)) // VACUUM INTO does not
}

func syncFile(f *os.File, dir string) error {
	if err := f.Sync(); err != nil {
		return err
	}
	parent, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer parent.Close()
	return parent.Sync()
}

// Integrity reads a whole SQLite database and checks its pages, indexes and
// foreign keys. PostgreSQL keeps its foreign keys itself and has its own tools
// for the rest, so there it only answers whether the database can be read.
func (d *DB) Integrity(ctx context.Context) error {
	return d.Read(ctx, func(tx *Tx) error {
		if d.engine == Postgres {
			var one int
			return tx.QueryRow("SELECT 1").Scan(&one)
		}
		var faults []string
		rows, err := tx.Query("PRAGMA integrity_check(20)")
		if err != nil {
			return err
		}
		for rows.Next() {
			var line string
			if err := rows.Scan(&line); err != nil {
				return err
			}
			if line != "ok" {
				faults = append(faults, line)
			}
		}
		if err := rows.Err(); err != nil {
			return err
		}
		rows.Close()
		broken, err := foreignKeyFaults(tx)
		if err != nil {
			return err
		}
		if faults = append(faults, broken...); len(faults) > 0 {
			return fmt.Errorf("the database is damaged: %s", strings.Join(faults, "; "))
		}
		return nil
	})
}

func foreignKeyFaults(tx *Tx) ([]string, error) {
	rows, err := tx.Query(`SELECT "table", parent, COUNT(*) FROM pragma_foreign_key_check GROUP BY 1, 2`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var faults []string
	for rows.Next() {
		var table, parent string
		var n int64
		if err := rows.Scan(&table, &parent, &n); err != nil {
			return nil, err
		}
		faults = append(faults, fmt.Sprintf("%d rows of %s point to no row of %s", n, table, parent))
	}
	return faults, rows.Err()
}
