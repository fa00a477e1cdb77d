package conversation

import (
	"database/sql"
	"fmt"
	"time"

	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// FirstContact is when the first line of a thread was written, by the
// platform's clock; zero while there is none.
func (d *Desk) FirstContact(tx *db.Tx, v staff.Viewer, threadID string) (time.Time, error) {
	t, err := d.Thread(tx, v, threadID)
	if err != nil {
		return time.Time{}, err
	}
	var at sql.NullInt64
	if err := tx.QueryRow(`SELECT MIN(at) FROM message WHERE thread_id = $1`, t.ID).Scan(&at); err != nil {
		return time.Time{}, fmt.Errorf("first contact: %w", err)
	}
	return db.Time(at.Int64), nil
}
