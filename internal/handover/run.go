package handover

import (
	"context"
	"errors"
	"fmt"
	"time"

	"dingdong/internal/conversation"
	"dingdong/internal/db"
	"dingdong/internal/job"
	"dingdong/internal/staff"
)

// The room's jobs. Moving is one job for each handover, which stays open while there is
// a customer left: so never two customers of one handover are moved at once. The end has
// a job of its own, so that nothing that goes wrong before can hold it up.
const (
	JobMove   = "handover"
	JobEnd    = "handover_end"
	JobReport = "handover_report"
)

type args struct {
	ID   string `json:"id"`
	Days int    `json:"days,omitempty"`
}

// Handlers are the room's jobs.
func (r *Room) Handlers() map[string]job.Handler {
	return map[string]job.Handler{JobMove: r.work, JobEnd: r.end, JobReport: r.report}
}

// wake lets the moving go on.
func wake(tx *db.Tx, h Handover) error {
	if h.State == Draft || !h.ClosedAt.IsZero() {
		return nil
	}
	at := tx.Now
	if h.State == Waiting {
		at = h.Begins
	}
	return job.Enqueue(tx, job.New{Kind: JobMove, Key: h.ID, Args: args{ID: h.ID}, RunAt: at})
}

// work does one step and stays open for the next.
func (r *Room) work(ctx context.Context, j job.Job) (job.Outcome, error) {
	var a args
	if err := j.Decode(&a); err != nil {
		return nil, err
	}
	next, err := r.step(ctx, a.ID)
	if errors.Is(err, db.ErrNotFound) {
		return nil, nil // a draft that was dropped
	}
	if err != nil {
		return nil, err
	}
	return func(tx *db.Tx) error {
		if !next.IsZero() {
			job.KeepOpen(tx, next)
		}
		return nil
	}, nil
}

// step does what is next in a handover, and says when the one after it is due; zero:
// somebody will say so.
func (r *Room) step(ctx context.Context, id string) (next time.Time, err error) {
	var h Handover
	var item string
	err = r.DB.Read(ctx, func(tx *db.Tx) (err error) {
		if h, err = load(tx, id); err != nil {
			return err
		}
		item, err = nextItem(tx, h)
		return err
	})
	if err != nil {
		return next, err
	}
	switch now := r.DB.Now(); {
	case h.State == Waiting && now.Before(h.Begins):
		return h.Begins, nil
	case h.State == Waiting:
		return now, r.DB.Write(ctx, func(tx *db.Tx) error { return r.begin(tx, id) })
	case h.State == Moving && h.Paused():
		return next, nil
	case h.State == Moving && item != "":
		return now.Add(time.Minute / time.Duration(h.Pace)), r.one(ctx, item, r.move)
	case h.State == Moving:
		err = r.DB.Write(ctx, func(tx *db.Tx) (err error) {
			next = time.Time{}
			more, err := r.allMoved(tx, id)
			if more {
				next = tx.Now
			}
			return err
		})
		return next, err
	case (h.State == Returning || h.State == Cancelling) && item != "":
		return now, r.one(ctx, item, r.back)
	case h.State == Returning || h.State == Cancelling:
		return next, r.DB.Write(ctx, func(tx *db.Tx) error { return r.allBack(tx, id) })
	}
	return next, nil
}

// nextItem is the customer whose turn it is: what went wrong once comes last.
func nextItem(tx *db.Tx, h Handover) (string, error) {
	state := Planned
	if h.State == Returning || h.State == Cancelling {
		state = ItemMoved
	}
	rows, err := tx.Query(`SELECT id FROM handover_item WHERE handover_id = $1 AND state = $2 ORDER BY tries, id LIMIT 1`, h.ID, string(state))
	ids, err := texts(rows, err)
	if err != nil {
		return "", fmt.Errorf("next customer: %w", err)
	}
	if len(ids) == 0 {
		return "", nil
	}
	return ids[0], nil
}

// mostTries is how often a customer is tried who is busy: a merge, a call under way.
const mostTries = 5

// one does something with one customer in a transaction of its own. What goes wrong
// with her is noted with her, and the others go on; what goes wrong with the house is
// the job's to try again.
func (r *Room) one(ctx context.Context, id string, do func(*db.Tx, string) error) error {
	err := r.DB.Write(ctx, func(tx *db.Tx) error { return do(tx, id) })
	if err == nil || ctx.Err() != nil || errors.Is(err, db.ErrUnavailable) || errors.Is(err, db.ErrFull) || errors.Is(err, db.ErrClosed) {
		return err
	}
	return r.DB.Write(ctx, func(tx *db.Tx) error {
		most := 1
		if errors.Is(err, conversation.ErrBusy) {
			most = mostTries
		}
		_, err := tx.Exec(`UPDATE handover_item SET tries = tries + 1, why = $2, state = CASE WHEN tries + 1 >= $3 THEN 'failed' ELSE state END
			WHERE id = $1 AND state IN ('planned', 'moved')`, id, whyFailed(err), most)
		if err != nil {
			return fmt.Errorf("note what failed: %w", err)
		}
		return nil
	})
}

// whyFailed is a code with a sentence of its own.
func whyFailed(err error) string {
	bad, refused := isInvalid(err)
	switch {
	case refused && bad.Field == "to":
		return "not_at_counter"
	case errors.Is(err, conversation.ErrBusy):
		return "busy"
	case errors.Is(err, db.ErrNotFound):
		return "not_found"
	case refused:
		return "refused"
	}
	return "fault"
}

// begin starts the moving on its day: the book is read once more, and who is away for a
// while is off duty from now on.
func (r *Room) begin(tx *db.Tx, id string) error {
	if err := hold(tx, id); err != nil {
		return err
	}
	h, err := load(tx, id)
	if err != nil || h.State != Waiting {
		return err
	}
	if err := r.replan(tx, h); err != nil {
		return err
	}
	if h.Kind == Away {
		if err := setAway(tx, h, h.Ends); err != nil {
			return err
		}
	}
	if _, err := tx.Exec(`UPDATE handover SET state = 'moving', begun_at = $2 WHERE id = $1`, h.ID, db.Micro(tx.Now)); err != nil {
		return fmt.Errorf("begin handover: %w", err)
	}
	for _, days := range []int{30, 90} {
		if err := enqueueReport(tx, h.ID, days); err != nil {
			return err
		}
	}
	note(tx, h.by(), "begin", h, "")
	return nil
}

// setAway sets who is away off duty until her end, or back now.
func setAway(tx *db.Tx, h Handover, until time.Time) error {
	if !until.IsZero() && !until.After(tx.Now) {
		return nil
	}
	err := staff.SetAway(tx, staff.System(), staff.Away{StaffID: h.LeaverID, Until: until})
	if errors.Is(err, db.ErrNotFound) { // she left meanwhile
		return nil
	}
	return err
}

// allMoved looks whether somebody came to the leaver meanwhile, and closes the moving
// when nobody did. It tells whether there is more to move.
func (r *Room) allMoved(tx *db.Tx, id string) (more bool, err error) {
	if err := hold(tx, id); err != nil {
		return false, err
	}
	h, err := load(tx, id)
	if err != nil || h.State != Moving {
		return false, err
	}
	n, err := r.add(tx, h, nil)
	if err != nil || n > 0 {
		return n > 0, err
	}
	if _, err := tx.Exec(`UPDATE handover SET state = 'moved', moved_at = $2 WHERE id = $1`, h.ID, db.Micro(tx.Now)); err != nil {
		return false, fmt.Errorf("all moved: %w", err)
	}
	if !h.EndedAt.IsZero() { // her access ended while customers were moved
		return false, closeAs(tx, h, Done)
	}
	return false, nil
}

// closeAs ends a handover. Where something failed it stays open: somebody has to say
// what shall become of that customer.

func closeAs(tx *db.Tx, h Handover, s State) error {
	var failed int
	if err := tx.QueryRow(`SELECT COUNT(*) FROM handover_item WHERE handover_id = $1 AND state = 'failed'`, h.ID).Scan(&failed); err != nil || failed > 0 {
		return err
	}
	if _, err := tx.Exec(`UPDATE handover SET state = $2, closed_at = $3 WHERE id = $1`, h.ID, string(s), db.Micro(tx.Now)); err != nil {
		return fmt.Errorf("close handover: %w", err)
	}
	note(tx, h.by(), string(s), h, "")
	return nil
}
