package webhook

import (
	"fmt"
	"time"

	"dingdong/internal/conversation"
	"dingdong/internal/db"
	"dingdong/internal/staff"
	"dingdong/internal/vault"
)

// Renewal is a new signing secret for an endpoint.
type Renewal struct {
	ID string
	// Overlap is how long calls are signed with the old secret as well; 0:
	// conversation.SecretOverlap, negative: not at all.
	Overlap time.Duration
}

// Renew gives an endpoint a new signing secret, which is shown this once. Until the
// overlap ends every call carries two signatures, as the Standard Webhooks
// specification allows, so that the receiver can change over when it likes.
func (r *Room) Renew(tx *db.Tx, v staff.Viewer, n Renewal) (e Endpoint, secret string, err error) {
	if !v.May(staff.ManageGroup) {
		return Endpoint{}, "", staff.ErrForbidden
	}
	switch {
	case n.Overlap > conversation.MaxOverlap:
		return Endpoint{}, "", db.Invalid{Field: "overlap", Code: "too_long"}
	case n.Overlap == 0:
		n.Overlap = conversation.SecretOverlap
	}
	secret = newSecret()
	sealed, err := r.Vault.SealHouse(labelSecret, []byte(secret))
	if err != nil {
		return Endpoint{}, "", err
	}
	if n.Overlap < 0 {
		err = one(tx.Exec(`UPDATE endpoint SET secret = $2, old_secret = NULL, old_secret_until = 0 WHERE id = $1 AND ended_at IS NULL`, n.ID, sealed))
	} else {
		err = one(tx.Exec(`UPDATE endpoint SET secret = $2, old_secret = secret, old_secret_until = $3 WHERE id = $1 AND ended_at IS NULL`,
			n.ID, sealed, db.Micro(tx.Now.Add(n.Overlap))))
	}
	if err != nil {
		return Endpoint{}, "", fmt.Errorf("renew the secret: %w", err)
	}
	r.note(tx, v, "endpoint.secret", n.ID)
	e, err = r.Get(tx, v, n.ID)
	return e, secret, err
}

// EndOldSecret signs with the new secret alone from now on.
func (r *Room) EndOldSecret(tx *db.Tx, v staff.Viewer, id string) error {
	e, err := r.Get(tx, v, id)
	if err != nil {
		return err
	}
	if e.OldSecretUntil.IsZero() {
		return fmt.Errorf("end the old secret: %w", db.ErrNotFound)
	}
	return r.set(tx, v, setting{id, "endpoint.old_secret_end", `old_secret = NULL, old_secret_until = 0`, nil})
}

// SweepSecrets destroys old secrets that do not count any more.
func SweepSecrets(tx *db.Tx) error {
	_, err := tx.Exec(`UPDATE endpoint SET old_secret = NULL, old_secret_until = 0 WHERE old_secret_until > 0 AND old_secret_until <= $1`, db.Micro(tx.Now))
	if err != nil {
		return fmt.Errorf("sweep old secrets: %w", err)
	}
	return nil
}

// secrets opens what an endpoint's calls are signed with now, the new one first.
func (r *Room) secrets(sealed, old []byte, oldUntil, now time.Time) ([]string, error) {
	both := [][]byte{sealed}
	if now.Before(oldUntil) {
		both = append(both, old)
	}
	var out []string
	for _, one := range both {
		secret, err := r.Vault.OpenHouse(labelSecret, one)
		if err != nil {
			return nil, err
		}
		out = append(out, string(secret))
	}
	return out, nil
}

// Sealed lists the columns of this room that are sealed with the key of the installation.
func Sealed() []vault.Column {
	return []vault.Column{
		{Table: "endpoint", Name: "secret", Keys: []string{"id"}, Label: labelSecret},
		{Table: "endpoint", Name: "old_secret", Keys: []string{"id"}, Label: labelSecret},
	}
}
