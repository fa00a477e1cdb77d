package app

import (
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"dingdong/internal/db"
	"dingdong/internal/staff"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// patience is how long a page may take to show what it should. It is long for
// the sake of busy machines; nothing waits longer than it must.
const patience = 20 * time.Second

// chromium is the one browser process that all stories share.
type chromium struct{ ctx context.Context }

// openChromium starts the browser. It reaches this machine only.
func openChromium(t *testing.T) *chromium {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		t.Fatal("there is no Chromium on this machine, and the stories are told in one: scripts/test-machine.sh installs it")
	}
	// Without a folder named here the browser gets an empty one, deleted at the end.
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"),
		chromedp.WSURLReadTimeout(time.Minute))
	ctx, stop := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancel := chromedp.NewContext(ctx)
	t.Cleanup(func() {
		if err := chromedp.Cancel(ctx); err != nil {
			t.Errorf("Chromium did not end well: %v", err)
		}
		cancel()
		stop()
	})
	must(t, chromedp.Do(ctx))
	return &chromium{ctx}
}

// tab is one page before the eyes of one person.
type tab struct {
	t     *testing.T
	who   string
	base  string
	ctx   context.Context
	touch bool

	mu       sync.Mutex
	wrong    []string // what the page complained about
	pardoned []string
	answered []string // the addresses that answered it, in order
}

// person is somebody with a browser of her own: no cookie and no storage is
// shared with anybody. The story fails if her page ever complains.
func (c *chromium) person(t *testing.T, base, who string) *tab {
	t.Helper()
	return newTab(t, c.ctx, &tab{who: who, base: base}, chromedp.WithNewBrowserContext())
}

// another is a second tab of the same person in the same browser.
func (p *tab) another() *tab {
	p.t.Helper()
	return newTab(p.t, p.ctx, &tab{who: p.who + "'s other tab", base: p.base})
}

func newTab(t *testing.T, parent context.Context, p *tab, options ...chromedp.ContextOption) *tab {
	t.Helper()
	p.t = t
	ctx, cancel := chromedp.NewContext(parent, append(options, chromedp.WithListener(p.hear))...)
	p.ctx = ctx
	t.Cleanup(func() {
		if t.Failed() {
			p.report()
		}
		for _, what := range p.complaints() {
			t.Errorf("the page of %s complains: %s", p.who, what)
		}
		cancel()
	})
	must(t, chromedp.Do(ctx))
	p.call(func(ctx context.Context) error {
		_, err := chromedp.Call(ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: `
			addEventListener("securitypolicyviolation", (e) => console.error("forbidden by policy:", e.violatedDirective, e.blockedURI, e.sourceFile));
			window.dings = 0;
			document.addEventListener("dingdong", () => window.dings++);`})
		return err
	})
	p.call(func(ctx context.Context) error { // each of them believes that she is looked at
		_, err := chromedp.Call(ctx, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true})
		return err
	})
	return p
}

// hear notes every error that a page writes to its console, and every error
// that nobody caught.
func (p *tab) hear(event any) {
	what := ""
	switch e := event.(type) {
	case *network.EventResponseReceived:
		p.mu.Lock()
		defer p.mu.Unlock()
		p.answered = append(p.answered, e.Response.URL)
	case *runtime.EventConsoleAPICalled:
		if e.Type == "error" || e.Type == "assert" {
			var words []string
			for _, a := range e.Args {
				words = append(words, string(a.Value)+a.Description)
			}
			what = strings.Join(words, " ")
		}
	case *runtime.EventExceptionThrown:
		what = e.ExceptionDetails.Text
		if x := e.ExceptionDetails.Exception; x != nil {
			what += " " + x.Description
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError {
			what = e.Entry.Text + " " + e.Entry.URL
		}
	}
	if what == "" {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wrong = append(p.wrong, what)
}

// pardon names complaints that a story causes on purpose.
func (p *tab) pardon(part ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pardoned = append(p.pardoned, part...)
}

// heard tells whether the page complained so.
func (p *tab) heard(part string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.ContainsFunc(p.wrong, func(what string) bool { return strings.Contains(what, part) })
}

// answers counts how often the page had an answer from an address.
func (p *tab) answers(part string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for _, address := range p.answered {
		if strings.Contains(address, part) {
			n++
		}
	}
	return n
}

func (p *tab) complaints() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(p.wrong), func(what string) bool {
		return slices.ContainsFunc(p.pardoned, func(part string) bool { return strings.Contains(what, part) })
	})
}

// report tells what a failed story's page looks like.
func (p *tab) report() {
	text, _ := look[string](p, `document.title + "\n" + document.body.innerText.slice(0, 1500)`)
	at, _ := look[string](p, `location.href`)
	p.t.Logf("%s is at %s and reads:\n%s", p.who, at, text)
}

// call does one thing in the tab, within patience.
func (p *tab) call(do func(ctx context.Context) error) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	if err := do(ctx); err != nil {
		p.t.Fatalf("%s: %v", p.who, err)
	}
}

func (p *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	p.call(func(ctx context.Context) error { return chromedp.Do(ctx, steps...) })
}

// look gives the value of an expression on the page.
func look[T any](p *tab, expression string) (T, error) {
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	return chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
}

// read is look for what must be there.
func read[T any](p *tab, expression string) T {
	p.t.Helper()
	v, err := look[T](p, expression)
	if err != nil {
		p.t.Fatalf("%s: %s: %v", p.who, expression, err)
	}
	return v
}

// js writes a call of a function with arguments as JavaScript.
func js(function string, args ...any) string {
	var list []string
	for _, a := range args {
		raw, err := json.Marshal(a)
		if err != nil {
			panic(err)
		}
		list = append(list, string(raw))
	}
	return "(" + function + ")(" + strings.Join(list, ",") + ")"
}

// until waits until an expression is true. A page that is on its way to another
// address is asked again.
func (p *tab) until(what, expression string) {
	p.t.Helper()
	p.untilIn(patience, what, expression)
}

func (p *tab) untilIn(limit time.Duration, what, expression string) {
	p.t.Helper()
	eventuallyIn(p.t, limit, func() string {
		ok, err := look[bool](p, "Boolean("+expression+")")
		switch {
		case err != nil:
			return fmt.Sprintf("%s waits for %s: %v", p.who, what, err)
		case !ok:
			return p.who + " waits for " + what
		}
		return ""
	})
}

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
	if p.touch {
		p.do(chromedp.TapXY(at[0], at[1]))
		return
	}
	p.do(chromedp.MouseClickXY(at[0], at[1]))
}

// write puts the cursor into a field and types.
func (p *tab) write(selector, text string) {
	p.t.Helper()
	p.click(selector, "")
	p.until("the cursor in "+selector, js(`(s) => document.activeElement?.matches(s)`, selector))
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
		token, _, err = staff.SessionFor(tx, staffID, staff.Meta{Address: "127.0.0.1", UserAgent: "Chrome on Linux"})
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
