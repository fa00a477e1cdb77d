package db

import "context"

// mostOnce bounds what one Read remembers: a page needs a few dozen things, and a
// walk through everybody must not gather them all.
const mostOnce = 512

// Once reads something that several parts of a page ask for, the first time only: in a
// Read the snapshot cannot change. In a Write it is read each time. The key is a value of
// the caller's own type, so that nobody else has the same; what comes back is shared with
// all who ask, who must not change it.
func Once[T any](tx *Tx, key any, read func() (T, error)) (T, error) {
	if !tx.readOnly {
		return read()
	}
	if known, ok := tx.once[key]; ok {
		return known.(T), nil
	}
	v, err := read()
	if err != nil {
		return v, err
	}
	if tx.once == nil || len(tx.once) >= mostOnce {
		tx.once = make(map[any]any, 32)
	}
	tx.once[key] = v
	return v, nil
}

// Glance is Read for what takes a few milliseconds in all: a page that somebody waits
// for. Whoever goes away meanwhile ends it before the next statement and not within one.
// To be able to end one costs SQLite two goroutines a statement, which doubles what a
// small one takes and, on a busy machine, waits in two more queues.
func (d *DB) Glance(ctx context.Context, fn func(*Tx) error) error {
	return d.Read(ctx, func(tx *Tx) error {
		tx.glance = d.engine == SQLite
		return fn(tx)
	})
}
