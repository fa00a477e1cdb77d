package conversation

import (
	"fmt"
	"slices"
	"testing"

	"dingdong/internal/channel"
	"dingdong/internal/consent"
	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
)

// TestManyLettersAtOnce: what is said to many together goes, waits or is refused as if it
// were said to each alone, is answered for in its order, and is not said twice.
func TestManyLettersAtOnce(t *testing.T) {
	clock := dbtest.NewClock(monday)
	dbtest.EachAt(t, clock, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		h.write(func(tx *db.Tx) error { return h.Consent().EnsureShipped(tx) })
		threads := map[string]string{}
		for _, who := range []string{"yes", "no", "gone", "silent"} {
			in := says("U-"+who, 0, "hello")
			in.At = clock.Now()
			h.receive(in)
			h.write(func(tx *db.Tx) error {
				var customer, thread string
				if err := tx.QueryRow(`SELECT t.customer_id, t.id FROM thread t JOIN identity i ON i.id = t.identity_id ORDER BY t.id DESC LIMIT 1`).
					Scan(&customer, &thread); err != nil {
					return err
				}
				threads[who] = thread
				state := map[string]consent.State{"yes": consent.Granted, "no": consent.Withdrawn, "gone": consent.Granted}[who]
				if state == "" {
					return nil
				}
				_, err := h.Consent().Record(tx, consent.Entry{Customer: customer, Purpose: consent.Marketing, State: state, How: consent.HowPage})
				return err
			})
		}
		h.receive(channel.Inbound{EventID: "bye", Kind: channel.Unfollow, At: clock.Now(), Peer: channel.Peer{Type: channel.Person, ID: "U-gone"}})

		news := func(who, text string) Draft {
			return Draft{ThreadID: threads[who], Author: AuthorAutomation, AuthorID: "campaign", Purpose: consent.Marketing, ClientKey: text + who,
				Body: channel.Body{Type: channel.Text, Text: text}}
		}
		answer := news("silent", "here I am")
		answer.Purpose = consent.Service
		drafts := []Draft{news("yes", "first"), news("no", "first"), news("gone", "first"), answer, news("silent", "first"), news("yes", "second"), news("yes", "first")}
		want := []string{"queued ", "refused stopped", "refused blocked", "queued ", "refused no_consent", "planned ", "queued "}
		var before []string
		for range 2 {
			var got, ids []string
			h.write(func(tx *db.Tx) error {
				sent, err := h.SendAll(tx, drafts)
				for _, m := range sent {
					got, ids = append(got, fmt.Sprint(m.Status, " ", m.Failure)), append(ids, m.ID)
				}
				return err
			})
			if !slices.Equal(got, want) {
				t.Fatalf("they are %q, want %q", got, want)
			}
			if ids[0] != ids[6] || before != nil && !slices.Equal(ids, before) {
				t.Errorf("said again they are %q, first %q", ids, before)
			}
			before = ids
		}
		var said, places int
		h.read(func(tx *db.Tx) error {
			return tx.QueryRow(`SELECT (SELECT COUNT(*) FROM message WHERE author = 'automation' AND author_id = 'campaign'), (SELECT COUNT(*) FROM contact_place)`).Scan(&said, &places)
		})
		if said != 6 || places != 2 {
			t.Errorf("%d messages and %d places, want 6 and 2", said, places)
		}
		// One that cannot be said keeps all from being said.
		wrong := news("silent", "third")
		wrong.Body.Text = " "
		err := h.DB.Write(t.Context(), func(tx *db.Tx) error {
			_, err := h.SendAll(tx, []Draft{news("yes", "third"), wrong})
			return err
		})
		if want := (db.Invalid{Field: "text", Code: "required"}); err != want {
			t.Errorf("an empty text: %v", err)
		}
	})
}
