package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"dingdong/internal/channel"
	"dingdong/internal/conversation"
	"dingdong/internal/db"
)

// The web chat's door: static/chat/README.md is the protocol. Visitors have no
// session and no cookie; a signed token in the Authorization header says who
// they are, and nothing is stored before they write.

const (
	historyPage = 40       // messages in one answer
	chatBody    = 64 << 10 // a text of the largest size, however its page escapes it
)

// chatCall is one request of a visitor's page.
type chatCall struct {
	*Visit
	visitor conversation.Visitor
}

// chatHandler answers a visitor's request; what it returns becomes JSON.
type chatHandler func(w http.ResponseWriter, r *http.Request, c *chatCall) (any, error)

// begins is for the one request that needs no token yet.
func (s *Server) begins(handle chatHandler) handler {
	return s.chatDoor(func(w http.ResponseWriter, r *http.Request, c *chatCall) error {
		out, err := handle(w, r, c)
		if err != nil || out == nil {
			return err
		}
		return s.chatJSON(w, r, http.StatusOK, out)
	})
}

// visits is for requests that carry a visitor's token.
func (s *Server) visits(handle chatHandler) handler {
	return s.begins(func(w http.ResponseWriter, r *http.Request, c *chatCall) (any, error) {
		token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		known, err := s.readPass(c.visitor.Account.ID, token)
		if !ok || err != nil {
			return nil, errSignedOut
		}
		c.visitor.ExternalID, c.visitor.Name = known.Visitor, known.Name
		return handle(w, r, c)
	})
}

// chatDoor finds the account and tells errors as the protocol does.
func (s *Server) chatDoor(handle func(w http.ResponseWriter, r *http.Request, c *chatCall) error) handler {
	return func(w http.ResponseWriter, r *http.Request, v *Visit) error {
		c := &chatCall{Visit: v}
		err := sameOrigin(r)
		if err == nil {
			c.visitor.Account, err = s.chatAccount(r)
		}
		if err == nil {
			err = handle(w, r, c)
		}
		if err != nil {
			s.chatFail(w, c, err)
		}
		return nil
	}
}

// sameOrigin refuses what another site's script asks for. Browsers would not let
// it read the answer, and it has no token, but it need not be served either.
func sameOrigin(r *http.Request) error {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "same-origin", "none":
		return nil
	}
	return errCrossOrigin
}

// chatAccount is the web chat that a path names. A closed one, or an account of
// another channel, is not there.
func (s *Server) chatAccount(r *http.Request) (conversation.Account, error) {
	a, err := s.Desk.ListeningAccount(r.Context(), r.PathValue("account"))
	if err == nil && a.Kind != channel.WebChat {
		err = db.ErrNotFound
	}
	return a, err
}

// What the chat answers with besides what explain knows.
var (
	errCursorGone = errors.New("web: the cursor of a stream is too old")
	errMediaType  = errors.New("web: not the media type expected")
	errTalkGone   = errors.New("web: her conversation was deleted")
)

// busyError asks a visitor's page to come again.
type busyError struct{ wait time.Duration }

func (e busyError) Error() string { return fmt.Sprintf("web: too many requests, wait %v", e.wait) }

// chatFail answers with an error in the protocol's form.
func (s *Server) chatFail(w http.ResponseWriter, c *chatCall, err error) {
	r := c.request
	if r.Context().Err() != nil {
		return // she left; nobody reads an answer
	}
	var f fault
	var busy busyError
	var invalid db.Invalid
	switch {
	case errors.As(err, &busy):
		f = fault{status: http.StatusTooManyRequests, key: "error.chat_busy", retry: max(1, int(busy.wait.Seconds()+0.999))}
	case errors.Is(err, errCursorGone):
		f = fault{status: http.StatusGone, key: "error.chat_gone"}
	case errors.Is(err, errTalkGone):
		f = fault{status: http.StatusGone, key: "error.chat_deleted"}
	case errors.Is(err, errMediaType):
		f = fault{status: http.StatusUnsupportedMediaType, key: "error.malformed"}
	default:
		f = explain(err, c.Visit)
	}
	code := strings.TrimPrefix(f.key, "error.")
	if errors.As(err, &invalid) {
		code = invalid.Field + "." + invalid.Code
		if invalid.Code == "too_large" {
			f.status = http.StatusRequestEntityTooLarge
		}
	}
	if f.reference != "" {
		s.Log.Error("request failed", "reference", f.reference, "route", r.Pattern, "error", err)
	}
	if f.retry > 0 {
		w.Header().Set("Retry-After", fmt.Sprint(f.retry))
	}
	if out, ok := w.(*recorder); ok && out.status != 0 {
		return // a stream is under way
	}
	var answer struct {
		Error struct {
			Code      string `json:"code"`
			Message   string `json:"message"`
			Reference string `json:"reference,omitempty"`
		} `json:"error"`
	}
	answer.Error.Code, answer.Error.Message, answer.Error.Reference = code, c.T(f.key, f.args...), f.reference
	_ = s.chatJSON(w, r, f.status, answer) // texts always encode
}

func (s *Server) chatJSON(w http.ResponseWriter, r *http.Request, status int, out any) error {
	raw, err := json.Marshal(out)
	if err != nil {
		return fmt.Errorf("answer of the chat: %w", err)
	}
	h := w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Vary", "Accept-Encoding")
	return s.send(w, r, status, raw)
}

// readJSON reads a body that has to say it is JSON: a form of another site
// cannot.
func readJSON(r *http.Request, into any) error {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return errMediaType
	}
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return malformed(err)
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return fmt.Errorf("%w: %w", errMalformed, err)
	}
	return nil
}

// chatPage is the shell around the visitor's chat; its script builds the rest.
type chatPage struct {
	Title   string
	Origins string
}

// showChat serves the page, inside a shop's frame or by itself.
func (s *Server) showChat(w http.ResponseWriter, r *http.Request, v *Visit) error {
	a, err := s.chatAccount(r)
	if err != nil {
		return err
	}
	origins := frameOrigins(a.Origins)
	if !mayFrame(r, origins) {
		return errCrossOrigin
	}
	h := w.Header()
	h.Set("Content-Security-Policy", chatPolicy(origins))
	h.Del("X-Frame-Options") // the policy's frame-ancestors says it better
	h.Set("Referrer-Policy", "no-referrer")
	return s.render(w, v, view{Page: "chat", Block: "layout", Data: chatPage{Title: a.Name, Origins: strings.Join(origins, " ")}})
}

// chatPolicy lets the page load from ourselves and be framed by the account's
// sites, and nothing else.
func chatPolicy(origins []string) string {
	return "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; media-src 'self'; connect-src 'self'; " +
		"base-uri 'none'; form-action 'none'; frame-ancestors " + strings.Join(append([]string{"'self'"}, origins...), " ")
}

// frameOrigins are an account's sites as browsers name them. What could say
// something else inside a policy is left out.
func frameOrigins(sites []string) []string {
	var out []string
	for _, site := range sites {
		u, err := url.Parse(strings.ToLower(site))
		if err != nil || u.Host == "" || strings.ContainsFunc(u.Host, notInHost) {
			continue
		}
		host := u.Host
		switch {
		case u.Scheme == "https":
			host = strings.TrimSuffix(host, ":443")
		case u.Scheme == "http":
			host = strings.TrimSuffix(host, ":80")
		default:
			continue
		}
		if origin := u.Scheme + "://" + host; !slices.Contains(out, origin) {
			out = append(out, origin)
		}
	}
	return out
}

func notInHost(c rune) bool {
	return !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || strings.ContainsRune(".-:[]", c))
}

// mayFrame is a second look at who frames the page, where the browser says it.
func mayFrame(r *http.Request, origins []string) bool {
	switch r.Header.Get("Sec-Fetch-Dest") {
	case "iframe", "frame", "embed", "object":
	default:
		return true
	}
	from, err := url.Parse(r.Header.Get("Referer"))
	if err != nil || from.Host == "" {
		return true // not said: the policy decides
	}
	return from.Host == r.Host || slices.Contains(origins, from.Scheme+"://"+from.Host)
}

// widget is the script that a shop's page names. Its address is short and the
// same for ever, so it is kept for minutes only.
func (s *Server) widget(w http.ResponseWriter, r *http.Request, _ *Visit) error {
	if _, err := s.chatAccount(r); err != nil {
		return err
	}
	f := s.assets.byName["chat/widget.js"]
	if f == nil {
		return fmt.Errorf("no static file %q", "chat/widget.js")
	}
	h := w.Header()
	h.Set("Content-Type", f.mime)
	h.Set("Cache-Control", "public, max-age=300")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	h.Set("ETag", `"`+strings.TrimSuffix(strings.TrimPrefix(f.url, "/static/chat/widget."), ".js")+`"`)
	h.Set("Vary", "Accept-Encoding")
	if r.Header.Get("If-None-Match") == h.Get("ETag") {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	return s.send(w, r, http.StatusOK, f.body)
}

// neighbourhood is whom a limit counts together: an address, or the network that
// one household gets of the newer kind.
func neighbourhood(address string) string {
	ip, err := netip.ParseAddr(address)
	if err != nil || !ip.Is6() || ip.Is4In6() {
		return address
	}
	if p, err := ip.WithZone("").Prefix(64); err == nil {
		return p.String()
	}
	return address
}
