package web

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"dingdong/internal/channel"
	"dingdong/internal/conversation"
)

func TestFindPage(t *testing.T) {
	h := newDeskHouse(t)
	m := h.hears("林怡君", "我想找淡一點的香水 <b>")
	mei := h.as(t, h.Advisor)
	want(t, mei.get("/find"), http.StatusOK, `name="q"`, "What are you looking for?", `aria-current="page"`)
	find := func(b *browser, q string) string { return b.get("/find?q=" + url.QueryEscape(q)).Body.String() }
	got := mei.get("/find?q=" + url.QueryEscape("香水"))
	want(t, got, http.StatusOK, "<mark>香水</mark> &lt;b&gt;", "/inbox/"+m.ThreadID+"?at="+m.ID, "林怡君")
	if body := find(mei, "怡君"); !strings.Contains(body, `href="/inbox/`+m.ThreadID+`"`) || !strings.Contains(body, "name</bdi>") {
		t.Errorf("a name is not found: %s", body)
	}
	if body := find(h.as(t, h.Marketing), "香水"); strings.Contains(body, m.ThreadID) || !strings.Contains(body, "Nothing found") {
		t.Error("somebody without a counter finds messages")
	}
	if body := find(mei, strings.Repeat("x", 5000)+"\x00%_"); !strings.Contains(body, "Nothing found") {
		t.Error("a hostile query is not answered")
	}
	if n := h.count(`SELECT COUNT(*) FROM audit WHERE action = 'customer.search' AND actor = $1`, h.Advisor); n != 3 {
		t.Errorf("%d searches on record, want 3", n)
	}
	if n := h.count(`SELECT COUNT(*) FROM audit WHERE detail LIKE $1`, "%香水%"); n != 0 {
		t.Error("the audit holds what was looked for")
	}
}

func TestThreadOpensAtAMessage(t *testing.T) {
	h := newDeskHouse(t)
	const all = messagePiece*2 + 20
	var list []conversation.Message
	for i := range all {
		list = append(list, h.receives(channel.Inbound{Kind: channel.Message, At: h.DB.Now().Add(time.Duration(i-all) * time.Hour), Peer: channel.Peer{Type: channel.Person, ID: "u"},
			Body: channel.Body{Type: channel.Text, Text: fmt.Sprintf("word %03d.", i)}}))
	}
	goal := list[20]
	b := h.as(t, h.Advisor)
	body := b.get("/inbox/" + goal.ThreadID + "?at=" + goal.ID).Body.String()
	if !strings.Contains(body, `data-goal="m-`+goal.ID+`"`) {
		t.Fatal("no goal")
	}
	said := regexp.MustCompile(`dir="auto">(word \d{3}\.)`)
	next := func(body, direction string) string {
		m := regexp.MustCompile(`data-` + direction + `="([^"]+)"`).FindStringSubmatch(body)
		if m == nil {
			return ""
		}
		return strings.ReplaceAll(m[1], "&amp;", "&")
	}
	seen := map[string]int{}
	take := func(body string) {
		for _, m := range said.FindAllStringSubmatch(body, -1) {
			seen[m[1]]++
		}
	}
	take(body)
	if seen["word 020."] != 1 || seen[fmt.Sprintf("word %03d.", all-1)] != 0 {
		t.Errorf("it opened with %v", seen)
	}
	b.partial()
	for _, direction := range []string{"older", "newer"} {
		for address := next(body, direction); address != ""; {
			piece := b.get(address).Body.String()
			take(piece)
			address = next(piece, direction)
		}
	}
	for i := range all {
		if n := seen[fmt.Sprintf("word %03d.", i)]; n != 1 {
			t.Errorf("word %d was shown %d times", i, n)
		}
	}
	for _, at := range []string{"msg_none", "x' OR 1", strings.Repeat("a", 4000)} {
		want(t, b.get("/inbox/"+goal.ThreadID+"?at="+url.QueryEscape(at)), http.StatusOK, fmt.Sprintf("word %03d.", all-1))
	}
}
