package db

import (
	"math/rand/v2"
	"sync"
	"time"
)

// idSource makes ids of 48 bits of milliseconds and 80 bits that start at
// random and count up within the same millisecond.
type idSource struct {
	mu     sync.Mutex
	hi, lo uint64 // the last id
}

// base32hex in lower case sorts as its value does.
const alphabet = "0123456789abcdefghijklmnopqrstuv"

const idLength = 26

func (s *idSource) next(prefix string, now time.Time) string {
	hi, lo := s.number(uint64(now.UnixMilli()))
	return spell(prefix, hi, lo)
}

// IDAt is a bound and names nothing: ids made before that moment sort below it.
func IDAt(prefix string, at time.Time) string {
	return spell(prefix, uint64(at.UnixMilli())<<16, 0)
}

func spell(prefix string, hi, lo uint64) string {
	b := make([]byte, len(prefix)+1+idLength)
	copy(b, prefix)
	b[len(prefix)] = '_'
	for i := len(b) - 1; i > len(prefix); i-- {
		b[i] = alphabet[lo&31]
		lo = lo>>5 | hi<<59
		hi >>= 5
	}
	return string(b)
}

func (s *idSource) number(ms uint64) (hi, lo uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ms > s.hi>>16 {
		s.hi, s.lo = ms<<16|rand.Uint64()&0x7fff, rand.Uint64()
	} else if s.lo++; s.lo == 0 { // a clock that stands still or steps back only counts on
		s.hi++
	}
	return s.hi, s.lo
}
