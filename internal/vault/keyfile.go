package vault

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/prf"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// keyFile is what stands in the key file: three Tink keysets in Tink's own JSON,
// so that Tink's tools can add a key to one of them.
type keyFile struct {
	Note   string          `json:"note"`
	Seal   json.RawMessage `json:"seal"`    // AEAD: seals the customers' keys and the settings. May be rotated.
	LookUp json.RawMessage `json:"look_up"` // PRF: look-up hashes. Its primary key must stay for ever.
	Sign   json.RawMessage `json:"sign"`    // PRF: signed tokens. May be rotated.
}

const keyFileNote = "The keys of this Dingdong installation. Without this file nothing personal in the database " +
	"and in the blobs can be read again. Keep a copy apart from the backups of the database."

// houseKeys are the keys of the installation, ready for use.
type houseKeys struct {
	seal   tink.AEAD
	lookUp []byte
	sign   [][]byte // the first one signs, all of them verify
}

// keyPath reads the key URI. A key management service would be a further case here.
func keyPath(uri string) (string, error) {
	scheme, path, found := strings.Cut(uri, ":")
	if !found {
		return "", errors.New(`the key URI has no scheme; supported is "file:/path/key.json"`)
	}
	switch scheme {
	case "file":
		path = strings.TrimPrefix(path, "//") // file:///path is the same as file:/path
		if path == "" {
			return "", errors.New(`the key URI names no file; supported is "file:/path/key.json"`)
		}
		return path, nil
	default:
		return "", fmt.Errorf(`the key URI scheme %q is not supported; supported is "file:/path/key.json"`, scheme)
	}
}

// readKeyFile gives an error that wraps fs.ErrNotExist when there is no file.
func readKeyFile(path string) (houseKeys, error) {
	f, err := os.Open(path)
	if err != nil {
		return houseKeys{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return houseKeys{}, err
	}
	// Asked of the open file, so that it cannot be swapped in between.
	if open := info.Mode().Perm() & 0o077; open != 0 {
		return houseKeys{}, fmt.Errorf("key file %s may be used by other accounts of this machine (mode %04o); "+
			"run: chmod 600 %s", path, info.Mode().Perm(), path)
	}
	var file keyFile
	if err := json.NewDecoder(f).Decode(&file); err != nil {
		return houseKeys{}, fmt.Errorf("key file %s: %w", path, err)
	}
	keys, err := file.open()
	if err != nil {
		return houseKeys{}, fmt.Errorf("key file %s: %w", path, err)
	}
	return keys, nil
}

// makeKeyFile writes fresh keys. When another process was quicker its file
// stays: two nodes that start together must end up with the same keys.
func makeKeyFile(path string) error {
	file, err := newKeyFile()
	if err != nil {
		return err
	}
	data, err := json.MarshalIndent(file, "", "  ")
	if err != nil {
		return err
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	temp, err := os.CreateTemp(dir, ".key-*") // made with mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name())
	_, err = temp.Write(append(data, '\n'))
	if err = errors.Join(err, temp.Sync(), temp.Close()); err != nil {
		return err
	}
	// A link, unlike a rename, never replaces a file that is already there.
	if err := os.Link(temp.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	folder, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

func newKeyFile() (keyFile, error) {
	seal, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return keyFile{}, err
	}
	lookUp, err := keyset.NewHandle(prf.HMACSHA256PRFKeyTemplate())
	if err != nil {
		return keyFile{}, err
	}
	sign, err := keyset.NewHandle(prf.HMACSHA256PRFKeyTemplate())
	if err != nil {
		return keyFile{}, err
	}
	file := keyFile{Note: keyFileNote}
	for to, handle := range map[*json.RawMessage]*keyset.Handle{&file.Seal: seal, &file.LookUp: lookUp, &file.Sign: sign} {
		var out bytes.Buffer
		if err := insecurecleartextkeyset.Write(handle, keyset.NewJSONWriter(&out)); err != nil {
			return keyFile{}, err
		}
		*to = out.Bytes()
	}
	return file, nil
}

func (f keyFile) open() (houseKeys, error) {
	var keys houseKeys
	handle, err := readKeyset(f.Seal)
	if err != nil {
		return houseKeys{}, fmt.Errorf("keyset seal: %w", err)
	}
	if keys.seal, err = aead.New(handle); err != nil {
		return houseKeys{}, fmt.Errorf("keyset seal: %w", err)
	}
	lookUp, err := subkeys(f.LookUp, "look-up")
	if err != nil {
		return houseKeys{}, fmt.Errorf("keyset look_up: %w", err)
	}
	keys.lookUp = lookUp[0]
	if keys.sign, err = subkeys(f.Sign, "sign"); err != nil {
		return houseKeys{}, fmt.Errorf("keyset sign: %w", err)
	}
	return keys, nil
}

// subkeys draws one HMAC key from each key of a PRF keyset, the primary first.
// Hashing under a drawn key cannot fail, so that Hash and Sign need no error.
func subkeys(set json.RawMessage, use string) ([][]byte, error) {
	handle, err := readKeyset(set)
	if err != nil {
		return nil, err
	}
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

func readKeyset(set json.RawMessage) (*keyset.Handle, error) {
	return insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewReader(set)))
}
