package web

import (
	"net/http"

	"dingdong/internal/conversation"
)

// faceOf is a customer as a thread shows her.
func faceOf(t conversation.Thread, name string) Avatar {
	a := Avatar{ID: t.CustomerID, Name: name, Channel: string(t.Channel)}
	if version := t.Face(); version != "" {
		a.Picture = "/faces/" + t.ID + "/" + version
	}
	return a
}

// showFace serves a customer's picture to whoever may see the thread. Its address names
// its version, so a browser need not ask again for a while; what it keeps goes when she
// signs out. She stands in a list or at the head of a page beside it: to see her there is
// on record already, and a picture that somebody asks for by itself is recorded here.
func (s *Server) showFace(w http.ResponseWriter, r *http.Request, v *Visit) error {
	version := r.PathValue("version")
	c, customer, err := s.Desk.FaceFor(r.Context(), v.Viewer, r.PathValue("thread"), version)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := s.shown(r, v, "picture", []string{customer}); err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "private, max-age=3600")
	w.Header().Set("ETag", `"`+version+`"`)
	serveContent(w, r, c)
	return nil
}
