package web

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/jpeg"
	"net/http"
	"strings"
	"testing"
	"time"

	"dingdong/internal/channel"
	"dingdong/internal/conversation"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// deskHouse is a house with a LINE account at the advisor's counter and
// customers who write to it.
type deskHouse struct {
	*chatHouse
	line conversation.Account
	told int
}

func newDeskHouse(t testing.TB) *deskHouse {
	h := &deskHouse{chatHouse: newChatHouse(t)}
	h.line = h.open(conversation.AccountForm{Channel: channel.LINE, Name: "Rosée LINE", CounterID: h.Counter, Secret: "s", Token: "t"})
	return h
}

// receives takes one event of the LINE account in, and returns its message.
func (h *deskHouse) receives(in channel.Inbound) (m conversation.Message) {
	h.t.Helper()
	h.told++
	in.EventID = fmt.Sprintf("event-%d", h.told)
	if in.ExternalID == "" {
		in.ExternalID = fmt.Sprintf("external-%d", h.told)
	}
	if in.At.IsZero() {
		in.At = h.DB.Now()
	}
	h.write(func(tx *db.Tx) error {
		if _, err := h.Desk.Receive(tx, h.line, []channel.Inbound{in}); err != nil {
			return err
		}
		if in.Kind == channel.Unsend {
			return nil
		}
		return tx.QueryRow(`SELECT id, thread_id FROM message WHERE event_id = $1`, in.EventID).Scan(&m.ID, &m.ThreadID)
	})
	return m
}

// hears is a customer who writes a text.
func (h *deskHouse) hears(name, text string) conversation.Message {
	h.t.Helper()
	return h.receives(channel.Inbound{Kind: channel.Message, Peer: channel.Peer{Type: channel.Person, ID: "U-" + name, Name: name},
		Body: channel.Body{Type: channel.Text, Text: text, QuoteToken: "quote-" + text}})
}

func (h *deskHouse) viewer(id string) (v staff.Viewer) {
	h.t.Helper()
	h.read(func(tx *db.Tx) (err error) {
		v, err = staff.ViewerByID(tx, id)
		return err
	})
	return v
}

func (h *deskHouse) read(fn func(tx *db.Tx) error) {
	h.t.Helper()
	if err := h.DB.Read(context.Background(), fn); err != nil {
		h.t.Fatal(err)
	}
}

func (h *deskHouse) count(query string, args ...any) (n int) {
	h.t.Helper()
	h.read(func(tx *db.Tx) error { return tx.QueryRow(query, args...).Scan(&n) })
	return n
}

// picture is a real JPEG.
func picture(t testing.TB) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := jpeg.Encode(&out, image.NewRGBA(image.Rect(0, 0, 64, 48)), nil); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// partial makes a browser ask as htmx does.
func (b *browser) partial() *browser {
	b.Header.Set("HX-Request", "true")
	return b
}

// frame is one event of a live stream.
type frame struct{ ID, Event, Data string }

// ear is an open live stream.
type ear struct {
	t      testing.TB
	frames chan frame
	close  func()
}

// listens opens the live stream of a signed-in browser.
func (h *deskHouse) listens(b *browser, query, lastID string) *ear {
	h.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r := must(http.NewRequestWithContext(ctx, http.MethodGet, h.url+"/live?"+query, nil))
	for name, value := range b.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	if lastID != "" {
		r.Header.Set("Last-Event-ID", lastID)
	}
	got := must(http.DefaultClient.Do(r))
	if got.StatusCode != http.StatusOK {
		cancel()
		h.t.Fatalf("live: status %d", got.StatusCode)
	}
	e := &ear{t: h.t, frames: make(chan frame, 10000), close: cancel}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer close(e.frames)
		defer got.Body.Close()
		lines := bufio.NewScanner(got.Body)
		lines.Buffer(nil, 1<<20)
		var f frame
		for lines.Scan() {
			name, value, _ := strings.Cut(lines.Text(), ": ")
			switch name {
			case "id":
				f.ID = value
			case "event":
				f.Event = value
			case "data":
				f.Data = value
			case "":
				if f.Event != "" {
					e.frames <- f
				}
				f = frame{}
			}
		}
	}()
	h.t.Cleanup(func() { cancel(); <-ended })
	return e
}

// patience is how long a test waits for what must come. It is long for the sake of busy
// machines; nothing waits longer than it must.
const patience = 60 * time.Second

// until reads frames up to the first that fits, and returns all it read.
func (e *ear) until(fits func(frame) bool) (read []frame) {
	e.t.Helper()
	late := time.NewTimer(patience)
	defer late.Stop()
	for {
		select {
		case f, ok := <-e.frames:
			if !ok {
				e.t.Fatalf("the stream ended after %+v", read)
			}
			read = append(read, f)
			if fits(f) {
				return read
			}
		case <-late.C:
			e.t.Fatalf("waited in vain; read %+v", read)
		}
	}
}

// event waits for one event by name.
func (e *ear) event(name string) frame {
	e.t.Helper()
	read := e.until(func(f frame) bool { return f.Event == name })
	return read[len(read)-1]
}

// over waits for the stream to end.
func (e *ear) over() {
	e.t.Helper()
	late := time.NewTimer(patience)
	defer late.Stop()
	for {
		select {
		case _, ok := <-e.frames:
			if !ok {
				return
			}
		case <-late.C:
			e.t.Fatal("the stream goes on")
		}
	}
}

func (f frame) data(t testing.TB) map[string]any {
	t.Helper()
	var out map[string]any
	if err := json.Unmarshal([]byte(f.Data), &out); err != nil {
		t.Fatalf("%s: %v", f.Data, err)
	}
	return out
}
