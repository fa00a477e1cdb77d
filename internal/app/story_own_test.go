package app

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"dingdong/internal/channel"
	"dingdong/internal/consent"
	"dingdong/internal/conversation"
	"dingdong/internal/db"
)

var ownLink = regexp.MustCompile(`https?://\S+/my/[A-Za-z0-9_-]+`)

// ownPage opens the latest link of her page that stands on her phone.
func (h *home) ownPage(c *chromium, user, who string) *tab {
	h.t.Helper()
	var link string
	eventuallyIn(h.t, patience, func() string {
		for _, m := range h.phone.Sent(user) {
			if found := ownLink.FindString(m.Text); found != "" {
				link = found
			}
		}
		if link == "" {
			return "no link of her page on her phone"
		}
		return ""
	})
	p := c.person(h.t, h.url, who)
	p.open(strings.TrimPrefix(link, h.url))
	return p
}

// She agrees on her phone; a message is planned; she stops with one tap, and it dies.
func oneTapStopsItAndAPlannedMessageDies(t *testing.T, c *chromium) {
	h := newHouseWith(t, plan{greets: true})
	lin := h.phone.Person("U1", "林怡君")
	h.phone.Follow(lin)
	phone := h.phoneOf(c, lin, "林怡君")
	phone.shows(".bubble", "我們可以偶爾主動傳新品與優惠給您嗎")
	phone.click(".choice", "同意")
	phone.shows(".bubble", "謝謝您！您隨時可以回覆「取消訂閱」")

	thread := h.thread(lin)
	var planned conversation.Message
	h.write(func(tx *db.Tx) (err error) {
		planned, err = h.Desk.Send(tx, conversation.Draft{ThreadID: thread, Author: conversation.AuthorAutomation, AuthorID: "spring", Purpose: consent.Marketing,
			Kind: "spring", NotBefore: tx.Now.Add(24 * time.Hour), Body: channel.Body{Type: channel.Text, Text: "春季新品到櫃了"}})
		return err
	})
	if planned.Status != conversation.StatusPlanned {
		t.Fatalf("it is %s (%s), not planned", planned.Status, planned.Failure)
	}
	mei := h.console(c, h.advisor, "Mei")
	mei.open("/inbox/" + thread)
	mei.shows("#main", "春季新品到櫃了")

	page := h.ownPage(c, lin, "她的頁面")
	page.shows("h1", "您的專屬頁面")
	page.click("button", "全部停止")
	page.shows(".note", "已停止，並已在您的聊天室確認。")
	phone.shows(".bubble", "好的，已經停止。")
	mei.shows("#stream", "She does not want messages like this any more.")
	mei.shows("#stream .event", "wants no messages that she did not ask for")
	for _, m := range h.phone.Sent(lin) {
		if strings.Contains(m.Text, "春季新品") {
			t.Error("she was sent what she had stopped")
		}
	}
	phone.click(".choice", "復原")
	phone.shows(".bubble", "已恢復成原來的設定")
	page.reload()
	page.shows("button", "全部停止")
	if n := h.number(`SELECT COUNT(*) FROM message WHERE status = 'refused' AND failure = 'stopped'`); n != 1 {
		t.Errorf("%d messages died", n)
	}
}

// She asks what is known, takes back one purpose, and asks to be deleted.
func sheOpensHerOwnPage(t *testing.T, c *chromium) {
	h := newHouse(t)
	lin := h.friend("U1", "林怡君")
	phone := h.phoneOf(c, lin, "林怡君")
	phone.sends("我的資料")
	phone.shows(".bubble", "這是您的專屬頁面")
	page := h.ownPage(c, lin, "她的頁面")
	page.shows("dd", "林怡君")
	page.click(`form:has([value="profiling"]) button`, "同意")
	page.shows(".state-yes", "您已同意")
	page.click(`form:has([value="profiling"]) button`, "不同意")
	page.shows(".note", "已儲存您的決定。")
	page.hides(".state-yes", "")
	page.click("button", "刪除我的資料")
	page.shows(".note", "我們在您的聊天室問了您一個問題")
	phone.click(".choice", "是，全部刪除")
	phone.shows(".bubble", "已登記您的申請")
	eventuallyIn(t, patience, func() string {
		if h.count("privacy_request") != 1 {
			return "nothing was asked"
		}
		return ""
	})
	page.reload()
	page.shows("#rights ~ p", "申請刪除")
	page.click(`.languages a`, "العربية")
	page.until("right to left", `document.documentElement.dir === "rtl"`)
}
