package web

import (
	"net/http"
	"net/url"
	"slices"

	"dingdong/internal/db"
	"dingdong/internal/insight"
	"dingdong/internal/staff"
)

// adminWordsPage is the overview of the lexicons: one line a language, and a box to
// try sentences with what is live.
type adminWordsPage struct {
	Frame
	Top       AdminTop
	Form      Form
	Languages []wordsRow
	Tried     triedView
}

// wordsRow is one language.
type wordsRow struct {
	Path, Tag, Name, Text string
	Drafts                string
}

func (s *Server) listWords(w http.ResponseWriter, _ *http.Request, v *Visit) error {
	return s.wordsPage(w, v, Form{}, triedView{})
}

func (s *Server) wordsPage(w http.ResponseWriter, v *Visit, f Form, tried triedView) error {
	var versions []insight.Version
	var names map[string]string
	err := s.DB.Read(v.request.Context(), func(tx *db.Tx) (err error) {
		if names, err = staffNames(tx, v); err != nil {
			return err
		}
		versions, err = s.Reader.Versions(tx, v.Viewer, "")
		return err
	})
	if err != nil {
		return err
	}
	title := v.T("words.title")
	data := adminWordsPage{Form: f, Tried: tried, Top: AdminTop{Up: adminUp(v), Title: title, Text: v.T("words.about")}}
	for _, language := range insight.Languages() {
		row := wordsRow{Path: "/admin/words/" + language, Tag: language, Name: v.T("spoken." + language), Text: v.T("words.nothing_live")}
		drafts := 0
		for _, x := range versions {
			switch {
			case x.Language != language:
			case x.State == insight.StateLive:
				row.Text = joined(v.T("words.version", "n", x.Version), s.byAndWhen(v, x, names))
			case x.State == insight.StateDraft:
				drafts++
			}
		}
		if drafts > 0 {
			row.Drafts = v.T("words.drafts", "n", drafts)
		}
		data.Languages = append(data.Languages, row)
	}
	data.Frame = s.frame(v, "admin", title)
	data.Path = "/admin/words"
	return s.render(w, v, view{Page: "admin_words", Status: f.status(), Data: data})
}

// staffNames says who somebody is by her id.
func staffNames(tx *db.Tx, v *Visit) (map[string]string, error) {
	people, err := staff.ListStaff(tx)
	if err != nil {
		return nil, err
	}
	names := map[string]string{"system": v.T("words.by_us")}
	for _, p := range people {
		names[p.ID] = p.Name
	}
	return names, nil
}

func (s *Server) byAndWhen(v *Visit, x insight.Version, names map[string]string) string {
	who := names[x.By]
	if x.Shipped > 0 {
		who = v.T("words.shipped", "n", x.Shipped)
	}
	return joined(who, s.clock(v, "").Moment(x.At))
}

// wordsLanguage is the language that the path names.
func wordsLanguage(r *http.Request) (string, error) {
	language := r.PathValue("language")
	if !slices.Contains(insight.Languages(), language) {
		return "", db.ErrNotFound
	}
	return language, nil
}

// adminLexiconPage lists the versions of one language.
type adminLexiconPage struct {
	Frame
	Top    AdminTop
	Live   *versionRow
	Drafts []versionRow
	Old    []versionRow
}

// versionRow is one version of a lexicon.
type versionRow struct {
	Path, Name, Text, Note string
	Worry                  string
	Again                  Confirm // to make an old one live
}

func (s *Server) showLexicon(w http.ResponseWriter, r *http.Request, v *Visit) error {
	language, err := wordsLanguage(r)
	if err != nil {
		return err
	}
	var versions []insight.Version
	var names map[string]string
	problem := ""
	err = s.DB.Read(r.Context(), func(tx *db.Tx) (err error) {
		if names, err = staffNames(tx, v); err != nil {
			return err
		}
		if versions, err = s.Reader.Versions(tx, v.Viewer, language); err != nil {
			return err
		}
		for _, x := range versions {
			if x.State == insight.StateLive {
				whole, err := s.Reader.Version(tx, v.Viewer, x.ID)
				if err != nil {
					return err
				}
				problem = whole.Problem
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	name, base := v.T("spoken."+language), "/admin/words/"+language
	data := adminLexiconPage{Frame: s.frame(v, "admin", name),
		Top: AdminTop{Up: Step{"/admin/words", v.T("words.title")}, Title: name, Text: v.T("words.language_about"), Do: Step{base + "/new", v.T("words.new_draft")}}}
	for _, x := range versions {
		row := versionRow{Path: base + "/" + x.ID, Name: v.T("words.version", "n", x.Version), Text: s.byAndWhen(v, x, names), Note: x.Note}
		switch x.State {
		case insight.StateLive:
			if problem != "" {
				row.Worry = v.T("words.not_read", "why", problem)
			}
			data.Live = &row
		case insight.StateDraft:
			data.Drafts = append(data.Drafts, row)
		default:
			row.Again = s.again(v, x)
			data.Old = append(data.Old, row)
		}
	}
	return s.render(w, v, view{Page: "admin_lexicon", Data: data})
}

// again asks before an old version goes live.
func (s *Server) again(v *Visit, x insight.Version) Confirm {
	n := v.T("words.version", "n", x.Version)
	return Confirm{ID: "again-" + x.ID, Path: "/admin/words/" + x.Language + "/" + x.ID + "/publish", Button: v.T("words.again"), Small: true,
		Title: v.T("words.again_title", "version", n), Text: v.T("words.again_text"), Go: v.T("words.again")}
}

// publishAgain makes an old version, or a draft as it was saved, the live one.
func (s *Server) publishAgain(w http.ResponseWriter, r *http.Request, v *Visit) error {
	language, err := wordsLanguage(r)
	if err != nil {
		return err
	}
	id := r.PathValue("version")
	var f Form
	err = s.DB.Write(r.Context(), func(tx *db.Tx) error {
		if _, err := s.lexiconVersion(tx, v, language, id); err != nil {
			return err
		}
		return s.Reader.Publish(tx, v.Viewer, id)
	})
	if s.takeLexicon(v, &f, err) { // a newer program takes less than an older one did
		return s.editorPage(w, v, f, triedView{})
	}
	if err != nil {
		return err
	}
	return s.done(w, v, "/admin/words/"+language, "done.published")
}

func (s *Server) dropLexicon(w http.ResponseWriter, r *http.Request, v *Visit) error {
	language, err := wordsLanguage(r)
	if err != nil {
		return err
	}
	id := r.PathValue("version")
	err = s.DB.Write(r.Context(), func(tx *db.Tx) error {
		if _, err := s.lexiconVersion(tx, v, language, id); err != nil {
			return err
		}
		return s.Reader.Drop(tx, v.Viewer, id)
	})
	if err != nil {
		return err
	}
	return s.done(w, v, "/admin/words/"+language, "done.dropped")
}

// lexiconVersion is a version of the language that the path names.
func (s *Server) lexiconVersion(tx *db.Tx, v *Visit, language, id string) (insight.Version, error) {
	x, err := s.Reader.Version(tx, v.Viewer, id)
	if err == nil && x.Language != language {
		err = db.ErrNotFound
	}
	return x, err
}

// tryAll reads sentences with every lexicon that is live.
func (s *Server) tryAll(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if err := r.ParseForm(); err != nil {
		return malformed(err)
	}
	f := Form{Values: url.Values{"sentences": r.PostForm["sentences"]}}
	sentences, err := typedSentences(r.PostForm.Get("sentences"))
	var tried triedView
	if err == nil {
		err = s.DB.Read(r.Context(), func(tx *db.Tx) error {
			reader, err := s.Reader.Live(tx)
			if err != nil {
				return err
			}
			for _, text := range sentences {
				tried.Lines = append(tried.Lines, s.triedLine(v, text, reader.Read(text)))
			}
			return nil
		})
	}
	if f.Take(err) {
		tried.Problem = &problemView{Text: invalidText(v.Words, f.Errors["sentences"])}
	} else if err != nil {
		return err
	}
	if v.Partial {
		return s.render(w, v, view{Page: "admin_words", Block: "tried", Status: f.status(), Data: tried})
	}
	return s.wordsPage(w, v, f, tried)
}
