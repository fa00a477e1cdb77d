package web

import (
	"cmp"
	"slices"
	"sync"
	"time"
)

// typingLasts is how long one sign of typing holds; pages repeat it every three seconds.
const typingLasts = 6 * time.Second

// Present is somebody who has a thread before her eyes.
type Present struct {
	ID       string `json:"id"` // staff id; empty for the customer
	Name     string `json:"name"`
	Typing   bool   `json:"typing,omitempty"`
	Customer bool   `json:"customer,omitempty"`
}

// presence knows who looks at which thread and who is typing there, in this
// process and only in memory: what is lost with it is repeated within seconds.
// The console and the web chat both speak and listen here, by thread id.
type presence struct {
	mu    sync.Mutex
	rooms map[string]*presenceRoom
}

type presenceRoom struct {
	viewers   map[*viewing]Present
	typing    map[string]*typist // by staff id; "" is the customer
	listeners map[chan struct{}]bool
}

type typist struct {
	Present
	until *time.Timer
}

// viewing is one open page of one person.
type viewing struct{ thread string }

func newPresence() *presence { return &presence{rooms: map[string]*presenceRoom{}} }

// Look notes that somebody has opened the thread; call the returned function
// when her page goes away.
func (p *presence) Look(thread string, who Present) (leave func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	page := &viewing{thread}
	p.room(thread).viewers[page] = who
	p.tell(thread)
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if r := p.rooms[thread]; r != nil {
			delete(r.viewers, page)
			p.tell(thread)
		}
	}
}

// Types notes that somebody is typing; it holds for six seconds. The customer
// has no id.
func (p *presence) Types(thread string, who Present) {
	p.mu.Lock()
	defer p.mu.Unlock()
	r := p.room(thread)
	who.Typing = true
	if known := r.typing[who.ID]; known != nil {
		known.until.Reset(typingLasts)
		return
	}
	now := &typist{Present: who}
	now.until = time.AfterFunc(typingLasts, func() { p.stops(thread, who.ID, now) })
	r.typing[who.ID] = now
	p.tell(thread)
}

// Stops notes that somebody has sent what she typed, or thought better of it.
func (p *presence) Stops(thread, id string) { p.stops(thread, id, nil) }

// stops with a typist ends that sign only, not a newer one of the same person.
func (p *presence) stops(thread, id string, only *typist) {
	p.mu.Lock()
	defer p.mu.Unlock()
	r := p.rooms[thread]
	if r == nil || r.typing[id] == nil || (only != nil && r.typing[id] != only) {
		return
	}
	r.typing[id].until.Stop()
	delete(r.typing, id)
	p.tell(thread)
}

// Listen gives a channel that has something in it whenever Here has changed;
// call the returned function to stop.
func (p *presence) Listen(thread string) (changed <-chan struct{}, stop func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := make(chan struct{}, 1)
	p.room(thread).listeners[c] = true
	return c, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if r := p.rooms[thread]; r != nil {
			delete(r.listeners, c)
			p.sweep(thread)
		}
	}
}

// Here lists who is in a thread, everybody once, by name.
func (p *presence) Here(thread string) []Present {
	p.mu.Lock()
	defer p.mu.Unlock()
	r := p.rooms[thread]
	if r == nil {
		return nil
	}
	people := map[string]Present{}
	for _, who := range r.viewers {
		people[who.ID] = who
	}
	for id, who := range r.typing {
		people[id] = who.Present
	}
	out := make([]Present, 0, len(people))
	for _, who := range people {
		out = append(out, who)
	}
	slices.SortFunc(out, func(a, b Present) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID)) })
	return out
}

func (p *presence) room(thread string) *presenceRoom {
	r := p.rooms[thread]
	if r == nil {
		r = &presenceRoom{viewers: map[*viewing]Present{}, typing: map[string]*typist{}, listeners: map[chan struct{}]bool{}}
		p.rooms[thread] = r
	}
	return r
}

// tell never waits: a listener that has not looked yet will see the newest state.
func (p *presence) tell(thread string) {
	for c := range p.rooms[thread].listeners {
		select {
		case c <- struct{}{}:
		default:
		}
	}
	p.sweep(thread)
}

func (p *presence) sweep(thread string) {
	r := p.rooms[thread]
	if len(r.viewers)+len(r.typing)+len(r.listeners) == 0 {
		delete(p.rooms, thread)
	}
}
