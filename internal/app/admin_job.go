package app

import (
	"dingdong/internal/audit"
	"dingdong/internal/db"
	"dingdong/internal/job"
	"dingdong/internal/staff"
)

type jobCommands struct {
	List    listJobs    `cmd:"" help:"List what was given up, the latest first: id, kind, attempts, since, error."`
	Retry   retryJobs   `cmd:"" help:"Give jobs all their attempts again."`
	Discard discardJobs `cmd:"" help:"Drop jobs, for good."`
}

type listJobs struct {
	Limit int `default:"100" help:"Most lines."`
}

// Run lists dead jobs.
func (f listJobs) Run(c *call, a *adminCommand) error {
	return a.look(c, func(_ *App, tx *db.Tx) (out []row, err error) {
		list, err := job.Dead(tx, max(f.Limit, 0))
		for _, d := range list {
			out = append(out, told(d.ID, shown("kind", d.Kind), shown("attempts", d.Attempt), shown("dead_at", d.DeadAt), shown("error", d.Error),
				detail("lane", d.Lane), detail("key", d.Key)))
		}
		return out, err
	})
}

type retryJobs struct {
	Job []string `arg:"" help:"Ids of jobs."`
}

// Run revives jobs: all of them, or none.
func (f retryJobs) Run(c *call, a *adminCommand) error {
	return a.changeJobs(c, f.Job, jobAct{job.Revive, "job.retry"})
}

type discardJobs struct {
	Job []string `arg:"" help:"Ids of jobs."`
}

// Run drops jobs: all of them, or none.
func (f discardJobs) Run(c *call, a *adminCommand) error {
	return a.changeJobs(c, f.Job, jobAct{job.Discard, "job.discard"})
}

type jobAct struct {
	do     func(tx *db.Tx, id string) error
	action string
}

// changeJobs does something with work that was given up. The room below knows
// no people, so the act is recorded here, as the console does.
func (a *adminCommand) changeJobs(c *call, ids []string, act jobAct) error {
	return a.change(c, func(_ *App, tx *db.Tx) ([]row, error) {
		return each(ids, func(id string) (row, error) {
			if err := act.do(tx, id); err != nil {
				return row{}, absent(err, "job", id, "job")
			}
			audit.Record(tx, audit.Entry{Actor: staff.System().ID, Action: act.action, Object: id})
			return told(id), nil
		})
	})
}
