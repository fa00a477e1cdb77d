package customer

import (
	"fmt"

	"dingdong/internal/db"
)

const labelPortrait = "identity.picture_address"

// Portrait is a person's picture on an account: where the platform keeps it, and our
// small copy of it.
type Portrait struct {
	IdentityID string
	Address    string // the platform's; empty: she has none there
	Key        string // of the blob; empty: there is no copy
}

// Portrait returns her picture on an account.
func (b *Book) Portrait(tx *db.Tx, identityID string) (Portrait, error) {
	p := Portrait{IdentityID: identityID}
	var record string
	var sealed []byte
	err := tx.QueryRow(`SELECT customer_id, picture, picture_address FROM identity WHERE id = $1`, identityID).Scan(&record, &p.Key, &sealed)
	if err != nil {
		return p, fmt.Errorf("her picture: %w", db.NotFound(err))
	}
	p.Address, err = b.openText(tx, record, labelPortrait, sealed)
	return p, err
}

// PortraitAt notes where the platform keeps her picture and tells whether it has to be
// fetched. When she has none any more, gone is the blob key of our copy, for the caller
// to destroy; a copy of another one stays until the new one is here.
func (b *Book) PortraitAt(tx *db.Tx, identityID, address string) (fetch bool, gone string, err error) {
	now, err := b.Portrait(tx, identityID)
	if err != nil || now.Address == address {
		return false, "", err
	}
	i, err := b.IdentityByID(tx, identityID)
	if err != nil {
		return false, "", err
	}
	sealed, err := b.sealText(tx, i.CustomerID, labelPortrait, address)
	if err != nil {
		return false, "", err
	}
	key := now.Key
	if address == "" {
		key, gone = "", now.Key
	}
	if _, err := tx.Exec(`UPDATE identity SET picture_address = $2, picture = $3 WHERE id = $1`, identityID, sealed, key); err != nil {
		return false, "", fmt.Errorf("her picture: %w", err)
	}
	return address != "", gone, nil
}

// SetPortrait puts our copy of a picture in the place of the one before; without a key
// there is none to be had. gone is the blob key that nothing names any more, for the
// caller to destroy: the one before, or p's own when she has another picture by now.
func (b *Book) SetPortrait(tx *db.Tx, p Portrait) (gone string, err error) {
	now, err := b.Portrait(tx, p.IdentityID)
	if err != nil {
		return "", err
	}
	if now.Address != p.Address {
		return p.Key, nil
	}
	if now.Key == p.Key {
		return "", nil
	}
	if _, err := tx.Exec(`UPDATE identity SET picture = $2 WHERE id = $1`, p.IdentityID, p.Key); err != nil {
		return "", fmt.Errorf("her picture: %w", err)
	}
	return now.Key, nil
}
