package staff

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"dingdong/internal/db"
)

// Credentials is what somebody signs in with.
type Credentials struct {
	Email     string
	Password  string
	Address   string // the network address she comes from; "" counts no guesses by address
	UserAgent string
}

// proof is a password that is being checked: what begin found, and what came of it.
type proof struct {
	staffID string  // "": nobody with that e-mail address
	stored  string  // the hash we have of her
	kept    string  // the hash to keep: a new one when stored is outdated
	guesses []guess // by e-mail, then by address if there is one
}

// SignIn checks a password and opens a session. Hashing takes long, so it stands between
// two transactions: the first counts the try, the second takes the count back and opens
// the session, if nothing changed meanwhile.
func (o *Door) SignIn(ctx context.Context, c Credentials) (token string, v Viewer, err error) {
	guesses := []guess{o.guessEmail(c.Email)}
	if c.Address != "" {
		guesses = append(guesses, o.guessAddress(c.Address))
	}
	var p proof
	err = o.DB.Write(ctx, func(tx *db.Tx) (err error) {
		p, err = beginSignIn(tx, c, guesses)
		return err
	})
	if err != nil {
		return "", Viewer{}, err
	}
	fits, err := p.check(ctx, c.Password)
	if err != nil {
		return "", Viewer{}, err
	}
	var refused error
	err = o.DB.Write(ctx, func(tx *db.Tx) (err error) {
		token, v, refused = "", Viewer{}, nil
		if fits {
			token, v, err = finishSignIn(tx, p, c)
		}
		if errors.Is(err, ErrOtherWay) || errors.Is(err, ErrExpired) {
			// The password was right: what was counted is forgotten all the same.
			refused = err
			note(tx, Viewer{ID: p.staffID}, "sign_in_failed", p.staffID, "")
			return nil
		}
		if err == nil && token == "" {
			err = failSignIn(tx, p)
		}
		return err
	})
	if err != nil {
		return "", Viewer{}, err
	}
	if refused != nil {
		return "", Viewer{}, refused
	}
	if token == "" {
		return "", Viewer{}, ErrWrongPassword
	}
	return token, v, nil
}

func beginSignIn(tx *db.Tx, c Credentials, guesses []guess) (proof, error) {
	p := proof{guesses: guesses}
	for _, g := range guesses {
		if err := g.open(tx); err != nil {
			return proof{}, err
		}
	}
	// By e-mail the try is counted before it is known to be wrong: otherwise a crowd of
	// tries at the same moment would all pass. By address only what was wrong counts: a
	// store opens, and all sign in at once.
	if err := countTry(tx, guesses[0]); err != nil {
		return proof{}, err
	}
	err := tx.QueryRow(`SELECT id, password_hash FROM staff WHERE email = $1 AND left_at IS NULL`, normalEmail(c.Email)).
		Scan(&p.staffID, &p.stored)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return proof{}, fmt.Errorf("load password: %w", err)
	}
	return p, nil
}

// check compares the password, and makes the hash anew when the parameters were raised
// since it was stored. It takes the same time for people we do not know.
func (p *proof) check(ctx context.Context, password string) (fits bool, err error) {
	fits, outdated, err := verifyPassword(ctx, p.stored, password)
	if err != nil {
		return false, fmt.Errorf("check password: %w", err)
	}
	p.kept = p.stored
	if outdated {
		if p.kept, err = hashPassword(ctx, password); err != nil {
			return false, fmt.Errorf("renew password hash: %w", err)
		}
	}
	return fits, nil
}

// finishSignIn opens the session. No token and no error: she left or has another password
// since the check began.
func finishSignIn(tx *db.Tx, p proof, c Credentials) (token string, v Viewer, err error) {
	// Also holds her row, so that whoever ends her sessions meanwhile ends this one too.
	n, err := tx.Exec(`UPDATE staff SET password_hash = $3 WHERE id = $1 AND password_hash = $2 AND left_at IS NULL`,
		p.staffID, p.stored, p.kept)
	if err != nil {
		return "", Viewer{}, fmt.Errorf("keep password: %w", err)
	}
	if n == 0 {
		return "", Viewer{}, nil
	}
	if err := forgetGuesses(tx, p.guesses...); err != nil {
		return "", Viewer{}, err
	}
	if err := passwordOpens(tx, p.staffID); err != nil {
		return "", Viewer{}, err
	}
	token, v, err = newSession(tx, p.staffID, Meta{Address: c.Address, UserAgent: c.UserAgent, Way: ByPassword})
	if err != nil {
		return "", Viewer{}, err
	}
	note(tx, v, "signed_in", v.Session, "")
	return token, v, nil
}

// passwordOpens tells whether a right password lets her in: not where the group has
// switched passwords off, or wants a passkey of her role and she has one. A one-time
// password does, until it is too old: it is how somebody gets her first passkey.
func passwordOpens(tx *db.Tx, staffID string) error {
	var role Role
	var mustChange, hasPasskey bool
	var until *int64
	err := tx.QueryRow(`SELECT role, must_change, password_until, EXISTS (SELECT 1 FROM passkey p WHERE p.staff_id = s.id AND p.cloned_at IS NULL)
		FROM staff s WHERE id = $1`, staffID).Scan(&role, &mustChange, &until, &hasPasskey)
	if err != nil {
		return fmt.Errorf("load how she may sign in: %w", err)
	}
	rules, err := LoadRules(tx)
	switch {
	case err != nil:
		return err
	case mustChange && until != nil && !tx.Now.Before(db.Time(*until)):
		return ErrExpired
	case mustChange:
		return nil
	case rules.NoPasswords, rules.passkey(role) && hasPasskey:
		return ErrOtherWay
	}
	return nil
}

// failSignIn counts the wrong password by address. What was typed as e-mail address is not
// written down: people type passwords there.
func failSignIn(tx *db.Tx, p proof) error {
	for _, g := range p.guesses[1:] { // the e-mail was counted at the beginning
		err := countTry(tx, g)
		if throttled := (ErrThrottled{}); err != nil && !errors.As(err, &throttled) {
			return err
		}
	}
	who := Viewer{ID: p.staffID}
	if who.ID == "" {
		who.ID = "unknown"
	}
	note(tx, who, "sign_in_failed", p.staffID, "")
	return nil
}
