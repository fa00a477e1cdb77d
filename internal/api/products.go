package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"dingdong/internal/audit"
	"dingdong/internal/catalogue"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// Product is something a brand sells.
type Product struct {
	ID        string    `json:"id" example:"prd_06hk2q8s1n7v0000000000000t"`
	Ref       string    `json:"ref" doc:"The group's own number." example:"ROSE-CUSHION"`
	Brand     string    `json:"brand,omitempty" doc:"Absent: no brand of the group."`
	Name      string    `json:"name" example:"Rose cushion"`
	Category  string    `json:"category,omitempty" example:"cushion"`
	LastsDays int       `json:"lasts_days,omitempty" doc:"How long one usually lasts." example:"90"`
	URL       string    `json:"url,omitempty"`
	UpdatedAt time.Time `json:"updated_at"`
	Closed    bool      `json:"closed" doc:"True: no longer sold."`
	Variants  []Variant `json:"variants"`
}

// Variant is what a till scans: one shade, size or scent of a product.
type Variant struct {
	ID        string     `json:"id" example:"var_06hk2q8s1n7v0000000000000u"`
	SKU       string     `json:"sku" example:"ROSE-CUSHION-21"`
	Name      string     `json:"name,omitempty" example:"21 Rosewood"`
	Shade     string     `json:"shade,omitempty" example:"21"`
	Colour    string     `json:"colour,omitempty" example:"#f1d5c0"`
	Size      string     `json:"size,omitempty" example:"15 g"`
	Scent     string     `json:"scent,omitempty"`
	Barcode   string     `json:"barcode,omitempty" example:"4710000000017"`
	ArrivedAt *time.Time `json:"arrived_at,omitempty" doc:"When it is, or was, new at the counters."`
	Closed    bool       `json:"closed"`
	Facets    []string   `json:"facets" doc:"kind:value, what wishes are matched by."`
	Prices    []Price    `json:"prices" doc:"That of every store first."`
}

// Price is what a variant costs.
type Price struct {
	Store    string `json:"store,omitempty" doc:"Absent: wherever no other is set."`
	Amount   int64  `json:"amount" doc:"In minor units." example:"128000"`
	Currency string `json:"currency" example:"TWD"`
}

// ProductRow is what your system says of a product.
type ProductRow struct {
	Ref       string       `json:"ref,omitempty" doc:"Required: your own number. The product with it is made, or becomes as the row says." example:"ROSE-CUSHION"`
	Brand     string       `json:"brand,omitempty" doc:"Id or name." example:"Rose"`
	Name      string       `json:"name,omitempty" doc:"Required." example:"Rose cushion"`
	Category  string       `json:"category,omitempty" example:"cushion"`
	LastsDays int          `json:"lasts_days,omitempty" doc:"How long one usually lasts." example:"90"`
	URL       string       `json:"url,omitempty" doc:"http or https."`
	Closed    bool         `json:"closed,omitempty" doc:"No longer sold."`
	Variants  []VariantRow `json:"variants,omitempty" doc:"Those that are not named stay as they are."`
}

// VariantRow is what your system says of a variant; it becomes so, with its facets
// and prices.
type VariantRow struct {
	SKU       string     `json:"sku,omitempty" doc:"Required." example:"ROSE-CUSHION-21"`
	Name      string     `json:"name,omitempty" example:"21 Rosewood"`
	Shade     string     `json:"shade,omitempty" example:"21"`
	Colour    string     `json:"colour,omitempty" doc:"#rrggbb" example:"#f1d5c0"`
	Size      string     `json:"size,omitempty" example:"15 g"`
	Scent     string     `json:"scent,omitempty"`
	Barcode   string     `json:"barcode,omitempty" example:"4710000000017"`
	ArrivedAt *time.Time `json:"arrived_at,omitempty" doc:"When it is, or was, new at the counters: wishes are matched against it."`
	Closed    bool       `json:"closed,omitempty"`
	Facets    []string   `json:"facets,omitempty" doc:"kind:value, such as scent:light." example:"[\"finish:dewy\"]"`
	Prices    []PriceRow `json:"prices,omitempty" doc:"All of them: one that is not named is taken away."`
}

// PriceRow is a price as your system tells it.
type PriceRow struct {
	Store    string `json:"store,omitempty" doc:"Id or name; absent: every store."`
	Amount   int64  `json:"amount" doc:"In minor units: 1,280.00 is 128000." example:"128000"`
	Currency string `json:"currency,omitempty" doc:"ISO 4217." example:"TWD"`
}

// RowResult is what became of one row of a batch, in the place of the row.
type RowResult struct {
	Ref   string          `json:"ref" doc:"As the row named itself." example:"ROSE-CUSHION"`
	ID    string          `json:"id,omitempty"`
	State catalogue.State `json:"state" enum:"added,changed,repeated,bad" doc:"repeated: it was there, and nothing has changed; bad: nothing of this row was taken." example:"added"`
	Field string          `json:"field,omitempty" doc:"Of a bad row: which value, such as lines.2.sku."`
	Code  string          `json:"code,omitempty" doc:"Of a bad row: required, unknown, malformed, number, currency, ..."`
	Why   string          `json:"message,omitempty" doc:"Of a bad row: the code in words."`
}

type resultsOutput struct {
	Body struct {
		Results []RowResult `json:"results" doc:"One for each row, in their order."`
		Bad     int         `json:"bad" doc:"How many rows were not taken."`
	}
}

func newResults(list []catalogue.Result) *resultsOutput {
	out := &resultsOutput{}
	out.Body.Results = make([]RowResult, len(list))
	for i, r := range list {
		out.Body.Results[i] = RowResult{Ref: r.Ref, ID: r.ID, State: r.State, Field: r.Field, Code: r.Code}
		if r.State == catalogue.Bad {
			out.Body.Results[i].Why = sentence(r.Code)
			out.Body.Bad++
		}
	}
	return out
}

type productsInput struct {
	Query    string `query:"query" maxLength:"100" doc:"Part of a name, or the beginning of a ref, SKU or barcode."`
	Brand    string `query:"brand" maxLength:"60"`
	Category string `query:"category" maxLength:"100"`
	Closed   bool   `query:"closed" doc:"Also what is no longer sold."`
	Cursor   string `query:"cursor" doc:"The next of the page before."`
	Limit    int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
}

type productsOutput struct {
	Body struct {
		Products []Product `json:"products" doc:"By name."`
		Next     string    `json:"next,omitempty" doc:"The cursor of the next page; absent: there is none."`
	}
}

type productInput struct {
	ID string `path:"id" example:"prd_06hk2q8s1n7v0000000000000t"`
}

type productOutput struct{ Body Product }

type arrivalsInput struct {
	Since time.Time `query:"since" required:"true" doc:"What came to the counters after this time." example:"2026-11-01T00:00:00Z"`
}

// Arrival is a variant that is new at the counters.
type Arrival struct {
	Product Named   `json:"product"`
	Brand   string  `json:"brand,omitempty"`
	Variant Variant `json:"variant"`
}

type arrivalsOutput struct {
	Body struct {
		Arrivals []Arrival `json:"arrivals" doc:"The latest first."`
	}
}

type upsertProductsInput struct {
	Body struct {
		Products []ProductRow `json:"products" minItems:"1" maxItems:"1000"`
	}
}

func (s *server) productOperations() {
	register(s, huma.Operation{OperationID: "list-products", Method: http.MethodGet, Path: prefix + "/products", Tags: []string{tagCatalogue},
		Summary: "List products", Security: needs(staff.CatalogueRead)}, s.listProducts)
	register(s, huma.Operation{OperationID: "get-product", Method: http.MethodGet, Path: prefix + "/products/{id}", Tags: []string{tagCatalogue},
		Summary: "Get a product", Security: needs(staff.CatalogueRead)}, s.getProduct)
	register(s, huma.Operation{OperationID: "list-arrivals", Method: http.MethodGet, Path: prefix + "/arrivals", Tags: []string{tagCatalogue},
		Summary: "List arrivals", Description: "Variants on sale that are new at the counters.", Security: needs(staff.CatalogueRead)}, s.listArrivals)
	register(s, huma.Operation{OperationID: "upsert-products", Method: http.MethodPost, Path: prefix + "/products", Tags: []string{tagCatalogue}, MaxBodyBytes: maxBatchBody,
		Summary: "Bring in products, variants and prices", Security: needs(staff.CatalogueWrite),
		Description: "At most 1,000 products a call and 16 MB. A bad row changes nothing and does not keep the others out: the answer is 200, with what became of each row. Repeating a call changes nothing."}, s.upsertProducts)
}

func newProduct(p catalogue.Product) Product {
	out := Product{ID: p.ID, Ref: p.Ref, Brand: p.BrandID, Name: p.Name, Category: p.Category, LastsDays: p.LastsDays, URL: p.URL,
		UpdatedAt: p.UpdatedAt, Closed: !p.ClosedAt.IsZero(), Variants: []Variant{}}
	for _, v := range p.Variants {
		out.Variants = append(out.Variants, newVariant(v))
	}
	return out
}

func newVariant(v catalogue.Variant) Variant {
	out := Variant{ID: v.ID, SKU: v.SKU, Name: v.Name, Shade: v.Shade, Colour: v.Colour, Size: v.Size, Scent: v.Scent, Barcode: v.Barcode,
		ArrivedAt: moment(v.ArrivedAt), Closed: !v.ClosedAt.IsZero(), Facets: append([]string{}, v.Facets...), Prices: []Price{}}
	for _, p := range v.Prices {
		out.Prices = append(out.Prices, Price{Store: p.StoreID, Amount: p.Amount, Currency: p.Currency})
	}
	return out
}

func (r ProductRow) form() catalogue.ProductForm {
	f := catalogue.ProductForm{Ref: r.Ref, Brand: r.Brand, Name: r.Name, Category: r.Category, LastsDays: r.LastsDays, URL: r.URL, Closed: r.Closed}
	for _, v := range r.Variants {
		w := catalogue.VariantForm{SKU: v.SKU, Name: v.Name, Shade: v.Shade, Colour: v.Colour, Size: v.Size, Scent: v.Scent, Barcode: v.Barcode,
			ArrivedAt: given(v.ArrivedAt), Closed: v.Closed, Facets: v.Facets}
		for _, p := range v.Prices {
			w.Prices = append(w.Prices, catalogue.PriceForm(p))
		}
		f.Variants = append(f.Variants, w)
	}
	return f
}

func (s *server) listProducts(ctx context.Context, in *productsInput) (*productsOutput, error) {
	out := &productsOutput{}
	out.Body.Products = []Product{}
	after := cursor{}
	if in.Cursor != "" {
		var err error
		if after, err = parseCursor(listProducts, "cursor", in.Cursor); err != nil {
			return nil, err
		}
	}
	return out, s.read(ctx, func(tx *db.Tx) error {
		page, err := s.Shop.Products(tx, catalogue.ProductFilter{Query: in.Query, BrandID: db.CleanText(in.Brand), Category: db.CleanText(in.Category),
			Closed: in.Closed, After: after.id, Limit: in.Limit})
		for _, p := range page.Products {
			out.Body.Products = append(out.Body.Products, newProduct(p))
		}
		if page.Next != "" {
			out.Body.Next = cursor{list: listProducts, id: page.Next}.String()
		}
		return err
	})
}

func (s *server) getProduct(ctx context.Context, in *productInput) (*productOutput, error) {
	out := &productOutput{}
	return out, s.read(ctx, func(tx *db.Tx) error {
		p, err := s.Shop.ProductByID(tx, in.ID)
		out.Body = newProduct(p)
		return err
	})
}

func (s *server) listArrivals(ctx context.Context, in *arrivalsInput) (*arrivalsOutput, error) {
	out := &arrivalsOutput{}
	out.Body.Arrivals = []Arrival{}
	return out, s.read(ctx, func(tx *db.Tx) error {
		list, err := s.Shop.Arrivals(tx, in.Since)
		for _, a := range list {
			out.Body.Arrivals = append(out.Body.Arrivals, Arrival{Product: Named{a.Product.ID, a.Product.Name}, Brand: a.Product.BrandID, Variant: newVariant(a.Variant)})
		}
		return err
	})
}

func (s *server) upsertProducts(ctx context.Context, in *upsertProductsInput) (out *resultsOutput, err error) {
	c := callerOf(ctx)
	forms := make([]catalogue.ProductForm, len(in.Body.Products))
	for i, r := range in.Body.Products {
		forms[i] = r.form()
	}
	err = s.write(ctx, func(tx *db.Tx) error {
		list, err := s.Shop.Upsert(tx, c.Viewer, forms)
		out = newResults(list)
		broughtIn(tx, c, "products", list)
		return err
	})
	return out, err
}

// broughtIn puts a batch on record that changed anything.
func broughtIn(tx *db.Tx, c caller, what string, list []catalogue.Result) {
	for _, r := range list {
		if r.State == catalogue.Added || r.State == catalogue.Changed {
			audit.Record(tx, audit.Entry{Actor: c.ID, Action: "api.write", Object: r.ID, Detail: what})
			return
		}
	}
}
