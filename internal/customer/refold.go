package customer

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"dingdong/internal/db"
	"dingdong/internal/vault"
)

// An index of names that an older version of the program made holds the letters as that
// version folded them. After an upgrade every name is indexed once more, a few in each
// transaction, from where a former run stopped.

const (
	// foldVersion is raised when SearchFold makes something else of a name than before.
	foldVersion   = 1
	settingRefold = "customer.refold"
	refoldAtOnce  = 50
)

// refolding is how far it has come.
type refolding struct {
	Version int    `json:"version"`
	After   string `json:"after,omitempty"` // the record that was dealt with last
	Done    bool   `json:"done,omitempty"`
}

func readRefolding(tx *db.Tx) (r refolding, err error) {
	var raw string
	err = db.NotFound(tx.QueryRow(`SELECT value FROM setting WHERE name = $1`, settingRefold).Scan(&raw))
	if err == nil {
		err = json.Unmarshal([]byte(raw), &r)
	}
	if err != nil && !errors.Is(err, db.ErrNotFound) {
		return r, fmt.Errorf("how far names are indexed: %w", err)
	}
	if r.Version != foldVersion {
		r = refolding{Version: foldVersion}
	}
	return r, nil
}

// NamesAreOld tells whether there may be names that are indexed as an older version of
// the program folded them.
func NamesAreOld(tx *db.Tx) (bool, error) {
	r, err := readRefolding(tx)
	return !r.Done, err
}

// Refold indexes some more names, and tells whether there are others left. It adds what
// is missing and takes nothing away: whoever is renamed meanwhile keeps her new letters,
// and those too many are told by Matches.
func (b *Book) Refold(tx *db.Tx) (more bool, err error) {
	r, err := readRefolding(tx)
	if err != nil || r.Done {
		return false, err
	}
	if err := LockMerges(tx); err != nil {
		return false, err
	}
	rows, err := tx.Query(`SELECT id FROM customer WHERE id > $1 AND person_id = '' ORDER BY id LIMIT $2`, r.After, refoldAtOnce)
	persons, err := db.Collect(rows, err, func(r *sql.Rows) (id string, err error) { return id, r.Scan(&id) })
	if err != nil {
		return false, fmt.Errorf("names to index: %w", err)
	}
	for _, id := range persons {
		err := b.addGrams(tx, id)
		if err != nil && !errors.Is(err, vault.ErrErased) && !errors.Is(err, db.ErrNotFound) { // she is being erased
			return false, err
		}
		r.After = id
	}
	if r.Done = len(persons) < refoldAtOnce; r.Done {
		r.After = ""
	}
	raw, err := json.Marshal(r)
	if err != nil {
		return false, err
	}
	if _, err := tx.Exec(`INSERT INTO setting (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value`, settingRefold, string(raw)); err != nil {
		return false, fmt.Errorf("names that are indexed: %w", err)
	}
	return !r.Done, nil
}

// addGrams adds to the index what it does not have of a person's names.
func (b *Book) addGrams(tx *db.Tx, personID string) error {
	records, err := b.Records(tx, personID)
	if err != nil {
		return err
	}
	hashes, err := b.nameHashes(tx, records)
	if err != nil || len(hashes) == 0 {
		return err
	}
	there, err := texts(tx, `SELECT hash FROM customer_gram WHERE customer_id = $1`, personID)
	if err != nil {
		return fmt.Errorf("name index: %w", err)
	}
	known := make(map[string]bool, len(there))
	for _, h := range there {
		known[h] = true
	}
	var args []any
	for _, h := range hashes {
		if !known[h] {
			args = append(args, h, personID)
		}
	}
	if err := tx.Insert(`INSERT INTO customer_gram (hash, customer_id)`, 2, args, `ON CONFLICT DO NOTHING`); err != nil {
		return fmt.Errorf("name index: %w", err)
	}
	return nil
}
