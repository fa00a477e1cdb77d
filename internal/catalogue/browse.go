package catalogue

import (
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"dingdong/internal/db"
)

const (
	usualPage  = 50
	longest    = 200  // of a page
	maxArrived = 2000 // variants that Arrivals gives
)

// Products lists products by name.
func (s *Shop) Products(tx *db.Tx, f ProductFilter) (ProductPage, error) {
	limit := min(f.Limit, longest)
	if limit <= 0 {
		limit = usualPage
	}
	var where []string
	var args []any
	and := func(condition string, arg any) {
		args = append(args, arg)
		where = append(where, strings.ReplaceAll(condition, "$?", "$"+strconv.Itoa(len(args))))
	}
	if !f.Closed {
		where = append(where, `p.closed_at IS NULL`)
	}
	if f.BrandID != "" {
		and(`p.brand_id = $?`, f.BrandID)
	}
	if f.Category != "" {
		and(`p.category = $?`, f.Category)
	}
	if q := oneLine(f.Query); q != "" {
		q = pattern(q[:min(len(q), maxName)])
		and(`LOWER(p.name) LIKE $? ESCAPE '!'`, "%"+q+"%")
		part := where[len(where)-1]
		where = where[:len(where)-1]
		and(`(`+part+` OR LOWER(p.ref) LIKE $? ESCAPE '!' OR EXISTS (SELECT 1 FROM variant w WHERE w.product_id = p.id
			AND (LOWER(w.sku) LIKE $? ESCAPE '!' OR LOWER(w.barcode) LIKE $? ESCAPE '!')))`, q+"%")
	}
	if f.After != "" {
		and(`(p.name, p.id) > (SELECT a.name, a.id FROM product a WHERE a.id = $?)`, f.After)
	}
	q := ""
	if len(where) > 0 {
		q = `WHERE ` + strings.Join(where, ` AND `)
	}
	args = append(args, limit+1)
	list, err := products(tx, q+` ORDER BY p.name, p.id LIMIT $`+strconv.Itoa(len(args)), args...)
	if err != nil {
		return ProductPage{}, err
	}
	page := ProductPage{Products: list}
	if len(list) > limit {
		page.Products, page.Next = list[:limit], list[limit-1].ID
	}
	return page, nil
}

// pattern makes text safe inside LIKE. It is cut between letters.
func pattern(s string) string {
	s = db.CleanText(strings.ToValidUTF8(strings.ToLower(s), ""))
	return strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(s)
}

// ProductByID gives one product with its variants, or db.ErrNotFound.
func (s *Shop) ProductByID(tx *db.Tx, id string) (Product, error) {
	list, err := products(tx, `WHERE p.id = $1`, id)
	if err == nil && len(list) == 0 {
		err = db.ErrNotFound
	}
	if err != nil {
		return Product{}, fmt.Errorf("product: %w", err)
	}
	return list[0], nil
}

// VariantBySKU gives one variant with its product, or db.ErrNotFound.
func (s *Shop) VariantBySKU(tx *db.Tx, sku string) (Arrival, error) {
	return oneVariant(tx, `WHERE w.sku = $1`, sku)
}

// VariantByID gives one variant with its product, or db.ErrNotFound.
func (s *Shop) VariantByID(tx *db.Tx, id string) (Arrival, error) {
	return oneVariant(tx, `WHERE w.id = $1`, id)
}

func oneVariant(tx *db.Tx, where string, arg any) (Arrival, error) {
	list, err := variantsWithProduct(tx, where, arg)
	if err == nil && len(list) == 0 {
		err = db.ErrNotFound
	}
	if err != nil {
		return Arrival{}, fmt.Errorf("variant: %w", err)
	}
	return list[0], nil
}

// Categories lists the categories in use.
func (s *Shop) Categories(tx *db.Tx) ([]string, error) {
	rows, err := tx.Query(`SELECT DISTINCT category FROM product WHERE category <> '' AND closed_at IS NULL ORDER BY category LIMIT 500`)
	list, err := db.Collect(rows, err, func(r *sql.Rows) (c string, err error) { return c, r.Scan(&c) })
	if err != nil {
		return nil, fmt.Errorf("categories: %w", err)
	}
	return list, nil
}

// Arrivals lists variants on sale that came to the counters since then, the latest first.
func (s *Shop) Arrivals(tx *db.Tx, since time.Time) ([]Arrival, error) {
	return variantsWithProduct(tx, `WHERE w.arrived_at > 0 AND w.arrived_at >= $1 AND w.arrived_at <= $2 AND w.closed_at IS NULL AND p.closed_at IS NULL
		ORDER BY w.arrived_at DESC, w.id LIMIT $3`, db.Micro(since), db.Micro(tx.Now), maxArrived)
}

const (
	productColumns = `p.id, p.ref, p.brand_id, p.name, p.category, p.lasts_days, p.url, p.updated_at, p.closed_at`
	variantColumns = `w.id, w.product_id, w.sku, w.name, w.shade, w.colour, w.size, w.scent, w.barcode, w.arrived_at, w.closed_at`
)

type productRow struct {
	Product
	updated int64
	closed  *int64
}

func (p *productRow) into() []any {
	return []any{&p.ID, &p.Ref, &p.BrandID, &p.Name, &p.Category, &p.LastsDays, &p.URL, &p.updated, &p.closed}
}

func (p *productRow) product() Product {
	p.UpdatedAt = db.Time(p.updated)
	if p.closed != nil {
		p.ClosedAt = db.Time(*p.closed)
	}
	return p.Product
}

type variantRow struct {
	Variant
	arrived int64
	closed  *int64
}

func (w *variantRow) into() []any {
	return []any{&w.ID, &w.ProductID, &w.SKU, &w.Name, &w.Shade, &w.Colour, &w.Size, &w.Scent, &w.Barcode, &w.arrived, &w.closed}
}

func (w *variantRow) variant() Variant {
	w.ArrivedAt = db.Time(w.arrived)
	if w.closed != nil {
		w.ClosedAt = db.Time(*w.closed)
	}
	return w.Variant
}

// products reads products with everything that hangs on them.
func products(tx *db.Tx, where string, args ...any) ([]Product, error) {
	rows, err := tx.Query(`SELECT `+productColumns+` FROM product p `+where, args...)
	list, err := db.Collect(rows, err, func(r *sql.Rows) (Product, error) {
		var p productRow
		err := r.Scan(p.into()...)
		return p.product(), err
	})
	if err != nil {
		return nil, fmt.Errorf("products: %w", err)
	}
	at := make(map[string]int, len(list))
	ids := make([]string, len(list))
	for i, p := range list {
		at[p.ID], ids[i] = i, p.ID
	}
	var all []Variant
	err = eachPart(ids, func(part []string) error {
		marks, args := db.In(part, 1)
		rows, err := tx.Query(`SELECT `+variantColumns+` FROM variant w WHERE w.product_id IN (`+marks+`) ORDER BY w.sku`, args...)
		some, err := db.Collect(rows, err, func(r *sql.Rows) (Variant, error) {
			var w variantRow
			err := r.Scan(w.into()...)
			return w.variant(), err
		})
		all = append(all, some...)
		return err
	})
	if err == nil {
		err = furnish(tx, len(all), func(i int) *Variant { return &all[i] })
	}
	if err != nil {
		return nil, fmt.Errorf("variants: %w", err)
	}
	for _, w := range all {
		p := &list[at[w.ProductID]]
		p.Variants = append(p.Variants, w)
	}
	return list, nil
}

// variantsWithProduct reads variants, each with its product.
func variantsWithProduct(tx *db.Tx, where string, args ...any) ([]Arrival, error) {
	rows, err := tx.Query(`SELECT `+variantColumns+`, `+productColumns+` FROM variant w JOIN product p ON p.id = w.product_id `+where, args...)
	list, err := db.Collect(rows, err, func(r *sql.Rows) (Arrival, error) {
		var w variantRow
		var p productRow
		err := r.Scan(append(w.into(), p.into()...)...)
		return Arrival{w.variant(), p.product()}, err
	})
	if err == nil {
		err = furnish(tx, len(list), func(i int) *Variant { return &list[i].Variant })
	}
	if err != nil {
		return nil, fmt.Errorf("variants: %w", err)
	}
	return list, nil
}

// furnish reads facets and prices of n variants.
func furnish(tx *db.Tx, n int, variant func(i int) *Variant) error {
	at := make(map[string]int, n)
	ids := make([]string, n)
	for i := range n {
		ids[i] = variant(i).ID
		at[ids[i]] = i
	}
	return eachPart(ids, func(part []string) error {
		marks, args := db.In(part, 1)
		rows, err := tx.Query(`SELECT variant_id, facet FROM variant_facet WHERE variant_id IN (`+marks+`) ORDER BY variant_id, facet`, args...)
		_, err = db.Collect(rows, err, func(r *sql.Rows) (none struct{}, err error) {
			var id, facet string
			if err := r.Scan(&id, &facet); err != nil {
				return none, err
			}
			w := variant(at[id])
			w.Facets = append(w.Facets, facet)
			slices.Sort(w.Facets) // the engines sort text by their own rules
			return none, nil
		})
		if err != nil {
			return err
		}
		rows, err = tx.Query(`SELECT variant_id, store_id, amount, currency FROM price WHERE variant_id IN (`+marks+`) ORDER BY variant_id, store_id`, args...)
		_, err = db.Collect(rows, err, func(r *sql.Rows) (none struct{}, err error) {
			var id string
			var p Price
			if err := r.Scan(&id, &p.StoreID, &p.Amount, &p.Currency); err != nil {
				return none, err
			}
			w := variant(at[id])
			w.Prices = append(w.Prices, p)
			return none, nil
		})
		return err
	})
}
