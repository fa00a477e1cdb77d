package app

import (
	"net/http"
	"net/http/pprof"

	"github.com/VictoriaMetrics/metrics"

	"dingdong/internal/db"
	"dingdong/internal/job"
)

// measures answers Prometheus on a listener of its own: figures are for the
// people who run the house, not for the world.
func (a *App) measures() http.Handler {
	mux := http.NewServeMux()
	// Profiles tell where time and memory go; they hold no customer's words, but
	// they are nobody's business outside this machine.
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, r *http.Request) {
		var waiting, unassigned, queued, failed, events, behind int64
		var jobs job.Count
		err := a.DB.Read(r.Context(), func(tx *db.Tx) error {
			for _, q := range []struct {
				to    *int64
				query string
			}{
				{&waiting, `SELECT COUNT(*) FROM thread WHERE kind = 'person' AND waiting_since > 0`},
				{&unassigned, `SELECT COUNT(*) FROM thread WHERE kind = 'person' AND waiting_since > 0 AND assignee_id = ''`},
				{&queued, `SELECT COUNT(*) FROM message WHERE status = 'queued'`},
				{&failed, `SELECT COUNT(*) FROM message WHERE status IN ('failed', 'unknown')`},
				{&events, `SELECT n FROM tally WHERE name = 'event'`},
				{&behind, `SELECT e.n - r.n FROM tally e, tally r WHERE e.name = 'event' AND r.name = 'react'`},
			} {
				if err := tx.QueryRow(q.query).Scan(q.to); err != nil {
					return err
				}
			}
			var err error
			jobs, err = job.Stats(tx)
			return err
		})
		if err != nil {
			a.Log.Error("metrics", "error", err)
			http.Error(w, "the database does not answer", http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("Content-Type", "text/plain; version=0.0.4")
		metrics.WriteGaugeUint64(w, "dingdong_threads_waiting", uint64(waiting))
		metrics.WriteGaugeUint64(w, "dingdong_threads_waiting_unassigned", uint64(unassigned))
		metrics.WriteGaugeUint64(w, "dingdong_messages_queued", uint64(queued))
		metrics.WriteGaugeUint64(w, "dingdong_messages_failed", uint64(failed))
		metrics.WriteCounterUint64(w, "dingdong_events_total", uint64(events))
		metrics.WriteGaugeUint64(w, "dingdong_reactions_behind", uint64(behind))
		metrics.WriteGaugeUint64(w, "dingdong_jobs_waiting", uint64(jobs.Waiting))
		metrics.WriteGaugeUint64(w, "dingdong_jobs_running", uint64(jobs.Running))
		metrics.WriteGaugeUint64(w, "dingdong_jobs_dead", uint64(jobs.Dead))
		metrics.WriteProcessMetrics(w)
	})
	return mux
}
