package staff

import (
	"strings"
	"testing"

	"dingdong/internal/audit"
	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
)

func TestEveryChangeIsAudited(t *testing.T) {
	d := dbtest.New(t)
	g := newGroup(t, d)
	v := g.adminViewer
	mei := withPassword(t, d, "mei@example.com")
	_, hers := signIn(t, d, Credentials{Email: mei.Email, Password: quiet})
	var plain, token string
	ofToken := ""
	steps := []struct {
		action string
		object string
		by     string
		do     func(tx *db.Tx) error
	}{
		{"store_saved", g.north.ID, v.ID, func(tx *db.Tx) error {
			_, err := SaveStore(tx, v, StoreForm{ID: g.north.ID, Name: "Far North"})
			return err
		}},
		{"brand_saved", g.lily.ID, v.ID, func(tx *db.Tx) error {
			_, err := SaveBrand(tx, v, BrandForm{ID: g.lily.ID, Name: "Lilium"})
			return err
		}},
		{"counter_saved", g.northLily.ID, v.ID, func(tx *db.Tx) error {
			_, err := SaveCounter(tx, v, CounterForm{ID: g.northLily.ID, Name: "Lilies"})
			return err
		}},
		{"counter_closed", g.northLily.ID, v.ID, func(tx *db.Tx) error { return CloseCounter(tx, v, g.northLily.ID) }},
		{"brand_closed", g.lily.ID, v.ID, func(tx *db.Tx) error { return CloseBrand(tx, v, g.lily.ID) }},
		{"brand_reopened", g.lily.ID, v.ID, func(tx *db.Tx) error { return ReopenBrand(tx, v, g.lily.ID) }},
		{"counter_reopened", g.northLily.ID, v.ID, func(tx *db.Tx) error { return ReopenCounter(tx, v, g.northLily.ID) }},
		{"store_reopened", g.south.ID, v.ID, func(tx *db.Tx) error { return ReopenStore(tx, v, g.south.ID) }},
		{"staff_saved", mei.ID, v.ID, func(tx *db.Tx) error {
			_, err := SaveStaff(tx, v, StaffForm{ID: mei.ID, Email: mei.Email, Name: "Mei", Role: Advisor, Counters: []string{g.northRose.ID}})
			return err
		}},
		{"session_ended", hers.Session, mei.ID, func(tx *db.Tx) error { return EndSession(tx, hers, hers.Session) }},
		{"other_sessions_ended", hers.Session, mei.ID, func(tx *db.Tx) error { return EndOthers(tx, hers) }},
		{"staff_ended", mei.ID, v.ID, func(tx *db.Tx) error { return EndStaff(tx, v, mei.ID) }},
		{"staff_returned", mei.ID, v.ID, func(tx *db.Tx) error { return ReturnStaff(tx, v, mei.ID) }},
		{"signed_in_demo", "", mei.ID, func(tx *db.Tx) (err error) {
			token, _, err = SessionFor(tx, mei.ID, Meta{})
			return err
		}},
		{"token_created", "", v.ID, func(tx *db.Tx) (err error) {
			var made Token
			plain, made, err = CreateToken(tx, v, "Till", Scopes())
			ofToken = made.ID
			return err
		}},
		{"token_ended", "", v.ID, func(tx *db.Tx) error { return EndToken(tx, v, ofToken) }},
	}
	for _, s := range steps {
		t.Run(s.action, func(t *testing.T) {
			write(t, d, s.do)
			last := lastAudited(t, d)
			if last.Action != s.action || last.Actor != s.by || s.object != "" && last.Object != s.object {
				t.Errorf("got %+v", last)
			}
		})
	}

	given, err := doorOf(t, d).ResetPassword(t.Context(), v, mei.ID)
	if last := lastAudited(t, d); err != nil || last.Action != "password_reset" || last.Actor != v.ID || last.Object != mei.ID {
		t.Errorf("got %+v, %v", last, err)
	}
	_, hers = signIn(t, d, Credentials{Email: mei.Email, Password: given})
	if last := lastAudited(t, d); last.Action != "signed_in" || last.Actor != mei.ID {
		t.Errorf("got %+v", last)
	}
	if err := doorOf(t, d).ChangePassword(t.Context(), hers, given, "rain on the river"); err != nil {
		t.Fatal(err)
	}
	if last := lastAudited(t, d); last.Action != "password_changed" || last.Actor != mei.ID {
		t.Errorf("got %+v", last)
	}
	for email, actor := range map[string]string{mei.Email: mei.ID, "rain on the river": "unknown"} {
		if _, _, err := doorOf(t, d).SignIn(t.Context(), Credentials{Email: email, Password: "wrong"}); err == nil {
			t.Fatal("signed in")
		}
		if last := lastAudited(t, d); last.Action != "sign_in_failed" || last.Actor != actor {
			t.Errorf("got %+v", last)
		}
	}

	read(t, d, func(tx *db.Tx) error {
		rows, err := audit.List(tx, audit.Filter{Limit: 1000})
		for _, r := range rows {
			for _, secret := range []string{plain, token, given, quiet, "rain on", "@", "Mei", "$argon2"} {
				if strings.Contains(r.Detail+r.Object+r.Actor, secret) {
					t.Errorf("%q stands in %+v", secret, r)
				}
			}
		}
		return err
	})
}

func lastAudited(t *testing.T, d *db.DB) (last audit.Row) {
	t.Helper()
	read(t, d, func(tx *db.Tx) error {
		rows, err := audit.List(tx, audit.Filter{Limit: 1})
		if err == nil && len(rows) > 0 {
			last = rows[0]
		}
		return err
	})
	return last
}
