package staff

import (
	"context"
	"errors"
	"testing"

	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
)

func TestChangePassword(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		p := withPassword(t, d, "mei@example.com")
		here, v := signIn(t, d, Credentials{Email: p.Email, Password: quiet})
		there, _ := signIn(t, d, Credentials{Email: p.Email, Password: quiet})
		const chosen = "rain on the river"

		if err := doorOf(t, d).ChangePassword(t.Context(), v, "a loud morning", chosen); !errors.Is(err, ErrWrongPassword) {
			t.Errorf("wrong old password: %v", err)
		}
		invalid(t, doorOf(t, d).ChangePassword(t.Context(), v, quiet, quiet), "password", "same")
		invalid(t, doorOf(t, d).ChangePassword(t.Context(), v, quiet, p.Email), "password", "same_as_email")
		if err := doorOf(t, d).ChangePassword(t.Context(), v, quiet, chosen); err != nil {
			t.Fatal(err)
		}
		if _, err := viewerOf(t, d, here); err != nil {
			t.Errorf("her own page: %v", err)
		}
		if _, err := viewerOf(t, d, there); !errors.Is(err, ErrSignedOut) {
			t.Errorf("her other page: %v", err)
		}
		if _, _, err := doorOf(t, d).SignIn(t.Context(), Credentials{Email: p.Email, Password: quiet}); !errors.Is(err, ErrWrongPassword) {
			t.Errorf("the old password: %v", err)
		}
		signIn(t, d, Credentials{Email: p.Email, Password: chosen})
	})
}

func TestChangePasswordIsThrottled(t *testing.T) {
	eachFrozen(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		p := withPassword(t, d, "mei@example.com")
		_, v := signIn(t, d, Credentials{Email: p.Email, Password: quiet})
		for range freeByEmail {
			if err := doorOf(t, d).ChangePassword(t.Context(), v, "wrong", "rain on the river"); !errors.Is(err, ErrWrongPassword) {
				t.Fatal(err)
			}
		}
		var throttled ErrThrottled
		if err := doorOf(t, d).ChangePassword(t.Context(), v, quiet, "rain on the river"); !errors.As(err, &throttled) {
			t.Errorf("got %v", err)
		}
	})
}

func TestResetPassword(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		g := newGroup(t, d)
		p := withPassword(t, d, "mei@example.com")
		before, _ := signIn(t, d, Credentials{Email: p.Email, Password: quiet})
		if _, err := doorOf(t, d).ResetPassword(t.Context(), g.adminViewer, g.admin.ID); !errors.Is(err, ErrForbidden) {
			t.Errorf("her own: %v", err)
		}
		if _, err := doorOf(t, d).ResetPassword(t.Context(), g.adminViewer, "stf_x"); !errors.Is(err, db.ErrNotFound) {
			t.Errorf("nobody's: %v", err)
		}
		given, err := doorOf(t, d).ResetPassword(t.Context(), g.adminViewer, p.ID)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := viewerOf(t, d, before); !errors.Is(err, ErrSignedOut) {
			t.Errorf("her page still works: %v", err)
		}
		token, v := signIn(t, d, Credentials{Email: p.Email, Password: given})
		if !v.MustChange || v.May(Chat) {
			t.Errorf("she may go on with the password she was given: %+v", v)
		}
		invalid(t, doorOf(t, d).ChangePassword(t.Context(), v, given, given), "password", "same")
		if err := doorOf(t, d).ChangePassword(t.Context(), v, given, "rain on the river"); err != nil {
			t.Fatal(err)
		}
		if v, err := viewerOf(t, d, token); err != nil || v.MustChange || !v.May(Chat) {
			t.Errorf("got %+v, %v", v, err)
		}
	})
}

func TestGivePassword(t *testing.T) {
	d := dbtest.New(t)
	p := addPerson(t, d, StaffForm{Email: "mei@example.com", Name: "Mei", Role: Advisor})
	invalid(t, doorOf(t, d).GivePassword(t.Context(), System(), p.ID, "short"), "password", "too_short")
	if err := doorOf(t, d).GivePassword(t.Context(), System(), p.ID, quiet); err != nil {
		t.Fatal(err)
	}
	if _, v := signIn(t, d, Credentials{Email: p.Email, Password: quiet}); v.MustChange {
		t.Error("she has to change it")
	}
}

func TestCreateFirst(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		form := FirstForm{Name: "Ada", Email: "ada@example.com", Password: quiet, Language: "zh-TW"}
		needed := func() (needed bool) {
			read(t, d, func(tx *db.Tx) (err error) {
				needed, err = NeedsFirst(tx)
				return err
			})
			return needed
		}
		bad := form
		bad.Password = "short"
		_, err := CreateFirst(t.Context(), d, bad)
		invalid(t, err, "password", "too_short")
		bad = form
		bad.Email = "ada"
		_, err = CreateFirst(t.Context(), d, bad)
		invalid(t, err, "email", "email")
		if !needed() {
			t.Fatal("not needed in an empty house")
		}

		const crowd = 6
		done := make(chan error, crowd)
		for i := range crowd {
			go func() {
				f := form
				f.Email = string(rune('a'+i)) + "@example.com"
				_, err := CreateFirst(t.Context(), d, f)
				done <- err
			}()
		}
		created := 0
		for range crowd {
			if err := <-done; err == nil {
				created++
			} else if !errors.Is(err, db.ErrConflict) {
				t.Error(err)
			}
		}
		var list []Person
		read(t, d, func(tx *db.Tx) (err error) {
			list, err = ListStaff(tx)
			return err
		})
		if created != 1 || len(list) != 1 || needed() {
			t.Fatalf("%d created, %d there, needed %v", created, len(list), needed())
		}
		_, v := signIn(t, d, Credentials{Email: list[0].Email, Password: quiet})
		if !v.May(ManageGroup) || v.MustChange || v.Language != "zh-TW" {
			t.Errorf("got %+v", v)
		}
	})
}

func TestHashingEndsWithItsCaller(t *testing.T) {
	hashing <- struct{}{}
	hashing <- struct{}{}
	defer func() { <-hashing; <-hashing }()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := hashPassword(ctx, quiet); !errors.Is(err, context.Canceled) {
		t.Errorf("a third hash at once: %v", err)
	}
}
