package staff

import (
	"errors"
	"testing"

	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
)

func TestEndSessionOf(t *testing.T) {
	d := dbtest.New(t)
	g := newGroup(t, d)
	mei := withPassword(t, d, "mei@example.com")
	token, hers := signIn(t, d, Credentials{Email: mei.Email, Password: quiet})
	end := func(v Viewer, staffID string) error {
		return d.Write(t.Context(), func(tx *db.Tx) error { return EndSessionOf(tx, v, staffID, hers.Session) })
	}
	if err := end(hers, mei.ID); !errors.Is(err, ErrForbidden) {
		t.Errorf("an advisor ends a session by this door: %v", err)
	}
	if err := end(g.adminViewer, g.adminViewer.ID); !errors.Is(err, db.ErrNotFound) {
		t.Errorf("under another name: %v", err)
	}
	if err := end(g.adminViewer, mei.ID); err != nil {
		t.Fatal(err)
	}
	err := d.Read(t.Context(), func(tx *db.Tx) error {
		_, err := ViewerBySession(tx, token)
		return err
	})
	if !errors.Is(err, ErrSignedOut) {
		t.Errorf("the session goes on: %v", err)
	}
	if last := lastAudited(t, d); last.Action != "session_ended" || last.Actor != g.adminViewer.ID || last.Detail != mei.ID {
		t.Errorf("audited as %+v", last)
	}
}
