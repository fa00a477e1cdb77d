package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"dingdong/internal/db"
	"dingdong/internal/event"
	"dingdong/internal/webhook"
)

func (s *Server) listWebhooks(w http.ResponseWriter, r *http.Request, v *Visit) error {
	var endpoints []webhook.Endpoint
	err := s.DB.Read(r.Context(), func(tx *db.Tx) (err error) {
		endpoints, err = s.Hooks.List(tx, v.Viewer)
		return err
	})
	if err != nil {
		return err
	}
	title, add := v.T("admin.webhooks"), Step{"/admin/webhooks/new", v.T("admin.webhook.add")}
	data := adminListPage{Frame: s.frame(v, "admin", title), Top: AdminTop{Up: adminUp(v), Title: title, Text: v.T("admin.webhooks.about")},
		Nothing: Empty{Icon: "hook", Title: v.T("admin.webhooks.none"), Text: v.T("admin.webhooks.why")}.Action(add.Path, add.Text)}
	var g adminGroup
	for _, e := range endpoints {
		row := adminRow{Path: "/admin/webhooks/" + e.ID, Icon: "hook", Name: e.Name, Text: e.URL}
		switch {
		case !e.PausedAt.IsZero():
			row.Worry = v.T("admin.webhook.paused")
		case e.Queued > 0:
			row.Pills = []Pill{{Tone: "amber", Text: v.T("admin.webhook.queued", "n", e.Queued)}}
		}
		g.Rows = append(g.Rows, row)
	}
	if len(g.Rows) > 0 {
		data.Groups, data.Top.Do = []adminGroup{g}, add
	}
	return s.render(w, v, view{Page: "admin_list", Data: data})
}

// adminWebhookPage is one endpoint with its log, or the form of a new one.
type adminWebhookPage struct {
	Frame
	Top      AdminTop
	Form     Form
	Action   string
	Kinds    Choices
	Known    bool
	Paused   string // since when
	Queued   string
	Old      string // until when the old secret counts, in words
	Renew    Form
	Overlaps []Option
	End      Confirm
	Log      []deliveryRow
}

// deliveryRow is one event on its way to an endpoint.
type deliveryRow struct {
	Kind, State, Tone string
	Attempts          int
	Answer            string // HTTP status and why it failed
	At, Retry         string
}

// logRows is how many deliveries the page shows.
const logRows = 50

var deliveryTones = map[string]string{"queued": "amber", "sent": "green", "failed": "soft"}

func (s *Server) showWebhook(w http.ResponseWriter, _ *http.Request, v *Visit) error {
	return s.webhookPage(w, v, Form{})
}

func (s *Server) webhookPage(w http.ResponseWriter, v *Visit, f Form) error {
	id := v.request.PathValue("endpoint")
	var e webhook.Endpoint
	var log []webhook.Delivery
	err := s.DB.Read(v.request.Context(), func(tx *db.Tx) (err error) {
		if id == "" {
			return nil
		}
		if e, err = s.Hooks.Get(tx, v.Viewer, id); err != nil {
			return err
		}
		log, err = s.Hooks.Deliveries(tx, v.Viewer, id, logRows)
		return err
	})
	if err != nil {
		return err
	}
	data := adminWebhookPage{Action: "/admin/webhooks", Top: AdminTop{Up: Step{"/admin/webhooks", v.T("admin.webhooks")}, Title: v.T("admin.webhook.add"), Text: v.T("admin.webhook.about")}}
	if id != "" {
		data.Action += "/" + id
		data.Known, data.Top.Title, data.Top.Text = true, e.Name, ""
		clock := s.clock(v, "")
		if !e.PausedAt.IsZero() {
			data.Paused = v.T("admin.webhook.paused_since", "when", clock.Moment(e.PausedAt))
		}
		if e.Queued > 0 {
			data.Queued = v.T("admin.webhook.queued", "n", e.Queued)
		}
		data.Overlaps = overlapOptions(v)
		if !e.OldSecretUntil.IsZero() {
			data.Old = v.T("admin.webhook.old_until", "when", clock.Moment(e.OldSecretUntil))
		}
		data.End = Confirm{ID: "end", Path: data.Action + "/end", Button: v.T("admin.webhook.end"),
			Title: v.T("admin.webhook.end_title", "name", e.Name), Text: v.T("admin.webhook.end_text"), Go: v.T("admin.webhook.end")}
		for _, d := range log {
			data.Log = append(data.Log, deliveryLine(v, clock, data.Action, d))
		}
		if f.Values == nil {
			f.Values = url.Values{"name": {e.Name}, "url": {e.URL}}
			for _, k := range e.Kinds {
				f.Values.Add("kinds", string(k))
			}
		}
	}
	data.Form, data.Kinds = f, kindChoices(v, f)
	data.Frame = s.frame(v, "admin", data.Top.Title)
	data.Path = data.Action
	return s.render(w, v, view{Page: "admin_webhook", Status: f.status(), Data: data})
}

func deliveryLine(v *Visit, clock Clock, action string, d webhook.Delivery) deliveryRow {
	row := deliveryRow{Kind: v.T("admin.event." + kindKey(string(d.Kind))), State: v.T("admin.delivery." + known(deliveryStates, d.State, "queued")),
		Tone: deliveryTones[d.State], Attempts: d.Attempts, Answer: d.Error, At: clock.Moment(d.At)}
	if !d.TriedAt.IsZero() {
		row.At = clock.Moment(d.TriedAt)
	}
	if row.Answer == "" && d.Status > 0 {
		row.Answer = http.StatusText(d.Status)
	}
	if d.State != "queued" {
		row.Retry = action + "/deliveries/" + d.ID + "/retry"
	}
	return row
}

var deliveryStates = []string{"queued", "sent", "failed"}

// kindKey is the sentence of an event's kind, which every kind has.
func kindKey(kind string) string { return strings.ReplaceAll(kind, ".", "_") }

func kindChoices(v *Visit, f Form) Choices {
	c := Choices{Name: "kinds", Label: v.T("admin.webhook.kinds"), Hint: v.T("admin.webhook.kinds_hint"), Error: f.Errors["kinds"]}
	var options []Choice
	for _, k := range event.Kinds() {
		options = append(options, Choice{Value: string(k), Text: v.T("admin.event." + kindKey(string(k))), Hint: string(k),
			On: slices.Contains(f.Values["kinds"], string(k))})
	}
	c.Groups = []ChoiceGroup{{Options: options}}
	return c
}

func (s *Server) saveWebhook(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if err := r.ParseForm(); err != nil {
		return malformed(err)
	}
	f := Form{Values: r.PostForm}
	var e webhook.Endpoint
	var secret string
	err := s.DB.Write(r.Context(), func(tx *db.Tx) (err error) {
		e, secret, err = s.Hooks.Save(tx, v.Viewer, webhook.Form{ID: r.PathValue("endpoint"), Name: r.PostForm.Get("name"),
			URL: r.PostForm.Get("url"), Kinds: slices.Clone(r.PostForm["kinds"])})
		return err
	})
	if f.Take(err) {
		return s.webhookPage(w, v, f)
	}
	if err != nil {
		return err
	}
	if secret == "" {
		return s.done(w, v, "/admin/webhooks/"+e.ID, "done.saved")
	}
	return s.reveal(w, v, adminSecretPage{
		Top:  AdminTop{Up: Step{"/admin/webhooks", v.T("admin.webhooks")}, Title: e.Name, Text: v.T("admin.webhook.once")},
		Lost: v.T("admin.webhook.lost"), Settle: "/admin/webhooks/" + e.ID, Copies: []Copy{{Label: v.T("admin.webhook.secret"), Text: secret}},
		Next: Step{Path: "/admin/webhooks/" + e.ID},
	})
}

func (s *Server) pauseWebhook(w http.ResponseWriter, r *http.Request, v *Visit) error {
	id := r.PathValue("endpoint")
	if err := s.DB.Write(r.Context(), func(tx *db.Tx) error { return s.Hooks.Pause(tx, v.Viewer, id) }); err != nil {
		return err
	}
	return s.done(w, v, "/admin/webhooks/"+id, "done.paused")
}

func (s *Server) resumeWebhook(w http.ResponseWriter, r *http.Request, v *Visit) error {
	id := r.PathValue("endpoint")
	if err := s.DB.Write(r.Context(), func(tx *db.Tx) error { return s.Hooks.Resume(tx, v.Viewer, id) }); err != nil {
		return err
	}
	return s.done(w, v, "/admin/webhooks/"+id, "done.resumed")
}

func (s *Server) endWebhook(w http.ResponseWriter, r *http.Request, v *Visit) error {
	err := s.DB.Write(r.Context(), func(tx *db.Tx) error { return s.Hooks.End(tx, v.Viewer, r.PathValue("endpoint")) })
	if err != nil {
		return err
	}
	return s.done(w, v, "/admin/webhooks", "done.ended")
}

func (s *Server) retryDelivery(w http.ResponseWriter, r *http.Request, v *Visit) error {
	err := s.DB.Write(r.Context(), func(tx *db.Tx) error {
		_, err := s.Hooks.Retry(tx, v.Viewer, r.PathValue("delivery"))
		return err
	})
	if err != nil {
		return err
	}
	return s.done(w, v, "/admin/webhooks/"+r.PathValue("endpoint"), "done.again")
}
