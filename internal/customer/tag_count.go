package customer

import (
	"database/sql"
	"fmt"

	"dingdong/internal/db"
)

// TagCounts says how many records have each tag now, by the id of the tag.
func (b *Book) TagCounts(tx *db.Tx) (map[string]int, error) {
	rows, err := tx.Query(`SELECT tag_id, COUNT(*) FROM customer_tag WHERE ended_at IS NULL AND (expires_at = 0 OR expires_at > $1) GROUP BY tag_id`,
		db.Micro(tx.Now))
	counts := map[string]int{}
	_, err = db.Collect(rows, err, func(r *sql.Rows) (none struct{}, err error) {
		var id string
		var n int
		err = r.Scan(&id, &n)
		counts[id] = n
		return none, err
	})
	if err != nil {
		return nil, fmt.Errorf("tags in use: %w", err)
	}
	return counts, nil
}
