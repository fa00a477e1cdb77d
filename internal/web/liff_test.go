package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"dingdong/internal/channel"
	"dingdong/internal/channel/line/linefake"
	"dingdong/internal/conversation"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// liffHouse is a house whose LINE account has a page inside LINE, and the platform.
type liffHouse struct {
	*chatHouse
	line     *linefake.Platform
	later    time.Duration // how far the platform's clock is ahead
	shop     conversation.Account
	card     conversation.Card // Mei's
	customer string
}

func newLIFFHouse(t *testing.T) *liffHouse {
	h := &liffHouse{chatHouse: newChatHouse(t)}
	h.line = must(linefake.New(linefake.Options{Secret: "s", Token: "t", Now: func() time.Time { return time.Now().Add(h.later) },
		LIFF: linefake.LIFF{ID: "2000000001-Abcd1234", Channel: "2000000001"}}))
	platform := httptest.NewServer(h.line)
	t.Cleanup(func() { platform.Close(); h.line.Close() })
	h.shop = h.open(conversation.AccountForm{Channel: channel.LINE, Name: "Rosée", CounterID: h.Counter, Secret: "s", Token: "t",
		APIBase: platform.URL, DataBase: platform.URL,
		LIFF: &conversation.LIFF{ID: "2000000001-Abcd1234", LoginChannel: "2000000001", SDK: "http://127.0.0.1:9999/liff/sdk.js"}})
	h.card = h.cardOf(h.shop, h.Advisor)
	h.customer = h.line.Person("", "林怡君")
	return h
}

func (c *chatHouse) cardOf(a conversation.Account, advisor string) (card conversation.Card) {
	c.t.Helper()
	c.write(func(tx *db.Tx) (err error) {
		card, err = c.Desk.SaveCard(tx, staff.System(), conversation.CardForm{AccountID: a.ID, CounterID: c.Counter, AdvisorID: advisor})
		return err
	})
	return card
}

// posts sends JSON to the page's door and reads the answer.
func (h *liffHouse) posts(path string, body any, header ...string) (int, map[string]any) {
	h.t.Helper()
	r := httptest.NewRequest(http.MethodPost, "http://counter.test/liff/"+h.shop.ID+path, strings.NewReader(string(must(json.Marshal(body)))))
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	var out map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil {
		h.t.Fatalf("%s: %d %s", path, w.Code, w.Body)
	}
	return w.Code, out
}

func code(answer map[string]any) string {
	e, _ := answer["error"].(map[string]any)
	return fmt.Sprint(e["code"])
}

// rows counts what is known of customers.
func (c *chatHouse) rows() (n int) {
	c.t.Helper()
	err := c.DB.Read(c.t.Context(), func(tx *db.Tx) error {
		return tx.QueryRow(`SELECT (SELECT COUNT(*) FROM customer) + (SELECT COUNT(*) FROM thread) + (SELECT COUNT(*) FROM binding) + (SELECT COUNT(*) FROM card_visit)`).Scan(&n)
	})
	if err != nil {
		c.t.Fatal(err)
	}
	return n
}

// boundTo is her advisor at a counter by what the platform calls her.
func (c *chatHouse) boundTo(a conversation.Account, external string) (advisor string) {
	c.t.Helper()
	err := c.DB.Read(c.t.Context(), func(tx *db.Tx) (err error) {
		advisor, err = c.advisorOf(tx, caller{a, channel.Peer{ID: external}}, c.Counter)
		return err
	})
	if err != nil {
		c.t.Fatal(err)
	}
	return advisor
}

func TestLIFFPage(t *testing.T) {
	h := newLIFFHouse(t)
	b := newBrowser(t, h)
	got := b.get("/liff/" + h.shop.ID)
	want(t, got, http.StatusOK, `data-liff-id="2000000001-Abcd1234"`, `<script src="http://127.0.0.1:9999/liff/sdk.js" defer>`, "Connect", "Not now", "What happens when you connect")
	csp := got.Header().Get("Content-Security-Policy")
	if !strings.Contains(csp, "script-src 'self' http://127.0.0.1:9999;") || !strings.HasSuffix(csp, "frame-ancestors http://127.0.0.1:9999") || strings.Contains(csp, "unsafe") {
		t.Errorf("policy %q", csp)
	}
	if got.Header().Get("X-Frame-Options") != "" {
		t.Error("the stand-in cannot frame the page")
	}
	h.shop = h.open(conversation.AccountForm{ID: h.shop.ID, Name: "Rosée", CounterID: h.Counter, APIBase: h.shop.APIBase,
		LIFF: &conversation.LIFF{ID: "2000000001-Abcd1234", LoginChannel: "2000000001"}})
	got = b.get("/liff/" + h.shop.ID)
	want(t, got, http.StatusOK, `<script src="https://static.line-scdn.net/liff/edge/2/sdk.js" defer>`)
	csp = got.Header().Get("Content-Security-Policy")
	if !strings.Contains(csp, "script-src 'self' https://static.line-scdn.net;") || !strings.HasSuffix(csp, "frame-ancestors 'none'") || got.Header().Get("X-Frame-Options") != "DENY" {
		t.Errorf("LINE's own page: %q, %q", csp, got.Header().Get("X-Frame-Options"))
	}
	want(t, b.get("/liff/"+h.account.ID), http.StatusNotFound) // a web chat
	want(t, b.get("/liff/acc_none"), http.StatusNotFound)
	for sdk, origin := range map[string]string{"https://a.example/x/sdk.js": "https://a.example", "https://a;script-src *": "", "javascript:x": "", "": "", "http://[::1]:80/x": "http://[::1]"} {
		if got := originOf(sdk); got != origin {
			t.Errorf("%q: %q", sdk, got)
		}
	}
}

func TestACardAsksInsideLINE(t *testing.T) {
	h := newLIFFHouse(t)
	token := h.line.IDToken(h.customer)
	before := h.rows()
	status, asked := h.posts("/scan", map[string]string{"token": token, "card": strings.ToLower(h.card.Code)})
	if status != http.StatusOK || asked["advisor"] != "Mei" || asked["bound"] != false || asked["ticket"] == "" || !strings.Contains(fmt.Sprint(asked["counter"]), "Rosée") {
		t.Fatalf("%d %v", status, asked)
	}
	if status, said := h.posts("/answer", map[string]any{"ticket": asked["ticket"], "yes": false}); status != http.StatusOK || said["bound"] != false {
		t.Errorf("no: %d %v", status, said)
	}
	if h.rows() != before {
		t.Error("something is kept of a stranger who said no")
	}
	for range 2 { // the second time changes nothing
		if status, said := h.posts("/answer", map[string]any{"ticket": asked["ticket"], "yes": true}); status != http.StatusOK || said["bound"] != true || said["advisor"] != "Mei" {
			t.Errorf("yes: %d %v", status, said)
		}
	}
	if got := h.boundTo(h.shop, h.customer); got != h.Advisor {
		t.Errorf("bound to %q", got)
	}
	if _, again := h.posts("/scan", map[string]string{"token": token, "card": h.card.Code}); again["bound"] != true {
		t.Errorf("scanning again: %v", again)
	}
	// Another advisor's card says whose she is so far.
	colleague := h.colleague("Yun")
	if _, other := h.posts("/scan", map[string]string{"token": token, "card": h.cardOf(h.shop, colleague).Code}); other["bound"] != false || other["now"] != "Mei" {
		t.Errorf("another card: %v", other)
	}
}

// colleague is one more advisor at the counter.
func (c *chatHouse) colleague(name string) (id string) {
	c.t.Helper()
	c.write(func(tx *db.Tx) error {
		p, err := staff.SaveStaff(tx, staff.System(), staff.StaffForm{Name: name, Email: name + "@group.test", Role: staff.Advisor, Counters: []string{c.Counter},
			Shown: &staff.Shown{Languages: []string{"zh-Hant", "en"}, Specialities: "<b>perfume</b>"}})
		id = p.ID
		return err
	})
	return id
}

func TestLIFFRefuses(t *testing.T) {
	h := newLIFFHouse(t)
	good := h.line.IDToken(h.customer)
	parts := strings.Split(good, ".")
	other := must(linefake.New(linefake.Options{LIFF: linefake.LIFF{Channel: "2000000001"}}))
	t.Cleanup(func() { other.Close() })
	foreignCard := h.cardOf(h.account, h.Advisor) // of the web chat
	ended := h.cardOf(h.shop, "")
	h.write(func(tx *db.Tx) error { return h.Desk.EndCard(tx, staff.System(), ended.ID) })
	wrongChannel := must(linefake.New(linefake.Options{Secret: "s", LIFF: linefake.LIFF{Channel: "2000000009"}}))
	t.Cleanup(func() { wrongChannel.Close() })
	wrongChannel.Person(h.customer, "x")
	before := h.rows()
	type m = map[string]any
	for name, x := range map[string]struct {
		path   string
		body   m
		status int
		code   string
		header []string
	}{
		"forged signature": {"/scan", m{"token": parts[0] + "." + parts[1] + ".AAAA", "card": h.card.Code}, 401, "liff_token", nil},
		"another platform": {"/scan", m{"token": other.IDToken(other.Person("", "Eve")), "card": h.card.Code}, 401, "liff_token", nil},
		"another channel":  {"/scan", m{"token": wrongChannel.IDToken(h.customer), "card": h.card.Code}, 401, "liff_channel", nil},
		"no token":         {"/scan", m{"card": h.card.Code}, 401, "liff_token", nil},
		"a profile":        {"/scan", m{"userId": h.customer, "card": h.card.Code}, 401, "liff_token", nil},
		"endless token":    {"/scan", m{"token": strings.Repeat("x", 5000), "card": h.card.Code}, 401, "liff_token", nil},
		"endless body":     {"/scan", m{"token": strings.Repeat("x", ticketBody), "card": h.card.Code}, 413, "too_large", nil},
		"unknown card":     {"/scan", m{"token": good, "card": "ZZZZZZ"}, 404, "liff_card", nil},
		"ended card":       {"/scan", m{"token": good, "card": ended.Code}, 404, "liff_card", nil},
		"card elsewhere":   {"/scan", m{"token": good, "card": foreignCard.Code}, 404, "liff_card", nil},
		"hostile card":     {"/scan", m{"token": good, "card": strings.Repeat("<'\";--", 900)}, 404, "liff_card", nil},
		"no card":          {"/scan", m{"token": good}, 404, "liff_card", nil},
		"wrong types":      {"/scan", m{"token": 1, "card": m{}}, 400, "malformed", nil},
		"no ticket":        {"/answer", m{"yes": true}, 401, "liff_ticket", nil},
		"forged ticket":    {"/answer", m{"ticket": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "yes": true}, 401, "liff_ticket", nil},
		"visitor's token":  {"/answer", m{"ticket": must(h.writePass(pass{Account: h.shop.ID, Visitor: newVisitor()})), "yes": true}, 401, "liff_ticket", nil},
		"ticket elsewhere": {"/answer", m{"ticket": must(h.ticket(liffTicket{Account: h.account.ID, User: h.customer, Card: h.card.Code})), "yes": true}, 401, "liff_ticket", nil},
		"no such counter":  {"/answer", m{"ticket": must(h.ticket(liffTicket{Account: h.shop.ID, User: h.customer})), "counter": h.OtherCounter, "yes": true}, 422, "counter.unknown", nil},
		"no such advisor":  {"/answer", m{"ticket": must(h.ticket(liffTicket{Account: h.shop.ID, User: h.customer})), "counter": h.Counter, "advisor": h.Other, "yes": true}, 422, "advisor.not_at_counter", nil},
		"a form":           {"/scan", m{"token": good}, 415, "malformed", []string{"Content-Type", "text/plain"}},
		"choose, forged":   {"/choose", m{"token": "x.y.z"}, 401, "liff_token", nil},
	} {
		t.Run(name, func(t *testing.T) {
			h.chat.mu.Lock()
			h.chat.buckets = nil // this is about what is asked, not how often
			h.chat.mu.Unlock()
			status, said := h.posts(x.path, x.body, x.header...)
			if status != x.status || code(said) != x.code {
				t.Errorf("%d %v, want %d %s", status, said, x.status, x.code)
			}
			if e, _ := said["error"].(map[string]any); fmt.Sprint(e["message"]) == "" || strings.Contains(fmt.Sprint(e["message"]), "liff.") {
				t.Errorf("no sentence: %v", said)
			}
		})
	}
	for _, from := range []string{"cross-site", "same-site"} { // refused before the page's own door
		r := httptest.NewRequest(http.MethodPost, "http://counter.test/liff/"+h.shop.ID+"/scan", strings.NewReader("{}"))
		r.Header.Set("Sec-Fetch-Site", from)
		r.Header.Set("Origin", "https://evil.test")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		want(t, w, http.StatusForbidden)
	}
	h.chat.mu.Lock()
	h.chat.buckets = nil
	h.chat.mu.Unlock()
	h.later = 2 * time.Hour // the platform's clock has gone on: the token is too old
	if status, said := h.posts("/scan", map[string]string{"token": good, "card": h.card.Code}); status != 401 || code(said) != "liff_expired" {
		t.Errorf("an old token: %d %v", status, said)
	}
	h.later = 0
	old := h.Desk.Vault.Sign(ticketLabel, must(json.Marshal(liffTicket{Account: h.shop.ID, User: h.customer, Card: h.card.Code})), h.DB.Now().Add(-time.Second))
	if status, said := h.posts("/answer", map[string]any{"ticket": old, "yes": true}); status != 401 || code(said) != "liff_ticket" {
		t.Errorf("an old ticket: %d %v", status, said)
	}
	for range 2 {
		for i := 0; i < int(addressStarts.burst)+1; i++ {
			if status, _ := h.posts("/answer", map[string]any{}); status == http.StatusTooManyRequests {
				if h.rows() != before {
					t.Error("something was stored")
				}
				return
			}
		}
	}
	t.Error("nobody is told to slow down")
}

func TestChoosingInsideLINE(t *testing.T) {
	h := newLIFFHouse(t)
	yun := h.colleague("Yun")
	status, list := h.posts("/choose", map[string]string{"token": h.line.IDToken(h.customer)})
	raw := string(must(json.Marshal(list["counters"])))
	if status != http.StatusOK || !strings.Contains(raw, yun) || !strings.Contains(raw, `"languages":["zh-Hant","en"]`) || strings.Contains(raw, h.Other) {
		t.Fatalf("%d %s", status, raw)
	}
	if strings.Contains(raw, "@") {
		t.Error("a customer reads e-mail addresses")
	}
	for _, chosen := range []string{yun, h.Advisor, ""} {
		status, said := h.posts("/answer", map[string]any{"ticket": list["ticket"], "counter": h.Counter, "advisor": chosen, "yes": true})
		if status != http.StatusOK || said["bound"] != true {
			t.Fatalf("%q: %d %v", chosen, status, said)
		}
		if chosen != "" && h.boundTo(h.shop, h.customer) != chosen {
			t.Errorf("bound to %s", h.boundTo(h.shop, h.customer))
		}
	}
}

func TestCardsInTheChat(t *testing.T) {
	h := newLIFFHouse(t)
	card := h.cardOf(h.account, h.Advisor)
	yun := h.colleague("Yun")
	v := h.visits("")
	before := h.rows()
	var asked invitation
	v.want(http.StatusOK, &asked, "GET", "/card?code="+card.Code, nil)
	if asked.Advisor != "Mei" || asked.Bound {
		t.Errorf("asked %+v", asked)
	}
	v.want(http.StatusOK, nil, "POST", "/card", map[string]any{"code": card.Code, "yes": false})
	if h.rows() != before {
		t.Error("something is kept of a visitor who said no")
	}
	v.want(http.StatusOK, &asked, "POST", "/card", map[string]any{"code": card.Code, "yes": true})
	if !asked.Bound || h.boundTo(h.account, v.Visitor) != h.Advisor {
		t.Errorf("after yes: %+v", asked)
	}
	var list struct{ Counters []counterList }
	v.want(http.StatusOK, &list, "GET", "/advisors", nil)
	if len(list.Counters) != 1 || !list.Counters[0].Advisors[0].Mine && !list.Counters[0].Advisors[1].Mine {
		t.Errorf("list %+v", list)
	}
	v.want(http.StatusOK, &asked, "POST", "/advisors", map[string]string{"counter": h.Counter, "advisor": yun})
	if asked.Advisor != "Yun" || h.boundTo(h.account, v.Visitor) != yun {
		t.Errorf("chosen: %+v", asked)
	}
	v.says("hello") // goes on in the thread that the choice opened
	for name, x := range map[string]struct {
		method, path string
		body         any
		status       int
	}{
		"unknown card":    {"GET", "/card?code=ZZZZZZ", nil, 404},
		"another account": {"GET", "/card?code=" + h.card.Code, nil, 404},
		"hostile code":    {"GET", "/card?code=%3Cscript%3E", nil, 404},
		"answer unknown":  {"POST", "/card", map[string]any{"code": "ZZZZZZ", "yes": true}, 404},
		"wrong counter":   {"POST", "/advisors", map[string]string{"counter": h.OtherCounter}, 422},
		"wrong advisor":   {"POST", "/advisors", map[string]string{"counter": h.Counter, "advisor": h.Other}, 422},
		"endless":         {"POST", "/advisors", map[string]string{"counter": strings.Repeat("x", 2000)}, 413},
		"nonsense":        {"POST", "/card", "{", 400},
	} {
		t.Run(name, func(t *testing.T) { v.want(x.status, nil, x.method, x.path, x.body) })
	}
	v.Token = "forged"
	v.want(http.StatusUnauthorized, nil, "POST", "/card", map[string]any{"code": card.Code, "yes": true})
}
