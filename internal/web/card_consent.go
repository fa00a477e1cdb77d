package web

import (
	"errors"
	"net/url"
	"strconv"
	"time"

	"dingdong/internal/consent"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// cardConsent is what she agreed to, and how often she may be written to unasked.
type cardConsent struct {
	ThreadID string
	Records  bool // the viewer may write down what she says
	Purposes []consentLine
	Used     string // "1 of 2 unasked messages in 30 days"
	Next     string // when the next could go, or why none can
	Planned  string
	Paused   string
	Reason   string // of the pause
	Days     int    // how long a pause is
	Asks     []Option
	Purpose  string // that was chosen
	Error    string // code below "invalid."
	Sign     string // where she reads and signs
}

// consentLine is where she stands on one purpose.
type consentLine struct {
	Name, Title string
	Tone, State string
	How         string   // who saw it, and when
	Apart       []string // accounts where it differs
}

func (c *cardAt) consent() (cardConsent, error) {
	p := cardConsent{ThreadID: c.t.ID, Records: c.v.May(staff.RecordConsent), Sign: "/inbox/" + c.t.ID + "/consent",
		Purpose: c.form.Values.Get("purpose")}
	for _, code := range c.form.Errors {
		p.Error = code
	}
	if c.Consent == nil {
		return p, nil
	}
	purposes, err := c.Consent.Purposes(c.tx)
	if err != nil {
		return p, err
	}
	titles := map[string]string{}
	for _, x := range purposes {
		titles[x.Name] = s0(x.In(c.v.Words.Tag))
		if x.NeedsGrant && x.ClosedAt.IsZero() {
			p.Asks = append(p.Asks, Option{x.Name, titles[x.Name]})
		}
	}
	states, err := c.Consent.States(c.tx, c.t.CustomerID, time.Time{})
	if err != nil {
		return p, err
	}
	for _, st := range states {
		if !st.Needs || st.Closed && st.State == "" {
			continue
		}
		if st.Account != "" {
			if seen, err := c.seesAccount(st.Account); err != nil || !seen {
				if err != nil {
					return p, err
				}
				continue // with which other brands she speaks is no business of this counter
			}
			last := &p.Purposes[len(p.Purposes)-1]
			last.Apart = append(last.Apart, c.v.T("consent.apart."+stateKey(st), "account", c.accountName(st.Account)))
			continue
		}
		p.Purposes = append(p.Purposes, consentLine{Name: st.Purpose, Title: titles[st.Purpose], Tone: map[string]string{
			"granted": "green", "withdrawn": "rouge", "outdated": "amber"}[stateKey(st)], State: c.v.T("consent.state." + stateKey(st)), How: c.said(st.Entry)})
	}
	return p, c.budget(&p)
}

// s0 is the title of a text.
func s0(t consent.Text, _ string) string { return t.Title }

func stateKey(st consent.Standing) string {
	switch {
	case st.Outdated:
		return "outdated"
	case st.State == "":
		return "never"
	}
	return string(st.State)
}

// said tells how somebody said what stands in the ledger, and when.
func (c *cardAt) said(e consent.Entry) string {
	if e.ID == "" {
		return ""
	}
	witness := c.name(c.near(e.Witness))
	if witness == "" {
		witness = c.name(c.near(e.Staff))
	}
	how := c.v.T("consent.how." + string(e.How))
	if witness != "" {
		how = c.v.T("consent.how_with", "how", how, "name", witness)
	}
	return joined(how, c.clock.Stamp(e.At))
}

func (c *cardAt) accountName(id string) string {
	a, err := c.Desk.AccountByID(c.tx, id)
	if err != nil { // it was closed, or never ours: the line stands without
		return id
	}
	return a.Name
}

// budget fills in how much of it is used.
func (c *cardAt) budget(p *cardConsent) error {
	use, err := c.Consent.Used(c.tx, c.t.CustomerID, c.clock.Zone.String())
	if err != nil {
		return err
	}
	rules, err := c.Consent.Rules(c.tx)
	if err != nil {
		return err
	}
	p.Days = rules.ComplaintDays
	p.Used = c.v.T("consent.used", "n", use.Messages, "of", use.Of, "days", use.Days)
	switch now := c.clock.Now; {
	case use.Next.IsZero():
		p.Next = c.v.T("consent.next_never")
	case !use.Next.After(now):
		p.Next = c.v.T("consent.next_now")
	default:
		p.Next = c.v.T("consent.next", "when", c.coming(use.Next))
	}
	if n := len(use.Planned); n > 0 {
		p.Planned = c.v.T("consent.planned", "n", n, "when", c.coming(use.Planned[0].At))
	}
	if !use.PausedUntil.IsZero() {
		p.Paused = c.v.T("consent.paused", "day", c.clock.Date(use.PausedUntil))
		if by := c.near(use.PausedBy); by != "" { // what she complained of to another counter stays there
			p.Paused, p.Reason = joined(p.Paused, c.name(by)), use.PauseReason
		}
	}
	return nil
}

// coming says a time ahead: "Tue 09:00", "3 December 09:00".
func (c *cardAt) coming(t time.Time) string {
	return c.clock.coming(t)
}

func (c Clock) coming(t time.Time) string {
	day := c.Date(t)
	switch days := -c.daysAgo(t); {
	case days == 0:
		day = c.Words.T("when.today")
	case days == 1:
		day = c.Words.T("when.tomorrow")
	case days > 1 && days < 7:
		day = c.Words.T("when.weekday." + strconv.Itoa(int(t.In(c.Zone).Weekday())))
	}
	return c.Words.T("when.moment", "day", day, "time", c.Time(t))
}

// language is what she reads, as far as a platform told.
func (c *cardAt) language() (string, error) {
	for _, record := range c.records {
		identities, err := c.Desk.Book.Identities(c.tx, record)
		if err != nil {
			return "", err
		}
		for _, i := range identities {
			if l := consent.Language(i.Language); l != "" {
				return l, nil
			}
		}
	}
	return consent.Languages()[0], nil
}

// recordConsent writes down what she said to the viewer.
func recordConsent(c *cardAt, form url.Values, _ string) error {
	if !c.v.May(staff.RecordConsent) || c.Consent == nil {
		return staff.ErrForbidden
	}
	language, err := c.language()
	if err != nil {
		return err
	}
	_, err = c.Consent.Record(c.tx, consent.Entry{Customer: c.t.CustomerID, Purpose: form.Get("purpose"), State: consent.State(form.Get("state")),
		How: consent.HowStaff, Language: language, Staff: c.v.ID})
	if err != nil || form.Get("state") != string(consent.Withdrawn) {
		return err
	}
	return c.Desk.Withdrawn(c.tx, c.t.CustomerID)
}

// pauseContact stops unasked messages after a complaint, or lets them go on.
func pauseContact(c *cardAt, form url.Values, _ string) error {
	if c.Consent == nil {
		return db.ErrNotFound
	}
	var until time.Time // as long as the rules say
	if form.Get("do") == "resume" {
		until = c.tx.Now
	}
	return c.Consent.Pause(c.tx, c.v.Viewer, c.t.CustomerID, until, form.Get("reason"))
}

// consentPast is her whole ledger, with what proves it.
type consentPast struct {
	Entries []consentPastLine
}

type consentPastLine struct {
	Text, How     string
	Granted       bool
	Words         string   // hers
	Strokes       []string // of her signature, each a path
	Width, Height int
	Stamp         string
}

func (c *cardAt) consentPast() (consentPast, error) {
	var p consentPast
	if c.Consent == nil {
		return p, nil
	}
	all, err := c.Consent.History(c.tx, c.t.CustomerID)
	if err != nil {
		return p, err
	}
	for _, e := range all[:min(len(all), 100)] {
		text, err := c.Consent.TextOf(c.tx, e.Purpose, c.v.Words.Tag, e.Version)
		if err != nil {
			return p, err
		}
		line := consentPastLine{Granted: e.State == consent.Granted, Stamp: c.clock.Machine(e.At), How: joined(c.said(e), c.v.T("consent.version", "n", e.Version)),
			Text: c.v.T("consent.past."+string(e.State), "purpose", text.Title)}
		if seen, err := c.seesEvidence(e); err != nil || !seen {
			if err != nil {
				return p, err
			}
		} else if s, err := readSignature(e.Evidence); err == nil {
			line.Width, line.Height, line.Strokes = s.Width, s.Height, s.paths()
		} else {
			line.Words = string(e.Evidence)
		}
		p.Entries = append(p.Entries, line)
	}
	return p, nil
}

// seesEvidence says whether her words or her signature are the viewer's to read: what she
// agreed to is the group's, how she said it belongs to the counter where she did.
func (c *cardAt) seesEvidence(e consent.Entry) (bool, error) {
	if c.v.SeesAll() || c.near(e.Witness) != "" || c.near(e.Staff) != "" {
		return true, nil
	}
	if e.Message != "" {
		_, err := c.Desk.MessageFor(c.tx, c.v.Viewer, e.Message)
		if errors.Is(err, db.ErrNotFound) {
			return false, nil
		}
		return err == nil, err
	}
	if e.Account != "" {
		return c.seesAccount(e.Account)
	}
	return false, nil
}

// seesAccount says whether an account comes to a counter that the viewer sees.
func (c *cardAt) seesAccount(id string) (bool, error) {
	if c.v.SeesAll() {
		return true, nil
	}
	a, err := c.Desk.AccountByID(c.tx, id)
	if errors.Is(err, db.ErrNotFound) {
		return false, nil
	}
	return err == nil && a.SeenBy(c.v.Viewer), err
}
