package conversation

import (
	"cmp"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"dingdong/internal/channel"
	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/event"
	"dingdong/internal/job"
)

// Received counts what a webhook body came to.
type Received struct {
	New, Repeated int
}

// Receive takes in what a platform told, in one transaction: who wrote, the
// message under its unique event id, the thread, the news. It is the only way
// in. Repeats change nothing.
func (d *Desk) Receive(tx *db.Tx, a Account, events []channel.Inbound) (Received, error) {
	var sum Received
	for _, in := range events {
		isNew, err := d.receiveOne(tx, a, in)
		if err != nil {
			return sum, fmt.Errorf("receive %s: %w", in.Kind, err)
		}
		if isNew {
			sum.New++
		} else {
			sum.Repeated++
		}
	}
	return sum, nil
}

func (d *Desk) receiveOne(tx *db.Tx, a Account, in channel.Inbound) (bool, error) {
	if in.At.IsZero() || in.At.After(tx.Now.Add(time.Hour)) {
		in.At = tx.Now // a clock that is wrong must not pin a message to the end of the thread
	}
	if in.Peer.ID == "" {
		return d.keepNotice(tx, a, in, "")
	}
	switch in.Kind {
	case channel.Message, channel.Postback:
		if cmd, ours := commandOf(a, in); ours {
			return d.receiveCommand(tx, a, in, cmd)
		}
		return d.receiveMessage(tx, a, in)
	case channel.Unsend:
		return d.receiveUnsend(tx, a, in)
	case channel.Edit:
		return d.receiveEdit(tx, a, in)
	case channel.Follow, channel.Unfollow:
		return d.receiveReach(tx, a, in)
	default:
		return d.keepNotice(tx, a, in, "")
	}
}

// place is where an inbound event belongs: whose it is and in which thread.
type place struct {
	identityID string
	customerID string // the record she wrote as: her words are sealed under its key
	personID   string // whose card shows her: the thread is this one's
	peer       channel.PeerType
	profileAt  int64
	threadID   string
	moves      int64  // of the thread, when it was read
	counterID  string // with which she speaks
	unsentAt   int64  // her unsend of this message overtook it
	created    bool   // nobody knew her
	opened     bool   // her first words to this counter
	routing
}

// routing tells how a thread stands with her own advisor.
type routing int64

// Most threads of who has an advisor are where they belong.
const (
	unbound   routing = iota
	settled           // where it belongs, or a colleague took it on
	unsettled         // it may have to move
)

// locate finds identity and thread with one query: it is the hottest of all. At
// names a counter; empty: the one she speaks with, else the account's own.
func (d *Desk) locate(tx *db.Tx, a Account, in channel.Inbound, at string) (place, error) {
	p := place{peer: in.Peer.Type}
	var threadID sql.NullString
	var unsent, moves sql.NullInt64
	hash := d.Book.ExternalHash(a.ID, in.Peer.ID)
	err := tx.QueryRow(`SELECT i.id, i.customer_id, i.person, i.profile_at, i.counter, t.id, t.moves,
			CASE WHEN b.advisor_id IS NULL THEN 0
				WHEN t.covers_id = b.advisor_id THEN CASE WHEN w.away_until <= $6 OR t.state = 'closed' THEN 2 ELSE 1 END
				WHEN t.state = 'closed' OR t.assignee_id = '' OR (w.away_until > $6 AND t.assignee_id = b.advisor_id) THEN 2 ELSE 1 END,
			(SELECT n.at FROM notice n WHERE n.account_id = $1 AND n.external_id = $4 AND n.external_id <> '' AND n.kind = 'unsend' LIMIT 1)
		FROM (SELECT id, customer_id, profile_at, CASE WHEN person_id = '' THEN customer_id ELSE person_id END AS person,
				CASE WHEN $5 <> '' THEN $5 WHEN counter_id <> '' THEN counter_id ELSE $3 END AS counter
			FROM identity WHERE account_id = $1 AND external_hash = $2) i
			LEFT JOIN thread t ON t.customer_id = i.person AND t.counter_id = i.counter
			LEFT JOIN binding b ON b.customer_id = i.person AND b.counter_id = i.counter AND b.ended_at IS NULL
			LEFT JOIN staff w ON w.id = b.advisor_id`, a.ID, hash, a.CounterID, in.ExternalID, at, db.Micro(tx.Now)).
		Scan(&p.identityID, &p.customerID, &p.personID, &p.profileAt, &p.counterID, &threadID, &moves, &p.routing, &unsent)
	if errors.Is(err, sql.ErrNoRows) {
		var met customer.Identity
		if met, err = d.Book.Meet(tx, customer.NewPeer{AccountID: a.ID, Peer: in.Peer}); err != nil {
			return p, err
		}
		p.identityID, p.customerID, p.personID, p.counterID, p.created = met.ID, met.CustomerID, met.PersonID, cmp.Or(at, met.CounterID, a.CounterID), true
	} else if err != nil {
		return p, fmt.Errorf("who wrote: %w", err)
	}
	p.threadID, p.moves, p.unsentAt = threadID.String, moves.Int64, unsent.Int64
	if p.threadID == "" {
		p.opened = true
		if p.routing != unbound {
			p.routing = unsettled // a new thread is nobody's
		}
		return p, d.openThread(tx, a, in, &p)
	}
	return p, nil
}

// locateHeld is locate for what changes more than a message: no merge on another node
// moves her before the transaction ends.
func (d *Desk) locateHeld(tx *db.Tx, a Account, in channel.Inbound, at string) (place, error) {
	p, err := d.locate(tx, a, in, at)
	if err != nil || p.created {
		return p, err
	}
	person, err := d.Book.HoldIdentity(tx, p.identityID)
	if err != nil || person == p.personID {
		return p, err
	}
	return d.locate(tx, a, in, at)
}

// openThread starts the thread of a person and a counter. Another node may
// have done so at this moment: then that one is taken.
func (d *Desk) openThread(tx *db.Tx, a Account, in channel.Inbound, p *place) error {
	kind := p.peer
	if kind == "" {
		kind = channel.Person
	}
	if !p.created { // a merge on another node waits until this thread is there, or is over before it begins
		var err error
		if p.personID, err = d.Book.HoldIdentity(tx, p.identityID); err != nil {
			return err
		}
	}
	home := ""
	if p.personID != p.customerID {
		home = p.customerID
	}
	_, err := tx.Exec(`INSERT INTO thread (id, customer_id, counter_id, kind, identity_id, account_id, last_at, created_at, home_id)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (customer_id, counter_id) DO NOTHING`,
		tx.NewID("thr"), p.personID, p.counterID, string(kind), p.identityID, a.ID, db.Micro(in.At), db.Micro(tx.Now), home)
	if err != nil {
		return fmt.Errorf("open thread: %w", err)
	}
	return tx.QueryRow(`SELECT id, moves FROM thread WHERE customer_id = $1 AND counter_id = $2`, p.personID, p.counterID).Scan(&p.threadID, &p.moves)
}

// stored is a message's content as it is sealed.
type stored struct {
	channel.Body
	Sender string `json:"sender,omitempty"` // who wrote inside a group
	Said   string `json:"said,omitempty"`   // of a system line: what her own page shows she said
}

func (d *Desk) sealBody(tx *db.Tx, customerID string, s stored) ([]byte, error) {
	plain, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("message body: %w", err)
	}
	return d.Vault.Seal(tx, customerID, labelBody, plain)
}

func (d *Desk) receiveMessage(tx *db.Tx, a Account, in channel.Inbound) (bool, error) {
	card, err := d.cutCode(tx, a, &in.Body)
	if err != nil {
		return false, err
	}
	if card.ID != "" && in.Body.Text == "" {
		return d.receiveCode(tx, a, in, card)
	}
	p, err := d.locate(tx, a, in, card.CounterID)
	if err != nil {
		return false, err
	}
	m := row{
		ID: tx.NewID("msg"), ThreadID: p.threadID, CustomerID: p.customerID, AccountID: a.ID, IdentityID: p.identityID,
		Author: AuthorCustomer, Type: in.Body.Type, At: in.At, Status: StatusReceived,
		EventID: in.EventID, ExternalID: in.ExternalID,
	}
	if fetched(in.Body) {
		m.MediaState = MediaPending
	}
	if p.unsentAt > 0 {
		m.UnsentAt, m.MediaState = p.unsentAt, MediaNone
	} else if m.Body, err = d.sealBody(tx, p.customerID, stored{Body: in.Body, Sender: in.Peer.Sender}); err != nil {
		return false, err
	}
	added, err := m.insert(tx)
	if err != nil || !added {
		return false, err
	}
	if err := d.noteArrival(tx, a, in, &p, m); err != nil {
		return false, err
	}
	event.Append(tx, event.Event{Kind: event.MessageReceived, Customer: p.customerID, Thread: p.threadID, Counter: p.counterID,
		Message: m.ID, By: "customer"})
	if m.MediaState == MediaPending {
		if err := job.Enqueue(tx, job.New{Kind: JobFetch, Key: m.ID, Args: fetchArgs{Message: m.ID}}); err != nil {
			return false, err
		}
	}
	if err := d.route(tx, &p); err != nil {
		return false, err
	}
	if err := d.heed(tx, utterance{a, in, p, m}); err != nil {
		return false, err
	}
	if card.ID != "" {
		err = d.askForCard(tx, a, p, card)
	} else {
		err = d.offerChoice(tx, a, in, p)
	}
	if err != nil {
		return false, err
	}
	return true, d.wantProfile(tx, a, p)
}

// noteArrival moves the thread up. A message that arrives late does not become
// the last one, but it does wait for an answer.
func (d *Desk) noteArrival(tx *db.Tx, a Account, in channel.Inbound, p *place, m row) error {
	at := db.Micro(in.At)
	waits := in.Peer.Type != channel.Group && in.Peer.Type != channel.Room && !in.Standby && m.UnsentAt == 0
	replyUntil := int64(0)
	if in.ReplyToken != "" {
		replyUntil = db.Micro(tx.Now.Add(d.limits(a).ReplyLives))
	}
	return d.moveUp(tx, a, in, arrival{p, m.ID, func() (int64, error) {
		return tx.Exec(`UPDATE thread SET
			last_message_id = CASE WHEN last_message_id = '' OR last_at <= $2 THEN $3 ELSE last_message_id END,
			last_at = CASE WHEN last_message_id = '' OR last_at <= $2 THEN $2 ELSE last_at END,
			heard_at = CASE WHEN heard_at < $2 THEN $2 ELSE heard_at END,
			waiting_since = CASE WHEN $4 = 0 THEN waiting_since WHEN waiting_since = 0 OR waiting_since > $2 THEN $2 ELSE waiting_since END,
			unread = unread + $4, state = 'open', identity_id = $5, account_id = $6,
			reply_token = CASE WHEN $7 = '' THEN reply_token ELSE $7 END,
			reply_until = CASE WHEN $7 = '' THEN reply_until ELSE $8 END,
			read_token = CASE WHEN $9 = '' THEN read_token ELSE $9 END, standby = $10
		WHERE id = $1 AND moves = $11`, p.threadID, at, m.ID, number(waits), p.identityID, a.ID, in.ReplyToken, replyUntil, in.ReadToken,
			in.Standby, p.moves)
	}})
}

// arrival is a message that was stored in a thread and now moves it up.
type arrival struct {
	place   *place
	message string
	update  func() (int64, error) // changes the thread as it was read, or nothing
}

// moveUp changes the thread of a message that arrived. When a merge on another
// node took hold of the thread since it was read, the message follows it.
func (d *Desk) moveUp(tx *db.Tx, a Account, in channel.Inbound, m arrival) error {
	for range 5 {
		n, err := m.update()
		if err != nil {
			return fmt.Errorf("thread: %w", err)
		}
		if n > 0 {
			return nil
		}
		opened, record := m.place.opened, m.place.customerID
		if *m.place, err = d.locate(tx, a, in, m.place.counterID); err != nil {
			return err
		}
		if m.place.customerID != record { // erased since: the platform says it again, to a new record
			return ErrBusy
		}
		m.place.opened = opened
		if _, err := tx.Exec(`UPDATE message SET thread_id = $2 WHERE id = $1`, m.message, m.place.threadID); err != nil {
			return fmt.Errorf("follow a thread: %w", err)
		}
	}
	return ErrBusy
}

func number(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

func (d *Desk) limits(a Account) channel.Limits { return d.Adapters[a.Kind].Limits() }

// profileTime is how long a person's public name is taken as fresh.
const profileTime = 7 * 24 * time.Hour

// wantProfile asks for her name when we meet her, and now and then later. That
// it was asked for is noted at once: the job has patience of its own, and the
// next message need not ask again.
func (d *Desk) wantProfile(tx *db.Tx, a Account, p place) error {
	if _, ok := d.Adapters[a.Kind].(channel.Profiler); !ok || tx.Now.Sub(db.Time(p.profileAt)) < profileTime {
		return nil
	}
	if err := d.Book.ProfileTried(tx, p.identityID); err != nil {
		return err
	}
	return job.Enqueue(tx, job.New{Kind: JobProfile, Key: p.identityID, Args: profileArgs{Identity: p.identityID}})
}

// keepNotice stores an event that is no message, once.
func (d *Desk) keepNotice(tx *db.Tx, a Account, in channel.Inbound, identityID string) (bool, error) {
	var raw []byte
	if len(in.Raw) > 0 {
		var err error
		if raw, err = d.Vault.SealHouse(labelNotice, in.Raw); err != nil {
			return false, err
		}
	}
	if identityID == "" && in.Peer.ID != "" { // so that an erasure finds it
		err := tx.QueryRow(`SELECT id FROM identity WHERE account_id = $1 AND external_hash = $2`, a.ID, d.Book.ExternalHash(a.ID, in.Peer.ID)).Scan(&identityID)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return false, fmt.Errorf("keep notice: %w", err)
		}
	}
	n, err := tx.Exec(`INSERT INTO notice (account_id, event_id, kind, identity_id, external_id, at, raw)
		VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (account_id, event_id) DO NOTHING`,
		a.ID, in.EventID, string(in.Kind), identityID, in.ExternalID, db.Micro(in.At), raw)
	if err != nil {
		return false, fmt.Errorf("keep notice: %w", err)
	}
	return n > 0, nil
}
