package insight

import (
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"dingdong/internal/conversation"
	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/event"
)

const labelCause = "mention.cause"

// WhatMention is the news that something was mentioned, though her card did not
// change: a ready reply may be offered.
const WhatMention = "mention"

// React reads a customer's message and concludes what it says of her. It may
// meet an event again, and comes to the same.
func (r *Room) React(tx *db.Tx, e event.Event) error {
	switch e.Kind {
	case event.MessageReceived, event.MessageEdited, event.MessageUnsent:
	default:
		return nil
	}
	if e.Message == "" {
		return nil
	}
	if e.Kind == event.MessageUnsent {
		_, err := r.takeBack(tx, e.Message)
		return err
	}
	reader, err := r.Live(tx)
	if err != nil {
		return err
	}
	saw, before := r.ahead.get(e.Message)
	before = before && saw.reader == reader
	if before && len(saw.found) == 0 && e.Kind == event.MessageReceived {
		return nil
	}
	h, err := r.Desk.Hear(tx, e.Message)
	if errors.Is(err, db.ErrNotFound) {
		return nil // it was erased meanwhile
	}
	if err != nil {
		return err
	}
	if !before || saw.text != h.Text {
		saw = reading{found: reader.says(h)}
	}
	found := saw.found
	if len(found) == 0 && e.Kind == event.MessageReceived {
		return nil
	}
	had := false
	if e.Kind == event.MessageEdited {
		if had, err = r.takeBack(tx, e.Message); err != nil || len(found) == 0 {
			return err
		}
	}
	m := message{h, e.Message}
	if err := r.mention(tx, m, found); err != nil {
		return err
	}
	if !saw.known {
		changed, err := r.Book.Conclude(tx, m.CustomerID, conclusions(m, found))
		if err != nil || changed || had {
			return err // the card has told, or pages know of the message
		}
	}
	event.Append(tx, event.Event{Kind: event.CustomerChanged, Customer: e.Customer, Thread: e.Thread, Counter: h.CounterID,
		Data: map[string]string{"what": WhatMention}})
	return nil
}

// message is what was heard, with its id.
type message struct {
	conversation.Heard
	id string
}

// distinct keeps one finding of each thing: what she says of herself counts more
// than what she denies, asks, or says of others.
func distinct(found []Finding) []Finding {
	rank := []Stance{Said, Negated, Asked, Other}
	var out []Finding
	for _, f := range found {
		i := slices.IndexFunc(out, func(o Finding) bool { return o.Kind == f.Kind && o.About == f.About })
		switch {
		case i < 0:
			out = append(out, f)
		case slices.Index(rank, f.Stance) < slices.Index(rank, out[i].Stance):
			out[i] = f
		}
	}
	return out
}

// takeBack forgets what a message said, and what only it proved. It tells
// whether there was anything.
func (r *Room) takeBack(tx *db.Tx, messageID string) (bool, error) {
	type thing struct{ customer, about string }
	rows, err := tx.Query(`DELETE FROM mention WHERE message_id = $1 RETURNING customer_id, about`, messageID)
	gone, err := db.Collect(rows, err, func(r *sql.Rows) (t thing, err error) { return t, r.Scan(&t.customer, &t.about) })
	if err != nil {
		return false, fmt.Errorf("take back mentions: %w", err)
	}
	changed := false
	for i, t := range gone {
		if i > 0 && t.customer == gone[0].customer { // a message has one author
			continue
		}
		took, err := r.Book.TakeBack(tx, t.customer, messageID)
		if err != nil {
			return false, fmt.Errorf("take back conclusions: %w", err)
		}
		changed = changed || took
	}
	for _, t := range gone {
		if !changed {
			break
		}
		if err := r.saidElsewhere(tx, messageID, t.about); err != nil {
			return false, err
		}
	}
	return len(gone) > 0, nil
}

// saidElsewhere concludes once more from the last message of the conversation that
// said the same: while the one that is gone proved it, that one was only mentioned.
func (r *Room) saidElsewhere(tx *db.Tx, goneID, about string) error {
	var id string
	err := db.NotFound(tx.QueryRow(`SELECT m.id FROM message g JOIN message m ON m.thread_id = g.thread_id AND m.customer_id = g.customer_id
			JOIN mention n ON n.message_id = m.id AND n.about = $2
		WHERE g.id = $1 AND m.at > g.at - $3 AND m.at < g.at + $3 AND n.stance <> 'other'
		ORDER BY m.at DESC, m.id DESC LIMIT 1`, goneID, about, 2*customer.Lately.Microseconds()).Scan(&id))
	if errors.Is(err, db.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("who else said it: %w", err)
	}
	h, err := r.Desk.Hear(tx, id)
	if errors.Is(err, db.ErrNotFound) || err == nil && h.Text == "" {
		return nil
	}
	if err != nil {
		return err
	}
	reader, err := r.Live(tx)
	if err != nil {
		return err
	}
	same := slices.DeleteFunc(distinct(reader.Read(h.Text)), func(f Finding) bool { return f.About != about })
	_, err = r.Book.Conclude(tx, h.CustomerID, conclusions(message{h, id}, same))
	return err
}

// mention writes what was mentioned, whatever follows from it.
func (r *Room) mention(tx *db.Tx, m message, found []Finding) error {
	args := make([]any, 0, len(found)*9)
	for _, f := range found {
		cause, err := r.Vault.SealString(tx, m.CustomerID, labelCause, cause(m.Text, f))
		if err != nil {
			return fmt.Errorf("seal a mention: %w", err)
		}
		args = append(args, m.CustomerID, m.CounterID, m.id, string(f.Kind), f.About, string(f.Stance), f.Name(), cause, db.Micro(m.At))
	}
	err := tx.Insert(`INSERT INTO mention (customer_id, counter_id, message_id, kind, about, stance, rule, cause, at)`, 9, args,
		`ON CONFLICT DO NOTHING`)
	if err != nil {
		return fmt.Errorf("mentions: %w", err)
	}
	return nil
}

// Name names the rule with its language and version: "zh-Hant/3/skin.sensitive".
func (f Finding) Name() string {
	return f.Language + "/" + strconv.Itoa(f.Version) + "/" + f.Rule
}

// conclusions are the tags and attributes that follow from what was found.
func conclusions(m message, found []Finding) []customer.Conclusion {
	var all []customer.Conclusion
	for _, f := range found {
		p := customer.Proof{Source: customer.SourceSaid, CounterID: m.CounterID, MessageID: m.id, Rule: f.Name(),
			Cause: cause(m.Text, f), At: m.At}
		if a := f.Conclusion.Attribute; a.Name != "" {
			all = append(all, customer.Conclusion{Attribute: a.Name, Value: a.Value, Proof: p})
		}
		if name := f.Conclusion.Tag; name != "" {
			p.Days = f.Conclusion.Days
			all = append(all, customer.Conclusion{Tag: name, Proof: p})
		}
	}
	return all
}

// around is how many letters of context stand on each side of the words.
const around = 24

// cause is the words that matched with a little of what stands round them.
func cause(text string, f Finding) string {
	from, to := f.From, f.To
	for n := 0; n < around && from > 0; n++ {
		_, size := utf8.DecodeLastRuneInString(text[:from])
		from -= size
	}
	for n := 0; n < around && to < len(text); n++ {
		_, size := utf8.DecodeRuneInString(text[to:])
		to += size
	}
	words := strings.Join(strings.Fields(text[from:to]), " ")
	if from > 0 {
		words = "…" + words
	}
	if to < len(text) {
		words += "…"
	}
	return words
}
