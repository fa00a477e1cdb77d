// Package audit keeps who did what and who saw whom.
//
// Rows are only ever added, and each carries the hash of the one before it, so
// that a changed, removed or inserted row shows when the chain is verified. Who
// may write to the database and knows this code can still forge a whole new
// chain: note its last hash elsewhere now and then if that matters to you.
package audit

import (
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"time"

	"dingdong/internal/db"
)

// Entry is one act. It names people by their ids only: the audit is stored in
// clear and outlives an erasure, so Detail must never hold a name, a number, or
// a word that somebody wrote.
type Entry struct {
	Actor    string // a staff id, "token/<id>", "command", "system"
	Action   string // "signed_in", "thread_opened", ...
	Customer string // whom it concerns, if anybody
	Object   string // the id of what it was done to
	Detail   string
}

// Row is an entry in the chain.
type Row struct {
	Seq int64
	At  time.Time
	Entry
	Prev string // hash of the row before, empty for the first
	Hash string
}

var batch = &db.Batch{Name: "audit", Order: 30, Flush: flush}

// record is an entry on its way to the chain.
type record struct {
	at time.Time
	Entry
}

// Record adds the entry with the commit of tx, or not at all.
func Record(tx *db.Tx, e Entry) {
	tx.Defer(batch, record{tx.Now, e})
}

// flush adds rows to the end of the chain. The tally row is locked from here to
// the commit, which makes the chain one line also with many nodes.
func flush(tx *db.Tx, rows []any) error {
	seq, err := db.Tally(tx, "audit", int64(len(rows)))
	if err != nil {
		return err
	}
	_, hash, err := tail(tx)
	if err != nil {
		return err
	}
	args := make([]any, 0, len(rows)*9)
	for _, r := range rows {
		r := r.(record)
		row := Row{Seq: seq, At: r.at, Entry: r.Entry, Prev: hash}
		row.Hash = row.sum()
		args = append(args, row.Seq, db.Micro(row.At), row.Actor, row.Action, row.Customer, row.Object, row.Detail,
			row.Prev, row.Hash)
		hash = row.Hash
		seq++
	}
	if err := tx.Insert(`INSERT INTO audit (`+columns+`)`, 9, args, ""); err != nil {
		return err
	}
	_, err = tx.Exec(`UPDATE tally SET note = $1 WHERE name = 'audit'`, hash)
	return err
}

// tail gives the number and the hash of the last row, as they were noted when
// it was written.
func tail(tx *db.Tx) (seq int64, hash string, err error) {
	err = tx.QueryRow(`SELECT n, note FROM tally WHERE name = 'audit'`).Scan(&seq, &hash)
	if err != nil {
		return 0, "", fmt.Errorf("read the end of the audit chain: %w", db.NotFound(err))
	}
	return seq, hash, nil
}

// sum hashes every column. Each text has its length in front, so that a letter
// cannot move from one column into the next.
func (r Row) sum() string {
	data := make([]byte, 0, 256)
	data = binary.BigEndian.AppendUint64(data, uint64(r.Seq))
	data = binary.BigEndian.AppendUint64(data, uint64(db.Micro(r.At)))
	for _, text := range [...]string{r.Actor, r.Action, r.Customer, r.Object, r.Detail, r.Prev} {
		data = binary.BigEndian.AppendUint64(data, uint64(len(text)))
		data = append(data, text...)
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

const columns = `seq, at, actor, action, customer_id, object, detail, prev, hash`

func scan(rows *sql.Rows) (Row, error) {
	var (
		r  Row
		at int64
	)
	err := rows.Scan(&r.Seq, &at, &r.Actor, &r.Action, &r.Customer, &r.Object, &r.Detail, &r.Prev, &r.Hash)
	r.At = db.Time(at)
	return r, err
}

// verifyChunk is how many rows Verify holds in memory.
const verifyChunk = 1000

// Verify walks the whole chain. It gives the number of rows that are in order
// from the first on, and the number of the first one that is not: changed,
// missing, or never written by Record. broken is 0 when all is well.
func Verify(tx *db.Tx) (n, broken int64, err error) {
	last, lastHash, err := tail(tx)
	if err != nil {
		return 0, 0, err
	}
	prev := ""
	// From below zero: rows put in front of the chain are found, too.
	after := int64(math.MinInt64)
	for {
		rows, err := tx.Query(`SELECT `+columns+` FROM audit WHERE seq > $1 ORDER BY seq LIMIT $2`, after, verifyChunk)
		chunk, err := db.Collect(rows, err, scan)
		if err != nil {
			return 0, 0, fmt.Errorf("verify audit: %w", err)
		}
		for _, row := range chunk {
			if row.Seq != n+1 || row.Seq > last || row.Prev != prev || row.Hash != row.sum() {
				return n, n + 1, nil
			}
			prev, after, n = row.Hash, row.Seq, row.Seq
		}
		if len(chunk) < verifyChunk {
			break
		}
	}
	switch {
	case n < last: // the end was cut off
		return n, n + 1, nil
	case prev != lastHash: // the last row was rewritten, its hash too
		return max(n-1, 0), max(n, 1), nil
	}
	return n, 0, nil
}
