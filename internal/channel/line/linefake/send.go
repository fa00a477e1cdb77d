package linefake

import (
	"hash/maphash"
	"net/http"
	"sync"
	"time"
)

// sentMessage is one element of a send's answer.
type sentMessage struct {
	ID         string `json:"id"`
	QuoteToken string `json:"quoteToken,omitempty"`
}

type sendAnswer struct {
	Message      string        `json:"message,omitempty"`
	SentMessages []sentMessage `json:"sentMessages"`
}

func (p *Platform) validate(_ *http.Request, body []byte) answer {
	if _, bad := p.readCall(body); bad.status != 0 {
		return bad
	}
	return answer{status: 200, body: []byte("{}")}
}

// push is a message at any time. It counts if it arrives; to somebody who blocked
// the account it is accepted and goes nowhere.
func (p *Platform) push(r *http.Request, body []byte) answer {
	c, bad := p.readCall(body)
	if bad.status != 0 {
		return bad
	}
	who := p.recipient(c.To)
	if who == nil {
		return refuse(400, "Failed to send messages")
	}
	job := sending{who: who, objects: c.Messages, request: r.Header.Get("X-Line-Request-Id"), retryKey: r.Header.Get("X-Line-Retry-Key")}
	if job.retryKey == "" {
		if !p.count(who) {
			return refuse(429, monthly)
		}
		job.first = p.ids.nextMessages(len(c.Messages))
		return reply(200, sendAnswer{SentMessages: p.take(job)})
	}
	key, ok := retryKey(job.retryKey)
	if !ok {
		return refuse(400, "The retry key is not a valid UUID")
	}
	// The key decides who is first; the slow part, her chat, comes after.
	used, state := p.keys.claim(key, claim{at: p.o.Now(), body: maphash.Bytes(p.keys.seed, body), request: job.request, n: len(c.Messages)}, func() (int64, bool) {
		return p.ids.nextMessages(len(c.Messages)), p.count(who)
	})
	switch state {
	case keyRefused:
		return refuse(429, monthly)
	case keyTaken:
		if used.body != maphash.Bytes(p.keys.seed, body) {
			p.oddities.note("retry key " + job.retryKey + " came again with another body")
		}
		a := reply(409, sendAnswer{Message: "The retry key is already accepted", SentMessages: p.sentAs(who, used)})
		a.accepted = used.request
		return a
	}
	job.first = used.first
	return reply(200, sendAnswer{SentMessages: p.take(job)})
}

const monthly = "You have reached your monthly limit."

// reply answers an event: free, once, within the life of its token.
func (p *Platform) reply(r *http.Request, body []byte) answer {
	c, bad := p.readCall(body)
	if bad.status != 0 {
		return bad
	}
	person, ok := p.tokens.use(c.ReplyToken, p.o.Now())
	who := p.find(person)
	if !ok || who == nil {
		return refuse(400, "Invalid reply token")
	}
	return reply(200, sendAnswer{SentMessages: p.take(sending{who: who, objects: c.Messages, replyToken: c.ReplyToken,
		request: r.Header.Get("X-Line-Request-Id"), first: p.ids.nextMessages(len(c.Messages))})})
}

// count takes one off the month's allowance if a push to her will arrive.
func (p *Platform) count(who *person) bool {
	now := p.o.Now()
	who.mu.Lock()
	arrives := who.reachable(now)
	who.mu.Unlock()
	return !arrives || p.month.take(now)
}

// sending is an accepted call about to take effect.
type sending struct {
	who                           *person
	objects                       []object
	first                         int64
	request, retryKey, replyToken string
}

// take lets a call take effect: all its messages at once, in order.
func (p *Platform) take(s sending) []sentMessage {
	now := p.o.Now()
	out := make([]sentMessage, len(s.objects))
	s.who.mu.Lock()
	defer s.who.mu.Unlock()
	arrives := s.who.reachable(now) || s.replyToken != "" && !s.who.blocked
	for i, m := range s.objects {
		id := messageID(s.first + int64(i))
		out[i] = sentMessage{ID: id, QuoteToken: p.seal("quote", s.who.id, id)}
		if !arrives {
			s.who.lost++
			continue
		}
		_, quoted, _ := p.unseal("quote", m.QuoteToken)
		n := m.note(quoted)
		n.ID, n.At, n.RetryKey, n.ReplyToken, n.RequestID = id, now, s.retryKey, s.replyToken, s.request
		if i == len(s.objects)-1 { // a phone shows those of the last message only
			n.Choices = m.choices()
		}
		s.who.keep(n, p.o.Keep)
	}
	p.dirty.Store(true)
	return out
}

func (p *Platform) sentAs(who *person, c claim) []sentMessage {
	out := make([]sentMessage, c.n)
	for i := range out {
		id := messageID(c.first + int64(i))
		out[i] = sentMessage{ID: id, QuoteToken: p.seal("quote", who.id, id)}
	}
	return out
}

// keyring remembers retry keys for their day, in parts so that calls do not queue.
type keyring struct {
	seed  maphash.Seed
	parts [64]struct {
		mu   sync.Mutex
		used map[[16]byte]claim
	}
}

// claim is what the first call under a retry key did.
type claim struct {
	at      time.Time
	body    uint64
	first   int64
	n       int
	request string
}

type keyState int

const (
	keyFresh keyState = iota
	keyTaken
	keyRefused
)

func (k *keyring) start() {
	k.seed = maphash.MakeSeed()
	for i := range k.parts {
		k.parts[i].used = map[[16]byte]claim{}
	}
}

// claim takes a key for the first call that begins; begin may still refuse it, and
// then the key stays free.
func (k *keyring) claim(key [16]byte, c claim, begin func() (first int64, ok bool)) (claim, keyState) {
	const life = 24 * time.Hour
	part := &k.parts[(key[0]^key[15])%64]
	part.mu.Lock()
	defer part.mu.Unlock()
	if old, ok := part.used[key]; ok && c.at.Sub(old.at) < life {
		return old, keyTaken
	}
	first, ok := begin()
	if !ok {
		return c, keyRefused
	}
	c.first = first
	part.used[key] = c
	return c, keyFresh
}

// replyTokens are good once and not for long. A redelivery gives a token another
// minute, up to twenty minutes after the event.
type replyTokens struct {
	mu     sync.Mutex
	life   time.Duration
	issued map[string]*replyToken
}

type replyToken struct {
	person    string
	event, at time.Time
	used      bool
}

const replyEnd = 20 * time.Minute

func (t *replyTokens) issue(person string, now time.Time) string {
	token := randomHex(16)
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.issued) > 10000 {
		for old, it := range t.issued {
			if now.Sub(it.event) > replyEnd {
				delete(t.issued, old)
			}
		}
	}
	t.issued[token] = &replyToken{person: person, event: now, at: now}
	return token
}

func (t *replyTokens) renew(token string, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if it := t.issued[token]; it != nil {
		it.at = now
	}
}

func (t *replyTokens) use(token string, now time.Time) (person string, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	it := t.issued[token]
	if it == nil || it.used || now.Sub(it.at) > t.life || now.Sub(it.event) > replyEnd {
		return "", false
	}
	it.used = true
	return it.person, true
}

// IssueReplyToken makes a token for an event that a test posts itself.
func (p *Platform) IssueReplyToken(user string) string {
	return p.tokens.issue(p.Person(user, ""), p.o.Now())
}
