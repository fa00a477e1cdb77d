package catalogue

import (
	"cmp"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"dingdong/internal/db"
	"dingdong/internal/event"
	"dingdong/internal/staff"
)

const (
	maxLines    = 500
	maxQuantity = 1_000_000
)

// RecordPurchases records receipts, each once by its source and number: a repeat
// changes nothing. A receipt with an error is not recorded, and does not keep the
// others out.
func (s *Shop) RecordPurchases(tx *db.Tx, v staff.Viewer, forms []PurchaseForm) ([]Result, error) {
	if !v.May(staff.KeepPurchases) {
		return nil, staff.ErrForbidden
	}
	if len(forms) > MaxBatch {
		return nil, db.Invalid{Field: "purchases", Code: "too_many"}
	}
	r, err := s.readReceipts(tx, forms)
	if err != nil {
		return nil, fmt.Errorf("purchases: %w", err)
	}
	if err := r.write(tx, ""); err != nil {
		return nil, fmt.Errorf("purchases: %w", err)
	}
	if err := s.tell(tx, v, r); err != nil {
		return nil, err
	}
	return r.results, nil
}

// receipts is one batch on its way in.
type receipts struct {
	forms    []PurchaseForm
	results  []Result
	owners   []owner
	stores   lookUps
	counters lookUps
	advisors lookUps
	variants map[string]string // SKU -> id
}

// owner is whose a receipt is: a customer, or a hash that may become one.
type owner struct{ customer, hash string }

// receiptKey names a receipt.
type receiptKey struct{ source, ref string }

// readReceipts finds what is wrong with the forms and what their words mean here.
func (s *Shop) readReceipts(tx *db.Tx, forms []PurchaseForm) (*receipts, error) {
	r := &receipts{forms: slices.Clone(forms), results: make([]Result, len(forms)), owners: make([]owner, len(forms)),
		stores: lookUps{}, counters: lookUps{}, advisors: lookUps{}, variants: map[string]string{}}
	seen := make(map[receiptKey]bool, len(forms))
	for i := range r.forms {
		p := &r.forms[i]
		f := fields{}
		cleanPurchase(&f, p, tx.Now)
		res := Result{Ref: p.Ref, Field: f.bad.Field, Code: f.bad.Code, State: Added}
		key := receiptKey{p.Source, p.Ref}
		switch {
		case res.Code != "":
			res.State = Bad
		case seen[key]:
			res.State = Repeated
		default:
			seen[key] = true
			r.stores.want(p.Store)
			r.counters.want(p.Counter)
			r.advisors.want(p.Advisor)
			for _, l := range p.Lines {
				r.variants[l.SKU] = ""
			}
		}
		r.results[i] = res
	}
	if err := r.lookUp(tx); err != nil {
		return nil, err
	}
	if err := s.findOwners(tx, r); err != nil {
		return nil, err
	}
	for i := range r.forms {
		r.place(i)
	}
	return r, nil
}

func cleanPurchase(f *fields, p *PurchaseForm, now time.Time) {
	f.needed("source", &p.Source, maxWord)
	f.needed("ref", &p.Ref, maxRef)
	f.text("returns_ref", &p.ReturnsRef, maxRef)
	f.text("customer", &p.CustomerID, maxRef)
	f.text("member", &p.Member, maxRef)
	f.text("phone", &p.Phone, maxRef)
	f.text("store", &p.Store, maxName)
	f.text("counter", &p.Counter, maxName)
	f.text("advisor", &p.Advisor, maxName)
	f.currency("currency", &p.Currency)
	f.moment("at", p.At, now.Add(24*time.Hour))
	switch {
	case len(p.Lines) > maxLines:
		f.fail("lines", "too_many")
		return
	case len(p.Lines) == 0 && p.Total == nil:
		f.fail("lines", "required")
		return
	}
	p.Lines = slices.Clone(p.Lines)
	var sum int64
	for n := range p.Lines {
		l := &p.Lines[n]
		if plain(l.SKU) && plain(l.Name) && len(l.SKU) <= maxRef && len(l.Name) <= maxName && l.Quantity > 0 && l.Quantity <= maxQuantity && l.Amount >= 0 && l.Amount <= maxAmount {
			sum += l.Amount
			continue
		}
		f.path = inside("lines", n)
		f.text("sku", &l.SKU, maxRef)
		f.text("name", &l.Name, maxName)
		if l.SKU == "" && l.Name == "" {
			f.fail("sku", "required")
		}
		if l.Quantity == 0 {
			l.Quantity = 1
		}
		if l.Quantity > maxQuantity || l.Quantity < -maxQuantity {
			f.fail("quantity", "number")
		}
		if l.Amount > maxAmount || l.Amount < -maxAmount {
			f.fail("amount", "number")
		}
		sum += l.Amount
	}
	f.path = ""
	if p.Total == nil {
		p.Total = &sum
	}
	if *p.Total > maxAmount || *p.Total < -maxAmount {
		f.fail("total", "number")
	}
	cleanSign(f, p)
}

// cleanSign makes what is taken back negative. Some tills print returns with a minus,
// others say that it is one.
func cleanSign(f *fields, p *PurchaseForm) {
	switch p.Kind {
	case "":
		if p.Kind = Sale; *p.Total < 0 || p.ReturnsRef != "" {
			p.Kind = Return
		}
	case Sale, Return:
	default:
		f.fail("kind", "kind")
	}
	if p.Kind == Sale {
		if *p.Total < 0 {
			f.fail("total", "sign")
		}
		return
	}
	if *p.Total > 0 {
		total := -*p.Total
		p.Total = &total
	}
	if !slices.ContainsFunc(p.Lines, func(l LineForm) bool { return l.Amount < 0 || l.Quantity < 0 }) {
		for n := range p.Lines {
			p.Lines[n].Amount, p.Lines[n].Quantity = -p.Lines[n].Amount, -p.Lines[n].Quantity
		}
	}
	for n := range p.Lines { // a minus in one column means both
		if l := &p.Lines[n]; l.Amount < 0 && l.Quantity > 0 {
			l.Quantity = -l.Quantity
		}
	}
}

func (r *receipts) lookUp(tx *db.Tx) error {
	for _, what := range []struct {
		keys  lookUps
		query string
	}{{r.stores, findStore}, {r.counters, findCounter}, {r.advisors, findAdvisor}} {
		if len(what.keys) == 0 {
			continue
		}
		if err := what.keys.resolve(tx, what.query); err != nil {
			return err
		}
	}
	delete(r.variants, "")
	skus := make([]string, 0, len(r.variants))
	for sku := range r.variants {
		skus = append(skus, sku)
	}
	return eachPart(skus, func(part []string) error {
		marks, args := db.In(part, 1)
		rows, err := tx.Query(`SELECT sku, id FROM variant WHERE sku IN (`+marks+`)`, args...)
		_, err = db.Collect(rows, err, func(row *sql.Rows) (none struct{}, err error) {
			var sku, id string
			err = row.Scan(&sku, &id)
			r.variants[sku] = id
			return none, err
		})
		return err
	})
}

// place puts ids where the form has names.
func (r *receipts) place(i int) {
	p, res := &r.forms[i], &r.results[i]
	if res.State != Added {
		return
	}
	f := fields{}
	store, ok := r.stores.id(p.Store)
	if !ok {
		f.fail("store", "unknown")
	}
	counter, ok := r.counters.id(p.Counter)
	if !ok || counter.store != "" && store.id != "" && counter.store != store.id {
		f.fail("counter", "unknown")
	}
	advisor, ok := r.advisors.id(p.Advisor)
	if !ok {
		f.fail("advisor", "unknown")
	}
	if p.CustomerID != "" && r.owners[i].customer == "" {
		f.fail("customer", "unknown")
	}
	p.Store, p.Counter, p.Advisor = cmp.Or(store.id, counter.store), counter.id, advisor.id
	if f.bad.Code != "" {
		res.State, res.Field, res.Code = Bad, f.bad.Field, f.bad.Code
	}
}

// write stores the receipts that are new. They are sorted by their key, so that two
// nodes that write the same ones do not wait for each other in a circle.
func (r *receipts) write(tx *db.Tx, importID string) error {
	order := make([]int, 0, len(r.forms))
	for i, res := range r.results {
		if res.State == Added {
			order = append(order, i)
		}
	}
	slices.SortFunc(order, func(a, b int) int {
		p, q := &r.forms[a], &r.forms[b]
		return cmp.Or(strings.Compare(p.Source, q.Source), strings.Compare(p.Ref, q.Ref))
	})
	now := db.Micro(tx.Now)
	args := make([]any, 0, len(order)*15)
	pending := make(map[string]int, len(order))
	for _, i := range order {
		p := &r.forms[i]
		id := tx.NewID("pur")
		pending[id] = i
		args = append(args, id, p.Source, p.Ref, string(p.Kind), p.ReturnsRef, r.owners[i].customer, r.owners[i].hash,
			p.Store, p.Counter, p.Advisor, db.Micro(p.At), *p.Total, p.Currency, importID, now)
		r.results[i].State = Repeated // until the row comes back
	}
	err := tx.InsertReturning(`INSERT INTO purchase (id, source, ref, kind, returns_ref, customer_id, member_hash, store_id, counter_id, advisor_id,
		at, total, currency, import_id, created_at)`, 15, args, `ON CONFLICT (source, ref) DO NOTHING RETURNING id`, func(row *sql.Rows) error {
		var id string
		if err := row.Scan(&id); err != nil {
			return err
		}
		res := &r.results[pending[id]]
		res.State, res.ID = Added, id
		return nil
	})
	if err != nil {
		return err
	}
	args = args[:0]
	for _, i := range order {
		if r.results[i].State != Added {
			continue
		}
		for n, l := range r.forms[i].Lines {
			args = append(args, r.results[i].ID, int64(n+1), l.SKU, r.variants[l.SKU], l.Name, l.Quantity, l.Amount)
		}
	}
	return tx.Insert(`INSERT INTO purchase_line (purchase_id, n, sku, variant_id, name, quantity, amount)`, 7, args, "")
}

// tell lets open cards know. An import tells nobody: it may hold millions.
func (s *Shop) tell(tx *db.Tx, v staff.Viewer, r *receipts) error {
	told := map[string]bool{}
	for i, res := range r.results {
		id := r.owners[i].customer
		if res.State != Added || id == "" || told[id] {
			continue
		}
		told[id] = true
		if err := s.changed(tx, event.Event{Customer: id, Counter: r.forms[i].Counter, By: v.ID}); err != nil {
			return err
		}
	}
	return nil
}

// changed lets the open cards of a person know that a record of hers has a new receipt.
func (s *Shop) changed(tx *db.Tx, e event.Event) error {
	person, err := s.Book.Person(tx, e.Customer)
	if err != nil {
		return err
	}
	e.Kind, e.Customer, e.Data = event.CustomerChanged, person, map[string]string{"what": "purchase"}
	event.Append(tx, e)
	return nil
}
