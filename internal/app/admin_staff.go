package app

import (
	"bufio"
	"fmt"
	"strings"

	"dingdong/internal/db"
	"dingdong/internal/staff"
)

type addStaff struct {
	Name     string     `required:"" help:"Name that customers read."`
	Email    string     `required:"" help:"E-mail address she signs in with."`
	Role     staff.Role `default:"advisor" enum:"advisor,manager,marketing,privacy,admin" help:"advisor, manager, marketing, privacy or admin."`
	Counter  []string   `help:"Ids or names of her counters."`
	Store    []string   `help:"Ids of the stores she manages."`
	Language string     `help:"en or zh-TW; empty: her browser's."`
}

// Run adds a member of staff.
func (f addStaff) Run(c *call, a *adminCommand) error {
	return a.with(c, func(_ *App, tx *db.Tx) ([]told, error) {
		form := staff.StaffForm{Name: f.Name, Email: f.Email, Role: f.Role, Language: f.Language, Stores: f.Store}
		for _, name := range f.Counter {
			id, err := counterID(tx, name)
			if err != nil {
				return nil, err
			}
			form.Counters = append(form.Counters, id)
		}
		p, err := staff.SaveStaff(tx, staff.System(), form)
		return []told{{ID: p.ID, Name: p.Name}}, err
	})
}

type listStaff struct{}

// Run lists staff.
func (listStaff) Run(c *call, a *adminCommand) error {
	return a.with(c, func(_ *App, tx *db.Tx) (out []told, err error) {
		list, err := staff.ListStaff(tx)
		for _, p := range list {
			out = append(out, told{ID: p.ID, Name: p.Name, Order: []string{"role", "email"},
				More: map[string]string{"role": string(p.Role), "email": p.Email}})
		}
		return out, err
	})
}

type passwordStaff struct {
	Staff   string `arg:"" help:"Id or e-mail address."`
	OneTime bool   `name:"one-time" help:"Make a one-time password instead of reading one."`
}

// Run sets a password. Hashing takes its time, so it happens outside the one
// write transaction.
func (f passwordStaff) Run(c *call, a *adminCommand) error {
	h, err := openStores(c)
	if err != nil {
		return err
	}
	defer h.close()
	var p staff.Person
	err = h.DB.Read(c.ctx, func(tx *db.Tx) error {
		if p, err = staff.GetStaff(tx, f.Staff); err != nil {
			p, err = staff.StaffByEmail(tx, f.Staff)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("staff %q: %w", f.Staff, err)
	}
	if f.OneTime {
		password, err := staff.ResetPassword(c.ctx, h.DB, staff.System(), p.ID)
		if err != nil {
			return err
		}
		return tell(c, a.JSON, told{ID: p.ID, Order: []string{"password"}, More: map[string]string{"password": password}})
	}
	line, err := bufio.NewReader(c.In).ReadString('\n')
	if err != nil && line == "" {
		return fmt.Errorf("read the password from standard input: %w", err)
	}
	if err := staff.GivePassword(c.ctx, h.DB, staff.System(), p.ID, strings.TrimRight(line, "\r\n")); err != nil {
		return err
	}
	return tell(c, a.JSON, told{ID: p.ID, Name: p.Name})
}

type endStaff struct {
	Staff string `arg:"" help:"Id."`
}

// Run ends somebody's access.
func (f endStaff) Run(c *call, a *adminCommand) error {
	return a.with(c, func(_ *App, tx *db.Tx) ([]told, error) {
		return []told{{ID: f.Staff}}, staff.EndStaff(tx, staff.System(), f.Staff)
	})
}
