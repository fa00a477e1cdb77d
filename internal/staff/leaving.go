package staff

import (
	"fmt"
	"time"

	"dingdong/internal/db"
)

// SetLeaving notes the day on which somebody is known to leave; zero: she stays. From
// then on she is watched more closely and asks for no exports. EndStaff ends her access.
func SetLeaving(tx *db.Tx, v Viewer, staffID string, at time.Time) error {
	p, err := GetStaff(tx, staffID)
	if err != nil {
		return err
	}
	program := v.Role == machine && v.May(HandOver)
	if !program && !mayExcuse(v, p) || v.ID == p.ID && !v.May(ManageGroup) {
		return ErrForbidden
	}
	if !p.LeftAt.IsZero() {
		return db.ErrNotFound
	}
	if !at.IsZero() && !at.After(tx.Now) {
		return db.Invalid{Field: "leaves", Code: "past"}
	}
	var when *int64
	detail := ""
	if !at.IsZero() {
		us := db.Micro(at)
		when, detail = &us, at.UTC().Format(time.RFC3339)
	}
	if _, err := tx.Exec(`UPDATE staff SET leaves_at = $2 WHERE id = $1`, p.ID, when); err != nil {
		return fmt.Errorf("set leaving date: %w", err)
	}
	note(tx, v, "staff_leaving", p.ID, detail)
	return nil
}

// LeavingAt gives the day on which somebody is known to leave, or zero.
func LeavingAt(tx *db.Tx, staffID string) (time.Time, error) {
	var at *int64
	if err := tx.QueryRow(`SELECT leaves_at FROM staff WHERE id = $1`, staffID).Scan(&at); err != nil {
		return time.Time{}, fmt.Errorf("leaving date: %w", db.NotFound(err))
	}
	return nullable(at), nil
}
