package linefake

import (
	"time"
)

// Posted names what a customer's act became: the event, and the message if it was
// one. It is zero if LINE would not have let her.
type Posted struct {
	EventID    string
	MessageID  string
	ReplyToken string
}

// File is something a customer sends as bytes.
type File struct {
	Name     string
	MIME     string
	Bytes    []byte
	Duration time.Duration // of sound and film
}

// Follow makes a person a friend of the account.
func (p *Platform) Follow(user string) Posted {
	return p.act(user, func(who *person, m Meta) *Event {
		if who.friend && !who.blocked {
			return nil
		}
		back := who.blocked
		who.friend, who.blocked = true, false
		e := FollowEvent(m, back)
		return &e
	})
}

// Block ends a friendship: nothing arrives any more.
func (p *Platform) Block(user string) Posted {
	return p.act(user, func(who *person, m Meta) *Event {
		if who.blocked {
			return nil
		}
		who.friend, who.blocked = true, true
		m.ReplyToken = ""
		e := UnfollowEvent(m)
		return &e
	})
}

// Unblock takes a block back.
func (p *Platform) Unblock(user string) Posted {
	return p.act(user, func(who *person, m Meta) *Event {
		if !who.blocked {
			return nil
		}
		who.blocked = false
		e := FollowEvent(m, true)
		return &e
	})
}

// Text writes to the account.
func (p *Platform) Text(user, text string) Posted { return p.Quote(user, text, "") }

// Quote writes to the account about an earlier message.
func (p *Platform) Quote(user, text, quotedID string) Posted {
	return p.say(user, note{Type: "text", Text: text, Quoted: quotedID}, func(m Meta) Event { return TextEvent(m, text) })
}

// Sticker sends one of LINE's stickers.
func (p *Platform) Sticker(user, packageID, stickerID string) Posted {
	return p.say(user, note{Type: "sticker", PackageID: packageID, StickerID: stickerID}, func(m Meta) Event { return StickerEvent(m, packageID, stickerID) })
}

// Location sends a place.
func (p *Platform) Location(user string, at Place) Posted {
	n := note{Type: "location", Text: at.Title, Address: at.Address, Latitude: at.Latitude, Longitude: at.Longitude}
	return p.say(user, n, func(m Meta) Event { return LocationEvent(m, at) })
}

// Image sends a picture.
func (p *Platform) Image(user string, f File) Posted { return p.sendFile(user, "image", f) }

// Video sends a film.
func (p *Platform) Video(user string, f File) Posted { return p.sendFile(user, "video", f) }

// Audio sends a voice note.
func (p *Platform) Audio(user string, f File) Posted { return p.sendFile(user, "audio", f) }

// File sends any file.
func (p *Platform) File(user string, f File) Posted { return p.sendFile(user, "file", f) }

func (p *Platform) sendFile(user, kind string, f File) Posted {
	n := note{Type: kind, Name: f.Name, Duration: f.Duration.Milliseconds()}
	return p.say(user, n, func(m Meta) Event {
		p.keepMedia(m.MessageID, f)
		if kind == "file" {
			return FileEvent(m, f.Name, len(f.Bytes))
		}
		return MediaEvent(m, kind, f.Duration)
	})
}

// Unsend takes a message of hers back, with its content.
func (p *Platform) Unsend(user, message string) Posted {
	return p.act(user, func(who *person, m Meta) *Event {
		n := who.byID[message]
		if n == nil || !n.Mine || n.Unsent {
			return nil
		}
		*n = note{ID: n.ID, Mine: true, Type: n.Type, At: n.At, Unsent: true}
		p.dropMedia(message)
		who.tell(signal{kind: "unsend", id: message})
		m.ReplyToken, m.MessageID = "", message
		e := UnsendEvent(m)
		return &e
	})
}

// Postback taps a button; a label shows in her own chat, as displayText does, and
// is not told to the account.
func (p *Platform) Postback(user, data, label string) Posted {
	return p.act(user, func(who *person, m Meta) *Event {
		if who.blocked {
			return nil
		}
		if label != "" {
			who.keep(&note{ID: messageID(p.ids.nextMessages(1)), Mine: true, Type: "text", Text: label, At: m.At}, p.o.Keep)
		}
		e := PostbackEvent(m, data)
		return &e
	})
}

// Tap taps the button of a label that stands below the last message. It is zero if
// there is none: LINE shows buttons only until the next message.
func (p *Platform) Tap(user, label string) Posted {
	who := p.find(user)
	if who == nil {
		return Posted{}
	}
	who.mu.Lock()
	var found *Choice
	if n := len(who.log); n > 0 {
		for i, c := range who.log[n-1].Choices {
			if c.Label == label {
				found = &who.log[n-1].Choices[i]
			}
		}
	}
	who.mu.Unlock()
	if found == nil {
		return Posted{}
	}
	return p.Postback(user, found.Data, found.Shows)
}

// say puts a message into her chat and on its way.
func (p *Platform) say(user string, n note, event func(Meta) Event) Posted {
	return p.act(user, func(who *person, m Meta) *Event {
		if who.blocked {
			return nil
		}
		n.ID, n.Mine, n.At = messageID(p.ids.nextMessages(1)), true, m.At
		m.MessageID, m.QuotedID = n.ID, n.Quoted
		m.QuoteToken, m.ReadToken = p.seal("quote", who.id, n.ID), p.seal("read", who.id, n.ID)
		who.wrote = m.At
		e := event(m)
		who.keep(&n, p.o.Keep)
		return &e
	})
}

// act lets a customer do something, and queues the event of it. Acts come one after
// the other, so that events are queued in the order of their ids.
func (p *Platform) act(user string, do func(*person, Meta) *Event) Posted {
	who := p.find(p.Person(user, ""))
	p.acts.Lock()
	defer p.acts.Unlock()
	now := p.o.Now()
	m := Meta{EventID: p.ids.ulid(now), User: who.id, ReplyToken: p.tokens.issue(who.id, now), At: now}
	who.mu.Lock()
	e := do(who, m)
	who.mu.Unlock()
	if e == nil {
		return Posted{}
	}
	p.dirty.Store(true)
	p.hooks.add(*e)
	posted := Posted{EventID: e.WebhookEventID, ReplyToken: e.ReplyToken}
	if c, ok := e.Message.(content); ok {
		posted.MessageID = c.ID
	}
	return posted
}
