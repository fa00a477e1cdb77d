package staff

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"dingdong/internal/db"
)

// Rules are what the group wants of those who sign in. The zero value means DefaultRules.
type Rules struct {
	IdleHours    int    `json:"idle_hours"`    // a session ends after so long without use
	MaxDays      int    `json:"max_days"`      // and after so long in any case
	Moves        Moves  `json:"moves"`         // when a session asks again because it came from elsewhere
	PasskeyRoles []Role `json:"passkey_roles"` // who must have a passkey
	NoPasswords  bool   `json:"no_passwords"`  // only passkeys and the sign-in provider let people in
}

// Moves says what counts as coming from elsewhere.
type Moves string

// What counts as coming from elsewhere.
const (
	MovesNetwork Moves = "network" // another browser, or a network far from those she is known in
	MovesBrowser Moves = "browser" // another browser only
	MovesNever   Moves = "never"
)

const rulesSetting = "sign_in"

// DefaultRules hold until somebody changes them.
func DefaultRules() Rules { return Rules{IdleHours: 12, MaxDays: 30, Moves: MovesNetwork} }

func (r Rules) idle() time.Duration    { return time.Duration(r.IdleHours) * time.Hour }
func (r Rules) lasts() time.Duration   { return time.Duration(r.MaxDays) * 24 * time.Hour }
func (r Rules) passkey(role Role) bool { return slices.Contains(r.PasskeyRoles, role) }

// LoadRules reads what the group wants of those who sign in.
func LoadRules(tx *db.Tx) (Rules, error) {
	var raw *string
	err := tx.QueryRow(`SELECT value FROM setting WHERE name = $1`, rulesSetting).Scan(&raw)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return Rules{}, fmt.Errorf("load rules of signing in: %w", err)
	}
	return parseRules(raw)
}

func parseRules(raw *string) (Rules, error) {
	r := DefaultRules()
	if raw == nil {
		return r, nil
	}
	if err := json.Unmarshal([]byte(*raw), &r); err != nil {
		return Rules{}, fmt.Errorf("read rules of signing in: %w", err)
	}
	return r, nil
}

// check cleans the rules and names the first that cannot be.
func (r *Rules) check() error {
	switch {
	case r.IdleHours < 1 || r.IdleHours > 30*24:
		return db.Invalid{Field: "idle_hours", Code: "range"}
	case r.MaxDays < 1 || r.MaxDays > 90:
		return db.Invalid{Field: "max_days", Code: "range"}
	case !slices.Contains([]Moves{MovesNetwork, MovesBrowser, MovesNever}, r.Moves):
		return db.Invalid{Field: "moves", Code: "unknown"}
	}
	for _, role := range r.PasskeyRoles {
		if !slices.Contains(Roles(), role) {
			return db.Invalid{Field: "passkey_roles", Code: "unknown"}
		}
	}
	slices.Sort(r.PasskeyRoles)
	r.PasskeyRoles = slices.Compact(r.PasskeyRoles)
	return nil
}

// SaveRules changes what the group wants of those who sign in. Sessions that are older or
// idler than the new rules allow end with it.
func SaveRules(tx *db.Tx, v Viewer, r Rules) error {
	if !v.May(ManageGroup) {
		return ErrForbidden
	}
	if err := r.check(); err != nil {
		return err
	}
	if err := hold(tx); err != nil {
		return err
	}
	raw, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("write rules of signing in: %w", err)
	}
	_, err = tx.Exec(`INSERT INTO setting (name, value) VALUES ($1, $2)
		ON CONFLICT (name) DO UPDATE SET value = excluded.value`, rulesSetting, string(raw))
	if err != nil {
		return fmt.Errorf("save rules of signing in: %w", err)
	}
	if err := KeepWayIn(tx, "no_passwords"); err != nil {
		return err
	}
	roles := make([]string, len(r.PasskeyRoles))
	for i, role := range r.PasskeyRoles {
		roles[i] = string(role)
	}
	note(tx, v, "sign_in_rules", "", fmt.Sprintf("idle %dh, at most %dd, moves %s, passkeys of %s, passwords %t",
		r.IdleHours, r.MaxDays, r.Moves, strings.Join(roles, " "), !r.NoPasswords))
	return nil
}

// KeepWayIn refuses what would leave no administrator who can sign in: where passwords are
// switched off, one must have a passkey, or be signed in through the group's provider. Call
// it after the change, under hold.
func KeepWayIn(tx *db.Tx, field string) error {
	rules, err := LoadRules(tx)
	if err != nil || !rules.NoPasswords {
		return err
	}
	var able int
	err = tx.QueryRow(`
		SELECT COUNT(*) FROM staff s WHERE s.role = $1 AND s.left_at IS NULL AND (
			EXISTS (SELECT 1 FROM passkey p WHERE p.staff_id = s.id AND p.cloned_at IS NULL)
			OR EXISTS (SELECT 1 FROM session e JOIN sso o ON o.is_on WHERE e.staff_id = s.id AND e.way = $2 AND e.expires_at > $3))`,
		string(Admin), string(BySSO), db.Micro(tx.Now)).Scan(&able)
	if err != nil {
		return fmt.Errorf("count administrators who can sign in: %w", err)
	}
	if able == 0 {
		return db.Invalid{Field: field, Code: "last_way_in"}
	}
	return nil
}
