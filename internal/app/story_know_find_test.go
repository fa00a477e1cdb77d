package app

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"dingdong/internal/catalogue"
	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// record is the customer of a LINE user.
func (h *home) record(user string) string {
	h.t.Helper()
	h.thread(user)
	return h.text(`SELECT customer_id FROM identity WHERE external_hash = $1`, h.Desk.Book.ExternalHash(h.account.ID, user))
}

// Two letters of an old message find it, and four digits find her. Who may not see her
// finds neither.
func sheIsFoundByAWordAndByDigits(t *testing.T, c *chromium) {
	h := newHouse(t)
	lumiere, otherPhone := h.neighbour("Lumière")
	lin, vivian := h.friend("U1", "林怡君"), h.friend("U2", "Vivian")
	h.phone.Text(lin, "上次那支豆沙色還有貨嗎？")
	h.messages(lin, 1)
	for n := range 40 {
		h.phone.Text(lin, fmt.Sprint("之後第 ", n, " 句"))
	}
	h.phone.Text(vivian, "請問幾點開門？")
	h.messages(lin, 41)
	her := h.record(lin)
	h.write(func(tx *db.Tx) error {
		_, err := h.Desk.Book.AddContact(tx, her, customer.Contact{Kind: customer.Phone, Value: "0912 345 678", Source: customer.SourceStaff, By: h.advisor})
		return err
	})
	otherPhone.Befriend("U9")
	otherPhone.Text("U9", "for Lumière")

	mei := h.console(c, h.advisor, "Mei")
	mei.open("/find")
	mei.write("#find", "豆沙")
	mei.shows("#found .find-words mark", "豆沙")
	mei.shows("#found .find-words", "上次那支豆沙色還有貨嗎？")
	if rows := mei.texts("#found .find-words"); len(rows) != 1 {
		t.Errorf("two letters find %q", rows)
	}
	mei.leaves(func() { mei.click("#found .row", "豆沙") })
	mei.shows("#stream .message-in", "上次那支豆沙色還有貨嗎？")
	mei.shows(".thread-name", "林怡君")

	mei.open("/find")
	mei.write("#find", "5678")
	mei.shows("#found .row", "last four digits")
	mei.shows("#found .row", "林怡君")
	mei.write("#find", "9")
	mei.shows("#found", "Nothing found")

	olga := h.console(c, h.hire("Olga", staff.Advisor, lumiere), "Olga")
	for _, what := range []string{"豆沙", "5678"} {
		olga.open("/find")
		olga.write("#find", what)
		olga.shows("#found", "Nothing found")
		if rows := olga.texts("#found .row"); len(rows) != 0 {
			t.Errorf("an advisor of another counter finds %q by %q", rows, what)
		}
	}
	olga.open("/find")
	olga.write("#find", "Lumière")
	olga.shows("#found .find-words mark", "Lumière")
}

// The page of the day names who should hear from her and why, with words to begin.
func theDayBeginsWithWhoShouldHear(t *testing.T, c *chromium) {
	h := newHouse(t)
	lin, vivian, ann := h.friend("U1", "林怡君"), h.friend("U2", "Vivian"), h.friend("U3", "Ann")
	mei := h.console(c, h.advisor, "Mei")
	for _, who := range []string{lin, vivian, ann} {
		h.phone.Text(who, "hi")
		thread := h.thread(who)
		mei.open("/inbox/" + thread)
		mei.write("#text", "Hello!")
		mei.press("\r")
		mei.shows(`.message-out[data-status="sent"]`, "Hello!")
	}
	birthday, wisher, promised := h.record(lin), h.record(vivian), h.record(ann)
	h.write(func(tx *db.Tx) error {
		v, err := staff.ViewerByID(tx, h.advisor)
		if err != nil {
			return err
		}
		zone, err := time.LoadLocation("Asia/Taipei")
		if err != nil {
			return err
		}
		_, err = h.Desk.Book.Learn(tx, birthday, customer.Learnt{Name: customer.AttributeBirthday, Value: tx.Now.In(zone).AddDate(0, 0, 2).Format("01-02"),
			Proof: customer.Proof{Source: customer.SourceStaff, By: h.advisor}})
		if err != nil {
			return err
		}
		_, err = h.Desk.Book.AddWish(tx, v, customer.WishForm{CustomerID: wisher, CounterID: h.counter, Body: "something light for summer",
			Facets: []string{"category:perfume", "scent:light"}})
		if err != nil {
			return err
		}
		_, err = h.Desk.Book.AddPromise(tx, v, customer.PromiseForm{CustomerID: promised, CounterID: h.counter, Body: "call her about the blush", Due: tx.Now})
		return err
	})

	mei.open("/today")
	mei.shows(".today-line", "Birthday in 2 days")
	mei.shows(".today-line", "call her about the blush")
	mei.hides(".today-line", "Arrived:")
	// The perfume comes to the counters, and the wish can be granted.
	h.write(func(tx *db.Tx) error {
		_, err := h.Shop.Upsert(tx, staff.System(), []catalogue.ProductForm{{Ref: "DEW", Name: "Morning Dew", Category: "perfume",
			Variants: []catalogue.VariantForm{{SKU: "DEW-30", Name: "30 ml", ArrivedAt: tx.Now.Add(-time.Hour), Facets: []string{"category:perfume", "scent:light"}}}}})
		return err
	})
	eventually(t, func() string {
		if h.number(`SELECT COUNT(*) FROM wish WHERE state = 'matched'`) == 0 {
			return "nothing grants her wish"
		}
		return ""
	})
	mei.reload()
	mei.shows(".today-line", "Arrived: Morning Dew 30 ml")
	mei.shows(".today-line", "something light for summer")

	// The draft stands in the composer, hers to change, and nothing is sent before she does.
	draft := read[string](mei, js(`(name) => [...document.querySelectorAll(".today-line")].find((el) => el.innerText.includes(name)).querySelector(".today-draft").innerText.trim()`, "Birthday in 2 days"))
	if draft == "" {
		t.Fatal("there is no draft for a birthday")
	}
	sent := len(h.phone.Sent(lin))
	mei.leaves(func() { mei.click(".today-line a.row", "Birthday in 2 days") })
	mei.shows(".thread-name", "林怡君")
	mei.until("the draft in the composer", js(`(draft) => document.getElementById("text").value.trim() === draft`, draft))
	if n := len(h.phone.Sent(lin)); n != sent {
		t.Errorf("a draft was sent: %d messages", n)
	}
	mei.write("#text", " 🎂")
	mei.press("\r")
	eventuallyIn(t, patience, func() string {
		got := h.phone.Sent(lin)
		if len(got) != sent+1 || !strings.Contains(got[sent].Text, "🎂") {
			return fmt.Sprintf("her phone shows %+v", got)
		}
		return ""
	})

	// What is done leaves the page.
	mei.open("/today")
	mei.shows(".today-line", "call her about the blush")
	mei.leaves(func() { mei.click(`form:has([value="promise"]) button[value="1"]`, "Done") })
	mei.shows(".today-line", "Arrived: Morning Dew 30 ml")
	mei.hides(".today-line", "call her about the blush")
}
