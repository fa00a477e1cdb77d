package conversation

import (
	"testing"
	"time"

	"dingdong/internal/channel"
	"dingdong/internal/channel/line/linefake"
	"dingdong/internal/consent"
	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
	"dingdong/internal/staff"
)

// monday is eleven o'clock in Taipei, on a day like others.
var monday = time.Date(2026, 11, 23, 3, 0, 0, 0, time.UTC)

// talk is a house with one customer, who wrote long ago.
type talk struct {
	*courierHouse
	clock  *dbtest.Clock
	thread Thread
}

func talks(t *testing.T, test func(t *testing.T, h *talk)) {
	t.Helper()
	clock := dbtest.NewClock(monday)
	dbtest.EachAt(t, clock, func(t *testing.T, d *db.DB) {
		h := &talk{courierHouse: newCourierHouse(t, d, linefake.Options{}), clock: clock}
		h.write(func(tx *db.Tx) error { return h.Consent().EnsureShipped(tx) })
		h.hears("hello")
		h.write(func(tx *db.Tx) error {
			_, err := tx.Exec(`UPDATE thread SET waiting_since = 0`)
			return err
		})
		h.thread = h.only(h.mei)
		clock.Advance(24 * 14 * time.Hour)
		h.work()
		test(t, h)
	})
}

// hears takes in what she writes now.
func (h *talk) hears(text string) {
	h.t.Helper()
	in := says("U1", 0, text)
	in.EventID, in.ExternalID, in.At, in.ReplyToken = "evt "+text, "ext "+text, h.clock.Now(), ""
	h.receive(in)
}

func (h *talk) sends(drafts ...Draft) Message {
	h.t.Helper()
	for i := range drafts {
		f := &drafts[i]
		if f.Body.Type == "" {
			f.Body = channel.Body{Type: channel.Text, Text: "something new for you"}
		}
		if f.Author == "" {
			f.Author, f.AuthorID = AuthorAutomation, "journey"
		}
		f.ThreadID = h.thread.ID
	}
	var sent []Message
	h.write(func(tx *db.Tx) (err error) {
		sent, err = h.SendAll(tx, drafts)
		return err
	})
	return sent[0]
}

func (h *talk) agrees(s consent.State) {
	h.t.Helper()
	h.write(func(tx *db.Tx) error {
		if _, err := h.Consent().Record(tx, consent.Entry{Customer: h.thread.CustomerID, Purpose: consent.Marketing, State: s, How: consent.HowPage}); err != nil {
			return err
		}
		return h.Withdrawn(tx, h.thread.CustomerID)
	})
}

// now reads a message anew.
func (h *talk) now(m Message) Message {
	h.t.Helper()
	h.read(func(tx *db.Tx) (err error) {
		m, err = h.message(tx, m.ID)
		return err
	})
	return m
}

func (h *talk) becomes(m Message, s Status, failure string) {
	h.t.Helper()
	eventually(h.t, 60*time.Second, func() bool { m = h.now(m); return m.Status == s })
	if m.Failure != failure {
		h.t.Errorf("it is %s because of %q, want %q", m.Status, m.Failure, failure)
	}
}

func (h *talk) used() int {
	h.t.Helper()
	var n int
	h.read(func(tx *db.Tx) error {
		u, err := h.Consent().Used(tx, h.thread.CustomerID, "Asia/Taipei")
		n = u.Messages
		return err
	})
	return n
}

func TestNothingButServiceWithoutHerConsent(t *testing.T) {
	talks(t, func(t *testing.T, h *talk) {
		for name, f := range map[string]Draft{
			"an automation":       {Purpose: consent.Marketing},
			"an advisor":          {Purpose: consent.Marketing, Author: AuthorStaff, AuthorID: h.mei.ID},
			"for later":           {Purpose: consent.Marketing, NotBefore: h.clock.Now().Add(time.Hour)},
			"an advisor's, later": {Purpose: consent.Marketing, Author: AuthorStaff, AuthorID: h.mei.ID, NotBefore: h.clock.Now().Add(time.Hour)},
		} {
			if m := h.sends(f); m.Status != StatusRefused || m.Failure != consent.NoConsent {
				t.Errorf("%s: %s, %s", name, m.Status, m.Failure)
			}
		}
		var again Message
		m := h.sends(Draft{Purpose: consent.Marketing})
		h.write(func(tx *db.Tx) (err error) { again, err = h.Resend(tx, h.mei, m.ID); return err })
		if again.Status != StatusRefused || again.Failure != consent.NoConsent {
			t.Errorf("sent again it is %s, %s", again.Status, again.Failure)
		}
		if sent := h.fake.Sent("U1"); len(sent) != 0 {
			t.Errorf("her phone has %d messages", len(sent))
		}
	})
}

func TestAnswersAreFreeAtNight(t *testing.T) {
	talks(t, func(t *testing.T, h *talk) {
		h.clock.Advance(12 * time.Hour) // eleven at night
		h.hears("is 21 back?")
		h.becomes(h.sends(Draft{}), StatusSent, "")
		h.becomes(h.sends(Draft{Author: AuthorStaff, AuthorID: h.mei.ID}), StatusSent, "")
		h.becomes(h.sends(Draft{}), StatusSent, "") // nobody waits any more, and she wrote an hour ago
		if n := h.used(); n != 0 {
			t.Errorf("answers took %d places", n)
		}
		if m := h.sends(Draft{Author: AuthorAutomation, AuthorID: "journey", Purpose: consent.Marketing}); m.Failure != consent.NoConsent {
			t.Errorf("an offer beside an answer is %s, %s", m.Status, m.Failure)
		}
	})
}

func TestWhatThePlatformRejectsTakesNoPlace(t *testing.T) {
	talks(t, func(t *testing.T, h *talk) {
		h.agrees(consent.Granted)
		h.fake.FailNext(1, linefake.Fault{Status: 400, Message: "may not be sent"})
		m := h.sends(Draft{Purpose: consent.Marketing})
		h.becomes(m, StatusFailed, "rejected")
		if n := h.used(); n != 0 {
			t.Errorf("what she never had counts as %d", n)
		}
		h.write(func(tx *db.Tx) error { _, err := h.Resend(tx, h.mei, m.ID); return err })
		h.becomes(m, StatusSent, "")
		if n := h.used(); n != 1 {
			t.Errorf("sent again it counts as %d", n)
		}
	})
}

func TestWhatDoesNotFitIsPlanned(t *testing.T) {
	talks(t, func(t *testing.T, h *talk) {
		h.agrees(consent.Granted)
		h.becomes(h.sends(Draft{Purpose: consent.Marketing, Kind: "one"}), StatusSent, "")
		second := h.sends(Draft{Purpose: consent.Marketing, Kind: "two", Body: channel.Body{Type: channel.Text, Text: "two"}})
		if second.Status != StatusPlanned || !second.At.After(h.clock.Now()) {
			t.Fatalf("the second is %s at %s", second.Status, second.At)
		}
		t.Run("it stands nowhere yet", func(t *testing.T) {
			if got := h.texts(h.mei, h.thread.ID); len(got) != 2 {
				t.Errorf("the thread shows %q", got)
			}
			if th := h.only(h.mei); th.Last.ID == second.ID {
				t.Error("the inbox shows what was not said")
			}
			var planned []Message
			h.read(func(tx *db.Tx) (err error) { planned, err = h.Planned(tx, h.mei, h.thread.ID); return err })
			if len(planned) != 1 || planned[0].ID != second.ID {
				t.Errorf("%d are planned", len(planned))
			}
			var foreign error
			_ = h.DB.Read(t.Context(), func(tx *db.Tx) error { _, foreign = h.Planned(tx, h.foreign, h.thread.ID); return nil })
			if foreign == nil {
				t.Error("another counter sees what is planned")
			}
		})
		t.Run("a more valuable one takes its place", func(t *testing.T) {
			was := second.At
			urgent := h.sends(Draft{Purpose: consent.Marketing, Kind: "three", Priority: 9})
			second = h.now(second)
			if !urgent.At.Equal(was) || !second.At.After(was) {
				t.Errorf("the urgent one goes at %s and the other at %s; the place was %s", urgent.At, second.At, was)
			}
			h.clock.Advance(urgent.At.Sub(h.clock.Now()))
			h.becomes(urgent, StatusSent, "")
			if th := h.only(h.mei); th.Last.ID != urgent.ID {
				t.Error("what went stands not last")
			}
		})
		t.Run("it goes when its time has come", func(t *testing.T) {
			second = h.now(second)
			h.clock.Advance(second.At.Sub(h.clock.Now()))
			h.becomes(second, StatusSent, "")
		})
	})
}

func TestAWithdrawalKillsWhatIsPlanned(t *testing.T) {
	talks(t, func(t *testing.T, h *talk) {
		h.agrees(consent.Granted)
		h.becomes(h.sends(Draft{Purpose: consent.Marketing, Kind: "one"}), StatusSent, "")
		planned := h.sends(Draft{Purpose: consent.Marketing, Kind: "two"})
		mine := h.sends(Draft{Purpose: consent.Marketing, Author: AuthorStaff, AuthorID: h.mei.ID, NotBefore: h.clock.Now().Add(time.Hour)})
		service := h.sends(Draft{Author: AuthorStaff, AuthorID: h.mei.ID, NotBefore: h.clock.Now().Add(time.Hour)})
		h.agrees(consent.Withdrawn)
		h.becomes(planned, StatusRefused, consent.Stopped)
		h.becomes(mine, StatusRefused, consent.Stopped)
		h.clock.Advance(time.Hour)
		h.becomes(service, StatusSent, "")
		h.clock.Advance(60 * 24 * time.Hour)
		h.becomes(h.sends(Draft{Author: AuthorStaff, AuthorID: h.mei.ID}), StatusSent, "")
		if sent := h.fake.Sent("U1"); len(sent) != 3 {
			t.Errorf("her phone has %d messages", len(sent))
		}
	})
}

func TestAWithdrawalStopsWhatIsQueued(t *testing.T) {
	talks(t, func(t *testing.T, h *talk) {
		h.agrees(consent.Granted)
		h.halt()
		m := h.sends(Draft{Purpose: consent.Marketing, Kind: "one"})
		after := h.sends(Draft{Author: AuthorStaff, AuthorID: h.mei.ID})
		if m.Status != StatusQueued {
			t.Fatalf("it is %s, %s", m.Status, m.Failure)
		}
		h.agrees(consent.Withdrawn)
		h.work()
		h.becomes(m, StatusRefused, consent.Stopped)
		h.becomes(after, StatusSent, "")
	})
}

func TestAnUnaskedWordCounts(t *testing.T) {
	talks(t, func(t *testing.T, h *talk) {
		var unasked bool
		h.read(func(tx *db.Tx) (err error) { unasked, err = h.Unasked(tx, h.thread); return err })
		if !unasked {
			t.Error("two weeks later a word is an answer still")
		}
		h.becomes(h.sends(Draft{Author: AuthorStaff, AuthorID: h.mei.ID}), StatusSent, "")
		if n := h.used(); n != 1 {
			t.Errorf("it took %d places", n)
		}
		h.hears("thank you")
		h.read(func(tx *db.Tx) (err error) { unasked, err = h.Unasked(tx, h.thread); return err })
		if unasked {
			t.Error("an answer is unasked")
		}
	})
}

func TestAPlannedOneIsTakenBack(t *testing.T) {
	talks(t, func(t *testing.T, h *talk) {
		m := h.sends(Draft{Author: AuthorStaff, AuthorID: h.mei.ID, NotBefore: h.clock.Now().Add(time.Hour)})
		if m.Status != StatusPlanned {
			t.Fatalf("it is %s", m.Status)
		}
		if err := h.DB.Write(t.Context(), func(tx *db.Tx) error { _, err := h.CancelPlanned(tx, h.foreign, m.ID); return err }); err == nil {
			t.Error("another counter took it back")
		}
		for range 2 {
			h.write(func(tx *db.Tx) error { _, err := h.CancelPlanned(tx, h.mei, m.ID); return err })
		}
		h.becomes(m, StatusRefused, "cancelled")
		h.clock.Advance(2 * time.Hour)
		h.becomes(h.sends(Draft{Author: AuthorStaff, AuthorID: h.mei.ID}), StatusSent, "")
		if sent := h.fake.Sent("U1"); len(sent) != 1 {
			t.Errorf("her phone has %d messages", len(sent))
		}
	})
}

func TestARepeatPlansNothingTwice(t *testing.T) {
	talks(t, func(t *testing.T, h *talk) {
		h.agrees(consent.Granted)
		first := h.sends(Draft{Purpose: consent.Marketing, Kind: "one", ClientKey: "k1"})
		if again := h.sends(Draft{Purpose: consent.Marketing, Kind: "one", ClientKey: "k1"}); again.ID != first.ID {
			t.Error("a repeat made another")
		}
		h.becomes(first, StatusSent, "")
		if n := h.used(); n != 1 {
			t.Errorf("it took %d places", n)
		}
	})
}

func TestWhoBlockedIsNotPlannedFor(t *testing.T) {
	talks(t, func(t *testing.T, h *talk) {
		m := h.sends(Draft{Author: AuthorStaff, AuthorID: h.mei.ID, NotBefore: h.clock.Now().Add(time.Hour)})
		h.receive(channel.Inbound{EventID: "block", Kind: channel.Unfollow, At: h.clock.Now(), Peer: channel.Peer{Type: channel.Person, ID: "U1"}})
		h.clock.Advance(time.Hour)
		h.becomes(m, StatusRefused, "blocked")
	})
}

// Several bubbles share a call that the platform did not take; meanwhile she withdraws.
// Those that are service go, the others do not. Where the call may have been taken, all of
// it is repeated as it was: nothing tells it from one that she has already.
func TestAWithdrawalStopsWhatWaitsInACall(t *testing.T) {
	for name, c := range map[string]struct {
		fault linefake.Fault
		sent  int
		ends  Status
	}{
		"throttled":      {linefake.Fault{Status: 429, Message: "The API rate limit has been exceeded. Try again later.", RetryAfter: time.Hour}, 1, StatusRefused},
		"wrong token":    {linefake.Fault{Status: 401, Message: "Authentication failed"}, 1, StatusRefused},
		"perhaps taken":  {linefake.Fault{Status: 500, After: true}, 2, StatusSent},
		"perhaps taken?": {linefake.Fault{Status: 500}, 2, StatusSent},
	} {
		t.Run(name, func(t *testing.T) {
			talks(t, func(t *testing.T, h *talk) {
				h.agrees(consent.Granted)
				h.halt()
				offer := h.sends(Draft{Purpose: consent.Marketing, Kind: "one"})
				service := h.sends(Draft{Author: AuthorStaff, AuthorID: h.mei.ID})
				h.fake.FailNext(1, c.fault)
				h.work()
				eventually(t, 60*time.Second, func() bool { // the call was made, and is to be made again
					var n int
					h.read(func(tx *db.Tx) error {
						return tx.QueryRow(`SELECT COUNT(*) FROM job j JOIN message m ON m.thread_id = j.key WHERE j.kind = 'deliver' AND m.id = $1
							AND m.delivery_id <> '' AND j.claim = 0 AND j.run_at > $2`, offer.ID, db.Micro(h.clock.Now())).Scan(&n)
					})
					return n == 1
				})
				h.agrees(consent.Withdrawn)
				h.clock.Advance(2 * time.Hour)
				h.becomes(service, StatusSent, "")
				h.becomes(offer, c.ends, map[Status]string{StatusRefused: consent.Stopped}[c.ends])
				if sent := h.fake.Sent("U1"); len(sent) != c.sent {
					t.Errorf("she has %d, want %d", len(sent), c.sent)
				}
			})
		})
	}
}

// What a person sends again is asked about before its call, too.
func TestAWithdrawalStopsWhatIsSentAgain(t *testing.T) {
	talks(t, func(t *testing.T, h *talk) {
		h.agrees(consent.Granted)
		h.fake.FailNext(1, linefake.Fault{Status: 400, Message: "invalid"})
		m := h.sends(Draft{Purpose: consent.Marketing, Kind: "one"})
		h.becomes(m, StatusFailed, "rejected")
		h.halt()
		h.write(func(tx *db.Tx) error { _, err := h.Resend(tx, h.mei, m.ID); return err })
		h.becomes(m, StatusQueued, "")
		h.agrees(consent.Withdrawn)
		h.work()
		h.becomes(m, StatusRefused, consent.Stopped)
		if sent := h.fake.Sent("U1"); len(sent) != 0 {
			t.Errorf("she has %d", len(sent))
		}
	})
}

// What an advisor wrote for later is no answer to what the customer asked since.
func TestAPlannedWordLeavesHerQuestionWaiting(t *testing.T) {
	talks(t, func(t *testing.T, h *talk) {
		m := h.sends(Draft{Author: AuthorStaff, AuthorID: h.mei.ID, NotBefore: h.clock.Now().Add(3 * time.Hour)})
		h.clock.Advance(2 * time.Hour)
		h.hears("do you have 21?")
		h.clock.Advance(time.Hour)
		h.becomes(m, StatusSent, "")
		if th := h.only(h.mei); th.WaitingSince.IsZero() || th.Unread == 0 {
			t.Errorf("her question is nobody's: waiting since %v, %d unread", th.WaitingSince, th.Unread)
		}
	})
}

// Somebody who left meanwhile does not come to own a thread by what she wrote for later.
func TestAPlannedWordOfWhoLeftOwnsNothing(t *testing.T) {
	talks(t, func(t *testing.T, h *talk) {
		m := h.sends(Draft{Author: AuthorStaff, AuthorID: h.mei.ID, NotBefore: h.clock.Now().Add(time.Hour)})
		h.write(func(tx *db.Tx) error {
			if err := staff.EndStaff(tx, staff.System(), h.mei.ID); err != nil {
				return err
			}
			_, err := ReleaseAll(tx, staff.System(), h.mei.ID)
			return err
		})
		h.clock.Advance(time.Hour)
		h.becomes(m, StatusSent, "")
		if th := h.only(h.manager); th.AssigneeID != "" {
			t.Errorf("it is answered by %q, who is gone", th.AssigneeName)
		}
	})
}

// A message that she did not get, because she withdrew while it waited, takes no place.
func TestWhatAWithdrawalStopsTakesNoPlace(t *testing.T) {
	talks(t, func(t *testing.T, h *talk) {
		h.agrees(consent.Granted)
		h.halt()
		m := h.sends(Draft{Purpose: consent.Marketing, Kind: "one"})
		h.agrees(consent.Withdrawn)
		h.work()
		h.becomes(m, StatusRefused, consent.Stopped)
		if n := h.used(); n != 0 {
			t.Errorf("it took %d places", n)
		}
	})
}

// What was written for later and is stale by then is refused, whoever wrote it.
func TestWhatIsStaleDoesNotGo(t *testing.T) {
	talks(t, func(t *testing.T, h *talk) {
		h.hears("until when?")
		h.halt()
		for _, f := range []Draft{{Author: AuthorStaff, AuthorID: h.mei.ID}, {}} {
			f.NotBefore, f.Expires = h.clock.Now().Add(time.Hour), h.clock.Now().Add(2*time.Hour)
			m := h.sends(f)
			if m.Status != StatusPlanned {
				t.Fatalf("it is %s, %s", m.Status, m.Failure)
			}
			h.clock.Advance(3 * time.Hour) // the house was down
			h.work()
			h.becomes(m, StatusRefused, consent.Expired)
			h.halt()
		}
	})
}

// A purpose is what it is called, however it was typed: a message must not go astray in
// its queue by a blank.
func TestABlankInAPurpose(t *testing.T) {
	talks(t, func(t *testing.T, h *talk) {
		h.agrees(consent.Granted)
		m := h.sends(Draft{Author: AuthorStaff, AuthorID: h.mei.ID, Purpose: " marketing "})
		h.becomes(m, StatusSent, "")
		if m.Purpose != consent.Marketing {
			t.Errorf("it is for %q", m.Purpose)
		}
	})
}
