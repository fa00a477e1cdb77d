package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"dingdong/internal/conversation"
	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// Binding is a customer's own advisor at a counter.
type Binding struct {
	Counter string       `json:"counter" example:"cnt_06hk2q8s1n7v0000000000000c"`
	Advisor string       `json:"advisor" example:"stf_06hk2q8s1n7v0000000000000f"`
	How     customer.How `json:"how" doc:"How she came to her: by a card, her own choice, a typed code, a colleague's or a program's entry, a merge." example:"card"`
	By      string       `json:"by,omitempty" doc:"Who caused it."`
	At      time.Time    `json:"at"`
	EndedAt *time.Time   `json:"ended_at,omitempty" doc:"Absent: it holds."`
}

type bindInput struct {
	ID   string `path:"id" example:"cus_06hk2q8s1n7v0000000000000b"`
	Body struct {
		Counter string `json:"counter" minLength:"1" maxLength:"60" example:"cnt_06hk2q8s1n7v0000000000000c"`
		Advisor string `json:"advisor" minLength:"1" maxLength:"60" doc:"Somebody who answers at the counter." example:"stf_06hk2q8s1n7v0000000000000f"`
	}
}

type unbindInput struct {
	ID      string `path:"id" example:"cus_06hk2q8s1n7v0000000000000b"`
	Counter string `query:"counter" required:"true" minLength:"1" maxLength:"60" example:"cnt_06hk2q8s1n7v0000000000000c"`
}

type bindingsOutput struct {
	Body struct {
		Bindings []Binding `json:"bindings" doc:"Those that hold first, then history, the newest first."`
	}
}

func (s *server) bindingOperations() {
	register(s, huma.Operation{OperationID: "list-bindings", Method: http.MethodGet, Path: prefix + "/customers/{id}/bindings", Tags: []string{tagCards},
		Summary: "List a customer's advisors", Security: needs(staff.CustomersRead)}, s.listBindings)
	register(s, huma.Operation{OperationID: "bind", Method: http.MethodPut, Path: prefix + "/customers/{id}/bindings", Tags: []string{tagCards},
		Summary: "Give a customer her advisor", Security: needs(staff.CustomersWrite),
		Description: "One advisor a counter: another one takes the place of the one before. The thread that she has there goes along."}, s.bind)
	register(s, huma.Operation{OperationID: "unbind", Method: http.MethodDelete, Path: prefix + "/customers/{id}/bindings", Tags: []string{tagCards},
		Summary: "End what binds a customer to an advisor", DefaultStatus: http.StatusNoContent, Security: needs(staff.CustomersWrite)}, s.unbind)
}

func newBinding(b customer.Binding) Binding {
	return Binding{Counter: b.CounterID, Advisor: b.AdvisorID, How: b.How, By: b.By, At: b.At, EndedAt: moment(b.EndedAt)}
}

func (s *server) bindings(tx *db.Tx, p person) (*bindingsOutput, error) {
	out := &bindingsOutput{}
	out.Body.Bindings = []Binding{}
	list, err := s.Desk.Book.Bindings(tx, p.records)
	for _, b := range list {
		out.Body.Bindings = append(out.Body.Bindings, newBinding(b))
	}
	return out, err
}

func (s *server) listBindings(ctx context.Context, in *customerInput) (out *bindingsOutput, err error) {
	c := callerOf(ctx)
	var p person
	err = s.read(ctx, func(tx *db.Tx) error {
		if p, err = s.person(tx, c, in.ID); err != nil {
			return err
		}
		out, err = s.bindings(tx, p)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, s.saw(ctx, c, p.id)
}

func (s *server) bind(ctx context.Context, in *bindInput) (out *bindingsOutput, err error) {
	c := callerOf(ctx)
	var p person
	err = s.write(ctx, func(tx *db.Tx) error {
		if p, err = s.person(tx, c, in.ID); err != nil {
			return err
		}
		if err := s.Desk.SetAdvisor(tx, c.Viewer, conversation.Belonging{CustomerID: p.id, CounterID: in.Body.Counter, AdvisorID: in.Body.Advisor}); err != nil {
			return err
		}
		out, err = s.bindings(tx, p)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, s.saw(ctx, c, p.id)
}

func (s *server) unbind(ctx context.Context, in *unbindInput) (*struct{}, error) {
	c := callerOf(ctx)
	return nil, s.write(ctx, func(tx *db.Tx) error {
		return s.Desk.SetAdvisor(tx, c.Viewer, conversation.Belonging{CustomerID: db.CleanText(in.ID), CounterID: in.Counter})
	})
}
