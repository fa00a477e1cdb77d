package job_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
	"dingdong/internal/job"
)

// BenchmarkDrain: jobs that do nothing, enqueued before the clock runs.
func BenchmarkDrain(b *testing.B) {
	for _, lanes := range []int{0, 500, 20000} {
		run := func(b *testing.B, d *db.DB) {
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
		b.Run(fmt.Sprintf("%d lanes/sqlite", lanes), func(b *testing.B) { run(b, dbtest.New(b)) })
		b.Run(fmt.Sprintf("%d lanes/postgres", lanes), func(b *testing.B) { run(b, dbtest.Postgres(b)) })
	}
}
