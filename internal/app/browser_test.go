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

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// patience is how long a page may take to show what it should. It is long for
// the sake of busy machines; nothing waits longer than it must.
const patience = 60 * time.Second

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
