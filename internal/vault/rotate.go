package vault

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/prf"

	"dingdong/internal/db"
)

// Column is a column whose cells are sealed with the key of the installation, by
// SealHouse under the label. Every room names its own.
type Column struct {
	Table, Name string
	Keys        []string // the columns that name a row, all TEXT
	Label       string
}

func (c Column) String() string { return c.Table + "." + c.Name }

// data is what is bound to a cell of the column.
func (c Column) data(row []string) []byte {
	if c.Table == customerKeys.Table {
		return keyData(row[0])
	}
	return houseData(c.Label)
}

// customerKeys are the customers' keys and the installation's own row.
var customerKeys = Column{Table: "vault_key", Name: "sealed", Keys: []string{"customer_id"}}

// Rotation changes the key of the installation while the house serves:
//
//   - Begin puts new keys into the key file, beside those in use;
//   - Step, which a job repeats, waits until every process holds them, takes them
//     into use, and seals anew what the old key has sealed, a few rows at a time;
//   - Retire takes an old key out of the key file, once nothing needs it.
//
// Everything that it must remember stands in the database, so it may be broken
// off anywhere.
type Rotation struct {
	v       *Vault
	columns []Column
	calm    time.Duration
}

// NewRotation builds it over all columns that rooms seal with SealHouse; the
// customers' keys need not be named.
func NewRotation(v *Vault, columns ...Column) *Rotation {
	return &Rotation{v: v, columns: append([]Column{customerKeys}, columns...), calm: calmAfter}
}

// ErrUnderWay says that the last rotation is not done.
var ErrUnderWay = errors.New("the last rotation is not done yet")

// Begin puts new keys into the key file and notes them as waiting; also runs in
// the same transaction. Keys that wait in the file already, because an earlier
// try broke off, are taken instead of new ones.
func (r *Rotation) Begin(ctx context.Context, also func(tx *db.Tx) error) error {
	var keys []Key
	err := r.v.db.Read(ctx, func(tx *db.Tx) error {
		s, err := r.Status(tx)
		keys = s.Keys
		if err == nil && s.UnderWay() && !s.stranded(r.v.house.Load()) {
			err = ErrUnderWay
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("rotate: %w", err)
	}
	seal, sign, err := r.v.addKeys(keys)
	if err != nil {
		return fmt.Errorf("rotate: %w", err)
	}
	err = r.v.db.Write(ctx, func(tx *db.Tx) error {
		// What waited and is in no file any more cannot be waited for.
		if _, err := tx.Exec(`DELETE FROM house_key WHERE state = $1 AND id NOT IN ($2, $3)`, keyWaiting, int64(seal), int64(sign)); err != nil {
			return err
		}
		for use, id := range map[string]uint32{useSeal: seal, useSign: sign} {
			if _, err := tx.Exec(`INSERT INTO house_key (use, id, state, made_at) VALUES ($1, $2, $3, $4) ON CONFLICT (use, id) DO NOTHING`,
				use, int64(id), keyWaiting, db.Micro(tx.Now)); err != nil {
				return err
			}
		}
		return also(tx)
	})
	if err != nil {
		return fmt.Errorf("rotate: %w", err)
	}
	return r.v.reload()
}

// addKeys makes sure that the key file holds a sealing and a signing key that
// the database does not know yet, or knows as waiting.
func (v *Vault) addKeys(known []Key) (seal, sign uint32, err error) {
	used := func(use string, id uint32) bool {
		return slices.ContainsFunc(known, func(k Key) bool { return k.Use == use && k.ID == id && k.State != keyWaiting })
	}
	err = changeKeyFile(v.place, func(s keySets) (keySets, error) {
		add := func(use string, set *keyset.Handle) (*keyset.Handle, uint32, error) {
			for _, id := range enabled(set) {
				if !used(use, id) {
					return set, id, nil
				}
			}
			m, template := keyset.NewManagerFromHandle(set), aead.AES256GCMKeyTemplate()
			if use == useSign {
				template = prf.HMACSHA256PRFKeyTemplate()
			}
			id, err := m.Add(template)
			if err != nil {
				return nil, 0, err
			}
			set, err = m.Handle()
			return set, id, err
		}
		if s.seal, seal, err = add(useSeal, s.seal); err != nil {
			return s, err
		}
		s.sign, sign, err = add(useSign, s.sign)
		return s, err
	})
	return seal, sign, err
}

// changeKeyFile rewrites the key file with other keys, guarded as before. At every
// moment it is whole, as it was or as it will be.
func changeKeyFile(p place, change func(keySets) (keySets, error)) error {
	path, err := realPath(p.path)
	if err != nil {
		return err
	}
	p.path = path
	sets, before, err := readWithBytes(p)
	if err != nil {
		return err
	}
	next, err := change(sets)
	if err != nil {
		return err
	}
	if next.match(sets, nil) == nil { // nothing to change
		return nil
	}
	data, err := next.encode(p.kms)
	if err != nil {
		return err
	}
	return replaceKeyFile(path, before, data, func() error { return next.match(readKeyFile(p)) })
}

// Status is how a rotation stands.
type Status struct {
	Keys  []Key
	Nodes []Node
	Work  []Work
}

// Node is a process that has the house open.
type Node struct {
	Name  string
	Seen  time.Time
	Keys  []string // "seal:0a1b2c3d"
	Seals uint32   // the key it seals with
	Lacks bool     // a key that waits or is in use
	Keeps bool     // a key that is retired
}

// Work is how far a column has been sealed anew.
type Work struct {
	Name                 string // "account.token"
	Total, Done, Damaged int
	Ended                time.Time // zero: not yet
	position             string
}

// Waiting says whether keys wait to be taken into use.
func (s Status) Waiting() bool {
	return slices.ContainsFunc(s.Keys, func(k Key) bool { return k.State == keyWaiting })
}

// UnderWay says whether the job has anything to do.
func (s Status) UnderWay() bool {
	return s.Waiting() || slices.ContainsFunc(s.Work, func(w Work) bool { return w.Ended.IsZero() })
}

// Behind names the processes that lack a key which waits or is in use.
func (s Status) Behind() []string {
	var names []string
	for _, n := range s.Nodes {
		if n.Lacks {
			names = append(names, n.Name)
		}
	}
	return names
}

// stranded says that a waiting key is not in the key file: an older file was put
// in its place.
func (s Status) stranded(held *houseKeys) bool {
	return slices.ContainsFunc(s.Keys, func(k Key) bool { return k.State == keyWaiting && !held.holds(k.Use, k.ID) })
}

// current is the key in use.
func (s Status) current(use string) Key {
	i := slices.IndexFunc(s.Keys, func(k Key) bool { return k.Use == use && k.State == keyCurrent })
	if i < 0 {
		return Key{}
	}
	return s.Keys[i]
}

// Status reads how things stand.
func (r *Rotation) Status(tx *db.Tx) (Status, error) {
	var s Status
	var err error
	if s.Keys, err = readKeys(tx); err != nil {
		return s, err
	}
	rows, err := tx.Query(`SELECT name, keys, seals_with, seen_at FROM house_node WHERE seen_at > $1 ORDER BY name, id`, db.Micro(tx.Now.Add(-nodeLives)))
	s.Nodes, err = db.Collect(rows, err, func(rs *sql.Rows) (n Node, err error) {
		var keys string
		var seals, seen int64
		err = rs.Scan(&n.Name, &keys, &seals, &seen)
		n.Keys, n.Seals, n.Seen = strings.Fields(keys), uint32(seals), db.Time(seen)
		for _, k := range s.Keys {
			switch held := slices.Contains(n.Keys, k.Use+":"+k.Name()); k.State {
			case keyWaiting, keyCurrent:
				n.Lacks = n.Lacks || !held
			case keyRetired:
				n.Keeps = n.Keeps || held
			}
		}
		return n, err
	})
	if err != nil {
		return s, fmt.Errorf("list the processes: %w", err)
	}
	rows, err = tx.Query(`SELECT name, position, total, done, damaged, ended_at FROM house_rewrap ORDER BY name`)
	s.Work, err = db.Collect(rows, err, func(rs *sql.Rows) (w Work, err error) {
		var ended int64
		err = rs.Scan(&w.Name, &w.position, &w.Total, &w.Done, &w.Damaged, &ended)
		w.Ended = db.Time(ended)
		return w, err
	})
	if err != nil {
		return s, fmt.Errorf("list what is sealed anew: %w", err)
	}
	return s, nil
}

// same compares two key sets.
func same(a, b *keyset.Handle) (bool, error) {
	var one, other bytes.Buffer
	err := errors.Join(insecurecleartextkeyset.Write(a, keyset.NewBinaryWriter(&one)),
		insecurecleartextkeyset.Write(b, keyset.NewBinaryWriter(&other)))
	return bytes.Equal(one.Bytes(), other.Bytes()), err
}
