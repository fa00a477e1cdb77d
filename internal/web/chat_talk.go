package web

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"dingdong/internal/channel"
	"dingdong/internal/conversation"
	"dingdong/internal/db"
	"dingdong/internal/event"
)

// chatMessage is one message as the visitor's page gets it.
type chatMessage struct {
	ID      string `json:"id"`
	From    string `json:"from"` // visitor, advisor, automation
	Author  string `json:"author"`
	Type    string `json:"type"`
	Text    string `json:"text"`
	URL     string `json:"url"`
	Preview string `json:"preview"`
	Name    string `json:"name"`
	Size    int64  `json:"size"`
	Width   int    `json:"width"`
	Height  int    `json:"height"`
	At      string `json:"at"`
	Status  string `json:"status"`

	Choices []channel.Choice `json:"choices,omitempty"` // what she may tap while this is the last message
}

// chatMessage draws a message; seen is how far an advisor has looked.
func (s *Server) chatMessage(m conversation.Message, seen conversation.Cursor) chatMessage {
	out := chatMessage{ID: m.ID, From: "advisor", Author: m.AuthorName, Type: string(m.Type), At: m.At.UTC().Format("2006-01-02T15:04:05.000Z")}
	switch m.Author {
	case conversation.AuthorCustomer:
		out.From, out.Author, out.Status = "visitor", "", "delivered"
		if m.Before(seen) {
			out.Status = "read"
		}
	case conversation.AuthorAutomation:
		out.From, out.Author = "automation", ""
	case conversation.AuthorSystem: // a command that she typed
		out.From, out.Author, out.Status, out.Type, out.Text = "visitor", "", "delivered", string(channel.Text), m.Said
		return out
	}
	if m.Unsent {
		out.Type = "unsent"
		return out
	}
	out.Text = m.Body.Text
	if m.Author != conversation.AuthorCustomer {
		out.Choices = m.Body.Choices
	}
	switch m.Type {
	case channel.Text, channel.Sticker:
	case channel.Image, channel.Video, channel.Audio, channel.File:
		s.chatMedia(&out, m)
	case channel.Location:
		if p := m.Body.Place; p != nil {
			out.Text = strings.TrimSpace(p.Title + "\n" + p.Address)
			out.URL = fmt.Sprintf("https://www.openstreetmap.org/?mlat=%.6f&mlon=%.6f#map=17/%.6f/%.6f", p.Latitude, p.Longitude, p.Latitude, p.Longitude)
		}
	default:
		out.Type = string(channel.Text)
	}
	if st := m.Body.Stick; st != nil && out.Text == "" && len(st.Keywords) > 0 {
		out.Text = st.Keywords[0]
	}
	return out
}

func (s *Server) chatMedia(out *chatMessage, m conversation.Message) {
	media := m.Body.Media
	if media == nil {
		return
	}
	out.Name, out.Size, out.Width, out.Height = media.Name, media.Size, media.Width, media.Height
	if m.MediaState != conversation.MediaReady {
		return
	}
	now := s.DB.Now()
	out.URL = s.Desk.VisitorLink(m, false, now)
	if m.Preview != "" {
		out.Preview = s.Desk.VisitorLink(m, true, now)
	}
}

// chatHistory is a piece of a visitor's conversation.
type chatHistory struct {
	Messages []chatMessage `json:"messages"`
	More     bool          `json:"more"`
}

// chatStart is what a page begins with.
type chatStart struct {
	Token   string `json:"token"`
	Visitor string `json:"visitor"`
	Name    string `json:"name"`
	Account struct {
		Name     string `json:"name"`
		Greeting string `json:"greeting"`
	} `json:"account"`
	Cursor string `json:"cursor"`
	chatHistory
}

// startChat gives a visitor her token, or a new one: whatever is wrong with the
// one she has, she can write.
func (s *Server) startChat(_ http.ResponseWriter, r *http.Request, c *chatCall) (any, error) {
	if err := s.limit(c, "start", "", rate{}, addressStarts); err != nil {
		return nil, err
	}
	var asked struct{ Token, Name string }
	if err := readJSON(r, &asked); err != nil {
		return nil, err
	}
	a := c.visitor.Account
	p, err := s.readPass(a.ID, asked.Token)
	if err != nil {
		p = pass{Account: a.ID, Visitor: newVisitor()}
	}
	named := cleanName(asked.Name)
	if named != "" {
		p.Name = named
	}
	c.visitor.ExternalID, c.visitor.Name = p.Visitor, p.Name
	var out chatStart
	err = s.DB.Read(r.Context(), func(tx *db.Tx) error {
		last, err := event.Last(tx)
		if err != nil {
			return err
		}
		out.Cursor = strconv.FormatInt(last, 10)
		talk, err := s.Desk.VisitorTalk(tx, c.visitor)
		if errors.Is(err, db.ErrNotFound) {
			out.Messages = []chatMessage{}
			return nil
		}
		if err != nil {
			return err
		}
		if named == "" && talk.Name != "" {
			p.Name = talk.Name
		}
		out.chatHistory, err = s.chatHistory(tx, conversation.VisitorPage{Talk: talk, Limit: historyPage})
		return err
	})
	if err != nil {
		return nil, err
	}
	if named != "" {
		err := s.DB.Write(r.Context(), func(tx *db.Tx) error { return s.Desk.VisitorNamed(tx, c.visitor) })
		if err != nil {
			return nil, err
		}
	}
	if out.Token, err = s.writePass(p); err != nil {
		return nil, err
	}
	out.Visitor, out.Name, out.Account.Name, out.Account.Greeting = p.Visitor, p.Name, a.Name, a.Greeting
	return out, nil
}

func (s *Server) chatHistory(tx *db.Tx, p conversation.VisitorPage) (chatHistory, error) {
	found, more, err := s.Desk.VisitorMessages(tx, p)
	if err != nil {
		return chatHistory{}, err
	}
	seen, err := s.Desk.VisitorSeen(tx, p.Talk)
	if err != nil {
		return chatHistory{}, err
	}
	out := chatHistory{Messages: make([]chatMessage, len(found)), More: more}
	for i, m := range found {
		out.Messages[i] = s.chatMessage(m, seen)
	}
	return out, nil
}

// olderChat is what came before what the page shows.
func (s *Server) olderChat(_ http.ResponseWriter, r *http.Request, c *chatCall) (any, error) {
	if err := s.limit(c, "read", "", visitorReads, rate{}); err != nil {
		return nil, err
	}
	var out chatHistory
	err := s.DB.Read(r.Context(), func(tx *db.Tx) error {
		talk, err := s.Desk.VisitorTalk(tx, c.visitor)
		if errors.Is(err, db.ErrNotFound) {
			out.Messages = []chatMessage{}
			return nil
		}
		if err != nil {
			return err
		}
		out, err = s.chatHistory(tx, conversation.VisitorPage{Talk: talk, Before: r.URL.Query().Get("before"), Limit: historyPage})
		return err
	})
	return out, err
}

var chatKey = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)

func parseKey(key string) (string, error) {
	key = strings.ToLower(key)
	if !chatKey.MatchString(key) {
		return "", db.Invalid{Field: "key", Code: "malformed"}
	}
	return key, nil
}

// chatSaying is {key, text} as a page sends it.
type chatSaying struct{ Key, Text string }

// checked holds it to the rules.
func (c chatSaying) checked() (conversation.Saying, error) {
	key, err := parseKey(c.Key)
	said := conversation.Saying{Key: key, Text: db.CleanText(c.Text)}
	switch {
	case err != nil:
		return said, err
	case strings.TrimSpace(said.Text) == "":
		return said, db.Invalid{Field: "text", Code: "required"}
	case utf8.RuneCountInString(said.Text) > conversation.MaxText:
		return said, db.Invalid{Field: "text", Code: "too_long"}
	}
	return said, nil
}

// chatSaid is the answer to what a visitor sent.
type chatSaid struct {
	Message chatMessage `json:"message"`
}

// sayChat takes in a visitor's text.
func (s *Server) sayChat(_ http.ResponseWriter, r *http.Request, c *chatCall) (any, error) {
	var sent chatSaying
	if err := readJSON(r, &sent); err != nil {
		return nil, err
	}
	said, err := sent.checked()
	if err != nil {
		return nil, err
	}
	if err := s.limit(c, "say", said.Key, visitorMessages, addressMessages); err != nil {
		return nil, err
	}
	var m conversation.Message
	err = s.DB.Write(r.Context(), func(tx *db.Tx) error {
		var err error
		m, err = s.Desk.VisitorSays(tx, c.visitor, said)
		return err
	})
	if err != nil {
		return nil, err
	}
	return s.chatTaken(c, m), nil
}

// chatTap is {key, data} as a page sends it.
type chatTap struct{ Key, Data string }

// chatTapped answers a tap; there is no message where it was a command.
type chatTapped struct {
	Message *chatMessage `json:"message"`
}

// tapChat takes in a visitor's tap on a button that was offered to her.
func (s *Server) tapChat(_ http.ResponseWriter, r *http.Request, c *chatCall) (any, error) {
	var sent chatTap
	if err := readJSON(r, &sent); err != nil {
		return nil, err
	}
	key, err := parseKey(sent.Key)
	switch {
	case err != nil:
		return nil, err
	case sent.Data == "" || len(sent.Data) > channel.MaxData || db.CleanText(sent.Data) != sent.Data:
		return nil, db.Invalid{Field: "data", Code: "malformed"}
	}
	if err := s.limit(c, "say", key, visitorMessages, addressMessages); err != nil {
		return nil, err
	}
	var m conversation.Message
	err = s.DB.Write(r.Context(), func(tx *db.Tx) error {
		var err error
		m, err = s.Desk.VisitorTaps(tx, c.visitor, conversation.Tapping{Key: key, Data: sent.Data})
		return err
	})
	if err != nil || m.ID == "" {
		return chatTapped{}, err
	}
	said := s.chatTaken(c, m)
	return chatTapped{&said.Message}, nil
}

// uploadChat takes in a visitor's file: the body is its bytes.
func (s *Server) uploadChat(w http.ResponseWriter, r *http.Request, c *chatCall) (any, error) {
	key, err := parseKey(r.URL.Query().Get("key"))
	if err != nil {
		return nil, err
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind == "multipart/form-data" || kind == "application/x-www-form-urlencoded" {
		return nil, errMediaType
	}
	if r.ContentLength > conversation.MaxUpload {
		return nil, db.Invalid{Field: "file", Code: "too_large"}
	}
	if err := s.limit(c, "upload", key, visitorUploads, addressUploads); err != nil {
		return nil, err
	}
	// A page that sends nothing for a while is gone; each piece buys more time.
	patient := &patientReader{from: r.Body, out: http.NewResponseController(w), now: s.DB.Now}
	defer patient.done()
	m, err := s.Desk.ReceiveUpload(r.Context(), c.visitor, conversation.Handed{Key: key, Name: r.URL.Query().Get("name"), From: patient})
	if err != nil {
		return nil, err
	}
	return s.chatTaken(c, m), nil
}

// patientReader gives a slow line the time it needs, and a silent one none.
type patientReader struct {
	from io.Reader
	out  *http.ResponseController
	now  func() time.Time
}

const uploadSilence = 60 * time.Second

func (p *patientReader) Read(b []byte) (int, error) {
	_ = p.out.SetReadDeadline(p.now().Add(uploadSilence)) // not every writer has one
	return p.from.Read(b)
}

func (p *patientReader) done() { _ = p.out.SetReadDeadline(time.Time{}) }

// chatTaken is the answer for a message that is stored; her other windows hear of
// it by their streams.
func (s *Server) chatTaken(c *chatCall, m conversation.Message) chatSaid {
	s.chat.wrote(c.streamKey())
	s.presence.Stops(m.ThreadID, "")
	return chatSaid{s.chatMessage(m, conversation.Cursor{})}
}

// typeChat shows the advisor that the visitor is writing.
func (s *Server) typeChat(_ http.ResponseWriter, r *http.Request, c *chatCall) (any, error) {
	if err := s.limit(c, "type", "", visitorTyping, rate{}); err != nil {
		return nil, err
	}
	err := s.DB.Read(r.Context(), func(tx *db.Tx) error {
		talk, err := s.Desk.VisitorTalk(tx, c.visitor)
		if err == nil {
			s.presence.Types(talk.ThreadID, Present{Name: talk.Name, Customer: true})
		}
		if errors.Is(err, db.ErrNotFound) {
			return nil // nobody knows her yet
		}
		return err
	})
	return struct{}{}, err
}
