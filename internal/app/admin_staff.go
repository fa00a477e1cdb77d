package app

import (
	"bufio"
	"errors"
	"fmt"
	"strings"
	"time"

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
	Away     awayStaff       `cmd:"" help:"Set somebody off duty, or on duty again."`
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
	Speaks   []string   `help:"Languages she advises in, the best first: zh-Hant,en; customers read them."`
	Special  string     `name:"specialities" help:"What she is good at; customers read it."`
}

// Run adds a member of staff.
func (f addStaff) Run(c *call, a *adminCommand) error {
	return a.change(c, func(_ *App, tx *db.Tx) ([]row, error) {
		counters, stores, err := herPlaces(tx, f.Role, f.Counter, f.Store)
		if err != nil {
			return nil, err
		}
		p, err := staff.SaveStaff(tx, staff.System(), staff.StaffForm{Name: f.Name, Email: f.Email, Role: f.Role, Language: f.Language,
			Counters: counters, Stores: stores, Shown: &staff.Shown{Languages: f.Speaks, Specialities: f.Special}})
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
			switch {
			case !p.LeftAt.IsZero():
				state = "left"
			case p.AwayUntil.After(tx.Now):
				state = "away"
			}
			out = append(out, told(p.ID, shown("state", state), shown("role", string(p.Role)), shown("email", p.Email), shown("name", p.Name),
				detail("counters", p.Counters), detail("stores", p.Stores), detail("language", p.Language), detail("has_password", p.HasPassword),
				detail("must_change_password", p.MustChange), detail("created_at", p.CreatedAt), detail("left_at", p.LeftAt),
				detail("speaks", p.Languages), detail("specialities", p.Specialities), detail("away_until", p.AwayUntil)))
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
	Speaks    *string     `help:"Languages she advises in, the best first: zh-Hant,en; empty: none is shown."`
	Special   *string     `name:"specialities" help:"What she is good at; customers read it."`
}

// Validate refuses a change that names nothing.
func (f editStaff) Validate() error {
	if f.Name == nil && f.Email == nil && f.Role == nil && f.Language == nil && f.Speaks == nil && f.Special == nil &&
		len(f.Counter)+len(f.Store) == 0 && !f.NoCounter && !f.NoStore {
		return errNothing("--name, --email, --role, --counter, --no-counter, --store, --no-store, --language, --speaks, --specialities")
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
		if f.Speaks != nil || f.Special != nil {
			form.Shown = &staff.Shown{Languages: p.Languages, Specialities: given(f.Special, p.Specialities)}
			if f.Speaks != nil {
				form.Shown.Languages = strings.FieldsFunc(*f.Speaks, func(r rune) bool { return r == ',' || r == ' ' })
			}
		}
		p, err = staff.SaveStaff(tx, staff.System(), form)
		return []row{staffTold(p)}, err
	})
}

type awayStaff struct {
	Staff string        `arg:"" help:"Id or e-mail address."`
	For   time.Duration `xor:"away" help:"How long from now: 8h."`
	Until string        `xor:"away" help:"Until when: 2026-11-30T09:00:00+08:00."`
	Back  bool          `xor:"away" help:"She is back."`
}

// Validate wants to know how long.
func (f awayStaff) Validate() error {
	if f.For == 0 && f.Until == "" && !f.Back {
		return errNothing("--for, --until, --back")
	}
	if _, err := time.Parse(time.RFC3339, f.Until); f.Until != "" && err != nil {
		return errors.New("--until: not a time such as 2026-11-30T09:00:00+08:00")
	}
	return nil
}

// Run sets somebody off duty or back. Her customers move by a job of the server.
func (f awayStaff) Run(c *call, a *adminCommand) error {
	return a.change(c, func(_ *App, tx *db.Tx) ([]row, error) {
		p, err := findStaff(tx, f.Staff)
		if err != nil {
			return nil, err
		}
		var until time.Time
		switch {
		case f.For != 0:
			until = tx.Now.Add(f.For)
		case f.Until != "":
			until, _ = time.Parse(time.RFC3339, f.Until) // Validate has read it
		}
		return []row{staffTold(p)}, staff.SetAway(tx, staff.System(), staff.Away{StaffID: p.ID, Until: until})
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
		password, err := h.Door.ResetPassword(c.ctx, staff.System(), p.ID)
		if err != nil {
			return a.said(err)
		}
		return a.tell(c, []row{told(p.ID, shown("password", password))})
	}
	typed, err := bufio.NewReader(c.In).ReadString('\n')
	if err != nil && typed == "" {
		return fmt.Errorf("read the password from standard input: %w", err)
	}
	if err := h.Door.GivePassword(c.ctx, staff.System(), p.ID, strings.TrimRight(typed, "\r\n")); err != nil {
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
