package linefake

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

// LIFF says which page of its owner the account shows inside LINE. The zero value
// is an account without one.
type LIFF struct {
	ID      string // of the LIFF app: https://liff.line.me/{ID}
	Page    string // the address of its page, as a browser on this machine reaches it
	Channel string // the LINE Login channel that its id tokens are for
}

// Card is a card that lies at a counter to be scanned.
type Card struct {
	Name string `json:"name"`
	Link string `json:"link"`
}

// tokenLife is how long an id token is good for.
const tokenLife = time.Hour

// idClaims is what an id token says.
type idClaims struct {
	Issuer   string `json:"iss"`
	Subject  string `json:"sub"`
	Audience string `json:"aud"`
	Expires  int64  `json:"exp"`
	Issued   int64  `json:"iat"`
	Name     string `json:"name,omitempty"`
}

// IDToken is what the LIFF SDK gives a page that a person opened; empty if there is
// nobody of that id.
func (p *Platform) IDToken(user string) string {
	who := p.find(user)
	if who == nil {
		return ""
	}
	now := p.o.Now()
	claims, _ := json.Marshal(idClaims{Issuer: "https://access.line.me", Subject: who.id, Audience: p.o.LIFF.Channel,
		Expires: now.Add(tokenLife).Unix(), Issued: now.Unix(), Name: who.public().Name}) // texts and numbers always encode
	head := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + base64.RawURLEncoding.EncodeToString(claims)
	return head + "." + base64.RawURLEncoding.EncodeToString(p.signID(head))
}

func (p *Platform) signID(head string) []byte {
	mac := hmac.New(sha256.New, []byte("id token "+p.o.Secret))
	mac.Write([]byte(head))
	return mac.Sum(nil)
}

// verifyID is LINE Login's check of an id token; it needs no access token.
func (p *Platform) verifyID(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	if err := r.ParseForm(); err != nil {
		p.write(w, wrongID("The request is malformed."))
		return
	}
	claims, wrong := p.readID(r.PostForm.Get("id_token"))
	switch client := r.PostForm.Get("client_id"); {
	case client == "":
		wrong = "client_id is required."
	case wrong != "":
	case claims.Audience != client:
		wrong = "Invalid IdToken Audience."
	case claims.Expires <= p.o.Now().Unix():
		wrong = "IdToken expired."
	case r.PostForm.Get("user_id") != "" && r.PostForm.Get("user_id") != claims.Subject:
		wrong = "Invalid IdToken Subject Identifier."
	}
	if wrong != "" {
		p.write(w, wrongID(wrong))
		return
	}
	p.write(w, reply(http.StatusOK, claims))
}

func (p *Platform) readID(token string) (c idClaims, wrong string) {
	cut := strings.LastIndexByte(token, '.')
	if cut < 0 || strings.Count(token, ".") != 2 {
		return c, "Invalid IdToken."
	}
	sum, err := base64.RawURLEncoding.DecodeString(token[cut+1:])
	if err != nil || !hmac.Equal(sum, p.signID(token[:cut])) {
		return c, "Invalid IdToken."
	}
	_, body, _ := strings.Cut(token[:cut], ".")
	raw, err := base64.RawURLEncoding.DecodeString(body)
	if err != nil || json.Unmarshal(raw, &c) != nil {
		return c, "Invalid IdToken."
	}
	return c, ""
}

func wrongID(why string) answer {
	return reply(http.StatusBadRequest, map[string]string{"error": "invalid_request", "error_description": why})
}

// sdk serves what stands in for LINE's LIFF SDK. A page asks for it by the origin it
// comes from, and it speaks to the phone that frames the page.
func (p *Platform) sdk(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cross-Origin-Resource-Policy", "cross-origin")
	w.Header().Set("Cache-Control", "no-cache")
	http.ServeFileFS(w, r, pages, "phone/sdk.js")
}

func (p *Platform) phoneCards(w http.ResponseWriter, _ *http.Request) {
	cards := []Card{}
	if p.o.Cards != nil {
		cards = append(cards, p.o.Cards()...)
	}
	show(w, cards)
}

func (p *Platform) phoneToken(w http.ResponseWriter, _ *http.Request, who *person) {
	show(w, map[string]string{"token": p.IDToken(who.id)})
}
