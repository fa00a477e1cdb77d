package web

import (
	"net/url"
	"strings"

	"dingdong/internal/customer"
	"dingdong/internal/db"
)

// cardTags is what she is about, in pills.
type cardTags struct {
	ThreadID string
	Chat     bool
	Tags     []tagPill
	Offered  []tagPill // to give by hand with one tap
	Undone   *undone
	Form     Form
}

// tagPill is a tag on the card, or one that can be given.
type tagPill struct {
	ID    string // of the row; of an offered one empty
	Name  string
	Label string
	Tone  string
	Heard bool
	Words string // that caused it
	Rule  ruleText
	From  string // where it comes from and when
	Until string
}

func (c *cardAt) tags() (cardTags, error) {
	p := cardTags{ThreadID: c.t.ID, Chat: c.chats(), Undone: c.undone, Form: c.form}
	hers, err := c.Desk.Book.TagsOf(c.tx, c.sight, c.records)
	if err != nil {
		return p, err
	}
	has := map[string]bool{}
	for _, t := range hers {
		has[t.Tag.ID] = true
		pill := tagPill{ID: t.ID, Name: t.Tag.Name, Label: c.tagLabel(t.Tag), Tone: t.Tag.Tone, Heard: t.Proof.Source == customer.SourceSaid,
			Words: t.Proof.Cause, Rule: c.rule(t.Proof.Rule), From: c.from(t.Proof)}
		if !t.ExpiresAt.IsZero() {
			pill.Until = c.v.T("card.tag.until", "day", c.clock.Date(t.ExpiresAt))
		}
		p.Tags = append(p.Tags, pill)
	}
	if !p.Chat {
		return p, nil
	}
	all, err := c.Desk.Book.TagsByHand(c.tx)
	p.Offered = c.giveable(all, func(t customer.Tag) bool { return !has[t.ID] })
	return p, err
}

// giveable picks the tags that the viewer can give.
func (c *cardAt) giveable(all []customer.Tag, fits func(customer.Tag) bool) []tagPill {
	var out []tagPill
	for _, t := range all {
		if !t.Closed && c.sight.Brand(t.BrandID) && fits(t) {
			out = append(out, tagPill{Name: t.Name, Label: c.tagLabel(t), Tone: t.Tone})
		}
	}
	return out
}

// allTags is for the advisor who knows what nobody has said.
func (c *cardAt) allTags() (cardTags, error) {
	p := cardTags{ThreadID: c.t.ID, Chat: c.chats()}
	hers, err := c.Desk.Book.TagsOf(c.tx, c.sight, c.records)
	if err != nil {
		return p, err
	}
	has := map[string]bool{}
	for _, t := range hers {
		has[t.Tag.ID] = true
	}
	all, err := c.Desk.Book.Tags(c.tx)
	p.Offered = c.giveable(all, func(t customer.Tag) bool { return !t.ByHand && !has[t.ID] })
	return p, err
}

func giveTag(c *cardAt, form url.Values, _ string) error {
	name := strings.TrimSpace(form.Get("tag"))
	if name == "" {
		return db.Invalid{Field: "tag", Code: "required"}
	}
	if _, err := c.Desk.Book.GiveTagByHand(c.tx, c.v.Viewer, customer.ByHand{CustomerID: c.t.CustomerID, CounterID: c.t.CounterID, Name: name}); err != nil {
		return err
	}
	// What went with it when it was taken a moment ago comes back with it.
	for _, with := range form["with"][:min(len(form["with"]), mostWith)] {
		name, value, _ := strings.Cut(with, "=")
		if _, err := c.Desk.Book.LearnByHand(c.tx, c.v.Viewer, customer.ByHand{CustomerID: c.t.CustomerID, CounterID: c.t.CounterID, Name: name, Value: value}); err != nil {
			return err
		}
	}
	return nil
}

// mostWith bounds how many values come back with a tag.
const mostWith = 5

func takeTag(c *cardAt, _ url.Values, row string) error {
	if err := c.hers(row); err != nil {
		return err
	}
	worn, err := c.Desk.Book.TagsOf(c.tx, c.sight, c.records)
	if err != nil {
		return err
	}
	gone, err := c.Desk.Book.TakeTag(c.tx, c.v.Viewer, row)
	if err != nil {
		return err
	}
	var lost []string
	for _, a := range gone {
		lost = append(lost, attributeName(c.v.Words, a.Def))
	}
	for _, t := range worn {
		if t.ID == row {
			c.undone = &undone{Label: c.tagLabel(t.Tag), Name: t.Tag.Name, With: gone, Lost: strings.Join(lost, c.v.T("admin.list_comma"))}
		}
	}
	return nil
}
