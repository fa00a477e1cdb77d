package app

import (
	"fmt"
	"strings"

	"dingdong/internal/db"
	"dingdong/internal/staff"
)

type addToken struct {
	Name  string   `required:"" help:"What it is for."`
	Scope []string `required:"" help:"What it may do, e.g. messages:read,messages:write."`
}

// Run makes an API token and prints it.
func (f addToken) Run(c *call, a *adminCommand) error {
	h, err := openStores(c)
	if err != nil {
		return err
	}
	defer h.close()
	var plain string
	var t staff.Token
	err = h.DB.Write(c.ctx, func(tx *db.Tx) error {
		plain, t, err = staff.CreateToken(tx, staff.System(), f.Name, f.Scope)
		return err
	})
	if err != nil {
		return err
	}
	if a.JSON {
		return tell(c, true, told{ID: t.ID, Name: t.Name, More: map[string]string{"token": plain}})
	}
	_, err = fmt.Fprintln(c.Out, plain)
	return err
}

type listTokens struct{}

// Run lists API tokens.
func (listTokens) Run(c *call, a *adminCommand) error {
	return a.with(c, func(_ *App, tx *db.Tx) (out []told, err error) {
		list, err := staff.Tokens(tx)
		for _, t := range list {
			out = append(out, told{ID: t.ID, Name: t.Name, Order: []string{"scopes"}, More: map[string]string{"scopes": strings.Join(t.Scopes, ",")}})
		}
		return out, err
	})
}

type endToken struct {
	Token string `arg:"" help:"Id."`
}

// Run ends an API token.
func (f endToken) Run(c *call, a *adminCommand) error {
	return a.with(c, func(_ *App, tx *db.Tx) ([]told, error) {
		return []told{{ID: f.Token}}, staff.EndToken(tx, staff.System(), f.Token)
	})
}
