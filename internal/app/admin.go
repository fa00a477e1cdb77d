package app

import (
	"dingdong/internal/db"
	"dingdong/internal/handover"
	"dingdong/internal/webhook"

	"github.com/alecthomas/kong"
)

// adminCommand does from the command line what the console administers. Each
// command prints a line for each thing, its id first; with --json one JSON
// object for each. What is done is done by the house itself, and audited so.
type adminCommand struct {
	JSON bool `name:"json" help:"Print one JSON object a line."`

	Store    storeCommands    `cmd:"" help:"Stores."`
	Brand    brandCommands    `cmd:"" help:"Brands."`
	Counter  counterCommands  `cmd:"" help:"Counters: one brand in one store."`
	Staff    staffCommands    `cmd:"" help:"Staff, their passwords and sessions."`
	Account  accountCommands  `cmd:"" help:"Channel accounts."`
	Reply    replyCommands    `cmd:"" help:"Saved replies."`
	Export   exportCommands   `cmd:"" help:"Files that wait for a second person, in a house with nobody else."`
	Handover handoverCommands `cmd:"" help:"Handovers: an advisor leaves or is away, and her customers go to colleagues."`
	SignIn   signInCommands   `cmd:"" help:"How staff may sign in."`
	Token    tokenCommands    `cmd:"" help:"API tokens."`
	Webhook  webhookCommands  `cmd:"" help:"Outgoing webhooks: endpoints that hear what happens."`
	Failure  failureCommands  `cmd:"" help:"Messages that did not reach their customer."`
	Job      jobCommands      `cmd:"" help:"Background work that was given up."`

	flags map[string]bool // of the chosen command
}

// AfterApply notes which flags the chosen command has, so that a fault is told
// by the flag that caused it.
func (a *adminCommand) AfterApply(k *kong.Context) error {
	a.flags = map[string]bool{}
	if node := k.Selected(); node != nil {
		for _, f := range node.Flags {
			a.flags[f.Name] = true
		}
	}
	return nil
}

// work is what a command does in its transaction, and what it tells of it.
type work func(h *App, tx *db.Tx) ([]row, error)

// open opens the stores and the rooms that are administered.
func (a *adminCommand) open(c *call) (*App, error) {
	h, err := openStores(c)
	if err != nil {
		return nil, err
	}
	h.Hooks = webhook.New(webhook.Options{DB: h.DB, Vault: h.Vault, Desk: h.Desk, AllowLocal: c.config.AllowLocal})
	h.Consent = h.Desk.Consent()
	h.Hands = &handover.Room{DB: h.DB, Desk: h.Desk, Consent: h.Consent}
	return h, nil
}

// change runs one writing transaction and prints.
func (a *adminCommand) change(c *call, do work) error {
	h, err := a.open(c)
	if err != nil {
		return err
	}
	defer h.close()
	var out []row
	err = h.DB.Write(c.ctx, func(tx *db.Tx) (err error) {
		out, err = do(h, tx)
		return err
	})
	if err != nil {
		return a.said(err)
	}
	return a.tell(c, out)
}

// look runs one reading transaction and prints: it waits for no writer.
func (a *adminCommand) look(c *call, do work) error {
	h, err := a.open(c)
	if err != nil {
		return err
	}
	defer h.close()
	var out []row
	err = h.DB.Read(c.ctx, func(tx *db.Tx) (err error) {
		out, err = do(h, tx)
		return err
	})
	if err != nil {
		return a.said(err)
	}
	return a.tell(c, out)
}
