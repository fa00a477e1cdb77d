package conversation

import (
	"database/sql"
	"fmt"

	"dingdong/internal/channel"
	"dingdong/internal/customer"
	"dingdong/internal/db"
)

// withElsewhere adds what a customer is called, and how she looks, on another account of
// the same counter, where the one she wrote on last does not tell: a visitor of the web
// who was found to be a friend on LINE. How other counters know her is theirs.
func (d *Desk) withElsewhere(tx *db.Tx, t Thread) (Thread, error) {
	_, shows := d.Adapters[t.Channel].(channel.Portrayer)
	faceless := t.Picture == "" && !shows // a friend on LINE without one has none
	if t.Kind != channel.Person || t.Name != "" && !faceless {
		return t, nil
	}
	rows, err := tx.Query(`SELECT i.customer_id, i.name, i.picture
		FROM (SELECT id FROM customer WHERE id = $1 UNION ALL SELECT id FROM customer WHERE person_id = $1 AND person_id <> '' AND id <> $1) r
			JOIN identity i ON i.customer_id = r.id AND (i.name IS NOT NULL OR i.picture <> '') JOIN account a ON a.id = i.account_id
		WHERE a.counter_id = $2 OR EXISTS (SELECT 1 FROM account_counter c WHERE c.account_id = a.id AND c.counter_id = $2)
		ORDER BY i.created_at, i.id LIMIT 20`, t.CustomerID, t.CounterID)
	type known struct {
		names   customer.SealedNames
		picture string
	}
	all, err := db.Collect(rows, err, func(r *sql.Rows) (k known, err error) {
		return k, r.Scan(&k.names.CustomerID, &k.names.Identity, &k.picture)
	})
	if err != nil {
		return t, fmt.Errorf("how she is known elsewhere: %w", err)
	}
	for _, k := range all {
		if t.Name == "" && k.names.Identity != nil {
			if t.Name, err = d.Book.DisplayName(tx, k.names); err != nil {
				return t, err
			}
		}
		if faceless && t.Picture == "" {
			t.Picture, t.pictureOf = k.picture, k.names.CustomerID
		}
	}
	return t, nil
}
