package web

import (
	"net/http"
	"time"

	"dingdong/internal/consent"
	"dingdong/internal/conversation"
	"dingdong/internal/db"
)

// contactView stands above the composer: what waits for its time, and, when the next
// word would be no answer, that it counts and why it is said.
type contactView struct {
	ThreadID         string
	Planned          []plannedLine
	Unasked          string // what it means that she did not ask; empty: the next word is an answer
	Purposes         []purposeChoice
	Times            []laterTime
	Earliest, Latest string // of a time that she picks
}

type plannedLine struct{ ID, ThreadID, By, Text, When, Stamp string }

type purposeChoice struct {
	Value, Text      string
	Selected, Closed bool
}

type laterTime struct{ Value, Text string }

// laterFormat is how a browser writes a time that somebody picked.
const laterFormat = "2006-01-02T15:04"

// latest is how far ahead an answer can be planned.
const latest = 90 * 24 * time.Hour

func (s *Server) contactLine(tx *db.Tx, v *Visit, x scene, t conversation.Thread) (contactView, error) {
	clock := x.clock(t.CounterID)
	view := contactView{ThreadID: t.ID, Times: clock.laterTimes(), Earliest: clock.Now.In(clock.Zone).Format(laterFormat),
		Latest: clock.Now.Add(latest).In(clock.Zone).Format(laterFormat)}
	planned, err := s.Desk.Planned(tx, v.Viewer, t.ID)
	if err != nil {
		return view, err
	}
	for _, m := range planned {
		by := m.AuthorName
		if m.Author == conversation.AuthorAutomation {
			by = automationName(v.Words, m.AuthorID)
		}
		view.Planned = append(view.Planned, plannedLine{ID: m.ID, ThreadID: t.ID, By: by, Text: x.gist(m), When: clock.Moment(m.At), Stamp: clock.Machine(m.At)})
	}
	unasked, err := s.Desk.Unasked(tx, t)
	if err != nil || !unasked {
		return view, err
	}
	counter, _ := x.directory.Counter(t.CounterID)
	use, err := s.Desk.Consent().Used(tx, t.CustomerID, counter.Timezone)
	if err != nil {
		return view, err
	}
	view.Unasked = clock.unasked(use)
	purposes, err := s.Desk.Consent().Purposes(tx)
	if err != nil {
		return view, err
	}
	for _, p := range purposes {
		if p.Name != consent.Service && p.Name != consent.Marketing || !p.ClosedAt.IsZero() {
			continue // the others say what is done with her data, not why she is written to
		}
		may, err := s.Desk.Consent().May(tx, t.CustomerID, p.Name, t.AccountID)
		if err != nil {
			return view, err
		}
		c := purposeChoice{Value: p.Name, Text: v.T("unasked." + p.Name), Selected: p.Name == consent.Service, Closed: !may}
		if !may {
			c.Text = v.T("unasked.closed", "purpose", c.Text)
		}
		view.Purposes = append(view.Purposes, c)
	}
	return view, nil
}

// unasked says what a word to her would cost.
func (c Clock) unasked(use consent.Use) string {
	switch {
	case !use.PausedUntil.IsZero() && use.PausedUntil.After(c.Now):
		return c.Words.T("unasked.paused", "date", c.Date(use.PausedUntil))
	case use.Messages >= use.Of:
		return c.Words.T("unasked.full", "n", use.Messages, "of", use.Of, "days", use.Days)
	}
	return c.Words.T("unasked.counts", "n", use.Messages, "of", use.Of, "days", use.Days)
}

// laterTimes are the times that are picked most: this evening, tomorrow, next Monday.
func (c Clock) laterTimes() []laterTime {
	now := c.Now.In(c.Zone)
	at := func(days, hour int) time.Time {
		return time.Date(now.Year(), now.Month(), now.Day()+days, hour, 0, 0, 0, c.Zone)
	}
	var out []laterTime
	if now.Hour() < 16 {
		out = append(out, laterTime{at(0, 18).Format(laterFormat), c.Words.T("later.evening")})
	}
	out = append(out, laterTime{at(1, 10).Format(laterFormat), c.Words.T("later.tomorrow")})
	monday := 7 - (int(now.Weekday())+6)%7 // days from now; a week on a Monday
	if monday > 1 {
		out = append(out, laterTime{at(monday, 10).Format(laterFormat), c.Words.T("later.monday")})
	}
	return out
}

// laterAt reads a time by the clock of the counter.
func (s *Server) laterAt(r *http.Request, v *Visit, text string) (time.Time, error) {
	var zone *time.Location
	err := s.DB.Glance(r.Context(), func(tx *db.Tx) error {
		t, err := s.Desk.Thread(tx, v.Viewer, r.PathValue("thread"))
		if err != nil {
			return err
		}
		x, err := s.scene(tx, v.Words, v.ID)
		if err == nil {
			zone = x.clock(t.CounterID).Zone
		}
		return err
	})
	if err != nil {
		return time.Time{}, err
	}
	at, err := time.ParseInLocation(laterFormat, text, zone)
	switch {
	case err != nil:
		return at, db.Invalid{Field: "later", Code: "malformed"}
	case at.Before(v.Now.Add(-time.Minute)):
		return at, db.Invalid{Field: "later", Code: "past"}
	case at.After(v.Now.Add(latest)):
		return at, db.Invalid{Field: "later", Code: "too_far"}
	}
	return at, nil
}

func (s *Server) showContactLine(w http.ResponseWriter, r *http.Request, v *Visit) error {
	var line contactView
	err := s.DB.Glance(r.Context(), func(tx *db.Tx) error {
		t, err := s.Desk.Thread(tx, v.Viewer, r.PathValue("thread"))
		if err != nil {
			return err
		}
		x, err := s.scene(tx, v.Words, v.ID)
		if err != nil {
			return err
		}
		line, err = s.contactLine(tx, v, x, t)
		return err
	})
	if err != nil {
		return err
	}
	return s.render(w, v, view{Page: "inbox", Block: "contact", Data: line})
}

// cancelPlanned takes back what has not gone yet.
func (s *Server) cancelPlanned(w http.ResponseWriter, r *http.Request, v *Visit) error {
	err := s.DB.Write(r.Context(), func(tx *db.Tx) error {
		m, err := s.Desk.CancelPlanned(tx, v.Viewer, r.PathValue("message"))
		if err == nil && m.ThreadID != r.PathValue("thread") {
			err = db.ErrNotFound
		}
		return err
	})
	if err != nil {
		return err
	}
	return s.showContactLine(w, r, v)
}
