package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// dutyView says whether somebody is away, and lets it be changed; for the part "duty".
type dutyView struct {
	Action string
	Until  string // in words; empty: she is on duty
	Self   bool
	Least  string // the earliest moment of the field, as the browser wants it
	Error  string // code below "invalid."
}

// localTime is how a browser writes a day and a time of day.
const localTime = "2006-01-02T15:04"

func (s *Server) dutyView(v *Visit, p staff.Person, d staff.Directory) dutyView {
	clock := s.clock(v, homeZone(p, d))
	view := dutyView{Action: "/admin/staff/" + p.ID + "/away", Self: p.ID == v.ID, Least: v.Now.In(clock.Zone).Format(localTime)}
	if view.Self {
		view.Action = "/me/away"
	}
	if p.AwayUntil.After(v.Now) {
		view.Until = v.T("when.moment", "day", clock.Date(p.AwayUntil), "time", clock.Time(p.AwayUntil))
	}
	return view
}

// opening is the hour at which who is away "until tomorrow" is back.
const opening = 10

// awayUntil reads when she is back: in an hour, tomorrow, at a moment of her
// counter's clock, or now.
func awayUntil(form url.Values, now time.Time, zone *time.Location) (time.Time, error) {
	switch form.Get("for") {
	case "back":
		return time.Time{}, nil
	case "hour":
		return now.Add(time.Hour), nil
	case "tomorrow":
		y, m, d := now.In(zone).Date()
		return time.Date(y, m, d+1, opening, 0, 0, 0, zone), nil
	}
	if form.Get("until") == "" {
		return time.Time{}, db.Invalid{Field: "until", Code: "required"}
	}
	at, err := time.ParseInLocation(localTime, form.Get("until"), zone)
	if err != nil {
		return time.Time{}, db.Invalid{Field: "until", Code: "malformed"}
	}
	return at, nil
}

// setAway notes an absence of the person whose id is given.
func (s *Server) setAway(r *http.Request, v *Visit, id string) error {
	if err := r.ParseForm(); err != nil {
		return malformed(err)
	}
	return s.DB.Write(r.Context(), func(tx *db.Tx) error {
		p, err := staff.GetStaff(tx, id)
		if err != nil {
			return err
		}
		d, err := staff.LoadDirectory(tx)
		if err != nil {
			return err
		}
		until, err := awayUntil(r.PostForm, tx.Now, s.location(homeZone(p, d)))
		if err != nil {
			return err
		}
		return staff.SetAway(tx, v.Viewer, staff.Away{StaffID: id, Until: until})
	})
}

func (s *Server) setMyAway(w http.ResponseWriter, r *http.Request, v *Visit) error {
	err := s.setAway(r, v, v.ID)
	var f Form
	if f.Take(err) {
		return s.meForm(w, v, f)
	}
	if err != nil {
		return err
	}
	return s.done(w, v, "/me", awayDone(r))
}

func (s *Server) setPersonAway(w http.ResponseWriter, r *http.Request, v *Visit) error {
	id := r.PathValue("staff")
	err := s.setAway(r, v, id)
	var f Form
	if f.Take(err) {
		return s.personPage(w, v, f)
	}
	if err != nil {
		return err
	}
	return s.done(w, v, "/admin/staff/"+id, awayDone(r))
}

func awayDone(r *http.Request) string {
	if r.PostForm.Get("for") == "back" {
		return "done.back"
	}
	return "done.away"
}

// shownPage is /me/shown: what customers read of her when they choose an advisor.
type shownPage struct {
	Frame
	Top   AdminTop
	Form  Form
	Shown shownFields
}

// shownFields are the two fields about that, for the part "shown".
type shownFields struct {
	Languages    Choices
	Specialities Field
}

func shownForm(v *Visit, f Form) shownFields {
	spoken := Choices{Name: "languages", Label: v.T("shown.languages"), Error: f.Errors["languages"]}
	codes := staff.SpokenLanguages()
	for _, code := range f.Values["languages"] { // one that was set by a program stays
		if !slices.Contains(codes, code) && code != "" {
			codes = append(codes, code)
		}
	}
	var options []Choice
	for _, code := range codes {
		name := code
		if v.Words.Has("spoken." + code) {
			name = v.T("spoken." + code)
		}
		options = append(options, Choice{Value: code, Text: name, On: slices.Contains(f.Values["languages"], code)})
	}
	spoken.Groups = []ChoiceGroup{{Options: options}}
	return shownFields{Languages: spoken,
		Specialities: f.Field("specialities", v.T("shown.specialities")).Area(2).Limit(200).Hint(v.T("shown.specialities_hint"))}
}

// shownOf reads the two fields.
func shownOf(form url.Values) staff.Shown {
	return staff.Shown{Languages: form["languages"], Specialities: strings.TrimSpace(form.Get("specialities"))}
}

func (s *Server) showShown(w http.ResponseWriter, _ *http.Request, v *Visit) error {
	return s.shownPage(w, v, Form{})
}

func (s *Server) shownPage(w http.ResponseWriter, v *Visit, f Form) error {
	if f.Values == nil {
		err := s.DB.Read(v.request.Context(), func(tx *db.Tx) error {
			p, err := staff.GetStaff(tx, v.ID)
			f.Values = url.Values{"languages": p.Languages, "specialities": {p.Specialities}}
			return err
		})
		if err != nil {
			return err
		}
	}
	title := v.T("shown.title")
	data := shownPage{Frame: s.frame(v, "me", title), Form: f, Shown: shownForm(v, f),
		Top: AdminTop{Up: Step{"/me", v.T("nav.me")}, Title: title, Text: v.T("shown.about")}}
	data.Path = "/me/shown"
	return s.render(w, v, view{Page: "shown", Status: f.status(), Data: data})
}

func (s *Server) saveShown(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if err := r.ParseForm(); err != nil {
		return malformed(err)
	}
	f := Form{Values: r.PostForm}
	err := s.DB.Write(r.Context(), func(tx *db.Tx) error { return staff.SetShown(tx, v.Viewer, shownOf(r.PostForm)) })
	if f.Take(err) {
		return s.shownPage(w, v, f)
	}
	if err != nil {
		return err
	}
	return s.done(w, v, "/me", "done.saved")
}
