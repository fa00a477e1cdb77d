package insight

import (
	"testing"

	"dingdong/internal/channel"
	"dingdong/internal/db"
	"dingdong/internal/event"
)

// What was read ahead is only used while it is still so.
func TestWhatWasReadAheadMayHaveChanged(t *testing.T) {
	for name, c := range map[string]struct {
		first  string // what she says
		second string // and then, in the same group
		change func(h *house)
		card   []string
	}{
		"nothing changed": {"", "I have sensitive skin", func(*house) {}, []string{"concern:sensitive <- I have sensitive skin"}},
		"the text": {"", "I have sensitive skin", func(h *house) { h.receive(2, "I have dry skin", edit) },
			[]string{"skin:dry <- I have dry skin"}},
		"it was taken back": {"", "I have sensitive skin", func(h *house) { h.receive(2, "", unsend) }, nil},
		"what said the same": {"I have sensitive skin", "yes, sensitive skin", func(h *house) { h.receive(1, "", unsend) },
			[]string{"concern:sensitive <- yes, sensitive skin"}},
		"it was erased": {"", "I have sensitive skin", func(h *house) {
			h.write(func(tx *db.Tx) error { _, err := tx.Exec(`DELETE FROM message`); return err })
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, h *house) {
				if c.first != "" {
					h.says(1, c.first)
				}
				h.receive(2, c.second, nil)
				h.lookAhead()
				c.change(h)
				for _, again := range []bool{false, true} { // the second time with what is new, as the house does
					h.eager = again
					h.react()
				}
				h.wantCard(c.card...)
			})
		})
	}
}

func edit(in *channel.Inbound)   { in.Kind, in.EventID = channel.Edit, "edit" }
func unsend(in *channel.Inbound) { in.Kind, in.EventID = channel.Unsend, "unsend" }

// A group with something taken back in it is concluded from as it comes: the one
// message proves what the other took away.
func TestTakenBackAndSaidAgainInOneGroup(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.says(1, "I have sensitive skin")
		h.receive(1, "", unsend)
		h.receive(2, "yes, sensitive skin", nil)
		h.react()
		h.wantCard("concern:sensitive <- yes, sensitive skin")
	})
}

// Who says a thing ten times in a conversation has said it once.
func TestWhatIsKnownIsOnlyMentioned(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.says(1, "I have sensitive skin")
		h.says(2, "I have sensitive skin, as I said")
		h.wantCard("concern:sensitive <- I have sensitive skin")
		if got := h.mentions(); len(got) != 2 {
			t.Errorf("%q", got)
		}
		var news int
		h.read(func(tx *db.Tx) error {
			events, err := event.After(tx, 0, 100)
			for _, e := range events {
				if e.Data["what"] == WhatMention {
					news++
				}
			}
			return err
		})
		if news != 1 {
			t.Errorf("%d of the mention alone", news)
		}
	})
}

// A message that is damaged in the store fails alone: the ones beside it are read.
func TestADamagedMessageFailsAlone(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.receive(1, "I have dry skin", nil)
		h.receive(2, "I have sensitive skin", nil)
		h.write(func(tx *db.Tx) error {
			_, err := tx.Exec(`UPDATE message SET body = $1 WHERE external_id = 'ext-1'`, []byte("damaged"))
			return err
		})
		failed, passed := 0, 0
		c := event.Consumer{Tally: "react", Group: 10, React: h.React, Ahead: h.Ahead,
			Aside: func(_ *db.Tx, _ event.Event, _ error) error { failed++; return nil }}
		for stands := event.Moved; stands != event.Idle && passed < 50; passed++ {
			var err error
			stands, err = c.Step(t.Context(), h.db)
			check(t, err)
		}
		if failed != 1 {
			t.Errorf("%d were set aside, want 1", failed)
		}
		h.wantCard("concern:sensitive <- I have sensitive skin")
	})
}
