package conversation

import (
	"database/sql"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"dingdong/internal/audit"
	"dingdong/internal/channel"
	"dingdong/internal/db"
	"dingdong/internal/event"
	"dingdong/internal/job"
	"dingdong/internal/staff"
)

// Act is what a colleague did with a thread.
type Act string

// What can be done with a thread.
const (
	ActTaken       Act = "taken"
	ActAssigned    Act = "assigned"
	ActTransferred Act = "transferred"
	ActReleased    Act = "released"
	ActClosed      Act = "closed"
	ActReopened    Act = "reopened"
)

// Note is a line in a thread that only staff sees.
type Note struct {
	ID, ThreadID         string
	AuthorID, AuthorName string
	Act                  Act
	TargetID, TargetName string
	Text                 string
	At                   time.Time
}

// MaxNote is the longest note to a colleague, in letters.
const MaxNote = 1000

// Take makes the thread the viewer's own.
func (d *Desk) Take(tx *db.Tx, v staff.Viewer, threadID string) error {
	return d.assign(tx, v, move{threadID: threadID, to: v.ID, act: ActTaken})
}

// Release gives a thread back to its counter.
func (d *Desk) Release(tx *db.Tx, v staff.Viewer, threadID string) error {
	return d.assign(tx, v, move{threadID: threadID, act: ActReleased})
}

// Transfer hands a thread to a colleague of the same counter, with a note that
// only staff reads.
func (d *Desk) Transfer(tx *db.Tx, v staff.Viewer, h Handing) error {
	act := ActTransferred
	if strings.TrimSpace(h.Note) == "" {
		act = ActAssigned
	}
	return d.assign(tx, v, move{threadID: h.ThreadID, to: h.To, act: act, note: h.Note})
}

// Handing is a thread passed on.
type Handing struct {
	ThreadID, To, Note string
}

type move struct {
	threadID, to, note string
	act                Act
}

func (d *Desk) assign(tx *db.Tx, v staff.Viewer, m move) error {
	t, err := d.writable(tx, v, m.threadID)
	if err != nil {
		return err
	}
	if m.to != "" && m.to != v.ID {
		ok, err := answersAt(tx, m.to, t.CounterID)
		if err != nil {
			return err
		}
		if !ok {
			return db.Invalid{Field: "to", Code: "not_at_counter"}
		}
	}
	if t.AssigneeID == m.to && strings.TrimSpace(m.note) == "" {
		return nil
	}
	if _, err := tx.Exec(`UPDATE thread SET assignee_id = $2, state = 'open',
		covers_id = CASE WHEN covers_id = $2 THEN '' ELSE covers_id END WHERE id = $1`, t.ID, m.to); err != nil {
		return fmt.Errorf("assign: %w", err)
	}
	return d.noteAct(tx, v, t, m)
}

func answersAt(tx *db.Tx, staffID, counterID string) (bool, error) {
	colleagues, err := staff.Colleagues(tx, counterID)
	if err != nil {
		return false, err
	}
	for _, c := range colleagues {
		if c.ID == staffID {
			return true, nil
		}
	}
	return false, nil
}

// CloseThread ends a conversation: nobody waits any more.
func (d *Desk) CloseThread(tx *db.Tx, v staff.Viewer, threadID string) error {
	return d.setState(tx, v, threadID, ActClosed)
}

// Reopen takes a conversation up again.
func (d *Desk) Reopen(tx *db.Tx, v staff.Viewer, threadID string) error {
	return d.setState(tx, v, threadID, ActReopened)
}

func (d *Desk) setState(tx *db.Tx, v staff.Viewer, threadID string, act Act) error {
	t, err := d.writable(tx, v, threadID)
	if err != nil {
		return err
	}
	if t.Closed == (act == ActClosed) {
		return nil
	}
	state := "open"
	if act == ActClosed {
		state = "closed"
	}
	if _, err := tx.Exec(`UPDATE thread SET state = $2, waiting_since = CASE WHEN $2 = 'closed' THEN 0 ELSE waiting_since END,
		unread = CASE WHEN $2 = 'closed' THEN 0 ELSE unread END WHERE id = $1`, t.ID, state); err != nil {
		return fmt.Errorf("%s: %w", act, err)
	}
	return d.noteAct(tx, v, t, move{act: act})
}

func (d *Desk) noteAct(tx *db.Tx, v staff.Viewer, t Thread, m move) error {
	m.note = strings.TrimSpace(db.CleanText(m.note))
	if utf8.RuneCountInString(m.note) > MaxNote {
		return db.Invalid{Field: "note", Code: "too_long"}
	}
	var body []byte
	if m.note != "" {
		var err error
		if body, err = d.Vault.Seal(tx, t.RecordID, labelNote, []byte(m.note)); err != nil {
			return err
		}
	}
	if _, err := tx.Exec(`INSERT INTO thread_note (id, thread_id, author_id, kind, target_id, body, at, customer_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		tx.NewID("nte"), t.ID, v.ID, string(m.act), m.to, body, db.Micro(tx.Now), t.RecordID); err != nil {
		return fmt.Errorf("note: %w", err)
	}
	audit.Record(tx, audit.Entry{Actor: v.ID, Action: "thread." + string(m.act), Customer: t.CustomerID, Object: t.ID, Detail: m.to})
	event.Append(tx, event.Event{Kind: event.ThreadChanged, Customer: t.CustomerID, Thread: t.ID, Counter: t.CounterID, By: v.ID,
		Data: map[string]string{"act": string(m.act), "to": m.to}})
	return nil
}

// Notes lists what colleagues did with a thread between two moments.
func (d *Desk) Notes(tx *db.Tx, v staff.Viewer, threadID string, since time.Time) ([]Note, error) {
	t, err := d.Thread(tx, v, threadID)
	if err != nil {
		return nil, err
	}
	type sealed struct {
		Note
		record string
		body   []byte
	}
	rows, err := tx.Query(`SELECT n.id, n.thread_id, n.author_id, COALESCE(s.name, ''), n.kind, n.target_id, COALESCE(o.name, ''), n.body, n.at, n.customer_id
		FROM thread_note n LEFT JOIN staff s ON s.id = n.author_id LEFT JOIN staff o ON o.id = n.target_id
		WHERE n.thread_id = $1 AND n.at >= $2 ORDER BY n.at, n.id LIMIT 200`, t.ID, db.Micro(since))
	found, err := db.Collect(rows, err, func(r *sql.Rows) (sealed, error) {
		var n sealed
		var at int64
		err := r.Scan(&n.ID, &n.ThreadID, &n.AuthorID, &n.AuthorName, &n.Act, &n.TargetID, &n.TargetName, &n.body, &at, &n.record)
		n.At = db.Time(at)
		return n, err
	})
	if err != nil {
		return nil, fmt.Errorf("notes: %w", err)
	}
	out := make([]Note, len(found))
	for i, n := range found {
		if n.record == "" {
			n.record = t.homeID
		}
		plain, err := d.Vault.Open(tx, n.record, labelNote, n.body)
		if err != nil {
			return nil, err
		}
		out[i] = n.Note
		out[i].Text = string(plain)
	}
	return out, nil
}

// JobMarkRead tells a platform that we read what a customer wrote.
const JobMarkRead = "mark_read"

type readArgs struct {
	Thread string `json:"thread"`
	Token  string `json:"token"`
}

// Seen notes that the viewer looked at a thread: its unread go to zero, the
// platform is told where it wants to know, and the look is on record.
func (d *Desk) Seen(tx *db.Tx, v staff.Viewer, threadID string) error {
	t, err := d.Thread(tx, v, threadID)
	if err != nil {
		return err
	}
	if !v.May(staff.Chat) { // an officer's look changes nothing
		return nil
	}
	var token string
	if err := tx.QueryRow(`SELECT read_token FROM thread WHERE id = $1`, t.ID).Scan(&token); err != nil {
		return db.NotFound(err)
	}
	if t.Unread == 0 && token == "" {
		return nil
	}
	if _, err := tx.Exec(`UPDATE thread SET unread = 0, read_token = '' WHERE id = $1`, t.ID); err != nil {
		return fmt.Errorf("seen: %w", err)
	}
	if _, ok := d.Adapters[t.Channel].(channel.Reader); ok && token != "" {
		if err := job.Enqueue(tx, job.New{Kind: JobMarkRead, Args: readArgs{Thread: t.ID, Token: token}}); err != nil {
			return err
		}
	}
	event.Append(tx, event.Event{Kind: event.ThreadChanged, Customer: t.CustomerID, Thread: t.ID, Counter: t.CounterID, By: v.ID,
		Data: map[string]string{"act": "seen"}})
	return nil
}

// Opened puts on record who looked at which customer, and whose the conversation was then.
func (d *Desk) Opened(tx *db.Tx, v staff.Viewer, t Thread) {
	audit.Record(tx, audit.Entry{Actor: v.ID, Action: "thread.open", Customer: t.CustomerID, Object: t.ID, Detail: t.AssigneeID})
}
