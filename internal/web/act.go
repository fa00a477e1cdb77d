package web

import (
	"errors"
	"net/http"

	"dingdong/internal/conversation"
	"dingdong/internal/db"
)

// act is something done with a thread; the answer is the thread's new head.
func (s *Server) act(do func(tx *db.Tx, r *http.Request, v *Visit, threadID string) error) handler {
	return func(w http.ResponseWriter, r *http.Request, v *Visit) error {
		if err := r.ParseForm(); err != nil {
			return malformed(err)
		}
		err := s.DB.Write(r.Context(), func(tx *db.Tx) error { return do(tx, r, v, r.PathValue("thread")) })
		if err != nil {
			return err
		}
		err = s.showHead(w, r, v)
		if errors.Is(err, db.ErrNotFound) { // what she closed is not hers to see any more
			w.Header().Set("HX-Redirect", "/inbox")
			return nothing(w, nil)
		}
		return err
	}
}

func (s *Server) take(tx *db.Tx, _ *http.Request, v *Visit, id string) error {
	return s.Desk.Take(tx, v.Viewer, id)
}

func (s *Server) release(tx *db.Tx, _ *http.Request, v *Visit, id string) error {
	return s.Desk.Release(tx, v.Viewer, id)
}

func (s *Server) transfer(tx *db.Tx, r *http.Request, v *Visit, id string) error {
	to := r.PostForm.Get("to")
	if to == "" {
		return db.Invalid{Field: "to", Code: "required"}
	}
	return s.Desk.Transfer(tx, v.Viewer, conversation.Handing{ThreadID: id, To: to, Note: r.PostForm.Get("note")})
}

func (s *Server) closeThread(tx *db.Tx, _ *http.Request, v *Visit, id string) error {
	return s.Desk.CloseThread(tx, v.Viewer, id)
}

func (s *Server) reopen(tx *db.Tx, _ *http.Request, v *Visit, id string) error {
	return s.Desk.Reopen(tx, v.Viewer, id)
}

// seen notes that she has the thread before her eyes.
func (s *Server) seen(w http.ResponseWriter, r *http.Request, v *Visit) error {
	err := s.DB.Write(r.Context(), func(tx *db.Tx) error { return s.Desk.Seen(tx, v.Viewer, r.PathValue("thread")) })
	return nothing(w, err)
}

// saveDraft keeps what she has begun to write, for her other devices.
func (s *Server) saveDraft(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if err := r.ParseForm(); err != nil {
		return malformed(err)
	}
	err := s.DB.Write(r.Context(), func(tx *db.Tx) error {
		return s.Desk.SaveDraft(tx, v.Viewer, r.PathValue("thread"), r.PostForm.Get("text"))
	})
	return nothing(w, err)
}

// types tells colleagues and, on the web chat, the customer that she is typing.
func (s *Server) types(w http.ResponseWriter, r *http.Request, v *Visit) error {
	id := r.PathValue("thread")
	err := s.DB.Read(r.Context(), func(tx *db.Tx) error {
		_, err := s.Desk.Thread(tx, v.Viewer, id)
		return err
	})
	if err == nil {
		s.presence.Types(id, Present{ID: v.ID, Name: v.Name})
	}
	return nothing(w, err)
}

// nothing answers that it is done and that there is nothing to show.
func nothing(w http.ResponseWriter, err error) error {
	if err == nil {
		w.WriteHeader(http.StatusNoContent)
	}
	return err
}
