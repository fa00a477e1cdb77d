package conversation

import (
	"strings"
	"testing"
	"time"

	"dingdong/internal/channel"
	"dingdong/internal/consent"
	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
	"dingdong/internal/staff"
)

// Her profile may come between a question and her answer to it: the answer stays in the
// language of the question, and the next question is in hers.
func TestAnAnswerIsInTheLanguageOfItsQuestion(t *testing.T) {
	clock := dbtest.NewClock(monday)
	dbtest.EachAt(t, clock, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		h.write(h.Consent().EnsureShipped)
		h.follows("comes", channel.Follow, false)
		thread := h.only(h.mei)
		last := func() Message {
			all := h.said(thread.ID)
			return all[len(all)-1]
		}
		in := func(m Message, language, key string) {
			t.Helper()
			// What stands before the link tells the sentences of two languages apart.
			if want, _, _ := strings.Cut(phrases()[language][key], "{"); want == "" || !strings.HasPrefix(m.Body.Text, want) {
				t.Errorf("she reads %q, not %s in %s", m.Body.Text, key, language)
			}
		}
		speaks := func(language string) {
			h.write(func(tx *db.Tx) error {
				var identity string
				if err := tx.QueryRow(`SELECT id FROM identity WHERE customer_id = $1`, thread.CustomerID).Scan(&identity); err != nil {
					return err
				}
				return h.Book.SetProfile(tx, customer.Profile{IdentityID: identity, Name: "Amy", Language: language})
			})
		}
		greeting := last()
		if !strings.Contains(data(greeting, 0), ":zh-TW") {
			t.Fatalf("the store's first words: %+v", greeting.Body)
		}
		speaks("en")
		clock.Advance(time.Minute)
		h.taps("no", data(greeting, 1))
		in(last(), "zh-Hant", "refused")
		clock.Advance(time.Minute)
		h.taps("yes after all", data(greeting, 0))
		in(last(), "zh-Hant", "agreed")

		// What she asks herself is answered in her language, and so is what follows from it.
		clock.Advance(time.Minute)
		h.taps("stop", DataStop)
		in(last(), "en", "stopped")
		stopped := last()
		speaks("th")
		clock.Advance(time.Minute)
		h.taps("undo", data(stopped, 0))
		in(last(), "en", "undone")
		clock.Advance(time.Minute)
		h.taps("stop again", DataStop)
		in(last(), "th", "stopped")

		// The group asks in English only: around its text she reads her language, and the answer is in that.
		h.write(func(tx *db.Tx) error {
			p, err := h.Consent().Purpose(tx, consent.Marketing)
			if err != nil {
				return err
			}
			_, err = h.Consent().SavePurpose(tx, staff.System(), consent.PurposeForm{Name: p.Name, Position: p.Position, Anew: true,
				Texts: map[string]consent.Text{"en": {Title: "Letters", Body: "May we write letters?"}}})
			return err
		})
		clock.Advance(time.Minute)
		again := says("U1", 90, "重新訂閱")
		again.At = clock.Now()
		h.receive(again)
		question := last()
		if !strings.Contains(question.Body.Text, "letters") || question.Body.Choices[0].Label != phrases()["th"]["agree"] {
			t.Fatalf("the question: %+v", question.Body)
		}
		h.taps("yes", data(question, 0))
		in(last(), "th", "agreed")

		// A button that somebody made up changes nothing about it.
		for _, language := range []string{"tlh", "", "../../etc", strings.Repeat("x", 90)} {
			clock.Advance(time.Minute)
			h.taps("made up "+language, ours+"refuse:marketing:2:"+language)
			if text := last().Body.Text; strings.Contains(text, "{") {
				t.Errorf("%q: she reads %q", language, text)
			}
		}
	})
}
