package handover

import (
	"cmp"
	"fmt"
	"time"

	"dingdong/internal/db"
	"dingdong/internal/job"
	"dingdong/internal/staff"
)

// Start lets a draft begin: from now on the leaver sees only what she still needs, and
// on its day the first customer is moved. Started already, nothing happens: two managers
// may tap at once.
func (r *Room) Start(tx *db.Tx, v staff.Viewer, id string) (Handover, error) {
	h, err := r.change(tx, v, id)
	if err != nil || h.State != Draft {
		return h, err
	}
	if !h.Ends.After(tx.Now) {
		return h, db.Invalid{Field: "ends", Code: "past"}
	}
	if err := r.replan(tx, h); err != nil { // colleagues may have left since
		return h, err
	}
	if _, err := tx.Exec(`UPDATE handover SET state = 'waiting', started_by = $2, started_at = $3 WHERE id = $1`, h.ID, v.ID, db.Micro(tx.Now)); err != nil {
		return h, fmt.Errorf("start handover: %w", err)
	}
	if h, err = load(tx, id); err != nil {
		return h, err
	}
	if h.Kind == Leaves {
		if err := staff.SetLeaving(tx, v, h.LeaverID, h.Ends); err != nil {
			return h, err
		}
	}
	note(tx, v.ID, "start", h, h.LeaverID)
	if err := wake(tx, h); err != nil {
		return h, err
	}
	return h, enqueueEnd(tx, h)
}

func enqueueEnd(tx *db.Tx, h Handover) error {
	return job.Enqueue(tx, job.New{Kind: JobEnd, Key: fmt.Sprint(h.ID, ":", db.Micro(h.Ends)), Args: args{ID: h.ID}, RunAt: h.Ends})
}

// Pause stops the moving for now. The end comes all the same.
func (r *Room) Pause(tx *db.Tx, v staff.Viewer, id string) (Handover, error) {
	h, err := r.change(tx, v, id)
	if err != nil || !h.PausedAt.IsZero() {
		return h, err
	}
	if h.State != Waiting && h.State != Moving {
		return h, fixed("handover")
	}
	if _, err := tx.Exec(`UPDATE handover SET paused_at = $2 WHERE id = $1`, h.ID, db.Micro(tx.Now)); err != nil {
		return h, fmt.Errorf("pause handover: %w", err)
	}
	note(tx, v.ID, "pause", h, "")
	return load(tx, id)
}

// Resume lets a paused handover go on.
func (r *Room) Resume(tx *db.Tx, v staff.Viewer, id string) (Handover, error) {
	h, err := r.change(tx, v, id)
	if err != nil || h.PausedAt.IsZero() {
		return h, err
	}
	if _, err := tx.Exec(`UPDATE handover SET paused_at = 0 WHERE id = $1`, h.ID); err != nil {
		return h, fmt.Errorf("resume handover: %w", err)
	}
	note(tx, v.ID, "resume", h, "")
	if h, err = load(tx, id); err != nil {
		return h, err
	}
	return h, wake(tx, h)
}

// Cancel calls a handover off before its end: everything that was moved goes back, and
// who was told is told that her advisor stays.
func (r *Room) Cancel(tx *db.Tx, v staff.Viewer, id string) (Handover, error) {
	h, err := r.change(tx, v, id)
	if err != nil || h.State == Cancelling || h.State == Cancelled {
		return h, err
	}
	if !h.Cancellable() {
		return h, fixed("handover")
	}
	p, err := staff.GetStaff(tx, h.LeaverID)
	if err != nil {
		return h, err
	}
	if !p.LeftAt.IsZero() { // an administrator ended her access before its time: nobody is there to come back to
		return h, fixed("handover")
	}
	if h.Kind == Leaves {
		if err := staff.SetLeaving(tx, v, h.LeaverID, time.Time{}); err != nil {
			return h, err
		}
	}
	note(tx, v.ID, "cancel", h, "")
	return r.turnBack(tx, h, Cancelling)
}

// Recall brings somebody back before her time: what was moved goes back.
func (r *Room) Recall(tx *db.Tx, v staff.Viewer, id string) (Handover, error) {
	h, err := r.change(tx, v, id)
	if err != nil || h.State == Returning || h.State == Returned {
		return h, err
	}
	if h.Kind != Away || h.State != Moving && h.State != Moved {
		return h, fixed("handover")
	}
	if p, err := staff.GetStaff(tx, h.LeaverID); err != nil || !p.LeftAt.IsZero() { // nobody is there to come back
		return h, cmp.Or(err, fixed("handover"))
	}
	note(tx, v.ID, "recall", h, "")
	return r.turnBack(tx, h, Returning)
}

// turnBack lets what was moved go back.
func (r *Room) turnBack(tx *db.Tx, h Handover, s State) (Handover, error) {
	if h.Kind == Away && !h.BegunAt.IsZero() {
		if err := setAway(tx, h, time.Time{}); err != nil {
			return h, err
		}
	}
	if _, err := tx.Exec(`UPDATE handover SET state = $2, ended_at = $3, paused_at = 0 WHERE id = $1`, h.ID, string(s), db.Micro(tx.Now)); err != nil {
		return h, fmt.Errorf("turn handover back: %w", err)
	}
	h, err := load(tx, h.ID)
	if err != nil {
		return h, err
	}
	return h, wake(tx, h)
}

// Reschedule changes when an open handover ends: a leave that is longer, a notice that
// was withdrawn for a week.
func (r *Room) Reschedule(tx *db.Tx, v staff.Viewer, id string, ends time.Time) (Handover, error) {
	h, err := r.change(tx, v, id)
	if err != nil {
		return h, err
	}
	switch {
	case h.State == Draft || !h.Cancellable():
		return h, fixed("handover")
	case ends.IsZero():
		return h, db.Invalid{Field: "ends", Code: "required"}
	case !ends.After(tx.Now) || !ends.After(h.Begins):
		return h, db.Invalid{Field: "ends", Code: "past"}
	case ends.Sub(tx.Now) > longest:
		return h, db.Invalid{Field: "ends", Code: "too_far"}
	}
	if _, err := tx.Exec(`UPDATE handover SET ends_at = $2 WHERE id = $1`, h.ID, db.Micro(ends)); err != nil {
		return h, fmt.Errorf("reschedule handover: %w", err)
	}
	if h, err = load(tx, id); err != nil {
		return h, err
	}
	if h.Kind == Leaves {
		err = staff.SetLeaving(tx, v, h.LeaverID, ends)
	} else if !h.BegunAt.IsZero() {
		err = setAway(tx, h, ends)
	}
	if err != nil {
		return h, err
	}
	note(tx, v.ID, "reschedule", h, ends.UTC().Format(time.RFC3339))
	return h, enqueueEnd(tx, h)
}

// Retry plans again what failed, all of it.
func (r *Room) Retry(tx *db.Tx, v staff.Viewer, id string) (int, error) {
	h, err := r.change(tx, v, id)
	if err != nil {
		return 0, err
	}
	if !h.ClosedAt.IsZero() {
		return 0, fixed("handover")
	}
	state := Planned
	if h.State == Returning || h.State == Cancelling {
		state = ItemMoved
	}
	n, err := tx.Exec(`UPDATE handover_item SET state = $2, why = '', tries = 0 WHERE handover_id = $1 AND state = 'failed'`, h.ID, string(state))
	if err != nil {
		return 0, fmt.Errorf("retry: %w", err)
	}
	if n == 0 {
		return 0, nil
	}
	note(tx, v.ID, "retry", h, "")
	return int(n), moveOn(tx, h)
}

// Forgo leaves what failed as it is, so that the handover can be closed.
func (r *Room) Forgo(tx *db.Tx, v staff.Viewer, id string) error {
	h, err := r.change(tx, v, id)
	if err != nil {
		return err
	}
	if !h.ClosedAt.IsZero() {
		return fixed("handover")
	}
	if _, err := tx.Exec(`UPDATE handover_item SET state = 'skipped' WHERE handover_id = $1 AND state = 'failed'`, h.ID); err != nil {
		return fmt.Errorf("forgo: %w", err)
	}
	note(tx, v.ID, "forgo", h, "")
	return moveOn(tx, h)
}

// moveOn lets the moving go on, also after everything else was moved.
func moveOn(tx *db.Tx, h Handover) error {
	if h.State == Moved {
		if _, err := tx.Exec(`UPDATE handover SET state = 'moving' WHERE id = $1`, h.ID); err != nil {
			return fmt.Errorf("move on: %w", err)
		}
	}
	return wake(tx, h)
}
