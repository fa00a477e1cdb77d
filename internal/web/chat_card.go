package web

import (
	"net/http"

	"dingdong/internal/channel"
	"dingdong/internal/db"
)

// caller is a visitor as invitations know her.
func (c *chatCall) caller() caller {
	return caller{c.visitor.Account, channel.Peer{Type: channel.Person, ID: c.visitor.ExternalID, Name: c.visitor.Name}}
}

// chatInvited tells a visitor's page what a card asks.
func (s *Server) chatInvited(_ http.ResponseWriter, r *http.Request, c *chatCall) (any, error) {
	if err := s.limit(c, "card", "", visitorReads, addressStarts); err != nil {
		return nil, err
	}
	var out invitation
	err := s.DB.Read(r.Context(), func(tx *db.Tx) (err error) {
		out, err = s.invited(tx, c.caller(), r.URL.Query().Get("code"))
		return err
	})
	return out, err
}

// chatAnswers takes a visitor's answer to a card.
func (s *Server) chatAnswers(_ http.ResponseWriter, r *http.Request, c *chatCall) (any, error) {
	var said struct {
		Code string
		Yes  bool
	}
	if err := readJSON(r, &said); err != nil {
		return nil, err
	}
	return s.chatBinds(r, c, func(tx *db.Tx) (invitation, error) { return s.answers(tx, c.caller(), said.Code, said.Yes) })
}

// chatAdvisors lists whom a visitor may choose.
func (s *Server) chatAdvisors(_ http.ResponseWriter, r *http.Request, c *chatCall) (any, error) {
	if err := s.limit(c, "read", "", visitorReads, rate{}); err != nil {
		return nil, err
	}
	var out struct {
		Counters []counterList `json:"counters"`
	}
	err := s.DB.Read(r.Context(), func(tx *db.Tx) (err error) {
		out.Counters, err = s.choices(tx, c.caller())
		return err
	})
	return out, err
}

// chatChooses takes a visitor's choice.
func (s *Server) chatChooses(_ http.ResponseWriter, r *http.Request, c *chatCall) (any, error) {
	var chosen choice
	if err := readJSON(r, &chosen); err != nil {
		return nil, err
	}
	return s.chatBinds(r, c, func(tx *db.Tx) (invitation, error) { return s.chooses(tx, c.caller(), chosen) })
}

// chatBinds is what both come to; her streams look for her thread, which may be
// new now.
func (s *Server) chatBinds(r *http.Request, c *chatCall, act func(tx *db.Tx) (invitation, error)) (any, error) {
	if err := s.limit(c, "bind", "", visitorMessages, addressMessages); err != nil {
		return nil, err
	}
	var out invitation
	err := s.DB.Write(r.Context(), func(tx *db.Tx) (err error) {
		out, err = act(tx)
		return err
	})
	if err != nil {
		return nil, err
	}
	s.chat.wrote(c.streamKey())
	return out, nil
}
