package linefake

import (
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// Fault is what goes wrong with one call of the Messaging API. The zero value is
// nothing; a Delay alone only delays.
type Fault struct {
	Status     int           // answer with this status
	Message    string        // and this message
	RetryAfter time.Duration // and this header
	Drop       bool          // close the connection instead of answering
	Hang       bool          // do not answer until the caller gives up
	After      bool          // only after the call took effect
	Delay      time.Duration // wait first
}

func (f Fault) wrong() bool { return f.Status != 0 || f.Drop || f.Hang }

type faults struct {
	latency atomic.Int64
	judge   atomic.Pointer[func(*http.Request) Fault]
	mu      sync.Mutex
	script  []Fault
	waiting atomic.Int64 // faults in script, so that the usual call takes no lock
}

// Fail lets judge decide about every call of the Messaging API, from several
// goroutines at once; nil ends it.
func (p *Platform) Fail(judge func(*http.Request) Fault) {
	if judge == nil {
		p.faults.judge.Store(nil)
		return
	}
	p.faults.judge.Store(&judge)
}

// FailNext lets the next n replies and pushes go wrong in the same way.
func (p *Platform) FailNext(n int, f Fault) {
	p.faults.mu.Lock()
	defer p.faults.mu.Unlock()
	for range n {
		p.faults.script = append(p.faults.script, f)
	}
	p.faults.waiting.Store(int64(len(p.faults.script)))
}

// SetLatency changes how long each call takes.
func (p *Platform) SetLatency(d time.Duration) { p.faults.latency.Store(int64(d)) }

func (f *faults) next(r *http.Request) Fault {
	if isSend(r) && f.waiting.Load() > 0 {
		f.mu.Lock()
		defer f.mu.Unlock()
		if len(f.script) > 0 {
			one := f.script[0]
			f.script = f.script[1:]
			f.waiting.Store(int64(len(f.script)))
			return one
		}
	}
	if judge := f.judge.Load(); judge != nil {
		return (*judge)(r)
	}
	return Fault{}
}

func isSend(r *http.Request) bool {
	return r.URL.Path == "/v2/bot/message/push" || r.URL.Path == "/v2/bot/message/reply"
}

// happen carries a fault out.
func (p *Platform) happen(w http.ResponseWriter, r *http.Request, f Fault) {
	if f.Hang {
		select {
		case <-r.Context().Done():
		case <-p.ctx.Done():
		}
	}
	if f.Hang || f.Drop {
		panic(http.ErrAbortHandler) // net/http closes the connection
	}
	if f.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(f.RetryAfter.Seconds())))
	}
	message := f.Message
	if message == "" {
		message = http.StatusText(f.Status)
	}
	p.write(w, refuse(f.Status, message))
}

// wait sleeps without holding anything; false if the caller went away.
func (p *Platform) wait(r *http.Request, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.Context().Done():
	case <-p.ctx.Done():
	}
	return false
}
