package app

import (
	"context"
	"slices"

	"dingdong/internal/alarm"
	"dingdong/internal/conversation"
	"dingdong/internal/db"
	"dingdong/internal/export"
	"dingdong/internal/job"
	"dingdong/internal/privacy"
	"dingdong/internal/sso"
	"dingdong/internal/vault"
	"dingdong/internal/webhook"
)

// sealed is the table of everything that rooms seal with the key of the
// installation: what is missing here could not be read after a rotation.
func sealed() []vault.Column {
	return slices.Concat(alarm.Sealed(), conversation.Sealed(), export.Sealed(), privacy.Sealed(), sso.Sealed(), webhook.Sealed())
}

// jobRekey changes the key of the installation, one step after the other.
const jobRekey = "rekey"

func (a *App) rekey(ctx context.Context, _ job.Job) (job.Outcome, error) {
	end, err := a.Keys.Step(ctx)
	if err != nil || end == nil {
		return nil, err
	}
	return func(tx *db.Tx) error {
		next, err := end(tx)
		if err != nil {
			return err
		}
		job.KeepOpen(tx, next)
		return nil
	}, nil
}

func enqueueRekey(tx *db.Tx) error { return job.Enqueue(tx, job.New{Kind: jobRekey, Key: jobRekey}) }
