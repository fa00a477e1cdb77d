package app

import (
	"errors"
	"time"

	"dingdong/internal/db"
	"dingdong/internal/event"
	"dingdong/internal/staff"
	"dingdong/internal/webhook"
)

type webhookCommands struct {
	Add        addWebhook      `cmd:"" help:"Add an endpoint and print its signing secret, this once."`
	List       listWebhooks    `cmd:"" help:"List endpoints: id, state, events that wait, kinds, address, name."`
	Edit       editWebhook     `cmd:"" help:"Change an endpoint: only what is given."`
	Secret     renewWebhook    `cmd:"" help:"Make a new signing secret and print it, this once; for a while calls are signed with the old one as well."`
	Pause      pauseWebhook    `cmd:"" help:"Stop sending to an endpoint: what is queued waits."`
	Resume     resumeWebhook   `cmd:"" help:"Go on sending to an endpoint, first what waits."`
	End        endWebhook      `cmd:"" help:"End an endpoint, for good."`
	Deliveries listDeliveries  `cmd:"" help:"List what was sent to an endpoint, the latest first: id, state, kind, event, attempts, status, last try, error."`
	Retry      retryDeliveries `cmd:"" help:"Send events again, whatever came of them."`
}

func webhookTold(e webhook.Endpoint) row { return told(e.ID, shown("name", e.Name)) }

func kindNames(kinds []event.Kind) []string {
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = string(k)
	}
	return names
}

type addWebhook struct {
	Name string   `required:"" help:"Whose it is."`
	URL  string   `name:"url" required:"" help:"Address that is called, https://..."`
	Kind []string `help:"Kinds of events, e.g. message.received; absent: every kind."`
}

// Run adds an endpoint and prints its id and signing secret.
func (f addWebhook) Run(c *call, a *adminCommand) error {
	return a.change(c, func(h *App, tx *db.Tx) ([]row, error) {
		e, secret, err := h.Hooks.Save(tx, staff.System(), webhook.Form{Name: f.Name, URL: f.URL, Kinds: append([]string(nil), f.Kind...)})
		return []row{told(e.ID, shown("secret", secret), detail("name", e.Name), detail("url", e.URL))}, err
	})
}

type listWebhooks struct{}

// Run lists the endpoints in use.
func (listWebhooks) Run(c *call, a *adminCommand) error {
	return a.look(c, func(h *App, tx *db.Tx) (out []row, err error) {
		list, err := h.Hooks.List(tx, staff.System())
		for _, e := range list {
			state := "on"
			if !e.PausedAt.IsZero() {
				state = "paused"
			}
			out = append(out, told(e.ID, shown("state", state), shown("queued", e.Queued), shown("kinds", kindNames(e.Kinds)), shown("url", e.URL),
				shown("name", e.Name), detail("created_at", e.CreatedAt), detail("paused_at", e.PausedAt), detail("old_secret_until", e.OldSecretUntil)))
		}
		return out, err
	})
}

type editWebhook struct {
	Endpoint  string   `arg:"" help:"Id."`
	Name      *string  `help:"New name."`
	URL       *string  `name:"url" help:"New address."`
	Kind      []string `xor:"kinds" help:"Kinds of events, instead of those it hears of."`
	EveryKind bool     `xor:"kinds" help:"It hears of every kind from now on."`
}

// Validate refuses a change that names nothing.
func (f editWebhook) Validate() error {
	if f.Name == nil && f.URL == nil && len(f.Kind) == 0 && !f.EveryKind {
		return errNothing("--name, --url, --kind, --every-kind")
	}
	return nil
}

// Run changes what is given; the secret stays.
func (f editWebhook) Run(c *call, a *adminCommand) error {
	return a.change(c, func(h *App, tx *db.Tx) ([]row, error) {
		e, err := h.Hooks.Get(tx, staff.System(), f.Endpoint)
		if err != nil {
			return nil, absent(err, "webhook", f.Endpoint, "webhook")
		}
		form := webhook.Form{ID: e.ID, Name: given(f.Name, e.Name), URL: given(f.URL, e.URL), Kinds: kindNames(e.Kinds)}
		if f.EveryKind || len(f.Kind) > 0 {
			form.Kinds = append([]string(nil), f.Kind...)
		}
		e, _, err = h.Hooks.Save(tx, staff.System(), form)
		return []row{webhookTold(e)}, err
	})
}

type renewWebhook struct {
	Endpoint string        `arg:"" help:"Id."`
	Overlap  time.Duration `default:"24h" help:"How long calls are signed with the old secret as well; 0s: not at all."`
	EndOld   bool          `help:"Make no new secret: from now on calls are signed with the newest one alone."`
}

// Validate refuses a time that is none.
func (f renewWebhook) Validate() error {
	if f.Overlap < 0 {
		return errors.New("--overlap: must not be negative")
	}
	return nil
}

// Run makes a new secret, or ends the old one.
func (f renewWebhook) Run(c *call, a *adminCommand) error {
	return a.change(c, func(h *App, tx *db.Tx) ([]row, error) {
		if f.EndOld {
			err := h.Hooks.EndOldSecret(tx, staff.System(), f.Endpoint)
			return []row{told(f.Endpoint)}, absent(err, "webhook with an old secret", f.Endpoint, "webhook")
		}
		e, secret, err := h.Hooks.Renew(tx, staff.System(), webhook.Renewal{ID: f.Endpoint, Overlap: overlapOf(f.Overlap)})
		return []row{told(e.ID, shown("secret", secret), detail("old_secret_until", e.OldSecretUntil))}, absent(err, "webhook", f.Endpoint, "webhook")
	})
}

type pauseWebhook struct {
	Endpoint string `arg:"" help:"Id."`
}

// Run pauses an endpoint.
func (f pauseWebhook) Run(c *call, a *adminCommand) error {
	return a.turnWebhook(c, f.Endpoint, (*webhook.Room).Pause)
}

type resumeWebhook struct {
	Endpoint string `arg:"" help:"Id."`
}

// Run lets an endpoint go on.
func (f resumeWebhook) Run(c *call, a *adminCommand) error {
	return a.turnWebhook(c, f.Endpoint, (*webhook.Room).Resume)
}

type endWebhook struct {
	Endpoint string `arg:"" help:"Id."`
}

// Run ends an endpoint.
func (f endWebhook) Run(c *call, a *adminCommand) error {
	return a.turnWebhook(c, f.Endpoint, (*webhook.Room).End)
}

func (a *adminCommand) turnWebhook(c *call, id string, turn func(*webhook.Room, *db.Tx, staff.Viewer, string) error) error {
	return a.change(c, func(h *App, tx *db.Tx) ([]row, error) {
		e, err := h.Hooks.Get(tx, staff.System(), id)
		if err == nil {
			err = turn(h.Hooks, tx, staff.System(), id)
		}
		return []row{webhookTold(e)}, absent(err, "webhook", id, "webhook")
	})
}

type listDeliveries struct {
	Endpoint string `arg:"" help:"Id of the endpoint."`
	Limit    int    `default:"50" help:"Most lines, up to 500."`
}

// Run lists deliveries.
func (f listDeliveries) Run(c *call, a *adminCommand) error {
	return a.look(c, func(h *App, tx *db.Tx) (out []row, err error) {
		if _, err := h.Hooks.Get(tx, staff.System(), f.Endpoint); err != nil {
			return nil, absent(err, "webhook", f.Endpoint, "webhook")
		}
		list, err := h.Hooks.Deliveries(tx, staff.System(), f.Endpoint, f.Limit)
		for _, d := range list {
			out = append(out, told(d.ID, shown("state", d.State), shown("kind", string(d.Kind)), shown("event", d.EventSeq), shown("attempts", d.Attempts),
				shown("status", d.Status), shown("tried_at", d.TriedAt), shown("error", d.Error), detail("at", d.At)))
		}
		return out, err
	})
}

type retryDeliveries struct {
	Delivery []string `arg:"" help:"Ids of deliveries."`
}

// Run sends events again: all of them, or none.
func (f retryDeliveries) Run(c *call, a *adminCommand) error {
	return a.change(c, func(h *App, tx *db.Tx) ([]row, error) {
		return each(f.Delivery, func(id string) (row, error) {
			d, err := h.Hooks.Retry(tx, staff.System(), id)
			return told(id, shown("state", d.State)), absent(err, "delivery", id, "webhook deliveries")
		})
	})
}
