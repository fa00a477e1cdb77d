package app

import (
	"testing"

	"dingdong/internal/conversation"
	"dingdong/internal/db"
	"dingdong/internal/staff"

	"github.com/chromedp/chromedp/kb"
)

// Taken, handed on with a note, closed, and open again when she writes.
func sheIsHandedOn(t *testing.T, c *chromium) {
	h := newHouse(t)
	lin := h.friend("U1", "林怡君")
	h.phone.Text(lin, "我想試 32 號")
	thread := h.thread(lin)
	mei, hana := h.console(c, h.advisor, "Mei"), h.console(c, h.hire("Hana", staff.Advisor, h.counter), "Hana")
	mei.open("/inbox/" + thread + "?box=mine")
	hana.open("/inbox/" + thread + "?box=mine")

	mei.click("#thread-top button", "Take")
	mei.shows("#thread-top .thread-who", "yours")
	mei.shows("#list-body .thread-row", "林怡君")
	mei.shows(`.tab[data-tab="mine"] .num`, "1")
	hana.shows("#stream .event", "Mei took over")
	hana.shows("#thread-top .thread-who", "with Mei")

	mei.click("#thread-top .only-wide", "Hand over")
	mei.click("#transfer .person", "Hana")
	mei.write("#transfer-note", "She likes it matte.")
	mei.click("#transfer button[type=submit]", "Hand over")
	mei.hides("#transfer", "")
	mei.hides("#list-body .thread-row", "")
	hana.shows("#stream .event-note", "She likes it matte.")
	hana.shows("#list-body .thread-row", "林怡君")
	hana.shows(`.tab[data-tab="mine"] .num`, "1")
	hana.shows("#thread-top .thread-who", "yours")

	hana.click("#thread-top .only-wide", "Close")
	hana.shows("#lock", "This conversation is closed.")
	hana.hides("#list-body .thread-row", "")
	mei.shows("#lock", "This conversation is closed.")

	h.phone.Text(lin, "還有一件事")
	hana.hides("#lock", "")
	hana.shows("#stream .message-in", "還有一件事")
	hana.shows("#list-body .thread-row", "還有一件事")
	hana.write("#text", "請說")
	hana.press("\r")
	h.has(lin, "請說") // and never a word of the note
}

// Who answers already is known to whoever looks.
func twoAdvisorsSeeEachOther(t *testing.T, c *chromium) {
	h := newHouse(t)
	lin := h.friend("U1", "林怡君")
	h.phone.Text(lin, "hi")
	thread := h.thread(lin)
	mei, hana := h.console(c, h.advisor, "Mei"), h.console(c, h.hire("Hana", staff.Advisor, h.counter), "Hana")
	mei.open("/inbox/" + thread)
	mei.hides("#presence", "")
	hana.open("/inbox/" + thread)
	mei.shows("#presence", "Hana is looking too")
	hana.shows("#presence", "Mei is looking too")
	hana.write("#text", "Let me see")
	mei.shows("#presence", "Hana is answering…")
	hana.press("\r")
	mei.shows("#presence", "Hana is looking too")
	mei.shows(".message-out", "Let me see")
	hana.open("/me")
	mei.hides("#presence", "")
}

// What she began at the desk goes on in her hand.
func aDraftMovesToThePhone(t *testing.T, c *chromium) {
	h := newHouse(t)
	lin := h.friend("U1", "林怡君")
	h.phone.Text(lin, "hi")
	thread := h.thread(lin)
	desk, hand := h.console(c, h.advisor, "Mei at the desk"), h.console(c, h.advisor, "Mei's phone").small()
	desk.open("/inbox/" + thread)
	desk.write("#text", "The new shades come on")
	eventually(t, func() string {
		if h.count("draft") == 0 {
			return "the draft is not kept"
		}
		return ""
	})

	hand.open("/inbox")
	hand.click(".thread-row", "林怡君")
	hand.until("the draft", `document.getElementById("text").value === "The new shades come on"`)
	hand.click("#text", "")
	hand.until("the cursor", `document.activeElement.id === "text"`)
	hand.press(kb.End)
	hand.press("\r") // on glass this is a new line
	hand.insert("Friday.")
	hand.click(".send", "")
	h.has(lin, "The new shades come on\nFriday.")
	hand.until("an empty composer", `document.getElementById("text").value === ""`)
	hand.click("[data-back]", "")
	hand.click(".tab", "Mine")
	hand.shows(".thread-row", "You: The new shades come on")

	desk.shows(".message-out", "Friday.")
	desk.open("/inbox/" + thread)
	desk.until("an empty composer, for it is sent", `document.getElementById("text").value === ""`)
}

// Names stand where a saved reply has its marks, before anything is sent.
func aSavedReplyIsFilledIn(t *testing.T, c *chromium) {
	h := newHouse(t)
	h.write(func(tx *db.Tx) error {
		_, err := h.Desk.SaveReply(tx, staff.System(), conversation.Reply{Title: "問候", Text: "{customer} 您好，我是{counter}的{advisor}。"})
		return err
	})
	lin := h.friend("U1", "林怡君")
	h.phone.Text(lin, "hi")
	h.thread(lin)
	h.quiet() // her name has been fetched
	mei := h.console(c, h.advisor, "Mei")
	mei.open("/inbox")
	mei.click(".thread-row", "林怡君")
	mei.click(".reply-chip", "問候")
	mei.until("the names", `document.getElementById("text").value === "林怡君 您好，我是Rosée Xinyi的Mei。"`)
	mei.press("\r")
	h.has(lin, "林怡君 您好，我是Rosée Xinyi的Mei。")

	mei.click("[data-dialog=reply-picker]", "")
	mei.write("#reply-search", "問")
	mei.click("#reply-picker .row", "問候")
	mei.hides("#reply-picker", "")
	mei.until("the names again", `document.getElementById("text").value.startsWith("林怡君 您好")`)
}
