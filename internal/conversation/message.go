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

// Author says what kind of speaker wrote a message.
type Author string

// Who can speak in a thread.
const (
	AuthorCustomer   Author = "customer"
	AuthorStaff      Author = "staff"
	AuthorAutomation Author = "automation"
	AuthorSystem     Author = "system"
)

// Status is how far a message has come.
type Status string

// The life of a message. Unknown: the platform may or may not have taken it,
// and cannot be asked; a person decides whether to send it again.
const (
	StatusReceived  Status = "received"
	StatusPlanned   Status = "planned" // it waits for its time; At is that time
	StatusQueued    Status = "queued"
	StatusSent      Status = "sent"
	StatusDelivered Status = "delivered"
	StatusRead      Status = "read"
	StatusFailed    Status = "failed"
	StatusRefused   Status = "refused"
	StatusUnknown   Status = "unknown"
)

// MediaState is how far a message's bytes have come.
type MediaState string

// The life of a message's bytes.
const (
	MediaNone     MediaState = ""
	MediaPending  MediaState = "pending"
	MediaReady    MediaState = "ready"
	MediaGone     MediaState = "gone"
	MediaTooLarge MediaState = "too_large"
)

// Lines that the system writes into a thread.
const (
	TypeFollow  channel.BodyType = "follow"
	TypeBlock   channel.BodyType = "block"
	TypeUnblock channel.BodyType = "unblock"
	TypeScanned channel.BodyType = "scanned" // a card, and is asked about it; Text: whose it is
	TypeCame    channel.BodyType = "came"    // by a card, and agreed; Text: whose, an advisor's name or the counter's
	TypeChose   channel.BodyType = "chose"   // her advisor; Text: the name, empty: anyone
	TypeMoved   channel.BodyType = "moved"   // she went on to another counter; Text: its name
	TypeArrived channel.BodyType = "arrived" // she came from another counter; Text: its name
	TypeAsked   channel.BodyType = "asked"   // she asked to choose

	TypeAgreed   channel.BodyType = "agreed"   // she is fine with her new advisor
	TypeDeclined channel.BodyType = "declined" // she wants no messages that she did not ask for
	TypeAllowed  channel.BodyType = "allowed"  // she agreed to a purpose, or took back that she refused it
)

// Message is one bubble.
type Message struct {
	ID, ThreadID, CustomerID, AccountID, IdentityID string
	Author                                          Author
	AuthorID                                        string
	AuthorName                                      string // staff: her name
	Type                                            channel.BodyType
	Body                                            channel.Body
	Sender                                          string
	Said                                            string // of a line of the system: what she said by it, for her own page
	Blob, Preview                                   string
	MediaState                                      MediaState
	At, ArrivedAt                                   time.Time
	ExternalID                                      string
	ClientKey                                       string
	Purpose, Kind                                   string // why we wrote, and what it is among its like
	Status                                          Status
	Failure                                         string // key below "failure." in the locale files
	Detail                                          string // the platform's words
	Unsent                                          bool
}

// Ref names a message and where it belongs.
type Ref struct {
	ID, ThreadID, CustomerID, CounterID string
}

// fetched tells whether a body's bytes must be fetched from the platform.
func fetched(b channel.Body) bool {
	switch b.Type {
	case channel.Image, channel.Video, channel.Audio, channel.File:
		return b.Media == nil || b.Media.External == ""
	}
	return false
}

// row is a message as stored.
type row struct {
	ID, ThreadID, CustomerID, AccountID, IdentityID string
	Author                                          Author
	AuthorID, AuthorName, Purpose, Kind             string
	Priority                                        int
	Expires                                         time.Time
	Type                                            channel.BodyType
	Body                                            []byte
	Blob, Preview                                   string
	MediaState                                      MediaState
	At                                              time.Time
	ArrivedAt                                       int64
	EventID, ExternalID, ClientKey                  string
	Status                                          Status
	Failure, Detail, DeliveryID                     string
	UnsentAt                                        int64
}

// insert tells false when the platform's event or the sender's key is there already.
func (m row) insert(tx *db.Tx) (bool, error) {
	n, err := tx.Exec(`INSERT INTO message (id, thread_id, customer_id, account_id, identity_id, author, author_id, purpose, type, body,
			blob, preview, media_state, at, arrived_at, event_id, external_id, client_key, status, failure, unsent_at,
			kind, priority, expires_at)
		VALUES (`+db.Marks(24, 1)+`)
		ON CONFLICT DO NOTHING`,
		m.ID, m.ThreadID, m.CustomerID, m.AccountID, m.IdentityID, string(m.Author), m.AuthorID, m.Purpose, string(m.Type), m.Body,
		m.Blob, m.Preview, string(m.MediaState), db.Micro(m.At), db.Micro(tx.Now), orNull(m.EventID), orNull(m.ExternalID),
		orNull(m.ClientKey), string(m.Status), m.Failure, orNullTime(m.UnsentAt),
		m.Kind, int64(m.Priority), db.Micro(m.Expires))
	if err != nil {
		return false, fmt.Errorf("insert message: %w", err)
	}
	return n > 0, nil
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func orNullTime(us int64) any {
	if us == 0 {
		return nil
	}
	return us
}

const messageColumns = `m.id, m.thread_id, m.customer_id, m.account_id, m.identity_id, m.author, m.author_id, COALESCE(s.name, ''), m.purpose,
	m.type, m.body, m.blob, m.preview, m.media_state, m.at, m.arrived_at, COALESCE(m.external_id, ''), COALESCE(m.client_key, ''),
	m.status, m.failure, m.detail, m.delivery_id, COALESCE(m.unsent_at, 0), m.kind, m.priority, m.expires_at`

const messageFrom = ` FROM message m LEFT JOIN staff s ON m.author = 'staff' AND s.id = m.author_id `

func scanRow(r interface{ Scan(...any) error }) (row, error) {
	var m row
	var at, expires int64
	err := r.Scan(&m.ID, &m.ThreadID, &m.CustomerID, &m.AccountID, &m.IdentityID, &m.Author, &m.AuthorID, &m.AuthorName, &m.Purpose,
		&m.Type, &m.Body, &m.Blob, &m.Preview, &m.MediaState, &at, &m.ArrivedAt, &m.ExternalID, &m.ClientKey,
		&m.Status, &m.Failure, &m.Detail, &m.DeliveryID, &m.UnsentAt, &m.Kind, &m.Priority, &expires)
	m.At, m.Expires = db.Time(at), db.Time(expires)
	return m, err
}

// open turns a stored row into a message. Rows are opened after the query is
// closed, because opening may have to read a key.
func (d *Desk) open(tx *db.Tx, r row) (Message, error) {
	m := r.saying(stored{})
	if len(r.Body) == 0 {
		m.Body.Type = r.Type
		return m, nil
	}
	plain, err := d.Vault.Open(tx, r.CustomerID, labelBody, r.Body)
	if errors.Is(err, vault.ErrErased) {
		m.Unsent = true
		return m, nil
	}
	if err != nil {
		return m, fmt.Errorf("open message: %w", err)
	}
	var s stored
	if err := json.Unmarshal(plain, &s); err != nil {
		return m, fmt.Errorf("message body: %w", err)
	}
	m.Body, m.Sender, m.Said = s.Body, s.Sender, s.Said
	return m, nil
}

// saying is the message of a row whose content is known.
func (r row) saying(s stored) Message {
	return Message{
		ID: r.ID, ThreadID: r.ThreadID, CustomerID: r.CustomerID, AccountID: r.AccountID, IdentityID: r.IdentityID,
		Author: r.Author, AuthorID: r.AuthorID, AuthorName: r.AuthorName, Purpose: r.Purpose, Kind: r.Kind, Type: r.Type, Blob: r.Blob, Preview: r.Preview,
		MediaState: r.MediaState, At: r.At, ArrivedAt: db.Time(r.ArrivedAt), ExternalID: r.ExternalID, ClientKey: r.ClientKey,
		Status: r.Status, Failure: r.Failure, Detail: r.Detail, Unsent: r.UnsentAt > 0, Body: s.Body, Sender: s.Sender, Said: s.Said,
	}
}

func collectRows(rows *sql.Rows, err error) ([]row, error) {
	return db.Collect(rows, err, func(r *sql.Rows) (row, error) { return scanRow(r) })
}

func collectRefs(rows *sql.Rows, err error) ([]Ref, error) {
	return db.Collect(rows, err, func(r *sql.Rows) (Ref, error) {
		var ref Ref
		return ref, r.Scan(&ref.ThreadID, &ref.CounterID)
	})
}
