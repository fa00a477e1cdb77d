package api

import (
	"context"
	"time"

	"dingdong/internal/audit"
	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// Card is everything on a customer's card. What may be long has a list of its own
// beside the first twenty here.
type Card struct {
	Customer
	Names      []string    `json:"names" doc:"Everything she is called, by the counter and by platforms."`
	Records    []string    `json:"records" doc:"The records that are known as this person, her own first: merging adds one, unmerging takes it away."`
	Contacts   []Contact   `json:"contacts"`
	Attributes []Attribute `json:"attributes" doc:"What counts now, in the order of the card."`
	Tags       []Tag       `json:"tags" doc:"What she has now, in the order of the card."`
	Bindings   []Binding   `json:"bindings" doc:"Her own advisors, one a counter; those that ended last."`
	Notes      []Note      `json:"notes" doc:"The latest twenty; see the list of notes."`
	Wishes     []Wish      `json:"wishes" doc:"The latest twenty; see the list of wishes."`
	Promises   []Promise   `json:"promises" doc:"The latest twenty; see the list of promises."`
}

// Proof says why something is believed of a customer.
type Proof struct {
	Source  customer.Source `json:"source" enum:"said,staff,till,import,api,computed" doc:"said: in her own words; computed: worked out from what she does." example:"said"`
	By      string          `json:"by,omitempty" doc:"A staff id, an import, or token/ and the id of a program."`
	Counter string          `json:"counter,omitempty" doc:"At whose counter it was learnt."`
	Message string          `json:"message,omitempty" doc:"The message in which she said it."`
	Rule    string          `json:"rule,omitempty" doc:"The rule of a lexicon that heard it." example:"en/3/skin.sensitive"`
	Cause   string          `json:"cause,omitempty" doc:"Her words." example:"sensitive skin"`
}

// Attribute is a value on a card.
type Attribute struct {
	ID      string     `json:"id" doc:"Of this proof; give it to forget the value." example:"atr_06hk2q8s1n7v0000000000000o"`
	Name    string     `json:"name" example:"skin_type"`
	Value   string     `json:"value" example:"dry"`
	Proof   Proof      `json:"proof"`
	At      time.Time  `json:"at" doc:"When it was proved: the newest proof counts."`
	EndedAt *time.Time `json:"ended_at,omitempty" doc:"In a timeline: when it was undone or replaced."`
}

// Tag is a short word on a card.
type Tag struct {
	ID        string     `json:"id" doc:"Of this proof; give it to take the tag." example:"ctg_06hk2q8s1n7v0000000000000p"`
	Name      string     `json:"name" example:"concern:sensitive"`
	Proof     Proof      `json:"proof"`
	At        time.Time  `json:"at" doc:"Of the proof."`
	ExpiresAt *time.Time `json:"expires_at,omitempty"`
	EndedAt   *time.Time `json:"ended_at,omitempty" doc:"In a timeline: when it was taken."`
}

type cardOutput struct{ Body Card }

// onCard is how many notes, wishes and promises a card carries along.
const onCard = 20

func newProof(p customer.Proof) Proof {
	return Proof{Source: p.Source, By: p.By, Counter: p.CounterID, Message: p.MessageID, Rule: p.Rule, Cause: p.Cause}
}

func newAttribute(a customer.Attribute) Attribute {
	return Attribute{ID: a.ID, Name: a.Def.Name, Value: a.Value, Proof: newProof(a.Proof), At: a.At, EndedAt: moment(a.EndedAt)}
}

func newTag(t customer.CustomerTag) Tag {
	return Tag{ID: t.ID, Name: t.Tag.Name, Proof: newProof(t.Proof), At: t.At, ExpiresAt: moment(t.ExpiresAt), EndedAt: moment(t.EndedAt)}
}

func (s *server) getCustomer(ctx context.Context, in *customerInput) (*cardOutput, error) {
	c := callerOf(ctx)
	out := &cardOutput{}
	err := s.read(ctx, func(tx *db.Tx) error {
		p, err := s.person(tx, c, in.ID)
		if err != nil {
			return err
		}
		out.Body, err = s.wholeCard(tx, c, p)
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := s.sawContacts(ctx, c, out.Body.ID, out.Body.Contacts); err != nil {
		return nil, err
	}
	return out, s.saw(ctx, c, out.Body.ID)
}

// wholeCard puts everything on a card together.
func (s *server) wholeCard(tx *db.Tx, c caller, p person) (Card, error) {
	book := s.Desk.Book
	who, err := s.customer(tx, p.id)
	if err != nil {
		return Card{}, err
	}
	out := Card{Customer: who, Records: p.records, Names: []string{}, Attributes: []Attribute{}, Tags: []Tag{}, Bindings: []Binding{},
		Notes: []Note{}, Wishes: []Wish{}, Promises: []Promise{}}
	names, err := book.NamesOf(tx, p.records)
	if err != nil {
		return out, err
	}
	out.Names = append(out.Names, names...)
	if out.Contacts, err = s.contacts(tx, c, p); err != nil {
		return out, err
	}
	sight, err := book.Sight(tx, c.Viewer)
	if err != nil {
		return out, err
	}
	attributes, err := book.Attributes(tx, sight, p.records)
	if err != nil {
		return out, err
	}
	for _, a := range attributes {
		out.Attributes = append(out.Attributes, newAttribute(a))
	}
	tags, err := book.TagsOf(tx, sight, p.records)
	if err != nil {
		return out, err
	}
	for _, t := range tags {
		out.Tags = append(out.Tags, newTag(t))
	}
	bindings, err := book.Bindings(tx, p.records)
	if err != nil {
		return out, err
	}
	for _, b := range bindings {
		out.Bindings = append(out.Bindings, newBinding(b))
	}
	return out, s.written(tx, c, p, &out)
}

// written puts what was written down about her on a card.
func (s *server) written(tx *db.Tx, c caller, p person, out *Card) error {
	page := customer.Page{Records: p.records, Limit: onCard}
	notes, err := s.Desk.Book.Notes(tx, c.Viewer, page)
	if err != nil {
		return err
	}
	for _, n := range notes {
		out.Notes = append(out.Notes, newNote(n))
	}
	wishes, err := s.Desk.Book.Wishes(tx, c.Viewer, page)
	if err != nil {
		return err
	}
	for _, w := range wishes {
		out.Wishes = append(out.Wishes, newWish(w))
	}
	promises, err := s.Desk.Book.Promises(tx, c.Viewer, page)
	for _, p := range promises {
		out.Promises = append(out.Promises, newPromise(p))
	}
	return err
}

// contacts lists a person's numbers and addresses, whole for a token that may
// read them.
func (s *server) contacts(tx *db.Tx, c caller, p person) ([]Contact, error) {
	list, err := s.Desk.Book.Contacts(tx, p.records)
	if err != nil {
		return nil, err
	}
	out := make([]Contact, 0, len(list))
	for _, one := range list {
		if c.token.Has(staff.ContactsRead) {
			if one, err = s.Desk.Book.ContactByID(tx, one.ID); err != nil {
				return nil, err
			}
		}
		out = append(out, newContact(one))
	}
	return out, nil
}

// sawContacts puts on record that a program read numbers and addresses in full,
// every time, before it gets the answer.
func (s *server) sawContacts(ctx context.Context, c caller, customerID string, list []Contact) error {
	if len(list) == 0 || !c.token.Has(staff.ContactsRead) {
		return nil
	}
	return s.write(ctx, func(tx *db.Tx) error {
		for _, one := range list {
			audit.Record(tx, audit.Entry{Actor: c.ID, Action: "api.contact", Customer: customerID, Object: one.ID, Detail: string(one.Kind)})
		}
		return nil
	})
}
