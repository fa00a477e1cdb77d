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
// costs a handful of statements, where a job an event would cost three for each.
type Consumer struct {
	Tally string        // the row that holds the cursor
	Group int           // most events at once
	Slice time.Duration // and the longest that a group holds up other writers; 0: no bound
	React func(tx *db.Tx, e Event) error
	// Ahead sees a group, in a reading transaction, before it is reacted to: what
	// takes time and no lock is done there. React may meet events it has not seen,
	// and what it has read may have changed since. Nil: there is no such thing.
	Ahead func(tx *db.Tx, events []Event) error
	// Nobody says that no event would be reacted to at this moment: the cursor
	// then moves without a look at them. Nil: somebody always does.
	Nobody func(tx *db.Tx) (bool, error)
	// Aside takes an event whose React failed when it was alone, so that the
	// others need not wait for it.
	Aside func(tx *db.Tx, e Event, cause error) error

	left group // what a step has read and had no time for
}

// Standing is how a consumer stands after a step.
type Standing int

// Nothing had happened; something had; and more has than the step handled.
const (
	Idle Standing = iota
	Moved
	Behind
)

// Step handles the next group, or goes on with the last one. It is for one goroutine.
func (c *Consumer) Step(ctx context.Context, d *db.DB) (Standing, error) {
	next, err := c.left, error(nil)
	c.left = group{}
	if len(next.events) == 0 {
		next, err = c.next(ctx, d)
	}
	if err != nil || next.idle {
		return Idle, err
	}
	stands, err := c.take(ctx, d, next, false)
	var failed *reactError
	if errors.As(err, &failed) {
		// Something in the group fails. Alone, the good ones before it pass, and
		// it is set aside when its turn comes.
		next.events = next.events[:1]
		stands, err = c.take(ctx, d, next, true)
	}
	return stands, err
}

// group is what comes next, read before the transaction that handles it: writers
// wait only for what has to be written.
type group struct {
	done   int64 // the cursor when it was read
	idle   bool  // there is nothing new
	nobody bool  // would react, so that nothing was read
	full   bool  // there may be more
	events []Event
}

func (c *Consumer) next(ctx context.Context, d *db.DB) (g group, err error) {
	err = d.Read(ctx, func(tx *db.Tx) error {
		g = group{}
		var last int64
		if err := tx.QueryRow(`SELECT n FROM tally WHERE name = $1`, c.Tally).Scan(&g.done); err != nil {
			return fmt.Errorf("cursor %s: %w", c.Tally, db.NotFound(err))
		}
		if err := tx.QueryRow(`SELECT n FROM tally WHERE name = 'event'`).Scan(&last); err != nil {
			return fmt.Errorf("last event: %w", db.NotFound(err))
		}
		if g.idle = g.done >= last; g.idle {
			return nil
		}
		if c.Nobody != nil {
			if g.nobody, err = c.Nobody(tx); err != nil || g.nobody {
				return err
			}
		}
		if g.events, err = After(tx, g.done, c.Group); err != nil {
			return err
		}
		g.full = len(g.events) == c.Group
		if g.idle = len(g.events) == 0; g.idle || c.Ahead == nil {
			return nil
		}
		_ = c.Ahead(tx, g.events)
		return ctx.Err()
	})
	return g, err
}

func (c *Consumer) take(ctx context.Context, d *db.DB, g group, alone bool) (Standing, error) {
	var stands Standing
	var left group
	err := d.Write(ctx, func(tx *db.Tx) error {
		left = group{}
		next, err := db.Tally(tx, c.Tally, 0) // locks the row, so no other node is here
		if err != nil {
			return err
		}
		if stands = Behind; next != g.done+1 { // another node was faster
			return nil
		}
		if g.nobody {
			if still, err := c.Nobody(tx); err != nil || !still {
				return err
			}
			stands = Moved
			return c.pass(tx)
		}
		n := 0
		for began := d.Now(); n < len(g.events) && (n == 0 || c.Slice == 0 || d.Now().Sub(began) < c.Slice); n++ {
			if err := c.React(tx, g.events[n]); err != nil {
				if !alone {
					return &reactError{err}
				}
				return &asideError{g.events[n], err}
			}
		}
		switch {
		case n < len(g.events):
			left = group{done: g.done + int64(n), full: g.full, events: g.events[n:]}
		case !alone && !g.full:
			stands = Moved
		}
		_, err = db.Tally(tx, c.Tally, int64(n))
		return err
	})
	var aside *asideError
	if errors.As(err, &aside) {
		return c.skip(ctx, d, aside)
	}
	if err != nil {
		return Idle, err
	}
	c.left = left
	return stands, nil
}

// pass moves the cursor to the last event.
func (c *Consumer) pass(tx *db.Tx) error {
	_, err := tx.Exec(`UPDATE tally SET n = (SELECT e.n FROM tally e WHERE e.name = 'event') WHERE name = $1`, c.Tally)
	return err
}

// asideError undoes the part of a failed reaction before the event is set aside.
type asideError struct {
	event Event
	cause error
}

func (e *asideError) Error() string { return "reaction failed: " + e.cause.Error() }

func (c *Consumer) skip(ctx context.Context, d *db.DB, aside *asideError) (Standing, error) {
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
