package consent

import (
	"database/sql"
	"fmt"
	"time"

	"dingdong/internal/db"
)

// Extract is what this room knows of a person, for her copy.
type Extract struct {
	Consents []ExtractEntry   `json:"consents"`
	Contacts []ExtractContact `json:"contacts"`
	Paused   []ExtractPause   `json:"paused"`
}

// ExtractEntry is a line of the ledger in her copy.
type ExtractEntry struct {
	Purpose  string    `json:"purpose"`
	Account  string    `json:"account,omitempty"`
	State    State     `json:"state"`
	How      How       `json:"how"`
	Version  int       `json:"version"`
	Language string    `json:"language,omitempty"`
	Text     Text      `json:"text"` // what she was shown
	Evidence []byte    `json:"evidence,omitempty"`
	At       time.Time `json:"at"`
}

// ExtractContact is a message we sent unasked, or have planned.
type ExtractContact struct {
	Message string    `json:"message"`
	Purpose string    `json:"purpose"`
	State   string    `json:"state"`
	At      time.Time `json:"at"`
}

// ExtractPause says that she was left in peace, and why, as staff wrote it down.
type ExtractPause struct {
	Reason string    `json:"reason,omitempty"`
	At     time.Time `json:"at"`
	Until  time.Time `json:"until"`
}

// Export gives everything the room knows of some records.
func (r *Room) Export(tx *db.Tx, records []string) (Extract, error) {
	var out Extract
	if len(records) == 0 {
		return out, nil
	}
	entries, err := r.ledger(tx, records)
	if err != nil {
		return out, err
	}
	for _, e := range entries {
		text, err := r.TextOf(tx, e.Purpose, e.Language, e.Version)
		if err != nil {
			return out, err
		}
		out.Consents = append(out.Consents, ExtractEntry{e.Purpose, e.Account, e.State, e.How, e.Version, e.Language, text, e.Evidence, e.At})
	}
	places, err := placesOf(tx, records, time.Unix(0, 0).Add(lookBack))
	if err != nil {
		return out, err
	}
	for _, p := range places {
		out.Contacts = append(out.Contacts, ExtractContact{p.message, p.purpose, p.state, p.at})
	}
	out.Paused, err = r.exportPauses(tx, records)
	return out, err
}

func (r *Room) exportPauses(tx *db.Tx, records []string) ([]ExtractPause, error) {
	type row struct {
		ExtractPause
		customer string
		sealed   []byte
	}
	marks, args := db.In(records, 1)
	rows, err := tx.Query(`SELECT customer_id, paused_at, paused_until, reason FROM contact_budget WHERE paused_until > 0 AND customer_id IN (`+marks+`) ORDER BY paused_at`, args...)
	found, err := db.Collect(rows, err, func(rs *sql.Rows) (x row, err error) {
		var at, until int64
		err = rs.Scan(&x.customer, &at, &until, &x.sealed)
		x.At, x.Until = db.Time(at), db.Time(until)
		return x, err
	})
	if err != nil {
		return nil, fmt.Errorf("her pauses: %w", err)
	}
	out := make([]ExtractPause, len(found))
	for i, x := range found {
		if x.Reason, err = r.Vault.OpenString(tx, x.customer, labelReason, x.sealed); err != nil {
			return nil, fmt.Errorf("her pauses: %w", err)
		}
		out[i] = x.ExtractPause
	}
	return out, nil
}

// Erase removes everything the room knows of some records. It runs in the
// transaction that drops their keys.
func (r *Room) Erase(tx *db.Tx, records []string) error {
	if len(records) == 0 {
		return nil
	}
	marks, args := db.In(records, 1)
	for _, table := range []string{"consent", "contact_budget", "contact_place"} {
		if _, err := tx.Exec(`DELETE FROM `+table+` WHERE customer_id IN (`+marks+`)`, args...); err != nil {
			return fmt.Errorf("erase %s: %w", table, err)
		}
	}
	return nil
}
