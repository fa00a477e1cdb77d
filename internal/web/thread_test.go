package web

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"dingdong/internal/channel"
	"dingdong/internal/conversation"
	"dingdong/internal/db"
)

func (h *deskHouse) readRow(query string, into ...any) {
	h.t.Helper()
	h.read(func(tx *db.Tx) error { return tx.QueryRow(query).Scan(into...) })
}

func TestThreadShowsEveryKind(t *testing.T) {
	h := newDeskHouse(t)
	m := h.hears("林怡君", "第一行\n第二行 https://rosee.test/a。")
	peer := channel.Peer{Type: channel.Person, ID: "U-林怡君"}
	for _, b := range []channel.Body{
		{Type: channel.Text, Text: "🥰🌸"},
		{Type: channel.Image},
		{Type: channel.Sticker, Stick: &channel.Stick{PackageID: "11537", StickerID: "1", Keywords: []string{"Thanks", "bow"}}},
		{Type: channel.Location, Place: &channel.Place{Title: "信義店", Address: "松高路 19 號", Latitude: 25.0393, Longitude: 121.5675}},
		{Type: channel.Image, Media: &channel.Media{External: "https://elsewhere.test/a.jpg"}},
		{Type: channel.Unknown},
	} {
		h.receives(channel.Inbound{Kind: channel.Message, Peer: peer, Body: b})
	}
	gone := h.hears("林怡君", "secret words")
	h.receives(channel.Inbound{Kind: channel.Unsend, Peer: peer, ExternalID: fmt.Sprintf("external-%d", h.told)}) // the last
	h.receives(channel.Inbound{Kind: channel.Follow, Peer: peer, At: h.DB.Now().Add(-time.Hour)})
	mei := h.as(t, h.Advisor)
	got := mei.get("/inbox/" + m.ThreadID)
	want(t, got, http.StatusOK, "第一行\n第二行", `<a href="https://rosee.test/a" target="_blank"`, "bubble-emoji", "Being fetched", "🙏", "Thanks",
		"信義店", "https://www.openstreetmap.org/?mlat=25.039300&amp;mlon=121.567500", "Open what she shared", "cannot be shown", "Message taken back",
		"林怡君 added the account as a friend", `id="m-`+gone.ID+`"`, `class="day" data-day=`, "Today,", `data-show="thread"`)
	if strings.Contains(got.Body.String(), "secret words") {
		t.Error("an unsent message is still there")
	}
}

func TestOlderMessagesComeInPieces(t *testing.T) {
	h := newDeskHouse(t)
	var m conversation.Message
	const all = messagePiece*2 + 3
	for i := range all {
		m = h.receives(channel.Inbound{Kind: channel.Message, At: h.DB.Now().Add(time.Duration(i-all) * time.Hour), Peer: channel.Peer{Type: channel.Person, ID: "u"},
			Body: channel.Body{Type: channel.Text, Text: fmt.Sprintf("word %03d.", i)}})
	}
	b := h.as(t, h.Advisor)
	body := b.get("/inbox/" + m.ThreadID).Body.String()
	next := regexp.MustCompile(`data-older="([^"]+)"`)
	seen := ""
	b.partial()
	for pieces := 1; ; pieces++ {
		seen = body + seen
		found := next.FindStringSubmatch(body)
		if found == nil {
			if pieces != 3 {
				t.Errorf("%d pieces", pieces)
			}
			break
		}
		got := b.get(found[1])
		want(t, got, http.StatusOK)
		body = got.Body.String()
	}
	last := -1
	for i := range all {
		text := fmt.Sprintf(`<p dir="auto">word %03d.</p>`, i)
		at := strings.Index(seen, text)
		if strings.Count(seen, text) != 1 || at < last {
			t.Fatalf("%q stands %d times, or out of order", text, strings.Count(seen, text))
		}
		last = at
	}
	want(t, b.get("/inbox/"+m.ThreadID+"/messages?before=nonsense"), http.StatusBadRequest)
}

func TestTheSameKeyTwiceAtOnceIsOneMessage(t *testing.T) {
	h := newDeskHouse(t)
	m := h.hears("林怡君", "您好")
	mei := h.as(t, h.Advisor)
	var wait sync.WaitGroup
	ids := make([]string, 8)
	for i := range ids {
		wait.Go(func() {
			b := newBrowser(t, h)
			for name, value := range mei.cookies {
				b.cookies[name] = value
			}
			got := b.post("/inbox/"+m.ThreadID+"/messages", url.Values{"key": {"one"}, "text": {"收到"}})
			if got.Code != http.StatusOK {
				t.Errorf("%d: %s", got.Code, got.Body)
			}
			ids[i] = regexp.MustCompile(`id="m-[^"]+"`).FindString(got.Body.String())
		})
	}
	wait.Wait()
	for _, id := range ids {
		if id == "" || id != ids[0] {
			t.Errorf("answers name %q and %q", ids[0], id)
		}
	}
	if n := h.count(`SELECT COUNT(*) FROM message WHERE client_key = 'one'`); n != 1 {
		t.Errorf("%d messages", n)
	}
}

func TestSaying(t *testing.T) {
	h := newDeskHouse(t)
	m := h.hears("林怡君", "您好")
	b := h.as(t, h.Advisor)
	b.Header.Set("Accept", "text/html, application/json")
	path := "/inbox/" + m.ThreadID + "/messages"
	want(t, b.post(path, url.Values{"key": {"1"}, "text": {"第一行\r\n第二行"}, "quotes": {m.ID}}), http.StatusOK,
		"第二行", `data-key="1"`, "message-out", "Mei", `href="#m-`+m.ID+`"`, "status-queued")
	many := strings.Repeat("😊", 2500)
	want(t, b.post(path, url.Values{"key": {"2"}, "text": {many}}), http.StatusOK, many)
	want(t, b.post(path, url.Values{"key": {"3"}, "text": {strings.Repeat("😊", 5000)}}), http.StatusUnprocessableEntity, `"error":`)
	want(t, b.post(path, url.Values{"key": {"4"}, "text": {" \n "}}), http.StatusUnprocessableEntity)
	want(t, b.post(path, url.Values{"text": {"no key"}}), http.StatusUnprocessableEntity)
	if n := h.count(`SELECT waiting_since FROM thread WHERE id = $1`, m.ThreadID); n != 0 {
		t.Error("she still waits")
	}
	h.hears("林怡君", strings.Repeat("🌸", 5000))
	want(t, b.get("/inbox/"+m.ThreadID), http.StatusOK, strings.Repeat("🌸", 5000))
}

func TestFailuresAreToldInWords(t *testing.T) {
	h := newDeskHouse(t)
	m := h.hears("林怡君", "您好")
	b := h.as(t, h.Advisor)
	want(t, b.post("/inbox/"+m.ThreadID+"/messages", url.Values{"key": {"1"}, "text": {"收到"}}), http.StatusOK)
	var id string
	h.readRow(`SELECT id FROM message WHERE client_key = '1'`, &id)
	for _, c := range append(failures, "never_heard_of") {
		h.write(func(tx *db.Tx) error {
			_, err := tx.Exec(`UPDATE message SET status = 'failed', failure = $2, detail = 'words of the platform' WHERE id = $1`, id, c)
			return err
		})
		body := b.get("/inbox/" + m.ThreadID).Body.String()
		if strings.Contains(body, "failure.") || !strings.Contains(body, "words of the platform") || !strings.Contains(body, "/resend") {
			t.Errorf("%s is not told in words", c)
		}
	}
	resend := "/inbox/" + m.ThreadID + "/messages/" + id + "/resend"
	want(t, b.post(resend, nil), http.StatusOK, "status-queued")
	other := h.hears("陳美惠", "?")
	want(t, b.post("/inbox/"+other.ThreadID+"/messages/"+id+"/resend", nil), http.StatusNotFound)
}

func TestABlockedCustomerCannotBeWrittenTo(t *testing.T) {
	h := newDeskHouse(t)
	m := h.hears("林怡君", "您好")
	h.receives(channel.Inbound{Kind: channel.Unfollow, Peer: channel.Peer{Type: channel.Person, ID: "U-林怡君"}})
	b := h.as(t, h.Advisor)
	want(t, b.get("/inbox/"+m.ThreadID), http.StatusOK, "She has blocked the account. You can", "林怡君 blocked the account", `pill-soft">Blocked`)
	want(t, b.post("/inbox/"+m.ThreadID+"/messages", url.Values{"key": {"1"}, "text": {"hello?"}}), http.StatusOK, "status-refused", "She has blocked the account.")
}

func TestHandingOver(t *testing.T) {
	h := newDeskHouse(t)
	m := h.hears("林怡君", "您好")
	mei, min := h.as(t, h.Advisor), h.as(t, h.Manager)
	mei.partial()
	path := "/inbox/" + m.ThreadID
	want(t, mei.post(path+"/take", nil), http.StatusOK, `id="thread-top"`, "yours", `hx-swap-oob="true"`)
	want(t, mei.post(path+"/transfer", url.Values{"to": {h.Manager}, "note": {"她想找淡香 <b>"}}), http.StatusOK, "with Min")
	body := min.get(path).Body.String()
	for _, text := range []string{"Mei handed over to Min", "她想找淡香 &lt;b&gt;", "Notes of colleagues"} {
		if !strings.Contains(body, text) {
			t.Errorf("Min does not read %q", text)
		}
	}
	want(t, mei.post(path+"/transfer", url.Values{"to": {h.Other}}), http.StatusUnprocessableEntity)
	want(t, mei.post(path+"/transfer", nil), http.StatusUnprocessableEntity)
	want(t, mei.post(path+"/release", nil), http.StatusOK, "nobody&#39;s yet")
	want(t, mei.post(path+"/close", nil), http.StatusOK, "Open again", "This conversation is closed.")
	want(t, mei.post(path+"/reopen", nil), http.StatusOK, "Hand over")
	want(t, mei.post(path+"/name", url.Values{"name": {"怡君姐"}}), http.StatusOK, "怡君姐", "On the platform:")
	want(t, mei.get(path+"/head"), http.StatusOK, "怡君姐")
}

func TestDraftsFollowHer(t *testing.T) {
	h := newDeskHouse(t)
	m := h.hears("林怡君", "您好")
	path := "/inbox/" + m.ThreadID
	want(t, h.as(t, h.Advisor).post(path+"/draft", url.Values{"text": {"一半的句子"}}), http.StatusNoContent)
	want(t, h.as(t, h.Advisor).get(path), http.StatusOK, "一半的句子</textarea>")
	if strings.Contains(h.as(t, h.Manager).get(path).Body.String(), "一半的句子") {
		t.Error("a draft is shown to a colleague")
	}
}

func TestALookIsRecordedOnce(t *testing.T) {
	h := newDeskHouse(t)
	m := h.hears("林怡君", "您好")
	b := h.as(t, h.Advisor)
	for range 3 {
		want(t, b.get("/inbox/"+m.ThreadID), http.StatusOK)
		want(t, b.get("/inbox/"+m.ThreadID+"/head"), http.StatusOK)
	}
	looked := `SELECT COUNT(*) FROM audit WHERE action = 'thread.open'`
	if n := h.count(looked); n != 1 {
		t.Errorf("%d looks on record", n)
	}
	want(t, h.as(t, h.Advisor).get("/inbox/"+m.ThreadID+"/card"), http.StatusOK) // another session, and not by the front door
	if n := h.count(looked); n != 2 {
		t.Errorf("%d looks on record", n)
	}
}

func TestSavedRepliesCarryNames(t *testing.T) {
	h := newDeskHouse(t)
	m := h.hears("林怡君", "您好")
	h.write(func(tx *db.Tx) error {
		_, err := h.Desk.SaveReply(tx, h.viewer(h.Admin), conversation.Reply{Title: "Hi", Text: "{customer}您好，我是{advisor}"})
		return err
	})
	want(t, h.as(t, h.Advisor).get("/inbox/"+m.ThreadID), http.StatusOK, `data-reply="林怡君您好，我是Mei"`)
}
