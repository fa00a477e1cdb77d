package web

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// signInPage is /sign-in.
type signInPage struct {
	Frame
	Form        Form
	Next        string
	Demo        []demoPerson
	Passkeys    bool // browsers give passkeys here
	SSO         ssoButton
	Out         bool // she has just left, and may leave the provider as well
	NoPasswords bool // only one-time passwords are taken

	status int // 0: 200
}

// Ask is the button for those who have a passkey.
func (p signInPage) Ask() passkeyButton { return passkeyButton{"/sign-in/passkey", p.Next} }

// demoPerson is somebody of the demo group who signs in with one tap.
type demoPerson struct {
	ID     string
	Avatar Avatar
	Role   staff.Role
	Place  string // her counters
}

func (s *Server) showSignIn(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if err := s.identify(v); err != nil {
		return err
	}
	next := local(r.URL.Query().Get("next"), "/")
	if v.SignedIn {
		http.Redirect(w, r, next, http.StatusSeeOther)
		return nil
	}
	first, err := s.needsFirst(r)
	if err != nil {
		return err
	}
	if first {
		http.Redirect(w, r, "/first", http.StatusSeeOther)
		return nil
	}
	return s.drawSignIn(w, v, signInPage{Next: next, Out: r.URL.Query().Get("out") == "sso"})
}

// drawSignIn fills in what the page needs beside its form.
func (s *Server) drawSignIn(w http.ResponseWriter, v *Visit, p signInPage) error {
	var err error
	if p.Demo, err = s.demoPeople(v); err != nil {
		return err
	}
	err = s.DB.Read(v.request.Context(), func(tx *db.Tx) error {
		rules, err := staff.LoadRules(tx)
		p.NoPasswords = rules.NoPasswords
		return err
	})
	if err != nil {
		return err
	}
	if p.SSO, err = s.ssoButton(v, "/sign-in/sso?next="+url.QueryEscape(p.Next)); err != nil {
		return err
	}
	p.Passkeys = s.Door.Passkeys.Usable()
	p.Frame = s.frame(v, "", v.T("sign_in.title"))
	p.Path = "/sign-in" // coming back from a change of language must not post again
	return s.render(w, v, view{Page: "signin", Status: p.status, Data: p})
}

func (s *Server) signIn(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if err := r.ParseForm(); err != nil {
		return malformed(err)
	}
	next := local(r.PostForm.Get("next"), "/")
	err := s.enter(w, v, r.PostForm.Get("email"), r.PostForm.Get("password"))
	if err == nil {
		http.Redirect(w, r, next, http.StatusSeeOther)
		return nil
	}
	f := explain(err, v)
	if f.status != http.StatusUnprocessableEntity && f.status != http.StatusTooManyRequests {
		return err
	}
	f.hold(w)
	return s.drawSignIn(w, v, signInPage{Next: next, status: f.status,
		Form: Form{Values: r.PostForm, Alert: v.T(f.key, f.args...)}})
}

// enter makes the session. A new one every time: a token that was there before
// signing in is never taken over.
func (s *Server) enter(w http.ResponseWriter, v *Visit, email, password string) error {
	token, _, err := s.Door.SignIn(v.request.Context(), staff.Credentials{
		Email: email, Password: password, Address: v.Address, UserAgent: v.request.UserAgent()})
	if err != nil {
		return err
	}
	return s.signedIn(w, v, token)
}

// signedIn gives the browser its new session, and ends the one it carried before.
func (s *Server) signedIn(w http.ResponseWriter, v *Visit, token string) error {
	s.setSession(w, token)
	old := v.cookie(s.sessionCookie())
	if old == "" {
		return nil
	}
	return s.DB.Write(v.request.Context(), func(tx *db.Tx) error { return staff.EndOld(tx, old) })
}

// signInDemo signs in somebody of the demo by her id alone.
func (s *Server) signInDemo(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if !s.Demo {
		return db.ErrNotFound
	}
	var token string
	err := s.DB.Write(r.Context(), func(tx *db.Tx) error {
		var err error
		token, _, err = staff.SessionFor(tx, r.PostFormValue("id"), s.meta(v))
		return err
	})
	if err != nil {
		return err
	}
	if err := s.signedIn(w, v, token); err != nil {
		return err
	}
	http.Redirect(w, r, local(r.PostFormValue("next"), "/"), http.StatusSeeOther)
	return nil
}

// demoPeople lists everybody with her counters; nobody outside the demo.
func (s *Server) demoPeople(v *Visit) ([]demoPerson, error) {
	if !s.Demo {
		return nil, nil
	}
	var people []demoPerson
	err := s.DB.Read(v.request.Context(), func(tx *db.Tx) error {
		all, err := staff.ListStaff(tx)
		if err != nil {
			return err
		}
		directory, err := staff.LoadDirectory(tx)
		if err != nil {
			return err
		}
		for _, p := range all {
			if p.LeftAt.IsZero() {
				people = append(people, demoPerson{ID: p.ID, Role: p.Role, Place: workplace(p, directory),
					Avatar: Avatar{ID: p.ID, Name: p.Name}})
			}
		}
		return nil
	})
	// Advisors first: they are whom the product is for.
	order := staff.Roles()
	slices.SortStableFunc(people, func(a, b demoPerson) int {
		return slices.Index(order, a.Role) - slices.Index(order, b.Role)
	})
	return people, err
}

// workplace names the counters, or the stores, where somebody works.
func workplace(p staff.Person, d staff.Directory) string {
	var names []string
	for _, c := range d.Counters {
		if slices.Contains(p.Counters, c.ID) {
			names = append(names, c.Store+" · "+c.Brand)
		}
		if slices.Contains(p.Stores, c.StoreID) && !slices.Contains(names, c.Store) {
			names = append(names, c.Store)
		}
	}
	return strings.Join(names, ", ")
}

func (s *Server) signOut(w http.ResponseWriter, r *http.Request, v *Visit) error {
	err := s.DB.Write(r.Context(), func(tx *db.Tx) error {
		return staff.EndSession(tx, v.Viewer, v.Session)
	})
	if err != nil && !errors.Is(err, db.ErrNotFound) {
		return err
	}
	s.setCookie(w, s.sessionCookie(), "", -1)
	// A shared counter phone keeps nothing of her: no page in its cache, no draft.
	w.Header().Set("Clear-Site-Data", `"cache", "storage"`)
	http.Redirect(w, r, afterSignOut(v), http.StatusSeeOther)
	return nil
}
