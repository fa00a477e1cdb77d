package vault

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"time"

	"dingdong/internal/db"
)

// The two uses of keys that change. Look-up hashes have one key for ever: see
// docs/security.md.
const (
	useSeal = "seal"
	useSign = "sign"
)

// How a key of the installation stands.
const (
	keyWaiting = "waiting" // in the key file, not in use until every process holds it
	keyCurrent = "current"
	keyOld     = "old"     // opens and verifies what it once made
	keyRetired = "retired" // nothing needs it; it goes from the key file
)

const (
	// askEvery is how often a process asks which keys are in use. What seals for
	// the whole house asks by itself when the answer is older than staleAfter.
	askEvery   = time.Second
	staleAfter = 10 * time.Second
	// tokensBefore is how long tokens may count that were signed before anybody
	// wrote down how long they do: a visitor's, the longest there were.
	tokensBefore = 180 * 24 * time.Hour
)

// settle takes the keys that the database calls current. A database that calls
// none so learns it from the key file.
func (v *Vault) settle(ctx context.Context, existing bool) error {
	inUse, err := v.keysInUse(ctx)
	if err != nil {
		return err
	}
	if len(inUse) < 2 {
		if err := v.db.Write(ctx, func(tx *db.Tx) error { return v.enter(tx, existing) }); err != nil {
			return err
		}
	}
	return v.ask(ctx)
}

// enter notes the primary keys of the key file as those in use, where none are.
func (v *Vault) enter(tx *db.Tx, existing bool) error {
	keys, lasts := v.house.Load(), int64(0)
	if existing {
		lasts = db.Micro(tx.Now.Add(tokensBefore))
	}
	for _, k := range []struct {
		use   string
		id    uint32
		lasts int64
	}{{useSeal, keys.sealsWith, 0}, {useSign, keys.signsWith, lasts}} {
		_, err := tx.Exec(`INSERT INTO house_key (use, id, state, made_at, used_at, lasts_until) VALUES ($1, $2, $3, $4, $4, $5)
			ON CONFLICT DO NOTHING`, k.use, int64(k.id), keyCurrent, db.Micro(tx.Now), k.lasts)
		if err != nil {
			return fmt.Errorf("enter key: %w", err)
		}
	}
	return nil
}

// keysInUse reads which key seals and which one signs.
func (v *Vault) keysInUse(ctx context.Context) (map[string]uint32, error) {
	rows, err := v.houseKeys(ctx)
	inUse := map[string]uint32{}
	for _, k := range rows {
		if k.State == keyCurrent {
			inUse[k.Use] = k.ID
		}
	}
	return inUse, err
}

// Key is a key of the installation by its number.
type Key struct {
	Use     string // "seal" or "sign"
	ID      uint32
	State   string // "waiting", "current", "old" or "retired"
	Made    time.Time
	Used    time.Time // since when it is the current one; zero: never
	Retired time.Time
	Lasts   time.Time // of one that signs: when the last token expires that it has signed
}

// Name is how people tell keys apart.
func (k Key) Name() string { return keyName(k.ID) }

func (v *Vault) houseKeys(ctx context.Context) (list []Key, err error) {
	err = v.db.Read(ctx, func(tx *db.Tx) error {
		list, err = readKeys(tx)
		return err
	})
	return list, err
}

// readKeys lists the keys, the latest first.
func readKeys(tx *db.Tx) ([]Key, error) {
	rows, err := tx.Query(`SELECT use, id, state, made_at, used_at, retired_at, lasts_until FROM house_key ORDER BY use, made_at DESC, id`)
	list, err := db.Collect(rows, err, func(r *sql.Rows) (k Key, err error) {
		var id, made, used, retired, lasts int64
		err = r.Scan(&k.Use, &id, &k.State, &made, &used, &retired, &lasts)
		k.ID, k.Made, k.Used, k.Retired, k.Lasts = uint32(id), db.Time(made), db.Time(used), db.Time(retired), db.Time(lasts)
		return k, err
	})
	if err != nil {
		return nil, fmt.Errorf("list the keys of the installation: %w", err)
	}
	return list, nil
}

// ask takes over what the database says of the keys in use; a key that is not
// known here may stand in a newer key file.
func (v *Vault) ask(ctx context.Context) error {
	now := v.db.Now()
	inUse, err := v.keysInUse(ctx)
	if err != nil {
		return err
	}
	next, err := v.house.Load().inUse(inUse[useSeal], inUse[useSign])
	if errors.Is(err, errLacks) {
		if err = v.reload(); err == nil {
			next, err = v.house.Load().inUse(inUse[useSeal], inUse[useSign])
		}
	}
	if err != nil {
		return err
	}
	v.house.Store(next)
	v.asked.Store(now.UnixMicro())
	return nil
}

// reload reads the key file again. What is signed is counted on in the same
// signers, and the look-up key may not change.
func (v *Vault) reload() error {
	v.node.mu.Lock()
	v.node.file = stampOf(v.place.path) // before it is read: what changes meanwhile is read again
	v.node.mu.Unlock()
	sets, err := readKeyFile(v.place)
	if err != nil {
		return fmt.Errorf("read the key file again: %w", err)
	}
	next, err := sets.use()
	if err != nil {
		return fmt.Errorf("key file %s: %w", v.place.path, err)
	}
	was := v.house.Load()
	if string(next.lookUp) != string(was.lookUp) {
		return fmt.Errorf("key file %s: it is of another house, the one from before is used on", v.place.path)
	}
	for id, s := range was.signers {
		if next.signers[id] != nil {
			next.signers[id] = s
		}
	}
	if kept, err := next.inUse(was.sealsWith, was.signsWith); err == nil {
		next = kept
	}
	v.house.Store(next)
	return nil
}

// sealHouse seals with the key in use. A process that has not asked for a while,
// because it was held up, asks first: by now the key may be retired.
func (v *Vault) sealHouse(plain, data []byte) ([]byte, error) {
	if v.db != nil && v.db.Now().Sub(time.UnixMicro(v.asked.Load())) > staleAfter {
		if err := v.ask(context.Background()); err != nil {
			return nil, err
		}
	}
	keys := v.house.Load()
	return keys.sealers[keys.sealsWith].Encrypt(plain, data)
}

// openHouse opens what a key of the installation has sealed. A key that is not
// known here may stand in a key file that was changed since it was read.
func (v *Vault) openHouse(sealed, data []byte) ([]byte, error) {
	keys := v.house.Load()
	plain, err := keys.seal.Decrypt(sealed, data)
	if err == nil {
		return plain, nil
	}
	if id, named := sealedWith(sealed); !named || keys.sealers[id] != nil || v.db == nil || !v.fileChanged() || v.reload() != nil {
		return nil, err
	}
	return v.house.Load().seal.Decrypt(sealed, data)
}

// fileChanged says whether the key file is another than the one that was read.
func (v *Vault) fileChanged() bool {
	v.node.mu.Lock()
	defer v.node.mu.Unlock()
	return v.node.file != stampOf(v.place.path)
}

// stamp tells whether a file was changed.
type stamp struct {
	size int64
	at   time.Time
}

func stampOf(path string) stamp {
	info, err := os.Stat(path)
	if err != nil {
		return stamp{}
	}
	return stamp{info.Size(), info.ModTime()}
}
