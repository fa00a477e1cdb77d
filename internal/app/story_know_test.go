package app

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"dingdong/internal/channel"
	"dingdong/internal/channel/line/linefake"
	"dingdong/internal/conversation"
	"dingdong/internal/db"
	"dingdong/internal/staff"

	"github.com/chromedp/chromedp"
)

// theLIFF is the page inside LINE of the account that has one.
var theLIFF = conversation.LIFF{ID: "2000000001-Rosee001", LoginChannel: "2000000001"}

// provable is an id as LINE's own: the house takes no other from an id token.
const provable = "U4af4980629f6d4b2a1c8b6a0d1e2f3a4"

// cards gives the counter a LINE account whose cards lie on the phones' tables: with a
// page inside LINE, or with a code to type. The house then speaks through this one.
func (h *home) cards(liff conversation.LIFF) conversation.Card {
	h.t.Helper()
	form := conversation.AccountForm{Channel: channel.LINE, Name: "Rosée on LINE", CounterID: h.counter, Secret: lineSecret, Token: lineToken}
	save := func() {
		h.write(func(tx *db.Tx) error {
			a, err := h.Desk.SaveAccount(tx, staff.System(), form)
			h.account, form.ID = a, a.ID
			return err
		})
	}
	save()
	o := linefake.Options{Cards: h.lying}
	if liff.ID != "" {
		// To a browser localhost is another site than the phone's 127.0.0.1, as it is in LINE.
		page := strings.Replace(h.url, "127.0.0.1", "localhost", 1) + "/liff/" + h.account.ID
		o.LIFF = linefake.LIFF{ID: liff.ID, Channel: liff.LoginChannel, Page: page}
	}
	h.phone = newPlatform(h.t, o)
	form.APIBase, form.DataBase = platformURL(h.phone), platformURL(h.phone)
	if liff.ID != "" {
		liff.SDK = form.APIBase + "/liff/sdk.js"
		form.LIFF = &liff
	}
	save()
	if _, err := h.Desk.CheckAccount(h.t.Context(), h.account.ID); err != nil {
		h.t.Fatal(err)
	}
	h.phone.SetWebhook(h.url+h.account.WebhookPath(), true)
	var card conversation.Card
	h.write(func(tx *db.Tx) (err error) {
		card, err = h.Desk.SaveCard(tx, staff.System(), conversation.CardForm{AccountID: h.account.ID, CounterID: h.counter, AdvisorID: h.advisor})
		return err
	})
	return card
}

// lying are the cards at the counter.
func (h *home) lying() []linefake.Card {
	var out []linefake.Card
	err := h.DB.Read(context.Background(), func(tx *db.Tx) error {
		out = nil
		all, err := h.Desk.Cards(tx, staff.System())
		if err != nil {
			return err
		}
		for _, c := range all {
			a, err := h.Desk.AccountByID(tx, c.AccountID)
			if err != nil {
				return err
			}
			names, err := staff.StaffNames(tx, []string{c.AdvisorID})
			if err != nil {
				return err
			}
			out = append(out, linefake.Card{Name: names[c.AdvisorID], Link: h.Desk.CardLink(c, a)})
		}
		return nil
	})
	if err != nil {
		h.t.Error(err)
	}
	return out
}

// phoneOf is her phone in her hands.
func (h *home) phoneOf(c *chromium, user, who string) *tab {
	h.t.Helper()
	p := c.person(h.t, platformURL(h.phone), who).wide()
	p.pardon("/the-account.png") // no picture stands there
	p.open("/phone/#" + user)
	p.shows(`.person[aria-current]`, who)
	return p
}

// scan holds her phone over the card of an advisor.
func (p *tab) scan(whose string) {
	p.t.Helper()
	p.click(`[data-tray="more"]`, "")
	p.click(".tile", "Scan a card")
	p.click(".lying", whose)
}

// sends writes a message on her phone.
func (p *tab) sends(text string) {
	p.t.Helper()
	p.write("#text", text)
	p.press("\r")
}

// tap touches something inside a frame of the page, where it stands on the screen.
func (p *tab) tap(frame *tab, selector, text string) {
	p.t.Helper()
	var before, at []float64
	eventuallyIn(p.t, patience, func() string {
		in, err := look[[]float64](frame, js(spot, selector, text))
		if err != nil || in == nil {
			return fmt.Sprintf("%s can not touch %s with %q (%v)", p.who, selector, text, err)
		}
		around, err := look[[]float64](p, `(() => { const box = document.querySelector("dialog[open] iframe").getBoundingClientRect(); return [box.x, box.y]; })()`)
		if err != nil {
			return err.Error()
		}
		at = []float64{in[0] + around[0], in[1] + around[1]}
		still := slices.Equal(at, before)
		before = slices.Clone(at)
		if !still {
			return selector + " moves"
		}
		return ""
	})
	p.do(chromedp.MouseClickXY(at[0], at[1]))
}

// She scans her advisor's card, is hers, says what she likes, and the card learns it.
func sheScansACardAndIsKnown(t *testing.T, c *chromium) {
	h := newHouse(t)
	h.cards(theLIFF)
	h.write(func(tx *db.Tx) error {
		_, err := h.Desk.SaveReply(tx, staff.System(), conversation.Reply{CounterID: h.counter, Title: "Low-irritation range",
			Text: "Our unscented lotion, {customer}.", Tag: "concern:sensitive"})
		return err
	})
	hana := h.console(c, h.hire("Hana", staff.Advisor, h.counter), "Hana")
	hana.open("/inbox?box=mine")
	hana.shows(".empty", "")
	mei := h.console(c, h.advisor, "Mei")
	mei.open("/inbox?box=mine")
	mei.shows(".empty", "")

	// The card asks, and says what for, before anything follows.
	phone := h.phoneOf(c, h.friend(provable, "林怡君"), "林怡君")
	phone.scan("Mei")
	page := phone.frame(h.phone.Options().LIFF.Page)
	page.shows(`[data-view="ask"] #who`, "Mei")
	page.shows(`[data-view="ask"] .uses`, "It is used only to advise you.")
	if n := h.count("binding"); n != 0 {
		t.Errorf("she has not answered, and %d bindings are there", n)
	}
	phone.tap(page, "#yes", "Connect")
	page.shows(`[data-view="done"]`, "From now on your messages reach her first.")
	phone.tap(page, `[data-view="done"] [data-chat]`, "Open the chat")
	phone.hides("dialog.sheet", "")

	mei.shows(".thread-row", "林怡君")
	mei.click(".thread-row", "林怡君")
	mei.shows("#stream .event", "林怡君 came with the card of Mei")
	mei.shows("#card-advisor", "Mei")
	mei.shows("#card-advisor", "By her card")
	if rows := hana.texts(".thread-row"); len(rows) != 0 {
		t.Errorf("Mei's customer stands among Hana's: %q", rows)
	}

	// What she says becomes tags while Mei looks on, each with its reason.
	read[bool](mei, `window.sameDocument = true`)
	mei.shows("#card-tags", "Nothing yet.")
	phone.sends("我是敏感肌,想找淡一點的香水")
	mei.shows("#stream .message-in", "我是敏感肌,想找淡一點的香水")
	for _, tag := range []string{"sensitive skin", "perfume", "light"} {
		mei.shows("#card-tags .tag summary", tag)
	}
	for _, words := range []string{"敏感肌", "淡一點的香水"} {
		mei.shows("#stream .message-in mark", words)
	}
	mei.shows("#stream .heard", "sensitive skin")
	mei.shows("#offers .offer", "Low-irritation range")
	mei.click("#card-tags .tag summary", "sensitive skin")
	mei.shows(".tag-why blockquote", "我是敏感肌")
	mei.shows(".tag-why", "said in chat")
	mei.shows(".tag-why", "Recognised by the words for")

	// Under her words, too, one tap undoes it.
	mei.click(`#stream .heard [aria-label="Not right, undo “light scents”"]`, "")
	mei.hides("#card-tags .tag summary", "light")
	mei.hides("#stream .heard", "light")
	mei.shows("#stream .heard", "sensitive skin")

	// One was wrong. She takes it away with one tap, and it stays away.
	mei.click("#card-tags .tag summary", "perfume")
	mei.hides(".tag[open] summary", "sensitive skin") // one reason at a time
	mei.click(".tag[open] .tag-why button", "Not right, undo")
	mei.shows("#card-tags .undone", "“perfume” is gone.")
	mei.hides("#card-tags .tag summary", "perfume")
	mei.hides("#stream .message-in mark", "香水")
	mei.shows("#stream .message-in mark", "敏感肌")
	phone.sends("真的想找香水,有玫瑰味的嗎")
	mei.shows("#card-tags .tag summary", "rose")
	h.quiet()
	if !read[bool](mei, `window.sameDocument`) {
		t.Error("the page was loaded again in between")
	}
	mei.reload()
	mei.shows("#card-tags .tag summary", "rose")
	mei.shows("#card-tags .tag summary", "sensitive skin")
	if tags := mei.texts("#card-tags .tag summary"); slices.Contains(tags, "perfume") {
		t.Errorf("what Mei undid came back: %q", tags)
	}
}

// Without a page inside LINE the card's code is typed in the chat. No advisor reads it.
func theCodeOfACardStaysOutside(t *testing.T, c *chromium) {
	h := newHouse(t)
	card := h.cards(conversation.LIFF{})
	mei := h.console(c, h.advisor, "Mei")
	mei.open("/inbox?box=all")
	mei.shows(".empty", "")
	noCode := func() {
		t.Helper()
		if read[bool](mei, js(`(code) => document.documentElement.outerHTML.toUpperCase().includes(code)`, card.Code)) {
			t.Errorf("the code %s is on Mei's page: %s", card.Code, read[string](mei, `document.body.innerText`))
		}
	}

	phone := h.phoneOf(c, h.friend("U1", "林怡君"), "林怡君")
	phone.scan("Mei")
	phone.until("the code in the composer", js(`(code) => document.getElementById("text").value.includes(code)`, card.Code))
	phone.press("\r")
	phone.shows("#log", "擔任您的專屬顧問嗎")
	mei.shows(".thread-row", "林怡君")
	mei.click(".thread-row", "林怡君")
	mei.shows("#stream .event", "林怡君 scanned the card of Mei and is asked to agree")
	mei.shows("#card-advisor", "No advisor of her own")
	noCode()

	phone.click(".choice", "好，我願意")
	phone.shows("#log", "今後將為您專屬服務")
	mei.shows("#card-advisor", "By her")
	noCode()

	// Somebody else writes words of her own beside the code: they arrive, the code does not.
	other := h.phoneOf(c, h.friend("U2", "陳雅婷"), "陳雅婷")
	other.scan("Mei")
	other.until("the code in the composer", js(`(code) => document.getElementById("text").value.includes(code)`, card.Code))
	other.insert(" 想看新的口紅")
	other.press("\r")
	mei.shows(".thread-row", "陳雅婷")
	other.shows("#log", "擔任您的專屬顧問嗎")
	// Mei reads it while the other's finger is on the answer: the tap counts all the same.
	other.holds(".choice", "不用，謝謝", func() {
		mei.click(".thread-row", "陳雅婷")
		mei.shows("#stream .message-in", "想看新的口紅")
		noCode()
		other.shows(".mine .meta", "Read")
	})
	other.shows("#log", "一切照舊")
	if n := h.count("binding"); n != 1 {
		t.Errorf("%d bindings, and one of the two said yes", n)
	}
	mei.reload()
	mei.shows("#stream .message-in", "想看新的口紅")
	noCode()
}
