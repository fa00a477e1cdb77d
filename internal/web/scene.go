package web

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"dingdong/internal/channel"
	"dingdong/internal/conversation"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// scene is what rows and bubbles are drawn with: a language, a moment and the
// places of the house. me is empty where one drawing serves many viewers; the
// page then settles the small differences itself.
type scene struct {
	server    *Server
	words     *Words
	now       time.Time
	directory staff.Directory
	me        string
	seq       int64 // the last event it knows of: the page keeps the newest drawing
}

func (s *Server) scene(tx *db.Tx, w *Words, me string) (scene, error) {
	x := scene{server: s, words: w, now: tx.Now, me: me}
	var err error
	if x.seq, err = lastEvent(tx); err == nil {
		x.directory, err = staff.LoadDirectory(tx)
	}
	return x, err
}

// clock says times as they are at a counter.
func (x scene) clock(counterID string) Clock {
	counter, _ := x.directory.Counter(counterID)
	return Clock{Now: x.now, Zone: x.server.location(counter.Timezone), Words: x.words}
}

// called is what pages call a customer.
func (x scene) called(t conversation.Thread) string {
	if t.Name != "" {
		return t.Name
	}
	return x.words.T("customer.unnamed." + string(t.Channel))
}

// ThreadRow is a thread as the inbox lists it.
type ThreadRow struct {
	ID       string
	Name     string
	Face     Avatar
	Last     LastLine
	Wait     Wait
	Time     string // of the last message, when nobody waits
	Stamp    string
	Unread   int
	Assignee string // her name
	ByID     string // the assignee's id
	Mine     bool
	Closed   bool
	Waiting  int64 // microseconds, 0: nobody waits
	LastAt   int64
	Here     bool // open beside the list
}

// LastLine is what was said last.
type LastLine struct {
	By   string // who said it, when it was not the customer
	ByID string
	Icon string
	Text string
}

// row draws one line of the inbox.
func (x scene) row(t conversation.Thread) ThreadRow {
	clock := x.clock(t.CounterID)
	name := x.called(t)
	r := ThreadRow{
		ID: t.ID, Name: name, Face: faceOf(t, name), Last: x.last(t.Last),
		Wait: clock.Waiting(t.WaitingSince), Time: clock.Stamp(t.LastAt), Stamp: clock.Machine(t.LastAt), Unread: t.Unread,
		Assignee: t.AssigneeName, ByID: t.AssigneeID, Mine: t.AssigneeID != "" && t.AssigneeID == x.me, Closed: t.Closed,
		Waiting: db.Micro(t.WaitingSince), LastAt: db.Micro(t.LastAt),
	}
	return r
}

// lastIcons are shown before what is no text.
var lastIcons = map[channel.BodyType]string{channel.Image: "image", channel.Video: "image", channel.Audio: "sound",
	channel.File: "paperclip", channel.Location: "place", channel.Sticker: "smile"}

func (x scene) last(m conversation.Message) LastLine {
	line := LastLine{}
	if m.ID == "" {
		return line
	}
	switch m.Author {
	case conversation.AuthorStaff:
		line.By, line.ByID = m.AuthorName, m.AuthorID
		if m.AuthorID == x.me {
			line.By = x.words.T("js.you")
		}
	case conversation.AuthorAutomation:
		line.By = x.words.T("thread.automation")
	}
	if m.Unsent {
		line.Text = x.words.T("bubble.unsent")
		return line
	}
	line.Icon = lastIcons[m.Type]
	line.Text = x.gist(m)
	return line
}

// gist says a message in a few words: for lists, quotes and screen readers.
func (x scene) gist(m conversation.Message) string {
	switch m.Type {
	case channel.Text, channel.Button:
		return oneLine(m.Body.Text)
	case channel.Image, channel.Video, channel.Audio:
		if m.Body.Text != "" {
			return oneLine(m.Body.Text)
		}
	case channel.File:
		if m.Body.Media != nil && m.Body.Media.Name != "" {
			return oneLine(m.Body.Media.Name)
		}
	case channel.Location:
		if p := m.Body.Place; p != nil && p.Title+p.Address != "" {
			return oneLine(p.Title + " " + p.Address)
		}
	}
	return x.words.T("gist." + known(gists, string(m.Type), "unknown"))
}

// gists are the kinds of message with a word of their own, below "gist.".
var gists = []string{"text", "button", "image", "video", "audio", "file", "location", "sticker", "follow", "block", "unblock",
	"scanned", "came", "chose", "moved", "arrived", "asked", "agreed", "declined", "allowed"}

// known gives a code that a sentence exists for.
func known(codes []string, code, otherwise string) string {
	for _, c := range codes {
		if c == code {
			return c
		}
	}
	return otherwise
}

const gistLength = 120

func oneLine(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if utf8.RuneCountInString(s) > gistLength {
		s = string([]rune(s)[:gistLength]) + "…"
	}
	return s
}

// fileSize says a number of bytes: "3 KB", "1.2 MB".
func fileSize(n int64) string {
	switch {
	case n <= 0:
		return ""
	case n < 1<<20:
		return fmt.Sprintf("%d KB", max(1, n>>10))
	}
	return fmt.Sprintf("%.1f MB", float64(n)/(1<<20))
}
