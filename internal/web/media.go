package web

import (
	"mime"
	"net/http"
	"strconv"
	"strings"

	"dingdong/internal/conversation"
)

// inline are the kinds that a page may show by itself. Everything else is a
// download, whatever it says it is: a browser runs SVG, HTML and PDF.
var inline = map[string]bool{
	"image/jpeg": true, "image/png": true, "image/webp": true, "image/gif": true,
	"video/mp4": true, "video/quicktime": true, "video/webm": true,
	"audio/mpeg": true, "audio/mp4": true, "audio/x-m4a": true, "audio/aac": true, "audio/wav": true, "audio/ogg": true, "audio/webm": true,
}

// mediaPolicy holds for bytes that strangers sent: nothing in them runs.
const mediaPolicy = "default-src 'none'; sandbox"

func (s *Server) media(w http.ResponseWriter, r *http.Request, v *Visit) error {
	return s.viewerMedia(w, r, v, false)
}

func (s *Server) mediaPreview(w http.ResponseWriter, r *http.Request, v *Visit) error {
	return s.viewerMedia(w, r, v, true)
}

func (s *Server) viewerMedia(w http.ResponseWriter, r *http.Request, v *Visit, preview bool) error {
	id := r.PathValue("message")
	c, err := s.Desk.ContentFor(r.Context(), v.Viewer, id, preview)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := s.noteOpened(r, v, c.ThreadID); err != nil {
		return err
	}
	// Kept, but asked for again each time: a message may be unsent, she may sign out.
	w.Header().Set("Cache-Control", "private, no-cache")
	w.Header().Set("ETag", `"`+id+strconv.FormatBool(preview)+`"`)
	serveContent(w, r, c)
	return nil
}

// publicMedia serves what a signed link names, to a platform or a visitor.
func (s *Server) publicMedia(w http.ResponseWriter, r *http.Request, _ *Visit) error {
	token, _, _ := strings.Cut(r.PathValue("link"), ".")
	c, err := s.Desk.ContentByLink(r.Context(), token)
	if err != nil {
		return err
	}
	defer c.Close()
	w.Header().Set("Cache-Control", "private, max-age=600")
	w.Header().Set("X-Robots-Tag", "noindex")
	// A page of the shop embeds the chat: it has to be allowed to show this.
	w.Header().Set("Cross-Origin-Resource-Policy", "cross-origin")
	serveContent(w, r, c)
	return nil
}

func serveContent(w http.ResponseWriter, r *http.Request, c conversation.Content) {
	h := w.Header()
	h.Set("Content-Security-Policy", mediaPolicy)
	kind := c.MIME
	if !inline[kind] {
		kind = "application/octet-stream"
		name := c.Name
		if name == "" {
			name = "file"
		}
		h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
	}
	h.Set("Content-Type", kind)
	http.ServeContent(w, r, "", c.At, c)
}
