package conversation

import (
	"errors"
	"testing"
	"time"

	"dingdong/internal/channel"
	"dingdong/internal/consent"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

func TestABlockNamesWhatWentBefore(t *testing.T) {
	talks(t, func(t *testing.T, h *talk) {
		h.agrees(consent.Granted)
		old := h.sends(Draft{Purpose: consent.Marketing, Kind: "old", Author: AuthorStaff, AuthorID: h.mei.ID})
		h.becomes(old, StatusSent, "")
		h.clock.Advance(8 * 24 * time.Hour)
		near := h.sends(Draft{Purpose: consent.Marketing, Kind: "near", Author: AuthorStaff, AuthorID: h.mei.ID})
		h.becomes(near, StatusSent, "")
		h.sends(Draft{Purpose: consent.Sharing, Kind: "refused"})
		h.clock.Advance(time.Hour)
		h.follows("block", channel.Unfollow, false)
		h.follows("block", channel.Unfollow, false)
		h.clock.Advance(time.Hour)

		blocks := func(v staff.Viewer, f BlockFilter) (list []Block, more bool, err error) {
			err = h.DB.Read(t.Context(), func(tx *db.Tx) error { list, more, err = h.Blocks(tx, v, f); return err })
			return list, more, err
		}
		list, more, err := blocks(h.manager, BlockFilter{})
		if err != nil || more || len(list) != 1 {
			t.Fatalf("%d blocks, more %v, %v", len(list), more, err)
		}
		b := list[0]
		if b.CustomerID != h.thread.CustomerID || b.AdvisorID != h.mei.ID || b.Back || len(b.Sent) != 1 {
			t.Fatalf("%+v", b)
		}
		if s := b.Sent[0]; s.MessageID != near.ID || s.Purpose != consent.Marketing || s.Kind != "near" || s.ByName != "Mei" {
			t.Errorf("%+v", s)
		}
		if list, _, err := blocks(h.manager, BlockFilter{Before: b.ID}); err != nil || len(list) != 0 {
			t.Errorf("after the last one: %v, %v", list, err)
		}
		if _, _, err := blocks(h.manager, BlockFilter{Before: near.ID}); !errors.Is(err, db.ErrNotFound) {
			t.Errorf("after something else: %v", err)
		}
		for _, v := range []staff.Viewer{h.mei, h.marketing, h.officer} {
			if _, _, err := blocks(v, BlockFilter{}); !errors.Is(err, staff.ErrForbidden) {
				t.Errorf("%s: %v", v.Name, err)
			}
		}
		h.read(func(tx *db.Tx) error {
			months, err := h.BlockMonths(tx, h.manager, 6, time.UTC)
			if len(months) != 6 || months[0].Count != 1 || months[1].Count != 0 {
				t.Errorf("by month: %+v", months)
			}
			return err
		})
		h.follows("back", channel.Follow, true)
		if list, _, _ := blocks(h.manager, BlockFilter{}); len(list) != 1 || !list[0].Back {
			t.Errorf("she came back: %+v", list)
		}
	})
}

// One account may serve several counters: what any of them said may have led to a block.
func TestABlockNamesWhatOtherCountersSaid(t *testing.T) {
	talks(t, func(t *testing.T, h *talk) {
		var there place
		h.write(func(tx *db.Tx) (err error) {
			there, err = h.placeOf(tx, h.account, h.identity().ID, h.other)
			return err
		})
		var said Message
		h.write(func(tx *db.Tx) (err error) {
			said, err = h.Send(tx, Draft{ThreadID: there.threadID, Author: AuthorStaff, AuthorID: h.foreign.ID, Body: channel.Body{Type: channel.Text, Text: "new at Lumi"}})
			return err
		})
		h.becomes(said, StatusSent, "")
		h.clock.Advance(time.Hour)
		h.follows("block", channel.Unfollow, false)
		var elsewhere staff.Viewer
		h.write(func(tx *db.Tx) error {
			elsewhere = h.person(tx, staff.StaffForm{Name: "Ivy", Role: staff.Manager, Counters: []string{h.counter}})
			return nil
		})
		h.read(func(tx *db.Tx) error {
			list, _, err := h.Blocks(tx, h.manager, BlockFilter{})
			if err != nil || len(list) != 1 || len(list[0].Sent) != 1 || list[0].Sent[0].ByName != "Fang" {
				t.Errorf("who sees both counters: %+v, %v", list, err)
			}
			list, _, err = h.Blocks(tx, elsewhere, BlockFilter{})
			if err != nil || len(list) != 1 || len(list[0].Sent) != 0 {
				t.Errorf("who sees one: %+v, %v", list, err)
			}
			return nil
		})
	})
}
