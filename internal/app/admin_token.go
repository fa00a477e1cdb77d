package app

import (
	"fmt"

	"dingdong/internal/db"
	"dingdong/internal/staff"
)

type tokenCommands struct {
	Add  addToken   `cmd:"" help:"Make an API token; it is shown this once."`
	List listTokens `cmd:"" help:"List API tokens: id, state, scopes, last use, name."`
	End  endToken   `cmd:"" help:"End an API token."`
}

type addToken struct {
	Name  string   `required:"" help:"What it is for."`
	Scope []string `required:"" help:"What it may do, e.g. messages:read,messages:write."`
}

// Run makes an API token and prints it, alone, so that a script can take it as
// it is.
func (f addToken) Run(c *call, a *adminCommand) error {
	h, err := a.open(c)
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
		return a.said(err)
	}
	if a.JSON {
		return a.tell(c, []row{told(t.ID, shown("name", t.Name), shown("token", plain))})
	}
	_, err = fmt.Fprintln(c.Out, plain)
	return err
}

type listTokens struct{}

// Run lists API tokens, those in force first.
func (listTokens) Run(c *call, a *adminCommand) error {
	return a.look(c, func(_ *App, tx *db.Tx) (out []row, err error) {
		list, err := staff.Tokens(tx)
		for _, t := range list {
			state := "in_force"
			if !t.EndedAt.IsZero() {
				state = "ended"
			}
			out = append(out, told(t.ID, shown("state", state), shown("scopes", t.Scopes), shown("used_at", t.UsedAt), shown("name", t.Name),
				detail("created_by", t.CreatedBy), detail("created_at", t.CreatedAt), detail("ended_at", t.EndedAt)))
		}
		return out, err
	})
}

type endToken struct {
	Token string `arg:"" help:"Id."`
}

// Run ends an API token.
func (f endToken) Run(c *call, a *adminCommand) error {
	return a.change(c, func(_ *App, tx *db.Tx) ([]row, error) {
		return []row{told(f.Token)}, absent(staff.EndToken(tx, staff.System(), f.Token), "token", f.Token, "token")
	})
}
