package web

import (
	"errors"
	"net/http"
	"strings"

	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// mePage is /me: everything about oneself.
type mePage struct {
	Frame
	Face        Avatar
	Email       string
	Role        staff.Role
	Place       string
	MustChange  bool
	ThemeChoice string
	Themes      []Option
	Form        Form // the password's
	Sessions    []sessionRow
	Others      bool // there are sessions beside this one
	Advises     bool // she answers customers
	Duty        dutyView
	Passkeys    []passkeyRow
	CanPasskeys bool // browsers give passkeys here
	MustPasskey bool // she has to add one before anything else
}

// sessionRow is one browser in which she is signed in.
type sessionRow struct {
	ID      string
	Device  string
	Icon    string
	Address string
	Seen    string
	Way     string // how she signed in, in words
	Current bool
}

func (s *Server) showMe(w http.ResponseWriter, _ *http.Request, v *Visit) error {
	return s.meForm(w, v, Form{})
}

func (s *Server) meForm(w http.ResponseWriter, v *Visit, f Form) error {
	var person staff.Person
	var directory staff.Directory
	var sessions []staff.Session
	var passkeys []staff.Passkey
	err := s.DB.Read(v.request.Context(), func(tx *db.Tx) (err error) {
		if person, err = staff.GetStaff(tx, v.ID); err != nil {
			return err
		}
		if directory, err = staff.LoadDirectory(tx); err != nil {
			return err
		}
		if passkeys, err = staff.PasskeysOf(tx, v.ID); err != nil {
			return err
		}
		sessions, err = staff.Sessions(tx, v.ID)
		return err
	})
	if err != nil {
		return err
	}
	data := mePage{Frame: s.frame(v, "me", v.T("nav.me")), Face: Avatar{ID: v.ID, Name: v.Name, Size: "large"},
		Email: v.Email, Role: v.Role, Place: workplace(person, directory), MustChange: v.MustChange,
		ThemeChoice: v.theme(), Form: f, Others: len(sessions) > 1,
		Themes: []Option{{"", v.T("me.theme.system")}, {"light", v.T("me.theme.light")}, {"dark", v.T("me.theme.dark")}}}
	data.Path = "/me"
	if data.Advises = v.May(staff.Chat); data.Advises {
		data.Duty = s.dutyView(v, person, directory)
		data.Duty.Error = f.Errors["until"]
	}
	clock := s.clock(v, homeZone(person, directory))
	data.Passkeys, data.CanPasskeys, data.MustPasskey = passkeyRows(v, clock, passkeys), s.Door.Passkeys.Usable(), v.MustPasskey
	for _, x := range sessions {
		data.Sessions = append(data.Sessions, sessionRow{ID: x.ID, Device: device(v, x.UserAgent), Icon: deviceIcon(x.UserAgent),
			Address: x.Address, Seen: v.T("me.session_seen", "when", clock.Ago(x.SeenAt)), Way: wayWords(v, x.Way), Current: x.ID == v.Session})
	}
	status := http.StatusOK
	if f.Failed() {
		status = http.StatusUnprocessableEntity
	}
	return s.render(w, v, view{Page: "me", Status: status, Data: data})
}

// homeZone is the time zone of the first counter where she works.
func homeZone(p staff.Person, d staff.Directory) string {
	for _, id := range p.Counters {
		if c, ok := d.Counter(id); ok {
			return c.Timezone
		}
	}
	return ""
}

// saveLook keeps the theme or the sound, whichever was sent.
func (s *Server) saveLook(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if err := r.ParseForm(); err != nil {
		return malformed(err)
	}
	theme, hasTheme := r.PostForm.Get("theme"), r.PostForm.Has("theme")
	err := s.DB.Write(r.Context(), func(tx *db.Tx) error {
		if hasTheme {
			if err := staff.SetTheme(tx, v.Viewer, theme); err != nil {
				return err
			}
		}
		if r.PostForm.Has("has_sound") {
			return staff.SetSound(tx, v.Viewer, r.PostForm.Get("sound") == "on")
		}
		return nil
	})
	if err != nil {
		return err
	}
	if hasTheme {
		s.setCookie(w, "theme", theme, yearSeconds)
	}
	return s.done(w, v, "/me", "done.saved")
}

// chooseLanguage switches at once: for her when she is signed in, and for this
// browser in any case, so that the sign-in page reads the same tomorrow.
func (s *Server) chooseLanguage(w http.ResponseWriter, r *http.Request, v *Visit) error {
	language := r.PostFormValue("language")
	if !s.languages.Known(language) {
		return db.Invalid{Field: "language", Code: "unknown"}
	}
	if err := s.identify(v); err != nil {
		return err
	}
	if v.SignedIn {
		err := s.DB.Write(r.Context(), func(tx *db.Tx) error { return staff.SetLanguage(tx, v.Viewer, language) })
		if err != nil {
			return err
		}
	}
	s.setCookie(w, "language", language, yearSeconds)
	return s.done(w, v, local(r.PostFormValue("back"), "/"), "")
}

func (s *Server) changePassword(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if err := r.ParseForm(); err != nil {
		return malformed(err)
	}
	var f Form
	err := s.Door.ChangePassword(r.Context(), v.Viewer, r.PostForm.Get("old"), r.PostForm.Get("password"))
	if errors.Is(err, staff.ErrWrongPassword) {
		f.Refuse("old", "wrong_password")
		return s.meForm(w, v, f)
	}
	if f.Take(err) {
		return s.meForm(w, v, f)
	}
	if err != nil {
		return err
	}
	return s.done(w, v, "/me", "done.password")
}

func (s *Server) endSession(w http.ResponseWriter, r *http.Request, v *Visit) error {
	id := r.PathValue("session")
	if id == v.Session {
		return s.signOut(w, r, v)
	}
	if err := s.DB.Write(r.Context(), func(tx *db.Tx) error { return staff.EndSession(tx, v.Viewer, id) }); err != nil {
		return err
	}
	return s.done(w, v, "/me", "done.session_ended")
}

func (s *Server) endOthers(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if err := s.DB.Write(r.Context(), func(tx *db.Tx) error { return staff.EndOthers(tx, v.Viewer) }); err != nil {
		return err
	}
	return s.done(w, v, "/me", "done.sessions_ended")
}

// browsers and systems are looked for in this order: many name others as well.
var (
	browsers = [][2]string{{"Edg", "Edge"}, {"OPR/", "Opera"}, {"SamsungBrowser", "Samsung Internet"},
		{"Firefox", "Firefox"}, {"FxiOS", "Firefox"}, {"CriOS", "Chrome"}, {"Chrome", "Chrome"}, {"Safari", "Safari"}}
	systems = [][2]string{{"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Android", "Android"}, {"Windows", "Windows"},
		{"CrOS", "ChromeOS"}, {"Mac OS X", "Mac"}, {"Linux", "Linux"}}
)

// device says in words which browser it was.
func device(v *Visit, agent string) string {
	browser, system := firstOf(browsers, agent), firstOf(systems, agent)
	if browser == "" || system == "" {
		return v.T("me.session_unknown")
	}
	return v.T("me.session_device", "browser", browser, "system", system)
}

func deviceIcon(agent string) string {
	switch firstOf(systems, agent) {
	case "iPhone", "iPad", "Android":
		return "phone"
	}
	return "screen"
}

func firstOf(names [][2]string, agent string) string {
	for _, n := range names {
		if strings.Contains(agent, n[0]) {
			return n[1]
		}
	}
	return ""
}
