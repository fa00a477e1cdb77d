package conversation

import (
	"fmt"
	"time"

	"dingdong/internal/audit"
	"dingdong/internal/db"
	"dingdong/internal/staff"
	"dingdong/internal/vault"
)

const (
	// SecretOverlap is how long an old secret counts beside a new one where nobody
	// says otherwise.
	SecretOverlap = 24 * time.Hour
	// MaxOverlap bounds it: what never ends is no change.
	MaxOverlap = 30 * 24 * time.Hour
)

func checkOverlap(overlap time.Duration) error {
	if overlap > MaxOverlap {
		return db.Invalid{Field: "overlap", Code: "too_long"}
	}
	return nil
}

// changeSecrets keeps an old secret for as long as it still counts, and notes
// what was changed. A new token needs no overlap: it is ours to use, at once.
func (d *Desk) changeSecrets(tx *db.Tx, v staff.Viewer, old Account, f AccountForm) error {
	if f.Token != old.Token {
		audit.Record(tx, audit.Entry{Actor: v.ID, Action: "account.token", Object: old.ID})
	}
	if f.Secret == old.Secret {
		return nil
	}
	audit.Record(tx, audit.Entry{Actor: v.ID, Action: "account.secret", Object: old.ID})
	overlap := f.Overlap
	if overlap == 0 {
		overlap = SecretOverlap
	}
	if overlap < 0 || old.Secret == "" {
		return forgetOldSecret(tx, old.ID)
	}
	if _, err := tx.Exec(`UPDATE account SET old_secret = secret, old_secret_until = $2 WHERE id = $1`, old.ID, db.Micro(tx.Now.Add(overlap))); err != nil {
		return fmt.Errorf("keep the old secret: %w", err)
	}
	return nil
}

// EndOldSecret refuses what is signed with the old secret from now on.
func (d *Desk) EndOldSecret(tx *db.Tx, v staff.Viewer, id string) error {
	if !v.May(staff.ManageGroup) {
		return staff.ErrForbidden
	}
	a, err := d.AccountByID(tx, id)
	if err != nil {
		return err
	}
	if a.OldSecretUntil.IsZero() {
		return db.ErrNotFound
	}
	if err := forgetOldSecret(tx, id); err != nil {
		return err
	}
	audit.Record(tx, audit.Entry{Actor: v.ID, Action: "account.old_secret_end", Object: id})
	d.accounts.forget(id)
	return nil
}

func forgetOldSecret(tx *db.Tx, id string) error {
	_, err := tx.Exec(`UPDATE account SET old_secret = NULL, old_secret_until = 0 WHERE id = $1`, id)
	if err != nil {
		return fmt.Errorf("forget the old secret: %w", err)
	}
	return nil
}

// SweepSecrets destroys old secrets that do not count any more.
func SweepSecrets(tx *db.Tx) error {
	_, err := tx.Exec(`UPDATE account SET old_secret = NULL, old_secret_until = 0 WHERE old_secret_until > 0 AND old_secret_until <= $1`, db.Micro(tx.Now))
	if err != nil {
		return fmt.Errorf("sweep old secrets: %w", err)
	}
	return nil
}

// Sealed lists the columns of this room that are sealed with the key of the installation.
func Sealed() []vault.Column {
	account := []string{"id"}
	return []vault.Column{
		{Table: "account", Name: "secret", Keys: account, Label: labelSecret},
		{Table: "account", Name: "old_secret", Keys: account, Label: labelSecret},
		{Table: "account", Name: "token", Keys: account, Label: labelToken},
		{Table: "notice", Name: "raw", Keys: []string{"account_id", "event_id"}, Label: labelNotice},
	}
}
