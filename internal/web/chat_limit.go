package web

import (
	"slices"
	"sync"
	"time"
)

// rate is how often something may be done: so many a minute, and so many at once.
type rate struct{ minute, burst float64 }

// What a visitor may do, and what all visitors of one address may do together:
// behind one address there may be a whole shop.
var (
	visitorMessages = rate{20, 10}
	addressMessages = rate{200, 100}
	visitorUploads  = rate{10, 10}
	addressUploads  = rate{60, 30}
	visitorReads    = rate{120, 60} // history and streams
	visitorTyping   = rate{60, 20}
	addressStarts   = rate{60, 60}
)

// Streams that may be open at once.
const (
	visitorStreams = 5
	addressStreams = 50
)

// chatRoom is what the chat keeps in memory: who asked how often, who listens.
// The zero value is ready; what is lost with a process is only patience.
type chatRoom struct {
	mu      sync.Mutex
	buckets map[string]*chatBucket
	swept   time.Time
	streams map[string]int
	waiting map[string]map[chan struct{}]bool // visitor -> streams that wait for her first words
}

type chatBucket struct {
	rate
	left float64
	at   time.Time
	keys []string // the last few: who sends one of them again is not counted again
}

// keysKept is how many repeats a bucket recognises.
const keysKept = 16

// take counts one act of somebody and tells how long to wait when it is too many.
// A repeat of the same key counts once; an empty key always counts.
func (c *chatRoom) take(name, key string, r rate, now time.Time) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sweep(now)
	b := c.buckets[name]
	if b == nil {
		b = &chatBucket{rate: r, left: r.burst, at: now}
		c.buckets[name] = b
	}
	if key != "" && slices.Contains(b.keys, key) {
		return 0
	}
	b.refill(now)
	if b.left < 1 {
		return time.Duration((1 - b.left) / b.minute * float64(time.Minute))
	}
	b.left--
	if key != "" {
		b.keys = append(b.keys[max(0, len(b.keys)-keysKept+1):], key)
	}
	return 0
}

func (b *chatBucket) refill(now time.Time) {
	if passed := now.Sub(b.at); passed > 0 {
		b.left = min(b.burst, b.left+passed.Minutes()*b.minute)
		b.at = now
	}
}

// sweep forgets who has not asked for a while.
func (c *chatRoom) sweep(now time.Time) {
	if c.buckets == nil {
		c.buckets, c.swept = map[string]*chatBucket{}, now
	}
	if now.Sub(c.swept) < time.Minute {
		return
	}
	c.swept = now
	for name, b := range c.buckets {
		if b.refill(now); b.left >= b.burst {
			delete(c.buckets, name)
		}
	}
}

// limit counts one act of a visitor, and of her address.
func (s *Server) limit(c *chatCall, act, key string, visitor, address rate) error {
	now := s.DB.Now()
	if visitor.minute > 0 {
		if wait := s.chat.take(act+" "+c.streamKey(), key, visitor, now); wait > 0 {
			return busyError{wait}
		}
	}
	if address.minute > 0 {
		// Every repeat counts here: an address is not let off for knowing a key.
		if wait := s.chat.take(act+" at "+neighbourhood(c.Address), "", address, now); wait > 0 {
			return busyError{wait}
		}
	}
	return nil
}

// streamKey names a visitor among those of all accounts.
func (c *chatCall) streamKey() string { return c.visitor.Account.ID + " " + c.visitor.ExternalID }

// enter counts a stream; leave is nil when there are too many already.
func (c *chatRoom) enter(visitor, address string) (leave func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	visitor, address = "v "+visitor, "a "+address
	if c.streams[visitor] >= visitorStreams || c.streams[address] >= addressStreams {
		return nil
	}
	if c.streams == nil {
		c.streams = map[string]int{}
	}
	c.streams[visitor]++
	c.streams[address]++
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, name := range []string{visitor, address} {
			if c.streams[name]--; c.streams[name] == 0 {
				delete(c.streams, name)
			}
		}
	}
}

// await gives a channel that has something in it once a visitor has written
// here; call stop when it is not needed any more.
func (c *chatRoom) await(visitor string) (wrote <-chan struct{}, stop func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	ch := make(chan struct{}, 1)
	if c.waiting == nil {
		c.waiting = map[string]map[chan struct{}]bool{}
	}
	if c.waiting[visitor] == nil {
		c.waiting[visitor] = map[chan struct{}]bool{}
	}
	c.waiting[visitor][ch] = true
	return ch, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if delete(c.waiting[visitor], ch); len(c.waiting[visitor]) == 0 {
			delete(c.waiting, visitor)
		}
	}
}

// wrote wakes a visitor's streams that do not know her thread yet.
func (c *chatRoom) wrote(visitor string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for ch := range c.waiting[visitor] {
		select {
		case ch <- struct{}{}:
		default:
		}
	}
}
