package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"dingdong/internal/audit"
	"dingdong/internal/catalogue"
	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// adminProductsPage lists what is sold.
type adminProductsPage struct {
	Frame
	Top        AdminTop
	Form       Form
	Brands     []Option
	Categories []Option
	Rows       []productRow
	Nothing    Empty
	First      string // the way back to the beginning of a long list
	Next       string
}

// productRow is one product.
type productRow struct {
	Path, Name, Text string
	Price            string
	Shades           []string // colours, a few of them
	More             int
	Closed           bool
}

// shadesShown is how many colours stand in a line of the list.
const shadesShown = 8

func (s *Server) listProducts(w http.ResponseWriter, r *http.Request, v *Visit) error {
	q := r.URL.Query()
	filter := catalogue.ProductFilter{Query: strings.TrimSpace(q.Get("q")), BrandID: q.Get("brand"), Category: q.Get("category"),
		Closed: q.Get("closed") == "on", After: q.Get("after"), Limit: 50}
	var page catalogue.ProductPage
	var brands []staff.Brand
	var categories []string
	err := s.DB.Read(r.Context(), func(tx *db.Tx) (err error) {
		if brands, err = staff.ListBrands(tx); err != nil {
			return err
		}
		if categories, err = s.Shop.Categories(tx); err != nil {
			return err
		}
		page, err = s.Shop.Products(tx, filter)
		return err
	})
	if err != nil {
		return err
	}
	title, add := v.T("goods.title"), Step{"/admin/products/new", v.T("goods.add")}
	data := adminProductsPage{Frame: s.frame(v, "admin", title), Form: Form{Values: q},
		Top:     AdminTop{Up: adminUp(v), Title: title, Text: v.T("goods.about"), Do: add},
		Nothing: Empty{Icon: "box", Title: v.T("goods.none"), Text: v.T("goods.none_text")}.Action("/admin/imports", v.T("import.title"))}
	if filter.Query+filter.BrandID+filter.Category+filter.After != "" {
		data.Nothing = Empty{Icon: "search", Title: v.T("goods.not_found"), Text: v.T("goods.not_found_text")}.Action("/admin/products", v.T("goods.all"))
	}
	data.Brands = []Option{{"", v.T("goods.every_brand")}}
	for _, b := range brands {
		data.Brands = append(data.Brands, Option{b.ID, b.Name})
	}
	data.Categories = []Option{{"", v.T("goods.every_category")}}
	for _, c := range categories {
		data.Categories = append(data.Categories, Option{c, s.categoryName(v.Words, c)})
	}
	for _, p := range page.Products {
		data.Rows = append(data.Rows, s.productRow(v, p, brandName(brands, p.BrandID)))
	}
	q.Del("after")
	if filter.After != "" {
		data.First = "/admin/products?" + q.Encode()
	}
	if page.Next != "" {
		q.Set("after", page.Next)
		data.Next = "/admin/products?" + q.Encode()
	}
	return s.render(w, v, view{Page: "admin_products", Data: data})
}

// categoryCodes are the categories that the house has words for.
func categoryCodes() []string {
	for _, k := range customer.Facets() {
		if k.Name == "category" {
			return k.Values
		}
	}
	return nil
}

// categoryName says a category: the house's word where it is one of its own codes.
func (s *Server) categoryName(w *Words, category string) string {
	if slices.Contains(categoryCodes(), category) {
		return s.TagLabel(w, "category:"+category, "")
	}
	return category
}

// categoryOf is what somebody means who enters a category by its word.
func (s *Server) categoryOf(w *Words, entered string) string {
	entered = strings.TrimSpace(entered)
	for _, code := range categoryCodes() {
		if strings.EqualFold(s.categoryName(w, code), entered) {
			return code
		}
	}
	return entered
}

func (s *Server) productRow(v *Visit, p catalogue.Product, brand string) productRow {
	category := ""
	if p.Category != "" {
		category = s.categoryName(v.Words, p.Category)
	}
	row := productRow{Path: "/admin/products/" + p.ID, Name: p.Name, Closed: !p.ClosedAt.IsZero(), Price: priceRange(p.Variants),
		Text: joined(p.Ref, brand, category, v.T("goods.variants_count", "n", len(p.Variants)))}
	for _, x := range p.Variants {
		if x.Colour != "" && x.ClosedAt.IsZero() {
			row.Shades = append(row.Shades, x.Colour)
		}
	}
	if row.More = len(row.Shades) - shadesShown; row.More > 0 {
		row.Shades = row.Shades[:shadesShown]
	}
	return row
}

// priceRange says from what to what the variants cost, in the currency of the first.
func priceRange(variants []catalogue.Variant) string {
	var low, high catalogue.Price
	for _, x := range variants {
		for _, p := range x.Prices {
			switch {
			case low.Currency == "":
				low, high = p, p
			case p.Currency == low.Currency && p.Amount < low.Amount:
				low = p
			case p.Currency == low.Currency && p.Amount > high.Amount:
				high = p
			}
		}
	}
	switch {
	case low.Currency == "":
		return ""
	case low.Amount == high.Amount:
		return money(low.Amount, low.Currency)
	}
	return money(low.Amount, low.Currency) + " – " + money(high.Amount, high.Currency)
}

// adminProductPage is one product with its variants.
type adminProductPage struct {
	Frame
	Top        AdminTop
	Form       Form
	Action     string
	Known      bool
	Closed     bool
	Brands     []Option
	Categories []Option // to choose from while typing
	Variants   []variantLine
	Add        Step
}

// variantLine is one variant of a product, or one arrival.
type variantLine struct {
	Path, Name, Text, Price string
	Colour                  string
	Facets                  []string
	Arrived                 string
	Closed                  bool
}

func (s *Server) showProduct(w http.ResponseWriter, _ *http.Request, v *Visit) error {
	return s.productPage(w, v, Form{})
}

func (s *Server) productPage(w http.ResponseWriter, v *Visit, f Form) error {
	id := v.request.PathValue("product")
	var p catalogue.Product
	var brands []staff.Brand
	var categories []string
	err := s.DB.Read(v.request.Context(), func(tx *db.Tx) (err error) {
		if brands, err = staff.ListBrands(tx); err != nil {
			return err
		}
		if categories, err = s.Shop.Categories(tx); err != nil || id == "" {
			return err
		}
		p, err = s.Shop.ProductByID(tx, id)
		return err
	})
	if err != nil {
		return err
	}
	data := adminProductPage{Action: "/admin/products", Top: AdminTop{Up: Step{"/admin/products", v.T("goods.title")}, Title: v.T("goods.add")}}
	if id != "" {
		data.Action += "/" + id
		data.Known, data.Closed = true, !p.ClosedAt.IsZero()
		data.Top.Title, data.Top.Text = p.Name, joined(p.Ref, brandName(brands, p.BrandID))
		data.Add = Step{data.Action + "/variants/new", v.T("goods.variant_add")}
		for _, x := range p.Variants {
			data.Variants = append(data.Variants, s.variantLine(v, x))
		}
		if f.Values == nil {
			f.Values = url.Values{"name": {p.Name}, "brand": {p.BrandID}, "category": {s.categoryName(v.Words, p.Category)}, "lasts_days": {formNumber(p.LastsDays)},
				"url": {p.URL}, "closed": {checked(data.Closed)}}
		}
	}
	data.Brands = []Option{{"", v.T("goods.no_brand")}}
	for _, b := range brands {
		if b.ClosedAt.IsZero() || b.ID == f.Values.Get("brand") {
			data.Brands = append(data.Brands, Option{b.ID, b.Name})
		}
	}
	categories = append(categories, categoryCodes()...)
	slices.Sort(categories)
	for _, c := range slices.Compact(categories) {
		data.Categories = append(data.Categories, Option{c, s.categoryName(v.Words, c)})
	}
	data.Form = f
	data.Frame = s.frame(v, "admin", data.Top.Title)
	data.Path = data.Action
	return s.render(w, v, view{Page: "admin_product", Status: f.status(), Data: data})
}

func (s *Server) variantLine(v *Visit, x catalogue.Variant) variantLine {
	line := variantLine{Path: "/admin/products/" + x.ProductID + "/variants/" + x.ID, Name: x.Name, Colour: x.Colour, Closed: !x.ClosedAt.IsZero(),
		Text: joined(x.SKU, x.Shade, x.Size, x.Scent), Price: priceRange([]catalogue.Variant{x})}
	if line.Name == "" {
		line.Name = joined(x.Shade, x.Size, x.Scent)
	}
	if line.Name == "" {
		line.Name = x.SKU
	}
	for _, facet := range x.Facets {
		line.Facets = append(line.Facets, s.TagLabel(v.Words, facet, ""))
	}
	if !x.ArrivedAt.IsZero() {
		line.Arrived = s.clock(v, "").Date(x.ArrivedAt)
	}
	return line
}

// saveProduct enters or changes a product; its variants stay as they are.
func (s *Server) saveProduct(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if err := r.ParseForm(); err != nil {
		return malformed(err)
	}
	form, id := r.PostForm, r.PathValue("product")
	p := catalogue.ProductForm{Ref: form.Get("ref"), Brand: form.Get("brand"), Name: form.Get("name"), Category: s.categoryOf(v.Words, form.Get("category")),
		LastsDays: typedNumber(form.Get("lasts_days")), URL: form.Get("url"), Closed: form.Get("closed") == "on"}
	f := Form{Values: form}
	err := s.DB.Write(r.Context(), func(tx *db.Tx) error {
		if id != "" {
			old, err := s.Shop.ProductByID(tx, id)
			if err != nil {
				return err
			}
			p.Ref = old.Ref
		}
		result, err := s.upsert(tx, v, p)
		if err == nil && id == "" {
			if id = result.ID; result.State != catalogue.Added {
				id, err = "", db.Invalid{Field: "ref", Code: "name_taken"}
			}
		}
		return err
	})
	if f.Take(err) {
		return s.productPage(w, v, f)
	}
	if err != nil {
		return err
	}
	return s.done(w, v, "/admin/products/"+id, "done.saved")
}

// upsert keeps one product; what is wrong with it is a db.Invalid.
func (s *Server) upsert(tx *db.Tx, v *Visit, p catalogue.ProductForm) (catalogue.Result, error) {
	results, err := s.Shop.Upsert(tx, v.Viewer, []catalogue.ProductForm{p})
	if err != nil {
		return catalogue.Result{}, err
	}
	if r := results[0]; r.State == catalogue.Bad {
		return r, db.Invalid{Field: r.Field, Code: r.Code}
	}
	audit.Record(tx, audit.Entry{Actor: v.ID, Action: "product.save", Object: results[0].ID})
	return results[0], nil
}

// listArrivals shows what is new at the counters, by day.
func (s *Server) listArrivals(w http.ResponseWriter, r *http.Request, v *Visit) error {
	var arrivals []catalogue.Arrival
	err := s.DB.Read(r.Context(), func(tx *db.Tx) (err error) {
		arrivals, err = s.Shop.Arrivals(tx, tx.Now.Add(-newFor))
		return err
	})
	if err != nil {
		return err
	}
	title := v.T("goods.arrivals")
	data := adminArrivalsPage{Frame: s.frame(v, "admin", title), Top: AdminTop{Up: adminUp(v), Title: title, Text: v.T("goods.arrivals_about", "n", int(newFor.Hours()/24))},
		Nothing: Empty{Icon: "sun", Title: v.T("goods.no_arrivals"), Text: v.T("goods.no_arrivals_text")}.Action("/admin/products", v.T("goods.title"))}
	clock := s.clock(v, "")
	for _, a := range arrivals {
		day := clock.Date(a.ArrivedAt)
		if n := len(data.Days); n == 0 || data.Days[n-1].Title != day {
			data.Days = append(data.Days, arrivalDay{Title: day})
		}
		line := s.variantLine(v, a.Variant)
		line.Name, line.Text, line.Arrived = a.Product.Name, joined(line.Name, a.SKU), ""
		at := &data.Days[len(data.Days)-1]
		at.Rows = append(at.Rows, line)
	}
	return s.render(w, v, view{Page: "admin_arrivals", Data: data})
}

// adminArrivalsPage lists arrivals.
type adminArrivalsPage struct {
	Frame
	Top     AdminTop
	Days    []arrivalDay
	Nothing Empty
}

// arrivalDay is what came on one day.
type arrivalDay struct {
	Title string
	Rows  []variantLine
}
