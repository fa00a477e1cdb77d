package api

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"dingdong/internal/conversation"
	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// Merge is a time when two customers were made one.
type Merge struct {
	ID       string          `json:"id" example:"mrg_06hk2q8s1n7v0000000000000r"`
	Kept     string          `json:"kept" doc:"Whose card shows both." example:"cus_06hk2q8s1n7v0000000000000b"`
	Lost     string          `json:"lost"`
	Proof    string          `json:"proof" doc:"phone, member: both have this verified number; link: she linked them herself; advisor: somebody confirmed it." example:"member"`
	Evidence json.RawMessage `json:"evidence,omitempty" doc:"Codes and ids that were beside it."`
	By       string          `json:"by"`
	At       time.Time       `json:"at"`
	UndoneBy string          `json:"undone_by,omitempty"`
	UndoneAt *time.Time      `json:"undone_at,omitempty" doc:"Absent: it holds."`
}

// Suggestion is another customer who may be the same person.
type Suggestion struct {
	Customer string        `json:"customer" example:"cus_06hk2q8s1n7v0000000000000s"`
	Names    []string      `json:"names"`
	Counters []string      `json:"counters"`
	Reasons  []MergeReason `json:"reasons" doc:"The strongest first."`
}

// MergeReason is one piece of evidence that two customers may be one.
type MergeReason struct {
	Code     string `json:"code" enum:"phone,member,email,card,name" example:"phone"`
	Verified bool   `json:"verified" doc:"Of a number: both have it verified, yet somebody keeps them apart."`
	Card     string `json:"card,omitempty" doc:"Of card: which one both scanned."`
	Counter  string `json:"counter,omitempty" doc:"Of name: the counter that knows both."`
}

type mergeInput struct {
	ID   string `path:"id" example:"cus_06hk2q8s1n7v0000000000000b"`
	Body struct {
		Lost  string `json:"lost" minLength:"1" maxLength:"60" doc:"The other one: her card is shown by this one from now on." example:"cus_06hk2q8s1n7v0000000000000s"`
		Proof string `json:"proof" enum:"phone,member,advisor" example:"member"`
		Staff string `json:"staff,omitempty" maxLength:"60" doc:"With the proof advisor: who confirmed it. She must see both."`
	}
}

type unmergeInput struct {
	ID string `path:"id" example:"mrg_06hk2q8s1n7v0000000000000r"`
}

type mergeOutput struct{ Body Merge }

type mergesOutput struct {
	Body struct {
		Merges []Merge `json:"merges" doc:"The newest first, the undone ones too."`
	}
}

type suggestionsOutput struct {
	Body struct {
		Suggestions []Suggestion `json:"suggestions"`
	}
}

type refuseInput struct {
	ID   string `path:"id" example:"cus_06hk2q8s1n7v0000000000000b"`
	Body struct {
		Other string `json:"other" minLength:"1" maxLength:"60" example:"cus_06hk2q8s1n7v0000000000000s"`
	}
}

func (s *server) mergeOperations() {
	register(s, huma.Operation{OperationID: "list-merges", Method: http.MethodGet, Path: prefix + "/customers/{id}/merges", Tags: []string{tagCustomers},
		Summary: "List merges", Security: needs(staff.CustomersRead)}, s.listMerges)
	register(s, huma.Operation{OperationID: "merge", Method: http.MethodPost, Path: prefix + "/customers/{id}/merges", Tags: []string{tagCustomers},
		Summary: "Make two customers one", DefaultStatus: http.StatusCreated, Security: needs(staff.CustomersWrite),
		Description: "Only with a proof: a number that both have verified, or a colleague who says so. 409 unproved: nothing proves it. 409 busy: a message is on its way, try again. Unmerging gives both back."}, s.merge)
	register(s, huma.Operation{OperationID: "unmerge", Method: http.MethodDelete, Path: prefix + "/merges/{id}", Tags: []string{tagCustomers},
		Summary: "Undo a merge", DefaultStatus: http.StatusNoContent, Security: needs(staff.CustomersWrite),
		Description: "Both are as they were, with what came since where it came from."}, s.unmerge)
	register(s, huma.Operation{OperationID: "list-suggestions", Method: http.MethodGet, Path: prefix + "/customers/{id}/suggestions", Tags: []string{tagCustomers},
		Summary: "List who may be the same", Description: "Nothing follows from it until somebody confirms.", Security: needs(staff.CustomersRead)}, s.listSuggestions)
	register(s, huma.Operation{OperationID: "refuse-merge", Method: http.MethodPost, Path: prefix + "/customers/{id}/refusals", Tags: []string{tagCustomers},
		Summary: "Say that two customers are not one", Description: "They are not suggested again.", DefaultStatus: http.StatusNoContent, Security: needs(staff.CustomersWrite)}, s.refuseMerge)
}

func newMerge(m customer.Merged) Merge {
	return Merge{ID: m.ID, Kept: m.KeptID, Lost: m.LostID, Proof: m.Proof, Evidence: m.Evidence, By: m.By, At: m.At, UndoneBy: m.UndoneBy, UndoneAt: moment(m.UndoneAt)}
}

func (s *server) listMerges(ctx context.Context, in *customerInput) (*mergesOutput, error) {
	c := callerOf(ctx)
	out := &mergesOutput{}
	out.Body.Merges = []Merge{}
	var p person
	err := s.read(ctx, func(tx *db.Tx) (err error) {
		if p, err = s.person(tx, c, in.ID); err != nil {
			return err
		}
		list, err := s.Desk.Book.Merges(tx, p.id)
		for _, m := range list {
			out.Body.Merges = append(out.Body.Merges, newMerge(m))
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, s.saw(ctx, c, p.id)
}

func (s *server) merge(ctx context.Context, in *mergeInput) (*mergeOutput, error) {
	c := callerOf(ctx)
	out := &mergeOutput{}
	err := s.write(ctx, func(tx *db.Tx) error {
		by := c.Viewer
		if (in.Body.Proof == string(conversation.ProvedByAdvisor)) != (in.Body.Staff != "") {
			return db.Invalid{Field: "staff", Code: "one_of"}
		}
		if in.Body.Staff != "" {
			var err error
			if by, err = staff.ViewerByID(tx, db.CleanText(in.Body.Staff)); err != nil {
				return unknownAs("staff", err)
			}
		}
		p, err := s.person(tx, c, in.ID)
		if err != nil {
			return err
		}
		lost, err := s.person(tx, c, in.Body.Lost)
		if err != nil {
			return unknownAs("lost", err)
		}
		evidence, err := json.Marshal(map[string]string{"program": c.ID})
		if err != nil {
			return err
		}
		id, err := s.Desk.Merge(tx, by, conversation.Merge{KeptID: p.id, LostID: lost.id, Proof: conversation.Proof(in.Body.Proof), Evidence: evidence})
		if err != nil {
			return unknownAs("staff", err) // the program sees both, so it is her who does not
		}
		wrote(tx, c, p.id, "merge", id)
		m, err := s.Desk.Book.MergeByID(tx, id)
		out.Body = newMerge(m)
		return err
	})
	return out, err
}

func (s *server) unmerge(ctx context.Context, in *unmergeInput) (*struct{}, error) {
	c := callerOf(ctx)
	return nil, s.write(ctx, func(tx *db.Tx) error { return s.Desk.Unmerge(tx, c.Viewer, db.CleanText(in.ID)) })
}

func (s *server) listSuggestions(ctx context.Context, in *customerInput) (*suggestionsOutput, error) {
	c := callerOf(ctx)
	out := &suggestionsOutput{}
	out.Body.Suggestions = []Suggestion{}
	var seen []string
	err := s.read(ctx, func(tx *db.Tx) error {
		p, err := s.person(tx, c, in.ID)
		if err != nil {
			return err
		}
		seen = []string{p.id}
		list, err := s.Desk.Suggestions(tx, c.Viewer, p.id)
		for _, one := range list {
			sg := Suggestion{Customer: one.PersonID, Names: append([]string{}, one.Names...), Counters: append([]string{}, one.Counters...)}
			for _, r := range one.Reasons {
				sg.Reasons = append(sg.Reasons, MergeReason{Code: r.Code, Verified: r.Verified, Card: r.CardID, Counter: r.CounterID})
			}
			out.Body.Suggestions, seen = append(out.Body.Suggestions, sg), append(seen, one.PersonID)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, s.saw(ctx, c, seen...)
}

func (s *server) refuseMerge(ctx context.Context, in *refuseInput) (*struct{}, error) {
	c := callerOf(ctx)
	return nil, s.write(ctx, func(tx *db.Tx) error {
		p, err := s.person(tx, c, in.ID)
		if err != nil {
			return err
		}
		return unknownAs("other", s.Desk.Refuse(tx, c.Viewer, p.id, db.CleanText(in.Body.Other)))
	})
}
