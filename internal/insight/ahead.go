package insight

import (
	"fmt"
	"sync"

	"dingdong/internal/channel"
	"dingdong/internal/conversation"
	"dingdong/internal/db"
	"dingdong/internal/event"
)

// reading is what a message was found to say before the transaction that concludes
// from it. It holds for that text and those lexicons.
type reading struct {
	reader *Reader
	text   string
	found  []Finding
	known  bool // her card says all of it already, of late
}

// readings are those of the last group of events.
type readings struct {
	mu sync.Mutex
	of map[string]reading // by message
}

func (r *readings) put(of map[string]reading) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.of = of
}

func (r *readings) get(messageID string) (reading, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	found, ok := r.of[messageID]
	return found, ok
}

// Ahead reads the messages of a group of events before they are reacted to, so that
// writers wait for none of it: most messages say nothing that a card would keep.
func (r *Room) Ahead(tx *db.Tx, events []event.Event) error {
	var ids []string
	changes := false // something is taken back among them: what is known may be known no more
	for _, e := range events {
		switch e.Kind {
		case event.MessageReceived:
			ids = append(ids, e.Message)
		case event.MessageEdited, event.MessageUnsent:
			changes = true
		}
	}
	of := make(map[string]reading, len(ids))
	defer func() { r.ahead.put(of) }()
	if len(ids) == 0 {
		return nil
	}
	reader, err := r.Live(tx)
	if err != nil {
		return err
	}
	heard, err := r.Desk.HearAll(tx, ids)
	if err != nil {
		return fmt.Errorf("read ahead: %w", err)
	}
	for id, h := range heard {
		saw := reading{reader: reader, text: h.Text, found: reader.says(h)}
		if len(saw.found) > 0 && !changes {
			if saw.known, err = r.Book.Knows(tx, h.CustomerID, conclusions(message{h, id}, saw.found)); err != nil {
				return fmt.Errorf("read ahead: %w", err)
			}
		}
		of[id] = saw
	}
	return nil
}

// says lists what a message says, if it is hers to say.
func (r *Reader) says(h conversation.Heard) []Finding {
	if h.Author != conversation.AuthorCustomer || h.Peer != channel.Person || h.Text == "" {
		return nil
	}
	return distinct(r.Read(h.Text))
}
