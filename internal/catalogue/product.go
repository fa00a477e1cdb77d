package catalogue

import (
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"dingdong/internal/db"
	"dingdong/internal/job"
	"dingdong/internal/staff"
)

const (
	maxVariants = 300 // of a product
	maxPrices   = 300 // of a variant
	maxLasts    = 3660
)

// Upsert makes products, or changes them to what the forms say. A form with an error
// changes nothing, and does not keep the others out.
func (s *Shop) Upsert(tx *db.Tx, v staff.Viewer, forms []ProductForm) ([]Result, error) {
	if !v.May(staff.KeepCatalogue) {
		return nil, staff.ErrForbidden
	}
	if len(forms) > MaxBatch {
		return nil, db.Invalid{Field: "products", Code: "too_many"}
	}
	u, err := s.readUpsert(tx, forms)
	if err != nil {
		return nil, fmt.Errorf("products: %w", err)
	}
	if err := u.write(tx); err != nil {
		return nil, fmt.Errorf("products: %w", err)
	}
	if u.arrived {
		if err := job.Enqueue(tx, job.New{Kind: JobWishes, Key: periodic}); err != nil {
			return nil, err
		}
	}
	return u.results, nil
}

// upsert is one batch on its way in.
type upsert struct {
	forms   []ProductForm
	results []Result
	brands  lookUps
	stores  lookUps
	old     map[string]Product // by ref
	owner   map[string]string  // SKU -> ref of the product that has it
	arrived bool               // an arrival is new or has other facets
}

// readUpsert finds what is wrong with the forms, and what is there already.
func (s *Shop) readUpsert(tx *db.Tx, forms []ProductForm) (*upsert, error) {
	u := &upsert{forms: slices.Clone(forms), results: make([]Result, len(forms)), brands: lookUps{}, stores: lookUps{}}
	refs, skus := map[string]bool{}, map[string]bool{}
	for i := range u.forms {
		f := fields{}
		cleanProduct(&f, &u.forms[i], tx.Now)
		p := &u.forms[i]
		if refs[p.Ref] {
			f.fail("ref", "taken")
		}
		refs[p.Ref] = true
		for n, w := range p.Variants {
			if skus[w.SKU] {
				f.fail(inside("variants", n)+"sku", "taken")
			}
			skus[w.SKU] = true
			for _, price := range w.Prices {
				u.stores.want(price.Store)
			}
		}
		u.brands.want(p.Brand)
		u.results[i] = Result{Ref: p.Ref, Field: f.bad.Field, Code: f.bad.Code}
	}
	if err := u.brands.resolve(tx, findBrand); err != nil {
		return nil, err
	}
	if err := u.stores.resolve(tx, findStore); err != nil {
		return nil, err
	}
	if err := u.readOld(tx, keys(refs), keys(skus)); err != nil {
		return nil, err
	}
	for i := range u.forms {
		u.judge(i)
	}
	return u, nil
}

func keys(set map[string]bool) []string {
	out := make([]string, 0, len(set))
	for k := range set {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

func cleanProduct(f *fields, p *ProductForm, now time.Time) {
	f.needed("ref", &p.Ref, maxRef)
	f.needed("name", &p.Name, maxName)
	f.text("brand", &p.Brand, maxName)
	f.text("category", &p.Category, maxWord)
	f.url("url", &p.URL)
	if p.LastsDays < 0 || p.LastsDays > maxLasts {
		f.fail("lasts_days", "number")
	}
	if len(p.Variants) > maxVariants {
		f.fail("variants", "too_many")
		return
	}
	p.Variants = slices.Clone(p.Variants)
	for n := range p.Variants {
		f.path = inside("variants", n)
		cleanVariant(f, &p.Variants[n], now)
	}
	f.path = ""
}

func cleanVariant(f *fields, w *VariantForm, now time.Time) {
	f.needed("sku", &w.SKU, maxRef)
	f.text("name", &w.Name, maxName)
	f.text("shade", &w.Shade, maxWord)
	f.text("size", &w.Size, maxWord)
	f.text("scent", &w.Scent, maxWord)
	f.text("barcode", &w.Barcode, maxRef)
	f.colour("colour", &w.Colour)
	if !w.ArrivedAt.IsZero() {
		f.moment("arrived_at", w.ArrivedAt, now.AddDate(3, 0, 0))
		w.ArrivedAt = w.ArrivedAt.UTC().Truncate(time.Microsecond)
	}
	w.Facets = f.facets("facets", w.Facets)
	if len(w.Prices) > maxPrices {
		f.fail("prices", "too_many")
		return
	}
	w.Prices = slices.Clone(w.Prices)
	at := f.path
	for n := range w.Prices {
		p := &w.Prices[n]
		f.path = at + inside("prices", n)
		f.text("store", &p.Store, maxName)
		f.currency("currency", &p.Currency)
		if p.Amount < 0 || p.Amount > maxAmount {
			f.fail("amount", "number")
		}
	}
	f.path = at
}

// readOld reads the products that are there, and who has the SKUs.
func (u *upsert) readOld(tx *db.Tx, refs, skus []string) error {
	u.old, u.owner = map[string]Product{}, map[string]string{}
	err := eachPart(refs, func(part []string) error {
		marks, args := db.In(part, 1)
		list, err := products(tx, `WHERE p.ref IN (`+marks+`)`, args...)
		for _, p := range list {
			u.old[p.Ref] = p
		}
		return err
	})
	if err != nil {
		return err
	}
	return eachPart(skus, func(part []string) error {
		marks, args := db.In(part, 1)
		rows, err := tx.Query(`SELECT w.sku, p.ref FROM variant w JOIN product p ON p.id = w.product_id WHERE w.sku IN (`+marks+`)`, args...)
		_, err = db.Collect(rows, err, func(r *sql.Rows) (none struct{}, err error) {
			var sku, ref string
			err = r.Scan(&sku, &ref)
			u.owner[sku] = ref
			return none, err
		})
		return err
	})
}

// judge says what becomes of one form.
func (u *upsert) judge(i int) {
	p, r := &u.forms[i], &u.results[i]
	f := fields{bad: db.Invalid{Field: r.Field, Code: r.Code}}
	brand, ok := u.brands.id(p.Brand)
	if !ok {
		f.fail("brand", "unknown")
	}
	p.Brand = brand.id
	for n := range p.Variants {
		w := &p.Variants[n]
		f.path = inside("variants", n)
		if ref, there := u.owner[w.SKU]; there && ref != p.Ref {
			f.fail("sku", "taken")
		}
		at := f.path
		seen := map[string]bool{}
		for k := range w.Prices {
			f.path = at + inside("prices", k)
			store, ok := u.stores.id(w.Prices[k].Store)
			if !ok {
				f.fail("store", "unknown")
			}
			w.Prices[k].Store = store.id
			if seen[store.id] {
				f.fail("store", "taken")
			}
			seen[store.id] = true
		}
	}
	if r.Field, r.Code = f.bad.Field, f.bad.Code; r.Code != "" {
		r.State = Bad
		return
	}
	old, there := u.old[p.Ref]
	r.ID = old.ID
	switch {
	case !there:
		r.State = Added
	case old.says(*p):
		r.State = Repeated
	default:
		r.State = Changed
	}
}

// says tells whether a product already is as a form wants it.
func (p Product) says(f ProductForm) bool {
	if p.BrandID != f.Brand || p.Name != f.Name || p.Category != f.Category || p.LastsDays != f.LastsDays || p.URL != f.URL ||
		p.ClosedAt.IsZero() == f.Closed {
		return false
	}
	for _, w := range f.Variants {
		n := slices.IndexFunc(p.Variants, func(v Variant) bool { return v.SKU == w.SKU })
		if n < 0 || !p.Variants[n].says(w) {
			return false
		}
	}
	return true
}

func (v Variant) says(f VariantForm) bool {
	if v.Name != f.Name || v.Shade != f.Shade || v.Colour != f.Colour || v.Size != f.Size || v.Scent != f.Scent || v.Barcode != f.Barcode ||
		!v.ArrivedAt.Equal(f.ArrivedAt) || v.ClosedAt.IsZero() == f.Closed || !slices.Equal(v.Facets, f.Facets) || len(v.Prices) != len(f.Prices) {
		return false
	}
	for _, p := range f.Prices {
		if !slices.Contains(v.Prices, Price{p.Store, p.Amount, p.Currency}) {
			return false
		}
	}
	return true
}

// write stores what is new or different. Rows are sorted by key, so that two nodes
// that write the same products do not wait for each other in a circle.
func (u *upsert) write(tx *db.Tx) error {
	var order []int
	for i, r := range u.results {
		if r.State == Added || r.State == Changed {
			order = append(order, i)
		}
	}
	slices.SortFunc(order, func(a, b int) int { return strings.Compare(u.forms[a].Ref, u.forms[b].Ref) })
	at := map[string]int{}
	now := db.Micro(tx.Now)
	var args []any
	for _, i := range order {
		p, r := u.forms[i], &u.results[i]
		if at[p.Ref] = i; r.ID == "" {
			r.ID = tx.NewID("prd")
		}
		args = append(args, r.ID, p.Ref, p.Brand, p.Name, p.Category, int64(p.LastsDays), p.URL, now, now, closedAt(p.Closed, u.old[p.Ref].ClosedAt, now))
	}
	err := tx.InsertReturning(`INSERT INTO product (id, ref, brand_id, name, category, lasts_days, url, created_at, updated_at, closed_at)`, 10, args,
		`ON CONFLICT (ref) DO UPDATE SET brand_id = excluded.brand_id, name = excluded.name, category = excluded.category,
		lasts_days = excluded.lasts_days, url = excluded.url, updated_at = excluded.updated_at, closed_at = excluded.closed_at RETURNING id, ref`,
		func(r *sql.Rows) error {
			var id, ref string
			err := r.Scan(&id, &ref)
			u.results[at[ref]].ID = id
			return err
		})
	if err != nil {
		return err
	}
	return u.writeVariants(tx, order)
}

// closedAt keeps the moment at which something was closed.
func closedAt(closed bool, before time.Time, now int64) any {
	switch {
	case !closed:
		return nil
	case !before.IsZero():
		return db.Micro(before)
	}
	return now
}

func (u *upsert) writeVariants(tx *db.Tx, order []int) error {
	type place struct {
		form    VariantForm
		product string
		old     Variant
	}
	var all []place
	for _, i := range order {
		old := u.old[u.forms[i].Ref]
		for _, w := range u.forms[i].Variants {
			p := place{form: w, product: u.results[i].ID}
			if n := slices.IndexFunc(old.Variants, func(v Variant) bool { return v.SKU == w.SKU }); n >= 0 {
				if p.old = old.Variants[n]; p.old.says(w) {
					continue
				}
			}
			u.arrived = u.arrived || isArrival(w.ArrivedAt, tx.Now)
			all = append(all, p)
		}
	}
	slices.SortFunc(all, func(a, b place) int { return strings.Compare(a.form.SKU, b.form.SKU) })
	var args []any
	for _, p := range all {
		w, id := p.form, p.old.ID
		if id == "" {
			id = tx.NewID("var")
		}
		args = append(args, id, p.product, w.SKU, w.Name, w.Shade, w.Colour, w.Size, w.Scent, w.Barcode, db.Micro(w.ArrivedAt),
			closedAt(w.Closed, p.old.ClosedAt, db.Micro(tx.Now)))
	}
	ids := map[string]string{}
	err := tx.InsertReturning(`INSERT INTO variant (id, product_id, sku, name, shade, colour, size, scent, barcode, arrived_at, closed_at)`, 11, args,
		`ON CONFLICT (sku) DO UPDATE SET name = excluded.name, shade = excluded.shade, colour = excluded.colour, size = excluded.size,
		scent = excluded.scent, barcode = excluded.barcode, arrived_at = excluded.arrived_at, closed_at = excluded.closed_at RETURNING id, sku`,
		func(r *sql.Rows) error {
			var id, sku string
			err := r.Scan(&id, &sku)
			ids[sku] = id
			return err
		})
	if err != nil {
		return err
	}
	var changed []string
	var facets, prices []any
	for _, p := range all {
		id := ids[p.form.SKU]
		changed = append(changed, id)
		for _, f := range p.form.Facets {
			facets = append(facets, id, f)
		}
		for _, price := range p.form.Prices {
			prices = append(prices, id, price.Store, price.Amount, price.Currency)
		}
	}
	for _, table := range []string{"variant_facet", "price"} {
		if err := eachPart(changed, func(part []string) error {
			marks, args := db.In(part, 1)
			_, err := tx.Exec(`DELETE FROM `+table+` WHERE variant_id IN (`+marks+`)`, args...)
			return err
		}); err != nil {
			return err
		}
	}
	if err := tx.Insert(`INSERT INTO variant_facet (variant_id, facet)`, 2, facets, ""); err != nil {
		return err
	}
	return tx.Insert(`INSERT INTO price (variant_id, store_id, amount, currency)`, 4, prices, "")
}
