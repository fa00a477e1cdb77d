package staff

import (
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"dingdong/internal/db"
)

// guess counts wrong passwords under one name: a person's e-mail address, or the network
// address somebody tries from. Table guess holds names as keyed hashes
// only: who has the database cannot try addresses until one fits.
type guess struct {
	name string
	free int64 // tries before the first wait
}

const (
	freeByEmail = 5
	// A whole store comes from one address, and it must not be shut out because three
	// people mistyped in the morning; each of their e-mail addresses still has its five.
	freeByAddress = 20
	firstWait     = time.Minute
	longestWait   = 15 * time.Minute
	forgetAfter   = time.Hour // without a further wrong password, after the wait is over
)

func (o *Door) guessEmail(email string) guess {
	return guess{name: "email:" + o.Vault.Hash("guess email", normalEmail(email)), free: freeByEmail}
}

// guessAddress counts a network as one: see Network.
func (o *Door) guessAddress(address string) guess {
	return guess{name: "addr:" + o.Vault.Hash("guess address", Neighbourhood(address)), free: freeByAddress}
}

// wait is how long nothing is tried after so many wrong passwords: 1, 2, 4, 8, 15 minutes.
func (g guess) wait(count int64) time.Duration {
	over := count - g.free
	switch {
	case over < 0:
		return 0
	case over >= 4:
		return longestWait
	}
	return firstWait << over
}

// open refuses with ErrThrottled while the wait lasts. It only reads, so that a crowd that
// is throttled leaves nothing to undo for those who share the commit.
func (g guess) open(tx *db.Tx) error {
	var until int64
	err := tx.QueryRow(`SELECT until FROM guess WHERE name = $1`, g.name).Scan(&until)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("load guesses: %w", err)
	}
	if end := db.Time(until); tx.Now.Before(end) {
		return ErrThrottled{Until: end}
	}
	return nil
}

// look reads a count, and holds its row until the commit so that two tries at the same
// moment count as two.
func (g guess) look(tx *db.Tx) (count int64, err error) {
	if err := g.open(tx); err != nil {
		return 0, err
	}
	var until int64
	err = tx.QueryRow(`
		INSERT INTO guess (name, count, until) VALUES ($1, 0, 0)
		ON CONFLICT (name) DO UPDATE SET count = guess.count
		RETURNING count, until`, g.name).Scan(&count, &until)
	if err != nil {
		return 0, fmt.Errorf("hold guesses: %w", err)
	}
	end := db.Time(until)
	if tx.Now.Before(end) { // another node was faster
		return 0, ErrThrottled{Until: end}
	}
	if tx.Now.After(end.Add(forgetAfter)) {
		return 0, nil
	}
	return count, nil
}

// charge counts one more wrong password.
func (g guess) charge(tx *db.Tx, count int64) error {
	count++
	_, err := tx.Exec(`UPDATE guess SET count = $2, until = $3 WHERE name = $1`,
		g.name, count, db.Micro(tx.Now.Add(g.wait(count))))
	if err != nil {
		return fmt.Errorf("count guess: %w", err)
	}
	return nil
}

// countTry counts a try as wrong, or refuses it with ErrThrottled.
func countTry(tx *db.Tx, g guess) error {
	count, err := g.look(tx)
	if err != nil {
		return err
	}
	return g.charge(tx, count)
}

// forgetGuesses starts the counts anew, after the right password. Who takes the rows of
// an e-mail and an address takes them in this order, or two could wait for each other.
func forgetGuesses(tx *db.Tx, guesses ...guess) error {
	for _, g := range guesses {
		if _, err := tx.Exec(`DELETE FROM guess WHERE name = $1`, g.name); err != nil {
			return fmt.Errorf("forget guesses: %w", err)
		}
	}
	return nil
}

// Sweep deletes sessions and proofs that are over and guesses that no longer count; run it now and
// then.
func Sweep(tx *db.Tx) error {
	rules, err := LoadRules(tx)
	if err != nil {
		return err
	}
	_, err = tx.Exec(`DELETE FROM session WHERE expires_at <= $1 OR seen_at <= $2 OR created_at <= $3`,
		db.Micro(tx.Now), db.Micro(tx.Now.Add(-rules.idle())), db.Micro(tx.Now.Add(-rules.lasts())))
	if err != nil {
		return fmt.Errorf("sweep sessions: %w", err)
	}
	if _, err := tx.Exec(`DELETE FROM ceremony WHERE expires_at <= $1`, db.Micro(tx.Now)); err != nil {
		return fmt.Errorf("sweep ceremonies: %w", err)
	}
	if _, err := tx.Exec(`DELETE FROM guess WHERE until < $1`, db.Micro(tx.Now.Add(-forgetAfter))); err != nil {
		return fmt.Errorf("sweep guesses: %w", err)
	}
	return nil
}

// fingerprint is what is stored of a secret that is random enough to need no salt.
func fingerprint(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}
