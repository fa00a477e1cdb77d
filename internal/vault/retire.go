package vault

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tink-crypto/tink-go/v2/keyset"

	"dingdong/internal/db"
)

// calmBefore is how long a key must have been out of use before it can be retired:
// longer than any transaction that may still hold something sealed with it.
const calmBefore = 2 * time.Minute

// Verdict is what became of the wish to retire a key.
type Verdict struct {
	Key  Key
	Kept []string // why it stays; empty: it is retired
}

// Retired is what Retire tells the transaction that notes it.
type Retired struct {
	Keys  []Key
	Again bool // something is left that must be sealed anew: the job has work again
}

// Retire takes every old key that nothing needs out of use and out of the key
// file of this process, and says of each other why it stays. Other nodes with a
// key file of their own run it as well. also runs in the transaction that notes it.
func (r *Rotation) Retire(ctx context.Context, also func(*db.Tx, Retired) error) ([]Verdict, error) {
	verdicts, what, err := r.judge(ctx)
	if err != nil {
		return nil, fmt.Errorf("retire: %w", err)
	}
	if len(what.Keys) > 0 || what.Again {
		err := r.v.db.Write(ctx, func(tx *db.Tx) error {
			for _, k := range what.Keys {
				if _, err := tx.Exec(`UPDATE house_key SET state = $3, retired_at = $4 WHERE use = $1 AND id = $2 AND state = $5`,
					k.Use, int64(k.ID), keyRetired, db.Micro(tx.Now), keyOld); err != nil {
					return err
				}
			}
			if what.Again {
				if _, err := tx.Exec(`UPDATE house_rewrap SET position = '', damaged = 0, ended_at = 0`); err != nil {
					return err
				}
			}
			return also(tx, what)
		})
		if err != nil {
			return nil, fmt.Errorf("retire: %w", err)
		}
	}
	if err := r.prune(ctx); err != nil {
		return verdicts, fmt.Errorf("take retired keys out of the key file: %w", err)
	}
	return verdicts, nil
}

func (r *Rotation) judge(ctx context.Context) (verdicts []Verdict, what Retired, err error) {
	err = r.v.db.Read(ctx, func(tx *db.Tx) error {
		verdicts, what = nil, Retired{}
		s, err := r.Status(tx)
		if err != nil {
			return err
		}
		for _, k := range s.Keys {
			if k.State != keyOld {
				continue
			}
			kept, cells, err := r.needs(tx, s, k)
			if err != nil {
				return err
			}
			verdicts = append(verdicts, Verdict{Key: k, Kept: kept})
			if len(kept) == 0 {
				what.Keys = append(what.Keys, k)
			}
			what.Again = what.Again || cells > 0 && !s.UnderWay()
		}
		return nil
	})
	return verdicts, what, err
}

// needs lists what still needs an old key, and counts the cells among that. It may look at a snapshot: since the
// key went out of use nobody seals or signs with it.
func (r *Rotation) needs(tx *db.Tx, s Status, k Key) (why []string, cells int, err error) {
	if out := s.current(k.Use).Used.Add(calmBefore); tx.Now.Before(out) {
		why = append(why, fmt.Sprintf("it was in use until a moment ago; it can go after %s", out.Format(time.RFC3339)))
	}
	if k.Use == useSign {
		if tx.Now.Before(k.Lasts) {
			why = append(why, fmt.Sprintf("links and visitors' tokens that it has signed count until %s", k.Lasts.Format(time.RFC3339)))
		}
		return why, 0, nil
	}
	if s.UnderWay() {
		why = append(why, "not everything has been sealed anew")
	}
	for _, n := range s.Nodes {
		if n.Seals == k.ID {
			why = append(why, "the process "+n.Name+" still seals with it")
		}
	}
	for _, c := range r.columns {
		n, err := r.opens(tx, c, k.ID)
		if err != nil {
			return nil, 0, err
		}
		cells += n
		if n > 0 {
			why = append(why, fmt.Sprintf("%d cells of %s are sealed with it", n, c))
		}
	}
	return why, cells, nil
}

// opens counts the cells of a column that a key has sealed and that open. One
// that does not is damaged, and no key will help it.
func (r *Rotation) opens(tx *db.Tx, c Column, id uint32) (int, error) {
	keys := r.v.house.Load()
	n := 0
	names := strings.Join(c.Keys, ", ")
	rows, err := tx.Query(`SELECT `+names+`, `+c.Name+` FROM `+c.Table+` WHERE LENGTH(`+c.Name+`) > 0 AND substr(`+c.Name+`, 1, 5) = $1`, prefix(id))
	if err != nil {
		return 0, fmt.Errorf("look through %s: %w", c, err)
	}
	defer rows.Close()
	for rows.Next() {
		one := cell{row: make([]string, len(c.Keys))}
		to := make([]any, 0, len(c.Keys)+1)
		for i := range one.row {
			to = append(to, &one.row[i])
		}
		if err := rows.Scan(append(to, &one.sealed)...); err != nil {
			return 0, err
		}
		if _, err := keys.seal.Decrypt(one.sealed, c.data(one.row)); err == nil || keys.sealers[id] == nil {
			n++
		}
	}
	return n, rows.Err()
}

// prune leaves in the key file what is not retired, with the keys in use as the
// primary ones.
func (r *Rotation) prune(ctx context.Context) error {
	keys, err := r.v.houseKeys(ctx)
	if err != nil {
		return err
	}
	err = changeKeyFile(r.v.place, func(s keySets) (keySets, error) {
		for use, set := range map[string]**keyset.Handle{useSeal: &s.seal, useSign: &s.sign} {
			next, err := pruned(*set, keys, use)
			if err != nil {
				return s, err
			}
			*set = next
		}
		return s, nil
	})
	if err != nil {
		return err
	}
	return r.v.reload()
}

func pruned(set *keyset.Handle, keys []Key, use string) (*keyset.Handle, error) {
	there := enabled(set)
	m, changed := keyset.NewManagerFromHandle(set), false
	for _, k := range keys {
		if k.Use == use && k.State == keyCurrent && slices.Contains(there, k.ID) && set.KeysetInfo().GetPrimaryKeyId() != k.ID {
			if err := m.SetPrimary(k.ID); err != nil {
				return nil, err
			}
			changed = true
		}
	}
	for _, k := range keys {
		if k.Use == use && k.State == keyRetired && slices.Contains(there, k.ID) {
			if err := m.Delete(k.ID); err != nil {
				return nil, err
			}
			changed = true
		}
	}
	if !changed {
		return set, nil
	}
	return m.Handle()
}
