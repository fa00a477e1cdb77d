package handover

import (
	"database/sql"
	"fmt"
	"strconv"
	"time"

	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// ItemState is what became of one customer.
type ItemState string

// What can become of a customer of a handover.
const (
	Planned   ItemState = "planned"
	ItemMoved ItemState = "moved"
	Skipped   ItemState = "skipped" // she was not the leaver's any more
	Failed    ItemState = "failed"
	Back      ItemState = "back" // with the leaver again
	Kept      ItemState = "kept" // she chose otherwise, so nothing went back
)

// Whether a customer was told.
const (
	Told    = "told"
	Coming  = "coming"  // the message is planned, and goes when her contact budget has a place
	Silent  = "silent"  // for a reason of ours: Why
	Refused = "refused" // the message was refused: Why
)

// Why a customer was not told, or could not be moved.
const (
	WhyTaken    = "cancelled" // she had not heard of it when it was over
	WhyUnbound  = "unbound"   // she was not the leaver's own customer
	WhyBlocked  = "blocked"   // she blocked the account
	WhyQuiet    = "quiet"     // there was no contact for long
	WhyNoThread = "no_thread" // she never wrote
	WhyLanguage = "no_text"   // the text of her language is empty
)

// What she answered.
const (
	AnswerFine  = "fine"
	AnswerOther = "other" // she wants to choose, and has not yet
	AnswerChose = "chose"
	AnswerStop  = "stop"
)

// Item is one customer of a handover at one counter.
type Item struct {
	ID, HandoverID, CounterID string
	CustomerID                string // the person; empty once she was erased
	ToID, ToName              string // who takes over; empty: whoever is free at the counter
	ByHand                    bool
	Bound                     bool // she was the leaver's own customer
	Language                  string
	LastAt                    time.Time // when they last had to do with each other
	State                     ItemState
	Told, Why                 string
	Tries                     int
	MessageID                 string
	Answer                    string
	ChosenID, ChosenName      string
	MovedAt, BackAt           time.Time

	Name     string // hers; empty where the viewer does not see the counter
	ThreadID string // the same
}

const itemColumns = `i.id, i.handover_id, i.counter_id, i.customer_id, i.to_id, COALESCE(s.name, ''), i.by_hand, i.bound, i.language, i.last_at, i.state,
	` + toldNow + `, CASE WHEN i.told = 'told' AND m.status = 'refused' THEN m.failure ELSE i.why END, i.tries, i.message_id, i.answer, i.chosen_id, COALESCE(o.name, ''), i.moved_at, i.back_at`

const itemFrom = ` FROM handover_item i LEFT JOIN staff s ON s.id = i.to_id LEFT JOIN staff o ON o.id = i.chosen_id
	LEFT JOIN message m ON m.id = i.message_id AND i.message_id <> '' `

// toldNow is whether a customer of i was told, as her message m is now: one that is planned
// has told her nothing yet, and may still be refused, or taken back by us.
const toldNow = `CASE WHEN i.told = 'told' AND m.status = 'planned' THEN 'coming'
	WHEN i.told = 'told' AND m.status = 'refused' AND m.failure = 'cancelled' THEN 'silent' WHEN i.told = 'told' AND m.status = 'refused' THEN 'refused' ELSE i.told END`

func scanItem(r interface{ Scan(...any) error }) (Item, error) {
	var i Item
	var last, moved, back int64
	err := r.Scan(&i.ID, &i.HandoverID, &i.CounterID, &i.CustomerID, &i.ToID, &i.ToName, &i.ByHand, &i.Bound, &i.Language, &last, &i.State,
		&i.Told, &i.Why, &i.Tries, &i.MessageID, &i.Answer, &i.ChosenID, &i.ChosenName, &moved, &back)
	i.LastAt, i.MovedAt, i.BackAt = db.Time(last), db.Time(moved), db.Time(back)
	return i, err
}

// ItemsPage asks for a piece of a handover's customers. Which narrows it to a state, to
// "told", "coming", "silent" or "refused", or to an answer; To to who takes over.
type ItemsPage struct {
	Which, To string
	After     string // the id of the last line one has
	Limit     int    // 1 to 200; else 50
}

// Items lists the customers of a handover. The names of customers of counters that the
// viewer does not see stay hidden: an administrator need not know them.
func (r *Room) Items(tx *db.Tx, v staff.Viewer, h Handover, p ItemsPage) (items []Item, more bool, err error) {
	if p.Limit <= 0 || p.Limit > 200 {
		p.Limit = 50
	}
	where, args := ``, []any{h.ID, p.After}
	and := func(column, value string) {
		args = append(args, value)
		where += ` AND ` + column + ` = $` + strconv.Itoa(len(args))
	}
	switch p.Which {
	case "":
	case Told, Coming, Silent, Refused:
		and(toldNow, p.Which)
	case AnswerFine, AnswerOther, AnswerChose, AnswerStop:
		and("i.answer", p.Which)
	default:
		and("i.state", p.Which)
	}
	if p.To != "" {
		and("i.to_id", p.To)
	}
	rows, err := tx.Query(`SELECT `+itemColumns+itemFrom+`WHERE i.handover_id = $1 AND i.id > $2`+where+` ORDER BY i.id LIMIT `+strconv.Itoa(p.Limit+1), args...)
	items, err = db.Collect(rows, err, func(r *sql.Rows) (Item, error) { return scanItem(r) })
	if err != nil {
		return nil, false, fmt.Errorf("customers of a handover: %w", err)
	}
	if more = len(items) > p.Limit; more {
		items = items[:p.Limit]
	}
	return items, more, r.nameItems(tx, v, items)
}

// nameItems opens the names that the viewer may read.
func (r *Room) nameItems(tx *db.Tx, v staff.Viewer, items []Item) error {
	for n := range items {
		i := &items[n]
		if i.CustomerID == "" || !v.Sees(i.CounterID) {
			continue
		}
		names := customer.SealedNames{}
		err := tx.QueryRow(`SELECT t.id, c.id, c.name, i.customer_id, i.name FROM thread t JOIN customer c ON c.id = t.customer_id JOIN identity i ON i.id = t.identity_id
			WHERE t.counter_id = $2 AND t.folded_id = '' AND t.customer_id IN (
				SELECT CASE WHEN person_id = '' THEN id ELSE person_id END FROM customer WHERE id = $1)`, i.CustomerID, i.CounterID).
			Scan(&i.ThreadID, &names.CustomerID, &names.Customer, &names.IdentityOf, &names.Identity)
		if err == sql.ErrNoRows {
			c, err := r.Desk.Book.Get(tx, i.CustomerID)
			if err != nil {
				return err
			}
			i.Name = c.Name
			continue
		}
		if err != nil {
			return fmt.Errorf("name of a customer: %w", err)
		}
		if i.Name, err = r.Desk.Book.DisplayName(tx, names); err != nil {
			return err
		}
	}
	return nil
}

// oneItem reads an item for the house itself.
func oneItem(tx *db.Tx, id string) (Item, error) {
	i, err := scanItem(tx.QueryRow(`SELECT `+itemColumns+itemFrom+`WHERE i.id = $1`, id))
	if err != nil {
		return i, fmt.Errorf("customer of a handover: %w", db.NotFound(err))
	}
	return i, nil
}
