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

func (s *Server) listTags(w http.ResponseWriter, r *http.Request, v *Visit) error {
	var tags []customer.Tag
	var brands []staff.Brand
	var worn map[string]int
	err := s.DB.Read(r.Context(), func(tx *db.Tx) (err error) {
		if brands, err = staff.ListBrands(tx); err != nil {
			return err
		}
		if worn, err = s.Desk.Book.TagCounts(tx); err != nil {
			return err
		}
		tags, err = s.Desk.Book.Tags(tx)
		return err
	})
	if err != nil {
		return err
	}
	query := strings.TrimSpace(r.URL.Query().Get("q"))
	title, add := v.T("known.tags"), Step{"/admin/tags/new", v.T("known.tag.add")}
	data := adminListPage{Frame: s.frame(v, "admin", title), Top: AdminTop{Up: adminUp(v), Title: title, Text: v.T("known.tags.about"), Do: add},
		Filter:  &Filter{Path: "/admin/tags", Value: query, Label: v.T("known.tags.search")},
		Nothing: Empty{Icon: "tag", Title: v.T("known.tags.none"), Text: v.T("known.tags.none_text")}.Action("/admin/tags", v.T("known.tags.all"))}
	if query == "" {
		data.Nothing = data.Nothing.Action(add.Path, add.Text)
	}
	shut := adminGroup{Title: v.T("admin.closed_title")}
	for _, t := range tags {
		name := s.TagLabel(v.Words, t.Name, t.Label)
		if !found(query, name, t.Name) {
			continue
		}
		row := adminRow{Path: "/admin/tags/" + t.ID, Icon: "tag", Tone: t.Tone, Name: name, Closed: t.Closed, Text: s.aboutTag(v, t, brandName(brands, t.BrandID))}
		if n := worn[t.ID]; n > 0 {
			row.Pills = []Pill{{Text: v.T("known.tag.worn", "n", n)}}
		}
		if t.Closed {
			shut.Rows = append(shut.Rows, row)
			continue
		}
		kind, _, facet := strings.Cut(t.Name, ":")
		heading := v.T("known.tags.own")
		if facet {
			heading = kindName(v.Words, kind)
		}
		i := slices.IndexFunc(data.Groups, func(g adminGroup) bool { return g.Title == heading })
		if i < 0 {
			i = len(data.Groups)
			data.Groups = append(data.Groups, adminGroup{Title: heading})
		}
		data.Groups[i].Rows = append(data.Groups[i].Rows, row)
	}
	if len(shut.Rows) > 0 {
		data.Groups = append(data.Groups, shut)
	}
	return s.render(w, v, view{Page: "admin_list", Data: data})
}

// kindName says what kind of facets a tag is of: "concern" in her words.
func kindName(w *Words, kind string) string {
	if key := "known.kind." + kind; w.Has(key) {
		return w.T(key)
	}
	return strings.ReplaceAll(kind, "_", " ")
}

func (s *Server) aboutTag(v *Visit, t customer.Tag, brand string) string {
	var days, hand string
	if t.Days > 0 {
		days = v.T("known.tag.holds", "n", t.Days)
	}
	if t.ByHand {
		hand = v.T("known.tag.by_hand_short")
	}
	return joined(days, hand, brand)
}

// adminTagPage is the page of one tag.
type adminTagPage struct {
	Frame
	Top    AdminTop
	Form   Form
	Action string
	Known  bool
	Tones  []toneChoice
	Sample Pill
	Brands []Option
	Closed bool
	Close  Confirm
	Reopen Step
}

// toneChoice is a colour to choose.
type toneChoice struct {
	Value, Text string
	On          bool
}

func (s *Server) showTag(w http.ResponseWriter, _ *http.Request, v *Visit) error {
	return s.tagPage(w, v, Form{})
}

func (s *Server) tagPage(w http.ResponseWriter, v *Visit, f Form) error {
	id := v.request.PathValue("tag")
	var tags []customer.Tag
	var brands []staff.Brand
	var worn map[string]int
	err := s.DB.Read(v.request.Context(), func(tx *db.Tx) (err error) {
		if brands, err = staff.ListBrands(tx); err != nil {
			return err
		}
		if worn, err = s.Desk.Book.TagCounts(tx); err != nil {
			return err
		}
		tags, err = s.Desk.Book.Tags(tx)
		return err
	})
	if err != nil {
		return err
	}
	data := adminTagPage{Action: "/admin/tags", Top: AdminTop{Up: Step{"/admin/tags", v.T("known.tags")}, Title: v.T("known.tag.add")},
		Sample: Pill{Text: v.T("known.tag.sample")}}
	if id == "" && f.Values == nil {
		f.Values = url.Values{"by_hand": {"on"}}
	}
	if id != "" {
		i := slices.IndexFunc(tags, func(t customer.Tag) bool { return t.ID == id })
		if i < 0 {
			return db.ErrNotFound
		}
		t := tags[i]
		if f.Values == nil {
			f.Values = url.Values{"label": {t.Label}, "tone": {t.Tone}, "brand": {t.BrandID}, "days": {formNumber(t.Days)},
				"by_hand": {checked(t.ByHand)}, "position": {formNumber(t.Position)}}
		}
		name := s.TagLabel(v.Words, t.Name, t.Label)
		data.Action += "/" + id
		data.Known, data.Closed = true, t.Closed
		data.Sample.Text = s.TagLabel(v.Words, t.Name, "")
		data.Top.Title, data.Top.Text = name, t.Name
		if n := worn[t.ID]; n > 0 {
			data.Top.Text = joined(t.Name, v.T("known.tag.worn", "n", n))
		}
		data.Close = Confirm{ID: "close", Path: data.Action + "/close", Button: v.T("known.tag.close"),
			Title: v.T("admin.close_title", "name", name), Text: v.T("known.tag.close_text"), Go: v.T("admin.close")}
		if t.Closed {
			data.Reopen = Step{data.Action + "/reopen", v.T("admin.reopen")}
		}
	}
	data.Sample.Tone = f.Values.Get("tone")
	for _, tone := range customer.Tones() {
		data.Tones = append(data.Tones, toneChoice{tone, v.T("known.tone." + toneKey(tone)), f.Values.Get("tone") == tone})
	}
	data.Form, data.Brands = f, brandOptions(v, brands, f.Values.Get("brand"))
	data.Frame = s.frame(v, "admin", data.Top.Title)
	data.Path = data.Action
	return s.render(w, v, view{Page: "admin_tag", Status: f.status(), Data: data})
}

func toneKey(tone string) string {
	if tone == "" {
		return "plain"
	}
	return tone
}

func (s *Server) saveTag(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if err := r.ParseForm(); err != nil {
		return malformed(err)
	}
	form := r.PostForm
	t := customer.Tag{ID: r.PathValue("tag"), Label: form.Get("label"), Tone: form.Get("tone"), BrandID: form.Get("brand"),
		Days: typedNumber(form.Get("days")), ByHand: form.Get("by_hand") == "on", Position: typedNumber(form.Get("position"))}
	if t.ID == "" {
		t.Name = strings.TrimSpace(form.Get("name"))
	}
	f := Form{Values: form}
	err := s.DB.Write(r.Context(), func(tx *db.Tx) error {
		_, err := s.Desk.Book.SaveTag(tx, v.Viewer, t)
		return err
	})
	if f.Take(err) {
		f.explain("name", "malformed", "tag_form")
		f.explain("name", "taken", "name_taken")
		f.explain("days", "unknown", "days")
		return s.tagPage(w, v, f)
	}
	if err != nil {
		return err
	}
	return s.done(w, v, "/admin/tags", "done.saved")
}

func (s *Server) closeTag(w http.ResponseWriter, r *http.Request, v *Visit) error {
	return s.turnKnown(w, r, v, turning{"/admin/tags/" + r.PathValue("tag"), "done.closed", func(tx *db.Tx) error {
		return s.Desk.Book.CloseTag(tx, v.Viewer, r.PathValue("tag"))
	}})
}

func (s *Server) reopenTag(w http.ResponseWriter, r *http.Request, v *Visit) error {
	return s.turnKnown(w, r, v, turning{"/admin/tags/" + r.PathValue("tag"), "done.reopened", func(tx *db.Tx) error {
		return s.Desk.Book.ReopenTag(tx, v.Viewer, r.PathValue("tag"))
	}})
}
