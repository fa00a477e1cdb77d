package job_test

import (
	"context"
	"io"
	"log/slog"
	"testing"
	"time"

	"dingdong/internal/db"
	"dingdong/internal/job"
)

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

// running is a worker that a test may end.
type running struct {
	*job.Worker
	cancel context.CancelFunc
	ended  chan error
}

func start(t testing.TB, d *db.DB, handlers map[string]job.Handler, o job.Options) *running {
	t.Helper()
	if o.Log == nil {
		o.Log = quiet
	}
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{Worker: job.NewWorker(d, handlers, o), cancel: cancel, ended: make(chan error, 1)}
	go func() { r.ended <- r.Run(ctx) }()
	t.Cleanup(func() { r.stop(t) })
	return r
}

func (r *running) stop(t testing.TB) {
	t.Helper()
	r.cancel()
	if r.ended == nil {
		return
	}
	if err := <-r.ended; err != nil {
		t.Error(err)
	}
	r.ended = nil
}

func write(t testing.TB, d *db.DB, fn func(*db.Tx) error) {
	t.Helper()
	if err := d.Write(context.Background(), fn); err != nil {
		t.Fatal(err)
	}
}

func enqueue(t testing.TB, d *db.DB, jobs ...job.New) {
	t.Helper()
	write(t, d, func(tx *db.Tx) error {
		for _, n := range jobs {
			if err := job.Enqueue(tx, n); err != nil {
				return err
			}
		}
		return nil
	})
}

func stats(t testing.TB, d *db.DB) (c job.Count) {
	t.Helper()
	err := d.Read(context.Background(), func(tx *db.Tx) (err error) { c, err = job.Stats(tx); return err })
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// until polls a condition of the database.
func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(2 * time.Minute)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline:
			t.Fatalf("%s: not within two minutes", what)
		case <-tick.C:
		}
	}
}

func empty(t testing.TB, d *db.DB) {
	t.Helper()
	until(t, "no job is left", func() bool { c := stats(t, d); return c.Waiting+c.Running == 0 })
}
