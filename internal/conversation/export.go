package conversation

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"slices"
	"time"

	"dingdong/internal/channel"
	"dingdong/internal/db"
)

// ExtractThread is a conversation of hers, for her copy.
type ExtractThread struct {
	ID      string        `json:"id"`
	Counter string        `json:"counter"`
	Kind    string        `json:"kind"`
	State   string        `json:"state"`
	Since   time.Time     `json:"since"`
	Notes   []ExtractNote `json:"handovers,omitempty"`
	Zone    string        `json:"-"` // by whose clock the counter lives
}

// ExtractNote is what a colleague wrote when she handed a conversation on.
type ExtractNote struct {
	Act  string    `json:"act"`
	By   string    `json:"by,omitempty"`
	Text string    `json:"text,omitempty"`
	At   time.Time `json:"at"`
}

// ExtractMessage is a message of hers or to her.
type ExtractMessage struct {
	ID     string           `json:"id"`
	Author Author           `json:"author"`
	Name   string           `json:"name,omitempty"` // an advisor's
	Type   channel.BodyType `json:"type"`
	Text   string           `json:"text,omitempty"`
	Place  *channel.Place   `json:"place,omitempty"`
	File   string           `json:"file,omitempty"` // its name in the archive
	Status Status           `json:"status"`
	Unsent bool             `json:"taken_back,omitempty"`
	At     time.Time        `json:"at"`

	Size int64 `json:"-"` // of the file
}

// ExportThreads gives the conversations of some records, without what was said.
func (d *Desk) ExportThreads(tx *db.Tx, records []string) ([]ExtractThread, error) {
	if len(records) == 0 {
		return nil, nil
	}
	marks, args := db.In(records, 1)
	rows, err := tx.Query(`SELECT t.id, COALESCE(c.name, ''), t.kind, t.state, t.created_at, COALESCE(s.timezone, '')
		FROM thread t LEFT JOIN counter c ON c.id = t.counter_id LEFT JOIN store s ON s.id = c.store_id
		WHERE t.customer_id IN (`+marks+`) AND t.folded_id = '' ORDER BY t.created_at, t.id`, args...)
	out, err := db.Collect(rows, err, func(r *sql.Rows) (t ExtractThread, err error) {
		var at int64
		err = r.Scan(&t.ID, &t.Counter, &t.Kind, &t.State, &at, &t.Zone)
		t.Since = db.Time(at)
		return t, err
	})
	if err != nil {
		return nil, fmt.Errorf("her copy: %w", err)
	}
	for i := range out {
		if out[i].Notes, err = d.exportNotes(tx, out[i].ID); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (d *Desk) exportNotes(tx *db.Tx, threadID string) ([]ExtractNote, error) {
	type sealed struct {
		ExtractNote
		record string
		body   []byte
	}
	rows, err := tx.Query(`SELECT n.kind, COALESCE(s.name, ''), n.body, n.at, CASE WHEN n.customer_id <> '' THEN n.customer_id
			WHEN t.home_id <> '' THEN t.home_id ELSE t.customer_id END
		FROM thread_note n JOIN thread t ON t.id = n.thread_id LEFT JOIN staff s ON s.id = n.author_id WHERE n.thread_id = $1 ORDER BY n.at, n.id`, threadID)
	found, err := db.Collect(rows, err, func(r *sql.Rows) (n sealed, err error) {
		var at int64
		err = r.Scan(&n.Act, &n.By, &n.body, &at, &n.record)
		n.At = db.Time(at)
		return n, err
	})
	if err != nil {
		return nil, fmt.Errorf("her copy: %w", err)
	}
	out := make([]ExtractNote, 0, len(found))
	for _, n := range found {
		plain, err := d.Vault.Open(tx, n.record, labelNote, n.body)
		if err != nil {
			return nil, fmt.Errorf("her copy: %w", err)
		}
		n.Text = string(plain)
		out = append(out, n.ExtractNote)
	}
	return out, nil
}

// Passage is a part of a conversation: what follows a message.
type Passage struct {
	ThreadID string
	After    Cursor // zero: from the beginning
	Limit    int
}

// ExportMessages gives a part of what was said, as the thread shows it.
func (d *Desk) ExportMessages(tx *db.Tx, p Passage) ([]ExtractMessage, error) {
	rows, err := tx.Query(`SELECT m.id FROM message m WHERE m.thread_id = $1 AND (m.at > $2 OR m.at = $2 AND m.id > $3)
		ORDER BY m.at, m.id LIMIT $4`, p.ThreadID, db.Micro(p.After.At), p.After.ID, p.Limit)
	ids, err := db.Collect(rows, err, func(r *sql.Rows) (id string, err error) { return id, r.Scan(&id) })
	if err != nil {
		return nil, fmt.Errorf("her copy: %w", err)
	}
	return d.exported(tx, ids)
}

// ExportGroups gives what some records wrote in group chats, without what others said.
func (d *Desk) ExportGroups(tx *db.Tx, records []string) ([]ExtractMessage, error) {
	ids, err := d.saidInGroups(tx, records)
	if err != nil {
		return nil, fmt.Errorf("her copy: %w", err)
	}
	var out []ExtractMessage
	for part := range slices.Chunk(ids, 200) {
		some, err := d.exported(tx, part)
		if err != nil {
			return nil, err
		}
		out = append(out, some...)
	}
	return out, nil
}

func (d *Desk) exported(tx *db.Tx, ids []string) ([]ExtractMessage, error) {
	messages, err := d.MessagesByID(tx, ids)
	if err != nil {
		return nil, err
	}
	out := make([]ExtractMessage, 0, len(ids))
	for _, id := range ids {
		m := messages[id]
		e := ExtractMessage{ID: m.ID, Author: m.Author, Name: m.AuthorName, Type: m.Type, Text: m.Body.Text, Place: m.Body.Place, Status: m.Status, Unsent: m.Unsent, At: m.At}
		if m.Blob != "" && m.MediaState == MediaReady {
			e.File, e.Size = "files/"+m.ID+extension(m, false), 1
			if m.Body.Media != nil {
				e.Size = m.Body.Media.Size
			}
		}
		out = append(out, e)
	}
	return out, nil
}

// ExportFile opens the bytes of a message for her copy.
func (d *Desk) ExportFile(ctx context.Context, messageID string) (io.ReadCloser, error) {
	return d.content(ctx, messageID, false, func(*db.Tx, Message) error { return nil })
}
