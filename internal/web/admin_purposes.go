package web

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"dingdong/internal/consent"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// paragraphs are what empty lines part.
func paragraphs(text string) []string {
	var out []string
	for p := range strings.SplitSeq(text, "\n\n") {
		if p = strings.TrimSpace(p); p != "" {
			out = append(out, p)
		}
	}
	return out
}

// consentTiles are what customers are asked, and how often they are written to.
func (s *Server) consentTiles(tx *db.Tx, v *Visit) (tileGroup, error) {
	g := tileGroup{Title: v.T("consent.group")}
	if !v.May(staff.SeeConsent) || s.Consent == nil {
		return g, nil
	}
	purposes, err := s.Consent.Purposes(tx)
	if err != nil {
		return g, err
	}
	rules, err := s.Consent.Rules(tx)
	if err != nil {
		return g, err
	}
	open := 0
	for _, p := range purposes {
		if p.ClosedAt.IsZero() {
			open++
		}
	}
	last := rules.Phases[len(rules.Phases)-1]
	added, err := s.Desk.ChatRules(tx)
	if err != nil {
		return g, err
	}
	chat := v.T("chatrules.greets")
	if added.NoGreeting {
		chat = v.T("chatrules.greets_not")
	}
	g.Tiles = []tile{
		{Path: "/admin/purposes", Icon: "heart", Name: v.T("consent.purposes"), Text: v.T("consent.purposes.count", "n", open)},
		{Path: "/admin/contact-rules", Icon: "clock", Name: v.T("consent.rules"), Text: v.T("consent.rules.tile", "n", last.Messages, "days", last.Days)},
		{Path: "/admin/chat-rules", Icon: "message", Name: v.T("chatrules.title"), Text: chat},
	}
	return g, nil
}

func (s *Server) listPurposes(w http.ResponseWriter, r *http.Request, v *Visit) error {
	var all []consent.Purpose
	agreed := map[string]int{}
	err := s.DB.Read(r.Context(), func(tx *db.Tx) (err error) {
		if all, err = s.Consent.Purposes(tx); err != nil {
			return err
		}
		for _, p := range all {
			versions, err := s.Consent.Versions(tx, v.Viewer, p.Name)
			if err != nil {
				return err
			}
			for _, x := range versions {
				if x.Version >= p.FromVersion {
					agreed[p.Name] += x.Agreed
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	title := v.T("consent.purposes")
	data := adminListPage{Frame: s.frame(v, "admin", title), Top: AdminTop{Up: adminUp(v), Title: title, Text: v.T("consent.purposes.about")}}
	if v.May(staff.KeepConsent) {
		data.Top.Do = Step{"/admin/purposes/new", v.T("consent.purpose.add")}
	}
	open, shut := adminGroup{}, adminGroup{Title: v.T("admin.closed_title")}
	for _, p := range all {
		text, _ := p.In(v.Words.Tag)
		row := adminRow{Path: "/admin/purposes/" + p.Name, Icon: "heart", Name: text.Title, Closed: !p.ClosedAt.IsZero(),
			Text: joined(v.T("consent.version", "n", p.Version), v.T("consent.languages.count", "n", len(p.Texts)))}
		switch {
		case !p.NeedsGrant:
			row.Pills = []Pill{{Text: v.T("consent.no_grant")}}
		default:
			row.Pills = []Pill{{Tone: "green", Text: v.T("consent.agreed", "n", agreed[p.Name])}}
		}
		if row.Closed {
			shut.Rows = append(shut.Rows, row)
			continue
		}
		open.Rows = append(open.Rows, row)
	}
	for _, part := range []adminGroup{open, shut} {
		if len(part.Rows) > 0 {
			data.Groups = append(data.Groups, part)
		}
	}
	return s.render(w, v, view{Page: "admin_list", Data: data})
}

// adminPurposePage is the page of one purpose.
type adminPurposePage struct {
	Frame
	Top       AdminTop
	Form      Form
	Action    string
	Known     bool
	Keeps     bool // the viewer may change it
	Grants    bool // it needs a grant
	Closed    bool
	Version   int
	Languages []purposeText
	Versions  []purposePast
}

// purposeText is the text in one language, to edit or to read.
type purposeText struct {
	Tag, Name, Dir string
	Open           bool
	Missing        bool
	TitleError     string
	BodyError      string
	Title, Body    string
	Paragraphs     []string
}

// purposePast is one version of the texts.
type purposePast struct {
	Name, By, Note, Agreed string
	Anew                   bool
	Texts                  []purposeText
}

func (s *Server) showPurpose(w http.ResponseWriter, _ *http.Request, v *Visit) error {
	return s.purposePage(w, v, Form{})
}

func (s *Server) purposePage(w http.ResponseWriter, v *Visit, f Form) error {
	name := v.request.PathValue("purpose")
	words, err := signTexts()
	if err != nil {
		return err
	}
	data := adminPurposePage{Action: "/admin/purposes", Keeps: v.May(staff.KeepConsent), Known: name != "", Grants: true,
		Top: AdminTop{Up: Step{"/admin/purposes", v.T("consent.purposes")}, Title: v.T("consent.purpose.add")}}
	var p consent.Purpose
	if name != "" {
		var versions []consent.PurposeVersion
		err := s.DB.Read(v.request.Context(), func(tx *db.Tx) (err error) {
			if p, err = s.Consent.Purpose(tx, name); err != nil {
				return err
			}
			versions, err = s.Consent.Versions(tx, v.Viewer, name)
			return err
		})
		if err != nil {
			return err
		}
		text, _ := p.In(v.Words.Tag)
		data.Action += "/" + p.Name
		data.Top.Title, data.Top.Text = text.Title, v.T("consent.version", "n", p.Version)
		data.Top.Code = Copy{Label: v.T("consent.purpose.code"), Text: p.Name}
		data.Grants, data.Closed, data.Version = p.NeedsGrant, !p.ClosedAt.IsZero(), p.Version
		for _, x := range versions {
			data.Versions = append(data.Versions, s.purposePast(v, x, words))
		}
	}
	if f.Values == nil {
		f.Values = url.Values{"position": {formNumber(p.Position)}, "closed": {checked(data.Closed)}}
		for tag, text := range p.Texts {
			f.Values.Set("text_title."+tag, text.Title)
			f.Values.Set("text_body."+tag, text.Body)
		}
	}
	for _, tag := range consent.Languages() {
		t := newPurposeText(tag, words, consent.Text{Title: f.Values.Get("text_title." + tag), Body: f.Values.Get("text_body." + tag)})
		t.TitleError, t.BodyError = f.Errors["text_title."+tag], f.Errors["text_body."+tag]
		t.Open = tag == v.Words.Tag || t.TitleError+t.BodyError != ""
		data.Languages = append(data.Languages, t)
	}
	slices.SortStableFunc(data.Languages, func(a, b purposeText) int { // hers first
		return map[bool]int{true: 0, false: 1}[a.Tag == v.Words.Tag] - map[bool]int{true: 0, false: 1}[b.Tag == v.Words.Tag]
	})
	data.Form = f
	data.Frame = s.frame(v, "admin", data.Top.Title)
	data.Path = data.Action
	return s.render(w, v, view{Page: "admin_purpose", Status: f.status(), Data: data})
}

func newPurposeText(tag string, words map[string]signWords, t consent.Text) purposeText {
	out := purposeText{Tag: tag, Name: words[tag].Name, Dir: "ltr", Title: t.Title, Body: t.Body, Paragraphs: paragraphs(t.Body), Missing: t == consent.Text{}}
	if tag == "ar" {
		out.Dir = "rtl"
	}
	return out
}

func (s *Server) purposePast(v *Visit, x consent.PurposeVersion, words map[string]signWords) purposePast {
	by := x.ByName
	if by == "" {
		by = v.T("consent.shipped")
	}
	p := purposePast{Name: v.T("consent.version", "n", x.Version), By: joined(by, s.clock(v, "").Date(x.At)), Note: x.Note, Anew: x.Anew,
		Agreed: v.T("consent.agreed", "n", x.Agreed)}
	for _, tag := range consent.Languages() {
		if t, ok := x.Texts[tag]; ok {
			p.Texts = append(p.Texts, newPurposeText(tag, words, t))
		}
	}
	return p
}

func (s *Server) savePurpose(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if err := r.ParseForm(); err != nil {
		return malformed(err)
	}
	form := r.PostForm
	p := consent.PurposeForm{Name: r.PathValue("purpose"), Position: typedNumber(form.Get("position")), Closed: form.Get("closed") == "on",
		Note: form.Get("note"), Anew: form.Get("anew") == "on", Version: typedNumber(form.Get("version")), Texts: map[string]consent.Text{}}
	if p.New = p.Name == ""; p.New {
		p.Name = form.Get("name")
	}
	for _, tag := range consent.Languages() {
		p.Texts[tag] = consent.Text{Title: form.Get("text_title." + tag), Body: form.Get("text_body." + tag)}
	}
	f := Form{Values: form}
	err := s.DB.Write(r.Context(), func(tx *db.Tx) error {
		_, err := s.Consent.SavePurpose(tx, v.Viewer, p)
		return err
	})
	if errors.Is(err, db.ErrConflict) {
		f.Alert, err = v.T("consent.purpose.moved"), nil
		return s.purposePage(w, v, f)
	}
	if f.Take(err) {
		if f.Errors["texts"] != "" {
			f.Alert = v.T("consent.purpose.no_text")
		}
		return s.purposePage(w, v, f)
	}
	if err != nil {
		return err
	}
	return s.done(w, v, "/admin/purposes/"+p.Name, "done.saved")
}

// sampleDay is the beginning of a day in a zone.
func sampleDay(t time.Time, zone *time.Location) time.Time {
	y, m, d := t.In(zone).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, zone)
}
