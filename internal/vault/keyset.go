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
)

// keySets are the key sets of the installation, opened.
type keySets struct {
	seal, lookUp, sign *keyset.Handle
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
