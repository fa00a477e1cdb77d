package app

import (
	"context"
	"maps"
	"time"

	"dingdong/internal/alarm"
	"dingdong/internal/catalogue"
	"dingdong/internal/conversation"
	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/job"
	"dingdong/internal/privacy"
	"dingdong/internal/staff"
	"dingdong/internal/webhook"
)

// jobs is the table of everything that works in the background.
func (a *App) jobs() map[string]job.Handler {
	all := map[string]job.Handler{jobReact: a.reactAgain, jobTidy: a.tidy, jobRekey: a.rekey, jobRefold: a.refold}
	maps.Copy(all, a.Desk.Handlers())
	maps.Copy(all, a.Shop.Handlers())
	maps.Copy(all, a.Hands.Handlers())
	maps.Copy(all, a.Hooks.Handlers())
	maps.Copy(all, a.Alarms.Handlers())
	maps.Copy(all, a.Files.Handlers())
	maps.Copy(all, a.Privacy.Handlers())
	return all
}

// jobTidy removes what nobody needs any more.
const (
	jobTidy   = "tidy"
	tidyEvery = time.Hour
)

func (a *App) tidy(ctx context.Context, _ job.Job) (job.Outcome, error) {
	// Half-written media of a crash, old enough that nobody writes them still.
	if _, err := a.Desk.Blobs.Sweep(a.DB.Now().Add(-24 * time.Hour)); err != nil {
		return nil, err
	}
	if _, err := a.Desk.DropLeftovers(ctx); err != nil {
		return nil, err
	}
	return func(tx *db.Tx) error {
		if err := staff.Sweep(tx); err != nil {
			return err
		}
		if err := conversation.SweepSecrets(tx); err != nil {
			return err
		}
		if err := webhook.SweepSecrets(tx); err != nil {
			return err
		}
		if err := webhook.SweepLogs(tx); err != nil {
			return err
		}
		job.KeepOpen(tx, tx.Now.Add(tidyEvery))
		return nil
	}, nil
}

// jobRefold indexes names once more after an upgrade that folds them otherwise.
const jobRefold = "refold_names"

func (a *App) refold(context.Context, job.Job) (job.Outcome, error) {
	return func(tx *db.Tx) error {
		more, err := a.Desk.Book.Refold(tx)
		if err == nil && more {
			job.KeepOpen(tx, tx.Now)
		}
		return err
	}, nil
}

func scheduleRefold(tx *db.Tx) error {
	old, err := customer.NamesAreOld(tx)
	if err != nil || !old {
		return err
	}
	return job.Enqueue(tx, job.New{Kind: jobRefold, Key: jobRefold})
}

// schedule enters the periodic jobs, once each.
func schedule(tx *db.Tx) error {
	if err := conversation.Schedule(tx); err != nil {
		return err
	}
	if err := catalogue.Schedule(tx); err != nil {
		return err
	}
	if err := alarm.Schedule(tx); err != nil {
		return err
	}
	if err := privacy.Schedule(tx); err != nil {
		return err
	}
	if err := scheduleRefold(tx); err != nil {
		return err
	}
	return job.Enqueue(tx, job.New{Kind: jobTidy, Key: "periodic"})
}
