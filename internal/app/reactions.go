package app

import (
	"context"
	"fmt"
	"time"

	"dingdong/internal/db"
	"dingdong/internal/event"
	"dingdong/internal/job"
	"dingdong/internal/privacy"
)

// reaction is what follows an event, in the transaction that moves past it. It
// waits for nothing: what takes time becomes a job, in a lane of its customer.
type reaction func(tx *db.Tx, e event.Event) error

// reactions is the one place where control jumps: what happened, and what the
// house does about it, in order.
func (a *App) reactions() map[event.Kind][]reaction {
	table := map[event.Kind][]reaction{}
	for _, k := range event.Kinds() { // integrators may ask for every kind
		table[k] = []reaction{a.Hooks.Queue}
	}
	for _, k := range []event.Kind{event.MessageReceived, event.MessageEdited, event.MessageUnsent} {
		table[k] = append(table[k], a.Reader.React)
	}
	table[event.CustomerChanged] = append(table[event.CustomerChanged], a.Hands.React)
	table[event.MessageReceived] = append(table[event.MessageReceived], a.Privacy.React)
	return table
}

// jobReact takes an event whose reaction failed: it is retried there, and
// visible when it dies, while the others go on.
const jobReact = "react"

type reactArgs struct {
	Seq int64 `json:"seq"`
}

func (a *App) reactTo(tx *db.Tx, e event.Event) error {
	for _, r := range a.table[e.Kind] {
		if err := r(tx, e); err != nil {
			return fmt.Errorf("reaction to %s: %w", e.Kind, err)
		}
	}
	return nil
}

// nobody says that no event would be reacted to: no endpoint asks for any, no
// customer was handed over, and no lexicon is live.
func (a *App) nobody(tx *db.Tx) (bool, error) {
	if none, err := a.Hooks.Nobody(tx); err != nil || !none {
		return false, err
	}
	if none, err := a.Hands.Nobody(tx); err != nil || !none {
		return false, err
	}
	if none, err := a.Reader.Nobody(tx); err != nil || !none {
		return false, err
	}
	return privacy.Nobody(tx)
}

// What comes in is committed between two groups of reactions, so a group is short.
const (
	reactGroup = 64
	reactSlice = 4 * time.Millisecond
)

// gatherFor is how long a reader that has caught up waits for the next group to grow.
const gatherFor = 5 * time.Millisecond

// pollEvery bounds how late this node hears of what another one wrote.
const pollEvery = time.Second

// react follows the log until ctx ends.
func (a *App) react(ctx context.Context) error {
	c := event.Consumer{
		Tally: "react", Group: reactGroup, Slice: reactSlice, React: a.reactTo,
		Ahead: a.Reader.Ahead, Nobody: a.nobody,
		Aside: func(tx *db.Tx, e event.Event, cause error) error {
			a.Log.Error("a reaction failed", "event", e.Seq, "kind", string(e.Kind), "error", cause)
			return job.Enqueue(tx, job.New{Kind: jobReact, Lane: e.Customer, Args: reactArgs{e.Seq}})
		},
	}
	woken, stop := a.DB.Listen(event.Topic)
	defer stop()
	poll := time.NewTicker(pollEvery)
	defer poll.Stop()
	for {
		stands, err := c.Step(ctx, a.DB)
		if err != nil && ctx.Err() == nil {
			a.Log.Error("reactions stand still", "error", err)
		}
		if err == nil && stands == event.Behind && ctx.Err() == nil {
			continue
		}
		if err == nil && stands == event.Moved {
			// Under load the next group has grown meanwhile.
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(gatherFor):
			}
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-woken:
		case <-poll.C:
		}
	}
}

// reactAgain is the job handler for an event that was set aside.
func (a *App) reactAgain(_ context.Context, j job.Job) (job.Outcome, error) {
	var args reactArgs
	if err := j.Decode(&args); err != nil {
		return nil, job.Fatal(err)
	}
	return func(tx *db.Tx) error {
		events, err := event.After(tx, args.Seq-1, 1)
		if err != nil || len(events) == 0 {
			return err
		}
		return a.reactTo(tx, events[0])
	}, nil
}
