package web

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"dingdong/internal/db"
	"dingdong/internal/staff"
)

func (h *deskHouse) viewer2(tx *db.Tx, id string) staff.Viewer { return must(staff.ViewerByID(tx, id)) }

func at(f frame) bool { return f.Event == "at" }

func TestLiveTellsRowsBubblesAndDings(t *testing.T) {
	h := newDeskHouse(t)
	m := h.hears("林怡君", "您好")
	mei := h.as(t, h.Advisor)
	e := h.listens(mei, "after="+h.last()+"&thread="+m.ThreadID, "")
	if f := e.event("counts"); f.Data != `{"all":1,"mine":0,"unassigned":1}` {
		t.Errorf("counts %s", f.Data)
	}
	e.event("presence")
	h.hears("林怡君", "還在嗎？ <b>")
	got := map[string]frame{}
	for _, f := range e.until(at) {
		got[f.Event] = f
	}
	row, bubble := got["row"].data(t), got["message"].data(t)
	if row["thread"] != m.ThreadID || !strings.Contains(row["html"].(string), "還在嗎？ &lt;b&gt;") {
		t.Errorf("row: %v", row)
	}
	if bubble["thread"] != m.ThreadID || !strings.Contains(bubble["html"].(string), "還在嗎？ &lt;b&gt;") {
		t.Errorf("bubble: %v", bubble)
	}
	if !strings.Contains(got["ding"].Data, m.ThreadID) || got["head"].Data == "" || got["at"].ID == "" {
		t.Errorf("read %v", got)
	}
	// What she answers herself does not ding; what colleagues do comes as a line.
	want(t, mei.post("/inbox/"+m.ThreadID+"/messages", url.Values{"key": {"k9"}, "text": {"在的"}}), http.StatusOK)
	for _, f := range e.until(at) {
		if f.Event == "ding" {
			t.Error("her own words ding")
		}
		if f.Event == "message" && !strings.Contains(f.Data, `data-key=\"k9\"`) {
			t.Errorf("her page cannot know its bubble: %s", f.Data)
		}
	}
	if f := e.event("counts"); f.Data != `{"all":0,"mine":0,"unassigned":0}` {
		t.Errorf("counts %s", f.Data)
	}
	min := h.as(t, h.Manager)
	want(t, min.post("/inbox/"+m.ThreadID+"/transfer", url.Values{"to": {h.Manager}, "note": {"mine now"}}), http.StatusOK)
	if f := e.event("message"); !strings.Contains(f.Data, "mine now") {
		t.Errorf("note: %s", f.Data)
	}
	// It is Min's now: her customer's words no longer ding here.
	e.event("at")
	h.hears("林怡君", "謝謝")
	for _, f := range e.until(at) {
		if f.Event == "ding" {
			t.Error("a colleague's customer dings")
		}
	}
}

func (h *deskHouse) last() string {
	var seq int64
	h.read(func(tx *db.Tx) (err error) { seq, err = lastEvent(tx); return err })
	return strconv.FormatInt(seq, 10)
}

// Whatever happens while the page is away arrives when it is back: once, in order.
func TestLiveResumes(t *testing.T) {
	h := newDeskHouse(t)
	m := h.hears("林怡君", "word 0.")
	mei := h.as(t, h.Advisor)
	query := "after=" + h.last() + "&thread=" + m.ThreadID
	lastID, next := "", 1
	for round := range 4 {
		for range 5 {
			h.hears("林怡君", fmt.Sprintf("word %d.", next))
			next++
		}
		e := h.listens(mei, query, lastID) // the address stays as it was, as a browser has it
		told := 1 + round*5
		for told < next {
			for _, f := range e.until(at) {
				if f.Event == "message" {
					if !strings.Contains(f.Data, fmt.Sprintf("word %d.<", told)) {
						t.Fatalf("round %d: waited for word %d, got %s", round, told, f.Data)
					}
					told++
				}
				if f.ID != "" {
					lastID = f.ID
				}
			}
		}
		e.close()
	}
	if lastID != h.last() {
		t.Errorf("stopped at %s of %s", lastID, h.last())
	}
}

func TestLiveHidesOtherCounters(t *testing.T) {
	h := newDeskHouse(t)
	e := h.listens(h.as(t, h.Other), "after="+h.last(), "")
	h.hears("林怡君", "您好")
	for _, f := range e.until(at) {
		if f.Event == "row" || f.Event == "ding" || strings.Contains(f.Data, "thr_") {
			t.Errorf("told of another counter: %+v", f)
		}
	}
}

func TestLiveEndsWithTheSession(t *testing.T) {
	h := newDeskHouse(t)
	mei := h.as(t, h.Advisor)
	e := h.listens(mei, "after="+h.last(), "")
	e.event("counts")
	want(t, mei.post("/sign-out", nil), http.StatusSeeOther)
	e.event("signed_out")
	e.over()
}

func TestLiveEndsWhenTheHouseStops(t *testing.T) {
	h := newDeskHouse(t)
	e := h.listens(h.as(t, h.Advisor), "after="+h.last(), "")
	e.event("counts")
	close(h.stopping)
	e.over()
}

func TestLiveAfterTooLargeAGap(t *testing.T) {
	h := newDeskHouse(t)
	h.hears("林怡君", "您好")
	h.write(func(tx *db.Tx) error {
		_, err := db.Tally(tx, "event", largestGap+1)
		return err
	})
	for _, after := range []string{"0", "9999999"} {
		e := h.listens(h.as(t, h.Advisor), "after="+after, "")
		e.event("reload")
		if f := e.event("at"); f.ID != h.last() {
			t.Errorf("after %s it goes on at %s of %s", after, f.ID, h.last())
		}
	}
	want(t, h.as(t, h.Advisor).get("/live?after=x"), http.StatusBadRequest)
}

func TestLiveShowsWhoElseAnswers(t *testing.T) {
	h := newDeskHouse(t)
	m := h.hears("林怡君", "您好")
	mei, min := h.as(t, h.Advisor), h.as(t, h.Manager)
	e := h.listens(mei, "after="+h.last()+"&thread="+m.ThreadID, "")
	e.event("presence")
	want(t, min.post("/inbox/"+m.ThreadID+"/typing", nil), http.StatusNoContent)
	e.until(func(f frame) bool {
		return f.Event == "presence" && strings.Contains(f.Data, `"name":"Min","typing":true`)
	})
	h.presence.Types(m.ThreadID, Present{Name: "林怡君", Customer: true})
	e.until(func(f frame) bool { return f.Event == "presence" && strings.Contains(f.Data, `"customer":true`) })
	want(t, min.post("/inbox/"+m.ThreadID+"/messages", url.Values{"key": {"k"}, "text": {"Min here"}}), http.StatusOK)
	e.until(func(f frame) bool { return f.Event == "presence" && !strings.Contains(f.Data, "Min") })
}
