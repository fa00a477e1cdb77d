package conversation

import (
	"fmt"

	"dingdong/internal/db"
)

// quotedBack is how far back an answer of ours is searched for what it quotes.
const quotedBack = 100

// Quoted finds, for those of some messages of one thread that answer another,
// which one: by the quoting message's id. What cannot be found is left out.
func (d *Desk) Quoted(tx *db.Tx, messages []Message) (map[string]Message, error) {
	var open []Message
	for _, m := range messages {
		if m.Body.QuoteID != "" && !m.Unsent {
			open = append(open, m)
		}
	}
	if len(open) == 0 {
		return nil, nil
	}
	out := map[string]Message{}
	if open = matchQuotes(out, open, messages); len(open) == 0 {
		return out, nil
	}
	last := open[len(open)-1]
	args := []any{last.AccountID, last.ThreadID}
	for _, m := range open {
		args = append(args, m.Body.QuoteID)
	}
	// Customers quote by the platform's id, which an index knows.
	earlier, err := d.readMessages(tx, `WHERE m.account_id = $1 AND m.thread_id = $2 AND m.external_id IN (`+db.Marks(len(open), 3)+`)`, args)
	if err != nil {
		return nil, err
	}
	if open = matchQuotes(out, open, earlier); len(open) == 0 {
		return out, nil
	}
	// We quote by a token that lies sealed inside the message.
	earlier, err = d.readMessages(tx, `WHERE m.thread_id = $1 AND m.at < $2 AND m.author = 'customer' ORDER BY m.at DESC, m.id DESC LIMIT $3`,
		[]any{last.ThreadID, db.Micro(last.At), quotedBack})
	matchQuotes(out, open, earlier)
	return out, err
}

// matchQuotes fills out and returns the messages whose quote is not among these.
func matchQuotes(out map[string]Message, open, among []Message) []Message {
	var rest []Message
	for _, m := range open {
		for _, q := range among {
			if q.ID != m.ID && (q.ExternalID == m.Body.QuoteID || q.Body.QuoteToken == m.Body.QuoteID) {
				out[m.ID] = q
			}
		}
		if _, ok := out[m.ID]; !ok {
			rest = append(rest, m)
		}
	}
	return rest
}

func (d *Desk) readMessages(tx *db.Tx, where string, args []any) ([]Message, error) {
	rows, err := tx.Query(`SELECT `+messageColumns+messageFrom+where, args...)
	found, err := collectRows(rows, err)
	if err != nil {
		return nil, fmt.Errorf("messages: %w", err)
	}
	out := make([]Message, len(found))
	for i, r := range found {
		if out[i], err = d.open(tx, r); err != nil {
			return nil, err
		}
	}
	return out, nil
}
