package vault

import (
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"

	"dingdong/internal/db"
)

// Why sealed data cannot be read.
var (
	// ErrErased says that the customer's key was dropped, or that she never had
	// one: what was sealed with it can never be read again.
	ErrErased = errors.New("the customer's key is gone")
	// ErrTampered says that the sealed bytes are damaged, or that they belong to
	// another cell, customer or installation.
	ErrTampered = errors.New("sealed data is damaged or out of place")
)

// cellVersion stands in front of every sealed cell, so that another cipher can
// come one day and old cells stay readable.
const cellVersion = 1

// Seal seals a cell with the customer's key. The label ("message.body") and the
// customer are bound to it: moved into another cell or row it does not open.
func (v *Vault) Seal(tx *db.Tx, customerID, label string, plain []byte) ([]byte, error) {
	k, err := v.key(tx, customerID)
	if err != nil {
		return nil, fmt.Errorf("seal %s: %w", label, err)
	}
	return sealCell(k.cell, cellData(customerID, label), plain), nil
}

// Open opens what Seal made under the same customer and label. Nothing, as in
// a cell that is NULL, gives nothing.
func (v *Vault) Open(tx *db.Tx, customerID, label string, sealed []byte) ([]byte, error) {
	if len(sealed) == 0 {
		return nil, nil
	}
	k, err := v.key(tx, customerID)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", label, err)
	}
	plain, err := openCell(k.cell, cellData(customerID, label), sealed)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", label, err)
	}
	return plain, nil
}

// SealString is Seal for text.
func (v *Vault) SealString(tx *db.Tx, customerID, label, plain string) ([]byte, error) {
	return v.Seal(tx, customerID, label, []byte(plain))
}

// OpenString is Open for text.
func (v *Vault) OpenString(tx *db.Tx, customerID, label string, sealed []byte) (string, error) {
	plain, err := v.Open(tx, customerID, label, sealed)
	return string(plain), err
}

// SealHouse seals what belongs to no customer, such as the token of an account,
// under the key of the installation.
func (v *Vault) SealHouse(label string, plain []byte) ([]byte, error) {
	sealed, err := v.sealHouse(plain, houseData(label))
	if err != nil {
		return nil, fmt.Errorf("seal %s: %w", label, err)
	}
	return sealed, nil
}

// OpenHouse opens what SealHouse made under the same label. Nothing gives nothing.
func (v *Vault) OpenHouse(label string, sealed []byte) ([]byte, error) {
	if len(sealed) == 0 {
		return nil, nil
	}
	plain, err := v.openHouse(sealed, houseData(label))
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", label, ErrTampered)
	}
	return plain, nil
}

func sealCell(cell cipher.AEAD, data, plain []byte) []byte {
	out := make([]byte, 1, 1+len(plain)+cell.Overhead())
	out[0] = cellVersion
	return cell.Seal(out, nil, plain, data) // the cipher puts a random nonce in front
}

func openCell(cell cipher.AEAD, data, sealed []byte) ([]byte, error) {
	if len(sealed) < 1+cell.Overhead() || sealed[0] != cellVersion {
		return nil, ErrTampered
	}
	plain, err := cell.Open(nil, nil, sealed[1:], data)
	if err != nil {
		return nil, ErrTampered
	}
	return plain, nil
}

// The associated data of the four uses begin with different letters, and the
// customer's id with its length: no two meanings have the same bytes.

func cellData(customerID, label string) []byte   { return bind('c', customerID, label) }
func streamData(customerID, label string) []byte { return bind('s', customerID, label) }
func keyData(customerID string) []byte           { return bind('k', customerID, "") }
func houseData(label string) []byte              { return bind('h', "", label) }

func bind(use byte, customerID, label string) []byte {
	data := make([]byte, 0, 3+len(customerID)+len(label))
	data = append(data, use)
	data = binary.BigEndian.AppendUint16(data, uint16(len(customerID)))
	data = append(data, customerID...)
	return append(data, label...)
}
