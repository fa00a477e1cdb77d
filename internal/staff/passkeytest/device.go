// Package passkeytest is a device that makes passkeys and proves with them, for tests: it
// answers what a browser would answer, in the JSON that browsers send.
package passkeytest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
)

// Device holds one passkey. Its fields may be changed between answers, to be wrong.
type Device struct {
	Origin   string // of the page that it believes to be on: "https://counter.test"
	Host     string // the name the passkey is bound to
	Count    uint32 // counts up at every proof
	Unproven bool   // the device did not check who holds it

	id     []byte
	handle []byte
	key    *ecdsa.PrivateKey
}

// New gives a device without a passkey.
func New(origin, host string) *Device { return &Device{Origin: origin, Host: host} }

// ID names the device's passkey.
func (d *Device) ID() string { return encode(d.id) }

// options is what both ceremonies ask for.
type options struct {
	PublicKey struct {
		Challenge string `json:"challenge"`
		User      struct {
			ID string `json:"id"`
		} `json:"user"`
	} `json:"publicKey"`
}

// The flags of what a device says.
const (
	present  = 1 << 0
	verified = 1 << 2
	attested = 1 << 6
)

// Make answers a request for a new passkey.
func (d *Device) Make(asked []byte) ([]byte, error) {
	var o options
	if err := json.Unmarshal(asked, &o); err != nil {
		return nil, fmt.Errorf("options: %w", err)
	}
	var err error
	if d.handle, err = decode(o.PublicKey.User.ID); err != nil {
		return nil, fmt.Errorf("user: %w", err)
	}
	if d.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return nil, err
	}
	d.id = make([]byte, 16)
	rand.Read(d.id)
	public, err := d.key.PublicKey.Bytes()
	if err != nil {
		return nil, err
	}
	data := append(d.says(attested), make([]byte, 16)...) // a device of no known make
	data = binary.BigEndian.AppendUint16(data, uint16(len(d.id)))
	data = append(data, d.id...)
	// A COSE key: {1: 2 (EC2), 3: -7 (ES256), -1: 1 (P-256), -2: x, -3: y}; RFC 9052 section 7.
	data = append(data, 0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20)
	data = append(data, public[1:33]...)
	data = append(data, 0x22, 0x58, 0x20)
	data = append(data, public[33:]...)
	object := []byte("\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58")
	object = append(append(object, byte(len(data))), data...)
	return d.answer(map[string]any{
		"clientDataJSON": encode(d.client("webauthn.create", o)), "attestationObject": encode(object), "transports": []string{"internal"},
	})
}

// Prove answers a request for a proof.
func (d *Device) Prove(asked []byte) ([]byte, error) {
	var o options
	if err := json.Unmarshal(asked, &o); err != nil {
		return nil, fmt.Errorf("options: %w", err)
	}
	d.Count++
	client, data := d.client("webauthn.get", o), d.says(0)
	sum := sha256.Sum256(client)
	signed := sha256.Sum256(append(append([]byte{}, data...), sum[:]...))
	signature, err := ecdsa.SignASN1(rand.Reader, d.key, signed[:])
	if err != nil {
		return nil, err
	}
	return d.answer(map[string]any{
		"clientDataJSON": encode(client), "authenticatorData": encode(data), "signature": encode(signature), "userHandle": encode(d.handle),
	})
}

func (d *Device) answer(response map[string]any) ([]byte, error) {
	return json.Marshal(map[string]any{
		"id": encode(d.id), "rawId": encode(d.id), "type": "public-key", "authenticatorAttachment": "platform",
		"clientExtensionResults": map[string]any{}, "response": response,
	})
}

func (d *Device) client(kind string, o options) []byte {
	raw, _ := json.Marshal(map[string]any{"type": kind, "challenge": o.PublicKey.Challenge, "origin": d.Origin, "crossOrigin": false}) // strings always marshal
	return raw
}

// says is the authenticator data up to the counter.
func (d *Device) says(flags byte) []byte {
	flags |= present
	if !d.Unproven {
		flags |= verified
	}
	sum := sha256.Sum256([]byte(d.Host))
	return binary.BigEndian.AppendUint32(append(sum[:], flags), d.Count)
}

func encode(b []byte) string          { return base64.RawURLEncoding.EncodeToString(b) }
func decode(s string) ([]byte, error) { return base64.RawURLEncoding.DecodeString(s) }
