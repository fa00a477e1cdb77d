package event

import (
	"context"
	"errors"
	"fmt"
	"time"

	"dingdong/internal/db"
)

// Consumer reads the log by a cursor of its own, a tally row, which commits
// together with what the consumer did: every event is handled once, in order,
// across crashes and by whichever node is first. For a group of events that
// costs two statements, where a job an event would cost three for each.
type Consumer struct {
	Tally string        // the row that holds the cursor
	Group int           // most events at once
	Slice time.Duration // and the longest that a group holds up other writers; 0: no bound
	React func(tx *db.Tx, e Event) error
	// Nobody says that no event would be reacted to at this moment: the cursor
	// then moves without a look at them. Nil: somebody always does.
	Nobody func(tx *db.Tx) (bool, error)
	// Aside takes an event whose React failed when it was alone, so that the
	// others need not wait for it.
	Aside func(tx *db.Tx, e Event, cause error) error
}

// Standing is how a consumer stands after a step.
type Standing int

// Nothing had happened; something had; and more has than the step handled.
const (
	Idle Standing = iota
	Moved
	Behind
)

// Step handles the next group.
func (c Consumer) Step(ctx context.Context, d *db.DB) (Standing, error) {
	idle, err := c.idle(ctx, d)
	if err != nil || idle {
		return Idle, err
	}
	stands, err := c.take(ctx, d, c.Group, false)
	var failed *reactError
	if errors.As(err, &failed) {
		// Something in the group fails. Alone, the good ones before it pass, and
		// it is set aside when its turn comes.
		stands, err = c.take(ctx, d, 1, true)
	}
	return stands, err
}

// idle spares a write when there is nothing new.
func (c Consumer) idle(ctx context.Context, d *db.DB) (bool, error) {
	var done, last int64
	err := d.Read(ctx, func(tx *db.Tx) error {
		if err := tx.QueryRow(`SELECT n FROM tally WHERE name = $1`, c.Tally).Scan(&done); err != nil {
			return fmt.Errorf("cursor %s: %w", c.Tally, db.NotFound(err))
		}
		return tx.QueryRow(`SELECT n FROM tally WHERE name = 'event'`).Scan(&last)
	})
	return done >= last, err
}

func (c Consumer) take(ctx context.Context, d *db.DB, limit int, alone bool) (Standing, error) {
	stands := Idle
	err := d.Write(ctx, func(tx *db.Tx) error {
		stands = Idle
		next, err := db.Tally(tx, c.Tally, 0) // locks the row, so no other node is here
		if err != nil {
			return err
		}
		if c.Nobody != nil {
			if nobody, err := c.Nobody(tx); err != nil || nobody {
				return errors.Join(err, c.pass(tx))
			}
		}
		events, err := After(tx, next-1, limit)
		if err != nil || len(events) == 0 {
			return err
		}
		n := 0
		for began := d.Now(); n < len(events) && (n == 0 || c.Slice == 0 || d.Now().Sub(began) < c.Slice); n++ {
			if err := c.React(tx, events[n]); err != nil {
				if !alone {
					return &reactError{err}
				}
				return &asideError{events[n], err}
			}
		}
		if stands = Moved; n < len(events) || n == limit {
			stands = Behind
		}
		_, err = db.Tally(tx, c.Tally, int64(n))
		return err
	})
	var aside *asideError
	if errors.As(err, &aside) {
		return c.skip(ctx, d, aside)
	}
	return stands, err
}

// pass moves the cursor to the last event.
func (c Consumer) pass(tx *db.Tx) error {
	_, err := tx.Exec(`UPDATE tally SET n = (SELECT e.n FROM tally e WHERE e.name = 'event') WHERE name = $1`, c.Tally)
	return err
}

// asideError undoes the part of a failed reaction before the event is set aside.
type asideError struct {
	event Event
	cause error
}

func (e *asideError) Error() string { return "reaction failed: " + e.cause.Error() }

func (c Consumer) skip(ctx context.Context, d *db.DB, aside *asideError) (Standing, error) {
	err := d.Write(ctx, func(tx *db.Tx) error {
		next, err := db.Tally(tx, c.Tally, 0)
		if err != nil || next != aside.event.Seq { // another node was faster
			return err
		}
		if err := c.Aside(tx, aside.event, aside.cause); err != nil {
			return err
		}
		_, err = db.Tally(tx, c.Tally, 1)
		return err
	})
	return Behind, err
}

type reactError struct{ err error }

func (e *reactError) Error() string { return e.err.Error() }
func (e *reactError) Unwrap() error { return e.err }
