package blob

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"dingdong/internal/db"
)

func open(t *testing.T) *Store {
	t.Helper()
	s, err := Open(filepath.Join(t.TempDir(), "blobs"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func put(t *testing.T, s *Store, key string, data []byte) {
	t.Helper()
	n, err := s.Put(t.Context(), key, bytes.NewReader(data))
	if err != nil || n != int64(len(data)) {
		t.Fatalf("Put(%s) = %d, %v; want %d bytes", key, n, err, len(data))
	}
}

func get(t *testing.T, s *Store, key string) []byte {
	t.Helper()
	r, size, err := s.Get(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil || int64(len(data)) != size {
		t.Fatalf("Get(%s): read %d bytes of %d, %v", key, len(data), size, err)
	}
	return data
}

// files lists every file below the store, whatever its name.
func files(t *testing.T, s *Store) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(s.dir, func(path string, entry os.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			found = append(found, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestWhatWasPutComesBack(t *testing.T) {
	big := make([]byte, 3<<20)
	rand.Read(big)
	for name, data := range map[string][]byte{
		"nothing":  {},
		"one byte": {0},
		"a photo":  big,
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			put(t, s, "media/msg_01/original", data)
			if got := get(t, s, "media/msg_01/original"); !bytes.Equal(got, data) {
				t.Error("other bytes came back")
			}
		})
	}
}

func TestASecondPutReplacesTheFirst(t *testing.T) {
	s := open(t)
	put(t, s, "a/b", []byte("the first, and longer"))
	put(t, s, "a/b", []byte("the second"))
	if got := string(get(t, s, "a/b")); got != "the second" {
		t.Errorf("got %q", got)
	}
	if n := len(files(t, s)); n != 1 {
		t.Errorf("%d files remain, want 1", n)
	}
}

func TestGetSeeks(t *testing.T) {
	s := open(t)
	put(t, s, "k", []byte("0123456789"))
	r, _, err := s.Get(t.Context(), "k")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := r.Seek(7, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(r); err != nil || string(rest) != "789" {
		t.Errorf("got %q, %v", rest, err)
	}
}

func TestDelete(t *testing.T) {
	s := open(t)
	put(t, s, "k", []byte("x"))
	for range 2 { // the second finds nothing, and that is fine
		if err := s.Delete(t.Context(), "k"); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := s.Get(t.Context(), "k"); !errors.Is(err, db.ErrNotFound) {
		t.Errorf("Get after Delete: %v, want ErrNotFound", err)
	}
	if left := files(t, s); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestKeys(t *testing.T) {
	cases := map[string]struct {
		key string
		ok  bool
	}{
		"plain":                {"msg_01", true},
		"with folders":         {"media/msg_01/preview", true},
		"as long as allowed":   {strings.Repeat("a", maxKey), true},
		"too long":             {strings.Repeat("a", maxKey+1), false},
		"empty":                {"", false},
		"parent":               {"../secret", false},
		"parent in the middle": {"a/../../secret", false},
		"absolute":             {"/etc/passwd", false},
		"ends with a slash":    {"a/", false},
		"empty part":           {"a//b", false},
		"dot":                  {"a.b", false},
		"capital":              {"Msg", false},
		"NUL":                  {"a\x00b", false},
		"line break":           {"a\n", false},
		"other letters":        {"é", false},
		"broken UTF-8":         {"a\xff", false},
		"backslash":            {`a\b`, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			_, err := s.Put(t.Context(), c.key, strings.NewReader("x"))
			if (err == nil) != c.ok {
				t.Fatalf("Put: %v", err)
			}
			_, _, getErr := s.Get(t.Context(), c.key)
			if (getErr == nil) != c.ok {
				t.Errorf("Get: %v", getErr)
			}
			if err := s.Delete(t.Context(), c.key); (err == nil) != c.ok {
				t.Errorf("Delete: %v", err)
			}
			if left := files(t, s); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

func TestKeysThatDifferOnlyInSlashesStayApart(t *testing.T) {
	s := open(t)
	for _, key := range []string{"a/b_c", "a_b/c", "a_b_c", "a/b/c"} {
		put(t, s, key, []byte(key))
	}
	for _, key := range []string{"a/b_c", "a_b/c", "a_b_c", "a/b/c"} {
		if got := string(get(t, s, key)); got != key {
			t.Errorf("%s holds %q", key, got)
		}
	}
}

func TestWalkSeesEveryBlobAndNothingElse(t *testing.T) {
	s := open(t)
	want := map[string]int64{}
	for i := range 20 {
		key := fmt.Sprintf("media/msg_%02d", i)
		put(t, s, key, make([]byte, i))
		want[key] = int64(i)
	}
	for _, stray := range []string{"readme", "temp/put-123", "ab/.hidden"} {
		os.MkdirAll(filepath.Dir(filepath.Join(s.dir, stray)), 0o700)
		if err := os.WriteFile(filepath.Join(s.dir, stray), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got := map[string]int64{}
	if err := s.Walk(func(key string, size int64) error { got[key] = size; return nil }); err != nil {
		t.Fatal(err)
	}
	if !maps.Equal(got, want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
	stop := errors.New("enough")
	calls := 0
	if err := s.Walk(func(string, int64) error { calls++; return stop }); !errors.Is(err, stop) || calls != 1 {
		t.Errorf("Walk went on after an error: %d calls, %v", calls, err)
	}
}

func TestAFailedPutLeavesNothing(t *testing.T) {
	lost := errors.New("connection lost")
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	cases := map[string]struct {
		ctx  context.Context
		r    io.Reader
		want error
	}{
		"the reader fails half-way": {context.Background(), io.MultiReader(strings.NewReader("half"), iotest.ErrReader(lost)), lost},
		"nobody waits any more":     {cancelled, strings.NewReader("whole"), context.Canceled},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			put(t, s, "kept", []byte("before"))
			for _, key := range []string{"new", "kept"} {
				if _, err := s.Put(c.ctx, key, c.r); !errors.Is(err, c.want) {
					t.Errorf("Put(%s): %v, want %v", key, err, c.want)
				}
			}
			if got := string(get(t, s, "kept")); got != "before" {
				t.Errorf("the old blob became %q", got)
			}
			if n := len(files(t, s)); n != 1 {
				t.Errorf("%d files remain, want 1: %v", n, files(t, s))
			}
		})
	}
}

func TestSweepTakesOnlyOldLeftovers(t *testing.T) {
	s := open(t)
	put(t, s, "kept", []byte("x"))
	noon := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	for name, at := range map[string]time.Time{"put-old": noon.Add(-time.Hour), "put-new": noon.Add(time.Hour)} {
		path := filepath.Join(s.dir, tempFolder, name)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := s.Sweep(noon); n != 1 || err != nil {
		t.Errorf("Sweep = %d, %v; want 1", n, err)
	}
	if n := len(files(t, s)); n != 2 {
		t.Errorf("%d files remain, want the blob and the new leftover", n)
	}
}

func TestOpenRefusesAFolderItCannotUse(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(filepath.Join(file, "blobs")); err == nil {
		t.Error("opened a folder below a file")
	}
}

func TestManyAtOnce(t *testing.T) {
	s := open(t)
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			for j := range 5 {
				// Half of them fight for one key: any of the values may win, but a whole one.
				key, data := "shared", strings.Repeat(fmt.Sprint(i%10), 1000)
				if j%2 == 0 {
					key = fmt.Sprintf("own/%d_%d", i, j)
				}
				if _, err := s.Put(context.Background(), key, strings.NewReader(data)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	shared := string(get(t, s, "shared"))
	if len(shared) != 1000 || strings.Trim(shared, shared[:1]) != "" {
		t.Errorf("a mixed value won: %d bytes", len(shared))
	}
	if n := len(files(t, s)); n != 16*3+1 {
		t.Errorf("%d files, want %d", n, 16*3+1)
	}
}
