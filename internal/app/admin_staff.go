package app

import (
	"bufio"
	"errors"
	"fmt"
	"strings"

	"dingdong/internal/conversation"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

type staffCommands struct {
	Add      addStaff        `cmd:"" help:"Add a member of staff."`
	List     listStaff       `cmd:"" help:"List staff: id, state, role, e-mail address, name."`
	Edit     editStaff       `cmd:"" help:"Change somebody's name, address, role, counters, stores or language."`
	Password passwordStaff   `cmd:"" help:"Set a password, read from standard input, or make a one-time one."`
	End      endStaff        `cmd:"" help:"End somebody's access and give her threads back to the counters."`
	Return   returnStaff     `cmd:"" help:"Let somebody who left come back; she needs a new password."`
	Sessions sessionCommands `cmd:"" help:"Where somebody is signed in."`
}

func staffTold(p staff.Person) row { return told(p.ID, shown("name", p.Name)) }

// findStaff finds somebody by her id or e-mail address.
func findStaff(tx *db.Tx, key string) (staff.Person, error) {
	p, err := staff.GetStaff(tx, key)
	if errors.Is(err, db.ErrNotFound) {
		p, err = staff.StaffByEmail(tx, key)
	}
	return p, absent(err, "staff", key, "staff")
}

// herPlaces turns ids and names of counters and stores into ids. The room would
// leave out the stores of one who is no manager; a command that was told to set
// them says so.
func herPlaces(tx *db.Tx, role staff.Role, counters, stores []string) (counterIDs, storeIDs []string, err error) {
	if len(stores) > 0 && role != staff.Manager {
		return nil, nil, errors.New("--store: only a manager manages stores (--role manager)")
	}
	for _, key := range counters {
		c, err := findCounter(tx, "--counter", key)
		if err != nil {
			return nil, nil, err
		}
		counterIDs = append(counterIDs, c.ID)
	}
	for _, key := range stores {
		s, err := findStore(tx, "--store", key)
		if err != nil {
			return nil, nil, err
		}
		storeIDs = append(storeIDs, s.ID)
	}
	return counterIDs, storeIDs, nil
}

type addStaff struct {
	Name     string     `required:"" help:"Name that customers read."`
	Email    string     `required:"" help:"E-mail address she signs in with."`
	Role     staff.Role `default:"advisor" enum:"advisor,manager,marketing,privacy,admin" help:"advisor, manager, marketing, privacy or admin."`
	Counter  []string   `help:"Ids or names of her counters."`
	Store    []string   `help:"Ids or names of the stores she manages; a manager's only."`
	Language string     `help:"en or zh-TW; empty: her browser's."`
}

// Run adds a member of staff.
func (f addStaff) Run(c *call, a *adminCommand) error {
	return a.change(c, func(_ *App, tx *db.Tx) ([]row, error) {
		counters, stores, err := herPlaces(tx, f.Role, f.Counter, f.Store)
		if err != nil {
			return nil, err
		}
		p, err := staff.SaveStaff(tx, staff.System(), staff.StaffForm{Name: f.Name, Email: f.Email, Role: f.Role, Language: f.Language,
			Counters: counters, Stores: stores})
		return []row{staffTold(p)}, err
	})
}

type listStaff struct{}

// Run lists staff, those who left last.
func (listStaff) Run(c *call, a *adminCommand) error {
	return a.look(c, func(_ *App, tx *db.Tx) (out []row, err error) {
		list, err := staff.ListStaff(tx)
		for _, p := range list {
			state := "active"
			if !p.LeftAt.IsZero() {
				state = "left"
			}
			out = append(out, told(p.ID, shown("state", state), shown("role", string(p.Role)), shown("email", p.Email), shown("name", p.Name),
				detail("counters", p.Counters), detail("stores", p.Stores), detail("language", p.Language), detail("has_password", p.HasPassword),
				detail("must_change_password", p.MustChange), detail("created_at", p.CreatedAt), detail("left_at", p.LeftAt)))
		}
		return out, err
	})
}

type editStaff struct {
	Staff     string      `arg:"" help:"Id or e-mail address."`
	Name      *string     `help:"New name."`
	Email     *string     `help:"New e-mail address."`
	Role      *staff.Role `help:"advisor, manager, marketing, privacy or admin."`
	Counter   []string    `xor:"counters" help:"Ids or names of her counters, instead of those she has."`
	NoCounter bool        `xor:"counters" help:"She works at no counter any more."`
	Store     []string    `xor:"stores" help:"Ids or names of the stores she manages, instead of those she has."`
	NoStore   bool        `xor:"stores" help:"She manages no store any more."`
	Language  *string     `help:"en or zh-TW; empty: her browser's."`
}

// Validate refuses a change that names nothing.
func (f editStaff) Validate() error {
	if f.Name == nil && f.Email == nil && f.Role == nil && f.Language == nil && len(f.Counter)+len(f.Store) == 0 && !f.NoCounter && !f.NoStore {
		return errNothing("--name, --email, --role, --counter, --no-counter, --store, --no-store, --language")
	}
	return nil
}

// Run changes what is given.
func (f editStaff) Run(c *call, a *adminCommand) error {
	return a.change(c, func(_ *App, tx *db.Tx) ([]row, error) {
		p, err := findStaff(tx, f.Staff)
		if err != nil {
			return nil, err
		}
		form := staff.StaffForm{ID: p.ID, Name: given(f.Name, p.Name), Email: given(f.Email, p.Email), Role: given(f.Role, p.Role),
			Language: given(f.Language, p.Language)}
		if form.Counters, form.Stores, err = herPlaces(tx, form.Role, f.Counter, f.Store); err != nil {
			return nil, err
		}
		if len(f.Counter) == 0 && !f.NoCounter {
			form.Counters = p.Counters
		}
		if len(f.Store) == 0 && !f.NoStore {
			form.Stores = p.Stores
		}
		p, err = staff.SaveStaff(tx, staff.System(), form)
		return []row{staffTold(p)}, err
	})
}

type passwordStaff struct {
	Staff   string `arg:"" help:"Id or e-mail address."`
	OneTime bool   `name:"one-time" help:"Make a one-time password instead of reading one."`
}

// Run sets a password. Hashing takes its time, so it happens outside the one
// write transaction.
func (f passwordStaff) Run(c *call, a *adminCommand) error {
	h, err := a.open(c)
	if err != nil {
		return err
	}
	defer h.close()
	var p staff.Person
	err = h.DB.Read(c.ctx, func(tx *db.Tx) error {
		p, err = findStaff(tx, f.Staff)
		return err
	})
	if err != nil {
		return err
	}
	if f.OneTime {
		password, err := staff.ResetPassword(c.ctx, h.DB, staff.System(), p.ID)
		if err != nil {
			return a.said(err)
		}
		return a.tell(c, []row{told(p.ID, shown("password", password))})
	}
	typed, err := bufio.NewReader(c.In).ReadString('\n')
	if err != nil && typed == "" {
		return fmt.Errorf("read the password from standard input: %w", err)
	}
	if err := staff.GivePassword(c.ctx, h.DB, staff.System(), p.ID, strings.TrimRight(typed, "\r\n")); err != nil {
		return a.said(err)
	}
	return a.tell(c, []row{staffTold(p)})
}

type endStaff struct {
	Staff string `arg:"" help:"Id or e-mail address."`
}

// Run ends somebody's access and gives her threads back, or neither.
func (f endStaff) Run(c *call, a *adminCommand) error {
	return a.change(c, func(_ *App, tx *db.Tx) ([]row, error) {
		p, err := findStaff(tx, f.Staff)
		if err != nil {
			return nil, err
		}
		if err := staff.EndStaff(tx, staff.System(), p.ID); err != nil {
			return nil, err
		}
		_, err = conversation.ReleaseAll(tx, staff.System(), p.ID)
		return []row{staffTold(p)}, err
	})
}

type returnStaff struct {
	Staff string `arg:"" help:"Id or e-mail address."`
}

// Run lets somebody come back.
func (f returnStaff) Run(c *call, a *adminCommand) error {
	return a.change(c, func(_ *App, tx *db.Tx) ([]row, error) {
		p, err := findStaff(tx, f.Staff)
		if err != nil {
			return nil, err
		}
		return []row{staffTold(p)}, staff.ReturnStaff(tx, staff.System(), p.ID)
	})
}
