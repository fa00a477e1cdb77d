package insight

import (
	"database/sql"
	"fmt"
	"slices"
	"time"

	"dingdong/internal/conversation"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// Offer is what an advisor may answer to what a customer has just said.
type Offer struct {
	Facets  []string             // what it is about: whoever has a catalogue finds products by these
	Replies []conversation.Reply // saved ones of her counter that are for it
}

// How far back an offer looks.
const (
	offerMessages = 3
	offerAge      = 24 * time.Hour
)

// Offers looks at the newest messages of a customer in a thread. What she denied
// offers nothing; what she asks, or says of somebody else, does.
func (r *Room) Offers(tx *db.Tx, v staff.Viewer, threadID string) (Offer, error) {
	t, err := r.Desk.Thread(tx, v, threadID)
	if err != nil {
		return Offer{}, err
	}
	facets, err := r.facets(tx, t.ID)
	if err != nil || len(facets) == 0 {
		return Offer{}, err
	}
	undone, err := r.undone(tx, t.CustomerID)
	if err != nil {
		return Offer{}, err
	}
	facets = slices.DeleteFunc(facets, func(facet string) bool { return undone[facet] })
	replies, err := r.Desk.Replies(tx, v, t.CounterID)
	if err != nil {
		return Offer{}, err
	}
	replies = slices.DeleteFunc(replies, func(r conversation.Reply) bool { return r.Tag == "" || !slices.Contains(facets, r.Tag) })
	return Offer{facets, replies}, nil
}

// undone are the tags that somebody took off her as wrong: nothing is offered for them.
func (r *Room) undone(tx *db.Tx, customerID string) (map[string]bool, error) {
	records, err := r.Desk.Book.Records(tx, customerID)
	if err != nil {
		return nil, err
	}
	return r.Desk.Book.RefusedTags(tx, records)
}

// facets are what the newest messages mention, the newest first.
func (r *Room) facets(tx *db.Tx, threadID string) ([]string, error) {
	rows, err := tx.Query(`SELECT n.about, n.rule FROM mention n JOIN (
			SELECT id, at FROM message WHERE thread_id = $1 AND author = 'customer' AND at >= $2 AND unsent_at IS NULL ORDER BY at DESC, id DESC LIMIT $3
		) m ON m.id = n.message_id WHERE n.kind = 'tag' AND n.stance <> 'negated' ORDER BY m.at DESC, m.id DESC, n.about, n.rule`,
		threadID, db.Micro(tx.Now.Add(-offerAge)), offerMessages)
	type mention struct{ about, rule string }
	found, err := db.Collect(rows, err, func(r *sql.Rows) (m mention, err error) { return m, r.Scan(&m.about, &m.rule) })
	if err != nil {
		return nil, fmt.Errorf("what was just said: %w", err)
	}
	if len(found) == 0 {
		return nil, nil
	}
	reader, err := r.Live(tx)
	if err != nil {
		return nil, err
	}
	var facets []string
	for _, m := range found {
		for _, facet := range []string{reader.reply(m.rule), m.about} {
			if facet != "" && !slices.Contains(facets, facet) {
				facets = append(facets, facet)
			}
		}
	}
	return facets, nil
}
