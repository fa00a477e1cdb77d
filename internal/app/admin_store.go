package app

import (
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

type storeCommands struct {
	Add    addStore    `cmd:"" help:"Add a store."`
	List   listStores  `cmd:"" help:"List stores: id, state, time zone, name."`
	Edit   editStore   `cmd:"" help:"Rename a store, or change its time zone."`
	Close  closeStore  `cmd:"" help:"Close a store whose counters are closed."`
	Reopen reopenStore `cmd:"" help:"Open a closed store again; its counters stay closed."`
}

func storeTold(s staff.Store) row { return told(s.ID, shown("name", s.Name)) }

// findStore finds a store by its id or name.
func findStore(tx *db.Tx, what, key string) (staff.Store, error) {
	list, err := staff.ListStores(tx)
	if err != nil {
		return staff.Store{}, err
	}
	for _, s := range list {
		if s.ID == key || s.Name == key {
			return s, nil
		}
	}
	return staff.Store{}, missing(what, key, "store")
}

type addStore struct {
	Name     string `required:"" help:"Name, as customers know it."`
	Timezone string `default:"Asia/Taipei" help:"IANA time zone."`
}

// Run adds a store.
func (f addStore) Run(c *call, a *adminCommand) error {
	return a.change(c, func(_ *App, tx *db.Tx) ([]row, error) {
		s, err := staff.SaveStore(tx, staff.System(), staff.StoreForm{Name: f.Name, Timezone: f.Timezone})
		return []row{storeTold(s)}, err
	})
}

type listStores struct{}

// Run lists stores, closed ones last.
func (listStores) Run(c *call, a *adminCommand) error {
	return a.look(c, func(_ *App, tx *db.Tx) (out []row, err error) {
		list, err := staff.ListStores(tx)
		for _, s := range list {
			out = append(out, told(s.ID, openOrClosed(!s.ClosedAt.IsZero()), shown("timezone", s.Timezone), shown("name", s.Name),
				detail("closed_at", s.ClosedAt)))
		}
		return out, err
	})
}

type editStore struct {
	Store    string  `arg:"" help:"Id or name."`
	Name     *string `help:"New name."`
	Timezone *string `help:"New IANA time zone."`
}

// Validate refuses a change that names nothing.
func (f editStore) Validate() error {
	if f.Name == nil && f.Timezone == nil {
		return errNothing("--name, --timezone")
	}
	return nil
}

// Run changes what is given.
func (f editStore) Run(c *call, a *adminCommand) error {
	return a.change(c, func(_ *App, tx *db.Tx) ([]row, error) {
		s, err := findStore(tx, "store", f.Store)
		if err != nil {
			return nil, err
		}
		s, err = staff.SaveStore(tx, staff.System(), staff.StoreForm{ID: s.ID, Name: given(f.Name, s.Name), Timezone: given(f.Timezone, s.Timezone)})
		return []row{storeTold(s)}, err
	})
}

type closeStore struct {
	Store string `arg:"" help:"Id or name."`
}

// Run closes a store.
func (f closeStore) Run(c *call, a *adminCommand) error {
	return a.change(c, func(_ *App, tx *db.Tx) ([]row, error) {
		s, err := findStore(tx, "store", f.Store)
		if err != nil {
			return nil, err
		}
		return []row{storeTold(s)}, staff.CloseStore(tx, staff.System(), s.ID)
	})
}

type reopenStore struct {
	Store string `arg:"" help:"Id or name."`
}

// Run opens a store again.
func (f reopenStore) Run(c *call, a *adminCommand) error {
	return a.change(c, func(_ *App, tx *db.Tx) ([]row, error) {
		s, err := findStore(tx, "store", f.Store)
		if err != nil {
			return nil, err
		}
		return []row{storeTold(s)}, staff.ReopenStore(tx, staff.System(), s.ID)
	})
}
