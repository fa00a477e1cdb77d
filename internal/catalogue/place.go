package catalogue

import (
	"database/sql"
	"fmt"

	"dingdong/internal/db"
)

// Tills name a store, a counter or a brand by the id it has here or by its name.

// found is what a key was found to mean.
type found struct {
	id, store string
	many      bool // two rows have this name
	known     bool // it was looked up
}

// lookUps keeps what the keys of one batch mean.
type lookUps map[string]found

// want notes a key to look up.
func (l lookUps) want(key string) {
	if key == "" {
		return
	}
	if _, asked := l[key]; !asked {
		l[key] = found{}
	}
}

// id gives what a key means; ok is false for a key that means nothing, or two things.
func (l lookUps) id(key string) (f found, ok bool) {
	if key == "" {
		return found{}, true
	}
	f = l[key]
	return f, f.id != "" && !f.many
}

// The columns are the id, the other name by which it may be called, and its store.
const (
	findStore   = `SELECT id, name, id FROM store WHERE id IN (%s) OR name IN (%s)`
	findCounter = `SELECT id, name, store_id FROM counter WHERE id IN (%s) OR name IN (%s)`
	findBrand   = `SELECT id, name, '' FROM brand WHERE id IN (%s) OR name IN (%s)`
	findAdvisor = `SELECT id, email, '' FROM staff WHERE id IN (%s) OR email IN (%s)`
)

// resolve finds what the wanted keys mean.
func (l lookUps) resolve(tx *db.Tx, query string) error {
	var keys []string
	for k, f := range l {
		if !f.known {
			keys = append(keys, k)
		}
	}
	err := eachPart(keys, func(part []string) error {
		marks, args := db.In(part, 1)
		rows, err := tx.Query(fmt.Sprintf(query, marks, marks), args...)
		_, err = db.Collect(rows, err, func(r *sql.Rows) (none struct{}, err error) {
			var f found
			var name string
			if err := r.Scan(&f.id, &name, &f.store); err != nil {
				return none, err
			}
			for _, key := range []string{f.id, name} {
				if old, asked := l[key]; asked && !old.known {
					f.many = old.id != "" && old.id != f.id
					l[key] = f
				}
			}
			return none, nil
		})
		return err
	})
	if err != nil {
		return fmt.Errorf("look up places: %w", err)
	}
	for _, k := range keys {
		f := l[k]
		f.known = true
		l[k] = f
	}
	return nil
}

// partSize is what db.In makes one statement of.
const partSize = 256

// eachPart hands a long list over in parts that fit a statement.
func eachPart(list []string, fn func(part []string) error) error {
	for len(list) > 0 {
		n := min(partSize, len(list))
		if err := fn(list[:n]); err != nil {
			return err
		}
		list = list[n:]
	}
	return nil
}
