package api

import (
	"sync"
	"time"
)

// limiter gives each token a bucket that refills as time goes by.
type limiter struct {
	rate, burst float64

	mu      sync.Mutex
	buckets map[string]bucket
}

type bucket struct {
	left float64
	at   time.Time
}

// maxBuckets bounds the memory; there are far fewer tokens than that.
const maxBuckets = 10_000

func newLimiter(rate, burst int) *limiter {
	return &limiter{rate: float64(rate), burst: float64(burst), buckets: map[string]bucket{}}
}

// take spends one request of a token, or tells how long to wait for the next.
func (l *limiter) take(token string, now time.Time) (ok bool, wait time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b, known := l.buckets[token]
	if !known {
		if len(l.buckets) >= maxBuckets {
			clear(l.buckets)
		}
		b = bucket{left: l.burst, at: now}
	}
	if passed := now.Sub(b.at).Seconds(); passed > 0 {
		b.left, b.at = min(l.burst, b.left+passed*l.rate), now
	} else if passed < -1 {
		b.at = now // a clock that was set back must not lock anybody out
	}
	if b.left < 1 {
		l.buckets[token] = b
		return false, time.Duration((1 - b.left) / l.rate * float64(time.Second))
	}
	b.left--
	l.buckets[token] = b
	return true, 0
}
