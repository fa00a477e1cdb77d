package conversation

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"dingdong/internal/channel"
	"dingdong/internal/consent"
	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/vault"
)

func (h *house) page(identity string, asked bool) string {
	h.t.Helper()
	_, token, found := strings.Cut(h.PageURL(identity, asked, h.DB.Now()), "/my/")
	if !found {
		h.t.Fatal("no link")
	}
	return token
}

func (h *house) own(token string) (o Own, err error) {
	err = h.DB.Read(context.Background(), func(tx *db.Tx) (err error) {
		o, err = h.OpenPage(tx, token)
		return err
	})
	return o, err
}

func (h *talk) identity() customer.Identity {
	h.t.Helper()
	var all []customer.Identity
	h.read(func(tx *db.Tx) (err error) {
		all, err = h.Book.Identities(tx, h.thread.CustomerID)
		return err
	})
	return all[0]
}

func TestALinkIsHersAndEnds(t *testing.T) {
	talks(t, func(t *testing.T, h *talk) {
		id := h.identity().ID
		asked, plain := h.page(id, true), h.page(id, false)
		o, err := h.own(asked)
		if err != nil || !o.Fresh || o.PersonID != h.thread.CustomerID || o.Account.ID != h.account.ID || o.Counter != h.counter || o.Language != "zh-Hant" {
			t.Fatalf("%+v, %v", o, err)
		}
		if o, err := h.own(plain); err != nil || o.Fresh {
			t.Errorf("a link that came by itself: fresh %v, %v", o.Fresh, err)
		}
		other := h.Vault.Sign("another.label", []byte(`{"i":"`+id+`"}`), h.clock.Now().Add(time.Hour))
		nobody := h.Vault.Sign(labelPage, []byte(`{"i":"idn_nobody"}`), h.clock.Now().Add(time.Hour))
		for name, token := range map[string]string{"nothing": "", "nonsense": "abc", "cut": asked[:len(asked)-2], "longer": asked + "AA", "huge": strings.Repeat("A", 9000),
			"a byte changed": "B" + asked[1:], "another's label": other} {
			if _, err := h.own(token); !errors.Is(err, vault.ErrForged) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := h.own(nobody); !errors.Is(err, db.ErrNotFound) {
			t.Errorf("nobody's: %v", err)
		}
		h.clock.Advance(PageFresh)
		if o, err := h.own(asked); err != nil || o.Fresh {
			t.Errorf("half an hour later it is fresh: %v, %v", o.Fresh, err)
		}
		h.clock.Advance(PageLasts)
		if _, err := h.own(asked); !errors.Is(err, vault.ErrExpired) {
			t.Errorf("a month later: %v", err)
		}
	})
}

func TestSheStopsOnHerPage(t *testing.T) {
	talks(t, func(t *testing.T, h *talk) {
		h.agrees(consent.Granted)
		planned := h.sends(Draft{Purpose: consent.Marketing, NotBefore: h.clock.Now().Add(24 * time.Hour)})
		h.clock.Advance(time.Minute)
		stop := func() {
			t.Helper()
			h.write(func(tx *db.Tx) error {
				o, err := h.OpenPage(tx, h.page(h.identity().ID, false))
				if err != nil {
					return err
				}
				return h.StopFromPage(tx, o)
			})
		}
		stop()
		stop()
		h.becomes(planned, StatusRefused, consent.Stopped)
		said := h.said(h.thread.ID)
		if len(said) != 1 || len(said[0].Body.Choices) != 1 {
			t.Fatalf("her chat hears %+v", said)
		}
		if s := h.stands(h.thread.CustomerID, consent.Marketing); s.Entry.How != consent.HowPage {
			t.Errorf("%+v", s)
		}
		h.clock.Advance(time.Minute)
		h.taps("undo", data(said[0], 0))
		if s := h.stands(h.thread.CustomerID, consent.Marketing); !s.Allowed() {
			t.Errorf("undone: %+v", s)
		}
	})
}

func TestALinkTakesAwayAndOnlySheGives(t *testing.T) {
	talks(t, func(t *testing.T, h *talk) {
		h.agrees(consent.Granted)
		h.clock.Advance(time.Minute)
		change := func(fresh bool, c PageChange) (asked bool, err error) {
			err = h.DB.Write(t.Context(), func(tx *db.Tx) error {
				o, err := h.OpenPage(tx, h.page(h.identity().ID, fresh))
				if err != nil {
					return err
				}
				asked, err = h.ChangeFromPage(tx, o, c)
				return err
			})
			h.clock.Advance(time.Minute)
			return asked, err
		}
		// Whoever holds the link takes away, and her chat hears of it.
		if asked, err := change(false, PageChange{Purpose: consent.Marketing}); asked || err != nil {
			t.Fatal(asked, err)
		}
		if s := h.stands(h.thread.CustomerID, consent.Marketing); s.State != consent.Withdrawn || len(h.said(h.thread.ID)) != 1 {
			t.Errorf("%+v, %d messages", s, len(h.said(h.thread.ID)))
		}
		// To give needs her chat.
		if asked, err := change(false, PageChange{Purpose: consent.Profiling, Allow: true, Version: 1}); !asked || err != nil {
			t.Error(asked, err)
		}
		if s := h.stands(h.thread.CustomerID, consent.Profiling); s.State != "" {
			t.Errorf("a forwarded link agreed: %+v", s)
		}
		said := h.said(h.thread.ID)
		h.taps("agree", data(said[len(said)-1], 0))
		if s := h.stands(h.thread.CustomerID, consent.Profiling); !s.Allowed() {
			t.Errorf("%+v", s)
		}
		// She herself, from her chat, needs no question.
		n := len(h.said(h.thread.ID))
		if asked, err := change(true, PageChange{Purpose: consent.Marketing, Allow: true, Version: 1}); asked || err != nil {
			t.Error(asked, err)
		}
		if s := h.stands(h.thread.CustomerID, consent.Marketing); !s.Allowed() || s.Entry.How != consent.HowPage || len(h.said(h.thread.ID)) != n {
			t.Errorf("%+v", s)
		}
		// On one account only.
		if _, err := change(true, PageChange{Purpose: consent.Marketing, Account: h.account.ID}); err != nil {
			t.Error(err)
		}
		h.read(func(tx *db.Tx) error {
			may, err := h.Consent().May(tx, h.thread.CustomerID, consent.Marketing, h.account.ID)
			elsewhere, err2 := h.Consent().May(tx, h.thread.CustomerID, consent.Marketing, "acc_other")
			if may || !elsewhere {
				t.Errorf("here %v, elsewhere %v", may, elsewhere)
			}
			return errors.Join(err, err2)
		})
		for name, c := range map[string]PageChange{
			"service": {Purpose: consent.Service}, "service, on": {Purpose: consent.Service, Allow: true}, "nothing known": {Purpose: "nothing"},
			"a version to come": {Purpose: consent.Sharing, Allow: true, Version: 9},
		} {
			for _, fresh := range []bool{true, false} {
				if _, err := change(fresh, c); err == nil && !(name == "a version to come" && !fresh) {
					t.Errorf("%s was accepted (fresh %v)", name, fresh)
				}
			}
		}
	})
}

func TestDataIsAskedForInHerChat(t *testing.T) {
	talks(t, func(t *testing.T, h *talk) {
		asks := func(what string) error {
			return h.DB.Write(t.Context(), func(tx *db.Tx) error {
				o, err := h.OpenPage(tx, h.page(h.identity().ID, false))
				if err != nil {
					return err
				}
				return h.AskInChat(tx, o, what)
			})
		}
		jobs := func() (out []string) {
			h.read(func(tx *db.Tx) error {
				rows, err := tx.Query(`SELECT args FROM job WHERE kind = $1 ORDER BY id`, JobAsked)
				if err != nil {
					return err
				}
				defer rows.Close()
				for rows.Next() {
					var args string
					check(t, rows.Scan(&args))
					out = append(out, args)
				}
				return rows.Err()
			})
			return out
		}
		if err := asks("everything"); err == nil {
			t.Error("asked for everything")
		}
		check(t, asks(AskedErase))
		if len(jobs()) != 0 {
			t.Fatal("a link was enough")
		}
		said := h.said(h.thread.ID)
		for _, event := range []string{"yes", "yes", "yes again"} {
			h.taps(event, data(said[0], 0))
		}
		if got := jobs(); len(got) != 1 || !strings.Contains(got[0], h.thread.CustomerID) || !strings.Contains(got[0], `"erase"`) {
			t.Errorf("asked: %q", got)
		}
		h.taps("page", DataOwn)
		all := h.said(h.thread.ID)
		_, token, _ := strings.Cut(all[len(all)-1].Body.Text, "/my/")
		if o, err := h.own(token); err != nil || !o.Fresh {
			t.Errorf("the link of the button: %v, %v", o.Fresh, err)
		}
	})
}

// Her page may be opened with a link of a channel that she left since. Her advisor goes on
// answering where she is.
func TestALinkOfAChannelSheLeftMovesNothing(t *testing.T) {
	talks(t, func(t *testing.T, h *talk) {
		old := h.identity()
		in := says("U2", 1, "me, on my new phone")
		in.At = h.clock.Now()
		h.receive(in)
		var there customer.Identity
		h.read(func(tx *db.Tx) (err error) { there, err = h.Book.Find(tx, h.account.ID, "U2"); return err })
		h.joined(h.thread.CustomerID, there.CustomerID)
		h.receive(channel.Inbound{EventID: "block", Kind: channel.Unfollow, At: h.clock.Now(), Peer: channel.Peer{Type: channel.Person, ID: "U1"}})
		h.agrees(consent.Granted)
		h.clock.Advance(time.Minute)
		h.write(func(tx *db.Tx) error {
			o, err := h.OpenPage(tx, h.page(old.ID, false))
			if err != nil {
				return err
			}
			return h.StopFromPage(tx, o)
		})
		if s := h.stands(h.thread.CustomerID, consent.Marketing); s.State != consent.Withdrawn {
			t.Errorf("she stands at %+v", s)
		}
		if m := h.sends(Draft{Author: AuthorStaff, AuthorID: h.mei.ID}); m.Failure != "" || m.IdentityID != there.ID {
			t.Errorf("her advisor's words are %s (%s) for %s", m.Status, m.Failure, m.IdentityID)
		}
		if said := h.said(h.thread.ID); len(said) != 1 || said[0].IdentityID != there.ID || said[0].Status == StatusRefused {
			t.Errorf("her chat hears %+v", said)
		}
	})
}
