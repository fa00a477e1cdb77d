package insight

import (
	"fmt"

	"dingdong/internal/db"
)

// CountOld counts mentions by messages in a stretch of ids, and says which is the oldest.
func CountOld(tx *db.Tx, s db.Stretch) (n int, oldest string, err error) {
	err = tx.QueryRow(`SELECT COUNT(*), COALESCE(MIN(message_id), '') FROM mention WHERE message_id > $1 AND message_id < $2`, s.After, s.Before).Scan(&n, &oldest)
	if err != nil {
		return 0, "", fmt.Errorf("count old mentions: %w", err)
	}
	return n, oldest, nil
}

// ForgetOld removes some mentions by messages in a stretch of ids, and tells how many.
func ForgetOld(tx *db.Tx, s db.Stretch) (int, error) {
	n, err := tx.Exec(`DELETE FROM mention WHERE message_id IN (SELECT message_id FROM mention WHERE message_id > $1 AND message_id < $2
		ORDER BY message_id LIMIT $3)`, s.After, s.Before, s.Limit)
	if err != nil {
		return 0, fmt.Errorf("forget old mentions: %w", err)
	}
	return int(n), nil
}

// Forget removes what some messages were heard to say: they go.
func Forget(tx *db.Tx, messageIDs []string) error {
	if len(messageIDs) == 0 {
		return nil
	}
	marks, args := db.In(messageIDs, 1)
	if _, err := tx.Exec(`DELETE FROM mention WHERE message_id IN (`+marks+`)`, args...); err != nil {
		return fmt.Errorf("forget mentions: %w", err)
	}
	return nil
}
