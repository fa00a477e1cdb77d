package web

import (
	"errors"

	"dingdong/internal/channel"
	"dingdong/internal/conversation"
	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// An invitation to an advisor is the same on LINE and in the web chat: a card asks,
// or she chooses from a list; nothing is stored of a stranger before she said yes.

// caller is somebody whom the platform, or our own token, has proved.
type caller struct {
	Account conversation.Account
	Peer    channel.Peer
}

// invitation is who invites her, as pages show it.
type invitation struct {
	Advisor      string   `json:"advisor"` // empty: the counter itself
	Counter      string   `json:"counter"`
	Brand        string   `json:"brand"`
	Languages    []string `json:"languages"`
	Specialities string   `json:"specialities"`
	Now          string   `json:"now,omitempty"` // her advisor at that counter so far
	Bound        bool     `json:"bound"`         // it is so already
	Away         bool     `json:"away"`          // she is off duty; the counter answers meanwhile
}

// counterList is a counter to choose from, with who answers there.
type counterList struct {
	ID       string        `json:"id"`
	Name     string        `json:"name"`
	Brand    string        `json:"brand"`
	Mine     bool          `json:"mine"` // she speaks with this counter, with no one in particular
	Advisors []advisorLine `json:"advisors"`
}

// advisorLine is an advisor to choose.
type advisorLine struct {
	ID           string   `json:"id"`
	Name         string   `json:"name"`
	Languages    []string `json:"languages"`
	Specialities string   `json:"specialities"`
	Away         bool     `json:"away"`
	Mine         bool     `json:"mine"`
}

// choice is what she chose; Advisor empty: whoever is at the counter.
type choice struct{ Counter, Advisor string }

// accountCard is a card in use on an account, by the code on it.
func (s *Server) accountCard(tx *db.Tx, a conversation.Account, code string) (conversation.Card, error) {
	if len(code) > 32 {
		return conversation.Card{}, db.ErrNotFound
	}
	c, err := s.Desk.CardByCode(tx, code)
	if err == nil && c.AccountID != a.ID {
		err = db.ErrNotFound
	}
	return c, err
}

// invited reads what the question of a card says to this person. Asking leaves
// nothing behind: that she came by a card is entered with her answer.
func (s *Server) invited(tx *db.Tx, w caller, code string) (invitation, error) {
	card, err := s.accountCard(tx, w.Account, code)
	if err != nil {
		return invitation{}, err
	}
	out, err := s.inviter(tx, choice{card.CounterID, card.AdvisorID})
	if err != nil {
		return out, err
	}
	bound, err := s.advisorOf(tx, w, card.CounterID)
	switch {
	case errors.Is(err, db.ErrNotFound):
		return out, nil
	case err != nil:
		return out, err
	case bound == card.AdvisorID:
		out.Bound = true
	case card.AdvisorID != "":
		p, err := staff.GetStaff(tx, bound)
		out.Now = p.Name
		return out, err
	}
	return out, nil
}

// inviter describes an advisor at her counter, or a counter.
func (s *Server) inviter(tx *db.Tx, c choice) (invitation, error) {
	directory, err := staff.LoadDirectory(tx)
	if err != nil {
		return invitation{}, err
	}
	counter, _ := directory.Counter(c.Counter)
	out := invitation{Counter: counter.Name, Brand: counter.Brand, Languages: []string{}}
	if c.Advisor == "" {
		return out, nil
	}
	p, err := staff.GetStaff(tx, c.Advisor)
	if err != nil {
		return out, err
	}
	out.Advisor, out.Specialities, out.Away = p.Name, p.Specialities, p.AwayUntil.After(tx.Now)
	out.Languages = append(out.Languages, p.Languages...)
	return out, nil
}

// advisorOf is her advisor at a counter; db.ErrNotFound when she has none, or is
// not known.
func (s *Server) advisorOf(tx *db.Tx, w caller, counterID string) (string, error) {
	i, err := s.Desk.Book.Find(tx, w.Account.ID, w.Peer.ID)
	if err != nil {
		return "", err
	}
	b, err := s.Desk.Book.BindingAt(tx, i.PersonID, counterID)
	return b.AdvisorID, err
}

// answers takes her answer to a card. A stranger's no leaves nothing behind.
func (s *Server) answers(tx *db.Tx, w caller, code string, yes bool) (invitation, error) {
	card, err := s.accountCard(tx, w.Account, code)
	if err != nil {
		return invitation{}, err
	}
	out, err := s.inviter(tx, choice{card.CounterID, card.AdvisorID})
	if err != nil {
		return out, err
	}
	if !yes {
		_, err := s.Desk.Book.Find(tx, w.Account.ID, w.Peer.ID)
		if errors.Is(err, db.ErrNotFound) {
			return out, nil
		}
		if err != nil {
			return out, err
		}
	}
	visit, err := s.Desk.ScanCard(tx, conversation.Scan{CardID: card.ID, Peer: w.Peer})
	if err != nil {
		return out, err
	}
	out.Bound = yes
	return out, s.Desk.AnswerCard(tx, visit.VisitID, yes)
}

// choices lists whom she may choose, and whom she has.
func (s *Server) choices(tx *db.Tx, w caller) ([]counterList, error) {
	all, err := s.Desk.Choosable(tx, w.Account.ID)
	if err != nil {
		return nil, err
	}
	mine := map[string]string{} // counter -> her advisor
	here := ""                  // the counter she speaks with
	i, err := s.Desk.Book.Find(tx, w.Account.ID, w.Peer.ID)
	if err == nil {
		here = i.CounterID
		records, err := s.Desk.Book.Records(tx, i.PersonID)
		if err != nil {
			return nil, err
		}
		bindings, err := s.Desk.Book.Bindings(tx, records)
		if err != nil {
			return nil, err
		}
		for _, b := range bindings {
			if b.EndedAt.IsZero() && mine[b.CounterID] == "" {
				mine[b.CounterID] = b.AdvisorID
			}
		}
	} else if !errors.Is(err, db.ErrNotFound) {
		return nil, err
	}
	out := make([]counterList, 0, len(all))
	for _, c := range all {
		line := counterList{ID: c.CounterID, Name: c.Counter, Brand: c.Brand, Advisors: []advisorLine{},
			Mine: here == c.CounterID && mine[c.CounterID] == ""}
		for _, p := range c.Advisors {
			line.Advisors = append(line.Advisors, advisorLine{ID: p.ID, Name: p.Name, Languages: append([]string{}, p.Languages...),
				Specialities: p.Specialities, Away: !p.OnDuty, Mine: mine[c.CounterID] == p.ID})
		}
		out = append(out, line)
	}
	return out, nil
}

// chooses binds her to the advisor she chose; one who is not known yet is met by it.
func (s *Server) chooses(tx *db.Tx, w caller, c choice) (invitation, error) {
	i, err := s.Desk.Book.Find(tx, w.Account.ID, w.Peer.ID)
	if errors.Is(err, db.ErrNotFound) {
		if err := s.offers(tx, w.Account, c); err != nil {
			return invitation{}, err
		}
		i, err = s.Desk.Book.Meet(tx, customer.NewPeer{AccountID: w.Account.ID, Peer: w.Peer})
	}
	if err != nil {
		return invitation{}, err
	}
	if err := s.Desk.ChooseAdvisor(tx, conversation.Choose{IdentityID: i.ID, CounterID: c.Counter, AdvisorID: c.Advisor}); err != nil {
		return invitation{}, err
	}
	out, err := s.inviter(tx, c)
	out.Bound = true
	return out, err
}

// offers tells whether somebody can be chosen, before a stranger is entered for it.
func (s *Server) offers(tx *db.Tx, a conversation.Account, c choice) error {
	all, err := s.Desk.Choosable(tx, a.ID)
	if err != nil {
		return err
	}
	for _, counter := range all {
		if counter.CounterID != c.Counter {
			continue
		}
		for _, p := range counter.Advisors {
			if p.ID == c.Advisor {
				return nil
			}
		}
		if c.Advisor == "" {
			return nil
		}
		return db.Invalid{Field: "advisor", Code: "not_at_counter"}
	}
	return db.Invalid{Field: "counter", Code: "unknown"}
}
