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

// Wish is something a customer would like that was not there.
type Wish struct {
	ID        string             `json:"id" example:"wsh_06hk2q8s1n7v0000000000000m"`
	Counter   string             `json:"counter" doc:"Who sees this counter reads it." example:"cnt_06hk2q8s1n7v0000000000000c"`
	Author    Named              `json:"author" doc:"A staff id, or token/ and the id of a program."`
	Body      string             `json:"body" example:"A light scent for summer."`
	Facets    []string           `json:"facets" doc:"What an arrival must have, all of them."`
	State     customer.WishState `json:"state" enum:"open,matched,granted,dropped" example:"matched"`
	Variant   string             `json:"variant,omitempty" doc:"The arrival that would grant it."`
	MatchedAt *time.Time         `json:"matched_at,omitempty"`
	At        time.Time          `json:"at"`
	EndedAt   *time.Time         `json:"ended_at,omitempty" doc:"When it was granted or dropped."`
}

type newWishInput struct {
	ID string `path:"id" example:"cus_06hk2q8s1n7v0000000000000b"`
	Keyed
	Body struct {
		Counter string   `json:"counter" minLength:"1" maxLength:"60" example:"cnt_06hk2q8s1n7v0000000000000c"`
		Body    string   `json:"body" minLength:"1" maxLength:"1000" example:"A light scent for summer."`
		Facets  []string `json:"facets,omitempty" maxItems:"12" doc:"kind:value, as the variants of the catalogue have them; without, no arrival can match it." example:"[\"scent:light\"]"`
	}
}

type changeWishInput struct {
	ID   string `path:"id" example:"wsh_06hk2q8s1n7v0000000000000m"`
	Body struct {
		State customer.WishState `json:"state" enum:"open,granted,dropped" example:"granted"`
	}
}

type newWishOutput struct {
	Status int
	Again
	Body Wish
}

type wishOutput struct{ Body Wish }

type wishesOutput struct {
	Body struct {
		Wishes []Wish `json:"wishes"`
		Next   string `json:"next,omitempty" doc:"The cursor of the next page; absent: there is none."`
	}
}

func (s *server) wishOperations() {
	register(s, huma.Operation{OperationID: "list-wishes", Method: http.MethodGet, Path: prefix + "/customers/{id}/wishes", Tags: []string{tagCards},
		Summary: "List wishes", Description: "The newest first, granted and dropped ones too.", Security: needs(staff.CustomersRead)}, s.listWishes)
	register(s, huma.Operation{OperationID: "create-wish", Method: http.MethodPost, Path: prefix + "/customers/{id}/wishes", Tags: []string{tagCards},
		Summary: "Write down a wish", DefaultStatus: http.StatusCreated, Security: needs(staff.CustomersWrite)}, s.createWish)
	register(s, huma.Operation{OperationID: "change-wish", Method: http.MethodPut, Path: prefix + "/wishes/{id}", Tags: []string{tagCards},
		Summary: "Say what became of a wish", Description: "Open again it waits for another arrival.", Security: needs(staff.CustomersWrite)}, s.changeWish)
}

func newWish(w customer.Wish) Wish {
	return Wish{ID: w.ID, Counter: w.CounterID, Author: Named{w.AuthorID, w.AuthorName}, Body: w.Body, Facets: append([]string{}, w.Facets...),
		State: w.State, Variant: w.VariantID, MatchedAt: moment(w.MatchedAt), At: w.At, EndedAt: moment(w.EndedAt)}
}

func (s *server) listWishes(ctx context.Context, in *pageInput) (*wishesOutput, error) {
	out := &wishesOutput{}
	out.Body.Wishes = []Wish{}
	err := s.card(ctx, in, listWishes, func(tx *db.Tx, c caller, page customer.Page) error {
		found, err := s.Desk.Book.Wishes(tx, c.Viewer, page)
		found, out.Body.Next = cutPage(in, listWishes, found, func(w customer.Wish) (time.Time, string) { return w.At, w.ID })
		for _, w := range found {
			out.Body.Wishes = append(out.Body.Wishes, newWish(w))
		}
		return err
	})
	return out, err
}

func (s *server) createWish(ctx context.Context, in *newWishInput) (*newWishOutput, error) {
	c := callerOf(ctx)
	out := &newWishOutput{}
	repeated, err := s.enterRow(ctx, entering{"wish", in.ID, in.Key, in.Body, func(tx *db.Tx, customerID string) (string, error) {
		w, err := s.Desk.Book.AddWish(tx, c.Viewer, customer.WishForm{CustomerID: customerID, CounterID: in.Body.Counter, Body: in.Body.Body, Facets: in.Body.Facets})
		return w.ID, err
	}}, func(tx *db.Tx, id string) error {
		w, err := s.Desk.Book.WishByID(tx, c.Viewer, id)
		out.Body = newWish(w)
		return err
	})
	out.Status = out.status(repeated)
	return out, err
}

func (s *server) changeWish(ctx context.Context, in *changeWishInput) (*wishOutput, error) {
	out := &wishOutput{}
	return out, s.changeRow(ctx, "wish", in.ID, func(tx *db.Tx, c caller) error {
		if err := s.Desk.Book.SetWish(tx, c.Viewer, in.ID, in.Body.State); err != nil {
			return err
		}
		w, err := s.Desk.Book.WishByID(tx, c.Viewer, in.ID)
		out.Body = newWish(w)
		return err
	})
}
