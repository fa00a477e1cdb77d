package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// TagDefinition is a short word that can stand on a card.
type TagDefinition struct {
	ID       string `json:"id" example:"tag_06hk2q8s1n7v0000000000000k"`
	Name     string `json:"name" doc:"What programs and lexicons call it; it stays." example:"concern:sensitive"`
	Label    string `json:"label,omitempty" doc:"The group's own words; absent: the console's word for a known name." example:"Sensitive skin"`
	Tone     string `json:"tone,omitempty" doc:"Its colour; absent: the plain one."`
	Brand    string `json:"brand,omitempty" doc:"Only who sees a counter of this brand sees it; absent: everybody."`
	Days     int    `json:"days" doc:"How long it holds after its proof; 0: it does not expire." example:"180"`
	ByHand   bool   `json:"by_hand" doc:"Offered to the advisor when a conversation ends."`
	Position int    `json:"position" doc:"Its place on the card."`
	Closed   bool   `json:"closed" doc:"True: it is on no card."`
}

// TagSettings are what can change of a tag.
type TagSettings struct {
	Label    string `json:"label,omitempty" maxLength:"200" example:"Sensitive skin"`
	Tone     string `json:"tone,omitempty" maxLength:"40" doc:"Its colour; absent: the plain one."`
	Brand    string `json:"brand,omitempty" maxLength:"60"`
	Days     int    `json:"days,omitempty" minimum:"0" maximum:"36500" doc:"How long it holds after its proof; 0: it does not expire." example:"180"`
	ByHand   bool   `json:"by_hand,omitempty" doc:"Offered to the advisor when a conversation ends."`
	Position int    `json:"position,omitempty" minimum:"0" maximum:"1000000"`
}

type newTagInput struct {
	Body struct {
		Name string `json:"name" minLength:"1" maxLength:"80" doc:"Small letters, digits and _, perhaps with a kind before a colon." example:"concern:sensitive"`
		TagSettings
	}
}

type changeTagInput struct {
	ID   string `path:"id" example:"tag_06hk2q8s1n7v0000000000000k"`
	Body TagSettings
}

type tagInput struct {
	ID string `path:"id" example:"tag_06hk2q8s1n7v0000000000000k"`
}

type tagOutput struct{ Body TagDefinition }

type tagsOutput struct {
	Body struct {
		Tags []TagDefinition `json:"tags"`
	}
}

func (s *server) tagOperations() {
	register(s, huma.Operation{OperationID: "list-tags", Method: http.MethodGet, Path: prefix + "/tags", Tags: []string{tagDefinitions},
		Summary: "List tags", Description: "In the order of the card, closed ones last.", Security: needs(staff.CustomersRead)}, s.listTags)
	register(s, huma.Operation{OperationID: "create-tag", Method: http.MethodPost, Path: prefix + "/tags", Tags: []string{tagDefinitions},
		Summary: "Add a tag", DefaultStatus: http.StatusCreated, Security: needs(staff.CustomersWrite)}, s.createTag)
	register(s, huma.Operation{OperationID: "change-tag", Method: http.MethodPut, Path: prefix + "/tags/{id}", Tags: []string{tagDefinitions},
		Summary: "Change a tag", Description: "It becomes as the body says. Its name stays: lexicons and programs use it.", Security: needs(staff.CustomersWrite)}, s.changeTag)
	register(s, huma.Operation{OperationID: "close-tag", Method: http.MethodDelete, Path: prefix + "/tags/{id}", Tags: []string{tagDefinitions},
		Summary: "Close a tag", Description: "It is taken off the cards; who had it has it again if it is reopened.", DefaultStatus: http.StatusNoContent, Security: needs(staff.CustomersWrite)}, s.closeTag)
	register(s, huma.Operation{OperationID: "reopen-tag", Method: http.MethodPost, Path: prefix + "/tags/{id}/reopen", Tags: []string{tagDefinitions},
		Summary: "Reopen a tag", DefaultStatus: http.StatusNoContent, Security: needs(staff.CustomersWrite)}, s.reopenTag)
}

func newTagDefinition(t customer.Tag) TagDefinition {
	return TagDefinition{ID: t.ID, Name: t.Name, Label: t.Label, Tone: t.Tone, Brand: t.BrandID, Days: t.Days, ByHand: t.ByHand, Position: t.Position, Closed: t.Closed}
}

func (b TagSettings) tag() customer.Tag {
	return customer.Tag{Label: b.Label, Tone: b.Tone, BrandID: b.Brand, Days: b.Days, ByHand: b.ByHand, Position: b.Position}
}

func (s *server) listTags(ctx context.Context, _ *struct{}) (*tagsOutput, error) {
	out := &tagsOutput{}
	out.Body.Tags = []TagDefinition{}
	err := s.read(ctx, func(tx *db.Tx) error {
		tags, err := s.Desk.Book.Tags(tx)
		for _, t := range tags {
			out.Body.Tags = append(out.Body.Tags, newTagDefinition(t))
		}
		return err
	})
	return out, err
}

func (s *server) createTag(ctx context.Context, in *newTagInput) (*tagOutput, error) {
	t := in.Body.tag()
	t.Name = in.Body.Name
	return s.saveTag(ctx, t)
}

func (s *server) changeTag(ctx context.Context, in *changeTagInput) (*tagOutput, error) {
	t := in.Body.tag()
	t.ID = db.CleanText(in.ID)
	return s.saveTag(ctx, t)
}

func (s *server) saveTag(ctx context.Context, t customer.Tag) (*tagOutput, error) {
	c := callerOf(ctx)
	out := &tagOutput{}
	err := s.write(ctx, func(tx *db.Tx) error {
		saved, err := s.Desk.Book.SaveTag(tx, c.house(), t)
		out.Body = newTagDefinition(saved)
		return err
	})
	return out, err
}

func (s *server) closeTag(ctx context.Context, in *tagInput) (*struct{}, error) {
	c := callerOf(ctx)
	return nil, s.write(ctx, func(tx *db.Tx) error { return s.Desk.Book.CloseTag(tx, c.house(), db.CleanText(in.ID)) })
}

func (s *server) reopenTag(ctx context.Context, in *tagInput) (*struct{}, error) {
	c := callerOf(ctx)
	return nil, s.write(ctx, func(tx *db.Tx) error { return s.Desk.Book.ReopenTag(tx, c.house(), db.CleanText(in.ID)) })
}
