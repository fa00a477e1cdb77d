package api

import (
	"fmt"

	"dingdong/internal/db"
)

// madeFor are the tables of which an idempotency key may name a row, and how the
// row is known to be hers.
var madeFor = [...]string{
	`SELECT id FROM note WHERE customer_id IN `,
	`SELECT id FROM wish WHERE customer_id IN `,
	`SELECT id FROM promise WHERE customer_id IN `,
	`SELECT id FROM contact WHERE customer_id IN `,
	`SELECT id FROM attribute WHERE customer_id IN `,
	`SELECT id FROM customer_tag WHERE customer_id IN `,
	`SELECT id FROM merge WHERE kept_id IN `,
	`SELECT id FROM merge WHERE lost_id IN `,
	`SELECT id FROM purchase WHERE customer_id <> '' AND customer_id IN `,
	`SELECT m.id FROM message m JOIN thread t ON t.id = m.thread_id WHERE t.customer_id IN `,
}

// Erase forgets under which keys programs have made something of some records:
// with the key goes the hash of what they sent. It comes before the rows go.
func Erase(tx *db.Tx, records []string) error {
	if len(records) == 0 {
		return nil
	}
	marks, args := db.In(records, 1)
	hers := `(` + marks + `)`
	if _, err := tx.Exec(`DELETE FROM api_once WHERE object IN `+hers, args...); err != nil {
		return fmt.Errorf("erase keys of programs: %w", err)
	}
	for _, q := range madeFor {
		if _, err := tx.Exec(`DELETE FROM api_once WHERE object IN (`+q+hers+`)`, args...); err != nil {
			return fmt.Errorf("erase keys of programs: %w", err)
		}
	}
	return nil
}
