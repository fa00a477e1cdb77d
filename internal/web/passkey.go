package web

import (
	"encoding/json"
	"net/http"
	"net/url"

	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// passkeyBody bounds what a browser says about a passkey: some devices send a chain of
// certificates, though we ask for none.
const passkeyBody = 64 << 10

// passkeyRow is one passkey in a list.
type passkeyRow struct {
	ID     string
	Name   string
	Text   string
	Worry  string
	Remove Confirm
}

func passkeyRows(v *Visit, clock Clock, keys []staff.Passkey) []passkeyRow {
	var rows []passkeyRow
	for _, k := range keys {
		row := passkeyRow{ID: k.ID, Name: k.Name, Text: v.T("passkey.added", "when", clock.Date(k.CreatedAt))}
		if !k.UsedAt.IsZero() {
			row.Text += " · " + v.T("passkey.used", "when", clock.Ago(k.UsedAt))
		}
		if k.Synced {
			row.Text += " · " + v.T("passkey.synced")
		}
		if !k.ClonedAt.IsZero() {
			row.Worry = v.T("passkey.cloned")
		}
		row.Remove = Confirm{ID: k.ID, Path: "/me/passkeys/" + k.ID + "/remove", Button: v.T("passkey.remove"), Small: true,
			Title: v.T("passkey.remove_title", "name", k.Name), Text: v.T("passkey.remove_text"), Go: v.T("passkey.remove_go")}
		rows = append(rows, row)
	}
	return rows
}

// wayWords says how somebody signed in; nothing for sessions from before it was noted.
func wayWords(v *Visit, w staff.Way) string {
	if key := "way." + string(w); v.Words.Has(key) {
		return v.T(key)
	}
	return ""
}

// passkeyNewPage is /me/passkeys/new: a name, and then the browser asks.
type passkeyNewPage struct {
	Frame
	Form   Form
	Usable bool
}

func (s *Server) newPasskey(w http.ResponseWriter, _ *http.Request, v *Visit) error {
	data := passkeyNewPage{Frame: s.frame(v, "me", v.T("passkey.new")), Usable: s.Door.Passkeys.Usable()}
	data.Form.Values = url.Values{"name": {device(v, v.request.UserAgent())}}
	return s.render(w, v, view{Page: "passkey_new", Data: data})
}

// passkeyAsk is what a script hands to the browser.
type passkeyAsk struct {
	Secret  string          `json:"secret"` // brings the answer to this question
	Options json.RawMessage `json:"options"`
}

// passkeyAnswer is what a script brings back.
type passkeyAnswer struct {
	Secret string          `json:"secret"`
	Name   string          `json:"name"`
	Next   string          `json:"next"`
	Answer json.RawMessage `json:"answer"`
}

func (s *Server) askNewPasskey(w http.ResponseWriter, r *http.Request, v *Visit) error {
	return s.askBrowser(w, r, func(tx *db.Tx) ([]byte, string, error) { return s.Door.AskAdd(tx, v.Viewer) })
}

func (s *Server) askPasskey(w http.ResponseWriter, r *http.Request, _ *Visit) error {
	return s.askBrowser(w, r, func(tx *db.Tx) ([]byte, string, error) { return s.Door.AskProof(tx, "") })
}

func (s *Server) askPasskeyAgain(w http.ResponseWriter, r *http.Request, v *Visit) error {
	return s.askBrowser(w, r, func(tx *db.Tx) ([]byte, string, error) { return s.Door.AskProof(tx, v.ID) })
}

func (s *Server) askBrowser(w http.ResponseWriter, r *http.Request, ask func(tx *db.Tx) ([]byte, string, error)) error {
	var a passkeyAsk
	err := s.DB.Write(r.Context(), func(tx *db.Tx) (err error) {
		a.Options, a.Secret, err = ask(tx)
		return err
	})
	if err != nil {
		return err
	}
	return s.sendJSON(w, r, a)
}

func (s *Server) sendJSON(w http.ResponseWriter, r *http.Request, x any) error {
	raw, err := json.Marshal(x)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	return s.send(w, r, http.StatusOK, raw)
}

func readAnswer(r *http.Request) (a passkeyAnswer, err error) {
	return a, readJSON(r, &a)
}

func (s *Server) addPasskey(w http.ResponseWriter, r *http.Request, v *Visit) error {
	a, err := readAnswer(r)
	if err != nil {
		return err
	}
	err = s.DB.Write(r.Context(), func(tx *db.Tx) error {
		_, err := s.Door.AddPasskey(tx, v.Viewer, staff.NewPasskey{Secret: a.Secret, Name: a.Name, Answer: a.Answer})
		return err
	})
	if err != nil {
		return err
	}
	s.setCookie(w, "done", "passkey_added", 60)
	return s.sendJSON(w, r, map[string]string{"next": "/me#passkeys"})
}

func (s *Server) removePasskey(w http.ResponseWriter, r *http.Request, v *Visit) error {
	err := s.DB.Write(r.Context(), func(tx *db.Tx) error { return staff.RemovePasskey(tx, v.Viewer, r.PathValue("passkey")) })
	var f Form
	if f.takeWhole(v, err) {
		return s.meForm(w, v, f)
	}
	if err != nil {
		return err
	}
	return s.done(w, v, "/me#passkeys", "done.passkey_removed")
}

func (s *Server) signInPasskey(w http.ResponseWriter, r *http.Request, v *Visit) error {
	a, err := readAnswer(r)
	if err != nil {
		return err
	}
	token, _, err := s.Door.SignInPasskey(r.Context(), staff.PasskeyProof{Secret: a.Secret, Answer: a.Answer, Meta: s.meta(v)})
	if err != nil {
		return err
	}
	if err := s.signedIn(w, v, token); err != nil {
		return err
	}
	return s.sendJSON(w, r, map[string]string{"next": local(a.Next, "/")})
}

func (s *Server) provePasskey(w http.ResponseWriter, r *http.Request, v *Visit) error {
	a, err := readAnswer(r)
	if err != nil {
		return err
	}
	token, err := s.Door.ConfirmPasskey(r.Context(), v.Viewer, staff.PasskeyProof{Secret: a.Secret, Answer: a.Answer, Meta: s.meta(v)})
	if err != nil {
		return err
	}
	s.setSession(w, token)
	return s.sendJSON(w, r, map[string]string{"next": local(a.Next, "/")})
}

// removePasskeysOf takes the passkeys of a colleague's who lost her device.
func (s *Server) removePasskeysOf(w http.ResponseWriter, r *http.Request, v *Visit) error {
	id := r.PathValue("staff")
	var f Form
	err := s.DB.Write(r.Context(), func(tx *db.Tx) error { return staff.RemovePasskeysOf(tx, v.Viewer, id) })
	if f.takeWhole(v, err) {
		return s.personPage(w, v, f)
	}
	if err != nil {
		return err
	}
	return s.done(w, v, "/admin/staff/"+id, "done.passkeys_removed")
}
