package api

import (
	"context"
	"errors"
	"strconv"
	"time"

	"dingdong/internal/audit"
	"dingdong/internal/customer"
	"dingdong/internal/db"
)

// The bodies that operations take, in bytes, where the framework's megabyte is
// not enough.
const maxBatchBody = 16 << 20

// wrote puts on record that a program wrote on somebody's card; what is a code.
func wrote(tx *db.Tx, c caller, customerID, what, object string) {
	audit.Record(tx, audit.Entry{Actor: c.ID, Action: "api.write", Customer: customerID, Object: object, Detail: what})
}

// write runs a function that changes something.
func (s *server) write(ctx context.Context, fn func(tx *db.Tx) error) error {
	return s.DB.Write(ctx, fn)
}

// within names the place of a bad value inside a list: "give.2.name".
func inList(list string, i int, err error) error {
	var invalid db.Invalid
	if errors.As(err, &invalid) {
		return db.Invalid{Field: list + "." + strconv.Itoa(i) + "." + invalid.Field, Code: invalid.Code}
	}
	return err
}

// moment is a time that may be missing.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func given(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}

// person is a customer's card as it is asked for: whose it is, and of which
// records it is made.
type person struct {
	id      string
	asked   string // the record that was asked for: what is written is written on it
	records []string
}

// person finds whose card shows a customer, or db.ErrNotFound.
func (s *server) person(tx *db.Tx, c caller, id string) (person, error) {
	p := person{asked: db.CleanText(id)}
	var err error
	if p.id, err = s.Desk.Visible(tx, c.Viewer, p.asked); err != nil {
		return p, err
	}
	p.records, err = s.Desk.Book.Records(tx, p.id)
	return p, err
}

// owns checks that a row of a card, by its id, is of this person.
func (s *server) owns(tx *db.Tx, p person, rowID string) error {
	record, err := s.Desk.Book.Whose(tx, rowID)
	if err != nil {
		return err
	}
	for _, r := range p.records {
		if r == record {
			return nil
		}
	}
	return db.ErrNotFound
}

// pageInput asks for a piece of one kind of what is known of a customer.
type pageInput struct {
	ID     string `path:"id" example:"cus_06hk2q8s1n7v0000000000000b"`
	Cursor string `query:"cursor" doc:"The next of the page before."`
	Limit  int    `query:"limit" minimum:"1" maximum:"100" default:"50"`
}

func (in *pageInput) page(list string, p person) (customer.Page, error) {
	out := customer.Page{Records: p.records, Limit: in.Limit + 1}
	if in.Cursor == "" {
		return out, nil
	}
	cur, err := parseCursor(list, "cursor", in.Cursor)
	out.Before = customer.Cursor{At: db.Time(cur.at), ID: cur.id}
	return out, err
}

// cutPage cuts what was read too much off a list, and tells where it goes on.
func cutPage[T any](in *pageInput, list string, found []T, place func(T) (time.Time, string)) ([]T, string) {
	if len(found) <= in.Limit {
		return found, ""
	}
	found = found[:in.Limit]
	at, id := place(found[in.Limit-1])
	return found, cursor{list, db.Micro(at), id}.String()
}

// errNothing refuses a change that changes nothing: a misspelt field would look like one.
func errNothing(field string) error { return db.Invalid{Field: field, Code: "required"} }

// card reads a piece of what is known of a customer, and puts on record that it
// was read.
func (s *server) card(ctx context.Context, in *pageInput, list string, read func(tx *db.Tx, c caller, page customer.Page) error) error {
	c := callerOf(ctx)
	var p person
	err := s.read(ctx, func(tx *db.Tx) (err error) {
		if p, err = s.person(tx, c, in.ID); err != nil {
			return err
		}
		page, err := in.page(list, p)
		if err != nil {
			return err
		}
		return read(tx, c, page)
	})
	if err != nil {
		return err
	}
	return s.saw(ctx, c, p.id)
}

// entering is a row on its way to a customer's card.
type entering struct {
	what, customer, key string
	body                any
	add                 func(tx *db.Tx, customerID string) (id string, err error)
}

// enterRow adds a row to a card, once for its key, and puts that on record.
func (s *server) enterRow(ctx context.Context, e entering, then func(tx *db.Tx, id string) error) (repeated bool, err error) {
	c := callerOf(ctx)
	return s.makeOnce(ctx, making{e.what + "/" + e.customer, e.key, e.body, func(tx *db.Tx) (string, error) {
		p, err := s.person(tx, c, e.customer)
		if err != nil {
			return "", err
		}
		id, err := e.add(tx, p.asked)
		if err == nil {
			wrote(tx, c, p.id, e.what, id)
		}
		return id, err
	}}, then)
}

// changeRow changes one row of a card, by its id, and puts that on record.
func (s *server) changeRow(ctx context.Context, what, id string, change func(tx *db.Tx, c caller) error) error {
	c := callerOf(ctx)
	return s.write(ctx, func(tx *db.Tx) error {
		customerID, err := s.Desk.VisibleRow(tx, c.Viewer, id)
		if err != nil {
			return err
		}
		if err := change(tx, c); err != nil {
			return err
		}
		wrote(tx, c, customerID, what, id)
		return nil
	})
}

// unknownAs is for an id inside a body: where nothing has it, the field is at
// fault and not the address.
func unknownAs(field string, err error) error {
	if errors.Is(err, db.ErrNotFound) {
		return db.Invalid{Field: field, Code: "unknown"}
	}
	return err
}
