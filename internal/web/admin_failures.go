package web

import (
	"net/http"

	"dingdong/internal/audit"
	"dingdong/internal/conversation"
	"dingdong/internal/db"
	"dingdong/internal/job"
	"dingdong/internal/staff"
)

// adminFailuresPage is what did not arrive and what was given up.
type adminFailuresPage struct {
	Frame
	Top      AdminTop
	Messages []failedRow
	More     bool // there are older ones
	SeesJobs bool
	Jobs     []deadRow
	Nothing  Empty

	customers []string // whose names are shown
}

// failedRow is a message that did not reach its customer.
type failedRow struct {
	Face     Avatar
	Name     string
	By       string
	Text     string // empty: not hers to read
	Account  string
	At       string
	State    Pill
	Why      string
	Platform string // the platform's words
	Thread   string // empty: not hers to open
	Resend   string // empty: not hers to send
}

// deadRow is work that was given up.
type deadRow struct {
	Name     string
	Attempts int
	Error    string
	Since    string
	Retry    string
	Discard  Confirm
}

// maxFailures is how many of each the page shows.
const maxFailures = 100

func (s *Server) showFailures(w http.ResponseWriter, r *http.Request, v *Visit) error {
	title := v.T("nav.failures")
	data := adminFailuresPage{Frame: s.frame(v, "failures", title), SeesJobs: v.May(staff.ManageGroup),
		Top:     AdminTop{Up: adminUp(v), Title: title, Text: v.T("admin.failures.about")},
		Nothing: Empty{Icon: "check", Title: v.T("admin.failures.nothing"), Text: v.T("admin.failures.nothing_text")}}
	err := s.DB.Read(r.Context(), func(tx *db.Tx) error {
		if err := s.failedMessages(tx, v, &data); err != nil || !data.SeesJobs {
			return err
		}
		return s.deadJobs(tx, v, &data)
	})
	if err == nil {
		err = s.shown(r, v, "failures", data.customers)
	}
	if err != nil {
		return err
	}
	return s.render(w, v, view{Page: "admin_failures", Data: data})
}

func (s *Server) failedMessages(tx *db.Tx, v *Visit, data *adminFailuresPage) error {
	data.Messages, data.customers = nil, nil
	failed, err := s.Desk.Failures(tx, v.Viewer, maxFailures+1)
	if err != nil {
		return err
	}
	if data.More = len(failed) > maxFailures; data.More {
		failed = failed[:maxFailures]
	}
	ids := make([]string, len(failed))
	for i, m := range failed {
		ids[i] = m.ThreadID
	}
	threads, err := s.Desk.InboxRows(tx, ids)
	if err != nil {
		return err
	}
	byID := map[string]conversation.Thread{}
	for _, t := range threads {
		byID[t.ID] = t
		if v.Sees(t.CounterID) {
			data.customers = append(data.customers, t.CustomerID)
		}
	}
	x, err := s.scene(tx, v.Words, v.ID)
	if err != nil {
		return err
	}
	for _, m := range failed {
		data.Messages = append(data.Messages, failedLine(v, x, byID[m.ThreadID], m))
	}
	return nil
}

// failedLine shows a message to whoever sees its counter; to an administrator who
// does not, only that something failed there, and why.
func failedLine(v *Visit, x scene, t conversation.Thread, m conversation.Message) failedRow {
	row := failedRow{By: m.AuthorName, Account: t.AccountName, At: x.clock(t.CounterID).Moment(m.At),
		State: Pill{Tone: "soft", Text: v.T("status." + string(m.Status))}, Why: v.T("failure." + known(failures, m.Failure, "rejected")), Platform: m.Detail}
	if m.Author != conversation.AuthorStaff {
		row.By = v.T("admin.automation")
	}
	if !v.Sees(t.CounterID) {
		counter, _ := x.directory.Counter(t.CounterID)
		row.Name = v.T("admin.failures.somebody", "counter", counter.Name)
		row.Face = Avatar{ID: t.CounterID, Name: counter.Name, Channel: string(t.Channel)}
		return row
	}
	row.Name, row.Text, row.Thread = x.called(t), x.gist(m), "/inbox/"+m.ThreadID
	row.Face = faceOf(t, row.Name)
	if v.AnswersAt(t.CounterID) {
		row.Resend = "/admin/failures/messages/" + m.ID + "/resend"
	}
	return row
}

// jobKinds are the kinds of work with a sentence below "admin.job.".
var jobKinds = []string{"deliver", "fetch_media", "drop_media", "profile", "portrait", "mark_read", "quota", "sweep", "webhook", "react"}

func (s *Server) deadJobs(tx *db.Tx, v *Visit, data *adminFailuresPage) error {
	data.Jobs = nil
	dead, err := job.Dead(tx, maxFailures)
	clock := s.clock(v, "")
	for _, d := range dead {
		path := "/admin/failures/jobs/" + d.ID
		name := v.T("admin.job." + known(jobKinds, d.Kind, "other"))
		data.Jobs = append(data.Jobs, deadRow{Name: name, Attempts: d.Attempt, Error: d.Error, Since: clock.Moment(d.DeadAt), Retry: path + "/retry",
			Discard: Confirm{ID: d.ID, Path: path + "/discard", Button: v.T("admin.job.discard"), Small: true,
				Title: v.T("admin.job.discard_title"), Text: v.T("admin.job.discard_text", "name", name), Go: v.T("admin.job.discard")}})
	}
	return err
}

func (s *Server) resendFailed(w http.ResponseWriter, r *http.Request, v *Visit) error {
	err := s.DB.Write(r.Context(), func(tx *db.Tx) error {
		_, err := s.Desk.Resend(tx, v.Viewer, r.PathValue("message"))
		return err
	})
	if err != nil {
		return err
	}
	return s.done(w, v, "/admin/failures", "done.again")
}

// changeJob does something with work that was given up. The room below knows no
// people, so the permission is asked and the act recorded here.
func (s *Server) changeJob(w http.ResponseWriter, r *http.Request, v *Visit, c jobChange) error {
	id := r.PathValue("job")
	err := s.DB.Write(r.Context(), func(tx *db.Tx) error {
		if !v.May(staff.ManageGroup) {
			return staff.ErrForbidden
		}
		if err := c.do(tx, id); err != nil {
			return err
		}
		audit.Record(tx, audit.Entry{Actor: v.ID, Action: c.action, Object: id})
		return nil
	})
	if err != nil {
		return err
	}
	return s.done(w, v, "/admin/failures", c.done)
}

type jobChange struct {
	do           func(tx *db.Tx, id string) error
	action, done string
}

func (s *Server) retryJob(w http.ResponseWriter, r *http.Request, v *Visit) error {
	return s.changeJob(w, r, v, jobChange{job.Revive, "job.retry", "done.again"})
}

func (s *Server) discardJob(w http.ResponseWriter, r *http.Request, v *Visit) error {
	return s.changeJob(w, r, v, jobChange{job.Discard, "job.discard", "done.discarded"})
}
