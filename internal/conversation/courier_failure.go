package conversation

import (
	"errors"
	"time"

	"dingdong/internal/channel"
	"dingdong/internal/db"
	"dingdong/internal/job"
)

// refused is the one switch that decides what follows a call that was not taken.
func (d *Desk) refused(p parcel, err error) (job.Outcome, error) {
	now := d.DB.Now()
	var e *channel.Error
	if !errors.As(err, &e) {
		e = &channel.Error{Kind: channel.Retry, Unknown: true, Err: err}
	}
	age := now.Sub(p.messages[0].At)
	// A reply that was possibly made before: a crash or a lost answer came between.
	repeated := p.delivery.Method == methodReply && !p.untouched()
	switch e.Kind {
	case channel.TokenSpent:
		if repeated {
			return p.replyRepeated(now), nil
		}
		return p.pushInstead, nil
	case channel.Throttled:
		wait := max(e.RetryAfter, time.Second)
		if age > giveUpAfter {
			return d.finish(p, "throttled", e), nil
		}
		return p.notTaken, job.Snooze(now.Add(wait))
	case channel.OverQuota:
		return func(tx *db.Tx) error {
			if _, err := tx.Exec(`UPDATE account SET halted = 'over_quota', halted_until = $2 WHERE id = $1`,
				p.account.ID, db.Micro(tx.Now.Add(time.Hour))); err != nil {
				return err
			}
			return d.fail(tx, p, failure{"over_quota", e.Message})
		}, nil
	case channel.Misconfigured:
		if age > misconfiguredFor {
			return d.finish(p, "misconfigured", e), nil
		}
		return p.waitForRepair(e), job.Snooze(now.Add(time.Minute))
	case channel.Rejected:
		if len(p.messages) > 1 {
			return p.separate, nil
		}
		return d.finish(p, "rejected", e), nil
	case channel.Unreachable:
		return d.finish(p, "unreachable", e), nil
	default: // Retry
		if age > giveUpAfter {
			return d.finish(p, "platform_down", e), nil
		}
		return p.noteTrouble(e, age), job.Snooze(now.Add(patience(age)))
	}
}

// patience grows with the age of a message, from one second to five minutes. A
// platform's illness is not a failure of the job: it never dies of it.
func patience(age time.Duration) time.Duration {
	return min(max(age/4, time.Second), 5*time.Minute)
}

// pushInstead turns a refused reply into a push. It is written down first: were
// the push made in the same breath, a crash would leave a reply that must be
// guessed about.
func (p parcel) pushInstead(tx *db.Tx) error {
	if _, err := tx.Exec(`UPDATE delivery SET method = 'push', state = 'waiting', attempts = attempts + 1 WHERE id = $1`, p.delivery.ID); err != nil {
		return err
	}
	job.KeepOpen(tx, tx.Now)
	return nil
}

// replyRepeated: the token was possibly used by ourselves. Inside its minute a
// refusal can only mean that our first call was the one that used it; later it
// may just have grown old, and only a person can tell.
func (p parcel) replyRepeated(now time.Time) job.Outcome {
	return func(tx *db.Tx) error {
		if now.Before(p.delivery.TokenUntil) {
			for _, m := range p.messages {
				if err := mark(tx, m.ID, StatusSent, "", ""); err != nil {
					return err
				}
				p.tell(tx, m, StatusSent)
			}
			if err := p.close(tx, deliverySent, "first call took effect", ""); err != nil {
				return err
			}
			p.goOn(tx)
			return nil
		}
		return p.unsure(tx, "")
	}
}

// noteTrouble remembers that a call may have taken effect, so that every later
// one is the same call, and says on the bubble why it still waits.
func (p parcel) noteTrouble(e *channel.Error, age time.Duration) job.Outcome {
	return func(tx *db.Tx) error {
		note := p.notTaken
		if e.Unknown {
			note = func(tx *db.Tx) error { return p.noteUnknown(tx, e) }
		}
		if err := note(tx); err != nil {
			return err
		}
		if age < tellAfter {
			return nil
		}
		return p.waiting(tx, "platform_down", e.Message)
	}
}

// tellAfter is how long a message may be tried before its bubble says so.
const tellAfter = 20 * time.Second

func (p parcel) noteUnknown(tx *db.Tx, e *channel.Error) error {
	if p.delivery.ID != "" {
		return p.close(tx, deliveryUnknown, e.Error(), e.RequestID)
	}
	id := p.retryKey()
	there, err := tx.Exec(`UPDATE message SET delivery_id = $2 WHERE id = $1`, p.messages[0].ID, id)
	if err != nil || there == 0 { // erased since it was called
		return err
	}
	_, err = tx.Exec(`INSERT INTO delivery (id, thread_id, account_id, method, state, attempts, at) VALUES ($1, $2, $3, 'push', 'unknown', 1, $4)
		ON CONFLICT (id) DO NOTHING`, id, p.threadID, p.account.ID, db.Micro(tx.Now))
	return err
}

// waiting shows why messages stand still, while they keep their place.
func (p parcel) waiting(tx *db.Tx, code, detail string) error {
	for _, m := range p.messages {
		if m.Failure == code {
			continue
		}
		if err := mark(tx, m.ID, StatusQueued, code, detail); err != nil {
			return err
		}
		p.tell(tx, m, StatusQueued)
	}
	return nil
}

// waitForRepair gives an administrator time to mend an account.
func (p parcel) waitForRepair(e *channel.Error) job.Outcome {
	return func(tx *db.Tx) error {
		if _, err := tx.Exec(`UPDATE account SET halted = 'misconfigured', halted_until = $2 WHERE id = $1`,
			p.account.ID, db.Micro(tx.Now.Add(misconfiguredFor))); err != nil {
			return err
		}
		if err := p.notTaken(tx); err != nil {
			return err
		}
		return p.waiting(tx, "misconfigured", e.Message)
	}
}

// finish ends a parcel that will not be tried again: failed when we know that
// the customer does not have it, unknown when we do not.
func (d *Desk) finish(p parcel, code string, e *channel.Error) job.Outcome {
	return func(tx *db.Tx) error {
		if e.Unknown || p.delivery.State == deliveryUnknown {
			return p.unsure(tx, e.Message)
		}
		return d.fail(tx, p, failure{code, e.Message})
	}
}

func (p parcel) unsure(tx *db.Tx, detail string) error {
	for _, m := range p.messages {
		if err := mark(tx, m.ID, StatusUnknown, "unknown", detail); err != nil {
			return err
		}
		p.tell(tx, m, StatusUnknown)
	}
	if err := p.close(tx, deliveryUnknown, detail, ""); err != nil {
		return err
	}
	p.goOn(tx)
	return nil
}

// failure is why a message does not reach her: our word for it, and the platform's.
type failure struct{ code, detail string }

// fail ends the messages of a parcel, which she does not have, and lets the thread go on;
// pages show the reason on the bubble, and a person may send it again. Their places in her
// contact budget are free again.
func (d *Desk) fail(tx *db.Tx, p parcel, f failure) error {
	for _, m := range p.messages {
		if err := d.Consent().Free(tx, m.ID); err != nil {
			return err
		}
		if err := mark(tx, m.ID, StatusFailed, f.code, f.detail); err != nil {
			return err
		}
		p.tell(tx, m, StatusFailed)
	}
	if err := p.close(tx, deliveryFailed, f.detail, ""); err != nil {
		return err
	}
	p.goOn(tx)
	return nil
}

// refuse ends a message that may not be said any more: she withdrew while it waited. It
// takes no place in her contact budget.
func (d *Desk) refuse(tx *db.Tx, p parcel, code string) error {
	for _, m := range p.messages {
		if err := d.Consent().Free(tx, m.ID); err != nil {
			return err
		}
		if err := mark(tx, m.ID, StatusRefused, code, ""); err != nil {
			return err
		}
		p.tell(tx, m, StatusRefused)
	}
	p.goOn(tx)
	return nil
}

// separate lets each bubble of a refused call travel alone, so that one bad
// bubble does not take its neighbours along.
func (p parcel) separate(tx *db.Tx) error {
	for _, m := range p.messages {
		id := newDeliveryID()
		there, err := tx.Exec(`UPDATE message SET delivery_id = $2 WHERE id = $1`, m.ID, id)
		if err != nil {
			return err
		}
		if there == 0 { // erased since it was called
			continue
		}
		if _, err := tx.Exec(`INSERT INTO delivery (id, thread_id, account_id, method, state, at) VALUES ($1, $2, $3, 'push', 'waiting', $4)`,
			id, p.threadID, p.account.ID, db.Micro(tx.Now)); err != nil {
			return err
		}
	}
	if err := p.close(tx, deliveryFailed, "separated", ""); err != nil {
		return err
	}
	job.KeepOpen(tx, tx.Now)
	return nil
}

func mark(tx *db.Tx, id string, s Status, failure, detail string) error {
	_, err := tx.Exec(`UPDATE message SET status = $2, failure = $3, detail = $4 WHERE id = $1`, id, string(s), failure, detail)
	return err
}
