package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"dingdong/internal/conversation"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

func (s *Server) listStaff(w http.ResponseWriter, r *http.Request, v *Visit) error {
	var people []staff.Person
	var g group
	err := s.DB.Read(r.Context(), func(tx *db.Tx) (err error) {
		if g, err = loadGroup(tx); err != nil {
			return err
		}
		people, err = staff.ListStaff(tx)
		return err
	})
	if err != nil {
		return err
	}
	query := strings.TrimSpace(r.URL.Query().Get("q"))
	title := v.T("admin.staff")
	data := adminListPage{Frame: s.frame(v, "admin", title),
		Top:     AdminTop{Up: adminUp(v), Title: title, Text: v.T("admin.staff.about"), Do: Step{"/admin/staff/new", v.T("admin.staff.add")}},
		Filter:  &Filter{Path: "/admin/staff", Value: query, Label: v.T("admin.staff.search")},
		Nothing: Empty{Icon: "people", Title: v.T("admin.staff.not_found"), Text: v.T("admin.staff.not_found_text")}.Action("/admin/staff", v.T("admin.staff.all"))}
	working, left := adminGroup{}, adminGroup{Title: v.T("admin.staff.left")}
	for _, p := range people {
		if !found(query, p.Name, p.Email) {
			continue
		}
		row := adminRow{Path: "/admin/staff/" + p.ID, Face: Avatar{ID: p.ID, Name: p.Name}, Name: p.Name, Text: worksAt(v, p, g)}
		if !p.LeftAt.IsZero() {
			row.Closed, row.Text = true, v.T("admin.staff.left_on", "date", s.clock(v, "").Date(p.LeftAt))
			left.Rows = append(left.Rows, row)
			continue
		}
		row.Text = strings.TrimSuffix(v.T("role."+string(p.Role))+" · "+row.Text, " · ")
		switch {
		case !p.HasPassword:
			row.Worry = v.T("admin.staff.needs_password")
		case worksNowhere(p):
			row.Worry = v.T("admin.staff.needs_counter")
		}
		working.Rows = append(working.Rows, row)
	}
	for _, part := range []adminGroup{working, left} {
		if len(part.Rows) > 0 {
			data.Groups = append(data.Groups, part)
		}
	}
	return s.render(w, v, view{Page: "admin_list", Data: data})
}

// found tells whether a query is part of one of the texts, or empty.
func found(query string, texts ...string) bool {
	query = strings.ToLower(query)
	return slices.ContainsFunc(texts, func(t string) bool { return strings.Contains(strings.ToLower(t), query) })
}

// worksAt names the stores she manages and the counters she stands at.
func worksAt(v *Visit, p staff.Person, g group) string {
	var names []string
	for _, st := range g.stores {
		if slices.Contains(p.Stores, st.ID) {
			names = append(names, v.T("admin.staff.whole_store", "store", st.Name))
		}
	}
	for _, c := range g.directory.Counters {
		if slices.Contains(p.Counters, c.ID) {
			names = append(names, c.Name)
		}
	}
	const shown = 3
	if more := len(names) - shown; more > 0 {
		names = append(names[:shown], v.T("admin.staff.more_places", "n", more))
	}
	if len(names) == 0 && p.Role == staff.Privacy {
		return v.T("admin.staff.sees_all")
	}
	return strings.Join(names, v.T("admin.list_comma"))
}

// worksNowhere tells that she should answer customers and sees none.
func worksNowhere(p staff.Person) bool {
	return (p.Role == staff.Advisor || p.Role == staff.Manager) && len(p.Counters)+len(p.Stores) == 0
}

// adminPersonPage is the page of one member of staff.
type adminPersonPage struct {
	Frame
	Top        AdminTop
	Form       Form
	Action     string
	Roles      Choices
	Speaks     []Option // languages
	Counters   Choices
	Stores     Choices
	Known      bool // somebody who is there already
	Self       bool
	Left       bool
	Password   string // how her password stands, in words
	Reset      Confirm
	Keys       string // how many passkeys she has, in words; "": none
	RemoveKeys Confirm
	End        Confirm
	Shown      shownFields
	Duty       dutyView
	Return     string
}

func (s *Server) showPerson(w http.ResponseWriter, _ *http.Request, v *Visit) error {
	return s.personPage(w, v, Form{})
}

// personPage shows the form of the person that the path names, or of a new one.
func (s *Server) personPage(w http.ResponseWriter, v *Visit, f Form) error {
	id := v.request.PathValue("staff")
	var g group
	var p staff.Person
	var keys []staff.Passkey
	held := 0
	err := s.DB.Read(v.request.Context(), func(tx *db.Tx) (err error) {
		if g, err = loadGroup(tx); err != nil || id == "" {
			return err
		}
		if p, err = staff.GetStaff(tx, id); err != nil {
			return err
		}
		if keys, err = staff.PasskeysOf(tx, id); err != nil {
			return err
		}
		held, err = conversation.Held(tx, id)
		return err
	})
	if err != nil {
		return err
	}
	data := adminPersonPage{Action: "/admin/staff", Top: AdminTop{Up: Step{"/admin/staff", v.T("admin.staff")}, Title: v.T("admin.staff.add")},
		Speaks: []Option{{"", v.T("admin.staff.browser_language")}}}
	if f.Values == nil {
		f.Values = url.Values{"name": {p.Name}, "email": {p.Email}, "role": {string(p.Role)}, "language": {p.Language}, "counters": p.Counters, "stores": p.Stores,
			"languages": p.Languages, "specialities": {p.Specialities}}
	}
	for _, l := range s.languages.All {
		data.Speaks = append(data.Speaks, Option{l.Tag, l.Name})
	}
	data.Form, data.Roles, data.Counters, data.Stores = f, roleChoices(v, f), counterChoices(v, g, f), storeChoices(v, g, f)
	data.Shown = shownForm(v, f)
	if id != "" {
		data.Duty = s.dutyView(v, p, g.directory)
		data.Duty.Error = f.Errors["until"]
		s.knownPerson(v, &data, p, held)
		if len(keys) > 0 {
			data.Keys = v.T("passkey.count", "n", len(keys))
			data.RemoveKeys = Confirm{ID: "keys", Path: data.Action + "/passkeys/remove", Button: v.T("passkey.remove_all"),
				Title: v.T("passkey.remove_all_title", "name", p.Name), Text: v.T("passkey.remove_all_text"), Go: v.T("passkey.remove_go")}
		}
	}
	data.Frame = s.frame(v, "admin", data.Top.Title)
	data.Path = data.Action
	return s.render(w, v, view{Page: "admin_person", Status: f.status(), Data: data})
}

// knownPerson adds what can be done with somebody who is there already.
func (s *Server) knownPerson(v *Visit, data *adminPersonPage, p staff.Person, held int) {
	data.Action += "/" + p.ID
	data.Known, data.Self, data.Left = true, p.ID == v.ID, !p.LeftAt.IsZero()
	data.Top.Title, data.Top.Text = p.Name, v.T("role."+string(p.Role))
	if data.Left {
		data.Top.Text, data.Return = v.T("admin.staff.left_on", "date", s.clock(v, "").Date(p.LeftAt)), data.Action+"/return"
		return
	}
	data.Password = v.T("admin.password.own")
	switch {
	case !p.HasPassword:
		data.Password = v.T("admin.password.none")
	case p.MustChange:
		data.Password = v.T("admin.password.given")
	}
	data.Reset = Confirm{ID: "reset", Path: data.Action + "/password", Button: v.T("admin.password.reset"),
		Title: v.T("admin.password.reset_title", "name", p.Name), Text: v.T("admin.password.reset_text"), Go: v.T("admin.password.reset_go")}
	effect := v.T("admin.staff.end_text")
	if held > 0 {
		effect = v.T("admin.staff.end_threads", "n", held, "effect", effect)
	}
	data.End = Confirm{ID: "end", Path: data.Action + "/end", Button: v.T("admin.staff.end"),
		Title: v.T("admin.staff.end_title", "name", p.Name), Text: effect, Go: v.T("admin.staff.end_go")}
}

// roleChoices says of each role what it is for.
func roleChoices(v *Visit, f Form) Choices {
	var options []Choice
	for _, role := range staff.Roles() {
		options = append(options, Choice{Value: string(role), Text: v.T("role." + string(role)), Hint: v.T("admin.role." + string(role)),
			On: f.Values.Get("role") == string(role)})
	}
	return Choices{One: true, Name: "role", Label: v.T("admin.staff.role"), Error: f.Errors["role"], Groups: []ChoiceGroup{{Options: options}}}
}

// counterChoices offers every open counter, below its store; of closed ones only
// those that are ticked.
func counterChoices(v *Visit, g group, f Form) Choices {
	c := Choices{Name: "counters", Label: v.T("admin.counters"), Hint: v.T("admin.staff.counters_hint"), Error: f.Errors["counters"], None: v.T("admin.staff.no_counters")}
	last := ""
	for _, x := range g.directory.Counters {
		on := slices.Contains(f.Values["counters"], x.ID)
		if x.Closed && !on {
			continue
		}
		if x.StoreID != last {
			c.Groups = append(c.Groups, ChoiceGroup{Title: x.Store})
			last = x.StoreID
		}
		option := Choice{Value: x.ID, Text: x.Name, On: on}
		if x.Closed {
			option.Hint = v.T("admin.closed_title")
		}
		at := &c.Groups[len(c.Groups)-1]
		at.Options = append(at.Options, option)
	}
	return c
}

// storeChoices are a manager's.
func storeChoices(v *Visit, g group, f Form) Choices {
	c := Choices{Name: "stores", Label: v.T("admin.staff.stores"), Hint: v.T("admin.staff.stores_hint"), Error: f.Errors["stores"],
		None: v.T("admin.place_none.store"), When: "role=" + string(staff.Manager)}
	var options []Choice
	for _, st := range g.stores {
		if on := slices.Contains(f.Values["stores"], st.ID); on || st.ClosedAt.IsZero() {
			options = append(options, Choice{Value: st.ID, Text: st.Name, On: on})
		}
	}
	if len(options) > 0 {
		c.Groups = []ChoiceGroup{{Options: options}}
	}
	return c
}

// savePerson enters or changes somebody; a new one gets her first password at once.
func (s *Server) savePerson(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if err := r.ParseForm(); err != nil {
		return malformed(err)
	}
	id := r.PathValue("staff")
	f := Form{Values: r.PostForm}
	var p staff.Person
	err := s.DB.Write(r.Context(), func(tx *db.Tx) (err error) {
		p, err = staff.SaveStaff(tx, v.Viewer, staff.StaffForm{ID: id, Name: r.PostForm.Get("name"), Email: r.PostForm.Get("email"),
			Role: staff.Role(r.PostForm.Get("role")), Language: r.PostForm.Get("language"), Counters: r.PostForm["counters"], Stores: r.PostForm["stores"],
			Shown: new(shownOf(r.PostForm))})
		return err
	})
	if f.Take(err) {
		return s.personPage(w, v, f)
	}
	if err != nil {
		return err
	}
	if id == "" {
		return s.givePassword(w, v, p.ID)
	}
	return s.done(w, v, "/admin/staff", "done.saved")
}

func (s *Server) resetPassword(w http.ResponseWriter, r *http.Request, v *Visit) error {
	return s.givePassword(w, v, r.PathValue("staff"))
}

// givePassword makes a one-time password and shows it this once.
func (s *Server) givePassword(w http.ResponseWriter, v *Visit, id string) error {
	password, err := s.Door.ResetPassword(v.request.Context(), v.Viewer, id)
	if err != nil {
		return err
	}
	var p staff.Person
	err = s.DB.Read(v.request.Context(), func(tx *db.Tx) (err error) {
		p, err = staff.GetStaff(tx, id)
		return err
	})
	if err != nil {
		return err
	}
	return s.reveal(w, v, adminSecretPage{
		Top:  AdminTop{Up: Step{"/admin/staff", v.T("admin.staff")}, Title: v.T("admin.password.title", "name", p.Name), Text: v.T("admin.password.once")},
		Lost: v.T("admin.password.lost"), Settle: "/admin/staff/" + id,
		Copies: []Copy{{Label: v.T("sign_in.password"), Text: password}, {Label: v.T("admin.password.where"), Text: s.publicURL() + "/sign-in"}, {Label: v.T("sign_in.email"), Text: p.Email}},
	})
}

// endPerson ends somebody's access and gives her conversations back, or neither.
func (s *Server) endPerson(w http.ResponseWriter, r *http.Request, v *Visit) error {
	id := r.PathValue("staff")
	var f Form
	err := s.DB.Write(r.Context(), func(tx *db.Tx) error {
		if err := staff.EndStaff(tx, v.Viewer, id); err != nil {
			return err
		}
		_, err := conversation.ReleaseAll(tx, v.Viewer, id)
		return err
	})
	if f.takeWhole(v, err) {
		return s.personPage(w, v, f)
	}
	if err != nil {
		return err
	}
	if id == v.ID {
		return s.done(w, v, "/sign-in", "")
	}
	return s.done(w, v, "/admin/staff", "done.staff_ended")
}

func (s *Server) returnPerson(w http.ResponseWriter, r *http.Request, v *Visit) error {
	id := r.PathValue("staff")
	if err := s.DB.Write(r.Context(), func(tx *db.Tx) error { return staff.ReturnStaff(tx, v.Viewer, id) }); err != nil {
		return err
	}
	return s.done(w, v, "/admin/staff/"+id, "done.staff_returned")
}

// publicURL is how the world reaches us, without a slash at its end.
func (s *Server) publicURL() string { return strings.TrimRight(s.PublicURL, "/") }
