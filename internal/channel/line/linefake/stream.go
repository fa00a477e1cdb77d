package linefake

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// phoneStream tells an open phone what changes, and after a gap what it missed.
func (p *Platform) phoneStream(w http.ResponseWriter, r *http.Request, who *person) {
	who.mu.Lock()
	after := who.seq
	who.mu.Unlock()
	if last, err := strconv.ParseInt(r.Header.Get("Last-Event-ID"), 10, 64); err == nil {
		if last > after {
			last = 0 // a number of before a restart that forgot: tell everything
		}
		after = last
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	out := http.NewResponseController(w)
	out.SetWriteDeadline(time.Time{}) // a server's time limit is for pages; not all writers have one
	if _, err := w.Write([]byte("retry: 1000\n\n")); err != nil || out.Flush() != nil {
		return
	}
	const breath = 20 * time.Second
	ticker := time.NewTicker(breath)
	defer ticker.Stop()
	for {
		text, changed := p.since(who, &after)
		if len(text) > 0 {
			if _, err := w.Write(text); err != nil || out.Flush() != nil {
				return
			}
			continue
		}
		select {
		case <-changed:
		case <-ticker.C:
			if _, err := w.Write([]byte(": here\n\n")); err != nil || out.Flush() != nil {
				return
			}
		case <-r.Context().Done():
			return
		case <-p.ctx.Done():
			return
		}
	}
}

// since writes the signals after a number, and moves it; changed is closed when
// there are more.
func (p *Platform) since(who *person, after *int64) (text []byte, changed <-chan struct{}) {
	who.mu.Lock()
	defer who.mu.Unlock()
	var b bytes.Buffer
	for _, s := range who.signals {
		if s.seq <= *after {
			continue
		}
		*after = s.seq
		p.writeSignal(&b, who, s)
	}
	if who.changed == nil {
		who.changed = make(chan struct{})
	}
	return b.Bytes(), who.changed
}

// writeSignal writes one event of the stream; hold mu.
func (p *Platform) writeSignal(b *bytes.Buffer, who *person, s signal) {
	var data any = struct{}{}
	switch s.kind {
	case "message":
		n := who.byID[s.id]
		if n == nil {
			return
		}
		data = p.bubbleOf(n)
	case "typing":
		data = map[string]int{"seconds": s.seconds}
	case "unsend":
		data = map[string]string{"id": s.id}
	}
	text, err := json.Marshal(data)
	if err != nil {
		return // nothing of ours fails
	}
	fmt.Fprintf(b, "id: %d\nevent: %s\ndata: %s\n\n", s.seq, s.kind, text)
	if s.kind == "unsend" {
		// The page listens for the other name.
		fmt.Fprintf(b, "id: %d\nevent: unsent\ndata: %s\n\n", s.seq, text)
	}
}
