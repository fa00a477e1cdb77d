package db

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

const (
	groupLimit = 256
	// carefulGroups is how many groups use savepoints from the start after one
	// had to be run twice because a function failed half-way.
	carefulGroups = 16
	retryLimit    = 5
)

// Write runs fn in a durable transaction and returns when it is committed.
// Callers that arrive while the last commit runs share the next one; what one
// of them does wrong undoes only its own part. fn may be run more than once,
// so it must have no effects outside tx; it must not call Write itself. A
// context that ends before fn was started skips it; after that fn runs to the
// end.
func (d *DB) Write(ctx context.Context, fn func(*Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	r := &request{ctx: ctx, fn: fn, done: make(chan struct{})}
	if err := d.writer.accept(r); err != nil {
		return err
	}
	if ctx.Done() != nil {
		select {
		case <-r.done:
		case <-ctx.Done():
			if r.state.CompareAndSwap(waiting, skipped) {
				return ctx.Err()
			}
			<-r.done
		}
	} else {
		<-r.done
	}
	if r.panicked != nil {
		panic(r.panicked)
	}
	if r.exited {
		runtime.Goexit()
	}
	return r.err
}

// States of a request: who changes waiting first owns it.
const (
	waiting int32 = iota
	started
	skipped
)

type request struct {
	ctx   context.Context
	fn    func(*Tx) error
	state atomic.Int32
	done  chan struct{}

	err      error
	panicked any
	exited   bool // fn ended its goroutine, as testing.T.Fatal does
	finished bool
}

// writer is the committer: one goroutine that owns the write connection.
type writer struct {
	d     *DB
	queue chan *request
	gate  sync.RWMutex // held while a request is handed over; closed once stop has it
	shut  bool
	ended chan struct{}

	s        *session
	careful  int
	breathed time.Time
	buffer   []*request
	current  []*request // of the group that is being run
	running  *request   // whose fn is being run
}

func newWriter(d *DB) *writer {
	return &writer{d: d, queue: make(chan *request, 4*groupLimit), ended: make(chan struct{})}
}

func (w *writer) accept(r *request) error {
	w.gate.RLock()
	defer w.gate.RUnlock()
	if w.shut {
		return ErrClosed
	}
	select {
	case w.queue <- r:
		return nil
	case <-r.ctx.Done():
		return r.ctx.Err()
	}
}

func (w *writer) stop() {
	w.gate.Lock()
	w.shut = true
	w.gate.Unlock()
	close(w.queue)
	<-w.ended
}

// SQLite's own two megabytes of cache hold no index of a million rows whose keys come in
// no order, and every page that is not held is read again, or written out in the middle
// of a transaction. The write-ahead log is put into the file when it has four times as
// many pages as SQLite would let it have: such an index changes the same pages again and
// again, and each is put there once.
const (
	writerCache      = "PRAGMA cache_size = -32768" // KiB
	writerCheckpoint = "PRAGMA wal_autocheckpoint = 4000"
	writerUndo       = "PRAGMA temp_store = MEMORY" // what one statement would undo goes into a file otherwise, when it is much
)

func (w *writer) connect(ctx context.Context) error {
	s, err := openSession(ctx, w.d.sql, w.d.engine == SQLite)
	if err != nil {
		return unavailable(err)
	}
	if w.d.engine == SQLite {
		s.start = "BEGIN IMMEDIATE"
		// The lock is waited for in begin, which looks far more often than SQLite does.
		// What is deleted is overwritten where its page is written anyway: see Shred.
		for _, pragma := range []string{"PRAGMA busy_timeout = 0", "PRAGMA secure_delete = FAST", writerCache, writerCheckpoint, writerUndo} {
			if _, err := s.conn.ExecContext(ctx, pragma); err != nil {
				s.close()
				return unavailable(err)
			}
		}
	} else if _, err := s.conn.ExecContext(ctx, "SET enable_seqscan = off"); err != nil {
		// Writers look rows up by key. Before the first ANALYZE the planner
		// takes a long IN for the whole table and reads it from end to end.
		s.close()
		return unavailable(err)
	}
	w.s = s
	return nil
}

func (w *writer) disconnect() {
	if w.s != nil {
		w.s.close()
		w.s = nil
	}
}

func (w *writer) loop() {
	normal := false
	defer func() {
		if normal {
			w.disconnect()
			close(w.ended)
			return
		}
		// A function called runtime.Goexit and took this goroutine with it:
		// end its caller the same way and go on in a new one.
		w.disconnect() // rolls back
		guilty, others := w.running, w.current
		w.running, w.current = nil, nil
		go func() {
			for _, r := range others {
				if r != guilty && !r.finished {
					w.alone(r)
				}
			}
			w.loop()
		}()
		if guilty != nil {
			guilty.exited = true
			guilty.finish(nil)
		}
	}()
	for r := range w.queue {
		w.serve(w.collect(r))
		clear(w.buffer)
		w.breathe()
	}
	normal = true
}

// A SQLite file has one lock and no queue before it: a house that commits without
// pause would leave none to a command that is run beside it. So now and then it
// leaves the lock alone for longer than the other takes to look again.
const (
	breatheEvery = 100 * time.Millisecond
	breatheFor   = time.Millisecond
	lockLook     = 300 * time.Microsecond
	lockPatience = 10 * time.Second
)

func (w *writer) breathe() {
	if w.d.engine != SQLite {
		return
	}
	if now := time.Now(); now.Sub(w.breathed) > breatheEvery {
		time.Sleep(breatheFor)
		w.breathed = now
	}
}

// collect takes what is queued right now: no lingering for more.
func (w *writer) collect(first *request) []*request {
	group := w.buffer[:0]
	for r := first; ; {
		if r.ctx.Err() == nil {
			if r.state.CompareAndSwap(waiting, started) {
				group = append(group, r)
			}
		} else if r.state.CompareAndSwap(waiting, started) {
			r.finish(r.ctx.Err())
		}
		if len(group) == groupLimit {
			break
		}
		var ok bool
		select {
		case r, ok = <-w.queue:
		default:
		}
		if !ok {
			break
		}
	}
	w.buffer = group
	return group
}

func (w *writer) serve(reqs []*request) {
	if len(reqs) == 0 {
		return
	}
	w.current = reqs
	if len(reqs) == 1 {
		w.alone(reqs[0])
		return
	}
	guarded := w.careful > 0
	if guarded {
		w.careful--
	}
	err := w.together(reqs, guarded)
	if errors.Is(err, errAgain) && !guarded {
		w.careful = carefulGroups
		err = w.together(reqs, true)
	}
	var all *wholeError
	switch {
	case err == nil:
		var again []*request
		for _, r := range reqs {
			if r.panicked == nil && retryable(r.err) {
				again = append(again, r)
				continue
			}
			r.finish(r.err)
		}
		for _, r := range again { // it lost its part to another node, and the others theirs not
			r.err = nil
			w.alone(r)
		}
	case errors.As(err, &all): // nothing that running them alone would change
		for _, r := range reqs {
			r.finish(all.err)
		}
	default:
		for _, r := range reqs {
			r.err, r.panicked = nil, nil
			w.alone(r)
		}
	}
}

func (r *request) finish(err error) {
	r.err, r.finished = err, true
	close(r.done)
}

// errAgain: the transaction could not be saved after one function failed.
var errAgain = errors.New("db: a function failed half-way")

// wholeError goes to every caller of a group as it is.
type wholeError struct{ err error }

func (e *wholeError) Error() string { return e.err.Error() }
func (e *wholeError) Unwrap() error { return e.err }

// begin starts a transaction, on a new connection if the old one is lost:
// nothing has been sent yet, so this is safe to repeat.
func (w *writer) begin() error {
	var err error
	for range 2 {
		if w.s == nil {
			if err = w.connect(background); err != nil {
				return err
			}
		}
		if err = w.s.begin(background); err == nil {
			return nil
		}
		for began := time.Now(); err != nil && w.d.engine == SQLite && retryable(err) && time.Since(began) < lockPatience; {
			time.Sleep(lockLook)
			err = w.s.begin(background)
		}
		if err == nil {
			return nil
		}
		if retryable(err) {
			return fmt.Errorf("begin: %w: %w", errBeginBusy, err)
		}
		w.disconnect()
	}
	return fmt.Errorf("begin: %w", classify(err))
}

// together runs a group in one transaction. Without savepoints (not guarded)
// it returns errAgain as soon as one function fails after having written.
func (w *writer) together(reqs []*request, guarded bool) error {
	if err := w.begin(); err != nil {
		return &wholeError{err}
	}
	g := newGroup(w.d, w.s)
	for _, r := range reqs {
		if err := w.step(g, r, guarded); err != nil {
			w.abandon()
			return err
		}
	}
	return w.commit(g)
}

// step runs one function of a group; its error is an error of the group.
func (w *writer) step(g *group, r *request, guarded bool) error {
	if guarded {
		if _, err := w.s.exec(background, "SAVEPOINT part", nil); err != nil {
			return errAgain
		}
	}
	tx := w.call(g, r)
	lost, failed := w.s.state()
	if lost || tx.dead != nil {
		return errAgain
	}
	bad := r.err != nil || r.panicked != nil
	if failed && !bad {
		bad, r.err = true, errSwallowed
	}
	switch {
	case !bad:
		g.take(tx)
	case guarded:
		if _, err := w.s.exec(background, "ROLLBACK TO SAVEPOINT part", nil); err != nil {
			return errAgain
		}
	case tx.wrote || failed:
		return errAgain
	}
	if guarded {
		if _, err := w.s.exec(background, "RELEASE SAVEPOINT part", nil); err != nil {
			return errAgain
		}
	}
	return nil
}

// alone runs one function in a transaction of its own and finishes it. What
// the engine says to try again is tried again a few times.
func (w *writer) alone(r *request) {
	for try := 1; ; try++ {
		err := w.aloneOnce(r)
		if r.panicked != nil {
			err = nil
		}
		if err == nil || try == retryLimit || !retryable(err) {
			r.finish(err)
			return
		}
		time.Sleep(time.Duration(rand.Int64N(int64(5*time.Millisecond) << try)))
	}
}

func (w *writer) aloneOnce(r *request) error {
	if err := w.begin(); err != nil {
		return err
	}
	g := newGroup(w.d, w.s)
	tx := w.call(g, r)
	err := r.err
	if err == nil {
		err = tx.dead
	}
	if _, failed := w.s.state(); failed && err == nil {
		err = errSwallowed
	}
	if err != nil || r.panicked != nil {
		w.abandon()
		return err
	}
	g.take(tx)
	err = w.commit(g)
	var all *wholeError
	if errors.As(err, &all) {
		return all.err
	}
	return err
}

// call runs a function and catches what it throws.
func (w *writer) call(g *group, r *request) *Tx {
	tx := &Tx{Now: g.now, Ctx: r.ctx, db: w.d, s: w.s, group: g}
	r.err, r.panicked = nil, nil
	w.running = r
	func() {
		defer func() {
			if v := recover(); v != nil {
				r.panicked = fmt.Errorf("db: panic in a write: %v\n\n%s", v, debug.Stack())
			}
		}()
		r.err = classify(r.fn(tx))
	}()
	w.running = nil
	tx.closeRows()
	return tx
}

// commit flushes what was deferred, commits and runs the hooks. The hooks run
// before the callers return, so that a caller finds their effect.
func (w *writer) commit(g *group) error {
	if err := g.flush(); err != nil {
		w.abandon()
		return err
	}
	if lost, _ := w.s.state(); lost {
		w.disconnect()
		return errAgain
	}
	if err := w.s.commit(); err != nil {
		lost, _ := w.s.state()
		err = fmt.Errorf("commit: %w", classify(err))
		if lost {
			// It may have taken effect: nobody may try again on his own account.
			w.disconnect()
			return &wholeError{fmt.Errorf("%w: the outcome is not known: %w", ErrUnavailable, err)}
		}
		w.abandon()
		return err
	}
	for _, hook := range g.hooks {
		hook()
	}
	return nil
}

// abandon rolls back. SQLite has sometimes done so already and says so, which
// is as good; a PostgreSQL connection that cannot roll back is given up.
func (w *writer) abandon() {
	if w.s == nil {
		return
	}
	err := w.s.rollback()
	if lost, _ := w.s.state(); lost || (err != nil && w.d.engine == Postgres) {
		w.disconnect()
	}
}
