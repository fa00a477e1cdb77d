package staff

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/go-webauthn/webauthn/webauthn"

	"dingdong/internal/db"
)

// maxPasskeys is more than anybody has devices.
const maxPasskeys = 20

// Passkey is one of a person's passkeys, as a list shows it.
type Passkey struct {
	ID        string
	Name      string
	CreatedAt time.Time
	UsedAt    time.Time // zero: never
	ClonedAt  time.Time // its counter went back: it does not let her in any more
	Synced    bool      // her devices share it
}

// PasskeysOf lists a person's passkeys, the oldest first.
func PasskeysOf(tx *db.Tx, staffID string) ([]Passkey, error) {
	rows, err := tx.Query(`SELECT id, name, record, cloned_at, created_at, used_at FROM passkey WHERE staff_id = $1 ORDER BY created_at, id`, staffID)
	list, err := db.Collect(rows, err, func(r *sql.Rows) (Passkey, error) {
		var p Passkey
		var record string
		var created int64
		var cloned, used *int64
		if err := r.Scan(&p.ID, &p.Name, &record, &cloned, &created, &used); err != nil {
			return p, err
		}
		var key webauthn.Credential
		if err := json.Unmarshal([]byte(record), &key); err != nil {
			return p, err
		}
		p.CreatedAt, p.UsedAt, p.ClonedAt, p.Synced = db.Time(created), nullable(used), nullable(cloned), key.Flags.BackupState
		return p, nil
	})
	if err != nil {
		return nil, fmt.Errorf("list passkeys: %w", err)
	}
	return list, nil
}

// loadHolder loads an active person with the passkeys that may still let her in.
func loadHolder(tx *db.Tx, staffID string) (holder, error) {
	h := holder{id: staffID}
	err := tx.QueryRow(`SELECT email, name FROM staff WHERE id = $1 AND left_at IS NULL`, staffID).Scan(&h.email, &h.name)
	if err != nil {
		return holder{}, fmt.Errorf("load holder of passkeys: %w", db.NotFound(err))
	}
	records, err := texts(tx, `SELECT record FROM passkey WHERE staff_id = $1 AND cloned_at IS NULL ORDER BY created_at, id`, staffID)
	if err != nil {
		return holder{}, fmt.Errorf("load passkeys: %w", err)
	}
	for _, r := range records {
		var key webauthn.Credential
		if err := json.Unmarshal([]byte(r), &key); err != nil {
			return holder{}, fmt.Errorf("read passkey: %w", err)
		}
		h.keys = append(h.keys, key)
	}
	return h, nil
}

func keepPasskey(tx *db.Tx, v Viewer, name string, key *webauthn.Credential) (Passkey, error) {
	record, err := json.Marshal(key)
	if err != nil {
		return Passkey{}, fmt.Errorf("write passkey: %w", err)
	}
	p := Passkey{ID: tx.NewID("psk"), Name: name, CreatedAt: tx.Now, Synced: key.Flags.BackupState}
	n, err := tx.Exec(`INSERT INTO passkey (id, staff_id, credential, name, record, created_at) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (credential) DO NOTHING`, p.ID, v.ID, credentialName(key.ID), name, string(record), db.Micro(tx.Now))
	if err != nil {
		return Passkey{}, fmt.Errorf("keep passkey: %w", err)
	}
	if n == 0 {
		return Passkey{}, db.Invalid{Field: "passkey", Code: "taken"}
	}
	rules, err := LoadRules(tx)
	if err != nil {
		return Passkey{}, err
	}
	if rules.NoPasswords { // a one-time password has done what it was for
		_, err := tx.Exec(`UPDATE staff SET password_hash = '', must_change = FALSE, password_until = NULL WHERE id = $1 AND must_change`, v.ID)
		if err != nil {
			return Passkey{}, fmt.Errorf("forget one-time password: %w", err)
		}
	}
	note(tx, v, "passkey_added", p.ID, "")
	return p, nil
}

// usePasskey keeps the counter of a passkey that was used. The rows of the person and her
// passkey are held, so that whoever ends her sessions or takes it meanwhile ends this one too.
func usePasskey(tx *db.Tx, staffID string, key *webauthn.Credential) error {
	if err := one(tx.Exec(`UPDATE staff SET name = name WHERE id = $1 AND left_at IS NULL`, staffID)); err != nil {
		return ErrPasskey
	}
	var cloned *int64
	if key.Authenticator.CloneWarning {
		cloned = new(db.Micro(tx.Now))
	}
	record, err := json.Marshal(key)
	if err != nil {
		return fmt.Errorf("write passkey: %w", err)
	}
	var id string
	err = tx.QueryRow(`UPDATE passkey SET record = $3, used_at = $4, cloned_at = $5 WHERE staff_id = $1 AND credential = $2 RETURNING id`,
		staffID, credentialName(key.ID), string(record), db.Micro(tx.Now), cloned).Scan(&id)
	if err != nil {
		return fmt.Errorf("use passkey: %w", db.NotFound(err))
	}
	if cloned != nil {
		note(tx, Viewer{ID: staffID}, "passkey_cloned", id, "")
	}
	return nil
}

// RemovePasskey takes one of the viewer's passkeys away.
func RemovePasskey(tx *db.Tx, v Viewer, id string) error {
	if err := hold(tx); err != nil {
		return err
	}
	if err := one(tx.Exec(`DELETE FROM passkey WHERE id = $1 AND staff_id = $2`, id, v.ID)); err != nil {
		return fmt.Errorf("remove passkey: %w", err)
	}
	if err := KeepWayIn(tx, "passkey"); err != nil {
		return err
	}
	note(tx, v, "passkey_removed", id, "")
	return nil
}

// RemovePasskeysOf takes all passkeys of a colleague's away, who lost her device, and ends
// her sessions.
func RemovePasskeysOf(tx *db.Tx, v Viewer, staffID string) error {
	if !v.May(ManageGroup) || v.ID == staffID {
		return ErrForbidden
	}
	if err := hold(tx); err != nil {
		return err
	}
	n, err := tx.Exec(`DELETE FROM passkey WHERE staff_id = $1`, staffID)
	if err != nil {
		return fmt.Errorf("remove her passkeys: %w", err)
	}
	if n == 0 {
		return nil
	}
	if err := KeepWayIn(tx, "passkey"); err != nil {
		return err
	}
	if err := endSessions(tx, staffID, ""); err != nil {
		return err
	}
	note(tx, v, "passkeys_removed", staffID, "")
	return nil
}
