package customer

import (
	"database/sql"
	"fmt"
	"strings"

	"dingdong/internal/db"
)

// A refusal remembers what an advisor undid, so that it is not concluded again.
// It belongs to the record whose proof was undone and holds for the person.

func tagAbout(tagID string) string             { return "tag:" + tagID }
func attributeAbout(defID, hash string) string { return "attribute:" + defID + ":" + hash }

// refusal is the question whether a proof may be taken in.
type refusal struct {
	records []string
	about   string
	proof   Proof
}

// refuse tells whether an advisor undid this before and nobody vouches for it
// now. A person at a counter who enters it has changed her mind: from then on it
// may be concluded again.
func (b *Book) refuse(tx *db.Tx, r refusal) (bool, error) {
	if !r.proof.concluded() && r.proof.Source != SourceStaff {
		return false, nil
	}
	marks, args := db.In(r.records, 2)
	args = append([]any{r.about}, args...)
	if r.proof.Source == SourceStaff {
		if _, err := tx.Exec(`DELETE FROM refusal WHERE about = $1 AND customer_id IN (`+marks+`)`, args...); err != nil {
			return false, fmt.Errorf("lift a refusal: %w", err)
		}
		return false, nil
	}
	found, err := texts(tx, `SELECT about FROM refusal WHERE about = $1 AND customer_id IN (`+marks+`)`, args...)
	if err != nil {
		return false, fmt.Errorf("refusals: %w", err)
	}
	return len(found) > 0, nil
}

// remember keeps refusals for the records whose conclusions were undone.
func (b *Book) remember(tx *db.Tx, about, by string, records map[string]bool) error {
	for id := range records {
		if _, err := tx.Exec(`INSERT INTO refusal (customer_id, about, by, at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
			id, about, by, db.Micro(tx.Now)); err != nil {
			return fmt.Errorf("remember a refusal: %w", err)
		}
	}
	return nil
}

// Refused returns what was undone for some records: "tag:<id>" and
// "attribute:<def>:<hash>".
func (b *Book) Refused(tx *db.Tx, customerIDs []string) (map[string]bool, error) {
	out := map[string]bool{}
	if len(customerIDs) == 0 {
		return out, nil
	}
	marks, args := db.In(customerIDs, 1)
	all, err := texts(tx, `SELECT about FROM refusal WHERE customer_id IN (`+marks+`)`, args...)
	if err != nil {
		return nil, fmt.Errorf("refusals: %w", err)
	}
	for _, about := range all {
		out[about] = true
	}
	return out, nil
}

// RefusedTags returns the names of the tags that were undone for some records.
func (b *Book) RefusedTags(tx *db.Tx, customerIDs []string) (map[string]bool, error) {
	out := map[string]bool{}
	if len(customerIDs) == 0 {
		return out, nil
	}
	marks, args := db.In(customerIDs, 1)
	names, err := texts(tx, `SELECT t.name FROM tag t JOIN refusal f ON f.about = 'tag:' || t.id WHERE f.customer_id IN (`+marks+`)`, args...)
	if err != nil {
		return nil, fmt.Errorf("refused tags: %w", err)
	}
	for _, name := range names {
		out[name] = true
	}
	return out, nil
}

// TakeBack removes what only a message proved, with the words it was proved by:
// she took the message back, or changed it. What other messages prove stays or
// comes back. It tells whether a card changed.
func (b *Book) TakeBack(tx *db.Tx, customerID, messageID string) (bool, error) {
	if messageID == "" {
		return false, nil
	}
	attributes, err := b.takeBack(tx, customerID, messageID, "attribute", "def_id, hash")
	if err != nil {
		return false, err
	}
	tags, err := b.takeBack(tx, customerID, messageID, "customer_tag", "tag_id, ''")
	if err != nil {
		return false, err
	}
	if attributes > 0 {
		if err := b.tell(tx, news{customerID: customerID, what: "attribute"}); err != nil {
			return false, err
		}
	}
	if tags > 0 {
		if err := b.tell(tx, news{customerID: customerID, what: "tag"}, messageID); err != nil {
			return false, err
		}
	}
	return attributes > 0 || tags > 0, nil
}

// takeBack deletes the rows of a message from a table. Where one of them counted,
// the proof before it counts again: the newest of the same two columns.
func (b *Book) takeBack(tx *db.Tx, customerID, messageID, table, columns string) (int, error) {
	type gone struct {
		one, two string
		open     bool
	}
	rows, err := tx.Query(`DELETE FROM `+table+` WHERE message_id = $1 AND message_id <> '' AND customer_id = $2
		RETURNING `+columns+`, ended_at IS NULL`, messageID, customerID)
	all, err := db.Collect(rows, err, func(r *sql.Rows) (g gone, err error) { return g, r.Scan(&g.one, &g.two, &g.open) })
	if err != nil {
		return 0, fmt.Errorf("take back %s: %w", table, err)
	}
	for _, g := range all {
		if !g.open {
			continue
		}
		if _, err := tx.Exec(`UPDATE `+table+` SET ended_at = NULL, ended_by = '' WHERE id = (
			SELECT id FROM `+table+` WHERE customer_id = $1 AND (`+columns+`) = ($2, $3) AND ended_by = $4 ORDER BY at DESC, id DESC LIMIT 1)`,
			customerID, g.one, g.two, Renewed); err != nil {
			return 0, fmt.Errorf("take back %s: %w", table, err)
		}
	}
	return len(all), nil
}

// Whose returns the customer of a row on a card, by its id: what a viewer points
// at is hers to see only if she sees the customer.
func (b *Book) Whose(tx *db.Tx, rowID string) (string, error) {
	tables := map[string]string{"atr": "attribute", "ctg": "customer_tag", "not": "note", "wsh": "wish", "prm": "promise"}
	prefix, _, _ := strings.Cut(rowID, "_")
	table, ok := tables[prefix]
	if !ok {
		return "", db.ErrNotFound
	}
	var id string
	err := tx.QueryRow(`SELECT customer_id FROM `+table+` WHERE id = $1`, db.CleanText(rowID)).Scan(&id)
	if err != nil {
		return "", fmt.Errorf("whose: %w", db.NotFound(err))
	}
	return id, nil
}
