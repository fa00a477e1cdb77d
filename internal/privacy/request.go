package privacy

import (
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"dingdong/internal/audit"
	"dingdong/internal/db"
	"dingdong/internal/staff"
	"dingdong/internal/vault"
)

// RequestKind is what a customer asks of her data.
type RequestKind string

// What can be asked.
const (
	AskExport  RequestKind = "export"
	AskErase   RequestKind = "erase"
	AskCorrect RequestKind = "correct"
)

// Origin says where a request came from.
type Origin string

// Where requests come from.
const (
	FromPage    Origin = "page"    // her own page
	FromChat    Origin = "chat"    // she said so, or tapped a button
	FromOfficer Origin = "officer" // a letter or a call, entered by staff
	FromAPI     Origin = "api"
)

// RequestState is how far a request has come.
type RequestState string

// The life of a request.
const (
	RequestOpen    RequestState = "open"
	RequestWorking RequestState = "working"
	RequestDone    RequestState = "done"
	RequestRefused RequestState = "refused"
)

// Request is what a customer asked, and the clock that runs.
type Request struct {
	ID       string
	Kind     RequestKind
	PersonID string
	Name     string // empty once she was erased, or where nobody knows it
	Origin   Origin
	State    RequestState
	Note     string // what she wants corrected, in her words
	By       string // who entered it; empty: she herself
	ByName   string
	At, Due  time.Time
	ClosedAt time.Time // zero: not done yet
	Erased   bool
}

// Overdue tells whether the law's time has run out.
func (q Request) Overdue(now time.Time) bool { return q.ClosedAt.IsZero() && now.After(q.Due) }

// Step is something that was done about a request.
type Step struct {
	Act        string // made, extended, started, done, refused, noted
	By, ByName string
	Note       string
	At         time.Time
}

const (
	labelRequest = "privacy_request.note"
	labelStep    = "privacy_step.note"
	// MaxRequestNote is the longest note to a request, in letters.
	MaxRequestNote = 2000
)

// Asking is a new request.
type Asking struct {
	PersonID string // any of her records
	Kind     RequestKind
	Origin   Origin
	By       string // a staff id or a token; empty: she herself
	Note     string
}

// RequestErasure enters that she wants to be erased.
func (r *Room) RequestErasure(tx *db.Tx, personID string, from Origin) (Request, error) {
	return r.Ask(tx, Asking{PersonID: personID, Kind: AskErase, Origin: from})
}

// RequestExport enters that she wants to have everything about her.
func (r *Room) RequestExport(tx *db.Tx, personID string, from Origin) (Request, error) {
	return r.Ask(tx, Asking{PersonID: personID, Kind: AskExport, Origin: from})
}

// RequestCorrection enters what she wants corrected.
func (r *Room) RequestCorrection(tx *db.Tx, personID string, from Origin, note string) (Request, error) {
	return r.Ask(tx, Asking{PersonID: personID, Kind: AskCorrect, Origin: from, Note: note})
}

// AskFor enters a request for somebody who may.
func (r *Room) AskFor(tx *db.Tx, v staff.Viewer, a Asking) (Request, error) {
	if !v.May(staff.AskPrivacy) {
		return Request{}, staff.ErrForbidden
	}
	a.By = v.ID
	return r.Ask(tx, a)
}

// Ask enters a request and starts its clock. While one of the kind is open, asking
// again is the same request; what is to be corrected is added to its note.
func (r *Room) Ask(tx *db.Tx, a Asking) (Request, error) {
	person, err := r.Book.Person(tx, a.PersonID)
	if err != nil {
		return Request{}, err
	}
	rules, err := ReadRules(tx)
	if err != nil {
		return Request{}, err
	}
	days := map[RequestKind]int{AskExport: rules.ExportDays, AskErase: rules.EraseDays, AskCorrect: rules.CorrectDays}[a.Kind]
	if days == 0 {
		return Request{}, db.Invalid{Field: "kind", Code: "unknown"}
	}
	switch a.Origin {
	case FromPage, FromChat, FromOfficer, FromAPI:
	default:
		return Request{}, db.Invalid{Field: "origin", Code: "unknown"}
	}
	note, err := noteField(a.Note)
	if err != nil {
		return Request{}, err
	}
	if a.Kind == AskCorrect && note == "" {
		return Request{}, db.Invalid{Field: "note", Code: "required"}
	}
	id := tx.NewID("prq")
	var got string
	err = tx.QueryRow(`INSERT INTO privacy_request (id, kind, person_id, origin, by, at, due_at) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (person_id, kind) WHERE closed_at IS NULL DO UPDATE SET origin = privacy_request.origin RETURNING id`,
		id, string(a.Kind), person, string(a.Origin), a.By, db.Micro(tx.Now), db.Micro(tx.Now.AddDate(0, 0, days))).Scan(&got)
	if err != nil {
		return Request{}, fmt.Errorf("enter request: %w", db.NotFound(err))
	}
	q, err := r.request(tx, got)
	if err != nil {
		return q, err
	}
	if note != "" && note != q.Note {
		if q.Note != "" {
			note = first(q.Note+"\n"+note, 2*MaxRequestNote)
		}
		sealed, err := r.Vault.Seal(tx, person, labelRequest, []byte(note))
		if err != nil {
			return q, err
		}
		if _, err := tx.Exec(`UPDATE privacy_request SET note = $2 WHERE id = $1`, got, sealed); err != nil {
			return q, fmt.Errorf("note of a request: %w", err)
		}
		q.Note = note
	}
	if got != id {
		return q, nil
	}
	audit.Record(tx, audit.Entry{Actor: actor(a), Action: "privacy.asked", Customer: person, Object: id, Detail: string(a.Kind) + " " + string(a.Origin)})
	return q, r.step(tx, stepping{request: id, act: "made", by: a.By})
}

func actor(a Asking) string {
	if a.By == "" {
		return "customer"
	}
	return a.By
}

func noteField(s string) (string, error) {
	s = strings.TrimSpace(strings.ReplaceAll(db.CleanText(s), "\r\n", "\n"))
	if utf8.RuneCountInString(s) > MaxRequestNote {
		return "", db.Invalid{Field: "note", Code: "too_long"}
	}
	return s, nil
}

func first(s string, letters int) string {
	if r := []rune(s); len(r) > letters {
		return string(r[:letters])
	}
	return s
}

type stepping struct{ request, act, by, note string }

func (r *Room) step(tx *db.Tx, s stepping) error {
	var note []byte
	if s.note != "" {
		var err error
		if note, err = r.Vault.SealHouse(labelStep, []byte(s.note)); err != nil {
			return err
		}
	}
	if _, err := tx.Exec(`INSERT INTO privacy_step (id, request_id, act, by, note, at) VALUES ($1, $2, $3, $4, $5, $6)`,
		tx.NewID("prs"), s.request, s.act, s.by, note, db.Micro(tx.Now)); err != nil {
		return fmt.Errorf("step of a request: %w", err)
	}
	return nil
}

const requestColumns = `q.id, q.kind, q.person_id, q.origin, q.state, q.note, q.by, COALESCE(s.name, ''), q.at, q.due_at, COALESCE(q.closed_at, 0),
	CASE WHEN e.record_id IS NULL THEN 0 ELSE 1 END`

const requestFrom = ` FROM privacy_request q LEFT JOIN staff s ON s.id = q.by LEFT JOIN erased e ON e.record_id = q.person_id `

type sealedRequest struct {
	Request
	note []byte
}

func scanRequest(r interface{ Scan(...any) error }) (sealedRequest, error) {
	var q sealedRequest
	var at, due, closed int64
	err := r.Scan(&q.ID, &q.Kind, &q.PersonID, &q.Origin, &q.State, &q.note, &q.By, &q.ByName, &at, &due, &closed, &q.Erased)
	q.At, q.Due = db.Time(at), db.Time(due)
	if closed > 0 {
		q.ClosedAt = db.Time(closed)
	}
	return q, err
}

func (r *Room) openRequest(tx *db.Tx, q sealedRequest) (Request, error) {
	plain, err := r.Vault.Open(tx, q.PersonID, labelRequest, q.note)
	if err != nil && !errors.Is(err, vault.ErrErased) {
		return q.Request, err
	}
	q.Note = string(plain)
	q.Name, err = r.NameOf(tx, q.PersonID)
	return q.Request, err
}

// NameOf is what a person is called on the pages of the officer; empty where nobody
// knows, and once she was erased.
func (r *Room) NameOf(tx *db.Tx, personID string) (string, error) {
	c, err := r.Book.Get(tx, personID)
	if errors.Is(err, db.ErrNotFound) {
		return "", nil
	}
	if err != nil || c.Name != "" {
		return c.Name, err
	}
	records, err := r.Book.Records(tx, personID)
	if err != nil {
		return "", err
	}
	for _, id := range records {
		identities, err := r.Book.Identities(tx, id)
		if err != nil {
			return "", err
		}
		for _, i := range identities {
			if i.Name != "" {
				return i.Name, nil
			}
		}
	}
	return "", nil
}

func (r *Room) request(tx *db.Tx, id string) (Request, error) {
	q, err := scanRequest(tx.QueryRow(`SELECT `+requestColumns+requestFrom+`WHERE q.id = $1`, db.CleanText(id)))
	if err != nil {
		return Request{}, fmt.Errorf("request: %w", db.NotFound(err))
	}
	return r.openRequest(tx, q)
}

// RequestFilter narrows a list of requests.
type RequestFilter struct {
	Closed   bool   // those that are done or refused, the latest first; else the most urgent first
	PersonID string // of one person only
	Limit    int    // 0: 100
}

// Requests lists what customers have asked.
func (r *Room) Requests(tx *db.Tx, v staff.Viewer, f RequestFilter) ([]Request, error) {
	if !v.May(staff.KeepPrivacy) {
		return nil, staff.ErrForbidden
	}
	if f.Limit <= 0 || f.Limit > 500 {
		f.Limit = 100
	}
	where, order := `q.closed_at IS NULL`, `q.due_at, q.id`
	if f.Closed {
		where, order = `q.closed_at IS NOT NULL`, `q.closed_at DESC, q.id DESC`
	}
	args := []any{f.Limit}
	if f.PersonID != "" {
		records, err := r.Book.Records(tx, f.PersonID) // she may have asked before they were found to be one
		if err != nil {
			return nil, err
		}
		marks, hers := db.In(records, 2)
		where, args = where+` AND q.person_id IN (`+marks+`)`, append(args, hers...)
	}
	rows, err := tx.Query(`SELECT `+requestColumns+requestFrom+`WHERE `+where+` ORDER BY `+order+` LIMIT $1`, args...)
	found, err := db.Collect(rows, err, func(rs *sql.Rows) (sealedRequest, error) { return scanRequest(rs) })
	if err != nil {
		return nil, fmt.Errorf("requests: %w", err)
	}
	out := make([]Request, 0, len(found))
	for _, q := range found {
		open, err := r.openRequest(tx, q)
		if err != nil {
			return nil, err
		}
		out = append(out, open)
	}
	return out, nil
}

// Request returns one request with what was done about it.
func (r *Room) Request(tx *db.Tx, v staff.Viewer, id string) (Request, []Step, error) {
	if !v.May(staff.KeepPrivacy) {
		return Request{}, nil, staff.ErrForbidden
	}
	q, err := r.request(tx, id)
	if err != nil {
		return q, nil, err
	}
	type sealed struct {
		Step
		note []byte
	}
	rows, err := tx.Query(`SELECT p.act, p.by, COALESCE(s.name, ''), p.note, p.at FROM privacy_step p LEFT JOIN staff s ON s.id = p.by
		WHERE p.request_id = $1 ORDER BY p.at, p.id`, q.ID)
	found, err := db.Collect(rows, err, func(rs *sql.Rows) (s sealed, err error) {
		var at int64
		err = rs.Scan(&s.Act, &s.By, &s.ByName, &s.note, &at)
		s.At = db.Time(at)
		return s, err
	})
	if err != nil {
		return q, nil, fmt.Errorf("steps of a request: %w", err)
	}
	steps := make([]Step, 0, len(found))
	for _, s := range found {
		plain, err := r.Vault.OpenHouse(labelStep, s.note)
		if err != nil {
			return q, nil, err
		}
		s.Note = string(plain)
		steps = append(steps, s.Step)
	}
	return q, steps, nil
}

// OverdueCount tells how many open requests are past their time.
func OverdueCount(tx *db.Tx) (n int, err error) {
	err = tx.QueryRow(`SELECT COUNT(*) FROM privacy_request WHERE closed_at IS NULL AND due_at < $1`, db.Micro(tx.Now)).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("requests past their time: %w", err)
	}
	return n, nil
}
