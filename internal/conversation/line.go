package conversation

import (
	"fmt"

	"dingdong/internal/channel"
	"dingdong/internal/db"
	"dingdong/internal/event"
)

// systemLine is a line that the house writes into a thread about what she did.
type systemLine struct {
	Type channel.BodyType
	Text string // a name, as it was then
	Said string // what her own page shows she said by it
	In   channel.Inbound
}

// addLine writes a line of the system. It tells false when the platform's event stands
// there already.
func (d *Desk) addLine(tx *db.Tx, a Account, p place, l systemLine) (bool, error) {
	id, err := d.lineID(tx, a, p, l)
	return id != "", err
}

// lineID is addLine for who wants to name the line: its id, empty when it stood there.
func (d *Desk) lineID(tx *db.Tx, a Account, p place, l systemLine) (string, error) {
	at := l.In.At
	if at.IsZero() {
		at = tx.Now
	}
	m := row{
		ID: tx.NewID("msg"), ThreadID: p.threadID, CustomerID: p.customerID, AccountID: a.ID, IdentityID: p.identityID,
		Author: AuthorSystem, Type: l.Type, At: at, Status: StatusReceived, EventID: l.In.EventID,
	}
	var err error
	if m.Body, err = d.sealBody(tx, p.customerID, stored{Body: channel.Body{Type: l.Type, Text: l.Text}, Said: l.Said}); err != nil {
		return "", err
	}
	added, err := m.insert(tx)
	if err != nil || !added {
		return "", err
	}
	if _, err := tx.Exec(`UPDATE thread SET last_message_id = $2, last_at = $3 WHERE id = $1 AND (last_message_id = '' OR last_at <= $3)`,
		p.threadID, m.ID, db.Micro(at)); err != nil {
		return "", fmt.Errorf("thread: %w", err)
	}
	event.Append(tx, event.Event{Kind: event.ThreadChanged, Customer: p.customerID, Thread: p.threadID, Counter: p.counterID, Message: m.ID,
		By: "customer", Data: map[string]string{"act": string(l.Type)}})
	return m.ID, nil
}

// keepToken lets what we answer now travel free.
func (d *Desk) keepToken(tx *db.Tx, a Account, in channel.Inbound, threadID string) error {
	if in.ReplyToken == "" {
		return nil
	}
	if _, err := tx.Exec(`UPDATE thread SET reply_token = $2, reply_until = $3 WHERE id = $1`,
		threadID, in.ReplyToken, db.Micro(tx.Now.Add(d.limits(a).ReplyLives))); err != nil {
		return fmt.Errorf("reply token: %w", err)
	}
	return nil
}

// speakTo makes a thread the one that answers go out by to where she is now.
func speakTo(tx *db.Tx, a Account, p place) error {
	if _, err := tx.Exec(`UPDATE thread SET identity_id = $2, account_id = $3 WHERE id = $1 AND (identity_id <> $2 OR account_id <> $3)`,
		p.threadID, p.identityID, a.ID); err != nil {
		return fmt.Errorf("thread: %w", err)
	}
	return nil
}

// automation is who speaks for the house about advisors and counters.
const automation = "choose"

// tell says a sentence of the house, with perhaps something to tap. The key makes a
// repeat a no-op.
func (d *Desk) tell(tx *db.Tx, threadID string, s sentence) error {
	_, err := d.Send(tx, Draft{ThreadID: threadID, Author: AuthorAutomation, AuthorID: automation, ClientKey: s.key, Kind: s.kind, reacts: true,
		Body: channel.Body{Type: channel.Text, Text: s.text, Choices: s.choices}})
	return err
}

type sentence struct {
	text, key string
	kind      string // Draft.Kind
	choices   []channel.Choice
}
