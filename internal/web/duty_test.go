package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"dingdong/internal/db"
	"dingdong/internal/staff"
)

func (h *adminHouse) person(id string) (p staff.Person) {
	h.t.Helper()
	h.read(func(tx *db.Tx) (err error) {
		p, err = staff.GetStaff(tx, id)
		return err
	})
	return p
}

func TestAwayAndBack(t *testing.T) {
	h := newAdminHouse(t)
	b, admin := h.as(t, h.Advisor), h.as(t, h.Admin)
	want(t, b.get("/me"), http.StatusOK, "On duty", "Away for an hour", `name="until"`)
	wantRedirect(t, b.post("/me/away", url.Values{"for": {"hour"}}), "/me")
	if until := h.person(h.Advisor).AwayUntil; time.Until(until) < 58*time.Minute || time.Until(until) > 61*time.Minute {
		t.Errorf("away until %v", until)
	}
	want(t, b.get("/me"), http.StatusOK, "You are away until", "I am back")
	want(t, admin.get("/admin/staff/"+h.Advisor), http.StatusOK, "She is away until", "She is back")
	wantRedirect(t, admin.post("/admin/staff/"+h.Advisor+"/away", url.Values{"for": {"back"}}), "/admin/staff/"+h.Advisor)
	if !h.person(h.Advisor).AwayUntil.IsZero() {
		t.Error("she is not back")
	}
	taipei := must(time.LoadLocation("Asia/Taipei"))
	later := time.Now().In(taipei).AddDate(0, 0, 3).Truncate(time.Minute)
	wantRedirect(t, b.post("/me/away", url.Values{"until": {later.Format(localTime)}}), "/me")
	if until := h.person(h.Advisor).AwayUntil; !until.Equal(later) {
		t.Errorf("away until %v, want %v by her counter's clock", until, later)
	}
	for name, form := range map[string]url.Values{
		"nothing": nil, "nonsense": {"until": {"soon"}}, "past": {"until": {"2001-01-01T10:00"}}, "far": {"until": {"2999-01-01T10:00"}},
		"endless": {"until": {strings.Repeat("9", 4000)}}, "empty": {"until": {""}},
	} {
		if got := b.post("/me/away", form); got.Code != http.StatusUnprocessableEntity || !strings.Contains(got.Body.String(), `id="e-until"`) {
			t.Errorf("%s: %d", name, got.Code)
		}
	}
	at := time.Date(2026, 11, 22, 20, 0, 0, 0, taipei)
	if got, err := awayUntil(url.Values{"for": {"tomorrow"}}, at, taipei); err != nil || !got.Equal(time.Date(2026, 11, 23, 10, 0, 0, 0, taipei)) {
		t.Errorf("tomorrow is %v, %v", got, err)
	}
}

func TestWhatCustomersReadOfHer(t *testing.T) {
	h := newAdminHouse(t)
	b, admin := h.as(t, h.Advisor), h.as(t, h.Admin)
	form := url.Values{"languages": {"en", "zh-Hant"}, "specialities": {" <b>scents</b> \n and more "}}
	wantRedirect(t, b.post("/me/shown", form), "/me")
	if p := h.person(h.Advisor); strings.Join(p.Languages, " ") != "en zh-Hant" || p.Specialities != "<b>scents</b> and more" {
		t.Errorf("kept %q %q", p.Languages, p.Specialities)
	}
	want(t, b.get("/me/shown"), http.StatusOK, "&lt;b&gt;scents&lt;/b&gt; and more", `value="zh-Hant" checked`)
	want(t, admin.get("/admin/staff/"+h.Advisor), http.StatusOK, "&lt;b&gt;scents", `value="en" checked`)
	for name, x := range map[string]struct{ form url.Values }{
		"over-long":       {url.Values{"specialities": {strings.Repeat("長", 201)}}},
		"hostile code":    {url.Values{"languages": {"<script>"}}},
		"a hundred codes": {url.Values{"languages": strings.Fields(strings.Repeat("aa ab ac ad ae af ag ah ai aj ak al am an ", 2))}},
	} {
		if got := b.post("/me/shown", x.form); got.Code != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d", name, got.Code)
		}
	}
	person := url.Values{"name": {"Mei"}, "email": {"mei@group.test"}, "role": {"advisor"}, "counters": {h.Counter}, "languages": {"th"}, "specialities": {"x"}}
	wantRedirect(t, admin.post("/admin/staff/"+h.Advisor, person), "/admin/staff")
	if p := h.person(h.Advisor); strings.Join(p.Languages, " ") != "th" || p.Specialities != "x" {
		t.Errorf("the administrator's: %q %q", p.Languages, p.Specialities)
	}
}

func TestStandIn(t *testing.T) {
	h := newAdminHouse(t)
	admin := h.as(t, h.Admin)
	want(t, admin.get("/admin/counters/"+h.Counter), http.StatusOK, "Stand-in", "The whole counter", `value="`+h.Advisor+`"`)
	wantRedirect(t, admin.post("/admin/counters/"+h.Counter, url.Values{"name": {"Rosée"}, "stand_in": {h.Advisor}}), "/admin/counters")
	want(t, admin.get("/admin/counters/"+h.Counter), http.StatusOK, `value="`+h.Advisor+`" selected`)
	want(t, admin.post("/admin/counters/"+h.Counter, url.Values{"name": {"Rosée"}, "stand_in": {h.Other}}), http.StatusUnprocessableEntity, "She does not work at this counter")
	wantRedirect(t, admin.post("/admin/counters/"+h.Counter, url.Values{"name": {"Rosée"}, "stand_in": {""}}), "/admin/counters")
}

func TestTheHeadSaysForWhomSheCovers(t *testing.T) {
	h := newAdminHouse(t)
	thread := h.says("Ucovered", "is Mei there?")
	h.write(func(tx *db.Tx) error {
		_, err := tx.Exec(`UPDATE thread SET assignee_id = $2, covers_id = $3 WHERE id = $1`, thread.ID, h.Manager, h.Advisor)
		return err
	})
	want(t, h.as(t, h.Manager).get("/inbox/"+thread.ID), http.StatusOK, "covering for Mei")
	want(t, h.as(t, h.Advisor).get("/inbox/"+thread.ID+"/head"), http.StatusOK, "covering for Mei", "with Min")
}
