package staff

import (
	"database/sql"
	"errors"
	"fmt"
	"time"

	"dingdong/internal/db"
)

// Store is one department store of the group.
type Store struct {
	ID       string
	Name     string
	Timezone string
	ClosedAt time.Time // zero: open
}

// StoreForm is what an administrator says about a store; an empty ID makes a new one.
type StoreForm struct {
	ID       string
	Name     string
	Timezone string // "": Asia/Taipei
}

// ListStores lists all stores by name, closed ones last.
func ListStores(tx *db.Tx) ([]Store, error) {
	rows, err := tx.Query(`
		SELECT id, name, timezone, closed_at FROM store
		ORDER BY CASE WHEN closed_at IS NULL THEN 0 ELSE 1 END, name, id`)
	list, err := db.Collect(rows, err, func(r *sql.Rows) (Store, error) { return scanStore(r.Scan) })
	if err != nil {
		return nil, fmt.Errorf("list stores: %w", err)
	}
	return list, nil
}

// GetStore loads one store.
func GetStore(tx *db.Tx, id string) (Store, error) {
	s, err := scanStore(tx.QueryRow(`SELECT id, name, timezone, closed_at FROM store WHERE id = $1`, id).Scan)
	if err != nil {
		return Store{}, fmt.Errorf("load store: %w", db.NotFound(err))
	}
	return s, nil
}

func scanStore(scan func(...any) error) (Store, error) {
	var s Store
	var closed *int64
	if err := scan(&s.ID, &s.Name, &s.Timezone, &closed); err != nil {
		return Store{}, err
	}
	s.ClosedAt = nullable(closed)
	return s, nil
}

// SaveStore makes or changes a store.
func SaveStore(tx *db.Tx, v Viewer, f StoreForm) (Store, error) {
	if !v.May(ManageGroup) {
		return Store{}, ErrForbidden
	}
	var err error
	if f.Name, err = nameField("name", f.Name); err != nil {
		return Store{}, err
	}
	if f.Timezone, err = timezoneField(f.Timezone); err != nil {
		return Store{}, err
	}
	if err := unused(tx, "name", `SELECT id FROM store WHERE name = $1 AND id <> $2`, f.Name, f.ID); err != nil {
		return Store{}, err
	}
	if f.ID == "" {
		f.ID = tx.NewID("sto")
		_, err = tx.Exec(`INSERT INTO store (id, name, timezone) VALUES ($1, $2, $3)`, f.ID, f.Name, f.Timezone)
	} else {
		err = one(tx.Exec(`UPDATE store SET name = $2, timezone = $3 WHERE id = $1`, f.ID, f.Name, f.Timezone))
	}
	if err != nil {
		return Store{}, fmt.Errorf("save store: %w", taken(err, "name"))
	}
	note(tx, v, "store_saved", f.ID, f.Name+", "+f.Timezone)
	return GetStore(tx, f.ID)
}

// CloseStore closes a store whose counters are all closed.
func CloseStore(tx *db.Tx, v Viewer, id string) error {
	return closePlace(tx, v, "store", id)
}

// ReopenStore opens a closed store again; its counters stay closed.
func ReopenStore(tx *db.Tx, v Viewer, id string) error {
	return reopenPlace(tx, v, "store", id)
}

// placeSQL holds what differs between closing a store and closing a brand.
var placeSQL = map[string]struct{ lock, open, close, reopen string }{
	"store": {
		lock:   `UPDATE store SET name = name WHERE id = $1`,
		open:   `SELECT COUNT(*) FROM counter WHERE store_id = $1 AND closed_at IS NULL`,
		close:  `UPDATE store SET closed_at = $2 WHERE id = $1 AND closed_at IS NULL`,
		reopen: `UPDATE store SET closed_at = NULL WHERE id = $1`,
	},
	"brand": {
		lock:   `UPDATE brand SET name = name WHERE id = $1`,
		open:   `SELECT COUNT(*) FROM counter WHERE brand_id = $1 AND closed_at IS NULL`,
		close:  `UPDATE brand SET closed_at = $2 WHERE id = $1 AND closed_at IS NULL`,
		reopen: `UPDATE brand SET closed_at = NULL WHERE id = $1`,
	},
}

func closePlace(tx *db.Tx, v Viewer, kind, id string) error {
	if !v.May(ManageGroup) {
		return ErrForbidden
	}
	q := placeSQL[kind]
	// The row lock keeps a counter from being opened there between the count and the
	// commit: SaveCounter takes the same lock.
	if err := one(tx.Exec(q.lock, id)); err != nil {
		return fmt.Errorf("close %s: %w", kind, err)
	}
	var open int
	if err := tx.QueryRow(q.open, id).Scan(&open); err != nil {
		return fmt.Errorf("count open counters: %w", err)
	}
	if open > 0 {
		return db.Invalid{Field: kind, Code: "open_counters"}
	}
	n, err := tx.Exec(q.close, id, db.Micro(tx.Now))
	if err != nil {
		return fmt.Errorf("close %s: %w", kind, err)
	}
	if n == 0 {
		return nil // it was closed before
	}
	note(tx, v, kind+"_closed", id, "")
	return nil
}

func reopenPlace(tx *db.Tx, v Viewer, kind, id string) error {
	if !v.May(ManageGroup) {
		return ErrForbidden
	}
	if err := one(tx.Exec(placeSQL[kind].reopen, id)); err != nil {
		return fmt.Errorf("reopen %s: %w", kind, err)
	}
	note(tx, v, kind+"_reopened", id, "")
	return nil
}

// one turns an update that met no row into db.ErrNotFound.
func one(n int64, err error) error {
	if err == nil && n == 0 {
		return db.ErrNotFound
	}
	return err
}

// unused refuses a value that another row has. The unique index would too, but only
// after it had spoilt the transaction.
func unused(tx *db.Tx, field, q string, args ...any) error {
	var id string
	err := tx.QueryRow(q, args...).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look for the same %s: %w", field, err)
	}
	return db.Invalid{Field: field, Code: "taken"}
}

// taken names the field whose value somebody else took at the same moment.
func taken(err error, field string) error {
	if errors.Is(err, db.ErrConflict) {
		return db.Invalid{Field: field, Code: "taken"}
	}
	return err
}
