package conversation

import (
	"database/sql"
	"errors"
	"fmt"

	"dingdong/internal/channel"
	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/event"
	"dingdong/internal/job"
)

// receiveUnsend hides a message and destroys its content. When the unsend came
// first, the notice makes the message arrive empty.
func (d *Desk) receiveUnsend(tx *db.Tx, a Account, in channel.Inbound) (bool, error) {
	isNew, err := d.keepNotice(tx, a, in, "")
	if err != nil || !isNew {
		return false, err
	}
	var m Ref
	err = tx.QueryRow(`SELECT m.id, m.thread_id, m.customer_id, t.counter_id FROM message m JOIN thread t ON t.id = m.thread_id
		WHERE m.account_id = $1 AND m.external_id = $2 AND m.author = 'customer'`, a.ID, in.ExternalID).
		Scan(&m.ID, &m.ThreadID, &m.CustomerID, &m.CounterID)
	if errors.Is(err, sql.ErrNoRows) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("unsend: %w", err)
	}
	if _, err := tx.Exec(`UPDATE message SET body = NULL, media_state = '', unsent_at = $2 WHERE id = $1 AND unsent_at IS NULL`,
		m.ID, db.Micro(in.At)); err != nil {
		return false, fmt.Errorf("unsend: %w", err)
	}
	// The bytes go after the commit, by a job: a rollback must not have deleted them.
	if err := job.Enqueue(tx, job.New{Kind: JobDropMedia, Key: m.ID, Args: fetchArgs{Message: m.ID}}); err != nil {
		return false, err
	}
	event.Append(tx, event.Event{Kind: event.MessageUnsent, Customer: m.CustomerID, Thread: m.ThreadID, Counter: m.CounterID,
		Message: m.ID, By: "customer"})
	return true, nil
}

// receiveEdit puts new content in the place of old, unless it was unsent.
func (d *Desk) receiveEdit(tx *db.Tx, a Account, in channel.Inbound) (bool, error) {
	isNew, err := d.keepNotice(tx, a, in, "")
	if err != nil || !isNew {
		return false, err
	}
	var m Ref
	err = tx.QueryRow(`SELECT m.id, m.thread_id, m.customer_id, t.counter_id FROM message m JOIN thread t ON t.id = m.thread_id
		WHERE m.account_id = $1 AND m.external_id = $2 AND m.author = 'customer' AND m.unsent_at IS NULL`, a.ID, in.ExternalID).
		Scan(&m.ID, &m.ThreadID, &m.CustomerID, &m.CounterID)
	if errors.Is(err, sql.ErrNoRows) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("edit: %w", err)
	}
	body, err := d.sealBody(tx, m.CustomerID, stored{Body: in.Body, Sender: in.Peer.Sender})
	if err != nil {
		return false, err
	}
	if _, err := tx.Exec(`UPDATE message SET body = $2 WHERE id = $1`, m.ID, body); err != nil {
		return false, fmt.Errorf("edit: %w", err)
	}
	event.Append(tx, event.Event{Kind: event.MessageEdited, Customer: m.CustomerID, Thread: m.ThreadID, Counter: m.CounterID,
		Message: m.ID, By: "customer"})
	return true, d.heedEdit(tx, a, in, m)
}

// heedEdit lets a message that was made a word that stops stop everything: she corrected
// a slip of the pen. Any other word asks only when it is written.
func (d *Desk) heedEdit(tx *db.Tx, a Account, in channel.Inbound, m Ref) error {
	if in.Body.Type != channel.Text || in.Peer.Type == channel.Group || in.Peer.Type == channel.Room {
		return nil
	}
	if asks, err := d.hintOf(tx, in.Body.Text); err != nil || asks != hintStop {
		return err
	}
	p, err := d.locate(tx, a, in, "")
	if err != nil {
		return err
	}
	return d.stopBySaying(tx, utterance{a, in, p, row{ID: m.ID}})
}

// receiveReach notes a follow or a block, as a line in the thread. Only the
// newest by the platform's clock decides whether she can be written to.
func (d *Desk) receiveReach(tx *db.Tx, a Account, in channel.Inbound) (bool, error) {
	p, err := d.locate(tx, a, in, "")
	if err != nil {
		return false, err
	}
	reach, kind := customer.ReachFriend, TypeFollow
	if in.Kind == channel.Unfollow {
		reach, kind = customer.ReachBlocked, TypeBlock
	} else if in.Unblocked {
		kind = TypeUnblock
	}
	m := row{
		ID: tx.NewID("msg"), ThreadID: p.threadID, CustomerID: p.customerID, AccountID: a.ID, IdentityID: p.identityID,
		Author: AuthorSystem, Type: kind, At: in.At, Status: StatusReceived, EventID: in.EventID,
	}
	added, err := m.insert(tx)
	if err != nil || !added {
		return false, err
	}
	changed, err := d.Book.SetReach(tx, p.identityID, reach, in.At)
	if err != nil {
		return false, err
	}
	token, until := "", int64(0)
	if changed && in.ReplyToken != "" {
		token, until = in.ReplyToken, db.Micro(tx.Now.Add(d.limits(a).ReplyLives))
	}
	err = d.moveUp(tx, a, in, arrival{&p, m.ID, func() (int64, error) {
		// A free answer goes to the identity that gave it: the thread's may be another.
		return tx.Exec(`UPDATE thread SET
				last_message_id = CASE WHEN last_message_id = '' OR last_at <= $3 THEN $2 ELSE last_message_id END,
				last_at = CASE WHEN last_message_id = '' OR last_at <= $3 THEN $3 ELSE last_at END,
				reply_token = CASE WHEN $4 = '' OR identity_id <> $6 THEN reply_token ELSE $4 END,
				reply_until = CASE WHEN $4 = '' OR identity_id <> $6 THEN reply_until ELSE $5 END
			WHERE id = $1 AND moves = $7`, p.threadID, m.ID, db.Micro(in.At), token, until, p.identityID, p.moves)
	}})
	if err != nil {
		return false, err
	}
	event.Append(tx, event.Event{Kind: event.ReachChanged, Customer: p.customerID, Thread: p.threadID, Counter: p.counterID,
		Message: m.ID, By: "customer", Data: map[string]string{"reach": string(reach)}})
	if reach == customer.ReachFriend {
		if changed && !in.Standby {
			if err := d.greet(tx, a, p, in.Unblocked); err != nil {
				return false, err
			}
		}
		return true, d.wantProfile(tx, a, p)
	}
	return true, nil
}
