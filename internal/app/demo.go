package app

import (
	"errors"
	"fmt"

	"dingdong/internal/demo"
)

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
