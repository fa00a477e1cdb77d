package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"dingdong/internal/customer"
	"dingdong/internal/db"
)

func TestDraftsAreWhole(t *testing.T) {
	if len(drafts()) != 8 {
		t.Errorf("%d languages", len(drafts()))
	}
	for language, texts := range drafts() {
		for _, kind := range []string{"birthday", "wish", "anniversary", "promise"} {
			if !strings.Contains(texts[kind], "{name}") {
				t.Errorf("%s: %s: %q", language, kind, texts[kind])
			}
		}
		if !strings.Contains(texts["wish"], "{product}") {
			t.Errorf("%s: a wish without the product", language)
		}
	}
	for tag, want := range map[string]string{"zh-TW": "zh-Hant", "zh_Hant": "zh-Hant", "zh-CN": "zh-Hans", "zh-Hans-SG": "zh-Hans", "en-GB": "en",
		"in": "id", "id": "id", "vi-VN": "vi", "": "zh-Hant", "xx": "zh-Hant"} {
		if got := draftLanguage(tag, "zh-TW"); got != want {
			t.Errorf("%q: %s, want %s", tag, got, want)
		}
	}
}

func TestTodayPage(t *testing.T) {
	h := newDeskHouse(t)
	m := h.hears("林怡君", "hello")
	mei := h.as(t, h.Advisor)
	want(t, h.as(t, h.Privacy).get("/today"), http.StatusOK, "All done for today")
	var person string
	h.write(func(tx *db.Tx) error {
		if err := h.Desk.Book.EnsureDefaults(tx); err != nil {
			return err
		}
		if err := tx.QueryRow(`SELECT customer_id FROM thread WHERE id = $1`, m.ThreadID).Scan(&person); err != nil {
			return err
		}
		_, err := h.Desk.Book.Learn(tx, person, customer.Learnt{Name: "birthday", Value: tx.Now.In(h.zone).Format("01-02"),
			Proof: customer.Proof{Source: customer.SourceStaff, By: h.Advisor}})
		return err
	})
	draft := "/inbox/" + m.ThreadID + "?draft=birthday." + person
	want(t, mei.get("/today"), http.StatusOK, "Her birthday is today", "Happy birthday, 林怡君!", strings.ReplaceAll(draft, "&", "&amp;"))
	want(t, mei.get(draft), http.StatusOK, ">Happy birthday, 林怡君!")
	if body := mei.get("/inbox/" + m.ThreadID + "?draft=wish." + person).Body.String(); strings.Contains(body, "Happy birthday") {
		t.Error("a draft of another kind")
	}
	want(t, mei.post("/inbox/"+m.ThreadID+"/draft", url.Values{"text": {"my own words"}}), http.StatusNoContent)
	want(t, mei.get(draft), http.StatusOK, ">my own words</textarea>", `data-reply="Happy birthday, 林怡君!`)
	want(t, mei.post("/today/aside", url.Values{"kind": {"birthday"}, "ref": {person}, "done": {"0"}}), http.StatusSeeOther)
	want(t, mei.get("/today"), http.StatusOK, "All done for today")
}
