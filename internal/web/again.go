package web

import (
	"errors"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// errNotFresh says that the route wants a proof of who she is that is younger than hers.
var errNotFresh = errors.New("web: she has to prove again who she is")

// errElsewhere says that her session comes from a browser or network it is not known in.
var errElsewhere = errors.New("web: her session comes from elsewhere")

// againPage is /again: it asks whether it is still she who sits there, and then goes on
// with what she was doing.
type againPage struct {
	Frame
	Form   Form
	Asks   againAsk
	status int
}

// againAsk is the question itself, on a page or in a dialog.
type againAsk struct {
	Form  Form
	Moved bool // her session comes from elsewhere
	Email string
	Next  string      // where she goes afterwards
	Kept  []keptField // what she had sent there; empty: she wanted a page
	Post  bool        // she had sent something
	Lost  bool        // what she had sent cannot be kept: a file
	Demo  bool        // one tap is enough
	SSO   ssoButton   // she may prove it at the provider
	Keys  bool        // she may prove it with a passkey
}

// keptField is one field of a form that she sent when her proof was too old.
type keptField struct{ Name, Value string }

// passkeyButton asks for a passkey where one is enough.
type passkeyButton struct{ Path, Next string }

// Ask is the button beneath the question.
func (a againAsk) Ask() passkeyButton { return passkeyButton{"/again/passkey", a.Next} }

// The names of the question's own fields; no form of ours has such.
const (
	againPassword = "again_password"
	againNext     = "again_next"
	againPost     = "again_post"
	againDemo     = "again_demo"
)

// maxKept bounds what is kept of a form; the longest that needs a fresh proof is far below.
const maxKept = 256 << 10

// askAgain answers a request whose proof is too old: with the way to the question, or,
// where she had sent a form, with the question and her form in it.
func (s *Server) askAgain(w http.ResponseWriter, r *http.Request, v *Visit) error {
	html := strings.Contains(r.Header.Get("Accept"), "text/html")
	get := r.Method == http.MethodGet || r.Method == http.MethodHead
	switch {
	case v.Partial:
		// again.js shows it in a dialog and then asks htmx to do it once more: the page
		// and what is typed in it stay.
		w.Header().Set("X-Again", "1")
		ask := s.againAsk(v, againAsk{Next: r.URL.RequestURI()})
		return s.render(w, v, view{Page: "again", Block: "again-dialog", Status: http.StatusUnauthorized, Data: ask})
	case get && html:
		http.Redirect(w, r, "/again?next="+url.QueryEscape(r.URL.RequestURI()), http.StatusSeeOther)
		return nil
	case html:
		ask := againAsk{Next: r.URL.RequestURI(), Post: true}
		kept, err := keep(r)
		if err != nil {
			return err
		}
		ask.Kept, ask.Lost = kept, kept == nil
		return s.drawAgain(w, v, againPage{Asks: ask, status: http.StatusUnauthorized})
	}
	if v.Elsewhere(s.meta(v)) {
		return errElsewhere
	}
	return errNotFresh
}

// keep reads the fields of a form; nil where it is none of ours or holds files.
func keep(r *http.Request) ([]keptField, error) {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind != "application/x-www-form-urlencoded" && r.ContentLength != 0 {
		return nil, nil
	}
	if err := r.ParseForm(); err != nil {
		return nil, malformed(err)
	}
	fields, size := []keptField{}, 0
	for name, values := range r.PostForm {
		if strings.HasPrefix(name, "again_") {
			continue
		}
		for _, value := range values {
			fields = append(fields, keptField{name, value})
			size += len(name) + len(value)
		}
	}
	if size > maxKept {
		return nil, nil
	}
	// A map has no order, and a page that is the same each time is easier to test. The
	// values of one name keep theirs.
	slices.SortStableFunc(fields, func(a, b keptField) int { return strings.Compare(a.Name, b.Name) })
	return fields, nil
}

func (s *Server) againAsk(v *Visit, a againAsk) againAsk {
	a.Email, a.Demo, a.Keys = v.Email, s.Demo, s.Door.Passkeys.Usable()
	a.Moved = v.Elsewhere(s.meta(v))
	return a
}

func (s *Server) drawAgain(w http.ResponseWriter, v *Visit, p againPage) error {
	p.Asks = s.againAsk(v, p.Asks)
	if !p.Asks.Post { // the provider sends her back without what she had sent
		var err error
		if p.Asks.SSO, err = s.ssoButton(v, "/again/sso?next="+url.QueryEscape(p.Asks.Next)); err != nil {
			return err
		}
	}
	p.Asks.Form = p.Form
	p.Frame = s.frame(v, "", v.T("again.title"))
	p.Path = p.Asks.Next
	if p.Asks.Post {
		p.Path = "/" // a change of language must not ask for a page that only takes forms
	}
	return s.render(w, v, view{Page: "again", Status: p.status, Data: p})
}

// showAgain asks before a page.
func (s *Server) showAgain(w http.ResponseWriter, r *http.Request, v *Visit) error {
	next := local(r.URL.Query().Get("next"), "/")
	if v.Fresh(v.Now) && !v.Elsewhere(s.meta(v)) { // she came back by the browser's button
		http.Redirect(w, r, next, http.StatusSeeOther)
		return nil
	}
	return s.drawAgain(w, v, againPage{Asks: againAsk{Next: next}})
}

// proveAgain takes the proof and goes on. What she had sent is sent once more by the
// browser itself (307 keeps method and body), so that it passes all the guards.
func (s *Server) proveAgain(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if err := r.ParseForm(); err != nil {
		return malformed(err)
	}
	ask := againAsk{Next: local(r.PostForm.Get(againNext), "/"), Post: r.PostForm.Get(againPost) != ""}
	err := s.prove(w, v, r.PostForm)
	quiet := strings.Contains(r.Header.Get("Accept"), "application/json") // the dialog
	if err == nil {
		switch {
		case quiet:
			w.WriteHeader(http.StatusNoContent)
		case ask.Post:
			http.Redirect(w, r, ask.Next, http.StatusTemporaryRedirect)
		default:
			http.Redirect(w, r, ask.Next, http.StatusSeeOther)
		}
		return nil
	}
	f := explain(err, v)
	if quiet || f.status != http.StatusUnprocessableEntity && f.status != http.StatusTooManyRequests {
		return err
	}
	f.hold(w)
	if ask.Kept, err = keep(r); err != nil {
		return err
	}
	return s.drawAgain(w, v, againPage{Asks: ask, status: f.status, Form: Form{Alert: v.T(f.key, f.args...)}})
}

// prove checks what she proves herself with, and gives the browser its new token.
func (s *Server) prove(w http.ResponseWriter, v *Visit, form url.Values) error {
	ctx, m := v.request.Context(), s.meta(v)
	if s.Demo && form.Get(againDemo) != "" {
		m.Way = staff.ByDemo
		return s.DB.Write(ctx, func(tx *db.Tx) error {
			token, err := staff.Proven(tx, v.Viewer, m)
			if err == nil {
				s.setSession(w, token)
			}
			return err
		})
	}
	token, err := s.Door.Confirm(ctx, v.Viewer, form.Get(againPassword), m)
	if errors.Is(err, staff.ErrWrongPassword) {
		return db.Invalid{Field: againPassword, Code: "wrong_password"}
	}
	if err != nil {
		return err
	}
	s.setSession(w, token)
	return nil
}

// meta is what the browser of a visit tells about itself.
func (s *Server) meta(v *Visit) staff.Meta {
	return staff.Meta{Address: v.Address, UserAgent: v.request.UserAgent()}
}
