package web

import (
	"net/http"
	"net/url"
	"slices"
	"testing"

	"dingdong/internal/conversation"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

func TestReplies(t *testing.T) {
	h := newAdminHouse(t)
	b := h.as(t, h.Admin)
	want(t, b.get("/admin/replies"), http.StatusOK, "No saved replies yet", `href="/admin/replies/new"`)
	want(t, b.post("/admin/replies", url.Values{"title": {"Hours"}}), http.StatusUnprocessableEntity, "Please fill this in", `value="Hours"`)
	want(t, b.post("/admin/replies", url.Values{"title": {"Hours"}, "text": {"x"}, "counter": {"cnt_no"}}), http.StatusUnprocessableEntity, `id="e-counter"`)
	for _, title := range []string{"One", "Two", "Three"} {
		wantRedirect(t, b.post("/admin/replies", url.Values{"title": {title}, "text": {"Dear {customer} <b>, {advisor} at {counter}"}, "counter": {h.Counter}}), "/admin/replies")
	}
	order := func() (ids, titles []string) {
		h.read(func(tx *db.Tx) error {
			all, err := h.Desk.Replies(tx, staff.System(), h.Counter)
			for _, x := range all {
				ids, titles = append(ids, x.ID), append(titles, x.Title)
			}
			return err
		})
		return ids, titles
	}
	ids, titles := order()
	if !slices.Equal(titles, []string{"One", "Two", "Three"}) {
		t.Fatalf("new ones do not go to the end: %v", titles)
	}
	wantRedirect(t, b.post("/admin/replies/"+ids[2]+"/move", url.Values{"to": {"up"}}), "/admin/replies")
	wantRedirect(t, b.post("/admin/replies/"+ids[0]+"/move", url.Values{"to": {"up"}}), "/admin/replies") // is first
	if _, titles = order(); !slices.Equal(titles, []string{"One", "Three", "Two"}) {
		t.Errorf("moved up: %v", titles)
	}
	page := b.get("/admin/replies/" + ids[0])
	want(t, page, http.StatusOK, "Dear Ms Lin &lt;b&gt;, Ada at Rosée 信義店", `data-mark="{customer}"`, "Messages written with it stay")
	wantRedirect(t, b.post("/admin/replies/"+ids[0], url.Values{"title": {"Uno"}, "text": {"x"}, "counter": {h.OtherCounter}}), "/admin/replies")
	want(t, b.get("/admin/replies"), http.StatusOK, "Lumière 信義店", "Uno")
	wantRedirect(t, b.post("/admin/replies/"+ids[0]+"/delete", nil), "/admin/replies")
	want(t, b.get("/admin/replies/"+ids[0]), http.StatusNotFound)
}

func TestManagersKeepOnlyTheirReplies(t *testing.T) {
	h := newAdminHouse(t)
	var elsewhere string
	var group, foreign conversation.Reply
	h.write(func(tx *db.Tx) error {
		sys := staff.System()
		store := must(staff.SaveStore(tx, sys, staff.StoreForm{Name: "台中店"}))
		brand := must(staff.SaveBrand(tx, sys, staff.BrandForm{Name: "Hanami"}))
		elsewhere = must(staff.SaveCounter(tx, sys, staff.CounterForm{StoreID: store.ID, BrandID: brand.ID})).ID
		group = must(h.Desk.SaveReply(tx, sys, conversation.Reply{Title: "For all", Text: "x"}))
		foreign = must(h.Desk.SaveReply(tx, sys, conversation.Reply{Title: "Foreign", Text: "x", CounterID: elsewhere}))
		return nil
	})
	b := h.as(t, h.Manager)
	list := b.get("/admin/replies")
	want(t, list, http.StatusOK, "For all")
	lacks(t, list, "Foreign", "/admin/replies/"+group.ID)
	form := b.get("/admin/replies/new")
	want(t, form, http.StatusOK, "Rosée 信義店")
	lacks(t, form, elsewhere, "Every counter")
	for _, c := range []struct {
		path    string
		counter string
		status  int
	}{
		{"/admin/replies", elsewhere, http.StatusForbidden}, {"/admin/replies", "", http.StatusForbidden},
		{"/admin/replies/" + group.ID, h.Counter, http.StatusForbidden}, {"/admin/replies/" + foreign.ID, h.Counter, http.StatusNotFound},
	} {
		want(t, b.post(c.path, url.Values{"title": {"t"}, "text": {"x"}, "counter": {c.counter}}), c.status)
	}
	want(t, b.post("/admin/replies/"+foreign.ID+"/delete", nil), http.StatusForbidden)
	want(t, b.post("/admin/replies/"+group.ID+"/move", url.Values{"to": {"down"}}), http.StatusForbidden)
	wantRedirect(t, b.post("/admin/replies", url.Values{"title": {"t"}, "text": {"x"}, "counter": {h.Counter}}), "/admin/replies")
}
