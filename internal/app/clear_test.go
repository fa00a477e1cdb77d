package app

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/uuid"

	"dingdong/internal/channel"
	"dingdong/internal/channel/line/linefake"
	"dingdong/internal/conversation"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// marker is a word that is personal and must be found nowhere.
const (
	markerASCII = "SecretMarker"
	markerHan   = "林怡君祕密"
	// A platform's id of her is hers too. Not searched for in base64: the fake
	// platform's tokens hold it, as those of the real one, which are opaque, may.
	markerUser = "U00c0ffee00c0ffee00c0ffee00c0ffee"
)

// spellings are the ways in which a word can lie in a file.
func spellings(word string) map[string][]byte {
	all := map[string][]byte{"UTF-8": []byte(word)}
	little, big := []byte{}, []byte{}
	for _, unit := range utf16.Encode([]rune(word)) {
		little, big = binary.LittleEndian.AppendUint16(little, unit), binary.BigEndian.AppendUint16(big, unit)
	}
	all["UTF-16 LE"], all["UTF-16 BE"] = little, big
	escaped, _ := json.Marshal(word)
	all["JSON"] = bytes.Trim(escaped, `"`)
	all["a query"] = []byte(url.QueryEscape(word))
	all["hexadecimal"] = fmt.Appendf(nil, "%x", word)
	for shift := range 3 { // base64 depends on where in the text the word stands
		text := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("x", shift) + word + "xx"))
		text = strings.TrimRight(text, "=")
		all[fmt.Sprint("base64 at ", shift)] = []byte(text[(shift*8+5)/6 : len(text)-4])
	}
	return all
}

// secrets lists what was written in the house and may be found nowhere.
func secrets() []string {
	return []string{markerASCII, markerHan, lineSecret, lineToken, advisorPassword}
}

func searchFor(t *testing.T, where string, content []byte) {
	t.Helper()
	if bytes.Contains(content, []byte(markerUser)) {
		t.Errorf("%s holds the platform's id of her", where)
	}
	for _, word := range secrets() {
		for how, spelt := range spellings(word) {
			if at := bytes.Index(content, spelt); at >= 0 {
				t.Errorf("%s holds %q as %s: %q", where, word, how, content[max(0, at-60):min(len(content), at+60)])
			}
		}
	}
}

func TestSpellings(t *testing.T) {
	for shift := range 9 {
		text := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("?", shift) + "some " + markerASCII + " words"))
		found := 0
		for _, s := range spellings(markerASCII) {
			found += bytes.Count([]byte(text), s)
		}
		if found == 0 {
			t.Errorf("at %d base64 would not be noticed in %s", shift, text)
		}
	}
}

func TestPersonalTextIsNeverInClear(t *testing.T) {
	h := newHouse(t)
	mei := h.signIn()
	user := h.phone.Person(markerUser, markerHan)
	both := func(what string) string { return what + " " + markerASCII + " " + markerHan }

	h.phone.Follow(user)
	said := h.phone.Text(user, both("text"))
	h.phone.Location(user, linefake.Place{Title: both("place"), Address: both("address"), Latitude: 25, Longitude: 121})
	h.phone.Postback(user, both("data"), both("label"))
	h.phone.Image(user, linefake.File{Name: "a.jpg", MIME: "image/jpeg", Bytes: append(portrait(t), []byte(both("inside"))...)})
	h.phone.File(user, linefake.File{Name: both("name") + ".txt", MIME: "text/plain", Bytes: []byte(strings.Repeat(both("a file"), 5000))})
	taken := h.phone.Text(user, both("taken back"))
	h.phone.Unsend(user, taken.MessageID)
	thread := h.thread(user)
	h.messageID(taken.MessageID)

	// An event that the house does not know is kept whole, and sealed.
	odd := []byte(`{"destination":"U1","events":[{"type":"novelty","webhookEventId":"01ODD","timestamp":1,"text":"` + both("odd") + `"}]}`)
	if a := h.knock(odd, linefake.Sign(lineSecret, odd)); a.status != http.StatusOK {
		t.Fatalf("the odd event got %d", a.status)
	}
	// What is refused is not quoted either.
	h.knock([]byte(both("forged")), "forged")
	broken := []byte(`{"events":[{"type":"message","message":{"text":"` + both("broken"))
	h.knock(broken, linefake.Sign(lineSecret, broken))

	mei.say(thread, "k1", both("answer"))
	mei.post("/inbox/"+thread+"/name", url.Values{"name": {both("called")}})
	mei.post("/inbox/"+thread+"/draft", url.Values{"text": {both("draft")}})
	mei.post("/inbox/"+thread+"/transfer", url.Values{"to": {h.advisor}, "note": {both("note")}})
	mei.get("/inbox?box=all&q=" + url.QueryEscape(markerHan))
	mei.get("/inbox/" + thread)
	mei.get("/" + url.PathEscape(both("nowhere")))
	upload, err := http.NewRequest(http.MethodPost, h.url+"/inbox/"+thread+"/upload?key=u1&name="+url.QueryEscape(both("file")+".txt"),
		strings.NewReader(strings.Repeat(both("upload"), 3000)))
	must(t, err)
	if a, err := do(mei.http, upload); err != nil || a.status != http.StatusOK {
		t.Fatalf("the upload got %d, %v: %.200s", a.status, err, a.body)
	}
	// Somebody guesses a password, with her name in the wrong field.
	newBrowser(t, h.url).post("/sign-in", url.Values{"email": {markerASCII + "@x.example"}, "password": {both("guess")}})
	h.visit(both)
	h.program(thread, both)
	// A platform that refuses quotes what it was sent: into the log it must not go.
	h.phone.FailNext(1, linefake.Fault{Status: 500, Message: "trouble"})
	mei.say(thread, "k2", both("second answer"))
	h.phone.Quote(user, both("quoting"), said.MessageID)
	h.quiet()

	read := func() {
		t.Helper()
		all := files(t, h.dir)
		if len(all) < 5 {
			t.Fatalf("only %d files in the data folder", len(all))
		}
		for name, content := range all {
			inside, _ := filepath.Rel(h.dir, name)
			searchFor(t, inside, content)
			searchFor(t, "the name of a file", []byte(inside))
		}
		searchFor(t, "the log", []byte(h.log.String()))
	}
	if n := h.count("message"); n < 14 {
		t.Fatalf("only %d messages were stored: the test says little", n)
	}
	read() // with the write-ahead log beside it
	must(t, h.stop())
	read()
}

// visit lets a visitor of a web chat give her name, write and hand in a file.
func (h *home) visit(both func(string) string) {
	t := h.t
	t.Helper()
	var chat conversation.Account
	h.write(func(tx *db.Tx) (err error) {
		chat, err = h.Desk.SaveAccount(tx, staff.System(), conversation.AccountForm{Channel: channel.WebChat, Name: "Shop", CounterID: h.counter})
		return err
	})
	call := func(path, token, kind string, body []byte, into any) {
		t.Helper()
		req, err := http.NewRequest(http.MethodPost, h.url+"/chat/"+chat.ID+path, bytes.NewReader(body))
		must(t, err)
		req.Header.Set("Content-Type", kind)
		req.Header.Set("Authorization", "Bearer "+token)
		a, err := do(http.DefaultClient, req)
		must(t, err)
		if a.status >= 300 {
			t.Fatalf("the chat's %s got %d: %.300s", path, a.status, a.body)
		}
		must(t, json.Unmarshal([]byte(a.body), into))
	}
	var start struct{ Token string }
	var said any
	name, err := json.Marshal(map[string]string{"name": both("visitor")})
	must(t, err)
	call("/start", "", "application/json", name, &start)
	text, err := json.Marshal(map[string]string{"key": uuid.NewString(), "text": both("chat")})
	must(t, err)
	call("/messages", start.Token, "application/json", text, &said)
	call("/upload?key="+uuid.NewString()+"&name="+url.QueryEscape(both("chat file")+".txt"), start.Token, "text/plain",
		[]byte(strings.Repeat(both("chat upload"), 500)), &said)
}

// program lets an integrator's program answer.
func (h *home) program(thread string, both func(string) string) {
	t := h.t
	t.Helper()
	var token string
	h.write(func(tx *db.Tx) (err error) {
		token, _, err = staff.CreateToken(tx, staff.System(), "echo", []string{"messages:write", "messages:read", "customers:read", "threads:read"})
		return err
	})
	call := func(method, path, body string) {
		t.Helper()
		req, err := http.NewRequest(method, h.url+"/api/v1"+path, strings.NewReader(body))
		must(t, err)
		req.Header.Set("Authorization", "Bearer "+token)
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Idempotency-Key", "shade-thirty-two")
		a, err := do(http.DefaultClient, req)
		must(t, err)
		if a.status >= 300 && body == "" || a.status >= 500 {
			t.Fatalf("the API's %s got %d: %.300s", path, a.status, a.body)
		}
	}
	good, err := json.Marshal(map[string]any{"text": both("program"), "as": map[string]string{"automation": "echo"}})
	must(t, err)
	call(http.MethodPost, "/threads/"+thread+"/messages", string(good))
	call(http.MethodPost, "/threads/"+thread+"/messages", `{"text":"`+both("broken"))
	call(http.MethodPost, "/threads/"+thread+"/messages", `{"text":7,"`+markerASCII+`":"`+both("odd")+`"}`)
	call(http.MethodGet, "/customers?query="+url.QueryEscape(markerHan), "")
}
