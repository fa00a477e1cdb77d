package job_test

import (
	"context"
	"sync"
	"testing"

	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
	"dingdong/internal/job"
)

// What waits in the lane of somebody who was erased is forgotten, whatever stands at its
// head: one that is being run, one that failed and waits, one that is dead. The lane is
// free at once, and the lanes beside it never notice.
func TestAForgottenLaneIsFree(t *testing.T) {
	for name, c := range map[string]struct {
		options job.Options
		fails   bool
	}{
		"its head is being run":      {},
		"its head failed and waits":  {fails: true},
		"its head failed for good":   {fails: true, options: job.Options{MaxAttempts: 1}},
		"its head is run, then dies": {options: job.Options{MaxAttempts: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, d *db.DB) {
				var mu sync.Mutex
				ran := map[string]int{}
				begun, goOn := make(chan struct{}, 8), make(chan struct{})
				handler := func(ctx context.Context, j job.Job) (job.Outcome, error) {
					var word string
					_ = j.Decode(&word)
					mu.Lock()
					ran[word]++
					mu.Unlock()
					if word != "hers 1" {
						return nil, nil
					}
					begun <- struct{}{}
					if c.fails {
						return nil, errNo
					}
					select {
					case <-goOn:
					case <-ctx.Done():
					}
					if c.options.MaxAttempts > 0 {
						return nil, errNo
					}
					return nil, nil
				}
				times := func(word string) int { mu.Lock(); defer mu.Unlock(); return ran[word] }
				start(t, d, map[string]job.Handler{"x": handler}, c.options)
				enqueue(t, d, job.New{Kind: "x", Lane: "hers", Args: "hers 1"}, job.New{Kind: "x", Lane: "hers", Args: "hers 2"},
					job.New{Kind: "x", Lane: "hers", Args: "hers 3"}, job.New{Kind: "x", Lane: "another's", Args: "another's"})
				<-begun
				if c.fails {
					until(t, "it has failed", func() bool { return stats(t, d).Running == 0 })
				}
				if c.fails && c.options.MaxAttempts == 1 {
					// A dead head lets the lane go on: the others have run already, or will.
					until(t, "the lane went on", func() bool { return times("hers 3") == 1 })
				}
				if err := d.Write(context.Background(), func(tx *db.Tx) error {
					job.Forget(tx, job.Forgetting{Lanes: []string{"hers"}, Mention: []string{"hers"}})
					return nil
				}); err != nil {
					t.Fatal(err)
				}
				enqueue(t, d, job.New{Kind: "x", Lane: "hers", Args: "afterwards"})
				close(goOn)
				until(t, "the lane is free", func() bool { return times("afterwards") == 1 })
				until(t, "another's ran", func() bool { return times("another's") == 1 })
				if c.options.MaxAttempts == 0 && times("hers 2")+times("hers 3") > 0 {
					t.Error("what was forgotten was run")
				}
				until(t, "nothing is left", func() bool { s := stats(t, d); return s.Waiting+s.Running == 0 })
			})
		})
	}
}
