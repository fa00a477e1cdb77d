package conversation

import (
	"errors"
	"fmt"

	"dingdong/internal/channel"
	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// Scan is a card in the hands of somebody whom the platform, or our own signed token,
// has proved.
type Scan struct {
	CardID string
	Peer   channel.Peer
}

// Scanned is what a scan came to, for the question that follows.
type Scanned struct {
	VisitID    string // what AnswerCard wants; a page that hands it out signs it
	CustomerID string // the person
	IdentityID string
	ThreadID   string
	CounterID  string
	AdvisorID  string // whose card it is; empty: the counter's own
	BoundTo    string // her advisor at that counter already; empty: none
}

// ScanCard notes that somebody scanned a card: she is met, the thread with the card's
// counter is opened, and nothing else is concluded before she answered. Scanning again
// asks the same question again. A friend of the account is no exception.
func (d *Desk) ScanCard(tx *db.Tx, s Scan) (Scanned, error) {
	if s.Peer.ID == "" || (s.Peer.Type != channel.Person && s.Peer.Type != "") {
		return Scanned{}, db.Invalid{Field: "peer", Code: "required"}
	}
	c, err := d.cardInUse(tx, `id = $1`, s.CardID)
	if err != nil {
		return Scanned{}, err
	}
	a, err := d.Listening(tx, c.AccountID)
	if err != nil {
		return Scanned{}, err
	}
	p, err := d.locateHeld(tx, a, channel.Inbound{Peer: s.Peer, At: tx.Now}, c.CounterID)
	if err != nil {
		return Scanned{}, err
	}
	visit, err := d.visitOf(tx, a, p, c)
	if err != nil {
		return Scanned{}, err
	}
	out := Scanned{VisitID: visit, CustomerID: p.personID, IdentityID: p.identityID, ThreadID: p.threadID, CounterID: c.CounterID, AdvisorID: c.AdvisorID}
	b, err := d.Book.BindingAt(tx, p.personID, c.CounterID)
	if errors.Is(err, db.ErrNotFound) {
		return out, d.wantProfile(tx, a, p)
	}
	out.BoundTo = b.AdvisorID
	return out, err
}

// visitOf enters a visit, or finds the one that still waits for her answer.
func (d *Desk) visitOf(tx *db.Tx, a Account, p place, c Card) (string, error) {
	if p.created { // she came to this counter: there is no other that she could mean
		if err := d.speakAt(tx, a, p.identityID, c.CounterID); err != nil {
			return "", err
		}
	}
	var id string
	err := db.NotFound(tx.QueryRow(`SELECT id FROM card_visit WHERE customer_id = $1 AND card_id = $2 AND identity_id = $3 AND answer = ''
		ORDER BY at DESC, id DESC LIMIT 1`, p.customerID, c.ID, p.identityID).Scan(&id))
	if !errors.Is(err, db.ErrNotFound) {
		return id, err
	}
	id = tx.NewID("vis")
	if _, err := tx.Exec(`INSERT INTO card_visit (id, card_id, customer_id, identity_id, answer, at) VALUES ($1, $2, $3, $4, '', $5)`,
		id, c.ID, p.customerID, p.identityID, db.Micro(tx.Now)); err != nil {
		return "", fmt.Errorf("card visit: %w", err)
	}
	return id, nil
}

// speakAt remembers with which counter she speaks, where there is more than one.
func (d *Desk) speakAt(tx *db.Tx, a Account, identityID, counterID string) error {
	if len(a.Counters) == 0 || !a.Serves(counterID) {
		return nil
	}
	return d.Book.SpeakAt(tx, identityID, counterID)
}

// What she answered.
const (
	visitBound   = "bound"
	visitRefused = "refused"
)

// visited is a visit with its card.
type visited struct {
	id, answer, identityID, customerID string
	card                               Card
	account                            Account
}

func (d *Desk) visit(tx *db.Tx, id string) (visited, error) {
	v := visited{id: id}
	var cardID string
	err := tx.QueryRow(`SELECT card_id, identity_id, customer_id, answer FROM card_visit WHERE id = $1`, id).
		Scan(&cardID, &v.identityID, &v.customerID, &v.answer)
	if err != nil {
		return v, db.NotFound(err)
	}
	if v.card, err = d.cardInUse(tx, `id = $1`, cardID); err != nil {
		return v, err
	}
	v.account, err = d.Listening(tx, v.card.AccountID)
	return v, err
}

// AnswerCard takes her answer to the question of a card: yes binds her to the card's
// advisor, or lets her speak with its counter. The same answer again changes nothing;
// after a no she may still say yes; a yes is not taken back by an old button. A visit
// whose card does not work any more is not found.
func (d *Desk) AnswerCard(tx *db.Tx, visitID string, yes bool) error {
	v, err := d.visit(tx, visitID)
	if err != nil {
		return err
	}
	_, err = d.answer(tx, v, yes)
	return err
}

// answer tells whether the answer was a new one.
func (d *Desk) answer(tx *db.Tx, v visited, yes bool) (bool, error) {
	if v.answer == visitBound || (v.answer == visitRefused && !yes) {
		return false, nil
	}
	word := visitRefused
	if yes {
		word = visitBound
	}
	// Two taps at once: one of them changes the row.
	n, err := tx.Exec(`UPDATE card_visit SET answer = $2 WHERE id = $1 AND answer = $3`, v.id, word, v.answer)
	if err != nil {
		return false, fmt.Errorf("answer card: %w", err)
	}
	if n == 0 || !yes {
		return n > 0, nil
	}
	p, err := d.placeOf(tx, v.account, v.identityID, v.card.CounterID)
	if err != nil {
		return false, err
	}
	if err := d.speakAt(tx, v.account, p.identityID, v.card.CounterID); err != nil {
		return false, err
	}
	if err := speakTo(tx, v.account, p); err != nil {
		return false, err
	}
	name, err := d.cardName(tx, v.card)
	if err != nil {
		return false, err
	}
	if _, err := d.addLine(tx, v.account, p, systemLine{Type: TypeCame, Text: name}); err != nil {
		return false, err
	}
	if v.card.AdvisorID == "" {
		return true, nil
	}
	if _, err := d.Book.Bind(tx, customer.Binding{CustomerID: p.personID, CounterID: v.card.CounterID, AdvisorID: v.card.AdvisorID,
		How: customer.HowCard, CardID: v.card.ID, By: "customer"}); err != nil {
		return false, err
	}
	return true, d.bring(tx, p.threadID)
}

// cardName is whose card it is.
func (d *Desk) cardName(tx *db.Tx, c Card) (string, error) {
	if c.AdvisorID != "" {
		p, err := staff.GetStaff(tx, c.AdvisorID)
		return p.Name, err
	}
	x, err := staff.GetCounter(tx, c.CounterID)
	return x.Name, err
}

// placeOf is where an identity speaks with a counter; the thread is opened if there is
// none.
func (d *Desk) placeOf(tx *db.Tx, a Account, identityID, counterID string) (place, error) {
	i, err := d.Book.IdentityByID(tx, identityID)
	if err != nil {
		return place{}, err
	}
	if i.AccountID != a.ID {
		return place{}, db.ErrNotFound
	}
	p := place{identityID: i.ID, customerID: i.CustomerID, personID: i.PersonID, peer: channel.Person, counterID: counterID}
	return p, d.openThread(tx, a, channel.Inbound{At: tx.Now}, &p)
}
