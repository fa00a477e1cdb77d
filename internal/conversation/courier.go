package conversation

import (
	"context"
	"crypto/sha1"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"dingdong/internal/channel"
	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/event"
	"dingdong/internal/job"
)

// JobDeliver sends what is queued in one thread, in order.
const JobDeliver = "deliver"

type deliverArgs struct {
	Thread string `json:"thread"`
}

// A parcel is one call to a platform: the oldest queued messages of a thread
// that may travel together.
//
// What was in a call must be the same in every repeat of it, or a retry key
// means nothing. So a call that cannot be made again from the messages alone,
// because it holds several or uses a reply token, is written down as a delivery
// before it is made. A single pushed message needs no such row: its retry key
// is made from its id, and on a second attempt it travels alone again.
type parcel struct {
	account  Account
	threadID string
	counter  string
	customer string
	to       string
	reach    customer.Reach
	messages []Message
	left     bool   // more is queued than goes into this call
	stop     string // why its one message may not be said any more
	dissolve bool   // one of several may not: the others travel in another call
	delivery delivery
}

// delivery is the row behind a parcel; ID empty: none was needed.
type delivery struct {
	ID         string
	Method     string
	Token      string
	TokenUntil time.Time
	State      string
	fresh      bool // written by this attempt: nothing was called before
}

// How a delivery travels and how far it came.
const (
	methodReply = "reply"
	methodPush  = "push"

	deliveryWaiting = "waiting" // whatever was called of it did not take effect: it may still be undone
	deliveryCalling = "calling"
	deliveryUnknown = "unknown"
	deliverySent    = "sent"
	deliveryFailed  = "failed"
)

// giveUpAfter is how long a message is tried before a person must decide. It
// stays below the 24 hours for which LINE remembers a retry key.
const giveUpAfter = 20 * time.Hour

// misconfiguredFor is how long messages wait for an administrator to mend an account.
const misconfiguredFor = time.Hour

// Deliver is the job handler behind every message that leaves.
func (d *Desk) Deliver(ctx context.Context, j job.Job) (job.Outcome, error) {
	var args deliverArgs
	if err := j.Decode(&args); err != nil {
		return nil, job.Fatal(err)
	}
	p, err := d.nextParcel(ctx, asking{thread: args.Thread, repeat: j.Attempt > 1})
	if errors.Is(err, db.ErrNotFound) {
		return nil, nil // nothing is queued
	}
	if err != nil {
		return nil, fmt.Errorf("pack: %w", err)
	}
	if p.dissolve {
		return p.undo, nil
	}
	if p.stop != "" {
		return func(tx *db.Tx) error { return d.refuse(tx, p, p.stop) }, nil
	}
	if code := p.stopped(d.DB.Now()); code != "" {
		return func(tx *db.Tx) error { return d.fail(tx, p, failure{code: code}) }, nil
	}
	switch {
	case p.delivery.fresh:
		err = d.DB.Write(ctx, p.writeDown)
	case p.delivery.State == deliveryWaiting:
		err = d.DB.Write(ctx, p.calling)
	}
	if errors.Is(err, db.ErrNotFound) { // erased since it was packed
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("write delivery down: %w", err)
	}
	out := channel.Outbound{To: p.to, RetryKey: p.retryKey()}
	if p.delivery.Method == methodReply {
		out.ReplyToken = p.delivery.Token
	}
	for _, m := range p.messages {
		body, err := d.outward(m)
		if err != nil {
			return nil, err
		}
		out.Bodies = append(out.Bodies, body)
	}
	receipt, err := d.Adapters[p.account.Kind].Send(ctx, p.account.Account, out)
	if err != nil {
		return d.refused(p, err)
	}
	return func(tx *db.Tx) error { return d.succeed(tx, p, receipt) }, nil
}

// stopped says why this parcel needs no call at all.
func (p parcel) stopped(now time.Time) string {
	switch {
	case p.to == "": // she was erased
		return "unreachable"
	case p.reach == customer.ReachBlocked:
		return "blocked"
	case !p.account.ClosedAt.IsZero():
		return "account_closed"
	case p.account.Halted == "over_quota" && now.Before(p.account.HaltedTill) && p.delivery.Method != methodReply && (p.delivery.State == "" || p.delivery.State == deliveryWaiting):
		return "over_quota"
	}
	return ""
}

// writeDown keeps what is about to be called and spends the reply token, so
// that no other call can use it. db.ErrNotFound when its messages are gone: a row of
// theirs would be found by no erasure.
func (p parcel) writeDown(tx *db.Tx) error {
	dl := p.delivery
	ids := make([]string, len(p.messages))
	for n, m := range p.messages {
		ids[n] = m.ID
	}
	marks, args := db.In(ids, 2)
	there, err := tx.Exec(`UPDATE message SET delivery_id = $1 WHERE id IN (`+marks+`)`, append([]any{dl.ID}, args...)...)
	if err != nil {
		return err
	}
	if there == 0 {
		return db.ErrNotFound
	}
	if _, err := tx.Exec(`INSERT INTO delivery (id, thread_id, account_id, method, token, token_until, state, at)
		VALUES ($1, $2, $3, $4, $5, $6, 'calling', $7)`, dl.ID, p.threadID, p.account.ID, dl.Method, dl.Token,
		db.Micro(dl.TokenUntil), db.Micro(tx.Now)); err != nil {
		return err
	}
	if dl.Token != "" {
		if _, err := tx.Exec(`UPDATE thread SET reply_token = '', reply_until = 0 WHERE id = $1 AND reply_token = $2`, p.threadID, dl.Token); err != nil {
			return err
		}
	}
	return nil
}

// calling says that from now on nobody knows, until there is an answer.
func (p parcel) calling(tx *db.Tx) error {
	_, err := tx.Exec(`UPDATE delivery SET state = 'calling' WHERE id = $1`, p.delivery.ID)
	return err
}

// notTaken says that the call which was just made took no effect, if no other one of
// this delivery may have.
func (p parcel) notTaken(tx *db.Tx) error {
	if p.delivery.ID == "" || !p.untouched() {
		return nil
	}
	_, err := tx.Exec(`UPDATE delivery SET state = 'waiting' WHERE id = $1`, p.delivery.ID)
	return err
}

// untouched says that nothing of this delivery was ever taken, as far as was known
// before the call of this attempt.
func (p parcel) untouched() bool { return p.delivery.fresh || p.delivery.State == deliveryWaiting }

// undo takes the messages out of a delivery of which nothing was ever taken.
func (p parcel) undo(tx *db.Tx) error {
	if err := p.close(tx, deliveryFailed, "stopped", ""); err != nil {
		return err
	}
	if _, err := tx.Exec(`UPDATE message SET delivery_id = '' WHERE delivery_id = $1 AND thread_id = $2 AND status = 'queued'`, p.delivery.ID, p.threadID); err != nil {
		return fmt.Errorf("undo a delivery: %w", err)
	}
	job.KeepOpen(tx, tx.Now)
	return nil
}

// newDeliveryID makes what LINE wants of a retry key: a UUID.
func newDeliveryID() string { return uuid.NewString() }

// retryKey is the same at every attempt of the same call.
func (p parcel) retryKey() string {
	if p.delivery.ID != "" {
		return p.delivery.ID
	}
	return uuid.NewHash(sha1.New(), uuid.NameSpaceOID, []byte(p.messages[0].ID), 5).String()
}

// succeed notes what the platform accepted, and goes on.
func (d *Desk) succeed(tx *db.Tx, p parcel, r channel.Receipt) error {
	for n, m := range p.messages {
		external := ""
		if n < len(r.ExternalIDs) {
			external = r.ExternalIDs[n]
		}
		tx.Defer(sentBatch, sent{m.ID, external})
		p.tell(tx, m, StatusSent)
	}
	if err := p.close(tx, deliverySent, "", r.RequestID); err != nil {
		return err
	}
	if p.account.Halted != "" && p.delivery.Method != methodReply {
		if _, err := tx.Exec(`UPDATE account SET halted = '', halted_until = 0 WHERE id = $1`, p.account.ID); err != nil {
			return err
		}
		d.accounts.forget(p.account.ID)
	}
	p.goOn(tx)
	return nil
}

// sentBatch marks what was sent in one group commit with one statement.
var sentBatch = &db.Batch{Name: "sent", Order: 5, Flush: markSent}

type sent struct{ id, external string }

func markSent(tx *db.Tx, rows []any) error {
	for len(rows) > 0 {
		n := min(len(rows), 64)
		flat := make([]string, 0, 2*n)
		for _, r := range rows[:n] {
			flat = append(flat, r.(sent).id, r.(sent).external)
		}
		marks, args := db.Rows(flat, 2, 1)
		if _, err := tx.Exec(`UPDATE message SET status = 'sent', failure = '', detail = '', external_id = NULLIF(v.column2, '')
			FROM (VALUES `+marks+`) AS v WHERE message.id = v.column1`, args...); err != nil {
			return fmt.Errorf("mark sent: %w", err)
		}
		rows = rows[n:]
	}
	return nil
}

// goOn keeps the job open when more was queued than this parcel took. What was
// queued since then has enqueued the job again, which comes to the same.
func (p parcel) goOn(tx *db.Tx) {
	if p.left {
		job.KeepOpen(tx, tx.Now)
	}
}

func (p parcel) tell(tx *db.Tx, m Message, s Status) {
	event.Append(tx, event.Event{Kind: event.MessageStatus, Customer: p.customer, Thread: p.threadID, Counter: p.counter,
		Message: m.ID, By: "platform", Data: map[string]string{"status": string(s)}})
}

func (p parcel) close(tx *db.Tx, state, detail, requestID string) error {
	if p.delivery.ID == "" {
		return nil
	}
	_, err := tx.Exec(`UPDATE delivery SET state = $2, detail = $3, request_id = $4, attempts = attempts + 1 WHERE id = $1`,
		p.delivery.ID, state, detail, requestID)
	return err
}
