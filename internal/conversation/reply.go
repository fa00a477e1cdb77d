package conversation

import (
	"database/sql"
	"fmt"
	"strings"
	"unicode/utf8"

	"dingdong/internal/audit"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// Reply is a saved answer with placeholders.
type Reply struct {
	ID        string
	CounterID string // empty: every counter
	Title     string
	Text      string
	Position  int
	Tag       string // offered when a customer was just heard to say this
}

// Words fill the placeholders of a saved reply.
type Words struct {
	Customer, Advisor, Counter string
}

// Fill puts names where the placeholders stand.
func (r Reply) Fill(w Words) string {
	return strings.NewReplacer("{customer}", w.Customer, "{advisor}", w.Advisor, "{counter}", w.Counter).Replace(r.Text)
}

// Replies lists the saved replies of the counters a viewer sees; counterID
// empty: of all of them.
func (d *Desk) Replies(tx *db.Tx, v staff.Viewer, counterID string) ([]Reply, error) {
	rows, err := tx.Query(`SELECT id, counter_id, title, body, position, tag FROM saved_reply ORDER BY position, title, id`)
	all, err := db.Collect(rows, err, func(r *sql.Rows) (Reply, error) {
		var s Reply
		return s, r.Scan(&s.ID, &s.CounterID, &s.Title, &s.Text, &s.Position, &s.Tag)
	})
	if err != nil {
		return nil, fmt.Errorf("saved replies: %w", err)
	}
	var out []Reply
	for _, r := range all {
		hers := r.CounterID == "" || v.Sees(r.CounterID) || v.May(staff.ManageGroup)
		if hers && (counterID == "" || r.CounterID == "" || r.CounterID == counterID) {
			out = append(out, r)
		}
	}
	return out, nil
}

// SaveReply enters or changes a saved reply. A manager keeps those of her
// counters; only an administrator those of every counter.
func (d *Desk) SaveReply(tx *db.Tx, v staff.Viewer, r Reply) (Reply, error) {
	r.Title, r.Text = strings.TrimSpace(db.CleanText(r.Title)), strings.TrimSpace(db.CleanText(r.Text))
	r.Tag = strings.TrimSpace(db.CleanText(r.Tag))
	switch {
	case r.Title == "":
		return r, db.Invalid{Field: "title", Code: "required"}
	case utf8.RuneCountInString(r.Title) > 60:
		return r, db.Invalid{Field: "title", Code: "too_long"}
	case r.Text == "":
		return r, db.Invalid{Field: "text", Code: "required"}
	case utf8.RuneCountInString(r.Text) > 2000:
		return r, db.Invalid{Field: "text", Code: "too_long"}
	case len(r.Tag) > 60:
		return r, db.Invalid{Field: "tag", Code: "too_long"}
	}
	if err := d.mayKeep(tx, v, r.ID, r.CounterID); err != nil {
		return r, err
	}
	var err error
	if r.ID == "" {
		r.ID = tx.NewID("rpl")
		_, err = tx.Exec(`INSERT INTO saved_reply (id, counter_id, title, body, position, tag) VALUES ($1, $2, $3, $4, $5, $6)`,
			r.ID, r.CounterID, r.Title, r.Text, r.Position, r.Tag)
	} else {
		_, err = tx.Exec(`UPDATE saved_reply SET counter_id = $2, title = $3, body = $4, position = $5, tag = $6 WHERE id = $1`,
			r.ID, r.CounterID, r.Title, r.Text, r.Position, r.Tag)
	}
	if err != nil {
		return r, fmt.Errorf("save reply: %w", err)
	}
	audit.Record(tx, audit.Entry{Actor: v.ID, Action: "reply.save", Object: r.ID})
	return r, nil
}

// DeleteReply removes a saved reply.
func (d *Desk) DeleteReply(tx *db.Tx, v staff.Viewer, id string) error {
	if err := d.mayKeep(tx, v, id, "?"); err != nil {
		return err
	}
	if _, err := tx.Exec(`DELETE FROM saved_reply WHERE id = $1`, id); err != nil {
		return fmt.Errorf("delete reply: %w", err)
	}
	audit.Record(tx, audit.Entry{Actor: v.ID, Action: "reply.delete", Object: id})
	return nil
}

// mayKeep asks for the counter a reply had and the one it gets; "?" is none.
func (d *Desk) mayKeep(tx *db.Tx, v staff.Viewer, id, counterID string) error {
	if !v.May(staff.ManageReplies) {
		return staff.ErrForbidden
	}
	if v.May(staff.ManageGroup) {
		return nil
	}
	counters := []string{counterID}
	if id != "" {
		var had string
		if err := tx.QueryRow(`SELECT counter_id FROM saved_reply WHERE id = $1`, id).Scan(&had); err != nil {
			return db.NotFound(err)
		}
		counters = append(counters, had)
	}
	for _, c := range counters {
		if c != "?" && (c == "" || !v.Sees(c)) {
			return staff.ErrForbidden
		}
	}
	return nil
}
