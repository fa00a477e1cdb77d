package staff

import (
	"context"
	"fmt"
	"time"

	"dingdong/internal/db"
)

// FreshFor is how long after a proof nobody is asked again before what is delicate:
// exports, rights, secrets.
const FreshFor = 10 * time.Minute

// oldTokenLasts is how long the token before this one still answers: pages ask for
// several things at once, and what was on its way carries the old one.
const oldTokenLasts = 30 * time.Second

// Fresh tells whether she proved who she is a short while ago.
func (v Viewer) Fresh(now time.Time) bool {
	return v.Session != "" && now.Before(v.ProvenAt.Add(FreshFor))
}

// Confirm lets the viewer prove with her password that it is still she who sits there.
// Her session gets a new token. ErrWrongPassword when it is not hers.
func (o *Door) Confirm(ctx context.Context, v Viewer, password string, m Meta) (token string, err error) {
	stored, guesses, err := o.beginProof(ctx, v)
	if err != nil {
		return "", err
	}
	fits, _, err := verifyPassword(ctx, stored, password)
	if err != nil {
		return "", fmt.Errorf("check password: %w", err)
	}
	if !fits {
		return "", ErrWrongPassword
	}
	m.Way = ByPassword
	err = o.DB.Write(ctx, func(tx *db.Tx) error {
		if err := forgetGuesses(tx, guesses...); err != nil {
			return err
		}
		if err := passwordOpens(tx, v.ID); err != nil {
			return err
		}
		token, err = Proven(tx, v, m)
		return err
	})
	return token, err
}

// beginProof counts a try of the viewer's own password, and gives what is stored of it.
// Whoever finds an open page must not guess the password there either.
func (o *Door) beginProof(ctx context.Context, v Viewer) (stored string, guesses []guess, err error) {
	guesses = []guess{o.guessEmail(v.Email)}
	err = o.DB.Write(ctx, func(tx *db.Tx) error {
		if err := countTry(tx, guesses[0]); err != nil {
			return err
		}
		err := tx.QueryRow(`SELECT password_hash FROM staff WHERE id = $1 AND left_at IS NULL`, v.ID).Scan(&stored)
		if err != nil {
			return fmt.Errorf("load password: %w", db.NotFound(err))
		}
		return nil
	})
	return stored, guesses, err
}

// Proven notes that the viewer proved who she is, and gives her session a new token. The
// caller has checked the proof.
func Proven(tx *db.Tx, v Viewer, m Meta) (token string, err error) {
	token = newSecret()
	err = one(tx.Exec(`
		UPDATE session SET proven_at = $2, way = $3, user_agent = $4, address = $5, networks = $8,
			old_hash = token_hash, token_hash = $6, renewed_at = $2, renew = FALSE
		WHERE id = $1 AND staff_id = $7`,
		v.Session, db.Micro(tx.Now), string(m.Way), cut(m.UserAgent, 200), cut(m.Address, 64), fingerprint(token), v.ID,
		addNetwork(v.known.networks, m.Address)))
	if err != nil {
		return "", fmt.Errorf("note proof: %w", err)
	}
	note(tx, v, "proved_again", v.Session, string(m.Way))
	return token, nil
}

// Renew gives a session a new token after its holder's rights changed: what somebody may
// have caught of the old one is worth nothing for the new rights. ErrSignedOut when another
// request has done it already.
func Renew(tx *db.Tx, v Viewer) (token string, err error) {
	token = newSecret()
	n, err := tx.Exec(`
		UPDATE session SET old_hash = token_hash, token_hash = $2, renewed_at = $3, renew = FALSE
		WHERE id = $1 AND staff_id = $4 AND renew`, v.Session, fingerprint(token), db.Micro(tx.Now), v.ID)
	if err != nil {
		return "", fmt.Errorf("renew session: %w", err)
	}
	if n == 0 {
		return "", ErrSignedOut
	}
	return token, nil
}

// renewSessions lets every session of a person get a new token at its next request.
func renewSessions(tx *db.Tx, staffID string) error {
	if _, err := tx.Exec(`UPDATE session SET renew = TRUE WHERE staff_id = $1`, staffID); err != nil {
		return fmt.Errorf("renew sessions: %w", err)
	}
	return nil
}

// EndOld ends the session that a browser carried when it signed in anew: two of one
// browser's would only be one more to lose.
func EndOld(tx *db.Tx, token string) error {
	if len(token) != sessionTokenLength {
		return nil
	}
	if _, err := tx.Exec(`DELETE FROM session WHERE token_hash = $1`, fingerprint(token)); err != nil {
		return fmt.Errorf("end old session: %w", err)
	}
	return nil
}
