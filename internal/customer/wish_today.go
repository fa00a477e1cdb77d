package customer

import (
	"fmt"
	"strconv"

	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// WishesMatched returns wishes for which something arrived, at counters the
// viewer sees, the latest arrival first.
func (b *Book) WishesMatched(tx *db.Tx, v staff.Viewer, limit int) ([]Wish, error) {
	counters, args := counterCondition(v, nil)
	rows, err := tx.Query(`SELECT `+wishColumns+wishFrom+`x.state = 'matched' AND x.ended_at IS NULL`+counters+
		` ORDER BY x.matched_at DESC, x.id DESC LIMIT `+strconv.Itoa(limit), args...)
	list, err := b.openWishes(tx, rows, err)
	if err != nil {
		return nil, fmt.Errorf("wishes that can be granted: %w", err)
	}
	return list, nil
}
