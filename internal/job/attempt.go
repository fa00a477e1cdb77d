package job

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"time"

	"dingdong/internal/db"
)

const (
	firstWait = time.Second
	longest   = 5 * time.Minute
	textLimit = 500

	// storeTries is how often a result is offered to the database before the
	// attempt counts as failed: the reason may lie in what the outcome writes.
	storeTries = 4
)

// attempt runs a job once and stores how it ended.
func (w *Worker) attempt(ctx context.Context, h *holding) {
	j := w.current(h)
	if j.Attempt > w.o.MaxAttempts {
		// Its attempts never ended: each of them took the process with it.
		w.store(h, nil, Fatal(errors.New("no attempt came to its end")))
		return
	}
	outcome, err := w.handle(ctx, j)
	w.store(h, outcome, err)
}

func (w *Worker) handle(ctx context.Context, j Job) (outcome Outcome, err error) {
	defer func() {
		if v := recover(); v != nil {
			w.o.Log.Error("a job panicked", "kind", j.Kind, "job", j.ID, "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
			outcome, err = nil, errors.New("the handler panicked; the log has the details")
		}
	}()
	h := w.handlers[j.Kind]
	if h == nil { // perhaps a newer node knows it
		return nil, fmt.Errorf("this program has no handler for %q", j.Kind)
	}
	return h(ctx, j)
}

// outcomeError marks what the outcome itself returned.
type outcomeError struct{ err error }

func (e outcomeError) Error() string { return e.err.Error() }
func (e outcomeError) Unwrap() error { return e.err }

// store writes the outcome and the end of the attempt in one transaction. If
// that cannot be done, the attempt has failed; if not even that can be
// stored, the lease runs out and somebody does the job again.
func (w *Worker) store(h *holding, outcome Outcome, result error) {
	j := w.current(h)
	next, err := w.finish(j, outcome, result)
	for try := 1; err != nil; try++ {
		if errors.Is(err, errLost) {
			if now := w.current(h); now.claim != j.claim {
				j = now // lost and claimed again by ourselves
			} else {
				break
			}
		} else if outcome != nil && blamesOutcome(err, try) {
			w.o.Log.Warn("the outcome of a job cannot be stored", "kind", j.Kind, "job", j.ID, "error", err)
			outcome, result, try = nil, err, 0
		} else if try > 2*storeTries || w.ending.Load() || errors.Is(err, db.ErrClosed) {
			break
		} else {
			time.Sleep(50 * time.Millisecond << min(try, 6))
		}
		next, err = w.finish(j, outcome, result)
	}
	if err != nil {
		w.o.Log.Error("the end of a job cannot be stored; it will be run again", "kind", j.Kind, "job", j.ID, "error", err)
	}
	w.let(h, j.claim, next)
}

// blamesOutcome tells a fault of the outcome from one of the database: an
// error of its own, or one that does not go away.
func blamesOutcome(err error, try int) bool {
	if errors.Is(err, db.ErrUnavailable) || errors.Is(err, db.ErrFull) {
		return false
	}
	var own outcomeError
	return errors.As(err, &own) || try == storeTries
}

func (w *Worker) finish(j Job, outcome Outcome, result error) (next *Job, err error) {
	var e *ending
	wish := new(keep)
	ctx := context.Background()
	if outcome != nil {
		ctx = context.WithValue(ctx, keepKey{}, wish)
	}
	err = w.write(ctx, func(tx *db.Tx) error {
		*wish = keep{}
		if outcome != nil {
			if err := outcome(tx); err != nil {
				return outcomeError{err}
			}
		}
		e = w.judge(tx.Now, j, result)
		if e.how == done && !wish.at.IsZero() {
			e.how, e.at = reopened, db.Micro(wish.at)
		}
		if !w.ending.Load() {
			e.lease = w.o.Lease
		}
		tx.Defer(changes, e)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if e.how == dead {
		w.o.Log.Warn("a job is dead", "kind", j.Kind, "job", j.ID, "attempts", j.Attempt, "error", e.text)
	}
	return e.next, nil
}

// write makes an error of a panic in an outcome.
func (w *Worker) write(ctx context.Context, fn func(*db.Tx) error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			w.o.Log.Error("the outcome of a job panicked", "panic", fmt.Sprint(v))
			err = outcomeError{errors.New("the outcome panicked; the log has the details")}
		}
	}()
	return w.d.Write(ctx, fn)
}

// judge says what follows from what a handler returned.
func (w *Worker) judge(now time.Time, j Job, result error) *ending {
	e := &ending{job: j}
	var asleep snooze
	var again retryAt
	var hopeless fatal
	switch {
	case result == nil:
		return e
	case errors.As(result, &asleep):
		e.how, e.at = snoozed, db.Micro(asleep.at)
		return e
	case errors.As(result, &hopeless) || j.Attempt >= w.o.MaxAttempts:
		e.how = dead
	case errors.As(result, &again):
		e.how, e.at = failed, db.Micro(again.at)
	default:
		e.how, e.at = failed, db.Micro(now.Add(backOff(j.Attempt)))
	}
	e.text = shorten(db.CleanText(result.Error()))
	return e
}

// backOff doubles from a second to five minutes, a quarter more or less, so
// that what failed together does not come back together.
func backOff(attempt int) time.Duration {
	wait := longest
	if attempt < 10 {
		wait = min(firstWait<<(attempt-1), longest)
	}
	return wait*3/4 + time.Duration(rand.Int64N(int64(wait/2)))
}

func shorten(s string) string {
	if len(s) <= textLimit {
		return s
	}
	return db.CleanText(s[:textLimit]) + "…"
}
