package web

import (
	"bytes"
	"encoding/json"
	"net/http"
	"time"
)

// feed is an answer that goes on: server-sent events, gathered in a buffer and
// sent together.
type feed struct {
	out    *http.ResponseController
	w      http.ResponseWriter
	buffer bytes.Buffer
}

// writeTimeout is after how long a browser that takes nothing is gone.
const writeTimeout = 15 * time.Second

func newFeed(w http.ResponseWriter) feed {
	return feed{out: http.NewResponseController(w), w: w}
}

// open begins the answer.
func (f *feed) open() {
	h := f.w.Header()
	h.Set("Content-Type", "text/event-stream; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no")
	_ = f.out.SetWriteDeadline(time.Time{}) // it outlives what a page may take
	f.w.WriteHeader(http.StatusOK)
}

// flush sends what is in the buffer; false when nobody takes it.
func (f *feed) flush() bool {
	if f.buffer.Len() == 0 {
		return true
	}
	// A moment that is long past wakes a write that hangs.
	hangs := time.AfterFunc(writeTimeout, func() { _ = f.out.SetWriteDeadline(time.Unix(1, 0)) })
	defer hangs.Stop()
	_, err := f.w.Write(f.buffer.Bytes())
	f.buffer.Reset()
	return err == nil && f.out.Flush() == nil
}

// sseFrame is one event of a stream: one line of JSON.
func sseFrame(name string, data any) []byte {
	var out bytes.Buffer
	out.WriteString("event: " + name + "\ndata: ")
	e := json.NewEncoder(&out) // ends with a line feed
	e.SetEscapeHTML(false)
	_ = e.Encode(data) // our own structs of texts and numbers
	out.WriteString("\n")
	return out.Bytes()
}
