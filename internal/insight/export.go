package insight

import (
	"database/sql"
	"fmt"
	"time"

	"dingdong/internal/db"
)

// ExtractMention is something that a message of hers was heard to say, for her copy.
type ExtractMention struct {
	Kind   string    `json:"kind"`
	About  string    `json:"about"`
	Stance Stance    `json:"stance"`
	Words  string    `json:"because,omitempty"`
	At     time.Time `json:"at"`
}

// Export gives everything that messages of some records were heard to say.
func (r *Room) Export(tx *db.Tx, records []string) ([]ExtractMention, error) {
	if len(records) == 0 {
		return nil, nil
	}
	type sealed struct {
		ExtractMention
		customer string
		cause    []byte
	}
	marks, args := db.In(records, 1)
	rows, err := tx.Query(`SELECT n.customer_id, n.kind, n.about, n.stance, n.cause, n.at FROM thread t JOIN message m ON m.thread_id = t.id
		JOIN mention n ON n.message_id = m.id WHERE t.customer_id IN (`+marks+`) ORDER BY n.at, n.message_id, n.about, n.rule`, args...)
	found, err := db.Collect(rows, err, func(rs *sql.Rows) (s sealed, err error) {
		var at int64
		err = rs.Scan(&s.customer, &s.Kind, &s.About, &s.Stance, &s.cause, &at)
		s.At = db.Time(at)
		return s, err
	})
	if err != nil {
		return nil, fmt.Errorf("her copy: %w", err)
	}
	opener, err := r.Vault.Opener(tx, records)
	if err != nil {
		return nil, err
	}
	out := make([]ExtractMention, 0, len(found))
	for _, s := range found {
		if len(s.cause) > 0 {
			if words, err := opener.Open(s.customer, labelCause, s.cause); err == nil {
				s.Words = string(words)
			}
		}
		out = append(out, s.ExtractMention)
	}
	return out, nil
}
