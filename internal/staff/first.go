package staff

import (
	"context"
	"fmt"

	"dingdong/internal/db"
)

// FirstForm is who takes over a house that has no administrator yet.
type FirstForm struct {
	Name     string
	Email    string
	Password string
	Language string
}

// NeedsFirst says whether the house never had an administrator. Once it had, the last one
// cannot be lost, so nobody finds this door open later.
func NeedsFirst(tx *db.Tx) (bool, error) {
	var admins int
	if err := tx.QueryRow(`SELECT COUNT(*) FROM staff WHERE role = $1`, string(Admin)).Scan(&admins); err != nil {
		return false, fmt.Errorf("count administrators: %w", err)
	}
	return admins == 0, nil
}

// CreateFirst makes the first administrator, once: whoever comes second, even at the same
// moment, gets db.ErrConflict.
func CreateFirst(ctx context.Context, d *db.DB, f FirstForm) (Person, error) {
	form := StaffForm{Email: f.Email, Name: f.Name, Role: Admin, Language: f.Language}
	if err := form.check(); err != nil {
		return Person{}, err
	}
	if err := passwordField(f.Password, form.Email); err != nil {
		return Person{}, err
	}
	// Asked before as well as after: the door stands open to the world, and a stranger
	// should not have us compute hashes.
	if err := d.Read(ctx, mayBeFirst); err != nil {
		return Person{}, err
	}
	hash, err := hashPassword(ctx, f.Password)
	if err != nil {
		return Person{}, fmt.Errorf("hash password: %w", err)
	}
	var p Person
	err = d.Write(ctx, func(tx *db.Tx) (err error) {
		if err := hold(tx); err != nil {
			return err
		}
		if err := mayBeFirst(tx); err != nil {
			return err
		}
		if p, err = SaveStaff(tx, System(), form); err != nil {
			return err
		}
		if _, err := tx.Exec(`UPDATE staff SET password_hash = $2 WHERE id = $1`, p.ID, hash); err != nil {
			return fmt.Errorf("set password: %w", err)
		}
		p.HasPassword = true
		note(tx, System(), "first_admin_created", p.ID, "")
		return nil
	})
	if err != nil {
		return Person{}, err
	}
	return p, nil
}

func mayBeFirst(tx *db.Tx) error {
	needed, err := NeedsFirst(tx)
	if err == nil && !needed {
		err = fmt.Errorf("there is an administrator: %w", db.ErrConflict)
	}
	return err
}
