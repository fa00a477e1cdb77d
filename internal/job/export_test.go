package job

import (
	"context"
	"time"

	"dingdong/internal/db"
)

// Abandon claims jobs as a worker does that is gone a moment later.
func Abandon(d *db.DB, limit int, lease time.Duration) (int, error) {
	w := NewWorker(d, nil, Options{Lease: lease})
	w.busy = w.o.Slots // nobody begins one
	c, err := w.take(context.Background(), limit)
	if err != nil {
		return 0, err
	}
	return len(c.jobs), nil
}

// Busy is how many slots a worker has.
func (w *Worker) Busy() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.busy
}
