package api

import (
	"context"
	"net/http"
	"reflect"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"dingdong/internal/db"
	"dingdong/internal/event"
	"dingdong/internal/staff"
	"dingdong/internal/webhook"
)

var pageGoType = reflect.TypeFor[EventPage]()

// Webhook is an address that is told what happens.
type Webhook struct {
	ID        string       `json:"id" example:"end_06hk2q8s1n7v0000000000000h"`
	Name      string       `json:"name" example:"Till"`
	URL       string       `json:"url" example:"https://till.example.com/hooks/dingdong"`
	Types     []event.Kind `json:"types" doc:"The events it is told; empty: all."`
	Paused    bool         `json:"paused" doc:"Nothing is sent. It also pauses by itself when it answers 410."`
	Queued    int          `json:"queued" doc:"Events that wait for it to accept them."`
	CreatedAt time.Time    `json:"created_at"`
	Secret    string       `json:"secret,omitempty" doc:"What signatures are made with. Shown once, when it is made." example:"whsec_..."`

	OldSecretUntil *time.Time `json:"old_secret_until,omitempty" doc:"Until then calls are signed with the old secret as well: the signature header holds two signatures."`
}

// Delivery is one event on its way to one webhook.
type Delivery struct {
	ID        string     `json:"id" doc:"Also the webhook-id header." example:"edl_06hk2q8s1n7v0000000000000i"`
	Event     string     `json:"event" doc:"The event's id." example:"4711"`
	Type      event.Kind `json:"type" example:"message.received"`
	State     string     `json:"state" enum:"queued,sent,failed" example:"sent"`
	Attempts  int        `json:"attempts" example:"1"`
	Status    int        `json:"status,omitempty" doc:"The HTTP status of the last answer." example:"200"`
	Error     string     `json:"error,omitempty" doc:"Why the last attempt failed."`
	CreatedAt time.Time  `json:"created_at"`
	TriedAt   *time.Time `json:"tried_at,omitempty"`
}

type webhookBody struct {
	Name  string   `json:"name" minLength:"1" maxLength:"80" example:"Till"`
	URL   string   `json:"url" minLength:"1" maxLength:"500" doc:"https; not inside the server's own network." example:"https://till.example.com/hooks/dingdong"`
	Types []string `json:"types,omitempty" maxItems:"50" doc:"The events it is told; empty: all." example:"[\"message.received\"]"`
}

type newWebhookInput struct{ Body webhookBody }

type changeWebhookInput struct {
	ID   string `path:"id" example:"end_06hk2q8s1n7v0000000000000h"`
	Body webhookBody
}

type renewWebhookInput struct {
	ID   string `path:"id" example:"end_06hk2q8s1n7v0000000000000h"`
	Body struct {
		OverlapHours *int `json:"overlap_hours,omitempty" minimum:"0" maximum:"720" default:"24" doc:"How long calls are signed with the old secret as well; 0: not at all."`
	}
}

type webhookInput struct {
	ID string `path:"id" example:"end_06hk2q8s1n7v0000000000000h"`
}

type deliveriesInput struct {
	ID    string `path:"id" example:"end_06hk2q8s1n7v0000000000000h"`
	Limit int    `query:"limit" minimum:"1" maximum:"500" default:"50"`
}

type redeliverInput struct {
	ID       string `path:"id" example:"end_06hk2q8s1n7v0000000000000h"`
	Delivery string `path:"delivery" example:"edl_06hk2q8s1n7v0000000000000i"`
}

type webhookOutput struct{ Body Webhook }

type webhooksOutput struct {
	Body struct {
		Webhooks []Webhook `json:"webhooks"`
	}
}

type deliveryOutput struct{ Body Delivery }

type deliveriesOutput struct {
	Body struct {
		Deliveries []Delivery `json:"deliveries" doc:"The latest first. Kept for 30 days."`
	}
}

func (s *server) webhookOperations() {
	op := func(id, method, path, summary string) huma.Operation {
		return huma.Operation{OperationID: id, Method: method, Path: prefix + "/webhooks" + path, Tags: []string{tagWebhooks},
			Summary: summary, Security: needs(staff.WebhooksWrite)}
	}
	const tells = "It is told what happens, with the words of messages: the token needs the scope events:read, too."
	register(s, op("list-webhooks", http.MethodGet, "", "List webhooks"), s.listWebhooks)
	make := op("make-webhook", http.MethodPost, "", "Make a webhook")
	make.DefaultStatus, make.Description = http.StatusCreated, tells
	register(s, make, func(ctx context.Context, in *newWebhookInput) (*webhookOutput, error) {
		return s.saveWebhook(ctx, webhook.Form{Name: in.Body.Name, URL: in.Body.URL, Kinds: in.Body.Types})
	})
	register(s, op("get-webhook", http.MethodGet, "/{id}", "Get a webhook"), s.getWebhook)
	change := op("change-webhook", http.MethodPut, "/{id}", "Change a webhook")
	change.Description = tells
	register(s, change, func(ctx context.Context, in *changeWebhookInput) (*webhookOutput, error) {
		return s.saveWebhook(ctx, webhook.Form{ID: in.ID, Name: in.Body.Name, URL: in.Body.URL, Kinds: in.Body.Types})
	})
	register(s, op("end-webhook", http.MethodDelete, "/{id}", "End a webhook"), func(ctx context.Context, in *webhookInput) (*struct{}, error) {
		return nil, s.DB.Write(ctx, func(tx *db.Tx) error { return s.Hooks.End(tx, callerOf(ctx).house(), in.ID) })
	})
	register(s, op("pause-webhook", http.MethodPost, "/{id}/pause", "Pause a webhook"), s.turn(s.Hooks.Pause))
	register(s, op("resume-webhook", http.MethodPost, "/{id}/resume", "Resume a webhook"), s.turn(s.Hooks.Resume))
	register(s, op("renew-webhook-secret", http.MethodPost, "/{id}/secret", "Make a new signing secret"), s.renewWebhook)
	register(s, op("end-old-webhook-secret", http.MethodDelete, "/{id}/old-secret", "End the old signing secret"), func(ctx context.Context, in *webhookInput) (*struct{}, error) {
		return nil, s.DB.Write(ctx, func(tx *db.Tx) error { return s.Hooks.EndOldSecret(tx, callerOf(ctx).house(), in.ID) })
	})
	register(s, op("list-deliveries", http.MethodGet, "/{id}/deliveries", "List deliveries"), s.listDeliveries)
	redeliver := op("redeliver", http.MethodPost, "/{id}/deliveries/{delivery}/redeliver", "Deliver again")
	redeliver.DefaultStatus = http.StatusAccepted
	register(s, redeliver, s.redeliver)
}

func newWebhook(e webhook.Endpoint) Webhook {
	out := Webhook{ID: e.ID, Name: e.Name, URL: e.URL, Types: append([]event.Kind{}, e.Kinds...), Paused: !e.PausedAt.IsZero(),
		Queued: e.Queued, CreatedAt: e.CreatedAt}
	if !e.OldSecretUntil.IsZero() {
		out.OldSecretUntil = &e.OldSecretUntil
	}
	return out
}

func newDelivery(d webhook.Delivery) Delivery {
	out := Delivery{ID: d.ID, Event: strconv.FormatInt(d.EventSeq, 10), Type: d.Kind, State: d.State, Attempts: d.Attempts,
		Status: d.Status, Error: d.Error, CreatedAt: d.At}
	if !d.TriedAt.IsZero() {
		out.TriedAt = &d.TriedAt
	}
	return out
}

func (s *server) listWebhooks(ctx context.Context, _ *struct{}) (*webhooksOutput, error) {
	out := &webhooksOutput{}
	out.Body.Webhooks = []Webhook{}
	err := s.read(ctx, func(tx *db.Tx) error {
		list, err := s.Hooks.List(tx, callerOf(ctx).house())
		for _, e := range list {
			out.Body.Webhooks = append(out.Body.Webhooks, newWebhook(e))
		}
		return err
	})
	return out, err
}

func (s *server) getWebhook(ctx context.Context, in *webhookInput) (*webhookOutput, error) {
	out := &webhookOutput{}
	err := s.read(ctx, func(tx *db.Tx) error {
		e, err := s.Hooks.Get(tx, callerOf(ctx).house(), in.ID)
		out.Body = newWebhook(e)
		return err
	})
	return out, err
}

// saveWebhook wants both scopes: an endpoint is told what following the events tells.
func (s *server) saveWebhook(ctx context.Context, f webhook.Form) (*webhookOutput, error) {
	if !callerOf(ctx).token.Has(staff.EventsRead) {
		return nil, missingScope(staff.EventsRead)
	}
	out := &webhookOutput{}
	err := s.DB.Write(ctx, func(tx *db.Tx) error {
		e, secret, err := s.Hooks.Save(tx, callerOf(ctx).house(), f)
		out.Body = newWebhook(e)
		out.Body.Secret = secret
		return err
	})
	return out, err
}

func (s *server) renewWebhook(ctx context.Context, in *renewWebhookInput) (*webhookOutput, error) {
	n := webhook.Renewal{ID: in.ID}
	if in.Body.OverlapHours != nil {
		if n.Overlap = time.Duration(*in.Body.OverlapHours) * time.Hour; n.Overlap == 0 {
			n.Overlap = -1
		}
	}
	out := &webhookOutput{}
	err := s.DB.Write(ctx, func(tx *db.Tx) error {
		e, secret, err := s.Hooks.Renew(tx, callerOf(ctx).house(), n)
		out.Body = newWebhook(e)
		out.Body.Secret = secret
		return err
	})
	return out, err
}

// turn makes a handler of pausing and resuming.
func (s *server) turn(do func(*db.Tx, staff.Viewer, string) error) func(context.Context, *webhookInput) (*webhookOutput, error) {
	return func(ctx context.Context, in *webhookInput) (*webhookOutput, error) {
		out := &webhookOutput{}
		err := s.DB.Write(ctx, func(tx *db.Tx) error {
			v := callerOf(ctx).house()
			if err := do(tx, v, in.ID); err != nil {
				return err
			}
			e, err := s.Hooks.Get(tx, v, in.ID)
			out.Body = newWebhook(e)
			return err
		})
		return out, err
	}
}

func (s *server) listDeliveries(ctx context.Context, in *deliveriesInput) (*deliveriesOutput, error) {
	out := &deliveriesOutput{}
	out.Body.Deliveries = []Delivery{}
	err := s.read(ctx, func(tx *db.Tx) error {
		v := callerOf(ctx).house()
		if _, err := s.Hooks.Get(tx, v, in.ID); err != nil {
			return err
		}
		list, err := s.Hooks.Deliveries(tx, v, in.ID, in.Limit)
		for _, d := range list {
			out.Body.Deliveries = append(out.Body.Deliveries, newDelivery(d))
		}
		return err
	})
	return out, err
}

func (s *server) redeliver(ctx context.Context, in *redeliverInput) (*deliveryOutput, error) {
	out := &deliveryOutput{}
	err := s.DB.Write(ctx, func(tx *db.Tx) error {
		d, err := s.Hooks.Retry(tx, callerOf(ctx).house(), in.Delivery)
		if err == nil && d.EndpointID != in.ID {
			err = db.ErrNotFound // nothing is committed
		}
		out.Body = newDelivery(d)
		return err
	})
	return out, err
}
