package app

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/staff"

	"github.com/chromedp/chromedp"
)

// threadOn is the thread of the only customer of an account.
func (h *home) threadOn(account string) string {
	h.t.Helper()
	const from = ` FROM thread t JOIN identity i ON i.customer_id = t.customer_id WHERE i.account_id = $1`
	eventually(h.t, func() string {
		if h.number(`SELECT COUNT(*)`+from, account) == 0 {
			return "nobody has written to " + account
		}
		return ""
	})
	return h.text(`SELECT t.id`+from, account)
}

// unfold opens a part of the card. Parts above it may still grow as she reaches for it:
// then she reaches again.
func (p *tab) unfold(details string) {
	p.t.Helper()
	eventuallyIn(p.t, patience, func() string {
		open, err := look[bool](p, js(`(s) => Boolean(document.querySelector(s)?.open)`, details))
		if open && err == nil {
			return ""
		}
		at, err := look[[]float64](p, js(spot, details+" > summary", ""))
		if err == nil && at != nil {
			p.do(chromedp.MouseClickXY(at[0], at[1]))
		}
		return fmt.Sprintf("%s can not unfold %s (%v)", p.who, details, err)
	})
}

// saidThere reads what stands in a thread that is open, from top to bottom.
func (p *tab) saidThere() []string { return p.texts("#stream .message .bubble") }

// A visitor of the web chat and a friend on LINE are found to be one, and taken apart again.
func twoContactsAreOneAndTwoAgain(t *testing.T, c *chromium) {
	h := newHouse(t)
	web := h.webChat("")
	mei := h.console(c, h.advisor, "Mei")
	visitor := c.person(t, h.url, "the visitor").wide()
	visitor.open("/chat/" + web)
	visitor.shows(".welcome", "How can we help?")
	lin := h.friend("U1", "林怡君")
	h.phone.Text(lin, "氣墊粉餅多少錢？")
	h.messages(lin, 1)
	visitor.write("textarea", "氣墊 21 號還有嗎？")
	visitor.press("\r")
	onLINE, onWeb := h.thread(lin), h.threadOn(web)

	// She gave the same number in both places; nobody has proved it.
	mei.open("/inbox/" + onWeb)
	mei.unfold("#contact-new")
	mei.write("#contact-new [name=value]", "0912 345 678")
	mei.press("\r")
	mei.shows("#card-reach .masked", "0912")
	mei.open("/inbox/" + onLINE)
	h.write(func(tx *db.Tx) error { // a colleague types it, while she looks on
		i, err := h.Desk.Book.Find(tx, h.account.ID, lin)
		if err != nil {
			return err
		}
		_, err = h.Desk.AddContact(tx, staff.System(), i.CustomerID, customer.Contact{Kind: customer.Phone, Value: "+886 912-345-678", Source: customer.SourceStaff})
		return err
	})
	if n := h.count("merge"); n != 0 {
		t.Fatal("an unverified number merged two people by itself")
	}

	mei.shows("#card-one", "Perhaps the same person:")
	mei.shows("#card-one .evidence", "Same phone number")
	mei.click("#card-one button", "Same person")
	mei.shows("#card-one", "Put together from 2 contacts")
	mei.shows("#stream .message-in", "氣墊粉餅多少錢？")
	mei.shows("#stream .message-in", "氣墊 21 號還有嗎？")

	// An answer goes where she wrote last: first on the web, then on LINE.
	mei.write("#text", "有的，我幫您留一盒。")
	mei.press("\r")
	visitor.shows(".row.advisor", "有的，我幫您留一盒。")
	h.phone.Text(lin, "那我要兩盒")
	mei.shows("#stream .message-in", "那我要兩盒")
	mei.write("#text", "好，兩盒。")
	mei.press("\r")
	h.has(lin, "好，兩盒。")
	if got := visitor.texts(".row.advisor"); slices.ContainsFunc(got, func(s string) bool { return strings.Contains(s, "好，兩盒。") }) {
		t.Errorf("an answer came out in both places: %q", got)
	}

	// It was a mistake. Both are as before, and what came since is where it came from.
	mei.unfold("#card-one details")
	mei.click("#card-one .lines button", "Take apart")
	mei.shows("#sure[open]", "Take these two apart again?")
	mei.click("#sure button", "Cancel")
	mei.until("the question gone", `!document.querySelector("#sure") && document.querySelector("#card-one .lines button")`)
	mei.click("#card-one .lines button", "Take apart")
	mei.click("#sure button[data-go]", "Take apart")
	mei.until("nobody to take apart", `!document.querySelector("#sure") && !document.querySelector("#card-one .lines button")`)
	for thread, want := range map[string][]string{
		onLINE: {"氣墊粉餅多少錢？", "那我要兩盒", "好，兩盒。"},
		onWeb:  {"氣墊 21 號還有嗎？", "有的，我幫您留一盒。"},
	} {
		mei.open("/inbox/" + thread)
		mei.shows("#stream .message", want[len(want)-1])
		if got := mei.saidThere(); !slices.Equal(got, want) {
			t.Errorf("one of the two reads %q, not %q", got, want)
		}
	}
	visitor.write("textarea", "謝謝")
	visitor.press("\r")
	mei.open("/inbox/" + onWeb)
	mei.shows("#stream .message-in", "謝謝")
	mei.open("/inbox/" + onLINE)
	mei.shows("#stream .message-in", "那我要兩盒")
	if got := mei.saidThere(); slices.Contains(got, "謝謝") {
		t.Errorf("what the visitor wrote stands with the friend: %q", got)
	}
}
