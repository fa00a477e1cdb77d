package blob

import (
	"bytes"
	"errors"
	"os"
	"syscall"
	"testing"
)

// TestAFullDisk needs the right to mount a small disk of its own.
func TestAFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("none", dir, "tmpfs", 0, "size=256k"); err != nil {
		if os.Geteuid() == 0 {
			t.Logf("mount: %v", err)
		}
		t.Skip("may not mount a small disk here")
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	put(t, s, "small", []byte("before"))
	if _, err := s.Put(t.Context(), "large", bytes.NewReader(make([]byte, 1<<20))); !errors.Is(err, ErrFull) {
		t.Fatalf("Put on a full disk: %v, want ErrFull", err)
	}
	if found := files(t, s); len(found) != 1 {
		t.Errorf("half a file remains: %v", found)
	}
	// There is room again at once, and nothing old was harmed.
	put(t, s, "after", make([]byte, 4096))
	if got := string(get(t, s, "small")); got != "before" {
		t.Errorf("the old blob became %q", got)
	}
}
