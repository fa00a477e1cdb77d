package vault

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	streaming "github.com/tink-crypto/tink-go/v2/streamingaead/subtle"
	"github.com/tink-crypto/tink-go/v2/subtle"

	"dingdong/internal/db"
)

// A stream is Tink's AES256-GCM-HKDF: a header (its own length, a salt, a nonce
// prefix), then segments, each sealed under its number and whether it is the
// last. The first segment is shorter by the header, so that the others stand at
// multiples of 64 KB, which is what makes seeking cheap.
const (
	segmentSize = 64 << 10
	streamHash  = "SHA256"
	streamKey   = 32
	headerSize  = 1 + streamKey + streaming.AESGCMHKDFNoncePrefixSizeInBytes
	tagSize     = streaming.AESGCMHKDFTagSizeInBytes
)

// SealStream gives a writer that seals what is written to it into w. Close ends
// the stream, and must be called: without it the stream counts as truncated. It
// does not close w. The writer may be used after tx has ended.
func (v *Vault) SealStream(tx *db.Tx, customerID, label string, w io.Writer) (io.WriteCloser, error) {
	k, err := v.key(tx, customerID)
	if err != nil {
		return nil, fmt.Errorf("seal stream %s: %w", label, err)
	}
	s, err := newStream(k)
	if err != nil {
		return nil, fmt.Errorf("seal stream %s: %w", label, err)
	}
	out, err := s.NewEncryptingWriter(w, streamData(customerID, label))
	if err != nil {
		return nil, fmt.Errorf("seal stream %s: %w", label, err)
	}
	return out, nil
}

// OpenStream gives a reader of what SealStream sealed under the same customer
// and label. A damaged or truncated stream gives ErrTampered where the damage
// is: what was read before is genuine, but is not all. The reader may be used
// after tx has ended.
func (v *Vault) OpenStream(tx *db.Tx, customerID, label string, r io.Reader) (io.Reader, error) {
	k, err := v.key(tx, customerID)
	if err != nil {
		return nil, fmt.Errorf("open stream %s: %w", label, err)
	}
	s, err := newStream(k)
	if err != nil {
		return nil, fmt.Errorf("open stream %s: %w", label, err)
	}
	source := &noted{r: r}
	in, err := s.NewDecryptingReader(source, streamData(customerID, label))
	if err != nil {
		return nil, fmt.Errorf("open stream %s: %w", label, source.blame())
	}
	return &reader{in: in, source: source, label: label}, nil
}

func newStream(k *dataKey) (*streaming.AESGCMHKDF, error) {
	key, err := k.stream()
	if err != nil {
		return nil, err
	}
	return streaming.NewAESGCMHKDF(key, streamHash, streamKey, segmentSize, 0)
}

// noted remembers the error of the source, to tell a lost connection from a
// stream that is not genuine.
type noted struct {
	r   io.Reader
	err error
}

func (n *noted) Read(p []byte) (int, error) {
	c, err := n.r.Read(p)
	if err != nil && err != io.EOF {
		n.err = err
	}
	return c, err
}

func (n *noted) blame() error {
	if n.err != nil {
		return n.err
	}
	return ErrTampered
}

// reader keeps its first error: Tink's would report a clean end after a failed
// last segment, to whoever reads on.
type reader struct {
	in     io.Reader
	source *noted
	label  string
	err    error
}

func (r *reader) Read(p []byte) (int, error) {
	if r.err != nil {
		return 0, r.err
	}
	n, err := r.in.Read(p)
	if err != nil && err != io.EOF {
		err = fmt.Errorf("read stream %s: %w", r.label, r.source.blame())
	}
	r.err = err
	return n, err
}

// OpenSeeker is OpenStream for a part of a stream, as HTTP ranges ask for it.
// size is the size of the sealed stream. It reads the last segment at once, so
// that the length it reports is genuine; after that every read costs one
// segment of 64 KB, wherever it is. It may be used after tx has ended, by one
// goroutine at a time, and reads r from anywhere.
func (v *Vault) OpenSeeker(tx *db.Tx, customerID, label string, r io.ReadSeeker, size int64) (io.ReadSeeker, error) {
	k, err := v.key(tx, customerID)
	if err != nil {
		return nil, fmt.Errorf("open stream %s: %w", label, err)
	}
	s := &seeker{source: r, sealed: size, label: label, segment: -1}
	if err := s.start(k, streamData(customerID, label)); err != nil {
		return nil, fmt.Errorf("open stream %s: %w", label, err)
	}
	return s, nil
}

// seeker opens single segments of a stream. Tink has readers from the start
// only; the layout is Tink's, and the tests read each with the other.
type seeker struct {
	source io.ReadSeeker
	label  string
	sealed int64 // size of the sealed stream
	size   int64 // size of what is in it
	last   int64 // number of the last segment
	cipher cipher.AEAD
	nonce  [streaming.AESGCMHKDFNonceSizeInBytes]byte

	at      int64  // where the next Read begins
	segment int64  // number of the segment in plain; -1: none
	plain   []byte // the segment that was opened last
	buffer  []byte
}

func (s *seeker) start(k *dataKey, data []byte) error {
	if s.sealed < headerSize+tagSize {
		return ErrTampered
	}
	if _, err := s.source.Seek(0, io.SeekStart); err != nil {
		return err
	}
	var header [headerSize]byte
	if _, err := io.ReadFull(s.source, header[:]); err != nil {
		return truncated(err)
	}
	if header[0] != headerSize {
		return ErrTampered
	}
	salt := header[1 : 1+streamKey]
	own, err := k.stream()
	if err != nil {
		return err
	}
	key, err := subtle.ComputeHKDF(streamHash, own, salt, data, streamKey)
	if err != nil {
		return err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return err
	}
	if s.cipher, err = cipher.NewGCM(block); err != nil {
		return err
	}
	copy(s.nonce[:], header[1+streamKey:])
	s.last = (s.sealed - 1) / segmentSize
	s.size = s.sealed - headerSize - (s.last+1)*tagSize
	return s.load(s.last)
}

// load opens a segment. The number and the mark of the last one are part of the
// nonce, so that segments cannot be moved, repeated or cut off.
func (s *seeker) load(number int64) error {
	if number == s.segment {
		return nil
	}
	from, to := number*segmentSize, min((number+1)*segmentSize, s.sealed)
	if number == 0 {
		from = headerSize
	}
	if to-from < tagSize {
		return ErrTampered
	}
	if _, err := s.source.Seek(from, io.SeekStart); err != nil {
		return err
	}
	if s.buffer == nil {
		s.buffer = make([]byte, min(segmentSize, s.sealed))
	}
	s.segment = -1 // what was in the buffer is overwritten now
	buffer := s.buffer[:to-from]
	if _, err := io.ReadFull(s.source, buffer); err != nil {
		return truncated(err)
	}
	nonce := s.nonce
	binary.BigEndian.PutUint32(nonce[streaming.AESGCMHKDFNoncePrefixSizeInBytes:], uint32(number))
	if number == s.last {
		nonce[len(nonce)-1] = 1
	}
	plain, err := s.cipher.Open(buffer[:0], nonce[:], buffer, nil)
	if err != nil {
		return ErrTampered
	}
	s.segment, s.plain = number, plain
	return nil
}

func truncated(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return ErrTampered
	}
	return err
}

// Read reads from the present place to the end of its segment at most.
func (s *seeker) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if s.at >= s.size {
		return 0, io.EOF
	}
	// Counted as if the first segment, too, had its header's worth of plain bytes.
	const room = segmentSize - tagSize
	place := s.at + headerSize
	if err := s.load(place / room); err != nil {
		return 0, fmt.Errorf("read stream %s: %w", s.label, err)
	}
	offset := place % room
	if s.segment == 0 {
		offset -= headerSize
	}
	n := copy(p, s.plain[offset:])
	s.at += int64(n)
	return n, nil
}

// Seek moves the present place; it reads nothing.
func (s *seeker) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekStart:
	case io.SeekCurrent:
		offset += s.at
	case io.SeekEnd:
		offset += s.size
	default:
		return 0, fmt.Errorf("seek in stream %s: whence %d", s.label, whence)
	}
	if offset < 0 {
		return 0, fmt.Errorf("seek in stream %s: before its start", s.label)
	}
	s.at = offset
	return offset, nil
}
