package app

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync/atomic"
	"testing"
)

// bubbles waits until the open conversation reads exactly so, from top to bottom.
func (p *tab) bubbles(want ...string) {
	p.t.Helper()
	eventuallyIn(p.t, patience, func() string {
		got, err := look[[]string](p, `[...document.querySelectorAll("#stream .message .bubble")].map((el) => el.innerText.trim())`)
		if err != nil || !slices.Equal(got, want) {
			return fmt.Sprintf("%s reads %q, not %q (%v)", p.who, got, want, err)
		}
		return ""
	})
}

// streams waits for the n-th stream of the page to be open.
func (p *tab) streams(n int) {
	p.t.Helper()
	eventuallyIn(p.t, patience, func() string {
		if got := p.answers("/live?"); got < n {
			return fmt.Sprintf("%s has had %d streams, not %d", p.who, got, n)
		}
		return ""
	})
}

// wayTo is another address of the house, which can be cut off.
func wayTo(t *testing.T, house http.Handler) *httptest.Server {
	way := httptest.NewServer(house)
	t.Cleanup(func() {
		way.CloseClientConnections()
		way.Close()
	})
	return way
}

// In a tunnel she goes on writing. Afterwards everything is there once, in order.
func theNetworkGoesAndComesBack(t *testing.T, c *chromium) {
	h := newHouse(t)
	lin := h.friend("U1", "林怡君")
	h.phone.Text(lin, "在嗎？")
	way := wayTo(t, h.Web)
	mei := h.consoleAt(c, way.URL, h.advisor, "Mei")
	mei.open("/inbox/" + h.thread(lin))
	mei.shows(".message-in", "在嗎？")
	// What the page asks for in the background says so when it cannot.
	mei.pardon("net::ERR_INCOMPLETE_CHUNKED_ENCODING", "htmx:sendError", "htmx:afterRequest")
	mei.streams(1)

	mei.offline(true)
	way.CloseClientConnections() // the browser only refuses what is new; a tunnel ends streams too
	mei.shows("#offline", "No network. What you write is kept and goes out when it is back.")
	for _, text := range []string{"first", "second"} {
		mei.write("#text", text)
		mei.press("\r")
		mei.shows(".message-sending", text)
	}
	mei.until("both to say that they wait", `[...document.querySelectorAll(".message-sending .status")].filter((el) => el.innerText === "Waiting for network").length === 2`)
	h.phone.Text(lin, "meanwhile")
	h.messages(lin, 2)
	mei.bubbles("在嗎？", "first", "second")

	mei.offline(false)
	h.has(lin, "first", "second")
	mei.bubbles("在嗎？", "meanwhile", "first", "second")
	mei.hides("#offline", "")
	mei.streams(2)
	mei.until("both sent", `document.querySelectorAll('.message-out[data-status="sent"]').length === 2`)

	h.phone.Text(lin, "so live again")
	mei.bubbles("在嗎？", "meanwhile", "first", "second", "so live again")
	mei.reload() // the outbox is empty: nothing is sent a second time
	mei.bubbles("在嗎？", "meanwhile", "first", "second", "so live again")
	h.quiet()
	h.has(lin, "first", "second")
}

// messages waits until so many of a customer's have come.
func (h *home) messages(user string, n int) {
	h.t.Helper()
	thread := h.thread(user)
	eventually(h.t, func() string {
		if got := h.number(`SELECT COUNT(*) FROM message WHERE thread_id = $1 AND author = 'customer'`, thread); got != n {
			return fmt.Sprintf("%d messages of hers, not %d", got, n)
		}
		return ""
	})
}

// The server is restarted under an open page, which misses nothing.
func theServerIsRestarted(t *testing.T, c *chromium) {
	h := newHouse(t)
	lin := h.friend("U1", "林怡君")
	h.phone.Text(lin, "before")
	mei := h.console(c, h.advisor, "Mei")
	mei.open("/inbox/" + h.thread(lin))
	mei.bubbles("before")
	mei.streams(1)
	read[bool](mei, `window.sameDocument = true`)
	mei.pardon("htmx:sendError", "htmx:afterRequest") // that is how the library says it
	mei.pardon("net::ERR_CONNECTION_REFUSED", "net::ERR_INCOMPLETE_CHUNKED_ENCODING", "net::ERR_CONNECTION_RESET", "net::ERR_EMPTY_RESPONSE")

	must(t, h.stop())
	h.phone.Text(lin, "while nobody was there") // the platform tries again until somebody is
	mei.write("#text", "I have it here.")
	mei.press("\r")
	mei.shows(".message-sending .status", "Waiting for network")

	h = newHouseWith(t, plan{dir: h.dir, phone: h.phone, account: h.account, unsown: true, config: func(c *Config) { c.Listen = h.Address() }})
	mei.bubbles("before", "while nobody was there", "I have it here.")
	mei.shows(`.message-out[data-status="sent"]`, "I have it here.")
	h.has(lin, "I have it here.")
	h.phone.Text(lin, "after")
	mei.bubbles("before", "while nobody was there", "I have it here.", "after")
	if !read[bool](mei, `window.sameDocument`) {
		t.Error("the page was loaded again; it should have gone on where it was")
	}
}

// The answer to what she sends is lost three times; her customer has it once, and
// so has her page.
func anAnswerIsLostOnTheWay(t *testing.T, c *chromium) {
	h := newHouse(t)
	lin := h.friend("U1", "林怡君")
	h.phone.Text(lin, "hi")
	address := "/inbox/" + h.thread(lin)
	var lost atomic.Int32
	told := make(chan struct{}) // the fourth try was answered
	way := wayTo(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodPost && r.URL.Path == address+"/messages":
			n := lost.Add(1)
			if n <= 3 {
				h.Web.ServeHTTP(httptest.NewRecorder(), r)
				panic(http.ErrAbortHandler) // it took effect, and she is not told
			}
			h.Web.ServeHTTP(w, r)
			if n == 4 {
				close(told)
			}
			return
		case r.URL.Path == "/live": // else it would bring her bubble, and she would not try again
			select {
			case <-told:
			case <-r.Context().Done():
				return
			}
		}
		h.Web.ServeHTTP(w, r)
	}))
	mei := h.consoleAt(c, way.URL, h.advisor, "Mei")
	mei.pardon("net::ERR_EMPTY_RESPONSE")
	mei.open(address)
	mei.bubbles("hi")
	mei.write("#text", "only once")
	mei.press("\r")
	mei.until("the fourth try", `document.querySelectorAll(".message-sending").length === 0 && document.querySelector('.message-out[data-status="sent"]')`)
	mei.bubbles("hi", "only once")
	h.quiet()
	h.has(lin, "only once")
	if n := lost.Load(); n != 4 {
		t.Errorf("it was sent %d times; three were lost and the fourth was answered", n)
	}
}

// What was asked about one conversation comes when she has gone on to another.
func aLateAnswerIsDrawnNowhereElse(t *testing.T, c *chromium) {
	h := newHouse(t)
	lin, vivian := h.friend("U1", "林怡君"), h.friend("U2", "Vivian")
	h.phone.Text(lin, "hi")
	h.phone.Text(vivian, "hello")
	head := "/inbox/" + h.thread(lin) + "/head"
	asked, goOn := make(chan struct{}, 9), make(chan struct{})
	way := wayTo(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == head {
			asked <- struct{}{}
			<-goOn
		}
		h.Web.ServeHTTP(w, r)
	}))
	mei := h.consoleAt(c, way.URL, h.advisor, "Mei")
	mei.open("/inbox/" + h.thread(lin) + "?box=all")
	mei.bubbles("hi")
	h.phone.Block(lin)
	<-asked
	mei.click(".thread-row", "Vivian")
	mei.bubbles("hello")
	read[bool](mei, `(window.locked = false, new MutationObserver(() => (window.locked ||= !document.getElementById("lock").hidden))
		.observe(document.body, { subtree: true, childList: true, attributes: true }), true)`)
	close(goOn)
	mei.until("the late answer", js(`(head) => performance.getEntriesByType("resource").some((e) => e.name.endsWith(head))`, head))
	h.phone.Text(vivian, "still there?")
	mei.bubbles("hello", "still there?")
	mei.shows("#thread-top .thread-name", "Vivian")
	if read[bool](mei, `window.locked`) {
		t.Error("for a moment Vivian could not be answered, because somebody else has blocked the account")
	}
	mei.write("#text", "Yes.")
	mei.press("\r")
	h.has(vivian, "Yes.")
}
