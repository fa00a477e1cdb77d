package app

import (
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

type failureCommands struct {
	List   listFailures `cmd:"" help:"List messages that did not arrive, the newest first: id, when, status, account, reason, the platform's words."`
	Resend resendFailed `cmd:"" help:"Send messages again, in a new call."`
}

type listFailures struct {
	Limit int `default:"100" help:"Most lines."`
}

// Run lists failed messages: which they are and why they failed, never what
// they say or to whom.
func (f listFailures) Run(c *call, a *adminCommand) error {
	return a.look(c, func(h *App, tx *db.Tx) (out []row, err error) {
		list, err := h.Desk.Failures(tx, staff.System(), max(f.Limit, 0))
		for _, m := range list {
			out = append(out, told(m.ID, shown("at", m.At), shown("status", string(m.Status)), shown("account", m.AccountID),
				shown("reason", m.Failure), shown("detail", m.Detail), detail("thread", m.ThreadID)))
		}
		return out, err
	})
}

type resendFailed struct {
	Message []string `arg:"" help:"Ids of messages."`
}

// Run queues messages again, all of them or none, and prints how each stands: a
// message that the account cannot send now is refused.
func (f resendFailed) Run(c *call, a *adminCommand) error {
	return a.change(c, func(h *App, tx *db.Tx) ([]row, error) {
		return each(f.Message, func(id string) (row, error) {
			m, err := h.Desk.Resend(tx, staff.System(), id)
			return told(id, shown("status", string(m.Status)), shown("reason", m.Failure)), absent(err, "message", id, "failure")
		})
	})
}
