package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// Contact is a number or an address of a customer.
type Contact struct {
	ID       string               `json:"id" example:"con_06hk2q8s1n7v0000000000000q"`
	Kind     customer.ContactKind `json:"kind" enum:"phone,email,member" example:"phone"`
	Masked   string               `json:"masked" doc:"As much as everybody may read." example:"+886 ••• ••• 678"`
	Value    string               `json:"value,omitempty" doc:"The whole value: only for tokens with the scope contacts:read, and each reading is on record."`
	Verified bool                 `json:"verified" doc:"It proves who she is: a till read her card, or she answered a code that was sent to it."`
	Source   customer.Source      `json:"source" example:"api"`
	At       time.Time            `json:"at"`
}

// ContactForm is a number or an address that another system knows.
type ContactForm struct {
	Kind     customer.ContactKind `json:"kind" enum:"phone,email,member" example:"member"`
	Value    string               `json:"value" minLength:"1" maxLength:"200" example:"VIP-004711"`
	Region   string               `json:"region,omitempty" maxLength:"2" doc:"The country of a phone number that is written without one; absent: TW." example:"TW"`
	Verified bool                 `json:"verified,omitempty" doc:"Say true only of what your system has proved: customers with the same verified phone or member number become one." example:"true"`
}

func (f ContactForm) contact() customer.Contact {
	return customer.Contact{Kind: f.Kind, Value: f.Value, Region: f.Region, Verified: f.Verified, Source: customer.SourceAPI}
}

type newContactInput struct {
	ID   string `path:"id" example:"cus_06hk2q8s1n7v0000000000000b"`
	Body ContactForm
}

type contactInput struct {
	ID string `path:"id" example:"con_06hk2q8s1n7v0000000000000q"`
}

type contactOutput struct{ Body Contact }

func (s *server) contactOperations() {
	register(s, huma.Operation{OperationID: "add-contact", Method: http.MethodPost, Path: prefix + "/customers/{id}/contacts", Tags: []string{tagCards},
		Summary: "Add a number or an address", DefaultStatus: http.StatusCreated, Security: needs(staff.CustomersWrite),
		Description: "One that she has already stays, so this can be repeated; it becomes verified when this one is."}, s.addContact)
	register(s, huma.Operation{OperationID: "end-contact", Method: http.MethodDelete, Path: prefix + "/contacts/{id}", Tags: []string{tagCards},
		Summary: "Take a number or an address off a card", DefaultStatus: http.StatusNoContent, Security: needs(staff.CustomersWrite)}, s.endContact)
}

func newContact(c customer.Contact) Contact {
	return Contact{ID: c.ID, Kind: c.Kind, Masked: c.Masked, Value: c.Value, Verified: c.Verified, Source: c.Source, At: c.At}
}

func (s *server) addContact(ctx context.Context, in *newContactInput) (*contactOutput, error) {
	c := callerOf(ctx)
	out := &contactOutput{}
	err := s.write(ctx, func(tx *db.Tx) error {
		p, err := s.person(tx, c, in.ID)
		if err != nil {
			return err
		}
		added, err := s.Desk.AddContact(tx, c.Viewer, p.asked, in.Body.contact())
		out.Body = newContact(added)
		return err
	})
	return out, err
}

func (s *server) endContact(ctx context.Context, in *contactInput) (*struct{}, error) {
	c := callerOf(ctx)
	return nil, s.write(ctx, func(tx *db.Tx) error { return s.Desk.EndContact(tx, c.Viewer, db.CleanText(in.ID)) })
}
