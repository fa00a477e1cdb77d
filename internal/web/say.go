package web

import (
	"errors"
	"net/http"
	"time"

	"dingdong/internal/channel"
	"dingdong/internal/conversation"
	"dingdong/internal/db"
)

// say sends what she wrote. The key makes a repeat harmless: her page repeats
// until it has an answer.
func (s *Server) say(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if err := r.ParseForm(); err != nil {
		return malformed(err)
	}
	draft := conversation.Draft{
		ThreadID: r.PathValue("thread"), ClientKey: r.PostForm.Get("key"), Quotes: r.PostForm.Get("quotes"),
		Body: channel.Body{Type: channel.Text, Text: r.PostForm.Get("text")}, Purpose: r.PostForm.Get("purpose"),
	}
	if draft.ClientKey == "" {
		return db.Invalid{Field: "key", Code: "required"}
	}
	if later := r.PostForm.Get("later"); later != "" {
		var err error
		if draft.NotBefore, err = s.laterAt(r, v, later); err != nil {
			return err
		}
	}
	return s.speak(w, r, v, draft)
}

// speak commits a draft and answers with its bubble.
func (s *Server) speak(w http.ResponseWriter, r *http.Request, v *Visit, draft conversation.Draft) error {
	var m conversation.Message
	err := s.DB.Write(r.Context(), func(tx *db.Tx) error {
		var err error
		m, err = s.Desk.Say(tx, v.Viewer, draft)
		return err
	})
	if err != nil {
		return err
	}
	s.presence.Stops(draft.ThreadID, v.ID)
	if m.Status == conversation.StatusPlanned { // it stands above the composer until it goes
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	return s.showMessage(w, r, v, m)
}

// showMessage answers with one bubble.
func (s *Server) showMessage(w http.ResponseWriter, r *http.Request, v *Visit, m conversation.Message) error {
	var line Line
	err := s.DB.Glance(r.Context(), func(tx *db.Tx) error {
		t, err := s.Desk.Thread(tx, v.Viewer, m.ThreadID)
		if err != nil {
			return err
		}
		x, err := s.scene(tx, v.Words, v.ID)
		if err != nil {
			return err
		}
		// Anew: it may have been sent since.
		if m, err = s.Desk.MessageFor(tx, v.Viewer, m.ID); err != nil {
			return err
		}
		quotes, err := s.Desk.Quoted(tx, []conversation.Message{m})
		if err != nil {
			return err
		}
		tell := x.teller(t, quotes)
		tell.via, err = s.channels(tx, t)
		line = tell.message(m)
		return err
	})
	if err != nil {
		return err
	}
	return s.render(w, v, view{Page: "inbox", Block: "line", Data: line})
}

// uploadTime is how long a file may take over a poor line.
const uploadTime = 10 * time.Minute

// upload takes a file as the raw body of the request and sends it.
func (s *Server) upload(w http.ResponseWriter, r *http.Request, v *Visit) error {
	thread, key := r.PathValue("thread"), r.URL.Query().Get("key")
	if key == "" {
		return db.Invalid{Field: "key", Code: "required"}
	}
	// Instead of the deadline for pages; a moment long past wakes a read that hangs.
	out := http.NewResponseController(w)
	_ = out.SetReadDeadline(time.Time{})
	hangs := time.AfterFunc(uploadTime, func() { _ = out.SetReadDeadline(time.Unix(1, 0)) })
	defer hangs.Stop()
	var said conversation.Message
	err := s.DB.Glance(r.Context(), func(tx *db.Tx) error {
		var err error
		said, err = s.Desk.Said(tx, v.Viewer, thread, key)
		return err
	})
	if err == nil { // the answer to the first try was lost on its way
		return s.showMessage(w, r, v, said)
	}
	if !errors.Is(err, db.ErrNotFound) {
		return err
	}
	up, err := s.Desk.Upload(r.Context(), v.Viewer, conversation.File{ThreadID: thread, Name: r.URL.Query().Get("name"), From: r.Body})
	if err != nil {
		return err
	}
	return s.speak(w, r, v, conversation.Draft{
		ThreadID: thread, ClientKey: key, Blob: up.Blob, Preview: up.Preview, BlobOf: up.CustomerID, Body: channel.Body{Type: up.Type, Media: &up.Media},
	})
}

// resend tries a message again that did not arrive.
func (s *Server) resend(w http.ResponseWriter, r *http.Request, v *Visit) error {
	var m conversation.Message
	err := s.DB.Write(r.Context(), func(tx *db.Tx) error {
		found, err := s.Desk.MessageFor(tx, v.Viewer, r.PathValue("message"))
		if err != nil {
			return err
		}
		if found.ThreadID != r.PathValue("thread") {
			return db.ErrNotFound
		}
		m, err = s.Desk.Resend(tx, v.Viewer, found.ID)
		return err
	})
	if err != nil {
		return err
	}
	return s.showMessage(w, r, v, m)
}
