package event

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"dingdong/internal/db"
)

const (
	// window is how many of the latest events stay in memory, at least.
	window = 4096
	// batchSize is how many events one Next gives at most.
	batchSize = 256
	// gather is how long a busy log waits between two looks: the pages that are
	// open then wake up together for a few events instead of once for each.
	gather = 5 * time.Millisecond
	// pollEvery is for events that other nodes commit; nobody signals those here.
	pollEvery = 500 * time.Millisecond
)

// Why Next has no events.
var (
	// ErrAhead says that the subscriber has seen more than ever happened, as after
	// a restore from a backup: it must start again from Last.
	ErrAhead = errors.New("the event cursor lies in the future")
	// ErrStopped says that the log has ended with its process.
	ErrStopped = errors.New("the event log has stopped")
)

// Log reads new events once per process, whatever the number of subscribers.
// Run must be running for subscriptions to come alive.
type Log struct {
	d *db.DB

	mu      sync.Mutex
	started bool
	floor   int64         // everything after this number and up to head is in recent
	head    int64         // the last number the log has read
	recent  []Event       // only ever appended to or replaced: subscribers share it
	changed chan struct{} // closed, and replaced, when there is something new
	stopped chan struct{}

	waiting int           // subscribers that wait in Next
	wanted  chan struct{} // the first of them has come
}

// NewLog makes the log of a process.
func NewLog(d *db.DB) *Log {
	return &Log{d: d, changed: make(chan struct{}), stopped: make(chan struct{}), wanted: make(chan struct{}, 1)}
}

// Run tells subscribers what happens until ctx ends. A database that cannot be
// reached is waited for. It is called once.
func (l *Log) Run(ctx context.Context) {
	defer close(l.stopped)
	woken, stop := l.d.Listen(Topic)
	defer stop()
	var poll <-chan time.Time
	if l.d.Engine() == db.Postgres {
		ticker := time.NewTicker(pollEvery)
		defer ticker.Stop()
		poll = ticker.C
	}
	ill := false
	for ctx.Err() == nil {
		if !l.isWanted() { // nobody looks: at full load, reading for nobody costs a twentieth of it
			if !l.somebody(ctx) {
				return
			}
			l.skip(ctx)
		}
		grown, err := l.look(ctx)
		switch {
		case err != nil:
			if !ill && ctx.Err() == nil {
				slog.WarnContext(ctx, "the event log cannot read the database and goes on trying", "error", err)
			}
			rest(ctx, pollEvery)
		case grown:
			rest(ctx, gather)
		default:
			select {
			case <-woken:
			case <-poll:
			case <-ctx.Done():
			}
		}
		ill = err != nil
	}
}

func rest(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// look reads what is new, as long as somebody waits for it, and tells whether there was
// anything.
func (l *Log) look(ctx context.Context) (grown bool, err error) {
	for {
		var events []Event
		head := l.head // only Run writes it
		err := l.d.Read(ctx, func(tx *db.Tx) (err error) {
			if !l.started {
				head, err = Last(tx)
				return err
			}
			events, err = After(tx, head, batchSize)
			return err
		})
		if err != nil {
			return grown, err
		}
		if !l.started || len(events) > 0 {
			l.grow(head, events)
			grown = true
		}
		if len(events) < batchSize || !l.isWanted() {
			return grown, nil
		}
	}
}

// somebody waits until a subscriber waits; false: ctx has ended.
func (l *Log) somebody(ctx context.Context) bool {
	for !l.isWanted() {
		select {
		case <-l.wanted: // perhaps of one who has gone again
		case <-ctx.Done():
			return false
		}
	}
	return true
}

func (l *Log) isWanted() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.waiting > 0
}

// skip begins anew where so much was committed while nobody looked that it is
// not worth keeping: whoever needs it reads it from the database.
func (l *Log) skip(ctx context.Context) {
	var last int64
	err := l.d.Read(ctx, func(tx *db.Tx) (err error) {
		last, err = Last(tx)
		return err
	})
	l.mu.Lock()
	defer l.mu.Unlock()
	if err == nil && last-l.head > window {
		l.started, l.recent = false, nil
	}
}

// wait counts a subscriber that waits; the returned function takes it back.
func (l *Log) wait() (done func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting++
	select {
	case l.wanted <- struct{}{}:
	default:
	}
	return func() {
		l.mu.Lock()
		l.waiting--
		l.mu.Unlock()
	}
}

// grow adds events and wakes everybody. When the log starts there are none:
// what is older than that is read from the database by whom it concerns.
func (l *Log) grow(head int64, events []Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.started {
		l.started, l.floor = true, head
	}
	if len(l.recent) >= 2*window {
		// A new array: subscribers may still be reading the old one.
		l.floor = l.recent[len(l.recent)-window-1].Seq
		l.recent = append(make([]Event, 0, 2*window+batchSize), l.recent[len(l.recent)-window:]...)
	}
	l.recent = append(l.recent, events...)
	l.head = head
	if len(events) > 0 {
		l.head = events[len(events)-1].Seq
	}
	close(l.changed)
	l.changed = make(chan struct{})
}

// Subscription is one reader's place in the log. It holds no resources and
// needs no end; it is for one goroutine.
type Subscription struct {
	log     *Log
	cursor  int64
	checked bool
}

// Subscribe gives the events after number seq: those that have happened, then
// those that will.
func (l *Log) Subscribe(after int64) *Subscription {
	return &Subscription{log: l, cursor: after}
}

// Next waits for the next events and gives at most 256 of them, none left out
// and none twice. They are shared with other subscribers and must not be changed.
func (s *Subscription) Next(ctx context.Context) ([]Event, error) {
	if !s.checked {
		if err := s.check(ctx); err != nil {
			return nil, err
		}
		s.checked = true
	}
	for {
		events, old, changed := s.log.after(s.cursor)
		if old {
			// The channel was taken before this look, so that nothing which is
			// committed meanwhile can be missed.
			err := s.log.d.Read(ctx, func(tx *db.Tx) (err error) {
				events, err = After(tx, s.cursor, batchSize)
				return err
			})
			if err != nil {
				return nil, err
			}
		}
		if len(events) > 0 {
			s.cursor = events[len(events)-1].Seq
			return events, nil
		}
		if err := s.pause(ctx, changed); err != nil {
			return nil, err
		}
	}
}

// pause waits until the log has grown.
func (s *Subscription) pause(ctx context.Context, changed <-chan struct{}) error {
	defer s.log.wait()()
	select {
	case <-changed:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-s.log.stopped:
		return ErrStopped
	}
}

func (s *Subscription) check(ctx context.Context) error {
	return s.log.d.Read(ctx, func(tx *db.Tx) error {
		last, err := Last(tx)
		if err != nil {
			return err
		}
		if s.cursor > last {
			return fmt.Errorf("subscribe after %d of %d: %w", s.cursor, last, ErrAhead)
		}
		return nil
	})
}

// after gives what memory holds after number seq. old says that memory does not
// reach back that far; changed is closed when there is more.
func (l *Log) after(seq int64) (events []Event, old bool, changed <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.started || seq < l.floor {
		return nil, true, l.changed
	}
	from, _ := slices.BinarySearchFunc(l.recent, seq+1, func(e Event, seq int64) int { return cmp.Compare(e.Seq, seq) })
	to := min(from+batchSize, len(l.recent))
	return l.recent[from:to:to], false, l.changed
}
