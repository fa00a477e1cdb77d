package privacy

import (
	"fmt"

	"dingdong/internal/audit"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// Working is something that an officer does about a request.
type Working struct {
	ID   string
	Note string // why, for the record; names nobody
}

// Comment adds a note to the record of a request.
func (r *Room) Comment(tx *db.Tx, v staff.Viewer, w Working) error {
	return r.work(tx, v, w, "noted")
}

// Extend gives a request as many days once more as its kind has. The law wants a
// reason, and that she is told.
func (r *Room) Extend(tx *db.Tx, v staff.Viewer, w Working) error {
	return r.work(tx, v, w, "extended")
}

// Refuse closes a request that cannot be done; the law wants a reason.
func (r *Room) Refuse(tx *db.Tx, v staff.Viewer, w Working) error {
	return r.work(tx, v, w, "refused")
}

// Finish closes a request that was done by hand, such as a correction.
func (r *Room) Finish(tx *db.Tx, v staff.Viewer, w Working) error {
	return r.work(tx, v, w, "done")
}

func (r *Room) work(tx *db.Tx, v staff.Viewer, w Working, act string) error {
	if !v.May(staff.KeepPrivacy) {
		return staff.ErrForbidden
	}
	note, err := noteField(w.Note)
	if err != nil {
		return err
	}
	if note == "" && (act == "extended" || act == "refused") {
		return db.Invalid{Field: "note", Code: "required"}
	}
	q, err := r.request(tx, w.ID)
	if err != nil {
		return err
	}
	if !q.ClosedAt.IsZero() && act != "noted" {
		return db.ErrConflict
	}
	if act == "done" && q.Kind == AskErase && !q.Erased {
		return db.Invalid{Field: "kind", Code: "not_erased"} // a record that says so must be true
	}
	if act == "extended" {
		again, err := r.extended(tx, q)
		if err != nil {
			return err
		}
		if again {
			return db.Invalid{Field: "due", Code: "once"}
		}
	}
	set := map[string]string{
		"noted":    `state = state`,
		"extended": `due_at = due_at + (due_at - at)`,
		"refused":  `state = 'refused', closed_at = $2`,
		"done":     `state = 'done', closed_at = $2`,
	}[act]
	args := []any{q.ID}
	if act == "refused" || act == "done" {
		args = append(args, db.Micro(tx.Now))
	}
	if _, err := tx.Exec(`UPDATE privacy_request SET `+set+` WHERE id = $1`, args...); err != nil {
		return fmt.Errorf("%s a request: %w", act, err)
	}
	audit.Record(tx, audit.Entry{Actor: v.ID, Action: "privacy." + act, Customer: q.PersonID, Object: q.ID, Detail: string(q.Kind)})
	return r.step(tx, stepping{request: q.ID, act: act, by: v.ID, note: note})
}

func (r *Room) extended(tx *db.Tx, q Request) (bool, error) {
	var n int
	err := tx.QueryRow(`SELECT COUNT(*) FROM privacy_step WHERE request_id = $1 AND act = 'extended'`, q.ID).Scan(&n)
	return n > 0, err
}

// settleRequests closes what an erasure has answered: the erasure itself, and with
// her gone everything else she had asked.
func (r *Room) settleRequests(tx *db.Tx, e Erasure) error {
	marks, args := db.In(e.Records, 1)
	rows, err := tx.Query(`SELECT id FROM privacy_request WHERE closed_at IS NULL AND person_id IN (`+marks+`) ORDER BY id`, args...)
	open, err := db.Collect(rows, err, scanText)
	if err != nil {
		return fmt.Errorf("requests that an erasure answers: %w", err)
	}
	for _, id := range open {
		if _, err := tx.Exec(`UPDATE privacy_request SET state = 'done', closed_at = $2 WHERE id = $1`, id, db.Micro(tx.Now)); err != nil {
			return fmt.Errorf("close a request: %w", err)
		}
		if err := r.step(tx, stepping{request: id, act: "done", by: e.By}); err != nil {
			return err
		}
	}
	return nil
}
