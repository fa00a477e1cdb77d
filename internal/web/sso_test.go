package web

import (
	"net/http"
	"net/url"
	"testing"

	"dingdong/internal/db"
	"dingdong/internal/sso"
	"dingdong/internal/sso/ssotest"
	"dingdong/internal/staff"
)

func newSSOHouse(t *testing.T) *adminHouse {
	h := newAdminHouse(t)
	h.SSO = &sso.Room{DB: h.DB, Vault: h.Desk.Vault, PublicURL: h.PublicURL}
	return h
}

// goes lets a browser go to the provider and come back, and gives the answer.
func (b *browser) goes(from string) (location string, status int) {
	b.t.Helper()
	got := b.get(from)
	c := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := c.Get(got.Header().Get("Location"))
	if err != nil {
		b.t.Fatalf("%d: %v", got.Code, err)
	}
	res.Body.Close()
	back := must(url.Parse(res.Header.Get("Location")))
	end := b.get(back.RequestURI())
	return end.Header().Get("Location"), end.Code
}

func TestSingleSignOn(t *testing.T) {
	h := newSSOHouse(t)
	p := ssotest.New(t, map[string]any{"email": "mei@group.test", "email_verified": true})
	ada := h.as(t, h.Admin)
	want(t, ada.get("/admin/sign-in"), http.StatusOK, "http://counter.test/sign-in/sso/back")
	form := url.Values{"issuer": {p.URL}, "client_id": {ssotest.ClientID}, "secret": {ssotest.ClientSecret}, "domains": {"group"}, "button": {"Group <login>"}, "on": {"on"}}
	want(t, ada.post("/admin/sso", form), http.StatusUnprocessableEntity, "Enter domains")
	form.Set("domains", "group.test")
	wantRedirect(t, ada.post("/admin/sso", form), "/admin/sign-in#provider")
	page := ada.get("/admin/sign-in")
	want(t, page, http.StatusOK, p.URL, "group.test", "One is kept")
	lacks(t, page, ssotest.ClientSecret)
	want(t, ada.post("/admin/sso/check", nil), http.StatusOK, "The provider answers", "It knows the client")

	b := newBrowser(t, h)
	want(t, b.get("/sign-in?next=/me"), http.StatusOK, "Group &lt;login&gt;", `href="/sign-in/sso?next=%2Fme"`)
	if to, status := b.goes("/sign-in/sso?next=/me"); to != "/me" || status != http.StatusSeeOther {
		t.Fatalf("%d to %q", status, to)
	}
	want(t, b.get("/me"), http.StatusOK, "Mei", "through the organisation")
	h.ages()
	want(t, b.get("/again?next=/me/passkeys/new"), http.StatusOK, `href="/again/sso?next=%2Fme%2Fpasskeys%2Fnew"`)
	if to, status := b.goes("/again/sso?next=/me/passkeys/new"); to != "/me/passkeys/new" || status != http.StatusSeeOther {
		t.Fatalf("%d to %q", status, to)
	}
	want(t, b.get("/me/passkeys/new"), http.StatusOK)
	wantRedirect(t, b.post("/sign-out", nil), "/sign-in?out=sso")
	want(t, b.get("/sign-in?out=sso"), http.StatusOK, `href="/sign-in/sso/out"`)
	if got := b.get("/sign-in/sso/out").Header().Get("Location"); got != p.URL+"/out?client_id=dingdong&post_logout_redirect_uri=http%3A%2F%2Fcounter.test%2Fsign-in" {
		t.Errorf("out to %q", got)
	}

	p.Change(func(p *ssotest.Provider) { p.Claims["email"] = "nobody@group.test" })
	stranger := newBrowser(t, h)
	if _, status := stranger.goes("/sign-in/sso"); status != http.StatusForbidden {
		t.Errorf("a stranger: %d", status)
	}
	want(t, stranger.get("/sign-in/sso/back?code=x&state=y"), http.StatusForbidden, "began in another browser")
}

func TestSignInRulesPage(t *testing.T) {
	h := newSSOHouse(t)
	ada := h.as(t, h.Admin)
	form := url.Values{"idle_hours": {"x"}, "max_days": {"30"}, "moves": {"network"}}
	want(t, ada.post("/admin/sign-in", form), http.StatusUnprocessableEntity, "does not fit here")
	form.Set("idle_hours", "24")
	form.Set("no_passwords", "on")
	want(t, ada.post("/admin/sign-in", form), http.StatusUnprocessableEntity, "No administrator could sign in")
	form.Del("no_passwords")
	form.Set("passkey_roles", "admin")
	want(t, ada.post("/admin/sign-in", form), http.StatusUnprocessableEntity, "Passkeys need an address")
	form.Del("passkey_roles")
	wantRedirect(t, ada.post("/admin/sign-in", form), "/admin/sign-in")
	h.read(func(tx *db.Tx) error {
		r, err := staff.LoadRules(tx)
		if r.IdleHours != 24 {
			t.Errorf("%+v", r)
		}
		return err
	})
}

func TestASessionFromElsewhere(t *testing.T) {
	h := newAdminHouse(t)
	h.write(func(tx *db.Tx) error { return staff.SaveRules(tx, staff.System(), staff.DefaultRules()) })
	b := newBrowser(t, h)
	b.Header.Set("User-Agent", "Mozilla/5.0 (iPhone) Safari/604.1")
	b.post("/sign-in/demo", url.Values{"id": {h.Admin}})
	want(t, b.get("/me"), http.StatusOK)
	b.Header.Set("User-Agent", "curl/8.1")
	wantRedirect(t, b.get("/me"), "/again?next=%2Fme")
	want(t, b.get("/again?next=/me"), http.StatusOK, "another device or place")
	b.Header.Set("Accept", "application/json")
	want(t, b.get("/inbox"), http.StatusUnauthorized, "another device or place")
	b.Header.Set("Accept", "text/html")
	wantRedirect(t, b.post("/again", url.Values{"again_next": {"/me"}, "again_demo": {"1"}}), "/me")
	want(t, b.get("/me"), http.StatusOK)
	b.Header.Set("User-Agent", "Mozilla/5.0 (iPhone) Safari/604.1")
	wantRedirect(t, b.post("/sign-out", nil), "/sign-in")
}
