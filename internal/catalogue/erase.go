package catalogue

import (
	"fmt"

	"dingdong/internal/db"
)

// Erase makes the receipts of some records nobody's: what was sold, where, when and
// by which advisor stays as a figure, and nothing leads from it to a person. The
// till's own number of the receipt stays, so that the same file cannot count it twice.
func (s *Shop) Erase(tx *db.Tx, records []string) error {
	if len(records) == 0 {
		return nil
	}
	marks, args := db.In(records, 1)
	// A receipt that waits under a number which is proved to be hers is hers too.
	_, err := tx.Exec(`UPDATE purchase SET member_hash = '' WHERE customer_id = '' AND member_hash <> '' AND member_hash IN (
		SELECT hash FROM contact WHERE verified AND ended_at IS NULL AND customer_id IN (`+marks+`))`, args...)
	if err != nil {
		return fmt.Errorf("erase waiting receipts: %w", err)
	}
	_, err = tx.Exec(`UPDATE purchase SET customer_id = '', member_hash = '' WHERE customer_id <> '' AND customer_id IN (`+marks+`)`, args...)
	if err != nil {
		return fmt.Errorf("erase receipts: %w", err)
	}
	return nil
}
