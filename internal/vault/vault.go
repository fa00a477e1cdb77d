// Package vault seals what is personal: names, phone numbers, words, pictures.
//
// Every customer has a key of her own, which lies in the database sealed under
// the key of the installation. Dropping her key erases her: nothing that was
// sealed with it, in whichever backup it may lie, can be read again (as long as
// the backup of the key rows is gone too).
//
// It does not hide how long a text is, how many there are, or when they came.
package vault

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"dingdong/internal/db"
)

// Vault seals and opens. It may be used by any number of goroutines.
type Vault struct {
	db    *db.DB
	place place
	house atomic.Pointer[houseKeys]
	asked atomic.Int64 // when the database was last asked which keys are in use
	cache *cache
	node  node // this process, while it follows the key file

	askEvery time.Duration // how often it asks which keys are in use
}

// Open reads the installation's keys from keyURI: "file:/path/key.json", or
// "hcvault://host:port/transit/keys/name?file=/path/key.json" for a file that
// only a KMS can open, which is asked here and when that file has changed. It makes the keys at
// the very first start, and refuses to when the database was sealed with other
// ones: fresh ones would orphan everything in it.
func Open(keyURI string, d *db.DB) (*Vault, error) {
	p, err := parsePlace(keyURI)
	if err != nil {
		return nil, fmt.Errorf("open vault: %w", err)
	}
	ctx := context.Background()
	probe, err := firstKey(ctx, d)
	if err != nil {
		return nil, fmt.Errorf("open vault: %w", err)
	}
	read := stampOf(p.path)
	sets, err := readKeyFile(p)
	if errors.Is(err, errNoKeyFile) {
		if probe != nil {
			return nil, fmt.Errorf("open vault: the key file %s is missing, but the database holds data sealed with it: "+
				"put the file back from its backup", p.path)
		}
		if err := makeKeyFile(p); err != nil {
			return nil, fmt.Errorf("make key file %s: %w", p.path, err)
		}
		read = stampOf(p.path)
		sets, err = readKeyFile(p)
	}
	if err != nil {
		return nil, fmt.Errorf("open vault: %w", err)
	}
	keys, err := sets.use()
	if err != nil {
		return nil, fmt.Errorf("open vault: key file %s: %w", p.path, err)
	}
	v := newVault(d, p, keys)
	v.node.file = read
	existing := probe != nil
	if !existing {
		if err := v.mark(ctx, d); err != nil {
			return nil, fmt.Errorf("open vault: %w", err)
		}
		// Another node may have been quicker, with another file.
		if probe, err = firstKey(ctx, d); err != nil {
			return nil, fmt.Errorf("open vault: %w", err)
		}
	}
	if err := v.belongs(ctx, probe); err != nil {
		return nil, fmt.Errorf("open vault: key file %s: %w", p.path, err)
	}
	if err := v.settle(ctx, existing); err != nil {
		return nil, fmt.Errorf("open vault: key file %s: %w", p.path, err)
	}
	return v, nil
}

// belongs tries the key file on a row. A file from before a rotation is told from
// one of another house by the numbers of its keys.
func (v *Vault) belongs(ctx context.Context, probe *keyRow) error {
	keys := v.house.Load()
	if _, err := keys.seal.Decrypt(probe.sealed, keyData(probe.customerID)); err == nil {
		return nil
	}
	rows, err := v.houseKeys(ctx)
	if err != nil {
		return err
	}
	for _, k := range rows {
		if keys.holds(k.Use, k.ID) {
			return errLacks
		}
	}
	return errors.New("it does not belong to this database")
}

func newVault(d *db.DB, p place, keys *houseKeys) *Vault {
	v := &Vault{db: d, place: p, cache: newCache(cacheSize), askEvery: askEvery}
	v.house.Store(keys)
	if d != nil {
		v.asked.Store(d.Now().UnixMicro())
	}
	return v
}

// mark leaves the installation's own row, under no customer, in a new database:
// it ties database and key file together before the first customer comes.
func (v *Vault) mark(ctx context.Context, d *db.DB) error {
	raw := make([]byte, keySize)
	rand.Read(raw) // never fails
	err := d.Write(ctx, func(tx *db.Tx) error { return v.insertKey(tx, "", raw) })
	if errors.Is(err, db.ErrConflict) {
		return nil
	}
	return err
}

// firstKey gives one row to try the key file on, nil when there is none. The
// installation's own row, where there is one, sorts first.
func firstKey(ctx context.Context, d *db.DB) (*keyRow, error) {
	var first *keyRow
	err := d.Read(ctx, func(tx *db.Tx) error {
		rows, err := tx.Query(`SELECT customer_id, sealed FROM vault_key ORDER BY customer_id LIMIT 1`)
		found, err := db.Collect(rows, err, scanKey)
		if err != nil {
			return err
		}
		first = nil
		if len(found) > 0 {
			first = &found[0]
		}
		return nil
	})
	return first, err
}
