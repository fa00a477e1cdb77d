package web

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"dingdong/internal/catalogue"
	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// adminVariantPage is the form of one variant.
type adminVariantPage struct {
	Frame
	Top    AdminTop
	Form   Form
	Action string
	Known  bool
	Colour string // as the catalogue has it, for the dot
	Facets Choices
	Prices []priceLine
}

// priceLine is what a variant costs in one store.
type priceLine struct {
	Store, Name      string // Store empty: every store
	Amount, Currency string
	Error            string
}

// usualCurrency is where the group's shops begin.
const usualCurrency = "TWD"

func (s *Server) showVariant(w http.ResponseWriter, _ *http.Request, v *Visit) error {
	return s.variantPage(w, v, Form{})
}

func (s *Server) variantPage(w http.ResponseWriter, v *Visit, f Form) error {
	product, id := v.request.PathValue("product"), v.request.PathValue("variant")
	var p catalogue.Product
	var stores []staff.Store
	err := s.DB.Read(v.request.Context(), func(tx *db.Tx) (err error) {
		if stores, err = staff.ListStores(tx); err != nil {
			return err
		}
		p, err = s.Shop.ProductByID(tx, product)
		return err
	})
	if err != nil {
		return err
	}
	x, err := variantOf(p, id)
	if err != nil {
		return err
	}
	data := adminVariantPage{Action: "/admin/products/" + product + "/variants",
		Top: AdminTop{Up: Step{"/admin/products/" + product, p.Name}, Title: v.T("goods.variant_add"), Text: p.Name}}
	if id != "" {
		data.Action += "/" + id
		data.Known, data.Colour = true, x.Colour
		line := s.variantLine(v, x)
		data.Top.Title, data.Top.Text = line.Name, joined(p.Name, x.SKU)
		if f.Values == nil {
			f.Values = s.variantValues(x)
		}
	}
	data.Facets, data.Prices = s.facetChoices(v, f), priceLines(v, stores, f)
	data.Form = f
	data.Frame = s.frame(v, "admin", data.Top.Title)
	data.Path = data.Action
	return s.render(w, v, view{Page: "admin_variant", Status: f.status(), Data: data})
}

// variantOf finds a variant; an empty id is a new one.
func variantOf(p catalogue.Product, id string) (catalogue.Variant, error) {
	i := slices.IndexFunc(p.Variants, func(x catalogue.Variant) bool { return x.ID == id })
	switch {
	case id == "":
		return catalogue.Variant{}, nil
	case i < 0:
		return catalogue.Variant{}, db.ErrNotFound
	}
	return p.Variants[i], nil
}

func (s *Server) variantValues(x catalogue.Variant) url.Values {
	values := url.Values{"name": {x.Name}, "shade": {x.Shade}, "colour": {x.Colour}, "size": {x.Size}, "scent": {x.Scent}, "barcode": {x.Barcode},
		"facets": x.Facets, "closed": {checked(!x.ClosedAt.IsZero())}}
	if !x.ArrivedAt.IsZero() {
		values.Set("arrived_at", x.ArrivedAt.In(s.zone).Format(time.DateOnly))
	}
	for _, p := range x.Prices {
		values.Set("price."+p.StoreID, catalogue.FormatAmount(p.Amount, p.Currency))
		values.Set("currency."+p.StoreID, p.Currency)
	}
	return values
}

// facetChoices offers what lexicons and wishes can be about, and what is there beside it.
func (s *Server) facetChoices(v *Visit, f Form) Choices {
	c := Choices{Name: "facets", Label: v.T("goods.facets"), Hint: v.T("goods.facets_hint"), Error: f.Errors["facets"]}
	seen := map[string]bool{}
	for _, k := range customer.Facets() {
		g := ChoiceGroup{Title: kindName(v.Words, k.Name)}
		for _, value := range k.Values {
			name := k.Name + ":" + value
			seen[name] = true
			g.Options = append(g.Options, Choice{Value: name, Text: s.TagLabel(v.Words, name, ""), On: slices.Contains(f.Values["facets"], name)})
		}
		c.Groups = append(c.Groups, g)
	}
	others := ChoiceGroup{Title: v.T("known.kind.other")}
	for _, name := range f.Values["facets"] {
		if !seen[name] {
			others.Options = append(others.Options, Choice{Value: name, Text: s.TagLabel(v.Words, name, ""), Hint: name, On: true})
		}
	}
	if len(others.Options) > 0 {
		c.Groups = append(c.Groups, others)
	}
	return c
}

// priceLines are the prices: that of every store first, then those of the open
// stores and of closed ones that have one.
func priceLines(v *Visit, stores []staff.Store, f Form) []priceLine {
	lines := []priceLine{{Name: v.T("goods.every_store")}}
	for _, st := range stores {
		if st.ClosedAt.IsZero() || f.Values.Get("price."+st.ID) != "" {
			lines = append(lines, priceLine{Store: st.ID, Name: st.Name})
		}
	}
	usual := cmp.Or(f.Values.Get("currency."), usualCurrency)
	for i := range lines {
		x := &lines[i]
		x.Amount, x.Currency, x.Error = f.Values.Get("price."+x.Store), cmp.Or(f.Values.Get("currency."+x.Store), usual), f.Errors["price."+x.Store]
	}
	return lines
}

// typedPrices reads the prices of a form.
func typedPrices(form url.Values) ([]catalogue.PriceForm, error) {
	var fields []string
	for name, values := range form {
		if strings.HasPrefix(name, "price.") && strings.TrimSpace(values[0]) != "" {
			fields = append(fields, name)
		}
	}
	slices.Sort(fields)
	var out []catalogue.PriceForm
	for _, name := range fields {
		store := strings.TrimPrefix(name, "price.")
		p := catalogue.PriceForm{Store: store, Currency: strings.ToUpper(strings.TrimSpace(form.Get("currency." + store)))}
		var err error
		if p.Amount, err = catalogue.ParseAmount(form.Get(name), p.Currency); err != nil {
			var invalid db.Invalid
			if errors.As(err, &invalid) {
				err = db.Invalid{Field: name, Code: invalid.Code}
			}
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

func (s *Server) saveVariant(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if err := r.ParseForm(); err != nil {
		return malformed(err)
	}
	form, product, id := r.PostForm, r.PathValue("product"), r.PathValue("variant")
	f := Form{Values: form}
	prices, err := typedPrices(form)
	if _, wrong := time.Parse(time.DateOnly, form.Get("arrived_at")); err == nil && wrong != nil && form.Get("arrived_at") != "" {
		err = db.Invalid{Field: "arrived_at", Code: "date"}
	}
	if err == nil {
		err = s.DB.Write(r.Context(), func(tx *db.Tx) error {
			p, err := s.Shop.ProductByID(tx, product)
			if err != nil {
				return err
			}
			old, err := variantOf(p, id)
			if err != nil {
				return err
			}
			return s.keepVariant(tx, v, p, s.typedVariant(form, old, prices))
		})
	}
	var invalid db.Invalid
	if errors.As(err, &invalid) {
		f.Refuse(variantField(invalid.Field, prices), invalid.Code)
		return s.variantPage(w, v, f)
	}
	if err != nil {
		return err
	}
	return s.done(w, v, "/admin/products/"+product, "done.saved")
}

// typedVariant is what the form says; the SKU of one that is there stays.
func (s *Server) typedVariant(form url.Values, old catalogue.Variant, prices []catalogue.PriceForm) catalogue.VariantForm {
	x := catalogue.VariantForm{SKU: cmp.Or(old.SKU, form.Get("sku")), Name: form.Get("name"), Shade: form.Get("shade"), Colour: form.Get("colour"),
		Size: form.Get("size"), Scent: form.Get("scent"), Barcode: form.Get("barcode"), Closed: form.Get("closed") == "on", Facets: form["facets"], Prices: prices}
	day, err := time.ParseInLocation(time.DateOnly, form.Get("arrived_at"), s.zone)
	switch {
	case err == nil && !old.ArrivedAt.IsZero() && old.ArrivedAt.In(s.zone).Format(time.DateOnly) == form.Get("arrived_at"):
		x.ArrivedAt = old.ArrivedAt // the hour is kept
	case err == nil:
		x.ArrivedAt = day
	}
	return x
}

// keepVariant changes one variant and nothing else of its product.
func (s *Server) keepVariant(tx *db.Tx, v *Visit, p catalogue.Product, x catalogue.VariantForm) error {
	if v.request.PathValue("variant") == "" {
		_, err := s.Shop.VariantBySKU(tx, strings.TrimSpace(x.SKU))
		if err == nil {
			return db.Invalid{Field: "sku", Code: "name_taken"}
		}
		if !errors.Is(err, db.ErrNotFound) {
			return err
		}
	}
	_, err := s.upsert(tx, v, catalogue.ProductForm{Ref: p.Ref, Brand: p.BrandID, Name: p.Name, Category: p.Category, LastsDays: p.LastsDays,
		URL: p.URL, Closed: !p.ClosedAt.IsZero(), Variants: []catalogue.VariantForm{x}})
	return err
}

// variantField is the field of the form that an error is about: "variants.1.prices.2.amount".
func variantField(field string, prices []catalogue.PriceForm) string {
	field = strings.TrimPrefix(field, "variants.1.")
	if rest, ok := strings.CutPrefix(field, "prices."); ok {
		n, _, _ := strings.Cut(rest, ".")
		if i := typedNumber(n); i >= 1 && i <= len(prices) {
			return "price." + prices[i-1].Store
		}
	}
	return field
}
