package consent

import (
	"fmt"
	"time"

	"dingdong/internal/db"
)

// Extract is what this room knows of a person, for her copy.
type Extract struct {
	Consents []ExtractEntry   `json:"consents"`
	Contacts []ExtractContact `json:"contacts"`
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
