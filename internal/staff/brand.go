package staff

import (
	"database/sql"
	"fmt"
	"time"

	"dingdong/internal/db"
)

// Brand is a maker whose counters stand in the stores.
type Brand struct {
	ID       string
	Name     string
	ClosedAt time.Time // zero: open
}

// BrandForm is what an administrator says about a brand; an empty ID makes a new one.
type BrandForm struct {
	ID   string
	Name string
}

// ListBrands lists all brands by name, closed ones last.
func ListBrands(tx *db.Tx) ([]Brand, error) {
	rows, err := tx.Query(`
		SELECT id, name, closed_at FROM brand
		ORDER BY CASE WHEN closed_at IS NULL THEN 0 ELSE 1 END, name, id`)
	list, err := db.Collect(rows, err, func(r *sql.Rows) (Brand, error) { return scanBrand(r.Scan) })
	if err != nil {
		return nil, fmt.Errorf("list brands: %w", err)
	}
	return list, nil
}

// GetBrand loads one brand.
func GetBrand(tx *db.Tx, id string) (Brand, error) {
	b, err := scanBrand(tx.QueryRow(`SELECT id, name, closed_at FROM brand WHERE id = $1`, id).Scan)
	if err != nil {
		return Brand{}, fmt.Errorf("load brand: %w", db.NotFound(err))
	}
	return b, nil
}

func scanBrand(scan func(...any) error) (Brand, error) {
	var b Brand
	var closed *int64
	if err := scan(&b.ID, &b.Name, &closed); err != nil {
		return Brand{}, err
	}
	b.ClosedAt = nullable(closed)
	return b, nil
}

// SaveBrand makes or changes a brand.
func SaveBrand(tx *db.Tx, v Viewer, f BrandForm) (Brand, error) {
	if !v.May(ManageGroup) {
		return Brand{}, ErrForbidden
	}
	var err error
	if f.Name, err = nameField("name", f.Name); err != nil {
		return Brand{}, err
	}
	if err := unused(tx, "name", `SELECT id FROM brand WHERE name = $1 AND id <> $2`, f.Name, f.ID); err != nil {
		return Brand{}, err
	}
	if f.ID == "" {
		f.ID = tx.NewID("brd")
		_, err = tx.Exec(`INSERT INTO brand (id, name) VALUES ($1, $2)`, f.ID, f.Name)
	} else {
		err = one(tx.Exec(`UPDATE brand SET name = $2 WHERE id = $1`, f.ID, f.Name))
	}
	if err != nil {
		return Brand{}, fmt.Errorf("save brand: %w", taken(err, "name"))
	}
	note(tx, v, "brand_saved", f.ID, f.Name)
	return GetBrand(tx, f.ID)
}

// CloseBrand closes a brand whose counters are all closed.
func CloseBrand(tx *db.Tx, v Viewer, id string) error {
	return closePlace(tx, v, "brand", id)
}

// ReopenBrand opens a closed brand again; its counters stay closed.
func ReopenBrand(tx *db.Tx, v Viewer, id string) error {
	return reopenPlace(tx, v, "brand", id)
}
