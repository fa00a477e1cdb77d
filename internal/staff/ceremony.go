package staff

import (
	"database/sql"
	"errors"
	"fmt"
	"time"

	"dingdong/internal/db"
)

// ErrCeremony says that a proof was not asked for, was given already, or came too late.
var ErrCeremony = errors.New("staff: this proof was not asked for, or too long ago")

// ceremonyLasts is how long a browser may take to bring a proof that it was asked for.
const ceremonyLasts = 10 * time.Minute

// Ceremony is a proof that a browser was asked for: a passkey's, or a provider's.
type Ceremony struct {
	Kind    string
	StaffID string // who it is asked of; "": whoever brings it
	Data    string // what the proof must fit
}

// BeginCeremony keeps what a proof must fit, and gives the secret under which the browser
// that was asked can come back with it, once.
func BeginCeremony(tx *db.Tx, c Ceremony) (secret string, err error) {
	secret = newSecret()
	_, err = tx.Exec(`INSERT INTO ceremony (id, kind, staff_id, data, expires_at) VALUES ($1, $2, $3, $4, $5)`,
		fingerprint(secret), c.Kind, c.StaffID, c.Data, db.Micro(tx.Now.Add(ceremonyLasts)))
	if err != nil {
		return "", fmt.Errorf("begin ceremony: %w", err)
	}
	return secret, nil
}

// EndCeremony gives what was kept, and forgets it. ErrCeremony when there is none of this
// kind for whoever it was asked of.
func EndCeremony(tx *db.Tx, secret, kind, staffID string) (Ceremony, error) {
	c := Ceremony{Kind: kind, StaffID: staffID}
	if len(secret) != sessionTokenLength {
		return Ceremony{}, ErrCeremony
	}
	err := tx.QueryRow(`DELETE FROM ceremony WHERE id = $1 AND kind = $2 AND staff_id = $3 AND expires_at > $4 RETURNING data`,
		fingerprint(secret), kind, staffID, db.Micro(tx.Now)).Scan(&c.Data)
	if errors.Is(err, sql.ErrNoRows) {
		return Ceremony{}, ErrCeremony
	}
	if err != nil {
		return Ceremony{}, fmt.Errorf("end ceremony: %w", err)
	}
	return c, nil
}
