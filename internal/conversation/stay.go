package conversation

import (
	"errors"
	"fmt"
	"time"

	"dingdong/internal/channel"
	"dingdong/internal/consent"
	"dingdong/internal/db"
	"dingdong/internal/vault"
)

// What she taps when she is asked whether to stay in touch.
const (
	StayYes = "dingdong:stay:yes"
	StayNo  = "dingdong:stay:no"
)

// stayAuthor is the automation that asks.
const stayAuthor = "stay"

// AskToStay asks people, each where she wrote last, whether to stay in touch, and says
// by when they are forgotten otherwise. The messages come by person; who has no
// conversation has none.
func (d *Desk) AskToStay(tx *db.Tx, persons []string, until time.Time) (map[string]Message, error) {
	var asked []string
	var drafts []Draft
	for _, id := range persons {
		f, err := d.stayDraft(tx, id, until)
		if errors.Is(err, db.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("ask to stay: %w", err)
		}
		asked, drafts = append(asked, id), append(drafts, f)
	}
	sent, err := d.SendAll(tx, drafts)
	if err != nil {
		return nil, fmt.Errorf("ask to stay: %w", err)
	}
	out := make(map[string]Message, len(sent))
	for i, m := range sent {
		out[asked[i]] = m
	}
	return out, nil
}

// stayDraft is the question for a person, db.ErrNotFound if there is nowhere to ask.
func (d *Desk) stayDraft(tx *db.Tx, personID string, until time.Time) (Draft, error) {
	var thread, identity, counter string
	err := tx.QueryRow(`SELECT id, identity_id, counter_id FROM thread WHERE customer_id = $1 AND kind = 'person' AND folded_id = ''
		ORDER BY last_at DESC, id LIMIT 1`, personID).Scan(&thread, &identity, &counter)
	if err != nil {
		return Draft{}, db.NotFound(err)
	}
	v, err := d.voice(tx, identity, counter)
	if err != nil {
		return Draft{}, err
	}
	return Draft{
		ThreadID: thread, Author: AuthorAutomation, AuthorID: stayAuthor, Purpose: consent.Marketing, Kind: stayAuthor, Expires: until,
		ClientKey: "stay:" + until.Format(time.DateOnly),
		Body: channel.Body{Type: channel.Text, Text: v.say("stay", "date", until.Format(time.DateOnly)), Choices: []channel.Choice{
			{Label: label(v.say("stay_yes")), Data: StayYes}, {Label: label(v.say("stay_no")), Data: StayNo},
		}},
	}, nil
}

// Tapped returns the data of the button by which a customer's message was made, "" for
// every other message.
func (d *Desk) Tapped(tx *db.Tx, messageID string) (string, error) {
	m, err := d.message(tx, messageID)
	if errors.Is(err, db.ErrNotFound) || errors.Is(err, vault.ErrErased) {
		return "", nil
	}
	if err != nil || m.Author != AuthorCustomer {
		return "", err
	}
	return m.Body.Data, nil
}
