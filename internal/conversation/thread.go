package conversation

import (
	"cmp"
	"fmt"
	"time"

	"dingdong/internal/channel"
	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// Thread is one customer and one counter, as a page shows it.
type Thread struct {
	ID, CustomerID, CounterID string // CustomerID: the person whose card shows her
	RecordID                  string // the record she wrote from last: what is written to her now is sealed with its key
	Kind                      channel.PeerType
	Closed                    bool
	AssigneeID, AssigneeName  string
	CoversID                  string // in whose place the assignee answers while she is off
	IdentityID, AccountID     string
	AccountName               string
	Channel                   channel.Kind
	Name                      string // hers; empty when the platform has not told yet
	Picture                   string // blob key
	pictureOf                 string // the record whose picture it is
	Reach                     customer.Reach
	LastAt                    time.Time
	LastMessageID             string
	WaitingSince              time.Time // zero: nobody waits
	Unread                    int
	ReplyUntil                time.Time // until then one answer is free
	Standby                   bool
	Halted                    string // why the account cannot send
	CreatedAt                 time.Time
	Last                      Message // inbox rows only
	MovedOn                   bool    // it is closed, and she went on with another counter

	foldedID string // the thread that shows this one since a merge
	homeID   string // the record that opened it
}

const threadColumns = `t.id, t.customer_id, t.counter_id, t.kind, t.state = 'closed', t.assignee_id, COALESCE(s.name, ''), t.identity_id, t.account_id,
	a.name, a.channel, a.halted, c.name, i.name, i.picture, i.reach, t.last_at, t.last_message_id, t.waiting_since, t.unread, t.reply_until,
	t.standby, t.created_at, t.folded_id, CASE WHEN t.home_id = '' THEN t.customer_id ELSE t.home_id END, i.customer_id, t.covers_id,
	t.state = 'closed' AND i.counter_id <> '' AND i.counter_id <> t.counter_id`

const threadFrom = ` FROM thread t JOIN customer c ON c.id = t.customer_id JOIN identity i ON i.id = t.identity_id
	JOIN account a ON a.id = t.account_id LEFT JOIN staff s ON t.assignee_id <> '' AND s.id = t.assignee_id `

// sealedThread is a thread as read; names are opened after the query is closed.
type sealedThread struct {
	Thread
	names customer.SealedNames
}

func scanThread(r interface{ Scan(...any) error }) (sealedThread, error) {
	var t sealedThread
	var last, waiting, reply, created int64
	err := r.Scan(&t.ID, &t.CustomerID, &t.CounterID, &t.Kind, &t.Closed, &t.AssigneeID, &t.AssigneeName, &t.IdentityID, &t.AccountID,
		&t.AccountName, &t.Channel, &t.Halted, &t.names.Customer, &t.names.Identity, &t.Picture, &t.Reach, &last, &t.LastMessageID,
		&waiting, &t.Unread, &reply, &t.Standby, &created, &t.foldedID, &t.homeID, &t.RecordID, &t.CoversID, &t.MovedOn)
	t.names.CustomerID, t.names.IdentityOf, t.pictureOf = t.CustomerID, t.RecordID, t.RecordID
	t.LastAt, t.WaitingSince, t.ReplyUntil, t.CreatedAt = db.Time(last), db.Time(waiting), db.Time(reply), db.Time(created)
	return t, err
}

func (d *Desk) openThreadRow(tx *db.Tx, s sealedThread) (Thread, error) {
	var err error
	if s.Name, err = d.Book.DisplayName(tx, s.names); err != nil {
		return s.Thread, err
	}
	return d.withElsewhere(tx, s.Thread)
}

// Thread returns a thread that the viewer may see. One she may not see is not
// found: guessing ids tells nothing. The id of a thread that a merge folded into
// another leads to that one, so use the ID of what comes back.
func (d *Desk) Thread(tx *db.Tx, v staff.Viewer, id string) (Thread, error) {
	// Every part of a page asks anew whether the viewer may see it. The row is read once,
	// the question is put each time.
	s, err := db.Once(tx, threadOnce(id), func() (sealedThread, error) {
		return scanThread(tx.QueryRow(`SELECT `+threadColumns+threadFrom+`WHERE t.id = $1`, id))
	})
	if err != nil {
		return Thread{}, db.NotFound(err)
	}
	if s.foldedID != "" {
		return d.Thread(tx, v, s.foldedID)
	}
	if !v.Sees(s.CounterID) {
		return Thread{}, db.ErrNotFound
	}
	if still, err := hers(tx, v, s.Thread); err != nil || !still {
		return Thread{}, cmp.Or(err, db.ErrNotFound)
	}
	return d.openThreadRow(tx, s)
}

// threadOnce is a thread's row, as a page needs it from several sides.
type threadOnce string

// writable returns a thread in which the viewer may speak and act.
func (d *Desk) writable(tx *db.Tx, v staff.Viewer, id string) (Thread, error) {
	t, err := d.Thread(tx, v, id)
	if err == nil && !v.May(staff.Chat) {
		return t, staff.ErrForbidden
	}
	return t, err
}

// Say sends a viewer's own words: Send with the question "may she?" before it.
func (d *Desk) Say(tx *db.Tx, v staff.Viewer, f Draft) (Message, error) {
	t, err := d.writable(tx, v, f.ThreadID)
	if err != nil {
		return Message{}, err
	}
	f.ThreadID, f.Author, f.AuthorID = t.ID, AuthorStaff, v.ID
	m, err := d.Send(tx, f)
	if err != nil {
		return m, err
	}
	return m, d.DropDraft(tx, v, f.ThreadID)
}

// Page bounds a piece of a thread. Before empty: the newest.
type Page struct {
	ThreadID string
	Before   Cursor
	Limit    int
}

// Cursor is a place in a thread: by event time, then id.
type Cursor struct {
	At time.Time
	ID string
}

// Messages returns a piece of a thread in the order in which things happened,
// and whether there is more before it.
func (d *Desk) Messages(tx *db.Tx, v staff.Viewer, p Page) ([]Message, bool, error) {
	t, err := d.Thread(tx, v, p.ThreadID)
	if err != nil {
		return nil, false, err
	}
	if p.Limit <= 0 || p.Limit > 200 {
		p.Limit = 50
	}
	before, id := db.Micro(p.Before.At), p.Before.ID
	if before == 0 {
		before, id = 1<<62, "~"
	}
	rows, err := tx.Query(`SELECT `+messageColumns+messageFrom+`WHERE m.thread_id = $1 AND (m.at, m.id) < ($2, $3) AND m.status <> 'planned'
		ORDER BY m.at DESC, m.id DESC LIMIT $4`, t.ID, before, id, p.Limit+1)
	found, err := collectRows(rows, err)
	if err != nil {
		return nil, false, fmt.Errorf("messages: %w", err)
	}
	return d.openPiece(tx, found, p.Limit)
}

// openPiece opens rows that were read backwards, one more than asked for, and
// puts them in the order in which things happened.
func (d *Desk) openPiece(tx *db.Tx, found []row, limit int) ([]Message, bool, error) {
	more := len(found) > limit
	if more {
		found = found[:limit]
	}
	out := make([]Message, len(found))
	for n, r := range found {
		var err error
		if out[len(found)-1-n], err = d.open(tx, r); err != nil {
			return nil, false, err
		}
	}
	return out, more, nil
}

// MessageFor returns one message that the viewer may see.
func (d *Desk) MessageFor(tx *db.Tx, v staff.Viewer, id string) (Message, error) {
	m, err := d.message(tx, id)
	if err != nil {
		return m, err
	}
	if _, err = d.Thread(tx, v, m.ThreadID); err != nil {
		return Message{}, err
	}
	return m, nil
}

// MessagesByID returns some messages, for pages that were told of them.
func (d *Desk) MessagesByID(tx *db.Tx, ids []string) (map[string]Message, error) {
	out := make(map[string]Message, len(ids))
	for len(ids) > 0 {
		n := min(len(ids), 200)
		marks, args := db.In(ids[:n], 1)
		rows, err := tx.Query(`SELECT `+messageColumns+messageFrom+`WHERE m.id IN (`+marks+`)`, args...)
		found, err := collectRows(rows, err)
		if err != nil {
			return nil, err
		}
		for _, r := range found {
			if out[r.ID], err = d.open(tx, r); err != nil {
				return nil, err
			}
		}
		ids = ids[n:]
	}
	return out, nil
}
