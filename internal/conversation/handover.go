package conversation

import (
	"database/sql"
	"errors"
	"fmt"

	"dingdong/internal/consent"
	"dingdong/internal/db"
	"dingdong/internal/event"
	"dingdong/internal/staff"
)

// ActHandedOver says that a colleague answers from now on, because the one who did left
// or is away for a while. The author of such a note is the one who did.
const ActHandedOver Act = "handed_over"

// DataHandover is on the buttons beneath the news that another advisor takes over.
// Answer is one of HandoverFine, HandoverOther and HandoverStop; what becomes of it
// stands in the room of handovers, which hears of it by an event.
func DataHandover(itemID, answer string) string { return ours + "handover:" + itemID + ":" + answer }

// What she can say to another advisor.
const (
	HandoverFine  = "fine"
	HandoverOther = "other" // she would like to choose
	HandoverStop  = "stop"  // no messages that she did not ask for
)

// answerHandover does what can be said at once, and tells the house.
func (t *tap) answerHandover(itemID, answer string) error {
	event.Append(t.tx, event.Event{Kind: event.CustomerChanged, Customer: t.place.customerID, Counter: t.place.counterID, By: "customer",
		Data: map[string]string{"what": "handover", "item": itemID, "answer": answer}})
	switch answer {
	case HandoverOther:
		return t.showAdvisors()
	case HandoverStop: // whatever became of the handover: what we say must be so
		say, err := t.stopAll(t.tx, stopping{t.account, t.place, t.voice, consent.Entry{How: consent.HowChat}})
		if err != nil {
			return err
		}
		say.text = t.voice.say("handover_stop")
		return t.answerAt(t.place, say)
	}
	if _, err := t.addLine(t.tx, t.account, t.place, systemLine{Type: TypeAgreed}); err != nil {
		return err
	}
	return t.answerAt(t.place, sentence{text: t.voice.say("handover_fine")})
}

// Passing hands a person's thread at a counter on to a colleague.
type Passing struct {
	PersonID, CounterID string
	Records             []string // of the person
	From, To            string   // To empty: whoever is free at the counter
	By                  string
	ThreadID            string // that was handed on before: it may come back from nobody
}

// PassThread gives the thread that From answers in, or that somebody answers in for her,
// to who takes over. What a colleague took on stays with her. It returns the id of the
// thread that moved, or nothing. While To is off, her stand-in answers.
func (d *Desk) PassThread(tx *db.Tx, p Passing) (string, error) {
	if err := passParts(tx, p); err != nil {
		return "", err
	}
	var id, assignee, covers string
	err := tx.QueryRow(`SELECT id, assignee_id, covers_id FROM thread WHERE customer_id = $1 AND counter_id = $2 AND kind = 'person' AND folded_id = ''`,
		p.PersonID, p.CounterID).Scan(&id, &assignee, &covers)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("pass thread: %w", err)
	}
	answers := assignee == p.From && (p.From != "" || p.ThreadID == id && covers == "")
	if !answers && (p.From == "" || covers != p.From) {
		return "", nil
	}
	to, coversNow, err := answersFor(tx, p.CounterID, p.To)
	if err != nil {
		return "", err
	}
	n, err := tx.Exec(`UPDATE thread SET assignee_id = $2, covers_id = $3 WHERE id = $1 AND assignee_id = $4 AND covers_id = $5`, id, to, coversNow, assignee, covers)
	if err != nil {
		return "", fmt.Errorf("pass thread: %w", err)
	}
	if n == 0 { // somebody took it at this moment
		return "", ErrBusy
	}
	if _, err := tx.Exec(`INSERT INTO thread_note (id, thread_id, author_id, kind, target_id, body, at) VALUES ($1, $2, $3, $4, $5, NULL, $6)`,
		tx.NewID("nte"), id, p.From, string(ActHandedOver), to, db.Micro(tx.Now)); err != nil {
		return "", fmt.Errorf("note: %w", err)
	}
	event.Append(tx, event.Event{Kind: event.ThreadChanged, Customer: p.PersonID, Thread: id, Counter: p.CounterID, By: p.By,
		Data: map[string]string{"act": string(ActHandedOver), "to": to}})
	return id, nil
}

// answersFor is who answers for somebody at a counter now, and in whose place.
func answersFor(tx *db.Tx, counterID, advisorID string) (to, covers string, err error) {
	if advisorID == "" {
		return "", "", nil
	}
	there, err := staff.OnDuty(tx, advisorID, counterID)
	if err != nil || there {
		return advisorID, "", err
	}
	to, err = standIn(tx, counterID, advisorID)
	return to, advisorID, err
}

// passParts keeps what a merge noted of who answered whom: taken apart again, nobody
// comes back to somebody who is gone.
func passParts(tx *db.Tx, p Passing) error {
	if len(p.Records) == 0 || p.From == "" {
		return nil
	}
	marks, args := db.In(p.Records, 4)
	if _, err := tx.Exec(`UPDATE thread_part SET assignee_id = $3 WHERE counter_id = $1 AND assignee_id = $2 AND customer_id IN (`+marks+`)`,
		append([]any{p.CounterID, p.From, p.To}, args...)...); err != nil {
		return fmt.Errorf("pass thread: %w", err)
	}
	return nil
}
