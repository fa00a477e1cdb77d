package vault

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"time"
)

// Why Verify refuses a token.
var (
	ErrForged  = errors.New("the token was not signed here")
	ErrExpired = errors.New("the token has expired")
)

// MaxToken is the largest payload that Sign takes, in bytes.
const MaxToken = 4096

const (
	timeSize = 8
	macSize  = sha256.Size
)

// Sign makes a token that carries payload in clear, for all to read, and that
// Verify accepts until the given time and under the same label only. It is safe
// in a URL. A payload over MaxToken gives "", which no Verify accepts.
func (v *Vault) Sign(label string, payload []byte, until time.Time) string {
	if len(payload) > MaxToken {
		return ""
	}
	keys := v.house.Load()
	with := keys.signers[keys.signsWith]
	with.asks(until.UnixMicro())
	token := make([]byte, 0, timeSize+len(payload)+macSize)
	token = binary.BigEndian.AppendUint64(token, uint64(until.UnixMicro()))
	token = append(token, payload...)
	token = append(token, mac(with.key, label, token)...)
	return base64.RawURLEncoding.EncodeToString(token)
}

// Verify gives back what Sign was given, or ErrForged or ErrExpired.
func (v *Vault) Verify(label, token string, now time.Time) ([]byte, error) {
	if len(token) > base64.RawURLEncoding.EncodedLen(timeSize+MaxToken+macSize) {
		return nil, ErrForged
	}
	data, err := base64.RawURLEncoding.DecodeString(token)
	// Decoding skips line breaks and spare bits; a token has one spelling only,
	// so that a list of used ones cannot be dodged.
	if err != nil || len(data) < timeSize+macSize || base64.RawURLEncoding.EncodeToString(data) != token {
		return nil, ErrForged
	}
	signed, sum := data[:len(data)-macSize], data[len(data)-macSize:]
	genuine := false
	for _, one := range v.house.Load().signers {
		genuine = genuine || hmac.Equal(sum, mac(one.key, label, signed))
	}
	if !genuine {
		return nil, ErrForged
	}
	if until := int64(binary.BigEndian.Uint64(signed)); now.UnixMicro() >= until {
		return nil, ErrExpired
	}
	return signed[timeSize:], nil
}

// Hash gives the look-up hash of a value: the same value under the same label
// has the same hash, and nobody without the key can try values until one fits.
func (v *Vault) Hash(label, value string) string {
	return hex.EncodeToString(mac(v.house.Load().lookUp, label, []byte(value))[:16])
}

// mac puts the label's length first, so that no label and value can be read as
// another label and value.
func mac(key []byte, label string, data []byte) []byte {
	h := hmac.New(sha256.New, key)
	var size [4]byte
	binary.BigEndian.PutUint32(size[:], uint32(len(label)))
	h.Write(size[:])
	h.Write([]byte(label))
	h.Write(data)
	return h.Sum(nil)
}
