package privacy

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"dingdong/internal/audit"
	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/event"
	"dingdong/internal/job"
	"dingdong/internal/staff"
)

// Who erases besides people.
const (
	ByRetention = "retention"
	ByRestore   = "restore"
)

// Erasing is a person to be erased.
type Erasing struct {
	PersonID  string // any of her records
	By        string // a staff id, "system", ByRetention
	RequestID string // what asked for it, if anything did
	// Together is the erasure that this one is a part of: a night lets many go, and what
	// follows, which reads the whole event log, is done once for all of them.
	Together string
}

// Erasure is one person, erased; or many, by one night.
type Erasure struct {
	ID, PersonID, By, RequestID string
	Records                     []string
	Since, At                   time.Time
	Passes                      int       // how often the rest was swept; two is all
	DoneAt                      time.Time // zero: a sweep is still to come
}

// EraseFor erases a person for somebody who may: see Erase.
func (r *Room) EraseFor(tx *db.Tx, v staff.Viewer, personID, requestID string) (Erasure, error) {
	if !v.May(staff.KeepPrivacy) {
		return Erasure{}, staff.ErrForbidden
	}
	return r.Erase(tx, Erasing{PersonID: personID, By: v.ID, RequestID: requestID})
}

// Erase removes a person, all records of her, out of every room, and drops her keys.
// It happens with the commit of tx or not at all.
func (r *Room) Erase(tx *db.Tx, e Erasing) (Erasure, error) {
	// A merge on another node waits until she is gone, or is over before it is asked who she is.
	if err := customer.LockMerges(tx); err != nil {
		return Erasure{}, err
	}
	person, err := r.Book.Person(tx, e.PersonID)
	if err != nil {
		return Erasure{}, err
	}
	records, err := r.Book.Records(tx, person)
	if err != nil {
		return Erasure{}, err
	}
	return r.erase(tx, e, person, records)
}

func (r *Room) erase(tx *db.Tx, e Erasing, person string, records []string) (Erasure, error) {
	out := Erasure{ID: cmp.Or(e.Together, tx.NewID("ers")), PersonID: person, By: e.By, RequestID: e.RequestID, Records: records, At: tx.Now}
	marks, args := db.In(records, 1)
	var since int64
	if err := tx.QueryRow(`SELECT COALESCE(MIN(created_at), 0) FROM customer WHERE id IN (`+marks+`)`, args...).Scan(&since); err != nil {
		return out, fmt.Errorf("erase: %w", err)
	}
	out.Since = db.Time(since)
	if _, err := tx.Exec(`INSERT INTO erasure (id, person_id, by, request_id, since, at) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (id) DO UPDATE SET passes = 0, done_at = NULL, since = CASE WHEN erasure.since < excluded.since THEN erasure.since ELSE excluded.since END`,
		out.ID, person, e.By, e.RequestID, since, db.Micro(tx.Now)); err != nil {
		return out, fmt.Errorf("note an erasure: %w", err)
	}
	list := make([]any, 0, 3*len(records))
	for _, id := range records {
		list = append(list, id, out.ID, db.Micro(tx.Now))
	}
	if err := tx.Insert(`INSERT INTO erased (record_id, erasure_id, at)`, 3, list, `ON CONFLICT (record_id) DO UPDATE SET erasure_id = excluded.erasure_id`); err != nil {
		return out, fmt.Errorf("note what is erased: %w", err)
	}
	if err := r.wipe(tx, records); err != nil {
		return out, err
	}
	for _, id := range records {
		audit.Record(tx, audit.Entry{Actor: e.By, Action: "customer.erased", Customer: id, Object: out.ID, Detail: e.RequestID})
		event.Append(tx, event.Event{Kind: event.CustomerErased, Customer: id, By: e.By})
	}
	if err := r.settleRequests(tx, out); err != nil {
		return out, err
	}
	sweep := job.New{Kind: JobSweep, Key: out.ID, Args: sweepArgs{out.ID}}
	if e.Together != "" {
		sweep.RunAt = tx.Now.Add(sweepNight)
	}
	return out, job.Enqueue(tx, sweep)
}

// wipe takes some records out of every room, and their keys last: a room may still
// have to read who they were.
func (r *Room) wipe(tx *db.Tx, records []string) error {
	if err := tx.Shred(); err != nil {
		return err
	}
	if err := r.dropMixed(tx, records); err != nil {
		return err
	}
	for _, p := range r.Parts {
		if err := p.Erase(tx, records); err != nil {
			return fmt.Errorf("erase in %s: %w", p.Name, err)
		}
	}
	if err := r.eraseOwn(tx, records); err != nil {
		return err
	}
	for _, id := range records {
		if err := r.Vault.DropKey(tx, id); err != nil {
			return err
		}
	}
	return nil
}

// eraseOwn empties the tables of this room: that she asked, and when it was done,
// stays under her id as the proof that it was done.
func (r *Room) eraseOwn(tx *db.Tx, records []string) error {
	marks, args := db.In(records, 1)
	hers := ` IN (` + marks + `)`
	// Also of one that is not ready: its making may have broken off behind its last byte.
	rows, err := tx.Query(`UPDATE person_file SET blob = '' WHERE state <> 'gone' AND person_id`+hers+` RETURNING id`, args...)
	if err := dropFilesOf(tx, rows, err); err != nil {
		return err
	}
	for _, q := range []string{
		`DELETE FROM person_file WHERE person_id` + hers,
		`DELETE FROM stay_question WHERE person_id` + hers,
		`UPDATE privacy_request SET note = NULL WHERE person_id` + hers,
		`UPDATE privacy_step SET note = NULL WHERE request_id IN (SELECT id FROM privacy_request WHERE person_id` + hers + `)`,
	} {
		if _, err := tx.Exec(q, args...); err != nil {
			return fmt.Errorf("erase requests: %w", err)
		}
	}
	return nil
}

func scanText(r *sql.Rows) (s string, err error) { return s, r.Scan(&s) }

// Jobs that finish an erasure.
const (
	JobSweep    = "privacy_sweep"
	JobDropFile = "privacy_drop_file"
)

type sweepArgs struct {
	Erasure string `json:"erasure"`
}

type dropArgs struct {
	Keys []string `json:"keys"`
}

const (
	// sweepAgain is when the second sweep comes: later than any call to a platform
	// that was on its way, and than the longest another node goes on using a key.
	sweepAgain = 15 * time.Minute
	// sweepNight is when the first sweep comes after a night's run began to erase: when
	// it is done, as a rule. Where it is not, the sweep is not the last.
	sweepNight = 2 * time.Minute
	// sweepAtOnce is how many records one transaction looks for again.
	sweepAtOnce = 50
	sweeps      = 2
	scrubChunk  = 20_000
)

// sweep is the job handler that finishes an erasure: the list outside of the
// database, her ids in the event log, what another node wrote meanwhile.
func (r *Room) sweep(ctx context.Context, j job.Job) (job.Outcome, error) {
	var args sweepArgs
	if err := j.Decode(&args); err != nil {
		return nil, job.Fatal(err)
	}
	e, err := r.sweepOnce(ctx, args.Erasure)
	if err != nil {
		return nil, err
	}
	return func(tx *db.Tx) error {
		if e.ID != "" && e.Passes < sweeps {
			job.KeepOpen(tx, tx.Now.Add(sweepAgain))
		}
		return nil
	}, nil
}

func (r *Room) sweepOnce(ctx context.Context, id string) (Erasure, error) {
	var e Erasure
	var from, to int64
	err := r.DB.Read(ctx, func(tx *db.Tx) (err error) {
		if e, err = erasureByID(tx, id); err != nil {
			return err
		}
		if from, err = event.FirstSince(tx, db.Micro(e.Since)); err != nil {
			return err
		}
		to, err = event.Last(tx)
		return err
	})
	if errors.Is(err, db.ErrNotFound) {
		return Erasure{}, nil
	}
	if err != nil {
		return e, fmt.Errorf("sweep after an erasure: %w", err)
	}
	if err := r.noteOutside(ctx); err != nil {
		return e, err
	}
	// In short turns: the log is long, and everybody writes to it.
	for at := from - 1; at < to; at += scrubChunk {
		err := r.DB.Write(ctx, func(tx *db.Tx) error {
			return event.Scrub(tx, event.Scrubbing{After: at, UpTo: min(at+scrubChunk, to), Customers: e.Records})
		})
		if err != nil {
			return e, err
		}
	}
	for part := range slices.Chunk(e.Records, sweepAtOnce) {
		if err := r.DB.Write(ctx, func(tx *db.Tx) error { return r.wipe(tx, part) }); err != nil {
			return e, fmt.Errorf("sweep after an erasure: %w", err)
		}
		if err := rest(ctx); err != nil {
			return e, err
		}
	}
	before := e.Passes
	err = r.DB.Write(ctx, func(tx *db.Tx) error {
		e.Passes = before + 1
		done := sql.NullInt64{Int64: db.Micro(tx.Now), Valid: e.Passes >= sweeps}
		var records int
		if err := tx.QueryRow(`SELECT COUNT(*) FROM erased WHERE erasure_id = $1`, e.ID).Scan(&records); err != nil {
			return err
		}
		if records != len(e.Records) { // the night goes on: these are not swept yet
			e.Passes = 0
			return nil
		}
		_, err := tx.Exec(`UPDATE erasure SET passes = $2, done_at = $3 WHERE id = $1`, e.ID, int64(e.Passes), done)
		return err
	})
	if err != nil {
		return e, fmt.Errorf("sweep after an erasure: %w", err)
	}
	return e, r.DB.Settle(ctx, "vault_key", "customer", "identity", "contact")
}

// dropFiles is the job handler that destroys files which were made about a person.
func (r *Room) dropFiles(ctx context.Context, j job.Job) (job.Outcome, error) {
	var args dropArgs
	if err := j.Decode(&args); err != nil {
		return nil, job.Fatal(err)
	}
	for _, key := range args.Keys {
		if err := r.Blobs.Delete(ctx, key); err != nil {
			return nil, fmt.Errorf("drop file: %w", err)
		}
	}
	return nil, nil
}

const erasureColumns = `id, person_id, by, request_id, since, at, passes, COALESCE(done_at, 0)`

func scanErasure(r interface{ Scan(...any) error }) (Erasure, error) {
	var e Erasure
	var since, at, done int64
	err := r.Scan(&e.ID, &e.PersonID, &e.By, &e.RequestID, &since, &at, &e.Passes, &done)
	e.Since, e.At = db.Time(since), db.Time(at)
	if done > 0 {
		e.DoneAt = db.Time(done)
	}
	return e, err
}

func erasureByID(tx *db.Tx, id string) (Erasure, error) {
	e, err := scanErasure(tx.QueryRow(`SELECT `+erasureColumns+` FROM erasure WHERE id = $1`, id))
	if err != nil {
		return e, db.NotFound(err)
	}
	rows, err := tx.Query(`SELECT record_id FROM erased WHERE erasure_id = $1 ORDER BY record_id`, id)
	e.Records, err = db.Collect(rows, err, scanText)
	return e, err
}

// Erasures returns the latest erasures, without their records.
func Erasures(tx *db.Tx, v staff.Viewer, limit int) ([]Erasure, error) {
	if !v.May(staff.KeepPrivacy) {
		return nil, staff.ErrForbidden
	}
	rows, err := tx.Query(`SELECT `+erasureColumns+` FROM erasure ORDER BY at DESC, id DESC LIMIT $1`, limit)
	list, err := db.Collect(rows, err, func(r *sql.Rows) (Erasure, error) { return scanErasure(r) })
	if err != nil {
		return nil, fmt.Errorf("erasures: %w", err)
	}
	return list, nil
}
