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

type learning struct {
	Name    string     `json:"name" minLength:"1" maxLength:"40" example:"skin_type"`
	Value   string     `json:"value" minLength:"1" maxLength:"500" example:"dry"`
	Source  string     `json:"source,omitempty" enum:"api,till,import" default:"api"`
	Counter string     `json:"counter,omitempty" maxLength:"60" doc:"At whose counter it was learnt."`
	At      *time.Time `json:"at,omitempty" doc:"When it was proved; absent: now. The newest proof counts, an older one enters the history."`
}

type attributesPatch struct {
	ID   string `path:"id" example:"cus_06hk2q8s1n7v0000000000000b"`
	Body struct {
		Learn  []learning `json:"learn,omitempty" maxItems:"100"`
		Forget []string   `json:"forget,omitempty" maxItems:"100" doc:"Ids of attributes of this card. What was concluded from her words is not concluded again; what was known before counts again."`
	}
}

type giving struct {
	Name    string     `json:"name" minLength:"1" maxLength:"80" example:"concern:sensitive"`
	Source  string     `json:"source,omitempty" enum:"api,till,import" default:"api"`
	Counter string     `json:"counter,omitempty" maxLength:"60" doc:"At whose counter it was learnt."`
	Days    int        `json:"days,omitempty" minimum:"0" maximum:"3650" doc:"How long it holds; absent: as long as the tag says."`
	At      *time.Time `json:"at,omitempty" doc:"When it was proved; absent: now."`
}

type tagsPatch struct {
	ID   string `path:"id" example:"cus_06hk2q8s1n7v0000000000000b"`
	Body struct {
		Give []giving `json:"give,omitempty" maxItems:"100"`
		Take []string `json:"take,omitempty" maxItems:"100" doc:"Ids of tags of this card. What was concluded from her words is not concluded again, and a value that the same rule read in the same words goes with it."`
	}
}

type cardAttributesOutput struct {
	Body struct {
		Attributes []Attribute `json:"attributes" doc:"What counts now."`
	}
}

type cardTagsOutput struct {
	Body struct {
		Tags []Tag `json:"tags" doc:"What she has now."`
	}
}

func (s *server) cardOperations() {
	register(s, huma.Operation{OperationID: "patch-attributes", Method: http.MethodPatch, Path: prefix + "/customers/{id}/attributes", Tags: []string{tagCards},
		Summary: "Learn and forget attributes", Security: needs(staff.CustomersWrite),
		Description: "All of it happens or nothing. Learning what is known already changes nothing, so this can be repeated."}, s.patchAttributes)
	register(s, huma.Operation{OperationID: "patch-tags", Method: http.MethodPatch, Path: prefix + "/customers/{id}/tags", Tags: []string{tagCards},
		Summary: "Give and take tags", Security: needs(staff.CustomersWrite),
		Description: "All of it happens or nothing. A tag that she has already is proved anew."}, s.patchTags)
}

// entry checks what a program says of where it knows something from.
type entry struct {
	source, counter string
	at              *time.Time
}

func (s *server) proof(tx *db.Tx, c caller, e entry) (customer.Proof, error) {
	p := customer.Proof{Source: customer.Source(e.source), By: c.ID, CounterID: e.counter, At: given(e.at)}
	if p.Source == "" {
		p.Source = customer.SourceAPI
	}
	if e.counter == "" {
		return p, nil
	}
	return p, knownCounter(tx, e.counter)
}

// knownCounter refuses an id that is no counter's.
func knownCounter(tx *db.Tx, id string) error {
	_, err := staff.GetCounter(tx, db.CleanText(id))
	return unknownAs("counter", err)
}

func (s *server) patchAttributes(ctx context.Context, in *attributesPatch) (*cardAttributesOutput, error) {
	if len(in.Body.Learn)+len(in.Body.Forget) == 0 {
		return nil, errNothing("learn")
	}
	c := callerOf(ctx)
	out := &cardAttributesOutput{}
	var p person
	err := s.write(ctx, func(tx *db.Tx) (err error) {
		if p, err = s.person(tx, c, in.ID); err != nil {
			return err
		}
		for i, id := range in.Body.Forget {
			if err := s.undo(tx, p, id, "atr_", func() error { return s.Desk.Book.Forget(tx, c.Viewer, id) }); err != nil {
				return inList("forget", i, err)
			}
		}
		for i, l := range in.Body.Learn {
			proof, err := s.proof(tx, c, entry{l.Source, l.Counter, l.At})
			if err == nil {
				_, err = s.Desk.Book.Learn(tx, p.asked, customer.Learnt{Name: l.Name, Value: l.Value, Proof: proof})
			}
			if err != nil {
				return inList("learn", i, err)
			}
			wrote(tx, c, p.id, "attribute", l.Name)
		}
		sight, err := s.Desk.Book.Sight(tx, c.Viewer)
		if err != nil {
			return err
		}
		list, err := s.Desk.Book.Attributes(tx, sight, p.records)
		out.Body.Attributes = make([]Attribute, 0, len(list))
		for _, a := range list {
			out.Body.Attributes = append(out.Body.Attributes, newAttribute(a))
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, s.saw(ctx, c, p.id)
}

func (s *server) patchTags(ctx context.Context, in *tagsPatch) (*cardTagsOutput, error) {
	if len(in.Body.Give)+len(in.Body.Take) == 0 {
		return nil, errNothing("give")
	}
	c := callerOf(ctx)
	out := &cardTagsOutput{}
	var p person
	err := s.write(ctx, func(tx *db.Tx) (err error) {
		if p, err = s.person(tx, c, in.ID); err != nil {
			return err
		}
		for i, id := range in.Body.Take {
			if err := s.undo(tx, p, id, "ctg_", func() error {
				_, err := s.Desk.Book.TakeTag(tx, c.Viewer, id)
				return err
			}); err != nil {
				return inList("take", i, err)
			}
		}
		for i, g := range in.Body.Give {
			proof, err := s.proof(tx, c, entry{g.Source, g.Counter, g.At})
			proof.Days = g.Days
			if err == nil {
				_, err = s.Desk.Book.GiveTag(tx, p.asked, g.Name, proof)
			}
			if err != nil {
				return inList("give", i, err)
			}
			wrote(tx, c, p.id, "tag", g.Name)
		}
		sight, err := s.Desk.Book.Sight(tx, c.Viewer)
		if err != nil {
			return err
		}
		list, err := s.Desk.Book.TagsOf(tx, sight, p.records)
		out.Body.Tags = make([]Tag, 0, len(list))
		for _, t := range list {
			out.Body.Tags = append(out.Body.Tags, newTag(t))
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, s.saw(ctx, c, p.id)
}

// undo takes something off a card by its id, which must be of this card.
func (s *server) undo(tx *db.Tx, p person, id, prefix string, take func() error) error {
	if len(id) < len(prefix) || id[:len(prefix)] != prefix {
		return db.Invalid{Field: "id", Code: "unknown"}
	}
	err := s.owns(tx, p, id)
	if err == nil {
		err = take()
	}
	return unknownAs("id", err)
}
