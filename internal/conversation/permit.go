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
	out, err := d.permitAll(tx, []request{q})
	if err != nil {
		return verdict{}, err
	}
	return out[0], nil
}

// permitAll is permit for several messages, in their order.
func (d *Desk) permitAll(tx *db.Tx, requests []request) ([]verdict, error) {
	out := make([]verdict, len(requests))
	var asks []consent.Ask
	var whose []int
	for i, q := range requests {
		v, ask, err := d.asking(tx, q)
		if err != nil {
			return nil, err
		}
		if ask.Message == "" {
			out[i] = v
			continue
		}
		asks, whose = append(asks, ask), append(whose, i)
	}
	answers, err := d.Consent().CheckAll(tx, asks)
	if err != nil {
		return nil, err
	}
	for n, a := range answers {
		out[whose[n]] = verdict{at: a.At, failure: a.Refused, warnings: a.Warnings, moved: a.Moved}
	}
	return out, nil
}

// asking says what the contact budget is to be asked about a message. An empty ask: the
// verdict is there.
func (d *Desk) asking(tx *db.Tx, q request) (verdict, consent.Ask, error) {
	m := q.message
	later := q.notBefore.After(tx.Now)
	answers, err := d.answers(tx, q)
	if err != nil {
		return verdict{}, consent.Ask{}, err
	}
	// What an advisor wrote for later, and an answer that waits for a time, take no place
	// now: they are asked about when the time comes.
	if later && (m.Author == AuthorStaff || m.Purpose == consent.Service && answers) {
		if m.Purpose != consent.Service {
			may, err := d.Consent().May(tx, m.CustomerID, m.Purpose, m.AccountID)
			if err != nil || !may {
				return verdict{failure: consent.NoConsent}, consent.Ask{}, err
			}
		}
		return verdict{at: q.notBefore}, consent.Ask{}, nil
	}
	return verdict{}, consent.Ask{Customer: m.CustomerID, Message: m.ID, Account: m.AccountID, Purpose: m.Purpose, Kind: m.Kind,
		Staff: m.Author == AuthorStaff, Answers: answers, Heard: q.heard, Priority: m.Priority, NotBefore: q.notBefore, Expires: m.Expires,
		Zone: q.zone}, nil
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
