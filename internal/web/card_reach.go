package web

import (
	"html/template"
	"net/url"
	"regexp"

	"dingdong/internal/conversation"
	"dingdong/internal/customer"
	"dingdong/internal/db"
)

// cardReach is where she can be met.
type cardReach struct {
	ThreadID   string
	Chat       bool
	Identities []identityLine
	Contacts   []contactLine
	Kinds      []Option
	Reasons    []Option
	Kind       string // of the contact that was typed
	Value      string
	Error      string // code below "invalid."
}

// identityLine is one channel on which she can be met.
type identityLine struct {
	Channel, Account string
	Name             string
	Tone, Reach      string
	Since            string
}

// contactLine is a number or an address, masked until she says why she needs it.
type contactLine struct {
	ThreadID string
	ID       string
	Kind     string
	Masked   string
	Verified bool
	From     string
	Value    string       // the whole one, that she asked for
	Call     template.URL // to call or write to at once
	Asks     string       // what is wrong with the reason
}

var dialled = regexp.MustCompile(`^\+?[0-9]{3,20}$`)

func (c *cardAt) reach() (cardReach, error) {
	p := cardReach{ThreadID: c.t.ID, Chat: c.chats(), Kind: string(customer.Phone)}
	var err error
	if p.Identities, err = c.identities(); err != nil {
		return p, err
	}
	contacts, err := c.Desk.Contacts(c.tx, c.v.Viewer, c.t.CustomerID)
	if err != nil {
		return p, err
	}
	for _, x := range contacts {
		line := contactLine{ThreadID: c.t.ID, ID: x.ID, Kind: string(x.Kind), Masked: x.Masked, Verified: x.Verified,
			From: c.from(customer.Proof{Source: x.Source, By: c.near(x.By), At: x.At})}
		if c.shown != nil && c.shown.ID == x.ID {
			line.Value = c.shown.Value
			switch x.Kind {
			case customer.Phone:
				if dialled.MatchString(c.shown.Value) { // the template trusts it
					line.Call = template.URL("tel:" + c.shown.Value)
				}
			case customer.Email:
				line.Call = template.URL("mailto:" + url.PathEscape(c.shown.Value))
			}
		}
		if c.form.Failed() && c.formOf == x.ID {
			line.Asks = c.form.Errors["reason"]
		}
		p.Contacts = append(p.Contacts, line)
	}
	for _, kind := range []customer.ContactKind{customer.Phone, customer.Member, customer.Email} {
		p.Kinds = append(p.Kinds, Option{string(kind), c.v.T("contact." + string(kind))})
	}
	for _, reason := range conversation.ContactReasons() {
		p.Reasons = append(p.Reasons, Option{reason, c.v.T("contact.reason." + reason)})
	}
	if c.form.Failed() && c.formOf == "" {
		p.Kind, p.Value = c.form.Values.Get("kind"), c.form.Values.Get("value")
		for _, code := range c.form.Errors {
			p.Error = code
		}
	}
	return p, nil
}

// identities lists her channels at counters that the viewer sees: what another
// counter knows of her is not this one's to read.
func (c *cardAt) identities() ([]identityLine, error) {
	var out []identityLine
	for _, record := range c.records {
		all, err := c.Desk.IdentitiesSeen(c.tx, c.v.Viewer, record)
		if err != nil {
			return nil, err
		}
		for _, i := range all {
			account, err := c.Desk.AccountByID(c.tx, i.AccountID)
			if err != nil {
				return nil, err
			}
			out = append(out, identityLine{Channel: string(account.Kind), Account: account.Name, Name: i.Name, Since: c.clock.Date(i.CreatedAt),
				Tone: reachTones[string(i.Reach)], Reach: c.v.T("reach." + string(i.Reach))})
		}
	}
	return out, nil
}

var reachTones = map[string]string{"friend": "green", "blocked": "soft", "unknown": "line"}

func addContact(c *cardAt, form url.Values, _ string) error {
	_, err := c.Desk.AddContact(c.tx, c.v.Viewer, c.t.CustomerID, customer.Contact{Kind: customer.ContactKind(form.Get("kind")),
		Value: form.Get("value"), Source: customer.SourceStaff})
	return err
}

// contactOf finds a contact of this person: an id alone opens nothing.
func (c *cardAt) contactOf(id string) error {
	all, err := c.Desk.Contacts(c.tx, c.v.Viewer, c.t.CustomerID)
	if err != nil {
		return err
	}
	for _, x := range all {
		if x.ID == id {
			return nil
		}
	}
	return db.ErrNotFound
}

func showContact(c *cardAt, form url.Values, row string) error {
	if err := c.contactOf(row); err != nil {
		return err
	}
	if form.Get("reason") == "" {
		return db.Invalid{Field: "reason", Code: "required"}
	}
	found, err := c.Desk.ShowContact(c.tx, c.v.Viewer, row, form.Get("reason"))
	c.shown = &found
	return err
}

func endContact(c *cardAt, _ url.Values, row string) error {
	if err := c.contactOf(row); err != nil {
		return err
	}
	return c.Desk.EndContact(c.tx, c.v.Viewer, row)
}
