package catalogue

import (
	"cmp"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"dingdong/internal/customer"
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
	r := newReceipts(forms)
	if err := s.prepare(tx, r, newWords()); err != nil {
		return nil, fmt.Errorf("purchases: %w", err)
	}
	if err := s.findOwners(tx, r); err != nil {
		return nil, fmt.Errorf("purchases: %w", err)
	}
	if err := r.write(tx, ""); err != nil {
		return nil, fmt.Errorf("purchases: %w", err)
	}
	r.forgiveAgain()
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
	variants [][]string // ids of what the lines sold, where the catalogue has it
}

// owner is whose a receipt is: a customer, or a hash that may become one.
type owner struct {
	customer, hash string
	kind           customer.ContactKind // of the hash
}

// receiptKey names a receipt.
type receiptKey struct{ source, ref string }

func newReceipts(forms []PurchaseForm) *receipts {
	return &receipts{forms: slices.Clone(forms), results: make([]Result, len(forms)), owners: make([]owner, len(forms)), variants: make([][]string, len(forms))}
}

// again is a receipt that stands twice in a batch, or came in between the look at what
// is there and the turn to write. Nobody outside this file and the import's sees it.
const again State = "again"

// forgiveAgain makes them what they are to the outside: repeats.
func (r *receipts) forgiveAgain() {
	for i := range r.results {
		if r.results[i].State == again {
			r.results[i].State = Repeated
		}
	}
}

// attempt is a copy for one attempt to store them: a transaction may be run again.
func (r *receipts) attempt() *receipts {
	return &receipts{r.forms, slices.Clone(r.results), slices.Clone(r.owners), r.variants}
}

// prepare finds what is wrong with the forms and what their words mean here: all that
// does not change under the hands of an import, so that it can be done before its turn
// to write comes.
func (s *Shop) prepare(tx *db.Tx, r *receipts, w *words) error {
	seen := make(map[receiptKey]bool, len(r.forms))
	hashes := hashed{}
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
			res.State = again
		default:
			seen[key] = true
			if field := s.hashOwner(p, &r.owners[i], hashes); field != "" {
				res.State, res.Field, res.Code = Bad, field, "malformed"
				break
			}
			w.want(p)
		}
		r.results[i] = res
	}
	if err := w.lookUp(tx); err != nil {
		return err
	}
	for i := range r.forms {
		r.place(i, w)
	}
	return nil
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

// place puts ids where the form has names.
func (r *receipts) place(i int, w *words) {
	p, res := &r.forms[i], &r.results[i]
	if res.State != Added {
		return
	}
	f := fields{}
	store, ok := w.stores.id(p.Store)
	if !ok {
		f.fail("store", "unknown")
	}
	counter, ok := w.counters.id(p.Counter)
	if !ok || counter.store != "" && store.id != "" && counter.store != store.id {
		f.fail("counter", "unknown")
	}
	advisor, ok := w.advisors.id(p.Advisor)
	if !ok {
		f.fail("advisor", "unknown")
	}
	p.Store, p.Counter, p.Advisor = cmp.Or(store.id, counter.store), counter.id, advisor.id
	if f.bad.Code != "" {
		res.State, res.Field, res.Code = Bad, f.bad.Field, f.bad.Code
	}
	r.variants[i] = w.variantsOf(p.Lines)
}

// write stores the receipts that are new. They are sorted by their key, so that two
// nodes that write the same ones do not wait for each other in a circle.
func (r *receipts) write(tx *db.Tx, importID string) error {
	order := make([]int, 0, len(r.forms))
	lines := 0
	for i, res := range r.results {
		if res.State == Added {
			order = append(order, i)
			lines += len(r.forms[i].Lines)
		}
	}
	slices.SortFunc(order, func(a, b int) int {
		p, q := &r.forms[a], &r.forms[b]
		return cmp.Or(strings.Compare(p.Source, q.Source), strings.Compare(p.Ref, q.Ref))
	})
	for part := range slices.Chunk(order, writeRows) {
		if err := r.writePart(tx, importID, part); err != nil {
			return err
		}
	}
	args := make([]any, 0, lines*7)
	for _, i := range order {
		if r.results[i].State != Added {
			continue
		}
		for n, l := range r.forms[i].Lines {
			args = append(args, r.results[i].ID, int64(n+1), l.SKU, r.variants[i][n], l.Name, l.Quantity, l.Amount)
		}
	}
	return tx.Insert(`INSERT INTO purchase_line (purchase_id, n, sku, variant_id, name, quantity, amount)`, 7, args, "")
}

// writeRows is how many receipts one statement stores.
const writeRows = 64

func (r *receipts) writePart(tx *db.Tx, importID string, part []int) error {
	now := db.Micro(tx.Now)
	args := make([]any, 0, len(part)*15)
	for _, i := range part {
		p, res := &r.forms[i], &r.results[i]
		res.ID = tx.NewID("pur")
		args = append(args, res.ID, p.Source, p.Ref, string(p.Kind), p.ReturnsRef, r.owners[i].customer, r.owners[i].hash,
			p.Store, p.Counter, p.Advisor, db.Micro(p.At), *p.Total, p.Currency, importID, now)
	}
	n, err := tx.InsertCount(`INSERT INTO purchase (id, source, ref, kind, returns_ref, customer_id, member_hash, store_id, counter_id, advisor_id,
		at, total, currency, import_id, created_at)`, 15, args, `ON CONFLICT (source, ref) DO NOTHING`)
	if err != nil || int(n) == len(part) {
		return err
	}
	return r.findAdded(tx, part)
}

// findAdded tells which receipts of a part went in and which were there.
func (r *receipts) findAdded(tx *db.Tx, part []int) error {
	ids := make([]string, len(part))
	at := make(map[string]int, len(part))
	for n, i := range part {
		res := &r.results[i]
		ids[n], at[res.ID] = res.ID, i
		res.ID, res.State = "", again
	}
	marks, args := db.In(ids, 1)
	rows, err := tx.Query(`SELECT id FROM purchase WHERE id IN (`+marks+`)`, args...)
	_, err = db.Collect(rows, err, func(row *sql.Rows) (none struct{}, err error) {
		var id string
		if err := row.Scan(&id); err != nil {
			return none, err
		}
		res := &r.results[at[id]]
		res.State, res.ID = Added, id
		return none, nil
	})
	return err
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
