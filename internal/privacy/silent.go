package privacy

import (
	"context"
	"fmt"
	"time"

	"dingdong/internal/db"
)

// silence asks who had no contact since a time, among persons behind an id.
type silence struct {
	after string
	since time.Time
	limit int
}

// silent returns persons who wrote nothing, were written to by nobody of the staff
// and bought nothing since a time, and the id up to which that is all: "" at the
// end. What the house itself sends is no contact. One look into an index for each,
// so that a million take seconds.
func silent(tx *db.Tx, s silence) (persons []string, upTo string, err error) {
	born := db.IDAt("cus", s.since) // who came later is too young to be silent
	err = tx.QueryRow(`SELECT id FROM customer WHERE id > $1 AND id < $2 ORDER BY id LIMIT 1 OFFSET $3`, s.after, born, s.limit-1).Scan(&upTo)
	if err = db.NotFound(err); err == db.ErrNotFound {
		upTo, err = "", nil
	}
	if err != nil {
		return nil, "", fmt.Errorf("who is silent: %w", err)
	}
	last := upTo
	if last == "" {
		last = born
	}
	rows, err := tx.Query(`SELECT c.id FROM customer c WHERE c.id > $1 AND c.id <= $2 AND c.person_id = '' AND c.kind = 'person'
		AND NOT EXISTS (SELECT 1 FROM thread t WHERE t.customer_id = c.id AND t.last_at >= $3
			AND EXISTS (SELECT 1 FROM message m WHERE m.thread_id = t.id AND m.at >= $3 AND m.author IN ('customer', 'staff')))
		AND NOT EXISTS (SELECT 1 FROM purchase p WHERE p.customer_id <> '' AND p.customer_id = c.id AND p.at >= $3)
		AND NOT EXISTS (SELECT 1 FROM customer r JOIN purchase p ON p.customer_id <> '' AND p.customer_id = r.id AND p.at >= $3
			WHERE r.person_id <> '' AND r.person_id = c.id)
		ORDER BY c.id`, s.after, last, db.Micro(s.since))
	persons, err = db.Collect(rows, err, scanText)
	if err != nil {
		return nil, "", fmt.Errorf("who is silent: %w", err)
	}
	return persons, upTo, nil
}

// silentTurn is how many customers one look takes.
const silentTurn = 5000

// eachSilent visits everybody who was silent since a time, a few thousand customers
// after another, each look in a read of its own.
func (r *Room) eachSilent(ctx context.Context, since time.Time, visit func(persons []string) error) error {
	for after := ""; ; {
		var persons []string
		var upTo string
		err := r.DB.Read(ctx, func(tx *db.Tx) (err error) {
			persons, upTo, err = silent(tx, silence{after, since, silentTurn})
			return err
		})
		if err != nil {
			return err
		}
		if len(persons) > 0 {
			if err := visit(persons); err != nil {
				return err
			}
		}
		if upTo == "" {
			return nil
		}
		after = upTo
	}
}

// CountSilent tells how many persons the rule about silence would concern now.
func (r *Room) CountSilent(ctx context.Context, since time.Time) (int, error) {
	n := 0
	err := r.eachSilent(ctx, since, func(persons []string) error {
		n += len(persons)
		return nil
	})
	return n, err
}
