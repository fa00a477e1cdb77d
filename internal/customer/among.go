package customer

import (
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"dingdong/internal/db"
)

// TaggedAmong returns which of some persons, at most a few hundred, have a tag now.
func (b *Book) TaggedAmong(tx *db.Tx, persons []string, name string) ([]string, error) {
	t, err := b.openTag(tx, name)
	if errors.As(err, new(db.Invalid)) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	records, err := b.wholePersons(tx, persons)
	if err != nil || len(records) == 0 {
		return nil, err
	}
	marks, args := db.In(records, 3)
	found, err := texts(tx, `SELECT DISTINCT `+personOf+` FROM customer_tag x JOIN customer c ON c.id = x.customer_id
		WHERE x.customer_id IN (`+marks+`) AND x.tag_id = $1 AND x.ended_at IS NULL AND (x.expires_at = 0 OR x.expires_at > $2)`,
		append([]any{t.ID, db.Micro(tx.Now)}, args...)...)
	if err != nil {
		return nil, fmt.Errorf("who of these has a tag: %w", err)
	}
	return found, nil
}

// HavingAmong returns for which of some persons, at most a few hundred, an
// attribute has a value now.
func (b *Book) HavingAmong(tx *db.Tx, persons []string, f Find) ([]string, error) {
	d, err := b.openDef(tx, f.Name)
	if err == nil {
		f.Value, err = d.normal(f.Value, tx.Now)
	}
	if errors.As(err, new(db.Invalid)) { // no such attribute, or not such a value
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	records, err := b.wholePersons(tx, persons)
	if err != nil || len(records) == 0 {
		return nil, err
	}
	hash := b.attributeHash(d, f.Value)
	marks, args := db.In(records, 2)
	having, err := texts(tx, `SELECT DISTINCT customer_id FROM attribute WHERE customer_id IN (`+marks+`) AND hash = $1 AND ended_at IS NULL`,
		append([]any{hash}, args...)...)
	if err != nil || len(having) == 0 {
		return nil, err
	}
	standing, err := b.standingOf(tx, having, d)
	if err != nil {
		return nil, err
	}
	var found []string
	for _, a := range standing {
		if a.hash == hash {
			found = append(found, a.person)
		}
	}
	slices.Sort(found)
	return slices.Compact(found), nil
}

// PersonsOf returns whose cards show some records.
func (b *Book) PersonsOf(tx *db.Tx, records []string) ([]string, error) {
	var out []string
	for part := range slices.Chunk(records, 250) {
		marks, args := db.In(part, 1)
		persons, err := texts(tx, `SELECT DISTINCT `+personOf+` FROM customer c WHERE c.id IN (`+marks+`)`, args...)
		if err != nil {
			return nil, fmt.Errorf("persons: %w", err)
		}
		out = append(out, persons...)
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// RecordsOf returns all records of some persons, at most a few hundred.
func (b *Book) RecordsOf(tx *db.Tx, persons []string) ([]string, error) {
	return b.wholePersons(tx, persons)
}

// PersonOfEach returns, by record, whose card shows it.
func (b *Book) PersonOfEach(tx *db.Tx, records []string) (map[string]string, error) {
	out := make(map[string]string, len(records))
	for part := range slices.Chunk(records, 250) {
		marks, args := db.In(part, 1)
		rows, err := tx.Query(`SELECT c.id, `+personOf+` FROM customer c WHERE c.id IN (`+marks+`)`, args...)
		list, err := db.Collect(rows, err, func(r *sql.Rows) (x [2]string, err error) { return x, r.Scan(&x[0], &x[1]) })
		if err != nil {
			return nil, fmt.Errorf("persons: %w", err)
		}
		for _, x := range list {
			out[x[0]] = x[1]
		}
	}
	return out, nil
}
