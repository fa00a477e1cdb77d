package app

import (
	"fmt"

	"dingdong/internal/channel"
	"dingdong/internal/conversation"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

type addLine struct {
	Name          string `required:"" help:"Name of the account."`
	Counter       string `help:"Id or name of the counter that answers; needed when there are several."`
	ChannelSecret string `required:"" help:"Channel secret of the Messaging API channel."`
	AccessToken   string `required:"" help:"Channel access token."`
	APIBase       string `name:"api-base" help:"Instead of https://api.line.me"`
	DataBase      string `name:"data-base" help:"Instead of https://api-data.line.me"`
}

// Run adds a LINE account and prints its id and webhook path.
func (f addLine) Run(c *call, a *adminCommand) error {
	return a.saveAccount(c, f.Counter, conversation.AccountForm{Channel: channel.LINE, Name: f.Name, Secret: f.ChannelSecret,
		Token: f.AccessToken, APIBase: f.APIBase, DataBase: f.DataBase})
}

type addWebChat struct {
	Name     string   `required:"" help:"Name that visitors read."`
	Counter  string   `help:"Id or name of the counter that answers; needed when there are several."`
	Origin   []string `help:"Sites that may embed the chat: https://shop.example"`
	Greeting string   `help:"The first line a visitor reads."`
}

// Run adds a web chat and prints its id and page.
func (f addWebChat) Run(c *call, a *adminCommand) error {
	return a.saveAccount(c, f.Counter, conversation.AccountForm{Channel: channel.WebChat, Name: f.Name, Origins: f.Origin, Greeting: f.Greeting})
}

func (a *adminCommand) saveAccount(c *call, counter string, f conversation.AccountForm) error {
	return a.with(c, func(h *App, tx *db.Tx) ([]told, error) {
		var err error
		if f.CounterID, err = counterID(tx, counter); err != nil {
			return nil, err
		}
		acc, err := h.Desk.SaveAccount(tx, staff.System(), f)
		if err != nil {
			return nil, err
		}
		return []told{accountTold(acc)}, nil
	})
}

func accountTold(acc conversation.Account) told {
	path := acc.WebhookPath()
	if acc.Kind == channel.WebChat {
		path = "/chat/" + acc.ID
	}
	return told{ID: acc.ID, Order: []string{"path"}, More: map[string]string{"path": path, "channel": string(acc.Kind), "name": acc.Name}}
}

type listAccounts struct{}

// Run lists accounts.
func (listAccounts) Run(c *call, a *adminCommand) error {
	return a.with(c, func(h *App, tx *db.Tx) (out []told, err error) {
		list, err := h.Desk.Accounts(tx)
		for _, acc := range list {
			out = append(out, accountTold(acc))
		}
		return out, err
	})
}

type checkAccount struct {
	Account string `arg:"" help:"Id."`
}

// Run asks the platform and prints its findings.
func (f checkAccount) Run(c *call, a *adminCommand) error {
	h, err := openStores(c)
	if err != nil {
		return err
	}
	defer h.close()
	findings, err := h.Desk.CheckAccount(c.ctx, f.Account)
	if err != nil {
		return err
	}
	bad := 0
	for _, x := range findings {
		mark := "ok"
		if !x.OK {
			mark, bad = "wrong", bad+1
		}
		if _, err := fmt.Fprintf(c.Out, "%s\t%s\t%s\n", mark, x.Code, x.Detail); err != nil {
			return err
		}
	}
	if bad > 0 {
		return fmt.Errorf("%d of %d checks failed", bad, len(findings))
	}
	return nil
}

type closeAccount struct {
	Account string `arg:"" help:"Id."`
}

// Run ends an account.
func (f closeAccount) Run(c *call, a *adminCommand) error {
	return a.with(c, func(h *App, tx *db.Tx) ([]told, error) {
		return []told{{ID: f.Account}}, h.Desk.CloseAccount(tx, staff.System(), f.Account)
	})
}
