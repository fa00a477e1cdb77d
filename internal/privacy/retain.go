package privacy

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"dingdong/internal/catalogue"
	"dingdong/internal/conversation"
	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/event"
	"dingdong/internal/insight"
	"dingdong/internal/staff"
)

// Would is what a run would let go of one kind at this moment.
type Would struct {
	Kind   Kind
	Days   int
	Since  time.Time // what is older goes; zero: nothing does
	Count  int
	Oldest time.Time
}

// turn is how much a run takes at once, so that nobody waits for it; events are short,
// and lie in the order in which they go.
const (
	turn       = 400
	turnEvents = 4000
)

// aging is one kind of data under its rule, in a run.
type aging struct {
	r     *Room
	since time.Time
}

func (a aging) stretch(prefix, after string) db.Stretch {
	return db.Stretch{After: after, Before: db.IDAt(prefix, a.since), Limit: turn}
}

// kindOf is what is done with a kind: to count what is too old, and to let some of it
// go. forget gets how far the last turn came, returns how far this one did, and
// "" when nothing is left; a nil forget is done by Room.letGo itself.
type kindOf struct {
	count  func(a aging, tx *db.Tx, after string) (int, time.Time, error)
	forget func(a aging, ctx context.Context, after string) (next string, n int, err error)
}

func (r *Room) kinds() map[Kind]kindOf {
	return map[Kind]kindOf{
		KeepMessages:   r.messages(conversation.AgedWords),
		KeepMarketing:  r.messages(conversation.AgedMarketing),
		KeepMedia:      r.messages(conversation.AgedMedia),
		KeepClosed:     {countClosed, forgetClosed},
		KeepNotes:      r.written(customer.OldNotes),
		KeepPlans:      r.written(customer.OldWishes, customer.OldPromises),
		KeepMentions:   {countMentions, forgetMentions},
		KeepDrafts:     r.beside(conversation.OldDrafts),
		KeepNotices:    r.beside(conversation.OldNotices),
		KeepDeliveries: r.beside(conversation.OldDeliveries),
		KeepImports:    {countImports, forgetImports},
		KeepEvents:     {countEvents, forgetEvents},
	}
}

// messages grow old by their ids. How far the last run came is kept: behind it
// nothing of the kind is left, so a night reads a day.
func (r *Room) messages(kind conversation.Aged) kindOf {
	return kindOf{
		count: func(a aging, tx *db.Tx, after string) (int, time.Time, error) {
			n, oldest, err := conversation.CountMessages(tx, kind, a.stretch("msg", after))
			return n, db.IDTime(oldest), err
		},
		forget: func(a aging, ctx context.Context, after string) (string, int, error) {
			var ids []string
			var upTo string
			err := a.r.DB.Read(ctx, func(tx *db.Tx) (err error) {
				ids, upTo, err = conversation.OldMessages(tx, kind, a.stretch("msg", after))
				return err
			})
			if err != nil || len(ids) == 0 {
				return upTo, 0, err
			}
			err = a.r.DB.Write(ctx, func(tx *db.Tx) error {
				if kind == conversation.AgedMedia {
					return a.r.Desk.ForgetMedia(tx, ids)
				}
				if err := insight.Forget(tx, ids); err != nil {
					return err
				}
				return a.r.Desk.ForgetMessages(tx, ids)
			})
			return upTo, len(ids), err
		},
	}
}

func (r *Room) written(tables ...customer.OldTexts) kindOf {
	prefix := map[customer.OldTexts]string{customer.OldNotes: "not", customer.OldWishes: "wsh", customer.OldPromises: "prm"}
	return kindOf{
		count: func(a aging, tx *db.Tx, _ string) (sum int, oldest time.Time, err error) {
			for _, table := range tables {
				n, id, err := customer.CountOld(tx, table, a.stretch(prefix[table], ""))
				if err != nil {
					return 0, oldest, err
				}
				sum += n
				if at := db.IDTime(id); !at.IsZero() && (oldest.IsZero() || at.Before(oldest)) {
					oldest = at
				}
			}
			return sum, oldest, nil
		},
		forget: func(a aging, ctx context.Context, _ string) (string, int, error) {
			return a.turns(ctx, func(tx *db.Tx) (sum int, err error) {
				for _, table := range tables {
					n, err := a.r.Book.ForgetOld(tx, table, a.stretch(prefix[table], ""))
					if err != nil {
						return 0, err
					}
					sum += n
				}
				return sum, nil
			})
		},
	}
}

// again says that a turn found as much as it takes: there may be more.
const again = "again"

func (a aging) turns(ctx context.Context, forget func(tx *db.Tx) (int, error)) (string, int, error) {
	n := 0
	err := a.r.DB.Write(ctx, func(tx *db.Tx) (err error) {
		n, err = forget(tx)
		return err
	})
	if err == nil && n >= turn {
		return again, n, nil
	}
	return "", n, err
}

func (r *Room) beside(kind conversation.OldRows) kindOf {
	return kindOf{
		count: func(a aging, tx *db.Tx, _ string) (int, time.Time, error) {
			return conversation.CountOld(tx, kind, a.since)
		},
		forget: func(a aging, ctx context.Context, _ string) (string, int, error) {
			return a.turns(ctx, func(tx *db.Tx) (int, error) { return conversation.ForgetOld(tx, kind, a.since, turn) })
		},
	}
}

func countMentions(a aging, tx *db.Tx, _ string) (int, time.Time, error) {
	n, oldest, err := insight.CountOld(tx, a.stretch("msg", ""))
	return n, db.IDTime(oldest), err
}

func forgetMentions(a aging, ctx context.Context, _ string) (string, int, error) {
	return a.turns(ctx, func(tx *db.Tx) (int, error) { return insight.ForgetOld(tx, a.stretch("msg", "")) })
}

func countClosed(a aging, tx *db.Tx, _ string) (sum int, oldest time.Time, err error) {
	counters, err := counterIDs(tx)
	if err != nil {
		return 0, oldest, err
	}
	for _, id := range counters {
		n, at, err := conversation.CountIdle(tx, conversation.Idle{CounterID: id, Since: a.since})
		if err != nil {
			return 0, oldest, err
		}
		sum += n
		if !at.IsZero() && (oldest.IsZero() || at.Before(oldest)) {
			oldest = at
		}
	}
	return sum, oldest, nil
}

func forgetClosed(a aging, ctx context.Context, _ string) (string, int, error) {
	const threads = 20 // each may hold years of messages
	next, sum := "", 0
	err := a.r.DB.Write(ctx, func(tx *db.Tx) error {
		next, sum = "", 0
		counters, err := counterIDs(tx)
		if err != nil {
			return err
		}
		for _, id := range counters {
			ids, err := conversation.IdleThreads(tx, conversation.Idle{CounterID: id, Since: a.since, Limit: threads - sum})
			if err != nil {
				return err
			}
			if err := a.r.keepHeard(tx, ids); err != nil {
				return err
			}
			if err := insight.ForgetThreads(tx, ids); err != nil {
				return err
			}
			if err := a.r.Desk.ForgetThreads(tx, ids); err != nil {
				return err
			}
			if sum += len(ids); sum >= threads {
				next = again
				return nil
			}
		}
		return nil
	})
	return next, sum, err
}

// keepHeard notes in her budget when she last wrote in threads that go: it is what the
// rule about silence knows then.
func (r *Room) keepHeard(tx *db.Tx, threads []string) error {
	if len(threads) == 0 {
		return nil
	}
	type heard struct {
		customer string
		at       int64
	}
	marks, args := db.In(threads, 1)
	rows, err := tx.Query(`SELECT customer_id, MAX(heard_at) FROM thread WHERE heard_at > 0 AND id IN (`+marks+`) GROUP BY customer_id ORDER BY customer_id`, args...)
	all, err := db.Collect(rows, err, func(rs *sql.Rows) (h heard, err error) { return h, rs.Scan(&h.customer, &h.at) })
	if err != nil {
		return fmt.Errorf("when they last wrote: %w", err)
	}
	for _, h := range all {
		if err := r.Consent.Heard(tx, h.customer, db.Time(h.at)); err != nil {
			return err
		}
	}
	return nil
}

func countImports(a aging, tx *db.Tx, _ string) (int, time.Time, error) {
	return catalogue.CountLeft(tx, a.since)
}

func forgetImports(a aging, ctx context.Context, _ string) (string, int, error) {
	n, err := a.r.Shop.ForgetLeft(ctx, a.since)
	return "", n, err
}

func countEvents(a aging, tx *db.Tx, _ string) (int, time.Time, error) {
	upTo, err := a.lastEvent(tx)
	if err != nil || upTo <= 0 {
		return 0, time.Time{}, err
	}
	return event.CountUpTo(tx, upTo)
}

// lastEvent is the last event that may go: too old, and reacted to. An endpoint is tried for
// days and an event is kept for thirty at least, so one that still waits belongs to an
// endpoint that is paused: it is told then that the event is gone. Were it waited for, one
// forgotten endpoint would keep the log for ever.
func (a aging) lastEvent(tx *db.Tx) (int64, error) {
	first, err := event.FirstSince(tx, db.Micro(a.since))
	if err != nil {
		return 0, err
	}
	var read int64
	if err := tx.QueryRow(`SELECT n FROM tally WHERE name = 'react'`).Scan(&read); err != nil {
		return 0, fmt.Errorf("what was reacted to: %w", db.NotFound(err))
	}
	return min(first-1, read-1), nil
}

func forgetEvents(a aging, ctx context.Context, _ string) (string, int, error) {
	n := int64(0)
	err := a.r.DB.Write(ctx, func(tx *db.Tx) error {
		n = 0
		upTo, err := a.lastEvent(tx)
		if err != nil || upTo <= 0 {
			return err
		}
		n, err = event.Trim(tx, upTo, turnEvents)
		return err
	})
	if err == nil && n == turnEvents {
		return again, int(n), nil
	}
	return "", int(n), err
}

// DryRun says what a run would let go now, and lets nothing go.
func (r *Room) DryRun(ctx context.Context, v staff.Viewer) ([]Would, error) {
	if !v.May(staff.KeepPrivacy) {
		return nil, staff.ErrForbidden
	}
	var out []Would
	kinds := r.kinds()
	for _, kind := range Kinds() { // each in a read of its own: on a large house some take a moment
		err := r.DB.Read(ctx, func(tx *db.Tx) error {
			rules, err := ReadRules(tx)
			if err != nil {
				return err
			}
			w := Would{Kind: kind, Days: rules.Keep[kind]}
			if w.Days > 0 {
				w.Since = tx.Now.AddDate(0, 0, -w.Days)
				after, err := reached(tx, kind)
				if err != nil {
					return err
				}
				if w.Count, w.Oldest, err = kinds[kind].count(aging{r, w.Since}, tx, after); err != nil {
					return err
				}
			}
			out = append(out, w)
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("what would go of %s: %w", kind, err)
		}
	}
	return out, nil
}

// reached is how far runs have come with a kind.
func reached(tx *db.Tx, kind Kind) (string, error) {
	var after string
	err := db.NotFound(tx.QueryRow(`SELECT reached FROM retention_step WHERE kind = $1`, string(kind)).Scan(&after))
	if err != nil && !errors.Is(err, db.ErrNotFound) {
		return "", fmt.Errorf("how far a run came: %w", err)
	}
	return after, nil
}

func counterIDs(tx *db.Tx) ([]string, error) {
	rows, err := tx.Query(`SELECT id FROM counter ORDER BY id`)
	return db.Collect(rows, err, scanText)
}
