package web

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"dingdong/internal/conversation"
	"dingdong/internal/db"
	"dingdong/internal/event"
	"dingdong/internal/staff"
)

// inboxPage is the page of the product: who waits, what she said, what I answer.
type inboxPage struct {
	Frame
	Chat   bool // she may write
	Seq    int64
	List   listView
	Thread *threadView // nil: none is open

	customers []string // who stands in the list
}

// Show names the column that a phone shows.
func (p inboxPage) Show() string {
	if p.Thread != nil {
		return "thread"
	}
	return "list"
}

// listView is the left column.
type listView struct {
	Box    conversation.Box
	Query  string
	Closed bool
	Tabs   []boxTab
	Rows   []ThreadRow
	More   string // address of the next piece
	First  bool   // not a next piece: an empty one deserves a sentence
}

// boxTab is one view of the inbox with the number of those who wait in it.
type boxTab struct {
	Box   conversation.Box
	Path  string
	Count int
	Here  bool
}

// Empty is what a list without rows says.
func (l listView) Empty(w *Words) Empty {
	key := "inbox.empty." + string(l.Box)
	switch {
	case l.Query != "":
		key = "inbox.empty.search"
	case l.Closed:
		key = "inbox.empty.closed"
	}
	e := Empty{Icon: "inbox", Title: w.T(key + ".title"), Text: w.T(key)}
	switch {
	case l.Query != "":
		return e.Action("/inbox?box="+string(l.Box), w.T("inbox.empty.search.go"))
	case l.Box == conversation.BoxMine:
		return e.Action("/inbox?box=unassigned", w.T("inbox.empty.mine.go"))
	case l.Box == conversation.BoxUnassigned || l.Closed:
		return e.Action("/inbox?box=all", w.T("inbox.empty.unassigned.go"))
	}
	return e
}

// inboxFilter reads which piece of the inbox is meant. Without a box it is the
// first that has somebody in it.
func inboxFilter(q url.Values) conversation.Filter {
	f := conversation.Filter{Box: conversation.Box(q.Get("box")), Query: q.Get("q"), After: q.Get("after"), Closed: q.Get("closed") == "1", Limit: inboxPiece}
	switch f.Box {
	case conversation.BoxMine, conversation.BoxUnassigned, conversation.BoxAll:
	default:
		f.Box = ""
	}
	if f.Closed {
		f.Box = conversation.BoxAll
	}
	return f
}

// inboxPiece is more than a tall screen shows; scrolling brings the next ones.
const inboxPiece = 25

// query writes a filter as the query of an address.
func (l listView) query() url.Values {
	q := url.Values{"box": {string(l.Box)}}
	if l.Query != "" {
		q.Set("q", l.Query)
	}
	if l.Closed {
		q.Set("closed", "1")
	}
	return q
}

func (s *Server) showInbox(w http.ResponseWriter, r *http.Request, v *Visit) error {
	f := inboxFilter(r.URL.Query())
	var page inboxPage
	read := s.DB.Glance
	if f.Query != "" { // each letter she types gives up the search before
		read = s.DB.Read
	}
	err := read(r.Context(), func(tx *db.Tx) error {
		var err error
		page, err = s.inboxPage(tx, v, f)
		return err
	})
	if err == nil {
		err = s.noteListed(r, v, f, page)
	}
	if err != nil {
		return err
	}
	return s.render(w, v, view{Page: "inbox", Block: inboxBlock(v, f), Data: page})
}

// noteListed puts on record who stands in the list, and that she searched.
func (s *Server) noteListed(r *http.Request, v *Visit, f conversation.Filter, page inboxPage) error {
	if strings.TrimSpace(f.Query) != "" {
		err := s.DB.Write(r.Context(), func(tx *db.Tx) error {
			s.Desk.NoteSearch(tx, v.Viewer, conversation.Searched{Where: "inbox", Query: f.Query, Customers: len(page.customers)})
			return nil
		})
		if err != nil {
			return err
		}
	}
	return s.shown(r, v, "inbox", page.customers)
}

// showWaiting answers how many wait for her, for the navigation of other pages.
func (s *Server) showWaiting(w http.ResponseWriter, r *http.Request, v *Visit) error {
	var waiting conversation.Waiting
	err := s.DB.Glance(r.Context(), func(tx *db.Tx) error {
		var err error
		waiting, err = s.Desk.CountWaiting(tx, v.Viewer)
		return err
	})
	if err != nil {
		return err
	}
	return s.render(w, v, view{Page: "inbox", Block: "waiting", Data: waiting.Mine + waiting.Unassigned})
}

// inboxBlock chooses the part of the page that htmx asked for.
func inboxBlock(v *Visit, f conversation.Filter) string {
	switch {
	case !v.Partial:
		return ""
	case f.After != "":
		return "list-piece"
	case v.request.Header.Get("HX-Target") == "list-body":
		return "list-body"
	}
	return "list"
}

// inboxPage reads the list and the number of the last event in one snapshot, so
// that the live stream continues exactly where the page ends.
func (s *Server) inboxPage(tx *db.Tx, v *Visit, f conversation.Filter) (inboxPage, error) {
	page := inboxPage{Frame: s.frame(v, "messages", v.T("nav.messages")), Chat: v.May(staff.Chat)}
	var err error
	if page.Seq, err = lastEvent(tx); err != nil {
		return page, err
	}
	waiting, err := s.Desk.CountWaiting(tx, v.Viewer)
	if err != nil {
		return page, err
	}
	page.Unread = waiting.Mine + waiting.Unassigned
	threads, after, f, err := s.inboxPiece(tx, v, f)
	if err != nil {
		return page, err
	}
	x, err := s.scene(tx, v.Words, v.ID)
	if err != nil {
		return page, err
	}
	page.customers = customersOf(threads)
	page.List = listView{Box: f.Box, Query: f.Query, Closed: f.Closed, First: f.After == ""}
	for _, t := range threads {
		page.List.Rows = append(page.List.Rows, x.row(t))
	}
	if after != "" {
		q := page.List.query()
		q.Set("after", after)
		page.List.More = "/inbox?" + q.Encode()
	}
	counts := map[conversation.Box]int{conversation.BoxMine: waiting.Mine, conversation.BoxUnassigned: waiting.Unassigned, conversation.BoxAll: waiting.All}
	for _, box := range []conversation.Box{conversation.BoxMine, conversation.BoxUnassigned, conversation.BoxAll} {
		if box == conversation.BoxAll || page.Chat {
			page.List.Tabs = append(page.List.Tabs, boxTab{Box: box, Path: "/inbox?box=" + string(box), Count: counts[box], Here: box == f.Box && !f.Closed})
		}
	}
	return page, nil
}

// inboxPiece reads a piece of the list. When no box was named, it is the first
// one that is not empty: nobody should begin her day before an empty page.
func (s *Server) inboxPiece(tx *db.Tx, v *Visit, f conversation.Filter) ([]conversation.Thread, string, conversation.Filter, error) {
	if f.Query != "" { // a name is looked for everywhere
		wide := f
		wide.Box = conversation.BoxAll
		threads, after, err := s.Desk.Inbox(tx, v.Viewer, wide)
		if f.Box == "" {
			f.Box = conversation.BoxAll
		}
		return threads, after, f, err
	}
	if f.Box != "" {
		threads, after, err := s.Desk.Inbox(tx, v.Viewer, f)
		return threads, after, f, err
	}
	boxes := []conversation.Box{conversation.BoxMine, conversation.BoxUnassigned, conversation.BoxAll}
	if !v.May(staff.Chat) {
		boxes = boxes[2:]
	}
	for _, box := range boxes {
		f.Box = box
		threads, after, err := s.Desk.Inbox(tx, v.Viewer, f)
		if err != nil || len(threads) > 0 {
			return threads, after, f, err
		}
	}
	f.Box = boxes[0]
	return nil, "", f, nil
}

// lastEvent is the number a live stream continues after.
func lastEvent(tx *db.Tx) (int64, error) {
	seq, err := event.Last(tx)
	if errors.Is(err, db.ErrNotFound) {
		return 0, nil
	}
	return seq, err
}
