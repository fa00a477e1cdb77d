package job_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
	"dingdong/internal/job"
)

// BenchmarkDrain: jobs that do nothing, enqueued before the clock runs.
func BenchmarkDrain(b *testing.B) {
	for _, lanes := range []int{0, 500, 20000} {
		b.Run(fmt.Sprintf("%d lanes/sqlite", lanes), func(b *testing.B) { drain(b, dbtest.New(b), lanes) })
		b.Run(fmt.Sprintf("%d lanes/postgres", lanes), func(b *testing.B) { drain(b, dbtest.Postgres(b), lanes) })
	}
}

func drain(b *testing.B, d *db.DB, lanes int) {
	const chunk = 1000
	for n := 0; n < b.N; n += chunk {
		write(b, d, func(tx *db.Tx) error {
			for i := n; i < min(n+chunk, b.N); i++ {
				lane := ""
				if lanes > 0 {
					lane = fmt.Sprintf("lane%d", i%lanes)
				}
				if err := job.Enqueue(tx, job.New{Kind: "nothing", Lane: lane}); err != nil {
					return err
				}
			}
			return nil
		})
	}
	var left atomic.Int64
	left.Store(int64(b.N))
	all := make(chan struct{})
	nothing := func(context.Context, job.Job) (job.Outcome, error) {
		if left.Add(-1) == 0 {
			close(all)
		}
		return nil, nil
	}
	b.ResetTimer()
	r := start(b, d, map[string]job.Handler{"nothing": nothing}, job.Options{})
	<-all
	r.stop(b)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "jobs/s")
}

// BenchmarkBacklog: the same beside 100,000 jobs that wait behind a failed one
// and 100,000 whose time has not come.
func BenchmarkBacklog(b *testing.B) {
	run := func(b *testing.B, d *db.DB) {
		later := d.Now().Add(24 * time.Hour)
		enqueue(b, d, job.New{Kind: "nothing", Lane: "blocked", RunAt: later})
		for range 100 {
			write(b, d, func(tx *db.Tx) error {
				for i := range 1000 {
					err := errors.Join(job.Enqueue(tx, job.New{Kind: "nothing", Lane: "blocked", Key: tx.NewID("key")}),
						job.Enqueue(tx, job.New{Kind: "nothing", Lane: fmt.Sprint(i), RunAt: later}))
					if err != nil {
						return err
					}
				}
				return nil
			})
		}
		drain(b, d, 500)
	}
	b.Run("sqlite", func(b *testing.B) { run(b, dbtest.New(b)) })
	b.Run("postgres", func(b *testing.B) { run(b, dbtest.Postgres(b)) })
}
