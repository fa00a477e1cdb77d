package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

func (s *Server) listAttributes(w http.ResponseWriter, r *http.Request, v *Visit) error {
	var defs []customer.AttributeDef
	var brands []staff.Brand
	err := s.DB.Read(r.Context(), func(tx *db.Tx) (err error) {
		if brands, err = staff.ListBrands(tx); err != nil {
			return err
		}
		defs, err = s.Desk.Book.AttributeDefs(tx)
		return err
	})
	if err != nil {
		return err
	}
	title, add := v.T("known.attributes"), Step{"/admin/attributes/new", v.T("known.attribute.add")}
	data := adminListPage{Frame: s.frame(v, "admin", title), Top: AdminTop{Up: adminUp(v), Title: title, Text: v.T("known.attributes.about"), Do: add},
		Nothing: Empty{Icon: "list", Title: v.T("known.attributes.none"), Text: v.T("known.attributes.about")}.Action(add.Path, add.Text)}
	open, shut := adminGroup{}, adminGroup{Title: v.T("admin.closed_title")}
	for _, d := range defs {
		row := adminRow{Path: "/admin/attributes/" + d.ID, Icon: "list", Name: attributeName(v.Words, d), Closed: d.Closed,
			Text: joined(v.T("known.type."+string(d.Type)), s.choicesInShort(v, d), brandName(brands, d.BrandID))}
		if d.Closed {
			shut.Rows = append(shut.Rows, row)
		} else {
			open.Rows = append(open.Rows, row)
		}
	}
	for _, part := range []adminGroup{open, shut} {
		if len(part.Rows) > 0 {
			data.Groups = append(data.Groups, part)
		}
	}
	return s.render(w, v, view{Page: "admin_list", Data: data})
}

// choicesInShort names the first choices of an attribute.
func (s *Server) choicesInShort(v *Visit, d customer.AttributeDef) string {
	const shown = 4
	var names []string
	for _, c := range d.Choices[:min(len(d.Choices), shown)] {
		names = append(names, s.codeLabel(v.Words, d, c.Code))
	}
	if more := len(d.Choices) - shown; more > 0 {
		names = append(names, v.T("admin.staff.more_places", "n", more))
	}
	return strings.Join(names, v.T("admin.list_comma"))
}

// adminAttributePage is the page of one attribute.
type adminAttributePage struct {
	Frame
	Top    AdminTop
	Form   Form
	Action string
	Known  bool
	Type   string // of one that is there: it stays
	Typed  string // in words
	Types  []Option
	Brands []Option
	Closed bool
	Close  Confirm
	Reopen Step
}

func (s *Server) showAttribute(w http.ResponseWriter, _ *http.Request, v *Visit) error {
	return s.attributePage(w, v, Form{})
}

func (s *Server) attributePage(w http.ResponseWriter, v *Visit, f Form) error {
	id := v.request.PathValue("attribute")
	var defs []customer.AttributeDef
	var brands []staff.Brand
	err := s.DB.Read(v.request.Context(), func(tx *db.Tx) (err error) {
		if brands, err = staff.ListBrands(tx); err != nil {
			return err
		}
		defs, err = s.Desk.Book.AttributeDefs(tx)
		return err
	})
	if err != nil {
		return err
	}
	data := adminAttributePage{Action: "/admin/attributes", Top: AdminTop{Up: Step{"/admin/attributes", v.T("known.attributes")}, Title: v.T("known.attribute.add")}}
	for _, t := range customer.Types() {
		data.Types = append(data.Types, Option{string(t), v.T("known.type." + string(t))})
	}
	if id != "" {
		i := slices.IndexFunc(defs, func(d customer.AttributeDef) bool { return d.ID == id })
		if i < 0 {
			return db.ErrNotFound
		}
		d := defs[i]
		if f.Values == nil {
			f.Values = url.Values{"label": {d.Label}, "choices": {choiceLines(d.Choices)}, "brand": {d.BrandID}, "position": {formNumber(d.Position)}}
		}
		name := attributeName(v.Words, d)
		data.Action += "/" + id
		data.Known, data.Closed, data.Type, data.Typed = true, d.Closed, string(d.Type), v.T("known.type."+string(d.Type))
		data.Top.Title, data.Top.Text = name, joined(data.Typed, d.Name)
		data.Close = Confirm{ID: "close", Path: data.Action + "/close", Button: v.T("known.attribute.close"),
			Title: v.T("admin.close_title", "name", name), Text: v.T("known.attribute.close_text"), Go: v.T("admin.close")}
		if d.Closed {
			data.Reopen = Step{data.Action + "/reopen", v.T("admin.reopen")}
		}
	}
	data.Form, data.Brands = f, brandOptions(v, brands, f.Values.Get("brand"))
	data.Frame = s.frame(v, "admin", data.Top.Title)
	data.Path = data.Action
	return s.render(w, v, view{Page: "admin_attribute", Status: f.status(), Data: data})
}

// choiceLines writes choices as they are typed: one a line, code or code=label.
func choiceLines(choices []customer.Choice) string {
	var out []string
	for _, c := range choices {
		line := c.Code
		if c.Label != "" {
			line += " = " + c.Label
		}
		out = append(out, line)
	}
	return strings.Join(out, "\n")
}

func typedChoices(text string) []customer.Choice {
	var out []customer.Choice
	for line := range strings.Lines(text) {
		code, label, _ := strings.Cut(strings.ReplaceAll(line, "＝", "="), "=")
		if code, label = strings.TrimSpace(code), strings.TrimSpace(label); code+label != "" {
			out = append(out, customer.Choice{Code: code, Label: label})
		}
	}
	return out
}

func (s *Server) saveAttribute(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if err := r.ParseForm(); err != nil {
		return malformed(err)
	}
	form := r.PostForm
	d := customer.AttributeDef{ID: r.PathValue("attribute"), Label: form.Get("label"), Choices: typedChoices(form.Get("choices")),
		BrandID: form.Get("brand"), Position: typedNumber(form.Get("position"))}
	if d.ID == "" { // both stay as they are afterwards
		d.Name, d.Type = strings.TrimSpace(form.Get("name")), customer.Type(form.Get("type"))
	}
	f := Form{Values: form}
	err := s.DB.Write(r.Context(), func(tx *db.Tx) error {
		_, err := s.Desk.Book.SaveAttributeDef(tx, v.Viewer, d)
		return err
	})
	if f.Take(err) {
		f.explain("name", "malformed", "name_form")
		f.explain("choices", "malformed", "choice_form")
		f.explain("choices", "taken", "twice")
		f.explain("name", "taken", "name_taken")
		return s.attributePage(w, v, f)
	}
	if err != nil {
		return err
	}
	return s.done(w, v, "/admin/attributes", "done.saved")
}

// explain says more of an error than its code does.
func (f *Form) explain(field, code, better string) {
	if f.Errors[field] == code {
		f.Errors[field] = better
	}
}

func (s *Server) closeAttribute(w http.ResponseWriter, r *http.Request, v *Visit) error {
	return s.turnKnown(w, r, v, turning{"/admin/attributes/" + r.PathValue("attribute"), "done.closed", func(tx *db.Tx) error {
		return s.Desk.Book.CloseAttributeDef(tx, v.Viewer, r.PathValue("attribute"))
	}})
}

func (s *Server) reopenAttribute(w http.ResponseWriter, r *http.Request, v *Visit) error {
	return s.turnKnown(w, r, v, turning{"/admin/attributes/" + r.PathValue("attribute"), "done.reopened", func(tx *db.Tx) error {
		return s.Desk.Book.ReopenAttributeDef(tx, v.Viewer, r.PathValue("attribute"))
	}})
}

// turning is one thing done with one tap, and where it leads.
type turning struct {
	to, thanks string
	do         func(tx *db.Tx) error
}

func (s *Server) turnKnown(w http.ResponseWriter, r *http.Request, v *Visit, x turning) error {
	if err := s.DB.Write(r.Context(), x.do); err != nil {
		return err
	}
	return s.done(w, v, x.to, x.thanks)
}
