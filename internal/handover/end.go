package handover

import (
	"context"
	"errors"
	"fmt"
	"time"

	"dingdong/internal/db"
	"dingdong/internal/job"
	"dingdong/internal/staff"
)

// end is the minute that was set: who leaves has no access any more, who was away is
// back. It is a job, so a server that was down at that minute does it when it is up.
func (r *Room) end(_ context.Context, j job.Job) (job.Outcome, error) {
	var a args
	if err := j.Decode(&a); err != nil {
		return nil, err
	}
	return func(tx *db.Tx) error {
		err := hold(tx, a.ID)
		if errors.Is(err, db.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		h, err := load(tx, a.ID)
		if err != nil {
			return err
		}
		if !h.Cancellable() || tx.Now.Before(h.Ends) { // called off, ended, or put off
			return nil
		}
		p, err := staff.GetStaff(tx, h.LeaverID)
		if err != nil {
			return err
		}
		if h.Kind == Away && p.LeftAt.IsZero() { // who left meanwhile does not come back
			note(tx, h.by(), "return", h, "")
			_, err := r.turnBack(tx, h, Returning)
			return err
		}
		return r.endAccess(tx, h)
	}, nil
}

// endAccess ends what she could do. Who is not moved yet is moved all the same, also when
// it is paused: the pause is for the customers, not for her.
func (r *Room) endAccess(tx *db.Tx, h Handover) error {
	if err := staff.EndStaff(tx, staff.System(), h.LeaverID); err != nil {
		return fmt.Errorf("end her access: %w", err)
	}
	if _, err := tx.Exec(`UPDATE handover SET ended_at = $2, paused_at = 0 WHERE id = $1`, h.ID, db.Micro(tx.Now)); err != nil {
		return fmt.Errorf("end handover: %w", err)
	}
	h.EndedAt, h.PausedAt = tx.Now, time.Time{}
	note(tx, h.by(), "end", h, h.LeaverID)
	n, err := r.add(tx, h, nil) // who came to her since
	if err != nil {
		return err
	}
	switch {
	case h.State == Moved && n == 0:
		return closeAs(tx, h, Done)
	case h.State == Moved:
		return moveOn(tx, h)
	}
	return job.Enqueue(tx, job.New{Kind: JobMove, Key: h.ID, Args: args{ID: h.ID}})
}

// Tokens lists the API tokens that the leaver made and that still work: they are the
// group's, and an administrator decides about each.
func (r *Room) Tokens(tx *db.Tx, v staff.Viewer, h Handover) ([]staff.Token, error) {
	if !v.May(staff.ManageGroup) {
		return nil, nil
	}
	all, err := staff.Tokens(tx)
	var hers []staff.Token
	for _, t := range all {
		if t.CreatedBy == h.LeaverID && t.EndedAt.IsZero() {
			hers = append(hers, t)
		}
	}
	return hers, err
}
