package staff

import (
	"crypto/rand"
	"database/sql"
	"encoding/base64"
	"fmt"
	"time"

	"dingdong/internal/db"
)

// Session is one browser that somebody is signed in with.
type Session struct {
	ID        string
	CreatedAt time.Time
	SeenAt    time.Time
	ExpiresAt time.Time
	UserAgent string
	Address   string
	Way       Way // how she last proved who she is
}

// Meta is what a browser tells about itself when somebody signs in.
type Meta struct {
	Address   string
	UserAgent string
	Way       Way // how she proves who she is
}

// Way is how somebody proves who she is.
type Way string

// The ways to prove it.
const (
	ByPassword Way = "password"
	ByPasskey  Way = "passkey"
	BySSO      Way = "sso"
	ByDemo     Way = "demo" // no proof at all: a house of the demo
)

const (
	secretSize         = 32 // random bytes of a session token or an API token
	sessionTokenLength = 43 // as base64
)

func newSecret() string {
	b := make([]byte, secretSize)
	rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)
}

// newSession opens a session under a token that nobody had before: what a browser
// carried earlier is never adopted.
func newSession(tx *db.Tx, staffID string, m Meta) (token string, v Viewer, err error) {
	if v, err = ViewerByID(tx, staffID); err != nil {
		return "", Viewer{}, err
	}
	rules, err := LoadRules(tx)
	if err != nil {
		return "", Viewer{}, err
	}
	token = newSecret()
	v.Session = tx.NewID("ses")
	_, err = tx.Exec(`
		INSERT INTO session (id, token_hash, staff_id, created_at, seen_at, expires_at, user_agent, address, proven_at, way, networks)
		VALUES ($1, $2, $3, $4, $4, $5, $6, $7, $4, $8, $9)`,
		v.Session, fingerprint(token), staffID, db.Micro(tx.Now), db.Micro(tx.Now.Add(rules.lasts())),
		cut(m.UserAgent, 200), cut(m.Address, 64), string(m.Way), region(m.Address))
	if err != nil {
		return "", Viewer{}, fmt.Errorf("open session: %w", err)
	}
	v.ProvenAt, v.Way = tx.Now, m.Way
	return token, v, nil
}

// Enter opens a session for somebody whom the group's sign-in provider vouches for: the
// caller has checked it.
func Enter(tx *db.Tx, staffID string, m Meta) (token string, v Viewer, err error) {
	token, v, err = newSession(tx, staffID, m)
	if err != nil {
		return "", Viewer{}, err
	}
	note(tx, v, "signed_in", v.Session, string(m.Way))
	return token, v, nil
}

// SessionFor signs somebody in without a password. It is for the sign-ins that demo mode
// offers: the caller must not reach it in any other mode.
func SessionFor(tx *db.Tx, staffID string, m Meta) (token string, v Viewer, err error) {
	m.Way = ByDemo
	token, v, err = newSession(tx, staffID, m)
	if err != nil {
		return "", Viewer{}, err
	}
	note(tx, v, "signed_in_demo", v.Session, "")
	return token, v, nil
}

// Touch notes that a session is in use. Call it when Viewer.TouchDue says so; more often
// it changes nothing.
func Touch(tx *db.Tx, sessionID string) error {
	_, err := tx.Exec(`UPDATE session SET seen_at = $2 WHERE id = $1 AND seen_at <= $3`,
		sessionID, db.Micro(tx.Now), db.Micro(tx.Now.Add(-touchEvery)))
	if err != nil {
		return fmt.Errorf("touch session: %w", err)
	}
	return nil
}

// Sessions lists where a person is signed in, the newest first.
func Sessions(tx *db.Tx, staffID string) ([]Session, error) {
	rules, err := LoadRules(tx)
	if err != nil {
		return nil, err
	}
	rows, err := tx.Query(`
		SELECT id, created_at, seen_at, expires_at, user_agent, address, way FROM session
		WHERE staff_id = $1 AND expires_at > $2 AND seen_at > $3 AND created_at > $4
		ORDER BY created_at DESC, id DESC`,
		staffID, db.Micro(tx.Now), db.Micro(tx.Now.Add(-rules.idle())), db.Micro(tx.Now.Add(-rules.lasts())))
	list, err := db.Collect(rows, err, func(r *sql.Rows) (Session, error) {
		var s Session
		var created, seen, expires int64
		err := r.Scan(&s.ID, &created, &seen, &expires, &s.UserAgent, &s.Address, &s.Way)
		s.CreatedAt, s.SeenAt, s.ExpiresAt = db.Time(created), db.Time(seen), db.Time(expires)
		return s, err
	})
	if err != nil {
		return nil, fmt.Errorf("list sessions: %w", err)
	}
	return list, nil
}

// EndSession ends one of the viewer's own sessions: this one to sign out, or another.
func EndSession(tx *db.Tx, v Viewer, id string) error {
	if err := one(tx.Exec(`DELETE FROM session WHERE id = $1 AND staff_id = $2`, id, v.ID)); err != nil {
		return fmt.Errorf("end session: %w", err)
	}
	note(tx, v, "session_ended", id, "")
	return nil
}

// EndOthers ends all sessions of the viewer but the one she uses.
func EndOthers(tx *db.Tx, v Viewer) error {
	if err := endSessions(tx, v.ID, v.Session); err != nil {
		return err
	}
	note(tx, v, "other_sessions_ended", v.Session, "")
	return nil
}

func endSessions(tx *db.Tx, staffID, keep string) error {
	if _, err := tx.Exec(`DELETE FROM session WHERE staff_id = $1 AND id <> $2`, staffID, keep); err != nil {
		return fmt.Errorf("end sessions: %w", err)
	}
	return nil
}
