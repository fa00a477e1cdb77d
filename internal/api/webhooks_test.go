package api

import (
	"net/http"
	"strings"
	"testing"

	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
	"dingdong/internal/event"
	"dingdong/internal/staff"
)

func TestWebhooks(t *testing.T) {
	h := sqlite(t)
	ask := func(method, path, body string, status int, into any) {
		t.Helper()
		a := h.do(call{method: method, path: prefix + "/webhooks" + path, token: h.token, body: body})
		if a.status != status {
			t.Fatalf("%s %s: %d %s", method, path, a.status, a.body)
		}
		if into != nil {
			a.into(t, into)
		}
	}
	var made, got Webhook
	ask("POST", "", `{"name":"Till","url":"https://till.example.com/","types":["message.received"]}`, http.StatusCreated, &made)
	if !strings.HasPrefix(made.Secret, "whsec_") || made.Paused || len(made.Types) != 1 {
		t.Errorf("got %+v", made)
	}
	ask("GET", "/"+made.ID, "", http.StatusOK, &got)
	if got.Secret != "" || got.Name != "Till" {
		t.Errorf("got %+v", got)
	}
	ask("PUT", "/"+made.ID, `{"name":"Till 2","url":"https://till.example.com/2"}`, http.StatusOK, &got)
	if got.Name != "Till 2" || len(got.Types) != 0 || got.Secret != "" {
		t.Errorf("got %+v", got)
	}
	var renewed Webhook
	ask("POST", "/"+made.ID+"/secret", "{}", http.StatusOK, &renewed)
	if !strings.HasPrefix(renewed.Secret, "whsec_") || renewed.Secret == made.Secret || renewed.OldSecretUntil == nil {
		t.Errorf("renewed: %+v", renewed)
	}
	ask("DELETE", "/"+made.ID+"/old-secret", "", http.StatusNoContent, nil)
	ask("DELETE", "/"+made.ID+"/old-secret", "", http.StatusNotFound, nil)
	renewed = Webhook{}
	ask("POST", "/"+made.ID+"/secret", `{"overlap_hours":0}`, http.StatusOK, &renewed)
	if renewed.OldSecretUntil != nil {
		t.Errorf("a secret that has leaked still counts: %+v", renewed)
	}
	ask("POST", "/"+made.ID+"/secret", `{"overlap_hours":721}`, http.StatusUnprocessableEntity, nil)
	ask("POST", "/end_0/secret", "{}", http.StatusNotFound, nil)
	h.says("amy", "hello")
	h.write(func(tx *db.Tx) error {
		events, err := event.After(tx, 0, 100)
		for _, e := range events {
			if e.Kind == event.MessageReceived && err == nil {
				err = h.hooks.Queue(tx, e)
			}
		}
		return err
	})
	var log struct{ Deliveries []Delivery }
	ask("GET", "/"+made.ID+"/deliveries", "", http.StatusOK, &log)
	if len(log.Deliveries) != 1 || log.Deliveries[0].State != "queued" || log.Deliveries[0].Type != event.MessageReceived {
		t.Fatalf("got %+v", log)
	}
	again := "/deliveries/" + log.Deliveries[0].ID + "/redeliver"
	ask("POST", "/"+made.ID+again, "", http.StatusAccepted, nil)
	ask("POST", "/end_0"+again, "", http.StatusNotFound, nil)
	ask("POST", "/"+made.ID+"/pause", "", http.StatusOK, &got)
	if !got.Paused || got.Queued != 1 {
		t.Errorf("got %+v", got)
	}
	got = Webhook{}
	ask("POST", "/"+made.ID+"/resume", "", http.StatusOK, &got)
	if got.Paused {
		t.Errorf("got %+v", got)
	}
	ask("DELETE", "/"+made.ID, "", http.StatusNoContent, nil)
	ask("GET", "/"+made.ID, "", http.StatusNotFound, nil)
	var list struct{ Webhooks []Webhook }
	ask("GET", "", "", http.StatusOK, &list)
	if len(list.Webhooks) != 0 {
		t.Errorf("got %+v", list)
	}
	var actor string
	h.read(func(tx *db.Tx) error {
		return tx.QueryRow(`SELECT actor FROM audit WHERE action = 'endpoint.save' ORDER BY seq LIMIT 1`).Scan(&actor)
	})
	if !strings.HasPrefix(actor, "token/tok_") {
		t.Errorf("made by %q", actor)
	}
}

// An endpoint is told what is read with events:read: who may not read it may not have it
// sent somewhere either.
func TestAWebhookNeedsWhatItIsTold(t *testing.T) {
	h := sqlite(t)
	var made Webhook
	h.ask("POST", "/webhooks", m{"name": "Till", "url": "https://till.example.com/"}, http.StatusCreated, &made)
	token := h.tokenWith(staff.WebhooksWrite)
	for _, c := range []call{
		{method: "POST", path: prefix + "/webhooks", body: `{"name":"Mine","url":"https://mine.example.com/"}`},
		{method: "PUT", path: prefix + "/webhooks/" + made.ID, body: `{"name":"Mine","url":"https://mine.example.com/"}`},
	} {
		c.token = token
		if p := problemOf(t, h.do(c), http.StatusForbidden, "missing-scope"); !strings.Contains(p.Detail, staff.EventsRead) {
			t.Errorf("%s: %q does not name the scope", c.method, p.Detail)
		}
		c.token = h.tokenWith(staff.WebhooksWrite, staff.EventsRead)
		if got := h.do(c); got.status >= 300 {
			t.Errorf("%s: %d %s", c.method, got.status, got.body)
		}
	}
	if got := h.do(call{method: "POST", path: prefix + "/webhooks/" + made.ID + "/pause", token: token}); got.status != http.StatusOK {
		t.Errorf("to pause one: %d", got.status)
	}
}

func FuzzWebhookBody(f *testing.F) {
	for _, s := range []string{`{"name":"Till","url":"https://till.example.com/"}`, `{"name":"\u0000","url":"https://[::1]/"}`, `{"types":[[[]]]}`, `{"name":1e400}`, "null", "\xff"} {
		f.Add(s)
	}
	h := newHouse(f, dbtest.New(f))
	f.Fuzz(func(t *testing.T, body string) {
		a, err := h.try(call{method: "POST", path: prefix + "/webhooks", token: h.token, body: body})
		if err != nil {
			t.Skip(err)
		}
		if a.status >= 500 {
			t.Errorf("%q: %d %s", body, a.status, a.body)
		}
	})
}
