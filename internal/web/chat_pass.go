package web

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"dingdong/internal/db"
)

// pass is what a visitor's token says. It is signed, not sealed: the name in it
// is her own, in her own browser.
type pass struct {
	Account string `json:"a"`
	Visitor string `json:"v"`
	Name    string `json:"n,omitempty"`
}

const (
	passLabel = "chat.visitor"
	passLasts = 180 * 24 * time.Hour
	passName  = 60 // letters of a name
)

var visitorID = regexp.MustCompile(`^v_[a-z2-7]{26}$`)

// newVisitor makes the id of somebody who came for the first time: 130 random bits.
func newVisitor() string { return "v_" + strings.ToLower(rand.Text()) }

// readPass gives what a token of this account says.
func (s *Server) readPass(account, token string) (pass, error) {
	payload, err := s.Desk.Vault.Verify(passLabel, token, s.DB.Now())
	if err != nil {
		return pass{}, err
	}
	return parsePass(account, payload)
}

func parsePass(account string, payload []byte) (pass, error) {
	var p pass
	if err := json.Unmarshal(payload, &p); err != nil {
		return pass{}, fmt.Errorf("visitor's token: %w", err)
	}
	if p.Account != account || !visitorID.MatchString(p.Visitor) {
		return pass{}, fmt.Errorf("visitor's token: %w", db.ErrNotFound)
	}
	p.Name = cleanName(p.Name)
	return p, nil
}

// writePass makes a token that lasts from now on.
func (s *Server) writePass(p pass) (string, error) {
	payload, err := json.Marshal(p)
	if err != nil {
		return "", fmt.Errorf("visitor's token: %w", err)
	}
	return s.Desk.Vault.Sign(passLabel, payload, s.DB.Now().Add(passLasts)), nil
}

// cleanName is a name on one line, and short.
func cleanName(name string) string {
	name = strings.Join(strings.Fields(db.CleanText(name)), " ")
	if utf8.RuneCountInString(name) > passName {
		name = strings.TrimSpace(string([]rune(name)[:passName]))
	}
	return name
}
