// Package export is the one place for files with personal data that leave the house:
// who asked for what and why, who agreed, when it was made and fetched, and when it was
// destroyed.
//
// A file is made by a job, sealed under a key of its own, and can be fetched by whoever
// asked for it until it expires. Above a size, or where numbers stand in it in full, a
// second person has to agree first. Every line carries a mark that leads back to the file,
// and so to who and when; see mark.go for what else does, and for what that is worth.
package export

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"dingdong/internal/audit"
	"dingdong/internal/blob"
	"dingdong/internal/conversation"
	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/job"
	"dingdong/internal/staff"
	"dingdong/internal/vault"
)

// Kind is what a file holds.
type Kind string

// The kinds that this room makes itself; others are given to it in Room.More.
const (
	Audit     Kind = "audit"     // lines of the audit
	Customers Kind = "customers" // a list of customers
)

// State is where an export stands.
type State string

// The states of an export.
const (
	Waiting State = "waiting" // for a second person
	Making  State = "making"
	Ready   State = "ready"
	Refused State = "refused"
	Failed  State = "failed"
	Gone    State = "gone" // expired or dropped; the file is destroyed
)

// Purposes of a list of customers.
const (
	OwnUse  = "own"     // stays with the group
	Sharing = "sharing" // is handed to a brand or somebody else: only who agreed to that stands in it
)

// Filter says what a file holds; ids and codes only.
type Filter struct {
	// of the audit
	Actor     string    `json:"actor,omitempty"`
	Action    string    `json:"action,omitempty"`
	Customer  string    `json:"customer,omitempty"` // the person
	Customers []string  `json:"customers,omitempty"`
	From      time.Time `json:"from,omitzero"`
	To        time.Time `json:"to,omitzero"`
	// of customers
	Counters []string  `json:"counters,omitempty"` // none: all, of an asker who sees them all
	Since    time.Time `json:"since,omitzero"`     // who wrote or was written to after it
	Full     bool      `json:"full,omitempty"`     // numbers and addresses in full
	Purpose  string    `json:"purpose,omitempty"`
}

// Export is a file, from the request on.
type Export struct {
	ID        string
	Kind      Kind
	Code      string
	Filter    Filter
	Reason    string
	State     State
	Expected  int
	Rows      int
	LeftOut   int // who did not agree to the purpose
	Bytes     int64
	By        string
	At        time.Time
	Second    bool // it needs a second person
	DecidedBy string
	DecidedAt time.Time
	MadeAt    time.Time
	ExpiresAt time.Time
	Downloads int
	Error     string // a code: "left", "leaving", "too_many", "gone"
}

// Name is what a file is called when it is fetched.
func (x Export) Name() string {
	return "dingdong-" + string(x.Kind) + "-" + x.Code + ".csv"
}

// Made is what came of making a file.
type Made struct {
	Rows    int
	LeftOut int
	// Customers are those who stand in it: each gets a line in the audit.
	Customers []string
}

// Maker makes files of one kind.
type Maker struct {
	May   staff.Permission                                                   // to ask for one
	Count func(tx *db.Tx, v staff.Viewer, f Filter) (int, error)             // rows, about
	Check func(tx *db.Tx, v staff.Viewer, f *Filter) error                   // names the field that is wrong; may be nil
	Write func(ctx context.Context, w *Writer, v staff.Viewer) (Made, error) // columns, then rows
}

// Room keeps exports.
type Room struct {
	DB    *db.DB
	Vault *vault.Vault
	Blobs *blob.Store
	Desk  *conversation.Desk
	Book  *customer.Book
	// Agreed says whether a person agreed that what is known of her is handed on; nil:
	// nobody has, because nobody could be asked.
	Agreed func(tx *db.Tx, personID string) (bool, error)
	// Words says an action of the audit in a language, for those who read a file without
	// this house; nil: the codes say it.
	Words func(language, action string) string
	// More are kinds of the rooms below.
	More map[Kind]Maker
}

const (
	labelReason = "export.reason"
	labelFile   = "export.file"
	maxReason   = 500 // letters
	minReason   = 5
	maxRows     = 1_000_000
	waitsFor    = 7 * 24 * time.Hour // then a request that nobody decided is gone
)

func (r *Room) maker(k Kind) (Maker, bool) {
	switch k {
	case Audit:
		return r.auditMaker(), true
	case Customers:
		return r.customerMaker(), true
	}
	m, ok := r.More[k]
	return m, ok
}

// Request asks for a file.
type Request struct {
	Kind   Kind
	Filter Filter
	Reason string
}

// Ask enters a request. What the viewer may not have is refused, and that is on record,
// too: so this opens its own transactions.
func (r *Room) Ask(ctx context.Context, v staff.Viewer, q Request) (Export, error) {
	var x Export
	err := r.DB.Write(ctx, func(tx *db.Tx) (err error) {
		x, err = r.ask(tx, v, q)
		return err
	})
	if errors.Is(err, staff.ErrForbidden) || errors.Is(err, errLeaving) {
		return x, errors.Join(err, r.NoteDenied(ctx, v, string(q.Kind)))
	}
	return x, err
}

// errLeaving refuses files to somebody who is about to leave.
var errLeaving error = db.Invalid{Field: "kind", Code: "leaving"}

// errOthers refuses a file that somebody else asked for.
var errOthers = fmt.Errorf("somebody else's: %w", db.ErrNotFound)

func notLeaving(tx *db.Tx, v staff.Viewer) error {
	leaves, err := staff.LeavingAt(tx, v.ID)
	switch {
	case errors.Is(err, db.ErrNotFound): // the command line is nobody's
		return nil
	case err == nil && !leaves.IsZero():
		return errLeaving
	}
	return err
}

// NoteDenied puts on record that somebody tried to get what she may not.
func (r *Room) NoteDenied(ctx context.Context, v staff.Viewer, what string) error {
	return r.DB.Write(ctx, func(tx *db.Tx) error {
		audit.Record(tx, audit.Entry{Actor: v.ID, Action: "export.denied", Detail: what})
		return nil
	})
}

func (r *Room) ask(tx *db.Tx, v staff.Viewer, q Request) (x Export, err error) {
	m, ok := r.maker(q.Kind)
	if !ok {
		return x, db.Invalid{Field: "kind", Code: "unknown"}
	}
	if !v.May(m.May) {
		return x, staff.ErrForbidden
	}
	if err := notLeaving(tx, v); err != nil {
		return x, err
	}
	q.Reason = strings.TrimSpace(db.CleanText(q.Reason))
	switch n := utf8.RuneCountInString(q.Reason); {
	case n == 0:
		return x, db.Invalid{Field: "reason", Code: "required"}
	case n < minReason:
		return x, db.Invalid{Field: "reason", Code: "too_short"}
	case n > maxReason:
		return x, db.Invalid{Field: "reason", Code: "too_long"}
	}
	if m.Check != nil {
		if err := m.Check(tx, v, &q.Filter); err != nil {
			return x, err
		}
	}
	expected, err := m.Count(tx, v, q.Filter)
	if err != nil {
		return x, err
	}
	if expected == 0 {
		return x, db.Invalid{Field: "kind", Code: "empty"}
	}
	if expected > maxRows {
		return x, db.Invalid{Field: "kind", Code: "too_many"}
	}
	s, err := Load(tx)
	if err != nil {
		return x, err
	}
	alone := 0
	if q.Kind == Customers { // the audit holds ids
		if alone, err = takenAlone(tx, v.ID); err != nil {
			return x, err
		}
	}
	x = Export{ID: tx.NewID("exp"), Kind: q.Kind, Code: newCode(), Filter: q.Filter, Reason: q.Reason, By: v.ID, Expected: expected,
		State: Making, Second: alone+expected > s.SecondAbove || q.Filter.Full}
	if x.Second {
		x.State = Waiting
	}
	if err := r.insert(tx, x); err != nil {
		return x, err
	}
	audit.Record(tx, audit.Entry{Actor: v.ID, Action: "export.asked", Customer: q.Filter.Customer, Object: x.ID, Detail: fmt.Sprintf("%s, about %d rows", x.Kind, expected)})
	if x.State == Making {
		err = r.begin(tx, x.ID)
	}
	if err != nil {
		return x, err
	}
	return r.get(tx, x.ID)
}

// takenAlone counts the customers whom somebody has asked for within a day without a second
// person: else a large list would be several small ones. What was dropped before it was
// fetched does not count.
func takenAlone(tx *db.Tx, by string) (n int, err error) {
	err = tx.QueryRow(`SELECT COALESCE(SUM(CASE WHEN rows > 0 THEN rows ELSE expected END), 0) FROM export
		WHERE by = $1 AND kind = 'customers' AND NOT second AND at > $2 AND (state IN ('making', 'ready') OR downloads > 0)`,
		by, db.Micro(tx.Now.Add(-24*time.Hour))).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("what she asked for today: %w", err)
	}
	return n, nil
}

func (r *Room) insert(tx *db.Tx, x Export) error {
	filter, err := json.Marshal(x.Filter)
	if err != nil {
		return err
	}
	reason, err := r.Vault.SealHouse(labelReason, []byte(x.Reason))
	if err != nil {
		return fmt.Errorf("seal reason: %w", err)
	}
	_, err = tx.Exec(`INSERT INTO export (id, kind, code, filter, reason, state, expected, by, at, second, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		x.ID, string(x.Kind), x.Code, string(filter), reason, string(x.State), x.Expected, x.By, db.Micro(tx.Now), x.Second, db.Micro(tx.Now.Add(waitsFor)))
	if err != nil {
		return fmt.Errorf("enter export: %w", err)
	}
	return job.Enqueue(tx, job.New{Kind: JobExpire, Key: x.ID + ":wait", Args: exportArgs{x.ID}, RunAt: tx.Now.Add(waitsFor)})
}

// begin lets the job make the file.
func (r *Room) begin(tx *db.Tx, id string) error {
	if err := r.Vault.NewKey(tx, id); err != nil {
		return err
	}
	if _, err := tx.Exec(`UPDATE export SET state = 'making', blob = $2 WHERE id = $1`, id, blobKey(id)); err != nil {
		return fmt.Errorf("begin export: %w", err)
	}
	return job.Enqueue(tx, job.New{Kind: JobMake, Key: id, Args: exportArgs{id}})
}

// ErrOthers says that there is somebody in the house who can decide.
var ErrOthers = errors.New("somebody else in the house can decide")

// Others are the people who can decide on an export, all but the one who asked for it.
func Others(tx *db.Tx, x Export) ([]staff.Person, error) {
	all, err := staff.ListStaff(tx)
	if err != nil {
		return nil, err
	}
	var out []staff.Person
	for _, p := range all {
		if p.ID == x.By || !p.LeftAt.IsZero() {
			continue
		}
		v, err := staff.ViewerByID(tx, p.ID)
		if errors.Is(err, db.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if v.May(staff.PassExports) {
			out = append(out, p)
		}
	}
	return out, nil
}

// DecideAtServer decides where the house has nobody who could: an administrator by
// herself, and no privacy officer. Whoever has the server is then the second pair of
// eyes, and the record says so. As long as there is anybody else, it is hers.
func (r *Room) DecideAtServer(tx *db.Tx, d Decision) (Export, error) {
	x, err := r.get(tx, d.ID)
	if err != nil {
		return x, err
	}
	others, err := Others(tx, x)
	if err != nil {
		return x, err
	}
	if len(others) > 0 {
		return x, ErrOthers
	}
	return r.Decide(tx, staff.System(), d)
}

// Decision is what the second person says.
type Decision struct {
	ID   string
	Pass bool
}

// Decide lets somebody else's file be made, or refuses it.
func (r *Room) Decide(tx *db.Tx, v staff.Viewer, d Decision) (Export, error) {
	x, err := r.Get(tx, v, d.ID)
	switch {
	case err != nil:
		return x, err
	case !v.May(staff.PassExports) || v.ID == x.By:
		return x, staff.ErrForbidden
	}
	state, action := Refused, "export.refused"
	if d.Pass {
		state, action = Making, "export.passed"
	}
	n, err := tx.Exec(`UPDATE export SET state = $2, decided_by = $3, decided_at = $4 WHERE id = $1 AND state = 'waiting'`,
		x.ID, string(state), v.ID, db.Micro(tx.Now))
	if err != nil {
		return x, fmt.Errorf("decide on export: %w", err)
	}
	if n == 0 {
		return x, db.Invalid{Field: "state", Code: "fixed"}
	}
	audit.Record(tx, audit.Entry{Actor: v.ID, Action: action, Customer: x.Filter.Customer, Object: x.ID, Detail: x.By})
	if d.Pass {
		if err := r.begin(tx, x.ID); err != nil {
			return x, err
		}
	}
	return r.get(tx, x.ID)
}

const columns = `id, kind, code, filter, reason, state, expected, rows, left_out, bytes, by, at, second, decided_by, decided_at, made_at, expires_at, downloads, error`

func (r *Room) scan(scan func(...any) error) (Export, error) {
	var x Export
	var filter string
	var reason []byte
	var at, decided, made, expires int64
	err := scan(&x.ID, &x.Kind, &x.Code, &filter, &reason, &x.State, &x.Expected, &x.Rows, &x.LeftOut, &x.Bytes, &x.By, &at, &x.Second, &x.DecidedBy,
		&decided, &made, &expires, &x.Downloads, &x.Error)
	if err != nil {
		return x, err
	}
	x.At, x.DecidedAt, x.MadeAt, x.ExpiresAt = db.Time(at), db.Time(decided), db.Time(made), db.Time(expires)
	plain, err := r.Vault.OpenHouse(labelReason, reason)
	if err != nil {
		return x, fmt.Errorf("open reason: %w", err)
	}
	x.Reason = string(plain)
	return x, json.Unmarshal([]byte(filter), &x.Filter)
}

func (r *Room) get(tx *db.Tx, id string) (Export, error) {
	x, err := r.scan(tx.QueryRow(`SELECT `+columns+` FROM export WHERE id = $1`, id).Scan)
	if err != nil {
		return x, fmt.Errorf("export: %w", db.NotFound(err))
	}
	return x, nil
}

// Get gives one export: the viewer's own, or anybody's to who decides on them.
func (r *Room) Get(tx *db.Tx, v staff.Viewer, id string) (Export, error) {
	x, err := r.get(tx, id)
	if err == nil && x.By != v.ID && !v.May(staff.PassExports) {
		err = db.ErrNotFound
	}
	if err != nil {
		return Export{}, err
	}
	return x, nil
}

// Asked narrows a list of exports.
type Asked struct {
	Before string // the id that a former piece ended with
	Limit  int    // 0: 50
}

// List lists exports, the latest first: the viewer's own, or everybody's to who decides
// on them.
func (r *Room) List(tx *db.Tx, v staff.Viewer, q Asked) ([]Export, error) {
	if q.Limit <= 0 || q.Limit > 200 {
		q.Limit = 50
	}
	if q.Before == "" {
		q.Before = "~"
	}
	where, args := ``, []any{q.Before, q.Limit}
	if !v.May(staff.PassExports) {
		where, args = ` AND by = $3`, append(args, v.ID)
	}
	rows, err := tx.Query(`SELECT `+columns+` FROM export WHERE id < $1`+where+` ORDER BY id DESC LIMIT $2`, args...)
	list, err := db.Collect(rows, err, func(rows *sql.Rows) (Export, error) { return r.scan(rows.Scan) })
	if err != nil {
		return nil, fmt.Errorf("list exports: %w", err)
	}
	return list, nil
}

// CountWaiting counts the requests that wait for the viewer to decide.
func CountWaiting(tx *db.Tx, v staff.Viewer) (n int, err error) {
	if !v.May(staff.PassExports) {
		return 0, nil
	}
	if err := tx.QueryRow(`SELECT COUNT(*) FROM export WHERE state = 'waiting' AND by <> $1`, v.ID).Scan(&n); err != nil {
		return 0, fmt.Errorf("count exports: %w", err)
	}
	return n, nil
}

// stillSees says whether a viewer sees every counter that a list of customers is about.
func (x Export) stillSees(v staff.Viewer) bool {
	if x.Kind != Customers || v.SeesAll() {
		return true
	}
	return len(x.Filter.Counters) > 0 && !slices.ContainsFunc(x.Filter.Counters, func(c string) bool { return !v.Sees(c) })
}

// Open gives the file to whoever asked for it, counts that and puts it on record, before
// the first byte is told. Anybody else is not found. Who may not have it any more gets
// nothing, and that is on record, too.
func (r *Room) Open(ctx context.Context, v staff.Viewer, id string) (Export, io.ReadCloser, error) {
	var x Export
	var plain io.Reader
	var sealed io.ReadSeekCloser
	err := r.DB.Write(ctx, func(tx *db.Tx) (err error) {
		if sealed != nil { // the transaction is tried again
			sealed.Close()
			sealed = nil
		}
		if x, err = r.get(tx, id); err != nil {
			return err
		}
		m, ok := r.maker(x.Kind)
		if x.By != v.ID {
			return errOthers
		}
		if x.State != Ready || !ok || !tx.Now.Before(x.ExpiresAt) {
			return db.ErrNotFound
		}
		if !v.May(m.May) || !x.stillSees(v) { // not any more
			return staff.ErrForbidden
		}
		if err := notLeaving(tx, v); err != nil {
			return err
		}
		if sealed, _, err = r.Blobs.Get(ctx, blobKey(id)); err != nil {
			return err
		}
		if plain, err = r.Vault.OpenStream(tx, id, labelFile, sealed); err != nil {
			return fmt.Errorf("open export: %w", err)
		}
		x.Downloads++
		if _, err := tx.Exec(`UPDATE export SET downloads = downloads + 1 WHERE id = $1`, id); err != nil {
			return fmt.Errorf("count download: %w", err)
		}
		audit.Record(tx, audit.Entry{Actor: v.ID, Action: "export.downloaded", Customer: x.Filter.Customer, Object: id, Detail: fmt.Sprintf("%s, %d rows", x.Kind, x.Rows)})
		return nil
	})
	if err != nil {
		if sealed != nil {
			sealed.Close()
		}
		if errors.Is(err, errOthers) || errors.Is(err, staff.ErrForbidden) || errors.Is(err, errLeaving) {
			err = errors.Join(err, r.NoteDenied(ctx, v, string(x.Kind)))
		}
		return x, nil, err
	}
	return x, readCloser{plain, sealed}, nil
}

type readCloser struct {
	io.Reader
	io.Closer
}

// Drop destroys a file before its time, or takes a request back.
func (r *Room) Drop(ctx context.Context, v staff.Viewer, id string) error {
	err := r.DB.Write(ctx, func(tx *db.Tx) error {
		if _, err := r.Get(tx, v, id); err != nil {
			return err
		}
		return r.end(tx, v.ID, id)
	})
	if err != nil {
		return err
	}
	return r.Blobs.Delete(ctx, blobKey(id))
}

// Forget destroys every file in which a person stands, and takes the way to her out of
// requests; a job removes the sealed bytes. It is for her erasure.
func (r *Room) Forget(tx *db.Tx, records []string) error {
	if len(records) == 0 {
		return nil
	}
	rows, err := audit.List(tx, audit.Filter{Customers: records, Actions: []string{"customer.exported", "export.asked"}, Limit: 1000})
	if err != nil {
		return err
	}
	for _, row := range rows {
		if err := r.end(tx, "system", row.Object); err != nil {
			return err
		}
		if _, err := tx.Exec(`UPDATE export SET filter = '{}' WHERE id = $1 AND kind = 'audit'`, row.Object); err != nil {
			return fmt.Errorf("forget export: %w", err)
		}
		if err := job.Enqueue(tx, job.New{Kind: JobExpire, Key: row.Object + ":forget", Args: exportArgs{row.Object}}); err != nil {
			return err
		}
	}
	return nil
}

// end makes a file unreadable, whatever became of its bytes.
func (r *Room) end(tx *db.Tx, by, id string) error {
	n, err := tx.Exec(`UPDATE export SET state = 'gone', blob = '', error = '' WHERE id = $1 AND state IN ('waiting', 'making', 'ready')`, id)
	if err != nil {
		return fmt.Errorf("end export: %w", err)
	}
	if n == 0 {
		return nil
	}
	if err := r.Vault.DropKey(tx, id); err != nil {
		return err
	}
	audit.Record(tx, audit.Entry{Actor: by, Action: "export.gone", Object: id})
	return nil
}

func blobKey(id string) string { return "export/" + id }
