package linefake

import (
	"encoding/json"
	"net/http"
	"unicode"
)

// media is what a customer sent as bytes.
type media struct {
	mime    string
	bytes   []byte
	pending int  // so many more times the content is not ready
	gone    bool // taken back
}

func (p *Platform) keepMedia(id string, f File) {
	m := &media{mime: f.MIME, bytes: f.Bytes}
	if m.mime == "" {
		m.mime = http.DetectContentType(f.Bytes)
	}
	p.mu.Lock()
	p.media[id] = m
	p.mu.Unlock()
	p.saveMedia(id, m)
}

func (p *Platform) dropMedia(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.media[id] != nil {
		p.media[id] = &media{gone: true}
		p.removeMedia(id)
	}
}

// NotReady lets the content of a message be "still being prepared" for the next n
// times that it is asked for.
func (p *Platform) NotReady(message string, n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if m := p.media[message]; m != nil {
		m.pending = n
	}
}

func (p *Platform) mediaOf(id string) *media {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.media[id] == nil {
		if m := p.loadMedia(id); m != nil {
			p.media[id] = m
		}
	}
	return p.media[id]
}

func (p *Platform) content(r *http.Request, _ []byte) answer {
	m := p.mediaOf(r.PathValue("message"))
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case m == nil:
		return refuse(404, "not found")
	case m.gone:
		return refuse(410, "The content is gone")
	case m.pending > 0:
		m.pending--
		return reply(202, struct{}{})
	}
	return answer{status: 200, body: m.bytes, kind: m.mime}
}

func (p *Platform) transcoding(r *http.Request, _ []byte) answer {
	m := p.mediaOf(r.PathValue("message"))
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case m == nil:
		return refuse(404, "not found")
	case m.gone:
		return refuse(410, "The content is gone")
	case m.pending > 0:
		return reply(200, map[string]string{"status": "processing"})
	}
	return reply(200, map[string]string{"status": "succeeded"})
}

// profile is told of friends only.
func (p *Platform) profile(r *http.Request, _ []byte) answer {
	who := p.find(r.PathValue("user"))
	if who == nil {
		return refuse(404, "Not found")
	}
	who.mu.Lock()
	friend := who.friend && !who.blocked
	who.mu.Unlock()
	if !friend {
		return refuse(404, "Not found")
	}
	return reply(200, p.profileOf(who))
}

// member is told of anybody in the same group.
func (p *Platform) member(r *http.Request, _ []byte) answer {
	who := p.find(r.PathValue("user"))
	if who == nil {
		return refuse(404, "Not found")
	}
	return reply(200, p.profileOf(who))
}

type profile struct {
	DisplayName string `json:"displayName"`
	UserID      string `json:"userId"`
	Language    string `json:"language,omitempty"`
	PictureURL  string `json:"pictureUrl,omitempty"`
}

func (p *Platform) profileOf(who *person) profile {
	return profile{DisplayName: who.name, UserID: who.id, Language: languageOf(who.name), PictureURL: p.portrait(who)}
}

func (p *Platform) portrait(who *person) string {
	if p.o.Portrait == nil {
		return who.picture
	}
	return p.o.Portrait(who.id)
}

// languageOf is the language that her phone is set to, for all that a name tells.
func languageOf(name string) string {
	for _, r := range name {
		switch {
		case unicode.Is(unicode.Han, r):
			return "zh-TW"
		case unicode.Is(unicode.Arabic, r):
			return "ar"
		case unicode.Is(unicode.Thai, r):
			return "th"
		case unicode.Is(unicode.Latin, r):
			return "en"
		}
	}
	return "zh-TW"
}

// markAsRead marks the message of the token, and all before it.
func (p *Platform) markAsRead(_ *http.Request, body []byte) answer {
	var c struct {
		Token string `json:"markAsReadToken"`
	}
	if json.Unmarshal(body, &c) != nil {
		return refuse(400, "The request body could not be parsed as JSON (line: 1, column: 1)")
	}
	id, message, ok := p.unseal("read", c.Token)
	who := p.find(id)
	if !ok || who == nil {
		return refuse(400, "Invalid markAsReadToken. Tokens must be used by the bot that received them via Webhook.")
	}
	who.mu.Lock()
	defer who.mu.Unlock()
	changed := false
	for _, n := range who.log {
		if n.Mine && !n.Read {
			n.Read, changed = true, true
		}
		if n.ID == message {
			break
		}
	}
	if changed {
		who.tell(signal{kind: "read", id: message})
		p.dirty.Store(true)
	}
	return reply(200, struct{}{})
}

func (p *Platform) loading(_ *http.Request, body []byte) answer {
	c := struct {
		ChatID  string `json:"chatId"`
		Seconds int    `json:"loadingSeconds"`
	}{Seconds: 20}
	if json.Unmarshal(body, &c) != nil {
		return refuse(400, "The request body could not be parsed as JSON (line: 1, column: 1)")
	}
	if c.Seconds < 5 || c.Seconds > 60 {
		return refuse(400, "The request body has 1 error(s)", detail{"Must be between 5 and 60", "loadingSeconds"})
	}
	if c.Seconds%5 != 0 {
		return refuse(400, "The request body has 1 error(s)", detail{"must be a multiple of five", "loadingSeconds"})
	}
	who := p.find(c.ChatID)
	if who == nil || c.ChatID == "" || c.ChatID[0] != 'U' {
		return refuse(400, "The request body has 1 error(s)", detail{"Invalid chat ID", "chatId"})
	}
	who.mu.Lock()
	defer who.mu.Unlock()
	if who.friend && !who.blocked {
		who.tell(signal{kind: "typing", seconds: c.Seconds})
	}
	return reply(202, struct{}{})
}

func (p *Platform) quota(*http.Request, []byte) answer {
	limit, _ := p.month.read(p.o.Now())
	if limit <= 0 {
		return reply(200, map[string]string{"type": "none"})
	}
	return reply(200, map[string]any{"type": "limited", "value": limit})
}

func (p *Platform) consumption(*http.Request, []byte) answer {
	_, used := p.month.read(p.o.Now())
	return reply(200, map[string]int{"totalUsage": used})
}

func (p *Platform) info(*http.Request, []byte) answer {
	about := map[string]string{"userId": p.o.BotID, "basicId": p.o.BasicID, "displayName": p.o.Name, "chatMode": "chat", "markAsReadMode": "manual"}
	if p.o.Picture != "" {
		about["pictureUrl"] = p.o.Picture
	}
	return reply(200, about)
}
