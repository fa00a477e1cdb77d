package catalogue

import (
	"cmp"
	"database/sql"
	"fmt"
	"strconv"
	"strings"

	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// Purchases lists receipts of a person that the viewer may read, the latest first:
// those of the counters she sees, and of other counters of the brands of her counters.
// Lines of other brands are not hers to read.
func (s *Shop) Purchases(tx *db.Tx, v staff.Viewer, records []string, before Cursor, limit int) ([]Purchase, error) {
	limit = min(limit, longest)
	if limit <= 0 {
		limit = usualPage
	}
	sight, err := readSight(tx, v)
	if err != nil {
		return nil, err
	}
	// What she may not read is left out after the query, so one may give too few.
	var out []Purchase
	for len(out) < limit {
		want := limit - len(out) + 1
		list, err := sight.receipts(tx, reading{records: records, before: before, limit: want})
		if err != nil {
			return nil, fmt.Errorf("purchases: %w", err)
		}
		for _, p := range list {
			if sight.trim(&p) && len(out) < limit {
				out = append(out, p)
			}
		}
		if len(list) < want {
			break
		}
		last := list[len(list)-1]
		before = Cursor{last.At, last.ID}
	}
	return out, nil
}

// sight is what a viewer may read of receipts.
type sight struct {
	all      bool
	counters map[string]bool // hers, and others of their brands
	brands   map[string]bool
}

func readSight(tx *db.Tx, v staff.Viewer) (sight, error) {
	s := sight{all: v.SeesAll(), counters: map[string]bool{}, brands: map[string]bool{}}
	mine := v.Counters()
	if s.all || len(mine) == 0 {
		return s, nil
	}
	if err := eachPart(mine, func(part []string) error {
		marks, args := db.In(part, 1)
		rows, err := tx.Query(`SELECT c.id, c.brand_id FROM counter c WHERE c.brand_id IN (SELECT m.brand_id FROM counter m WHERE m.id IN (`+marks+`))`, args...)
		_, err = db.Collect(rows, err, func(r *sql.Rows) (none struct{}, err error) {
			var counter, brand string
			err = r.Scan(&counter, &brand)
			s.counters[counter], s.brands[brand] = true, true
			return none, err
		})
		return err
	}); err != nil {
		return s, fmt.Errorf("counters she sees: %w", err)
	}
	return s, nil
}

// trim takes the lines away that are not the viewer's to read. It is false when nothing
// of the receipt is hers.
func (s sight) trim(p *Purchase) bool {
	if s.all {
		return true
	}
	mine := s.counters[p.CounterID]
	if p.CounterID != "" && !mine {
		return false
	}
	kept := p.Lines[:0]
	for _, l := range p.Lines {
		if s.brands[l.BrandID] || mine && l.BrandID == "" {
			kept = append(kept, l)
		}
	}
	if p.Partial = len(kept) < len(p.Lines); p.Partial {
		p.Total = 0
		for _, l := range kept {
			p.Total += l.Amount
		}
	}
	p.Lines = kept
	return len(kept) > 0 || mine && !p.Partial
}

// reading is which receipts to read.
type reading struct {
	records []string
	before  Cursor
	limit   int
}

const purchaseColumns = `id, source, ref, kind, returns_ref, customer_id, store_id, counter_id, advisor_id, at, total, currency`

func (s sight) receipts(tx *db.Tx, what reading) ([]Purchase, error) {
	if len(what.records) == 0 || !s.all && len(s.brands) == 0 {
		return nil, nil
	}
	// Each record is read by the index on its own and the few are put in order: an IN
	// list would read and sort everything she ever bought.
	var parts []string
	var args []any
	mark := func(v any) string {
		args = append(args, v)
		return "$" + strconv.Itoa(len(args))
	}
	limit := mark(what.limit)
	for _, id := range what.records {
		where := `customer_id = ` + mark(id) + ` AND customer_id <> ''`
		if !what.before.At.IsZero() {
			where += ` AND (at, id) < (` + mark(db.Micro(what.before.At)) + `, ` + mark(what.before.ID) + `)`
		}
		parts = append(parts, `SELECT * FROM (SELECT `+purchaseColumns+` FROM purchase WHERE `+where+` ORDER BY at DESC, id DESC LIMIT `+limit+`) r`+strconv.Itoa(len(parts)))
	}
	rows, err := tx.Query(strings.Join(parts, ` UNION ALL `)+` ORDER BY at DESC, id DESC LIMIT `+limit, args...)
	list, err := db.Collect(rows, err, func(r *sql.Rows) (Purchase, error) {
		var p Purchase
		var at int64
		err := r.Scan(&p.ID, &p.Source, &p.Ref, &p.Kind, &p.ReturnsRef, &p.CustomerID, &p.StoreID, &p.CounterID, &p.AdvisorID, &at, &p.Total, &p.Currency)
		p.At = db.Time(at)
		return p, err
	})
	if err != nil {
		return nil, err
	}
	return list, readLines(tx, list)
}

// readLines reads the lines of receipts with what the catalogue knows of them today,
// by SKU: a product may have come into the catalogue after the receipt.
func readLines(tx *db.Tx, list []Purchase) error {
	at := make(map[string]int, len(list))
	ids := make([]string, len(list))
	for i, p := range list {
		at[p.ID], ids[i] = i, p.ID
	}
	skus := map[string]bool{}
	err := eachPart(ids, func(part []string) error {
		marks, args := db.In(part, 1)
		rows, err := tx.Query(`SELECT purchase_id, n, sku, name, quantity, amount FROM purchase_line WHERE purchase_id IN (`+marks+`) ORDER BY purchase_id, n`, args...)
		_, err = db.Collect(rows, err, func(r *sql.Rows) (none struct{}, err error) {
			var id string
			var l Line
			if err := r.Scan(&id, &l.N, &l.SKU, &l.Name, &l.Quantity, &l.Amount); err != nil {
				return none, err
			}
			p := &list[at[id]]
			p.Lines = append(p.Lines, l)
			if l.SKU != "" {
				skus[l.SKU] = true
			}
			return none, nil
		})
		return err
	})
	if err != nil {
		return err
	}
	known := make(map[string]Line, len(skus))
	err = eachPart(keys(skus), func(part []string) error {
		marks, args := db.In(part, 1)
		rows, err := tx.Query(`SELECT w.sku, w.id, w.name, w.shade, w.colour, w.size, w.scent, p.id, p.brand_id, p.name, p.category, p.lasts_days
			FROM variant w JOIN product p ON p.id = w.product_id WHERE w.sku IN (`+marks+`)`, args...)
		_, err = db.Collect(rows, err, func(r *sql.Rows) (none struct{}, err error) {
			var l Line
			err = r.Scan(&l.SKU, &l.VariantID, &l.Variant, &l.Shade, &l.Colour, &l.Size, &l.Scent, &l.ProductID, &l.BrandID, &l.Name, &l.Category, &l.LastsDays)
			known[l.SKU] = l
			return none, err
		})
		return err
	})
	if err != nil {
		return err
	}
	for i := range list {
		for n := range list[i].Lines {
			l := &list[i].Lines[n]
			if k, ok := known[l.SKU]; ok {
				k.N, k.Quantity, k.Amount, k.Name = l.N, l.Quantity, l.Amount, cmp.Or(k.Name, l.Name)
				*l = k
			}
		}
	}
	return nil
}
