package conversation

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"dingdong/internal/channel"
	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/event"
	"dingdong/internal/job"
)

// Visitor is somebody at a web chat. Until she writes, the house knows nothing
// of her: she is a name that she may have given and an id in a token of ours.
type Visitor struct {
	Account    Account
	ExternalID string
	Name       string
}

// Talk is where a visitor's words are kept. Everything she may read is bound to
// her identity: what she wrote on other channels is the same thread to an
// advisor, and none of the page's business.
type Talk struct {
	ThreadID, CounterID    string
	CustomerID, IdentityID string
	Name                   string // what she said she is called
	Unread                 int

	threads []string // of hers with every counter of the account: to her it is one chat
}

// VisitorTalk finds a visitor's conversation, or db.ErrNotFound while she has
// written nothing.
func (d *Desk) VisitorTalk(tx *db.Tx, v Visitor) (Talk, error) {
	var t Talk
	var person string
	err := tx.QueryRow(`SELECT t.id, t.counter_id, t.unread, i.id, i.customer_id, t.customer_id FROM identity i
			JOIN thread t ON t.customer_id = CASE WHEN i.person_id = '' THEN i.customer_id ELSE i.person_id END
				AND t.counter_id = CASE WHEN i.counter_id = '' THEN $3 ELSE i.counter_id END
		WHERE i.account_id = $1 AND i.external_hash = $2`,
		v.Account.ID, d.Book.ExternalHash(v.Account.ID, v.ExternalID), v.Account.CounterID).
		Scan(&t.ThreadID, &t.CounterID, &t.Unread, &t.IdentityID, &t.CustomerID, &person)
	if err != nil {
		return t, db.NotFound(err)
	}
	t.threads = []string{t.ThreadID}
	if len(v.Account.Counters) > 0 {
		rows, err := tx.Query(`SELECT id FROM thread WHERE customer_id = $1 ORDER BY id`, person)
		if t.threads, err = db.Collect(rows, err, func(r *sql.Rows) (id string, err error) { return id, r.Scan(&id) }); err != nil {
			return t, fmt.Errorf("visitor's threads: %w", err)
		}
	}
	i, err := d.Book.IdentityByID(tx, t.IdentityID)
	t.Name = i.Name
	return t, err
}

// shown holds for the messages that a visitor sees: her own on this
// identity, and what was really said to her. Refusals and failures, the lines of
// the system and the notes of colleagues are not among them.
// A command that she typed is her own words to her, though no message to an advisor.
func (t Talk) shown(from int) (where string, args []any) {
	marks, threads := db.In(t.threads, from+1)
	return ` m.identity_id = $` + strconv.Itoa(from) + ` AND m.thread_id IN (` + marks + `) AND (m.author = 'customer'
		OR (m.author IN ('staff', 'automation') AND m.status IN ('queued', 'sent', 'delivered', 'read'))
		OR (m.author = 'system' AND m.type IN ('asked', 'scanned') AND m.event_id IS NOT NULL)) `, append([]any{t.IdentityID}, threads...)
}

// VisitorPage bounds a piece of a visitor's conversation. Before is the id of
// the oldest message she has; empty: the newest.
type VisitorPage struct {
	Talk   Talk
	Before string
	Limit  int
}

// VisitorMessages returns a piece of what a visitor may read, the oldest first,
// and whether there is more before it.
func (d *Desk) VisitorMessages(tx *db.Tx, p VisitorPage) ([]Message, bool, error) {
	before, id := int64(1<<62), "~"
	if p.Before != "" {
		where, args := p.Talk.shown(2)
		err := tx.QueryRow(`SELECT m.at, m.id FROM message m WHERE`+where+`AND m.id = $1`, append([]any{p.Before}, args...)...).Scan(&before, &id)
		if err != nil {
			return nil, false, db.NotFound(err)
		}
	}
	where, args := p.Talk.shown(4)
	rows, err := tx.Query(`SELECT `+messageColumns+messageFrom+`WHERE`+where+`AND (m.at, m.id) < ($1, $2)
		ORDER BY m.at DESC, m.id DESC LIMIT $3`, append([]any{before, id, p.Limit + 1}, args...)...)
	found, err := collectRows(rows, err)
	if err != nil {
		return nil, false, fmt.Errorf("visitor's messages: %w", err)
	}
	return d.openPiece(tx, found, p.Limit)
}

// VisitorMessagesByID returns those of some messages that a visitor may read,
// by id.
func (d *Desk) VisitorMessagesByID(tx *db.Tx, t Talk, ids []string) (map[string]Message, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	marks, args := db.In(ids, 1)
	where, more := t.shown(len(args) + 1)
	rows, err := tx.Query(`SELECT `+messageColumns+messageFrom+`WHERE`+where+`AND m.id IN (`+marks+`)`, append(args, more...)...)
	found, err := collectRows(rows, err)
	if err != nil {
		return nil, fmt.Errorf("visitor's messages: %w", err)
	}
	out := make(map[string]Message, len(found))
	for _, r := range found {
		if out[r.ID], err = d.open(tx, r); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// VisitorSeen tells how far an advisor has looked: what the visitor wrote before
// this place was seen.
func (d *Desk) VisitorSeen(tx *db.Tx, t Talk) (Cursor, error) {
	if t.Unread == 0 {
		return Cursor{At: tx.Now.AddDate(100, 0, 0)}, nil
	}
	var c Cursor
	var at int64
	err := tx.QueryRow(`SELECT at, id FROM message WHERE thread_id = $1 AND author = 'customer'
		ORDER BY at DESC, id DESC LIMIT 1 OFFSET $2`, t.ThreadID, t.Unread-1).Scan(&at, &c.ID)
	if err = db.NotFound(err); errors.Is(err, db.ErrNotFound) {
		return Cursor{}, nil // nothing of hers was
	}
	c.At = db.Time(at)
	return c, err
}

// Before tells whether a message stands before a place in its thread.
func (m Message) Before(c Cursor) bool {
	return m.At.Before(c.At) || (m.At.Equal(c.At) && m.ID < c.ID)
}

// visitorEvent names what a visitor sent under a key of her page. Her id is part
// of it: nobody can use up the keys of others.
func visitorEvent(v Visitor, key string) string { return "key:" + v.ExternalID + ":" + key }

func (v Visitor) inbound(tx *db.Tx, key string, b channel.Body) channel.Inbound {
	return channel.Inbound{
		EventID: visitorEvent(v, key), Kind: channel.Message, At: tx.Now,
		Peer: channel.Peer{Type: channel.Person, ID: v.ExternalID, Name: v.Name}, Body: b,
	}
}

// Saying is a visitor's text under the key that makes a repeat a no-op.
type Saying struct {
	Key, Text string
}

// VisitorSays takes in what a visitor wrote. A repeat returns the first message.
func (d *Desk) VisitorSays(tx *db.Tx, v Visitor, s Saying) (Message, error) {
	body := channel.Body{Type: channel.Text, Text: s.Text}
	if _, err := d.Receive(tx, v.Account, []channel.Inbound{v.inbound(tx, s.Key, body)}); err != nil {
		return Message{}, err
	}
	return d.VisitorSaid(tx, v, s.Key)
}

// Tapping is a visitor's tap on a button under the key that makes a repeat a no-op.
type Tapping struct {
	Key, Data string
}

// tapReach is how many of her latest messages may have offered what a visitor taps.
const tapReach = 30

// VisitorTaps takes in a tap. Only what was offered to her can be tapped. What she
// tapped is a message where it means something to an advisor; a command to the house
// is none, and the message is empty then.
func (d *Desk) VisitorTaps(tx *db.Tx, v Visitor, t Tapping) (Message, error) {
	talk, err := d.VisitorTalk(tx, v)
	if errors.Is(err, db.ErrNotFound) {
		return Message{}, db.Invalid{Field: "data", Code: "unknown"}
	}
	if err != nil {
		return Message{}, err
	}
	latest, _, err := d.VisitorMessages(tx, VisitorPage{Talk: talk, Limit: tapReach})
	if err != nil {
		return Message{}, err
	}
	offered, ok := offeredBy(latest, t.Data)
	if !ok {
		return Message{}, db.Invalid{Field: "data", Code: "unknown"}
	}
	in := v.inbound(tx, t.Key, channel.Body{Type: channel.Button, Text: offered.Label, Data: offered.Data})
	in.Kind = channel.Postback
	if _, err := d.Receive(tx, v.Account, []channel.Inbound{in}); err != nil {
		return Message{}, err
	}
	m, err := d.VisitorSaid(tx, v, t.Key)
	if errors.Is(err, db.ErrNotFound) {
		return Message{}, nil
	}
	return m, err
}

func offeredBy(messages []Message, data string) (channel.Choice, bool) {
	for _, m := range messages {
		if m.Author == AuthorCustomer || m.Unsent {
			continue
		}
		for _, c := range m.Body.Choices {
			if c.Data == data {
				return c, true
			}
		}
	}
	return channel.Choice{}, false
}

// VisitorSaid returns what a visitor sent under a key, or db.ErrNotFound.
func (d *Desk) VisitorSaid(tx *db.Tx, v Visitor, key string) (Message, error) {
	r, err := scanRow(tx.QueryRow(`SELECT `+messageColumns+messageFrom+`WHERE m.account_id = $1 AND m.event_id = $2`,
		v.Account.ID, visitorEvent(v, key)))
	if err != nil {
		return Message{}, db.NotFound(err)
	}
	return d.open(tx, r)
}

// VisitorNamed keeps the name that a visitor gave, once she is known at all.
func (d *Desk) VisitorNamed(tx *db.Tx, v Visitor) error {
	i, err := d.Book.Find(tx, v.Account.ID, v.ExternalID)
	if errors.Is(err, db.ErrNotFound) || (err == nil && i.Name == v.Name) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := d.Book.SetProfile(tx, customer.Profile{IdentityID: i.ID, Name: v.Name, Language: i.Language}); err != nil {
		return err
	}
	return d.customerNews(tx, i.CustomerID, "customer")
}

// Handed is a file that a visitor hands in, under the key that makes a repeat a
// no-op.
type Handed struct {
	Key, Name string
	From      io.Reader
}

// ReceiveUpload takes in a visitor's file, by the rules for what staff uploads.
// A repeat returns the first message.
func (d *Desk) ReceiveUpload(ctx context.Context, v Visitor, h Handed) (Message, error) {
	var said Message
	var who customer.Identity
	err := d.DB.Read(ctx, func(tx *db.Tx) error {
		var err error
		if said, err = d.VisitorSaid(tx, v, h.Key); !errors.Is(err, db.ErrNotFound) {
			return err
		}
		who, err = d.Book.Find(tx, v.Account.ID, v.ExternalID)
		return err
	})
	if said.ID != "" || (err != nil && !errors.Is(err, db.ErrNotFound)) {
		return said, err
	}
	// A stranger whose file we refuse stays a stranger, so its kind is asked
	// before she is met.
	head := bufio.NewReaderSize(h.From, 4096)
	start, err := head.Peek(3072)
	if err != nil && !errors.Is(err, io.EOF) {
		return said, fmt.Errorf("read file: %w", err)
	}
	if len(start) == 0 {
		return said, db.Invalid{Field: "file", Code: "required"}
	}
	if _, ok := allowed[sniff(start)]; !ok {
		return said, db.Invalid{Field: "file", Code: "kind"}
	}
	var id string
	err = d.DB.Write(ctx, func(tx *db.Tx) error {
		id = tx.NewID("msg")
		if who.ID != "" {
			return nil
		}
		met, err := d.Book.Find(tx, v.Account.ID, v.ExternalID)
		if errors.Is(err, db.ErrNotFound) {
			met, err = d.Book.Meet(tx, customer.NewPeer{AccountID: v.Account.ID, Peer: v.inbound(tx, h.Key, channel.Body{}).Peer})
		}
		who = met
		return err
	})
	if err != nil {
		return said, fmt.Errorf("meet visitor: %w", err)
	}
	up, err := d.accept(ctx, keeping{MessageID: id, CustomerID: who.CustomerID, From: head, Limit: MaxUpload, Name: h.Name})
	if err != nil {
		return said, err
	}
	err = d.DB.Write(ctx, func(tx *db.Tx) error {
		var err error
		said, err = d.receiveKept(tx, v, kept{Key: h.Key, CustomerID: who.CustomerID, Upload: up})
		return err
	})
	return said, err
}

// kept is a visitor's file whose bytes are in the store.
type kept struct {
	Key, CustomerID string
	Upload
}

// receiveKept makes a message of a file that is stored already.
func (d *Desk) receiveKept(tx *db.Tx, v Visitor, k kept) (Message, error) {
	media := k.Media
	in := v.inbound(tx, k.Key, channel.Body{Type: k.Type, Media: &media})
	p, err := d.locate(tx, v.Account, in, "")
	if err != nil {
		return Message{}, err
	}
	if p.customerID != k.CustomerID {
		// Somebody took her id meanwhile: its bytes are sealed with another key.
		// The page hands it in again.
		return Message{}, errors.New("the file was kept for another customer")
	}
	m := row{
		ID: k.MessageID, ThreadID: p.threadID, CustomerID: p.customerID, AccountID: v.Account.ID, IdentityID: p.identityID,
		Author: AuthorCustomer, Type: k.Type, Blob: k.Blob, Preview: k.Preview, MediaState: MediaReady, At: in.At,
		Status: StatusReceived, EventID: in.EventID,
	}
	if m.Body, err = d.sealBody(tx, p.customerID, stored{Body: in.Body}); err != nil {
		return Message{}, err
	}
	added, err := m.insert(tx)
	if err != nil {
		return Message{}, err
	}
	if !added { // handed in twice at once: one of the two copies goes
		if err := job.Enqueue(tx, job.New{Kind: JobDropMedia, Key: m.ID, Args: fetchArgs{Message: m.ID}}); err != nil {
			return Message{}, err
		}
		return d.VisitorSaid(tx, v, k.Key)
	}
	if err := d.noteArrival(tx, v.Account, in, &p, m); err != nil {
		return Message{}, err
	}
	event.Append(tx, event.Event{Kind: event.MessageReceived, Customer: p.customerID, Thread: p.threadID, Counter: p.counterID,
		Message: m.ID, By: "customer"})
	if err := d.route(tx, &p); err != nil {
		return Message{}, err
	}
	if err := d.heed(tx, utterance{v.Account, in, p, m}); err != nil {
		return Message{}, err
	}
	if err := d.offerChoice(tx, v.Account, in, p); err != nil {
		return Message{}, err
	}
	return d.message(tx, m.ID)
}

// visitorLinkTime is how long a page may stay open before its pictures go.
const visitorLinkTime = 7 * 24 * time.Hour

// VisitorLink is the path of a message's bytes on this host, for a visitor's
// page. It stays the same for a day, so that browsers keep what they loaded, and
// unlike MediaLink it also opens what is older than a month.
func (d *Desk) VisitorLink(m Message, preview bool, now time.Time) string {
	payload := m.ID
	if preview {
		payload += "/p"
	}
	until := now.Truncate(24 * time.Hour).Add(24*time.Hour + visitorLinkTime)
	return "/m/" + d.Vault.Sign(labelBlob, []byte(payload), until) + extension(m, preview)
}
