package customer

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"dingdong/internal/db"
)

// MaxName is the longest name kept, in letters.
const MaxName = 120

// Profile is what a platform told of a person.
type Profile struct {
	IdentityID string
	Name       string
	Language   string
}

// SetProfile keeps what a platform told and makes her name findable.
func (b *Book) SetProfile(tx *db.Tx, p Profile) error {
	i, err := b.IdentityByID(tx, p.IdentityID)
	if err != nil {
		return err
	}
	name, err := b.sealName(tx, i.CustomerID, labelIdentity, cut(p.Name))
	if err != nil {
		return err
	}
	if _, err := tx.Exec(`UPDATE identity SET name = $2, language = $3, profile_at = $4 WHERE id = $1`,
		i.ID, name, db.CleanText(p.Language), db.Micro(tx.Now)); err != nil {
		return fmt.Errorf("profile: %w", err)
	}
	return b.index(tx, i.CustomerID)
}

// ProfileTried remembers that the platform was asked in vain, so that it is not
// asked again at every message.
func (b *Book) ProfileTried(tx *db.Tx, identityID string) error {
	_, err := tx.Exec(`UPDATE identity SET profile_at = $2 WHERE id = $1`, identityID, db.Micro(tx.Now))
	return err
}

// Rename sets what the counter calls her; an empty name goes back to the platform's.
func (b *Book) Rename(tx *db.Tx, customerID, name string) error {
	name = strings.TrimSpace(db.CleanText(name))
	if utf8.RuneCountInString(name) > MaxName {
		return db.Invalid{Field: "name", Code: "too_long"}
	}
	sealed, err := b.sealName(tx, customerID, labelName, name)
	if err != nil {
		return err
	}
	n, err := tx.Exec(`UPDATE customer SET name = $2 WHERE id = $1`, customerID, sealed)
	if err != nil {
		return fmt.Errorf("rename: %w", err)
	}
	if n == 0 {
		return db.ErrNotFound
	}
	return b.index(tx, customerID)
}

// SetReach keeps the newest of what follow and block events say, by the
// platform's clock: they may arrive in any order. It tells whether it took.
func (b *Book) SetReach(tx *db.Tx, identityID string, reach Reach, at time.Time) (bool, error) {
	n, err := tx.Exec(`UPDATE identity SET reach = $2, reach_at = $3 WHERE id = $1 AND reach_at <= $3`,
		identityID, string(reach), db.Micro(at))
	if err != nil {
		return false, fmt.Errorf("reach: %w", err)
	}
	return n > 0, nil
}

func cut(name string) string {
	name = strings.TrimSpace(db.CleanText(name))
	if utf8.RuneCountInString(name) <= MaxName {
		return name
	}
	return string([]rune(name)[:MaxName])
}
