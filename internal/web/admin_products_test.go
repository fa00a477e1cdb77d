package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"dingdong/internal/catalogue"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// TestCategoryIsEnteredByItsWord: people read and write words, and what is stored is the
// code that the words of customers lead to, too.
func TestCategoryIsEnteredByItsWord(t *testing.T) {
	h := newAdminHouse(t)
	b := h.as(t, h.Admin)
	for _, entered := range []struct{ typed, stored, shown string }{
		{" Sun Care", "suncare", "sun care"}, {"suncare", "suncare", "sun care"}, {"Tea ", "Tea", "Tea"},
	} {
		form := url.Values{"ref": {"R-" + entered.typed}, "name": {"Product"}, "category": {entered.typed}}
		path := b.post("/admin/products", form).Header().Get("Location")
		want(t, b.get(path), http.StatusOK, `value="`+entered.shown+`"`)
		h.read(func(tx *db.Tx) error {
			p, err := h.Shop.ProductByID(tx, strings.TrimPrefix(path, "/admin/products/"))
			if p.Category != entered.stored {
				t.Errorf("%q is stored as %q", entered.typed, p.Category)
			}
			return err
		})
	}
}

func TestProductsAreKeptByHand(t *testing.T) {
	h := newAdminHouse(t)
	b := h.as(t, h.Admin)
	want(t, b.get("/admin/products"), http.StatusOK, "No products yet", "/admin/imports")
	form := url.Values{"name": {"Velvet <Lip>"}, "category": {"lipstick"}, "lasts_days": {"many"}, "url": {"javascript:x"}}
	want(t, b.post("/admin/products", form), http.StatusUnprocessableEntity, "Velvet &lt;Lip&gt;", `id="e-ref"`)
	form.Set("ref", "VL-1")
	want(t, b.post("/admin/products", form), http.StatusUnprocessableEntity, `id="e-url"`)
	form.Set("url", "https://shop.example/vl")
	want(t, b.post("/admin/products", form), http.StatusUnprocessableEntity, `id="e-lasts_days"`)
	form.Set("lasts_days", "90")
	added := b.post("/admin/products", form)
	path := added.Header().Get("Location")
	if added.Code != http.StatusSeeOther || !strings.HasPrefix(path, "/admin/products/prd_") {
		t.Fatalf("%d %s", added.Code, path)
	}
	form.Set("name", "Another")
	want(t, b.post("/admin/products", form), http.StatusUnprocessableEntity, "There is one of this name already") // nothing is overwritten
	want(t, b.get(path), http.StatusOK, "Velvet &lt;Lip&gt;", "No variants yet", "lipstick")

	store := storeNamed(h)
	variant := url.Values{"name": {"03 Rosewood"}, "colour": {"red"}, "facets": {"finish:matte", "tea:green"}, "price.": {"NT$1,280"}, "currency.": {"twd"},
		"price." + store: {"12x"}, "currency." + store: {"TWD"}, "arrived_at": {"2025-11-01"}}
	vpath := path + "/variants"
	want(t, b.post(vpath, variant), http.StatusUnprocessableEntity, `value="12x"`, "e-price-"+store, "03 Rosewood")
	variant.Set("price."+store, "1180")
	want(t, b.post(vpath, variant), http.StatusUnprocessableEntity, `id="e-sku"`, `value="NT$1,280"`, "tea:green")
	variant.Set("sku", "VL-103")
	want(t, b.post(vpath, variant), http.StatusUnprocessableEntity, `id="e-colour"`)
	variant.Set("colour", "#8a3344")
	variant.Set("arrived_at", "soon")
	want(t, b.post(vpath, variant), http.StatusUnprocessableEntity, `id="e-arrived_at"`)
	variant.Set("arrived_at", "2025-11-01")
	variant.Set("currency."+store, "ZZZ")
	want(t, b.post(vpath, variant), http.StatusUnprocessableEntity, "e-price-"+store)
	variant.Set("currency."+store, "TWD")
	wantRedirect(t, b.post(vpath, variant), path)
	want(t, b.post(vpath, variant), http.StatusUnprocessableEntity, "There is one of this name already")
	page := b.get(path)
	want(t, page, http.StatusOK, `fill="#8a3344"`, "NT$1,180 – NT$1,280", "matte", "VL-103")
	edit := link(t, page, vpath+"/var")
	want(t, b.get(edit), http.StatusOK, `value="2025-11-01"`, `value="1280"`, "tea:green")
	variant.Set("size", "3.5 g")
	variant.Del("price." + store)
	wantRedirect(t, b.post(edit, variant), path)
	h.read(func(tx *db.Tx) error {
		x, err := h.Shop.VariantBySKU(tx, "VL-103")
		if x.Size != "3.5 g" || len(x.Prices) != 1 || x.Prices[0].Amount != 1280 && x.Prices[0].Amount != 128000 {
			t.Errorf("%+v", x)
		}
		return err
	})
	// A change of the product leaves its variants alone.
	wantRedirect(t, b.post(path, url.Values{"name": {"Velvet"}, "closed": {"on"}}), path)
	want(t, b.get(path), http.StatusOK, "no longer sold", "VL-103")
	lacks(t, b.get("/admin/products"), "VL-1 ")
	want(t, b.get("/admin/products?closed=on&q=vl-10"), http.StatusOK, "Velvet")
	want(t, b.get("/admin/products?q=nothing"), http.StatusOK, "Nothing found", `value="nothing"`)
	want(t, b.get("/admin/products/prd_no"), http.StatusNotFound)
	want(t, b.get(vpath+"/var_no"), http.StatusNotFound)
}

func storeNamed(h *adminHouse) (id string) {
	h.read(func(tx *db.Tx) error {
		stores, err := staff.ListStores(tx)
		id = stores[0].ID
		return err
	})
	return id
}

func TestProductsArePaged(t *testing.T) {
	h := newAdminHouse(t)
	h.write(func(tx *db.Tx) error {
		var forms []catalogue.ProductForm
		for i := range 120 {
			forms = append(forms, catalogue.ProductForm{Ref: string(rune('a'+i%26)) + strings.Repeat("x", i/26), Name: "Balm " + string(rune('a'+i%26)) + strings.Repeat("x", i/26),
				Variants: []catalogue.VariantForm{{SKU: "s" + string(rune('a'+i%26)) + strings.Repeat("x", i/26), ArrivedAt: tx.Now.AddDate(0, 0, -i)}}})
		}
		_, err := h.Shop.Upsert(tx, staff.System(), forms)
		return err
	})
	b := h.as(t, h.Admin)
	path, seen := "/admin/products?q=balm", 0
	for range 4 {
		page := b.get(path)
		want(t, page, http.StatusOK)
		seen += strings.Count(page.Body.String(), `href="/admin/products/prd_`)
		before, _, more := strings.Cut(page.Body.String(), `" rel="next"`)
		if !more {
			break
		}
		path = strings.ReplaceAll(before[strings.LastIndex(before, `"`)+1:], "&amp;", "&")
	}
	if seen != 120 {
		t.Errorf("%d products on all pages", seen)
	}
	want(t, b.get(path), http.StatusOK, "To the beginning")
	arrivals := b.get("/admin/arrivals")
	want(t, arrivals, http.StatusOK, "New at the counters within 60 days")
	if n := strings.Count(arrivals.Body.String(), "/variants/var_"); n != 60 && n != 61 {
		t.Errorf("%d arrivals", n)
	}
}
