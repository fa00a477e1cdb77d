package web

import (
	"net/http"

	"dingdong/internal/conversation"
	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// cardView is the right column: who she is to this counter.
type cardView struct {
	ThreadID   string
	Name       string
	Face       Avatar
	Given      string // what the counter calls her; empty: the platform's name
	Known      string // what the platform calls her
	Chat       bool
	Identities []identityLine
	Counter    string
	Owner      string
	Since      string
	Notes      []EventLine // what colleagues wrote to colleagues, the latest first
}

// identityLine is one channel on which she can be met.
type identityLine struct {
	Channel, Account string
	Name             string
	Tone, Reach      string
	Since            string
}

func (s *Server) showCard(w http.ResponseWriter, r *http.Request, v *Visit) error {
	id := r.PathValue("thread")
	if err := s.noteOpened(r, v, id); err != nil {
		return err
	}
	var card cardView
	err := s.DB.Read(r.Context(), func(tx *db.Tx) error {
		var err error
		card, err = s.readCard(tx, v, id)
		return err
	})
	if err != nil {
		return err
	}
	return s.render(w, v, view{Page: "inbox", Block: "card", Data: card})
}

func (s *Server) readCard(tx *db.Tx, v *Visit, threadID string) (cardView, error) {
	t, err := s.Desk.Thread(tx, v.Viewer, threadID)
	if err != nil {
		return cardView{}, err
	}
	x, err := s.scene(tx, v.Words, v.ID)
	if err != nil {
		return cardView{}, err
	}
	return s.cardView(tx, v, x, t)
}

// cardNotes is how many notes of colleagues the card shows.
const cardNotes = 5

func (s *Server) cardView(tx *db.Tx, v *Visit, x scene, t conversation.Thread) (cardView, error) {
	name := x.called(t)
	clock := x.clock(t.CounterID)
	c := cardView{ThreadID: t.ID, Name: name, Face: Avatar{ID: t.CustomerID, Name: name, Size: "large"}, Chat: v.May(staff.Chat), Since: clock.Date(t.CreatedAt)}
	if counter, ok := x.directory.Counter(t.CounterID); ok {
		c.Counter = counter.Store + " · " + counter.Name
	}
	c.Owner = t.AssigneeName
	if t.AssigneeID == v.ID && v.ID != "" {
		c.Owner = v.T("card.owner_me", "name", v.Name)
	}
	her, err := s.Desk.Book.Get(tx, t.CustomerID)
	if err != nil {
		return c, err
	}
	c.Given = her.Name
	first, err := s.Desk.FirstContact(tx, v.Viewer, t.ID)
	if err != nil {
		return c, err
	}
	if !first.IsZero() && first.Before(t.CreatedAt) { // her past was taken over from another system
		c.Since = clock.Date(first)
	}
	if c.Identities, err = s.identities(tx, v, clock, t); err != nil {
		return c, err
	}
	for _, i := range c.Identities {
		if i.Name != "" && c.Known == "" {
			c.Known = i.Name
		}
	}
	notes, err := s.Desk.Notes(tx, v.Viewer, t.ID, t.CreatedAt)
	tell := x.teller(t, nil)
	for i := len(notes) - 1; i >= 0 && len(c.Notes) < cardNotes; i-- {
		if notes[i].Text != "" {
			e := tell.note(notes[i])
			e.Time = clock.Moment(notes[i].At)
			c.Notes = append(c.Notes, e)
		}
	}
	return c, err
}

// identities lists her channels at counters that the viewer sees: what another
// counter knows of her is not this one's to read.
func (s *Server) identities(tx *db.Tx, v *Visit, clock Clock, t conversation.Thread) ([]identityLine, error) {
	records, err := s.Desk.Book.Records(tx, t.CustomerID)
	if err != nil {
		return nil, err
	}
	var all []customer.Identity
	for _, r := range records {
		some, err := s.Desk.Book.Identities(tx, r)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	var out []identityLine
	for _, i := range all {
		account, err := s.Desk.AccountByID(tx, i.AccountID)
		if err != nil {
			return nil, err
		}
		if !v.Sees(account.CounterID) {
			continue
		}
		line := identityLine{Channel: string(account.Kind), Account: account.Name, Name: i.Name, Since: clock.Date(i.CreatedAt),
			Tone: reachTones[string(i.Reach)], Reach: v.T("reach." + string(i.Reach))}
		out = append(out, line)
	}
	return out, nil
}

var reachTones = map[string]string{"friend": "green", "blocked": "soft", "unknown": "line"}

// rename sets what the counter calls her.
func (s *Server) rename(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if err := r.ParseForm(); err != nil {
		return malformed(err)
	}
	var card cardView
	err := s.DB.Write(r.Context(), func(tx *db.Tx) error {
		if err := s.Desk.Rename(tx, v.Viewer, r.PathValue("thread"), r.PostForm.Get("name")); err != nil {
			return err
		}
		var err error
		card, err = s.readCard(tx, v, r.PathValue("thread"))
		return err
	})
	if err != nil {
		return err
	}
	return s.render(w, v, view{Page: "inbox", Block: "card", Data: card})
}
