package customer

import (
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"dingdong/internal/audit"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// TakeTag takes a tag from a person, with every proof of it. What was concluded
// from her words is not concluded again; a value that the same rule read in the same
// words goes with it, unless somebody else says it too, and is returned. Whether she may
// see the customer is the caller's to check.
func (b *Book) TakeTag(tx *db.Tx, v staff.Viewer, customerTagID string) ([]Attribute, error) {
	var customerID, tagID, brandID, counterID string
	var ended bool
	err := tx.QueryRow(`SELECT x.customer_id, x.tag_id, t.brand_id, x.counter_id, x.ended_at IS NOT NULL AND x.ended_by <> $2
		FROM customer_tag x JOIN tag t ON t.id = x.tag_id WHERE x.id = $1`, db.CleanText(customerTagID), Renewed).
		Scan(&customerID, &tagID, &brandID, &counterID, &ended)
	if err != nil {
		return nil, fmt.Errorf("take tag: %w", db.NotFound(err))
	}
	if err := b.mayUndo(tx, v, brandID); err != nil || ended {
		return nil, err
	}
	records, err := b.recordsOf(tx, customerID)
	if err != nil {
		return nil, err
	}
	taken, err := endTag(tx, tagID, v.ID, records)
	if err != nil {
		return nil, err
	}
	concluded, said := map[string]bool{}, []string(nil)
	for _, t := range taken {
		if t.concluded() {
			concluded[t.record] = true
		}
		said = append(said, t.MessageID)
	}
	if err := b.remember(tx, tagAbout(tagID), v.ID, concluded); err != nil {
		return nil, err
	}
	audit.Record(tx, audit.Entry{Actor: v.ID, Action: "tag_taken", Customer: customerID, Object: customerTagID})
	if err := b.tell(tx, news{customerID, counterID, v.ID, "tag"}, said...); err != nil {
		return nil, err
	}
	return b.forgetWith(tx, v, records, tagID)
}

// takenTag is a proof of a tag that was taken.
type takenTag struct {
	record string
	Proof
}

func endTag(tx *db.Tx, tagID, by string, records []string) ([]takenTag, error) {
	marks, args := db.In(records, 5)
	rows, err := tx.Query(`UPDATE customer_tag SET ended_at = $1, ended_by = $2 WHERE tag_id = $3 AND (ended_at IS NULL OR ended_by = $4)
		AND customer_id IN (`+marks+`) RETURNING customer_id, source, message_id`, append([]any{db.Micro(tx.Now), by, tagID, Renewed}, args...)...)
	taken, err := db.Collect(rows, err, func(r *sql.Rows) (t takenTag, err error) {
		return t, r.Scan(&t.record, &t.Source, &t.MessageID)
	})
	if err != nil {
		return nil, fmt.Errorf("take tag: %w", err)
	}
	return taken, nil
}

// forgetWith forgets what was read together with a tag: who says that her skin is not
// dry does not want to say it twice. What a till, a file or a colleague says stays, and
// so does what the viewer may not change.
func (b *Book) forgetWith(tx *db.Tx, v staff.Viewer, records []string, tagID string) ([]Attribute, error) {
	marks, args := db.In(records, 4)
	// No proof but her words, of any record: then nobody else says it.
	ids, err := texts(tx, `SELECT a.id FROM attribute a JOIN customer_tag x ON x.message_id = a.message_id AND x.rule = a.rule
		WHERE x.tag_id = $1 AND x.rule <> '' AND x.message_id <> '' AND a.message_id <> '' AND a.source = $2 AND a.ended_at IS NULL AND a.customer_id IN (`+marks+`)
			AND NOT EXISTS (SELECT 1 FROM attribute o WHERE o.def_id = a.def_id AND o.hash = a.hash AND o.source <> $2
				AND (o.ended_at IS NULL OR o.ended_by = $3) AND o.customer_id IN (`+marks+`))`, append([]any{tagID, string(SourceSaid), Renewed}, args...)...)
	if err != nil {
		return nil, fmt.Errorf("what was read with a tag: %w", err)
	}
	if len(ids) == 0 {
		return nil, nil
	}
	s, err := b.Sight(tx, v)
	if err != nil {
		return nil, err
	}
	known, err := b.Attributes(tx, s, records)
	if err != nil {
		return nil, err
	}
	gone := slices.DeleteFunc(known, func(a Attribute) bool { return !slices.Contains(ids, a.ID) })
	for _, id := range ids { // also one that stands behind a newer value: it would come forth one day
		if err := b.Forget(tx, v, id); err != nil && !errors.Is(err, db.ErrNotFound) { // another brand's is theirs
			return nil, err
		}
	}
	return gone, nil
}
