package api

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
	"dingdong/internal/staff"
)

// operation is one line of the OpenAPI document.
type operation struct{ method, path, scope string }

func operations(t *testing.T, h *house) []operation {
	t.Helper()
	var doc struct {
		OpenAPI string `json:"openapi"`
		Paths   map[string]map[string]struct {
			Security []map[string][]string `json:"security"`
		} `json:"paths"`
	}
	h.do(call{path: prefix + "/openapi.json"}).into(t, &doc)
	if doc.OpenAPI != "3.1.0" {
		t.Fatalf("got OpenAPI %q", doc.OpenAPI)
	}
	var list []operation
	for path, methods := range doc.Paths {
		for method, op := range methods {
			if len(op.Security) != 1 || len(op.Security[0][securityToken]) != 1 {
				t.Errorf("%s %s names no scope", method, path)
				continue
			}
			list = append(list, operation{strings.ToUpper(method), path, op.Security[0][securityToken][0]})
		}
	}
	if len(list) < 25 {
		t.Fatalf("only %d operations", len(list))
	}
	return list
}

func TestEveryOperationIsGuarded(t *testing.T) {
	h := sqlite(t)
	lacking := map[string]string{}
	for _, scope := range staff.Scopes() {
		lacking[scope] = h.tokenWith(slices.DeleteFunc(staff.Scopes(), func(s string) bool { return s == scope })...)
	}
	for _, op := range operations(t, h) {
		path := strings.NewReplacer("{id}", "x", "{delivery}", "y").Replace(op.path)
		for name, token := range map[string]string{"no token": "", "not a token": "dd_nonsense", "a token of nobody": "dd_" + strings.Repeat("A", 43)} {
			a := h.do(call{method: op.method, path: path, token: token})
			p := problemOf(t, a, http.StatusUnauthorized, "unauthorized")
			if !strings.HasPrefix(a.header.Get("WWW-Authenticate"), "Bearer") {
				t.Errorf("%s %s with %s: no challenge in %+v", op.method, path, name, p)
			}
		}
		if !slices.Contains(staff.Scopes(), op.scope) {
			t.Errorf("%s %s wants %q, which no token can have", op.method, path, op.scope)
			continue
		}
		p := problemOf(t, h.do(call{method: op.method, path: path, token: lacking[op.scope]}), http.StatusForbidden, "missing-scope")
		if !strings.Contains(p.Detail, op.scope) {
			t.Errorf("%s %s: %q does not name %s", op.method, path, p.Detail, op.scope)
		}
	}
}

func TestEndedTokenIsRefused(t *testing.T) {
	h := sqlite(t)
	h.write(func(tx *db.Tx) error {
		tokens, err := staff.Tokens(tx)
		if err != nil {
			return err
		}
		return staff.EndToken(tx, staff.System(), tokens[0].ID)
	})
	problemOf(t, h.do(call{path: prefix + "/threads", token: h.token}), http.StatusUnauthorized, "unauthorized")
}

func TestTokenIsNotedAsUsed(t *testing.T) {
	h := sqlite(t)
	h.get(prefix+"/accounts", &struct{}{})
	h.read(func(tx *db.Tx) error {
		tokens, err := staff.Tokens(tx)
		if err == nil && tokens[0].UsedAt.IsZero() {
			t.Error("the token was never used")
		}
		return err
	})
}

func TestRefusals(t *testing.T) {
	h := sqlite(t)
	thread := h.says("amy", "hello")
	messages := prefix + "/threads/" + thread + "/messages"
	key := map[string]string{"Idempotency-Key": "k"}
	deep := strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000)
	tests := []struct {
		name   string
		call   call
		status int
		kind   string
		field  string
	}{
		{"no such address", call{path: prefix + "/nothing"}, 404, "not-found", ""},
		{"outside the version", call{path: "/api/"}, 404, "not-found", ""},
		{"wrong method", call{method: "DELETE", path: prefix + "/threads"}, 405, "method-not-allowed", ""},
		{"thread of nobody", call{path: prefix + "/threads/thr_0"}, 404, "not-found", ""},
		{"NUL in an id", call{path: prefix + "/threads/thr_%00"}, 422, "invalid", ""},
		{"quote in an id", call{path: prefix + "/threads/thr_'%20OR%201=1"}, 404, "not-found", ""},
		{"message of nobody", call{path: prefix + "/messages/msg_0"}, 404, "not-found", ""},
		{"bytes of a text", call{path: prefix + "/messages/msg_0/content"}, 404, "not-found", ""},
		{"customer of nobody", call{path: prefix + "/customers/cus_0"}, 404, "not-found", ""},
		{"search for two things", call{path: prefix + "/customers?query=a&phone=1"}, 422, "invalid", "query"},
		{"search for half a place", call{path: prefix + "/customers?account=acc_1"}, 422, "invalid", "external"},
		{"search for no tag", call{path: prefix + "/customers?tag=nothing"}, 422, "invalid", "tag"},
		{"customers after nothing", call{path: prefix + "/customers?cursor=abc"}, 422, "invalid", "cursor"},
		{"search for a blank", call{path: prefix + "/customers?query=%20%00"}, 422, "invalid", "query"},
		{"limit in words", call{path: prefix + "/threads?limit=many"}, 422, "invalid", "limit"},
		{"limit too large", call{path: prefix + "/threads?limit=1000"}, 422, "invalid", "limit"},
		{"state of no thread", call{path: prefix + "/threads?state=%27open"}, 422, "invalid", "state"},
		{"time in words", call{path: prefix + "/threads?updated_after=yesterday"}, 422, "invalid", "updated_after"},
		{"cursor made up", call{path: prefix + "/threads?cursor=abc"}, 422, "invalid", "cursor"},
		{"cursor of another list", call{path: prefix + "/messages?after=" + cursor{listThreads, 1, "thr_1"}.String()}, 422, "invalid", "after"},
		{"cursor ahead of time", call{path: prefix + "/messages?after=" + cursor{list: listArrived, at: 1 << 40}.String()}, 422, "invalid", "after"},
		{"both directions", call{path: messages + "?after=a&before=b"}, 422, "invalid", "after"},
		{"event number in words", call{path: prefix + "/events?after=x"}, 422, "invalid", "after"},
		{"event number negative", call{path: prefix + "/events?after=-1"}, 422, "invalid", "after"},
		{"event number ahead of time", call{path: prefix + "/events?after=99999999"}, 422, "invalid", "after"},
		{"event type unknown", call{path: prefix + "/events?types=message.sung"}, 422, "invalid", "types"},
		{"no key", call{method: "POST", path: messages, body: echo("hi")}, 422, "invalid", "Idempotency-Key"},
		{"key too long", call{method: "POST", path: messages, body: echo("hi"), header: map[string]string{"Idempotency-Key": strings.Repeat("k", 300)}}, 422, "invalid", "Idempotency-Key"},
		{"no body", call{method: "POST", path: messages, header: key}, 400, "malformed", ""},
		{"half a body", call{method: "POST", path: messages, header: key, body: `{"text":`}, 400, "malformed", ""},
		{"not JSON", call{method: "POST", path: messages, header: map[string]string{"Idempotency-Key": "k", "Content-Type": "text/xml"}, body: "<a/>"}, 415, "unsupported-media-type", ""},
		{"a million brackets", call{method: "POST", path: messages, header: key, body: deep}, 400, "malformed", ""},
		{"two megabytes", call{method: "POST", path: messages, header: key, body: `{"text":"` + strings.Repeat("a", 2<<20) + `"}`}, 413, "too-large", ""},
		{"a number for a text", call{method: "POST", path: messages, header: key, body: `{"text":1e999999,"as":{"automation":"a"}}`}, 400, "malformed", ""},
		{"a large number for a text", call{method: "POST", path: messages, header: key, body: `{"text":123456789012345678901234567890,"as":{"automation":"a"}}`}, 422, "invalid", "text"},
		{"a list for a voice", call{method: "POST", path: messages, header: key, body: `{"text":"a","as":[]}`}, 422, "invalid", "as"},
		{"an unknown field", call{method: "POST", path: messages, header: key, body: `{"text":"a","as":{"automation":"a"},"to":"all"}`}, 422, "invalid", "to"},
		{"nobody's voice", call{method: "POST", path: messages, header: key, body: `{"text":"a","as":{}}`}, 422, "invalid", "as"},
		{"two voices", call{method: "POST", path: messages, header: key, body: `{"text":"a","as":{"automation":"a","staff":"b"}}`}, 422, "invalid", "as"},
		{"nothing said", call{method: "POST", path: messages, header: key, body: `{"as":{"automation":"a"}}`}, 422, "invalid", "text"},
		{"only a NUL said", call{method: "POST", path: messages, header: key, body: `{"text":"\u0000","as":{"automation":"a"}}`}, 422, "invalid", "text"},
		{"too much said", call{method: "POST", path: messages, header: key, body: echo(strings.Repeat("字", 5001))}, 422, "invalid", "text"},
		{"made-up upload", call{method: "POST", path: messages, header: key, body: `{"upload":"abc.def","as":{"automation":"a"}}`}, 422, "invalid", "upload"},
		{"quotes nothing", call{method: "POST", path: messages, header: key, body: `{"text":"a","quotes":"msg_0","as":{"automation":"a"}}`}, 422, "invalid", "quotes"},
		{"thread of nobody to send to", call{method: "POST", path: prefix + "/threads/thr_0/messages", header: key, body: echo("a")}, 404, "not-found", ""},
		{"assign to a stranger", call{method: "POST", path: prefix + "/threads/" + thread + "/assign", body: `{"staff":"stf_0"}`}, 422, "invalid", "staff"},
		{"assign to another store", call{method: "POST", path: prefix + "/threads/" + thread + "/assign", body: `{"staff":"` + h.manager.ID + `"}`}, 422, "invalid", "staff"},
		{"an empty upload", call{method: "POST", path: prefix + "/threads/" + thread + "/uploads"}, 422, "invalid", "file"},
		{"a program to upload", call{method: "POST", path: prefix + "/threads/" + thread + "/uploads", body: "<!doctype html><html><script>alert(1)</script></html>"}, 422, "invalid", "file"},
		{"a webhook inside", call{method: "POST", path: prefix + "/webhooks", body: `{"name":"a","url":"https://169.254.169.254/"}`}, 422, "invalid", "url"},
		{"a webhook for all the world", call{method: "POST", path: prefix + "/webhooks", body: `{"name":"a","url":"http://example.com/"}`}, 422, "invalid", "url"},
		{"a webhook for nothing", call{method: "POST", path: prefix + "/webhooks", body: `{"name":"a","url":"https://example.com/","types":["x"]}`}, 422, "invalid", "kinds"},
		{"a webhook of nobody", call{method: "DELETE", path: prefix + "/webhooks/end_0"}, 404, "not-found", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.call.token = h.token
			p := problemOf(t, h.do(test.call), test.status, test.kind)
			if test.field != "" && (len(p.Errors) == 0 || p.Errors[0].Field != test.field || p.Errors[0].Code == "" || p.Errors[0].Message == "") {
				t.Errorf("got %+v, want the field %q named", p.Errors, test.field)
			}
			raw, _ := json.Marshal(p)
			if strings.Contains(string(raw), "Go struct") || strings.Contains(string(raw), "SELECT") || len(raw) > 2000 {
				t.Errorf("it tells too much: %.500s", raw)
			}
		})
	}
}

func TestWrongMethodNamesTheRightOnes(t *testing.T) {
	h := sqlite(t)
	a := h.do(call{method: "PATCH", path: prefix + "/webhooks/end_0"})
	if got := a.header.Get("Allow"); got != "GET, PUT, DELETE" {
		t.Errorf("got %q", got)
	}
}

func TestFailuresShowAReferenceOnly(t *testing.T) {
	h := sqlite(t)
	thread := h.says("amy", "hello")
	h.write(func(tx *db.Tx) error { // what nobody foresees
		_, err := tx.Exec(`UPDATE message SET body = $1`, []byte("no seal at all"))
		return err
	})
	a := h.do(call{path: prefix + "/threads/" + thread + "/messages", token: h.token})
	p := problemOf(t, a, http.StatusInternalServerError, "internal")
	if p.Reference == "" || strings.Contains(string(a.body), "seal") || strings.Contains(string(a.body), "damaged") {
		t.Errorf("got %s", a.body)
	}
}

func TestRateLimit(t *testing.T) {
	clock := dbtest.NewClock(time.Date(2026, 11, 22, 5, 0, 0, 0, time.UTC))
	h := newHouse(t, dbtest.NewAt(t, clock), func(d *Deps) { d.Rate, d.Burst = 2, 3 })
	other := h.tokenWith(staff.AccountsRead)
	ask := func(token string) answer { return h.do(call{path: prefix + "/accounts", token: token}) }
	for range 3 {
		if a := ask(h.token); a.status != http.StatusOK {
			t.Fatalf("got %d %s", a.status, a.body)
		}
	}
	a := ask(h.token)
	problemOf(t, a, http.StatusTooManyRequests, "too-many-requests")
	if n, err := strconv.Atoi(a.header.Get("Retry-After")); err != nil || n < 1 {
		t.Errorf("Retry-After is %q", a.header.Get("Retry-After"))
	}
	if a := ask(other); a.status != http.StatusOK {
		t.Errorf("another token pays for it: %d", a.status)
	}
	clock.Advance(time.Second)
	if a := ask(h.token); a.status != http.StatusOK {
		t.Errorf("after the wait: %d", a.status)
	}
}

func TestReadsAreOnRecordOncePerHour(t *testing.T) {
	clock := dbtest.NewClock(time.Date(2026, 11, 22, 5, 0, 0, 0, time.UTC))
	h := newHouse(t, dbtest.NewAt(t, clock))
	thread := h.says("amy", "hello")
	count := func() (n int) {
		h.read(func(tx *db.Tx) error {
			return tx.QueryRow(`SELECT COUNT(*) FROM audit WHERE action = 'api.read' AND actor LIKE 'token/tok_%' AND customer_id <> ''`).Scan(&n)
		})
		return n
	}
	for range 3 {
		h.get(prefix+"/threads/"+thread, &struct{}{})
		h.get(prefix+"/threads/"+thread+"/messages", &struct{}{})
		h.get(prefix+"/messages", &struct{}{})
	}
	if n := count(); n != 1 {
		t.Errorf("%d records of one look", n)
	}
	clock.Advance(61 * time.Minute)
	h.get(prefix+"/threads", &struct{}{})
	if n := count(); n != 2 {
		t.Errorf("%d records after an hour", n)
	}
}
