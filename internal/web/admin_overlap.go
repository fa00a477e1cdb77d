package web

import (
	"net/http"
	"strconv"
	"time"

	"dingdong/internal/db"
	"dingdong/internal/webhook"
)

// overlapHours are the choices of how long an old secret still counts beside a new
// one; the first is what is usual, 0 is for one that has leaked.
var overlapHours = [...]int{24, 1, 168, 0}

func overlapOptions(v *Visit) []Option {
	var out []Option
	for _, h := range overlapHours {
		out = append(out, Option{strconv.Itoa(h), v.T("admin.overlap." + strconv.Itoa(h))})
	}
	return out
}

// overlapFrom reads the choice; nothing is what is usual.
func overlapFrom(hours string) (time.Duration, error) {
	switch n, err := strconv.Atoi(hours); {
	case hours == "":
		return 0, nil
	case err != nil || n < 0 || n > 24*30:
		return 0, db.Invalid{Field: "overlap", Code: "malformed"}
	case n == 0:
		return -1, nil
	default:
		return time.Duration(n) * time.Hour, nil
	}
}

func (s *Server) endOldSecret(w http.ResponseWriter, r *http.Request, v *Visit) error {
	id := r.PathValue("account")
	if err := s.DB.Write(r.Context(), func(tx *db.Tx) error { return s.Desk.EndOldSecret(tx, v.Viewer, id) }); err != nil {
		return err
	}
	return s.done(w, v, "/admin/accounts/"+id, "done.ended")
}

func (s *Server) endOldHookSecret(w http.ResponseWriter, r *http.Request, v *Visit) error {
	id := r.PathValue("endpoint")
	if err := s.DB.Write(r.Context(), func(tx *db.Tx) error { return s.Hooks.EndOldSecret(tx, v.Viewer, id) }); err != nil {
		return err
	}
	return s.done(w, v, "/admin/webhooks/"+id, "done.ended")
}

// renewWebhook makes a new signing secret and shows it this once.
func (s *Server) renewWebhook(w http.ResponseWriter, r *http.Request, v *Visit) error {
	id := r.PathValue("endpoint")
	var e webhook.Endpoint
	var secret string
	overlap, err := overlapFrom(r.PostFormValue("overlap"))
	if err == nil {
		err = s.DB.Write(r.Context(), func(tx *db.Tx) (err error) {
			e, secret, err = s.Hooks.Renew(tx, v.Viewer, webhook.Renewal{ID: id, Overlap: overlap})
			return err
		})
	}
	if err != nil {
		return err
	}
	text := v.T("admin.webhook.once")
	if !e.OldSecretUntil.IsZero() {
		text = v.T("admin.webhook.old_until", "when", s.clock(v, "").Moment(e.OldSecretUntil))
	}
	return s.reveal(w, v, adminSecretPage{
		Top:  AdminTop{Up: Step{"/admin/webhooks", v.T("admin.webhooks")}, Title: e.Name, Text: text},
		Lost: v.T("admin.webhook.lost_renew"), Settle: "/admin/webhooks/" + id, Copies: []Copy{{Label: v.T("admin.webhook.secret"), Text: secret}},
		Next: Step{Path: "/admin/webhooks/" + id},
	})
}
