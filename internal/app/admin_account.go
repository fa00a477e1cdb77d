package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"dingdong/internal/channel"
	"dingdong/internal/conversation"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

type accountCommands struct {
	Add struct {
		Line    addLine    `cmd:"" help:"Add a LINE official account."`
		Webchat addWebChat `cmd:"" help:"Add a web chat."`
	} `cmd:"" help:"Add a channel account."`
	List   listAccounts  `cmd:"" help:"List the accounts in use, or with --closed those that were closed: id, path, channel, state, messages used of the month's quota, name."`
	Edit   editAccount   `cmd:"" help:"Change an account: only what is given."`
	Check  checkAccount  `cmd:"" help:"Ask the platform what is wrong with an account."`
	Close  closeAccount  `cmd:"" help:"End an account: its webhook is refused from now on."`
	Reopen reopenAccount `cmd:"" help:"Take a closed account into use again."`
}

type addLine struct {
	Name          string `required:"" help:"Name of the account."`
	Counter       string `help:"Id or name of the counter that answers; needed when there are several."`
	ChannelSecret string `required:"" env:"DINGDONG_CHANNEL_SECRET" help:"Channel secret of the Messaging API channel."`
	AccessToken   string `required:"" env:"DINGDONG_ACCESS_TOKEN" help:"Channel access token."`
	APIBase       string `name:"api-base" help:"Instead of https://api.line.me"`
	DataBase      string `name:"data-base" help:"Instead of https://api-data.line.me"`
	serving
	liffFlags
}

// serving is what an account says about counters beside its own.
type serving struct {
	Also        []string `help:"Ids or names of counters that it serves besides; its customers can switch."`
	OfferChoice bool     `help:"Offer a customer without an advisor a choice, once."`
}

// liffFlags are what cards need to know who scanned them.
type liffFlags struct {
	LIFF         string `name:"liff-id" help:"Id of the LIFF app that opens cards."`
	LoginChannel string `help:"Id of the LINE Login channel that the LIFF app belongs to."`
	LIFFSDK      string `name:"liff-sdk" help:"Instead of LINE's own address of the LIFF script."`
}

// Run adds a LINE account and prints its id and webhook path.
func (f addLine) Run(c *call, a *adminCommand) error {
	return a.addAccount(c, f.Counter, conversation.AccountForm{Channel: channel.LINE, Name: f.Name, Secret: f.ChannelSecret,
		Token: f.AccessToken, APIBase: f.APIBase, DataBase: f.DataBase, OfferChoice: &f.OfferChoice,
		LIFF: &conversation.LIFF{ID: f.LIFF, LoginChannel: f.LoginChannel, SDK: f.LIFFSDK}}, f.Also...)
}

type addWebChat struct {
	Name     string   `required:"" help:"Name that visitors read."`
	Counter  string   `help:"Id or name of the counter that answers; needed when there are several."`
	Origin   []string `help:"Sites that may embed the chat: https://shop.example"`
	Greeting string   `help:"The first line a visitor reads."`
	serving
}

// Run adds a web chat and prints its id and page.
func (f addWebChat) Run(c *call, a *adminCommand) error {
	return a.addAccount(c, f.Counter, conversation.AccountForm{Channel: channel.WebChat, Name: f.Name, Origins: f.Origin, Greeting: f.Greeting,
		OfferChoice: &f.OfferChoice}, f.Also...)
}

func (a *adminCommand) addAccount(c *call, counter string, f conversation.AccountForm, also ...string) error {
	return a.change(c, func(h *App, tx *db.Tx) ([]row, error) {
		var err error
		if f.CounterID, err = answeringCounter(tx, counter); err != nil {
			return nil, err
		}
		if f.Counters, err = alsoServed(tx, also); err != nil {
			return nil, err
		}
		acc, err := h.Desk.SaveAccount(tx, staff.System(), f)
		return []row{accountTold(acc)}, err
	})
}

// alsoServed turns ids and names of counters into ids.
func alsoServed(tx *db.Tx, keys []string) (*[]string, error) {
	ids := []string{}
	for _, key := range keys {
		x, err := findCounter(tx, "--also", key)
		if err != nil {
			return nil, err
		}
		ids = append(ids, x.ID)
	}
	return &ids, nil
}

func accountTold(acc conversation.Account) row {
	return told(acc.ID, shown("path", accountPath(acc)), detail("channel", string(acc.Kind)), detail("name", acc.Name))
}

// accountPath is where the platform calls, or where visitors go.
func accountPath(acc conversation.Account) string {
	if acc.Kind == channel.WebChat {
		return "/chat/" + acc.ID
	}
	return acc.WebhookPath()
}

type listAccounts struct {
	Closed bool `help:"Those that were closed."`
}

// Run lists accounts. Secrets are not among what is told.
func (f listAccounts) Run(c *call, a *adminCommand) error {
	return a.look(c, func(h *App, tx *db.Tx) (out []row, err error) {
		which := h.Desk.Accounts
		if f.Closed {
			which = h.Desk.ClosedAccounts
		}
		list, err := which(tx)
		for _, acc := range list {
			state, reason := "open", ""
			if f.Closed {
				state = "closed"
			} else if acc.Halted != "" && tx.Now.Before(acc.HaltedTill) {
				state, reason = "halted", acc.Halted
			} else {
				acc.HaltedTill = time.Time{}
			}
			out = append(out, told(acc.ID, shown("path", accountPath(acc)), shown("channel", string(acc.Kind)), shown("state", state),
				shown("quota", quotaWord(acc)), shown("name", acc.Name),
				detail("counter", acc.CounterID), detail("halted", reason), detail("halted_until", acc.HaltedTill),
				detail("quota_limited", acc.Quota.Limited), detail("quota_limit", acc.Quota.Limit), detail("quota_used", acc.Quota.Used),
				detail("quota_at", acc.QuotaAt), detail("bot_id", acc.BotID), detail("basic_id", acc.BasicID),
				detail("api_base", acc.APIBase), detail("data_base", acc.DataBase), detail("origins", acc.Origins),
				detail("greeting", acc.Greeting), detail("also", acc.Counters), detail("offer_choice", acc.OfferChoice), detail("liff_id", acc.LIFF.ID),
				detail("login_channel", acc.LIFF.LoginChannel), detail("liff_sdk", acc.LIFF.SDK), detail("old_secret_until", acc.OldSecretUntil), detail("created_at", acc.CreatedAt), detail("closed_at", acc.ClosedAt)))
		}
		return out, err
	})
}

// quotaWord is how much of the month is used, "12/200" or "12/-" without a
// limit; empty while the platform was never asked, and for our own web chat.
func quotaWord(acc conversation.Account) string {
	switch {
	case acc.Kind == channel.WebChat || acc.QuotaAt.IsZero():
		return ""
	case !acc.Quota.Limited:
		return fmt.Sprintf("%d/-", acc.Quota.Used)
	}
	return fmt.Sprintf("%d/%d", acc.Quota.Used, acc.Quota.Limit)
}

type editAccount struct {
	Account       string   `arg:"" help:"Id."`
	Name          *string  `help:"New name."`
	Counter       *string  `help:"Id or name of the counter that answers from now on."`
	ChannelSecret *string  `env:"DINGDONG_CHANNEL_SECRET" help:"LINE: new channel secret."`
	AccessToken   *string  `env:"DINGDONG_ACCESS_TOKEN" help:"LINE: new channel access token."`
	APIBase       *string  `name:"api-base" help:"LINE: instead of https://api.line.me; empty: that."`
	DataBase      *string  `name:"data-base" help:"LINE: instead of https://api-data.line.me; empty: that."`
	Origin        []string `xor:"origins" help:"Web chat: sites that may embed it, instead of those there are."`
	NoOrigin      bool     `xor:"origins" help:"Web chat: no site may embed it any more."`
	Greeting      *string  `help:"Web chat: the first line a visitor reads; empty: none."`
	Also          []string `xor:"also" help:"Ids or names of counters that it serves besides, instead of those there are."`
	NoAlso        bool     `xor:"also" help:"It serves no other counter any more."`
	OfferChoice   *bool    `negatable:"" help:"Offer a customer without an advisor a choice, once."`
	LIFF          *string  `name:"liff-id" help:"LINE: id of the LIFF app that opens cards; empty: none."`
	LoginChannel  *string  `help:"LINE: id of the LINE Login channel that the LIFF app belongs to."`
	LIFFSDK       *string  `name:"liff-sdk" help:"LINE: instead of LINE's own address of the LIFF script; empty: that."`

	Overlap      *time.Duration `help:"LINE: how long the old channel secret still counts beside a new one; 0s: not at all. 24h if it is not given."`
	EndOldSecret bool           `help:"LINE: the old channel secret counts no longer."`
}

// Validate refuses a change that names nothing, and an empty secret: a shell
// variable that is not set would otherwise change nothing and say it did.
func (f editAccount) Validate() error {
	switch {
	case f.ChannelSecret != nil && *f.ChannelSecret == "":
		return errors.New("--channel-secret: must not be empty")
	case f.AccessToken != nil && *f.AccessToken == "":
		return errors.New("--access-token: must not be empty")
	case f.Overlap != nil && f.ChannelSecret == nil:
		return errors.New("--overlap: goes with --channel-secret")
	case f.Overlap != nil && *f.Overlap < 0:
		return errors.New("--overlap: must not be negative")
	case f.Name == nil && f.Counter == nil && f.Greeting == nil && len(f.Origin) == 0 && !f.NoOrigin && !f.ofLINE() &&
		len(f.Also) == 0 && !f.NoAlso && f.OfferChoice == nil:
		return errNothing("--name, --counter, --channel-secret, --access-token, --api-base, --data-base, --origin, --no-origin, --greeting, " +
			"--also, --no-also, --offer-choice, --liff-id, --login-channel, --liff-sdk, --end-old-secret")
	}
	return nil
}

func (f editAccount) ofLINE() bool {
	return f.ChannelSecret != nil || f.AccessToken != nil || f.APIBase != nil || f.DataBase != nil || f.EndOldSecret || f.ofLIFF()
}

func (f editAccount) ofLIFF() bool { return f.LIFF != nil || f.LoginChannel != nil || f.LIFFSDK != nil }

func (f editAccount) ofWebChat() bool { return f.Greeting != nil || len(f.Origin) > 0 || f.NoOrigin }

// Run changes what is given. A new token is in use at once, so it is tried at once.
func (f editAccount) Run(c *call, a *adminCommand) error {
	if err := f.save(c, a); err != nil || f.AccessToken == nil {
		return err
	}
	return f.tryToken(c, a)
}

// tryToken asks the platform whether it takes the token that was just saved.
func (f editAccount) tryToken(c *call, a *adminCommand) error {
	h, err := a.open(c)
	if err != nil {
		return err
	}
	defer h.close()
	ctx, cancel := context.WithTimeout(c.ctx, tokenTime)
	defer cancel()
	findings, err := h.Desk.CheckAccount(ctx, f.Account)
	if err != nil {
		findings = []channel.Finding{{Code: "unreachable"}}
	}
	for _, x := range findings {
		switch x.Code {
		case "token_refused":
			return errors.New("the new token is saved and in use, but the platform refuses it: enter the right one within the hour in which messages wait")
		case "unreachable":
			fmt.Fprintln(c.Err, "The new token is saved and in use. The platform cannot be reached, so nobody knows yet whether it is right.")
		}
	}
	return nil
}

// tokenTime is how long the platform may take to try a token.
const tokenTime = 15 * time.Second

func (f editAccount) save(c *call, a *adminCommand) error {
	return a.change(c, func(h *App, tx *db.Tx) ([]row, error) {
		old, err := h.Desk.AccountByID(tx, f.Account)
		if err != nil {
			return nil, absent(err, "account", f.Account, "account")
		}
		switch {
		case old.Kind == channel.WebChat && f.ofLINE():
			return nil, errors.New("--channel-secret, --access-token (or their environment variables), --api-base, --data-base, --liff-id, --login-channel, --liff-sdk, --end-old-secret: a web chat has none")
		case old.Kind == channel.LINE && f.ofWebChat():
			return nil, errors.New("--origin, --no-origin, --greeting: only a web chat has them")
		}
		form := conversation.AccountForm{ID: old.ID, Name: given(f.Name, old.Name), CounterID: old.CounterID,
			Secret: given(f.ChannelSecret, ""), Token: given(f.AccessToken, ""), APIBase: given(f.APIBase, old.APIBase),
			DataBase: given(f.DataBase, old.DataBase), Origins: old.Origins, Greeting: given(f.Greeting, old.Greeting)}
		if f.Overlap != nil {
			form.Overlap = overlapOf(*f.Overlap)
		}
		if f.NoOrigin || len(f.Origin) > 0 {
			form.Origins = append([]string(nil), f.Origin...) // the room cleans them in place
		}
		if f.ofLIFF() {
			form.LIFF = &conversation.LIFF{ID: given(f.LIFF, old.LIFF.ID), LoginChannel: given(f.LoginChannel, old.LIFF.LoginChannel),
				SDK: given(f.LIFFSDK, old.LIFF.SDK)}
		}
		if form.OfferChoice = f.OfferChoice; f.NoAlso || len(f.Also) > 0 {
			if form.Counters, err = alsoServed(tx, f.Also); err != nil {
				return nil, err
			}
		}
		if f.Counter != nil {
			x, err := findCounter(tx, "--counter", *f.Counter)
			if err != nil {
				return nil, err
			}
			form.CounterID = x.ID
		}
		acc, err := h.Desk.SaveAccount(tx, staff.System(), form)
		if err == nil && f.EndOldSecret {
			if err = h.Desk.EndOldSecret(tx, staff.System(), f.Account); errors.Is(err, db.ErrNotFound) {
				err = errors.New("--end-old-secret: no old secret counts any more")
			}
		}
		return []row{accountTold(acc)}, err
	})
}

// overlapOf makes "not at all" of zero, which means "as usual" to the rooms.
func overlapOf(given time.Duration) time.Duration {
	if given == 0 {
		return -1
	}
	return given
}

type checkAccount struct {
	Account string `arg:"" help:"Id."`
}

// Run asks the platform and prints its findings.
func (f checkAccount) Run(c *call, a *adminCommand) error {
	h, err := a.open(c)
	if err != nil {
		return err
	}
	defer h.close()
	findings, err := h.Desk.CheckAccount(c.ctx, f.Account)
	if err != nil {
		return absent(err, "account", f.Account, "account")
	}
	bad := 0
	var out []row
	for _, x := range findings {
		result := "ok"
		if !x.OK {
			result, bad = "wrong", bad+1
		}
		out = append(out, told(f.Account, shown("result", result), shown("code", x.Code), shown("detail", x.Detail)))
	}
	if err := a.tell(c, out); err != nil {
		return err
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
	return a.change(c, func(h *App, tx *db.Tx) ([]row, error) {
		acc, err := h.Desk.AccountByID(tx, f.Account)
		if err == nil {
			err = h.Desk.CloseAccount(tx, staff.System(), f.Account)
		}
		return []row{accountTold(acc)}, absent(err, "account", f.Account, "account")
	})
}

type reopenAccount struct {
	Account string `arg:"" help:"Id."`
}

// Run takes a closed account into use again.
func (f reopenAccount) Run(c *call, a *adminCommand) error {
	return a.change(c, func(h *App, tx *db.Tx) ([]row, error) {
		acc, err := h.Desk.AccountByID(tx, f.Account)
		if err == nil {
			err = h.Desk.ReopenAccount(tx, staff.System(), f.Account)
		}
		return []row{accountTold(acc)}, absent(err, "account", f.Account, "account")
	})
}
