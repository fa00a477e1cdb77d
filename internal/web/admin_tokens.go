package web

import (
	"net/http"
	"slices"
	"strings"

	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// adminTokensPage lists the API tokens.
type adminTokensPage struct {
	Frame
	Top     AdminTop
	Rows    []tokenRow
	Nothing Empty
}

// tokenRow is one API token.
type tokenRow struct {
	Name, Scopes  string
	Created, Used string
	Ended         string // empty: in force
	End           Confirm
}

func (s *Server) listTokens(w http.ResponseWriter, r *http.Request, v *Visit) error {
	var tokens []staff.Token
	var names map[string]string
	err := s.DB.Read(r.Context(), func(tx *db.Tx) (err error) {
		if tokens, err = staff.Tokens(tx); err != nil {
			return err
		}
		var ids []string
		for _, t := range tokens {
			ids = append(ids, t.CreatedBy)
		}
		slices.Sort(ids)
		names, err = staff.StaffNames(tx, slices.Compact(ids))
		return err
	})
	if err != nil {
		return err
	}
	title, add := v.T("admin.tokens"), Step{"/admin/tokens/new", v.T("admin.token.add")}
	data := adminTokensPage{Frame: s.frame(v, "admin", title), Top: AdminTop{Up: adminUp(v), Title: title, Text: v.T("admin.tokens.about")},
		Nothing: Empty{Icon: "key", Title: v.T("admin.tokens.none"), Text: v.T("admin.tokens.why")}.Action(add.Path, add.Text)}
	clock := s.clock(v, "")
	for _, t := range tokens {
		row := tokenRow{Name: t.Name, Scopes: strings.Join(scopeWords(v, t.Scopes), v.T("admin.list_comma")), Created: clock.Date(t.CreatedAt), Used: v.T("admin.token.never_used")}
		if by := names[t.CreatedBy]; by != "" {
			row.Created = v.T("admin.token.created_by", "date", row.Created, "name", by)
		}
		if !t.UsedAt.IsZero() {
			row.Used = clock.Ago(t.UsedAt)
		}
		if !t.EndedAt.IsZero() {
			row.Ended = v.T("admin.token.ended", "date", clock.Date(t.EndedAt))
		} else {
			row.End = Confirm{ID: t.ID, Path: "/admin/tokens/" + t.ID + "/end", Button: v.T("admin.token.end"), Small: true,
				Title: v.T("admin.token.end_title", "name", t.Name), Text: v.T("admin.token.end_text"), Go: v.T("admin.token.end")}
		}
		data.Rows = append(data.Rows, row)
	}
	if len(data.Rows) > 0 {
		data.Top.Do = add
	}
	return s.render(w, v, view{Page: "admin_tokens", Data: data})
}

// scopeKey is the sentence of a scope; keys have no colon.
func scopeKey(scope string) string { return strings.ReplaceAll(scope, ":", "_") }

func scopeWords(v *Visit, scopes []string) []string {
	words := make([]string, len(scopes))
	for i, scope := range scopes {
		words[i] = v.T("admin.scope." + scopeKey(scope))
	}
	return words
}

// adminTokenPage is the form of a new API token.
type adminTokenPage struct {
	Frame
	Top    AdminTop
	Form   Form
	Scopes Choices
}

func (s *Server) newToken(w http.ResponseWriter, _ *http.Request, v *Visit) error {
	return s.tokenPage(w, v, Form{})
}

func (s *Server) tokenPage(w http.ResponseWriter, v *Visit, f Form) error {
	data := adminTokenPage{Form: f, Top: AdminTop{Up: Step{"/admin/tokens", v.T("admin.tokens")}, Title: v.T("admin.token.add"), Text: v.T("admin.token.about")},
		Scopes: Choices{Name: "scopes", Label: v.T("admin.token.scopes"), Hint: v.T("admin.token.scopes_hint"), Error: f.Errors["scopes"]}}
	var options []Choice
	for _, scope := range staff.Scopes() {
		options = append(options, Choice{Value: scope, Text: v.T("admin.scope." + scopeKey(scope)), Hint: v.T("admin.scope_about." + scopeKey(scope)),
			On: slices.Contains(f.Values["scopes"], scope)})
	}
	data.Scopes.Groups = []ChoiceGroup{{Options: options}}
	data.Frame = s.frame(v, "admin", data.Top.Title)
	data.Path = "/admin/tokens/new"
	return s.render(w, v, view{Page: "admin_token", Status: f.status(), Data: data})
}

func (s *Server) createToken(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if err := r.ParseForm(); err != nil {
		return malformed(err)
	}
	f := Form{Values: r.PostForm}
	var plain string
	var t staff.Token
	err := s.DB.Write(r.Context(), func(tx *db.Tx) (err error) {
		plain, t, err = staff.CreateToken(tx, v.Viewer, r.PostForm.Get("name"), r.PostForm["scopes"])
		return err
	})
	if f.Take(err) {
		return s.tokenPage(w, v, f)
	}
	if err != nil {
		return err
	}
	copies := []Copy{{Label: v.T("admin.token"), Text: plain}}
	if t.Has(staff.ThreadsRead) {
		copies = append(copies, Copy{Label: v.T("admin.token.try"), Text: `curl -H "Authorization: Bearer ` + plain + `" ` + s.publicURL() + "/api/v1/threads"})
	}
	return s.reveal(w, v, adminSecretPage{
		Top:  AdminTop{Up: Step{"/admin/tokens", v.T("admin.tokens")}, Title: t.Name, Text: v.T("admin.token.once")},
		Lost: v.T("admin.token.lost"), Settle: "/admin/tokens", Copies: copies,
	})
}

func (s *Server) endToken(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if err := s.DB.Write(r.Context(), func(tx *db.Tx) error { return staff.EndToken(tx, v.Viewer, r.PathValue("token")) }); err != nil {
		return err
	}
	return s.done(w, v, "/admin/tokens", "done.ended")
}
