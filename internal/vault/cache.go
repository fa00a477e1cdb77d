package vault

import (
	"container/list"
	"sync"
)

// cache keeps the keys that were used last. An entry without a key stands for a
// dropped one: a reader whose snapshot is older than the drop must not bring the
// key back.
type cache struct {
	mu      sync.Mutex
	max     int
	entries map[string]*list.Element
	order   *list.List // the entry used last in front
}

type entry struct {
	customerID string
	key        *dataKey
}

func newCache(max int) *cache {
	return &cache{max: max, entries: map[string]*list.Element{}, order: list.New()}
}

// get tells whether the cache knows about the customer; the key is nil when it
// was dropped.
func (c *cache) get(customerID string) (*dataKey, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.entries[customerID]
	if !ok {
		return nil, false
	}
	c.order.MoveToFront(e)
	return e.Value.(*entry).key, true
}

// learn keeps a key that was read, unless the customer's key was dropped since.
func (c *cache) learn(customerID string, k *dataKey) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.entries[customerID]; ok && e.Value.(*entry).key == nil {
		return
	}
	c.put(customerID, k)
}

// set keeps what a committed transaction has decided: a new key, or nil for a
// dropped one.
func (c *cache) set(customerID string, k *dataKey) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.put(customerID, k)
}

func (c *cache) put(customerID string, k *dataKey) {
	if e, ok := c.entries[customerID]; ok {
		e.Value.(*entry).key = k
		c.order.MoveToFront(e)
		return
	}
	c.entries[customerID] = c.order.PushFront(&entry{customerID, k})
	if c.order.Len() > c.max {
		oldest := c.order.Back()
		c.order.Remove(oldest)
		delete(c.entries, oldest.Value.(*entry).customerID)
	}
}
