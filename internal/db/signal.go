package db

import "sync"

// topics wakes goroutines of this process when something they wait for has
// been committed. It carries no data: what happened is read from the tables.
type topics struct {
	mu        sync.Mutex
	listeners map[string]map[chan struct{}]bool
}

// Signal wakes those who Listen to topic, once this transaction is durable.
func (tx *Tx) Signal(topic string) {
	d := tx.db
	tx.AfterCommit(func() { d.topics.signal(topic) })
}

// Listen gives a channel that holds one value whenever topic was signalled
// since it was last read; stop ends it.
func (d *DB) Listen(topic string) (woken <-chan struct{}, stop func()) {
	c := make(chan struct{}, 1)
	t := &d.topics
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.listeners == nil {
		t.listeners = make(map[string]map[chan struct{}]bool)
	}
	if t.listeners[topic] == nil {
		t.listeners[topic] = make(map[chan struct{}]bool)
	}
	t.listeners[topic][c] = true
	return c, func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		delete(t.listeners[topic], c)
	}
}

// Wake wakes every listener, as is needed after a test has moved the clock.
func (d *DB) Wake() {
	d.topics.mu.Lock()
	all := make([]string, 0, len(d.topics.listeners))
	for topic := range d.topics.listeners {
		all = append(all, topic)
	}
	d.topics.mu.Unlock()
	for _, topic := range all {
		d.topics.signal(topic)
	}
}

func (t *topics) signal(topic string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for c := range t.listeners[topic] {
		select {
		case c <- struct{}{}:
		default: // it has been woken and has not looked yet
		}
	}
}
