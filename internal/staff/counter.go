package staff

import (
	"fmt"
	"time"
	"unicode/utf8"

	"dingdong/internal/db"
)

// Counter is the counter of one brand in one store.
type Counter struct {
	ID       string
	Name     string
	StoreID  string
	BrandID  string
	ClosedAt time.Time // zero: open
	StandIn  string    // who answers for an advisor who is off; "": the whole counter
}

// CounterForm is what an administrator says about a counter; an empty ID makes a new one.
// A counter keeps its store and its brand for good: its customers wrote to that counter,
// and moving it would show their threads to the people of another store.
type CounterForm struct {
	ID      string
	Name    string // "": brand and store
	StoreID string
	BrandID string
	StandIn *string // nil: who it was stays; "": nobody
}

// GetCounter loads one counter.
func GetCounter(tx *db.Tx, id string) (Counter, error) {
	var c Counter
	var closed *int64
	err := tx.QueryRow(`SELECT id, name, store_id, brand_id, closed_at, stand_in_id FROM counter WHERE id = $1`, id).
		Scan(&c.ID, &c.Name, &c.StoreID, &c.BrandID, &closed, &c.StandIn)
	if err != nil {
		return Counter{}, fmt.Errorf("load counter: %w", db.NotFound(err))
	}
	c.ClosedAt = nullable(closed)
	return c, nil
}

// SaveCounter makes or renames a counter. There is one per store and brand.
func SaveCounter(tx *db.Tx, v Viewer, f CounterForm) (Counter, error) {
	if !v.May(ManageGroup) {
		return Counter{}, ErrForbidden
	}
	if f.ID != "" {
		old, err := GetCounter(tx, f.ID)
		if err != nil {
			return Counter{}, err
		}
		if f.StoreID != "" && f.StoreID != old.StoreID {
			return Counter{}, db.Invalid{Field: "store", Code: "fixed"}
		}
		if f.BrandID != "" && f.BrandID != old.BrandID {
			return Counter{}, db.Invalid{Field: "brand", Code: "fixed"}
		}
		f.StoreID, f.BrandID = old.StoreID, old.BrandID
	}
	store, brand, err := counterPlace(tx, f.StoreID, f.BrandID)
	if err != nil {
		return Counter{}, err
	}
	if oneLine(f.Name) == "" {
		f.Name = brand.Name + " " + store.Name
		if utf8.RuneCountInString(f.Name) > maxName {
			f.Name = brand.Name
		}
	}
	if f.Name, err = nameField("name", f.Name); err != nil {
		return Counter{}, err
	}
	if f.ID != "" {
		err = one(tx.Exec(`UPDATE counter SET name = $2 WHERE id = $1`, f.ID, f.Name))
	} else {
		err = newCounter(tx, &f, store, brand)
	}
	if err != nil {
		return Counter{}, fmt.Errorf("save counter: %w", taken(err, "brand"))
	}
	if err := saveStandIn(tx, f); err != nil {
		return Counter{}, err
	}
	note(tx, v, "counter_saved", f.ID, f.Name)
	return GetCounter(tx, f.ID)
}

func newCounter(tx *db.Tx, f *CounterForm, s Store, b Brand) error {
	if !s.ClosedAt.IsZero() {
		return db.Invalid{Field: "store", Code: "closed"}
	}
	if !b.ClosedAt.IsZero() {
		return db.Invalid{Field: "brand", Code: "closed"}
	}
	// A closed counter holds its place: it is reopened, so that its customers' threads go on.
	if err := unused(tx, "brand", `SELECT id FROM counter WHERE store_id = $1 AND brand_id = $2`, s.ID, b.ID); err != nil {
		return err
	}
	f.ID = tx.NewID("cnt")
	_, err := tx.Exec(`INSERT INTO counter (id, store_id, brand_id, name) VALUES ($1, $2, $3, $4)`,
		f.ID, s.ID, b.ID, f.Name)
	return err
}

// counterPlace loads store and brand of a counter, and holds both rows so that neither
// is closed while a counter opens there.
func counterPlace(tx *db.Tx, storeID, brandID string) (s Store, b Brand, err error) {
	for _, p := range []struct{ kind, id string }{{"store", storeID}, {"brand", brandID}} {
		if p.id == "" {
			return s, b, db.Invalid{Field: p.kind, Code: "required"}
		}
		n, err := tx.Exec(placeSQL[p.kind].lock, p.id)
		if err != nil {
			return s, b, fmt.Errorf("hold %s: %w", p.kind, err)
		}
		if n == 0 {
			return s, b, db.Invalid{Field: p.kind, Code: "unknown"}
		}
	}
	if s, err = GetStore(tx, storeID); err != nil {
		return s, b, err
	}
	b, err = GetBrand(tx, brandID)
	return s, b, err
}

// CloseCounter closes a counter. Its people still see its threads, so that nobody who
// waits for an answer is forgotten; new threads no longer belong there.
func CloseCounter(tx *db.Tx, v Viewer, id string) error {
	if !v.May(ManageGroup) {
		return ErrForbidden
	}
	c, err := GetCounter(tx, id)
	if err != nil || !c.ClosedAt.IsZero() {
		return err
	}
	if _, err := tx.Exec(`UPDATE counter SET closed_at = $2 WHERE id = $1`, id, db.Micro(tx.Now)); err != nil {
		return fmt.Errorf("close counter: %w", err)
	}
	note(tx, v, "counter_closed", id, "")
	return nil
}

// ReopenCounter opens a closed counter again, if its store and its brand are open.
func ReopenCounter(tx *db.Tx, v Viewer, id string) error {
	if !v.May(ManageGroup) {
		return ErrForbidden
	}
	c, err := GetCounter(tx, id)
	if err != nil {
		return err
	}
	s, b, err := counterPlace(tx, c.StoreID, c.BrandID)
	if err != nil {
		return err
	}
	if !s.ClosedAt.IsZero() {
		return db.Invalid{Field: "store", Code: "closed"}
	}
	if !b.ClosedAt.IsZero() {
		return db.Invalid{Field: "brand", Code: "closed"}
	}
	if _, err := tx.Exec(`UPDATE counter SET closed_at = NULL WHERE id = $1`, id); err != nil {
		return fmt.Errorf("reopen counter: %w", err)
	}
	note(tx, v, "counter_reopened", id, "")
	return nil
}
