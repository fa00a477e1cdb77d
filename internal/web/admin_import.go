package web

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"dingdong/internal/catalogue"
	"dingdong/internal/db"
)

// adminImportPage is one file: what it would do, how far it is, or what became of it.
type adminImportPage struct {
	Frame
	Top     AdminTop
	Form    Form
	State   catalogue.ImportState
	Failure string
	Plan    *importPlan
	Going   importGoing
	Bad     badRows
	Drop    Confirm
	Action  string
}

// importPlan is the preview.
type importPlan struct {
	File       string // encoding and what parts the columns, in words
	Numbers    []figure
	Missing    []string
	Ready      bool    // it can begin
	Lines      bool    // a file of JSON lines: nothing to map
	Mapping    []Field // of what the file has, and of what must be there
	Unmapped   []Field
	Zones      []Option
	Purchases  bool
	Customers  bool
	Part       string // that only the first rows were looked into
	Headings   []string
	Rows       [][]string
	MoreRows   bool
	Raw        []string // of JSON lines
	Bad        badRows
	Unreadable string
}

// figure is a number with what it counts.
type figure struct{ Number, Text, Tone string }

// badRows are rows that cannot be read.
type badRows struct {
	Rows     []badRow
	Total    int
	Next     string // the page with more
	Download string
	Kept     bool // only the first are kept
	Shown    bool // the file is at hand, and says what stands there
}

type badRow struct {
	Line          string
	Field, Reason string
	Value         string // what the file says there
}

// importGoing is how far an import is, for the part that draws itself again.
type importGoing struct {
	Path       string
	Done       bool
	Value, Max int64
	Text       string
	Numbers    []figure
}

const (
	sampleShown = 8
	errorsShown = 100
)

func (s *Server) showImport(w http.ResponseWriter, r *http.Request, v *Visit) error {
	return s.importPage(w, v, Form{Values: r.URL.Query()})
}

func (s *Server) importPage(w http.ResponseWriter, v *Visit, f Form) error {
	i, err := s.importNamed(v)
	if err != nil {
		return err
	}
	data := adminImportPage{State: i.State, Action: "/admin/imports/" + i.ID,
		Top: AdminTop{Up: Step{"/admin/imports", v.T("import.title")}, Title: i.Name, Text: joined(v.T("import.kind."+string(i.Kind)), s.clock(v, "").Moment(i.At))}}
	data.Drop = Confirm{ID: "drop", Path: data.Action + "/drop", Button: v.T("import.drop"), Title: v.T("import.drop_title"), Text: v.T("import.drop_text"), Go: v.T("import.drop")}
	switch i.State {
	case catalogue.ImportPreview:
		if data.Plan, err = s.plan(v, i, &f); err != nil {
			return err
		}
	case catalogue.ImportRunning:
		data.Going = s.going(v, i)
		data.Drop.Button, data.Drop.Title, data.Drop.Text, data.Drop.Go = v.T("import.stop"), v.T("import.stop_title"), v.T("import.stop_text"), v.T("import.stop")
	default:
		data.Drop = Confirm{}
		data.Going = s.going(v, i)
		data.Failure = failureText(v, s.clock(v, ""), i)
		if data.Bad, err = s.badRows(v, i); err != nil {
			return err
		}
	}
	data.Form = f
	data.Frame = s.frame(v, "admin", i.Name)
	if v.request.Method != http.MethodGet {
		data.Path = data.Action
	}
	return s.render(w, v, view{Page: "admin_import", Status: f.status(), Data: data})
}

func (s *Server) importNamed(v *Visit) (i catalogue.Import, err error) {
	err = s.DB.Read(v.request.Context(), func(tx *db.Tx) (err error) {
		i, err = s.Shop.ImportByID(tx, v.Viewer, v.request.PathValue("import"))
		return err
	})
	return i, err
}

// importOptions reads what a form says of a file.
func importOptions(form url.Values) catalogue.ImportOptions {
	o := catalogue.ImportOptions{Source: strings.TrimSpace(form.Get("source")), Currency: form.Get("currency"), Timezone: form.Get("timezone"), ROC: form.Get("roc") == "on",
		Region: strings.TrimSpace(form.Get("region")), Proved: form.Get("proved") == "on"}
	for name, values := range form {
		if field, ok := strings.CutPrefix(name, "column."); ok && values[0] != "" {
			if o.Columns == nil {
				o.Columns = map[string]string{}
			}
			o.Columns[field] = values[0]
		}
	}
	return o
}

// plan looks into the file with what the form says, and tells what would happen.
func (s *Server) plan(v *Visit, i catalogue.Import, f *Form) (*importPlan, error) {
	p := &importPlan{Purchases: i.Kind == catalogue.ImportPurchases, Customers: i.Kind == catalogue.ImportCustomers, Zones: zones(f.Values.Get("timezone"), v.Now)}
	preview, err := s.Shop.Preview(v.request.Context(), v.Viewer, i.ID, importOptions(f.Values))
	if f.Take(err) {
		if code := f.Errors["file"]; code != "" {
			p.Unreadable = invalidText(v.Words, code)
			return p, nil
		}
		// Wrong is only what was said of the file: the guess shows its columns again.
		for name := range f.Errors {
			if field, ok := strings.CutPrefix(name, "columns."); ok {
				f.Values.Del("column." + field)
				f.Refuse("column."+field, f.Errors[name])
				delete(f.Errors, name)
			}
		}
		preview, err = s.Shop.Preview(v.request.Context(), v.Viewer, i.ID, catalogue.ImportOptions{})
		p.Ready = false
	}
	if err != nil {
		return nil, err
	}
	p.Lines = preview.Format != "csv"
	p.File = joined(v.T("import.encoding."+preview.Encoding), v.T("import.comma."+commaKey(preview)))
	p.Ready = !f.Failed() && len(preview.Missing) == 0 && preview.New+preview.Repeated > 0
	for _, m := range preview.Missing {
		p.Missing = append(p.Missing, importField(v.Words, i.Kind, m))
	}
	p.Numbers = []figure{{shownNumber(int(preview.Read)), v.T("import.n_rows"), ""}}
	if preview.Read < preview.Total {
		p.Part = v.T("import.part", "read", shownNumber(int(preview.Read)), "all", shownNumber(rounded(int(preview.Total))))
		p.Numbers[0].Text = v.T("import.n_looked")
	}
	if len(preview.Missing) == 0 {
		p.Numbers = append(p.Numbers, figure{shownNumber(int(preview.New)), v.T("import.n_new." + string(i.Kind)), "green"},
			figure{shownNumber(int(preview.Repeated)), v.T("import.n_repeated"), ""}, figure{shownNumber(int(preview.Bad)), v.T("import.n_bad"), badTone(preview.Bad)})
	}
	p.Bad = s.listBad(v, i.Kind, preview.Errors)
	p.Bad.Total = int(preview.Bad)
	s.sample(v, i, preview, p)
	for _, x := range mappingFields(v, i.Kind, preview, *f) {
		if x.Value == "-" && x.Error == "" {
			p.Unmapped = append(p.Unmapped, x)
		} else {
			p.Mapping = append(p.Mapping, x)
		}
	}
	return p, nil
}

// rounded keeps two digits of a number that is a guess.
func rounded(n int) int {
	unit := 1
	for n/unit >= 100 {
		unit *= 10
	}
	return (n + unit/2) / unit * unit
}

func commaKey(p catalogue.Preview) string {
	switch {
	case p.Format != "csv":
		return "lines"
	case p.Comma == "\t":
		return "tab"
	case p.Comma == ";":
		return "semicolon"
	}
	return "comma"
}

func badTone(n int64) string {
	if n > 0 {
		return "amber"
	}
	return ""
}

// sample shows the first rows as they would be read: our columns, in our order.
func (s *Server) sample(v *Visit, i catalogue.Import, preview catalogue.Preview, p *importPlan) {
	rows := preview.Sample[:min(len(preview.Sample), sampleShown)]
	p.MoreRows = preview.Total > int64(len(rows))
	if p.Lines {
		for _, row := range rows {
			p.Raw = append(p.Raw, strings.Join(row, " "))
		}
		return
	}
	var at []int
	for _, field := range catalogue.ImportFields(i.Kind) {
		heading, mapped := preview.Columns[field.Name]
		if n := slices.Index(preview.Headings, heading); mapped && n >= 0 {
			at = append(at, n)
			p.Headings = append(p.Headings, importField(v.Words, i.Kind, field.Name))
		}
	}
	for _, row := range rows {
		cells := make([]string, len(at))
		for n, column := range at {
			if column < len(row) {
				cells[n] = row[column]
			}
		}
		p.Rows = append(p.Rows, cells)
	}
}

// mappingFields are the selects: which heading of the file holds which field.
func mappingFields(v *Visit, k catalogue.ImportKind, preview catalogue.Preview, f Form) []Field {
	if preview.Format != "csv" {
		return nil
	}
	options := []Option{{"-", v.T("import.no_column")}}
	for _, h := range preview.Headings {
		if h != "" {
			options = append(options, Option{h, h})
		}
	}
	var out []Field
	for _, field := range catalogue.ImportFields(k) {
		x := f.Select("column."+field.Name, importField(v.Words, k, field.Name), options)
		x.Must = true // no "optional" behind every label
		x.Value = preview.Columns[field.Name]
		if x.Value == "" {
			x.Value = "-"
		}
		if slices.Contains(preview.Missing, field.Name) {
			x.Error = "required"
		}
		out = append(out, x)
	}
	return out
}

func (s *Server) listBad(v *Visit, k catalogue.ImportKind, list []catalogue.RowError) badRows {
	var b badRows
	for _, e := range list {
		b.Rows = append(b.Rows, badRow{Line: shownNumber(int(e.Line)), Field: importField(v.Words, k, e.Field), Reason: rowReason(v.Words, e.Code), Value: e.Value})
		b.Shown = b.Shown || e.Value != ""
	}
	return b
}

// badRows are a page of what was wrong.
func (s *Server) badRows(v *Visit, i catalogue.Import) (badRows, error) {
	if i.Bad == 0 {
		return badRows{}, nil
	}
	after, _ := strconv.ParseInt(v.request.URL.Query().Get("after"), 10, 64)
	var list []catalogue.RowError
	err := s.DB.Read(v.request.Context(), func(tx *db.Tx) (err error) {
		list, err = s.Shop.ImportErrors(tx, v.Viewer, i.ID, max(after, 0), errorsShown+1)
		return err
	})
	if err != nil {
		return badRows{}, err
	}
	b := s.listBad(v, i.Kind, list[:min(len(list), errorsShown)])
	if len(list) > errorsShown {
		b.Next = "/admin/imports/" + i.ID + "?after=" + strconv.FormatInt(list[errorsShown-1].Line, 10)
	}
	b.Total, b.Kept, b.Download = int(i.Bad), i.Bad > mostErrors, "/admin/imports/"+i.ID+"/errors.csv"
	return b, nil
}

func (s *Server) going(v *Visit, i catalogue.Import) importGoing {
	g := importGoing{Path: "/admin/imports/" + i.ID + "/progress", Done: i.State != catalogue.ImportRunning, Value: i.Settled, Max: max(i.Total, i.Settled, 1),
		Text: v.T("import.progress", "n", shownNumber(int(i.Settled)), "all", shownNumber(int(max(i.Total, i.Settled))))}
	g.Numbers = []figure{{shownNumber(int(i.Added)), v.T("import.n_added." + string(i.Kind)), "green"}, {shownNumber(int(i.Repeated)), v.T("import.n_repeated"), ""},
		{shownNumber(int(i.Bad)), v.T("import.n_bad"), badTone(i.Bad)}}
	return g
}

// importProgress draws how far it is; when it is over the page is shown anew.
func (s *Server) importProgress(w http.ResponseWriter, _ *http.Request, v *Visit) error {
	i, err := s.importNamed(v)
	if err != nil {
		return err
	}
	if i.State != catalogue.ImportRunning {
		w.Header().Set("HX-Refresh", "true")
	}
	return s.render(w, v, view{Page: "admin_import", Block: "going", Data: s.going(v, i)})
}

// failureText says why an import ended early: "columns.ref required", as the room notes it.
func failureText(v *Visit, clock Clock, i catalogue.Import) string {
	w := v.Words
	switch {
	case i.State == catalogue.ImportDropped:
		return w.T("import.was_dropped")
	case i.State == catalogue.ImportStopped && i.Moved.IsZero():
		return w.T("import.was_stopped", "when", clock.Moment(i.At))
	case i.State == catalogue.ImportStopped:
		return w.T("import.was_stopped", "when", clock.Moment(i.Moved))
	case i.State != catalogue.ImportFailed:
		return ""
	}
	field, code, _ := strings.Cut(i.Error, " ")
	if field == "file" {
		return w.T("import.failed", "why", invalidText(w, code))
	}
	return w.T("import.failed", "why", importField(w, i.Kind, field)+": "+invalidText(w, code))
}
