package vault

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/prf"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// keySets are the key sets of the installation, opened.
type keySets struct {
	seal, lookUp, sign *keyset.Handle
}

// houseKeys are the keys of the installation, ready for use.
type houseKeys struct {
	seal   tink.AEAD
	lookUp []byte
	sign   [][]byte // the first one signs, all of them verify
}

func newKeySets() (keySets, error) {
	var sets keySets
	var err error
	if sets.seal, err = keyset.NewHandle(aead.AES256GCMKeyTemplate()); err != nil {
		return keySets{}, err
	}
	if sets.lookUp, err = keyset.NewHandle(prf.HMACSHA256PRFKeyTemplate()); err != nil {
		return keySets{}, err
	}
	if sets.sign, err = keyset.NewHandle(prf.HMACSHA256PRFKeyTemplate()); err != nil {
		return keySets{}, err
	}
	return sets, nil
}

// encode gives the bytes of a key file, wrapped unless kms is nil.
func (s keySets) encode(kms *transit) ([]byte, error) {
	file := keyFile{Note: keyFileNote}
	if kms != nil {
		defer kms.close()
		if err := kms.binds(); err != nil {
			return nil, err
		}
		file.Note, file.WrappedBy = wrappedNote, kms.key.uri
	}
	for _, one := range []struct {
		name   string
		handle *keyset.Handle
		to     *json.RawMessage
	}{{"seal", s.seal, &file.Seal}, {"look_up", s.lookUp, &file.LookUp}, {"sign", s.sign, &file.Sign}} {
		set, err := writeKeyset(one.handle, one.name, kms)
		if err != nil {
			return nil, err
		}
		*one.to = set
	}
	data, err := json.MarshalIndent(file, "", "  ")
	if err != nil {
		return nil, err
	}
	return append(data, '\n'), nil
}

func writeKeyset(handle *keyset.Handle, name string, kms *transit) ([]byte, error) {
	var out bytes.Buffer
	if kms == nil {
		err := insecurecleartextkeyset.Write(handle, keyset.NewJSONWriter(&out))
		return out.Bytes(), err
	}
	if err := handle.WriteWithAssociatedData(keyset.NewJSONWriter(&out), kms, wrapData(name)); err != nil {
		return nil, plainly(err, kms)
	}
	return out.Bytes(), nil
}

// open opens the key sets of a file, asking the KMS unless it is nil.
func (f keyFile) open(kms *transit) (keySets, error) {
	if kms == nil && f.WrappedBy != "" {
		return keySets{}, fmt.Errorf("only a KMS opens it: name its key in DINGDONG_KEY (the file says %q)", f.WrappedBy)
	}
	if kms != nil {
		if f.WrappedBy == "" {
			return keySets{}, errors.New(`it is not wrapped by a KMS; "dingdong key wrap" does that`)
		}
		defer kms.close()
	}
	var sets keySets
	for _, one := range []struct {
		name string
		from json.RawMessage
		to   **keyset.Handle
	}{{"seal", f.Seal, &sets.seal}, {"look_up", f.LookUp, &sets.lookUp}, {"sign", f.Sign, &sets.sign}} {
		handle, err := readKeyset(one.from, one.name, kms)
		if err != nil {
			return keySets{}, fmt.Errorf("keyset %s: %w", one.name, err)
		}
		*one.to = handle
	}
	return sets, nil
}

func readKeyset(set json.RawMessage, name string, kms *transit) (*keyset.Handle, error) {
	reader := keyset.NewJSONReader(bytes.NewReader(set))
	if kms == nil {
		return insecurecleartextkeyset.Read(reader)
	}
	handle, err := keyset.ReadWithAssociatedData(reader, kms, wrapData(name))
	if err != nil {
		return nil, plainly(err, kms)
	}
	return handle, nil
}

// plainly prefers the KMS's reason to Tink's retelling of it.
func plainly(err error, kms *transit) error {
	if kms.failed != nil {
		return kms.failed
	}
	return err
}

// wrapData binds a wrapped key set to its use: none can stand in for another.
func wrapData(name string) []byte { return []byte("dingdong installation key: " + name) }

// use makes the keys ready.
func (s keySets) use() (houseKeys, error) {
	var keys houseKeys
	var err error
	if keys.seal, err = aead.New(s.seal); err != nil {
		return houseKeys{}, fmt.Errorf("keyset seal: %w", err)
	}
	lookUp, err := subkeys(s.lookUp, "look-up")
	if err != nil {
		return houseKeys{}, fmt.Errorf("keyset look_up: %w", err)
	}
	keys.lookUp = lookUp[0]
	if keys.sign, err = subkeys(s.sign, "sign"); err != nil {
		return houseKeys{}, fmt.Errorf("keyset sign: %w", err)
	}
	return keys, nil
}

// subkeys draws one HMAC key from each key of a PRF keyset, the primary first.
// Hashing under a drawn key cannot fail, so that Hash and Sign need no error.
func subkeys(handle *keyset.Handle, use string) ([][]byte, error) {
	prfs, err := prf.NewPRFSet(handle)
	if err != nil {
		return nil, err
	}
	first, err := prfs.ComputePrimaryPRF([]byte(use), 32)
	if err != nil {
		return nil, err
	}
	keys := [][]byte{first}
	for id, one := range prfs.PRFs {
		if id == prfs.PrimaryID {
			continue
		}
		key, err := one.ComputePRF([]byte(use), 32)
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	return keys, nil
}
