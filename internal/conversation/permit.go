package conversation

import (
	"time"

	"dingdong/internal/consent"
	"dingdong/internal/db"
)

// Consent is the ledger and the contact budget that Send asks. Every desk has one:
// there is none that speaks without asking.
func (d *Desk) Consent() *consent.Room {
	d.consentOnce.Do(func() { d.consentRoom = &consent.Room{Vault: d.Vault, Book: d.Book} })
	return d.consentRoom
}

// request is a message that asks whether it may go.
type request struct {
	message   row
	zone      string    // of her counter's store; empty: unknown
	waiting   bool      // she waits for an answer
	heard     time.Time // when she last wrote here; zero: never
	reacts    bool      // it follows at once on what she did: see Draft.reacts
	unasked   bool      // it answers nothing: see Draft.Unasked
	notBefore time.Time // when its author wants it to go; zero: now
}

// verdict is what became of it.
type verdict struct {
	at       time.Time // after now: planned
	failure  string    // refused
	warnings []string
	moved    []consent.Moved
}

// permit asks whether and when a message may go. Whatever leaves the house has passed
// here: there is no author and no purpose that does not.
func (d *Desk) permit(tx *db.Tx, q request) (verdict, error) {
	m := q.message
	later := q.notBefore.After(tx.Now)
	answers, err := d.answers(tx, q)
	if err != nil {
		return verdict{}, err
	}
	// What an advisor wrote for later, and an answer that waits for a time, take no place
	// now: they are asked about when the time comes.
	if later && (m.Author == AuthorStaff || m.Purpose == consent.Service && answers) {
		if m.Purpose != consent.Service {
			may, err := d.Consent().May(tx, m.CustomerID, m.Purpose, m.AccountID)
			if err != nil || !may {
				return verdict{failure: consent.NoConsent}, err
			}
		}
		return verdict{at: q.notBefore}, nil
	}
	ask := consent.Ask{Customer: m.CustomerID, Message: m.ID, Account: m.AccountID, Purpose: m.Purpose, Kind: m.Kind,
		Staff: m.Author == AuthorStaff, Answers: answers, Heard: q.heard, Priority: m.Priority, NotBefore: q.notBefore, Expires: m.Expires,
		Zone: q.zone}
	a, err := d.Consent().Check(tx, ask)
	return verdict{at: a.At, failure: a.Refused, warnings: a.Warnings, moved: a.Moved}, err
}

// answers tells whether a message answers her: she waits, she wrote lately, or it
// follows at once on what she did.
func (d *Desk) answers(tx *db.Tx, q request) (bool, error) {
	if q.unasked {
		return false, nil
	}
	if q.waiting || q.reacts {
		return true, nil
	}
	if q.heard.IsZero() {
		return false, nil
	}
	rules, err := d.Consent().Rules(tx)
	if err != nil {
		return false, err
	}
	return tx.Now.Sub(q.heard) <= time.Duration(rules.AnswerHours)*time.Hour, nil
}
