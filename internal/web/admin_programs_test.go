package web

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"dingdong/internal/db"
	"dingdong/internal/staff"
)

func TestTokens(t *testing.T) {
	h := newAdminHouse(t)
	b := h.as(t, h.Admin)
	want(t, b.get("/admin/tokens"), http.StatusOK, "No tokens yet", `href="/admin/tokens/new"`)
	want(t, b.get("/admin/tokens/new"), http.StatusOK, "Read messages", "Every word and picture", `value="webhooks:write"`)
	want(t, b.post("/admin/tokens", url.Values{"name": {"Stock"}}), http.StatusUnprocessableEntity, `id="e-scopes"`, `value="Stock"`)
	got := b.post("/admin/tokens", url.Values{"name": {"Stock"}, "scopes": {"threads:read", "events:read"}})
	want(t, got, http.StatusOK, "shown only now", `data-settle="/admin/tokens"`, "/api/v1/threads")
	plain := regexp.MustCompile(`dd_[A-Za-z0-9_-]+`).FindString(got.Body.String())
	h.read(func(tx *db.Tx) error {
		token, err := staff.TokenBySecret(tx, plain)
		if token.Name != "Stock" || !token.Has("events:read") {
			t.Errorf("token %+v", token)
		}
		return err
	})
	list := b.get("/admin/tokens")
	want(t, list, http.StatusOK, `href="/api/docs"`, "Read conversations", "Follow events", "never", ", Ada", "refused at once")
	lacks(t, list, plain)
	path := regexp.MustCompile(`/admin/tokens/tok_[a-z0-9]+/end`).FindString(list.Body.String())
	wantRedirect(t, b.post(path, nil), "/admin/tokens")
	want(t, b.get("/admin/tokens"), http.StatusOK, "ended on")
	want(t, b.post(path, nil), http.StatusNotFound)
}

func TestEveryScopeAndKindHasWords(t *testing.T) {
	h := newAdminHouse(t)
	b := h.as(t, h.Admin)
	for _, path := range []string{"/admin/tokens/new", "/admin/webhooks/new"} {
		for _, raw := range []string{"admin.scope", "admin.event", "admin.scope_about"} {
			lacks(t, b.get(path), raw)
		}
	}
}

func TestWebhooks(t *testing.T) {
	h := newAdminHouse(t)
	b := h.as(t, h.Admin)
	want(t, b.get("/admin/webhooks"), http.StatusOK, "No webhooks yet")
	form := url.Values{"name": {"CRM"}, "url": {"http://crm.example/x"}, "kinds": {"message.received"}}
	want(t, b.post("/admin/webhooks", form), http.StatusUnprocessableEntity, "It must begin with https://", `value="message.received" checked`)
	form.Set("url", "https://10.0.0.1/x")
	want(t, b.post("/admin/webhooks", form), http.StatusUnprocessableEntity, "inside the network")
	form.Set("url", "https://crm.example/x")
	got := b.post("/admin/webhooks", form)
	want(t, got, http.StatusOK, "whsec_", "shown only now")
	path := regexp.MustCompile(`data-settle="([^"]+)"`).FindStringSubmatch(got.Body.String())[1]
	page := b.get(path)
	want(t, page, http.StatusOK, "Nothing has happened yet", "https://crm.example/x")
	lacks(t, page, "whsec_")

	id := strings.TrimPrefix(path, "/admin/webhooks/")
	h.write(func(tx *db.Tx) error {
		_, err := tx.Exec(`INSERT INTO endpoint_delivery (id, endpoint_id, event_seq, kind, state, attempts, status, error, at, done_at)
			VALUES ('edl_1', $1, 1, 'message.received', 'failed', 7, 503, 'answered 503', $2, $2)`, id, db.Micro(tx.Now))
		return err
	})
	want(t, b.get(path), http.StatusOK, "Given up", "answered 503", "A customer wrote", "Send again")
	wantRedirect(t, b.post(path+"/deliveries/edl_1/retry", nil), path)
	want(t, b.get(path), http.StatusOK, "Waiting", "Under way again")

	got = b.post(path+"/secret", url.Values{"overlap": {"1"}})
	want(t, got, http.StatusOK, "whsec_", "signed with the old secret as well until", "make another one")
	page = b.get(path)
	want(t, page, http.StatusOK, "signed with the old secret as well until", "End the old secret now")
	lacks(t, page, "whsec_")
	wantRedirect(t, b.post(path+"/old-secret/end", nil), path)
	lacks(t, b.get(path), "End the old secret now")
	lacks(t, b.post(path+"/secret", url.Values{"overlap": {"0"}}), "as well until")
	want(t, b.post(path+"/secret", url.Values{"overlap": {"-5"}}), http.StatusUnprocessableEntity)

	wantRedirect(t, b.post(path+"/pause", nil), path)
	want(t, b.get(path), http.StatusOK, "What happens meanwhile is not kept", "Go on")
	want(t, b.get("/admin"), http.StatusOK, "1 paused")
	wantRedirect(t, b.post(path+"/resume", nil), path)
	form.Set("name", "CRM 2")
	wantRedirect(t, b.post(path, form), path)
	want(t, b.get("/admin/webhooks"), http.StatusOK, "CRM 2")
	wantRedirect(t, b.post(path+"/end", nil), "/admin/webhooks")
	want(t, b.get(path), http.StatusNotFound)
}
