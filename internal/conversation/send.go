package conversation

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf16"

	"dingdong/internal/channel"
	"dingdong/internal/consent"
	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/event"
	"dingdong/internal/job"
)

// Draft is what somebody wants to say in a thread.
type Draft struct {
	ThreadID string
	Author   Author // AuthorStaff or AuthorAutomation
	AuthorID string // staff id, or the automation's name
	Purpose  string // why we write; empty: service, an answer to her
	Kind     string // what is said, by which the contact budget knows a repeat; empty: like nothing else
	Priority int    // 0 to 9, the most valuable: who gives way when both do not fit
	// Unasked says that it answers nothing, however lately she wrote: it has to find its
	// place in her contact budget, and its hour.
	Unasked bool
	// NotBefore and Expires bound when it may go; zero: at once, and always.
	NotBefore, Expires time.Time
	Body               channel.Body
	Blob               string // the uploaded bytes that Body.Media describes
	Preview            string
	BlobOf             string // Upload.CustomerID of these bytes
	// ClientKey makes a repeat of the same draft a no-op that returns the first.
	ClientKey string
	// Quotes names one of our messages that this one answers.
	Quotes string
	// reacts says that it follows at once on a tap, a scan or a word of hers that is no
	// message. Only this room knows that.
	reacts bool
}

// Send is the only door through which words reach a customer. The message is
// kept as queued, as planned for its place in her contact budget, or as refused
// with the reason, and its delivery is durable with the same commit. The caller
// has checked who may write in the thread.
func (d *Desk) Send(tx *db.Tx, f Draft) (Message, error) {
	sent, err := d.SendAll(tx, []Draft{f})
	if err != nil {
		return Message{}, err
	}
	return sent[0], nil
}

// SendAll is Send for many people at once, in the order of the drafts: their contact
// budgets are asked together. All are kept, or there is an error and none is.
func (d *Desk) SendAll(tx *db.Tx, drafts []Draft) ([]Message, error) {
	out := make([]Message, 0, len(drafts))
	for len(drafts) > 0 {
		some, err := d.sendSome(tx, drafts)
		if err != nil {
			return nil, err
		}
		out, drafts = append(out, some...), drafts[len(some):]
	}
	return out, nil
}

// sendSome sends the first of some drafts, up to one for a thread that has one already:
// that one must find the thread as the former leaves it.
func (d *Desk) sendSome(tx *db.Tx, drafts []Draft) ([]Message, error) {
	var letters []letter
	threads := map[string]bool{}
	for _, f := range drafts {
		l, err := d.write(tx, f)
		if err != nil {
			return nil, err
		}
		if threads[l.to.id] {
			break
		}
		threads[l.to.id] = true
		letters = append(letters, l)
	}
	if err := d.judge(tx, letters); err != nil {
		return nil, err
	}
	out := make([]Message, len(letters))
	for i, l := range letters {
		if out[i] = l.before; out[i].ID != "" {
			continue
		}
		var err error
		if out[i], err = d.post(tx, l); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// letter is a draft on its way out.
type letter struct {
	Draft
	to      addressed
	message row
	verdict verdict
	before  Message // it was sent before, by the same key
}

// write makes a message of a draft.
func (d *Desk) write(tx *db.Tx, f Draft) (l letter, err error) {
	if err := f.check(); err != nil {
		return l, err
	}
	t, err := addressee(tx, f)
	if err != nil {
		return l, err
	}
	f.ThreadID = t.id
	if f.ClientKey != "" {
		m, err := d.messageByKey(tx, f.ThreadID, f.ClientKey)
		if !errors.Is(err, db.ErrNotFound) {
			return letter{to: t, before: m}, err
		}
	}
	a, err := d.accountOut(tx, t.account)
	if err != nil {
		return l, err
	}
	if units := len(utf16.Encode([]rune(f.Body.Text))); units > d.limits(a).TextUnits {
		return l, db.Invalid{Field: "text", Code: "too_long"}
	}
	if f.Quotes != "" {
		if f.Body.QuoteID, err = d.quoteToken(tx, f.ThreadID, f.Quotes); err != nil {
			return l, err
		}
	}
	// Her bytes are sealed already: the message takes the key they have.
	if f.BlobOf != "" && f.BlobOf != t.record {
		person, err := d.Book.Person(tx, f.BlobOf)
		if err != nil {
			return l, err
		}
		if person != t.customer {
			return l, ErrBusy // it was handed in before an unmerge: hand it in again
		}
		t.record = f.BlobOf
	}
	m := row{
		ID: tx.NewID("msg"), ThreadID: f.ThreadID, CustomerID: t.record, AccountID: t.account, IdentityID: t.identity,
		Author: f.Author, AuthorID: f.AuthorID, AuthorName: t.author, Purpose: f.Purpose, Type: f.Body.Type, Blob: f.Blob, Preview: f.Preview,
		At: tx.Now, ArrivedAt: db.Micro(tx.Now), Status: StatusQueued, ClientKey: f.ClientKey, Kind: f.Kind, Priority: f.Priority, Expires: f.Expires,
	}
	if m.Purpose == "" {
		m.Purpose = consent.Service
	}
	if m.Blob != "" {
		m.MediaState = MediaReady
	}
	m.Failure = t.refusal(a)
	return letter{Draft: f, to: t, message: m}, nil
}

// judge asks whether letters may go, but those that cannot be sent at all.
func (d *Desk) judge(tx *db.Tx, letters []letter) error {
	var requests []request
	var whose []int
	for i, l := range letters {
		if l.before.ID == "" && l.message.Failure == "" {
			whose = append(whose, i)
			requests = append(requests, request{message: l.message, zone: l.to.zone, waiting: l.to.waiting > 0, heard: db.Time(l.to.heard),
				reacts: l.reacts, unasked: l.Unasked, notBefore: l.NotBefore})
		}
	}
	verdicts, err := d.permitAll(tx, requests)
	for n, v := range verdicts {
		letters[whose[n]].verdict, letters[whose[n]].message.Failure = v, v.failure
	}
	return err
}

// post keeps a letter as what it was decided to be.
func (d *Desk) post(tx *db.Tx, l letter) (Message, error) {
	t, m := l.to, l.message
	switch {
	case m.Failure != "":
		m.Status = StatusRefused
	case l.verdict.at.After(tx.Now):
		m.Status, m.At = StatusPlanned, l.verdict.at
	}
	var err error
	if m.Body, err = d.sealBody(tx, t.record, stored{Body: l.Body}); err != nil {
		return Message{}, err
	}
	if added, err := m.insert(tx); err != nil {
		return Message{}, err
	} else if !added { // the same key, from another connection, a moment ago
		if err := d.Consent().Free(tx, m.ID); err != nil {
			return Message{}, err
		}
		return d.messageByKey(tx, t.id, l.ClientKey)
	}
	if err := d.rearrange(tx, l.verdict.moved); err != nil {
		return Message{}, err
	}
	if m.Status == StatusPlanned { // nobody has heard anything yet: the thread stays as it is
		event.Append(tx, event.Event{Kind: event.MessageStatus, Customer: t.record, Thread: t.id, Counter: t.counter,
			Message: m.ID, By: string(l.Author) + "/" + l.AuthorID, Data: map[string]string{"status": string(StatusPlanned)}})
		if err := enqueueRelease(tx, releaseArgs{m.ID, t.id}, m.At); err != nil {
			return Message{}, err
		}
		return m.saying(stored{Body: l.Body}), nil
	}
	if err := noteAnswer(tx, l.Draft, m, answered{assignee: t.assignee, moves: t.moves}); err != nil {
		return Message{}, err
	}
	event.Append(tx, event.Event{Kind: event.MessageSent, Customer: t.record, Thread: t.id, Counter: t.counter,
		Message: m.ID, By: string(l.Author) + "/" + l.AuthorID})
	if m.Status == StatusQueued {
		if err := enqueueDelivery(tx, t.id, time.Time{}); err != nil {
			return Message{}, err
		}
	}
	return m.saying(stored{Body: l.Body}), nil
}

// addressed is a thread as it was when words for it were begun: whom they reach, and
// how she stands.
type addressed struct {
	id, customer, record, counter, zone, identity, account, assignee string
	kind                                                             channel.PeerType
	reach                                                            customer.Reach
	author                                                           string // the name of the advisor who writes
	standby                                                          bool
	moves, waiting, heard                                            int64
}

// addressee reads it with one query, because every message that leaves asks this. A
// thread that a merge folded is the one which shows it.
func addressee(tx *db.Tx, f Draft) (t addressed, err error) {
	writer := ""
	if f.Author == AuthorStaff {
		writer = f.AuthorID
	}
	err = tx.QueryRow(`SELECT t.id, t.customer_id, i.customer_id, t.counter_id, COALESCE(z.timezone, ''), t.identity_id, t.account_id, t.assignee_id,
			t.kind, i.reach, COALESCE(w.name, ''), t.standby, t.moves,
			t.waiting_since, t.heard_at
		FROM thread o JOIN thread t ON t.id = CASE WHEN o.folded_id = '' THEN o.id ELSE o.folded_id END
			JOIN identity i ON i.id = t.identity_id
			LEFT JOIN counter c ON c.id = t.counter_id LEFT JOIN store z ON z.id = c.store_id
			LEFT JOIN staff w ON w.id = $2
		WHERE o.id = $1`, f.ThreadID, writer).
		Scan(&t.id, &t.customer, &t.record, &t.counter, &t.zone, &t.identity, &t.account, &t.assignee,
			&t.kind, &t.reach, &t.author, &t.standby, &t.moves, &t.waiting, &t.heard)
	if err != nil {
		return t, fmt.Errorf("whom it is for: %w", db.NotFound(err))
	}
	return t, nil
}

func deliverLane(threadID string) string { return "deliver:" + threadID }

// maxKind is enough for the name of a journey and its step.
const maxKind = 100

func enqueueDelivery(tx *db.Tx, threadID string, at time.Time) error {
	return job.Enqueue(tx, job.New{Kind: JobDeliver, Lane: deliverLane(threadID), Key: threadID, Args: deliverArgs{Thread: threadID}, RunAt: at})
}

func (f *Draft) check() error {
	f.Body.Text = db.CleanText(f.Body.Text)
	switch f.Body.Type {
	case channel.Text:
		if strings.TrimSpace(f.Body.Text) == "" {
			return db.Invalid{Field: "text", Code: "required"}
		}
	case channel.Image, channel.Video, channel.Audio, channel.File:
		if f.Blob == "" || f.Body.Media == nil {
			return db.Invalid{Field: "file", Code: "required"}
		}
	case channel.Sticker:
		if f.Body.Stick == nil {
			return db.Invalid{Field: "sticker", Code: "required"}
		}
	case channel.Location:
		if f.Body.Place == nil {
			return db.Invalid{Field: "location", Code: "required"}
		}
	default:
		return db.Invalid{Field: "type", Code: "unknown"}
	}
	if len(f.ClientKey) > 200 {
		return db.Invalid{Field: "key", Code: "too_long"}
	}
	if f.Purpose, f.Kind = strings.TrimSpace(db.CleanText(f.Purpose)), strings.TrimSpace(db.CleanText(f.Kind)); len(f.Kind) > maxKind {
		return db.Invalid{Field: "kind", Code: "too_long"}
	}
	return checkChoices(f.Body.Choices)
}

// checkChoices holds what a message offers to the bounds of every channel.
func checkChoices(choices []channel.Choice) error {
	if len(choices) > channel.MaxChoices {
		return db.Invalid{Field: "choices", Code: "too_many"}
	}
	for i := range choices {
		c := &choices[i]
		c.Label = strings.TrimSpace(db.CleanText(c.Label))
		switch {
		case c.Label == "" || c.Data == "":
			return db.Invalid{Field: "choices", Code: "required"}
		case len(utf16.Encode([]rune(c.Label))) > channel.MaxLabel || len(c.Data) > channel.MaxData:
			return db.Invalid{Field: "choices", Code: "too_long"}
		case db.CleanText(c.Data) != c.Data:
			return db.Invalid{Field: "choices", Code: "malformed"}
		}
	}
	return nil
}

// refusal says why she cannot be written to, or nothing. A platform that takes
// a message for somebody who blocked us and drops it would make "sent" a lie.
func (t addressed) refusal(a Account) string {
	switch {
	case !a.ClosedAt.IsZero():
		return "account_closed"
	case t.kind != channel.Person:
		return "group"
	case t.standby:
		return "standby"
	case t.reach == customer.ReachBlocked:
		return "blocked"
	}
	return ""
}

// answered is a thread as it was when the answer was begun.
type answered struct {
	assignee string
	moves    int64
	waits    bool // she wrote since the words were chosen: they are no answer to that
	gone     bool // who chose them answers here no more
}

// noteAnswer moves the thread. A person's answer ends the waiting and makes an
// unowned thread hers; an automation's does neither, and while she waits her own
// words stay what the list shows of her.
func noteAnswer(tx *db.Tx, f Draft, m row, t answered) error {
	assignee := t.assignee
	answers := number(f.Author == AuthorStaff && m.Status == StatusQueued && !t.waits)
	if f.Author == AuthorStaff && assignee == "" && !t.gone {
		assignee = f.AuthorID
	}
	n, err := tx.Exec(`UPDATE thread SET
			last_message_id = CASE WHEN last_at <= $2 AND (waiting_since = 0 OR $7 = 1) THEN $3 ELSE last_message_id END,
			last_at = CASE WHEN last_at <= $2 AND (waiting_since = 0 OR $7 = 1) THEN $2 ELSE last_at END,
			waiting_since = CASE WHEN $4 = 1 THEN 0 ELSE waiting_since END,
			unread = CASE WHEN $4 = 1 THEN 0 ELSE unread END, assignee_id = $5
		WHERE id = $1 AND moves = $6`, f.ThreadID, db.Micro(m.At), m.ID, answers, assignee, t.moves, number(f.Author == AuthorStaff))
	if err != nil {
		return fmt.Errorf("thread: %w", err)
	}
	if n == 0 { // a merge on another node took hold of it since
		return ErrBusy
	}
	return nil
}

func (d *Desk) messageByKey(tx *db.Tx, threadID, key string) (Message, error) {
	r, err := scanRow(tx.QueryRow(`SELECT `+messageColumns+messageFrom+`WHERE m.thread_id = $1 AND m.client_key = $2`, threadID, key))
	if err != nil {
		return Message{}, db.NotFound(err)
	}
	return d.open(tx, r)
}

func (d *Desk) message(tx *db.Tx, id string) (Message, error) {
	r, err := scanRow(tx.QueryRow(`SELECT `+messageColumns+messageFrom+`WHERE m.id = $1`, id))
	if err != nil {
		return Message{}, db.NotFound(err)
	}
	return d.open(tx, r)
}

// quoteToken finds what the platform needs to show one message as the answer
// to another; quoting what cannot be quoted is not an error.
func (d *Desk) quoteToken(tx *db.Tx, threadID, messageID string) (string, error) {
	m, err := d.message(tx, messageID)
	if err != nil {
		return "", err
	}
	if m.ThreadID != threadID {
		return "", db.ErrNotFound
	}
	return m.Body.QuoteToken, nil
}
