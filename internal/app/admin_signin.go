package app

import (
	"errors"

	"dingdong/internal/db"
	"dingdong/internal/sso"
	"dingdong/internal/staff"
)

// signInCommands are for the day on which nobody can sign in: the provider is down or
// set up wrong, and passwords were switched off.
type signInCommands struct {
	Show      showSignIn      `cmd:"" help:"Show the rules: passwords, roles that need a passkey, hours, days, and the provider."`
	Passwords passwordsSignIn `cmd:"" help:"Switch passwords on or off. On is the way back in when single sign-on broke."`
	Provider  providerSignIn  `cmd:"" help:"Switch single sign-on on or off; what was entered about the provider stays."`
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

// signInTold is how people may sign in now.
func signInTold(h *App, tx *db.Tx) ([]row, error) {
	rules, err := staff.LoadRules(tx)
	if err != nil {
		return nil, err
	}
	provider, err := (&sso.Room{DB: h.DB, Vault: h.Vault}).Load(tx)
	if err != nil {
		return nil, err
	}
	roles := make([]string, len(rules.PasskeyRoles))
	for i, role := range rules.PasskeyRoles {
		roles[i] = string(role)
	}
	return []row{told("sign-in", shown("passwords", onOff(!rules.NoPasswords)), shown("passkey_roles", roles), shown("idle_hours", rules.IdleHours),
		shown("max_days", rules.MaxDays), shown("moves", string(rules.Moves)), shown("provider", onOff(provider.On)), shown("issuer", provider.Issuer),
		detail("client_id", provider.ClientID), detail("domains", provider.Domains), detail("adds_people", provider.AddsPeople))}, nil
}

type showSignIn struct{}

// Run shows the rules. The provider's secret is not among what is told.
func (showSignIn) Run(c *call, a *adminCommand) error { return a.look(c, signInTold) }

type passwordsSignIn struct {
	State string `arg:"" enum:"on,off" help:"on or off."`
}

// Run switches passwords on or off. Off is refused where no administrator could come in.
func (f passwordsSignIn) Run(c *call, a *adminCommand) error {
	return a.change(c, func(h *App, tx *db.Tx) ([]row, error) {
		rules, err := staff.LoadRules(tx)
		if err != nil {
			return nil, err
		}
		rules.NoPasswords = f.State == "off"
		if err := staff.SaveRules(tx, staff.System(), rules); err != nil {
			return nil, err
		}
		return signInTold(h, tx)
	})
}

type providerSignIn struct {
	State string `arg:"" enum:"on,off" help:"on or off."`
}

// Run switches single sign-on on or off.
func (f providerSignIn) Run(c *call, a *adminCommand) error {
	return a.change(c, func(h *App, tx *db.Tx) ([]row, error) {
		room := &sso.Room{DB: h.DB, Vault: h.Vault}
		s, err := room.Load(tx)
		if err != nil {
			return nil, err
		}
		if s.Issuer == "" {
			return nil, errors.New("no provider has been entered (Administration, Signing in)")
		}
		form := sso.Form{Issuer: s.Issuer, ClientID: s.ClientID, Button: s.Button, AddsPeople: s.AddsPeople, On: f.State == "on"}
		for _, domain := range s.Domains {
			form.Domains += domain + " "
		}
		if err := room.Save(tx, staff.System(), form); err != nil {
			return nil, err
		}
		return signInTold(h, tx)
	})
}
