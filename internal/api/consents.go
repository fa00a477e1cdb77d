package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"dingdong/internal/consent"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// Consent is where a customer stands on one purpose.
type Consent struct {
	Purpose string     `json:"purpose" example:"marketing"`
	Account string     `json:"account_id,omitempty" doc:"Absent: everywhere that has no standing of its own."`
	State   string     `json:"state" enum:"granted,withdrawn,never" doc:"never: she was not asked, or did not answer." example:"granted"`
	Allowed bool       `json:"allowed" doc:"Whether something may be said or done for the purpose. false beside granted: the text has changed since, and she has to be asked again."`
	How     string     `json:"how,omitempty" example:"tablet"`
	Version int        `json:"version,omitempty" doc:"Of the text that she was shown." example:"1"`
	At      *time.Time `json:"at,omitempty"`
}

type consentsInput struct {
	ID string    `path:"id" example:"cus_06hk2q8s1n7v0000000000000b"`
	At time.Time `query:"at" doc:"As it was at this moment; absent: now."`
}

type consentsOutput struct {
	Body struct {
		Consents []Consent `json:"consents"`
	}
}

type newConsentInput struct {
	Keyed
	ID   string `path:"id" example:"cus_06hk2q8s1n7v0000000000000b"`
	Body struct {
		Purpose  string     `json:"purpose" minLength:"1" maxLength:"40" example:"marketing"`
		State    string     `json:"state" enum:"granted,withdrawn" example:"granted"`
		Account  string     `json:"account_id,omitempty" maxLength:"60" doc:"Absent: every channel."`
		How      string     `json:"how,omitempty" enum:"page,chat,staff,import" default:"import" doc:"In which way she said it."`
		Version  int        `json:"version,omitempty" minimum:"0" doc:"Of the text that she was shown; absent: the newest."`
		Language string     `json:"language,omitempty" maxLength:"20" doc:"In which she read it." example:"zh-TW"`
		Staff    string     `json:"staff,omitempty" maxLength:"60" doc:"With how staff: to whom she said it."`
		Words    string     `json:"words,omitempty" maxLength:"2000" doc:"What she said, or where your proof lies. It is kept sealed."`
		At       *time.Time `json:"at,omitempty" doc:"When she said it, not in the future; absent: now. An older word never undoes a newer one. A yes of how import needs it where she said no here."`
	}
}

type newConsentOutput struct {
	Status int
	Again
	Body struct {
		Consents []Consent `json:"consents" doc:"Where she stands now."`
	}
}

func (s *server) consentOperations() {
	if s.Consent == nil {
		return
	}
	register(s, huma.Operation{OperationID: "list-consents", Method: http.MethodGet, Path: prefix + "/customers/{id}/consents", Tags: []string{tagCards},
		Summary: "What a customer agreed to", Security: needs(staff.ConsentsRead),
		Description: "By purpose, and by single channel accounts where that differs. Whether a message may go is decided when it is sent, whatever was read here."}, s.listConsents)
	register(s, huma.Operation{OperationID: "record-consent", Method: http.MethodPost, Path: prefix + "/customers/{id}/consents", Tags: []string{tagCards},
		Summary: "Record what a customer agreed to or refused", Security: needs(staff.ConsentsWrite), DefaultStatus: http.StatusCreated,
		Description: "It is added to the ledger, from which nothing is taken away. Only record what she herself has said. A withdrawal ends what is planned for the purpose."}, s.recordConsent)
}

func (s *server) consents(tx *db.Tx, p person, at time.Time) ([]Consent, error) {
	states, err := s.Consent.States(tx, p.id, at)
	if err != nil {
		return nil, err
	}
	out := []Consent{}
	for _, x := range states {
		c := Consent{Purpose: x.Purpose, Account: x.Account, State: string(x.State), Allowed: x.Allowed(), How: string(x.Entry.How), Version: x.Entry.Version,
			At: moment(x.Entry.At)}
		if c.State == "" {
			c.State = "never"
		}
		out = append(out, c)
	}
	return out, nil
}

func (s *server) listConsents(ctx context.Context, in *consentsInput) (*consentsOutput, error) {
	c := callerOf(ctx)
	out := &consentsOutput{}
	var p person
	err := s.read(ctx, func(tx *db.Tx) (err error) {
		if p, err = s.person(tx, c, in.ID); err != nil {
			return err
		}
		out.Body.Consents, err = s.consents(tx, p, in.At)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, s.saw(ctx, c, p.id)
}

func (s *server) recordConsent(ctx context.Context, in *newConsentInput) (*newConsentOutput, error) {
	c := callerOf(ctx)
	if !c.Viewer.May(staff.RecordConsent) {
		return nil, staff.ErrForbidden
	}
	out := &newConsentOutput{}
	e := consent.Entry{Purpose: in.Body.Purpose, State: consent.State(in.Body.State), Account: in.Body.Account, How: consent.How(in.Body.How),
		Version: in.Body.Version, Language: in.Body.Language, Staff: c.Viewer.ID, Evidence: []byte(db.CleanText(in.Body.Words))}
	if in.Body.At != nil {
		e.At = in.Body.At.UTC()
	}
	if e.How == "" {
		e.How = consent.HowImport
	}
	if e.How == consent.HowStaff {
		e.Witness = in.Body.Staff
		if e.Witness == "" {
			return nil, db.Invalid{Field: "staff", Code: "required"}
		}
	}
	var p person
	repeated, err := s.makeOnce(ctx, making{"consent " + in.ID, in.Key, in.Body, func(tx *db.Tx) (string, error) {
		p, err := s.person(tx, c, in.ID)
		if err != nil {
			return "", err
		}
		if e.Witness != "" {
			if _, err := staff.ViewerByID(tx, e.Witness); err != nil {
				return "", db.Invalid{Field: "staff", Code: "unknown"}
			}
		}
		e.Customer = p.id
		kept, err := s.Consent.Record(tx, e)
		if err != nil || e.State == consent.Granted {
			return kept.ID, err
		}
		return kept.ID, s.Desk.Withdrawn(tx, p.id)
	}}, func(tx *db.Tx, _ string) (err error) {
		if p, err = s.person(tx, c, in.ID); err != nil {
			return err
		}
		out.Body.Consents, err = s.consents(tx, p, time.Time{})
		return err
	})
	if err != nil {
		return nil, err
	}
	out.Status = out.status(repeated)
	return out, s.saw(ctx, c, p.id)
}
