package catalogue

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"dingdong/internal/db"
	"dingdong/internal/job"
)

// JobWishes matches wishes against arrivals, and receipts against contacts that were
// proved, now and then and after each arrival.
const JobWishes = "wishes"

const (
	periodic    = "periodic"
	wishesEvery = 15 * time.Minute
	arrivalDays = 60  // how long something is new
	wishBatch   = 500 // matched in one transaction
)

// isArrival says whether something is new at the counters at this moment.
func isArrival(at, now time.Time) bool {
	return !at.IsZero() && !at.After(now) && at.After(now.AddDate(0, 0, -arrivalDays))
}

// Schedule enters the room's periodic job.
func Schedule(tx *db.Tx) error {
	return job.Enqueue(tx, job.New{Kind: JobWishes, Key: periodic})
}

// Handlers are the room's background work.
func (s *Shop) Handlers() map[string]job.Handler {
	return map[string]job.Handler{JobWishes: s.matchAll, JobImport: s.continueImport}
}

func (s *Shop) matchAll(context.Context, job.Job) (job.Outcome, error) {
	return func(tx *db.Tx) error {
		if err := s.claimProved(tx); err != nil {
			return err
		}
		n, err := s.MatchWishes(tx)
		if err != nil {
			return err
		}
		next := tx.Now.Add(wishesEvery)
		if n > 0 { // there may be more
			next = tx.Now
		}
		job.KeepOpen(tx, next)
		return nil
	}, nil
}

type match struct{ wish, variant string }

// MatchWishes finds open wishes that an arrival grants: a variant on sale that came to
// the counters within the last sixty days and has every facet of the wish, of the brand
// of the wish's counter or of none. Each wish is matched once, with the newest. It tells
// how many it matched, at most a batch of them.
func (s *Shop) MatchWishes(tx *db.Tx) (int, error) {
	rows, err := tx.Query(`SELECT i.id, w.id
		FROM variant w
		JOIN product p ON p.id = w.product_id AND p.closed_at IS NULL
		JOIN variant_facet have ON have.variant_id = w.id
		JOIN wish_facet want ON want.facet = have.facet
		JOIN wish i ON i.id = want.wish_id AND i.state = 'open' AND i.ended_at IS NULL
		JOIN counter c ON c.id = i.counter_id AND (p.brand_id = '' OR p.brand_id = c.brand_id)
		WHERE w.arrived_at > 0 AND w.arrived_at > $1 AND w.arrived_at <= $2 AND w.closed_at IS NULL
		GROUP BY i.id, i.at, w.id, w.arrived_at
		HAVING COUNT(*) = (SELECT COUNT(*) FROM wish_facet f WHERE f.wish_id = i.id)
		ORDER BY i.at, i.id, w.arrived_at DESC, w.id LIMIT $3`,
		db.Micro(tx.Now.AddDate(0, 0, -arrivalDays)), db.Micro(tx.Now), wishBatch*4)
	found, err := db.Collect(rows, err, func(r *sql.Rows) (m match, err error) {
		return m, r.Scan(&m.wish, &m.variant)
	})
	if err != nil {
		return 0, fmt.Errorf("match wishes: %w", err)
	}
	n := 0
	done := map[string]bool{}
	for _, m := range found {
		if done[m.wish] || n == wishBatch {
			continue
		}
		done[m.wish] = true
		took, err := s.Book.MatchWish(tx, m.wish, m.variant)
		if err != nil {
			return 0, err
		}
		if took {
			n++
		}
	}
	return n, nil
}
