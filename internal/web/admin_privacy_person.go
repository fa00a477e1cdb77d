package web

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"

	"dingdong/internal/db"
	"dingdong/internal/privacy"
)

// adminPrivacyPersonPage is one person for the officer: what she asked, and both verbs.
type adminPrivacyPersonPage struct {
	Frame
	Top      AdminTop
	Erased   bool
	Action   string
	Form     Form
	Kinds    []Option
	Requests []privacyRequest
	Files    []privacyFile
	Seen     []string
	Record   string // where every look at her stands, with who and when
}

type privacyRequest struct {
	ID, Path, Title, Text, Worry, Note string
	Open                               bool
	Steps                              []string
	Typed, Error                       string // what was tried last, and the code of what is wrong with it
}

// privacyTried is a form of the page that was refused: of one request, or with none
// the one that enters what she asked.
type privacyTried struct {
	request string
	Form
}

type privacyFile struct{ Path, Text string }

// adminErasePage asks once more, by her name.
type adminErasePage struct {
	Frame
	Top    AdminTop
	Form   Form
	Field  Field
	Action string
	Name   string
	Text   string
}

func (s *Server) showPrivacyPerson(w http.ResponseWriter, r *http.Request, v *Visit) error {
	return s.privacyPerson(w, v, r.PathValue("customer"), privacyTried{})
}

func (s *Server) privacyPerson(w http.ResponseWriter, v *Visit, id string, tried privacyTried) error {
	data := adminPrivacyPersonPage{Action: "/admin/privacy/people/" + id}
	if tried.request == "" {
		data.Form = tried.Form
	}
	clock := s.clock(v, "")
	for _, k := range []privacy.RequestKind{privacy.AskExport, privacy.AskErase, privacy.AskCorrect} {
		data.Kinds = append(data.Kinds, Option{string(k), v.T("privacy.kind." + string(k))})
	}
	err := s.DB.Read(v.request.Context(), func(tx *db.Tx) error {
		data.Requests, data.Files, data.Seen = nil, nil, nil
		person, err := s.Desk.Visible(tx, v.Viewer, id)
		data.Erased = errors.Is(err, db.ErrNotFound)
		if err != nil && !data.Erased {
			return err
		}
		name := v.T("privacy.erased")
		if data.Erased {
			person = id
		} else if name, err = s.Privacy.NameOf(tx, person); err != nil {
			return err
		}
		data.Top = AdminTop{Up: Step{"/admin/privacy", v.T("privacy.title")}, Title: personName(v, name),
			Code: Copy{Label: v.T("privacy.id"), Text: person, Short: shortID(person)}}
		data.Record = "/admin/audit?" + url.Values{"customer": {person}}.Encode()
		for _, closed := range []bool{false, true} {
			list, err := s.Privacy.Requests(tx, v.Viewer, privacy.RequestFilter{Closed: closed, PersonID: person})
			if err != nil {
				return err
			}
			for _, q := range list {
				row, err := s.privacyRequest(tx, v, clock, q)
				if err != nil {
					return err
				}
				if row.ID == tried.request {
					row.Typed = tried.Values.Get("note")
					for _, code := range tried.Errors { // its form has one line
						row.Error = code
					}
				}
				data.Requests = append(data.Requests, row)
			}
		}
		if data.Erased {
			if len(data.Requests) == 0 {
				return db.ErrNotFound
			}
			return nil
		}
		files, err := s.Privacy.FilesOf(tx, person)
		if err != nil {
			return err
		}
		for _, file := range files {
			x := privacyFile{Text: joined(clock.Moment(file.At), file.Code, v.T("privacy.file."+string(file.State)))}
			if file.Downloads > 0 {
				x.Text = joined(x.Text, v.T("privacy.file_fetched", "n", file.Downloads))
			}
			if file.State == privacy.FileReady {
				x.Path = "/admin/privacy/files/" + file.ID
				x.Text = joined(x.Text, v.T("privacy.file_until", "date", clock.Date(file.Expires)))
			}
			data.Files = append(data.Files, x)
		}
		records, err := s.Desk.Book.Records(tx, person)
		if err != nil {
			return err
		}
		seen, err := privacy.WhoSaw(tx, records)
		for _, x := range seen {
			data.Seen = append(data.Seen, v.T("privacy.seen", "role", v.T("privacy.role."+x.Role), "n", x.Times, "date", clock.Moment(x.Last)))
		}
		return err
	})
	if err != nil {
		return err
	}
	if !data.Erased {
		if err := s.shown(v.request, v, "privacy", []string{data.Top.Code.Text}); err != nil {
			return err
		}
	}
	data.Frame = s.frame(v, "admin", data.Top.Title)
	data.Path = data.Action
	return s.render(w, v, view{Page: "admin_privacy_person", Status: tried.status(), Data: data})
}

func (s *Server) privacyRequest(tx *db.Tx, v *Visit, clock Clock, q privacy.Request) (privacyRequest, error) {
	row := requestRow(v, clock, q)
	out := privacyRequest{ID: q.ID, Path: "/admin/privacy/requests/" + q.ID, Title: v.T("privacy.kind." + string(q.Kind)), Text: row.Text, Worry: row.Worry,
		Note: q.Note, Open: q.ClosedAt.IsZero()}
	_, steps, err := s.Privacy.Request(tx, v.Viewer, q.ID)
	for _, x := range steps {
		by := x.ByName
		if by == "" {
			by = v.T("privacy.by_house")
		}
		out.Steps = append(out.Steps, joined(clock.Moment(x.At), v.T("privacy.step."+x.Act), by, x.Note))
	}
	return out, err
}

// askPrivacy enters what a customer asked by letter or on the telephone.
func (s *Server) askPrivacy(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if err := r.ParseForm(); err != nil {
		return malformed(err)
	}
	f := Form{Values: r.PostForm}
	err := s.DB.Write(r.Context(), func(tx *db.Tx) error {
		person, err := s.Desk.Visible(tx, v.Viewer, r.PathValue("customer"))
		if err != nil {
			return err
		}
		_, err = s.Privacy.AskFor(tx, v.Viewer, privacy.Asking{PersonID: person, Kind: privacy.RequestKind(f.Values.Get("kind")),
			Origin: privacy.FromOfficer, Note: f.Values.Get("note")})
		return err
	})
	if f.Take(err) {
		return s.privacyPerson(w, v, r.PathValue("customer"), privacyTried{Form: f})
	}
	if err != nil {
		return err
	}
	return s.done(w, v, "/admin/privacy/people/"+r.PathValue("customer"), "done.privacy_asked")
}

// workPrivacy notes, extends, refuses or closes a request.
func (s *Server) workPrivacy(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if err := r.ParseForm(); err != nil {
		return malformed(err)
	}
	work := privacy.Working{ID: r.PathValue("request"), Note: r.PostForm.Get("note")}
	person := ""
	err := s.DB.Write(r.Context(), func(tx *db.Tx) error {
		q, _, err := s.Privacy.Request(tx, v.Viewer, work.ID)
		if err != nil {
			return err
		}
		person = q.PersonID
		act := map[string]func(*privacy.Room) error{
			"extended": func(p *privacy.Room) error { return p.Extend(tx, v.Viewer, work) },
			"refused":  func(p *privacy.Room) error { return p.Refuse(tx, v.Viewer, work) },
			"done":     func(p *privacy.Room) error { return p.Finish(tx, v.Viewer, work) },
			"noted":    func(p *privacy.Room) error { return p.Comment(tx, v.Viewer, work) },
		}[r.PostForm.Get("act")]
		if act == nil {
			return db.Invalid{Field: "act", Code: "unknown"}
		}
		return act(s.Privacy)
	})
	if tried := (privacyTried{request: work.ID, Form: Form{Values: r.PostForm}}); tried.Take(err) {
		return s.privacyPerson(w, v, person, tried)
	}
	if err != nil {
		return err
	}
	return s.done(w, v, "/admin/privacy/people/"+person, "done.saved")
}

// makePrivacyFile has everything about her made into a file.
func (s *Server) makePrivacyFile(w http.ResponseWriter, r *http.Request, v *Visit) error {
	err := s.DB.Write(r.Context(), func(tx *db.Tx) error {
		person, err := s.Desk.Visible(tx, v.Viewer, r.PathValue("customer"))
		if err != nil {
			return err
		}
		e := privacy.Exporting{PersonID: person}
		open, err := s.Privacy.Requests(tx, v.Viewer, privacy.RequestFilter{PersonID: person})
		if err != nil {
			return err
		}
		for _, q := range open {
			if q.Kind == privacy.AskExport {
				e.RequestID = q.ID
			}
		}
		_, err = s.Privacy.ExportFor(tx, v.Viewer, e)
		return err
	})
	if err != nil {
		return s.noteLeaving(r, v, err)
	}
	return s.done(w, v, "/admin/privacy/people/"+r.PathValue("customer"), "done.privacy_making")
}

// noteLeaving puts on record that somebody who is about to leave was refused a file.
func (s *Server) noteLeaving(r *http.Request, v *Visit, err error) error {
	if !errors.Is(err, db.Invalid{Field: "kind", Code: "leaving"}) || s.Files == nil {
		return err
	}
	return errors.Join(err, s.Files.NoteDenied(r.Context(), v.Viewer, "person"))
}

func (s *Server) fetchPrivacyFile(w http.ResponseWriter, r *http.Request, v *Visit) error {
	in, f, err := s.Privacy.OpenFile(r.Context(), v.Viewer, r.PathValue("file"))
	if err != nil {
		return s.noteLeaving(r, v, err)
	}
	defer in.Close()
	w.Header().Set("Content-Type", "application/zip")
	w.Header().Set("Content-Disposition", `attachment; filename="`+f.PersonID+`.zip"`)
	w.Header().Set("Cache-Control", "no-store")
	_, err = io.Copy(w, in)
	return err
}

func (s *Server) showErase(w http.ResponseWriter, _ *http.Request, v *Visit) error {
	return s.erasePage(w, v, Form{})
}

func (s *Server) erasePage(w http.ResponseWriter, v *Visit, f Form) error {
	id := v.request.PathValue("customer")
	data := adminErasePage{Form: f, Action: "/admin/privacy/people/" + id + "/erase"}
	err := s.DB.Read(v.request.Context(), func(tx *db.Tx) (err error) {
		data.Name, err = s.eraseName(tx, v, id)
		return err
	})
	if err == nil {
		err = s.shown(v.request, v, "privacy", []string{id})
	}
	if err != nil {
		return err
	}
	data.Top = AdminTop{Up: Step{"/admin/privacy/people/" + id, data.Name}, Title: v.T("privacy.erase_title", "name", data.Name)}
	data.Text = v.T("privacy.erase_text")
	data.Field = f.Field("name", v.T("privacy.erase_confirm", "name", data.Name)).Required()
	data.Frame = s.frame(v, "admin", data.Top.Title)
	data.Path = "/admin/privacy/people/" + id
	return s.render(w, v, view{Page: "admin_erase", Status: f.status(), Data: data})
}

// eraseName is what must be typed to erase her: her name, or her id where nobody
// knows one.
func (s *Server) eraseName(tx *db.Tx, v *Visit, id string) (string, error) {
	person, err := s.Desk.Visible(tx, v.Viewer, id)
	if err != nil {
		return "", err
	}
	name, err := s.Privacy.NameOf(tx, person)
	if name == "" {
		name = person
	}
	return name, err
}

func (s *Server) erasePerson(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if err := r.ParseForm(); err != nil {
		return malformed(err)
	}
	f := Form{Values: r.PostForm}
	err := s.DB.Write(r.Context(), func(tx *db.Tx) error {
		name, err := s.eraseName(tx, v, r.PathValue("customer"))
		if err != nil {
			return err
		}
		if strings.Join(strings.Fields(f.Values.Get("name")), " ") != strings.Join(strings.Fields(name), " ") {
			return db.Invalid{Field: "name", Code: "not_same"}
		}
		_, err = s.Privacy.EraseFor(tx, v.Viewer, r.PathValue("customer"), "")
		return err
	})
	if f.Take(err) {
		return s.erasePage(w, v, f)
	}
	if err != nil {
		return err
	}
	return s.done(w, v, "/admin/privacy", "done.privacy_erased")
}
