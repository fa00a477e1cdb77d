package app

import (
	"context"
	"errors"
	"fmt"

	"dingdong/internal/db"
	"dingdong/internal/demo"
	"dingdong/internal/staff"
)

// demoMark is the setting of a database that the demo has filled.
const demoMark = "demo"

// errNoDemo: the demo lets anybody in with one tap, the administrator included.
var errNoDemo = errors.New("--demo: this database holds a real house, and the demo lets anybody sign in; name an empty folder with --data")

// allowDemo refuses the demo on a database that is not its own.
func (a *App) allowDemo(ctx context.Context) error {
	return a.DB.Write(ctx, func(tx *db.Tx) error {
		empty, err := staff.NeedsFirst(tx)
		if err != nil {
			return err
		}
		if empty {
			_, err = tx.Exec(`INSERT INTO setting (name, value) VALUES ($1, 'yes') ON CONFLICT (name) DO NOTHING`, demoMark)
			return err
		}
		var marked int
		if err := tx.QueryRow(`SELECT COUNT(*) FROM setting WHERE name = $1`, demoMark).Scan(&marked); err != nil {
			return err
		}
		if marked == 0 {
			return errNoDemo
		}
		return nil
	})
}

// runDemo serves the house with an invented store group, customers' phones and
// a shop beside it, and says where to click.
func (a *App) runDemo(c *call) error {
	at, stop, err := demo.Start(c.ctx, demo.Options{Desk: a.Desk, Data: a.Config.Data, Webhook: "http://" + a.Address(),
		Phone: a.Config.DemoPhone, Shop: a.Config.DemoShop, Log: a.Log})
	if err != nil {
		a.close()
		return err
	}
	_, err = fmt.Fprintf(c.Out, `
  The counter is open.

    Console             %s   (sign in with one tap)
    A customer's phone  %s/
    Web chat            %s/

  Write on the phone, and the console dings. Ctrl+C stops; "rm -r %s" starts afresh.

`, a.Desk.PublicURL, at.PhoneURL, at.ShopURL, a.Config.Data)
	if err != nil {
		return err
	}
	return errors.Join(a.Run(c.ctx), stop())
}
