package web

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"dingdong/internal/conversation"
	"dingdong/internal/db"
	"dingdong/internal/event"
)

// The pace of a visitor's stream.
const (
	chatLargestGap = 5000                   // events of the house; a page that missed more starts anew
	chatPace       = 100 * time.Millisecond // a busy house wakes its visitors at most so often
	chatRetell     = 4 * time.Second        // typing holds for six seconds on her page
)

// visitorStream is one open page of one visitor.
type visitorStream struct {
	feed
	s      *Server
	c      *chatCall
	talk   conversation.Talk // without a thread until she has written
	seq    int64             // everything up to here was told
	follow func()            // begins to listen to her thread; set by run
	typing <-chan struct{}   // something changed about who is typing
}

// streamChat tells a visitor's page what happens in her conversation.
func (s *Server) streamChat(w http.ResponseWriter, r *http.Request, c *chatCall) (any, error) {
	if err := s.limit(c, "read", "", visitorReads, rate{}); err != nil {
		return nil, err
	}
	leave := s.chat.enter(c.streamKey(), neighbourhood(c.Address))
	if leave == nil {
		return nil, busyError{10 * time.Second}
	}
	defer leave()
	st := &visitorStream{feed: newFeed(w), s: s, c: c}
	last, err := st.find(r.Context())
	if err != nil {
		return nil, err
	}
	if st.seq, err = chatCursor(r, last); err != nil {
		return nil, err
	}
	if st.talk.ThreadID == "" {
		if r.URL.Query().Get("talk") != "" {
			return nil, errTalkGone // while the page was away
		}
		st.seq = last // nothing of hers has happened yet
	}
	st.open()
	return nil, st.run(r.Context())
}

// chatCursor is where a page wants to go on.
func chatCursor(r *http.Request, last int64) (int64, error) {
	text := r.Header.Get("Last-Event-ID")
	if text == "" {
		text = r.URL.Query().Get("cursor")
	}
	if text == "" {
		return last, nil
	}
	seq, err := strconv.ParseInt(text, 10, 64)
	if err != nil || seq < 0 {
		return 0, errMalformed
	}
	if seq > last || last-seq > chatLargestGap {
		return 0, errCursorGone
	}
	return seq, nil
}

// find looks for the visitor's thread, and how far the log is at that moment.
func (st *visitorStream) find(ctx context.Context) (last int64, err error) {
	err = st.s.DB.Read(ctx, func(tx *db.Tx) error {
		if last, err = event.Last(tx); err != nil {
			return err
		}
		st.talk, err = st.s.Desk.VisitorTalk(tx, st.c.visitor)
		if errors.Is(err, db.ErrNotFound) {
			return nil
		}
		return err
	})
	return last, err
}

// run ends without an error when the page goes away or comes again by itself.
func (st *visitorStream) run(ctx context.Context) error {
	s := st.s
	ctx, cancel := context.WithCancel(ctx)
	batches := make(chan batch)
	var ended chan struct{}
	stopTyping := func() {}
	defer func() {
		cancel()
		stopTyping()
		if ended != nil {
			<-ended
		}
	}()
	st.follow = func() {
		ended = make(chan struct{})
		sub := s.Events.Subscribe(st.seq)
		go func() {
			defer close(ended)
			st.listen(ctx, sub, batches)
		}()
		st.typing, stopTyping = s.presence.Listen(st.talk.ThreadID)
	}
	wrote, stop := s.chat.await(st.c.streamKey())
	defer stop()
	// She may have written between the first look and the waiting.
	if st.talk.ThreadID != "" {
		st.follow()
	} else if !st.meet(ctx) {
		return nil
	}
	heartbeat, retell := time.NewTicker(heartbeatEvery), time.NewTimer(0)
	defer heartbeat.Stop()
	defer retell.Stop()
	st.position()
	for st.flush() {
		ok := true
		select {
		case <-ctx.Done():
			return nil
		case <-s.Stopping:
			return nil
		case b := <-batches:
			if b.err != nil {
				return nil // she connects anew and is told what is the matter
			}
			ok = st.news(ctx, b.events)
		case <-wrote:
			ok = st.meet(ctx)
		case <-st.typing:
			ok = st.types(retell)
		case <-retell.C:
			ok = st.types(retell)
		case <-heartbeat.C:
			ok = st.beat(ctx)
		}
		if !ok {
			st.flush()
			return nil
		}
	}
	return nil
}

// listen hands on what the log tells, until ctx ends.
func (st *visitorStream) listen(ctx context.Context, sub *event.Subscription, to chan<- batch) {
	pause := time.NewTimer(0)
	defer pause.Stop()
	for {
		select {
		case <-pause.C:
		case <-ctx.Done():
			return
		}
		events, err := sub.Next(ctx)
		select {
		case to <- batch{events, err}:
		case <-ctx.Done():
			return
		}
		if err != nil {
			return
		}
		pause.Reset(chatPace)
		if len(events) >= fullBatch { // behind: no rest
			pause.Reset(0)
		}
	}
}

// fullBatch is a batch that certainly has more behind it.
const fullBatch = 200

// meet looks whether the visitor has written her first words by now, here or on
// another node.
func (st *visitorStream) meet(ctx context.Context) bool {
	if st.talk.ThreadID != "" {
		return true
	}
	last, err := st.find(ctx)
	if err != nil {
		return false
	}
	if st.talk.ThreadID == "" {
		st.seq = last
		return true
	}
	st.follow()
	return true
}

// beat keeps the line open and the cursor young; a chat that was closed ends.
func (st *visitorStream) beat(ctx context.Context) bool {
	if _, err := st.s.Desk.ListeningAccount(ctx, st.c.visitor.Account.ID); err != nil {
		return false
	}
	st.buffer.WriteString(": still here\n\n")
	ok := st.meet(ctx)
	st.position()
	return ok
}

// types tells which advisors are typing, again and again while they do.
func (st *visitorStream) types(retell *time.Timer) bool {
	if st.talk.ThreadID == "" {
		return true
	}
	anybody := false
	for _, p := range st.s.presence.Here(st.talk.ThreadID) {
		if p.Typing && !p.Customer {
			st.tell("typing", map[string]string{"name": p.Name}, 0)
			anybody = true
		}
	}
	if anybody {
		retell.Reset(chatRetell)
	}
	return true
}

// news tells what happened in her thread, each message once, at its first place.
func (st *visitorStream) news(ctx context.Context, events []event.Event) bool {
	var order []event.Event
	var ids []string
	known, seen := map[string]bool{}, false
	for _, e := range events {
		st.seq = e.Seq
		if e.Kind == event.CustomerErased && e.Customer == st.talk.CustomerID {
			// Her page forgets what it shows, and listens no more.
			st.tell("gone", struct{}{}, 0)
			return false
		}
		if e.Thread != st.talk.ThreadID && e.Customer != st.talk.CustomerID {
			continue
		}
		switch e.Kind {
		case event.MessageReceived, event.MessageEdited, event.MediaReady, event.MessageUnsent:
		case event.MessageSent:
			seen = true // who answers has read
		case event.MessageStatus:
			if e.Data["status"] != string(conversation.StatusQueued) {
				continue // only a message that is tried again is new to her
			}
		case event.ThreadChanged:
			seen = seen || e.Data["act"] == "seen"
			if e.Message == "" {
				continue
			}
		default:
			continue
		}
		if !known[e.Message] {
			known[e.Message] = true
			order, ids = append(order, e), append(ids, e.Message)
		}
	}
	if len(order) == 0 && !seen {
		return true // the house's own business; the heartbeat moves the cursor
	}
	var found map[string]conversation.Message
	var read conversation.Cursor
	var own []conversation.Message
	moved := false
	err := st.s.DB.Read(ctx, func(tx *db.Tx) error {
		talk, err := st.s.Desk.VisitorTalk(tx, st.c.visitor)
		if err != nil {
			return err
		}
		moved = talk.ThreadID != st.talk.ThreadID
		if found, err = st.s.Desk.VisitorMessagesByID(tx, talk, ids); err != nil {
			return err
		}
		if read, err = st.s.Desk.VisitorSeen(tx, talk); err != nil || !seen {
			return err
		}
		own, _, err = st.s.Desk.VisitorMessages(tx, conversation.VisitorPage{Talk: talk, Limit: historyPage})
		return err
	})
	if err != nil {
		return false
	}
	for _, e := range order {
		m, ok := found[e.Message]
		switch {
		case !ok: // nothing that she may see
		case m.Unsent:
			st.tell("unsent", map[string]string{"id": m.ID}, e.Seq)
		default:
			st.tell("message", chatSaid{st.s.chatMessage(m, read)}, e.Seq)
		}
	}
	for _, m := range own {
		if m.Author == conversation.AuthorCustomer && m.Before(read) {
			st.tell("status", map[string]string{"id": m.ID, "status": "read"}, 0)
		}
	}
	st.position()
	return !moved // she speaks with another counter: the page comes again and listens there
}

// tell writes one event into the buffer; seq 0: it may be missed, or has its
// number behind it.
func (st *visitorStream) tell(name string, data any, seq int64) {
	if seq > 0 {
		st.buffer.WriteString("id: " + strconv.FormatInt(seq, 10) + "\n")
	}
	st.buffer.Write(sseFrame(name, data))
}

// position tells how far the page has been told.
func (st *visitorStream) position() { st.tell("cursor", struct{}{}, st.seq) }
