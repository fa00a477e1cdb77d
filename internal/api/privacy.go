package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"dingdong/internal/db"
	"dingdong/internal/privacy"
	"dingdong/internal/staff"
)

// PrivacyRequest is what a customer asked of her data.
type PrivacyRequest struct {
	ID       string    `json:"id" example:"prq_06hk2q8s1n7v0000000000000p"`
	Customer string    `json:"customer" doc:"The person." example:"cus_06hk2q8s1n7v0000000000000b"`
	Kind     string    `json:"kind" enum:"export,erase,correct" example:"erase"`
	State    string    `json:"state" doc:"open, working, done or refused." example:"open"`
	At       time.Time `json:"at" example:"2026-11-22T05:00:00Z"`
	Due      time.Time `json:"due" doc:"By when it must be done." example:"2026-12-22T05:00:00Z"`
}

type askPrivacyInput struct {
	ID   string `path:"id" example:"cus_06hk2q8s1n7v0000000000000b"`
	Body struct {
		Kind string `json:"kind" enum:"export,erase,correct" doc:"export: show her everything; erase; correct, as the note says." example:"erase"`
		Note string `json:"note,omitempty" maxLength:"2000" doc:"What she wants, in her words; required to correct."`
	}
}

type privacyOutput struct{ Body PrivacyRequest }

func (s *server) privacyOperations() {
	register(s, huma.Operation{OperationID: "create-privacy-request", Method: http.MethodPost, Path: prefix + "/customers/{id}/privacy-requests", Tags: []string{tagCustomers},
		Summary: "Enter what a customer asks of her data", Description: "A privacy officer does it, within the law's time. While one of the kind is open, asking again is the same request. " +
			"When she is erased, the event customer.erased says so.",
		DefaultStatus: http.StatusCreated, Security: needs(staff.PrivacyWrite)}, s.askPrivacy)
}

func (s *server) askPrivacy(ctx context.Context, in *askPrivacyInput) (*privacyOutput, error) {
	v := callerOf(ctx).Viewer
	var q privacy.Request
	err := s.write(ctx, func(tx *db.Tx) error {
		person, err := s.Desk.Visible(tx, v, in.ID)
		if err != nil {
			return err
		}
		q, err = s.Privacy.AskFor(tx, v, privacy.Asking{PersonID: person, Kind: privacy.RequestKind(in.Body.Kind), Origin: privacy.FromAPI, Note: in.Body.Note})
		return err
	})
	if err != nil {
		return nil, err
	}
	return &privacyOutput{PrivacyRequest{ID: q.ID, Customer: q.PersonID, Kind: string(q.Kind), State: string(q.State), At: q.At, Due: q.Due}}, nil
}
