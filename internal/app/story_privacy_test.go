package app

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"dingdong/internal/conversation"
	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// The officer finds who looked at her in this month, each with the time, and what one
// advisor has looked at; her own page says how often, and by which roles.
func theOfficerFindsWhoLooked(t *testing.T, c *chromium) {
	h := newHouse(t)
	hana := h.hire("Hana", staff.Advisor, h.counter)
	lin, vivian := h.friend("U1", "林怡君"), h.friend("U2", "Vivian")
	h.phone.Text(lin, "請問豆沙色還有嗎？")
	h.phone.Text(vivian, "hi")
	thread, other := h.thread(lin), h.thread(vivian)
	her := h.record(lin)
	h.quiet() // her name has been fetched

	mei, hanas := h.console(c, h.advisor, "Mei"), h.console(c, hana, "Hana")
	mei.open("/inbox/" + thread)
	mei.shows(".thread-name", "林怡君")
	hanas.open("/find")
	hanas.write("#find", "豆沙")
	hanas.shows("#found .row", "林怡君")
	hanas.leaves(func() { hanas.click("#found .row", "林怡君") })
	hanas.shows(".thread-name", "林怡君")
	hanas.open("/inbox/" + other)
	hanas.shows(".thread-name", "Vivian")

	olga := h.console(c, h.hire("Olga", staff.Privacy), "Olga")
	olga.open("/admin/privacy?q=" + url.QueryEscape("林怡君"))
	olga.leaves(func() { olga.click(".row", "林怡君") })
	olga.shows("h1", "林怡君")
	olga.shows("#seen li", "Advisors")
	olga.leaves(func() { olga.click("#seen a", "Who exactly, and when") })
	olga.shows("h1", "Audit")
	olga.shows(".audit-do", "林○○")
	zone, err := time.LoadLocation("Asia/Taipei") // the house's own
	must(t, err)
	today := h.DB.Now().In(zone)
	from, to := today.Format("2006-01")+"-01", today.Format("2006-01-02")
	olga.open("/admin/audit?" + url.Values{"customer": {her}, "from": {from}, "to": {to}, "action": {"thread.open"}}.Encode())
	olga.until("the month in its fields", js(`(from, to) => document.querySelector("[name=from]").value === from && document.querySelector("[name=to]").value === to`, from, to))
	h.onRecord(olga, "Hana", "Mei") // the latest first, and nobody else
	for _, at := range read[[]string](olga, `[...document.querySelectorAll(".audit tbody time")].map((el) => el.dateTime)`) {
		if !strings.HasPrefix(at, h.DB.Now().UTC().Format("2006-")) {
			t.Errorf("she was looked at on %q", at)
		}
	}
	// Everything that showed her to anybody, not only the opened conversations.
	olga.open("/admin/audit?" + url.Values{"customer": {her}, "from": {from}, "to": {to}, "action": {"customer.shown"}}.Encode())
	olga.shows(".audit .by", "Hana")
	// A month in which nobody looked.
	olga.open("/admin/audit?" + url.Values{"customer": {her}, "from": {"2001-10-01"}, "to": {"2001-10-31"}}.Encode())
	olga.shows(".empty", "Nothing on record")

	// What one advisor looked at: the filter is set by hand, and the page follows.
	olga.open("/admin/audit")
	olga.leaves(func() {
		read[bool](olga, js(`(id) => { const s = document.querySelector("[name=actor]"); s.value = id; s.dispatchEvent(new Event("change", { bubbles: true })); return true; }`, hana))
	})
	olga.shows(".audit .by", "Hana")
	if by := olga.texts(".audit tbody .by"); slices.ContainsFunc(by, func(name string) bool { return name != "Hana" }) {
		t.Errorf("narrowed to Hana the record names %q", by)
	}
	olga.shows(".audit tbody tr", "Searched for customers or messages")
	olga.shows(".audit tbody tr", "V○○")
	olga.shows(".audit tbody tr", "林○○")
	if words := strings.Join(olga.texts("#main"), " "); strings.Contains(words, "林怡君") || strings.Contains(words, "豆沙") {
		t.Error("the record tells her name, or what was searched for")
	}

	h.phone.Text(lin, "我的資料")
	page := h.ownPage(c, lin, "她的頁面")
	page.shows("#looks ~ dl dt", "顧問")
	page.shows("#looks ~ dl dt", "個資專員")
	if text := strings.Join(page.texts("section:has(#looks)"), " "); strings.Contains(text, "Mei") || strings.Contains(text, "Hana") || strings.Contains(text, "Olga") {
		t.Errorf("her page names who looked: %s", text)
	}
}

// onRecord waits until the page of the audit names exactly these people, row by row.
func (h *home) onRecord(p *tab, want ...string) {
	h.t.Helper()
	eventuallyIn(h.t, patience, func() string {
		if got := p.texts(".audit tbody .by"); !slices.Equal(got, want) {
			return fmt.Sprintf("on record are %q, not %q", got, want)
		}
		return ""
	})
}

// What she is looked for by after her erasure.
const (
	goneName   = "歐陽娜娜"
	goneNumber = "0922 333 444"
	goneMember = "VIP-77001"
	goneWords  = "孔雀綠眼影"
)

// The officer erases her, proving who she is and typing her name; then nobody finds her
// by anything, her chat closes before her eyes, and the record says what was done and
// not to whom by name.
func sheIsErasedAndSearchedFor(t *testing.T, c *chromium) {
	h := newHouse(t)
	account := h.webChat("")
	visitor := c.person(t, h.url, "the visitor").wide()
	visitor.open("/chat/" + account)
	visitor.shows(".welcome", "How can we help?")
	visitor.write("textarea", "請問有"+goneWords+"嗎？")
	visitor.press("\r")
	visitor.shows(".row.visitor", goneWords)
	away := newTab(t, visitor.ctx, &tab{who: "the visitor's other window", base: h.url})
	away.open("/chat/" + account)
	away.shows(".row.visitor", goneWords)
	eventually(t, func() string {
		if h.count("thread") != 1 {
			return "she has no thread"
		}
		return ""
	})
	thread := h.text(`SELECT id FROM thread`)
	her := h.text(`SELECT customer_id FROM thread`)
	h.write(func(tx *db.Tx) error { // she has a LINE account, too
		for _, x := range []customer.Contact{{Kind: customer.Phone, Value: goneNumber}, {Kind: customer.Member, Value: goneMember}} {
			x.Source, x.By = customer.SourceStaff, h.advisor
			if _, err := h.Desk.Book.AddContact(tx, her, x); err != nil {
				return err
			}
		}
		return nil
	})
	lin := h.friend("U1", goneName)
	h.phone.Text(lin, "我的資料")
	second := h.record(lin)
	h.quiet()
	own := h.ownPage(c, lin, "her page")
	own.shows("h1", "您的專屬頁面")
	h.write(func(tx *db.Tx) error {
		_, err := h.Desk.Merge(tx, staff.System(), conversation.Merge{KeptID: her, LostID: second, Proof: conversation.ProvedByAdvisor})
		return err
	})
	h.signIn().post("/inbox/"+thread+"/name", url.Values{"name": {goneName}})
	h.quiet()

	olgaID := h.hire("Olga", staff.Privacy)
	must(t, h.Door.GivePassword(t.Context(), staff.System(), olgaID, advisorPassword))
	mei, olga := h.console(c, h.advisor, "Mei"), h.console(c, olgaID, "Olga")
	for _, p := range []*tab{mei, olga} { // she is there to be found
		for _, what := range []string{goneName, "3444", goneMember, goneWords} {
			p.open("/find")
			p.write("#find", what)
			p.shows("#found .row", goneName)
		}
	}
	mei.open("/inbox/" + thread)
	mei.shows(".thread-name", goneName)
	watching := h.console(c, h.advisor, "Mei's list")
	watching.open("/inbox?box=all")
	watching.shows(".thread-row", goneName)

	olga.pardon("422", "401")
	olga.open("/admin/privacy")
	olga.write(`[name="q"]`, goneName)
	olga.leaves(func() { olga.press("\r") })
	olga.leaves(func() { olga.click(".row", goneName) })
	olga.shows("h1", goneName)
	h.ages() // her proof is old: she is asked who she is
	olga.leaves(func() { olga.click("a.button-bad", "Erase her") })
	olga.shows("h1", "Is it still you?")
	olga.write("#f-again", advisorPassword)
	olga.press("\r")
	olga.shows("h1", "Erase "+goneName+"?")
	olga.write("#f-name", "somebody else")
	olga.leaves(func() { olga.click("button.button-bad", "Erase for good") })
	olga.shows(".alert, .field-error, .error", "")
	if n := h.count("erasure"); n != 0 {
		t.Fatal("she was erased by another name")
	}
	read[bool](olga, `(document.querySelector("#f-name").value = "", true)`)
	olga.write("#f-name", goneName)
	away.offline(true)
	olga.leaves(func() { olga.click("button.button-bad", "Erase for good") })
	olga.shows(".toast", "She is erased")

	// Her chat closes before her eyes, and keeps nothing.
	visitor.shows(".welcome", "This conversation has been deleted.")
	visitor.hides(".row", "")
	visitor.hides("textarea", "")
	if kept := read[string](visitor, `JSON.stringify(localStorage)`); strings.Contains(kept, goneWords) || regexp.MustCompile(`token[^"]*":"[^"]`).MatchString(kept) {
		t.Errorf("her browser keeps %s", kept)
	}
	// The window that had no network is told when it comes back.
	away.shows(".row.visitor", goneWords)
	away.pardon("410")
	away.offline(false)
	away.shows(".welcome", "This conversation has been deleted.")
	away.hides(".row", "")
	away.hides("textarea", "")
	mei.until("the list", `location.pathname === "/inbox"`)
	watching.hides(".thread-row", goneName)
	own.pardon("404", "410")
	own.reload()
	own.hides("h1", "您的專屬頁面")
	h.rest()

	for _, p := range []*tab{mei, olga} {
		p.pardon("404")
		for _, what := range []string{goneName, "歐陽", "3444", goneNumber, strings.ReplaceAll(goneNumber, " ", ""), goneMember, goneWords, "眼影"} {
			p.open("/find")
			p.write("#find", what)
			p.shows("#found", "Nothing found")
			if rows := p.texts("#found .row"); len(rows) != 0 {
				t.Errorf("%s finds %q by %q", p.who, rows, what)
			}
		}
		p.open("/inbox?box=all")
		p.hides(".thread-row", "")
		p.open("/inbox/" + thread)
		p.hides(".thread-name", "")
		p.shows("h1", "")
	}
	for _, what := range []string{goneName, goneNumber, goneMember} {
		olga.open("/admin/privacy?q=" + url.QueryEscape(what))
		olga.shows("#nobody", "Nobody was found")
	}

	// It is on record that it was done, and her name is not.
	olga.open("/admin/audit?action=customer.erased")
	olga.shows(".audit tbody tr", "Erased a customer")
	if by := olga.texts(".audit tbody .by"); len(by) != 2 || by[0] != "Olga" || by[1] != "Olga" {
		t.Errorf("erased was by %q, and she had two records", by)
	}
	for _, address := range []string{"/admin/audit?action=customer.erased", "/admin/audit?customer=" + her, "/admin/audit"} {
		olga.open(address)
		olga.shows("h1", "Audit")
		words := strings.Join(olga.texts("#main"), " ")
		for _, secret := range []string{goneName, "歐", goneMember, goneWords, "3444"} {
			if strings.Contains(words, secret) {
				t.Errorf("%s tells %q", address, secret)
			}
		}
	}

	// Who writes again is somebody new.
	visitor.leaves(func() { visitor.click("button", "Start a new conversation") })
	visitor.shows(".welcome", "How can we help?")
	visitor.write("textarea", "Good morning")
	visitor.press("\r")
	visitor.shows(".row.visitor", "Good morning")
	visitor.hides(".row", goneWords)
	mei.open("/inbox?box=all")
	mei.shows(".thread-row", "Good morning")
	if now := h.text(`SELECT customer_id FROM thread WHERE id <> $1`, thread); now == her || now == second {
		t.Error("she is who she was")
	}
}
