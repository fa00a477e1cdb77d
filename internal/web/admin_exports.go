package web

import (
	"cmp"
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"dingdong/internal/db"
	"dingdong/internal/export"
	"dingdong/internal/staff"
)

// adminExportsPage lists the files that were asked for.
type adminExportsPage struct {
	Frame
	Top     AdminTop
	Rows    []exportRow
	Older   string
	Nothing Empty
	Traces  bool
	Mark    Form
	Traced  *tracedView
	Rules   bool // hers to change
	Form    Form
}

// exportRow is one file in words.
type exportRow struct {
	Path, Name, Text string
	State            Pill
}

// tracedView is where a mark leads.
type tracedView struct {
	Genuine bool
	Path    string
	Text    string
}

const exportRows = 40

func (s *Server) listExports(w http.ResponseWriter, _ *http.Request, v *Visit) error {
	return s.exportsPage(w, v, adminExportsPage{})
}

func (s *Server) exportsPage(w http.ResponseWriter, v *Visit, data adminExportsPage) error {
	title := v.T("export.title")
	data.Frame = s.frame(v, "admin", title)
	data.Path = "/admin/exports"
	data.Top = AdminTop{Up: adminUp(v), Title: title, Text: v.T("export.about"), Do: Step{"/admin/exports/new", v.T("export.ask")}}
	data.Nothing = Empty{Icon: "download", Title: v.T("export.none"), Text: v.T("export.none_text")}
	data.Traces, data.Rules = v.May(staff.SeeAudit), v.May(staff.ManageGroup)
	err := s.DB.Read(v.request.Context(), func(tx *db.Tx) error {
		list, err := s.Files.List(tx, v.Viewer, export.Asked{Before: v.request.URL.Query().Get("before"), Limit: exportRows + 1})
		if err != nil {
			return err
		}
		rules, err := export.Load(tx)
		if err != nil {
			return err
		}
		if data.Form.Values == nil {
			data.Form.Values = url.Values{"second_above": {strconv.Itoa(rules.SecondAbove)}, "hours": {strconv.Itoa(rules.Hours)}}
		}
		names, err := staffNames(tx, v)
		data.Rows, data.Older = nil, ""
		for i, x := range list {
			if i == exportRows {
				data.Older = "/admin/exports?before=" + url.QueryEscape(list[i-1].ID)
				break
			}
			data.Rows = append(data.Rows, exportRow{Path: "/admin/exports/" + x.ID, Name: exportKind(v, x.Kind), State: exportState(v, x),
				Text: joined(names[x.By], s.clock(v, "").Moment(x.At), v.T("export.rows", "n", cmp.Or(x.Rows, x.Expected)))})
		}
		return err
	})
	if err != nil {
		return err
	}
	status := http.StatusOK
	if data.Form.Failed() || data.Mark.Failed() {
		status = http.StatusUnprocessableEntity
	}
	return s.render(w, v, view{Page: "admin_exports", Status: status, Data: data})
}

// exportKinds are the kinds with words below "export.kind.".
var exportKinds = []string{"audit", "customers", "person"}

func exportKind(v *Visit, k export.Kind) string {
	if !slices.Contains(exportKinds, string(k)) {
		return string(k)
	}
	return v.T("export.kind." + string(k))
}

func exportState(v *Visit, x export.Export) Pill {
	return Pill{Text: v.T("export.state." + string(x.State)),
		Tone: map[export.State]string{export.Waiting: "amber", export.Making: "soft", export.Ready: "green", export.Refused: "line", export.Failed: "soft", export.Gone: "line"}[x.State]}
}

// adminAskPage is the form for a file.
type adminAskPage struct {
	Frame
	Top      AdminTop
	Form     Form
	Kind     string
	Fields   []Field
	Counters Choices
	Purpose  Choices
	Second   string
}

func (s *Server) newExport(w http.ResponseWriter, r *http.Request, v *Visit) error {
	return s.askPage(w, v, Form{Values: r.URL.Query()}, http.StatusOK)
}

func (s *Server) askPage(w http.ResponseWriter, v *Visit, f Form, status int) error {
	kind := export.Kind(f.Values.Get("kind"))
	if kind != export.Audit && kind != export.Customers {
		kind = export.Customers
	}
	if kind == export.Audit && !v.May(staff.SeeAudit) {
		return staff.ErrForbidden
	}
	title := exportKind(v, kind)
	data := adminAskPage{Frame: s.frame(v, "admin", title), Form: f, Kind: string(kind), Top: AdminTop{Up: Step{"/admin/exports", v.T("export.title")}, Title: title, Text: v.T("export.kind_about." + string(kind))}}
	data.Path = "/admin/exports/new"
	err := s.DB.Read(v.request.Context(), func(tx *db.Tx) error {
		rules, err := export.Load(tx)
		if err != nil {
			return err
		}
		data.Second = v.T("export.second_hint", "n", rules.SecondAbove, "hours", rules.Hours)
		names, err := s.namebook(tx, v)
		if err != nil {
			return err
		}
		data.Fields, data.Counters, data.Purpose = nil, Choices{}, Choices{}
		if kind == export.Audit {
			data.Fields = auditFields(v, f, names)
			return nil
		}
		return s.customerFields(tx, v, f, &data)
	})
	if err != nil {
		return err
	}
	return s.render(w, v, view{Page: "admin_export_new", Status: status, Data: data})
}

func auditFields(v *Visit, f Form, names namebook) []Field {
	return []Field{f.Select("actor", v.T("admin.audit.who"), names.actors(v, f.Values.Get("actor"))),
		f.Select("action", v.T("admin.audit.what"), actionOptions(v)), f.Field("customer", v.T("admin.audit.customer")),
		f.Field("from", v.T("admin.audit.from")).Date(), f.Field("to", v.T("admin.audit.to")).Date()}
}

func (s *Server) customerFields(tx *db.Tx, v *Visit, f Form, data *adminAskPage) error {
	directory, err := staff.LoadDirectory(tx)
	if err != nil {
		return err
	}
	data.Counters = Choices{Name: "counters", Label: v.T("admin.counters"), Hint: v.T("export.counters_hint"), Error: f.Errors["counters"], None: v.T("export.no_counter")}
	group := ChoiceGroup{}
	for _, c := range directory.Open() {
		if v.Sees(c.ID) {
			group.Options = append(group.Options, Choice{Value: c.ID, Text: c.Store + " · " + c.Name, On: slices.Contains(f.Values["counters"], c.ID)})
		}
	}
	if len(group.Options) > 0 {
		data.Counters.Groups = []ChoiceGroup{group}
	}
	data.Purpose = Choices{One: true, Name: "purpose", Label: v.T("export.purpose"), Error: f.Errors["purpose"]}
	var purposes []Choice
	for _, p := range []string{export.OwnUse, export.Sharing} {
		purposes = append(purposes, Choice{Value: p, Text: v.T("export.purpose." + p), Hint: v.T("export.purpose_hint." + p), On: cmp.Or(f.Values.Get("purpose"), export.OwnUse) == p})
	}
	data.Purpose.Groups = []ChoiceGroup{{Options: purposes}}
	data.Fields = []Field{f.Field("since", v.T("export.since")).Date(), f.Field("full", v.T("export.full")).Check().Hint(v.T("export.full_hint"))}
	return nil
}

// day reads a day of a form on the viewer's clock; the zero time for none.
func (f *Form) day(name string, zone *time.Location) time.Time {
	text := strings.TrimSpace(f.Values.Get(name))
	if text == "" {
		return time.Time{}
	}
	at, err := time.ParseInLocation("2006-01-02", text, zone)
	if err != nil || at.Year() < 2000 || at.Year() > 9000 {
		f.Refuse(name, "date")
		return time.Time{}
	}
	return at
}

func (s *Server) askExport(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if err := r.ParseForm(); err != nil {
		return malformed(err)
	}
	f := Form{Values: r.PostForm}
	zone := s.clock(v, "").Zone
	q := export.Request{Kind: export.Kind(r.PostForm.Get("kind")), Reason: r.PostForm.Get("reason"), Filter: export.Filter{
		Actor: r.PostForm.Get("actor"), Action: r.PostForm.Get("action"), Customer: strings.TrimSpace(db.CleanText(r.PostForm.Get("customer"))),
		From: f.day("from", zone), To: f.day("to", zone), Counters: r.PostForm["counters"], Since: f.day("since", zone),
		Full: r.PostForm.Get("full") == "on", Purpose: r.PostForm.Get("purpose")}}
	if !q.Filter.To.IsZero() {
		q.Filter.To = q.Filter.To.AddDate(0, 0, 1) // the day itself is meant
	}
	if f.Failed() {
		return s.askPage(w, v, f, http.StatusUnprocessableEntity)
	}
	x, err := s.Files.Ask(r.Context(), v.Viewer, q)
	var invalid db.Invalid
	if errors.As(err, &invalid) && (invalid.Field == "kind" || invalid.Field == "state") {
		f.Alert = invalidText(v.Words, invalid.Code)
		return s.askPage(w, v, f, http.StatusUnprocessableEntity)
	}
	if f.Take(err) {
		return s.askPage(w, v, f, http.StatusUnprocessableEntity)
	}
	if err != nil {
		return err
	}
	return s.done(w, v, "/admin/exports/"+x.ID, "")
}

// adminExportPage is one file.
type adminExportPage struct {
	Frame
	Top       AdminTop
	Row       exportRow
	Reason    string
	Facts     []fact
	Alert     string
	Waits     bool // for the page to look again: it is being made
	File      string
	Decide    string // where the second person says yes or no
	Drop      Confirm
	Droppable bool
}

// fact is a name and a value.
type fact struct{ Name, Value string }

func (s *Server) showExport(w http.ResponseWriter, r *http.Request, v *Visit) error {
	var data adminExportPage
	err := s.DB.Read(r.Context(), func(tx *db.Tx) error {
		x, err := s.Files.Get(tx, v.Viewer, r.PathValue("export"))
		if err != nil {
			return err
		}
		names, err := s.namebook(tx, v)
		if err != nil {
			return err
		}
		data = s.exportView(v, names, x)
		if x.State != export.Waiting {
			return nil
		}
		others, err := export.Others(tx, x)
		if len(others) == 0 { // she is the only one, and may not agree with herself
			data.Alert = v.T("export.waits_alone", "command", "dingdong admin export pass "+x.ID)
		}
		return err
	})
	if err != nil {
		return err
	}
	data.Frame = s.frame(v, "admin", data.Top.Title)
	return s.render(w, v, view{Page: "admin_export", Data: data})
}

func (s *Server) exportView(v *Visit, names namebook, x export.Export) adminExportPage {
	clock, path := s.clock(v, ""), "/admin/exports/"+x.ID
	data := adminExportPage{Top: AdminTop{Up: Step{"/admin/exports", v.T("export.title")}, Title: exportKind(v, x.Kind)}, Row: exportRow{State: exportState(v, x)}, Reason: x.Reason}
	add := func(name, value string) { data.Facts = append(data.Facts, fact{name, value}) }
	add(v.T("export.by"), names.call(v, x.By)+", "+clock.Moment(x.At))
	add(v.T("export.size"), v.T("export.rows", "n", cmp.Or(x.Rows, x.Expected)))
	if f := x.Filter; f.Purpose != "" {
		add(v.T("export.purpose"), v.T("export.purpose."+f.Purpose))
		if f.Full {
			add(v.T("export.full"), v.T("export.yes"))
		}
	}
	if x.LeftOut > 0 {
		add(v.T("export.left_out"), strconv.Itoa(x.LeftOut))
	}
	if x.DecidedBy != "" {
		add(v.T("export.decided"), names.call(v, x.DecidedBy)+", "+clock.Moment(x.DecidedAt))
	}
	if !x.MadeAt.IsZero() {
		add(v.T("export.code"), x.Code)
		add(v.T("export.downloads"), strconv.Itoa(x.Downloads))
	}
	mine := x.By == v.ID
	switch x.State {
	case export.Ready:
		add(v.T("export.until"), clock.Moment(x.ExpiresAt))
		if mine {
			data.File = path + "/file"
		}
	case export.Waiting:
		if data.Alert = v.T("export.waits"); !mine && v.May(staff.PassExports) {
			data.Decide, data.Alert = path+"/decide", v.T("export.waits_for_you")
		}
	case export.Making:
		data.Waits = true
	case export.Failed:
		data.Alert = v.T("export.failed." + known([]string{"left", "leaving", "not_allowed"}, x.Error, "not_allowed"))
	}
	data.Droppable = x.State == export.Ready || x.State == export.Waiting
	data.Drop = Confirm{ID: "drop", Path: path + "/drop", Button: v.T("export.drop"), Title: v.T("export.drop_title"), Text: v.T("export.drop_text"), Go: v.T("export.drop")}
	return data
}

func (s *Server) decideExport(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if err := r.ParseForm(); err != nil {
		return malformed(err)
	}
	id := r.PathValue("export")
	err := s.DB.Write(r.Context(), func(tx *db.Tx) error {
		_, err := s.Files.Decide(tx, v.Viewer, export.Decision{ID: id, Pass: r.PostForm.Get("pass") == "yes"})
		return err
	})
	if err != nil {
		return err
	}
	return s.done(w, v, "/admin/exports/"+id, "done.saved")
}

func (s *Server) dropExport(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if err := s.Files.Drop(r.Context(), v.Viewer, r.PathValue("export")); err != nil {
		return err
	}
	return s.done(w, v, "/admin/exports", "done.deleted")
}

// fetchExport gives the file to whoever asked for it.
func (s *Server) fetchExport(w http.ResponseWriter, r *http.Request, v *Visit) error {
	x, file, err := s.Files.Open(context.WithoutCancel(r.Context()), v.Viewer, r.PathValue("export"))
	if err != nil {
		return err
	}
	defer file.Close()
	h := w.Header()
	h.Set("Content-Type", "text/csv; charset=utf-8")
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": x.Name()}))
	h.Set("Content-Security-Policy", mediaPolicy)
	if _, err := io.Copy(w, file); err != nil { // half of it is told: only breaking off says so
		s.Log.Warn("an export was cut off", "export", x.ID, "error", err)
		panic(http.ErrAbortHandler)
	}
	return nil
}

// tracePersonFile follows the code in a copy of everything about one person.
func (s *Server) tracePersonFile(tx *db.Tx, v *Visit, code string) (*tracedView, error) {
	f, err := s.Privacy.TraceFile(tx, v.Viewer, code)
	if err != nil {
		return nil, err
	}
	by := cmp.Or(f.ByName, v.T("privacy.herself"))
	out := &tracedView{Genuine: true, Text: v.T("export.traced", "name", by, "when", s.clock(v, "").Moment(f.At))}
	if v.May(staff.KeepPrivacy) {
		out.Path = "/admin/privacy/people/" + f.PersonID
	}
	return out, nil
}

func (s *Server) traceExport(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if err := r.ParseForm(); err != nil {
		return malformed(err)
	}
	data := adminExportsPage{Mark: Form{Values: r.PostForm}}
	err := s.DB.Write(r.Context(), func(tx *db.Tx) error {
		found, err := s.Files.Trace(tx, v.Viewer, r.PostForm.Get("mark"))
		if refused := (db.Invalid{}); errors.As(err, &refused) && s.Privacy != nil { // or is it a copy of one person's file?
			if data.Traced, err = s.tracePersonFile(tx, v, r.PostForm.Get("mark")); errors.Is(err, db.ErrNotFound) {
				return refused
			}
			return err
		}
		if err != nil {
			return err
		}
		export.NoteTraced(tx, v.Viewer, found.Export)
		names, err := staffNames(tx, v)
		by, when := names[found.Export.By], s.clock(v, "").Moment(found.Export.At)
		text := v.T("export.traced", "name", by, "when", when)
		switch {
		case found.Line > 0 && found.Genuine:
			text = v.T("export.traced_line", "line", found.Line, "name", by, "when", when)
		case found.Line > 0:
			text = v.T("export.traced_forged", "name", by, "when", when)
		}
		data.Traced = &tracedView{Genuine: found.Genuine || found.Line == 0, Path: "/admin/exports/" + found.Export.ID, Text: text}
		return err
	})
	if err != nil && !data.Mark.Take(err) {
		return err
	}
	return s.exportsPage(w, v, data)
}

func (s *Server) saveExportRules(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if err := r.ParseForm(); err != nil {
		return malformed(err)
	}
	f := Form{Values: r.PostForm}
	var rules export.Settings
	for name, to := range map[string]*int{"second_above": &rules.SecondAbove, "hours": &rules.Hours} {
		n, err := strconv.Atoi(strings.TrimSpace(r.PostForm.Get(name)))
		if *to = n; err != nil {
			f.Refuse(name, "number")
		}
	}
	if !f.Failed() {
		err := s.DB.Write(r.Context(), func(tx *db.Tx) error { return export.Save(tx, v.Viewer, rules) })
		if err == nil {
			return s.done(w, v, "/admin/exports", "done.saved")
		}
		if !f.Take(err) {
			return err
		}
	}
	return s.exportsPage(w, v, adminExportsPage{Form: f})
}
