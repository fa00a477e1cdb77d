package web

import (
	"context"
	"net/http"
	"strings"
	"time"

	"dingdong/internal/channel"
	"dingdong/internal/staff"
)

// checkTime is how long a platform may take: less than htmx waits.
const checkTime = 15 * time.Second

// findingsView is what a check of an account found, in words.
type findingsView struct {
	Good  bool
	Lines []findingLine
}

// findingLine is one thing that is right or wrong.
type findingLine struct {
	OK     bool
	Text   string
	What   string // what to do about it
	Detail string // the platform's words
}

// findings are the codes with a sentence below "check."; what can be done about
// what is wrong is below "check_do.".
var findings = []string{"token_ok", "token_refused", "bot_ok", "webhook_ok", "webhook_other", "webhook_off", "webhook_test_ok",
	"webhook_test_failed", "quota_ok", "quota_low", "unreachable", "nothing_to_check"}

func (s *Server) checkAccount(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if !v.May(staff.ManageGroup) { // the room asks in the house's own name
		return staff.ErrForbidden
	}
	ctx, cancel := context.WithTimeout(r.Context(), checkTime)
	defer cancel()
	found, err := s.Desk.CheckAccount(ctx, r.PathValue("account"))
	if ctx.Err() != nil && r.Context().Err() == nil { // the platform is slow, not we
		found, err = []channel.Finding{{Code: "unreachable"}}, nil
	}
	if err != nil {
		return err
	}
	data := findingsView{Good: true}
	for _, f := range found {
		code := known(findings, f.Code, "unreachable")
		line := findingLine{OK: f.OK, Text: v.T("check." + code), Detail: strings.TrimSpace(f.Detail)}
		if !f.OK {
			data.Good = false
			if do := "check_do." + code; v.Words.Has(do) {
				line.What = v.T(do)
			}
		}
		data.Lines = append(data.Lines, line)
	}
	return s.render(w, v, view{Page: "admin_account", Block: "findings", Data: data})
}
