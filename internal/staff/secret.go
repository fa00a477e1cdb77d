package staff

import (
	"context"
	"fmt"
	"time"

	"dingdong/internal/db"
)

// ChangePassword gives the viewer a password of her own choice and ends her other
// sessions. ErrWrongPassword when the old one is wrong.
func (o *Door) ChangePassword(ctx context.Context, v Viewer, old, chosen string) error {
	if err := passwordField(chosen, v.Email); err != nil {
		return err
	}
	if chosen == old {
		return db.Invalid{Field: "password", Code: "same"}
	}
	p := proof{staffID: v.ID}
	var err error
	if p.stored, p.guesses, err = o.beginProof(ctx, v); err != nil {
		return err
	}
	fits, _, err := verifyPassword(ctx, p.stored, old)
	if err != nil {
		return fmt.Errorf("check password: %w", err)
	}
	if !fits {
		return ErrWrongPassword
	}
	if p.kept, err = hashPassword(ctx, chosen); err != nil {
		return fmt.Errorf("hash password: %w", err)
	}
	return o.DB.Write(ctx, func(tx *db.Tx) error {
		n, err := tx.Exec(`UPDATE staff SET password_hash = $3, must_change = FALSE, password_until = NULL
			WHERE id = $1 AND password_hash = $2 AND left_at IS NULL`, v.ID, p.stored, p.kept)
		if err != nil {
			return fmt.Errorf("change password: %w", err)
		}
		if n == 0 { // reset by an administrator at the same moment
			return ErrWrongPassword
		}
		if err := forgetGuesses(tx, p.guesses...); err != nil {
			return err
		}
		if err := endSessions(tx, v.ID, v.Session); err != nil {
			return err
		}
		note(tx, v, "password_changed", v.ID, "")
		return nil
	})
}

// OneTimeFor is how long a password that somebody else gave lets her in.
const OneTimeFor = 72 * time.Hour

// ResetPassword gives a colleague a random password, shown once, which she must replace
// when she signs in. Her sessions end. An administrator cannot reset her own: that would
// be a change without the old password.
func (o *Door) ResetPassword(ctx context.Context, v Viewer, staffID string) (password string, err error) {
	if !v.May(ManageGroup) || v.ID == staffID {
		return "", ErrForbidden
	}
	password = oneTimePassword()
	return password, o.setPassword(ctx, v, given{staffID: staffID, password: password, mustChange: true})
}

// GivePassword sets a lasting password from the command line, for automation. No
// administrator has this on a page: she would know a colleague's password.
func (o *Door) GivePassword(ctx context.Context, v Viewer, staffID, password string) error {
	if v.Role != house {
		return ErrForbidden
	}
	var email string
	err := o.DB.Read(ctx, func(tx *db.Tx) error {
		p, err := GetStaff(tx, staffID)
		email = p.Email
		return err
	})
	if err != nil {
		return err
	}
	if err := passwordField(password, email); err != nil {
		return err
	}
	return o.setPassword(ctx, v, given{staffID: staffID, password: password})
}

// given is a password that somebody else chose.
type given struct {
	staffID    string
	password   string
	mustChange bool
}

func (o *Door) setPassword(ctx context.Context, v Viewer, g given) error {
	hash, err := hashPassword(ctx, g.password)
	if err != nil {
		return fmt.Errorf("hash password: %w", err)
	}
	return o.DB.Write(ctx, func(tx *db.Tx) error {
		p, err := GetStaff(tx, g.staffID)
		if err != nil {
			return err
		}
		var until *int64
		if g.mustChange {
			until = new(db.Micro(tx.Now.Add(OneTimeFor)))
		}
		err = one(tx.Exec(`UPDATE staff SET password_hash = $2, must_change = $3, password_until = $4 WHERE id = $1 AND left_at IS NULL`,
			g.staffID, hash, g.mustChange, until))
		if err != nil {
			return fmt.Errorf("set password: %w", err)
		}
		if err := forgetGuesses(tx, o.guessEmail(p.Email)); err != nil {
			return err
		}
		if err := endSessions(tx, g.staffID, ""); err != nil {
			return err
		}
		note(tx, v, "password_reset", g.staffID, "")
		return nil
	})
}
