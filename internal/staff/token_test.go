package staff

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
)

func TestTokens(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		g := newGroup(t, d)
		var plain string
		var made Token
		write(t, d, func(tx *db.Tx) (err error) {
			plain, made, err = CreateToken(tx, g.adminViewer, " Till ", []string{ThreadsRead, MessagesWrite, ThreadsRead})
			return err
		})
		if !strings.HasPrefix(plain, "dd_") || len(plain) != 46 || made.Name != "Till" || len(made.Scopes) != 2 {
			t.Errorf("got %q, %+v", plain, made)
		}
		var found Token
		read(t, d, func(tx *db.Tx) (err error) {
			var stored string
			if err := tx.QueryRow(`SELECT token_hash FROM api_token WHERE id = $1`, made.ID).Scan(&stored); err != nil {
				return err
			}
			if stored == plain || strings.Contains(stored, plain[3:]) {
				t.Error("the token is stored as it is")
			}
			found, err = TokenBySecret(tx, plain)
			return err
		})
		v := found.Viewer()
		if v.ID != "token/"+made.ID || v.Name != "Till" || !v.Sees(g.southRose.ID) || len(v.Counters()) != 3 || !v.AnswersAt(g.northRose.ID) || v.May(ManageGroup) {
			t.Errorf("got %+v", v)
		}
		if !found.Has(ThreadsRead) || found.Has(EventsRead) || !found.TouchDue {
			t.Errorf("got %+v", found)
		}
		for _, wrong := range []string{"", "dd_", plain[:45], plain + "x", "xx_" + plain[3:], fingerprint(plain), "dd_" + strings.Repeat("A", 43)} {
			err := d.Read(t.Context(), func(tx *db.Tx) error {
				_, err := TokenBySecret(tx, wrong)
				return err
			})
			if !errors.Is(err, ErrBadToken) {
				t.Errorf("%q: %v", wrong, err)
			}
		}
		write(t, d, func(tx *db.Tx) error { return EndToken(tx, g.adminViewer, made.ID) })
		err := d.Write(t.Context(), func(tx *db.Tx) error {
			if _, err := TokenBySecret(tx, plain); !errors.Is(err, ErrBadToken) {
				t.Errorf("ended: %v", err)
			}
			return EndToken(tx, g.adminViewer, made.ID)
		})
		if !errors.Is(err, db.ErrNotFound) {
			t.Errorf("ended twice: %v", err)
		}
		read(t, d, func(tx *db.Tx) error {
			list, err := Tokens(tx)
			if len(list) != 1 || list[0].EndedAt.IsZero() || list[0].CreatedBy != g.admin.ID {
				t.Errorf("got %+v", list)
			}
			return err
		})
	})
}

func TestTokenForm(t *testing.T) {
	d := dbtest.New(t)
	cases := map[string]struct {
		name        string
		scopes      []string
		field, code string
	}{
		"no name":       {"", Scopes(), "name", "required"},
		"no scope":      {"x", nil, "scopes", "required"},
		"unknown scope": {"x", []string{ThreadsRead, "threads:write"}, "scopes", "unknown"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			invalid(t, d.Write(t.Context(), func(tx *db.Tx) error {
				_, _, err := CreateToken(tx, System(), c.name, c.scopes)
				return err
			}), c.field, c.code)
		})
	}
	if sorted := slices.Sorted(slices.Values(Scopes())); len(slices.Compact(sorted)) != len(Scopes()) {
		t.Error("a scope is missing or double")
	}
}

func TestTouchToken(t *testing.T) {
	eachFrozen(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		start := d.Now()
		var plain string
		write(t, d, func(tx *db.Tx) (err error) {
			plain, _, err = CreateToken(tx, System(), "x", Scopes())
			return err
		})
		for _, c := range []struct {
			after time.Duration
			due   bool
			used  time.Duration // since the start
		}{{time.Hour, true, time.Hour}, {59 * time.Second, false, time.Hour}, {time.Second, true, time.Hour + time.Minute}} {
			clock.Advance(c.after)
			write(t, d, func(tx *db.Tx) error {
				got, err := TokenBySecret(tx, plain)
				if err != nil {
					return err
				}
				if got.TouchDue != c.due {
					t.Errorf("due: %v", got.TouchDue)
				}
				if err := TouchToken(tx, got.ID); err != nil {
					return err
				}
				got, err = TokenBySecret(tx, plain)
				if used := got.UsedAt.Sub(start); used != c.used {
					t.Errorf("used after %v, want %v", used, c.used)
				}
				return err
			})
		}
	})
}
