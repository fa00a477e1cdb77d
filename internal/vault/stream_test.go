package vault

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/iotest"
	"time"

	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
)

const (
	firstRoom = segmentSize - headerSize - tagSize // plain bytes in the first segment
	room      = segmentSize - tagSize              // and in the others
)

func sizes() map[string]int {
	return map[string]int{
		"0 bytes":             0,
		"1 byte":              1,
		"64 KB":               64 << 10,
		"5 MB":                5 << 20,
		"one segment":         firstRoom,
		"one segment and one": firstRoom + 1,
		"two segments":        firstRoom + room,
		"two but one":         firstRoom + room - 1,
	}
}

// streams gives what the stream tests need: two customers, and how to seal.
func streams(t *testing.T) (*db.DB, *Vault, func(plain []byte) []byte) {
	t.Helper()
	d := dbtest.New(t)
	v := openVault(t, d)
	newKeys(t, d, v, "cus_anna", "cus_bea")
	return d, v, func(plain []byte) []byte {
		t.Helper()
		var out bytes.Buffer
		var w io.WriteCloser
		read(t, d, func(tx *db.Tx) (err error) { w, err = v.SealStream(tx, "cus_anna", "blob", &out); return err })
		// tx has ended: the writer works on.
		if _, err := io.Copy(w, bytes.NewReader(plain)); err != nil {
			t.Fatal(err)
		}
		must(t, w.Close())
		return out.Bytes()
	}
}

// readStream reads all of a stream in the named way.
func readStream(t *testing.T, d *db.DB, v *Vault, c streamCase) ([]byte, error) {
	t.Helper()
	var in io.Reader
	err := d.Read(t.Context(), func(tx *db.Tx) (err error) {
		if c.seeker {
			in, err = v.OpenSeeker(tx, c.customer, c.label, bytes.NewReader(c.sealed), int64(len(c.sealed)))
		} else {
			in, err = v.OpenStream(tx, c.customer, c.label, iotest.HalfReader(bytes.NewReader(c.sealed)))
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return io.ReadAll(in)
}

type streamCase struct {
	customer, label string
	sealed          []byte
	seeker          bool
}

func TestStreams(t *testing.T) {
	d, v, seal := streams(t)
	for name, size := range sizes() {
		t.Run(name, func(t *testing.T) {
			plain := make([]byte, size)
			rand.Read(plain)
			sealed := seal(plain)
			if size > 16 && bytes.Contains(sealed, plain[:16]) {
				t.Fatal("stands in clear")
			}
			for _, seeker := range []bool{false, true} {
				got, err := readStream(t, d, v, streamCase{"cus_anna", "blob", sealed, seeker})
				if err != nil || !bytes.Equal(got, plain) {
					t.Errorf("seeker %v: %d bytes of %d, %v", seeker, len(got), size, err)
				}
			}
		})
	}
}

func TestStreamsThatAreRefused(t *testing.T) {
	d, v, seal := streams(t)
	plain := make([]byte, 3*room)
	sealed := seal(plain)
	flipped := func(at int) []byte {
		b := bytes.Clone(sealed)
		b[at] ^= 1
		return b
	}
	swapped := bytes.Clone(sealed)
	copy(swapped[segmentSize:], sealed[2*segmentSize:3*segmentSize])
	copy(swapped[2*segmentSize:], sealed[segmentSize:2*segmentSize])
	cases := map[string]struct {
		customer, label string
		sealed          []byte
		want            error
	}{
		"another customer":            {"cus_bea", "blob", sealed, ErrTampered},
		"another label":               {"cus_anna", "preview", sealed, ErrTampered},
		"nobody":                      {"cus_nobody", "blob", sealed, ErrErased},
		"nothing":                     {"cus_anna", "blob", nil, ErrTampered},
		"cut in the header":           {"cus_anna", "blob", sealed[:20], ErrTampered},
		"only a header":               {"cus_anna", "blob", sealed[:headerSize], ErrTampered},
		"header changed":              {"cus_anna", "blob", flipped(0), ErrTampered},
		"salt changed":                {"cus_anna", "blob", flipped(5), ErrTampered},
		"first segment changed":       {"cus_anna", "blob", flipped(100), ErrTampered},
		"second segment changed":      {"cus_anna", "blob", flipped(segmentSize + 5), ErrTampered},
		"last byte changed":           {"cus_anna", "blob", flipped(len(sealed) - 1), ErrTampered},
		"cut inside a segment":        {"cus_anna", "blob", sealed[:segmentSize+100], ErrTampered},
		"cut at a segment's end":      {"cus_anna", "blob", sealed[:2*segmentSize], ErrTampered},
		"cut to a byte of a segment":  {"cus_anna", "blob", sealed[:2*segmentSize+1], ErrTampered},
		"longer by a byte":            {"cus_anna", "blob", append(bytes.Clone(sealed), 0), ErrTampered},
		"segments in another order":   {"cus_anna", "blob", swapped, ErrTampered},
		"never been sealed, but long": {"cus_anna", "blob", plain, ErrTampered},
	}
	for name, c := range cases {
		for _, seeker := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, seeker %v", name, seeker), func(t *testing.T) {
				got, err := readStream(t, d, v, streamCase{c.customer, c.label, c.sealed, seeker})
				if !errors.Is(err, c.want) {
					t.Errorf("read %d bytes, error %v; want %v", len(got), err, c.want)
				}
			})
		}
	}
}

func TestAStreamThatWasNotClosedIsTruncated(t *testing.T) {
	d, v, _ := streams(t)
	var out bytes.Buffer
	read(t, d, func(tx *db.Tx) error {
		w, err := v.SealStream(tx, "cus_anna", "blob", &out)
		if err != nil {
			return err
		}
		_, err = w.Write(make([]byte, 3*room))
		return err
	})
	if _, err := readStream(t, d, v, streamCase{"cus_anna", "blob", out.Bytes(), false}); !errors.Is(err, ErrTampered) {
		t.Errorf("got %v, want ErrTampered", err)
	}
}

func TestALostSourceIsNotCalledTampered(t *testing.T) {
	d, v, seal := streams(t)
	sealed := seal(make([]byte, 3*room))
	lost := errors.New("disk is ill")
	for name, good := range map[string]int{"in the header": 10, "half-way": segmentSize + 10} {
		t.Run(name, func(t *testing.T) {
			source := io.MultiReader(bytes.NewReader(sealed[:good]), iotest.ErrReader(lost))
			read(t, d, func(tx *db.Tx) error {
				in, err := v.OpenStream(tx, "cus_anna", "blob", source)
				if err == nil {
					_, err = io.Copy(io.Discard, in)
				}
				if !errors.Is(err, lost) || errors.Is(err, ErrTampered) {
					t.Errorf("got %v, want the disk's error", err)
				}
				return nil
			})
		})
	}
}

func TestSeeking(t *testing.T) {
	d, v, seal := streams(t)
	for name, size := range sizes() {
		t.Run(name, func(t *testing.T) {
			plain := make([]byte, size)
			rand.Read(plain)
			sealed := seal(plain)
			var in io.ReadSeeker
			read(t, d, func(tx *db.Tx) (err error) {
				in, err = v.OpenSeeker(tx, "cus_anna", "blob", bytes.NewReader(sealed), int64(len(sealed)))
				return err
			})
			// Every place where segments meet, backwards and forwards.
			for _, at := range []int{size, 0, firstRoom - 1, firstRoom, firstRoom + 1, firstRoom + room, size - 1, size / 2, 1, size + 5} {
				if at < 0 {
					continue
				}
				if _, err := in.Seek(int64(at), io.SeekStart); err != nil {
					t.Fatal(err)
				}
				want := plain[min(at, size):min(at+100, size)]
				got, err := io.ReadAll(io.LimitReader(in, 100))
				if err != nil || !bytes.Equal(got, want) {
					t.Fatalf("100 bytes from %d: %d bytes, %v", at, len(got), err)
				}
			}
			if end, err := in.Seek(0, io.SeekEnd); end != int64(size) || err != nil {
				t.Errorf("the end is at %d, %v; want %d", end, err, size)
			}
			if _, err := in.Seek(-1, io.SeekStart); err == nil {
				t.Error("went before the start")
			}
			if _, err := in.Seek(0, 7); err == nil {
				t.Error("took a whence that does not exist")
			}
			must(t, iotest.TestReader(opened(t, d, v, sealed), plain))
		})
	}
}

func opened(t *testing.T, d *db.DB, v *Vault, sealed []byte) (in io.Reader) {
	t.Helper()
	read(t, d, func(tx *db.Tx) (err error) {
		in, err = v.OpenSeeker(tx, "cus_anna", "blob", bytes.NewReader(sealed), int64(len(sealed)))
		return err
	})
	return in
}

// countingSource counts what is read from it.
type countingSource struct {
	*bytes.Reader
	read int
}

func (c *countingSource) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.read += n
	return n, err
}

func TestARangeOfALongVideoReadsLittle(t *testing.T) {
	d, v, seal := streams(t)
	plain := make([]byte, 5<<20)
	rand.Read(plain)
	sealed := seal(plain)
	source := &countingSource{Reader: bytes.NewReader(sealed)}
	var in io.ReadSeeker
	read(t, d, func(tx *db.Tx) (err error) {
		in, err = v.OpenSeeker(tx, "cus_anna", "blob", source, int64(len(sealed)))
		return err
	})
	r := httptest.NewRequest("GET", "/media/x", nil)
	r.Header.Set("Range", "bytes=3000000-3000999")
	w := httptest.NewRecorder()
	http.ServeContent(w, r, "x.mp4", time.Time{}, in)
	if w.Code != http.StatusPartialContent || !bytes.Equal(w.Body.Bytes(), plain[3000000:3001000]) {
		t.Errorf("status %d, %d bytes", w.Code, w.Body.Len())
	}
	if want := fmt.Sprintf("bytes 3000000-3000999/%d", len(plain)); w.Header().Get("Content-Range") != want {
		t.Errorf("Content-Range %q, want %q", w.Header().Get("Content-Range"), want)
	}
	if source.read > 4*segmentSize {
		t.Errorf("read %d bytes of the stream for 1,000", source.read)
	}
}
