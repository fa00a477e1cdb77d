package vault

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"sync"
	"time"

	"dingdong/internal/db"
)

const (
	keySize = 32
	// cacheSize keys take some 20 MB.
	cacheSize = 20_000
	// keyAge bounds how long another node may go on using a key that was dropped
	// here: it reads the row again after that time.
	keyAge = 5 * time.Minute
	// warmChunk is how many keys one statement loads.
	warmChunk = 100
)

// dataKey is one customer's key, ready for use. It does not change.
type dataKey struct {
	cell   cipher.AEAD
	stream func() ([]byte, error) // few keys ever open a file
	loaded time.Time
}

// newDataKey draws the keys of cells and streams from the customer's key, so
// that no key serves two ciphers.
func newDataKey(raw []byte, now time.Time) (*dataKey, error) {
	cellKey, err := hkdf.Key(sha256.New, raw, nil, "cell", keySize)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(cellKey)
	if err != nil {
		return nil, err
	}
	cell, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, err
	}
	stream := sync.OnceValues(func() ([]byte, error) { return hkdf.Key(sha256.New, raw, nil, "stream", keySize) })
	return &dataKey{cell: cell, stream: stream, loaded: now}, nil
}

// NewKey makes the customer's key. She must not have one: a second key gives
// db.ErrConflict, because it would make what the first has sealed unreadable.
func (v *Vault) NewKey(tx *db.Tx, customerID string) error {
	if customerID == "" {
		return db.Invalid{Field: "customer", Code: "required"}
	}
	raw := make([]byte, keySize)
	rand.Read(raw) // never fails
	k, err := newDataKey(raw, tx.Now)
	if err != nil {
		return fmt.Errorf("make key: %w", err)
	}
	if err := v.insertKey(tx, customerID, raw); err != nil {
		return fmt.Errorf("make key: %w", err)
	}
	remember(tx, customerID, k)
	tx.AfterCommit(func() { v.cache.set(customerID, k) })
	return nil
}

func (v *Vault) insertKey(tx *db.Tx, customerID string, raw []byte) error {
	sealed, err := v.sealHouse(raw, keyData(customerID))
	if err != nil {
		return err
	}
	_, err = tx.Exec(`INSERT INTO vault_key (customer_id, sealed, created_at) VALUES ($1, $2, $3)`,
		customerID, sealed, db.Micro(tx.Now))
	return err
}

// DropKey destroys the customer's key, which erases everything sealed with it.
// No key is no error. This process refuses from the commit on, others within
// minutes.
func (v *Vault) DropKey(tx *db.Tx, customerID string) error {
	if customerID == "" { // the installation's own row
		return db.Invalid{Field: "customer", Code: "required"}
	}
	if _, err := tx.Exec(`DELETE FROM vault_key WHERE customer_id = $1`, customerID); err != nil {
		return fmt.Errorf("drop key: %w", err)
	}
	remember(tx, customerID, nil)
	tx.AfterCommit(func() { v.cache.set(customerID, nil) })
	return nil
}

// Warm loads the keys of many customers at once, before a list of them is
// opened cell by cell. Those without a key are passed over.
func (v *Vault) Warm(tx *db.Tx, customerIDs []string) error {
	var missing []string
	seen := make(map[string]bool, len(customerIDs))
	for _, id := range customerIDs {
		if id == "" || seen[id] {
			continue
		}
		seen[id] = true
		if _, known := v.known(tx, id); !known {
			missing = append(missing, id)
		}
	}
	for len(missing) > 0 {
		n := min(warmChunk, len(missing))
		if _, err := v.load(tx, missing[:n]); err != nil {
			return fmt.Errorf("warm keys: %w", err)
		}
		missing = missing[n:]
	}
	return nil
}

// key gives the customer's key, from memory where it is there.
func (v *Vault) key(tx *db.Tx, customerID string) (*dataKey, error) {
	k, known := v.known(tx, customerID)
	if !known && customerID != "" {
		keys, err := v.load(tx, []string{customerID})
		if err != nil {
			return nil, fmt.Errorf("load key: %w", err)
		}
		k = keys[customerID]
	}
	if k == nil {
		return nil, ErrErased
	}
	return k, nil
}

// known looks for a key in memory; nil means that it was dropped.
func (v *Vault) known(tx *db.Tx, customerID string) (*dataKey, bool) {
	if own, ok := tx.Ctx.Value(ownKeys{}).(map[string]*dataKey); ok {
		if k, ok := own[customerID]; ok {
			return k, true
		}
	}
	k, ok := v.cache.get(customerID)
	if ok && k != nil && tx.Now.Sub(k.loaded) > keyAge {
		return nil, false
	}
	return k, ok
}

// load reads keys from the database and remembers them.
func (v *Vault) load(tx *db.Tx, customerIDs []string) (map[string]*dataKey, error) {
	args := make([]any, len(customerIDs))
	for i, id := range customerIDs {
		args[i] = id
	}
	rows, err := tx.Query(`SELECT customer_id, sealed FROM vault_key WHERE customer_id IN (`+db.Marks(len(args), 1)+`)`, args...)
	found, err := db.Collect(rows, err, scanKey)
	if err != nil {
		return nil, err
	}
	keys := make(map[string]*dataKey, len(found))
	for _, row := range found {
		raw, err := v.openHouse(row.sealed, keyData(row.customerID))
		if err != nil {
			return nil, fmt.Errorf("key of %s: %w", row.customerID, ErrTampered)
		}
		k, err := newDataKey(raw, tx.Now)
		if err != nil {
			return nil, err
		}
		keys[row.customerID] = k
		v.keep(tx, row.customerID, k)
	}
	return keys, nil
}

// keep puts a key that was read into the cache. A writing transaction may see
// keys that are not committed yet, its own or those of the others in its group:
// those wait in the transaction until it is certain that they stay.
func (v *Vault) keep(tx *db.Tx, customerID string, k *dataKey) {
	if tx.ReadOnly() {
		v.cache.learn(customerID, k)
		return
	}
	remember(tx, customerID, k)
	tx.AfterCommit(func() { v.cache.learn(customerID, k) })
}

// ownKeys finds, in a transaction's context, the keys that it alone may use;
// nil stands for one it has dropped.
type ownKeys struct{}

// remember lets the key go with the transaction, whichever way that ends.
func remember(tx *db.Tx, customerID string, k *dataKey) {
	own, ok := tx.Ctx.Value(ownKeys{}).(map[string]*dataKey)
	if !ok {
		own = map[string]*dataKey{}
		tx.Ctx = context.WithValue(tx.Ctx, ownKeys{}, own)
	}
	own[customerID] = k
}

type keyRow struct {
	customerID string
	sealed     []byte
}

func scanKey(rows *sql.Rows) (keyRow, error) {
	var row keyRow
	err := rows.Scan(&row.customerID, &row.sealed)
	return row, err
}
