package job

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"dingdong/internal/db"
)

// Options of a worker; every zero value is a good one.
type Options struct {
	Slots       int           // handlers at once; 256
	Lease       time.Duration // how long a job of a process that vanished is out of reach; 30 s
	MaxAttempts int           // failures after which a job is dead; 20
	Grace       time.Duration // how long handlers may go on at the end before their context does; 10 s
	Log         *slog.Logger  // nil: slog.Default()
}

// claimLimit is the most jobs that are taken at once.
const claimLimit = 500

// pollEvery is how often the database is asked, by a read, for work that
// another process has enqueued, or that a moved clock has made due.
const pollEvery = time.Second

// Worker runs jobs with its handlers until it is told to end.
type Worker struct {
	d        *db.DB
	handlers map[string]Handler
	o        Options

	queue  chan *holding // held and not begun; large enough that nobody ever waits to put one in
	low    chan struct{} // there is room for another claim
	quit   chan struct{} // closed when no further job is to begin
	ending atomic.Bool

	slots    sync.WaitGroup
	handling context.Context // of the handlers; it outlives Run's by the grace

	mu   sync.Mutex
	held map[string]*holding // by id: every job this worker has a lease on
	busy int                 // slots that run
}

// holding is a job in this worker's hands. If its lease ran out, because the
// database was away, and this worker claims it again, it only gets the new
// claim: no job runs twice at once in one process.
type holding struct {
	job Job // its claim is guarded by Worker.mu
}

// NewWorker makes a worker; handlers are by kind.
func NewWorker(d *db.DB, handlers map[string]Handler, o Options) *Worker {
	if o.Slots <= 0 {
		o.Slots = 256
	}
	if o.Lease <= 0 {
		o.Lease = 30 * time.Second
	}
	if o.MaxAttempts <= 0 {
		o.MaxAttempts = 20
	}
	if o.Grace <= 0 {
		o.Grace = 10 * time.Second
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return &Worker{d: d, handlers: handlers, o: o,
		queue: make(chan *holding, o.Slots+claimLimit), low: make(chan struct{}, 1), quit: make(chan struct{}),
		held: make(map[string]*holding)}
}

// Run works until ctx ends, then lets the handlers in flight finish, gives
// back what had not begun, and returns. It is called once. On SQLite it frees
// the jobs of the process before at once, because a SQLite file has one
// server; on PostgreSQL other nodes may hold them, so their leases must end.
func (w *Worker) Run(ctx context.Context) error {
	woken, stop := w.d.Listen(Topic)
	defer stop()
	err := w.d.Write(ctx, func(tx *db.Tx) error {
		tx.Defer(changes, &opening{voidLeases: w.d.Engine() == db.SQLite})
		return nil
	})
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return fmt.Errorf("start the job worker: %w", err)
	}
	var cancel context.CancelFunc
	w.handling, cancel = context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	renewing, stopRenewing := context.WithCancel(w.handling)
	var renewer sync.WaitGroup
	renewer.Go(func() { w.renew(renewing) })

	w.claim(ctx, woken)

	w.ending.Store(true)
	close(w.quit)
	grace := time.AfterFunc(w.o.Grace, cancel)
	w.slots.Wait()
	grace.Stop()
	stopRenewing()
	renewer.Wait()
	return w.giveBack()
}

// claim takes jobs whenever some are due and there is room for them.
func (w *Worker) claim(ctx context.Context, woken <-chan struct{}) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	poll := time.NewTicker(pollEvery)
	defer poll.Stop()
	wanted := true
	for {
		if room := w.room(); wanted && room >= w.threshold() {
			c, err := w.take(ctx, min(room, claimLimit))
			switch {
			case ctx.Err() != nil:
			case err != nil:
				w.o.Log.Error("jobs cannot be claimed", "error", err)
				wanted = false // the poll tries again
			default:
				wanted = len(c.jobs) == c.limit
				if c.due > 0 {
					timer.Reset(max(db.Time(c.due).Sub(w.d.Now()), time.Millisecond))
				}
			}
			if wanted && ctx.Err() == nil {
				continue
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-woken:
			wanted = true
		case <-timer.C:
			wanted = true
		case <-w.low: // looked at above
		case <-poll.C:
			wanted = wanted || w.due(ctx)
		}
	}
}

func (w *Worker) due(ctx context.Context) (due bool) {
	err := w.d.Read(ctx, func(tx *db.Tx) error {
		first, err := firstDue(tx)
		due = first > 0 && first <= db.Micro(tx.Now)
		return err
	})
	return err == nil && due
}

// threshold keeps claims large: there is no gain in fetching jobs singly
// while hundreds are in hand.
func (w *Worker) threshold() int { return min(claimLimit/2, cap(w.queue)/2) }

func (w *Worker) room() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return cap(w.queue) - len(w.held)
}

func (w *Worker) take(ctx context.Context, limit int) (*claiming, error) {
	var c *claiming
	err := w.d.Write(ctx, func(tx *db.Tx) error {
		c = &claiming{limit: limit, lease: w.o.Lease}
		tx.Defer(changes, c)
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, j := range c.jobs {
		if h := w.hold(j); h != nil {
			w.put(h)
		}
	}
	return c, nil
}

// hold takes a claimed job in hand; nil if it was there already.
func (w *Worker) hold(j Job) *holding {
	w.mu.Lock()
	defer w.mu.Unlock()
	if h := w.held[j.ID]; h != nil {
		h.job = j // let notices when the attempt in hand was under another claim
		return nil
	}
	h := &holding{job: j}
	w.held[j.ID] = h
	return h
}

// current is the job with the claim under which it is held now.
func (w *Worker) current(h *holding) Job {
	w.mu.Lock()
	defer w.mu.Unlock()
	return h.job
}

// put gives a job to a slot: to a new one while there may be more. A house at rest has none.
func (w *Worker) put(h *holding) {
	w.queue <- h
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.busy < w.o.Slots {
		w.busy++
		w.slots.Go(w.slot)
	}
}

// slot runs jobs one after another while there are some.
func (w *Worker) slot() {
	for {
		select {
		case <-w.quit:
			return
		default:
		}
		select {
		case h := <-w.queue:
			w.attempt(w.handling, h)
		default:
			if w.spare() {
				return
			}
		}
	}
}

// spare gives up a slot for which there is no job. What is put in meanwhile either is seen
// here or finds the slot gone.
func (w *Worker) spare() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.queue) > 0 {
		return false
	}
	w.busy--
	return true
}

// let forgets a job whose attempt under a claim has ended, and keeps the next
// one of its lane if it was given one. A job that stayed open may have been
// claimed again before we came here: then it is in hand for that claim.
func (w *Worker) let(h *holding, ended int64, next *Job) {
	w.mu.Lock()
	again := h.job.claim != ended
	if !again {
		delete(w.held, h.job.ID)
	}
	roomy := cap(w.queue)-len(w.held) >= w.threshold()
	w.mu.Unlock()
	if again {
		w.put(h)
	}
	if next != nil {
		if h := w.hold(*next); h != nil {
			w.put(h) // at the end: a long lane does not keep others waiting
		}
	}
	if roomy {
		select {
		case w.low <- struct{}{}:
		default:
		}
	}
}

// renew extends the leases long before they end.
func (w *Worker) renew(ctx context.Context) {
	tick := time.NewTicker(w.o.Lease / 3)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		w.mu.Lock()
		ids := make([]string, 0, len(w.held))
		for id := range w.held {
			ids = append(ids, id)
		}
		w.mu.Unlock()
		if len(ids) == 0 {
			continue
		}
		err := w.d.Write(context.WithoutCancel(ctx), func(tx *db.Tx) error {
			tx.Defer(changes, &renewal{ids: ids, lease: w.o.Lease})
			return nil
		})
		if err != nil {
			w.o.Log.Error("leases of jobs cannot be renewed", "error", err)
		}
	}
}

// giveBack frees what was claimed and has not begun.
func (w *Worker) giveBack() error {
	var left []Job
	for {
		select {
		case h := <-w.queue:
			left = append(left, w.current(h))
			continue
		default:
		}
		break
	}
	if len(left) == 0 {
		return nil
	}
	err := w.d.Write(context.Background(), func(tx *db.Tx) error {
		for _, j := range left {
			tx.Defer(changes, &ending{job: j, how: released, lenient: true})
		}
		return nil
	})
	if err != nil && !errors.Is(err, db.ErrClosed) {
		return fmt.Errorf("give back %d jobs: %w", len(left), err)
	}
	return nil
}
