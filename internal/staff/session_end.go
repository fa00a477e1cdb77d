package staff

import (
	"fmt"

	"dingdong/internal/db"
)

// EndSessionOf ends a session of somebody else's: a phone was lost, and she cannot end it
// herself.
func EndSessionOf(tx *db.Tx, v Viewer, staffID, id string) error {
	if !v.May(ManageGroup) {
		return ErrForbidden
	}
	if err := one(tx.Exec(`DELETE FROM session WHERE id = $1 AND staff_id = $2`, id, staffID)); err != nil {
		return fmt.Errorf("end her session: %w", err)
	}
	note(tx, v, "session_ended", id, staffID)
	return nil
}
