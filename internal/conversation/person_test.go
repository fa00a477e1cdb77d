package conversation

import (
	"errors"
	"slices"
	"testing"

	"dingdong/internal/channel"
	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
	"dingdong/internal/staff"
)

func TestVisible(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		h.receive(says("U1", 1, "hello"))
		kept := h.only(h.mei).CustomerID
		var lost customer.Identity
		h.write(func(tx *db.Tx) (err error) {
			lost, err = h.Book.Meet(tx, customer.NewPeer{AccountID: h.account.ID, Peer: channel.Peer{ID: "U2"}})
			return err
		})
		see := func(v staff.Viewer, id string) (person string, err error) {
			h.read(func(tx *db.Tx) error {
				person, err = h.Visible(tx, v, id)
				return nil
			})
			return person, err
		}
		pending := h.mei
		pending.MustChange = true
		for name, c := range map[string]struct {
			v     staff.Viewer
			id    string
			found bool
		}{
			"her advisor":                      {h.mei, kept, true},
			"her manager":                      {h.manager, kept, true},
			"the privacy officer":              {h.officer, kept, true},
			"a program":                        {staff.Machine("x"), kept, true},
			"another counter":                  {h.foreign, kept, false},
			"marketing":                        {h.marketing, kept, false},
			"nobody":                           {staff.Viewer{}, kept, false},
			"with a password to change":        {pending, kept, false},
			"no such customer":                 {h.officer, "cus_none", false},
			"who has no thread":                {h.mei, lost.CustomerID, false},
			"who has no thread, for a program": {staff.Machine("x"), lost.CustomerID, true},
		} {
			person, err := see(c.v, c.id)
			if c.found && (err != nil || person != c.id) || !c.found && (!errors.Is(err, db.ErrNotFound) || person != "") {
				t.Errorf("%s: %q, %v", name, person, err)
			}
		}

		h.write(func(tx *db.Tx) error {
			_, err := tx.Exec(`UPDATE customer SET person_id = $1 WHERE id = $2`, kept, lost.CustomerID)
			return err
		})
		if person, err := see(h.mei, lost.CustomerID); err != nil || person != kept {
			t.Errorf("merged: %q, %v", person, err)
		}
		if _, err := see(h.foreign, lost.CustomerID); !errors.Is(err, db.ErrNotFound) {
			t.Errorf("merged, from another counter: %v", err)
		}
		var note customer.Note
		h.write(func(tx *db.Tx) (err error) {
			note, err = h.Book.AddNote(tx, h.mei, customer.NoteForm{CustomerID: lost.CustomerID, CounterID: h.counter, Body: "likes musk"})
			return err
		})
		h.read(func(tx *db.Tx) error {
			if person, err := h.VisibleRow(tx, h.mei, note.ID); err != nil || person != kept {
				t.Errorf("a note of the merged: %q, %v", person, err)
			}
			for _, id := range []string{"", "not_none", "cus_1", "not_\x00"} {
				if _, err := h.VisibleRow(tx, h.officer, id); !errors.Is(err, db.ErrNotFound) {
					t.Errorf("row %q: %v", id, err)
				}
			}
			if _, err := h.VisibleRow(tx, h.foreign, note.ID); !errors.Is(err, db.ErrNotFound) {
				t.Errorf("a note, from another counter: %v", err)
			}
			return nil
		})
		h.read(func(tx *db.Tx) error {
			records, err := h.Book.Records(tx, kept)
			if !slices.Equal(records, []string{kept, lost.CustomerID}) {
				t.Errorf("records: %q", records)
			}
			return err
		})
	})
}
