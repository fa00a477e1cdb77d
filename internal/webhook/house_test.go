package webhook

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"dingdong/internal/channel"
	"dingdong/internal/channel/webchat"
	"dingdong/internal/conversation"
	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
	"dingdong/internal/event"
	"dingdong/internal/job"
	"dingdong/internal/staff"
	"dingdong/internal/vault"
)

var morning = time.Date(2026, 11, 22, 5, 0, 0, 0, time.UTC)

// house is the room with a worker beside it.
type house struct {
	*Room
	t     *testing.T
	clock *dbtest.Clock
}

func newHouse(t *testing.T, d *db.DB, clock *dbtest.Clock) *house {
	t.Helper()
	v, err := vault.Open("file:"+filepath.Join(t.TempDir(), "key.json"), d)
	if err != nil {
		t.Fatal(err)
	}
	desk := &conversation.Desk{DB: d, Vault: v, Book: &customer.Book{Vault: v},
		Adapters: map[channel.Kind]channel.Adapter{channel.WebChat: webchat.Adapter{}}}
	return &house{Room: New(Options{DB: d, Vault: v, Desk: desk, AllowLocal: true}), t: t, clock: clock}
}

// work runs the room's jobs until the test ends.
func (h *house) work() {
	h.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- job.NewWorker(h.DB, h.Handlers(), job.Options{Slots: 8}).Run(ctx) }()
	h.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			h.t.Error(err)
		}
	})
}

func (h *house) write(fn func(tx *db.Tx) error) {
	h.t.Helper()
	if err := h.DB.Write(context.Background(), fn); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) read(fn func(tx *db.Tx) error) {
	h.t.Helper()
	if err := h.DB.Read(context.Background(), fn); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) add(url string, kinds ...string) (e Endpoint, secret string) {
	h.t.Helper()
	h.write(func(tx *db.Tx) (err error) {
		e, secret, err = h.Save(tx, staff.System(), Form{Name: "Till", URL: url, Kinds: kinds})
		return err
	})
	return e, secret
}

// happen appends n events and lets the room react to them.
func (h *house) happen(kind event.Kind, n int) {
	h.t.Helper()
	var last int64
	h.read(func(tx *db.Tx) (err error) { last, err = event.Last(tx); return err })
	h.write(func(tx *db.Tx) error {
		for i := range n {
			event.Append(tx, event.Event{Kind: kind, Thread: "thr_1", Data: map[string]string{"n": strconv.Itoa(i)}})
		}
		return nil
	})
	h.write(func(tx *db.Tx) error {
		events, err := event.After(tx, last, n)
		for _, e := range events {
			if err == nil {
				err = h.Queue(tx, e)
			}
		}
		return err
	})
}

// log gives an endpoint's deliveries, the oldest first.
func (h *house) log(id string) []Delivery {
	h.t.Helper()
	var list []Delivery
	h.read(func(tx *db.Tx) (err error) { list, err = h.Deliveries(tx, staff.System(), id, 500); return err })
	for i, j := 0, len(list)-1; i < j; i, j = i+1, j-1 {
		list[i], list[j] = list[j], list[i]
	}
	return list
}

// until waits for something to become true.
func (h *house) until(what string, ok func() bool) {
	h.t.Helper()
	tick, limit := time.NewTicker(5*time.Millisecond), time.NewTimer(20*time.Second)
	defer tick.Stop()
	defer limit.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-limit.C:
			h.t.Fatal("in vain: " + what)
		}
	}
}

// got is one call that a receiver took.
type got struct {
	header http.Header
	body   []byte
}

// receiver is a system of the group's.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	calls  []got
	status func(call int) int
}

func newReceiver(t *testing.T, status func(call int) int) *receiver {
	r := &receiver{status: status}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		r.mu.Lock()
		r.calls = append(r.calls, got{req.Header, body})
		n := len(r.calls)
		r.mu.Unlock()
		if code := r.status(n); code >= 300 && code < 400 {
			http.Redirect(w, req, "/elsewhere", code)
		} else {
			w.WriteHeader(code)
		}
	}))
	t.Cleanup(r.Close)
	return r
}

func ok(int) int { return http.StatusNoContent }

func (r *receiver) taken() []got {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]got(nil), r.calls...)
}
