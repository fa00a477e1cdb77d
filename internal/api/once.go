package api

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"dingdong/internal/db"
)

// Keyed is the header of operations that make something at every call: under the
// same key they make it once.
type Keyed struct {
	Key string `header:"Idempotency-Key" required:"true" minLength:"1" maxLength:"255" doc:"Yours, and the same for every repeat of the same request. It is remembered for 30 days." example:"import-2026-11-22-row-17"`
}

// Again is the header that tells a repeat.
type Again struct {
	Replayed string `header:"Idempotency-Replayed" doc:"true: this was made before, under the same key."`
}

// onceFor is how long a key is remembered, and onceDrop how many old ones a new
// one sweeps away.
const (
	onceFor   = 30 * 24 * time.Hour
	labelOnce = "api.once"
)

// making is a request to make something once.
type making struct {
	operation string // and what it is made for, so that keys of different things do not meet
	key       string
	body      any
	make      func(tx *db.Tx) (id string, err error)
}

// makeOnce makes something, or finds what was made under the same key by the same
// token. Of the first request only a Keyed hash is kept, because it is personal.
func (s *server) makeOnce(ctx context.Context, m making, then func(tx *db.Tx, id string) error) (repeated bool, err error) {
	c := callerOf(ctx)
	raw, err := json.Marshal(m.body)
	if err != nil {
		return false, fmt.Errorf("make once: %w", err)
	}
	key, digest := clientKey(c, m.operation+"\x00"+m.key), s.Desk.Vault.Hash(labelOnce, string(raw))
	err = s.DB.Write(ctx, func(tx *db.Tx) error {
		repeated = false
		if _, err := tx.Exec(`DELETE FROM api_once WHERE at < $1`, db.Micro(tx.Now.Add(-onceFor))); err != nil {
			return fmt.Errorf("forget old keys: %w", err)
		}
		n, err := tx.Exec(`INSERT INTO api_once (key, digest, at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, key, digest, db.Micro(tx.Now))
		if err != nil {
			return fmt.Errorf("note a key: %w", err)
		}
		var id, first string
		if n == 0 {
			repeated = true
			if err := tx.QueryRow(`SELECT object, digest FROM api_once WHERE key = $1`, key).Scan(&id, &first); err != nil {
				return fmt.Errorf("read a key: %w", db.NotFound(err))
			}
			if first != digest {
				return errKeyReused
			}
			return then(tx, id)
		}
		if id, err = m.make(tx); err != nil {
			return err
		}
		if _, err := tx.Exec(`UPDATE api_once SET object = $2 WHERE key = $1`, key, id); err != nil {
			return fmt.Errorf("note what a key made: %w", err)
		}
		return then(tx, id)
	})
	return repeated, err
}

// status is 201 for what was made now and 200, marked, for a repeat.
func (r *Again) status(repeated bool) int {
	if repeated {
		r.Replayed = "true"
		return 200
	}
	return 201
}
