package customer

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"dingdong/internal/db"
)

// HoldIdentity returns the person of an identity and holds the row to the end of
// the transaction: no merge moves her meanwhile.
func (b *Book) HoldIdentity(tx *db.Tx, identityID string) (personID string, err error) {
	err = tx.QueryRow(`UPDATE identity SET person_id = person_id WHERE id = $1
		RETURNING CASE WHEN person_id = '' THEN customer_id ELSE person_id END`, identityID).Scan(&personID)
	if err != nil {
		return "", fmt.Errorf("hold identity: %w", db.NotFound(err))
	}
	return personID, nil
}

// LockMerges lets one transaction at a time put records together or take them
// apart, on all nodes.
func LockMerges(tx *db.Tx) error {
	_, err := db.Tally(tx, "merge", 1)
	return err
}

// Hold holds the identities of records to the end of the transaction, so that no
// thread of theirs is opened meanwhile.
func (b *Book) Hold(tx *db.Tx, records []string) error {
	marks, args := db.In(records, 1)
	if _, err := tx.Exec(`UPDATE identity SET person_id = person_id WHERE customer_id IN (`+marks+`)`, args...); err != nil {
		return fmt.Errorf("hold identities: %w", err)
	}
	return nil
}

// Merged is one merge in the history of a person.
type Merged struct {
	ID             string
	KeptID, LostID string // the persons as they were then
	Proof          string // phone, member, link or advisor
	Evidence       json.RawMessage
	By             string
	At             time.Time
	UndoneBy       string
	UndoneAt       time.Time // zero: it holds
}

// Join makes the records of one person those of another, and returns the merge
// with the records that moved.
func (b *Book) Join(tx *db.Tx, m Merged) (Merged, []string, error) {
	members, err := b.Records(tx, m.LostID)
	if err != nil {
		return m, nil, err
	}
	m.ID, m.At = tx.NewID("mrg"), tx.Now
	if _, err := tx.Exec(`INSERT INTO merge (id, kept_id, lost_id, proof, evidence, by, at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		m.ID, m.KeptID, m.LostID, m.Proof, string(m.Evidence), m.By, db.Micro(m.At)); err != nil {
		return m, nil, fmt.Errorf("keep merge: %w", err)
	}
	args := make([]any, 0, 2*len(members))
	for _, r := range members {
		args = append(args, m.ID, r)
	}
	if err := tx.Insert(`INSERT INTO merge_member (merge_id, customer_id)`, 2, args, ""); err != nil {
		return m, nil, fmt.Errorf("keep merge: %w", err)
	}
	return m, members, b.point(tx, members, m.KeptID)
}

// Split is a person taken apart.
type Split struct {
	Merged
	PersonID   string   // who keeps the rest
	Rest, Gone []string // records, herself first
}

// MergeByID returns one merge, or db.ErrNotFound.
func (b *Book) MergeByID(tx *db.Tx, id string) (Merged, error) {
	m, err := scanMerge(tx.QueryRow(`SELECT `+mergeColumns+` FROM merge WHERE id = $1`, id))
	return m, db.NotFound(err)
}

// MergeOf returns the merge that holds by which a record became another's, or
// db.ErrNotFound.
func (b *Book) MergeOf(tx *db.Tx, lostID string) (Merged, error) {
	m, err := scanMerge(tx.QueryRow(`SELECT `+mergeColumns+` FROM merge WHERE lost_id = $1 AND undone_at IS NULL ORDER BY at DESC LIMIT 1`, lostID))
	return m, db.NotFound(err)
}

// PlanSplit says what undoing a merge would take apart. What was merged into the
// lost person before stays with her; what was merged later goes its own way, so
// merges can be undone in any order.
func (b *Book) PlanSplit(tx *db.Tx, m Merged) (Split, error) {
	s := Split{Merged: m, Gone: []string{m.LostID}}
	var err error
	if s.PersonID, err = b.Person(tx, m.LostID); err != nil {
		return s, err
	}
	for level := s.Gone; len(level) > 0; {
		marks, args := db.In(level, 1)
		rows, err := tx.Query(`SELECT lost_id FROM merge WHERE undone_at IS NULL AND kept_id IN (`+marks+`) ORDER BY at, id`, args...)
		if level, err = db.Collect(rows, err, scanText); err != nil {
			return s, fmt.Errorf("plan an unmerge: %w", err)
		}
		s.Gone = append(s.Gone, level...)
	}
	all, err := b.Records(tx, s.PersonID)
	if err != nil {
		return s, err
	}
	gone := map[string]bool{}
	for _, r := range s.Gone {
		gone[r] = true
	}
	for _, r := range all {
		if !gone[r] {
			s.Rest = append(s.Rest, r)
		}
	}
	return s, nil
}

// Apart undoes a merge as it was planned.
func (b *Book) Apart(tx *db.Tx, s Split, by string) error {
	if _, err := tx.Exec(`UPDATE merge SET undone_by = $2, undone_at = $3 WHERE id = $1`, s.ID, by, db.Micro(tx.Now)); err != nil {
		return fmt.Errorf("undo merge: %w", err)
	}
	if err := b.point(tx, s.Gone, s.LostID); err != nil {
		return err
	}
	return b.index(tx, s.PersonID)
}

// point says whose card shows some records, and makes their names find her.
func (b *Book) point(tx *db.Tx, records []string, personID string) error {
	marks, args := db.In(records, 2)
	args = append([]any{personID}, args...)
	if _, err := tx.Exec(`UPDATE customer SET person_id = CASE WHEN id = $1 THEN '' ELSE $1 END WHERE id IN (`+marks+`)`, args...); err != nil {
		return fmt.Errorf("records of a person: %w", err)
	}
	if _, err := tx.Exec(`UPDATE identity SET person_id = CASE WHEN customer_id = $1 THEN '' ELSE $1 END WHERE customer_id IN (`+marks+`)`, args...); err != nil {
		return fmt.Errorf("identities of a person: %w", err)
	}
	return b.index(tx, personID)
}

const mergeColumns = `id, kept_id, lost_id, proof, evidence, by, at, undone_by, COALESCE(undone_at, 0)`

func scanMerge(r scanner) (Merged, error) {
	var m Merged
	var evidence string
	var at, undone int64
	err := r.Scan(&m.ID, &m.KeptID, &m.LostID, &m.Proof, &evidence, &m.By, &at, &m.UndoneBy, &undone)
	m.At, m.UndoneAt = db.Time(at), db.Time(undone)
	if evidence != "" {
		m.Evidence = json.RawMessage(evidence)
	}
	return m, err
}

// Merges lists every merge that any record of a person was part of, the newest
// first; the undone ones too.
func (b *Book) Merges(tx *db.Tx, personID string) ([]Merged, error) {
	records, err := b.Records(tx, personID)
	if err != nil {
		return nil, err
	}
	kept, args := db.In(records, 1)
	lost, more := db.In(records, len(args)+1)
	rows, err := tx.Query(`SELECT `+mergeColumns+` FROM merge WHERE kept_id IN (`+kept+`) OR lost_id IN (`+lost+`) ORDER BY at DESC, id DESC LIMIT 200`,
		append(args, more...)...)
	list, err := db.Collect(rows, err, func(r *sql.Rows) (Merged, error) { return scanMerge(r) })
	if err != nil {
		return nil, fmt.Errorf("merges: %w", err)
	}
	return list, nil
}

// RefuseMerge remembers that two records are not one person.
func (b *Book) RefuseMerge(tx *db.Tx, one, two, by string) error {
	if one > two {
		one, two = two, one
	}
	if _, err := tx.Exec(`INSERT INTO merge_refusal (one_id, two_id, by, at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
		one, two, by, db.Micro(tx.Now)); err != nil {
		return fmt.Errorf("refuse a merge: %w", err)
	}
	return nil
}

// Refusals returns the records that somebody said are not one with any of these.
func (b *Book) Refusals(tx *db.Tx, records []string) (map[string]bool, error) {
	first, args := db.In(records, 1)
	second, more := db.In(records, len(args)+1)
	rows, err := tx.Query(`SELECT two_id FROM merge_refusal WHERE one_id IN (`+first+`)
		UNION SELECT one_id FROM merge_refusal WHERE two_id IN (`+second+`)`, append(args, more...)...)
	list, err := db.Collect(rows, err, scanText)
	if err != nil {
		return nil, fmt.Errorf("refused merges: %w", err)
	}
	out := make(map[string]bool, len(list))
	for _, r := range list {
		out[r] = true
	}
	return out, nil
}

// Relent forgets that two persons were said not to be one.
func (b *Book) Relent(tx *db.Tx, ones, twos []string) error {
	first, args := db.In(ones, 1)
	second, more := db.In(twos, len(args)+1)
	if _, err := tx.Exec(`DELETE FROM merge_refusal WHERE (one_id IN (`+first+`) AND two_id IN (`+second+`))
		OR (one_id IN (`+second+`) AND two_id IN (`+first+`))`, append(args, more...)...); err != nil {
		return fmt.Errorf("forget a refused merge: %w", err)
	}
	return nil
}

func scanText(r *sql.Rows) (s string, err error) { return s, r.Scan(&s) }
