package web

import (
	"net/http"

	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// firstPage is /first: the one administrator that a new house asks for.
type firstPage struct {
	Frame
	Form Form
}

// needsFirst tells whether nobody can sign in yet. Once an administrator exists
// there is always one, so that answer is remembered.
func (s *Server) needsFirst(r *http.Request) (bool, error) {
	if s.settled.Load() {
		return false, nil
	}
	var needs bool
	err := s.DB.Read(r.Context(), func(tx *db.Tx) error {
		var err error
		needs, err = staff.NeedsFirst(tx)
		return err
	})
	if err == nil && !needs {
		s.settled.Store(true)
	}
	return needs, err
}

func (s *Server) firstRun(w http.ResponseWriter, r *http.Request, v *Visit) error {
	needs, err := s.needsFirst(r)
	if err != nil {
		return err
	}
	if !needs {
		http.Redirect(w, r, "/sign-in", http.StatusSeeOther)
		return nil
	}
	return s.showFirst(w, v, Form{})
}

func (s *Server) showFirst(w http.ResponseWriter, v *Visit, f Form) error {
	status := http.StatusOK
	if f.Failed() {
		status = http.StatusUnprocessableEntity
	}
	data := firstPage{Frame: s.frame(v, "", v.T("first.title")), Form: f}
	return s.render(w, v, view{Page: "first", Status: status, Data: data})
}

func (s *Server) createFirst(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if err := r.ParseForm(); err != nil {
		return malformed(err)
	}
	f := Form{Values: r.PostForm}
	password := r.PostForm.Get("password")
	_, err := staff.CreateFirst(r.Context(), s.DB, staff.FirstForm{
		Name: r.PostForm.Get("name"), Email: r.PostForm.Get("email"), Password: password, Language: v.Words.Tag})
	if f.Take(err) {
		return s.showFirst(w, v, f)
	}
	if err != nil {
		return err
	}
	if err := s.enter(w, v, r.PostForm.Get("email"), password); err != nil {
		return err
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
	return nil
}
