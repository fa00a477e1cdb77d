package handover

import (
	"database/sql"
	"fmt"
	"time"

	"dingdong/internal/db"
)

// ExtractMove is one change of a customer's advisor, in the copy of her data.
type ExtractMove struct {
	Counter  string     `json:"counter"`
	From     string     `json:"from"`
	To       string     `json:"to,omitempty"` // empty: the counter
	State    string     `json:"state"`        // planned, moved, skipped, failed, back, kept
	Told     string     `json:"told,omitempty"`
	Answer   string     `json:"answer,omitempty"` // fine, other, chose, stop
	Chosen   string     `json:"chosen,omitempty"`
	At       *time.Time `json:"at,omitempty"` // when she was moved; none: not yet
	Answered *time.Time `json:"answered,omitempty"`
	Back     *time.Time `json:"back,omitempty"`
}

// Export gives the changes of a person's advisors. One that is planned only is the
// business of the house and not told: it may come otherwise.
func Export(tx *db.Tx, records []string) ([]ExtractMove, error) {
	if len(records) == 0 {
		return nil, nil
	}
	marks, args := db.In(records, 1)
	rows, err := tx.Query(`SELECT c.name, f.name, COALESCE(t.name, ''), i.state, i.told, i.answer, COALESCE(s.name, ''), i.moved_at, i.answered_at, i.back_at
		FROM handover_item i JOIN handover h ON h.id = i.handover_id JOIN counter c ON c.id = i.counter_id JOIN staff f ON f.id = h.leaver_id
		LEFT JOIN staff t ON t.id = i.to_id LEFT JOIN staff s ON s.id = i.chosen_id
		WHERE i.customer_id <> '' AND i.customer_id IN (`+marks+`) AND i.state <> 'planned' ORDER BY i.moved_at, i.id`, args...)
	list, err := db.Collect(rows, err, func(r *sql.Rows) (m ExtractMove, err error) {
		var at, answered, back int64
		err = r.Scan(&m.Counter, &m.From, &m.To, &m.State, &m.Told, &m.Answer, &m.Chosen, &at, &answered, &back)
		m.At, m.Answered, m.Back = moment(at), moment(answered), moment(back)
		return m, err
	})
	if err != nil {
		return nil, fmt.Errorf("changes of her advisor: %w", err)
	}
	return list, nil
}

func moment(micro int64) *time.Time {
	if micro == 0 {
		return nil
	}
	t := db.Time(micro)
	return &t
}
