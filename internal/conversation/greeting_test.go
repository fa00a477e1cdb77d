package conversation

import (
	"strings"
	"testing"
	"unicode"

	"dingdong/internal/channel"
	"dingdong/internal/consent"
	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
	"dingdong/internal/staff"
)

// lines is about how many lines a text takes in a bubble of a phone, 36 letters wide;
// Chinese and Thai letters with their vowels are wider or narrower.
func lines(text string) (n int) {
	for paragraph := range strings.SplitSeq(text, "\n") {
		width := 0
		for _, r := range paragraph {
			switch {
			case unicode.Is(unicode.Han, r) || r > 0x3000 && r < 0x3100 || r > 0xff00:
				width += 2
			case !unicode.IsMark(r):
				width++
			}
		}
		n += max(1, (width+35)/36)
	}
	return n
}

// In every language the greeting is one bubble that can be read without scrolling, and
// says who we are, that a no costs nothing and how to stop.
func TestAGreetingFitsAPhone(t *testing.T) {
	d := dbtest.New(t)
	h := newHouse(t, d)
	h.write(h.Consent().EnsureShipped)
	h.read(func(tx *db.Tx) error {
		service, err := h.Consent().Purpose(tx, consent.Service)
		if err != nil {
			return err
		}
		for _, language := range staff.SpokenLanguages() {
			v := voice{phrases()[language], language}
			say, err := h.greetingOf(tx, v, hello{account: h.account, service: service, counter: "Rosée Xinyi", page: "https://counter.example/my/" + strings.Repeat("x", 90), identityID: "idn_x"})
			if err != nil {
				return err
			}
			if n := lines(say.text); n > 19 {
				t.Errorf("%s takes %d lines: %s", language, n, say.text)
			}
			if !strings.Contains(say.text, "Rosée") || !strings.Contains(say.text, "https://counter.example/my/") || strings.ContainsAny(say.text, "{}") || len(say.choices) != 3 {
				t.Errorf("%s: %s %v", language, say.text, say.choices)
			}
			stops := false
			for _, word := range strings.FieldsFunc(v.say("greet_ask"), func(r rune) bool { return strings.ContainsRune("“”「」«»", r) }) {
				stops = stops || shippedHints().of(exactly(word)) == hintStop
			}
			if !stops {
				t.Errorf("%s names no word that stops: %s", language, v.say("greet_ask"))
			}
		}
		return nil
	})
	// The group's own words are said, not ours for them.
	h.write(func(tx *db.Tx) error {
		p, err := h.Consent().Purpose(tx, consent.Service)
		if err != nil {
			return err
		}
		p.Texts["en"] = consent.Text{Title: "Our own", Body: "We are Rosée Ltd.\n\nAnd more."}
		say, err := h.greetingOf(tx, voice{phrases()["en"], "en"}, hello{account: h.account, service: p, counter: "c", page: "p", identityID: "idn_x"})
		if !strings.Contains(say.text, "We are Rosée Ltd.") || strings.Contains(say.text, "And more") || !strings.Contains(say.text, "May we write to you first") {
			t.Errorf("the group's words: %s", say.text)
		}
		return err
	})
}

// The buttons of the greeting are not pushed away by an offer of advisors.
func TestAnOfferWaitsForTheGreeting(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		yes := true
		h.write(h.Consent().EnsureShipped)
		h.write(func(tx *db.Tx) (err error) {
			for _, name := range []string{"Lan", "Siti"} {
				h.person(tx, staff.StaffForm{Name: name, Role: staff.Advisor, Counters: []string{h.counter}})
			}
			h.account, err = h.SaveAccount(tx, staff.System(), AccountForm{ID: h.account.ID, Channel: channel.LINE, Name: "Rosée", CounterID: h.counter, OfferChoice: &yes})
			return err
		})
		offers := func(want int, when string) {
			t.Helper()
			h.read(func(tx *db.Tx) error {
				var n int
				err := tx.QueryRow(`SELECT COUNT(*) FROM message WHERE client_key = 'offer'`).Scan(&n)
				if n != want {
					t.Errorf("%s: %d offers, want %d", when, n, want)
				}
				return err
			})
		}
		follow := says("Uann", 1, "")
		follow.Kind, follow.Body, follow.ExternalID = channel.Follow, channel.Body{}, ""
		h.receive(follow)
		offers(0, "she was greeted")
		tapped := says("Uann", 2, "")
		tapped.Kind, tapped.ExternalID, tapped.Body = channel.Postback, "", channel.Body{Type: channel.Button, Data: "dd:refuse:marketing:1:en"}
		h.receive(tapped)
		offers(1, "she answered")
		h.receive(says("Uann", 3, "hello"))
		offers(1, "she writes")
		follow = says("Uben", 4, "")
		follow.Kind, follow.Body, follow.ExternalID = channel.Follow, channel.Body{}, ""
		h.receive(follow)
		h.receive(says("Uben", 5, "hello"))
		offers(2, "she went on without an answer")
	})
}
