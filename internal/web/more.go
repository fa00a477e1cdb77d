package web

import "net/http"

// morePage is /more: on a phone, the way to everything that the bar has no room for.
type morePage struct {
	Frame
	Places []NavItem
}

func (s *Server) showMore(w http.ResponseWriter, _ *http.Request, v *Visit) error {
	data := morePage{Frame: s.frame(v, "more", v.T("nav.more"))}
	for _, p := range data.Nav {
		if p.Wide {
			data.Places = append(data.Places, p)
		}
	}
	return s.render(w, v, view{Page: "more", Data: data})
}

// home sends her to the first place that is hers.
func (s *Server) home(w http.ResponseWriter, r *http.Request, v *Visit) error {
	path := "/me"
	for _, p := range s.nav(v, "") {
		if !p.Slim {
			path = p.Path
			break
		}
	}
	http.Redirect(w, r, path, http.StatusSeeOther)
	return nil
}
