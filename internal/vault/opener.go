package vault

import (
	"fmt"

	"dingdong/internal/db"
)

// Opener opens cells of customers whose keys were loaded before. It needs no
// transaction, so many goroutines may share it; use it within the transaction it
// was made in, because it does not notice when a key is dropped.
type Opener struct {
	keys map[string]*dataKey
}

// Opener loads the keys of some customers for opening many of their cells.
func (v *Vault) Opener(tx *db.Tx, customerIDs []string) (Opener, error) {
	if err := v.Warm(tx, customerIDs); err != nil {
		return Opener{}, err
	}
	keys := make(map[string]*dataKey, len(customerIDs))
	for _, id := range customerIDs {
		if id == "" || keys[id] != nil {
			continue
		}
		k, known := v.known(tx, id)
		if !known { // more customers than the cache holds
			found, err := v.load(tx, []string{id})
			if err != nil {
				return Opener{}, fmt.Errorf("load key: %w", err)
			}
			k = found[id]
		}
		if k != nil {
			keys[id] = k
		}
	}
	return Opener{keys}, nil
}

// Open opens a cell as Vault.Open does. Who was not named to the opener, or was
// erased, is ErrErased.
func (o Opener) Open(customerID, label string, sealed []byte) ([]byte, error) {
	k := o.keys[customerID]
	if k == nil {
		return nil, fmt.Errorf("open %s: %w", label, ErrErased)
	}
	plain, err := openCell(k.cell, cellData(customerID, label), sealed)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", label, err)
	}
	return plain, nil
}
