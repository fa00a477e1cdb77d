package app

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"dingdong/internal/db"
	"dingdong/internal/staff"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// seen finds the elements that a person can see, by selector and text.
const seen = `(selector, text) => [...document.querySelectorAll(selector)].filter((el) =>
	el.checkVisibility({ visibilityProperty: true, opacityProperty: true }) && el.getClientRects().length && (el.innerText ?? "").includes(text))`

// shows waits until she sees an element with a text.
func (p *tab) shows(selector, text string) {
	p.t.Helper()
	p.until(fmt.Sprintf("%s with %q", selector, text), js(seen, selector, text)+".length > 0")
}

// hides waits until she sees no such element any more.
func (p *tab) hides(selector, text string) {
	p.t.Helper()
	p.until(fmt.Sprintf("no %s with %q", selector, text), js(seen, selector, text)+".length === 0")
}

// texts reads all elements of a selector, from top to bottom.
func (p *tab) texts(selector string) []string {
	p.t.Helper()
	return read[[]string](p, js(`(selector) => [...document.querySelectorAll(selector)].map((el) => el.innerText.trim())`, selector))
}

// open goes to an address, below base if it begins with a slash.
func (p *tab) open(address string) {
	p.t.Helper()
	if strings.HasPrefix(address, "/") {
		address = p.base + address
	}
	p.do(chromedp.Navigate(address))
}

func (p *tab) reload() {
	p.t.Helper()
	p.do(chromedp.Reload())
}

// leaves waits until what she does has brought another page.
func (p *tab) leaves(what func()) {
	p.t.Helper()
	read[bool](p, `window.left = true`)
	what()
	p.until("another page", `!window.left && document.readyState === "complete"`)
}

// spot is where an element can be touched: the middle of it, if nothing covers it.
const spot = `(selector, text) => {
	for (const el of (` + seen + `)(selector, text)) {
		if (el.matches(":disabled")) continue;
		el.scrollIntoView({ block: "nearest", inline: "nearest", behavior: "instant" });
		const box = el.getBoundingClientRect(), x = box.x + box.width / 2, y = box.y + box.height / 2;
		if (el.contains(document.elementFromPoint(x, y))) return [x, y];
	}
	return null;
}`

// click clicks or taps, as a person does: on what she sees, where it stands
// still, and where nothing is in front of it.
func (p *tab) click(selector, text string) {
	p.t.Helper()
	x, y := p.aim(selector, text)
	if p.touch {
		p.do(chromedp.TapXY(x, y))
		return
	}
	p.do(chromedp.MouseClickXY(x, y))
}

// holds presses a button, and lets it go after something has happened meanwhile.
func (p *tab) holds(selector, text string, meanwhile func()) {
	p.t.Helper()
	x, y := p.aim(selector, text)
	p.do(chromedp.MouseEvent(chromedp.MousePressed, x, y, chromedp.ButtonLeft, chromedp.ClickCount(1)))
	meanwhile()
	p.do(chromedp.MouseEvent(chromedp.MouseReleased, x, y, chromedp.ButtonLeft, chromedp.ClickCount(1)))
}

// aim is the spot of what she sees, once it stands still.
func (p *tab) aim(selector, text string) (x, y float64) {
	p.t.Helper()
	var before, at []float64
	eventuallyIn(p.t, patience, func() string {
		var err error
		at, err = look[[]float64](p, js(spot, selector, text))
		if err != nil || at == nil {
			return fmt.Sprintf("%s can not click %s with %q (%v)", p.who, selector, text, err)
		}
		still := slices.Equal(at, before)
		before = at
		if !still {
			return fmt.Sprintf("%s with %q moves", selector, text)
		}
		return ""
	})
	return at[0], at[1]
}

// write puts the cursor into a field and types. What is above the field may still grow
// as she reaches for it: then she reaches again.
func (p *tab) write(selector, text string) {
	p.t.Helper()
	in := js(`(s) => Boolean(document.activeElement?.matches(s))`, selector)
	eventuallyIn(p.t, patience, func() string {
		p.click(selector, "")
		if there, err := look[bool](p, in); !there || err != nil {
			return fmt.Sprintf("%s waits for the cursor in %s (%v)", p.who, selector, err)
		}
		return ""
	})
	p.insert(text)
}

// insert types where the cursor is.
func (p *tab) insert(text string) {
	p.t.Helper()
	p.call(func(ctx context.Context) error {
		_, err := chromedp.Call(ctx, input.InsertText, input.InsertTextParams{Text: text})
		return err
	})
}

// press presses one key; "\r" is Enter.
func (p *tab) press(key string) {
	p.t.Helper()
	p.do(chromedp.KeyEvent(key))
}

// small makes the page as large as a small phone, with fingers.
func (p *tab) small() *tab {
	p.t.Helper()
	p.touch = true
	p.do(chromedp.EmulateViewport(360, 720, chromedp.EmulateMobile, chromedp.EmulateTouch))
	return p
}

// wide makes the page as large as a desktop.
func (p *tab) wide() *tab {
	p.t.Helper()
	p.do(chromedp.EmulateViewport(1280, 800))
	return p
}

// offline takes the network from her, or gives it back.
func (p *tab) offline(off bool) {
	p.t.Helper()
	p.pardon("net::ERR_INTERNET_DISCONNECTED", "net::ERR_NETWORK_CHANGED")
	p.call(func(ctx context.Context) error {
		if _, err := chromedp.Call(ctx, network.EmulateNetworkConditionsByRule, network.EmulateNetworkConditionsByRuleParams{
			MatchedNetworkConditions: []*network.Conditions{{Offline: off, DownloadThroughput: -1, UploadThroughput: -1}}}); err != nil {
			return err
		}
		_, err := chromedp.Call(ctx, network.OverrideNetworkState, network.OverrideNetworkStateParams{
			Offline: off, DownloadThroughput: -1, UploadThroughput: -1})
		return err
	})
}

// console opens a page of somebody who is signed in already; the story of
// signing in is told once.
func (h *home) console(c *chromium, staffID, who string) *tab {
	h.t.Helper()
	return h.consoleAt(c, h.url, staffID, who)
}

// consoleAt is console by another way to the same house.
func (h *home) consoleAt(c *chromium, base, staffID, who string) *tab {
	h.t.Helper()
	p := c.person(h.t, base, who).wide()
	var token string
	h.write(func(tx *db.Tx) error {
		var err error
		token, _, err = staff.SessionFor(tx, staffID, staff.Meta{Address: "127.0.0.1"})
		return err
	})
	p.call(func(ctx context.Context) error {
		_, err := chromedp.Call(ctx, network.SetCookie, network.SetCookieParams{Name: "dingdong", Value: token, URL: base, HTTPOnly: ptr(true)})
		return err
	})
	return p
}

func ptr[T any](v T) *T { return &v }

// hire makes a colleague and gives her id.
func (h *home) hire(name string, role staff.Role, counters ...string) string {
	h.t.Helper()
	var id string
	h.write(func(tx *db.Tx) error {
		p, err := staff.SaveStaff(tx, staff.System(), staff.StaffForm{Name: name, Email: strings.ToLower(name) + "@counter.example", Role: role, Counters: counters})
		id = p.ID
		return err
	})
	return id
}
