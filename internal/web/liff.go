package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"dingdong/internal/channel"
	"dingdong/internal/conversation"
	"dingdong/internal/db"
)

// The page inside LINE (LIFF). It has no cookie and no session: LINE's SDK gives it
// a token that LINE signed, the server asks LINE whose it is, and hands out a ticket
// of its own for the few minutes of the question. What the page says about a person
// is never believed.

// lineSDK is where LINE's script comes from (LINE, "Developing a LIFF app").
const lineSDK = "https://static.line-scdn.net/liff/edge/2/sdk.js"

// lineHosts are what that script itself calls.
const lineHosts = " https://api.line.me https://access.line.me https://liff.line.me https://liffsdk.line-scdn.net"

// liffPage is the shell of the page; its script shows one state after the other.
type liffPage struct {
	Title   string
	Words   *Words
	SDK     string
	LIFF    string
	BasicID string
	Said    []saidWord
}

// saidWord is a sentence for the page's script.
type saidWord struct{ Name, Text string }

// liffAccount is the LINE account with a LIFF page that a path names.
func (s *Server) liffAccount(r *http.Request) (conversation.Account, error) {
	a, err := s.Desk.ListeningAccount(r.Context(), r.PathValue("account"))
	if err == nil && (a.Kind != channel.LINE || a.LIFF.ID == "") {
		err = db.ErrNotFound
	}
	return a, err
}

func (s *Server) showLIFF(w http.ResponseWriter, r *http.Request, v *Visit) error {
	a, err := s.liffAccount(r)
	if err != nil {
		return err
	}
	sdk := a.LIFF.SDK
	if sdk == "" {
		sdk = lineSDK
	}
	h := w.Header()
	h.Set("Content-Security-Policy", liffPolicy(a.LIFF.SDK))
	if a.LIFF.SDK != "" { // the policy's frame-ancestors says it better
		h.Del("X-Frame-Options")
	}
	h.Set("Referrer-Policy", "no-referrer")
	data := liffPage{Title: a.Name, Words: v.Words, SDK: sdk, LIFF: a.LIFF.ID, BasicID: atSign(a.BasicID), Said: []saidWord{
		{"network", v.T("liff.say.network")}, {"sdk", v.T("liff.say.sdk")}, {"nobody", v.T("liff.say.nobody")}, {"mine", v.T("liff.say.mine")},
		{"away", v.T("liff.say.away")}, {"anybody", v.T("liff.say.anybody")}, {"anybodyAbout", v.T("liff.say.anybody_about")}}}
	return s.render(w, v, view{Page: "liff", Block: "layout", Data: data})
}

// atSign is a LINE id as LINE's links want it.
func atSign(id string) string {
	if id == "" || strings.HasPrefix(id, "@") {
		return id
	}
	return "@" + id
}

// liffPolicy lets one script come from elsewhere: the SDK's. LINE's own page is
// never framed; a stand-in's is, by the stand-in.
func liffPolicy(sdk string) string {
	script, calls, frames := originOf(lineSDK), lineHosts, "'none'"
	if sdk != "" {
		script, calls, frames = originOf(sdk), "", originOf(sdk)
		if script == "" {
			script, frames = "'none'", "'none'"
		}
	}
	if script == "'none'" {
		script = ""
	}
	return "default-src 'none'; script-src " + strings.TrimSpace("'self' "+script) + "; style-src 'self'; img-src 'self'; connect-src 'self'" + calls +
		"; base-uri 'none'; form-action 'none'; frame-ancestors " + frames
}

// originOf is the origin of an address, or nothing where a policy would read
// something else into it.
func originOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	origins := frameOrigins([]string{u.Scheme + "://" + u.Host})
	if len(origins) == 0 {
		return ""
	}
	return origins[0]
}

// liffTicket is what a ticket says: whom LINE proved, and what she was asked. It is
// signed, not sealed: it tells her only what she knows.
type liffTicket struct {
	Account string `json:"a"`
	User    string `json:"u"`
	Name    string `json:"n,omitempty"`
	Card    string `json:"c,omitempty"` // empty: she chooses from the list
}

const (
	ticketLabel = "liff.ticket"
	ticketLasts = 15 * time.Minute
	ticketBody  = 16 << 10
)

// What the page can be told, besides what explain knows.
var (
	errTicket   = errors.New("web: the ticket of a page inside LINE is not ours, or too old")
	errIDToken  = errors.New("web: LINE does not accept this id token")
	errIDOld    = errors.New("web: the id token has expired")
	errIDOther  = errors.New("web: the id token is made out to another channel")
	errLogin    = errors.New("web: LINE Login is not set up for this account")
	errPlatform = errors.New("web: the platform cannot be asked")
	errCard     = errors.New("web: no such card, or not any more")
)

// liffFaults are their sentences.
var liffFaults = []struct {
	err    error
	status int
	code   string
}{
	{errTicket, http.StatusUnauthorized, "liff_ticket"},
	{errIDToken, http.StatusUnauthorized, "liff_token"},
	{errIDOld, http.StatusUnauthorized, "liff_expired"},
	{errIDOther, http.StatusUnauthorized, "liff_channel"},
	{errLogin, http.StatusServiceUnavailable, "liff_setup"},
	{errPlatform, http.StatusServiceUnavailable, "liff_platform"},
	{errCard, http.StatusNotFound, "liff_card"},
}

// liffCall is one request of the page.
type liffCall struct {
	*Visit
	account conversation.Account
}

// inLINE is the door of the page's requests: from our own pages only, in JSON, and
// not more often than a shop full of customers behind one address would ask.
func (s *Server) inLINE(handle func(r *http.Request, c *liffCall) (any, error)) handler {
	return func(w http.ResponseWriter, r *http.Request, v *Visit) error {
		c := &liffCall{Visit: v}
		var out any
		err := sameOrigin(r)
		if err == nil {
			c.account, err = s.liffAccount(r)
		}
		if err == nil {
			if wait := s.chat.take("liff at "+neighbourhood(v.Address), "", addressStarts, s.DB.Now()); wait > 0 {
				err = busyError{wait}
			}
		}
		if err == nil {
			out, err = handle(r, c)
		}
		if err == nil {
			return s.chatJSON(w, r, http.StatusOK, out)
		}
		for _, f := range liffFaults {
			if errors.Is(err, f.err) {
				if f.status >= 500 {
					s.Log.Warn("a page inside LINE cannot work", "account", c.account.ID, "error", err)
				}
				return s.liffSays(w, r, v, f.status, f.code)
			}
		}
		s.chatFail(w, &chatCall{Visit: v}, err)
		return nil
	}
}

func (s *Server) liffSays(w http.ResponseWriter, r *http.Request, v *Visit, status int, code string) error {
	return s.chatJSON(w, r, status, map[string]any{"error": map[string]string{"code": code, "message": v.T("liff.wrong." + strings.TrimPrefix(code, "liff_"))}})
}

// liffFound is the answer to a scanned card: the question, and the ticket to answer it with.
type liffFound struct {
	Ticket string `json:"ticket"`
	invitation
}

// scanLIFF proves who she is and tells what a card asks her.
func (s *Server) scanLIFF(r *http.Request, c *liffCall) (any, error) {
	var asked struct{ Token, Card string }
	if err := readJSON(r, &asked); err != nil {
		return nil, err
	}
	peer, err := s.proved(r.Context(), c.account, asked.Token)
	if err != nil {
		return nil, err
	}
	var out liffFound
	err = s.DB.Read(r.Context(), func(tx *db.Tx) (err error) {
		out.invitation, err = s.invited(tx, caller{c.account, peer}, asked.Card)
		return err
	})
	if err != nil {
		return nil, cardGone(err)
	}
	out.Ticket, err = s.ticket(liffTicket{Account: c.account.ID, User: peer.ID, Name: peer.Name, Card: asked.Card})
	return out, err
}

// liffChoices is the list to choose from, and the ticket to choose with.
type liffChoices struct {
	Ticket   string        `json:"ticket"`
	Counters []counterList `json:"counters"`
}

// chooseLIFF proves who she is and lists the advisors.
func (s *Server) chooseLIFF(r *http.Request, c *liffCall) (any, error) {
	var asked struct{ Token string }
	if err := readJSON(r, &asked); err != nil {
		return nil, err
	}
	peer, err := s.proved(r.Context(), c.account, asked.Token)
	if err != nil {
		return nil, err
	}
	var out liffChoices
	err = s.DB.Read(r.Context(), func(tx *db.Tx) (err error) {
		out.Counters, err = s.choices(tx, caller{c.account, peer})
		return err
	})
	if err != nil {
		return nil, err
	}
	out.Ticket, err = s.ticket(liffTicket{Account: c.account.ID, User: peer.ID, Name: peer.Name})
	return out, err
}

// answerLIFF takes her answer to a card, or her choice.
func (s *Server) answerLIFF(r *http.Request, c *liffCall) (any, error) {
	var said struct {
		Ticket, Counter, Advisor string
		Yes                      bool
	}
	if err := readJSON(r, &said); err != nil {
		return nil, err
	}
	t, err := s.readTicket(c.account.ID, said.Ticket)
	if err != nil {
		return nil, err
	}
	who := caller{c.account, channel.Peer{Type: channel.Person, ID: t.User, Name: t.Name}}
	var out invitation
	err = s.DB.Write(r.Context(), func(tx *db.Tx) (err error) {
		if t.Card != "" {
			out, err = s.answers(tx, who, t.Card, said.Yes)
			return cardGone(err)
		}
		out, err = s.chooses(tx, who, choice{said.Counter, said.Advisor})
		return err
	})
	return out, err
}

// cardGone makes "nothing there" the card's own sentence.
func cardGone(err error) error {
	if errors.Is(err, db.ErrNotFound) {
		return errCard
	}
	return err
}

func (s *Server) ticket(t liffTicket) (string, error) {
	payload, err := json.Marshal(t)
	if err != nil {
		return "", fmt.Errorf("ticket: %w", err)
	}
	return s.Desk.Vault.Sign(ticketLabel, payload, s.DB.Now().Add(ticketLasts)), nil
}

func (s *Server) readTicket(account, ticket string) (liffTicket, error) {
	var t liffTicket
	payload, err := s.Desk.Vault.Verify(ticketLabel, ticket, s.DB.Now())
	if err == nil {
		err = json.Unmarshal(payload, &t)
	}
	if err != nil || t.Account != account || t.User == "" {
		return t, errTicket
	}
	return t, nil
}

// maxIDToken bounds what is sent on to LINE.
const maxIDToken = 4 << 10

// proved asks LINE whose token this is.
func (s *Server) proved(ctx context.Context, a conversation.Account, token string) (channel.Peer, error) {
	verifier, ok := s.Desk.Adapters[a.Kind].(channel.Verifier)
	if !ok || a.LoginChannel == "" {
		return channel.Peer{}, errLogin
	}
	if token == "" || len(token) > maxIDToken {
		return channel.Peer{}, errIDToken
	}
	ctx, stop := context.WithTimeout(ctx, 10*time.Second)
	defer stop()
	peer, err := verifier.Verify(ctx, a.Account, token)
	var refused *channel.Error
	switch {
	case err == nil && peer.ID == "":
		return peer, errIDToken
	case err == nil:
		peer.Name = cleanName(peer.Name)
		return peer, nil
	case !errors.As(err, &refused):
		return peer, fmt.Errorf("%w: %w", errPlatform, err)
	}
	words := strings.ToLower(refused.Message)
	switch {
	case refused.Kind == channel.Misconfigured:
		return peer, fmt.Errorf("%w: %w", errLogin, err)
	case refused.Kind != channel.Rejected:
		return peer, fmt.Errorf("%w: %w", errPlatform, err)
	case strings.Contains(words, "expired"), strings.Contains(words, "too old"): // LINE's words, and our adapter's
		return peer, errIDOld
	case strings.Contains(words, "audience"), strings.Contains(words, "another channel"):
		return peer, errIDOther
	}
	return peer, errIDToken
}
