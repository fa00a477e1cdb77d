package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
	"dingdong/internal/staff"
)

// ask sends a body with the token of every scope and a fresh key, and expects a status.
func (h *house) ask(method, path string, body any, status int, into any) answer {
	h.t.Helper()
	raw := ""
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			h.t.Fatal(err)
		}
		raw = string(b)
	}
	h.keys++
	a := h.do(call{method: method, path: prefix + path, token: h.token, body: raw, header: map[string]string{"Idempotency-Key": fmt.Sprint("key-", h.keys)}})
	if a.status != status {
		h.t.Fatalf("%s %s: %d %s, want %d", method, path, a.status, a.body, status)
	}
	if into != nil {
		a.into(h.t, into)
	}
	return a
}

type m = map[string]any

// customerOf gives the id of somebody who wrote.
func (h *house) customerOf(who string) (id string) {
	h.t.Helper()
	h.read(func(tx *db.Tx) error {
		i, err := h.desk.Book.Find(tx, h.account.ID, who)
		id = i.CustomerID
		return err
	})
	return id
}

func (h *house) count(query string, args ...any) (n int) {
	h.t.Helper()
	h.read(func(tx *db.Tx) error { return tx.QueryRow(query, args...).Scan(&n) })
	return n
}

func eachHouse(t *testing.T, test func(t *testing.T, h *house)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB) { test(t, newHouse(t, d)) })
}

func TestEverythingOnACardIsWrittenAndRead(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		h.says("amy", "hello")
		id := h.customerOf("amy")
		at := "/customers/" + id
		h.ask("PATCH", at+"/attributes", m{"learn": []m{{"name": "skin_type", "value": "dry", "source": "till", "counter": h.counter, "at": "2025-01-02T03:04:05Z"},
			{"name": "birthday", "value": "02-29"}}}, 200, nil)
		h.ask("PATCH", at+"/tags", m{"give": []m{{"name": "skincare_lover"}}}, 200, nil)
		h.ask("POST", at+"/contacts", m{"kind": "phone", "value": "0912-345-678", "verified": true}, 201, nil)
		var note Note
		h.ask("POST", at+"/notes", m{"counter": h.counter, "body": "Her cat is called Mochi"}, 201, &note)
		var wish Wish
		h.ask("POST", at+"/wishes", m{"counter": h.counter, "body": "A light scent", "facets": []string{"scent:light"}}, 201, &wish)
		var promise Promise
		h.ask("POST", at+"/promises", m{"counter": h.counter, "body": "Keep one cushion", "due": h.db.Now().AddDate(0, 0, 3)}, 201, &promise)
		h.ask("PUT", at+"/bindings", m{"counter": h.counter, "advisor": h.advisor.ID}, 200, nil)

		var card Card
		h.get(prefix+at, &card)
		if card.Name != "amy" || !slices.Equal(card.Records, []string{id}) || len(card.Threads) != 1 || len(card.Identities) != 1 ||
			len(card.Attributes) != 2 || len(card.Tags) != 1 || len(card.Contacts) != 1 || len(card.Notes) != 1 || len(card.Wishes) != 1 ||
			len(card.Promises) != 1 || len(card.Bindings) != 1 {
			t.Fatalf("%+v", card)
		}
		for _, a := range card.Attributes {
			if a.Name == "skin_type" && (a.Value != "dry" || a.Proof.Source != "till" || a.Proof.Counter != h.counter || !strings.HasPrefix(a.Proof.By, "token/") || a.At.Year() != 2025) {
				t.Errorf("%+v", a)
			}
		}
		if c := card.Contacts[0]; c.Value != "+886912345678" || strings.Contains(c.Masked, "912345") || !c.Verified {
			t.Errorf("%+v", c)
		}
		if n := card.Notes[0]; n.Body != "Her cat is called Mochi" || !strings.HasPrefix(n.Author.ID, "token/") {
			t.Errorf("%+v", n)
		}

		// what is written can be changed and undone
		h.ask("PUT", "/notes/"+note.ID, m{"body": "It is a dog"}, 200, &note)
		h.ask("PUT", "/wishes/"+wish.ID, m{"state": "granted"}, 200, &wish)
		h.ask("PUT", "/promises/"+promise.ID, m{"state": "kept"}, 200, &promise)
		if note.Body != "It is a dog" || note.EditedAt == nil || wish.State != "granted" || promise.State != "kept" || promise.EndedAt == nil {
			t.Errorf("%+v %+v %+v", note, wish, promise)
		}
		h.ask("PATCH", at+"/tags", m{"take": []string{card.Tags[0].ID}}, 200, nil)
		var left cardAttributesOutput
		h.ask("PATCH", at+"/attributes", m{"forget": []string{card.Attributes[0].ID}}, 200, &left.Body)
		if len(left.Body.Attributes) != 1 {
			t.Errorf("%+v", left)
		}
		h.ask("DELETE", "/contacts/"+card.Contacts[0].ID, nil, 204, nil)
		h.ask("DELETE", "/notes/"+note.ID, nil, 204, nil)
		h.ask("DELETE", at+"/bindings?counter="+h.counter, nil, 204, nil)
		h.get(prefix+at, &card)
		if len(card.Tags)+len(card.Contacts)+len(card.Notes) != 0 || card.Bindings[0].EndedAt == nil {
			t.Errorf("%+v", card)
		}

		// pages of the history join without a gap
		var whole, part timelineOutput
		h.get(prefix+at+"/timeline", &whole.Body)
		var seen []TimelineEntry
		for path := prefix + at + "/timeline?limit=2"; ; path = prefix + at + "/timeline?limit=2&cursor=" + part.Body.Next {
			part = timelineOutput{}
			h.get(path, &part.Body)
			seen = append(seen, part.Body.Entries...)
			if part.Body.Next == "" {
				break
			}
		}
		if len(whole.Body.Entries) != 5 || fmt.Sprint(ids(seen)) != fmt.Sprint(ids(whole.Body.Entries)) {
			t.Errorf("%v, in pieces %v", ids(whole.Body.Entries), ids(seen))
		}
		if n := h.count(`SELECT COUNT(*) FROM audit WHERE action = 'api.write' AND customer_id = $1`, id); n < 8 {
			t.Errorf("%d writings are on record", n)
		}
		if n := h.count(`SELECT COUNT(*) FROM audit WHERE action = 'api.contact' AND customer_id = $1`, id); n != 1 {
			t.Errorf("%d readings of a whole number are on record", n)
		}
	})
}

func ids(list []TimelineEntry) (out []string) {
	for _, e := range list {
		out = append(out, e.Kind+" "+e.ID)
	}
	return out
}

func TestContactsAreMaskedWithoutTheirScope(t *testing.T) {
	h := sqlite(t)
	h.says("amy", "hello")
	at := prefix + "/customers/" + h.customerOf("amy")
	h.ask("POST", strings.TrimPrefix(at, prefix)+"/contacts", m{"kind": "member", "value": "vip-004711"}, 201, nil)
	a := h.do(call{path: at, token: h.tokenWith(staff.CustomersRead, staff.CustomersWrite)})
	if a.status != 200 || strings.Contains(string(a.body), "004711") || !strings.Contains(string(a.body), `"masked"`) {
		t.Errorf("%d %s", a.status, a.body)
	}
	if n := h.count(`SELECT COUNT(*) FROM audit WHERE action = 'api.contact'`); n != 0 {
		t.Errorf("%d on record", n)
	}
	if a := h.do(call{path: at, token: h.tokenWith(staff.CustomersRead, staff.ContactsRead)}); !strings.Contains(string(a.body), "VIP-004711") {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestMakingOnce(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		h.says("amy", "hello")
		h.says("bea", "hello")
		amy, bea := "/customers/"+h.customerOf("amy"), "/customers/"+h.customerOf("bea")
		text := func(s string) string { return fmt.Sprintf(`{"counter":%q,"body":%q}`, h.counter, s) }
		due := func(s string) string {
			return fmt.Sprintf(`{"counter":%q,"body":%q,"due":%q}`, h.counter, s, h.db.Now().AddDate(0, 0, 2).Format("2006-01-02T15:04:05Z"))
		}
		for name, c := range map[string]struct{ path, body, other string }{
			"note":     {"/notes", text("a"), text("b")},
			"wish":     {"/wishes", text("a"), text("b")},
			"promise":  {"/promises", due("a"), due("b")},
			"customer": {"", `{"name":"Ann"}`, `{"name":"Anna"}`},
		} {
			post := func(at, token, body string) answer {
				if c.path == "" {
					at = "/customers"
				}
				return h.do(call{method: "POST", path: prefix + at + c.path, token: token, body: body, header: map[string]string{"Idempotency-Key": "k"}})
			}
			var first, again, elsewhere struct{ ID string }
			a := post(amy, h.token, c.body)
			if a.status != 201 || a.header.Get("Idempotency-Replayed") != "" {
				t.Fatalf("%s: %d %s", name, a.status, a.body)
			}
			a.into(t, &first)
			b := post(amy, h.token, c.body)
			b.into(t, &again)
			if b.status != 200 || b.header.Get("Idempotency-Replayed") != "true" || again.ID != first.ID || first.ID == "" {
				t.Errorf("%s again: %d %s", name, b.status, b.body)
			}
			problemOf(t, post(amy, h.token, c.other), 422, "idempotency-key-reused")
			d := post(bea, h.tokenWith(staff.CustomersWrite), c.body)
			if d.into(t, &elsewhere); d.status != 201 || elsewhere.ID == first.ID {
				t.Errorf("%s by another program: %d %s", name, d.status, d.body)
			}
			p := problemOf(t, h.do(call{method: "POST", path: prefix + amy + c.path, token: h.token, body: c.body}), statusWithout(c.path), kindWithout(c.path))
			if c.path != "" && p.Errors[0].Field != "Idempotency-Key" {
				t.Errorf("%s without a key: %+v", name, p)
			}
		}
		if n := h.count(`SELECT COUNT(*) FROM note`); n != 2 {
			t.Errorf("%d notes", n)
		}
	})
}

func statusWithout(path string) int {
	if path == "" {
		return http.StatusMethodNotAllowed // nobody posts to a customer
	}
	return http.StatusUnprocessableEntity
}

func kindWithout(path string) string {
	if path == "" {
		return "method-not-allowed"
	}
	return "invalid"
}

func TestWhatACardRefuses(t *testing.T) {
	h := sqlite(t)
	h.says("amy", "hello")
	h.says("bea", "hello")
	amy, bea := h.customerOf("amy"), h.customerOf("bea")
	at := "/customers/" + amy
	h.ask("PATCH", "/customers/"+bea+"/tags", m{"give": []m{{"name": "skincare_lover"}}}, 200, nil)
	var foreign Card
	h.get(prefix+"/customers/"+bea, &foreign)
	long := strings.Repeat("字", 5000)
	for name, c := range map[string]struct {
		method, path string
		body         any
		status       int
		kind, field  string
	}{
		"nothing to learn":           {"PATCH", at + "/attributes", m{}, 422, "invalid", "learn"},
		"nothing to give":            {"PATCH", at + "/tags", m{}, 422, "invalid", "give"},
		"no such attribute":          {"PATCH", at + "/attributes", m{"learn": []m{{"name": "skin_type", "value": "dry"}, {"name": "shoe_size", "value": "38"}}}, 422, "invalid", "learn.1.attribute"},
		"no such choice":             {"PATCH", at + "/attributes", m{"learn": []m{{"name": "skin_type", "value": "green"}}}, 422, "invalid", "learn.0.skin_type"},
		"no such counter":            {"PATCH", at + "/attributes", m{"learn": []m{{"name": "skin_type", "value": "dry", "counter": "cnt_0"}}}, 422, "invalid", "learn.0.counter"},
		"words of hers":              {"PATCH", at + "/attributes", m{"learn": []m{{"name": "skin_type", "value": "dry", "source": "said"}}}, 422, "invalid", "learn[0].source"},
		"no such tag":                {"PATCH", at + "/tags", m{"give": []m{{"name": "nothing"}}}, 422, "invalid", "give.0.tag"},
		"somebody else's tag":        {"PATCH", at + "/tags", m{"take": []string{foreign.Tags[0].ID}}, 422, "invalid", "take.0.id"},
		"a note for a tag":           {"PATCH", at + "/tags", m{"take": []string{"not_0"}}, 422, "invalid", "take.0.id"},
		"a hundred and one":          {"PATCH", at + "/tags", m{"take": make([]string, 101)}, 422, "invalid", "take"},
		"a long note":                {"POST", at + "/notes", m{"counter": h.counter, "body": long}, 422, "invalid", "body"},
		"a blank note":               {"POST", at + "/notes", m{"counter": h.counter, "body": " \u0000"}, 422, "invalid", "body"},
		"a note nowhere":             {"POST", at + "/notes", m{"counter": "cnt_0", "body": "x"}, 422, "invalid", "counter"},
		"a note about nobody":        {"POST", "/customers/cus_0/notes", m{"counter": h.counter, "body": "x"}, 404, "not-found", ""},
		"a note of nobody":           {"PUT", "/notes/not_0", m{"body": "x"}, 404, "not-found", ""},
		"a wish for a note":          {"PUT", "/notes/wsh_0", m{"body": "x"}, 404, "not-found", ""},
		"facets in words":            {"POST", at + "/wishes", m{"counter": h.counter, "body": "x", "facets": []string{"light scent"}}, 422, "invalid", "facets"},
		"a wish matched by hand":     {"PUT", "/wishes/wsh_0", m{"state": "matched"}, 422, "invalid", "state"},
		"a promise for last year":    {"POST", at + "/promises", m{"counter": h.counter, "body": "x", "due": "2020-01-01T00:00:00Z"}, 422, "invalid", "due"},
		"a promise kept and put off": {"PUT", "/promises/prm_0", m{"state": "kept", "due": "2030-01-01T00:00:00Z"}, 422, "invalid", "state"},
		"a phone in words":           {"POST", at + "/contacts", m{"kind": "phone", "value": "call me"}, 422, "invalid", "phone"},
		"a fax":                      {"POST", at + "/contacts", m{"kind": "fax", "value": "1"}, 422, "invalid", "kind"},
		"a contact of nobody":        {"DELETE", "/contacts/con_0", nil, 404, "not-found", ""},
		"an advisor from elsewhere":  {"PUT", at + "/bindings", m{"counter": h.counter, "advisor": h.manager.ID}, 422, "invalid", "advisor"},
		"bound nowhere":              {"PUT", at + "/bindings", m{"counter": "cnt_0", "advisor": h.advisor.ID}, 422, "invalid", "counter"},
		"unbound from nowhere named": {"DELETE", at + "/bindings", nil, 422, "invalid", "counter"},
		"merged with herself":        {"POST", at + "/merges", m{"lost": amy, "proof": "member"}, 422, "invalid", "lost"},
		"merged with nobody":         {"POST", at + "/merges", m{"lost": "cus_0", "proof": "member"}, 422, "invalid", "lost"},
		"merged without a proof":     {"POST", at + "/merges", m{"lost": bea, "proof": "phone"}, 409, "unproved", ""},
		"merged because a name says": {"POST", at + "/merges", m{"lost": bea, "proof": "name"}, 422, "invalid", "proof"},
		"confirmed by nobody":        {"POST", at + "/merges", m{"lost": bea, "proof": "advisor"}, 422, "invalid", "staff"},
		"confirmed by a stranger":    {"POST", at + "/merges", m{"lost": bea, "proof": "advisor", "staff": h.manager.ID}, 422, "invalid", "staff"},
		"a merge of nobody":          {"DELETE", "/merges/mrg_0", nil, 404, "not-found", ""},
		"not one with nobody":        {"POST", at + "/refusals", m{"other": "cus_0"}, 422, "invalid", "other"},
		"history of nobody":          {"GET", "/customers/cus_0/timeline", nil, 404, "not-found", ""},
		"history after nothing":      {"GET", at + "/timeline?cursor=x", nil, 422, "invalid", "cursor"},
		"notes after wishes":         {"GET", at + "/notes?cursor=" + cursor{listWishes, 1, "wsh_1"}.String(), nil, 422, "invalid", "cursor"},
		"entered nowhere":            {"POST", "/customers", m{"counter_id": "cnt_0"}, 422, "invalid", "counter"},
		"entered with a long name":   {"POST", "/customers", m{"name": long}, 422, "invalid", "name"},
		"NUL in an id":               {"GET", "/customers/cus_%00/notes", nil, 404, "not-found", ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := problemOf(t, h.ask(c.method, c.path, c.body, c.status, nil), c.status, c.kind)
			if c.field != "" && (len(p.Errors) == 0 || p.Errors[0].Field != c.field) {
				t.Errorf("%+v, want the field %q named", p.Errors, c.field)
			}
		})
	}
}

func TestMergingByProgram(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		h.says("amy", "hello")
		h.says("bea", "hello")
		amy, bea := h.customerOf("amy"), h.customerOf("bea")
		for _, id := range []string{amy, bea} {
			h.ask("POST", "/customers/"+id+"/contacts", m{"kind": "email", "value": "amy@example.com"}, 201, nil)
		}
		var list suggestionsOutput
		h.get(prefix+"/customers/"+amy+"/suggestions", &list.Body)
		if len(list.Body.Suggestions) != 1 || list.Body.Suggestions[0].Customer != bea || list.Body.Suggestions[0].Reasons[0].Code != "email" {
			t.Errorf("%+v", list)
		}
		var merged Merge
		h.ask("POST", "/customers/"+amy+"/merges", m{"lost": bea, "proof": "advisor", "staff": h.advisor.ID}, 201, &merged)
		if merged.Kept != amy || merged.Lost != bea || merged.By != h.advisor.ID || !strings.Contains(string(merged.Evidence), "token/") {
			t.Errorf("%+v", merged)
		}
		// the lost record leads to the card of both, and what is written on it goes back with it
		h.ask("POST", "/customers/"+bea+"/notes", m{"counter": h.counter, "body": "hers"}, 201, nil)
		var card Card
		h.get(prefix+"/customers/"+bea, &card)
		if card.ID != amy || !slices.Equal(card.Records, []string{amy, bea}) || len(card.Notes) != 1 || len(card.Contacts) != 2 {
			t.Errorf("%+v", card)
		}
		h.ask("DELETE", "/merges/"+merged.ID, nil, 204, nil)
		h.get(prefix+"/customers/"+amy, &card)
		if len(card.Records) != 1 || len(card.Notes) != 0 {
			t.Errorf("%+v", card)
		}
		var merges mergesOutput
		h.get(prefix+"/customers/"+bea+"/merges", &merges.Body)
		if len(merges.Body.Merges) != 1 || merges.Body.Merges[0].UndoneAt == nil {
			t.Errorf("%+v", merges)
		}
		h.ask("POST", "/customers/"+amy+"/refusals", m{"other": bea}, 204, nil)
	})
}

func TestWhoWasErasedIsNotWrittenOn(t *testing.T) {
	h := sqlite(t)
	h.says("amy", "hello")
	id := h.customerOf("amy")
	h.ask("POST", "/customers/"+id+"/notes", m{"counter": h.counter, "body": "x"}, 201, nil)
	h.ask("POST", "/customers/"+id+"/contacts", m{"kind": "member", "value": "A1"}, 201, nil)
	h.write(func(tx *db.Tx) error { return h.desk.Vault.DropKey(tx, id) })
	var card Card
	h.get(prefix+"/customers/"+id, &card)
	if card.Name != "" || len(card.Contacts) != 0 || len(card.Notes) > 0 && card.Notes[0].Body != "" {
		t.Errorf("%+v", card)
	}
	at := "/customers/" + id
	h.ask("POST", at+"/notes", m{"counter": h.counter, "body": "x"}, 404, nil)
	h.ask("POST", at+"/contacts", m{"kind": "member", "value": "A2"}, 404, nil)
	h.ask("PATCH", at+"/attributes", m{"learn": []m{{"name": "skin_type", "value": "dry"}}}, 404, nil)
}

// Whoever had herself erased is brought back by no program, which is told why in words.
func TestNobodyErasedIsEntered(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		bea := m{"name": "Bea", "contacts": []m{{"kind": "member", "value": "B-1", "verified": true}, {"kind": "phone", "value": "0987654321"}}}
		var card Card
		h.ask("POST", "/customers", bea, 201, &card)
		h.write(func(tx *db.Tx) error { return h.desk.Book.Erase(tx, []string{card.ID}) })
		for kind, contact := range map[string]m{"member": {"kind": "member", "value": "b-1", "verified": true}, "phone": {"kind": "phone", "value": "+886 987 654 321"}} {
			var no Problem
			h.ask("POST", "/customers", m{"name": "Bea", "contacts": []m{contact}}, 422, &no)
			if len(no.Errors) != 1 || no.Errors[0].Code != "erased" || no.Errors[0].Field != kind || !strings.Contains(no.Errors[0].Message, "no program brings her back") {
				t.Errorf("%s: %+v", kind, no)
			}
		}
		var found customersOutput
		h.get(prefix+"/customers?member=B-1", &found.Body)
		if len(found.Body.Customers) > 0 {
			t.Errorf("she is there again: %+v", found.Body)
		}
		h.ask("POST", "/customers", m{"name": "Cai", "contacts": []m{{"kind": "phone", "value": "0987654322"}}}, 201, nil)
	})
}

func TestFindingCustomers(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		h.says("amy", "hello")
		amy := h.customerOf("amy")
		h.ask("POST", "/customers/"+amy+"/contacts", m{"kind": "phone", "value": "0912345678"}, 201, nil)
		var bea Card
		h.ask("POST", "/customers", m{"name": "Bea", "contacts": []m{{"kind": "member", "value": "B-1", "verified": true}, {"kind": "email", "value": "bea@example.com"}}}, 201, &bea)
		h.ask("PATCH", "/customers/"+bea.ID+"/tags", m{"give": []m{{"name": "gift_expert"}}}, 200, nil)
		var again Card
		h.ask("POST", "/customers", m{"name": "Beatrice", "contacts": []m{{"kind": "member", "value": "b-1", "verified": true}, {"kind": "phone", "value": "0987654321"}}}, 200, &again)
		if again.ID != bea.ID || again.Name != "Bea" || len(again.Contacts) != 3 {
			t.Errorf("known by her number: %+v", again)
		}
		for query, want := range map[string]string{
			"query=am": amy, "phone=%2B886+912+345+678": amy, "phone=0912345678": amy, "member=B-1": bea.ID, "email=BEA@example.com": bea.ID,
			"tag=gift_expert": bea.ID, "account=" + h.account.ID + "&external=amy": amy, "account=" + h.account.ID + "&external=eve": "",
			"member=none": "", "phone=words": "", "query=zed": "", "tag=perfume_enthusiast": "",
		} {
			var found customersOutput
			h.get(prefix+"/customers?"+query, &found.Body)
			got := ""
			for _, c := range found.Body.Customers {
				got += c.ID
			}
			if got != want {
				t.Errorf("%s: %q, want %q", query, got, want)
			}
		}
		var all []string
		for path := prefix + "/customers?limit=1"; path != ""; {
			var page customersOutput
			h.get(path, &page.Body)
			for _, c := range page.Body.Customers {
				all = append(all, c.ID)
			}
			if path = ""; page.Body.Next != "" {
				path = prefix + "/customers?limit=1&cursor=" + page.Body.Next
			}
		}
		if !slices.Equal(all, []string{amy, bea.ID}) {
			t.Errorf("%q", all)
		}
	})
}

func TestDefinitions(t *testing.T) {
	h := sqlite(t)
	var size AttributeDefinition
	h.ask("POST", "/attributes", m{"name": "shoe", "type": "choice", "choices": []m{{"code": "38", "label": "38"}}, "position": 99}, 201, &size)
	h.ask("PUT", "/attributes/"+size.ID, m{"label": "Shoes", "choices": []m{{"code": "38"}, {"code": "39"}}}, 200, &size)
	if size.Label != "Shoes" || len(size.Choices) != 2 || size.Type != customer.TypeChoice {
		t.Errorf("%+v", size)
	}
	problemOf(t, h.ask("POST", "/attributes", m{"name": "shoe", "type": "text"}, 422, nil), 422, "invalid")
	problemOf(t, h.ask("POST", "/attributes", m{"name": "Shoe Size", "type": "text"}, 422, nil), 422, "invalid")
	h.ask("DELETE", "/attributes/"+size.ID, nil, 204, nil)
	h.ask("POST", "/attributes/"+size.ID+"/reopen", nil, 204, nil)
	h.ask("DELETE", "/attributes/atd_0", nil, 404, nil)
	var muse TagDefinition
	h.ask("POST", "/tags", m{"name": "muse", "days": 30, "by_hand": true}, 201, &muse)
	h.ask("PUT", "/tags/"+muse.ID, m{"label": "Muse"}, 200, &muse)
	if muse.Label != "Muse" || muse.Days != 0 || muse.ByHand {
		t.Errorf("%+v", muse)
	}
	problemOf(t, h.ask("POST", "/tags", m{"name": "x", "brand": "brd_0"}, 422, nil), 422, "invalid")
	h.ask("DELETE", "/tags/"+muse.ID, nil, 204, nil)
	h.ask("POST", "/tags/"+muse.ID+"/reopen", nil, 204, nil)
	h.ask("PUT", "/tags/tag_0", m{"label": "x"}, 404, nil)
	if n := h.count(`SELECT COUNT(*) FROM audit WHERE actor LIKE 'token/%' AND action IN ('attribute_saved', 'tag_saved', 'tag_closed')`); n != 5 {
		t.Errorf("%d changes are on record", n)
	}
}
