package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"dingdong/internal/conversation"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// Invitation is a link, and the QR code that shows it, which leads a customer to a
// counter or to one of its advisors on one account.
type Invitation struct {
	ID        string    `json:"id" example:"crd_06hk2q8s1n7v0000000000000w"`
	Code      string    `json:"code" doc:"Six signs, in the link and in prefilled texts." example:"7KQ2MX"`
	Link      string    `json:"link" doc:"What a QR code holds."`
	Account   string    `json:"account" example:"acc_06hk2q8s1n7v0000000000000e"`
	Counter   string    `json:"counter" example:"cnt_06hk2q8s1n7v0000000000000c"`
	Advisor   string    `json:"advisor,omitempty" doc:"Absent: the counter's own card."`
	CreatedBy string    `json:"created_by"`
	CreatedAt time.Time `json:"created_at"`
}

type newInvitationInput struct {
	Body struct {
		Account string `json:"account" minLength:"1" maxLength:"60" example:"acc_06hk2q8s1n7v0000000000000e"`
		Counter string `json:"counter" minLength:"1" maxLength:"60" doc:"A counter that the account serves." example:"cnt_06hk2q8s1n7v0000000000000c"`
		Advisor string `json:"advisor,omitempty" maxLength:"60" doc:"Somebody who answers at the counter; absent: the counter's own card." example:"stf_06hk2q8s1n7v0000000000000f"`
	}
}

type invitationInput struct {
	ID string `path:"id" example:"crd_06hk2q8s1n7v0000000000000w"`
}

type invitationOutput struct{ Body Invitation }

type invitationsOutput struct {
	Body struct {
		Cards []Invitation `json:"cards"`
	}
}

// Choosable is a counter that a customer can choose, with its advisors.
type Choosable struct {
	Counter  string             `json:"counter" example:"cnt_06hk2q8s1n7v0000000000000c"`
	Name     string             `json:"name"`
	Store    string             `json:"store"`
	Brand    string             `json:"brand"`
	Advisors []ChoosableAdvisor `json:"advisors" doc:"Those on duty come first."`
}

// ChoosableAdvisor is an advisor as customers see her.
type ChoosableAdvisor struct {
	ID           string   `json:"id" example:"stf_06hk2q8s1n7v0000000000000f"`
	Name         string   `json:"name" example:"Lin Mei"`
	Languages    []string `json:"languages" example:"[\"zh-Hant\"]"`
	Specialities string   `json:"specialities,omitempty"`
	OnDuty       bool     `json:"on_duty"`
}

type choosableInput struct {
	ID string `path:"id" example:"acc_06hk2q8s1n7v0000000000000e"`
}

type choosableOutput struct {
	Body struct {
		Counters []Choosable `json:"counters"`
	}
}

func (s *server) qrOperations() {
	register(s, huma.Operation{OperationID: "list-cards", Method: http.MethodGet, Path: prefix + "/cards", Tags: []string{tagInvitations},
		Summary: "List cards in use", Security: needs(staff.AccountsRead)}, s.listCards)
	register(s, huma.Operation{OperationID: "create-card", Method: http.MethodPost, Path: prefix + "/cards", Tags: []string{tagInvitations},
		Summary: "Make a card", Security: needs(staff.CardsWrite),
		Description: "The card of this account, counter and advisor: where there is one already it is that one, so this can be repeated."}, s.createCard)
	register(s, huma.Operation{OperationID: "end-card", Method: http.MethodDelete, Path: prefix + "/cards/{id}", Tags: []string{tagInvitations},
		Summary: "Take a card out of use", Description: "Whom it bound stays bound.", DefaultStatus: http.StatusNoContent, Security: needs(staff.CardsWrite)}, s.endCard)
	register(s, huma.Operation{OperationID: "list-choosable", Method: http.MethodGet, Path: prefix + "/accounts/{id}/advisors", Tags: []string{tagInvitations},
		Summary: "List advisors whom a customer can choose", Description: "The open counters that the account serves, its own first.", Security: needs(staff.StaffRead)}, s.listChoosable)
}

func (s *server) invitation(tx *db.Tx, c conversation.Card) (Invitation, error) {
	a, err := s.Desk.AccountByID(tx, c.AccountID)
	return Invitation{ID: c.ID, Code: c.Code, Link: s.Desk.CardLink(c, a), Account: c.AccountID, Counter: c.CounterID, Advisor: c.AdvisorID,
		CreatedBy: c.CreatedBy, CreatedAt: c.CreatedAt}, err
}

func (s *server) listCards(ctx context.Context, _ *struct{}) (*invitationsOutput, error) {
	c := callerOf(ctx)
	out := &invitationsOutput{}
	out.Body.Cards = []Invitation{}
	return out, s.read(ctx, func(tx *db.Tx) error {
		list, err := s.Desk.Cards(tx, c.Viewer)
		if err != nil {
			return err
		}
		for _, card := range list {
			one, err := s.invitation(tx, card)
			if err != nil {
				return err
			}
			out.Body.Cards = append(out.Body.Cards, one)
		}
		return nil
	})
}

func (s *server) createCard(ctx context.Context, in *newInvitationInput) (*invitationOutput, error) {
	c := callerOf(ctx)
	out := &invitationOutput{}
	return out, s.write(ctx, func(tx *db.Tx) error {
		card, err := s.Desk.SaveCard(tx, c.house(), conversation.CardForm{AccountID: db.CleanText(in.Body.Account), CounterID: db.CleanText(in.Body.Counter),
			AdvisorID: db.CleanText(in.Body.Advisor)})
		if err != nil {
			return err
		}
		out.Body, err = s.invitation(tx, card)
		return err
	})
}

func (s *server) endCard(ctx context.Context, in *invitationInput) (*struct{}, error) {
	c := callerOf(ctx)
	return nil, s.write(ctx, func(tx *db.Tx) error { return s.Desk.EndCard(tx, c.house(), db.CleanText(in.ID)) })
}

func (s *server) listChoosable(ctx context.Context, in *choosableInput) (*choosableOutput, error) {
	out := &choosableOutput{}
	out.Body.Counters = []Choosable{}
	return out, s.read(ctx, func(tx *db.Tx) error {
		list, err := s.Desk.Choosable(tx, db.CleanText(in.ID))
		for _, one := range list {
			c := Choosable{Counter: one.CounterID, Name: one.Counter, Store: one.Store, Brand: one.Brand, Advisors: []ChoosableAdvisor{}}
			for _, a := range one.Advisors {
				c.Advisors = append(c.Advisors, ChoosableAdvisor{ID: a.ID, Name: a.Name, Languages: append([]string{}, a.Languages...), Specialities: a.Specialities, OnDuty: a.OnDuty})
			}
			out.Body.Counters = append(out.Body.Counters, c)
		}
		return err
	})
}
