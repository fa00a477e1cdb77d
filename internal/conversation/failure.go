package conversation

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"dingdong/internal/audit"
	"dingdong/internal/db"
	"dingdong/internal/event"
	"dingdong/internal/job"
	"dingdong/internal/staff"
)

// Failures lists messages that did not reach their customer, the newest first.
// An administrator mends accounts, so she sees all of them; the words only of
// those whose threads she may read.
func (d *Desk) Failures(tx *db.Tx, v staff.Viewer, limit int) ([]Message, error) {
	where, args := ``, []any{limit}
	if !v.May(staff.ManageGroup) {
		counters, err := visible(tx, v)
		if err != nil || len(counters) == 0 {
			return nil, err
		}
		for _, c := range counters {
			args = append(args, c)
		}
		where = ` AND m.thread_id IN (SELECT id FROM thread WHERE counter_id IN (` + db.Marks(len(counters), 2) + `))`
	}
	rows, err := tx.Query(`SELECT `+messageColumns+messageFrom+`WHERE m.status IN ('failed', 'unknown')`+where+`
		ORDER BY m.at DESC, m.id DESC LIMIT $1`, args...)
	found, err := collectRows(rows, err)
	if err != nil {
		return nil, fmt.Errorf("failures: %w", err)
	}
	out := make([]Message, 0, len(found))
	for _, r := range found {
		_, err := d.Thread(tx, v, r.ThreadID)
		if errors.Is(err, db.ErrNotFound) {
			r.Body, r.Blob, r.Preview = nil, "", "" // opening it gives an empty body
		} else if err != nil {
			return nil, err
		}
		m, err := d.open(tx, r)
		if err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	return out, nil
}

// Resend queues a message again that failed, or of which nobody knows whether
// it arrived. It travels as a new call, under the same bubble.
func (d *Desk) Resend(tx *db.Tx, v staff.Viewer, messageID string) (Message, error) {
	m, err := d.message(tx, messageID)
	if err != nil {
		return m, err
	}
	t, err := d.writable(tx, v, m.ThreadID)
	if err != nil {
		return m, err
	}
	if m.Status != StatusFailed && m.Status != StatusUnknown && m.Status != StatusRefused {
		return m, nil
	}
	code, err := d.permitAgain(tx, m)
	if err != nil {
		return m, err
	}
	status := StatusQueued
	if code != "" {
		status = StatusRefused
	}
	// A fresh delivery gives it a fresh retry key: the old one may be remembered
	// by the platform as done, or as part of a call with other bubbles.
	delivery := newDeliveryID()
	if _, err := tx.Exec(`INSERT INTO delivery (id, thread_id, account_id, method, state, at) VALUES ($1, $2, $3, 'push', 'waiting', $4)`,
		delivery, m.ThreadID, m.AccountID, db.Micro(tx.Now)); err != nil {
		return m, err
	}
	if _, err := tx.Exec(`UPDATE message SET status = $2, failure = $3, detail = '', delivery_id = $4, at = $5 WHERE id = $1`,
		m.ID, string(status), code, delivery, db.Micro(tx.Now)); err != nil {
		return m, fmt.Errorf("resend: %w", err)
	}
	audit.Record(tx, audit.Entry{Actor: v.ID, Action: "message.resend", Customer: m.CustomerID, Object: m.ID})
	event.Append(tx, event.Event{Kind: event.MessageStatus, Customer: m.CustomerID, Thread: m.ThreadID, Counter: t.CounterID,
		Message: m.ID, By: v.ID, Data: map[string]string{"status": string(status)}})
	if status == StatusQueued {
		if err := enqueueDelivery(tx, m.ThreadID, time.Time{}); err != nil {
			return m, err
		}
	}
	return d.message(tx, m.ID)
}

// permitAgain asks for a message that a person sends again, to where it was to go the
// first time. One that went out once and may not have arrived has its place already.
func (d *Desk) permitAgain(tx *db.Tx, m Message) (string, error) {
	r, err := scanRow(tx.QueryRow(`SELECT `+messageColumns+messageFrom+`WHERE m.id = $1`, m.ID))
	if err != nil {
		return "", err
	}
	t, err := addressee(tx, Draft{ThreadID: m.ThreadID})
	if err != nil {
		return "", err
	}
	to, err := d.Book.IdentityByID(tx, m.IdentityID)
	if err != nil {
		return "", err
	}
	a, err := d.AccountByID(tx, m.AccountID)
	if err != nil {
		return "", err
	}
	t.reach = to.Reach
	if code := t.refusal(a); code != "" {
		return code, nil
	}
	r.Author = AuthorStaff // a person decides, so the budget warns and counts
	v, err := d.permit(tx, request{message: r, zone: t.zone, waiting: t.waiting > 0, heard: db.Time(t.heard)})
	if err != nil {
		return "", err
	}
	return v.failure, d.rearrange(tx, v.moved)
}

// JobSweep looks for messages that stand in the queue without a job. There
// should be none; if there are, they must not wait for a person to notice.
const JobSweep = "sweep"

const sweepEvery = time.Minute

// Sweep is the periodic job handler that sets stranded deliveries going again.
func (d *Desk) Sweep(ctx context.Context, j job.Job) (job.Outcome, error) {
	return func(tx *db.Tx) error {
		rows, err := tx.Query(`SELECT DISTINCT m.thread_id FROM message m WHERE m.status = 'queued'
			AND NOT EXISTS (SELECT 1 FROM job j WHERE j.kind = 'deliver' AND j.key = m.thread_id AND j.dead_at IS NULL) LIMIT 1000`)
		threads, err := db.Collect(rows, err, func(r *sql.Rows) (string, error) {
			var id string
			return id, r.Scan(&id)
		})
		if err != nil {
			return fmt.Errorf("sweep: %w", err)
		}
		for _, id := range threads {
			if err := enqueueDelivery(tx, id, time.Time{}); err != nil {
				return err
			}
		}
		if err := freeStranded(tx); err != nil {
			return err
		}
		job.KeepOpen(tx, tx.Now.Add(sweepEvery))
		return nil
	}, nil
}

// Handlers are the room's jobs.
func (d *Desk) Handlers() map[string]job.Handler {
	return map[string]job.Handler{
		JobDeliver:   d.Deliver,
		JobRelease:   d.ReleasePlanned,
		JobFetch:     d.FetchMedia,
		JobDropMedia: d.DropMedia,
		JobDropBlobs: d.DropBlobs,
		JobProfile:   d.FetchProfile,
		JobPortrait:  d.FetchPortrait,
		JobMarkRead:  d.MarkRead,
		JobQuota:     d.CheckQuotas,
		JobSweep:     d.Sweep,

		staff.JobDuty: d.dutyChanged,
		JobMerge:      d.MergeLater,
	}
}

// Schedule enters the room's periodic jobs, once.
func Schedule(tx *db.Tx) error {
	for _, kind := range []string{JobQuota, JobSweep} {
		if err := job.Enqueue(tx, job.New{Kind: kind, Key: "periodic"}); err != nil {
			return err
		}
	}
	return nil
}
