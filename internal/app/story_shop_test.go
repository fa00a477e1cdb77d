package app

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"dingdong/internal/channel"
	"dingdong/internal/conversation"
	"dingdong/internal/db"
	"dingdong/internal/staff"

	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
)

// shop is somebody else's site, with the chat's one line on its page and a strict
// policy of its own. It is called localhost: to a browser that is another site
// than the house on 127.0.0.1, so nothing is shared between them.
func shop(t *testing.T, house, account string) (origin string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", fmt.Sprintf("default-src 'none'; script-src %[1]s; frame-src %[1]s", house))
		fmt.Fprintf(w, `<!doctype html><html lang="en"><title>A shop</title><h1>Lipsticks</h1><button data-dingdong-open>Ask us</button>
			<script src="%s/chat/%s/widget.js" async></script>`, house, account)
	}))
	t.Cleanup(server.Close)
	return strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
}

// webChat makes an account that these sites may embed.
func (h *home) webChat(id string, origins ...string) string {
	h.t.Helper()
	h.write(func(tx *db.Tx) error {
		a, err := h.Desk.SaveAccount(tx, staff.System(), conversation.AccountForm{ID: id, Channel: channel.WebChat, Name: "Rosée online",
			CounterID: h.counter, Origins: origins, Greeting: "How can we help?"})
		id = a.ID
		return err
	})
	return id
}

// frame is the chat inside the shop's page. Another site's frame is a process of
// its own; keys are pressed in the tab around it.
func (p *tab) frame(address string) *tab {
	p.t.Helper()
	var id target.ID
	eventuallyIn(p.t, patience, func() string {
		all, err := chromedp.Targets(p.ctx)
		if err != nil {
			return err.Error()
		}
		for _, one := range all {
			if one.Type == "iframe" && strings.HasPrefix(one.URL, address) {
				id = one.TargetID
				return ""
			}
		}
		return p.who + " sees no frame of " + address
	})
	return newTab(p.t, p.ctx, &tab{who: p.who + " (chat)", base: p.base}, chromedp.WithTargetID(id))
}

// A visitor of a shop's page asks, is answered, and finds it all when she returns.
func aVisitorOfTheShopIsAnswered(t *testing.T, c *chromium) {
	h := newHouse(t)
	account := h.webChat("")
	origin := shop(t, h.url, account)
	h.webChat(account, origin)
	mei := h.console(c, h.advisor, "Mei")
	mei.open("/inbox?box=all")
	mei.shows(".empty", "")

	visitor := c.person(t, origin, "the visitor").wide()
	visitor.open("/")
	visitor.click("button", "Ask us")
	chat := visitor.frame(h.url + "/chat/" + account)
	chat.shows(".welcome", "How can we help?")
	chat.until("the cursor in the composer", `document.activeElement.matches("textarea")`)
	visitor.insert("Do you have shade 32?")
	visitor.press("\r")
	chat.shows(".row.visitor", "Do you have shade 32?")

	mei.shows(".thread-row", "Do you have shade 32?")
	mei.until("a ding", `window.dings === 1`)
	mei.click(".thread-row", "")
	mei.shows(".message-in", "Do you have shade 32?")
	visitor.insert("Or 33")
	mei.shows("#presence", "She is typing…")
	mei.write("#text", "Yes, both.")
	chat.shows(".typing", "Mei is typing…")
	mei.press("\r")
	chat.shows(".row.advisor", "Yes, both.")
	chat.hides(".typing", "Mei is typing…")
	chat.shows(".row.advisor .author", "Mei")

	visitor.reload()
	chat = visitor.frame(h.url + "/chat/" + account)
	chat.shows(".row.visitor", "Do you have shade 32?")
	chat.shows(".row.advisor", "Yes, both.")
	if n := h.count("customer"); n != 1 {
		t.Errorf("coming back she is somebody else: %d customers", n)
	}

	stranger := c.person(t, h.url, "somebody else")
	stranger.open("/chat/" + account)
	stranger.shows(".welcome", "How can we help?")
	if rows := stranger.texts(".row"); len(rows) != 0 {
		t.Errorf("somebody else reads %q", rows)
	}
}

// A site that the account does not name cannot show the chat.
func aSiteThatIsNotNamedCannotShowIt(t *testing.T, c *chromium) {
	h := newHouse(t)
	account := h.webChat("", "https://another.example")
	visitor := c.person(t, shop(t, h.url, account), "the visitor").wide()
	visitor.pardon("frame-ancestors", "status of 403")
	visitor.open("/")
	visitor.click("button", "Ask us")
	eventuallyIn(t, patience, func() string {
		if visitor.heard("frame-ancestors") || visitor.heard("status of 403") {
			return ""
		}
		return "the browser does not say that it refuses"
	})
	eventuallyIn(t, patience, func() string { // until it has refused, the frame bears the address it goes to
		if strings.Contains(h.log.String(), `route="GET /chat/{account}" status=403`) { // it goes on bearing it, over a page that says no
			return ""
		}
		all, err := chromedp.Targets(visitor.ctx)
		must(t, err)
		for _, one := range all {
			if strings.Contains(one.URL, account) {
				return fmt.Sprintf("it is shown: %+v", one)
			}
		}
		return ""
	})
	if n := read[int](visitor, `localStorage.length`); n != 0 {
		t.Error("the shop was given a token")
	}
	if strings.Contains(h.log.String(), `route="GET /chat/{account}" status=200`) {
		t.Error("the house gave the page away")
	}
}
