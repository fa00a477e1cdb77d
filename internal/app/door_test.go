package app

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"dingdong/internal/channel"
	"dingdong/internal/channel/line/linefake"
	"dingdong/internal/conversation"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

var eventTime = time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)

func person(n int) string { return fmt.Sprintf("U%032x", n) }

// said is the text of a message, opened.
func (h *home) said(where string, args ...any) []string {
	h.t.Helper()
	var ids []string
	must(h.t, h.DB.Read(h.t.Context(), func(tx *db.Tx) error {
		rows, err := tx.Query(`SELECT id FROM message `+where, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var id string
			if err := rows.Scan(&id); err != nil {
				return err
			}
			ids = append(ids, id)
		}
		return rows.Err()
	}))
	var texts []string
	must(h.t, h.DB.Read(h.t.Context(), func(tx *db.Tx) error {
		found, err := h.Desk.MessagesByID(tx, ids)
		for _, id := range ids {
			texts = append(texts, found[id].Body.Text)
		}
		return err
	}))
	return texts
}

func TestDoorTakesEachEventOnce(t *testing.T) {
	h := newHouse(t)
	one := linefake.TextEvent(linefake.Meta{User: person(1), At: eventTime, ReplyToken: "r1"}, "ding")
	h.deliver(one)
	one.DeliveryContext.IsRedelivery = true
	for range 3 {
		h.deliver(one)
	}
	if got, want := h.stored(), (stored{1, 1, 1, 0, 1}); got != want {
		t.Fatalf("after redelivery: %+v, not %+v", got, want)
	}
	// In one body, twice.
	two := linefake.TextEvent(linefake.Meta{User: person(1), At: eventTime.Add(time.Second)}, "dong")
	h.deliver(two, two, one)
	if got, want := h.stored(), (stored{1, 1, 2, 0, 2}); got != want {
		t.Fatalf("twice in one body: %+v, not %+v", got, want)
	}
	if n := h.number(`SELECT unread FROM thread`); n != 2 {
		t.Errorf("%d unread, not 2: a repeat was counted", n)
	}
}

func TestDoorTakesTheSameEventFromTwentyConnections(t *testing.T) {
	h := newHouse(t)
	// Somebody nobody knows: who she is, her thread and her key are made once too.
	body := linefake.Body(h.phone.Options().BotID, linefake.TextEvent(linefake.Meta{User: person(2), At: eventTime}, "all at once"),
		linefake.FollowEvent(linefake.Meta{User: person(2), At: eventTime}, false))
	signature := linefake.Sign(lineSecret, body)
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	start := make(chan struct{})
	status := make([]int, 20)
	var all sync.WaitGroup
	for i := range status {
		all.Go(func() {
			<-start
			req, _ := http.NewRequest(http.MethodPost, h.url+h.account.WebhookPath(), bytes.NewReader(body))
			req.Header.Set("X-Line-Signature", signature)
			if a, err := do(client, req); err == nil {
				status[i] = a.status
			}
		})
	}
	close(start)
	all.Wait()
	for i, s := range status {
		if s != http.StatusOK {
			t.Errorf("connection %d was answered %d", i, s)
		}
	}
	if got, want := h.stored(), (stored{1, 1, 2, 0, 1}); got != want { // the follow is a line of the thread
		t.Errorf("%+v, not %+v", got, want)
	}
	if n := h.count("vault_key") - 1; n != 1 && n != 0 { // the installation's mark may be a row
		t.Errorf("%d keys", n)
	}
}

func TestDoorPutsEventsInTheirOrder(t *testing.T) {
	h := newHouse(t)
	at := func(s int) linefake.Meta {
		return linefake.Meta{User: person(3), At: eventTime.Add(time.Duration(s) * time.Second), MessageID: fmt.Sprint(7000 + s)}
	}
	// The third first, then the block before its follow, then an unsend before its message.
	h.deliver(linefake.TextEvent(at(3), "three"))
	h.deliver(linefake.UnfollowEvent(linefake.Meta{User: person(3), At: eventTime.Add(20 * time.Second)}))
	h.deliver(linefake.FollowEvent(linefake.Meta{User: person(3), At: eventTime.Add(-time.Second)}, false))
	h.deliver(linefake.UnsendEvent(at(2)))
	h.deliver(linefake.TextEvent(at(2), "two, taken back"))
	h.deliver(linefake.TextEvent(at(1), "one"))
	h.deliver(linefake.TextEvent(at(4), "four"))

	got := h.said(`WHERE author = 'customer' ORDER BY at, id`)
	if want := []string{"one", "", "three", "four"}; strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("the thread reads %q, not %q", got, want)
	}
	if n := h.number(`SELECT COUNT(*) FROM message WHERE unsent_at IS NOT NULL AND body IS NULL`); n != 1 {
		t.Errorf("%d messages are unsent and empty, not 1", n)
	}
	if n := h.number(`SELECT COUNT(*) FROM identity WHERE reach = 'blocked'`); n != 1 {
		t.Error("an old follow undid a newer block")
	}
	if n := h.number(`SELECT last_at FROM thread`); int64(n) != eventTime.Add(20*time.Second).UnixMicro() {
		t.Errorf("the thread's last moment is %d: not the newest by the platform's clock", n)
	}
	if n := h.number(`SELECT waiting_since FROM thread`); int64(n) != eventTime.Add(time.Second).UnixMicro() {
		t.Errorf("she waits since %d: not since her first message", n)
	}
}

func TestDoorTakesAThousandEventsInOneBody(t *testing.T) {
	h := newHouse(t)
	events := make([]linefake.Event, 1000)
	for i := range events {
		at := eventTime.Add(time.Duration(i) * time.Millisecond)
		events[i] = linefake.TextEvent(linefake.Meta{User: person(100 + i%50), At: at}, fmt.Sprint("number ", i))
	}
	h.deliver(events...)
	want := stored{50, 50, 1000, 0, 1000}
	if got := h.stored(); got != want {
		t.Fatalf("%+v, not %+v", got, want)
	}
	h.deliver(events...)
	if got := h.stored(); got != want {
		t.Fatalf("the same again: %+v, not %+v", got, want)
	}
	// All or nothing: one that cannot be stored would have to be told by a 5xx.
	for n, text := range h.said(`WHERE customer_id = (SELECT customer_id FROM message ORDER BY at LIMIT 1) ORDER BY at, id`) {
		if text != fmt.Sprint("number ", n*50) {
			t.Fatalf("her message %d is %q", n, text)
		}
	}
}

func TestDoorTakesWhateverCustomersType(t *testing.T) {
	h := newHouse(t)
	advisor := h.signIn()
	for name, text := range map[string]string{
		"5,000 emoji":        strings.Repeat("👩🏽‍🦰", 1250), // four runes each
		"5,000 plain emoji":  strings.Repeat("💄", 5000),
		"markup":             `<script>alert("ding")</script><img src=x onerror=alert(1)>`,
		"a template":         `{{.Secret}} ${7*7} #{7*7} <%= 7*7 %>`,
		"SQL":                `'; DROP TABLE message; --`,
		"right to left":      "شكرا \u202e txet desrever",
		"combining marks":    "e" + strings.Repeat("\u0301", 3000),
		"line breaks":        "one\r\n\r\n\u2028two",
		"nothing but spaces": "   ",
	} {
		t.Run(name, func(t *testing.T) {
			before := h.count("message")
			user := person(200 + before)
			h.deliver(linefake.TextEvent(linefake.Meta{User: user, At: eventTime}, text))
			if got := h.count("message") - before; got != 1 {
				t.Fatalf("%d messages more, not 1", got)
			}
			if got := h.said(`ORDER BY id DESC LIMIT 1`); got[0] != text {
				t.Errorf("kept as %.80q, not %.80q", got[0], text)
			}
			thread := h.text(`SELECT thread_id FROM message ORDER BY id DESC LIMIT 1`)
			page := advisor.get("/inbox/" + thread)
			if page.status != http.StatusOK {
				t.Fatalf("her thread answers %d", page.status)
			}
			if strings.Contains(page.body, "<script>alert") || strings.Contains(page.body, "onerror=alert(1)>") {
				t.Error("her words are markup on the page")
			}
		})
	}
	t.Run("NUL and broken UTF-8", func(t *testing.T) {
		body := linefake.Body("U1", linefake.TextEvent(linefake.Meta{User: person(300), At: eventTime}, "before MARK after"))
		body = bytes.ReplaceAll(body, []byte("MARK"), []byte(`\u0000\ud800`))
		body = bytes.ReplaceAll(body, []byte("after"), []byte("\xff\xfe"))
		if a := h.knock(body, linefake.Sign(lineSecret, body)); a.status >= 500 {
			t.Errorf("answered %d", a.status)
		}
	})
}

// text is the one text that a query gives.
func (h *home) text(query string, args ...any) string {
	h.t.Helper()
	var s string
	must(h.t, h.DB.Read(h.t.Context(), func(tx *db.Tx) error { return tx.QueryRow(query, args...).Scan(&s) }))
	return s
}

func TestDoorRefuses(t *testing.T) {
	h := newHouse(t)
	good := linefake.Body(h.phone.Options().BotID, linefake.TextEvent(linefake.Meta{User: person(4), At: eventTime}, "good"))
	other := linefake.Body(h.phone.Options().BotID, linefake.TextEvent(linefake.Meta{User: person(4), At: eventTime}, "other"))
	sign := func(b string) (string, string) { return b, linefake.Sign(lineSecret, []byte(b)) }
	large := `{"destination":"U1","events":[],"pad":"` + strings.Repeat("x", 1<<20) + `"}`
	type knock struct{ body, signature string }
	signed := func(b string) knock { body, s := sign(b); return knock{body, s} }
	for name, c := range map[string]struct {
		knock
		want int
	}{
		"unsigned":                      {knock{string(good), ""}, 401},
		"signed with another secret":    {knock{string(good), linefake.Sign("another", good)}, 401},
		"signed with an empty secret":   {knock{string(good), linefake.Sign("", good)}, 401},
		"the signature of another body": {knock{string(good), linefake.Sign(lineSecret, other)}, 401},
		"half a signature":              {knock{string(good), linefake.Sign(lineSecret, good)[:20]}, 401},
		"a signature and more":          {knock{string(good), linefake.Sign(lineSecret, good) + "="}, 401},
		"a signature that is no base64": {knock{string(good), "!!!!"}, 401},
		"a body with a space more":      {knock{string(good) + " ", linefake.Sign(lineSecret, good)}, 401},
		"empty":                         {signed(""), 400},
		"cut off":                       {signed(string(good[:len(good)/2])), 400},
		"no JSON":                       {signed("events=1"), 400},
		"a list":                        {signed("[]"), 400},
		"null":                          {signed("null"), 400},
		"a number":                      {signed("1"), 400},
		"events that are no list":       {signed(`{"destination":"U1","events":{"type":"message"}}`), 400},
		"two documents":                 {signed(string(good) + string(good)), 400},
		"a hundred thousand brackets":   {signed(`{"events":` + strings.Repeat("[", 100_000)), 400},
		"nothing but broken UTF-8":      {signed("\xff\xfe\xfd"), 400},
		"more than 1 MB":                {signed(large), 413},
		"more than 1 MB, unsigned":      {knock{large, ""}, 413},
	} {
		t.Run(name, func(t *testing.T) {
			a := h.knock([]byte(c.body), c.signature)
			if a.status != c.want {
				t.Errorf("answered %d, not %d", a.status, c.want)
			}
			if got := (h.stored()); got != (stored{}) {
				t.Errorf("stored all the same: %+v", got)
			}
		})
	}
	t.Run("the console's verify button sends no events", func(t *testing.T) {
		h.deliver()
		if got := h.stored(); got != (stored{}) {
			t.Errorf("stored: %+v", got)
		}
	})
	t.Run("nothing was logged as a fault of ours", func(t *testing.T) {
		for line := range strings.Lines(h.log.String()) {
			if strings.Contains(line, "level=ERROR") {
				t.Error(line)
			}
		}
	})
	t.Run("after all that the door still opens", func(t *testing.T) {
		h.deliver(linefake.TextEvent(linefake.Meta{User: person(4), At: eventTime}, "good"))
		if got, want := h.stored(), (stored{1, 1, 1, 0, 1}); got != want {
			t.Errorf("%+v, not %+v", got, want)
		}
	})
}

// TestDoorKeepsOddEvents: what is well signed and odd is kept, not refused: the
// other events of the body must not suffer.
func TestDoorKeepsOddEvents(t *testing.T) {
	h := newHouse(t)
	good, err := json.Marshal(linefake.TextEvent(linefake.Meta{User: person(5), At: eventTime}, "the sound one"))
	must(t, err)
	odd := []string{
		`{"type":"somethingNew","webhookEventId":"01A","timestamp":1,"source":{"type":"user","userId":"` + person(5) + `"}}`,
		`{"type":"message","webhookEventId":"01B","timestamp":1}`,
		`{"type":"message","webhookEventId":"01C","timestamp":"yesterday","source":[],"message":7}`,
		`{"type":7}`,
		`{}`,
		`null`,
		`"text"`,
		`{"type":"message","webhookEventId":"` + strings.Repeat("9", 5000) + `","timestamp":99999999999999999999,"source":{"type":"user","userId":"` + strings.Repeat("U", 70000) + `"},"message":{"type":"text","id":"` + strings.Repeat("1", 5000) + `","text":"x"}}`,
	}
	body := []byte(`{"destination":"U1","events":[` + strings.Join(odd, ",") + "," + string(good) + `]}`)
	for range 2 { // and again, as a redelivery
		if a := h.knock(body, linefake.Sign(lineSecret, body)); a.status != http.StatusOK {
			t.Fatalf("answered %d: %s", a.status, a.body)
		}
	}
	if n := h.number(`SELECT COUNT(*) FROM message WHERE author = 'customer' AND account_id = $1`, h.account.ID); n < 1 || n > 2 {
		t.Errorf("%d messages: the sound one, and perhaps the long one", n)
	}
	if got := strings.Join(h.said(`WHERE type = 'text' ORDER BY at, id`), "|"); !strings.Contains(got, "the sound one") {
		t.Errorf("the sound one is missing: %.200q", got)
	}
	if n := h.count("notice"); n < 3 {
		t.Errorf("only %d odd events were kept", n)
	}
}

func TestDoorKnowsItsAccounts(t *testing.T) {
	h := newHouse(t)
	body := linefake.Body("U1", linefake.TextEvent(linefake.Meta{User: person(6), At: eventTime}, "ding"))
	post := func(path string) answer {
		t.Helper()
		req, err := http.NewRequest(http.MethodPost, h.url+path, bytes.NewReader(body))
		must(t, err)
		req.Header.Set("X-Line-Signature", linefake.Sign(lineSecret, body))
		a, err := do(http.DefaultClient, req)
		must(t, err)
		return a
	}
	for name, path := range map[string]string{
		"unknown":        "/in/acc_00000000000000000000000000",
		"none":           "/in/",
		"a path":         "/in/..%2f..%2fadmin",
		"a quote":        "/in/%27%20OR%201=1--",
		"a line break":   "/in/" + h.account.ID + "%0d%0aX-Injected:%20yes",
		"a NUL":          "/in/" + h.account.ID + "%00",
		"broken UTF-8":   "/in/%ff%fe",
		"very long":      "/in/" + strings.Repeat("a", 5000),
		"one level more": "/in/" + h.account.ID + "/more",
	} {
		t.Run(name, func(t *testing.T) {
			a := post(path)
			if a.status != http.StatusNotFound && a.status != http.StatusBadRequest {
				t.Errorf("answered %d, not 404 or 400", a.status)
			}
			if a.header.Get("X-Injected") != "" {
				t.Error("a header came back that we did not make")
			}
		})
	}
	t.Run("a web chat has no webhook", func(t *testing.T) {
		var chat conversation.Account
		h.write(func(tx *db.Tx) (err error) {
			chat, err = h.Desk.SaveAccount(tx, staff.System(), conversation.AccountForm{Channel: channel.WebChat, Name: "Shop", CounterID: h.counter})
			return err
		})
		if a := post(chat.WebhookPath()); a.status < 400 || a.status >= 500 {
			t.Errorf("answered %d", a.status)
		}
	})
	t.Run("GET", func(t *testing.T) {
		if a := newBrowser(t, h.url).get(h.account.WebhookPath()); a.status != http.StatusNotFound && a.status != http.StatusMethodNotAllowed {
			t.Errorf("answered %d", a.status)
		}
	})
	t.Run("closed", func(t *testing.T) {
		h.write(func(tx *db.Tx) error { return h.Desk.CloseAccount(tx, staff.System(), h.account.ID) })
		if a := post(h.account.WebhookPath()); a.status != http.StatusNotFound {
			t.Errorf("answered %d, not 404", a.status)
		}
	})
	if got := h.stored(); got != (stored{}) {
		t.Errorf("stored all the same: %+v", got)
	}
}

// raw speaks to the house below what net/http lets a client do, and returns all
// that came back until the house closed the connection.
func (h *home) raw(parts ...string) string {
	h.t.Helper()
	conn, err := net.Dial("tcp", h.Address())
	must(h.t, err)
	defer conn.Close()
	must(h.t, conn.SetDeadline(h.DB.Now().Add(10*time.Second)))
	for _, p := range parts {
		if _, err := io.WriteString(conn, p); err != nil {
			break // the house has heard enough
		}
	}
	all, _ := io.ReadAll(conn)
	return string(all)
}

func TestDoorOnTheWire(t *testing.T) {
	h := newHouseWith(t, plan{tune: func(a *App) { a.bodyTime = 300 * time.Millisecond }})
	body := string(linefake.Body("U1", linefake.TextEvent(linefake.Meta{User: person(7), At: eventTime}, "ding")))
	head := "POST " + h.account.WebhookPath() + " HTTP/1.1\r\nHost: " + h.Address() + "\r\nConnection: close\r\n"
	signature := "X-Line-Signature: " + linefake.Sign(lineSecret, []byte(body)) + "\r\n"
	length := fmt.Sprintf("Content-Length: %d\r\n", len(body))
	for name, c := range map[string]struct {
		send []string
		want string // beginning of the status
	}{
		"a body that is announced and never comes": {[]string{head, signature, length, "\r\n"}, "4"},
		"a body that stops half-way":               {[]string{head, signature, length, "\r\n", body[:len(body)/2]}, "4"},
		"chunks that stop":                         {[]string{head, signature, "Transfer-Encoding: chunked\r\n\r\n", "5\r\n{\"eve\r\n"}, "4"},
		"a chunk with a mad length":                {[]string{head, signature, "Transfer-Encoding: chunked\r\n\r\n", "zzzz\r\n"}, "4"},
		"both lengths":                             {[]string{head, signature, length, "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"}, "4"},
		"two lengths":                              {[]string{head, signature, length, "Content-Length: 1\r\n\r\n", body}, "4"},
		"a negative length":                        {[]string{head, signature, "Content-Length: -1\r\n\r\n", body}, "4"},
		"a line break in a header":                 {[]string{head, "X-Line-Signature: a\rX-Injected: yes\r\n", length, "\r\n", body}, "4"},
		"a folded header":                          {[]string{head, "X-Line-Signature: a\r\n X-Injected: yes\r\n", length, "\r\n", body}, "4"},
		"a header of 100 KB":                       {[]string{head, "X-Long: " + strings.Repeat("x", 100<<10) + "\r\n", signature, length, "\r\n", body}, "4"},
		"no HTTP at all":                           {[]string{"ding dong\r\n\r\n"}, "4"},
	} {
		t.Run(name, func(t *testing.T) {
			got := h.raw(c.send...)
			status, _, _ := strings.Cut(strings.TrimPrefix(got, "HTTP/1.1 "), " ")
			if !strings.HasPrefix(status, c.want) {
				t.Errorf("answered %.200q", got)
			}
			if strings.Contains(got, "X-Injected") {
				t.Error("a header came back that we did not make")
			}
			if s := h.stored(); s != (stored{}) {
				t.Errorf("stored all the same: %+v", s)
			}
		})
	}
	t.Run("one byte at a time, for ever", func(t *testing.T) {
		conn, err := net.Dial("tcp", h.Address())
		must(t, err)
		defer conn.Close()
		must(t, conn.SetDeadline(h.DB.Now().Add(10*time.Second)))
		_, err = io.WriteString(conn, head+signature+length+"\r\n")
		must(t, err)
		ended := make(chan struct{})
		go func() { // reads until the house ends it
			defer close(ended)
			_, _ = io.Copy(io.Discard, conn)
		}()
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for i := 0; ; i++ {
			select {
			case <-ended:
				if i >= len(body) {
					t.Error("it took the whole body")
				}
				return
			case <-tick.C:
				_, _ = conn.Write([]byte{body[i%len(body)]})
			}
		}
	})
	t.Run("a stream of events outlives it", func(t *testing.T) {
		advisor := h.signIn()
		res, err := advisor.http.Get(h.url + "/live?after=0")
		must(t, err)
		defer res.Body.Close()
		lines := bufio.NewScanner(res.Body)
		lines.Scan()
		wait := time.NewTimer(2 * 300 * time.Millisecond)
		defer wait.Stop()
		<-wait.C
		h.deliver(linefake.TextEvent(linefake.Meta{User: person(8), At: eventTime}, "still there?"))
		for lines.Scan() {
			if lines.Text() == "event: ding" {
				return
			}
		}
		t.Errorf("the stream ended: %v", lines.Err())
	})
	t.Run("the door has not suffered", func(t *testing.T) {
		got := h.raw(head, signature, length, "\r\n", body)
		if !strings.HasPrefix(got, "HTTP/1.1 200 ") {
			t.Errorf("answered %.200q", got)
		}
		if s := h.stored(); s.Messages != 2 {
			t.Errorf("%+v", s)
		}
	})
}
