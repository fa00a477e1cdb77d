package web

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"dingdong/internal/conversation"
	"dingdong/internal/db"
)

// openAt lets a thread open around one of its messages. A message that is not
// there changes nothing.
func (s *Server) openAt(tx *db.Tx, v *Visit, view *threadView, messageID string) error {
	if messageID == "" {
		return nil
	}
	m, err := s.Desk.MessageFor(tx, v.Viewer, db.CleanText(messageID))
	if errors.Is(err, db.ErrNotFound) || err == nil && m.ThreadID != view.ID {
		return nil
	}
	if err != nil {
		return err
	}
	t, err := s.Desk.Thread(tx, v.Viewer, view.ID)
	if err != nil {
		return err
	}
	x, err := s.scene(tx, v.Words, v.ID)
	if err != nil {
		return err
	}
	just := conversation.Cursor{At: m.At, ID: m.ID}
	older, more, err := s.Desk.Messages(tx, v.Viewer, conversation.Page{ThreadID: t.ID, Before: just, Limit: messagePiece / 2})
	if err != nil {
		return err
	}
	newer, rest, err := s.Desk.MessagesAfter(tx, v.Viewer, conversation.After{ThreadID: t.ID, Place: just, Limit: messagePiece / 2})
	if err != nil {
		return err
	}
	p := span{messages: append(append(older, m), newer...), older: more, newer: rest}
	if view.Lines, view.Older, view.Newer, err = s.spanLines(tx, v, x.teller(t, nil), p); err != nil {
		return err
	}
	view.Goal = m.ID
	return nil
}

// span is a piece in the midst of a thread.
type span struct {
	messages     []conversation.Message
	after        time.Time // notes up to here are on the page already
	older, newer bool      // there is more before, and after
}

// spanLines draws a piece of a thread with what colleagues did meanwhile.
func (s *Server) spanLines(tx *db.Tx, v *Visit, x teller, p span) (lines []Line, older, newer string, err error) {
	if len(p.messages) == 0 {
		return nil, "", "", nil
	}
	if x.quotes, err = s.Desk.Quoted(tx, p.messages); err != nil {
		return nil, "", "", err
	}
	if x.heard, err = x.hearings(tx, p.messages); err != nil {
		return nil, "", "", err
	}
	first, last := p.messages[0], p.messages[len(p.messages)-1]
	since := p.after
	if p.older {
		since = first.At
		older = messagesAddress(first, "before")
	}
	all, err := s.Desk.Notes(tx, v.Viewer, first.ThreadID, since)
	if err != nil {
		return nil, "", "", err
	}
	if p.newer {
		newer = messagesAddress(last, "after")
	}
	var notes []conversation.Note
	for _, n := range all {
		if (p.after.IsZero() || n.At.After(p.after)) && (!p.newer || !n.At.After(last.At)) {
			notes = append(notes, n)
		}
	}
	return x.lines(p.messages, notes), older, newer, nil
}

func messagesAddress(m conversation.Message, direction string) string {
	return fmt.Sprintf("/inbox/%s/messages?%s=%d.%s", m.ThreadID, direction, db.Micro(m.At), m.ID)
}

// showNewer answers what scrolling down brings in a thread that opened in the past.
func (s *Server) showNewer(w http.ResponseWriter, r *http.Request, v *Visit, after string) error {
	place, ok := messageCursor(after)
	if !ok {
		return errMalformed
	}
	id := r.PathValue("thread")
	if err := s.noteOpened(r, v, id); err != nil {
		return err
	}
	var piece olderPiece
	err := s.DB.Glance(r.Context(), func(tx *db.Tx) error {
		t, err := s.Desk.Thread(tx, v.Viewer, id)
		if err != nil {
			return err
		}
		x, err := s.scene(tx, v.Words, v.ID)
		if err != nil {
			return err
		}
		p := span{after: place.At}
		if p.messages, p.newer, err = s.Desk.MessagesAfter(tx, v.Viewer, conversation.After{ThreadID: t.ID, Place: place, Limit: messagePiece}); err != nil {
			return err
		}
		piece.Lines, _, piece.Newer, err = s.spanLines(tx, v, x.teller(t, nil), p)
		return err
	})
	if err != nil {
		return err
	}
	return s.render(w, v, view{Page: "inbox", Block: "older-piece", Data: piece})
}
