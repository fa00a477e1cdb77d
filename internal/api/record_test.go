package api

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"dingdong/internal/audit"
	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
)

// acts is every operation and what it leaves in the audit when it succeeds, in an order
// in which each of them can. {name} stands for what a former one made. An operation that
// tells of a customer, searches, or changes a person, a right or a setting has no "none".
var acts = []struct {
	operation, path string
	body            any
	leaves          string // "none: why"; "by ...": in the small house of this test it cannot succeed
	keep            string // the name of what it made
}{
	{"GET /accounts", "/accounts", nil, "none: no customer is told", ""},
	{"GET /accounts/{id}/advisors", "/accounts/{account}/advisors", nil, "none: what any customer may know", ""},
	{"GET /staff", "/staff", nil, "none: no customer is told", ""},
	{"GET /counters", "/counters", nil, "none: no customer is told", ""},
	{"GET /attributes", "/attributes", nil, "none: no customer is told", ""},
	{"GET /tags", "/tags", nil, "none: no customer is told", ""},
	{"GET /cards", "/cards", nil, "none: no customer is told", ""},
	{"GET /products", "/products", nil, "none: no customer is told", ""},
	{"GET /products/{id}", "", nil, "none: no customer is told", ""},
	{"GET /arrivals", "", nil, "none: no customer is told", ""},
	{"GET /lexicons", "/lexicons", nil, "none: no customer is told", ""},
	{"GET /webhooks", "/webhooks", nil, "none: no customer is told", ""},
	{"GET /webhooks/{id}", "", nil, "none: no customer is told", ""},
	{"GET /webhooks/{id}/deliveries", "", nil, "none: ids only", ""},

	{"GET /threads", "/threads", nil, "api.read", ""},
	{"GET /threads/{id}", "/threads/{thread}", nil, "api.read", ""},
	{"GET /threads/{id}/messages", "/threads/{thread}/messages", nil, "api.read", ""},
	{"GET /messages", "/messages", nil, "api.read", ""},
	{"GET /messages/{id}", "/messages/{message}", nil, "api.read", ""},
	{"GET /messages/{id}/content", "", nil, "by TestUploadAndSend: a file of hers", ""},
	{"GET /events", "", nil, "by saw in events.go: api.read, for a page and for each piece of the stream", ""},
	{"GET /customers", "/customers?phone=0912345678", nil, "api.search", ""},
	{"GET /customers/{id}", "/customers/{customer}", nil, "api.read", ""},
	{"GET /customers/{id}/timeline", "/customers/{customer}/timeline", nil, "api.read", ""},
	{"GET /customers/{id}/bindings", "/customers/{customer}/bindings", nil, "api.read", ""},
	{"GET /customers/{id}/consents", "/customers/{customer}/consents", nil, "api.read", ""},
	{"GET /customers/{id}/merges", "/customers/{customer}/merges", nil, "api.read", ""},
	{"GET /customers/{id}/suggestions", "/customers/{customer}/suggestions", nil, "api.read", ""},
	{"GET /customers/{id}/notes", "/customers/{customer}/notes", nil, "api.read", ""},
	{"GET /customers/{id}/wishes", "/customers/{customer}/wishes", nil, "api.read", ""},
	{"GET /customers/{id}/promises", "/customers/{customer}/promises", nil, "api.read", ""},
	{"GET /customers/{id}/purchases", "/customers/{customer}/purchases", nil, "api.read", ""},

	{"POST /threads/{id}/assign", "/threads/{thread}/assign", m{"staff": "{advisor}"}, "thread.assigned", ""},
	{"POST /customers", "/customers", m{"name": "Cy", "contacts": []m{{"kind": "member", "value": "C-1", "verified": true}}}, "customer.entered", ""},
	{"POST /customers/{id}/contacts", "/customers/{customer}/contacts", m{"kind": "email", "value": "amy@example.com"}, "customer.contact_added", ""},
	{"DELETE /contacts/{id}", "/contacts/{contact}", nil, "customer.contact_ended", ""},
	{"PATCH /customers/{id}/attributes", "/customers/{customer}/attributes", m{"learn": []m{{"name": "skin_type", "value": "dry"}}}, "api.write", ""},
	{"PATCH /customers/{id}/tags", "/customers/{customer}/tags", m{"give": []m{{"name": "skincare_lover"}}}, "api.write", ""},
	{"POST /customers/{id}/consents", "/customers/{customer}/consents", m{"purpose": "marketing", "state": "withdrawn", "how": "page"}, "consent_withdrawn", ""},
	{"PUT /customers/{id}/bindings", "/customers/{customer}/bindings", m{"counter": "{counter}", "advisor": "{advisor}"}, "customer.bind", ""},
	{"DELETE /customers/{id}/bindings", "/customers/{customer}/bindings?counter={counter}", nil, "customer.bind", ""},
	{"POST /customers/{id}/notes", "/customers/{customer}/notes", m{"counter": "{counter}", "body": "x"}, "api.write", "note"},
	{"PUT /notes/{id}", "/notes/{note}", m{"body": "y"}, "api.write", ""},
	{"DELETE /notes/{id}", "/notes/{note}", nil, "api.write", ""},
	{"POST /customers/{id}/wishes", "/customers/{customer}/wishes", m{"counter": "{counter}", "body": "x", "facets": []string{"scent:light"}}, "api.write", "wish"},
	{"PUT /wishes/{id}", "/wishes/{wish}", m{"state": "granted"}, "api.write", ""},
	{"POST /customers/{id}/promises", "/customers/{customer}/promises", m{"counter": "{counter}", "body": "x", "due": "2027-01-01T00:00:00Z"}, "api.write", "promise"},
	{"PUT /promises/{id}", "/promises/{promise}", m{"state": "kept"}, "api.write", ""},
	{"POST /customers/{id}/refusals", "/customers/{customer}/refusals", m{"other": "{other}"}, "customer.not_one", ""},
	{"POST /customers/{id}/merges", "/customers/{customer}/merges", m{"lost": "{other}", "proof": "advisor", "staff": "{advisor}"}, "api.write", "merge"},
	{"DELETE /merges/{id}", "/merges/{merge}", nil, "customer.unmerge", ""},
	{"POST /customers/{id}/privacy-requests", "/customers/{customer}/privacy-requests", m{"kind": "erase"}, "privacy.asked", ""},

	{"POST /threads/{id}/messages", "/threads/{thread}/messages", m{"text": "hello", "as": m{"automation": "echo"}}, "api.read", ""},
	{"POST /threads/{id}/uploads", "", nil, "by TestUploadAndSend: sent with the message that names it", ""},
	{"POST /threads/{id}/close", "/threads/{thread}/close", nil, "thread.closed", ""},
	{"POST /threads/{id}/reopen", "/threads/{thread}/reopen", nil, "thread.reopened", ""},
	{"POST /threads/{id}/typing", "", nil, "none: a dot on her screen; nothing is told or kept", ""},

	{"POST /attributes", "/attributes", m{"name": "shoe", "type": "text"}, "attribute_saved", "attribute"},
	{"PUT /attributes/{id}", "/attributes/{attribute}", m{"label": "Shoes"}, "attribute_saved", ""},
	{"DELETE /attributes/{id}", "/attributes/{attribute}", nil, "attribute_closed", ""},
	{"POST /attributes/{id}/reopen", "/attributes/{attribute}/reopen", nil, "attribute_reopened", ""},
	{"POST /tags", "/tags", m{"name": "muse", "by_hand": true}, "tag_saved", "tag"},
	{"PUT /tags/{id}", "/tags/{tag}", m{"label": "Muse"}, "tag_saved", ""},
	{"DELETE /tags/{id}", "/tags/{tag}", nil, "tag_closed", ""},
	{"POST /tags/{id}/reopen", "/tags/{tag}/reopen", nil, "tag_reopened", ""},
	{"POST /cards", "/cards", m{"account": "{account}", "counter": "{counter}", "advisor": "{advisor}"}, "card.save", "card"},
	{"DELETE /cards/{id}", "/cards/{card}", nil, "card.end", ""},
	{"POST /products", "/products", m{"products": []m{{"ref": "P1", "name": "Balm", "variants": []m{{"sku": "S1"}}}}}, "api.write", ""},
	{"POST /purchases", "/purchases", m{"purchases": []m{{"source": "till", "ref": "1", "customer": "{customer}", "at": "2026-01-01T00:00:00Z", "currency": "TWD", "lines": []m{{"sku": "S1", "amount": 100}}}}}, "api.write", ""},

	{"POST /handovers", "/handovers", m{"advisor": "{advisor}", "kind": "leaves", "ends": "2027-06-01T00:00:00Z"}, "handover.plan", "handover"},
	{"GET /handovers", "/handovers", nil, "none: counts only", ""},
	{"GET /handovers/{id}", "/handovers/{handover}", nil, "none: counts only", ""},
	{"DELETE /handovers/{id}", "/handovers/{handover}", nil, "handover.drop", ""},
	{"POST /handovers", "/handovers", m{"advisor": "{advisor}", "kind": "leaves", "ends": "2027-06-02T00:00:00Z"}, "handover.plan", "handover"},
	{"POST /handovers/{id}/begin", "/handovers/{handover}/begin", nil, "handover.start", ""},
	{"POST /handovers/{id}/pause", "/handovers/{handover}/pause", nil, "handover.pause", ""},
	{"POST /handovers/{id}/resume", "/handovers/{handover}/resume", nil, "handover.resume", ""},
	{"POST /handovers/{id}/cancel", "/handovers/{handover}/cancel", nil, "handover.cancel", ""},
	{"POST /handovers/{id}/return", "", nil, "by handover.Room.Recall: handover.recall; only of who is away", ""},

	{"GET /lexicons/{id}", "", nil, "none: no customer is told", ""},
	{"POST /lexicons", "/lexicons", m{"language": "en", "yaml": recordedLexicon}, "lexicon_saved", "lexicon"},
	{"PUT /lexicons/{id}", "/lexicons/{lexicon}", m{"language": "en", "yaml": recordedLexicon}, "lexicon_saved", ""},
	{"POST /lexicons/try", "", nil, "none: sentences of who tries, and nothing is kept", ""},
	{"POST /lexicons/{id}/publish", "/lexicons/{lexicon}/publish", nil, "lexicon_published", ""},
	{"DELETE /lexicons/{id}", "", nil, "by TestLexicons: lexicon_dropped", ""},
	{"POST /webhooks", "/webhooks", m{"name": "w", "url": "https://x.example/"}, "endpoint.save", "webhook"},
	{"PUT /webhooks/{id}", "/webhooks/{webhook}", m{"name": "v", "url": "https://x.example/"}, "endpoint.save", ""},
	{"POST /webhooks/{id}/pause", "/webhooks/{webhook}/pause", nil, "endpoint.pause", ""},
	{"POST /webhooks/{id}/resume", "/webhooks/{webhook}/resume", nil, "endpoint.resume", ""},
	{"POST /webhooks/{id}/deliveries/{delivery}/redeliver", "", nil, "by TestWebhooks: endpoint.retry", ""},
	{"POST /webhooks/{id}/secret", "", nil, "by TestWebhooks", ""},
	{"DELETE /webhooks/{id}/old-secret", "", nil, "by TestWebhooks", ""},
	{"DELETE /webhooks/{id}", "/webhooks/{webhook}", nil, "endpoint.end", ""},
}

const recordedLexicon = "language: en\nversion: 1\nrules:\n  - {id: r, phrases: [shimmer], tag: \"finish:shimmer\"}\n"

func TestEveryOperationLeavesItsRecord(t *testing.T) {
	clock := dbtest.NewClock(time.Date(2026, 11, 22, 5, 0, 0, 0, time.UTC))
	h := newHouse(t, dbtest.NewAt(t, clock))
	names := map[string]string{"thread": h.says("amy", "hello"), "account": h.account.ID, "counter": h.counter, "advisor": h.advisor.ID}
	h.says("bea", "hello")
	names["customer"], names["other"] = h.customerOf("amy"), h.customerOf("bea")
	h.write(func(tx *db.Tx) error {
		k, err := h.desk.Book.AddContact(tx, names["customer"], customer.Contact{Kind: customer.Phone, Value: "0912345678", Source: customer.SourceAPI})
		names["contact"] = k.ID
		return err
	})
	h.read(func(tx *db.Tx) error {
		var id string
		err := tx.QueryRow(`SELECT id FROM message WHERE thread_id = $1 ORDER BY id LIMIT 1`, names["thread"]).Scan(&id)
		names["message"] = id
		return err
	})
	known := map[string]bool{}
	for _, op := range operations(t, h) {
		known[op.method+" "+strings.TrimPrefix(op.path, prefix)] = true
	}
	listed := map[string]bool{}
	for _, a := range acts {
		listed[a.operation] = true
		if !known[a.operation] {
			t.Errorf("%s is not an operation any more", a.operation)
		}
		if a.path == "" {
			continue
		}
		clock.Advance(2 * time.Hour) // a look stands for an hour
		var last int64
		h.read(func(tx *db.Tx) (err error) { last, err = audit.Last(tx); return err })
		method, _, _ := strings.Cut(a.operation, " ")
		got := h.recordedCall(method, fillIn(a.path, names), a.body, names)
		if got.status >= 300 {
			t.Errorf("%s answers %d: %s", a.operation, got.status, got.body)
			continue
		}
		if a.keep != "" {
			var made struct{ ID string }
			got.into(t, &made)
			names[a.keep] = made.ID
		}
		var lines []audit.Row
		h.read(func(tx *db.Tx) (err error) {
			lines, err = audit.Forward(tx, audit.Filter{After: last})
			return err
		})
		if strings.HasPrefix(a.leaves, "none: ") {
			continue
		}
		i := slices.IndexFunc(lines, func(r audit.Row) bool { return r.Action == a.leaves })
		if i < 0 || !strings.HasPrefix(lines[i].Actor, "token/") {
			t.Errorf("%s leaves %v, not %s of a token", a.operation, actions(lines), a.leaves)
			continue
		}
		for _, line := range lines { // the audit outlives her: no words and no names
			for _, word := range []string{"amy", "hello", "0912345678", "amy@example.com"} {
				if strings.Contains(line.Detail+line.Object, word) {
					t.Errorf("%s: the audit holds %q: %+v", a.operation, word, line.Entry)
				}
			}
		}
	}
	for name := range known {
		if !listed[name] {
			t.Errorf("%s: say in the table what it leaves in the audit", name)
		}
	}
}

func actions(lines []audit.Row) (out []string) {
	for _, r := range lines {
		out = append(out, r.Actor+" "+r.Action)
	}
	return out
}

func fillIn(s string, names map[string]string) string {
	for name, id := range names {
		s = strings.ReplaceAll(s, "{"+name+"}", id)
	}
	return s
}

// recordedCall makes one call with the token of every scope.
func (h *house) recordedCall(method, path string, body any, names map[string]string) answer {
	h.t.Helper()
	raw := ""
	if body != nil {
		raw = fillIn(jsonOf(body), names)
	}
	h.keys++ // a page of events and not a stream of them
	return h.do(call{method: method, path: prefix + path, token: h.token, body: raw,
		header: map[string]string{"Accept": "application/json", "Idempotency-Key": fmt.Sprint("record-", h.keys)}})
}

func jsonOf(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(raw)
}

// What answers a write with her card, or with where she stands, has told of her: that is a
// look as any other, also where the write was made before and changes nothing.
func TestAnAnswerToAWriteIsALook(t *testing.T) {
	clock := dbtest.NewClock(time.Date(2026, 11, 22, 5, 0, 0, 0, time.UTC))
	h := newHouse(t, dbtest.NewAt(t, clock))
	h.says("amy", "hello")
	names := map[string]string{"customer": h.customerOf("amy"), "counter": h.counter, "advisor": h.advisor.ID}
	for _, a := range []struct {
		method, path string
		body         any
	}{
		{"PATCH", "/attributes", m{"learn": []m{{"name": "skin_type", "value": "dry"}}}},
		{"PATCH", "/tags", m{"give": []m{{"name": "skincare_lover"}}}},
		{"PUT", "/bindings", m{"counter": "{counter}", "advisor": "{advisor}"}},
		{"POST", "/consents", m{"purpose": "marketing", "state": "granted", "how": "page"}},
	} {
		for _, turn := range []string{"first", "second"} {
			clock.Advance(2 * sightLasts)
			got := h.do(call{method: a.method, path: prefix + "/customers/" + names["customer"] + a.path, token: h.token, body: fillIn(jsonOf(a.body), names),
				header: map[string]string{"Idempotency-Key": "same"}})
			if got.status >= 300 {
				t.Fatalf("%s: %d %s", a.path, got.status, got.body)
			}
			h.read(func(tx *db.Tx) error {
				lines, err := audit.List(tx, audit.Filter{Customer: names["customer"], Action: "api.read", From: clock.Now().Add(-sightLasts)})
				if len(lines) != 1 {
					t.Errorf("%s %s for the %s time: %d looks on record", a.method, a.path, turn, len(lines))
				}
				return err
			})
		}
	}
}

// sightLasts is how long one line stands for all looks.
const sightLasts = time.Hour
