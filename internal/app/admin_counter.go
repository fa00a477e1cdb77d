package app

import (
	"fmt"

	"dingdong/internal/db"
	"dingdong/internal/staff"
)

type counterCommands struct {
	Add    addCounter    `cmd:"" help:"Add a counter: one brand in one store."`
	List   listCounters  `cmd:"" help:"List counters: id, state, store, brand, name."`
	Edit   editCounter   `cmd:"" help:"Rename a counter, or say who stands in at it; its store and brand are fixed."`
	Close  closeCounter  `cmd:"" help:"Close a counter; its people still see its threads."`
	Reopen reopenCounter `cmd:"" help:"Open a closed counter again."`
}

// findCounter finds a counter by its id, or by a name that only one has; an
// open one comes before closed ones.
func findCounter(tx *db.Tx, what, key string) (staff.DirectoryCounter, error) {
	d, err := staff.LoadDirectory(tx)
	if err != nil {
		return staff.DirectoryCounter{}, err
	}
	if c, known := d.Counter(key); known {
		return c, nil
	}
	for _, list := range [][]staff.DirectoryCounter{d.Open(), d.Counters} {
		var named []staff.DirectoryCounter
		for _, c := range list {
			if c.Name == key {
				named = append(named, c)
			}
		}
		switch len(named) {
		case 0:
		case 1:
			return named[0], nil
		default:
			return staff.DirectoryCounter{}, fmt.Errorf("%s: %d counters are called %q, give the id (dingdong admin counter list)", what, len(named), key)
		}
	}
	return staff.DirectoryCounter{}, missing(what, key, "counter")
}

// answeringCounter is the counter that an account comes to; without a name the
// only one there is.
func answeringCounter(tx *db.Tx, key string) (string, error) {
	if key != "" {
		c, err := findCounter(tx, "--counter", key)
		return c.ID, err
	}
	d, err := staff.LoadDirectory(tx)
	if err != nil {
		return "", err
	}
	open := d.Open()
	switch len(open) {
	case 0:
		return firstCounter(tx)
	case 1:
		return open[0].ID, nil
	}
	return "", fmt.Errorf("--counter: there are %d counters, say which (dingdong admin counter list)", len(open))
}

// firstCounter lets somebody with one shop and one brand start without having to
// think about groups of stores; the names can be changed.
func firstCounter(tx *db.Tx) (string, error) {
	store, err := staff.SaveStore(tx, staff.System(), staff.StoreForm{Name: "Store", Timezone: "Asia/Taipei"})
	if err != nil {
		return "", err
	}
	brand, err := staff.SaveBrand(tx, staff.System(), staff.BrandForm{Name: "Brand"})
	if err != nil {
		return "", err
	}
	c, err := staff.SaveCounter(tx, staff.System(), staff.CounterForm{StoreID: store.ID, BrandID: brand.ID, Name: "Counter"})
	return c.ID, err
}

type addCounter struct {
	Store string `required:"" help:"Id or name of the store."`
	Brand string `required:"" help:"Id or name of the brand."`
	Name  string `help:"Name; empty: brand and store."`
}

// Run adds a counter.
func (f addCounter) Run(c *call, a *adminCommand) error {
	return a.change(c, func(_ *App, tx *db.Tx) ([]row, error) {
		s, err := findStore(tx, "--store", f.Store)
		if err != nil {
			return nil, err
		}
		b, err := findBrand(tx, "--brand", f.Brand)
		if err != nil {
			return nil, err
		}
		saved, err := staff.SaveCounter(tx, staff.System(), staff.CounterForm{StoreID: s.ID, BrandID: b.ID, Name: f.Name})
		return []row{told(saved.ID, shown("name", saved.Name))}, err
	})
}

type listCounters struct{}

// Run lists counters by store and brand.
func (listCounters) Run(c *call, a *adminCommand) error {
	return a.look(c, func(_ *App, tx *db.Tx) (out []row, err error) {
		d, err := staff.LoadDirectory(tx)
		for _, x := range d.Counters {
			out = append(out, told(x.ID, openOrClosed(x.Closed), shown("store", x.Store), shown("brand", x.Brand), shown("name", x.Name),
				detail("store_id", x.StoreID), detail("brand_id", x.BrandID), detail("timezone", x.Timezone), detail("stand_in", x.StandIn)))
		}
		return out, err
	})
}

type editCounter struct {
	Counter string  `arg:"" help:"Id or name."`
	Name    *string `help:"New name; empty: brand and store."`
	StandIn *string `help:"Id or e-mail address of who answers for an advisor who is off; empty: nobody in particular."`
}

// Validate refuses a change that names nothing.
func (f editCounter) Validate() error {
	if f.Name == nil && f.StandIn == nil {
		return errNothing("--name, --stand-in")
	}
	return nil
}

// Run renames a counter or sets its stand-in.
func (f editCounter) Run(c *call, a *adminCommand) error {
	return a.change(c, func(_ *App, tx *db.Tx) ([]row, error) {
		x, err := findCounter(tx, "counter", f.Counter)
		if err != nil {
			return nil, err
		}
		form := staff.CounterForm{ID: x.ID, Name: given(f.Name, x.Name)}
		if f.StandIn != nil {
			id := ""
			if *f.StandIn != "" {
				p, err := findStaff(tx, *f.StandIn)
				if err != nil {
					return nil, err
				}
				id = p.ID
			}
			form.StandIn = &id
		}
		saved, err := staff.SaveCounter(tx, staff.System(), form)
		return []row{told(saved.ID, shown("name", saved.Name))}, err
	})
}

type closeCounter struct {
	Counter string `arg:"" help:"Id or name."`
}

// Run closes a counter.
func (f closeCounter) Run(c *call, a *adminCommand) error {
	return a.change(c, func(_ *App, tx *db.Tx) ([]row, error) {
		x, err := findCounter(tx, "counter", f.Counter)
		if err != nil {
			return nil, err
		}
		return []row{told(x.ID, shown("name", x.Name))}, staff.CloseCounter(tx, staff.System(), x.ID)
	})
}

type reopenCounter struct {
	Counter string `arg:"" help:"Id or name."`
}

// Run opens a counter again.
func (f reopenCounter) Run(c *call, a *adminCommand) error {
	return a.change(c, func(_ *App, tx *db.Tx) ([]row, error) {
		x, err := findCounter(tx, "counter", f.Counter)
		if err != nil {
			return nil, err
		}
		return []row{told(x.ID, shown("name", x.Name))}, staff.ReopenCounter(tx, staff.System(), x.ID)
	})
}
