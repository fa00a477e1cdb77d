package api

import (
	"context"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// AttributeDefinition is something that the group wants to know of its customers.
type AttributeDefinition struct {
	ID       string        `json:"id" example:"atd_06hk2q8s1n7v0000000000000j"`
	Name     string        `json:"name" doc:"What programs and lexicons call it; it stays." example:"skin_type"`
	Label    string        `json:"label,omitempty" doc:"The group's own words; absent: the console's word for a known name." example:"Skin type"`
	Type     customer.Type `json:"type" enum:"text,choice,many,number,date,birthday,yes" example:"choice"`
	Choices  []Choice      `json:"choices,omitempty" doc:"The values it may have."`
	Brand    string        `json:"brand,omitempty" doc:"Only who sees a counter of this brand sees it; absent: everybody."`
	Position int           `json:"position" doc:"Its place on the card."`
	Closed   bool          `json:"closed" doc:"True: it is on no card; its values are kept."`
}

// Choice is a value that an attribute may have.
type Choice struct {
	Code  string `json:"code" example:"dry"`
	Label string `json:"label,omitempty" doc:"The group's own words; absent: the console's word for a known code." example:"Dry"`
}

// AttributeSettings are what can change of an attribute.
type AttributeSettings struct {
	Label    string   `json:"label,omitempty" maxLength:"200" example:"Skin type"`
	Choices  []Choice `json:"choices,omitempty" maxItems:"500" doc:"For the types choice and many."`
	Brand    string   `json:"brand,omitempty" maxLength:"60"`
	Position int      `json:"position,omitempty" minimum:"0" maximum:"1000000" example:"40"`
}

type newAttributeInput struct {
	Body struct {
		Name string        `json:"name" minLength:"1" maxLength:"40" doc:"Small letters, digits and _." example:"skin_type"`
		Type customer.Type `json:"type" enum:"text,choice,many,number,date,birthday,yes" example:"choice"`
		AttributeSettings
	}
}

type changeAttributeInput struct {
	ID   string `path:"id" example:"atd_06hk2q8s1n7v0000000000000j"`
	Body AttributeSettings
}

type definitionInput struct {
	ID string `path:"id" example:"atd_06hk2q8s1n7v0000000000000j"`
}

type attributeOutput struct{ Body AttributeDefinition }

type attributesOutput struct {
	Body struct {
		Attributes []AttributeDefinition `json:"attributes"`
	}
}

func (s *server) attributeOperations() {
	register(s, huma.Operation{OperationID: "list-attributes", Method: http.MethodGet, Path: prefix + "/attributes", Tags: []string{tagDefinitions},
		Summary: "List attributes", Description: "In the order of the card, closed ones last.", Security: needs(staff.CustomersRead)}, s.listAttributes)
	register(s, huma.Operation{OperationID: "create-attribute", Method: http.MethodPost, Path: prefix + "/attributes", Tags: []string{tagDefinitions},
		Summary: "Add an attribute", DefaultStatus: http.StatusCreated, Security: needs(staff.CustomersWrite)}, s.createAttribute)
	register(s, huma.Operation{OperationID: "change-attribute", Method: http.MethodPut, Path: prefix + "/attributes/{id}", Tags: []string{tagDefinitions},
		Summary: "Change an attribute", Description: "It becomes as the body says. Its name and type stay: values were stored under them.", Security: needs(staff.CustomersWrite)}, s.changeAttribute)
	register(s, huma.Operation{OperationID: "close-attribute", Method: http.MethodDelete, Path: prefix + "/attributes/{id}", Tags: []string{tagDefinitions},
		Summary: "Close an attribute", Description: "It is taken off the cards; its values are kept.", DefaultStatus: http.StatusNoContent, Security: needs(staff.CustomersWrite)}, s.closeAttribute)
	register(s, huma.Operation{OperationID: "reopen-attribute", Method: http.MethodPost, Path: prefix + "/attributes/{id}/reopen", Tags: []string{tagDefinitions},
		Summary: "Reopen an attribute", DefaultStatus: http.StatusNoContent, Security: needs(staff.CustomersWrite)}, s.reopenAttribute)
}

func newAttributeDefinition(d customer.AttributeDef) AttributeDefinition {
	out := AttributeDefinition{ID: d.ID, Name: d.Name, Label: d.Label, Type: d.Type, Brand: d.BrandID, Position: d.Position, Closed: d.Closed}
	for _, c := range d.Choices {
		out.Choices = append(out.Choices, Choice(c))
	}
	return out
}

func (b AttributeSettings) definition() customer.AttributeDef {
	d := customer.AttributeDef{Label: b.Label, BrandID: b.Brand, Position: b.Position}
	for _, c := range b.Choices {
		d.Choices = append(d.Choices, customer.Choice(c))
	}
	return d
}

func (s *server) listAttributes(ctx context.Context, _ *struct{}) (*attributesOutput, error) {
	out := &attributesOutput{}
	out.Body.Attributes = []AttributeDefinition{}
	err := s.read(ctx, func(tx *db.Tx) error {
		defs, err := s.Desk.Book.AttributeDefs(tx)
		for _, d := range defs {
			out.Body.Attributes = append(out.Body.Attributes, newAttributeDefinition(d))
		}
		return err
	})
	return out, err
}

func (s *server) createAttribute(ctx context.Context, in *newAttributeInput) (*attributeOutput, error) {
	d := in.Body.definition()
	d.Name, d.Type = in.Body.Name, in.Body.Type
	return s.saveAttribute(ctx, d)
}

func (s *server) changeAttribute(ctx context.Context, in *changeAttributeInput) (*attributeOutput, error) {
	d := in.Body.definition()
	d.ID = in.ID
	return s.saveAttribute(ctx, d)
}

func (s *server) saveAttribute(ctx context.Context, d customer.AttributeDef) (*attributeOutput, error) {
	c := callerOf(ctx)
	out := &attributeOutput{}
	err := s.write(ctx, func(tx *db.Tx) error {
		saved, err := s.Desk.Book.SaveAttributeDef(tx, c.house(), customer.AttributeDef{ID: db.CleanText(d.ID), Name: d.Name, Label: d.Label, Type: d.Type,
			Choices: slices.Clone(d.Choices), BrandID: d.BrandID, Position: d.Position})
		out.Body = newAttributeDefinition(saved)
		return err
	})
	return out, err
}

func (s *server) closeAttribute(ctx context.Context, in *definitionInput) (*struct{}, error) {
	c := callerOf(ctx)
	return nil, s.write(ctx, func(tx *db.Tx) error {
		return s.Desk.Book.CloseAttributeDef(tx, c.house(), db.CleanText(in.ID))
	})
}

func (s *server) reopenAttribute(ctx context.Context, in *definitionInput) (*struct{}, error) {
	c := callerOf(ctx)
	return nil, s.write(ctx, func(tx *db.Tx) error {
		return s.Desk.Book.ReopenAttributeDef(tx, c.house(), db.CleanText(in.ID))
	})
}
