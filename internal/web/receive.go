package web

import (
	"errors"
	"io"
	"net/http"

	"dingdong/internal/channel"
	"dingdong/internal/db"
)

// receive is the door that platforms knock at: verify, translate, commit, and
// only then say 200. Whatever fails after the signature is answered with 5xx, so
// that the platform delivers again.
func (s *Server) receive(w http.ResponseWriter, r *http.Request, _ *Visit) error {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return malformed(err) // too large, or cut off: nothing is stored
	}
	account, err := s.Desk.ListeningAccount(r.Context(), r.PathValue("account"))
	if errors.Is(err, db.ErrNotFound) {
		return err
	}
	if err != nil {
		return unavailable(err)
	}
	events, err := s.Desk.Adapters[account.Kind].Receive(account.Account, channel.Request{Header: r.Header, Query: r.URL.Query(), Body: body})
	if err != nil {
		return err
	}
	if len(events) > 0 {
		err = s.DB.Write(r.Context(), func(tx *db.Tx) error {
			_, err := s.Desk.Receive(tx, account, events)
			return err
		})
		if err != nil {
			return unavailable(err)
		}
	}
	w.WriteHeader(http.StatusOK)
	return nil
}
