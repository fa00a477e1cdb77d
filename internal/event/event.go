// Package event keeps what happened, in the order in which it was committed.
//
// Every event has a number; numbers have no gaps, and who has seen number n has
// seen everything before it, on both engines. Pages, webhooks and integrators
// resume from the last number they saw. What the house itself does about an event
// stands in app/reactions.go, which reads the log through a Consumer.
package event

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"dingdong/internal/db"
)

// Kind says what happened.
type Kind string

// What can happen.
const (
	MessageReceived Kind = "message.received" // a customer wrote
	MessageSent     Kind = "message.sent"     // a message of ours was queued
	MessageStatus   Kind = "message.status"   // it was sent, delivered, read, refused or failed
	MessageUnsent   Kind = "message.unsent"   // the customer took a message back
	MessageEdited   Kind = "message.edited"   // the customer changed a message
	ThreadChanged   Kind = "thread.changed"   // assigned, closed, reopened, read, waiting
	CustomerChanged Kind = "customer.changed" // her name or profile
	ReachChanged    Kind = "reach.changed"    // she followed or blocked an account
	MediaReady      Kind = "media.ready"      // a picture, voice note or file can be shown, or never will be
	AccountChanged  Kind = "account.changed"  // an account's settings, quota or halt
	AlarmRaised     Kind = "alarm.raised"     // somebody looks, searches or exports unusually much
	CustomerErased  Kind = "customer.erased"  // a record of hers is gone, with everything in it

	ConsentGranted   Kind = "consent.granted"   // she agreed to a purpose
	ConsentWithdrawn Kind = "consent.withdrawn" // she refused one, or took it back
)

// Kinds lists every kind.
func Kinds() []Kind {
	return []Kind{MessageReceived, MessageSent, MessageStatus, MessageUnsent, MessageEdited, ThreadChanged,
		CustomerChanged, ReachChanged, MediaReady, AccountChanged, AlarmRaised, CustomerErased, ConsentGranted, ConsentWithdrawn}
}

// Event is one thing that happened. It names people and texts by their ids
// only: events are stored in clear and leave the house through webhooks, so
// Data must never hold a name, a number, or a word that somebody wrote.
type Event struct {
	Seq      int64 // 0 until it is committed
	Kind     Kind
	At       time.Time // zero: now
	Customer string
	Thread   string
	Counter  string
	Message  string
	By       string // who caused it: a staff id, "journey/<run>", empty for the customer
	Hops     int    // how many automations stand between this and a person
	Data     map[string]string
}

// Topic wakes who follows the log in this process; see db.Listen.
const Topic = "event"

var batch = &db.Batch{Name: "event", Order: 10, Flush: flush}

// Append records the event with the commit of tx, or not at all.
func Append(tx *db.Tx, e Event) {
	if e.At.IsZero() {
		e.At = tx.Now
	}
	tx.Defer(batch, e)
}

func flush(tx *db.Tx, rows []any) error {
	seq, err := db.Tally(tx, "event", int64(len(rows)))
	if err != nil {
		return err
	}
	args := make([]any, 0, len(rows)*10)
	for _, row := range rows {
		e := row.(Event)
		data := []byte("{}")
		if len(e.Data) > 0 {
			if data, err = json.Marshal(e.Data); err != nil {
				return err
			}
		}
		args = append(args, seq, string(e.Kind), db.Micro(e.At), e.Customer, e.Thread, e.Counter, e.Message, e.By,
			int64(e.Hops), string(data))
		seq++
	}
	tx.Signal(Topic)
	return tx.Insert(`INSERT INTO event (`+columns+`)`, 10, args, "")
}

const columns = `seq, kind, at, customer_id, thread_id, counter_id, message_id, by, hops, data`

// After gives the events that follow number seq, the oldest first.
func After(tx *db.Tx, seq int64, limit int) ([]Event, error) {
	rows, err := tx.Query(`SELECT `+columns+` FROM event WHERE seq > $1 ORDER BY seq LIMIT $2`, seq, limit)
	events, err := db.Collect(rows, err, scan)
	if err != nil {
		return nil, fmt.Errorf("read events: %w", err)
	}
	return events, nil
}

// Get gives one event, or db.ErrNotFound.
func Get(tx *db.Tx, seq int64) (Event, error) {
	rows, err := tx.Query(`SELECT `+columns+` FROM event WHERE seq = $1`, seq)
	events, err := db.Collect(rows, err, scan)
	if err == nil && len(events) == 0 {
		err = db.ErrNotFound
	}
	if err != nil {
		return Event{}, fmt.Errorf("event %d: %w", seq, err)
	}
	return events[0], nil
}

// Last gives the number of the last event, 0 when nothing has happened yet.
func Last(tx *db.Tx) (int64, error) {
	return db.Once(tx, lastOnce{}, func() (seq int64, err error) {
		// The tally and not the table: old events may have been purged.
		if err := tx.QueryRow(`SELECT n FROM tally WHERE name = 'event'`).Scan(&seq); err != nil {
			return 0, fmt.Errorf("last event: %w", db.NotFound(err))
		}
		return seq, nil
	})
}

// lastOnce is asked by every part of a page.
type lastOnce struct{}

func scan(rows *sql.Rows) (Event, error) {
	var (
		e    Event
		at   int64
		data string
	)
	err := rows.Scan(&e.Seq, &e.Kind, &at, &e.Customer, &e.Thread, &e.Counter, &e.Message, &e.By, &e.Hops, &data)
	if err != nil {
		return Event{}, err
	}
	e.At = db.Time(at)
	if data != "{}" {
		if err := json.Unmarshal([]byte(data), &e.Data); err != nil {
			return Event{}, fmt.Errorf("data of event %d: %w", e.Seq, err)
		}
	}
	return e, nil
}
