package web

import (
	"fmt"
	"html/template"
	"strings"
	"time"

	"dingdong/internal/channel"
	"dingdong/internal/conversation"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// Line is one line of a thread: a day's name, a message, or what colleagues did.
type Line struct {
	Day    string // the separator's text
	DayKey string // "2026-11-22"
	Bubble *Bubble
	Event  *EventLine
}

// EventLine is a line in the middle: somebody followed, took over, closed.
type EventLine struct {
	ID     string
	Text   string
	Note   string // what a colleague wrote to a colleague
	Time   string
	Stamp  string
	At     int64
	DayKey string
	Day    string
	Secret bool // staff only
}

// Bubble is one message of a thread.
type Bubble struct {
	ID     string
	Key    string // the client's, of a message of ours
	Thread string
	Side   string // "in" (customer), "out" (staff), "auto" (automation)
	Voice  string // who speaks: bubbles of one voice move together
	Joined bool   // follows one of the same voice closely: no gap, no tail
	By     string // whose words: a colleague's or an automation's name
	Via    string // the channel it came or went by, where there are several
	Time   string // "14:02"
	Stamp  string // for the datetime attribute
	At     int64  // microseconds: the order
	Seq    int64  // the last event it knows of
	DayKey string
	Day    string

	// Kind is text, emoji, image, video, audio, file, sticker, location, unsent,
	// pending (media is on its way), gone, too_large, external, unknown.
	Kind     string
	Text     template.HTML // the words, with links
	Gist     string        // the same in one line
	Title    string        // file name, or place
	Detail   string        // beneath the title: size, address
	Glyph    string        // of a sticker
	URL      string        // the media's own address, or the map's
	Preview  string        // a small picture
	Width    int           // of the picture: the page keeps its place free
	Height   int
	Quote    string // the words this message answers
	QuoteBy  string
	QuoteID  string
	Quotable bool       // the platform can show an answer to it
	Heard    []heardTag // what it was read for
	Status   string     // queued, sent, delivered, read, failed, refused, unknown; "" on "in"
	Failure  string     // why, in words
	Platform string     // the platform's own words about it
	RetryURL string     // POST tries again; empty: cannot
}

// StatusIcon is the icon of a message's way.
func (b Bubble) StatusIcon() string {
	switch b.Status {
	case "queued":
		return "clock"
	case "sent":
		return "check"
	case "delivered", "read":
		return "double-check"
	}
	return "warning"
}

// Failed tells that the message did not arrive, or that nobody knows.
func (b Bubble) Failed() bool {
	return b.Status == "failed" || b.Status == "refused" || b.Status == "unknown"
}

// teller draws the messages of one thread.
type teller struct {
	scene
	clock   Clock
	name    string // hers
	thread  string
	counter string                          // whose tags bubbles may name: see hearings
	quotes  map[string]conversation.Message // by the quoting message's id
	via     map[string]channel.Kind         // account -> channel, where she writes on several
	heard   map[string]hearing              // by message
}

func (x scene) teller(t conversation.Thread, quotes map[string]conversation.Message) teller {
	return teller{scene: x, clock: x.clock(t.CounterID), name: x.called(t), thread: t.ID, counter: t.CounterID, quotes: quotes}
}

// channels tells by which accounts a person writes at a counter; nothing when there is
// only one, since every bubble would say the same.
func (s *Server) channels(tx *db.Tx, t conversation.Thread) (map[string]channel.Kind, error) {
	records, err := s.Desk.Book.Records(tx, t.CustomerID)
	if err != nil {
		return nil, err
	}
	via := map[string]channel.Kind{}
	for _, record := range records {
		all, err := s.Desk.Book.Identities(tx, record)
		if err != nil {
			return nil, err
		}
		for _, i := range all {
			account, err := s.Desk.AccountByID(tx, i.AccountID)
			if err != nil {
				return nil, err
			}
			if account.Serves(t.CounterID) {
				via[account.ID] = account.Kind
			}
		}
	}
	if len(via) < 2 {
		return nil, nil
	}
	return via, nil
}

// joinWithin is how close two bubbles of one voice stand together.
const joinWithin = int64(time.Minute / time.Microsecond)

// lines puts messages and notes in one order, with a line at every new day.
func (x teller) lines(messages []conversation.Message, notes []conversation.Note) []Line {
	var out []Line
	day := ""
	add := func(key, name string, l Line) {
		if key != day {
			out = append(out, Line{Day: name, DayKey: key})
			day = key
		}
		out = append(out, l)
	}
	n := 0
	for _, m := range messages {
		for ; n < len(notes) && notes[n].At.Before(m.At); n++ {
			e := x.note(notes[n])
			add(e.DayKey, e.Day, Line{Event: &e})
		}
		l := x.message(m)
		if b := l.Bubble; b != nil {
			if len(out) > 0 {
				b.Joined = b.follows(out[len(out)-1].Bubble)
			}
			add(b.DayKey, b.Day, l)
			continue
		}
		add(l.Event.DayKey, l.Event.Day, l)
	}
	for ; n < len(notes); n++ {
		e := x.note(notes[n])
		add(e.DayKey, e.Day, Line{Event: &e})
	}
	return out
}

func (b *Bubble) follows(a *Bubble) bool {
	return a != nil && a.Voice == b.Voice && a.DayKey == b.DayKey && b.At-a.At < joinWithin && !a.Failed() && b.Quote == ""
}

// dayKey names a day so that a browser can compare it.
func (x teller) dayKey(t time.Time) string { return t.In(x.clock.Zone).Format(time.DateOnly) }

// message draws a message as a bubble, or as a line where nobody speaks.
func (x teller) message(m conversation.Message) Line {
	if m.Author == conversation.AuthorSystem {
		e := x.event(m.ID, m.At)
		key := known(gists, string(m.Type), "unknown")
		if m.Type == conversation.TypeChose && m.Body.Text == "" {
			key = "chose_anyone"
		}
		e.Text = x.words.T("event."+key, "name", x.name, "whose", m.Body.Text)
		return Line{Event: &e}
	}
	b := Bubble{
		ID: m.ID, Key: m.ClientKey, Thread: x.thread, Side: "in", Voice: string(m.Author) + m.AuthorID,
		Time: x.clock.Time(m.At), Stamp: x.clock.Machine(m.At), At: db.Micro(m.At), DayKey: x.dayKey(m.At), Day: x.clock.Day(m.At),
		Seq: x.seq, Gist: x.gist(m), Quotable: m.Body.QuoteToken != "" && !m.Unsent,
	}
	if b.Via = string(x.via[m.AccountID]); b.Via != "" {
		b.Voice += m.AccountID // bubbles that move together say it once
	}
	switch m.Author {
	case conversation.AuthorStaff:
		b.Side, b.By = "out", m.AuthorName
	case conversation.AuthorAutomation:
		b.Side, b.By = "auto", automationName(x.words, m.AuthorID)
	default:
		if m.Sender != "" {
			b.By = m.Sender
		}
	}
	if b.Side != "in" {
		x.status(&b, m)
	}
	x.content(&b, m)
	if h, ok := x.heard[m.ID]; ok {
		b.Heard = h.tags
		if b.Kind == "text" {
			b.Text = marked(m.Body.Text, h.where)
		}
	}
	if q, ok := x.quotes[m.ID]; ok && !m.Unsent {
		b.Quote, b.QuoteID, b.QuoteBy = x.gist(q), q.ID, q.AuthorName
		if q.Unsent {
			b.Quote = x.words.T("bubble.unsent")
		}
		if q.Author == conversation.AuthorCustomer {
			b.QuoteBy = x.name
		}
	}
	return Line{Bubble: &b}
}

func (x teller) status(b *Bubble, m conversation.Message) {
	b.Status = string(m.Status)
	if m.Failure != "" {
		b.Failure = x.words.T("failure." + known(failures, m.Failure, "rejected"))
		b.Platform = m.Detail
	}
	if b.Failed() {
		b.RetryURL = "/inbox/" + x.thread + "/messages/" + m.ID + "/resend"
	}
}

// failures are the reasons with a sentence below "failure.".
var failures = []string{"blocked", "account_closed", "group", "standby", "over_quota", "misconfigured", "rejected", "unreachable",
	"throttled", "platform_down", "unknown", "no_consent", "stopped", "no_place", "expired", "outbid", "cancelled"}

func (x teller) content(b *Bubble, m conversation.Message) {
	b.Kind = string(m.Type)
	b.Text = linked(m.Body.Text)
	if m.Author == conversation.AuthorAutomation {
		b.Text = pageNamed(b.Text, x.server.Desk.PublicURL, x.words.T("bubble.own_page"))
	}
	switch {
	case m.Unsent:
		b.Kind, b.Text = "unsent", ""
		return
	case m.MediaState == conversation.MediaPending:
		b.Kind = "pending"
		return
	case m.MediaState == conversation.MediaGone:
		b.Kind = "gone"
		return
	case m.MediaState == conversation.MediaTooLarge:
		b.Kind = "too_large"
		return
	}
	switch m.Type {
	case channel.Text:
		if emojiOnly(m.Body.Text) {
			b.Kind = "emoji"
		}
	case channel.Button:
		b.Kind = "text"
	case channel.Image, channel.Video, channel.Audio, channel.File:
		x.media(b, m)
	case channel.Location:
		x.place(b, m.Body.Place)
	case channel.Sticker:
		if m.Body.Stick != nil {
			b.Glyph = mood(m.Body.Stick.Keywords)
			b.Title = strings.Join(m.Body.Stick.Keywords[:min(3, len(m.Body.Stick.Keywords))], " · ")
		}
	default:
		b.Kind = "unknown"
	}
}

func (x teller) media(b *Bubble, m conversation.Message) {
	media := m.Body.Media
	if media == nil || (m.Blob == "" && media.External == "") {
		b.Kind = "gone"
		return
	}
	if m.Blob == "" {
		b.Kind, b.Title = "external", m.Body.Media.External
		if strings.HasPrefix(media.External, "https://") {
			b.URL = media.External
		}
		return
	}
	b.URL = "/media/" + m.ID
	b.Title, b.Detail = media.Name, fileSize(media.Size)
	b.Width, b.Height = media.Width, media.Height
	if m.Preview != "" {
		b.Preview = b.URL + "/preview"
	}
	if !inline[media.MIME] || (m.Type == channel.Image) != strings.HasPrefix(media.MIME, "image/") {
		b.Kind = "file"
	}
	if b.Kind == "file" && b.Title == "" {
		b.Title = x.words.T("gist.file")
	}
}

func (x teller) place(b *Bubble, p *channel.Place) {
	if p == nil {
		b.Kind = "unknown"
		return
	}
	b.Title, b.Detail = p.Title, p.Address
	if b.Title == "" {
		b.Title = x.words.T("bubble.location")
	}
	b.URL = fmt.Sprintf("https://www.openstreetmap.org/?mlat=%.6f&mlon=%.6f#map=17/%.6f/%.6f", p.Latitude, p.Longitude, p.Latitude, p.Longitude)
}

func (x teller) event(id string, at time.Time) EventLine {
	return EventLine{ID: id, Time: x.clock.Time(at), Stamp: x.clock.Machine(at), At: db.Micro(at), DayKey: x.dayKey(at), Day: x.clock.Day(at)}
}

// note draws what a colleague did with the thread.
func (x teller) note(n conversation.Note) EventLine {
	e := x.event(n.ID, n.At)
	e.Secret, e.Note = true, n.Text
	key := string(n.Act)
	if n.Act == conversation.ActHandedOver && n.TargetID == "" {
		key += "_free"
	}
	e.Text = x.words.T("note."+key, "name", n.AuthorName, "to", n.TargetName)
	return e
}

// named is a colleague to whom a thread can be handed.
type named struct{ ID, Name string }

// Face is her picture in the list.
func (n named) Face() Avatar { return Avatar{ID: n.ID, Name: n.Name, Size: "small"} }

func colleagues(all []staff.Colleague, me string) []named {
	var out []named
	for _, c := range all {
		if c.ID != me {
			out = append(out, named{c.ID, c.Name})
		}
	}
	return out
}

// automationName says in words which of ours spoke: what came with the house has its
// own, an integrator's is called as its token is.
func automationName(w *Words, id string) string {
	kind, _, _ := strings.Cut(id, "/") // of a handover: which one is not for a bubble
	if key := "thread.automation." + kind; w.Has(key) {
		return w.T(key)
	}
	return w.T("thread.automation_named", "name", id)
}
