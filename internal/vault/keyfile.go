package vault

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// keyFile is what stands in the key file: three Tink keysets in Tink's own JSON,
// so that Tink's tools can add a key to one of them. Behind a KMS each of them is
// an encrypted keyset.
type keyFile struct {
	Note string `json:"note"`
	// WrappedBy names the key of the KMS, for people; where to ask is told by the
	// setting alone, which whoever can change this file cannot change.
	WrappedBy string          `json:"wrapped_by,omitempty"`
	Seal      json.RawMessage `json:"seal"`    // AEAD: seals the customers' keys and the settings. May be rotated.
	LookUp    json.RawMessage `json:"look_up"` // PRF: look-up hashes. Its primary key must stay for ever.
	Sign      json.RawMessage `json:"sign"`    // PRF: signed tokens. May be rotated.
}

const (
	keyFileNote = "The keys of this Dingdong installation. Without this file nothing personal in the database " +
		"and in the blobs can be read again. Keep a copy apart from the backups of the database."
	wrappedNote = "The keys of this Dingdong installation, which only the KMS can open. Without this file AND the key " +
		"of the KMS nothing personal in the database and in the blobs can be read again. Keep copies of both."
)

// errNoKeyFile is not fs.ErrNotExist: a token's or a certificate's file that is
// missing must not look like a first start.
var errNoKeyFile = errors.New("there is no key file")

// readKeyFile gives errNoKeyFile when there is none.
func readKeyFile(p place) (keySets, error) {
	f, err := os.Open(p.path)
	if errors.Is(err, fs.ErrNotExist) {
		return keySets{}, errNoKeyFile
	}
	if err != nil {
		return keySets{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return keySets{}, err
	}
	// Asked of the open file, so that it cannot be swapped in between.
	if open := info.Mode().Perm() & 0o077; open != 0 {
		return keySets{}, fmt.Errorf("key file %s may be used by other accounts of this machine (mode %04o); "+
			"run: chmod 600 %s", p.path, info.Mode().Perm(), p.path)
	}
	var file keyFile
	if err := json.NewDecoder(f).Decode(&file); err != nil {
		return keySets{}, fmt.Errorf("key file %s: %w", p.path, err)
	}
	sets, err := file.open(p.kms)
	if err != nil {
		return keySets{}, fmt.Errorf("key file %s: %w", p.path, err)
	}
	return sets, nil
}

// makeKeyFile writes fresh keys. When another process was quicker its file
// stays: two nodes that start together must end up with the same keys.
func makeKeyFile(p place) error {
	sets, err := newKeySets()
	if err != nil {
		return err
	}
	data, err := sets.encode(p.kms)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(p.path), 0o700); err != nil {
		return err
	}
	temp, err := writeBeside(p.path, data)
	if err != nil {
		return err
	}
	defer os.Remove(temp)
	// A link, unlike a rename, never replaces a file that is already there.
	if err := os.Link(temp, p.path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncFolder(p.path)
}

// writeBeside writes a file, for its owner only, into the folder of path.
func writeBeside(path string, data []byte) (string, error) {
	temp, err := os.CreateTemp(filepath.Dir(path), ".key-*") // made with mode 0600
	if err != nil {
		return "", err
	}
	_, err = temp.Write(data)
	if err = errors.Join(err, temp.Sync(), temp.Close()); err != nil {
		os.Remove(temp.Name())
		return "", err
	}
	return temp.Name(), nil
}

// syncFolder makes the names in the folder of path survive a power cut.
func syncFolder(path string) error {
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
