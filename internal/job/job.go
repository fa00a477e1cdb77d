// Package job is durable work: enqueued in the transaction that wants it, run
// at least once after that transaction is committed, in strict order inside a
// lane, tried again with patience, and kept where people can see it when it
// cannot be done.
//
// Every change to the table goes through one batch (flush.go) that first
// takes the tally "job". So changes are serialised between nodes, ids follow
// commit order, and nothing here can deadlock.
package job

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"dingdong/internal/db"
)

// New is work to be done.
type New struct {
	Kind  string
	Lane  string    // jobs of a lane run one after another in the order of their commits; "" is unordered
	Key   string    // at most one open job of this kind and key; "" for no limit
	Args  any       // as JSON; no personal text
	RunAt time.Time // zero: now
}

// Job is work as its handler sees it.
type Job struct {
	ID, Kind, Lane, Key string
	Args                json.RawMessage
	Attempt             int // 1 at first
	RunAt               time.Time

	claim int64
}

// Decode reads the job's Args.
func (j Job) Decode(into any) error {
	if err := json.Unmarshal(j.Args, into); err != nil {
		return Fatal(fmt.Errorf("decode args of %s: %w", j.Kind, err))
	}
	return nil
}

// Outcome is what a job changes in the database, in one transaction with its
// own completion. It may be run more than once, like every function given to
// db.Write.
type Outcome func(tx *db.Tx) error

// Handler does the work. It waits for the network here, outside any
// transaction. An Outcome beside an error is committed with the rescheduling.
// Handlers are idempotent: a job whose process died is run again. The text of
// an error is stored and shown, so it holds no personal data.
type Handler func(ctx context.Context, j Job) (Outcome, error)

// Enqueue adds work to the transaction. If an open job of the same kind and
// key exists, that one stays as it is, with its args: it is only made due
// sooner if n is, unless it waits after a failure; and if it is being run at
// this moment it is run once more, so that no change goes unseen.
func Enqueue(tx *db.Tx, n New) error {
	if n.Kind == "" {
		return errors.New("enqueue: a job needs a kind")
	}
	args := []byte("{}")
	if n.Args != nil {
		var err error
		if args, err = json.Marshal(n.Args); err != nil {
			return fmt.Errorf("enqueue %s: %w", n.Kind, err)
		}
	}
	if n.RunAt.IsZero() {
		n.RunAt = tx.Now
	}
	tx.Defer(changes, &addition{kind: n.Kind, lane: n.Lane, key: n.Key, args: string(args), runAt: db.Micro(n.RunAt)})
	return nil
}

type snooze struct{ at time.Time }

func (e snooze) Error() string { return "not before " + e.at.Format(time.RFC3339) }

// Snooze is returned by a handler that wants to be asked again at a time; it
// does not count as an attempt.
func Snooze(at time.Time) error { return snooze{at} }

type retryAt struct {
	at  time.Time
	err error
}

func (e retryAt) Error() string { return e.err.Error() }
func (e retryAt) Unwrap() error { return e.err }

// RetryAt is a failure whose next attempt has a time of its own.
func RetryAt(at time.Time, err error) error { return retryAt{at, err} }

type fatal struct{ err error }

func (e fatal) Error() string { return e.err.Error() }
func (e fatal) Unwrap() error { return e.err }

// Fatal is a failure that no further attempt would mend: the job is dead at
// once.
func Fatal(err error) error { return fatal{err} }

type keepKey struct{}

// keep is where KeepOpen leaves its wish during one run of an Outcome.
type keep struct{ at time.Time }

// KeepOpen may be called by an Outcome: the job stays open, in its place in
// the lane, and is due again at a time.
func KeepOpen(tx *db.Tx, at time.Time) {
	k, ok := tx.Ctx.Value(keepKey{}).(*keep)
	if !ok {
		panic("job: KeepOpen outside an Outcome")
	}
	k.at = at
}
