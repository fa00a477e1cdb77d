package conversation

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"dingdong/internal/channel"
	"dingdong/internal/db"
	"dingdong/internal/vault"
)

// Heard is a message as the house itself reads it, for nobody's eyes.
type Heard struct {
	CustomerID, CounterID string // whose key sealed it; where it was said
	Peer                  channel.PeerType
	Author                Author
	Text                  string // empty: a picture, a sticker, taken back, erased
	At                    time.Time
}

// Hear reads a message's text without a viewer: reactions have none. Nothing
// that people see may be made of it but what she said it for.
func (d *Desk) Hear(tx *db.Tx, messageID string) (Heard, error) {
	var h Heard
	var sealed []byte
	var kind channel.BodyType
	var at int64
	err := tx.QueryRow(`SELECT m.customer_id, t.counter_id, t.kind, m.author, m.type, m.body, m.at
		FROM message m JOIN thread t ON t.id = m.thread_id WHERE m.id = $1`, messageID).
		Scan(&h.CustomerID, &h.CounterID, &h.Peer, &h.Author, &kind, &sealed, &at)
	if err != nil {
		return h, fmt.Errorf("hear: %w", db.NotFound(err))
	}
	h.At = db.Time(at)
	if len(sealed) == 0 || h.Author != AuthorCustomer || kind != channel.Text {
		return h, nil
	}
	plain, err := d.Vault.Open(tx, h.CustomerID, labelBody, sealed)
	if errors.Is(err, vault.ErrErased) {
		return h, nil
	}
	if err != nil {
		return h, fmt.Errorf("hear: %w", err)
	}
	var s stored
	if err := json.Unmarshal(plain, &s); err != nil {
		return h, fmt.Errorf("hear: message body: %w", err)
	}
	h.Text = s.Body.Text
	return h, nil
}
