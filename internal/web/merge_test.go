package web

import (
	"net/http"
	"strings"
	"testing"

	"dingdong/internal/conversation"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

func TestAFoldedThreadLeadsToTheOneThatShowsHer(t *testing.T) {
	h := newDeskHouse(t)
	kept, lost := h.hears("林怡君", "first words"), h.hears("Amelia", "other words")
	mei := h.as(t, h.Advisor)
	list := mei.get("/inbox?box=all").Body.String()
	if !strings.Contains(list, "row-"+kept.ThreadID) || !strings.Contains(list, "row-"+lost.ThreadID) {
		t.Fatal("two rows were expected")
	}
	var id string
	of := func(m conversation.Message) (customerID string) {
		h.readRow(`SELECT customer_id FROM thread WHERE id = '`+m.ThreadID+`'`, &customerID)
		return customerID
	}
	m := conversation.Merge{KeptID: of(kept), LostID: of(lost), Proof: conversation.ProvedByLink}
	h.write(func(tx *db.Tx) (err error) {
		id, err = h.Desk.Merge(tx, staff.System(), m)
		return err
	})
	got := mei.get("/inbox/" + lost.ThreadID + "?box=all")
	if to := got.Header().Get("Location"); got.Code != http.StatusSeeOther || to != "/inbox/"+kept.ThreadID+"?box=all" {
		t.Fatalf("%d to %q", got.Code, to)
	}
	body := mei.get("/inbox/" + kept.ThreadID + "?box=all").Body.String()
	for _, words := range []string{"first words", "other words"} {
		if !strings.Contains(body, words) {
			t.Errorf("%q is missing", words)
		}
	}
	if strings.Contains(body, "row-"+lost.ThreadID) {
		t.Error("the inbox shows a folded thread")
	}
	h.write(func(tx *db.Tx) error { return h.Desk.Unmerge(tx, staff.System(), id) })
	body = mei.get("/inbox/" + lost.ThreadID).Body.String()
	if !strings.Contains(body, "other words") || strings.Contains(body, `>first words</p>`) {
		t.Error("she is not herself again")
	}
}
