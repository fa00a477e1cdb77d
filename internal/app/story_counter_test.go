package app

import (
	"fmt"
	"net/http"
	"slices"
	"testing"

	"dingdong/internal/channel"
	"dingdong/internal/channel/line/linefake"
	"dingdong/internal/conversation"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// neighbour makes another counter with a LINE account of its own.
func (h *home) neighbour(name string) (counter string, phone *linefake.Platform) {
	h.t.Helper()
	phone = newPlatform(h.t, linefake.Options{})
	base := platformURL(phone)
	var account conversation.Account
	h.write(func(tx *db.Tx) error {
		system := staff.System()
		place, err := staff.GetCounter(tx, h.counter)
		if err != nil {
			return err
		}
		brand, err := staff.SaveBrand(tx, system, staff.BrandForm{Name: name})
		if err != nil {
			return err
		}
		made, err := staff.SaveCounter(tx, system, staff.CounterForm{StoreID: place.StoreID, BrandID: brand.ID})
		if err != nil {
			return err
		}
		counter = made.ID
		account, err = h.Desk.SaveAccount(tx, system, conversation.AccountForm{Channel: channel.LINE, Name: name,
			CounterID: counter, Secret: lineSecret, Token: lineToken, APIBase: base, DataBase: base})
		return err
	})
	phone.SetWebhook(h.url+account.WebhookPath(), true)
	return counter, phone
}

// friend is a customer who has the account on her phone.
func (h *home) friend(user, name string) string {
	h.phone.Person(user, name)
	h.phone.Befriend(user)
	return user
}

// has waits until her phone shows exactly these texts of the counter, in this order.
func (h *home) has(user string, want ...string) {
	h.t.Helper()
	eventuallyIn(h.t, patience, func() string {
		var got []string
		for _, m := range h.phone.Sent(user) {
			got = append(got, m.Text)
		}
		if !slices.Equal(got, want) {
			return fmt.Sprintf("her phone shows %q, not %q", got, want)
		}
		return ""
	})
}

// She writes; every open console of her counter dings; she is answered.
func sheWritesAndTheConsoleDings(t *testing.T, c *chromium) {
	h := newHouse(t)
	lumiere, otherPhone := h.neighbour("Lumière")
	mei, hana := h.console(c, h.advisor, "Mei"), h.console(c, h.hire("Hana", staff.Advisor, h.counter), "Hana")
	olga := h.console(c, h.hire("Olga", staff.Advisor, lumiere), "Olga")
	for _, p := range []*tab{mei, hana, olga} {
		p.open("/inbox?box=all")
		p.shows(".empty", "No conversations yet")
	}
	read[bool](mei, `window.sameDocument = true`)

	// On her phone she writes, and then somebody else does.
	lin, vivian := h.friend("U1", "林怡君"), h.friend("U2", "Vivian")
	h.phone.Text(lin, "請問 32 號色還有嗎？")
	for _, p := range []*tab{mei, hana} {
		p.shows(".thread-row:nth-child(1 of .thread-row)", "請問 32 號色還有嗎？")
		p.shows(".thread-row:nth-child(1 of .thread-row)", "林怡君")
		p.until("the number in the title", `document.title === "(1) Messages · Dingdong"`)
		p.until("a ding", `window.dings === 1`)
	}
	h.phone.Text(vivian, "hello?")
	mei.shows(".thread-row:nth-child(2 of .thread-row)", "hello?") // who waits longest stays on top
	mei.until("both in the title", `document.title === "(2) Messages · Dingdong"`)

	// Mei answers. The platform is slow, so the bubble says what it waits for.
	goOn := make(chan struct{})
	h.phone.Fail(func(r *http.Request) linefake.Fault {
		if r.URL.Path == "/v2/bot/message/reply" {
			<-goOn
		}
		return linefake.Fault{}
	})
	mei.click(".thread-row", "林怡君")
	mei.shows("#stream .message-in", "請問 32 號色還有嗎？")
	mei.write("#text", "有的，我幫您留一支。")
	mei.press("\r")
	mei.shows(`.message-out[data-status="queued"]`, "有的，我幫您留一支。")
	mei.shows(`.message-out[data-status="queued"] .status`, "Waiting to be sent")
	close(goOn)
	mei.shows(`.message-out[data-status="sent"] .status`, "Sent")
	h.has(lin, "有的，我幫您留一支。")
	mei.shows("#card-head .card-facts", "Mei (you)") // who answers first is her advisor
	mei.until("an empty composer", `document.getElementById("text").value === ""`)
	mei.shows(".thread-row:nth-child(1 of .thread-row)", "Vivian") // now she waits longest
	mei.until("one in the title", `document.title.startsWith("(1) ")`)

	// Hana sees it live, in the list and in the conversation.
	hana.shows(".thread-row", "Mei: 有的，我幫您留一支。")
	hana.click(".thread-row", "林怡君")
	hana.shows(`.message-out[data-status="sent"]`, "有的，我幫您留一支。")
	hana.shows(".message-out .by", "Mei")

	// Olga, of the counter across the aisle, hears of her own customer alone.
	otherPhone.Befriend("U9")
	otherPhone.Text("U9", "for Lumière")
	olga.shows(".thread-row", "for Lumière")
	if rows := olga.texts(".thread-row"); len(rows) != 1 {
		t.Errorf("Olga sees conversations of another counter: %q", rows)
	}
	if !read[bool](mei, `window.sameDocument`) {
		t.Error("the page was loaded again in between")
	}
}

// A picture, a sticker and a voice note arrive; taken back, they are gone.
func whatSheTakesBackIsGone(t *testing.T, c *chromium) {
	h := newHouse(t)
	lin := h.friend("U1", "林怡君")
	h.phone.Text(lin, "看看這個")
	mei := h.console(c, h.advisor, "Mei")
	mei.open("/inbox/" + h.thread(lin))
	mei.shows(".message-in", "看看這個")

	sent := []linefake.Posted{
		h.phone.Image(lin, linefake.File{MIME: "image/jpeg", Bytes: portrait(t)}),
		h.phone.Sticker(lin, "446", "1988"),
		h.phone.Audio(lin, linefake.File{MIME: "audio/wav", Bytes: silence()}),
	}
	mei.until("the picture", `document.querySelector("#stream img[alt=Picture]")?.naturalWidth > 0`)
	mei.shows("#stream .sticker", "Sticker")
	mei.until("the voice note", `document.querySelector("#stream audio")?.duration > 0`)
	mei.click("#stream .bubble-image a", "")
	mei.until("the picture in large", `document.querySelector("#lightbox[open] img")?.naturalWidth > 0`)
	mei.click("#lightbox [data-close]", "")
	mei.hides("#lightbox", "")

	for _, p := range sent {
		h.phone.Unsend(lin, p.MessageID)
	}
	mei.until("all three taken back", `[...document.querySelectorAll("#stream .bubble-unsent")].filter((el) => el.innerText === "Message taken back").length === 3`)
	if n := read[int](mei, `document.querySelectorAll("#stream :is(img, audio, .sticker)").length`); n != 0 {
		t.Errorf("%d of the things she took back are still on the page", n)
	}
	mei.shows(".message-in", "看看這個")
	eventually(t, func() string {
		if n := len(files(t, h.dir+"/blobs")); n > 0 {
			return fmt.Sprintf("%d files are left of them", n)
		}
		return ""
	})
}

// silence is a tenth of a second of it, as a WAV file.
func silence() []byte {
	const samples = 800
	header := "RIFF\x64\x06\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x40\x1f\x00\x00\x80\x3e\x00\x00\x02\x00\x10\x00data\x40\x06\x00\x00"
	return append([]byte(header), make([]byte, 2*samples)...)
}

// Who has blocked the account cannot be written to, and the composer says so.
func sheBlocksAndComesBack(t *testing.T, c *chromium) {
	h := newHouse(t)
	lin := h.friend("U1", "林怡君")
	h.phone.Text(lin, "hi")
	mei := h.console(c, h.advisor, "Mei")
	mei.open("/inbox/" + h.thread(lin))
	mei.shows(".composer #text", "")

	h.phone.Block(lin)
	mei.shows("#lock", "She has blocked the account.")
	mei.shows("#stream .event", "林怡君 blocked the account")
	mei.hides(".composer #write", "")

	h.phone.Unblock(lin)
	mei.hides("#lock", "")
	mei.write("#text", "Welcome back!")
	mei.click(".send", "Send")
	h.has(lin, "Welcome back!")
	mei.shows(`.message-out[data-status="sent"]`, "Welcome back!")
}
