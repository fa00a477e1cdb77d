package conversation

import (
	"context"
	"fmt"
	"io"
	"time"

	"dingdong/internal/channel"
	"dingdong/internal/consent"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// What was said before the house was there: the history of another system, or
// the invented one of a demonstration. Nothing here is sent, nobody is told and
// no job begins; the words only stand where they belong. Customers' words come
// in through Receive, which takes their time too, except for pictures that no
// platform holds any more.

// Past is a message that was said, and arrived, at a past time. Importing it
// again under the same EventID changes nothing.
type Past struct {
	ThreadID   string
	Author     Author
	AuthorID   string // staff id, or the automation's name
	At         time.Time
	Body       channel.Body
	Upload     Upload // of pictures and files: what KeepPast stored
	Status     Status // empty: received, or sent
	EventID    string // unique within the account
	ExternalID string
}

// Import stores a past message and gives it its place in the thread: a
// colleague's answer ends the waiting for whatever came before it.
func (d *Desk) Import(tx *db.Tx, p Past) error {
	if p.At.IsZero() || p.At.After(tx.Now) {
		return db.Invalid{Field: "at", Code: "malformed"}
	}
	if p.Status == StatusQueued || p.Status == StatusPlanned { // it would be sent without anybody's having asked
		return db.Invalid{Field: "status", Code: "unknown"}
	}
	m := row{
		ID: tx.NewID("msg"), ThreadID: p.ThreadID, Author: p.Author, AuthorID: p.AuthorID, Type: p.Body.Type, Blob: p.Upload.Blob,
		Preview: p.Upload.Preview, At: p.At, Status: p.Status, EventID: p.EventID, ExternalID: p.ExternalID,
	}
	if err := follow(tx, &m.ThreadID); err != nil {
		return fmt.Errorf("import: %w", err)
	}
	var assignee string
	err := tx.QueryRow(`SELECT i.customer_id, t.account_id, t.identity_id, t.assignee_id FROM thread t JOIN identity i ON i.id = t.identity_id
		WHERE t.id = $1`, m.ThreadID).
		Scan(&m.CustomerID, &m.AccountID, &m.IdentityID, &assignee)
	if err != nil {
		return fmt.Errorf("import: %w", db.NotFound(err))
	}
	if p.Upload.Blob != "" {
		media := p.Upload.Media
		p.Body.Media, m.MediaState = &media, MediaReady
		// The bytes bear the message's name, as everywhere.
		m.ID = p.Upload.MessageID
	}
	if m.Author != AuthorCustomer {
		m.Purpose = consent.Service
	}
	switch {
	case m.Status != "":
	case m.Author == AuthorCustomer:
		m.Status = StatusReceived
	default:
		m.Status = StatusSent
	}
	if m.Body, err = d.sealBody(tx, m.CustomerID, stored{Body: p.Body}); err != nil {
		return err
	}
	added, err := m.insert(tx)
	if err != nil || !added {
		return err
	}
	if m.Author == AuthorStaff && assignee == "" {
		assignee = m.AuthorID
	}
	return settle(tx, m, assignee)
}

// settle reckons a thread's state anew from what stands in it, so that messages
// may be imported in any order.
func settle(tx *db.Tx, m row, assignee string) error {
	_, err := tx.Exec(`UPDATE thread SET assignee_id = $2,
			last_message_id = CASE WHEN last_message_id = '' OR last_at <= $3 THEN $4 ELSE last_message_id END,
			last_at = CASE WHEN last_message_id = '' OR last_at <= $3 THEN $3 ELSE last_at END,
			heard_at = COALESCE((SELECT MAX(h.at) FROM message h WHERE h.thread_id = $1 AND h.author = 'customer'), 0),
			waiting_since = COALESCE((SELECT MIN(c.at) FROM message c WHERE c.thread_id = $1 AND c.author = 'customer' AND c.unsent_at IS NULL
				AND c.at > COALESCE((SELECT MAX(a.at) FROM message a WHERE a.thread_id = $1 AND a.author = 'staff'), 0)), 0),
			unread = (SELECT COUNT(*) FROM message c WHERE c.thread_id = $1 AND c.author = 'customer' AND c.unsent_at IS NULL
				AND c.at > COALESCE((SELECT MAX(a.at) FROM message a WHERE a.thread_id = $1 AND a.author = 'staff'), 0)),
			created_at = CASE WHEN created_at > $3 THEN (SELECT MIN(f.at) FROM message f WHERE f.thread_id = $1) ELSE created_at END
		WHERE id = $1`, m.ThreadID, assignee, db.Micro(m.At), m.ID)
	if err != nil {
		return fmt.Errorf("import: %w", err)
	}
	return nil
}

// PastAct is what a colleague did with a thread at a past time. Its person has
// to work at the counter; what she was allowed to do then is not asked.
type PastAct struct {
	ThreadID, By, To string
	Act              Act
	Note             string
	At               time.Time
}

// ImportAct writes a past act down and leaves the thread as the act left it.
func (d *Desk) ImportAct(tx *db.Tx, p PastAct) error {
	if p.At.IsZero() || p.At.After(tx.Now) {
		return db.Invalid{Field: "at", Code: "malformed"}
	}
	if err := follow(tx, &p.ThreadID); err != nil {
		return fmt.Errorf("import: %w", err)
	}
	customerID, err := writesFrom(tx, p.ThreadID)
	if err != nil {
		return fmt.Errorf("import: %w", err)
	}
	var body []byte
	if p.Note != "" {
		var err error
		if body, err = d.Vault.Seal(tx, customerID, labelNote, []byte(p.Note)); err != nil {
			return err
		}
	}
	if _, err := tx.Exec(`INSERT INTO thread_note (id, thread_id, author_id, kind, target_id, body, at, customer_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		tx.NewID("nte"), p.ThreadID, p.By, string(p.Act), p.To, body, db.Micro(p.At), customerID); err != nil {
		return fmt.Errorf("import: %w", err)
	}
	q, args := `UPDATE thread SET assignee_id = $2 WHERE id = $1`, []any{p.ThreadID, p.To}
	switch p.Act {
	case ActTaken:
		args[1] = p.By
	case ActClosed:
		q, args = `UPDATE thread SET state = 'closed', waiting_since = 0, unread = 0 WHERE id = $1`, args[:1]
	case ActReopened:
		q, args = `UPDATE thread SET state = 'open' WHERE id = $1`, args[:1]
	}
	if _, err := tx.Exec(q, args...); err != nil {
		return fmt.Errorf("import: %w", err)
	}
	return nil
}

// writesFrom returns the record that a customer of a thread writes from.
func writesFrom(tx *db.Tx, threadID string) (customerID string, err error) {
	err = tx.QueryRow(`SELECT i.customer_id FROM thread t JOIN identity i ON i.id = t.identity_id WHERE t.id = $1`, threadID).Scan(&customerID)
	return customerID, db.NotFound(err)
}

// PastFile is the bytes of a past picture or file.
type PastFile struct {
	ThreadID, Name string
	From           io.Reader
}

// KeepPast stores the bytes of a past message, by the rules for what staff
// uploads, before Import makes the message.
func (d *Desk) KeepPast(ctx context.Context, f PastFile) (Upload, error) {
	k := keeping{From: f.From, Limit: MaxUpload, Name: f.Name}
	err := d.DB.Read(ctx, func(tx *db.Tx) error {
		k.MessageID = tx.NewID("msg")
		if err := follow(tx, &f.ThreadID); err != nil {
			return err
		}
		var err error
		k.CustomerID, err = writesFrom(tx, f.ThreadID)
		return err
	})
	if err != nil {
		return Upload{}, fmt.Errorf("import: %w", err)
	}
	return d.accept(ctx, k)
}

// ThreadWith finds the thread of somebody on an account, or db.ErrNotFound.
func (d *Desk) ThreadWith(tx *db.Tx, v staff.Viewer, a Account, externalID string) (Thread, error) {
	i, err := d.Book.Find(tx, a.ID, externalID)
	if err != nil {
		return Thread{}, err
	}
	person, err := d.Book.Person(tx, i.CustomerID)
	if err != nil {
		return Thread{}, err
	}
	var id string
	err = tx.QueryRow(`SELECT id FROM thread WHERE customer_id = $1 AND counter_id = $2`, person, a.CounterID).Scan(&id)
	if err != nil {
		return Thread{}, db.NotFound(err)
	}
	return d.Thread(tx, v, id)
}

// follow turns the id of a thread that a merge folded into that of the one which
// shows it.
func follow(tx *db.Tx, threadID *string) error {
	var shown string
	err := tx.QueryRow(`SELECT folded_id FROM thread WHERE id = $1`, *threadID).Scan(&shown)
	if err != nil {
		return db.NotFound(err)
	}
	if shown != "" {
		*threadID = shown
	}
	return nil
}
