package event

import (
	"fmt"
	"time"

	"dingdong/internal/db"
)

// Scrubbing is a stretch of the log in which customers become nobody.
type Scrubbing struct {
	After, UpTo int64 // numbers; UpTo included
	Customers   []string
}

// Scrub takes customers out of a stretch of the log. The lines stay, with what
// happened, when, and at which counter: readers count on their numbers, and
// reports on their sum. The news of the erasure itself keeps the id, so that other
// systems know whom to erase.
func Scrub(tx *db.Tx, s Scrubbing) error {
	marks, args := db.In(s.Customers, 4)
	_, err := tx.Exec(`UPDATE event SET customer_id = '', thread_id = '', message_id = '', data = '{}'
		WHERE seq > $1 AND seq <= $2 AND kind <> $3 AND customer_id IN (`+marks+`)`,
		append([]any{s.After, s.UpTo, string(CustomerErased)}, args...)...)
	if err != nil {
		return fmt.Errorf("scrub events: %w", err)
	}
	return nil
}

// FirstSince gives the number of the first event that is not older than an event
// of the given time could be, found by halving: the log has no index by time.
func FirstSince(tx *db.Tx, micro int64) (int64, error) {
	var low, high int64
	// Two questions: SQLite answers either from the end of the index, and both at once by
	// reading the whole log.
	if err := tx.QueryRow(`SELECT COALESCE((SELECT MIN(seq) FROM event), 0), COALESCE((SELECT MAX(seq) FROM event), 0)`).Scan(&low, &high); err != nil {
		return 0, fmt.Errorf("bounds of the log: %w", err)
	}
	for low < high {
		middle := low + (high-low)/2
		var seq, at int64
		if err := tx.QueryRow(`SELECT seq, at FROM event WHERE seq >= $1 ORDER BY seq LIMIT 1`, middle).Scan(&seq, &at); err != nil {
			return 0, fmt.Errorf("halve the log: %w", db.NotFound(err))
		}
		if at < micro {
			low = seq + 1
		} else {
			high = middle
		}
	}
	return low, nil
}

// Trim removes the oldest events up to a number and tells how many went, at most
// limit. Whoever still has to read them has not been asked: see the caller.
func Trim(tx *db.Tx, upTo int64, limit int) (int64, error) {
	n, err := tx.Exec(`DELETE FROM event WHERE seq IN (SELECT seq FROM event WHERE seq <= $1 ORDER BY seq LIMIT $2)`, upTo, limit)
	if err != nil {
		return 0, fmt.Errorf("trim the log: %w", err)
	}
	return n, nil
}

// CountUpTo counts events up to a number, and says when the first of them happened.
func CountUpTo(tx *db.Tx, upTo int64) (n int, oldest time.Time, err error) {
	var at int64
	err = tx.QueryRow(`SELECT (SELECT COUNT(*) FROM event WHERE seq <= $1), COALESCE((SELECT at FROM event ORDER BY seq LIMIT 1), 0)`, upTo).Scan(&n, &at)
	if err != nil {
		return 0, oldest, fmt.Errorf("count events: %w", err)
	}
	if n > 0 {
		oldest = db.Time(at)
	}
	return n, oldest, nil
}
