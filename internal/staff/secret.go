package staff

import (
	"context"
	"fmt"

	"dingdong/internal/db"
)

// ChangePassword gives the viewer a password of her own choice and ends her other
// sessions. ErrWrongPassword when the old one is wrong.
func ChangePassword(ctx context.Context, d *db.DB, v Viewer, old, chosen string) error {
	if err := passwordField(chosen, v.Email); err != nil {
		return err
	}
	if chosen == old {
		return db.Invalid{Field: "password", Code: "same"}
	}
	p := proof{staffID: v.ID}
	var err error
	if p.stored, p.guesses, err = beginProof(ctx, d, v); err != nil {
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
	return d.Write(ctx, func(tx *db.Tx) error {
		n, err := tx.Exec(`UPDATE staff SET password_hash = $3, must_change = FALSE
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

// ResetPassword gives a colleague a random password, shown once, which she must replace
// when she signs in. Her sessions end. An administrator cannot reset her own: that would
// be a change without the old password.
func ResetPassword(ctx context.Context, d *db.DB, v Viewer, staffID string) (password string, err error) {
	if !v.May(ManageGroup) || v.ID == staffID {
		return "", ErrForbidden
	}
	password = oneTimePassword()
	return password, setPassword(ctx, d, v, given{staffID: staffID, password: password, mustChange: true})
}

// GivePassword sets a lasting password from the command line, for automation. No
// administrator has this on a page: she would know a colleague's password.
func GivePassword(ctx context.Context, d *db.DB, v Viewer, staffID, password string) error {
	if v.Role != house {
		return ErrForbidden
	}
	var email string
	err := d.Read(ctx, func(tx *db.Tx) error {
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
	return setPassword(ctx, d, v, given{staffID: staffID, password: password})
}

// given is a password that somebody else chose.
type given struct {
	staffID    string
	password   string
	mustChange bool
}

func setPassword(ctx context.Context, d *db.DB, v Viewer, g given) error {
	hash, err := hashPassword(ctx, g.password)
	if err != nil {
		return fmt.Errorf("hash password: %w", err)
	}
	return d.Write(ctx, func(tx *db.Tx) error {
		p, err := GetStaff(tx, g.staffID)
		if err != nil {
			return err
		}
		err = one(tx.Exec(`UPDATE staff SET password_hash = $2, must_change = $3 WHERE id = $1 AND left_at IS NULL`,
			g.staffID, hash, g.mustChange))
		if err != nil {
			return fmt.Errorf("set password: %w", err)
		}
		if err := forgetGuesses(tx, guessEmail(p.Email)); err != nil {
			return err
		}
		if err := endSessions(tx, g.staffID, ""); err != nil {
			return err
		}
		note(tx, v, "password_reset", g.staffID, "")
		return nil
	})
}
