package web

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"dingdong/internal/channel"
	"dingdong/internal/conversation"
	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// threadView is the middle column and, beside it, the card.
type threadView struct {
	ID        string
	Head      headView
	Lines     []Line
	Older     string // address of what was said before; empty: this is the beginning
	Newer     string // address of what was said after; empty: this is the end
	Goal      string // the message it opens at
	Draft     string
	Replies   []readyReply
	Offers    offersView
	Contact   contactView
	Upload    int64 // most bytes of a file
	MaxText   int
	Card      cardView
	Seq       int64
	Draftable bool
}

// headView is the line above a thread: who she is, what the platform allows now,
// what can be done.
type headView struct {
	ID         string
	Name       string
	Face       Avatar
	Place      string // channel and account
	Owner      string // whose thread it is, in words
	Covers     string // in whose place that is, in words
	Mine       bool
	Free       bool // nobody's yet
	Closed     bool
	ReplyUntil int64  // unix seconds until which an answer costs nothing; 0: none does
	Warning    string // why what is written does not go out now
	Locked     string // why nothing can be written
	Chat       bool
	Colleagues []named
}

// readyReply is a saved reply with the names filled in.
type readyReply struct{ Title, Text string }

// messagePiece is how many messages a thread opens with.
const messagePiece = 30

func (s *Server) showThread(w http.ResponseWriter, r *http.Request, v *Visit) error {
	id := r.PathValue("thread")
	f := inboxFilter(r.URL.Query())
	var page inboxPage
	err := s.DB.Glance(r.Context(), func(tx *db.Tx) error {
		var err error
		if v.Partial { // the list is there already
			page = inboxPage{Frame: Frame{Words: v.Words}, Chat: v.May(staff.Chat)}
		} else if page, err = s.inboxPage(tx, v, f); err != nil {
			return err
		}
		if page.Thread, err = s.threadView(tx, v, id); err != nil {
			return err
		}
		if err := s.openDraft(tx, v, page.Thread, r.URL.Query().Get("draft")); err != nil {
			return err
		}
		return s.openAt(tx, v, page.Thread, r.URL.Query().Get("at"))
	})
	if err == nil && !v.Partial {
		err = s.noteListed(r, v, f, page)
	}
	if err != nil {
		return err
	}
	if shown := page.Thread.ID; shown != id { // a merge folded it into this one
		if !v.Partial {
			to := *r.URL
			to.Path = "/inbox/" + shown
			http.Redirect(w, r, to.RequestURI(), http.StatusSeeOther)
			return nil
		}
		w.Header().Set("HX-Replace-Url", "/inbox/"+shown)
		id = shown
	}
	for i := range page.List.Rows {
		page.List.Rows[i].Here = page.List.Rows[i].ID == id
	}
	block := ""
	if v.Partial {
		block = "opened"
	} else {
		page.Title = page.Thread.Head.Name
	}
	return s.render(w, v, view{Page: "inbox", Block: block, Data: page})
}

// noteOpened puts on record that she looked at this customer: before she sees or does
// anything, and once in a while rather than at every refresh of her page.
func (s *Server) noteOpened(r *http.Request, v *Visit, threadID string) error {
	if !s.looks.due(v.Session+" "+threadID, v.Now) {
		return nil
	}
	err := s.DB.Write(r.Context(), func(tx *db.Tx) error {
		t, err := s.Desk.Thread(tx, v.Viewer, threadID)
		if err != nil {
			return err
		}
		s.Desk.Opened(tx, v.Viewer, t)
		return nil
	})
	if err == nil {
		s.looks.done(v.Session+" "+threadID, v.Now)
	}
	return err
}

func (s *Server) threadView(tx *db.Tx, v *Visit, id string) (*threadView, error) {
	t, err := s.Desk.Thread(tx, v.Viewer, id)
	if err != nil {
		return nil, err
	}
	x, err := s.scene(tx, v.Words, v.ID)
	if err != nil {
		return nil, err
	}
	view := &threadView{ID: t.ID, Upload: conversation.MaxUpload, MaxText: conversation.MaxText, Draftable: v.May(staff.Chat)}
	if view.Seq, err = lastEvent(tx); err != nil {
		return nil, err
	}
	if view.Head, err = s.headView(tx, v, x, t); err != nil {
		return nil, err
	}
	if view.Lines, view.Older, err = s.threadLines(tx, v, x.teller(t, nil), t, conversation.Cursor{}); err != nil {
		return nil, err
	}
	card, err := s.cardOf(tx, v, x, t)
	if err != nil {
		return nil, err
	}
	if view.Card, err = card.view(); err != nil {
		return nil, err
	}
	if !view.Draftable {
		return view, nil
	}
	if view.Draft, err = s.Desk.DraftText(tx, v.Viewer, t); err != nil {
		return nil, err
	}
	replies, err := s.Desk.Replies(tx, v.Viewer, t.CounterID)
	if err != nil {
		return nil, err
	}
	words := x.fills(v, t)
	for _, reply := range replies {
		view.Replies = append(view.Replies, readyReply{reply.Title, reply.Fill(words)})
	}
	if view.Offers, err = s.readyOffers(tx, v, x, t); err != nil {
		return nil, err
	}
	view.Contact, err = s.contactLine(tx, v, x, t)
	return view, err
}

// threadLines reads a piece of a thread, and what colleagues did meanwhile.
func (s *Server) threadLines(tx *db.Tx, v *Visit, x teller, t conversation.Thread, before conversation.Cursor) ([]Line, string, error) {
	messages, more, err := s.Desk.Messages(tx, v.Viewer, conversation.Page{ThreadID: t.ID, Before: before, Limit: messagePiece})
	if err != nil {
		return nil, "", err
	}
	if x.quotes, err = s.Desk.Quoted(tx, messages); err != nil {
		return nil, "", err
	}
	if x.via, err = s.channels(tx, t); err != nil {
		return nil, "", err
	}
	if x.heard, err = x.hearings(tx, messages); err != nil {
		return nil, "", err
	}
	since, older := time.Time{}, ""
	if more {
		first := messages[0]
		since = first.At
		older = fmt.Sprintf("/inbox/%s/messages?before=%d.%s", t.ID, db.Micro(first.At), first.ID)
	}
	notes, err := s.Desk.Notes(tx, v.Viewer, t.ID, since)
	if err != nil {
		return nil, "", err
	}
	if !before.At.IsZero() { // the later ones are on the page already
		for len(notes) > 0 && !notes[len(notes)-1].At.Before(before.At) {
			notes = notes[:len(notes)-1]
		}
	}
	return x.lines(messages, notes), older, nil
}

// olderPiece is what scrolling up brings.
type olderPiece struct {
	Lines []Line
	Older string
	Newer string // of what scrolling down brings
}

func (s *Server) showOlder(w http.ResponseWriter, r *http.Request, v *Visit) error {
	id := r.PathValue("thread")
	if after := r.URL.Query().Get("after"); after != "" {
		return s.showNewer(w, r, v, after)
	}
	before, ok := messageCursor(r.URL.Query().Get("before"))
	if !ok {
		return errMalformed
	}
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
		piece.Lines, piece.Older, err = s.threadLines(tx, v, x.teller(t, nil), t, before)
		return err
	})
	if err != nil {
		return err
	}
	return s.render(w, v, view{Page: "inbox", Block: "older-piece", Data: piece})
}

// messageCursor reads "at.id".
func messageCursor(text string) (conversation.Cursor, bool) {
	at, id, ok := strings.Cut(text, ".")
	us, err := strconv.ParseInt(at, 10, 64)
	return conversation.Cursor{At: db.Time(us), ID: id}, ok && err == nil && us > 0 && id != ""
}

func (s *Server) showHead(w http.ResponseWriter, r *http.Request, v *Visit) error {
	var head headView
	err := s.DB.Glance(r.Context(), func(tx *db.Tx) error {
		t, err := s.Desk.Thread(tx, v.Viewer, r.PathValue("thread"))
		if err != nil {
			return err
		}
		x, err := s.scene(tx, v.Words, v.ID)
		if err != nil {
			return err
		}
		head, err = s.headView(tx, v, x, t)
		return err
	})
	if err != nil {
		return err
	}
	return s.render(w, v, view{Page: "inbox", Block: "head-again", Data: head})
}

func (s *Server) headView(tx *db.Tx, v *Visit, x scene, t conversation.Thread) (headView, error) {
	name := x.called(t)
	h := headView{
		ID: t.ID, Name: name, Face: faceOf(t, name),
		Place: v.T("channel.name."+string(t.Channel)) + " · " + t.AccountName,
		Mine:  t.AssigneeID == v.ID, Free: t.AssigneeID == "", Closed: t.Closed, Chat: v.May(staff.Chat),
	}
	switch {
	case h.Free:
		h.Owner = v.T("thread.owner.nobody")
	case h.Mine:
		h.Owner = v.T("thread.owner.me")
	default:
		h.Owner = v.T("thread.owner.other", "name", t.AssigneeName)
	}
	if t.CoversID != "" {
		names, err := staff.StaffNames(tx, []string{t.CoversID})
		if err != nil {
			return h, err
		}
		h.Covers = v.T("thread.covers", "name", names[t.CoversID])
	}
	if t.ReplyUntil.After(x.now) {
		h.ReplyUntil = t.ReplyUntil.Unix()
	}
	if t.Halted != "" {
		h.Warning = v.T("halted." + known(halts, t.Halted, "misconfigured"))
	}
	h.Locked = locked(v, t)
	atCounter, err := staff.Colleagues(tx, t.CounterID)
	h.Colleagues = colleagues(atCounter, v.ID)
	return h, err
}

// halts are the reasons why an account stands still, below "halted.".
var halts = []string{"over_quota", "misconfigured"}

// locked says why nothing can be written in a thread, or nothing.
func locked(v *Visit, t conversation.Thread) string {
	switch {
	case !v.May(staff.Chat):
		return v.T("locked.reader")
	case t.Kind != channel.Person:
		return v.T("locked.group")
	case t.Reach == customer.ReachBlocked:
		return v.T("locked.blocked")
	case t.Standby:
		return v.T("locked.standby")
	}
	return ""
}
