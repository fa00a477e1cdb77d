package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestPlaces(t *testing.T) {
	h := newAdminHouse(t)
	b := h.as(t, h.Admin)

	want(t, b.get("/admin/stores"), http.StatusOK, "信義店", "2 counters", "Asia/Taipei (UTC&#43;8)")
	got := b.post("/admin/stores", url.Values{"name": {" "}, "timezone": {"Asia/Tokyo"}})
	want(t, got, http.StatusUnprocessableEntity, "Please fill this in", `aria-invalid="true"`, `value="Asia/Tokyo" selected`)
	want(t, b.post("/admin/stores", url.Values{"name": {"信義店"}}), http.StatusUnprocessableEntity, "Somebody has this already")
	want(t, b.post("/admin/stores", url.Values{"name": {"x"}, "timezone": {"Mars/Olympus"}}), http.StatusUnprocessableEntity, "cannot be right")
	wantRedirect(t, b.post("/admin/stores", url.Values{"name": {"A8 <b>"}, "timezone": {"Asia/Tokyo"}}), "/admin/stores")
	want(t, b.get("/admin/stores"), http.StatusOK, "A8 &lt;b&gt;", "UTC&#43;9", "0 counters", "Saved")

	old := link(t, b.get("/admin/counters"), "/admin/counters/cnt")
	page := b.get(old)
	want(t, page, http.StatusOK, "信義店", "Close this counter", "move or close them first")
	lacks(t, page, `name="store"`) // it stays where it is
	wantRedirect(t, b.post(old, url.Values{"name": {"一樓"}}), "/admin/counters")
	want(t, b.get("/admin/counters"), http.StatusOK, "一樓")
	wantRedirect(t, b.post(old, url.Values{"name": {""}}), "/admin/counters") // empty: brand and store again
	want(t, b.get("/admin/counters"), http.StatusOK, "Lumière 信義店")

	store := strings.Split(link(t, b.get("/admin/stores"), "/admin/stores/sto"), "/")[3]
	want(t, b.get("/admin/counters/new"), http.StatusOK, "A8 &lt;b&gt;", "Rosée", "Customers read it")
	want(t, b.post("/admin/counters", url.Values{"store": {store}}), http.StatusUnprocessableEntity, "Please fill this in")
}

func TestClosingPlaces(t *testing.T) {
	h := newAdminHouse(t)
	b := h.as(t, h.Admin)
	store := link(t, b.get("/admin/stores"), "/admin/stores/sto")
	want(t, b.post(store+"/close", nil), http.StatusUnprocessableEntity, "Close its counters first", `role="alert"`, "信義店")
	for _, id := range []string{h.Counter, h.OtherCounter} {
		wantRedirect(t, b.post("/admin/counters/"+id+"/close", nil), "/admin/counters/"+id)
	}
	wantRedirect(t, b.post(store+"/close", nil), store)
	want(t, b.get(store), http.StatusOK, "This is closed", "Open again", "Its counters stay closed")
	want(t, b.post("/admin/counters/"+h.Counter+"/reopen", nil), http.StatusUnprocessableEntity, "This is closed")
	want(t, b.get("/admin/stores"), http.StatusOK, "Closed")
	wantRedirect(t, b.get("/admin/counters/new"), "/admin/stores/new") // nowhere to stand
	wantRedirect(t, b.post(store+"/reopen", nil), store)
	wantRedirect(t, b.post("/admin/counters/"+h.Counter+"/reopen", nil), "/admin/counters/"+h.Counter)

	brand := link(t, b.get("/admin/brands"), "/admin/brands/brd")
	want(t, b.get(brand), http.StatusOK, "Close this brand")
	for _, path := range []string{"/admin/stores/sto_no", "/admin/brands/brd_no", "/admin/counters/cnt_no"} {
		want(t, b.get(path), http.StatusNotFound)
		want(t, b.post(path, url.Values{"name": {"x"}}), http.StatusNotFound)
		want(t, b.post(path+"/close", nil), http.StatusNotFound)
	}
}

func TestZoneName(t *testing.T) {
	for zone, want := range map[string]string{"Asia/Taipei": "Asia/Taipei (UTC+8)", "America/New_York": "America/New_York (UTC-5)",
		"Asia/Kolkata": "Asia/Kolkata (UTC+5:30)", "No/Where": "No/Where"} {
		if got := zoneName(zone, time.Date(2025, 11, 22, 0, 0, 0, 0, time.UTC)); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	if got := zones("Asia/Kolkata", noon); got[0].Value != "Asia/Kolkata" {
		t.Errorf("a zone that was set elsewhere gets lost: %v", got[0])
	}
}
