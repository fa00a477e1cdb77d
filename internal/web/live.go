package web

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"dingdong/internal/conversation"
	"dingdong/internal/db"
	"dingdong/internal/event"
	"dingdong/internal/insight"
	"dingdong/internal/staff"
)

// The pace of a stream.
const (
	heartbeatEvery = 20 * time.Second
	recheckEvery   = 30 * time.Second
	paceEvery      = 25 * time.Millisecond  // at most one write in this time: a burst becomes one
	countsEvery    = 250 * time.Millisecond // how often the numbers on the tabs may change
	largestGap     = 2000                   // events; a page that missed more reads everything anew
)

// stream is one open page.
type stream struct {
	feed
	server   *Server
	v        *Visit
	token    string
	thread   conversation.Thread // zero: none is open
	seq      int64               // everything up to here was told
	counted  conversation.Waiting
	coverage []string // the viewer's counters when the stream began
}

// live is the stream of one page: rows, bubbles, numbers and who is there. Last-Event-ID,
// or ?after= of a page that was just rendered, says what the page knows already.
func (s *Server) live(w http.ResponseWriter, r *http.Request, v *Visit) error {
	after, err := resumeAt(r)
	if err != nil {
		return err
	}
	cookie, err := r.Cookie(s.sessionCookie())
	if err != nil {
		return errSignedOut
	}
	st := &stream{feed: newFeed(w), server: s, v: v, token: cookie.Value, seq: after, coverage: v.Counters()}
	last := int64(0)
	err = s.DB.Glance(r.Context(), func(tx *db.Tx) error {
		if last, err = lastEvent(tx); err != nil {
			return err
		}
		if id := r.URL.Query().Get("thread"); id != "" {
			st.thread, err = s.Desk.Thread(tx, v.Viewer, id)
		}
		return err
	})
	if err == nil && st.thread.ID != "" {
		err = s.noteOpened(r, v, st.thread.ID)
	}
	if err != nil {
		return err
	}
	st.open()
	st.buffer.WriteString("retry: 2000\n\n")
	if after > last || last-after > largestGap {
		st.seq = last
		st.tell("reload", struct{}{})
		st.position("at") // else a browser that comes again would ask for the old gap
	}
	return st.run(r.Context())
}

func resumeAt(r *http.Request) (int64, error) {
	text := r.Header.Get("Last-Event-ID")
	if text == "" {
		text = r.URL.Query().Get("after")
	}
	if text == "" {
		text = "0"
	}
	seq, err := strconv.ParseInt(text, 10, 64)
	if err != nil || seq < 0 {
		return 0, errMalformed
	}
	return seq, nil
}

// batch is what the event log gave, or why it gives no more.
type batch struct {
	events []event.Event
	err    error
}

// batches reads the event log in a goroutine of its own, which stop ends.
func (s *Server) batches(ctx context.Context, after int64) (<-chan batch, func()) {
	ctx, cancel := context.WithCancel(ctx)
	out, ended := make(chan batch), make(chan struct{})
	sub := s.Events.Subscribe(after)
	go func() {
		defer close(ended)
		for {
			events, err := sub.Next(ctx)
			select {
			case out <- batch{events, err}:
			case <-ctx.Done():
				return
			}
			if err != nil {
				return
			}
			// Waiting before looking: what came meanwhile is told together.
			select {
			case <-time.After(paceEvery):
			case <-ctx.Done():
				return
			}
		}
	}()
	return out, func() { cancel(); <-ended }
}

// run ends without error when the page goes away: there is nobody to tell.
func (st *stream) run(ctx context.Context) error {
	s := st.server
	batches, stop := s.batches(ctx, st.seq)
	defer stop()
	var here <-chan struct{}
	if id := st.thread.ID; id != "" {
		changed, stop := s.presence.Listen(id)
		defer stop()
		here = changed
		if st.v.May(staff.Chat) {
			defer s.presence.Look(id, Present{ID: st.v.ID, Name: st.v.Name})()
		}
	}
	if !st.count(ctx, true) || !st.present() || !st.flush() {
		return nil
	}
	heartbeat, recheck := time.NewTicker(heartbeatEvery), time.NewTicker(recheckEvery)
	defer heartbeat.Stop()
	defer recheck.Stop()
	counts := time.NewTimer(time.Hour)
	defer counts.Stop()
	counting := false
	asked := s.rechecks.wait()
	for {
		ok := true
		select {
		case <-ctx.Done():
			return nil
		case <-s.Stopping:
			return nil
		case b := <-batches:
			if b.err != nil {
				return st.farewell(b.err)
			}
			ok = st.news(ctx, b.events)
			if !counting {
				counting = true
				counts.Reset(countsEvery)
			}
		case <-counts.C:
			counting = false
			ok = st.count(ctx, false)
		case <-here:
			ok = st.present()
		case <-heartbeat.C:
			st.buffer.WriteString(": still here\n")
			st.position("beat")
		case <-recheck.C:
			ok = st.again(ctx)
		case <-asked:
			asked = s.rechecks.wait() // before looking: a change in between asks again
			ok = st.again(ctx)
		}
		if !st.flush() || !ok {
			return nil
		}
	}
}

// farewell ends a stream whose event log ended: a page of a database that was
// set back has to read everything anew; the others come again by themselves.
func (st *stream) farewell(err error) error {
	if errors.Is(err, event.ErrAhead) {
		st.tell("reload", struct{}{})
		st.flush()
		return nil
	}
	if errors.Is(err, event.ErrStopped) || errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// tell writes one event into the buffer.
func (st *stream) tell(name string, data any) { st.buffer.Write(sseFrame(name, data)) }

// position tells how far the page has been told; only this carries an id, so
// that a batch cut in the middle is told again as a whole.
func (st *stream) position(name string) {
	seq := strconv.FormatInt(st.seq, 10)
	st.buffer.WriteString("id: " + seq + "\nevent: " + name + "\ndata: " + seq + "\n\n")
}

// again looks whether she is still signed in and still sees what she saw.
func (st *stream) again(ctx context.Context) bool {
	s := st.server
	var now staff.Viewer
	err := s.DB.Read(ctx, func(tx *db.Tx) error {
		var err error
		now, err = staff.ViewerBySession(tx, st.token)
		return err
	})
	if errors.Is(err, staff.ErrSignedOut) || (err == nil && now.MustChange) {
		st.tell("signed_out", struct{}{})
		return false
	}
	if err != nil {
		return false // she comes again, and is checked again
	}
	narrower := now.Leaving != st.v.Leaving
	st.v.Viewer = now
	if narrower || !slices.Equal(now.Counters(), st.coverage) {
		st.coverage = now.Counters()
		st.tell("reload", struct{}{})
		return st.thread.ID == "" || now.Sees(st.thread.CounterID)
	}
	return true
}

// elsewhere tells that a change of her card was written at a counter that the viewer does
// not see, and is nothing that her own card shows: even that there is a new note of
// another brand is not told.
func (st *stream) elsewhere(e event.Event) bool {
	if e.Counter == "" || st.v.Sees(e.Counter) {
		return false
	}
	return slices.Contains([]string{"note", "wish", "promise", "binding", "purchase"}, e.Data["what"])
}

// hers tells whether the viewer may see a thread of a counter that she sees.
func (st *stream) hers(ctx context.Context, threadID string) bool {
	err := st.server.DB.Read(ctx, func(tx *db.Tx) error {
		_, err := st.server.Desk.Thread(tx, st.v.Viewer, threadID)
		return err
	})
	return err == nil
}

func (st *stream) present() bool {
	if st.thread.ID != "" {
		st.tell("presence", map[string]any{"thread": st.thread.ID, "here": st.server.presence.Here(st.thread.ID)})
	}
	return true
}

// count tells the numbers of the tabs when they have changed.
func (st *stream) count(ctx context.Context, always bool) bool {
	crowd, err := st.server.drawings.crowdAt(ctx, st.seq)
	if err != nil {
		return false
	}
	if w := crowd.For(st.v.Viewer); always || w != st.counted {
		st.counted = w
		st.tell("counts", map[string]int{"mine": w.Mine, "unassigned": w.Unassigned, "all": w.All})
	}
	return true
}

// news tells what happened, each row and bubble once.
func (st *stream) news(ctx context.Context, events []event.Event) bool {
	rows, bubbles := map[string]int64{}, map[string]int64{}
	var rowOrder, bubbleOrder, dings []string
	var acted time.Time
	head, moved := false, false
	card := map[string]bool{}
	for _, e := range events {
		st.seq = e.Seq
		if e.Kind == event.CustomerChanged && e.Customer == st.thread.CustomerID && st.thread.ID != "" && !st.elsewhere(e) {
			for _, part := range changedParts[e.Data["what"]] {
				card[part] = true
			}
			for _, id := range strings.Fields(e.Data["messages"]) { // their bubbles name the tags
				if bubbles[id] == 0 {
					bubbleOrder = append(bubbleOrder, id)
				}
				bubbles[id] = e.Seq
			}
		}
		if (e.Kind == event.ConsentGranted || e.Kind == event.ConsentWithdrawn) && e.Customer == st.thread.CustomerID && st.thread.ID != "" {
			card["consent"] = true
		}
		if e.Thread == "" || !st.v.Sees(e.Counter) {
			if e.Kind == event.AccountChanged && st.thread.ID != "" && e.Counter == st.thread.CounterID {
				head = true
			}
			continue
		}
		if st.v.Leaving && !st.hers(ctx, e.Thread) {
			if e.Thread == st.thread.ID { // it was handed on while she had it open
				st.tell("reload", struct{}{})
				return false
			}
			continue
		}
		if e.Kind == event.ThreadChanged && e.Data["act"] == "erased" {
			st.tell("erased", map[string]string{"thread": e.Thread})
			continue
		}
		if e.Kind == event.ThreadChanged && regrouped(e) {
			moved = moved || e.Thread == st.thread.ID
			if e.Data["to"] != "" {
				st.tell("gone", map[string]string{"thread": e.Thread})
				continue
			}
		}
		if redrawsRow(e) {
			if rows[e.Thread] == 0 {
				rowOrder = append(rowOrder, e.Thread)
			}
			rows[e.Thread] = e.Seq
		}
		if e.Kind == event.MessageReceived && !slices.Contains(dings, e.Thread) {
			dings = append(dings, e.Thread)
		}
		if e.Thread != st.thread.ID {
			continue
		}
		if e.Kind == event.MessageReceived || e.Data["status"] != "" {
			card["contact"] = true // what is planned, and whether the next word is an answer
		}
		if e.Message != "" && e.Data["status"] != string(conversation.StatusPlanned) {
			if bubbles[e.Message] == 0 {
				bubbleOrder = append(bubbleOrder, e.Message)
			}
			bubbles[e.Message] = e.Seq
		}
		seen := e.Data["act"] == "seen"
		head = head || (e.Kind != event.MessageStatus && e.Kind != event.MediaReady && !seen)
		// A first answer makes the conversation hers, and the card names her.
		if e.Kind == event.MessageSent || e.Kind == event.ThreadChanged && !seen {
			card["head"] = true
		}
		if e.Kind == event.ThreadChanged && !seen { // whoever hands her over may write a note
			card["notes"] = true
		}
		if e.Kind == event.ReachChanged {
			card["reach"] = true
		}
		if e.Kind == event.CustomerChanged && e.Data["what"] == "" { // her name, her profile, a number of hers
			card["head"], card["reach"], card["one"] = true, true, true
		}
		if e.Kind == event.ThreadChanged && !seen && (acted.IsZero() || e.At.Before(acted)) {
			acted = e.At
		}
	}
	if moved { // another thread shows her now, or this one shows more or less of her
		st.tell("reload", struct{}{})
		st.position("at")
		return true
	}
	if err := st.noteShown(events, rows); err != nil {
		return false // she comes again, and it is recorded then
	}
	drawn, err := st.server.drawings.rows(ctx, st.v.Words, rows)
	if err != nil {
		return false
	}
	for _, id := range rowOrder {
		if !drawn[id].movedOn || st.hers(ctx, id) {
			st.buffer.Write(drawn[id].frame)
		}
	}
	if !st.talk(ctx, bubbles, bubbleOrder, acted) {
		return false
	}
	if head {
		st.tell("head", map[string]string{"thread": st.thread.ID})
	}
	if len(card) > 0 {
		st.tell("card", cardNews{st.thread.ID, slices.Sorted(maps.Keys(card))})
	}
	if st.v.May(staff.Chat) {
		dings = slices.DeleteFunc(dings, func(id string) bool {
			row := drawn[id]
			return row.frame == nil || (row.assignee != "" && row.assignee != st.v.ID)
		})
		if len(dings) > 0 {
			st.tell("ding", map[string][]string{"threads": dings})
		}
	}
	st.position("at")
	return true
}

// redrawsRow tells whether a thread's row in the list may look otherwise now. What her
// words were read to mean stands on her card only, and follows nearly every message.
func redrawsRow(e event.Event) bool {
	switch e.Kind {
	case event.MessageStatus, event.MediaReady:
		return false
	case event.CustomerChanged:
		return e.Data["what"] != insight.WhatMention
	}
	return true
}

// noteShown puts on record whose rows are about to be told.
func (st *stream) noteShown(events []event.Event, rows map[string]int64) error {
	var customers []string
	for _, e := range events {
		if rows[e.Thread] > 0 {
			customers = append(customers, e.Customer)
		}
	}
	return st.server.shown(st.v.request, st.v, "live", customers)
}

// cardNews names the sections of a card that changed.
type cardNews struct {
	Thread string   `json:"thread"`
	Parts  []string `json:"parts"`
}

// changedParts are the sections of a card that show what changed, and the ready
// replies: they stand beside what she has just said.
var changedParts = map[string][]string{
	"tag":       {"tags", "offers"},
	"attribute": {"known", "head"},
	"note":      {"notes"},
	"wish":      {"wishes"},
	"promise":   {"promises"},
	"binding":   {"head"},
	"purchase":  {"purchases"},
	"merge":     {"head", "one", "reach", "tags", "known", "notes", "wishes", "promises", "purchases"},
}

// regrouped tells whether a merge or an unmerge changed what a thread shows.
func regrouped(e event.Event) bool {
	return e.Data["act"] == string(conversation.ActMerged) || e.Data["act"] == string(conversation.ActUnmerged)
}

// talk tells the bubbles of the open thread, and what colleagues did with it.
func (st *stream) talk(ctx context.Context, bubbles map[string]int64, order []string, acted time.Time) bool {
	drawn, err := st.server.drawings.bubbles(ctx, st.v.Words, st.thread.ID, bubbles)
	if err != nil {
		return false
	}
	for _, id := range order {
		st.buffer.Write(drawn[id].frame)
	}
	if acted.IsZero() {
		return true
	}
	frames, err := st.server.drawings.notes(ctx, st.v, st.thread.ID, acted)
	for _, f := range frames {
		st.buffer.Write(f)
	}
	return err == nil
}
