package catalogue

import (
	"database/sql"
	"fmt"
	"time"

	"dingdong/internal/db"
)

// ExtractPurchase is a receipt of hers, for her copy.
type ExtractPurchase struct {
	Source   string        `json:"source"`
	Number   string        `json:"number"`
	Kind     string        `json:"kind"`
	Store    string        `json:"store,omitempty"`
	Counter  string        `json:"counter,omitempty"`
	Total    int64         `json:"total"` // minor units
	Currency string        `json:"currency"`
	At       time.Time     `json:"at"`
	Lines    []ExtractLine `json:"lines"`

	id string
}

// ExtractLine is a line of a receipt.
type ExtractLine struct {
	SKU      string `json:"sku"`
	Name     string `json:"name,omitempty"`
	Quantity int64  `json:"quantity"`
	Amount   int64  `json:"amount"` // minor units
}

// Export gives every receipt of some records, the oldest first.
func (s *Shop) Export(tx *db.Tx, records []string) ([]ExtractPurchase, error) {
	if len(records) == 0 {
		return nil, nil
	}
	marks, args := db.In(records, 1)
	rows, err := tx.Query(`SELECT p.id, p.source, p.ref, p.kind, COALESCE(s.name, ''), COALESCE(c.name, ''), p.total, p.currency, p.at
		FROM purchase p LEFT JOIN store s ON s.id = p.store_id LEFT JOIN counter c ON c.id = p.counter_id
		WHERE p.customer_id <> '' AND p.customer_id IN (`+marks+`) ORDER BY p.at, p.id`, args...)
	out, err := db.Collect(rows, err, func(r *sql.Rows) (p ExtractPurchase, err error) {
		var at int64
		err = r.Scan(&p.id, &p.Source, &p.Number, &p.Kind, &p.Store, &p.Counter, &p.Total, &p.Currency, &at)
		p.At = db.Time(at)
		return p, err
	})
	if err != nil {
		return nil, fmt.Errorf("her copy: %w", err)
	}
	for i := range out {
		rows, err := tx.Query(`SELECT sku, name, quantity, amount FROM purchase_line WHERE purchase_id = $1 ORDER BY n`, out[i].id)
		out[i].Lines, err = db.Collect(rows, err, func(r *sql.Rows) (l ExtractLine, err error) {
			return l, r.Scan(&l.SKU, &l.Name, &l.Quantity, &l.Amount)
		})
		if err != nil {
			return nil, fmt.Errorf("her copy: %w", err)
		}
	}
	return out, nil
}
