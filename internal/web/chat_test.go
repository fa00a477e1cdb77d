package web

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"dingdong/internal/channel"
	"dingdong/internal/conversation"
	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
	"dingdong/internal/staff"
)

func TestChatPage(t *testing.T) {
	c := newChatHouse(t)
	b := newBrowser(t, c)
	got := b.get("/chat/" + c.account.ID)
	want(t, got, http.StatusOK, "<title>Rosée 線上</title>", `data-origins="https://shop.example http://127.0.0.1:8081"`, `type="module" src="/static/chat/chat.`)
	csp := got.Header().Get("Content-Security-Policy")
	if !strings.HasSuffix(csp, "frame-ancestors 'self' https://shop.example http://127.0.0.1:8081") || strings.Contains(csp, "unsafe") {
		t.Errorf("policy %q", csp)
	}
	if got.Header().Get("X-Frame-Options") != "" {
		t.Error("X-Frame-Options keeps the shop from framing the chat")
	}
	widget := b.get("/chat/" + c.account.ID + "/widget.js")
	want(t, widget, http.StatusOK, "data-dingdong-open")
	if !strings.HasPrefix(widget.Header().Get("Cache-Control"), "public, max-age=") || widget.Header().Get("ETag") == "" {
		t.Errorf("widget.js: %v", widget.Header())
	}
	b.Header.Set("If-None-Match", widget.Header().Get("ETag"))
	want(t, b.get("/chat/"+c.account.ID+"/widget.js"), http.StatusNotModified)
}

func TestChatIsFramedByItsSitesOnly(t *testing.T) {
	c := newChatHouse(t)
	for name, x := range map[string]struct {
		dest, referer string
		status        int
	}{
		"by itself":        {"document", "https://elsewhere.example/", 200},
		"in the shop":      {"iframe", "https://shop.example/lipsticks", 200},
		"in our own page":  {"iframe", "http://counter.test/x", 200},
		"does not say":     {"iframe", "", 200},
		"in another page":  {"iframe", "https://evil.example/", 403},
		"other scheme":     {"iframe", "http://shop.example/", 403},
		"name of the shop": {"iframe", "https://shop.example.evil.example/", 403},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBrowser(t, c)
			b.Header.Set("Sec-Fetch-Dest", x.dest)
			b.Header.Set("Referer", x.referer)
			want(t, b.get("/chat/"+c.account.ID), x.status)
		})
	}
	odd := frameOrigins([]string{"https://A.example:443", "https://a.example", "https://b;script-src", "javascript://x", "http://c.example:8080"})
	same(t, odd, []string{"https://a.example", "http://c.example:8080"})
}

func TestNothingIsStoredBeforeSheWrites(t *testing.T) {
	c := newChatHouse(t)
	v := c.visits("")
	v.listens(v.Cursor).next("cursor")
	v.want(http.StatusOK, nil, "POST", "/typing", struct{}{})
	v.start(map[string]string{"token": v.Token, "name": "  Ana\nLuz "})
	if v.Name != "Ana Luz" || v.Account.Name != "Rosée 線上" || v.Account.Greeting != "您好" || v.Messages == nil {
		t.Errorf("start: %+v", v.chatStart)
	}
	n := 0
	err := c.DB.Read(t.Context(), func(tx *db.Tx) error {
		return tx.QueryRow(`SELECT (SELECT COUNT(*) FROM customer) + (SELECT COUNT(*) FROM thread) + (SELECT COUNT(*) FROM identity)`).Scan(&n)
	})
	if err != nil || n != 0 {
		t.Errorf("%d rows before her first word, %v", n, err)
	}
	v.says("hello")
	if talk := v.thread(); talk.Name != "Ana Luz" {
		t.Errorf("she is called %q", talk.Name)
	}
}

func TestChatBothWays(t *testing.T) {
	c := newChatHouse(t)
	one := c.visits("")
	two := c.visits(one.Token) // her other tab
	if one.Visitor != two.Visitor {
		t.Fatal("the second tab is somebody else")
	}
	first, second := one.listens(one.Cursor), two.listens(two.Cursor)
	m := one.says("<b>請問</b> & \u202e還有貨嗎？")
	if m.Text != "<b>請問</b> & \u202e還有貨嗎？" || m.From != "visitor" || m.Status != "delivered" {
		t.Errorf("her message: %+v", m)
	}
	for _, l := range []*chatLine{first, second} {
		same(t, l.texts(1), []string{"visitor: <b>請問</b> & \u202e還有貨嗎？"})
	}
	thread := one.thread().ThreadID
	c.presence.Types(thread, Present{ID: c.Advisor, Name: "Mei"})
	if e := second.next("typing"); e.data != `{"name":"Mei"}` {
		t.Errorf("typing: %s", e.data)
	}
	one.answers("有的！")
	for _, l := range []*chatLine{first, second} {
		e := l.next("message")
		if got := e.message(t); got.Author != "Mei" || got.From != "advisor" || got.Text != "有的！" || e.id == "" {
			t.Errorf("the answer: %+v", got)
		}
		if s := l.next("status"); s.data != fmt.Sprintf(`{"id":%q,"status":"read"}`, m.ID) {
			t.Errorf("status: %s", s.data)
		}
	}
	one.want(http.StatusOK, nil, "POST", "/typing", struct{}{})
	here := c.presence.Here(thread)
	if len(here) == 0 || !here[0].Customer {
		t.Errorf("the advisor does not see her typing: %+v", here)
	}
}

func TestAReturningVisitorSeesHerOwnHistoryOnly(t *testing.T) {
	c := newChatHouse(t)
	v := c.visits("")
	for i := range 45 {
		v.write(func(tx *db.Tx) error {
			_, err := c.Desk.VisitorSays(tx, conversation.Visitor{Account: c.account, ExternalID: v.Visitor},
				conversation.Saying{Key: uuid.NewString(), Text: fmt.Sprint("n", i)})
			return err
		})
	}
	v.answers("hello")
	talk := v.thread()
	// The same person also writes on LINE, to the same counter; a colleague leaves a
	// note; something is refused and something fails.
	shop := c.open(conversation.AccountForm{Channel: channel.LINE, Name: "LINE", CounterID: c.Counter, Secret: "s", Token: "t"})
	c.write(func(tx *db.Tx) error {
		_, err := c.Desk.Receive(tx, shop, []channel.Inbound{{EventID: "e", Kind: channel.Message, Peer: channel.Peer{Type: channel.Person, ID: "U1"},
			ExternalID: "x", Body: channel.Body{Type: channel.Text, Text: "from LINE"}}})
		if err != nil {
			return err
		}
		for _, q := range []string{
			`UPDATE message SET thread_id = $1 WHERE external_id = 'x'`,
			`INSERT INTO message (id, thread_id, customer_id, account_id, identity_id, author, type, at, arrived_at, status)
				SELECT 'msg_refused', $1, customer_id, account_id, identity_id, 'staff', 'text', at, at, 'refused' FROM message WHERE thread_id = $1 LIMIT 1`,
			`INSERT INTO message (id, thread_id, customer_id, account_id, identity_id, author, type, at, arrived_at, status)
				SELECT 'msg_system', $1, customer_id, account_id, identity_id, 'system', 'follow', at, at, 'received' FROM message WHERE thread_id = $1 LIMIT 1`,
		} {
			if _, err := tx.Exec(q, talk.ThreadID); err != nil {
				return err
			}
		}
		viewer, err := staff.ViewerByID(tx, c.Advisor)
		if err != nil {
			return err
		}
		return c.Desk.Transfer(tx, viewer, conversation.Handing{ThreadID: talk.ThreadID, To: c.Advisor, Note: "difficult lady"})
	})
	back := c.visits(v.Token)
	if len(back.Messages) != historyPage || !back.More || back.Messages[historyPage-1].Text != "hello" {
		t.Fatalf("%d messages, more %v", len(back.Messages), back.More)
	}
	var older chatHistory
	back.want(http.StatusOK, &older, "GET", "/messages?before="+back.Messages[0].ID, nil)
	if len(older.Messages) != 6 || older.More || older.Messages[0].Text != "n0" {
		t.Errorf("older: %+v", older)
	}
	all := string(must(json.Marshal([]any{back.chatStart, older})))
	for _, secret := range []string{"from LINE", "difficult", "msg_refused", "msg_system"} {
		if strings.Contains(all, secret) {
			t.Errorf("she can read %q", secret)
		}
	}
}

func TestATokenIsGoodForItsVisitorOnly(t *testing.T) {
	clock := dbtest.NewClock(noon)
	c := newChatHouse(t, func(d *Deps) { d.DB = dbtest.NewAt(t, clock) })
	v := c.visits("")
	v.says("mine")
	other := c.visits("")
	other.says("hers")
	same(t, other.history(), []string{"visitor: hers"})
	other.want(http.StatusNotFound, nil, "GET", "/messages?before="+v.says("again").ID, nil)

	elsewhere := c.open(conversation.AccountForm{Channel: channel.WebChat, Name: "Lumi", CounterID: c.OtherCounter})
	forged := v.Token[:len(v.Token)-1] + string('A'+(v.Token[len(v.Token)-1]-'A'+1)%26)
	for name, bad := range map[string]struct{ account, token string }{
		"forged": {c.account.ID, forged}, "empty": {c.account.ID, ""}, "noise": {c.account.ID, "%%%\x00"},
		"of another account": {elsewhere.ID, v.Token},
		"with another label": {c.account.ID, c.Desk.Vault.Sign("message.blob", []byte(`{"a":"`+c.account.ID+`","v":"`+v.Visitor+`"}`), noon.Add(time.Hour))},
	} {
		t.Run(name, func(t *testing.T) {
			stranger := &visitor{chatHouse: c, account: bad.account}
			stranger.start(map[string]string{"token": bad.token})
			if stranger.Visitor == v.Visitor || len(stranger.Messages) > 0 || stranger.Token == bad.token {
				t.Errorf("a bad token gives %+v", stranger.chatStart)
			}
			if !strings.ContainsAny(bad.token, "\x00") {
				stranger.Token = bad.token
				stranger.want(http.StatusUnauthorized, nil, "GET", "/messages", nil)
				stranger.want(http.StatusUnauthorized, nil, "POST", "/messages", chatSaying{uuid.NewString(), "x"})
				stranger.want(http.StatusUnauthorized, nil, "GET", "/stream", nil)
			}
		})
	}
	clock.Advance(passLasts - time.Minute)
	same(t, v.history(), []string{"visitor: mine", "visitor: again"}) // renewed
	clock.Advance(passLasts - time.Minute)
	v.want(http.StatusOK, nil, "GET", "/messages", nil)
	clock.Advance(2 * time.Minute)
	v.want(http.StatusUnauthorized, nil, "GET", "/messages", nil)
	if v.history(); len(v.Messages) > 0 {
		t.Error("an expired token shows history")
	}
}

func TestOneKeyIsOneMessage(t *testing.T) {
	c := newChatHouse(t)
	v := c.visits("")
	l := v.listens(v.Cursor)
	key := uuid.NewString()
	ids := make([]string, 20)
	var all sync.WaitGroup
	for i := range ids {
		all.Go(func() {
			var said chatSaid
			raw := must(io.ReadAll(v.do("POST", "/messages", chatSaying{key, "once"}).Body))
			if err := json.Unmarshal(raw, &said); err != nil || said.Message.ID == "" {
				t.Errorf("answer %s", raw)
			}
			ids[i] = said.Message.ID
		})
	}
	all.Wait()
	for _, id := range ids {
		if id != ids[0] {
			t.Errorf("ids %v", ids)
		}
	}
	same(t, v.history(), []string{"visitor: once"})
	picture := drawn(t, 40, 30)
	q := "/upload?name=a.jpg&key=" + uuid.NewString()
	var first, again chatSaid
	v.want(http.StatusOK, &first, "POST", q, picture)
	v.want(http.StatusOK, &again, "POST", q, picture)
	if first.Message.ID != again.Message.ID {
		t.Error("a file handed in again is another message")
	}
	l.texts(2)
	if len(v.history()) != 2 {
		t.Errorf("history %v", v.Messages)
	}
}

func drawn(t testing.TB, w, h int) []byte {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for x := range w {
		img.Set(x, h/2, color.RGBA{200, 20, 60, 255})
	}
	var out bytes.Buffer
	if err := jpeg.Encode(&out, img, nil); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestUploads(t *testing.T) {
	c := newChatHouse(t)
	v := c.visits("")
	picture := drawn(t, 1200, 600)
	v.uploads("x.svg", []byte(`<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`), http.StatusUnprocessableEntity)
	v.uploads("x.jpg", []byte(`<!doctype html><script>alert(1)</script>`), http.StatusUnprocessableEntity)
	v.uploads("x.jpg", append([]byte("\xff\xd8\xff\xe0"), "<script>alert(1)</script>"...), http.StatusUnprocessableEntity)
	v.uploads("x.jpg", []byte{}, http.StatusUnprocessableEntity)
	v.uploads("x.jpg", append(bytes.Clone(picture), make([]byte, conversation.MaxUpload)...), http.StatusRequestEntityTooLarge)
	m := v.uploads(`..\..\<b>.jpg`, picture, http.StatusOK)
	if m.Type != "image" || m.Width != 1200 || m.Height != 600 || strings.ContainsAny(m.Name, `\/<>`) || m.Preview == "" {
		t.Errorf("picture: %+v", m)
	}
	for _, path := range []string{m.URL, m.Preview} {
		got := must(http.Get(c.url + path))
		body := must(io.ReadAll(got.Body))
		if got.StatusCode != 200 || got.Header.Get("Content-Type") != "image/jpeg" || len(body) == 0 {
			t.Errorf("%s: %d %v", path, got.StatusCode, got.Header)
		}
	}
	pdf := v.uploads("receipt.pdf", []byte("%PDF-1.4\n1 0 obj\n"), http.StatusOK)
	got := must(http.Get(c.url + pdf.URL))
	if pdf.Type != "file" || got.Header.Get("Content-Type") != "application/octet-stream" || !strings.HasPrefix(got.Header.Get("Content-Disposition"), "attachment") {
		t.Errorf("file: %+v %v", pdf, got.Header)
	}
	v.Header.Set("Content-Type", "multipart/form-data; boundary=x")
	v.uploads("x.jpg", picture, http.StatusUnsupportedMediaType)
}

func TestChatRefusals(t *testing.T) {
	c := newChatHouse(t)
	v := c.visits("")
	key := uuid.NewString()
	for name, x := range map[string]struct {
		body   any
		status int
	}{
		"no JSON":      {`{"key":`, 400},
		"not a text":   {`{"key":"` + key + `","text":7}`, 400},
		"no key":       {chatSaying{"", "x"}, 422},
		"odd key":      {chatSaying{"key", "x"}, 422},
		"no text":      {chatSaying{key, " \n"}, 422},
		"too long":     {chatSaying{key, strings.Repeat("💄", conversation.MaxText+1)}, 422},
		"body too big": {`{"text":"` + strings.Repeat("x", chatBody) + `"}`, 413},
	} {
		t.Run(name, func(t *testing.T) { v.want(x.status, nil, "POST", "/messages", x.body) })
	}
	v.says(strings.Repeat("💄", conversation.MaxText))
	v.want(http.StatusUnsupportedMediaType, nil, "POST", "/messages", []byte(`{}`))
	v.want(http.StatusGone, nil, "GET", "/stream?cursor=99999", nil)
	v.want(http.StatusBadRequest, nil, "GET", "/stream?cursor=x", nil)
	v.Header.Set("Sec-Fetch-Site", "cross-site")
	v.want(http.StatusForbidden, nil, "GET", "/messages", nil)
	if got := v.do("POST", "/messages", chatSaying{key, "x"}); got.StatusCode != http.StatusForbidden || got.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("from another site: %d %v", got.StatusCode, got.Header)
	}
}

func TestAClosedChatIsNotThere(t *testing.T) {
	c := newChatHouse(t)
	v := c.visits("")
	shop := c.open(conversation.AccountForm{Channel: channel.LINE, Name: "LINE", CounterID: c.Counter, Secret: "s", Token: "t"})
	c.write(func(tx *db.Tx) error { return c.Desk.CloseAccount(tx, staff.System(), c.account.ID) })
	for name, id := range map[string]string{"closed": c.account.ID, "unknown": "acc_x", "not a web chat": shop.ID} {
		t.Run(name, func(t *testing.T) {
			b := newBrowser(t, c)
			want(t, b.get("/chat/"+id), http.StatusNotFound)
			want(t, b.get("/chat/"+id+"/widget.js"), http.StatusNotFound)
			v.account = id
			v.want(http.StatusNotFound, nil, "POST", "/start", struct{}{})
			v.want(http.StatusNotFound, nil, "POST", "/messages", chatSaying{uuid.NewString(), "x"})
			v.want(http.StatusNotFound, nil, "GET", "/stream", nil)
		})
	}
}

func TestAStreamResumesWithoutAGap(t *testing.T) {
	c := newChatHouse(t)
	v := c.visits("")
	v.says("one")
	l := v.listens(v.Cursor)
	same(t, l.texts(1), []string{"visitor: one"})
	l.next("cursor")
	l.hangUp()
	v.answers("two")
	v.answers("three")
	other := c.visits("")
	other.says("nobody else's business")
	l = v.listens(l.last)
	same(t, l.texts(2), []string{"advisor: two", "advisor: three"})
	v.answers("four")
	same(t, l.texts(1), []string{"advisor: four"})
	// From any event on, everything after it comes, and nothing before it.
	whole := v.listens(v.Cursor)
	var events []told
	for range 4 {
		events = append(events, whole.next("message"))
	}
	for i, e := range events[:3] {
		got := v.listens(e.id).texts(3 - i)
		same(t, got, []string{"advisor: two", "advisor: three", "advisor: four"}[i:])
	}
}

func TestAnUnsentMessageGoes(t *testing.T) {
	c := newChatHouse(t)
	v := c.visits("")
	m := v.says("never mind")
	l := v.listens(v.Cursor)
	l.texts(1)
	c.write(func(tx *db.Tx) error {
		if _, err := tx.Exec(`UPDATE message SET external_id = 'x' WHERE id = $1`, m.ID); err != nil {
			return err
		}
		_, err := c.Desk.Receive(tx, c.account, []channel.Inbound{{EventID: "u", Kind: channel.Unsend, ExternalID: "x",
			Peer: channel.Peer{Type: channel.Person, ID: v.Visitor}}})
		return err
	})
	if e := l.next("unsent"); e.data != fmt.Sprintf(`{"id":%q}`, m.ID) {
		t.Errorf("unsent: %s", e.data)
	}
	if v.history(); v.Messages[0].Type != "unsent" || v.Messages[0].Text != "" {
		t.Errorf("history: %+v", v.Messages)
	}
}

func TestStreamsEndWithTheHouse(t *testing.T) {
	c := newChatHouse(t)
	v, quiet := c.visits(""), c.visits("")
	v.says("hello")
	a, b := v.listens(v.Cursor), quiet.listens(quiet.Cursor)
	a.texts(1)
	b.next("cursor")
	close(c.stopping)
	a.ends()
	b.ends()
}

func TestStreamsAreBounded(t *testing.T) {
	c := newChatHouse(t)
	v := c.visits("")
	var open []*chatLine
	for range visitorStreams {
		open = append(open, v.listens(v.Cursor))
		open[len(open)-1].next("cursor")
	}
	v.want(http.StatusTooManyRequests, nil, "GET", "/stream", nil)
	open[0].hangUp()
	for left := visitorStreams; left == visitorStreams; { // the server notices in its own time
		c.chat.mu.Lock()
		left = c.chat.streams["v "+c.account.ID+" "+v.Visitor]
		c.chat.mu.Unlock()
	}
	v.listens(v.Cursor).next("cursor")
}

func TestChatLimits(t *testing.T) {
	var room chatRoom
	now := noon
	for i := range 10 {
		if wait := room.take("v", "", visitorMessages, now); wait > 0 {
			t.Fatalf("message %d has to wait %v", i, wait)
		}
	}
	if wait := room.take("v", "", visitorMessages, now); wait != 3*time.Second {
		t.Errorf("the eleventh waits %v, want 3 s", wait)
	}
	if wait := room.take("w", "", visitorMessages, now); wait > 0 {
		t.Errorf("somebody else waits %v", wait)
	}
	now = now.Add(3 * time.Second)
	for range 2 {
		if room.take("v", "key", visitorMessages, now) > 0 {
			t.Error("a repeat counts twice")
		}
	}
	if room.take("v", "another", visitorMessages, now) == 0 {
		t.Error("another message does not count")
	}
	if room.take("x", "", visitorMessages, now.Add(time.Hour)); len(room.buckets) != 1 {
		t.Errorf("%d buckets are kept for nobody", len(room.buckets))
	}
	c := newChatHouse(t)
	v := c.visits("")
	for range 10 {
		v.says("hi")
	}
	got := v.do("POST", "/messages", chatSaying{uuid.NewString(), "hi"})
	if got.StatusCode != http.StatusTooManyRequests || got.Header.Get("Retry-After") == "" {
		t.Errorf("the eleventh message: %d", got.StatusCode)
	}
	for range 70 {
		got = (&visitor{chatHouse: c, account: c.account.ID}).do("POST", "/start", struct{}{})
		got.Body.Close()
	}
	if got.StatusCode != http.StatusTooManyRequests {
		t.Errorf("the 71st start: %d", got.StatusCode)
	}
}

func TestNeighbourhood(t *testing.T) {
	for in, want := range map[string]string{"192.0.2.1": "192.0.2.1", "2001:db8:1:2:3::4": "2001:db8:1:2::/64", "::ffff:192.0.2.1": "::ffff:192.0.2.1", "odd": "odd"} {
		if got := neighbourhood(in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

// A shop's page must not become slow by us.
func TestChatIsSmall(t *testing.T) {
	var out bytes.Buffer
	z := must(gzip.NewWriterLevel(&out, gzip.BestCompression))
	files := append(must(filepath.Glob("static/chat/*.js")), must(filepath.Glob("static/chat/*.css"))...)
	for _, f := range files {
		_, _ = z.Write(must(staticFiles.ReadFile(f)))
	}
	_ = z.Close()
	if out.Len() > 40<<10 || len(files) < 3 {
		t.Errorf("%d files of the chat come to %d bytes", len(files), out.Len())
	}
}

func FuzzChatPass(f *testing.F) {
	f.Add([]byte(`{"a":"acc_1","v":"v_aaaaaaaaaaaaaaaaaaaaaaaaaa","n":"Ana"}`))
	f.Add([]byte(`{"a":"acc_1","v":"v_../../../etc/passwd........","n":7}`))
	f.Add([]byte("{\"a\":\"acc_1\",\"v\":\"v_aaaaaaaaaaaaaaaaaaaaaaaaaa\",\"n\":\"\\u0000\\ud800\"}"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		p, err := parsePass("acc_1", raw)
		if err == nil && (p.Account != "acc_1" || !visitorID.MatchString(p.Visitor) || len([]rune(p.Name)) > passName || strings.ContainsAny(p.Name, "\x00\n")) {
			t.Errorf("%q gave %+v", raw, p)
		}
	})
}

func FuzzChatSaying(f *testing.F) {
	f.Add([]byte(`{"key":"6F9619FF-8B86-D011-B42D-00C04FC964FF","text":"hi"}`))
	f.Add([]byte(`{"key":null,"text":"\u0000"}`))
	f.Add([]byte(`[[[[`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, _ := http.NewRequestWithContext(context.Background(), "POST", "/", bytes.NewReader(raw))
		r.Header.Set("Content-Type", "application/json")
		var sent chatSaying
		if readJSON(r, &sent) != nil {
			return
		}
		said, err := sent.checked()
		if err == nil && (!chatKey.MatchString(said.Key) || said.Text == "" || db.CleanText(said.Text) != said.Text) {
			t.Errorf("%q gave %+v", raw, said)
		}
	})
}
