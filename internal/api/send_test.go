package api

import (
	"bytes"
	"image"
	"image/png"
	"net/http"
	"strings"
	"sync"
	"testing"

	"dingdong/internal/channel"
	"dingdong/internal/conversation"
	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
	"dingdong/internal/webhook"
)

func TestSendOnceUnderConcurrency(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		thread := h.says("amy", "hello")
		answers := make([]answer, 20)
		var group sync.WaitGroup
		for i := range answers {
			group.Go(func() { answers[i] = h.send(thread, "one", echo("Good morning")) })
		}
		group.Wait()
		accepted, ids := 0, map[string]bool{}
		for _, a := range answers {
			var m webhook.Message
			a.into(t, &m)
			ids[m.ID] = true
			switch replayed := a.header.Get("Idempotency-Replayed"); {
			case a.status == http.StatusAccepted && replayed == "":
				accepted++
			case a.status != http.StatusOK || replayed != "true":
				t.Errorf("got %d, replayed %q: %s", a.status, replayed, a.body)
			}
		}
		if len(ids) != 1 || accepted != 1 {
			t.Errorf("%d messages, %d times accepted", len(ids), accepted)
		}
		var n int
		h.read(func(tx *db.Tx) error {
			return tx.QueryRow(`SELECT COUNT(*) FROM message WHERE author = 'automation'`).Scan(&n)
		})
		if n != 1 {
			t.Errorf("%d messages are stored", n)
		}
	})
}

func TestKeys(t *testing.T) {
	h := sqlite(t)
	amy, bea := h.says("amy", "hello"), h.says("bea", "hi")
	var first webhook.Message
	a := h.send(amy, "k", echo("Good morning"))
	if a.status != http.StatusAccepted {
		t.Fatalf("got %d %s", a.status, a.body)
	}
	a.into(t, &first)
	if first.Status != "queued" || first.Text != "Good morning" || first.Author.Type != "automation" || first.Author.ID != "echo" {
		t.Errorf("got %s", a.body)
	}
	for name, body := range map[string]string{
		"another text":  echo("Good evening"),
		"another voice": `{"text":"Good morning","as":{"automation":"other"}}`,
		"a person":      `{"text":"Good morning","as":{"staff":"` + h.advisor.ID + `"}}`,
		"a quote":       `{"text":"Good morning","as":{"automation":"echo"},"quotes":"` + first.ID + `x"}`,
	} {
		t.Run(name, func(t *testing.T) {
			problemOf(t, h.send(amy, "k", body), http.StatusUnprocessableEntity, "idempotency-key-reused")
		})
	}
	if a := h.send(bea, "k", echo("Good morning")); a.status != http.StatusAccepted {
		t.Errorf("the same key in another thread: %d %s", a.status, a.body)
	}
	token := h.token
	h.token = h.tokenWith("messages:write")
	if a := h.send(amy, "k", echo("Good evening")); a.status != http.StatusAccepted {
		t.Errorf("the same key of another token: %d %s", a.status, a.body)
	}
	h.token = token
}

func TestVoices(t *testing.T) {
	h := sqlite(t)
	thread := h.says("amy", "hello")
	as := func(id string) string { return `{"text":"Good morning","as":{"staff":"` + id + `"}}` }
	var m webhook.Message
	h.send(thread, "mei", as(h.advisor.ID)).into(t, &m)
	if m.Author == nil || m.Author.Type != conversation.AuthorStaff || m.Author.Name != "Mei" {
		t.Errorf("got %+v", m)
	}
	for name, id := range map[string]string{"of another store": h.manager.ID, "nobody": "stf_0", "with a NUL": `stf_\u0000`} {
		t.Run(name, func(t *testing.T) {
			p := problemOf(t, h.send(thread, name, as(id)), http.StatusUnprocessableEntity, "invalid")
			if len(p.Errors) != 1 || p.Errors[0].Field != "as.staff" || p.Errors[0].Code != "not_at_counter" {
				t.Errorf("got %+v", p)
			}
		})
	}
}

func TestQuote(t *testing.T) {
	h := sqlite(t)
	thread := h.says("amy", "hello")
	var page struct{ Messages []webhook.Message }
	h.get(prefix+"/threads/"+thread+"/messages", &page)
	body := `{"text":"hi","as":{"automation":"echo"},"quotes":"` + page.Messages[0].ID + `"}`
	a := h.send(thread, "q", body)
	var m webhook.Message
	a.into(t, &m)
	h.read(func(tx *db.Tx) error {
		stored, err := h.desk.MessagesByID(tx, []string{m.ID})
		if got := stored[m.ID].Body.QuoteID; !strings.HasPrefix(got, "quote-evt_") {
			t.Errorf("the platform is told to quote %q", got)
		}
		return err
	})
	if a := h.send(thread, "q", body); a.status != http.StatusOK {
		t.Errorf("repeated: %d %s", a.status, a.body)
	}
	other := h.says("bea", "hi")
	problemOf(t, h.send(other, "q", body), http.StatusUnprocessableEntity, "invalid")
}

func TestSomebodyWhoBlockedIsNotWrittenTo(t *testing.T) {
	h := sqlite(t)
	thread := h.says("amy", "hello")
	h.write(func(tx *db.Tx) error {
		i, err := h.desk.Book.Find(tx, h.account.ID, "amy")
		if err != nil {
			return err
		}
		_, err = h.desk.Book.SetReach(tx, i.ID, customer.ReachBlocked, tx.Now)
		return err
	})
	var m webhook.Message
	h.send(thread, "k", echo("hi")).into(t, &m)
	if m.Status != "refused" || m.Failure != "blocked" {
		t.Errorf("got %+v", m)
	}
}

func picture(t *testing.T) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := png.Encode(&out, image.NewGray(image.Rect(0, 0, 40, 30))); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestUploadAndSend(t *testing.T) {
	h := sqlite(t)
	thread, other := h.says("amy", "hello"), h.says("bea", "hi")
	raw := picture(t)
	var up Upload
	h.do(call{method: "POST", path: prefix + "/threads/" + thread + "/uploads?name=..%2Fshade.png", token: h.token, body: string(raw),
		header: map[string]string{"Content-Type": "application/octet-stream"}}).into(t, &up)
	if up.Type != channel.Image || up.MIME != "image/png" || up.Name != "shade.png" || up.Size != int64(len(raw)) {
		t.Fatalf("got %+v", up)
	}
	body := `{"upload":"` + up.ID + `","as":{"automation":"echo"}}`
	var m webhook.Message
	h.send(thread, "k", body).into(t, &m)
	if m.Type != channel.Image || m.Media == nil || m.Media.State != "ready" || m.Media.Width != 40 {
		t.Fatalf("got %+v", m)
	}
	if a := h.send(thread, "k", body); a.status != http.StatusOK {
		t.Errorf("repeated: %d %s", a.status, a.body)
	}
	problemOf(t, h.send(other, "k", body), http.StatusUnprocessableEntity, "invalid")
	a := h.do(call{path: prefix + "/messages/" + m.ID + "/content", token: h.token})
	if a.status != http.StatusOK || !bytes.Equal(a.body, raw) || a.header.Get("Content-Type") != "image/png" ||
		a.header.Get("Content-Disposition") != "attachment; filename=shade.png" || a.header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("got %d %v", a.status, a.header)
	}
	part := h.do(call{path: prefix + "/messages/" + m.ID + "/content", token: h.token, header: map[string]string{"Range": "bytes=1-3"}})
	if part.status != http.StatusPartialContent || string(part.body) != "PNG" {
		t.Errorf("got %d %q", part.status, part.body)
	}
}

func TestUploadIsBounded(t *testing.T) {
	h := sqlite(t)
	thread := h.says("amy", "hello")
	a := h.do(call{method: "POST", path: prefix + "/threads/" + thread + "/uploads", token: h.token, body: strings.Repeat("a", conversation.MaxUpload+1)})
	problemOf(t, a, http.StatusRequestEntityTooLarge, "too-large")
}
