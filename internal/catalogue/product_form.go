package catalogue

import "time"

// Product is something a brand sells.
type Product struct {
	ID        string
	Ref       string // the group's own number
	BrandID   string // empty: no brand of ours
	Name      string
	Category  string
	LastsDays int // how long one usually lasts; 0: not known
	URL       string
	UpdatedAt time.Time
	ClosedAt  time.Time // zero: on sale
	Variants  []Variant // by SKU
}

// Variant is what a till scans: one shade, size or scent of a product.
type Variant struct {
	ID        string
	ProductID string
	SKU       string
	Name      string // "03 Rosewood", "50 ml"
	Shade     string
	Colour    string // #rrggbb
	Size      string
	Scent     string
	Barcode   string
	ArrivedAt time.Time // when it is, or was, new at the counters; zero: not announced
	ClosedAt  time.Time
	Facets    []string // "scent:light", sorted
	Prices    []Price  // that of every store first
}

// Price is what a variant costs.
type Price struct {
	StoreID  string // empty: wherever no other is set
	Amount   int64  // minor units
	Currency string // ISO 4217
}

// ProductForm is what another system says of a product. The product with this Ref is
// made, or becomes as the form says. Variants that the form does not name stay as they are.
type ProductForm struct {
	Ref       string        `json:"ref"`   // required
	Brand     string        `json:"brand"` // id or name; empty: none
	Name      string        `json:"name"`  // required
	Category  string        `json:"category"`
	LastsDays int           `json:"lasts_days"`
	URL       string        `json:"url"` // http or https
	Closed    bool          `json:"closed"`
	Variants  []VariantForm `json:"variants"`
}

// VariantForm is what another system says of a variant. The variant with this SKU is
// made, or becomes as the form says, with its facets and prices.
type VariantForm struct {
	SKU       string      `json:"sku"` // required
	Name      string      `json:"name"`
	Shade     string      `json:"shade"`
	Colour    string      `json:"colour"` // #rrggbb
	Size      string      `json:"size"`
	Scent     string      `json:"scent"`
	Barcode   string      `json:"barcode"`
	ArrivedAt time.Time   `json:"arrived_at"`
	Closed    bool        `json:"closed"`
	Facets    []string    `json:"facets"`
	Prices    []PriceForm `json:"prices"`
}

// PriceForm is a price as another system tells it.
type PriceForm struct {
	Store    string `json:"store"`    // id or name; empty: every store
	Amount   int64  `json:"amount"`   // minor units, not negative
	Currency string `json:"currency"` // ISO 4217
}

// ProductFilter narrows Products; its zero value is the first page of what is on sale.
type ProductFilter struct {
	Query    string // part of a name, or the beginning of a Ref, SKU or barcode
	BrandID  string
	Category string
	Closed   bool   // also what is no longer sold
	After    string // the Next of the page before
	Limit    int    // 0: 50; at most 200
}

// ProductPage is one page of products by name.
type ProductPage struct {
	Products []Product
	Next     string // After of the next page; empty: this is the last
}

// Arrival is a variant that is new at the counters.
type Arrival struct {
	Variant
	Product Product // without its variants
}
