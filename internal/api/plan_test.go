package api

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"dingdong/internal/consent"
	"dingdong/internal/db"
	"dingdong/internal/webhook"
)

// A program may say why it writes, and for when; what she did not agree to is refused.
func TestAMessageWithAPurpose(t *testing.T) {
	h := sqlite(t)
	thread := h.says("amy", "hello")
	h.write(func(tx *db.Tx) error { return h.desk.Consent().EnsureShipped(tx) })
	offer := func(key string, more map[string]any) (answer, webhook.Message) {
		t.Helper()
		body := map[string]any{"text": "Something new", "purpose": "marketing", "as": map[string]string{"automation": "journey"}}
		for k, v := range more {
			body[k] = v
		}
		raw, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		a := h.send(thread, key, string(raw))
		var m webhook.Message
		if a.status < 300 {
			a.into(t, &m)
		}
		return a, m
	}
	if _, m := offer("1", nil); m.Status != "refused" || m.Failure != "no_consent" || m.Purpose != "marketing" {
		t.Errorf("%s, %s, %s", m.Status, m.Failure, m.Purpose)
	}
	h.write(func(tx *db.Tx) error {
		var customer string
		if err := tx.QueryRow(`SELECT customer_id FROM thread WHERE id = $1`, thread).Scan(&customer); err != nil {
			return err
		}
		_, err := h.desk.Consent().Record(tx, consent.Entry{Customer: customer, Purpose: "marketing", State: consent.Granted, How: consent.HowPage})
		return err
	})
	in := time.Now().UTC().Add(72 * time.Hour).Truncate(time.Second)
	_, m := offer("2", map[string]any{"kind": "birthday", "priority": 3, "not_before": in})
	if m.Status != "planned" || m.At.Before(in) || m.Kind != "birthday" {
		t.Errorf("%s at %s, not before %s", m.Status, m.At, in)
	}
	if a, again := offer("2", map[string]any{"kind": "birthday", "priority": 3, "not_before": in}); a.status != http.StatusOK || again.ID != m.ID {
		t.Errorf("a repeat answers %d", a.status)
	}
	if a, _ := offer("2", map[string]any{"kind": "another", "not_before": in}); a.status != http.StatusUnprocessableEntity && a.status != http.StatusConflict {
		t.Errorf("another message under the key answers %d", a.status)
	}
	for name, c := range map[string]struct {
		more  map[string]any
		field string
	}{
		"a priority that is none": {map[string]any{"priority": 10}, "priority"},
		"far too late":            {map[string]any{"not_before": time.Now().AddDate(1, 0, 0)}, "not_before"},
		"stale already":           {map[string]any{"expires_at": time.Now().Add(-time.Hour)}, "expires_at"},
		"no purpose of the group": {map[string]any{"purpose": "spam"}, "purpose"},
		"a time that is none":     {map[string]any{"not_before": "soon"}, "not_before"},
	} {
		if a, _ := offer("bad "+name, c.more); a.status/100 != 4 || !strings.Contains(string(a.body), c.field) {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	var all struct{ Messages []webhook.Message }
	h.get(prefix+"/threads/"+thread+"/messages", &all)
	for _, got := range all.Messages {
		if got.ID == m.ID {
			t.Error("what is planned stands in the thread")
		}
	}
	var got webhook.Message
	if h.get(prefix+"/messages/"+m.ID, &got); got.Status != "planned" {
		t.Errorf("asked for, it is %s", got.Status)
	}
}
