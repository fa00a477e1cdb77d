package conversation

import (
	"fmt"
	"strings"
	"unicode"

	"dingdong/internal/audit"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// After bounds a piece of a thread that follows a place.
type After struct {
	ThreadID string
	Place    Cursor
	Limit    int
}

// MessagesAfter returns what was said after a place in a thread, in the order in
// which things happened, and whether there is more after it.
func (d *Desk) MessagesAfter(tx *db.Tx, v staff.Viewer, p After) ([]Message, bool, error) {
	t, err := d.Thread(tx, v, p.ThreadID)
	if err != nil {
		return nil, false, err
	}
	if p.Limit <= 0 || p.Limit > 200 {
		p.Limit = 50
	}
	rows, err := tx.Query(`SELECT `+messageColumns+messageFrom+`WHERE m.thread_id = $1 AND (m.at, m.id) > ($2, $3)
		ORDER BY m.at, m.id LIMIT $4`, t.ID, db.Micro(p.Place.At), p.Place.ID, p.Limit+1)
	found, err := collectRows(rows, err)
	if err != nil {
		return nil, false, fmt.Errorf("messages after a place: %w", err)
	}
	more := len(found) > p.Limit
	out := make([]Message, min(len(found), p.Limit))
	for i := range out {
		if out[i], err = d.open(tx, found[i]); err != nil {
			return nil, false, err
		}
	}
	return out, more, nil
}

// Searched counts what a search has shown. What was looked for is a customer's
// name or words and stays out of the audit.
type Searched struct {
	Where               string // "inbox", "find"
	Query               string // only its kind is kept
	Customers, Messages int
}

// kind says what was looked for without saying it.
func (s Searched) kind() string {
	q := strings.TrimSpace(s.Query)
	letters := strings.IndexFunc(q, unicode.IsLetter) >= 0
	switch {
	case strings.Contains(q, "@"):
		return "address"
	case !letters && strings.IndexFunc(q, unicode.IsDigit) >= 0:
		return "number"
	case strings.Contains(q, "="):
		return "attribute"
	}
	return "words"
}

// NoteSearch puts a search on record.
func (d *Desk) NoteSearch(tx *db.Tx, v staff.Viewer, s Searched) {
	audit.Record(tx, audit.Entry{Actor: v.ID, Action: "customer.search",
		Detail: fmt.Sprintf("%s, by %s: customers %d, messages %d", s.Where, s.kind(), s.Customers, s.Messages)})
}
