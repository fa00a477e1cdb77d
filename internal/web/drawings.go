package web

import (
	"context"
	"html/template"
	"maps"
	"sync"
	"time"

	"dingdong/internal/channel"
	"dingdong/internal/conversation"
	"dingdong/internal/db"
)

// drawings renders what happened once for all open pages of a language. Pages
// wake up together: the first draws while the others wait for its result, and
// what differs from viewer to viewer is settled in the browser.
type drawings struct {
	server *Server
	easels map[string]*easel // language -> what was drawn in it

	mu    sync.Mutex
	crowd conversation.Crowd
	seq   int64
}

type easel struct {
	words *Words

	mu      sync.Mutex
	rows    map[string]drawing // by thread
	bubbles map[string]drawing // by message
}

// drawing is a frame of a stream, drawn when seq was the last event.
type drawing struct {
	seq      int64
	frame    []byte
	assignee string
	thread   string // of a bubble: the thread it was drawn in
	movedOn  bool   // an advisor has to be asked whether she may still see it
}

// drawingsKept bounds each cache; a full one starts anew.
const drawingsKept = 2000

// drawTimeout keeps one slow read from holding every page for ever.
const drawTimeout = 10 * time.Second

func newDrawings(s *Server) *drawings {
	d := &drawings{server: s, easels: map[string]*easel{}}
	for _, w := range s.languages.All {
		d.easels[w.Tag] = &easel{words: w, rows: map[string]drawing{}, bubbles: map[string]drawing{}}
	}
	return d
}

// rowNews is a row as a page gets it.
type rowNews struct {
	Thread string        `json:"thread"`
	HTML   template.HTML `json:"html"`
}

// lineNews is a bubble, or a line of the thread, as a page gets it.
type lineNews struct {
	Thread string        `json:"thread"`
	ID     string        `json:"id"`
	HTML   template.HTML `json:"html"`
}

// missing picks what was not drawn yet since its event.
func missing(kept map[string]drawing, wanted map[string]int64) (ids []string) {
	for id, seq := range wanted {
		if kept[id].seq < seq {
			ids = append(ids, id)
		}
	}
	return ids
}

// read runs fn for everybody who waits, so it must not end with the one page
// that happened to ask first.
func (d *drawings) read(ctx context.Context, fn func(tx *db.Tx) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), drawTimeout)
	defer cancel()
	return d.server.DB.Read(ctx, fn)
}

// rows gives the frames of some inbox rows, each at least as new as its event.
func (d *drawings) rows(ctx context.Context, w *Words, wanted map[string]int64) (map[string]drawing, error) {
	if len(wanted) == 0 {
		return nil, nil
	}
	e := d.easels[w.Tag]
	e.mu.Lock()
	defer e.mu.Unlock()
	if ids := missing(e.rows, wanted); len(ids) > 0 {
		if len(e.rows) > drawingsKept {
			e.rows = map[string]drawing{}
		}
		if err := d.read(ctx, func(tx *db.Tx) error { return d.drawRows(tx, e, ids) }); err != nil {
			return nil, err
		}
	}
	return pick(e.rows, wanted), nil
}

func pick(kept map[string]drawing, wanted map[string]int64) map[string]drawing {
	out := make(map[string]drawing, len(wanted))
	for id := range wanted {
		out[id] = kept[id]
	}
	return out
}

func (d *drawings) drawRows(tx *db.Tx, e *easel, ids []string) error {
	seq, err := lastEvent(tx)
	if err != nil {
		return err
	}
	threads, err := d.server.Desk.InboxRows(tx, ids)
	if err != nil {
		return err
	}
	x, err := d.server.scene(tx, e.words, "")
	if err != nil {
		return err
	}
	row := drawer(d.server.pages, e.words, (*markup).row)
	for _, id := range ids { // one that a merge folded has no row any more
		e.rows[id] = drawing{seq: seq}
	}
	for _, t := range threads {
		if t.Kind != channel.Person { // groups are kept, and are nobody's to answer
			e.rows[t.ID] = drawing{seq: seq}
			continue
		}
		html := row(x.row(t))
		e.rows[t.ID] = drawing{seq: seq, assignee: t.AssigneeID, movedOn: t.MovedOn, frame: sseFrame("row", rowNews{t.ID, html})}
	}
	return nil
}

// bubbles gives the frames of some messages of one thread.
func (d *drawings) bubbles(ctx context.Context, w *Words, thread string, wanted map[string]int64) (map[string]drawing, error) {
	if len(wanted) == 0 {
		return nil, nil
	}
	e := d.easels[w.Tag]
	e.mu.Lock()
	defer e.mu.Unlock()
	// News of a card name messages of all of her threads. One that was drawn for the page of
	// another counter is not this page's to have, and one that a merge moved is drawn anew.
	var ids []string
	for id, seq := range wanted {
		if kept := e.bubbles[id]; kept.seq < seq || kept.thread != thread {
			ids = append(ids, id)
		}
	}
	if len(ids) > 0 {
		if len(e.bubbles) > drawingsKept {
			e.bubbles = map[string]drawing{}
		}
		if err := d.read(ctx, func(tx *db.Tx) error { return d.drawBubbles(tx, e, thread, ids) }); err != nil {
			return nil, err
		}
	}
	out := pick(e.bubbles, wanted)
	maps.DeleteFunc(out, func(_ string, d drawing) bool { return d.thread != thread })
	return out, nil
}

func (d *drawings) drawBubbles(tx *db.Tx, e *easel, thread string, ids []string) error {
	seq, err := lastEvent(tx)
	if err != nil {
		return err
	}
	threads, err := d.server.Desk.InboxRows(tx, []string{thread})
	if err != nil || len(threads) == 0 {
		return err
	}
	found, err := d.server.Desk.MessagesByID(tx, ids)
	if err != nil {
		return err
	}
	var messages []conversation.Message
	for _, m := range found {
		if m.ThreadID == thread {
			messages = append(messages, m)
		}
	}
	quotes, err := d.server.Desk.Quoted(tx, messages)
	if err != nil {
		return err
	}
	x, err := d.server.scene(tx, e.words, "")
	if err != nil {
		return err
	}
	tell := x.teller(threads[0], quotes)
	if tell.via, err = d.server.channels(tx, threads[0]); err != nil {
		return err
	}
	if tell.heard, err = tell.hearings(tx, messages); err != nil {
		return err
	}
	line := drawer(d.server.pages, e.words, (*markup).line)
	for _, m := range messages {
		e.bubbles[m.ID] = drawing{seq: seq, thread: thread, frame: sseFrame("message", lineNews{thread, m.ID, line(tell.message(m))})}
	}
	return nil
}

// notes gives what colleagues did with a thread since a moment. It is seldom
// and has few viewers, so it is drawn for each.
func (d *drawings) notes(ctx context.Context, v *Visit, thread string, since time.Time) ([][]byte, error) {
	var frames [][]byte
	err := d.server.DB.Read(ctx, func(tx *db.Tx) error {
		t, err := d.server.Desk.Thread(tx, v.Viewer, thread)
		if err != nil {
			return err
		}
		notes, err := d.server.Desk.Notes(tx, v.Viewer, thread, since)
		if err != nil {
			return err
		}
		x, err := d.server.scene(tx, v.Words, v.ID)
		if err != nil {
			return err
		}
		tell := x.teller(t, nil)
		line := drawer(d.server.pages, v.Words, (*markup).line)
		for _, n := range notes {
			e := tell.note(n)
			frames = append(frames, sseFrame("message", lineNews{thread, n.ID, line(Line{Event: &e})}))
		}
		return nil
	})
	return frames, err
}

// crowdAt counts who waits, at least as new as an event, with one query for all
// pages.
func (d *drawings) crowdAt(ctx context.Context, seq int64) (conversation.Crowd, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.crowd != nil && d.seq >= seq {
		return d.crowd, nil
	}
	err := d.read(ctx, func(tx *db.Tx) error {
		last, err := lastEvent(tx)
		if err != nil {
			return err
		}
		crowd, err := d.server.Desk.CountCrowd(tx)
		if err == nil {
			d.crowd, d.seq = crowd, last
		}
		return err
	})
	return d.crowd, err
}

// rechecks asks all streams at once to look again who their viewer is.
type rechecks struct {
	mu    sync.Mutex
	asked chan struct{}
}

// wait gives the channel that the next ask closes.
func (r *rechecks) wait() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.asked == nil {
		r.asked = make(chan struct{})
	}
	return r.asked
}

// ask is for whatever changes sessions, staff or counters.
func (r *rechecks) ask() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.asked != nil {
		close(r.asked)
		r.asked = nil
	}
}
