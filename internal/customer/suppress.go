package customer

import (
	"database/sql"
	"fmt"

	"dingdong/internal/db"
)

// Suppression outlives an erasure and a stop: keyed hashes of her phone numbers,
// addresses, member numbers and platform ids, and nothing else. Whoever comes into
// the house later with one of them is known to have said no. She may write, and is
// answered; only marketing stays shut until she herself opens it.

// SuppressReason says why somebody is suppressed.
type SuppressReason string

// Why somebody is suppressed.
const (
	SuppressErased  SuppressReason = "erased"
	SuppressStopped SuppressReason = "stopped"
)

// suppressIdentity is the kind of a platform's id; contacts have their own.
const suppressIdentity = "identity"

// Suppress remembers everything by which some records could come back.
func (b *Book) Suppress(tx *db.Tx, records []string, why SuppressReason) error {
	if len(records) == 0 {
		return nil
	}
	marks, args := db.In(records, 1)
	rows, err := tx.Query(`SELECT kind, hash FROM contact WHERE ended_at IS NULL AND customer_id IN (`+marks+`)
		UNION SELECT '`+suppressIdentity+`', external_hash FROM identity WHERE customer_id IN (`+marks+`) ORDER BY 1, 2`, args...)
	found, err := db.Collect(rows, err, func(r *sql.Rows) (p [2]string, err error) { return p, r.Scan(&p[0], &p[1]) })
	if err != nil {
		return fmt.Errorf("what she could come back by: %w", err)
	}
	values := make([]any, 0, 4*len(found))
	for _, p := range found {
		values = append(values, p[0], p[1], string(why), db.Micro(tx.Now))
	}
	err = tx.Insert(`INSERT INTO suppression (kind, hash, reason, at)`, 4, values,
		`ON CONFLICT (kind, hash) DO UPDATE SET reason = excluded.reason, at = excluded.at`)
	if err != nil {
		return fmt.Errorf("suppress: %w", err)
	}
	return nil
}

// Unsuppress forgets the no of some records. Only her own yes may do that: one
// that she gave on a page, in a chat or at the counter, never a file's.
func (b *Book) Unsuppress(tx *db.Tx, records []string) error {
	if len(records) == 0 {
		return nil
	}
	marks, args := db.In(records, 1)
	if _, err := tx.Exec(`DELETE FROM suppression WHERE (kind, hash) IN (
			SELECT kind, hash FROM contact WHERE ended_at IS NULL AND customer_id IN (`+marks+`)
			UNION SELECT '`+suppressIdentity+`', external_hash FROM identity WHERE customer_id IN (`+marks+`))`, args...); err != nil {
		return fmt.Errorf("lift a suppression: %w", err)
	}
	return nil
}

// Suppressed tells whether some records of a person came into the house after
// somebody with the same number, address or platform id had said no: nothing but
// service may be written to her. A record that was there before keeps what its own
// ledger says.
func (b *Book) Suppressed(tx *db.Tx, records []string) (bool, error) {
	if len(records) == 0 {
		return false, nil
	}
	marks, args := db.In(records, 1)
	var n int
	err := tx.QueryRow(`SELECT (SELECT COUNT(*) FROM contact k JOIN suppression s ON s.kind = k.kind AND s.hash = k.hash
			WHERE k.ended_at IS NULL AND k.customer_id IN (`+marks+`) AND k.at >= s.at)
		+ (SELECT COUNT(*) FROM identity i JOIN suppression s ON s.kind = '`+suppressIdentity+`' AND s.hash = i.external_hash
			WHERE i.customer_id IN (`+marks+`) AND i.created_at >= s.at)`, args...).Scan(&n)
	if err != nil {
		return false, fmt.Errorf("suppressed: %w", err)
	}
	return n > 0, nil
}

// SuppressedHashes returns which look-up hashes of one kind of contact are
// suppressed, and why: an import asks for a batch at once.
func (b *Book) SuppressedHashes(tx *db.Tx, kind ContactKind, hashes []string) (map[string]SuppressReason, error) {
	out := map[string]SuppressReason{}
	for len(hashes) > 0 {
		n := min(len(hashes), 256)
		marks, args := db.In(hashes[:n], 2)
		rows, err := tx.Query(`SELECT hash, reason FROM suppression WHERE kind = $1 AND hash IN (`+marks+`)`, append([]any{string(kind)}, args...)...)
		_, err = db.Collect(rows, err, func(r *sql.Rows) (none struct{}, err error) {
			var hash, why string
			err = r.Scan(&hash, &why)
			out[hash] = SuppressReason(why)
			return none, err
		})
		if err != nil {
			return nil, fmt.Errorf("suppressed: %w", err)
		}
		hashes = hashes[n:]
	}
	return out, nil
}
