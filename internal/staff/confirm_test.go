package staff

import (
	"errors"
	"testing"

	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
)

func TestConfirm(t *testing.T) {
	eachFrozen(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		newGroup(t, d)
		p := withPassword(t, d, "mei@example.com")
		token, v := signIn(t, d, Credentials{Email: p.Email, Password: quiet})
		if !v.Fresh(clock.Now()) {
			t.Error("she has just signed in")
		}
		clock.Advance(FreshFor)
		v, err := viewerOf(t, d, token)
		if err != nil || v.Fresh(clock.Now()) || v.Way != ByPassword {
			t.Errorf("after %s: %+v, %v", FreshFor, v, err)
		}
		if _, err := doorOf(t, d).Confirm(t.Context(), v, "a loud morning", Meta{}); !errors.Is(err, ErrWrongPassword) {
			t.Errorf("a wrong password proves: %v", err)
		}
		renewed, err := doorOf(t, d).Confirm(t.Context(), v, quiet, Meta{Address: "192.0.2.9", UserAgent: "Phone"})
		if err != nil || renewed == token {
			t.Fatalf("got %q, %v", renewed, err)
		}
		for name, used := range map[string]string{"new": renewed, "old, on its way": token} {
			if got, err := viewerOf(t, d, used); err != nil || got.Session != v.Session || !got.Fresh(clock.Now()) {
				t.Errorf("%s token: %+v, %v", name, got, err)
			}
		}
		clock.Advance(oldTokenLasts)
		if _, err := viewerOf(t, d, token); !errors.Is(err, ErrSignedOut) {
			t.Errorf("the old token goes on: %v", err)
		}
		if got, err := viewerOf(t, d, renewed); err != nil || got.Session != v.Session {
			t.Errorf("the new token: %+v, %v", got, err)
		}
		if last := lastAudited(t, d); last.Action != "proved_again" || last.Actor != p.ID || last.Detail != "password" {
			t.Errorf("audited as %+v", last)
		}
		var throttled ErrThrottled
		for range freeByEmail + 1 {
			_, err = doorOf(t, d).Confirm(t.Context(), v, "a loud morning", Meta{})
		}
		if !errors.As(err, &throttled) {
			t.Errorf("it can be guessed without end: %v", err)
		}
	})
}

func TestFreshNeedsASession(t *testing.T) {
	if (Viewer{ProvenAt: morning}).Fresh(morning) {
		t.Error("a viewer without a session is fresh")
	}
}
