package linefake

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// ids hands out event ids that only grow, and message ids as LINE's look.
type ids struct {
	mu      sync.Mutex
	ms      int64
	low     uint64
	high    uint16
	message atomic.Int64
}

func (g *ids) start(now time.Time) {
	// Message ids go on growing over restarts: 18 digits, led by the time.
	g.message.Store(now.UnixMilli() * 100000)
}

// ulid makes an event id that sorts after all before it.
func (g *ids) ulid(now time.Time) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	if ms := now.UnixMilli(); ms > g.ms {
		g.ms = ms
		g.high, g.low = entropy()
	} else if g.low++; g.low == 0 {
		g.high++
	}
	return ulid(g.ms, g.high, g.low)
}

// NewEventID makes an id for an event that a test writes itself.
func NewEventID(at time.Time) string {
	high, low := entropy()
	return ulid(at.UnixMilli(), high, low)
}

func entropy() (uint16, uint64) {
	var b [10]byte
	rand.Read(b[:]) // never fails
	return binary.BigEndian.Uint16(b[:2]) >> 1, binary.BigEndian.Uint64(b[2:])
}

func ulid(ms int64, high uint16, low uint64) string {
	const digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], uint64(ms)<<16|uint64(high))
	binary.BigEndian.PutUint64(b[8:], low)
	// 128 bits in 26 digits of five: two bits of zero lead.
	var out [26]byte
	var acc uint32
	bits, at := 2, 0
	for _, x := range b {
		acc = acc<<8 | uint32(x)
		for bits += 8; bits >= 5; at++ {
			bits -= 5
			out[at] = digits[acc>>bits&31]
		}
	}
	return string(out[:])
}

func (g *ids) nextMessages(n int) int64 { return g.message.Add(int64(n)) - int64(n) + 1 }

// seal makes a token that carries its meaning, so that none need be stored: quote
// tokens and read tokens.
func (p *Platform) seal(kind, person, message string) string {
	plain := []byte(person + " " + message)
	return base64.RawURLEncoding.EncodeToString(append(plain, p.sealOf(kind, plain)...))
}

func (p *Platform) unseal(kind, token string) (person, message string, ok bool) {
	b, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(b) < 8 {
		return "", "", false
	}
	plain, mac := b[:len(b)-8], b[len(b)-8:]
	if !hmac.Equal(mac, p.sealOf(kind, plain)) {
		return "", "", false
	}
	return strings.Cut(string(plain), " ")
}

func (p *Platform) sealOf(kind string, plain []byte) []byte {
	mac := hmac.New(sha256.New, []byte(kind+" "+p.o.Secret))
	mac.Write(plain)
	return mac.Sum(nil)[:8]
}

// retryKey reads a UUID in hexadecimal.
func retryKey(s string) (key [16]byte, ok bool) {
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return key, false
	}
	n, err := hex.Decode(key[:], []byte(strings.ReplaceAll(s, "-", "")))
	return key, err == nil && n == 16
}
