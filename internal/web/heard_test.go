package web

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
	"dingdong/internal/insight"
)

func TestMarkedWords(t *testing.T) {
	at := func(from, to int) insight.Stretch { return insight.Stretch{From: from, To: to} }
	const open, end = `<a href="https://a.test/x" target="_blank" rel="noopener noreferrer nofollow">`, `</a>`
	for _, tc := range []struct {
		name, text string
		where      []insight.Stretch
		want       string
	}{
		{"nothing", "hello", nil, "hello"},
		{"in the middle", "我是敏感肌喔", []insight.Stretch{at(6, 15)}, "我是<mark>敏感肌</mark>喔"},
		{"all of it", "dry", []insight.Stretch{at(0, 3)}, "<mark>dry</mark>"},
		{"two", "dry and old", []insight.Stretch{at(0, 3), at(8, 11)}, "<mark>dry</mark> and <mark>old</mark>"},
		{"hostile words", `<b>dry</b>"&`, []insight.Stretch{at(0, 6)}, "<mark>&lt;b&gt;dry</mark>&lt;/b&gt;&#34;&amp;"},
		{"an address is left whole", "dry https://a.test/x dry", []insight.Stretch{at(0, 8), at(18, 24)}, "<mark>dry </mark>" + open + "https://a.test/x" + end + "<mark> dry</mark>"},
		{"inside an address", "https://a.test/x", []insight.Stretch{at(8, 14)}, open + "https://a.test/x" + end},
	} {
		if got := string(marked(tc.text, tc.where)); got != tc.want {
			t.Errorf("%s: %s", tc.name, got)
		}
	}
}

var undoing = regexp.MustCompile(`data-undo="([^"]+)"`)

// What her words were read for stands under her bubble, for those who may see the tag, and
// goes with one tap; the words are marked where they are found again.
func TestWordsThatMadeATag(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newMinimum(t, d)
		h.write(h.Reader.EnsureShipped)
		s := h.rose
		mei, boss := h.as(t, s.advisor), h.as(t, s.manager)
		ear := h.ear()
		th := h.hears(s.account, "Ann", "hello")
		live := ear.listens(mei, "after="+ear.last()+"&thread="+th.ID, "")
		live.event("presence")

		h.hears(s.account, "Ann", `<b>我是敏感肌</b>,想找淡一點的香水 https://a.test/敏感肌`)
		page := mei.get("/inbox/" + th.ID)
		want(t, page, http.StatusOK, `&lt;b&gt;我是<mark>敏感肌</mark>&lt;/b&gt;,想找`, "<mark>淡一點的香水</mark>", `<bdi>sensitive skin</bdi>`, `<bdi>perfume</bdi>`)
		lacks(t, page, "<b>我", "<mark><", "https://a.test/<mark>")
		want(t, boss.get("/inbox/"+th.ID), http.StatusOK, "<mark>敏感肌</mark>")
		want(t, h.as(t, h.lumi.advisor).get("/inbox/"+th.ID), http.StatusNotFound)

		// An open page is told again of the bubble, once its words were read.
		bubble := func(word string, has bool) {
			t.Helper()
			live.until(func(f frame) bool {
				return f.Event == "message" && strings.Contains(f.Data, "我是") && strings.Contains(f.Data, word) == has
			})
		}
		bubble(`<mark>敏感肌</mark>`, true)

		// What was typed in other letters is marked as it was typed.
		h.hears(s.account, "Ann", "我也很在意ＤＲＹ　ＳＫＩＮ")
		want(t, mei.get("/inbox/"+th.ID), http.StatusOK, "<mark>ＤＲＹ　ＳＫＩＮ</mark>")

		// Words that are not found again mark nothing; of another brand's tag nothing is said.
		last := h.thread(th.ID).LastMessageID
		h.write(func(tx *db.Tx) error {
			must(h.Desk.Book.GiveTag(tx, th.CustomerID, "group:"+s.ask, customer.Proof{Source: customer.SourceSaid, CounterID: s.counter, MessageID: last,
				Rule: "zh-Hant/1/concern.sensitive", Cause: "我也很在意 …"}))
			must(h.Desk.Book.GiveTag(tx, th.CustomerID, h.lumi.word+":regular", customer.Proof{Source: customer.SourceSaid, CounterID: h.lumi.counter, MessageID: last}))
			return nil
		})
		page = mei.get("/inbox/" + th.ID)
		want(t, page, http.StatusOK, "<bdi>Group tag</bdi>")
		lacks(t, page, "<mark>我也", h.lumi.word)

		// One tap.
		found := undoing.FindStringSubmatch(page.Body.String())
		if found == nil {
			t.Fatal("nothing can be undone")
		}
		bare := regexp.MustCompile(`<bdi>sensitive skin</bdi><button[^>]+data-undo="([^"]+)"`).FindStringSubmatch(page.Body.String())
		// What the same words say on her card goes with the tag, and comes back with it.
		card := "/inbox/" + th.ID + "/card/"
		want(t, mei.get(card+"known"), http.StatusOK, "Yes")
		gone := mei.post(bare[1], nil)
		want(t, gone, http.StatusOK, `name="with" value="sensitive=yes"`, "on her card with it")
		lacks(t, mei.get(card+"known"), "Yes")
		want(t, mei.post(card+"tags", url.Values{"tag": {"concern:sensitive"}, "with": {"sensitive=yes"}}), http.StatusOK)
		want(t, mei.get(card+"known"), http.StatusOK, "Yes")
		want(t, mei.post(card+"tags", url.Values{"tag": {"concern:sensitive"}, "with": {"sensitive=purple"}}), http.StatusUnprocessableEntity)
		again := regexp.MustCompile(`hx-post="([^"]+/card/tags/ctg_[^"]+/undo)"`).FindStringSubmatch(mei.get(card + "tags").Body.String())
		if again == nil {
			t.Fatal("what was put back cannot be taken")
		}
		want(t, mei.post(again[1], nil), http.StatusOK)
		page = mei.get("/inbox/" + th.ID)
		lacks(t, page, "<mark>敏感肌</mark>", "<bdi>sensitive skin</bdi>")
		want(t, page, http.StatusOK, "<mark>淡一點的香水</mark>")
		bubble(`<mark>敏感肌</mark>`, false)
		for name, path := range map[string]string{"another brand's advisor": found[1], "no such row": fmt.Sprint("/inbox/", th.ID, "/card/tags/ctg_0/undo")} {
			b := mei
			if name != "no such row" {
				b = h.as(t, h.lumi.advisor)
			}
			want(t, b.post(path, nil), http.StatusNotFound)
		}
	})
}
