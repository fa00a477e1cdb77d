package vault

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"dingdong/internal/db"
)

const (
	// tellEvery is how often a process says that it is there and which keys it holds.
	tellEvery = 10 * time.Second
	// nodeLives is how long it counts as there after that.
	nodeLives = 35 * time.Second
	// leaveTime bounds the goodbye of a process.
	leaveTime = 5 * time.Second
)

// node is what this process says of itself in house_node.
type node struct {
	mu    sync.Mutex
	id    string
	file  stamp
	told  time.Time
	said  string
	fault error // why the keys in use cannot be used here
}

// Ready says why this process cannot open what the house seals now; nil as long
// as it can.
func (v *Vault) Ready() error {
	v.node.mu.Lock()
	defer v.node.mu.Unlock()
	return v.node.fault
}

// Follow keeps this process in step until ctx ends: it reads the key file again
// when that has changed, asks which keys are in use, and says which it holds.
func (v *Vault) Follow(ctx context.Context, log *slog.Logger) {
	tick := time.NewTicker(v.askEvery)
	defer tick.Stop()
	for {
		v.step(ctx, log)
		select {
		case <-ctx.Done():
			v.leave()
			return
		case <-tick.C:
		}
	}
}

// step is one round of Follow. What goes wrong is logged when it begins and when
// it ends, not every second.
func (v *Vault) step(ctx context.Context, log *slog.Logger) {
	v.node.mu.Lock()
	was := v.node.fault
	v.node.mu.Unlock()
	var err error
	if v.fileChanged() {
		if err = v.reload(); err == nil {
			log.Info("the key file was read again", "keys", strings.Join(v.house.Load().names(), " "))
		} else {
			log.Error("the key file cannot be read again", "error", err)
		}
	}
	if err = v.ask(ctx); ctx.Err() != nil {
		return
	}
	v.node.mu.Lock()
	v.node.fault = err
	v.node.mu.Unlock()
	switch {
	case err != nil && was == nil:
		log.Error("the keys in use are not known", "error", err)
	case err == nil && was != nil:
		log.Info("the keys in use are known again")
	}
	if err := v.tell(ctx); err != nil && ctx.Err() == nil {
		log.Warn("this process cannot say which keys it holds", "error", err)
	}
}

// tell writes the row of this process, and how long the tokens that it has
// signed last: often enough to be seen, at once when something is new.
func (v *Vault) tell(ctx context.Context) error {
	keys, now := v.house.Load(), v.db.Now()
	said := fmt.Sprint(keys.names(), keys.sealsWith)
	v.node.mu.Lock()
	fresh := v.node.said == said && now.Sub(v.node.told) < tellEvery && !now.Before(v.node.told)
	id := v.node.id
	v.node.mu.Unlock()
	if fresh {
		return nil
	}
	err := v.db.Write(ctx, func(tx *db.Tx) error {
		if id == "" {
			id = tx.NewID("nod")
		}
		if _, err := tx.Exec(`INSERT INTO house_node (id, name, keys, seals_with, seen_at) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (id) DO UPDATE SET keys = excluded.keys, seals_with = excluded.seals_with, seen_at = excluded.seen_at`,
			id, processName(), strings.Join(keys.names(), " "), int64(keys.sealsWith), db.Micro(tx.Now)); err != nil {
			return err
		}
		if _, err := tx.Exec(`DELETE FROM house_node WHERE seen_at < $1`, db.Micro(tx.Now.Add(-time.Hour))); err != nil {
			return err
		}
		return keys.noteTokens(tx)
	})
	if err != nil {
		return err
	}
	v.node.mu.Lock()
	v.node.id, v.node.told, v.node.said = id, now, said
	v.node.mu.Unlock()
	return nil
}

// noteTokens keeps how long each signing key is needed.
func (k *houseKeys) noteTokens(tx *db.Tx) error {
	for id, s := range k.signers {
		longest := s.longest.Load()
		if longest == 0 {
			continue
		}
		if _, err := tx.Exec(`UPDATE house_key SET lasts_until = $3 WHERE use = $1 AND id = $2 AND lasts_until < $3`, useSign, int64(id), longest); err != nil {
			return fmt.Errorf("note how long tokens last: %w", err)
		}
	}
	return nil
}

// leave takes the row of this process away, so that nobody waits for it.
func (v *Vault) leave() {
	ctx, cancel := context.WithTimeout(context.Background(), leaveTime)
	defer cancel()
	v.node.mu.Lock()
	id := v.node.id
	v.node.mu.Unlock()
	if id == "" {
		return
	}
	// If this fails, the row is too old to count within a minute.
	_ = v.db.Write(ctx, func(tx *db.Tx) error {
		if err := v.house.Load().noteTokens(tx); err != nil {
			return err
		}
		_, err := tx.Exec(`DELETE FROM house_node WHERE id = $1`, id)
		return err
	})
}

// processName is what people know a process by.
func processName() string {
	host, err := os.Hostname()
	if err != nil {
		host = "?"
	}
	return fmt.Sprintf("%s/%d", db.CleanText(host), os.Getpid())
}
