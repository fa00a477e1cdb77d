package web

import (
	"net/http"
	"net/url"
	"strconv"
	"time"

	"dingdong/internal/db"
	"dingdong/internal/handover"
	"dingdong/internal/staff"
)

// adminHandoverFormPage is where a handover is planned, or its draft planned anew.
type adminHandoverFormPage struct {
	Frame
	Top     AdminTop
	Action  string
	Form    Form
	Leaver  Field   // without options: it is decided
	Who     string  // who it is about, once decided
	Kind    Choices // for good or for a while
	Rule    Choices
	Times   []Field
	More    []Field
	Opened  bool // what is rarely changed is shown
	Nothing Empty
}

// listHandovers shows what is under way and what was.
func (s *Server) listHandovers(w http.ResponseWriter, r *http.Request, v *Visit) error {
	var list []handover.Handover
	var d staff.Directory
	err := s.DB.Read(r.Context(), func(tx *db.Tx) (err error) {
		if d, err = staff.LoadDirectory(tx); err == nil {
			list, err = s.Hands.List(tx, v.Viewer)
		}
		return err
	})
	if err != nil {
		return err
	}
	title := v.T("hand.title")
	data := adminListPage{Frame: s.frame(v, "admin", title), Top: AdminTop{Up: adminUp(v), Title: title, Text: v.T("hand.about"),
		Do: Step{"/admin/handovers/new", v.T("hand.new")}},
		Nothing: Empty{Icon: "people", Title: v.T("hand.none"), Text: v.T("hand.none_text")}.Action("/admin/handovers/new", v.T("hand.new"))}
	var rows []adminRow
	for _, h := range list {
		rows = append(rows, adminRow{Path: handoverPath(h.ID), Name: h.LeaverName, Face: Avatar{ID: h.LeaverID, Name: h.LeaverName},
			Text: s.handoverWhen(v, h, d), Pills: []Pill{handoverPill(v, h)}, Closed: !h.ClosedAt.IsZero()})
	}
	if len(rows) > 0 {
		data.Groups = []adminGroup{{Rows: rows}}
	}
	return s.render(w, v, view{Page: "admin_list", Data: data})
}

func handoverPath(id string) string { return "/admin/handovers/" + id }

// handoverWhen says what it is about and until when.
func (s *Server) handoverWhen(v *Visit, h handover.Handover, d staff.Directory) string {
	clock := s.clock(v, zoneOf(h.Counters, d))
	return v.T("hand.when."+string(h.Kind), "from", clock.Date(h.Begins), "until", clock.Moment(h.Ends))
}

// zoneOf is the zone of the first counter.
func zoneOf(counters []string, d staff.Directory) string {
	return homeZone(staff.Person{Counters: counters}, d)
}

func handoverPill(v *Visit, h handover.Handover) Pill {
	p := Pill{Text: v.T("hand.state." + string(h.State))}
	switch {
	case h.Paused():
		p = Pill{Tone: "amber", Text: v.T("hand.state.paused")}
	case h.State == handover.Draft:
		p.Tone = "amber"
	case !h.ClosedAt.IsZero():
		p.Tone = "green"
	default:
		p.Tone = "soft"
	}
	return p
}

func (s *Server) newHandover(w http.ResponseWriter, _ *http.Request, v *Visit) error {
	f := Form{Values: url.Values{"kind": {"leaves"}, "rule": {"language", "load"}}}
	return s.handoverForm(w, v, f, handover.Handover{})
}

// editHandover plans a draft anew.
func (s *Server) editHandover(w http.ResponseWriter, _ *http.Request, v *Visit) error {
	h, d, err := s.handoverNamed(v)
	if err != nil {
		return err
	}
	zone := s.location(zoneOf(h.Counters, d))
	f := Form{Values: url.Values{"kind": {string(h.Kind)}, "begins": {h.Begins.In(zone).Format(localTime)}, "ends": {h.Ends.In(zone).Format(localTime)},
		"quiet_months": {strconv.Itoa(h.QuietMonths)}, "pace": {strconv.Itoa(h.Pace)}}}
	for name, on := range map[string]bool{"language": h.Rule.Language, "speciality": h.Rule.Speciality, "load": h.Rule.Load} {
		if on {
			f.Values.Add("rule", name)
		}
	}
	return s.handoverForm(w, v, f, h)
}

func (s *Server) handoverForm(w http.ResponseWriter, v *Visit, f Form, h handover.Handover) error {
	data := adminHandoverFormPage{Action: "/admin/handovers", Form: f, Who: h.LeaverName, Opened: f.Errors["quiet_months"] != "" || f.Errors["pace"] != "",
		Top: AdminTop{Up: Step{"/admin/handovers", v.T("hand.title")}, Title: v.T("hand.new"), Text: v.T("hand.new_text")}}
	if h.ID != "" {
		data.Action, data.Top.Title = handoverPath(h.ID), v.T("hand.change_of", "name", h.LeaverName)
		data.Top.Up = Step{handoverPath(h.ID), h.LeaverName}
	} else {
		var people []staff.Person
		err := s.DB.Read(v.request.Context(), func(tx *db.Tx) (err error) { people, err = s.Hands.Leavers(tx, v.Viewer); return err })
		if err != nil {
			return err
		}
		options := []Option{{"", v.T("hand.choose")}}
		for _, p := range people {
			options = append(options, Option{p.ID, p.Name})
		}
		data.Leaver = f.Select("advisor", v.T("hand.advisor"), options).Required()
		if len(people) == 0 {
			data.Nothing = Empty{Icon: "people", Title: v.T("hand.nobody"), Text: v.T("hand.nobody_text")}
		}
	}
	kind := f.Values.Get("kind")
	data.Kind = Choices{One: true, Name: "kind", Label: v.T("hand.kind"), Error: f.Errors["kind"]}
	data.Rule = Choices{Name: "rule", Label: v.T("hand.rule"), Hint: v.T("hand.rule_hint")}
	var kinds, rules []Choice
	for _, k := range []string{"leaves", "away"} {
		kinds = append(kinds, Choice{Value: k, Text: v.T("hand.kind." + k), Hint: v.T("hand.kind_hint." + k), On: k == kind})
	}
	for _, name := range []string{"language", "speciality", "load"} {
		rules = append(rules, Choice{Value: name, Text: v.T("hand.rule." + name), Hint: v.T("hand.rule_hint." + name), On: contains(f.Values["rule"], name)})
	}
	data.Kind.Groups, data.Rule.Groups = []ChoiceGroup{{Options: kinds}}, []ChoiceGroup{{Options: rules}}
	data.Times = []Field{moment(f.Field("begins", v.T("hand.begins"))).Hint(v.T("hand.begins_hint")), moment(f.Field("ends", v.T("hand.ends"))).Hint(v.T("hand.ends_hint")).Required()}
	data.More = []Field{f.Field("quiet_months", v.T("hand.quiet_months")).Or(strconv.Itoa(handover.QuietMonths)).Number().Hint(v.T("hand.quiet_hint")).Required(),
		f.Field("pace", v.T("hand.pace")).Or(strconv.Itoa(handover.Pace)).Number().Hint(v.T("hand.pace_hint")).Required()}
	data.Frame = s.frame(v, "admin", data.Top.Title)
	if v.request.Method != http.MethodGet {
		data.Path = data.Action
	}
	return s.render(w, v, view{Page: "admin_handover_form", Status: f.status(), Data: data})
}

// moment asks for a day and a time of day.
func moment(f Field) Field { f.Type = "datetime-local"; return f }

func contains(list []string, one string) bool {
	for _, x := range list {
		if x == one {
			return true
		}
	}
	return false
}

// readHandover reads the form by the clock of the leaver's own counter.
func (s *Server) readHandover(form url.Values, zone *time.Location) (handover.Form, error) {
	f := handover.Form{LeaverID: form.Get("advisor"), Kind: handover.Kind(form.Get("kind")),
		Rule: handover.Rule{Language: contains(form["rule"], "language"), Speciality: contains(form["rule"], "speciality"), Load: contains(form["rule"], "load")}}
	for field, into := range map[string]*time.Time{"begins": &f.Begins, "ends": &f.Ends} {
		text := form.Get(field)
		if text == "" {
			continue
		}
		at, err := time.ParseInLocation(localTime, text, zone)
		if err != nil {
			return f, db.Invalid{Field: field, Code: "malformed"}
		}
		*into = at
	}
	for field, into := range map[string]*int{"quiet_months": &f.QuietMonths, "pace": &f.Pace} {
		text := form.Get(field)
		if text == "" {
			continue
		}
		n, err := strconv.Atoi(text)
		if err != nil || n == 0 {
			return f, db.Invalid{Field: field, Code: "out_of_range"}
		}
		*into = n
	}
	return f, nil
}

// planHandover makes the draft and shows it.
func (s *Server) planHandover(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if err := r.ParseForm(); err != nil {
		return malformed(err)
	}
	var h handover.Handover
	err := s.DB.Write(r.Context(), func(tx *db.Tx) error {
		zone := ""
		if p, err := staff.GetStaff(tx, db.CleanText(r.PostForm.Get("advisor"))); err == nil {
			d, err := staff.LoadDirectory(tx)
			if err != nil {
				return err
			}
			zone = homeZone(p, d)
		} else {
			return db.Invalid{Field: "advisor", Code: "required"}
		}
		f, err := s.readHandover(r.PostForm, s.location(zone))
		if err != nil {
			return err
		}
		h, err = s.Hands.Plan(tx, v.Viewer, f)
		return err
	})
	f := Form{Values: r.PostForm}
	if f.Take(err) {
		return s.handoverForm(w, v, f, handover.Handover{})
	}
	if err != nil {
		return err
	}
	return s.done(w, v, handoverPath(h.ID), "")
}

// changeHandover plans a draft anew.
func (s *Server) changeHandover(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if err := r.ParseForm(); err != nil {
		return malformed(err)
	}
	h, d, err := s.handoverNamed(v)
	if err != nil {
		return err
	}
	err = s.DB.Write(r.Context(), func(tx *db.Tx) error {
		f, err := s.readHandover(r.PostForm, s.location(zoneOf(h.Counters, d)))
		if err != nil {
			return err
		}
		_, err = s.Hands.Change(tx, v.Viewer, h.ID, f)
		return err
	})
	f := Form{Values: r.PostForm}
	if f.Take(err) {
		return s.handoverForm(w, v, f, h)
	}
	if err != nil {
		return err
	}
	return s.done(w, v, handoverPath(h.ID), "done.saved")
}

func (s *Server) handoverNamed(v *Visit) (h handover.Handover, d staff.Directory, err error) {
	err = s.DB.Read(v.request.Context(), func(tx *db.Tx) (err error) {
		if d, err = staff.LoadDirectory(tx); err == nil {
			h, err = s.Hands.Get(tx, v.Viewer, v.request.PathValue("handover"))
		}
		return err
	})
	return h, d, err
}
