package web

import (
	"encoding/xml"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"dingdong/internal/conversation"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

func TestCardsAreMadePrintedAndEnded(t *testing.T) {
	c := newChatHouse(t)
	manager, advisor, stranger := c.as(t, c.Manager), c.as(t, c.Advisor), c.as(t, c.Other)
	want(t, manager.get("/admin/cards"), http.StatusOK, "Rosée 線上", "Not made yet", "Mei", "asks first")
	form := url.Values{"account": {c.account.ID}, "counter": {c.Counter}, "advisor": {c.Advisor}, "back": {"/me/cards"}}
	wantRedirect(t, advisor.post("/cards", form), "/me/cards")
	wantRedirect(t, advisor.post("/cards", form), "/me/cards") // the same card, not a second
	var all []conversation.Card
	c.write(func(tx *db.Tx) (err error) {
		all, err = c.Desk.Cards(tx, staff.System())
		return err
	})
	if len(all) != 1 {
		t.Fatalf("%d cards", len(all))
	}
	card := all[0]
	link := c.Desk.CardLink(card, c.account)
	want(t, advisor.get("/me/cards"), http.StatusOK, card.Code, `data-copy="`+strings.ReplaceAll(link, "&", "&amp;")+`"`, "/cards/"+card.ID+"/print")
	picture := advisor.get("/cards/" + card.ID + ".svg")
	want(t, picture, http.StatusOK, "Mei", card.Code, "您的專屬顧問", "資料只用來為您提供諮詢") // the store's language, not the reader's
	if kind := picture.Header().Get("Content-Type"); kind != "image/svg+xml; charset=utf-8" {
		t.Errorf("served as %q", kind)
	}
	if err := xml.Unmarshal(picture.Body.Bytes(), new(struct{})); err != nil {
		t.Errorf("not well-formed: %v", err)
	}
	want(t, advisor.get("/cards/"+card.ID+"/print"), http.StatusOK, `<img src="/cards/`+card.ID+`.svg"`, "105 × 148")
	css := must(c.assets.url("print.css"))
	want(t, advisor.get(css), http.StatusOK, "@page { size: 105mm 148mm; margin: 0; }")
	for name, got := range map[string]int{
		"picture without its ending": advisor.get("/cards/" + card.ID).Code,
		"picture of another counter": stranger.get("/cards/" + card.ID + ".svg").Code,
		"sheet of another counter":   stranger.get("/cards/" + card.ID + "/print").Code,
		"ending another counter's":   stranger.post("/cards/"+card.ID+"/end", nil).Code,
		"a card that never was":      manager.get("/cards/crd_none.svg").Code,
		"ending what never was":      manager.post("/cards/crd_none/end", nil).Code,
	} {
		if got != http.StatusNotFound {
			t.Errorf("%s: %d", name, got)
		}
	}
	for name, x := range map[string]struct {
		form url.Values
		b    *browser
		code int
	}{
		"a colleague's card":   {url.Values{"account": {c.account.ID}, "counter": {c.Counter}, "advisor": {c.Manager}}, advisor, 403},
		"another counter":      {url.Values{"account": {c.account.ID}, "counter": {c.OtherCounter}}, manager, 422},
		"a stranger's counter": {url.Values{"account": {c.account.ID}, "counter": {c.Counter}}, stranger, 422},
		"no such account":      {url.Values{"account": {"acc_x"}, "counter": {c.Counter}}, manager, 422},
		"not at the counter":   {url.Values{"account": {c.account.ID}, "counter": {c.Counter}, "advisor": {c.Other}}, manager, 422},
		"over-long":            {url.Values{"account": {strings.Repeat("x", 5000)}, "counter": {strings.Repeat("y", 5000)}}, manager, 422},
		"nothing":              {nil, manager, 422},
	} {
		if got := x.b.post("/cards", x.form); got.Code != x.code {
			t.Errorf("%s: %d, want %d", name, got.Code, x.code)
		}
	}
	away := url.Values{"account": {c.account.ID}, "counter": {c.Counter}, "back": {"//evil.test/"}}
	wantRedirect(t, manager.post("/cards", away), "/me/cards")
	wantRedirect(t, manager.post("/cards/"+card.ID+"/end", nil), "/admin/cards")
	want(t, advisor.get("/cards/"+card.ID+".svg"), http.StatusNotFound)
	want(t, manager.get("/admin/cards?q=nobody-is-called-so"), http.StatusOK, "No cards here")
}

func TestCardSpeaksTheStoresLanguage(t *testing.T) {
	c := newChatHouse(t)
	for zone, want := range map[string]string{"Asia/Taipei": "zh-TW", "Asia/Singapore": "en", "": "en"} {
		if got := c.storeWords(zone).Tag; got != want {
			t.Errorf("%q: %s, want %s", zone, got, want)
		}
	}
}
