package linefake

import (
	"strconv"
	"sync"
	"time"
)

// Message is one that the account sent and that arrived on a customer's phone.
type Message struct {
	ID         string
	Type, Text string
	URL        string
	RetryKey   string // of the push; empty for a reply
	ReplyToken string // of the reply; empty for a push
	RequestID  string
	QuotedID   string
	At         time.Time
	Choices    []Choice // the buttons below it
}

// note is a line of a person's chat, on either side.
type note struct {
	ID         string    `json:"id"`
	Mine       bool      `json:"mine,omitempty"` // the customer's
	Type       string    `json:"type"`
	Text       string    `json:"text,omitempty"`
	URL        string    `json:"url,omitempty"`
	PackageID  string    `json:"package,omitempty"`
	StickerID  string    `json:"sticker,omitempty"`
	Duration   int64     `json:"duration,omitempty"`
	Name       string    `json:"name,omitempty"`
	Address    string    `json:"address,omitempty"`
	Latitude   float64   `json:"lat,omitempty"`
	Longitude  float64   `json:"lng,omitempty"`
	At         time.Time `json:"at"`
	Unsent     bool      `json:"unsent,omitempty"`
	Read       bool      `json:"read,omitempty"`
	Quoted     string    `json:"quoted,omitempty"`
	RetryKey   string    `json:"retryKey,omitempty"`
	ReplyToken string    `json:"replyToken,omitempty"`
	RequestID  string    `json:"requestId,omitempty"`
	Choices    []Choice  `json:"choices,omitempty"`
}

// signal tells an open phone what changed.
type signal struct {
	seq     int64
	kind    string // message, read, typing, unsend
	id      string
	seconds int
}

// maxSignals is how far back a phone that was away can resume.
const maxSignals = 500

// person is a customer with a phone. Everything below mu is hers alone, so that
// calls about different people never wait for each other.
type person struct {
	id, name, picture string

	mu      sync.Mutex
	friend  bool
	blocked bool
	wrote   time.Time // last, one-to-one
	seq     int64
	log     []*note
	byID    map[string]*note
	lost    int // messages to her that LINE took and did not deliver
	signals []signal
	changed chan struct{} // closed at the next signal, if somebody waits
}

// Person adds somebody with a LINE account and gives her id; an empty id is made
// up. She is no friend of the account yet.
func (p *Platform) Person(id, name string) string {
	if id == "" {
		id = "U" + randomHex(16)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.people[id] == nil {
		p.add(&person{id: id, name: name, byID: map[string]*note{}})
		p.dirty.Store(true)
	}
	return id
}

// Befriend makes a person a friend of the account without telling anybody.
func (p *Platform) Befriend(id string) {
	who := p.find(p.Person(id, ""))
	who.mu.Lock()
	who.friend, who.blocked = true, false
	who.mu.Unlock()
}

func (p *Platform) add(who *person) {
	p.people[who.id] = who
	p.order = append(p.order, who)
}

func (p *Platform) find(id string) *person {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.people[id]
}

// recipient finds whom a push names; in load tests everybody is a friend.
func (p *Platform) recipient(id string) *person {
	if who := p.find(id); who != nil || !p.o.AutoFriend {
		return who
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.people[id] == nil {
		p.add(&person{id: id, friend: true, byID: map[string]*note{}})
	}
	return p.people[id]
}

// Sent lists what arrived on a person's phone from the account, in order.
func (p *Platform) Sent(id string) []Message {
	who := p.find(id)
	if who == nil {
		return nil
	}
	who.mu.Lock()
	defer who.mu.Unlock()
	var out []Message
	for _, n := range who.log {
		if !n.Mine {
			out = append(out, Message{ID: n.ID, Type: n.Type, Text: n.Text, URL: n.URL, RetryKey: n.RetryKey,
				ReplyToken: n.ReplyToken, RequestID: n.RequestID, QuotedID: n.Quoted, At: n.At, Choices: n.Choices})
		}
	}
	return out
}

// Lost counts the messages to a person that were accepted and not delivered,
// because she blocked the account or never was its friend.
func (p *Platform) Lost(id string) int {
	who := p.find(id)
	if who == nil {
		return 0
	}
	who.mu.Lock()
	defer who.mu.Unlock()
	return who.lost
}

// reachable tells whether a push would arrive; hold mu.
func (who *person) reachable(now time.Time) bool {
	const grace = 7 * 24 * time.Hour
	return !who.blocked && (who.friend || !who.wrote.IsZero() && now.Sub(who.wrote) < grace)
}

// keep adds a line to the chat; hold mu.
func (who *person) keep(n *note, most int) {
	who.log = append(who.log, n)
	who.byID[n.ID] = n
	if most > 0 && len(who.log) > 2*most {
		for _, old := range who.log[:len(who.log)-most] {
			delete(who.byID, old.ID)
		}
		who.log = append([]*note(nil), who.log[len(who.log)-most:]...)
	}
	who.tell(signal{kind: "message", id: n.ID})
}

// tell wakes the open phones; hold mu.
func (who *person) tell(s signal) {
	who.seq++
	s.seq = who.seq
	who.signals = append(who.signals, s)
	if len(who.signals) > 2*maxSignals {
		who.signals = append([]signal(nil), who.signals[len(who.signals)-maxSignals:]...)
	}
	if who.changed != nil {
		close(who.changed)
		who.changed = nil
	}
}

func messageID(n int64) string { return strconv.FormatInt(n, 10) }
