package web

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"dingdong/internal/channel"
	"dingdong/internal/conversation"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

func TestLineAccount(t *testing.T) {
	h := newAdminHouse(t)
	b := h.as(t, h.Admin)
	want(t, b.get("/admin/accounts/new"), http.StatusOK, "/admin/accounts/new?channel=line", "/admin/accounts/new?channel=webchat")
	want(t, b.get("/admin/accounts/new?channel=line"), http.StatusOK, "Channel secret", "Basic settings", "https://api.line.me")

	form := url.Values{"channel": {"line"}, "name": {"Lumière"}, "counter": {h.OtherCounter}, "secret": {"topsecret"}}
	got := b.post("/admin/accounts", form)
	want(t, got, http.StatusUnprocessableEntity, "Please fill this in", `id="e-token"`, `value="Lumière"`)
	lacks(t, got, "topsecret")
	form.Set("token", "verysecret")
	form.Set("api_base", "ftp://x")
	want(t, b.post("/admin/accounts", form), http.StatusUnprocessableEntity, `id="e-api_base"`, "<details class=\"advanced\" open>")
	form.Del("api_base")
	got = b.post("/admin/accounts", form)
	path := got.Header().Get("Location")
	wantRedirect(t, got, path)

	page := b.get(path)
	want(t, page, http.StatusOK, "http://counter.test/in/"+strings.TrimPrefix(path, "/admin/accounts/"), "calls only https addresses", "Use webhook",
		"Webhook redelivery", "auto-response", "stored, sealed", "not asked for yet", "Close this account", `hx-post="`+path+`/check"`)
	lacks(t, page, "topsecret", "verysecret")
	want(t, b.get("/admin/accounts"), http.StatusOK, "Lumière", "Not checked yet", "Add an account")

	// Empty secrets keep what there is; a page is never told them.
	wantRedirect(t, b.post(path, url.Values{"name": {"Lumi"}, "counter": {h.OtherCounter}}), path)
	h.read(func(tx *db.Tx) error {
		a, err := h.Desk.AccountByID(tx, strings.TrimPrefix(path, "/admin/accounts/"))
		if a.Secret != "topsecret" || a.Token != "verysecret" || a.Name != "Lumi" || a.Kind != channel.LINE {
			t.Errorf("account %+v", a)
		}
		return err
	})
	// A new secret leaves the old one in force for a while; a new token is tried at once.
	lacks(t, b.get(path), "End the old secret now", `hx-trigger="load"`)
	wantRedirect(t, b.post(path, url.Values{"name": {"Lumi"}, "counter": {h.OtherCounter}, "secret": {"newsecret"}, "token": {"newtoken"}, "overlap": {"168"}}), path+"?token=new")
	page = b.get(path + "?token=new")
	want(t, page, http.StatusOK, "signed with the old secret are accepted as well until", `hx-trigger="load"`)
	lacks(t, page, "topsecret", "newsecret", "newtoken")
	wantRedirect(t, b.post(path+"/old-secret/end", nil), path)
	lacks(t, b.get(path), "End the old secret now")
	want(t, b.post(path, url.Values{"name": {"Lumi"}, "counter": {h.OtherCounter}, "secret": {"x"}, "overlap": {"soon"}}), http.StatusUnprocessableEntity)

	wantRedirect(t, b.post(path+"/close", nil), "/admin/accounts")
	closed := b.get(path)
	want(t, closed, http.StatusOK, "This account is closed")
	lacks(t, closed, "Webhook URL", `method="post" action="`+path+`"`)
	want(t, b.post(path+"/close", nil), http.StatusNotFound)
	want(t, b.get("/admin/accounts/acc_no"), http.StatusNotFound)

	secure := newAdminHouse(t, func(d *Deps) { d.PublicURL = "https://counter.test" })
	lacks(t, secure.as(t, secure.Admin).get("/admin/accounts/"+secure.Line.ID), "calls only https addresses")
}

func TestChatAccount(t *testing.T) {
	h := newAdminHouse(t)
	b := h.as(t, h.Admin)
	form := url.Values{"channel": {"webchat"}, "name": {"Shop"}, "counter": {h.Counter}, "origins": {"https://a.example\nnot a site"}, "greeting": {"Hello"}}
	want(t, b.post("/admin/accounts", form), http.StatusUnprocessableEntity, `id="e-origins"`, "https://a.example\nnot a site")
	form.Set("origins", "https://a.example\n https://b.example/ ")
	got := b.post("/admin/accounts", form)
	path := got.Header().Get("Location")
	wantRedirect(t, got, path)
	id := strings.TrimPrefix(path, "/admin/accounts/")
	page := b.get(path)
	want(t, page, http.StatusOK, `&lt;script src=&#34;http://counter.test/chat/`+id+`/widget.js&#34; async&gt;&lt;/script&gt;`,
		`href="http://counter.test/chat/`+id+`"`, "https://a.example\nhttps://b.example", "Hello")
	lacks(t, page, "Channel secret", "Webhook URL")
	want(t, b.post(path+"/check", nil), http.StatusOK, "There is nothing to check here")
}

func TestCheckAccount(t *testing.T) {
	for name, c := range map[string]struct {
		answers map[string]string // path -> body; a number is a status
		texts   []string
	}{
		"all well": {map[string]string{}, []string{"Everything is as it should be", "The access token works", "A test call reached us", "12/500"}},
		"token refused": {map[string]string{"/v2/bot/info": "401"},
			[]string{"Something needs a hand", "LINE refuses the access token", "Issue a new channel access token"}},
		"webhook off": {map[string]string{"/v2/bot/channel/webhook/endpoint": `{"endpoint":"https://other.example/x","active":false}`},
			[]string{"goes somewhere else", "https://other.example/x", "The webhook is switched off", "Turn on"}},
		"test failed": {map[string]string{"/v2/bot/channel/webhook/test": `{"success":false,"reason":"COULD_NOT_CONNECT","detail":"TLS <b>"}`},
			[]string{"test call did not reach us", "COULD_NOT_CONNECT TLS &lt;b&gt;", "reachable from outside"}},
		"nearly used up": {map[string]string{"/v2/bot/message/quota/consumption": `{"totalUsage":499}`}, []string{"nearly used up", "499/500"}},
		"down":           {map[string]string{"/v2/bot/info": "503"}, []string{"cannot be reached", "Try again in a minute"}},
	} {
		t.Run(name, func(t *testing.T) {
			h := newAdminHouse(t)
			hook := "http://counter.test/in/" + h.Line.ID
			answers := map[string]string{"/v2/bot/info": `{"userId":"U1","basicId":"@rosee","displayName":"Rosée"}`,
				"/v2/bot/channel/webhook/endpoint": `{"endpoint":"` + hook + `","active":true}`, "/v2/bot/channel/webhook/test": `{"success":true,"statusCode":200}`,
				"/v2/bot/message/quota": `{"type":"limited","value":500}`, "/v2/bot/message/quota/consumption": `{"totalUsage":12}`}
			for path, body := range c.answers {
				answers[path] = body
			}
			platform := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body := answers[r.URL.Path]
				if len(body) == 3 {
					w.WriteHeader(map[string]int{"401": 401, "503": 503}[body])
					return
				}
				fmt.Fprint(w, body)
			}))
			defer platform.Close()
			h.write(func(tx *db.Tx) error {
				_, err := h.Desk.SaveAccount(tx, staff.System(), conversation.AccountForm{ID: h.Line.ID, Name: "Rosée", CounterID: h.Counter, APIBase: platform.URL})
				return err
			})
			b := h.as(t, h.Admin)
			b.Header.Set("HX-Request", "true")
			got := b.post("/admin/accounts/"+h.Line.ID+"/check", nil)
			want(t, got, http.StatusOK, c.texts...)
			lacks(t, got, "<html", "check.", "check_do.")
			want(t, b.post("/admin/accounts/acc_no/check", nil), http.StatusNotFound)
		})
	}
}

func TestQuotaLine(t *testing.T) {
	v := &Visit{Words: shipped(t).byTag["en"]}
	asked := func(q channel.Quota) conversation.Account {
		return conversation.Account{Account: channel.Account{Kind: channel.LINE}, Quota: q, QuotaAt: noon}
	}
	for name, c := range map[string]struct {
		account conversation.Account
		want    quotaLine
	}{
		"never asked": {conversation.Account{Account: channel.Account{Kind: channel.LINE}}, quotaLine{Text: "This month's messages not asked for yet"}},
		"no limit":    {asked(channel.Quota{Used: 1234}), quotaLine{Value: 0, Level: "fine", Text: "No limit · 1,234 sent"}},
		"room":        {asked(channel.Quota{Limited: true, Limit: 5000, Used: 12}), quotaLine{Shown: true, Value: 12, Max: 5000, Level: "fine", Text: "12 of 5,000 used"}},
		"low":         {asked(channel.Quota{Limited: true, Limit: 100, Used: 80}), quotaLine{Shown: true, Value: 80, Max: 100, Level: "low", Text: "80 of 100 used"}},
		"gone":        {asked(channel.Quota{Limited: true, Limit: 100, Used: 130}), quotaLine{Shown: true, Value: 100, Max: 100, Level: "gone", Text: "130 of 100 used"}},
		"web chat":    {conversation.Account{Account: channel.Account{Kind: channel.WebChat}}, quotaLine{}},
	} {
		if got := quotaOf(v, c.account); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

func TestAClosedAccountOpensAgain(t *testing.T) {
	h := newAdminHouse(t)
	b := h.as(t, h.Admin)
	path := "/admin/accounts/" + h.Line.ID
	want(t, b.post(path+"/close", nil), http.StatusSeeOther)
	want(t, b.get("/admin/accounts"), http.StatusOK, "Closed", path, "closed on")
	want(t, b.get(path), http.StatusOK, "Open again", path+"/reopen")
	want(t, b.post(path+"/reopen", nil), http.StatusSeeOther)
	lacks(t, b.get("/admin/accounts"), "closed on")
	thread := h.says("Uback", "are you there again?")
	if thread.AccountID != h.Line.ID {
		t.Error("she does not reach the account")
	}
	h.read(func(tx *db.Tx) error {
		var n int
		if err := tx.QueryRow(`SELECT COUNT(*) FROM audit WHERE action = 'account.reopen' AND object = $1`, h.Line.ID).Scan(&n); err != nil || n != 1 {
			t.Errorf("on record %d times, %v", n, err)
		}
		return nil
	})
	want(t, b.post(path+"/close", nil), http.StatusSeeOther)
	h.write(func(tx *db.Tx) error { return staff.CloseCounter(tx, staff.System(), h.Counter) })
	want(t, b.post(path+"/reopen", nil), http.StatusUnprocessableEntity, "Open again")
}
