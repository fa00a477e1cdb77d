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

// Promise is what a customer was told that somebody would do, and by when.
type Promise struct {
	ID      string     `json:"id" example:"prm_06hk2q8s1n7v0000000000000n"`
	Counter string     `json:"counter" doc:"Who sees this counter reads it." example:"cnt_06hk2q8s1n7v0000000000000c"`
	Author  Named      `json:"author" doc:"A staff id, or token/ and the id of a program."`
	Body    string     `json:"body" example:"Keep one rose cushion for her."`
	Due     time.Time  `json:"due" example:"2026-11-28T09:00:00Z"`
	State   string     `json:"state" enum:"open,kept,dropped" example:"open"`
	At      time.Time  `json:"at"`
	EndedAt *time.Time `json:"ended_at,omitempty" doc:"When it was kept or dropped."`
}

type newPromiseInput struct {
	ID string `path:"id" example:"cus_06hk2q8s1n7v0000000000000b"`
	Keyed
	Body struct {
		Counter string    `json:"counter" minLength:"1" maxLength:"60" example:"cnt_06hk2q8s1n7v0000000000000c"`
		Body    string    `json:"body" minLength:"1" maxLength:"1000" example:"Keep one rose cushion for her."`
		Due     time.Time `json:"due" example:"2026-11-28T09:00:00Z"`
	}
}

type changePromiseInput struct {
	ID   string `path:"id" example:"prm_06hk2q8s1n7v0000000000000n"`
	Body struct {
		State string     `json:"state,omitempty" enum:"kept,dropped" doc:"What became of it; or give due." example:"kept"`
		Due   *time.Time `json:"due,omitempty" doc:"Another time for an open one; or give state."`
	}
}

type newPromiseOutput struct {
	Status int
	Again
	Body Promise
}

type promiseOutput struct{ Body Promise }

type promisesOutput struct {
	Body struct {
		Promises []Promise `json:"promises"`
		Next     string    `json:"next,omitempty" doc:"The cursor of the next page; absent: there is none."`
	}
}

func (s *server) promiseOperations() {
	register(s, huma.Operation{OperationID: "list-promises", Method: http.MethodGet, Path: prefix + "/customers/{id}/promises", Tags: []string{tagCards},
		Summary: "List promises", Description: "The newest first, kept and dropped ones too.", Security: needs(staff.CustomersRead)}, s.listPromises)
	register(s, huma.Operation{OperationID: "create-promise", Method: http.MethodPost, Path: prefix + "/customers/{id}/promises", Tags: []string{tagCards},
		Summary: "Write down a promise", Description: "Due within two years.", DefaultStatus: http.StatusCreated, Security: needs(staff.CustomersWrite)}, s.createPromise)
	register(s, huma.Operation{OperationID: "change-promise", Method: http.MethodPut, Path: prefix + "/promises/{id}", Tags: []string{tagCards},
		Summary: "Keep, drop or put off a promise", Security: needs(staff.CustomersWrite)}, s.changePromise)
}

func newPromise(p customer.Promise) Promise {
	out := Promise{ID: p.ID, Counter: p.CounterID, Author: Named{p.AuthorID, p.AuthorName}, Body: p.Body, Due: p.Due, State: "open", At: p.At}
	switch {
	case !p.DoneAt.IsZero():
		out.State, out.EndedAt = "kept", &p.DoneAt
	case !p.EndedAt.IsZero():
		out.State, out.EndedAt = "dropped", &p.EndedAt
	}
	return out
}

func (s *server) listPromises(ctx context.Context, in *pageInput) (*promisesOutput, error) {
	out := &promisesOutput{}
	out.Body.Promises = []Promise{}
	err := s.card(ctx, in, listPromises, func(tx *db.Tx, c caller, page customer.Page) error {
		found, err := s.Desk.Book.Promises(tx, c.Viewer, page)
		found, out.Body.Next = cutPage(in, listPromises, found, func(p customer.Promise) (time.Time, string) { return p.At, p.ID })
		for _, p := range found {
			out.Body.Promises = append(out.Body.Promises, newPromise(p))
		}
		return err
	})
	return out, err
}

func (s *server) createPromise(ctx context.Context, in *newPromiseInput) (*newPromiseOutput, error) {
	c := callerOf(ctx)
	out := &newPromiseOutput{}
	repeated, err := s.enterRow(ctx, entering{"promise", in.ID, in.Key, in.Body, func(tx *db.Tx, customerID string) (string, error) {
		made, err := s.Desk.Book.AddPromise(tx, c.Viewer, customer.PromiseForm{CustomerID: customerID, CounterID: in.Body.Counter, Body: in.Body.Body, Due: in.Body.Due})
		return made.ID, err
	}}, func(tx *db.Tx, id string) error {
		p, err := s.Desk.Book.PromiseByID(tx, c.Viewer, id)
		out.Body = newPromise(p)
		return err
	})
	out.Status = out.status(repeated)
	return out, err
}

func (s *server) changePromise(ctx context.Context, in *changePromiseInput) (*promiseOutput, error) {
	if (in.Body.State == "") == (in.Body.Due == nil) {
		return nil, db.Invalid{Field: "state", Code: "one_of"}
	}
	out := &promiseOutput{}
	return out, s.changeRow(ctx, "promise", in.ID, func(tx *db.Tx, c caller) (err error) {
		switch {
		case in.Body.Due != nil:
			err = s.Desk.Book.PutOffPromise(tx, c.Viewer, in.ID, *in.Body.Due)
		case in.Body.State == "kept":
			err = s.Desk.Book.KeepPromise(tx, c.Viewer, in.ID)
		default:
			err = s.Desk.Book.DropPromise(tx, c.Viewer, in.ID)
		}
		if err != nil {
			return err
		}
		p, err := s.Desk.Book.PromiseByID(tx, c.Viewer, in.ID)
		out.Body = newPromise(p)
		return err
	})
}
