package conversation

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"dingdong/internal/audit"
	"dingdong/internal/channel"
	"dingdong/internal/consent"
	"dingdong/internal/db"
	"dingdong/internal/event"
	"dingdong/internal/job"
	"dingdong/internal/staff"
)

// JobRelease looks at a planned message when its time has come.
const JobRelease = "release"

type releaseArgs struct {
	Message string `json:"message"`
	Thread  string `json:"thread"` // by which an erasure finds it
}

func enqueueRelease(tx *db.Tx, r releaseArgs, at time.Time) error {
	return job.Enqueue(tx, job.New{Kind: JobRelease, Lane: "release:" + r.Message, Key: r.Message, Args: r, RunAt: at})
}

// ReleasePlanned is the job handler behind every planned message: it asks once more, because
// consent, the rules and what was said meanwhile may have changed.
func (d *Desk) ReleasePlanned(_ context.Context, j job.Job) (job.Outcome, error) {
	var args releaseArgs
	if err := j.Decode(&args); err != nil {
		return nil, job.Fatal(err)
	}
	return func(tx *db.Tx) error {
		p, err := d.plannedByID(tx, args.Message)
		if errors.Is(err, db.ErrNotFound) {
			return nil // it was cancelled, or went
		}
		if err != nil {
			return err
		}
		if tx.Now.Before(p.At) { // it was given a later place meanwhile
			job.KeepOpen(tx, p.At)
			return nil
		}
		v, err := d.due(tx, p)
		if err != nil {
			return err
		}
		if v.failure == "" && v.at.After(tx.Now) {
			job.KeepOpen(tx, v.at)
		}
		return d.resolve(tx, p, v)
	}, nil
}

// planned is a planned message with what must be known of its thread to decide.
type planned struct {
	row
	addressed
}

func (d *Desk) plannedByID(tx *db.Tx, id string) (planned, error) {
	r, err := scanRow(tx.QueryRow(`SELECT `+messageColumns+messageFrom+`WHERE m.id = $1 AND m.status = 'planned'`, id))
	if err != nil {
		return planned{}, db.NotFound(err)
	}
	t, err := addressee(tx, Draft{ThreadID: r.ThreadID})
	if err != nil {
		return planned{}, err
	}
	// It goes where she is now; its words stay sealed for whom they were written.
	r.ThreadID, r.IdentityID, r.AccountID = t.id, t.identity, t.account
	return planned{r, t}, nil
}

// strandedAfter is how long after its time a planned message may wait for its job, on a
// house that was down, say, before something must be wrong.
const strandedAfter = 7 * 24 * time.Hour

// freeStranded sets planned messages going again whose job is gone.
func freeStranded(tx *db.Tx) error {
	rows, err := tx.Query(`SELECT m.id, m.thread_id FROM message m WHERE m.status = 'planned' AND m.at < $1
		AND NOT EXISTS (SELECT 1 FROM job j WHERE j.kind = 'release' AND j.key = m.id AND j.dead_at IS NULL) LIMIT 1000`, db.Micro(tx.Now))
	all, err := db.Collect(rows, err, func(r *sql.Rows) (a releaseArgs, err error) { return a, r.Scan(&a.Message, &a.Thread) })
	if err != nil {
		return fmt.Errorf("stranded planned messages: %w", err)
	}
	for _, a := range all {
		if err := enqueueRelease(tx, a, time.Time{}); err != nil {
			return err
		}
	}
	return nil
}

// due decides about a planned message whose time has come.
func (d *Desk) due(tx *db.Tx, p planned) (verdict, error) {
	a, err := d.accountOut(tx, p.AccountID)
	if err != nil {
		return verdict{}, err
	}
	code := p.refusal(a)
	if code == "" && !p.Expires.IsZero() && tx.Now.After(p.Expires) {
		code = consent.Expired // also what took no place
	}
	if code != "" {
		return verdict{failure: code}, d.Consent().Free(tx, p.ID)
	}
	if err := d.Consent().Heard(tx, p.CustomerID, db.Time(p.heard)); err != nil {
		return verdict{}, err
	}
	answer, err := d.Consent().Recheck(tx, p.ID)
	if errors.Is(err, db.ErrNotFound) { // it took no place when it was planned
		return d.permit(tx, request{message: p.row, zone: p.zone, waiting: p.waiting > 0, heard: db.Time(p.heard)})
	}
	return verdict{at: answer.At, failure: answer.Refused, moved: answer.Moved}, err
}

// resolve does with a planned message what was decided.
func (d *Desk) resolve(tx *db.Tx, p planned, v verdict) error {
	var err error
	switch {
	case v.failure != "":
		err = d.refusePlanned(tx, p, v.failure, "system")
	case v.at.After(tx.Now):
		err = d.replan(tx, p, v.at)
	default:
		err = d.queuePlanned(tx, p)
	}
	if err != nil {
		return err
	}
	return d.rearrange(tx, v.moved)
}

// queuePlanned sends it off, as if it had been said now.
func (d *Desk) queuePlanned(tx *db.Tx, p planned) error {
	n, err := tx.Exec(`UPDATE message SET status = 'queued', failure = '', at = $2, identity_id = $3, account_id = $4, thread_id = $5
		WHERE id = $1 AND status = 'planned'`, p.ID, db.Micro(tx.Now), p.IdentityID, p.AccountID, p.ThreadID)
	if err != nil || n == 0 {
		return err
	}
	var assignee string
	var moves int64
	if err := tx.QueryRow(`SELECT assignee_id, moves FROM thread WHERE id = $1`, p.ThreadID).Scan(&assignee, &moves); err != nil {
		return fmt.Errorf("release: %w", err)
	}
	p.Status, p.At = StatusQueued, tx.Now
	now := answered{assignee: assignee, moves: moves, waits: p.heard > p.ArrivedAt}
	if p.Author == AuthorStaff && assignee == "" {
		there, err := staff.AnswersAt(tx, p.AuthorID, p.counter)
		if err != nil {
			return err
		}
		now.gone = !there
	}
	if err := noteAnswer(tx, Draft{ThreadID: p.ThreadID, Author: p.Author, AuthorID: p.AuthorID}, p.row, now); err != nil {
		return err
	}
	p.tell(tx, event.MessageSent, string(p.Author)+"/"+p.AuthorID, nil)
	return enqueueDelivery(tx, p.ThreadID, time.Time{})
}

func (p planned) tell(tx *db.Tx, kind event.Kind, by string, data map[string]string) {
	event.Append(tx, event.Event{Kind: kind, Customer: p.CustomerID, Thread: p.ThreadID, Counter: p.counter, Message: p.ID, By: by, Data: data})
}

func (d *Desk) replan(tx *db.Tx, p planned, at time.Time) error {
	if _, err := tx.Exec(`UPDATE message SET at = $2 WHERE id = $1 AND status = 'planned'`, p.ID, db.Micro(at)); err != nil {
		return fmt.Errorf("plan anew: %w", err)
	}
	p.tell(tx, event.MessageStatus, "system", map[string]string{"status": string(StatusPlanned)})
	return nil
}

func (d *Desk) refusePlanned(tx *db.Tx, p planned, code, by string) error {
	if _, err := tx.Exec(`UPDATE message SET status = 'refused', failure = $2, at = $3 WHERE id = $1 AND status = 'planned'`,
		p.ID, code, db.Micro(tx.Now)); err != nil {
		return fmt.Errorf("refuse a planned message: %w", err)
	}
	p.tell(tx, event.MessageStatus, by, map[string]string{"status": string(StatusRefused)})
	return nil
}

// rearrange gives other planned messages the places that they have now, or tells why
// they have none any more.
func (d *Desk) rearrange(tx *db.Tx, moved []consent.Moved) error {
	for _, m := range moved {
		p, err := d.plannedByID(tx, m.Message)
		if errors.Is(err, db.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		if m.At.IsZero() {
			err = d.refusePlanned(tx, p, m.Reason, "system")
		} else if err = d.replan(tx, p, m.At); err == nil {
			err = enqueueRelease(tx, releaseArgs{p.ID, p.ThreadID}, m.At)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Withdrawn refuses what was planned and may no longer be said, after a withdrawal.
func (d *Desk) Withdrawn(tx *db.Tx, customerID string) error {
	ids, err := d.Consent().Drop(tx, customerID, "")
	if err != nil {
		return err
	}
	person, err := d.Book.Person(tx, customerID)
	if err != nil {
		return err
	}
	records, err := d.Book.Records(tx, person)
	if err != nil {
		return err
	}
	// Those that an advisor wrote for later have no place that could be dropped.
	marks, args := db.In(records, 2)
	args = append([]any{db.Micro(tx.Now.Add(-strandedAfter))}, args...) // later ones have gone
	rows, err := tx.Query(`SELECT id, customer_id, purpose, account_id FROM message m
		WHERE m.status = 'planned' AND m.purpose <> 'service' AND m.at > $1
			AND m.thread_id IN (SELECT id FROM thread WHERE customer_id IN (`+marks+`))`, args...)
	type later struct{ id, customer, purpose, account string }
	all, err := db.Collect(rows, err, func(r *sql.Rows) (l later, err error) {
		return l, r.Scan(&l.id, &l.customer, &l.purpose, &l.account)
	})
	if err != nil {
		return fmt.Errorf("planned messages: %w", err)
	}
	for _, l := range all {
		may, err := d.Consent().May(tx, l.customer, l.purpose, l.account)
		if err != nil {
			return err
		}
		if !may {
			ids = append(ids, l.id)
		}
	}
	for _, id := range ids {
		p, err := d.plannedByID(tx, id)
		if errors.Is(err, db.ErrNotFound) {
			continue // named twice
		}
		if err == nil {
			err = d.refusePlanned(tx, p, consent.Stopped, "customer")
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// CancelPlanned takes back a planned message before it goes.
func (d *Desk) CancelPlanned(tx *db.Tx, v staff.Viewer, messageID string) (Message, error) {
	m, err := d.message(tx, messageID)
	if err != nil {
		return m, err
	}
	if _, err := d.writable(tx, v, m.ThreadID); err != nil {
		return m, err
	}
	p, err := d.plannedByID(tx, messageID)
	if errors.Is(err, db.ErrNotFound) {
		return m, nil // it went, or was cancelled by another
	}
	if err != nil {
		return m, err
	}
	if err := d.Consent().Free(tx, p.ID); err != nil {
		return m, err
	}
	if err := d.refusePlanned(tx, p, "cancelled", v.ID); err != nil {
		return m, err
	}
	audit.Record(tx, audit.Entry{Actor: v.ID, Action: "message.cancel", Customer: p.CustomerID, Object: p.ID})
	return d.message(tx, messageID)
}

// Planned lists what waits for its time in a thread that the viewer may see, the next first.
func (d *Desk) Planned(tx *db.Tx, v staff.Viewer, threadID string) ([]Message, error) {
	t, err := d.Thread(tx, v, threadID)
	if err != nil {
		return nil, err
	}
	rows, err := tx.Query(`SELECT `+messageColumns+messageFrom+`WHERE m.thread_id = $1 AND m.status = 'planned' AND m.at > $2
		ORDER BY m.at, m.id LIMIT 100`, t.ID, db.Micro(tx.Now.Add(-strandedAfter)))
	found, err := collectRows(rows, err)
	if err != nil {
		return nil, err
	}
	var out []Message
	for _, r := range found {
		m, err := d.open(tx, r)
		if err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	return out, nil
}

// Unasked tells whether what is said to her now would be unasked: it counts in her
// contact budget.
func (d *Desk) Unasked(tx *db.Tx, t Thread) (bool, error) {
	if t.Kind != channel.Person {
		return false, nil
	}
	at, err := addressee(tx, Draft{ThreadID: t.ID})
	if err != nil {
		return false, err
	}
	answers, err := d.answers(tx, request{waiting: at.waiting > 0, heard: db.Time(at.heard)})
	return !answers, err
}
