package event

import (
	"context"
	"errors"
	"fmt"

	"dingdong/internal/db"
)

// Consumer reads the log by a cursor of its own, a tally row, which commits
// together with what the consumer did: every event is handled once, in order,
// across crashes and by whichever node is first. For a group of events that
// costs two statements, where a job an event would cost three for each.
type Consumer struct {
	Tally string // the row that holds the cursor
	Group int    // most events at once
	React func(tx *db.Tx, e Event) error
	// Nobody says that no event would be reacted to at this moment: the cursor
	// then moves without a look at them. Nil: somebody always does.
	Nobody func(tx *db.Tx) (bool, error)
	// Aside takes an event whose React failed when it was alone, so that the
	// others need not wait for it.
	Aside func(tx *db.Tx, e Event, cause error) error
}

// Step handles the next group and tells how many events it had.
func (c Consumer) Step(ctx context.Context, d *db.DB) (int, error) {
	idle, err := c.idle(ctx, d)
	if err != nil || idle {
		return 0, err
	}
	n, err := c.take(ctx, d, c.Group, false)
	var failed *reactError
	if errors.As(err, &failed) {
		// Something in the group fails. Alone, the good ones before it pass, and
		// it is set aside when its turn comes.
		n, err = c.take(ctx, d, 1, true)
	}
	return n, err
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

func (c Consumer) take(ctx context.Context, d *db.DB, limit int, alone bool) (int, error) {
	n := 0
	err := d.Write(ctx, func(tx *db.Tx) error {
		n = 0
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
		for _, e := range events {
			if err := c.React(tx, e); err != nil {
				if !alone {
					return &reactError{err}
				}
				return &asideError{e, err}
			}
		}
		n = len(events)
		_, err = db.Tally(tx, c.Tally, int64(n))
		return err
	})
	var aside *asideError
	if errors.As(err, &aside) {
		return c.skip(ctx, d, aside)
	}
	return n, err
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

func (c Consumer) skip(ctx context.Context, d *db.DB, aside *asideError) (int, error) {
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
	return 1, err
}

type reactError struct{ err error }

func (e *reactError) Error() string { return e.err.Error() }
func (e *reactError) Unwrap() error { return e.err }
