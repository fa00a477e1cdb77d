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

// silentPersons are persons without contact since $1: nothing that she or the staff
// wrote, nothing that she bought, signed or scanned, and no record of hers that is
// younger. What the house itself sends is no contact. Words go by rules of their own,
// perhaps long before: that she wrote is noted beside the thread and in her budget, and
// of a thread whose last words are gone nobody knows whose they were.
const silentPersons = ` FROM customer c WHERE c.person_id = '' AND c.kind = 'person'
	AND NOT EXISTS (SELECT 1 FROM thread t WHERE t.customer_id = c.id AND t.folded_id = '' AND t.last_at >= $1
		AND (t.heard_at >= $1 OR t.last_message_id = '' OR EXISTS (SELECT 1 FROM message m WHERE m.thread_id = t.id AND m.at >= $1
			AND (m.author IN ('customer', 'staff') OR m.type IN ('follow', 'unblock', 'asked')))))
	AND NOT EXISTS (SELECT 1 FROM purchase p WHERE p.customer_id <> '' AND p.customer_id = c.id AND p.at >= $1)
	AND NOT EXISTS (SELECT 1 FROM contact_budget b WHERE b.customer_id = c.id AND b.heard_at >= $1)
	AND NOT EXISTS (SELECT 1 FROM consent s WHERE s.customer_id = c.id AND s.at >= $1 AND ` + herOwnWord + `)
	AND NOT EXISTS (SELECT 1 FROM card_visit v WHERE v.customer_id = c.id AND v.at >= $1)
	AND NOT EXISTS (SELECT 1 FROM customer r WHERE r.person_id <> '' AND r.person_id = c.id AND (r.created_at >= $1
		OR EXISTS (SELECT 1 FROM purchase p WHERE p.customer_id <> '' AND p.customer_id = r.id AND p.at >= $1)
		OR EXISTS (SELECT 1 FROM contact_budget b WHERE b.customer_id = r.id AND b.heard_at >= $1)
		OR EXISTS (SELECT 1 FROM consent s WHERE s.customer_id = r.id AND s.at >= $1 AND ` + herOwnWord + `)
		OR EXISTS (SELECT 1 FROM card_visit v WHERE v.customer_id = r.id AND v.at >= $1)))`

// herOwnWord is a line of the ledger that she gave herself, and no file or program.
const herOwnWord = `s.how IN ('page', 'chat', 'tablet', 'staff') AND s.staff_id NOT LIKE 'token/%'`

// silent returns persons without contact since a time, and the id up to which that is
// all: "" at the end. A few looks into an index for each, so that a million take seconds.
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
	rows, err := tx.Query(`SELECT c.id`+silentPersons+` AND c.id > $2 AND c.id <= $3 ORDER BY c.id`, db.Micro(s.since), s.after, last)
	persons, err = db.Collect(rows, err, scanText)
	if err != nil {
		return nil, "", fmt.Errorf("who is silent: %w", err)
	}
	return persons, upTo, nil
}

// stillSilent leaves out of some persons who had contact since they were looked for: a
// night takes its time, and she may write in it.
func stillSilent(tx *db.Tx, persons []string, since time.Time) ([]string, error) {
	marks, args := db.In(persons, 2)
	rows, err := tx.Query(`SELECT c.id`+silentPersons+` AND c.id IN (`+marks+`) ORDER BY c.id`, append([]any{db.Micro(since)}, args...)...)
	still, err := db.Collect(rows, err, scanText)
	if err != nil {
		return nil, fmt.Errorf("who is still silent: %w", err)
	}
	return still, nil
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
