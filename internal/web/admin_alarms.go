package web

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"dingdong/internal/alarm"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// adminAlarmsPage lists the alarms that stand, or those that are closed.
type adminAlarmsPage struct {
	Frame
	Top     AdminTop
	Tabs    []alarmTab
	Rows    []alarmRow
	Older   string
	Nothing Empty
	Bounds  Step // empty: not hers to change
}

// alarmTab is one state of alarms.
type alarmTab struct {
	Step
	Here bool
}

// alarmRow is one alarm in words.
type alarmRow struct {
	Path, Who, What, When string
	State                 Pill
	Leaving               bool
}

const alarmRows = 40

func (s *Server) listAlarms(w http.ResponseWriter, r *http.Request, v *Visit) error {
	title := v.T("nav.alarms")
	q := r.URL.Query()
	closed := q.Get("state") == "closed"
	data := adminAlarmsPage{Frame: s.frame(v, "alarms", title), Top: AdminTop{Up: adminUp(v), Title: title, Text: v.T("alarm.about")},
		Tabs:    []alarmTab{{Step{"/admin/alarms", v.T("alarm.standing")}, !closed}, {Step{"/admin/alarms?state=closed", v.T("alarm.state.closed")}, closed}},
		Nothing: Empty{Icon: "check", Title: v.T("alarm.none"), Text: v.T("alarm.none_text")}}
	if v.May(staff.ManageGroup) {
		data.Bounds = Step{"/admin/alarms/settings", v.T("alarm.bounds")}
	}
	asked := alarm.Asked{Before: q.Get("before"), Limit: alarmRows + 1}
	if closed {
		asked.State = alarm.Closed
	}
	err := s.DB.Read(r.Context(), func(tx *db.Tx) error {
		list, err := s.Alarms.List(tx, v.Viewer, asked)
		if err != nil {
			return err
		}
		names, err := s.namebook(tx, v)
		data.Rows, data.Older = nil, ""
		for i, a := range list {
			if i == alarmRows {
				older := url.Values{"before": {list[i-1].ID}}
				if closed {
					older.Set("state", "closed")
				}
				data.Older = "/admin/alarms?" + older.Encode()
				break
			}
			data.Rows = append(data.Rows, s.alarmRow(v, names, a))
		}
		return err
	})
	if err != nil {
		return err
	}
	return s.render(w, v, view{Page: "admin_alarms", Data: data})
}

func (s *Server) alarmRow(v *Visit, names namebook, a alarm.Alarm) alarmRow {
	return alarmRow{Path: "/admin/alarms/" + a.ID, Who: names.call(v, a.Actor), What: v.T("alarm.rule."+string(a.Rule), "n", a.N), When: s.clock(v, "").Moment(a.LastAt),
		State: Pill{Tone: map[alarm.State]string{alarm.Open: "rouge", alarm.Seen: "amber"}[a.State], Text: v.T("alarm.state." + string(a.State))}, Leaving: a.Leaving}
}

// countAlarms answers how much waits for the officer, for the navigation.
func (s *Server) countAlarms(w http.ResponseWriter, r *http.Request, v *Visit) error {
	n := 0
	err := s.DB.Read(r.Context(), func(tx *db.Tx) (err error) {
		n, err = alarm.CountOpen(tx)
		return err
	})
	if err != nil {
		return err
	}
	return s.render(w, v, view{Page: "admin_alarms", Block: "alarm-count", Data: n})
}

// adminAlarmPage is one alarm: what it counted, and what was said to it.
type adminAlarmPage struct {
	Frame
	Top     AdminTop
	Row     alarmRow
	Bound   string
	First   string
	Trail   string // her lines of the audit
	Said    string // who saw or closed it, and when
	Note    string
	Form    Form
	Action  string
	Answers bool
	Own     bool // it is about the viewer
}

func (s *Server) showAlarm(w http.ResponseWriter, _ *http.Request, v *Visit) error {
	return s.alarmPage(w, v, Form{})
}

func (s *Server) alarmPage(w http.ResponseWriter, v *Visit, f Form) error {
	id := v.request.PathValue("alarm")
	data := adminAlarmPage{Form: f, Action: "/admin/alarms/" + id}
	err := s.DB.Read(v.request.Context(), func(tx *db.Tx) error {
		a, err := s.Alarms.Get(tx, v.Viewer, id)
		if err != nil {
			return err
		}
		names, err := s.namebook(tx, v)
		if err != nil {
			return err
		}
		clock := s.clock(v, "")
		data.Row = s.alarmRow(v, names, a)
		data.Bound, data.First, data.Note = v.T("alarm.bound_hour", "n", a.Bound), clock.Moment(a.FirstAt), a.Note
		if a.Rule.Daily() {
			data.Bound = v.T("alarm.bound_day", "n", a.Bound)
		}
		data.Trail = "/admin/audit?" + url.Values{"actor": {a.Actor}, "from": {a.FirstAt.In(clock.Zone).Format("2006-01-02")}, "to": {a.LastAt.In(clock.Zone).Format("2006-01-02")}}.Encode()
		if a.By != "" {
			data.Said = v.T("alarm.said", "name", names.call(v, a.By), "when", clock.Moment(a.ByAt))
		}
		data.Own = a.Actor == v.ID
		data.Answers = a.State != alarm.Closed && !data.Own
		data.Top = AdminTop{Up: Step{"/admin/alarms", v.T("nav.alarms")}, Title: data.Row.Who, Text: data.Row.What}
		return nil
	})
	if err != nil {
		return err
	}
	data.Frame = s.frame(v, "alarms", data.Top.Title)
	return s.render(w, v, view{Page: "admin_alarm", Status: f.status(), Data: data})
}

func (s *Server) answerAlarm(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if err := r.ParseForm(); err != nil {
		return malformed(err)
	}
	f := Form{Values: r.PostForm}
	err := s.DB.Write(r.Context(), func(tx *db.Tx) error {
		_, err := s.Alarms.Answer(tx, v.Viewer, alarm.Answer{ID: r.PathValue("alarm"), State: alarm.State(r.PostForm.Get("state")), Note: r.PostForm.Get("note")})
		return err
	})
	if f.Take(err) {
		return s.alarmPage(w, v, f)
	}
	if err != nil {
		return err
	}
	return s.done(w, v, "/admin/alarms", "done.saved")
}

// adminBoundsPage is where an administrator says from how many on an alarm is raised.
type adminBoundsPage struct {
	Frame
	Top    AdminTop
	Form   Form
	Roles  []string
	Rows   []boundRow
	Fields []Field
}

// boundRow is one rule, with a field for every role.
type boundRow struct {
	Name, About string
	Cells       []boundCell
}

// boundCell is the bound of one rule for one role.
type boundCell struct {
	Name, Label, Role, Value string
	Bad                      bool
}

func roleWord(v *Visit, role staff.Role) string {
	if role == staff.Program {
		return v.T("alarm.programs")
	}
	return v.T("role." + string(role))
}

func (s *Server) showBounds(w http.ResponseWriter, _ *http.Request, v *Visit) error {
	return s.boundsPage(w, v, Form{})
}

func (s *Server) boundsPage(w http.ResponseWriter, v *Visit, f Form) error {
	var set alarm.Settings
	err := s.DB.Read(v.request.Context(), func(tx *db.Tx) (err error) {
		set, err = alarm.Load(tx)
		return err
	})
	if err != nil {
		return err
	}
	if f.Values == nil {
		f.Values = url.Values{"open": {set.Open}, "shut": {set.Shut}, "leaving_days": {strconv.Itoa(set.LeavingDays)}, "leaving_percent": {strconv.Itoa(set.LeavingPercent)}}
		for rule, roles := range set.Bounds {
			for role, n := range roles {
				f.Values.Set("bound."+string(rule)+"."+string(role), strconv.Itoa(n))
			}
		}
	}
	title := v.T("alarm.bounds")
	data := adminBoundsPage{Frame: s.frame(v, "alarms", title), Form: f,
		Top: AdminTop{Up: Step{"/admin/alarms", v.T("nav.alarms")}, Title: title, Text: v.T("alarm.bounds_about")}}
	for _, role := range alarm.Watched() {
		data.Roles = append(data.Roles, roleWord(v, role))
	}
	for _, rule := range alarm.Rules() {
		row := boundRow{Name: v.T("alarm.name." + string(rule)), About: v.T("alarm.per_hour")}
		if rule.Daily() {
			row.About = v.T("alarm.per_day")
		}
		for i, role := range alarm.Watched() {
			name := "bound." + string(rule) + "." + string(role)
			row.Cells = append(row.Cells, boundCell{Name: name, Role: data.Roles[i], Label: row.Name + ", " + data.Roles[i], Value: f.Values.Get(name), Bad: f.Errors[name] != ""})
		}
		data.Rows = append(data.Rows, row)
	}
	data.Fields = []Field{f.Field("open", v.T("alarm.open")).Required().Hint(v.T("alarm.open_hint")), f.Field("shut", v.T("alarm.shut")).Required(),
		f.Field("leaving_days", v.T("alarm.leaving_days")).Number().Required(), f.Field("leaving_percent", v.T("alarm.leaving_percent")).Number().Required().Hint(v.T("alarm.leaving_hint"))}
	return s.render(w, v, view{Page: "admin_bounds", Status: f.status(), Data: data})
}

func (s *Server) saveBounds(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if err := r.ParseForm(); err != nil {
		return malformed(err)
	}
	f := Form{Values: r.PostForm}
	set := alarm.Settings{Bounds: map[alarm.Rule]map[staff.Role]int{}, Open: r.PostForm.Get("open"), Shut: r.PostForm.Get("shut")}
	number := func(name string) int {
		n, err := strconv.Atoi(strings.TrimSpace(r.PostForm.Get(name)))
		if err != nil {
			f.Refuse(name, "number")
		}
		return n
	}
	for _, rule := range alarm.Rules() {
		set.Bounds[rule] = map[staff.Role]int{}
		for _, role := range alarm.Watched() {
			set.Bounds[rule][role] = number("bound." + string(rule) + "." + string(role))
		}
	}
	set.LeavingDays, set.LeavingPercent = number("leaving_days"), number("leaving_percent")
	if f.Failed() {
		return s.boundsPage(w, v, f)
	}
	err := s.DB.Write(r.Context(), func(tx *db.Tx) error { return alarm.Save(tx, v.Viewer, set) })
	if f.Take(err) {
		return s.boundsPage(w, v, f)
	}
	if err != nil {
		return err
	}
	return s.done(w, v, "/admin/alarms", "done.saved")
}
