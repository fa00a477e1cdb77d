package webhook

import (
	"errors"
	"strings"
	"testing"
	"time"

	"dingdong/internal/conversation"
	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
	"dingdong/internal/event"
	"dingdong/internal/staff"
)

func TestBothSecretsSignForAWhile(t *testing.T) {
	clock := dbtest.NewClock(morning)
	dbtest.EachAt(t, clock, func(t *testing.T, d *db.DB) {
		h, r := newHouse(t, d, clock), newReceiver(t, ok)
		e, first := h.add(r.URL)
		h.work()
		sent := func() got {
			t.Helper()
			n := len(r.taken())
			h.happen(event.MessageReceived, 1)
			h.until("it is sent", func() bool { return len(r.taken()) > n })
			return r.taken()[n]
		}
		renew := func(overlap time.Duration) string {
			t.Helper()
			var secret string
			h.write(func(tx *db.Tx) (err error) {
				e, secret, err = h.Renew(tx, staff.System(), Renewal{ID: e.ID, Overlap: overlap})
				return err
			})
			return secret
		}
		signedBy := func(c got, secrets ...string) {
			t.Helper()
			for _, secret := range secrets {
				if err := verify(c, secret); err != nil {
					t.Error(err)
				}
			}
			if n := len(strings.Fields(c.header.Get("webhook-signature"))); n != len(secrets) {
				t.Errorf("%d signatures, want %d", n, len(secrets))
			}
		}
		signedBy(sent(), first)
		second := renew(0)
		if !e.OldSecretUntil.Equal(clock.Now().Add(conversation.SecretOverlap)) {
			t.Errorf("the old one counts until %v", e.OldSecretUntil)
		}
		signedBy(sent(), second, first)
		clock.Advance(conversation.SecretOverlap)
		signedBy(sent(), second)
		h.write(SweepSecrets)
		third := renew(time.Hour)
		signedBy(sent(), third, second)
		h.write(func(tx *db.Tx) error { return h.EndOldSecret(tx, staff.System(), e.ID) })
		signedBy(sent(), third)
		fourth := renew(-1)
		signedBy(sent(), fourth)

		for name, c := range map[string]struct {
			do   func(tx *db.Tx) error
			want error
		}{
			"ended twice":  {func(tx *db.Tx) error { return h.EndOldSecret(tx, staff.System(), e.ID) }, db.ErrNotFound},
			"of nobody":    {func(tx *db.Tx) error { _, _, err := h.Renew(tx, staff.System(), Renewal{ID: "end_0"}); return err }, db.ErrNotFound},
			"by anybody":   {func(tx *db.Tx) error { _, _, err := h.Renew(tx, staff.Viewer{}, Renewal{ID: e.ID}); return err }, staff.ErrForbidden},
			"ended by any": {func(tx *db.Tx) error { return h.EndOldSecret(tx, staff.Viewer{}, e.ID) }, staff.ErrForbidden},
			"for ever": {func(tx *db.Tx) error {
				_, _, err := h.Renew(tx, staff.System(), Renewal{ID: e.ID, Overlap: conversation.MaxOverlap + 1})
				return err
			}, db.Invalid{Field: "overlap", Code: "too_long"}},
		} {
			if err := d.Write(t.Context(), c.do); !errors.Is(err, c.want) {
				t.Errorf("%s: %v, want %v", name, err, c.want)
			}
		}
	})
}
