package handover

import (
	"fmt"

	"dingdong/internal/db"
)

// Erase forgets which customers some records were. The lines stay as figures.
func (r *Room) Erase(tx *db.Tx, records []string) error {
	if len(records) == 0 {
		return nil
	}
	marks, args := db.In(records, 1)
	if _, err := tx.Exec(`DELETE FROM handover_piece WHERE item_id IN (SELECT id FROM handover_item WHERE customer_id IN (`+marks+`))`, args...); err != nil {
		return fmt.Errorf("erase what moved: %w", err)
	}
	if _, err := tx.Exec(`UPDATE handover_item SET customer_id = '', message_id = '', language = '', last_at = 0 WHERE customer_id IN (`+marks+`)`, args...); err != nil {
		return fmt.Errorf("erase customers of handovers: %w", err)
	}
	return nil
}
