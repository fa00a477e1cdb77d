// Package blob keeps bytes by key in a directory: pictures, voice notes, files.
//
// It promises that a key either has all of its bytes or does not exist, also
// after a crash, and that what Put returned is on the disk. It does not seal:
// the caller hands in bytes that vault has sealed already.
package blob

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"dingdong/internal/db"
)

// ErrFull says that the disk has no room left.
var ErrFull = errors.New("the disk is full")

// tempFolder holds files that are still being written. Fan-out folders have
// two letters, so that its name is free.
const tempFolder = "temp"

// maxKey leaves room below the 255 bytes a file name may have.
const maxKey = 200

// Store is a directory of blobs. Any number of goroutines and processes may
// use one directory at the same time.
type Store struct {
	dir string
	// durable remembers the folders whose own entries are known to be on the
	// disk, so that only the first Put into a folder pays for its parents.
	durable sync.Map
}

// Open makes the directory where it is missing and checks that it can be
// written to, so that a wrong path shows at the start and not with the first photo.
func Open(dir string) (*Store, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("open blob folder: %w", err)
	}
	if err := os.MkdirAll(filepath.Join(abs, tempFolder), 0o700); err != nil {
		return nil, fmt.Errorf("open blob folder: %w", err)
	}
	f, err := os.CreateTemp(filepath.Join(abs, tempFolder), "probe-*")
	if err != nil {
		return nil, fmt.Errorf("open blob folder: %w", err)
	}
	if err := errors.Join(f.Close(), os.Remove(f.Name())); err != nil {
		return nil, fmt.Errorf("open blob folder: %w", err)
	}
	return &Store{dir: abs}, nil
}

// Put stores all of r under key and returns how many bytes that were. What was
// under the key before is replaced at once, so that a repeated Put is harmless.
func (s *Store) Put(ctx context.Context, key string, r io.Reader) (int64, error) {
	path, err := s.path(key)
	if err != nil {
		return 0, err
	}
	size, err := s.put(ctx, path, r)
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return 0, fmt.Errorf("put blob %s: %w: %w", key, ErrFull, err)
	}
	if err != nil {
		return 0, fmt.Errorf("put blob %s: %w", key, err)
	}
	return size, nil
}

func (s *Store) put(ctx context.Context, path string, r io.Reader) (size int64, err error) {
	if err := s.makeFolder(filepath.Dir(path)); err != nil {
		return 0, err
	}
	f, err := os.CreateTemp(filepath.Join(s.dir, tempFolder), "put-*")
	if err != nil {
		return 0, err
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
		}
	}()
	if size, err = io.Copy(f, untilDone{ctx, r}); err != nil {
		return 0, err
	}
	if err = f.Sync(); err != nil {
		return 0, err
	}
	if err = f.Close(); err != nil {
		return 0, err
	}
	if err = os.Rename(f.Name(), path); err != nil {
		return 0, err
	}
	if err := syncFolder(filepath.Dir(path)); err != nil {
		return 0, err
	}
	return size, nil
}

// Get opens the blob and tells its size. The reader can seek, for pages that
// ask for a part only. A key that is not there gives db.ErrNotFound.
func (s *Store) Get(ctx context.Context, key string) (io.ReadSeekCloser, int64, error) {
	path, err := s.path(key)
	if err != nil {
		return nil, 0, err
	}
	if err := ctx.Err(); err != nil {
		return nil, 0, fmt.Errorf("get blob %s: %w", key, err)
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, fmt.Errorf("get blob %s: %w", key, db.ErrNotFound)
	}
	if err != nil {
		return nil, 0, fmt.Errorf("get blob %s: %w", key, err)
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, 0, fmt.Errorf("get blob %s: %w", key, err)
	}
	return f, info.Size(), nil
}

// Delete removes the blob for good; a key that is not there is no error.
func (s *Store) Delete(ctx context.Context, key string) error {
	path, err := s.path(key)
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("delete blob %s: %w", key, err)
	}
	if err := os.Remove(path); errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return fmt.Errorf("delete blob %s: %w", key, err)
	}
	// An erasure must not come back after a power cut.
	if err := syncFolder(filepath.Dir(path)); err != nil {
		return fmt.Errorf("delete blob %s: %w", key, err)
	}
	return nil
}

// Walk calls visit for every blob, in no promised order, and stops at its first
// error. Blobs that come or go meanwhile may or may not be seen.
func (s *Store) Walk(visit func(key string, size int64) error) error {
	return filepath.WalkDir(s.dir, func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // gone between the listing and now
		}
		if err != nil {
			return fmt.Errorf("walk blobs: %w", err)
		}
		if entry.IsDir() {
			if path == filepath.Join(s.dir, tempFolder) {
				return fs.SkipDir
			}
			return nil
		}
		key := keyOf(entry.Name())
		if want, err := s.path(key); err != nil || want != path {
			return nil // not ours: .DS_Store, lost+found and their like
		}
		info, err := entry.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("walk blobs: %w", err)
		}
		return visit(key, info.Size())
	})
}

// Sweep removes what a crash left half-written before the given time and tells
// how many files that were. The time must lie further back than the slowest Put.
func (s *Store) Sweep(before time.Time) (int, error) {
	entries, err := os.ReadDir(filepath.Join(s.dir, tempFolder))
	if err != nil {
		return 0, fmt.Errorf("sweep blobs: %w", err)
	}
	swept := 0
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil || !info.ModTime().Before(before) {
			continue // gone, or somebody is writing it
		}
		if err := os.Remove(filepath.Join(s.dir, tempFolder, entry.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return swept, fmt.Errorf("sweep blobs: %w", err)
		}
		swept++
	}
	return swept, nil
}

// path spreads keys over 65,536 folders by their hash: ids begin with the time,
// so that spreading by their first letters would fill one folder at a time.
// Slashes become dots, which no key has, so that Walk can read the key back.
func (s *Store) path(key string) (string, error) {
	if !validKey(key) {
		return "", fmt.Errorf("blob key %q is not valid", key)
	}
	sum := sha256.Sum256([]byte(key))
	spread := hex.EncodeToString(sum[:2])
	return filepath.Join(s.dir, spread[:2], spread[2:], strings.ReplaceAll(key, "/", ".")), nil
}

func keyOf(name string) string { return strings.ReplaceAll(name, ".", "/") }

func validKey(key string) bool {
	if key == "" || len(key) > maxKey {
		return false
	}
	for _, part := range strings.Split(key, "/") {
		if part == "" {
			return false
		}
	}
	return strings.IndexFunc(key, outsideAlphabet) < 0
}

func outsideAlphabet(c rune) bool {
	return !('a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '_' || c == '/')
}

// makeFolder makes a fan-out folder, and its entry in each parent, last a power cut.
func (s *Store) makeFolder(folder string) error {
	if _, ok := s.durable.Load(folder); ok {
		return nil
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	for parent := filepath.Dir(folder); ; parent = filepath.Dir(parent) {
		if err := syncFolder(parent); err != nil {
			return err
		}
		if parent == s.dir {
			break
		}
	}
	s.durable.Store(folder, true)
	return nil
}

func syncFolder(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// untilDone ends a copy when the context does, between two reads.
type untilDone struct {
	ctx context.Context
	r   io.Reader
}

func (u untilDone) Read(p []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.r.Read(p)
}
