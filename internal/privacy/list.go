package privacy

import (
	"bufio"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"time"

	"dingdong/internal/conversation"
	"dingdong/internal/db"
	"dingdong/internal/job"
)

// A backup that was made before an erasure holds her rows, and her key as it was
// sealed then. So what was erased is also listed outside of the database, in a file
// that only grows: nothing but ids of records, each line with a keyed sum that only
// this installation can make. A house that starts reads it and erases again what a
// restored database has brought back; so does "dingdong restore".

// Tombstone is a record that is gone.
type Tombstone struct {
	Record string    `json:"record"`
	At     time.Time `json:"at"`
	Sum    string    `json:"sum"`
}

const labelTombstone = "privacy.erased"

// ErrForeignList says that a line of a list was not written by this installation.
var ErrForeignList = errors.New("the list of erasures was not written by this installation, or was changed")

var recordID = regexp.MustCompile(`^cus_[0-9a-v]{26}$`)

func (r *Room) tombstone(record string, at time.Time) Tombstone {
	t := Tombstone{Record: record, At: at.UTC()}
	t.Sum = r.Vault.Hash(labelTombstone, t.Record+" "+t.At.Format(time.RFC3339Nano))
	return t
}

// outside is what this process knows of the file: it grows for years, and is read as a
// whole only when somebody else wrote to it.
type outside struct {
	mu   sync.Mutex
	size int64           // of the file when it was last written to; 0: read it
	upTo int64           // the latest erasure that stands in it
	late map[string]bool // what stands in it of the time before upTo in which others may still come
}

// lateness is how long after its time an erasure may still be committed.
const lateness = time.Hour

// noteOutside adds to the file what the database knows to be erased and the file
// does not. Nothing is ever taken out of it.
func (r *Room) noteOutside(ctx context.Context) error {
	if r.List == "" {
		return nil
	}
	r.outside.mu.Lock()
	defer r.outside.mu.Unlock()
	known, whole, since, err := r.knownOutside()
	if err != nil {
		return err
	}
	var all []Tombstone
	err = r.DB.Read(ctx, func(tx *db.Tx) (err error) {
		all, err = r.tombstones(tx, since)
		return err
	})
	if err != nil {
		return err
	}
	missing := slices.DeleteFunc(slices.Clone(all), func(t Tombstone) bool { return known[t.Record] })
	if len(missing) > 0 {
		r.outside.size = 0 // until it is known to stand there
		if whole, err = r.appendOutside(missing, whole); err != nil {
			return fmt.Errorf("list of erasures: %w", err)
		}
	}
	r.outside.size, r.outside.late = whole, map[string]bool{}
	if len(all) > 0 {
		r.outside.upTo = db.Micro(all[len(all)-1].At)
	}
	for _, t := range all {
		if db.Micro(t.At) >= r.outside.upTo-lateness.Microseconds() {
			r.outside.late[t.Record] = true
		}
	}
	return nil
}

// knownOutside tells what stands in the file: all of it, or what stands in it since.
func (r *Room) knownOutside() (known map[string]bool, whole, since int64, err error) {
	if at, err := os.Stat(r.List); err == nil && r.outside.size > 0 && at.Size() == r.outside.size {
		return r.outside.late, r.outside.size, r.outside.upTo - lateness.Microseconds(), nil
	}
	there, whole, err := r.readList(r.List)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, 0, 0, fmt.Errorf("list of erasures: %w", err)
	}
	known = make(map[string]bool, len(there))
	for _, t := range there {
		known[t.Record] = true
	}
	return known, whole, 0, nil
}

// appendOutside writes behind the last whole line, and returns how long the file is then.
func (r *Room) appendOutside(missing []Tombstone, whole int64) (size int64, err error) {
	f, err := os.OpenFile(r.List, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, err
	}
	if err = f.Truncate(whole); err == nil {
		_, err = f.Seek(whole, io.SeekStart)
	}
	if err == nil {
		err = writeList(f, missing)
	}
	if err == nil {
		size, err = f.Seek(0, io.SeekCurrent)
	}
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return 0, err
	}
	folder, err := os.Open(filepath.Dir(r.List))
	if err != nil {
		return 0, err
	}
	return size, errors.Join(folder.Sync(), folder.Close())
}

func writeList(w io.Writer, list []Tombstone) error {
	out := bufio.NewWriter(w)
	lines := json.NewEncoder(out)
	for _, t := range list {
		if err := lines.Encode(t); err != nil {
			return err
		}
	}
	return out.Flush()
}

// WriteList writes the list of everything that was ever erased, to be kept where no
// backup of the database replaces it.
func (r *Room) WriteList(ctx context.Context, w io.Writer) (int, error) {
	var all []Tombstone
	err := r.DB.Read(ctx, func(tx *db.Tx) (err error) {
		all, err = r.tombstones(tx, 0)
		return err
	})
	if err != nil {
		return 0, err
	}
	return len(all), writeList(w, all)
}

func (r *Room) tombstones(tx *db.Tx, since int64) ([]Tombstone, error) {
	rows, err := tx.Query(`SELECT record_id, at FROM erased WHERE at >= $1 ORDER BY at, record_id`, since)
	type row struct {
		id string
		at int64
	}
	found, err := db.Collect(rows, err, func(rs *sql.Rows) (x row, err error) { return x, rs.Scan(&x.id, &x.at) })
	if err != nil {
		return nil, fmt.Errorf("what was erased: %w", err)
	}
	out := make([]Tombstone, len(found))
	for i, x := range found {
		out[i] = r.tombstone(x.id, db.Time(x.at))
	}
	return out, nil
}

// readList reads a list and refuses what this installation has not written. A last
// line that a power cut left half-written is passed over: its erasure is noted again.
// whole is how many bytes the whole lines take.
func (r *Room) readList(file string) (out []Tombstone, whole int64, err error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, 0, err
	}
	defer f.Close()
	lines := bufio.NewReader(f)
	for {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return out, whole, nil
		}
		if err != nil {
			return nil, 0, err
		}
		whole += int64(len(line))
		var t Tombstone
		if json.Unmarshal(line, &t) != nil || !recordID.MatchString(t.Record) || r.tombstone(t.Record, t.At).Sum != t.Sum {
			return nil, 0, ErrForeignList
		}
		out = append(out, t)
	}
}

// Replay erases what a list says and this database still has, or has again, and
// finishes at once what else follows from it. It tells how many records those were.
func (r *Room) Replay(ctx context.Context, file string) (int, error) {
	list, _, err := r.readList(file)
	if err != nil {
		return 0, fmt.Errorf("list of erasures %s: %w", file, err)
	}
	again := 0
	for len(list) > 0 {
		n := min(len(list), 200)
		some, err := r.replay(ctx, list[:n])
		if err != nil {
			return again, err
		}
		again += some
		list = list[n:]
	}
	return again, nil
}

func (r *Room) replay(ctx context.Context, list []Tombstone) (int, error) {
	ids := make([]string, len(list))
	for i, t := range list {
		ids[i] = t.Record
	}
	var back, unknown []string
	err := r.DB.Read(ctx, func(tx *db.Tx) error {
		marks, args := db.In(ids, 1)
		rows, err := tx.Query(`SELECT id FROM customer WHERE id IN (`+marks+`)
			UNION SELECT customer_id FROM vault_key WHERE customer_id IN (`+marks+`) ORDER BY 1`, args...)
		if back, err = db.Collect(rows, err, scanText); err != nil {
			return err
		}
		rows, err = tx.Query(`SELECT record_id FROM erased WHERE record_id IN (`+marks+`)`, args...)
		known, err := db.Collect(rows, err, scanText)
		for _, id := range ids {
			if !slices.Contains(known, id) && !slices.Contains(back, id) {
				unknown = append(unknown, id)
			}
		}
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("what came back: %w", err)
	}
	var e Erasure
	err = r.DB.Write(ctx, func(tx *db.Tx) (err error) {
		e = Erasure{}
		// Of records that are not here only the list is kept: they may come with
		// another backup.
		values := make([]any, 0, 3*len(unknown))
		for _, t := range list {
			if slices.Contains(unknown, t.Record) {
				values = append(values, t.Record, "", db.Micro(t.At))
			}
		}
		if err := tx.Insert(`INSERT INTO erased (record_id, erasure_id, at)`, 3, values, `ON CONFLICT (record_id) DO NOTHING`); err != nil {
			return err
		}
		if len(back) > 0 {
			e, err = r.erase(tx, Erasing{By: ByRestore}, back[0], back)
		}
		return err
	})
	if err != nil || len(back) == 0 {
		return 0, err
	}
	if err := r.dropNow(ctx); err != nil {
		return len(back), err
	}
	_, err = r.sweepOnce(ctx, e.ID)
	return len(back), err
}

// dropNow destroys the files that jobs stand ready to destroy: who restores a backup
// has no worker, and must not be told that all is done while they lie there.
func (r *Room) dropNow(ctx context.Context) error {
	type one struct{ id, args string }
	var waiting []one
	err := r.DB.Read(ctx, func(tx *db.Tx) error {
		rows, err := tx.Query(`SELECT id, args FROM job WHERE kind IN ($1, $2)`, conversation.JobDropBlobs, JobDropFile)
		waiting, err = db.Collect(rows, err, func(rs *sql.Rows) (o one, err error) { return o, rs.Scan(&o.id, &o.args) })
		return err
	})
	if err != nil {
		return fmt.Errorf("files to destroy: %w", err)
	}
	done := make([]string, 0, len(waiting))
	for _, w := range waiting {
		var keys dropArgs
		done = append(done, w.id)
		if err := json.Unmarshal([]byte(w.args), &keys); err != nil {
			return fmt.Errorf("files to destroy: %w", err)
		}
		for _, key := range keys.Keys {
			if err := r.Blobs.Delete(ctx, key); err != nil {
				return fmt.Errorf("destroy file: %w", err)
			}
		}
	}
	return r.DB.Write(ctx, func(tx *db.Tx) error {
		job.Forget(tx, job.Forgetting{IDs: done})
		return nil
	})
}

// FinishNow does at once what jobs stand ready to do after erasures, where nothing
// serves; the second sweep stays for the house's own worker.
func (r *Room) FinishNow(ctx context.Context) error {
	if err := r.dropNow(ctx); err != nil {
		return err
	}
	var open []string
	err := r.DB.Read(ctx, func(tx *db.Tx) error {
		rows, err := tx.Query(`SELECT id FROM erasure WHERE passes = 0 ORDER BY id`)
		open, err = db.Collect(rows, err, scanText)
		return err
	})
	if err != nil {
		return fmt.Errorf("erasures to finish: %w", err)
	}
	for _, id := range open {
		if _, err := r.sweepOnce(ctx, id); err != nil {
			return err
		}
	}
	return nil
}
