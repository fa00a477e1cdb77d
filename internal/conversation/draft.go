package conversation

import (
	"fmt"
	"unicode/utf8"

	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// MaxText is the longest text that a page lets one write.
const MaxText = 5000

// SaveDraft keeps what the viewer has begun to write, for her other devices.
func (d *Desk) SaveDraft(tx *db.Tx, v staff.Viewer, threadID, text string) error {
	t, err := d.writable(tx, v, threadID)
	if err != nil {
		return err
	}
	text = db.CleanText(text)
	if utf8.RuneCountInString(text) > MaxText {
		return db.Invalid{Field: "text", Code: "too_long"}
	}
	if text == "" {
		return d.DropDraft(tx, v, t.ID)
	}
	// The record that opened the thread stays the same through every merge.
	body, err := d.Vault.Seal(tx, t.homeID, labelDraft, []byte(text))
	if err != nil {
		return err
	}
	if _, err := tx.Exec(`INSERT INTO draft (thread_id, staff_id, body, updated_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (thread_id, staff_id) DO UPDATE SET body = excluded.body, updated_at = excluded.updated_at`,
		t.ID, v.ID, body, db.Micro(tx.Now)); err != nil {
		return fmt.Errorf("save draft: %w", err)
	}
	return nil
}

// DraftText returns what the viewer had begun to write.
func (d *Desk) DraftText(tx *db.Tx, v staff.Viewer, t Thread) (string, error) {
	if !v.Sees(t.CounterID) { // she began it before she left the counter
		return "", nil
	}
	var body []byte
	err := db.NotFound(tx.QueryRow(`SELECT body FROM draft WHERE thread_id = $1 AND staff_id = $2`, t.ID, v.ID).Scan(&body))
	if err == db.ErrNotFound {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	plain, err := d.Vault.Open(tx, t.homeID, labelDraft, body)
	return string(plain), err
}

// DropDraft forgets what the viewer had begun to write.
func (d *Desk) DropDraft(tx *db.Tx, v staff.Viewer, threadID string) error {
	_, err := tx.Exec(`DELETE FROM draft WHERE thread_id = $1 AND staff_id = $2`, threadID, v.ID)
	return err
}
