package web

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"dingdong/internal/channel"
	"dingdong/internal/db"
)

func TestInboxOrdersWhoWaitsLongest(t *testing.T) {
	h := newDeskHouse(t)
	now := h.DB.Now()
	for name, ago := range map[string]time.Duration{"Anna": time.Minute, "Berta": time.Hour, "Clara": 10 * time.Minute} {
		h.receives(channel.Inbound{Kind: channel.Message, At: now.Add(-ago), Peer: channel.Peer{Type: channel.Person, ID: name, Name: name},
			Body: channel.Body{Type: channel.Text, Text: "hello"}})
	}
	h.receives(channel.Inbound{Kind: channel.Message, At: now, Peer: channel.Peer{Type: channel.Person, ID: "nameless"},
		Body: channel.Body{Type: channel.Image}})
	mei := h.as(t, h.Advisor)
	got := mei.get("/inbox?box=unassigned")
	want(t, got, http.StatusOK, `wait-late`, `wait-warm`, "LINE friend", "Picture", `aria-current="page">Unassigned <span class="num" data-count="unassigned">4`)
	body := got.Body.String()
	last := -1
	for _, name := range []string{"Berta", "Clara", "Anna", "LINE friend"} {
		at := strings.Index(body, "<bdi>"+name+"</bdi>")
		if at < last {
			t.Errorf("%s stands too high", name)
		}
		last = at
	}
	t.Run("without a box it is the first that is not empty", func(t *testing.T) {
		want(t, mei.get("/inbox"), http.StatusOK, `data-box="unassigned"`)
	})
	t.Run("search looks everywhere", func(t *testing.T) {
		b := h.as(t, h.Advisor).partial()
		b.Header.Set("HX-Target", "list-body")
		got := b.get("/inbox?box=mine&q=bert")
		want(t, got, http.StatusOK, "Berta", `id="list-body"`, `data-box="mine"`)
		if strings.Contains(got.Body.String(), "Clara") || strings.Contains(got.Body.String(), "<html") {
			t.Error("too much found")
		}
		want(t, b.get("/inbox?box=mine&q=zz"), http.StatusOK, "Nobody of that name")
	})
	t.Run("other pages count too", func(t *testing.T) {
		want(t, mei.get("/inbox/waiting"), http.StatusOK, `>4</span>`)
		want(t, mei.get("/me"), http.StatusOK, `hx-get="/inbox/waiting"`)
	})
	t.Run("empty", func(t *testing.T) {
		want(t, mei.get("/inbox?box=mine"), http.StatusOK, "Nobody waits for you", `href="/inbox?box=unassigned"`)
		want(t, mei.get("/inbox?closed=1"), http.StatusOK, "Nothing closed")
	})
}

func TestInboxGoesOnByPieces(t *testing.T) {
	h := newDeskHouse(t)
	for i := range inboxPiece + 5 {
		h.hears(fmt.Sprintf("Kundin %03d", i), "hello")
	}
	b := h.as(t, h.Advisor)
	first := b.get("/inbox?box=all").Body.String()
	_, rest, found := strings.Cut(first, `class="list-more" hx-get="`)
	if !found {
		t.Fatal("no way on")
	}
	address, _, _ := strings.Cut(rest, `"`)
	got := b.partial().get(strings.ReplaceAll(address, "&amp;", "&"))
	want(t, got, http.StatusOK)
	second := got.Body.String()
	if strings.Contains(second, "<section") || strings.Contains(second, "list-more") {
		t.Errorf("not the last piece: %.300s", second)
	}
	for i := range inboxPiece + 5 {
		name := fmt.Sprintf("Kundin %03d<", i)
		if strings.Count(first, name)+strings.Count(second, name) != 1 {
			t.Errorf("%s stands in neither or both pieces", name)
		}
	}
}

func TestHostileNamesAndTexts(t *testing.T) {
	h := newDeskHouse(t)
	evil := `<img src=x onerror=alert(1)>"'` + "\u202e"
	m := h.hears(evil, `</p><script>alert(1)</script> javascript:alert(1) http://good.test/"onmouseover="x`)
	h.receives(channel.Inbound{Kind: channel.Message, Peer: channel.Peer{Type: channel.Person, ID: "U-" + evil},
		Body: channel.Body{Type: channel.Location, Place: &channel.Place{Title: evil, Address: evil}}})
	b := h.as(t, h.Advisor)
	for _, path := range []string{"/inbox?box=all", "/inbox/" + m.ThreadID, "/inbox/" + m.ThreadID + "/card", "/inbox?box=all&q=" + url.QueryEscape(evil)} {
		body := b.get(path).Body.String()
		for _, bad := range []string{"<img src=x", "<script>alert", `"onmouseover=`, `href="javascript:`} {
			if strings.Contains(body, bad) {
				t.Errorf("%s has %q", path, bad)
			}
		}
	}
	want(t, b.get("/inbox/"+m.ThreadID), http.StatusOK, `<a href="http://good.test/" target="_blank" rel="noopener noreferrer nofollow">`)
}

// What another counter's customers write is not there for this advisor: not by
// any address, not by guessing.
func TestAnotherCountersThreadIsNotFound(t *testing.T) {
	h := newDeskHouse(t)
	mei := h.as(t, h.Advisor)
	m := h.hears("林怡君", "您好")
	mine := mei.post("/inbox/"+m.ThreadID+"/upload?key=k1&name=a.jpg", nil)
	if mine.Code != http.StatusUnprocessableEntity {
		t.Fatalf("an empty upload: %d", mine.Code)
	}
	want(t, mei.do(http.MethodPost, "/inbox/"+m.ThreadID+"/upload?key=k2&name=a.jpg", strings.NewReader(string(picture(t)))), http.StatusOK)
	var sent string
	h.readRow(`SELECT id FROM message WHERE client_key = 'k2'`, &sent)
	olga, marketing := h.as(t, h.Other), h.as(t, h.Marketing)
	tried := 0
	for _, rt := range h.routes() {
		method, path, _ := strings.Cut(rt.pattern, " ")
		if !strings.HasPrefix(path, "/inbox/{thread}") && !strings.HasPrefix(path, "/media/") {
			continue
		}
		tried++
		path = strings.NewReplacer("{thread}", m.ThreadID, "{message}", sent).Replace(path)
		query := "?before=1." + m.ID + "&key=x&name=a.jpg"
		body := strings.NewReader(url.Values{"key": {"x"}, "text": {"x"}, "to": {h.Other}, "name": {"x"}}.Encode())
		if got := olga.do(method, path+query, body); got.Code != http.StatusNotFound {
			t.Errorf("%s: %d for an advisor of another counter", rt.pattern, got.Code)
		}
		if got := marketing.do(method, path+query, strings.NewReader("")); got.Code != http.StatusNotFound && got.Code != http.StatusForbidden {
			t.Errorf("%s: %d for marketing", rt.pattern, got.Code)
		}
	}
	if tried < 15 {
		t.Errorf("only %d routes tried", tried)
	}
	want(t, olga.get("/live?thread="+m.ThreadID), http.StatusNotFound)
	if body := olga.get("/inbox?box=all").Body.String(); strings.Contains(body, "林怡君") {
		t.Error("her list shows another counter's customer")
	}
	if n := h.count(`SELECT COUNT(*) FROM message WHERE client_key = 'x'`); n != 0 {
		t.Error("something was sent")
	}
}

func TestThePrivacyOfficerReadsOnly(t *testing.T) {
	h := newDeskHouse(t)
	m := h.hears("林怡君", "您好")
	pia := h.as(t, h.Privacy)
	want(t, pia.get("/inbox/"+m.ThreadID), http.StatusOK, "您好", "You may read here, not write.")
	want(t, pia.post("/inbox/"+m.ThreadID+"/messages", url.Values{"key": {"k"}, "text": {"x"}}), http.StatusForbidden)
	want(t, pia.post("/inbox/"+m.ThreadID+"/seen", nil), http.StatusNoContent)
	if n := h.count(`SELECT unread FROM thread WHERE id = $1`, m.ThreadID); n != 1 {
		t.Error("an officer's look made it read")
	}
	if n := h.count(`SELECT COUNT(*) FROM audit WHERE action = 'thread.open' AND actor = $1`, h.Privacy); n != 1 {
		t.Errorf("%d looks on record", n)
	}
}

// Who takes a colleague's conversation has looked at a colleague's customer: the line that
// says so stands before the conversation is hers.
func TestWhoseItWasIsOnRecord(t *testing.T) {
	h := newDeskHouse(t)
	m := h.hears("Wen", "hello")
	want(t, h.as(t, h.Advisor).post("/inbox/"+m.ThreadID+"/take", nil), http.StatusOK)
	want(t, h.as(t, h.Manager).post("/inbox/"+m.ThreadID+"/take", nil), http.StatusOK)
	h.read(func(tx *db.Tx) error {
		for who, whose := range map[string]string{h.Advisor: "", h.Manager: h.Advisor} {
			var detail string
			err := tx.QueryRow(`SELECT detail FROM audit WHERE action = 'thread.open' AND actor = $1`, who).Scan(&detail)
			if err != nil || detail != whose {
				t.Errorf("on record is %q, want %q, %v", detail, whose, err)
			}
		}
		return nil
	})
}
