package conversation

import (
	"database/sql"
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
	heard, err := d.HearAll(tx, []string{messageID})
	if err != nil {
		return Heard{}, err
	}
	h, ok := heard[messageID]
	if !ok {
		return h, fmt.Errorf("hear: %w", db.ErrNotFound)
	}
	return h, nil
}

// HearAll is Hear for some messages at once. Those that are not there any more are
// left out.
func (d *Desk) HearAll(tx *db.Tx, ids []string) (map[string]Heard, error) {
	marks, args := db.In(ids, 1)
	rows, err := tx.Query(`SELECT m.id, m.customer_id, t.counter_id, t.kind, m.author, m.type, m.body, m.at
		FROM message m JOIN thread t ON t.id = m.thread_id WHERE m.id IN (`+marks+`)`, args...)
	sealed := map[string][]byte{}
	all := make(map[string]Heard, len(ids))
	_, err = db.Collect(rows, err, func(r *sql.Rows) (none struct{}, err error) {
		var id string
		var h Heard
		var kind channel.BodyType
		var body []byte
		var at int64
		if err = r.Scan(&id, &h.CustomerID, &h.CounterID, &h.Peer, &h.Author, &kind, &body, &at); err != nil {
			return none, err
		}
		h.At = db.Time(at)
		all[id] = h
		if len(body) > 0 && h.Author == AuthorCustomer && kind == channel.Text {
			sealed[id] = body
		}
		return none, nil
	})
	if err != nil {
		return nil, fmt.Errorf("hear: %w", err)
	}
	for id, body := range sealed {
		h := all[id]
		plain, err := d.Vault.Open(tx, h.CustomerID, labelBody, body)
		if errors.Is(err, vault.ErrErased) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("hear: %w", err)
		}
		var s stored
		if err := json.Unmarshal(plain, &s); err != nil {
			return nil, fmt.Errorf("hear: message body: %w", err)
		}
		h.Text = s.Body.Text
		all[id] = h
	}
	return all, nil
}
