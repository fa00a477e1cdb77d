package db

import (
	"context"
	"fmt"
	"regexp"
	"strings"
)

var tableName = regexp.MustCompile(`(?im)^\s*CREATE\s+TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?([a-z_]+)`)

// Tables lists every table in the order in which the migrations make them:
// what a foreign key points to comes first.
func Tables() ([]string, error) {
	files, err := embedded.ReadDir("migrations")
	if err != nil {
		return nil, err
	}
	var names []string
	for _, f := range files { // ReadDir sorts by name
		text, err := embedded.ReadFile("migrations/" + f.Name())
		if err != nil {
			return nil, err
		}
		for _, m := range tableName.FindAllStringSubmatch(comment.ReplaceAllString(string(text), ""), -1) {
			names = append(names, m[1])
		}
	}
	return names, nil
}

// CopyTo copies every row of one consistent moment into other, which must be
// migrated and empty, on whichever engine it is. progress may be nil.
func (d *DB) CopyTo(ctx context.Context, other *DB, progress func(table string, rows int64)) error {
	tables, err := Tables()
	if err != nil {
		return err
	}
	if err := other.requireEmpty(ctx, tables); err != nil {
		return err
	}
	return d.Read(ctx, func(tx *Tx) error {
		for _, table := range tables {
			c := &copying{from: tx, to: other, table: table}
			if err := c.run(ctx); err != nil {
				return fmt.Errorf("copy %s after %d rows: %w", table, c.done, err)
			}
			if progress != nil {
				progress(table, c.done)
			}
		}
		return nil
	})
}

// requireEmpty allows for tally, whose rows a migration makes.
func (d *DB) requireEmpty(ctx context.Context, tables []string) error {
	return d.Read(ctx, func(tx *Tx) error {
		for _, table := range tables {
			if table == "tally" {
				continue
			}
			var n int64
			if err := tx.QueryRow("SELECT COUNT(*) FROM (SELECT 1 FROM " + table + " LIMIT 1) AS one").Scan(&n); err != nil {
				return fmt.Errorf("look into %s: %w", table, err)
			}
			if n > 0 {
				return fmt.Errorf("%w: %s of the new database holds rows", ErrConflict, table)
			}
		}
		return nil
	})
}

type copying struct {
	from    *Tx
	to      *DB
	table   string
	columns []string
	bools   []bool // of the new database's columns
	done    int64
}

const copyRows = 500

func (c *copying) run(ctx context.Context) error {
	if err := c.describe(ctx); err != nil {
		return err
	}
	if c.table == "tally" {
		clear := func(tx *Tx) error { _, err := tx.Exec("DELETE FROM tally"); return err }
		if err := c.to.Write(ctx, clear); err != nil {
			return err
		}
	}
	rows, err := c.from.Query("SELECT " + strings.Join(c.columns, ", ") + " FROM " + c.table)
	if err != nil {
		return err
	}
	defer rows.Close()
	args := make([]any, 0, copyRows*len(c.columns))
	for rows.Next() {
		row := make([]any, len(c.columns))
		into := make([]any, len(c.columns))
		for i := range row {
			into[i] = &row[i]
		}
		if err := rows.Scan(into...); err != nil {
			return err
		}
		for i := range row {
			if n, ok := row[i].(int64); ok && c.bools[i] {
				row[i] = n != 0
			}
		}
		if args = append(args, row...); len(args) == cap(args) {
			if err := c.write(ctx, args); err != nil {
				return err
			}
			args = args[:0]
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	return c.write(ctx, args)
}

// describe asks the new database for its columns: the old one has the same.
func (c *copying) describe(ctx context.Context) error {
	return c.to.Read(ctx, func(tx *Tx) error {
		rows, err := tx.Query("SELECT * FROM " + c.table + " WHERE 1 = 0")
		if err != nil {
			return err
		}
		defer rows.Close()
		types, err := rows.ColumnTypes()
		if err != nil {
			return err
		}
		for _, t := range types {
			c.columns = append(c.columns, t.Name())
			c.bools = append(c.bools, strings.EqualFold(t.DatabaseTypeName(), "bool"))
		}
		return rows.Err()
	})
}

func (c *copying) write(ctx context.Context, args []any) error {
	if len(args) == 0 {
		return nil
	}
	head := "INSERT INTO " + c.table + " (" + strings.Join(c.columns, ", ") + ")"
	err := c.to.Write(ctx, func(tx *Tx) error { return tx.Insert(head, len(c.columns), args, "") })
	c.done += int64(len(args) / len(c.columns))
	return err
}
