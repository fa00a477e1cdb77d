package vault

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/prf"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// houseKeys are the keys of the installation, ready for use. They do not change:
// another key file, or another key in use, makes others of them.
type houseKeys struct {
	seal    tink.AEAD            // opens what any of the keys has sealed
	sealers map[uint32]tink.AEAD // each of them seals with one key
	lookUp  []byte
	signers map[uint32]*signer

	sealsWith, signsWith uint32
}

// signer is a key that signs tokens.
type signer struct {
	key []byte
	// longest is the latest expiry, in microseconds, that it was asked to sign: until
	// then the key is needed.
	longest atomic.Int64
}

// asks raises longest.
func (s *signer) asks(until int64) {
	for was := s.longest.Load(); until > was; was = s.longest.Load() {
		if s.longest.CompareAndSwap(was, until) {
			return
		}
	}
}

// use makes the keys ready. The primary keys of the file are those in use until
// the database says otherwise.
func (s keySets) use() (*houseKeys, error) {
	keys := &houseKeys{sealers: map[uint32]tink.AEAD{}, signers: map[uint32]*signer{}}
	var err error
	if keys.seal, err = aead.New(s.seal); err != nil {
		return nil, fmt.Errorf("keyset seal: %w", err)
	}
	for _, id := range enabled(s.seal) {
		one, err := withPrimary(s.seal, id)
		if err != nil {
			return nil, fmt.Errorf("keyset seal: %w", err)
		}
		if keys.sealers[id], err = aead.New(one); err != nil {
			return nil, fmt.Errorf("keyset seal: %w", err)
		}
	}
	keys.sealsWith = s.seal.KeysetInfo().GetPrimaryKeyId()
	lookUp, err := subkeys(s.lookUp, "look-up")
	if err != nil {
		return nil, fmt.Errorf("keyset look_up: %w", err)
	}
	keys.lookUp = lookUp[s.lookUp.KeysetInfo().GetPrimaryKeyId()]
	sign, err := subkeys(s.sign, "sign")
	if err != nil {
		return nil, fmt.Errorf("keyset sign: %w", err)
	}
	for id, key := range sign {
		keys.signers[id] = &signer{key: key}
	}
	keys.signsWith = s.sign.KeysetInfo().GetPrimaryKeyId()
	return keys, nil
}

// subkeys draws one HMAC key from each key of a PRF keyset. Hashing under a drawn
// key cannot fail, so that Hash and Sign need no error.
func subkeys(handle *keyset.Handle, use string) (map[uint32][]byte, error) {
	prfs, err := prf.NewPRFSet(handle)
	if err != nil {
		return nil, err
	}
	keys := map[uint32][]byte{}
	for id, one := range prfs.PRFs {
		if keys[id], err = one.ComputePRF([]byte(use), 32); err != nil {
			return nil, err
		}
	}
	return keys, nil
}

// enabled lists the keys of a set that may be used.
func enabled(handle *keyset.Handle) []uint32 {
	var ids []uint32
	for i := range handle.Len() {
		if e, err := handle.Entry(i); err == nil && e.KeyStatus() == keyset.Enabled {
			ids = append(ids, e.KeyID())
		}
	}
	return ids
}

// withPrimary gives the same set with another primary key.
func withPrimary(handle *keyset.Handle, id uint32) (*keyset.Handle, error) {
	m := keyset.NewManagerFromHandle(handle)
	if err := m.SetPrimary(id); err != nil {
		return nil, err
	}
	return m.Handle()
}

// errLacks says that the house seals with a key that this process does not hold.
var errLacks = errors.New("the key file lacks the key that the house seals or signs with now: " +
	"put the present key file of another node in its place")

// inUse gives the same keys with others in use, or errLacks.
func (k *houseKeys) inUse(seal, sign uint32) (*houseKeys, error) {
	if k.sealers[seal] == nil || k.signers[sign] == nil {
		return nil, fmt.Errorf("%w (%s, %s)", errLacks, keyName(seal), keyName(sign))
	}
	if k.sealsWith == seal && k.signsWith == sign {
		return k, nil
	}
	next := *k
	next.sealsWith, next.signsWith = seal, sign
	return &next, nil
}

// holds says whether a key is among them.
func (k *houseKeys) holds(use string, id uint32) bool {
	if use == useSeal {
		return k.sealers[id] != nil
	}
	return k.signers[id] != nil
}

// names lists the keys for house_node.
func (k *houseKeys) names() []string {
	var out []string
	for _, id := range slices.Sorted(maps.Keys(k.sealers)) {
		out = append(out, useSeal+":"+keyName(id))
	}
	for _, id := range slices.Sorted(maps.Keys(k.signers)) {
		out = append(out, useSign+":"+keyName(id))
	}
	return out
}

// keyName is how people tell keys apart.
func keyName(id uint32) string { return fmt.Sprintf("%08x", id) }

// sealedWith tells which key has sealed something: Tink puts a one and the key's
// number in front.
func sealedWith(sealed []byte) (uint32, bool) {
	if len(sealed) < prefixSize || sealed[0] != 1 {
		return 0, false
	}
	return uint32(sealed[1])<<24 | uint32(sealed[2])<<16 | uint32(sealed[3])<<8 | uint32(sealed[4]), true
}

const prefixSize = 5

// prefix is what stands in front of everything that a key has sealed.
func prefix(id uint32) []byte {
	return []byte{1, byte(id >> 24), byte(id >> 16), byte(id >> 8), byte(id)}
}
