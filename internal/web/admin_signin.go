package web

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"dingdong/internal/db"
	"dingdong/internal/sso"
	"dingdong/internal/staff"
)

// adminSignInPage is /admin/sign-in: what the group wants of those who sign in.
type adminSignInPage struct {
	Frame
	Top       AdminTop
	Rules     Form
	Moves     []Option
	Roles     Choices
	Provider  Form
	HasSecret bool
	Callback  string
}

// Copied is the address that has to be entered at the provider.
func (p adminSignInPage) Copied() Copy { return Copy{Text: p.Callback} }

// ssoFinding is one line of the check.
type ssoFinding struct {
	Good bool
	Text string
}

// ssoFindings is the block that a check draws.
type ssoFindings struct{ Findings []ssoFinding }

func (s *Server) ssoSetting(v *Visit) (setting sso.Setting, err error) {
	if s.SSO == nil {
		return setting, nil
	}
	err = s.DB.Read(v.request.Context(), func(tx *db.Tx) (err error) {
		setting, err = s.SSO.Load(tx)
		return err
	})
	return setting, err
}

func (s *Server) showSignInRules(w http.ResponseWriter, _ *http.Request, v *Visit) error {
	return s.signInRulesPage(w, v, Form{}, Form{})
}

func (s *Server) signInRulesPage(w http.ResponseWriter, v *Visit, rules, provider Form) error {
	var r staff.Rules
	err := s.DB.Read(v.request.Context(), func(tx *db.Tx) (err error) {
		r, err = staff.LoadRules(tx)
		return err
	})
	if err != nil {
		return err
	}
	setting, err := s.ssoSetting(v)
	if err != nil {
		return err
	}
	if rules.Values == nil {
		rules.Values = url.Values{"idle_hours": {strconv.Itoa(r.IdleHours)}, "max_days": {strconv.Itoa(r.MaxDays)}, "moves": {string(r.Moves)},
			"no_passwords": {onOff(r.NoPasswords)}}
		for _, role := range r.PasskeyRoles {
			rules.Values.Add("passkey_roles", string(role))
		}
	}
	if provider.Values == nil {
		provider.Values = url.Values{"issuer": {setting.Issuer}, "client_id": {setting.ClientID}, "domains": {strings.Join(setting.Domains, ", ")},
			"button": {setting.Button}, "adds_people": {onOff(setting.AddsPeople)}, "on": {onOff(setting.On)}}
	}
	title := v.T("admin.sign_in")
	data := adminSignInPage{Frame: s.frame(v, "admin", title), Top: AdminTop{Up: adminUp(v), Title: title, Text: v.T("admin.sign_in.about")},
		Rules: rules, Provider: provider, HasSecret: setting.HasSecret,
		Moves: []Option{{string(staff.MovesNetwork), v.T("admin.sign_in.moves_network")}, {string(staff.MovesBrowser), v.T("admin.sign_in.moves_browser")},
			{string(staff.MovesNever), v.T("admin.sign_in.moves_never")}}}
	if s.SSO != nil {
		data.Callback = s.SSO.Callback()
	}
	data.Roles = Choices{Name: "passkey_roles", Label: v.T("admin.sign_in.roles"), Hint: v.T("admin.sign_in.roles_hint"), Error: rules.Errors["passkey_roles"]}
	g := ChoiceGroup{}
	for _, role := range staff.Roles() {
		g.Options = append(g.Options, Choice{Value: string(role), Text: v.T("role." + string(role)), On: has(rules.Values["passkey_roles"], string(role))})
	}
	data.Roles.Groups = []ChoiceGroup{g}
	data.Path = "/admin/sign-in"
	status := rules.status()
	if provider.Failed() {
		status = provider.status()
	}
	return s.render(w, v, view{Page: "admin_sign_in", Status: status, Data: data})
}

func has(list []string, x string) bool {
	for _, y := range list {
		if x == y {
			return true
		}
	}
	return false
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return ""
}

func (s *Server) saveSignInRules(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if err := r.ParseForm(); err != nil {
		return malformed(err)
	}
	f := Form{Values: r.PostForm}
	idle, _ := strconv.Atoi(r.PostForm.Get("idle_hours")) // nonsense is 0, and out of range
	days, _ := strconv.Atoi(r.PostForm.Get("max_days"))
	rules := staff.Rules{IdleHours: idle, MaxDays: days, Moves: staff.Moves(r.PostForm.Get("moves")), NoPasswords: r.PostForm.Get("no_passwords") == "on"}
	for _, role := range r.PostForm["passkey_roles"] {
		rules.PasskeyRoles = append(rules.PasskeyRoles, staff.Role(role))
	}
	if len(rules.PasskeyRoles) > 0 && !s.Door.Passkeys.Usable() {
		f.Refuse("passkey_roles", "no_passkeys")
		return s.signInRulesPage(w, v, f, Form{})
	}
	err := s.DB.Write(r.Context(), func(tx *db.Tx) error { return staff.SaveRules(tx, v.Viewer, rules) })
	if f.Take(err) {
		return s.signInRulesPage(w, v, f, Form{})
	}
	if err != nil {
		return err
	}
	return s.done(w, v, "/admin/sign-in", "done.saved")
}

func (s *Server) saveSSO(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if err := r.ParseForm(); err != nil {
		return malformed(err)
	}
	if s.SSO == nil {
		return sso.Refusal{Code: sso.Off}
	}
	p := r.PostForm
	f := Form{Values: p}
	err := s.DB.Write(r.Context(), func(tx *db.Tx) error {
		return s.SSO.Save(tx, v.Viewer, sso.Form{Issuer: p.Get("issuer"), ClientID: p.Get("client_id"), Secret: p.Get("secret"), Domains: p.Get("domains"),
			Button: p.Get("button"), AddsPeople: p.Get("adds_people") == "on", On: p.Get("on") == "on"})
	})
	if f.Take(err) {
		return s.signInRulesPage(w, v, Form{}, f)
	}
	if err != nil {
		return err
	}
	return s.done(w, v, "/admin/sign-in#provider", "done.saved")
}

// checkSSO says in words how the saved provider stands.
func (s *Server) checkSSO(w http.ResponseWriter, r *http.Request, v *Visit) error {
	setting, err := s.ssoSetting(v)
	if err != nil {
		return err
	}
	var data ssoFindings
	if s.SSO != nil {
		for _, f := range s.SSO.Check(r.Context(), setting) {
			text := v.T("sso.check." + f.Code)
			if f.What != "" {
				text += " (" + f.What + ")"
			}
			data.Findings = append(data.Findings, ssoFinding{f.Good, text})
		}
	}
	return s.render(w, v, view{Page: "admin_sign_in", Block: "sso-findings", Data: data})
}
