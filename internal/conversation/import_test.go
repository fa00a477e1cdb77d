package conversation

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/jpeg"
	"testing"
	"time"

	"dingdong/internal/channel"
	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
	"dingdong/internal/staff"
)

func TestImportGivesAPastItsPlace(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		h.receive(says("U1", 0, "one"), says("U1", 120, "three"), says("U1", 240, "five"))
		thread := h.only(h.mei)
		answer := func(n int, text, event string) {
			h.write(func(tx *db.Tx) error {
				return h.Import(tx, Past{ThreadID: thread.ID, Author: AuthorStaff, AuthorID: h.mei.ID, EventID: event,
					At: base.Add(time.Duration(n) * time.Second), Body: channel.Body{Type: channel.Text, Text: text}})
			})
		}
		answer(180, "four", "a") // in any order, and twice
		answer(60, "two", "b")
		answer(60, "two", "b")
		got := h.texts(h.mei, thread.ID)
		want := []string{"one", "two", "three", "four", "five"}
		for i := range want {
			if len(got) != 5 || got[i] != want[i] {
				t.Fatalf("got %q, want %q", got, want)
			}
		}
		thread = h.only(h.mei)
		if thread.Unread != 1 || !thread.WaitingSince.Equal(base.Add(240*time.Second)) || thread.AssigneeID != h.mei.ID || thread.Last.Body.Text != "five" || !thread.CreatedAt.Equal(base) {
			t.Errorf("thread: %+v", thread)
		}
		answer(300, "six", "c")
		if thread = h.only(h.mei); thread.Unread != 0 || !thread.WaitingSince.IsZero() || thread.Last.Status != StatusSent {
			t.Errorf("answered: %+v", thread)
		}
		n := 0
		h.read(func(tx *db.Tx) error {
			return tx.QueryRow(`SELECT COUNT(*) FROM job WHERE kind = $1`, JobDeliver).Scan(&n)
		})
		if n != 0 {
			t.Error("a past message is being sent")
		}
		err := d.Write(context.Background(), func(tx *db.Tx) error {
			return h.Import(tx, Past{ThreadID: thread.ID, Author: AuthorStaff, At: tx.Now.Add(time.Hour)})
		})
		if !errors.As(err, new(db.Invalid)) {
			t.Errorf("a message of tomorrow: %v", err)
		}
	})
}

func TestImportOfActsAndFiles(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		h.receive(says("U1", 0, "one"))
		var thread Thread
		h.read(func(tx *db.Tx) (err error) {
			thread, err = h.ThreadWith(tx, staff.System(), h.account, "U1")
			return err
		})
		var picture bytes.Buffer
		check(t, jpeg.Encode(&picture, image.NewGray(image.Rect(0, 0, 30, 20)), nil))
		up, err := h.KeepPast(context.Background(), PastFile{ThreadID: thread.ID, Name: "a.jpg", From: &picture})
		check(t, err)
		at := base.Add(time.Minute)
		h.write(func(tx *db.Tx) error {
			return errors.Join(
				h.Import(tx, Past{ThreadID: thread.ID, Author: AuthorCustomer, At: at, Body: channel.Body{Type: channel.Image}, Upload: up}),
				h.ImportAct(tx, PastAct{ThreadID: thread.ID, By: h.manager.ID, To: h.mei.ID, Act: ActTransferred, Note: "likes rose", At: at}),
			)
		})
		got := h.only(h.mei)
		if got.Unread != 2 || got.AssigneeID != h.mei.ID || got.Last.Type != channel.Image || got.Last.MediaState != MediaReady {
			t.Errorf("thread: %+v", got)
		}
		c, err := h.ContentFor(context.Background(), h.mei, got.Last.ID, true)
		check(t, err)
		check(t, c.Close())
		h.write(func(tx *db.Tx) error {
			return h.ImportAct(tx, PastAct{ThreadID: thread.ID, By: h.mei.ID, Act: ActClosed, At: at.Add(time.Second)})
		})
		if got = h.only(h.mei); !got.Closed || got.Unread != 0 {
			t.Errorf("closed: %+v", got)
		}
		h.read(func(tx *db.Tx) error {
			notes, err := h.Notes(tx, h.mei, thread.ID, base)
			if len(notes) != 2 || notes[0].Text != "likes rose" || !notes[0].At.Equal(at) {
				t.Errorf("notes: %+v", notes)
			}
			return err
		})
	})
}
