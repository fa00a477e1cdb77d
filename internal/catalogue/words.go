package catalogue

import (
	"database/sql"
	"fmt"

	"dingdong/internal/db"
)

// words keeps what the names on receipts mean. A call has its own; an import keeps one
// from batch to batch, for a till prints the same few thousand again and again.
type words struct {
	stores   lookUps
	counters lookUps
	advisors lookUps
	variants map[string]string // SKU -> id, "" for one that the catalogue does not have
	news     []string          // SKUs to look up
}

// keptWords bounds what an import keeps of one kind.
const keptWords = 50_000

func newWords() *words {
	return &words{stores: lookUps{}, counters: lookUps{}, advisors: lookUps{}, variants: map[string]string{}}
}

// want notes what a receipt names.
func (w *words) want(p *PurchaseForm) {
	w.stores.want(p.Store)
	w.counters.want(p.Counter)
	w.advisors.want(p.Advisor)
	for _, l := range p.Lines {
		if _, known := w.variants[l.SKU]; !known && l.SKU != "" {
			w.variants[l.SKU] = ""
			w.news = append(w.news, l.SKU)
		}
	}
}

// lookUp finds what the words mean that were not met before.
func (w *words) lookUp(tx *db.Tx) error {
	for _, what := range []struct {
		keys  lookUps
		query string
	}{{w.stores, findStore}, {w.counters, findCounter}, {w.advisors, findAdvisor}} {
		if err := what.keys.resolve(tx, what.query); err != nil {
			return err
		}
	}
	err := eachPart(w.news, func(part []string) error {
		marks, args := db.In(part, 1)
		rows, err := tx.Query(`SELECT sku, id FROM variant WHERE sku IN (`+marks+`)`, args...)
		_, err = db.Collect(rows, err, func(row *sql.Rows) (none struct{}, err error) {
			var sku, id string
			err = row.Scan(&sku, &id)
			w.variants[sku] = id
			return none, err
		})
		return err
	})
	if err != nil {
		return fmt.Errorf("look up products: %w", err)
	}
	w.news = w.news[:0]
	return nil
}

// variantsOf gives the ids of what some lines sold.
func (w *words) variantsOf(lines []LineForm) []string {
	out := make([]string, len(lines))
	for n, l := range lines {
		out[n] = w.variants[l.SKU]
	}
	return out
}

// trim forgets everything when there is too much of it: a file may name a million
// products.
func (w *words) trim() {
	if max(len(w.stores), len(w.counters), len(w.advisors), len(w.variants)) > keptWords {
		*w = *newWords()
	}
}
