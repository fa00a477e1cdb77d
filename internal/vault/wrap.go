package vault

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/tink-crypto/tink-go/v2/keyset"
)

// Wrap rewrites the key file that keyURI names so that only the KMS key that
// kmsURI names can open it, and returns the key URI from then on. The keys stay
// the same, and so does everything that they have sealed. A file that another
// KMS key guards, or an older version of the same one, is wrapped anew.
func Wrap(keyURI, kmsURI string) (string, error) {
	from, err := parsePlace(keyURI)
	if err != nil {
		return "", fmt.Errorf("wrap key: %w", err)
	}
	to, err := parsePlace(WithFile(kmsURI, from.path))
	if err != nil {
		return "", fmt.Errorf("wrap key: %w", err)
	}
	if to.kms == nil {
		return "", fmt.Errorf("wrap key: %q names no key of a KMS", kmsURI)
	}
	uri, err := rewrite(from, to)
	if err != nil {
		return "", fmt.Errorf("wrap key: %w", err)
	}
	return uri, nil
}

// Unwrap rewrites the key file that keyURI names so that it opens without the
// KMS, and returns the key URI from then on.
func Unwrap(keyURI string) (string, error) {
	from, err := parsePlace(keyURI)
	if err != nil {
		return "", fmt.Errorf("unwrap key: %w", err)
	}
	if from.kms == nil {
		return "", errors.New("unwrap key: the setting names no KMS that could unwrap it")
	}
	uri, err := rewrite(from, place{path: from.path})
	if err != nil {
		return "", fmt.Errorf("unwrap key: %w", err)
	}
	return uri, nil
}

// rewrite puts the same keys into the same file, guarded otherwise. At every
// moment the file is whole, as it was or as it will be; the old one stays beside
// it until the new one has been opened from the disk.
func rewrite(from, to place) (string, error) {
	path, err := samePath(from, to)
	if err != nil {
		return "", err
	}
	from.path, to.path = path, path
	sets, before, err := readWithBytes(from)
	if err != nil {
		return "", err
	}
	data, err := sets.encode(to.kms)
	if err != nil {
		return "", err
	}
	var file keyFile
	if err := json.Unmarshal(data, &file); err != nil {
		return "", err
	}
	if err := sets.match(file.open(to.kms)); err != nil { // before anything is touched
		return "", fmt.Errorf("nothing was changed: %w", err)
	}
	if err := replaceKeyFile(path, before, data, func() error { return sets.match(readKeyFile(to)) }); err != nil {
		return "", err
	}
	return to.uri(), nil
}

// samePath follows a link, because a rename would put a file in its place.
func samePath(from, to place) (string, error) {
	path, err := realPath(from.path)
	if err != nil {
		return "", err
	}
	if other, err := realPath(to.path); err != nil || other != path {
		return "", fmt.Errorf("the key file is %s and stays in its place: name that one, or none", from.path)
	}
	return path, nil
}

func realPath(path string) (string, error) {
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return "", err
	}
	return filepath.Abs(path)
}

// readWithBytes reads a key file, and its bytes for replaceKeyFile.
func readWithBytes(p place) (keySets, []byte, error) {
	before, err := os.ReadFile(p.path)
	if err != nil {
		return keySets{}, nil, err
	}
	sets, err := readKeyFile(p)
	return sets, before, err
}

// replaceKeyFile puts data in the place of a file that still holds what was read
// before: of two commands at once one is refused, so that no key is lost.
func replaceKeyFile(path string, before, data []byte, check func() error) error {
	temp, err := writeBeside(path, data)
	if err != nil {
		return err
	}
	defer os.Remove(temp)
	old := path + ".old"
	if err := os.Link(path, old); errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s is left over from a change that broke off: %s is whole, so remove the .old "+
			"once the house starts with it", old, path)
	} else if err != nil {
		return err
	}
	if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, before) {
		return errors.Join(fmt.Errorf("%s was changed meanwhile by another command: try again", path), err, os.Remove(old))
	}
	if err := errors.Join(os.Rename(temp, path), syncFolder(path)); err != nil {
		return errors.Join(err, os.Rename(old, path))
	}
	if err := check(); err != nil {
		return errors.Join(fmt.Errorf("the new key file does not open, the old one is back: %w", err),
			os.Rename(old, path), syncFolder(path))
	}
	return errors.Join(os.Remove(old), syncFolder(path))
}

// match tells whether the others are the same keys; it takes what opening them gave.
func (s keySets) match(others keySets, err error) error {
	if err != nil {
		return err
	}
	for _, pair := range [][2]*keyset.Handle{{s.seal, others.seal}, {s.lookUp, others.lookUp}, {s.sign, others.sign}} {
		equal, err := same(pair[0], pair[1])
		if err != nil {
			return err
		}
		if !equal {
			return errors.New("the new key file holds other keys")
		}
	}
	return nil
}
