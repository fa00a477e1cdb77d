package vault

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"dingdong/internal/db"
)

const (
	// rewrapRows is how many rows one step seals anew, and rewrapPause how long it
	// leaves the database to others after that: some 2,000 rows a second at most.
	rewrapRows  = 200
	rewrapPause = 100 * time.Millisecond
	// nodesPause is how long it waits before it looks again whether every process
	// holds the new keys, or whether a process has sealed with the old one.
	nodesPause = 3 * time.Second
	// calmAfter is how long after a key went out of use somebody may still seal with
	// it: no column is called done before.
	calmAfter = staleAfter + 5*time.Second
)

// Step is one small part of a rotation. What it gives is run in the transaction
// that ends the step and says when the next is due; it is nil when nothing is
// left to do.
func (r *Rotation) Step(ctx context.Context) (func(tx *db.Tx) (next time.Time, err error), error) {
	var s Status
	err := r.v.db.Read(ctx, func(tx *db.Tx) (err error) {
		s, err = r.Status(tx)
		return err
	})
	if err != nil {
		return nil, err
	}
	if s.Waiting() {
		if len(s.Nodes) == 0 || len(s.Behind()) > 0 {
			return func(tx *db.Tx) (time.Time, error) { return tx.Now.Add(nodesPause), nil }, nil
		}
		totals, err := r.count(ctx)
		if err != nil {
			return nil, err
		}
		return func(tx *db.Tx) (time.Time, error) { return tx.Now.Add(nodesPause), r.promote(tx, totals) }, nil
	}
	settled := s.current(useSeal).Used.Add(r.calm)
	for _, w := range s.Work {
		if !w.Ended.IsZero() {
			continue
		}
		for _, c := range r.columns {
			if c.String() == w.Name {
				return r.rewrap(ctx, c, w, settled)
			}
		}
		return nil, fmt.Errorf("seal anew: no room names the column %s", w.Name)
	}
	return nil, nil
}

// count tells how much there is to seal anew, column by column.
func (r *Rotation) count(ctx context.Context) ([]int, error) {
	totals := make([]int, len(r.columns))
	err := r.v.db.Read(ctx, func(tx *db.Tx) error {
		for i, c := range r.columns {
			if err := tx.QueryRow(`SELECT COUNT(*) FROM ` + c.Table + ` WHERE LENGTH(` + c.Name + `) > 0`).Scan(&totals[i]); err != nil {
				return fmt.Errorf("count %s: %w", c, err)
			}
		}
		return nil
	})
	return totals, err
}

// promote takes the waiting keys into use, if every process still holds them.
func (r *Rotation) promote(tx *db.Tx, totals []int) error {
	s, err := r.Status(tx)
	if err != nil || len(s.Behind()) > 0 {
		return err
	}
	for _, k := range s.Keys {
		if k.State != keyWaiting {
			continue
		}
		if _, err := tx.Exec(`UPDATE house_key SET state = $3 WHERE use = $1 AND state = $2`, k.Use, keyCurrent, keyOld); err != nil {
			return fmt.Errorf("take keys into use: %w", err)
		}
		if _, err := tx.Exec(`UPDATE house_key SET state = $3, used_at = $4 WHERE use = $1 AND id = $2`,
			k.Use, int64(k.ID), keyCurrent, db.Micro(tx.Now)); err != nil {
			return fmt.Errorf("take keys into use: %w", err)
		}
	}
	if _, err := tx.Exec(`DELETE FROM house_rewrap`); err != nil {
		return err
	}
	for i, c := range r.columns {
		if _, err := tx.Exec(`INSERT INTO house_rewrap (name, total) VALUES ($1, $2)`, c.String(), totals[i]); err != nil {
			return fmt.Errorf("begin to seal anew: %w", err)
		}
	}
	return nil
}

// cell is one sealed cell and the row it stands in.
type cell struct {
	row           []string
	sealed, fresh []byte
}

// rewrap seals the next cells of a column anew. A cell that was changed in the
// meantime, or whose row is gone, is left as it is.
func (r *Rotation) rewrap(ctx context.Context, c Column, w Work, settled time.Time) (func(tx *db.Tx) (time.Time, error), error) {
	if err := r.v.ask(ctx); err != nil { // never with a key that is not in use any more
		return nil, err
	}
	keys := r.v.house.Load()
	var cells []cell
	err := r.v.db.Read(ctx, func(tx *db.Tx) (err error) {
		cells, err = c.read(tx, w.position, keys.sealsWith)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("seal %s anew: %w", c, err)
	}
	if len(cells) == 0 {
		return r.endColumn(ctx, c, w, settled)
	}
	damaged := 0
	for i, one := range cells {
		plain, err := keys.seal.Decrypt(one.sealed, c.data(one.row))
		if err != nil {
			damaged++
			continue
		}
		if cells[i].fresh, err = keys.sealers[keys.sealsWith].Encrypt(plain, c.data(one.row)); err != nil {
			return nil, fmt.Errorf("seal %s anew: %w", c, err)
		}
	}
	position, err := json.Marshal(cells[len(cells)-1].row)
	if err != nil {
		return nil, err
	}
	return func(tx *db.Tx) (time.Time, error) {
		for _, one := range cells {
			if err := c.write(tx, one); err != nil {
				return time.Time{}, err
			}
		}
		_, err := tx.Exec(`UPDATE house_rewrap SET position = $2, done = done + $3, damaged = damaged + $4 WHERE name = $1`,
			c.String(), string(position), len(cells)-damaged, damaged)
		return tx.Now.Add(rewrapPause), err
	}, nil
}

// endColumn ends a column in which nothing is left that the key in use has not
// sealed; else it goes through it once more.
func (r *Rotation) endColumn(ctx context.Context, c Column, w Work, settled time.Time) (func(tx *db.Tx) (time.Time, error), error) {
	left := 0
	err := r.v.db.Read(ctx, func(tx *db.Tx) (err error) {
		left, err = c.others(tx, r.v.house.Load().sealsWith)
		return err
	})
	if err != nil {
		return nil, err
	}
	return func(tx *db.Tx) (time.Time, error) {
		if tx.Now.Before(settled) {
			return settled, nil
		}
		if left > w.Damaged {
			_, err := tx.Exec(`UPDATE house_rewrap SET position = '', damaged = 0 WHERE name = $1`, c.String())
			return tx.Now.Add(nodesPause), err
		}
		_, err := tx.Exec(`UPDATE house_rewrap SET ended_at = $2 WHERE name = $1`, c.String(), db.Micro(tx.Now))
		return tx.Now, err
	}, nil
}

// read gives the next cells behind a position that another key has sealed.
func (c Column) read(tx *db.Tx, position string, with uint32) ([]cell, error) {
	names := strings.Join(c.Keys, ", ")
	query := `SELECT ` + names + `, ` + c.Name + ` FROM ` + c.Table + ` WHERE LENGTH(` + c.Name + `) > 0 AND substr(` + c.Name + `, 1, 5) <> $1`
	args := []any{prefix(with)}
	if position != "" {
		var after []string
		if err := json.Unmarshal([]byte(position), &after); err != nil || len(after) != len(c.Keys) {
			return nil, errors.New("the position cannot be read")
		}
		query += ` AND (` + names + `) > (` + db.Marks(len(after), 2) + `)`
		for _, a := range after {
			args = append(args, a)
		}
	}
	query += ` ORDER BY ` + names + fmt.Sprintf(` LIMIT %d`, rewrapRows)
	rows, err := tx.Query(query, args...)
	return db.Collect(rows, err, func(rs *sql.Rows) (cell, error) {
		one := cell{row: make([]string, len(c.Keys))}
		to := make([]any, 0, len(c.Keys)+1)
		for i := range one.row {
			to = append(to, &one.row[i])
		}
		err := rs.Scan(append(to, &one.sealed)...)
		return one, err
	})
}

// write puts the newly sealed cell in the place of the very one it was made from.
func (c Column) write(tx *db.Tx, one cell) error {
	if one.fresh == nil {
		return nil
	}
	args := []any{one.fresh, one.sealed}
	where := make([]string, len(c.Keys))
	for i, name := range c.Keys {
		where[i] = fmt.Sprintf("%s = $%d", name, i+3)
		args = append(args, one.row[i])
	}
	_, err := tx.Exec(`UPDATE `+c.Table+` SET `+c.Name+` = $1 WHERE `+c.Name+` = $2 AND `+strings.Join(where, " AND "), args...)
	return err
}

// others counts the cells that another key has sealed.
func (c Column) others(tx *db.Tx, with uint32) (n int, err error) {
	err = tx.QueryRow(`SELECT COUNT(*) FROM `+c.Table+` WHERE LENGTH(`+c.Name+`) > 0 AND substr(`+c.Name+`, 1, 5) <> $1`, prefix(with)).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count %s: %w", c, err)
	}
	return n, nil
}
