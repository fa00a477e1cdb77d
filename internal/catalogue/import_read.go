package catalogue

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"dingdong/internal/customer"
	"dingdong/internal/db"
)

const (
	usualCurrency = "TWD"
	usualSource   = "file"
	batchRows     = 5000 // after so many rows a batch ends, whatever it holds
	sampleRows    = 100
)

// importReader makes batches of entries from the rows of a file: the rows of one receipt
// or product become one entry.
type importReader struct {
	kind    ImportKind
	options ImportOptions
	sheet   *sheet
	columns mapped
	moments moments
	words   *words
	sample  [][]string
	rows    int64 // read so far, without the headings

	batch *importBatch
	open  map[receiptKey]int // entry of the batch
	last  receiptKey
	held  func() // takes the row that ended the batch before
	count int    // rows of the batch
}

// importBatch is what is written in one transaction.
type importBatch struct {
	purchases []PurchaseForm
	products  []ProductForm
	customers []CustomerForm
	nowhere   []bool // of customers: their counter is not known
	options   ImportOptions
	entries   []entry
	bad       []RowError
	settled   int64 // rows of the file up to the end of this batch
	bytes     int64

	cells []string // of its rows, one after another: what is wrong is shown as it stands there
	lines []rowCells
	named mapped // which cell holds which field

	places   []int     // entries without a wrong row
	receipts *receipts // theirs, prepared
}

// entry says where a receipt or product stands in the file.
type entry struct {
	rows    []int64 // the lines of the file
	parts   []int64 // the line of each of its lines or variants
	spoiled bool    // a row of it is wrong
	over    bool    // it has too many rows
}

// rowCells says where the cells of a row of a batch end; they begin where the former end.
type rowCells struct {
	line int64
	end  int
}

// newImportReader looks at a file. What the options say wrong is a db.Invalid.
func newImportReader(k ImportKind, from io.Reader, o ImportOptions) (*importReader, error) {
	if importColumns[k] == nil {
		return nil, db.Invalid{Field: "kind", Code: "unknown"}
	}
	o.Currency = strings.ToUpper(strings.TrimSpace(cmp.Or(o.Currency, usualCurrency)))
	if _, ok := digitsOf(o.Currency); !ok {
		return nil, db.Invalid{Field: "currency", Code: "currency"}
	}
	zone, err := time.LoadLocation(cmp.Or(o.Timezone, usualZone))
	if err != nil || o.Timezone == "Local" {
		return nil, db.Invalid{Field: "timezone", Code: "unknown"}
	}
	if o.Region = strings.ToUpper(strings.TrimSpace(o.Region)); o.Region != "" && !customer.ValidRegion(o.Region) {
		return nil, db.Invalid{Field: "region", Code: "unknown"}
	}
	o.Source = cmp.Or(oneLine(o.Source), usualSource)
	r := &importReader{kind: k, options: o, moments: moments{zone, o.ROC}, words: newWords()}
	if r.sheet, err = openSheet(from); err != nil {
		return nil, err
	}
	r.begin()
	if r.sheet.format == formatLines {
		return r, nil
	}
	headings, err := r.sheet.Next()
	var faulty faultyRow
	switch {
	case errors.Is(err, io.EOF):
		return nil, db.Invalid{Field: "file", Code: "required"}
	case errors.As(err, &faulty):
		return nil, db.Invalid{Field: "file", Code: "headings"}
	case err != nil:
		return nil, err
	}
	r.columns, err = mapColumns(k, headings, o.Columns)
	return r, err
}

// missing lists the required fields that no column holds.
func (r *importReader) missing() []string {
	if r.sheet.format == formatLines {
		return nil
	}
	return r.columns.missing(r.kind)
}

func (r *importReader) begin() {
	r.batch, r.open, r.last, r.count = &importBatch{options: r.options}, map[receiptKey]int{}, receiptKey{}, 0
}

// Next gives a batch, io.EOF behind the last one.
func (r *importReader) Next() (*importBatch, error) {
	if r.held != nil {
		r.held()
		r.held = nil
	}
	for {
		full, err := r.step()
		if errors.Is(err, io.EOF) && len(r.batch.entries)+len(r.batch.bad) > 0 {
			r.batch.settled = r.rows
			return r.end(), nil
		}
		if err != nil {
			return nil, err
		}
		if full {
			return r.end(), nil
		}
	}
}

func (r *importReader) end() *importBatch {
	b := r.batch
	b.named = r.columns
	b.bytes = r.sheet.read
	r.begin()
	return b
}

// step reads one row. It is true when the row opens the next batch.
func (r *importReader) step() (full bool, err error) {
	if r.sheet.format == formatLines {
		return r.stepLine()
	}
	row, err := r.sheet.Next()
	line := r.sheet.line
	if handled, err := r.faulty(line, err); handled || err != nil {
		return r.overfull(), err
	}
	r.rows++
	if len(r.sample) < sampleRows {
		r.sample = append(r.sample, append([]string(nil), row...))
	}
	key := r.keyOf(row)
	if key.ref == "" && r.kind != ImportCustomers {
		r.batch.bad = append(r.batch.bad, RowError{Line: line, Field: "ref", Code: "required"})
		return r.overfull(), nil
	}
	// A batch ends only where another receipt begins, so that none is torn in two.
	if key != r.last && (len(r.batch.entries) >= r.most() || r.count >= batchRows) {
		own := append([]string(nil), row...)
		r.batch.settled = r.rows - 1
		r.held = func() { r.take(key, own, line) }
		return true, nil
	}
	r.take(key, row, line)
	return r.overfull(), nil
}

// most is how many entries one transaction takes.
func (r *importReader) most() int {
	if r.kind == ImportCustomers {
		return customersAtOnce
	}
	return MaxBatch
}

// take adds a row to its entry. A receipt of more rows than any receipt has is wrong,
// and its rows are not kept.
func (r *importReader) take(key receiptKey, row []string, line int64) {
	r.last = key
	r.count++
	r.batch.remember(line, row...)
	i, ok := r.open[key]
	if !ok {
		i = len(r.batch.entries)
		r.open[key] = i
		r.batch.entries = append(r.batch.entries, entry{})
	}
	e := &r.batch.entries[i]
	if e.rows = append(e.rows, line); len(e.rows) > maxEntryRows {
		e.rows = e.rows[:maxEntryRows]
		if !e.over {
			e.over = true
			r.spoil(i, RowError{Line: line, Field: "ref", Code: "too_many"})
		}
		return
	}
	switch r.kind {
	case ImportProducts:
		r.productRow(i, !ok, key, row, line)
	case ImportCustomers:
		r.customerRow(i, row, line)
	default:
		r.purchaseRow(i, !ok, key, row, line)
	}
}

// maxEntryRows bounds the rows of one receipt or product.
const maxEntryRows = 2000

func (r *importReader) stepLine() (full bool, err error) {
	text, err := r.sheet.NextLine()
	line := r.sheet.line
	if handled, err := r.faulty(line, err); handled || err != nil {
		return r.overfull(), err
	}
	r.rows++
	if len(r.sample) < sampleRows {
		r.sample = append(r.sample, []string{db.CleanText(string(text))})
	}
	if len(text) <= maxShownLine {
		r.batch.remember(line, string(text))
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	e := entry{rows: []int64{line}}
	switch r.kind {
	case ImportProducts:
		var p ProductForm
		if err = d.Decode(&p); err == nil {
			r.batch.products = append(r.batch.products, p)
		}
	case ImportCustomers:
		var f CustomerForm
		if err = d.Decode(&f); err == nil {
			r.batch.customers = append(r.batch.customers, f)
		}
	default:
		var p PurchaseForm
		if err = d.Decode(&p); err == nil {
			p.Source = cmp.Or(p.Source, r.options.Source)
			p.Currency = cmp.Or(p.Currency, r.options.Currency)
			r.batch.purchases = append(r.batch.purchases, p)
		}
	}
	if err == nil && len(bytes.TrimSpace(text[d.InputOffset():])) > 0 {
		err = errors.New("something behind the object")
		r.drop()
	}
	if err != nil {
		r.batch.bad = append(r.batch.bad, RowError{Line: line, Field: jsonField(err), Code: "malformed"})
		return r.overfull(), nil
	}
	r.batch.entries = append(r.batch.entries, e)
	if len(r.batch.entries) >= r.most() {
		r.batch.settled = r.rows
		return true, nil
	}
	return r.overfull(), nil
}

func (r *importReader) drop() {
	if n := len(r.batch.products); n > 0 {
		r.batch.products = r.batch.products[:n-1]
	}
	if n := len(r.batch.customers); n > 0 {
		r.batch.customers = r.batch.customers[:n-1]
	}
	if n := len(r.batch.purchases); n > 0 {
		r.batch.purchases = r.batch.purchases[:n-1]
	}
}

// jsonField names the field that had the wrong type.
func jsonField(err error) string {
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) && wrong.Field != "" {
		return oneLine(wrong.Field)
	}
	return "row"
}

// faulty notes a row that cannot be read.
func (r *importReader) faulty(line int64, err error) (bool, error) {
	var f faultyRow
	if !errors.As(err, &f) {
		return false, err
	}
	r.rows++
	r.batch.bad = append(r.batch.bad, RowError{Line: line, Field: "row", Code: f.code})
	return true, nil
}

// overfull ends a batch of many bad rows.
func (r *importReader) overfull() bool {
	if len(r.batch.bad) < batchRows {
		return false
	}
	r.batch.settled = r.rows
	return true
}

// keyOf says to which receipt or product a row belongs.
func (r *importReader) keyOf(row []string) receiptKey {
	if r.kind == ImportCustomers { // each row is one
		return receiptKey{"", strconv.FormatInt(r.sheet.line, 10)}
	}
	ref := r.columns.cell(row, "ref")
	if r.kind == ImportProducts {
		return receiptKey{"", oneLine(cmp.Or(ref, r.columns.cell(row, "sku")))}
	}
	return receiptKey{cmp.Or(oneLine(r.columns.cell(row, "source")), r.options.Source), oneLine(ref)}
}

// spoil marks the entry of a row that is wrong.
func (r *importReader) spoil(i int, bad RowError) {
	r.batch.entries[i].spoiled = true
	r.batch.bad = append(r.batch.bad, bad)
}

func (r *importReader) purchaseRow(i int, first bool, key receiptKey, row []string, line int64) {
	cell := func(field string) string { return r.columns.cell(row, field) }
	if first {
		r.batch.purchases = append(r.batch.purchases, PurchaseForm{Source: key.source, Ref: key.ref, ReturnsRef: cell("returns_ref"),
			CustomerID: cell("customer"), Member: cell("member"), Phone: cell("phone"), Store: cell("store"), Counter: cell("counter"),
			Advisor: cell("advisor"), Currency: cmp.Or(cell("currency"), r.options.Currency)})
	}
	p := &r.batch.purchases[i]
	if first {
		var ok bool
		if p.At, ok = r.moments.parse(cell("at"), cell("time")); !ok {
			r.spoil(i, RowError{Line: line, Field: "at", Code: dateCode(cell("at"))})
			return
		}
		if p.Kind, ok = kindOf(cell("kind")); !ok {
			r.spoil(i, RowError{Line: line, Field: "kind", Code: "kind"})
			return
		}
		if total := cell("total"); total != "" {
			n, err := ParseAmount(total, strings.ToUpper(p.Currency))
			if err != nil {
				r.spoil(i, amountError(line, "total", err))
				return
			}
			p.Total = &n
		}
	}
	r.purchaseLine(i, row, line)
}

func dateCode(cell string) string {
	if cell == "" {
		return "required"
	}
	return "date"
}

func amountError(line int64, field string, err error) RowError {
	var bad db.Invalid
	if errors.As(err, &bad) && bad.Field == "currency" {
		field = "currency"
	}
	return RowError{Line: line, Field: field, Code: cmp.Or(bad.Code, "number")}
}

// purchaseLine reads the part of a row that is a line of the receipt.
func (r *importReader) purchaseLine(i int, row []string, line int64) {
	p, e := &r.batch.purchases[i], &r.batch.entries[i]
	cell := func(field string) string { return r.columns.cell(row, field) }
	l := LineForm{SKU: cell("sku"), Name: cell("name"), Quantity: 1}
	money := cell("amount")
	if l.SKU == "" && l.Name == "" {
		// A file of receipts without lines: what it calls amount is the total.
		switch {
		case len(e.rows) > 1:
			r.spoil(i, RowError{Line: line, Field: "ref", Code: "taken"})
		case p.Total == nil && money == "":
			r.spoil(i, RowError{Line: line, Field: "total", Code: "required"})
		case p.Total == nil:
			n, err := ParseAmount(money, strings.ToUpper(p.Currency))
			if err != nil {
				r.spoil(i, amountError(line, "amount", err))
				return
			}
			p.Total = &n
		}
		return
	}
	if len(p.Lines) >= maxLines {
		if !e.spoiled {
			r.spoil(i, RowError{Line: line, Field: "lines", Code: "too_many"})
		}
		return
	}
	if q := cell("quantity"); q != "" {
		n, err := ParseAmount(q, "JPY") // as strict as an amount, without decimals
		if err != nil {
			r.spoil(i, RowError{Line: line, Field: "quantity", Code: "number"})
			return
		}
		l.Quantity = n
	}
	var err error
	switch {
	case money != "":
		l.Amount, err = ParseAmount(money, strings.ToUpper(p.Currency))
	case p.Total != nil && len(p.Lines) == 0:
		l.Amount = *p.Total
	default:
		err = db.Invalid{Field: "amount", Code: "required"}
	}
	if err != nil {
		r.spoil(i, amountError(line, "amount", err))
		return
	}
	p.Lines = append(p.Lines, l)
	e.parts = append(e.parts, line)
}

// kindOf reads the words for sale and return.
func kindOf(s string) (Kind, bool) {
	if s == "" {
		return "", true
	}
	switch folded(s) {
	case "sale", "sales", "s", "purchase", "order", "銷售", "銷貨", "購買", "消費", "销售", "购买":
		return Sale, true
	case "return", "returns", "r", "refund", "returned", "退貨", "退款", "銷退", "退货":
		return Return, true
	}
	return "", false
}

func (r *importReader) productRow(i int, first bool, key receiptKey, row []string, line int64) {
	cell := func(field string) string { return r.columns.cell(row, field) }
	if first {
		r.batch.products = append(r.batch.products, ProductForm{Ref: key.ref, Brand: cell("brand"), Name: cell("name"),
			Category: cell("category"), URL: cell("url")})
		p := &r.batch.products[i]
		if days := cell("lasts_days"); days != "" {
			n, err := strconv.Atoi(days)
			if err != nil {
				r.spoil(i, RowError{Line: line, Field: "lasts_days", Code: "number"})
				return
			}
			p.LastsDays = n
		}
		var ok bool
		if p.Closed, ok = yes(cell("closed")); !ok {
			r.spoil(i, RowError{Line: line, Field: "closed", Code: "malformed"})
			return
		}
	}
	sku := oneLine(cell("sku"))
	if sku == "" {
		return
	}
	r.variantRow(i, sku, row, line)
}

// variantRow reads the part of a row that is a variant, or one more price of one.
func (r *importReader) variantRow(i int, sku string, row []string, line int64) {
	p, e := &r.batch.products[i], &r.batch.entries[i]
	cell := func(field string) string { return r.columns.cell(row, field) }
	n := len(p.Variants)
	for k := range p.Variants {
		if p.Variants[k].SKU == sku {
			n = k
		}
	}
	if n == len(p.Variants) {
		if n >= maxVariants {
			if !e.spoiled {
				r.spoil(i, RowError{Line: line, Field: "variants", Code: "too_many"})
			}
			return
		}
		w := VariantForm{SKU: sku, Name: cell("variant"), Shade: cell("shade"), Colour: cell("colour"), Size: cell("size"),
			Scent: cell("scent"), Barcode: cell("barcode"), Closed: p.Closed,
			Facets: strings.FieldsFunc(cell("facets"), func(r rune) bool { return strings.ContainsRune(" ,;|、", r) })}
		if at := cell("arrived_at"); at != "" {
			var ok bool
			if w.ArrivedAt, ok = r.moments.parse(at, ""); !ok {
				r.spoil(i, RowError{Line: line, Field: "arrived_at", Code: "date"})
				return
			}
		}
		p.Variants = append(p.Variants, w)
		e.parts = append(e.parts, line)
	}
	if price := cell("price"); price != "" {
		currency := strings.ToUpper(cmp.Or(cell("currency"), r.options.Currency))
		amount, err := ParseAmount(price, currency)
		if err != nil {
			r.spoil(i, amountError(line, "price", err))
			return
		}
		w := &p.Variants[n]
		w.Prices = append(w.Prices, PriceForm{Store: cell("store"), Amount: amount, Currency: currency})
	}
}

// yes reads the words for yes and no.
func yes(s string) (value, ok bool) {
	switch folded(s) {
	case "", "0", "no", "n", "false", "否", "f":
		return false, true
	case "1", "yes", "y", "true", "是", "t", "v", "x":
		return true, true
	}
	return false, false
}

// skip passes rows that an earlier run has dealt with.
func (r *importReader) skip(rows int64) error {
	for r.rows < rows {
		var err error
		if r.sheet.format == formatLines {
			_, err = r.sheet.NextLine()
		} else {
			_, err = r.sheet.Next()
		}
		var f faultyRow
		if err != nil && !errors.As(err, &f) {
			return fmt.Errorf("go on in the file: %w", err)
		}
		r.rows++
	}
	return nil
}
