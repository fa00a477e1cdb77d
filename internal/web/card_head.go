package web

import (
	"errors"
	"net/url"
	"strconv"
	"strings"
	"time"

	"dingdong/internal/conversation"
	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// cardHead is who she is, in a few lines.
type cardHead struct {
	ThreadID  string
	Name      string
	Face      Avatar // shown when there is a picture
	Given     string // what the counter calls her; empty: the platform's name
	Known     string // what the platform calls her
	Chat      bool
	AddressAs string
	Level     string
	Birthday  string
	Soon      string // "in 3 days"; empty: it is far
	Languages []string
	Answers   string // when she answers, in a sentence
	Counter   string
	Since     string
	Owner     string // who has the conversation now, where that is not her advisor
	Advisor   string // hers at this counter; empty: none
	AdvisorID string
	How       string // how she came to her
	Others    []named
	Me        string // the viewer, if she may become her advisor
	Form      Form
	Audit     string // who looked at her; empty: not the viewer's to see
}

// birthdayNear is how many days before a birthday it is said.
const birthdayNear = 30

func (c *cardAt) head() (cardHead, error) {
	h := cardHead{ThreadID: c.t.ID, Name: c.x.called(c.t), Face: faceOf(c.t, c.x.called(c.t)), Chat: c.chats(), Since: c.clock.Date(c.t.CreatedAt), Form: c.form}
	if c.v.May(staff.SeeAudit) {
		h.Audit = "/admin/audit?customer=" + url.QueryEscape(c.t.CustomerID)
	}
	if counter, ok := c.x.directory.Counter(c.t.CounterID); ok {
		h.Counter = counter.Store + " · " + counter.Name
	}
	her, err := c.Desk.Book.Get(c.tx, c.t.CustomerID)
	if err != nil {
		return h, err
	}
	h.Given = her.Name
	first, err := c.Desk.FirstContact(c.tx, c.v.Viewer, c.t.ID)
	if err != nil {
		return h, err
	}
	if !first.IsZero() && first.Before(c.t.CreatedAt) { // her past was taken over from another system
		h.Since = c.clock.Date(first)
	}
	if h.Known, err = c.platformName(); err != nil {
		return h, err
	}
	attributes, err := c.known()
	if err != nil {
		return h, err
	}
	for _, a := range attributes {
		switch a.Def.Name {
		case "address_as":
			h.AddressAs = a.Value
		case "member_level":
			h.Level = c.valueLabel(a.Def, a.Value)
		case "languages":
			h.Languages = append(h.Languages, c.valueLabel(a.Def, a.Value))
		case customer.AttributeBirthday:
			h.Birthday, h.Soon = c.clock.Birthday(a.Value)
		}
	}
	answers, err := c.Desk.Answering(c.tx, c.v.Viewer, c.t.CustomerID, c.clock.Zone)
	if err != nil {
		return h, err
	}
	if answers.N > 0 {
		h.Answers = c.v.T("card.habit.answers", "when", c.moments(answers.Day, answers.Part), "n", answers.N, "m", answers.M)
	}
	return h, c.advisor(&h)
}

// platformName is what a platform calls her, on an account that the viewer sees.
func (c *cardAt) platformName() (string, error) {
	for _, record := range c.records {
		all, err := c.Desk.IdentitiesSeen(c.tx, c.v.Viewer, record)
		if err != nil {
			return "", err
		}
		for _, i := range all {
			if i.Name != "" {
				return i.Name, nil
			}
		}
	}
	return "", nil
}

// advisor says whose customer she is here, and who might be her advisor.
func (c *cardAt) advisor(h *cardHead) error {
	b, err := c.Desk.Book.BindingAt(c.tx, c.t.CustomerID, c.t.CounterID)
	if err != nil && !errors.Is(err, db.ErrNotFound) {
		return err
	}
	if err == nil {
		h.AdvisorID, h.Advisor = b.AdvisorID, c.name(b.AdvisorID)
		if b.AdvisorID == c.v.ID {
			h.Advisor = c.v.T("card.owner_me", "name", c.v.Name)
		}
		h.How = c.v.T("card.how."+known(hows, string(b.How), "staff"), "day", c.clock.Date(b.At))
	}
	if c.t.AssigneeID != b.AdvisorID {
		h.Owner = c.t.AssigneeName
		if c.t.AssigneeID == c.v.ID {
			h.Owner = c.v.T("card.owner_me", "name", c.v.Name)
		}
	}
	if !h.Chat {
		return nil
	}
	all, err := staff.Colleagues(c.tx, c.t.CounterID)
	for _, p := range all {
		switch p.ID {
		case h.AdvisorID:
		case c.v.ID:
			h.Me = p.ID
		default:
			h.Others = append(h.Others, named{p.ID, p.Name})
		}
	}
	return err
}

// hows are the ways to an advisor with a sentence below "card.how.".
var hows = []string{"card", "chosen", "code", "staff", "merge"}

// giveAdvisor says whose customer she is; nobody's when none is named.
func giveAdvisor(c *cardAt, form url.Values, _ string) error {
	if !form.Has("advisor") {
		return db.Invalid{Field: "advisor", Code: "required"}
	}
	return c.Desk.GiveAdvisor(c.tx, c.v.Viewer, conversation.Giving{ThreadID: c.t.ID, AdvisorID: form.Get("advisor")})
}

// moments says days and a part of the day: "at weekends in the evening".
func (c *cardAt) moments(day, part string) string {
	var words []string
	if day != "" {
		words = append(words, c.v.T("card.habit.day."+day))
	}
	if part != "" {
		words = append(words, c.v.T("card.habit.part."+part))
	}
	return strings.Join(words, c.v.T("card.habit.join"))
}

// Birthday says a birthday, and how near it is when it is near. Who was born on 29
// February celebrates on the 28th in other years.
func (c Clock) Birthday(value string) (day, soon string) {
	year, rest := "", value
	if len(value) == len(time.DateOnly) {
		year, rest = value[:4], value[5:]
	}
	month, err := strconv.Atoi(rest[:min(2, len(rest))])
	dayOf, err2 := strconv.Atoi(rest[max(0, len(rest)-2):])
	if err != nil || err2 != nil || month < 1 || month > 12 {
		return value, ""
	}
	name := c.Words.T("when.month." + strconv.Itoa(month))
	day = c.Words.T("when.date", "day", dayOf, "month", name)
	if year != "" {
		day = c.Words.T("when.date_year", "day", dayOf, "month", name, "year", year)
	}
	today := c.Now.In(c.Zone)
	for _, y := range []int{today.Year(), today.Year() + 1} {
		on := time.Date(y, time.Month(month), dayOf, 12, 0, 0, 0, c.Zone)
		if on.Day() != dayOf { // no 29 February in this year
			on = time.Date(y, time.Month(month), dayOf-1, 12, 0, 0, 0, c.Zone)
		}
		days := dayNumber(on) - dayNumber(today)
		if days < 0 {
			continue
		}
		return day, c.Ahead(days, birthdayNear)
	}
	return day, ""
}

// Ahead says how many days something is away: "today", "tomorrow", "in 3 days"; no
// words beyond the farthest.
func (c Clock) Ahead(days, farthest int) string {
	switch {
	case days == 0:
		return c.Words.T("when.today")
	case days == 1:
		return c.Words.T("when.tomorrow")
	case days > 1 && days <= farthest:
		return c.Words.T("when.in_days", "n", days)
	}
	return ""
}
