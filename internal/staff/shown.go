package staff

import (
	"fmt"
	"strings"

	"dingdong/internal/db"
)

// SetShown sets what customers read of the viewer herself.
func SetShown(tx *db.Tx, v Viewer, s Shown) error {
	if !v.May(Chat) || v.Role == machine {
		return ErrForbidden
	}
	if err := s.check(); err != nil {
		return err
	}
	err := one(tx.Exec(`UPDATE staff SET languages = $2, specialities = $3 WHERE id = $1`, v.ID, strings.Join(s.Languages, " "), s.Specialities))
	if err != nil {
		return fmt.Errorf("save what customers read of her: %w", err)
	}
	note(tx, v, "staff_shown", v.ID, "")
	return nil
}
