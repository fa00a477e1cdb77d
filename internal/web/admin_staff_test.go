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

func TestStaffPages(t *testing.T) {
	h := newAdminHouse(t)
	b := h.as(t, h.Admin)
	want(t, b.get("/admin/staff"), http.StatusOK, "Mei", "Advisor · Rosée 信義店", "all of 信義店", "all counters, read only", "Has no password yet")
	found := b.get("/admin/staff?q=MEI")
	want(t, found, http.StatusOK, "Mei")
	lacks(t, found, "Olga")
	want(t, b.get("/admin/staff?q=zzz"), http.StatusOK, "Nobody by that name", `href="/admin/staff"`)

	want(t, b.get("/admin/staff/new"), http.StatusOK, "answers customers at her counters", `data-when="role=manager"`, `type="radio"`)
	form := url.Values{"name": {"Wei"}, "email": {"mei@group.test"}, "role": {"advisor"}, "counters": {h.Counter}}
	want(t, b.post("/admin/staff", form), http.StatusUnprocessableEntity, "Somebody has this already", `value="`+h.Counter+`" checked`)
	form.Set("email", "wei@group.test")
	form.Del("role")
	want(t, b.post("/admin/staff", form), http.StatusUnprocessableEntity, "Please fill this in", "wei@group.test")
	form.Set("role", "advisor")
	form.Set("counters", "cnt_no")
	want(t, b.post("/admin/staff", form), http.StatusUnprocessableEntity, "cannot be right")
	form.Set("counters", h.Counter)
	got := b.post("/admin/staff", form)
	want(t, got, http.StatusOK, "A password for Wei", "shown only now", `data-settle="/admin/staff/stf_`, "http://counter.test/sign-in", "wei@group.test")

	password := regexp.MustCompile(`data-copy="([a-z0-9-]{19,})"`).FindStringSubmatch(got.Body.String())
	if password == nil {
		t.Fatalf("no password on %.3000s", got.Body)
	}
	wei := newBrowser(t, h)
	wantRedirect(t, wei.post("/sign-in", url.Values{"email": {"wei@group.test"}, "password": {password[1]}}), "/")
	wantRedirect(t, wei.get("/inbox"), "/me")

	path := regexp.MustCompile(`data-settle="([^"]+)"`).FindStringSubmatch(got.Body.String())[1]
	want(t, b.get(path), http.StatusOK, "was given a password", "New password", "End her access")
	form.Set("name", "Wei-Wei")
	wantRedirect(t, b.post(path, form), "/admin/staff")
	want(t, b.post(path+"/password", nil), http.StatusOK, "A password for Wei-Wei")
	want(t, b.get("/admin/staff/stf_no"), http.StatusNotFound)

	self := b.get("/admin/staff/" + h.Admin)
	want(t, self, http.StatusOK, "This is you")
	lacks(t, self, "End her access", "New password")
	want(t, b.post("/admin/staff/"+h.Admin+"/password", nil), http.StatusForbidden)
}

func TestEndingAndReturning(t *testing.T) {
	h := newAdminHouse(t)
	b, mei := h.as(t, h.Admin), h.as(t, h.Advisor)
	thread := h.says("Uwen", "is it open?")
	h.write(func(tx *db.Tx) error {
		v, err := staff.ViewerByID(tx, h.Advisor)
		if err != nil {
			return err
		}
		return h.Desk.Take(tx, v, thread.ID)
	})
	path := "/admin/staff/" + h.Advisor
	want(t, b.get(path), http.StatusOK, "Her open conversation goes back to its counter", "What she wrote stays")
	wantRedirect(t, b.post(path+"/end", nil), "/admin/staff")
	want(t, b.get("/admin/staff"), http.StatusOK, "No longer here", "Her access is ended")
	if got := mei.get("/me"); got.Code != http.StatusSeeOther {
		t.Errorf("she is still signed in: %d", got.Code)
	}
	h.read(func(tx *db.Tx) error {
		row, err := h.Desk.InboxRow(tx, thread.ID)
		if row.AssigneeID != "" {
			t.Errorf("her thread is still hers")
		}
		return err
	})
	left := b.get(path)
	want(t, left, http.StatusOK, "cannot sign in", "She is back")
	lacks(t, left, "End her access", "New password")
	wantRedirect(t, b.post(path+"/return", nil), path)
	want(t, b.get(path), http.StatusOK, "Welcome back", "has no password yet", "New password")
	want(t, b.post("/admin/staff/stf_no/end", nil), http.StatusNotFound)

	last := b.post("/admin/staff/"+h.Admin+"/end", nil)
	want(t, last, http.StatusUnprocessableEntity, "Somebody must remain administrator")
	form := url.Values{"name": {"Ada"}, "email": {"ada@group.test"}, "role": {"advisor"}}
	got := b.post("/admin/staff/"+h.Admin, form)
	want(t, got, http.StatusUnprocessableEntity, "Somebody must remain administrator")
	if !strings.Contains(got.Body.String(), `id="e-role"`) {
		t.Error("the reason does not stand beside the role")
	}
}
