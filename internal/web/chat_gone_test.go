package web

import (
	"net/http"
	"testing"

	"dingdong/internal/db"
)

// erases forgets a visitor, as an erasure does in this room.
func (v *visitor) erases() {
	v.t.Helper()
	her := v.thread().CustomerID
	v.write(func(tx *db.Tx) error {
		if err := v.Desk.Erase(tx, []string{her}); err != nil {
			return err
		}
		return v.Desk.Book.Erase(tx, []string{her})
	})
}

// A page that was away while its conversation was deleted is told so, and not given an
// empty one in silence.
func TestAPageThatWasAwayIsToldThatAllIsGone(t *testing.T) {
	h := newChatHouse(t)
	lin, wang := h.visits(""), h.visits("")
	lin.says("about my skin")
	wang.says("about a lipstick")
	cursor, token := lin.Cursor, lin.Token
	lin.erases()
	for name, c := range map[string]struct {
		who    *visitor
		query  string
		status int
		code   string
	}{
		"she shows a conversation":       {lin, "cursor=" + cursor + "&talk=1", http.StatusGone, "chat_deleted"},
		"without a cursor":               {lin, "talk=1", http.StatusGone, "chat_deleted"},
		"a cursor from nowhere":          {lin, "cursor=99999999&talk=1", http.StatusGone, "chat_gone"}, // it starts anew, and asks again
		"a cursor that is none":          {lin, "cursor=x&talk=1", http.StatusBadRequest, "malformed"},
		"somebody else":                  {wang, "cursor=" + wang.Cursor + "&talk=1", http.StatusOK, ""},
		"her page shows nothing anyway":  {lin, "cursor=" + cursor, http.StatusOK, ""},
		"somebody who has never written": {h.visits(""), "talk=1", http.StatusGone, "chat_deleted"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.status == http.StatusOK { // a stream has no end to read to
				got := c.who.do("GET", "/stream?"+c.query, nil)
				defer got.Body.Close()
				if got.StatusCode != c.status {
					t.Errorf("status %d", got.StatusCode)
				}
				return
			}
			var got struct {
				Error struct{ Code, Message string }
			}
			c.who.want(c.status, &got, "GET", "/stream?"+c.query, nil)
			if got.Error.Code != c.code || got.Error.Message == "" {
				t.Errorf("told %+v, not %s", got.Error, c.code)
			}
		})
	}
	lin.Header.Set("Accept-Language", "zh-TW")
	var told struct{ Error struct{ Message string } }
	lin.want(http.StatusGone, &told, "GET", "/stream?talk=1", nil)
	if told.Error.Message != "這段對話已經刪除。" {
		t.Errorf("she reads %q", told.Error.Message)
	}

	// She may begin anew, with the same browser, and reads nothing of before.
	again := h.visits(token)
	if len(again.Messages) != 0 {
		t.Errorf("she still reads %+v", again.Messages)
	}
	again.says("hello again")
	got := again.do("GET", "/stream?talk=1", nil)
	got.Body.Close()
	if got.StatusCode != http.StatusOK {
		t.Errorf("the new conversation answers %d", got.StatusCode)
	}
}
