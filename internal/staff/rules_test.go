package staff

import (
	"errors"
	"testing"

	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
)

func saveRules(d *db.DB, t *testing.T, v Viewer, change func(*Rules)) error {
	t.Helper()
	return d.Write(t.Context(), func(tx *db.Tx) error {
		r, err := LoadRules(tx)
		if err != nil {
			return err
		}
		change(&r)
		return SaveRules(tx, v, r)
	})
}

func TestRules(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		g := newGroup(t, d)
		for name, c := range map[string]struct {
			change      func(*Rules)
			field, code string
		}{
			"no idle time":  {func(r *Rules) { r.IdleHours = 0 }, "idle_hours", "range"},
			"a year idle":   {func(r *Rules) { r.IdleHours = 9000 }, "idle_hours", "range"},
			"no days":       {func(r *Rules) { r.MaxDays = 0 }, "max_days", "range"},
			"too many days": {func(r *Rules) { r.MaxDays = 91 }, "max_days", "range"},
			"unknown moves": {func(r *Rules) { r.Moves = "x" }, "moves", "unknown"},
			"unknown role":  {func(r *Rules) { r.PasskeyRoles = []Role{"x"} }, "passkey_roles", "unknown"},
			"locks all out": {func(r *Rules) { r.NoPasswords = true }, "no_passwords", "last_way_in"},
		} {
			t.Run(name, func(t *testing.T) { invalid(t, saveRules(d, t, g.adminViewer, c.change), c.field, c.code) })
		}
		if err := saveRules(d, t, Viewer{Role: Manager}, func(*Rules) {}); !errors.Is(err, ErrForbidden) {
			t.Errorf("a manager: %v", err)
		}
		if err := saveRules(d, t, g.adminViewer, func(r *Rules) { r.IdleHours = 48 }); err != nil {
			t.Fatal(err)
		}
		read(t, d, func(tx *db.Tx) error {
			r, err := LoadRules(tx)
			if r.IdleHours != 48 || r.MaxDays != 30 {
				t.Errorf("got %+v", r)
			}
			return err
		})
	})
}

func TestWithoutPasswords(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		g := newGroup(t, d)
		o := doorOf(t, d)
		mei := withPassword(t, d, "mei@example.com")
		_, key := addKey(t, d, g.admin.ID, "Ada's")
		if err := saveRules(d, t, g.adminViewer, func(r *Rules) { r.NoPasswords = true }); err != nil {
			t.Fatal(err)
		}
		if _, _, err := o.SignIn(t.Context(), Credentials{Email: mei.Email, Password: quiet}); !errors.Is(err, ErrOtherWay) {
			t.Errorf("a password: %v", err)
		}
		if _, _, err := o.SignIn(t.Context(), Credentials{Email: mei.Email, Password: "wrong"}); !errors.Is(err, ErrWrongPassword) {
			t.Errorf("a wrong password: %v", err)
		}
		// The last administrator with a way in keeps it.
		invalid(t, d.Write(t.Context(), func(tx *db.Tx) error { return RemovePasskey(tx, g.adminViewer, key.ID) }), "passkey", "last_way_in")
		bea := addPerson(t, d, StaffForm{Email: "bea@example.com", Name: "Bea", Role: Admin})
		invalid(t, d.Write(t.Context(), func(tx *db.Tx) error { return EndStaff(tx, System(), g.admin.ID) }), "staff", "last_way_in")
		invalid(t, d.Write(t.Context(), func(tx *db.Tx) error {
			_, err := SaveStaff(tx, System(), StaffForm{ID: g.admin.ID, Email: g.admin.Email, Name: "Ada", Role: Advisor})
			return err
		}), "role", "last_way_in")
		// A one-time password brings somebody to her first passkey, and is gone with it.
		given, err := o.ResetPassword(t.Context(), g.adminViewer, bea.ID)
		if err != nil {
			t.Fatal(err)
		}
		token, _ := signIn(t, d, Credentials{Email: bea.Email, Password: given})
		if v, err := viewerOf(t, d, token); err != nil || !v.MustPasskey || !v.MustChange {
			t.Errorf("%+v, %v", v, err)
		}
		addKey(t, d, bea.ID, "Bea's")
		if v, err := viewerOf(t, d, token); err != nil || v.MustPasskey || v.MustChange {
			t.Errorf("%+v, %v", v, err)
		}
		if _, _, err := o.SignIn(t.Context(), Credentials{Email: bea.Email, Password: given}); !errors.Is(err, ErrWrongPassword) {
			t.Errorf("the one-time password goes on: %v", err)
		}
		write(t, d, func(tx *db.Tx) error { return RemovePasskey(tx, g.adminViewer, key.ID) })
	})
}

func TestARoleNeedsAPasskey(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		g := newGroup(t, d)
		o := doorOf(t, d)
		mei := withPassword(t, d, "mei@example.com")
		token, _ := signIn(t, d, Credentials{Email: mei.Email, Password: quiet})
		if err := saveRules(d, t, g.adminViewer, func(r *Rules) { r.PasskeyRoles = []Role{Advisor} }); err != nil {
			t.Fatal(err)
		}
		if v, err := viewerOf(t, d, token); err != nil || !v.MustPasskey || v.May(Chat) {
			t.Errorf("without one: %+v, %v", v, err)
		}
		addKey(t, d, mei.ID, "Phone")
		if v, err := viewerOf(t, d, token); err != nil || v.MustPasskey || !v.May(Chat) {
			t.Errorf("with one: %+v, %v", v, err)
		}
		if _, _, err := o.SignIn(t.Context(), Credentials{Email: mei.Email, Password: quiet}); !errors.Is(err, ErrOtherWay) {
			t.Errorf("a password is enough: %v", err)
		}
		// Whoever lost her device gets a one-time password, and the old passkeys are taken.
		if err := d.Write(t.Context(), func(tx *db.Tx) error { return RemovePasskeysOf(tx, g.adminViewer, g.admin.ID) }); !errors.Is(err, ErrForbidden) {
			t.Errorf("her own by this door: %v", err)
		}
		write(t, d, func(tx *db.Tx) error { return RemovePasskeysOf(tx, g.adminViewer, mei.ID) })
		if _, err := viewerOf(t, d, token); !errors.Is(err, ErrSignedOut) {
			t.Errorf("her session goes on: %v", err)
		}
		token, _ = signIn(t, d, Credentials{Email: mei.Email, Password: quiet})
		if v, err := viewerOf(t, d, token); err != nil || !v.MustPasskey {
			t.Errorf("%+v, %v", v, err)
		}
	})
}

func TestOneTimePasswordsGrowOld(t *testing.T) {
	eachFrozen(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		g := newGroup(t, d)
		o := doorOf(t, d)
		mei := withPassword(t, d, "mei@example.com")
		given, err := o.ResetPassword(t.Context(), g.adminViewer, mei.ID)
		if err != nil {
			t.Fatal(err)
		}
		clock.Advance(OneTimeFor - 1)
		signIn(t, d, Credentials{Email: mei.Email, Password: given})
		clock.Advance(1)
		if _, _, err := o.SignIn(t.Context(), Credentials{Email: mei.Email, Password: given}); !errors.Is(err, ErrExpired) {
			t.Errorf("got %v", err)
		}
	})
}

func TestRightsRenewTheToken(t *testing.T) {
	eachFrozen(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		g := newGroup(t, d)
		mei := withPassword(t, d, "mei@example.com")
		token, _ := signIn(t, d, Credentials{Email: mei.Email, Password: quiet})
		form := StaffForm{ID: mei.ID, Email: mei.Email, Name: "Mei Lin", Role: Advisor}
		save := func() {
			write(t, d, func(tx *db.Tx) error {
				_, err := SaveStaff(tx, g.adminViewer, form)
				return err
			})
		}
		save()
		if v, err := viewerOf(t, d, token); err != nil || v.RenewDue {
			t.Errorf("another name: %+v, %v", v, err)
		}
		form.Counters = []string{g.northRose.ID}
		save()
		v, err := viewerOf(t, d, token)
		if err != nil || !v.RenewDue {
			t.Fatalf("another counter: %+v, %v", v, err)
		}
		var renewed string
		write(t, d, func(tx *db.Tx) (err error) {
			renewed, err = Renew(tx, v)
			return err
		})
		if err := d.Write(t.Context(), func(tx *db.Tx) error {
			_, err := Renew(tx, v)
			return err
		}); !errors.Is(err, ErrSignedOut) {
			t.Errorf("twice: %v", err)
		}
		clock.Advance(oldTokenLasts)
		if _, err := viewerOf(t, d, token); !errors.Is(err, ErrSignedOut) {
			t.Errorf("the old token: %v", err)
		}
		if v, err := viewerOf(t, d, renewed); err != nil || v.RenewDue {
			t.Errorf("the new token: %+v, %v", v, err)
		}
		write(t, d, func(tx *db.Tx) error { return EndOld(tx, renewed) })
		if _, err := viewerOf(t, d, renewed); !errors.Is(err, ErrSignedOut) {
			t.Errorf("after another sign-in: %v", err)
		}
	})
}

const (
	phone  = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_1 like Mac OS X) Version/19.1 Safari/604.1"
	phone2 = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_2 like Mac OS X) Version/19.2 Safari/605.1"
	desk   = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/140.0 Safari/537.36"
)

func TestASessionThatMoves(t *testing.T) {
	cases := map[string]struct {
		moves     Moves
		from      Meta
		elsewhere bool
	}{
		"stays":               {MovesNetwork, Meta{"203.0.113.9", phone, ""}, false},
		"a neighbour":         {MovesNetwork, Meta{"203.0.200.1", phone, ""}, false},
		"an update":           {MovesNetwork, Meta{"203.0.113.9", phone2, ""}, false},
		"another browser":     {MovesNetwork, Meta{"203.0.113.9", desk, ""}, true},
		"another network":     {MovesNetwork, Meta{"198.51.100.1", phone, ""}, true},
		"no address":          {MovesNetwork, Meta{"", phone, ""}, false},
		"network allowed":     {MovesBrowser, Meta{"198.51.100.1", phone, ""}, false},
		"browser not allowed": {MovesBrowser, Meta{"203.0.113.9", desk, ""}, true},
		"all allowed":         {MovesNever, Meta{"198.51.100.1", desk, ""}, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, d *db.DB) {
				mei := withPassword(t, d, "mei@example.com")
				if err := saveRules(d, t, System(), func(r *Rules) { r.Moves = c.moves }); err != nil {
					t.Fatal(err)
				}
				token, _ := signIn(t, d, Credentials{Email: mei.Email, Password: quiet, Address: "203.0.113.9", UserAgent: phone})
				v, err := viewerOf(t, d, token)
				if err != nil || v.Elsewhere(c.from) != c.elsewhere {
					t.Fatalf("elsewhere is %v, %v", !c.elsewhere, err)
				}
				// Once she proved who she is there, she is known in both places.
				if token, err = doorOf(t, d).Confirm(t.Context(), v, quiet, c.from); err != nil {
					t.Fatal(err)
				}
				if v, err = viewerOf(t, d, token); err != nil || v.Elsewhere(c.from) || v.Elsewhere(Meta{"203.0.113.9", c.from.UserAgent, ""}) {
					t.Errorf("still elsewhere: %v", err)
				}
			})
		})
	}
}

func TestRegion(t *testing.T) {
	for address, want := range map[string]string{
		"203.0.113.9": "203.0.0.0/16", "203.0.113.9:80": "203.0.0.0/16", "::ffff:203.0.113.9": "203.0.0.0/16", "2001:db8:1::1": "2001:db8::/32",
		"10.1.2.3": "inside", "127.0.0.1": "inside", "fd00::1": "inside", "nonsense": "", "": "",
	} {
		if got := region(address); got != want {
			t.Errorf("%q: %q, want %q", address, got, want)
		}
	}
	if got := addNetwork("a b c d e f g h", "10.0.0.1"); got != "inside a b c d e f g" {
		t.Errorf("got %q", got)
	}
}
