package handover

import (
	"cmp"
	"database/sql"
	"errors"
	"fmt"

	"dingdong/internal/channel"
	"dingdong/internal/consent"
	"dingdong/internal/conversation"
	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// stride is one customer on her way, to a colleague or back.
type stride struct {
	h       Handover
	item    Item
	person  string
	records []string
	to      string
}

func (s stride) passing() customer.Passing {
	return customer.Passing{Records: s.records, CounterID: s.item.CounterID, From: s.h.LeaverID, To: s.to, By: s.h.by()}
}

// piece is something of hers that moved.
type piece struct{ kind, object string }

// mover moves one kind of thing that hangs on an advisor, and takes it back.
type mover struct {
	move func(r *Room, tx *db.Tx, s stride) ([]piece, error)
	back func(r *Room, tx *db.Tx, s stride, pieces []piece) error
}

// movers is the list of everything that an advisor leaves behind, in order. What comes
// to the house later and has an advisor (holds, appointments) gets a line here. Notes
// and wishes are the customer's and the counter's: they stay where they are.
func movers() []mover {
	return []mover{
		{moveBindings, backBindings},
		{moveThread, backThread},
		{movePromises, backPromises},
	}
}

// move gives one customer to who takes over, with everything, and tells her: once,
// whoever asks for it how often.
func (r *Room) move(tx *db.Tx, itemID string) error {
	s, err := r.take(tx, itemID, Planned)
	if err != nil || s.item.ID == "" || s.h.State != Moving || s.h.Paused() {
		return err
	}
	s.to = s.item.ToID
	own, err := r.ownAdvisor(tx, s.person, s.item.CounterID)
	if err != nil {
		return err
	}
	if own != "" && own != s.h.LeaverID { // she chose somebody since: what the leaver still has of her goes there
		ok, err := staff.AnswersAt(tx, own, s.item.CounterID)
		if err != nil {
			return err
		}
		if ok {
			s.to = own
		}
	}
	if s.to != "" {
		ok, err := staff.AnswersAt(tx, s.to, s.item.CounterID)
		if err != nil {
			return err
		}
		if !ok || s.to == s.h.LeaverID {
			return db.Invalid{Field: "to", Code: "not_at_counter"}
		}
	}
	var moved []piece
	for _, m := range movers() {
		pieces, err := m.move(r, tx, s)
		if err != nil {
			return err
		}
		moved = append(moved, pieces...)
	}
	if err := keepPieces(tx, itemID, moved); err != nil {
		return err
	}
	done := outcome{state: ItemMoved}
	if len(moved) == 0 {
		done.state = Skipped
	} else {
		// Of who took over before, and goes now herself, she need not hear.
		if err := r.needNotHear(tx, s.item.CounterID, s.records); err != nil {
			return err
		}
		if done, err = r.news(tx, s, own == s.h.LeaverID); err != nil {
			return err
		}
	}
	if _, err := tx.Exec(`UPDATE handover_item SET state = $2, told = $3, why = $4, message_id = $5, to_id = $6, moved_at = $7 WHERE id = $1`,
		itemID, string(done.state), done.told, done.why, done.message, s.to, db.Micro(tx.Now)); err != nil {
		return fmt.Errorf("move a customer: %w", err)
	}
	return nil
}

// take holds a handover and one of its customers to the end of the transaction. An empty
// item: somebody else has dealt with her.
func (r *Room) take(tx *db.Tx, itemID string, state ItemState) (stride, error) {
	var s stride
	var handoverID string
	if err := tx.QueryRow(`SELECT handover_id FROM handover_item WHERE id = $1`, itemID).Scan(&handoverID); err != nil {
		return s, db.NotFound(err)
	}
	if err := hold(tx, handoverID); err != nil {
		return s, err
	}
	var err error
	if s.h, err = load(tx, handoverID); err != nil {
		return s, err
	}
	item, err := oneItem(tx, itemID)
	if err != nil || item.State != state {
		return s, err
	}
	if item.CustomerID == "" { // she was erased
		_, err := tx.Exec(`UPDATE handover_item SET state = 'skipped' WHERE id = $1`, itemID)
		return s, err
	}
	if s.person, err = r.Desk.Book.Person(tx, item.CustomerID); err != nil {
		return s, err
	}
	if s.records, err = r.Desk.Book.Records(tx, s.person); err != nil {
		return s, err
	}
	s.item = item
	return s, r.Desk.Book.Hold(tx, s.records) // no merge moves her meanwhile
}

// outcome is what became of one customer.
type outcome struct {
	state              ItemState
	told, why, message string
}

// news tells her who takes over, unless there is a reason to be silent.
func (r *Room) news(tx *db.Tx, s stride, bound bool) (outcome, error) {
	out := outcome{state: ItemMoved, told: Silent}
	place, why, err := r.silence(tx, s, bound)
	if err != nil || why != "" {
		out.why = why
		return out, err
	}
	own, err := ownTexts(tx, s.h)
	if err != nil {
		return out, err
	}
	body := cmp.Or(own[place.language], words()[place.language][string(s.h.Kind)])
	m, err := r.say(tx, s, saying{place: place, kind: "handover", unasked: true, body: body, key: "handover:" + s.item.ID,
		choices: buttons(place.language, s.item.ID)})
	if err != nil {
		return out, err
	}
	out.told, out.message = Told, m.ID
	if m.Status == conversation.StatusRefused {
		out.told, out.why = Refused, m.Failure
	}
	return out, nil
}

// place is where she reads it.
type place struct {
	thread, language string
	reach            customer.Reach
}

// silence says why she is not told: nobody whom she does not know takes over, she does
// not want to hear of us, or she has not for long.
func (r *Room) silence(tx *db.Tx, s stride, bound bool) (place, string, error) {
	var p place
	if !bound {
		return p, WhyUnbound, nil
	}
	var language string
	var spoke int64 // since the plan they may have spoken
	err := tx.QueryRow(`SELECT t.id, i.language, i.reach, COALESCE((SELECT MAX(m.at) FROM message m WHERE m.thread_id = t.id
			AND m.author IN ('customer', 'staff')), 0) FROM thread t JOIN identity i ON i.id = t.identity_id
		WHERE t.customer_id = $1 AND t.counter_id = $2 AND t.kind = 'person' AND t.folded_id = ''`, s.person, s.item.CounterID).
		Scan(&p.thread, &language, &p.reach, &spoke)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return p, WhyNoThread, nil
	case err != nil:
		return p, "", fmt.Errorf("her thread: %w", err)
	case p.reach == customer.ReachBlocked:
		return p, WhyBlocked, nil
	case max(spoke, db.Micro(s.item.LastAt)) < db.Micro(tx.Now.AddDate(0, -s.h.QuietMonths, 0)):
		return p, WhyQuiet, nil
	}
	p.language, err = conversation.LanguageOf(tx, customer.Identity{Language: language}, s.item.CounterID)
	return p, "", err
}

type saying struct {
	place
	kind, body, key string
	choices         []channel.Choice
	unasked         bool
}

// sayPriority lets what a customer must know of her advisor go before news and offers.
const sayPriority = 8

// say fills a text and sends it. Whether it may be said is Send's to decide.
func (r *Room) say(tx *db.Tx, s stride, w saying) (conversation.Message, error) {
	n, err := r.naming(tx, s.h, s.item.CounterID)
	if err != nil {
		return conversation.Message{}, err
	}
	names, err := staff.StaffNames(tx, []string{s.to})
	if err != nil {
		return conversation.Message{}, err
	}
	return r.Desk.Send(tx, conversation.Draft{ThreadID: w.thread, Author: conversation.AuthorAutomation, AuthorID: s.h.by(), Purpose: consent.Service, Kind: w.kind,
		Priority: sayPriority, Unasked: w.unasked, ClientKey: w.key, Body: channel.Body{Type: channel.Text, Text: n.fill(w.body, w.language, names[s.to]), Choices: w.choices}})
}

func keepPieces(tx *db.Tx, itemID string, pieces []piece) error {
	rows := make([]any, 0, 3*len(pieces))
	for _, p := range pieces {
		rows = append(rows, itemID, p.kind, p.object)
	}
	if err := tx.Insert(`INSERT INTO handover_piece (item_id, kind, object_id)`, 3, rows, `ON CONFLICT DO NOTHING`); err != nil {
		return fmt.Errorf("what moved: %w", err)
	}
	return nil
}

func piecesOf(tx *db.Tx, itemID string) ([]piece, error) {
	rows, err := tx.Query(`SELECT kind, object_id FROM handover_piece WHERE item_id = $1 ORDER BY kind, object_id`, itemID)
	out, err := db.Collect(rows, err, func(r *sql.Rows) (p piece, err error) { return p, r.Scan(&p.kind, &p.object) })
	if err != nil {
		return nil, fmt.Errorf("what moved: %w", err)
	}
	return out, nil
}
