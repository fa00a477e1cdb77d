package customer

import (
	"fmt"

	"dingdong/internal/db"
)

// OldTexts are texts that staff wrote about customers, which grow old.
type OldTexts string

// What staff writes and the house lets go of one day.
const (
	OldNotes    OldTexts = "note"
	OldWishes   OldTexts = "wish"
	OldPromises OldTexts = "promise"
)

// settled says of which rows the matter is over. A note has none: it is its age.
var settled = map[OldTexts]string{
	OldNotes:    `TRUE`,
	OldWishes:   `ended_at IS NOT NULL`,
	OldPromises: `(done_at IS NOT NULL OR ended_at IS NOT NULL)`,
}

// CountOld counts texts in a stretch of ids, and says which is the oldest.
func CountOld(tx *db.Tx, kind OldTexts, s db.Stretch) (n int, oldest string, err error) {
	err = tx.QueryRow(`SELECT COUNT(*), COALESCE(MIN(id), '') FROM `+string(kind)+` WHERE id > $1 AND id < $2 AND `+settled[kind], s.After, s.Before).Scan(&n, &oldest)
	if err != nil {
		return 0, "", fmt.Errorf("count old texts: %w", err)
	}
	return n, oldest, nil
}

// ForgetOld removes some texts in a stretch of ids, and tells how many.
func (b *Book) ForgetOld(tx *db.Tx, kind OldTexts, s db.Stretch) (int, error) {
	ids, err := texts(tx, `SELECT id FROM `+string(kind)+` WHERE id > $1 AND id < $2 AND `+settled[kind]+` ORDER BY id LIMIT $3`, s.After, s.Before, s.Limit)
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	marks, args := db.In(ids, 1)
	if kind == OldWishes {
		if _, err := tx.Exec(`DELETE FROM wish_facet WHERE wish_id IN (`+marks+`)`, args...); err != nil {
			return 0, fmt.Errorf("forget old texts: %w", err)
		}
	}
	if _, err := tx.Exec(`DELETE FROM `+string(kind)+` WHERE id IN (`+marks+`)`, args...); err != nil {
		return 0, fmt.Errorf("forget old texts: %w", err)
	}
	return len(ids), nil
}
