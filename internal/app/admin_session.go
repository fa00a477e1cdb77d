package app

import (
	"errors"
	"slices"

	"dingdong/internal/db"
	"dingdong/internal/staff"
)

type sessionCommands struct {
	List listSessions `cmd:"" help:"List where somebody is signed in: id, begun, last seen, address, browser."`
	End  endSessions  `cmd:"" help:"Sign somebody out: of one session, or of all."`
}

type listSessions struct {
	Staff string `arg:"" help:"Id or e-mail address."`
}

// Run lists sessions, the newest first.
func (f listSessions) Run(c *call, a *adminCommand) error {
	return a.look(c, func(_ *App, tx *db.Tx) (out []row, err error) {
		p, err := findStaff(tx, f.Staff)
		if err != nil {
			return nil, err
		}
		list, err := staff.Sessions(tx, p.ID)
		for _, s := range list {
			out = append(out, told(s.ID, shown("created_at", s.CreatedAt), shown("seen_at", s.SeenAt), shown("address", s.Address),
				shown("user_agent", s.UserAgent), detail("expires_at", s.ExpiresAt)))
		}
		return out, err
	})
}

type endSessions struct {
	Staff   string   `arg:"" help:"Id or e-mail address."`
	Session []string `arg:"" optional:"" help:"Ids of sessions."`
	All     bool     `help:"All of her sessions."`
}

// Validate wants to know which sessions: a forgotten id must not end all.
func (f endSessions) Validate() error {
	if f.All == (len(f.Session) > 0) {
		return errors.New("give the ids of sessions, or --all")
	}
	return nil
}

// Run ends sessions.
func (f endSessions) Run(c *call, a *adminCommand) error {
	return a.change(c, func(_ *App, tx *db.Tx) ([]row, error) {
		p, err := findStaff(tx, f.Staff)
		if err != nil {
			return nil, err
		}
		ids := slices.Clone(f.Session) // the transaction may be run again
		if f.All {
			list, err := staff.Sessions(tx, p.ID)
			if err != nil {
				return nil, err
			}
			for _, s := range list {
				ids = append(ids, s.ID)
			}
		}
		return each(ids, func(id string) (row, error) {
			err := staff.EndSessionOf(tx, staff.System(), p.ID, id)
			return told(id), absent(err, "session", id, "staff sessions")
		})
	})
}

// each does something with every id: all of it, or nothing.
func each(ids []string, do func(id string) (row, error)) (out []row, err error) {
	for _, id := range ids {
		l, err := do(id)
		if err != nil {
			return nil, err
		}
		out = append(out, l)
	}
	return out, nil
}
