package conversation

import (
	"errors"
	"testing"
	"time"

	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
	"dingdong/internal/staff"
)

func TestAnOldSecretCountsForAWhile(t *testing.T) {
	clock := dbtest.NewClock(time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC))
	dbtest.EachAt(t, clock, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		id := h.account.ID
		first := h.secretOf(t, id)
		save := func(f AccountForm) error {
			t.Helper()
			return d.Write(t.Context(), func(tx *db.Tx) error {
				a, err := h.AccountByID(tx, id)
				if err != nil {
					return err
				}
				f.ID, f.Name, f.CounterID, f.APIBase, f.DataBase = id, a.Name, a.CounterID, a.APIBase, a.DataBase
				_, err = h.SaveAccount(tx, staff.System(), f)
				return err
			})
		}
		if err := save(AccountForm{Token: "token-2"}); err != nil {
			t.Fatal(err)
		}
		if a := h.accountNow(t, id); a.OldSecret != "" || a.Token != "token-2" {
			t.Errorf("a new token alone: %+v", a)
		}
		if err := save(AccountForm{Secret: "second"}); err != nil {
			t.Fatal(err)
		}
		if a := h.accountNow(t, id); a.Secret != "second" || a.OldSecret != first || !a.OldSecretUntil.Equal(clock.Now().Add(SecretOverlap)) {
			t.Errorf("during the overlap: %q and %q until %v", a.Secret, a.OldSecret, a.OldSecretUntil)
		}
		clock.Advance(SecretOverlap)
		if a := h.accountNow(t, id); a.OldSecret != "" || !a.OldSecretUntil.IsZero() {
			t.Errorf("after it: %q until %v", a.OldSecret, a.OldSecretUntil)
		}
		var left int
		err := d.Write(t.Context(), func(tx *db.Tx) error {
			if err := SweepSecrets(tx); err != nil {
				return err
			}
			return tx.QueryRow(`SELECT COUNT(*) FROM account WHERE old_secret IS NOT NULL`).Scan(&left)
		})
		if err != nil || left != 0 {
			t.Errorf("%d old secrets are kept, %v", left, err)
		}

		if err := save(AccountForm{Secret: "third", Overlap: time.Hour}); err != nil {
			t.Fatal(err)
		}
		end := func() error {
			return d.Write(t.Context(), func(tx *db.Tx) error { return h.EndOldSecret(tx, staff.System(), id) })
		}
		if err := end(); err != nil {
			t.Fatal(err)
		}
		if a := h.accountNow(t, id); a.OldSecret != "" || a.Secret != "third" {
			t.Errorf("ended: %q and %q", a.Secret, a.OldSecret)
		}
		if err := end(); !errors.Is(err, db.ErrNotFound) {
			t.Errorf("ended twice: %v", err)
		}
		if err := save(AccountForm{Secret: "fourth", Overlap: -1}); err != nil {
			t.Fatal(err)
		}
		if a := h.accountNow(t, id); a.OldSecret != "" || a.Secret != "fourth" {
			t.Errorf("it has leaked: %q and %q", a.Secret, a.OldSecret)
		}
		var invalid db.Invalid
		if err := save(AccountForm{Secret: "fifth", Overlap: MaxOverlap + time.Second}); !errors.As(err, &invalid) || invalid.Field != "overlap" {
			t.Errorf("for ever: %v", err)
		}
		err = d.Write(t.Context(), func(tx *db.Tx) error { return h.EndOldSecret(tx, staff.Viewer{}, id) })
		if !errors.Is(err, staff.ErrForbidden) {
			t.Errorf("by anybody: %v", err)
		}
		for action, want := range map[string]int{"account.secret": 3, "account.token": 1, "account.old_secret_end": 1} {
			var n int
			err := d.Read(t.Context(), func(tx *db.Tx) error {
				return tx.QueryRow(`SELECT COUNT(*) FROM audit WHERE action = $1`, action).Scan(&n)
			})
			if err != nil || n != want {
				t.Errorf("%s is on record %d times, want %d (%v)", action, n, want, err)
			}
		}
	})
}

func (h *house) secretOf(t *testing.T, id string) string { return h.accountNow(t, id).Secret }

func (h *house) accountNow(t *testing.T, id string) (a Account) {
	t.Helper()
	err := h.DB.Read(t.Context(), func(tx *db.Tx) (err error) {
		a, err = h.AccountByID(tx, id)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return a
}
