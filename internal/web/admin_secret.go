package web

import "net/http"

// adminSecretPage shows what can be read this once: a password, a token, a signing
// secret. Nothing of it is kept in the clear, so there is no second page of it.
type adminSecretPage struct {
	Frame
	Top    AdminTop
	Lost   string // what to do when it was not written down
	Copies []Copy // the secret first
	Settle string // where the page's address goes, so that a reload makes no second secret
	Next   Step   // where she goes on; empty: the page above
}

func (s *Server) reveal(w http.ResponseWriter, v *Visit, data adminSecretPage) error {
	data.Frame = s.frame(v, "admin", data.Top.Title)
	data.Path = data.Settle
	if data.Next == (Step{}) {
		data.Next = data.Top.Up
	}
	data.Next.Text = v.T("admin.written_down")
	return s.render(w, v, view{Page: "admin_secret", Data: data})
}
