package app

import (
	"testing"

	"dingdong/internal/conversation"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// A visitor of the web chat chooses her advisor from those who are there.
func sheChoosesHerAdvisor(t *testing.T, c *chromium) {
	h := newHouse(t)
	account := h.webChat("")
	hanaID := h.hire("Hana", staff.Advisor, h.counter)
	hana, mei := h.console(c, hanaID, "Hana"), h.console(c, h.advisor, "Mei")
	for _, p := range []*tab{hana, mei} {
		p.open("/inbox?box=mine")
		p.shows(".empty", "")
	}
	visitor := c.person(t, h.url, "the visitor").wide()
	visitor.open("/chat/" + account)
	visitor.shows(".welcome", "How can we help?")
	visitor.click(`button[aria-label="Choose your advisor"]`, "")
	visitor.shows("dialog[open] .about", "We note your choice only to advise you.")
	visitor.shows("dialog[open] .pick", "Mei")
	visitor.click("dialog[open] .pick", "Hana")
	visitor.shows(".invite-done", "Hana answers you from now on.")
	visitor.write("textarea", "Do you have shade 32?")
	visitor.press("\r")

	hana.shows(".thread-row", "Do you have shade 32?")
	hana.until("a ding", `window.dings >= 1`)
	hana.click(".thread-row", "")
	hana.shows("#card-advisor", "Hana")
	hana.shows("#card-advisor", "She chose her")
	hana.write("#text", "Yes, we do.")
	hana.press("\r")
	visitor.shows(".row.advisor", "Yes, we do.")
	if rows := mei.texts(".thread-row"); len(rows) != 0 {
		t.Errorf("Hana's customer stands among Mei's: %q", rows)
	}
}

// One LINE account serves two counters, and she goes from one to the other in the chat.
func sheGoesToAnotherCounter(t *testing.T, c *chromium) {
	h := newHouse(t)
	lumiere, _ := h.neighbour("Lumière")
	h.write(func(tx *db.Tx) error {
		_, err := h.Desk.SaveAccount(tx, staff.System(), conversation.AccountForm{ID: h.account.ID, Name: h.account.Name, CounterID: h.counter,
			APIBase: h.account.APIBase, DataBase: h.account.DataBase, Counters: &[]string{lumiere}})
		return err
	})
	name := h.text(`SELECT name FROM counter WHERE id = $1`, lumiere)
	mei, olga := h.console(c, h.advisor, "Mei"), h.console(c, h.hire("Olga", staff.Advisor, lumiere), "Olga")
	for _, p := range []*tab{mei, olga} {
		p.open("/inbox?box=all")
		p.shows(".empty", "")
	}
	phone := h.phoneOf(c, h.friend("U1", "林怡君"), "林怡君")
	phone.sends("請問 32 號色還有嗎？")
	mei.shows(".thread-row", "請問 32 號色還有嗎？")
	phone.sends("換櫃位")
	phone.shows("#log", "您想與哪一個專櫃聊聊？")
	phone.click(".choice", name)
	phone.shows("#log", "已為您轉到 "+name)
	phone.sends("有光澤的打亮嗎？")
	olga.shows(".thread-row", "有光澤的打亮嗎？")
	olga.click(".thread-row", "")
	olga.shows("#stream .event", "林怡君 came from")
	if rows := olga.texts("#stream .message-in"); len(rows) != 1 {
		t.Errorf("Olga reads what was said to another counter: %q", rows)
	}
	olga.write("#text", "有，三個顏色。")
	olga.press("\r")
	phone.shows("#log", "有，三個顏色。")
	mei.click(".thread-row", "林怡君")
	mei.shows("#stream .event", "林怡君 went on to "+name)
	if rows := mei.texts("#stream .message-in"); len(rows) != 1 {
		t.Errorf("Mei reads what is said to another counter: %q", rows)
	}
}

// Her advisor is off: the stand-in answers in her place, and then she is back.
func herAdvisorIsOffAndBack(t *testing.T, c *chromium) {
	h := newHouse(t)
	hanaID := h.hire("Hana", staff.Advisor, h.counter)
	lin := h.friend("U1", "林怡君")
	h.phone.Text(lin, "Hana 在嗎？")
	thread := h.thread(lin)
	h.write(func(tx *db.Tx) error {
		counter, err := staff.GetCounter(tx, h.counter)
		if err != nil {
			return err
		}
		if _, err := staff.SaveCounter(tx, staff.System(), staff.CounterForm{ID: counter.ID, Name: counter.Name, StandIn: &h.advisor}); err != nil {
			return err
		}
		return h.Desk.GiveAdvisor(tx, staff.System(), conversation.Giving{ThreadID: thread, AdvisorID: hanaID})
	})
	hana, mei := h.console(c, hanaID, "Hana"), h.console(c, h.advisor, "Mei")
	mei.open("/inbox?box=mine")
	mei.shows(".empty", "")
	hana.open("/inbox?box=mine")
	hana.shows(".thread-row", "Hana 在嗎？")
	hana.click(".thread-row", "林怡君")
	hana.write("#text", "在，請說。")
	hana.press("\r")
	h.has(lin, "在，請說。")

	hana.open("/me")
	hana.click("button", "Away for an hour")
	hana.shows("main", "You are away until")
	h.phone.Text(lin, "還有 32 號嗎？")
	mei.shows(".thread-row", "還有 32 號嗎？")
	mei.until("a ding", `window.dings >= 1`)
	mei.click(".thread-row", "林怡君")
	mei.shows(".thread-covers", "covering for Hana")
	mei.shows("#stream .event", "Hana is off: Mei answers in her place")
	mei.shows("#card-advisor", "Hana")
	mei.write("#text", "有的，我是 Mei，先幫您留一支。")
	mei.press("\r")
	h.has(lin, "在，請說。", "有的，我是 Mei，先幫您留一支。")

	hana.click("button", "I am back")
	hana.shows("button", "Away for an hour")
	h.phone.Text(lin, "我明天去拿")
	hana.open("/inbox?box=mine")
	hana.shows(".thread-row", "我明天去拿")
	hana.click(".thread-row", "林怡君")
	hana.shows("#stream .event", "Hana is back and answers again")
	mei.shows("#stream .message-in", "我明天去拿")
	mei.hides(".thread-covers", "")
	if b := h.text(`SELECT advisor_id FROM binding WHERE ended_at IS NULL`); b != hanaID {
		t.Error("standing in for Hana took her customer from her")
	}
}
