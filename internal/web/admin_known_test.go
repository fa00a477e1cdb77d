package web

import (
	"net/http"
	"net/url"
	"testing"

	"dingdong/internal/customer"
	"dingdong/internal/db"
)

func TestAttributesOfTheGroup(t *testing.T) {
	h := newAdminHouse(t)
	h.write(h.Desk.Book.EnsureDefaults)
	b := h.as(t, h.Admin)
	want(t, b.get("/admin/attributes"), http.StatusOK, "One of several choices", "dry skin, oily skin, combination skin, normal skin")
	form := url.Values{"name": {"Card Level"}, "label": {"Card <level>"}, "type": {"choice"}, "choices": {"gold = Gold <x>\nsilver＝銀卡\n\n"}, "position": {"5"}}
	got := b.post("/admin/attributes", form)
	want(t, got, http.StatusUnprocessableEntity, "Small letters", "gold = Gold &lt;x&gt;", `value="Card &lt;level&gt;"`)
	form.Set("name", "skin_type")
	want(t, b.post("/admin/attributes", form), http.StatusUnprocessableEntity, "There is one of this name already")
	form.Set("name", "card_level")
	form.Set("choices", "gold\ngold")
	want(t, b.post("/admin/attributes", form), http.StatusUnprocessableEntity, "stands there twice")
	form.Set("choices", "金卡")
	want(t, b.post("/admin/attributes", form), http.StatusUnprocessableEntity, "before = has English")
	form.Set("choices", "gold = Gold <x>\nsilver＝銀卡\n")
	form.Set("position", "first")
	want(t, b.post("/admin/attributes", form), http.StatusUnprocessableEntity, `id="e-position"`)
	form.Set("position", "5")
	wantRedirect(t, b.post("/admin/attributes", form), "/admin/attributes")
	var def customer.AttributeDef
	h.read(func(tx *db.Tx) error {
		defs, err := h.Desk.Book.AttributeDefs(tx)
		for _, d := range defs {
			if d.Name == "card_level" {
				def = d
			}
		}
		return err
	})
	if len(def.Choices) != 2 || def.Choices[1] != (customer.Choice{Code: "silver", Label: "銀卡"}) || def.Position != 5 {
		t.Fatalf("%+v", def)
	}
	path := "/admin/attributes/" + def.ID
	want(t, b.get(path), http.StatusOK, "silver = 銀卡", "card_level", `data-when="type=choice|many"`, `name="type" value="choice"`)
	wantRedirect(t, b.post(path, url.Values{"label": {"Level"}, "choices": {"gold"}, "type": {"text"}, "name": {"other"}}), "/admin/attributes")
	wantRedirect(t, b.post(path+"/close", nil), path)
	want(t, b.get(path), http.StatusOK, "This attribute is closed", "/reopen")
	wantRedirect(t, b.post(path+"/reopen", nil), path)
	want(t, b.get("/admin/attributes/atd_no"), http.StatusNotFound)
	want(t, b.post("/admin/attributes/atd_no/close", nil), http.StatusNotFound)
}

func TestTagsOfTheGroup(t *testing.T) {
	h := newAdminHouse(t)
	h.write(h.Desk.Book.EnsureDefaults)
	thread := h.says("Uwen", "hi")
	h.write(func(tx *db.Tx) error {
		_, err := h.Desk.Book.GiveTag(tx, thread.CustomerID, "concern:sensitive", customer.Proof{Source: customer.SourceStaff, At: tx.Now})
		return err
	})
	b := h.as(t, h.Admin)
	want(t, b.get("/admin/tags"), http.StatusOK, "sensitive skin", "1 customer", "Skin concerns", "holds 730 days", "pill-violet")
	search := b.get("/admin/tags?q=Sensitive")
	want(t, search, http.StatusOK, "sensitive skin")
	lacks(t, search, "scent:rose")
	want(t, b.get("/admin/tags?q=nowhere"), http.StatusOK, "No such tag")
	form := url.Values{"name": {"Tea lovers"}, "label": {"Tea <lovers>"}, "tone": {"green"}, "days": {"30"}}
	want(t, b.post("/admin/tags", form), http.StatusUnprocessableEntity, "at most one colon", `value="Tea &lt;lovers&gt;"`, `pill-green" data-sample`)
	form.Set("name", "tea_lover")
	form.Set("days", "9999")
	want(t, b.post("/admin/tags", form), http.StatusUnprocessableEntity, "3650 at most")
	form.Set("days", "30")
	wantRedirect(t, b.post("/admin/tags", form), "/admin/tags")
	path := link(t, b.get("/admin/tags?q=tea"), "/admin/tags/tag")
	want(t, b.get(path), http.StatusOK, `name="days" id="f-days" value="30"`, "tea_lover")
	wantRedirect(t, b.post(path, url.Values{"label": {"Tea"}, "tone": {"rose"}, "by_hand": {"on"}}), "/admin/tags")
	wantRedirect(t, b.post(path+"/close", nil), path)
	want(t, b.get("/admin/tags"), http.StatusOK, "Closed")
	wantRedirect(t, b.post(path+"/reopen", nil), path)
	want(t, b.get("/admin/tags/tag_no"), http.StatusNotFound)
	h.read(func(tx *db.Tx) error {
		tags, err := h.Desk.Book.Tags(tx)
		for _, x := range tags {
			if x.Name == "tea_lover" && (x.Tone != "rose" || !x.ByHand || x.Days != 0 || x.Closed) {
				t.Errorf("%+v", x)
			}
		}
		return err
	})
}
