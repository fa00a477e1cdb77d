package customer

import (
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// The longest texts that staff writes about a customer, in letters.
const (
	MaxNote    = 4000
	MaxWish    = 1000
	MaxPromise = 1000
)

const labelNote = "note.body"

// Note is what staff wrote down about a customer, for who sees its counter.
type Note struct {
	ID         string
	CustomerID string // the record it belongs to
	CounterID  string
	AuthorID   string
	AuthorName string // "" for a program
	Body       string
	At         time.Time
	EditedAt   time.Time // zero: never
}

// NoteForm is a new note.
type NoteForm struct{ CustomerID, CounterID, Body string }

// script is a text that a viewer wants to write down about a customer.
type script struct {
	customerID, counterID string
	label, body           string
	max                   int
}

// write checks who writes where and what, and seals it. Whether she may see the
// customer is the caller's to check: see conversation.Desk.Visible.
func (b *Book) write(tx *db.Tx, v staff.Viewer, s script) ([]byte, error) {
	if !v.Sees(s.counterID) {
		return nil, db.ErrNotFound
	}
	if !v.May(staff.KeepCards) {
		return nil, staff.ErrForbidden
	}
	if v.SeesAll() { // she sees also counters that do not exist
		if _, err := staff.GetCounter(tx, db.CleanText(s.counterID)); err != nil {
			if errors.Is(err, db.ErrNotFound) {
				return nil, db.Invalid{Field: "counter", Code: "unknown"}
			}
			return nil, err
		}
	}
	if _, err := b.Person(tx, s.customerID); err != nil {
		return nil, err
	}
	body, err := bodyField(s.body, s.max)
	if err != nil {
		return nil, err
	}
	return b.sealText(tx, s.customerID, s.label, body)
}

func bodyField(body string, most int) (string, error) {
	body = strings.TrimSpace(strings.ReplaceAll(db.CleanText(body), "\r\n", "\n"))
	if body == "" {
		return "", db.Invalid{Field: "body", Code: "required"}
	}
	if utf8.RuneCountInString(body) > most {
		return "", db.Invalid{Field: "body", Code: "too_long"}
	}
	return body, nil
}

// written is what must be known of a note, wish or promise before it is changed.
type written struct {
	customerID, counterID, authorID string
	ended                           bool
}

// writtenFor loads what a viewer wants to change; where she does not see its
// counter it is not found.
func (b *Book) writtenFor(tx *db.Tx, v staff.Viewer, table, id string) (written, error) {
	var w written
	err := tx.QueryRow(`SELECT customer_id, counter_id, author_id, ended_at IS NOT NULL FROM `+table+` WHERE id = $1`, db.CleanText(id)).
		Scan(&w.customerID, &w.counterID, &w.authorID, &w.ended)
	switch {
	case err != nil:
		return w, fmt.Errorf("%s: %w", table, db.NotFound(err))
	case !v.Sees(w.counterID):
		return w, db.ErrNotFound
	case !v.May(staff.KeepCards):
		return w, staff.ErrForbidden
	}
	return w, nil
}

// mayRewrite says whether a viewer may change somebody's words: an advisor only
// her own.
func (w written) mayRewrite(v staff.Viewer) bool {
	return w.authorID == v.ID || v.Role != staff.Advisor
}

// AddNote writes a note about a customer at a counter.
func (b *Book) AddNote(tx *db.Tx, v staff.Viewer, f NoteForm) (Note, error) {
	sealed, err := b.write(tx, v, script{f.CustomerID, f.CounterID, labelNote, f.Body, MaxNote})
	if err != nil {
		return Note{}, err
	}
	id := tx.NewID("not")
	if _, err := tx.Exec(`INSERT INTO note (id, customer_id, counter_id, author_id, body, at) VALUES ($1, $2, $3, $4, $5, $6)`,
		id, f.CustomerID, f.CounterID, v.ID, sealed, db.Micro(tx.Now)); err != nil {
		return Note{}, fmt.Errorf("add note: %w", err)
	}
	if err := b.tell(tx, news{f.CustomerID, f.CounterID, v.ID, "note"}); err != nil {
		return Note{}, err
	}
	return b.NoteByID(tx, v, id)
}

// EditNote changes a note; the old words are gone.
func (b *Book) EditNote(tx *db.Tx, v staff.Viewer, id, body string) (Note, error) {
	w, err := b.noteToChange(tx, v, id)
	if err != nil {
		return Note{}, err
	}
	sealed, err := b.write(tx, v, script{w.customerID, w.counterID, labelNote, body, MaxNote})
	if err != nil {
		return Note{}, err
	}
	if _, err := tx.Exec(`UPDATE note SET body = $2, edited_at = $3 WHERE id = $1`, id, sealed, db.Micro(tx.Now)); err != nil {
		return Note{}, fmt.Errorf("edit note: %w", err)
	}
	if err := b.tell(tx, news{w.customerID, w.counterID, v.ID, "note"}); err != nil {
		return Note{}, err
	}
	return b.NoteByID(tx, v, id)
}

// DropNote destroys the words of a note.
func (b *Book) DropNote(tx *db.Tx, v staff.Viewer, id string) error {
	w, err := b.noteToChange(tx, v, id)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(`UPDATE note SET body = $2, ended_at = $3 WHERE id = $1`, id, []byte{}, db.Micro(tx.Now)); err != nil {
		return fmt.Errorf("drop note: %w", err)
	}
	return b.tell(tx, news{w.customerID, w.counterID, v.ID, "note"})
}

func (b *Book) noteToChange(tx *db.Tx, v staff.Viewer, id string) (written, error) {
	w, err := b.writtenFor(tx, v, "note", id)
	switch {
	case err != nil:
		return w, err
	case w.ended:
		return w, db.ErrNotFound
	case !w.mayRewrite(v):
		return w, staff.ErrForbidden
	}
	return w, nil
}

const noteColumns = `x.id, x.customer_id, x.counter_id, x.author_id, COALESCE(s.name, ''), x.body, x.at, x.edited_at`

const noteFrom = ` FROM note x LEFT JOIN staff s ON s.id = x.author_id WHERE x.ended_at IS NULL AND `

// NoteByID returns one note that the viewer may see.
func (b *Book) NoteByID(tx *db.Tx, v staff.Viewer, id string) (Note, error) {
	rows, err := tx.Query(`SELECT `+noteColumns+noteFrom+`x.id = $1`, db.CleanText(id))
	notes, err := b.openNotes(tx, rows, err)
	if err != nil {
		return Note{}, err
	}
	if len(notes) == 0 || !v.Sees(notes[0].CounterID) {
		return Note{}, db.ErrNotFound
	}
	return notes[0], nil
}

// Notes returns notes about a person that the viewer may see, the newest first.
func (b *Book) Notes(tx *db.Tx, v staff.Viewer, p Page) ([]Note, error) {
	if len(p.Records) == 0 {
		return nil, nil
	}
	where, args := p.where()
	counters, args := counterCondition(v, args)
	rows, err := tx.Query(`SELECT `+noteColumns+noteFrom+where+counters+p.tail(), args...)
	return b.openNotes(tx, rows, err)
}

// counterCondition narrows a query to the counters a viewer sees.
func counterCondition(v staff.Viewer, args []any) (string, []any) {
	if v.SeesAll() {
		return "", args
	}
	return within("x.counter_id", v.Counters(), args)
}

func (b *Book) openNotes(tx *db.Tx, rows *sql.Rows, err error) ([]Note, error) {
	type sealedNote struct {
		Note
		body []byte
	}
	found, err := db.Collect(rows, err, func(r *sql.Rows) (n sealedNote, err error) {
		var at int64
		var edited sql.NullInt64
		err = r.Scan(&n.ID, &n.CustomerID, &n.CounterID, &n.AuthorID, &n.AuthorName, &n.body, &at, &edited)
		n.At, n.EditedAt = db.Time(at), moment(edited)
		return n, err
	})
	if err != nil {
		return nil, fmt.Errorf("notes: %w", err)
	}
	out := make([]Note, 0, len(found))
	for _, n := range found {
		if n.Body, err = b.openText(tx, n.CustomerID, labelNote, n.body); err != nil {
			return nil, err
		}
		out = append(out, n.Note)
	}
	return out, nil
}
