package app

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"dingdong/internal/channel/line/linefake"
	"dingdong/internal/conversation"
	"dingdong/internal/db"
	"dingdong/internal/staff"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/chromedp"
)

// What customers call themselves, and write, to see what happens.
const (
	hostileName = `<img src=x onerror="document.title='got you'"><b>Eve</b>`
	hostileText = `<script>document.title="got you"</script> & <a href="javascript:document.title='got you'">tap</a> {{.}}`
	arabic      = "مرحبا، هل لديكم أحمر شفاه رقم ٣٢؟ \u202eevil"
)

var longWord = strings.Repeat("Donaudampfschiff", 40)

// What customers write is text and nothing else, however long, in any direction.
func hostileWordsAreWords(t *testing.T, c *chromium) {
	h := newHouse(t)
	eve := h.friend("U1", hostileName)
	for _, text := range []string{hostileText, longWord, arabic} {
		h.phone.Text(eve, text)
	}
	long := h.friend("U2", longWord)
	h.phone.Text(long, longWord)
	h.messages(eve, 3)
	h.messages(long, 1)
	h.quiet()
	for _, mei := range []*tab{h.console(c, h.advisor, "Mei at the desk"), h.console(c, h.advisor, "Mei's phone").small()} {
		mei.open("/inbox?box=all")
		mei.shows(".row-name", hostileName)
		mei.fits("/inbox")
		mei.click(".thread-row", hostileName)
		mei.shows(".thread-name", hostileName)
		mei.bubbles(hostileText, longWord, arabic)
		mei.until("the name in the title", js(`(name) => document.title.includes(name)`, hostileName))
		mei.fits("the conversation")
		mei.until("nothing to scroll sideways", `[...document.querySelectorAll("#stream, #list-body")].every((el) => el.scrollWidth <= el.clientWidth)`)
		if n := read[int](mei, `document.querySelectorAll('img[src="x"], #stream script, #stream a[href^="javascript"]').length`); n != 0 {
			t.Errorf("%d pieces of what she wrote became a part of the page", n)
		}
		mei.click("#thread-top .thread-who", "")
		mei.shows("#card h2", hostileName)
		mei.fits("her card")
	}
	// What comes live is drawn by a script.
	mei := h.console(c, h.advisor, "Mei")
	mei.open("/inbox/" + h.thread(eve))
	h.phone.Text(eve, hostileText+" again")
	mei.shows(".message-in", hostileText+" again")
	mei.shows(".thread-row", hostileText+" again")
	if title := read[string](mei, `document.title`); strings.Contains(title, "got you") && !strings.Contains(title, hostileName) {
		t.Errorf("the title says %q", title)
	}
}

// fits fails when the page is wider than the screen, naming what sticks out.
func (p *tab) fits(what string) {
	p.t.Helper()
	wide := read[[]string](p, `(() => {
		const screen = document.documentElement.clientWidth;
		if (document.documentElement.scrollWidth <= screen) return [];
		const out = [...document.querySelectorAll("body *")].filter((el) => el.getBoundingClientRect().right > screen + 1);
		return [document.documentElement.scrollWidth + " of " + screen + " pixels", ...out.slice(0, 8).map((el) => el.tagName + "." + el.className)];
	})()`)
	if len(wide) > 0 {
		p.t.Errorf("%s: %s is too wide: %q", p.who, what, wide)
	}
}

// Every page fits a phone that is 360 pixels wide, in both languages.
func everyPageFitsAPhone(t *testing.T, c *chromium) {
	h := newHouse(t)
	lin := h.friend("U1", "林怡君")
	h.phone.Text(lin, "請問 32 號色還有嗎？")
	thread, account := h.thread(lin), h.webChat("")
	var reply conversation.Reply
	h.write(func(tx *db.Tx) error {
		var err error
		reply, err = h.Desk.SaveReply(tx, staff.System(), conversation.Reply{Title: "Opening hours", Text: "{customer}, we are open from 11 to 21:30 every day."})
		return err
	})
	pages := []string{"/inbox", "/inbox/" + thread, "/inbox?box=all&closed=1", "/more", "/me", "/me/passkeys/new", "/admin", "/admin/sign-in",
		"/admin/replies", "/admin/replies/" + reply.ID, "/admin/failures", "/admin/blocks", "/admin/audit", "/admin/stores", "/admin/stores/new",
		"/admin/counters/" + h.counter, "/admin/staff", "/admin/staff/new", "/admin/accounts", "/admin/accounts/" + h.account.ID,
		"/admin/accounts/" + account, "/admin/tokens/new", "/admin/webhooks/new", "/admin/key", "/find?q=林", "/today", "/me/cards", "/admin/cards", "/admin/attributes", "/admin/tags", "/admin/words",
		"/admin/purposes", "/admin/purposes/marketing", "/admin/contact-rules", "/admin/chat-rules",
		"/admin/words/en", "/admin/words/en/new", "/admin/products", "/admin/products/new", "/admin/arrivals", "/admin/imports", "/admin/handovers", "/admin/handovers/new", "/chat/" + account,
		"/me/shown", "/inbox/" + thread + "/consent", "/again", "/admin/stores/" + h.text(`SELECT store_id FROM counter WHERE id = $1`, h.counter), "/admin/brands/new", "/admin/counters/new", "/admin/accounts/new?channel=line",
		"/admin/accounts/new?channel=webchat", "/admin/attributes/new", "/admin/tags/new", "/admin/replies/new", "/admin/purposes/new", "/admin/tokens", "/admin/webhooks"}
	watched := []string{"/admin/privacy", "/admin/privacy?q=林", "/admin/privacy/keeping", "/admin/privacy/people/" + h.text(`SELECT customer_id FROM thread WHERE id = $1`, thread),
		"/admin/privacy/people/" + h.text(`SELECT customer_id FROM thread WHERE id = $1`, thread) + "/erase", "/admin/alarms", "/admin/exports", "/admin/exports/new", "/admin/audit"}
	ada := h.console(c, h.hire("Ada", staff.Admin, h.counter), "Ada").small()
	officer := h.console(c, h.hire("Pia", staff.Privacy), "Pia").small()
	stranger := c.person(t, h.url, "a stranger").small()
	stranger.pardon("404")
	for _, language := range []string{"en", "zh-TW"} {
		ada.open("/me")
		ada.leaves(func() { ada.click(fmt.Sprintf(".languages button[value=%q]", language), "") })
		ada.until(language, js(`(tag) => document.documentElement.lang === tag`, language))
		for _, address := range pages {
			ada.open(address)
			ada.fits(language + " " + address)
			if strings.HasPrefix(address, "/chat/") || strings.HasSuffix(address, "/consent") {
				continue // they speak the customer's language
			}
			if got := read[string](ada, `document.documentElement.lang + " " + document.documentElement.dir`); got != language+" ltr" {
				t.Errorf("%s says it is %q", address, got)
			}
		}
		officer.open("/me")
		officer.leaves(func() { officer.click(fmt.Sprintf(".languages button[value=%q]", language), "") })
		officer.until(language, js(`(tag) => document.documentElement.lang === tag`, language))
		for _, address := range watched {
			officer.open(address)
			officer.fits(language + " " + address)
		}
		stranger.open("/sign-in")
		stranger.leaves(func() { stranger.click(fmt.Sprintf(".languages button[value=%q]", language), "") })
		stranger.until(language, js(`(tag) => document.documentElement.lang === tag`, language))
		stranger.fits(language + " /sign-in")
		stranger.open("/nothing-here")
		stranger.shows("h1", "")
		stranger.fits(language + " a page that is not there")
	}
}

// Whoever cannot see, or not aim well, can work here.
func everythingHasANameAndASize(t *testing.T, c *chromium) {
	h := newHouse(t)
	h.hire("Ada", staff.Admin)
	h.write(func(tx *db.Tx) error {
		_, err := h.Desk.SaveReply(tx, staff.System(), conversation.Reply{Title: "Opening hours", Text: "We are open from 11 to 21:30."})
		return err
	})
	lin := h.friend("U1", "林怡君")
	h.phone.Text(lin, "hi")
	h.phone.Image(lin, linefake.File{MIME: "image/jpeg", Bytes: portrait(t)})
	h.phone.Audio(lin, linefake.File{MIME: "audio/wav", Bytes: silence()})
	thread, account := h.thread(lin), h.webChat("")
	h.messages(lin, 3)
	h.quiet()

	stranger := c.person(t, h.url, "a stranger")
	for _, address := range []string{"/sign-in", "/chat/" + account} {
		stranger.open(address)
		stranger.until("the page", `document.querySelector("form")`)
		stranger.everythingIsNamed(address)
	}
	for _, mei := range []*tab{h.console(c, h.advisor, "Mei at the desk"), h.console(c, h.advisor, "Mei's phone").small()} {
		for _, address := range []string{"/me", "/inbox?box=all"} {
			mei.open(address)
			mei.everythingIsNamed(address)
		}
		mei.open("/inbox/" + thread)
		mei.click("#thread-top details.menu summary", "")
		mei.shows(".menu-panel button", "Close the conversation")
		mei.everythingIsNamed("the menu")
		mei.click(".menu-panel [data-dialog=transfer]", "Hand over")
		mei.shows("#transfer", "")
		mei.everythingIsNamed("the dialog")
	}

	hand := h.console(c, h.advisor, "Mei's thumb").small()
	hand.open("/inbox")
	hand.isLargeEnough(".tab, .rail-item, .thread-row")
	hand.open("/inbox/" + thread)
	hand.isLargeEnough("#composer :is(button, summary, label, textarea), [data-back], #thread-top summary")
}

// handles are the roles that somebody acts on.
var handles = map[string]bool{"button": true, "link": true, "textbox": true, "searchbox": true, "checkbox": true, "radio": true, "switch": true,
	"combobox": true, "listbox": true, "slider": true, "spinbutton": true, "menuitem": true, "tab": true, "DisclosureTriangle": true, "dialog": true}

// everythingIsNamed asks the browser what a screen reader would say.
func (p *tab) everythingIsNamed(where string) {
	p.t.Helper()
	if got := read[string](p, `document.documentElement.lang + " " + document.documentElement.dir`); got != "en ltr" {
		p.t.Errorf("%s does not say its language and direction: %q", where, got)
	}
	var tree accessibility.GetFullAXTreeResult
	p.call(func(ctx context.Context) (err error) {
		tree, err = chromedp.Call(ctx, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
		return err
	})
	n := 0
	for _, node := range tree.Nodes {
		if node.Ignored || node.Role == nil || !handles[strings.Trim(string(node.Role.Value), `"`)] {
			continue
		}
		n++
		if node.Name == nil || strings.TrimSpace(strings.Trim(string(node.Name.Value), `"`)) == "" {
			p.t.Errorf("%s: %s: a %s has no name (node %d)", p.who, where, node.Role.Value, node.BackendDOMNodeID)
		}
	}
	if n == 0 {
		p.t.Errorf("%s: nothing to act on was found", where)
	}
}

// isLargeEnough holds what a thumb has to hit to a height of 44 pixels. Where several
// stand in a row at 360 pixels, 36 in width must do: the field to write in needs the
// room, and the targets touch each other. What counts is where a touch arrives, which
// may be more than what is drawn.
func (p *tab) isLargeEnough(selector string) {
	p.t.Helper()
	small := read[[]string](p, js(`(selector) => (`+seen+`)(selector, "").filter((el) => el.getBoundingClientRect().width > 1).filter((el) => {
			el.scrollIntoView({ block: "nearest", inline: "nearest", behavior: "instant" });
			const box = el.getBoundingClientRect(), x = box.x + box.width / 2, y = box.y + box.height / 2;
			const hit = (dx, dy) => { const at = document.elementFromPoint(x + dx, y + dy); return el.contains(at); };
			return ![hit(0, -21.5), hit(0, 21.5), hit(-17.5, 0), hit(17.5, 0)].every(Boolean);
		}).map((el) => el.outerHTML.slice(0, 90) + " " + Math.round(el.getBoundingClientRect().width) + "×" + Math.round(el.getBoundingClientRect().height))`, selector))
	for _, what := range small {
		p.t.Errorf("%s: too small for a thumb: %s", p.who, what)
	}
}
