package app

import (
	"encoding/json"
	"fmt"

	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// adminCommand does from the command line what the console administers. Each
// command prints what it made as one JSON line with --json, else as words with
// the id first.
type adminCommand struct {
	JSON bool `help:"Print JSON."`

	Store struct {
		Add  addStore   `cmd:"" help:"Add a store."`
		List listStores `cmd:"" help:"List stores."`
	} `cmd:"" help:"Stores."`
	Brand struct {
		Add  addBrand   `cmd:"" help:"Add a brand."`
		List listBrands `cmd:"" help:"List brands."`
	} `cmd:"" help:"Brands."`
	Counter struct {
		Add  addCounter   `cmd:"" help:"Add a counter: one brand in one store."`
		List listCounters `cmd:"" help:"List counters."`
	} `cmd:"" help:"Counters."`
	Staff struct {
		Add      addStaff      `cmd:"" help:"Add a member of staff."`
		List     listStaff     `cmd:"" help:"List staff."`
		Password passwordStaff `cmd:"" help:"Set a password, read from standard input, or make a one-time one."`
		End      endStaff      `cmd:"" help:"End somebody's access."`
	} `cmd:"" help:"Staff."`
	Account struct {
		Add struct {
			Line    addLine    `cmd:"" help:"Add a LINE official account."`
			Webchat addWebChat `cmd:"" help:"Add a web chat."`
		} `cmd:"" help:"Add a channel account."`
		List  listAccounts `cmd:"" help:"List channel accounts."`
		Check checkAccount `cmd:"" help:"Ask the platform what is wrong with an account."`
		Close closeAccount `cmd:"" help:"End an account: its webhook is refused from now on."`
	} `cmd:"" help:"Channel accounts."`
	Token struct {
		Add  addToken   `cmd:"" help:"Make an API token; it is shown this once."`
		List listTokens `cmd:"" help:"List API tokens."`
		End  endToken   `cmd:"" help:"End an API token."`
	} `cmd:"" help:"API tokens."`
}

// told is what a command says it did.
type told struct {
	ID    string            `json:"id"`
	Name  string            `json:"name,omitempty"`
	More  map[string]string `json:"-"`
	Order []string          `json:"-"`
}

func tell(c *call, asJSON bool, list ...told) error {
	for _, t := range list {
		if asJSON {
			all := map[string]string{"id": t.ID}
			if t.Name != "" {
				all["name"] = t.Name
			}
			for k, v := range t.More {
				all[k] = v
			}
			raw, err := json.Marshal(all)
			if err != nil {
				return err
			}
			if _, err := fmt.Fprintln(c.Out, string(raw)); err != nil {
				return err
			}
			continue
		}
		line := t.ID
		for _, k := range t.Order {
			line += "\t" + t.More[k]
		}
		if t.Name != "" {
			line += "\t" + t.Name
		}
		if _, err := fmt.Fprintln(c.Out, line); err != nil {
			return err
		}
	}
	return nil
}

// with opens the stores, runs one transaction as the system and prints.
func (a *adminCommand) with(c *call, fn func(h *App, tx *db.Tx) ([]told, error)) error {
	h, err := openStores(c)
	if err != nil {
		return err
	}
	defer h.close()
	var out []told
	err = h.DB.Write(c.ctx, func(tx *db.Tx) error {
		out, err = fn(h, tx)
		return err
	})
	if err != nil {
		return err
	}
	return tell(c, a.JSON, out...)
}

type addStore struct {
	Name     string `required:"" help:"Name, as customers know it."`
	Timezone string `default:"Asia/Taipei" help:"IANA time zone."`
}

// Run adds a store.
func (f addStore) Run(c *call, a *adminCommand) error {
	return a.with(c, func(_ *App, tx *db.Tx) ([]told, error) {
		s, err := staff.SaveStore(tx, staff.System(), staff.StoreForm{Name: f.Name, Timezone: f.Timezone})
		return []told{{ID: s.ID, Name: s.Name}}, err
	})
}

type listStores struct{}

// Run lists stores.
func (listStores) Run(c *call, a *adminCommand) error {
	return a.with(c, func(_ *App, tx *db.Tx) (out []told, err error) {
		list, err := staff.ListStores(tx)
		for _, s := range list {
			out = append(out, told{ID: s.ID, Name: s.Name})
		}
		return out, err
	})
}

type addBrand struct {
	Name string `required:"" help:"Name of the brand."`
}

// Run adds a brand.
func (f addBrand) Run(c *call, a *adminCommand) error {
	return a.with(c, func(_ *App, tx *db.Tx) ([]told, error) {
		b, err := staff.SaveBrand(tx, staff.System(), staff.BrandForm{Name: f.Name})
		return []told{{ID: b.ID, Name: b.Name}}, err
	})
}

type listBrands struct{}

// Run lists brands.
func (listBrands) Run(c *call, a *adminCommand) error {
	return a.with(c, func(_ *App, tx *db.Tx) (out []told, err error) {
		list, err := staff.ListBrands(tx)
		for _, b := range list {
			out = append(out, told{ID: b.ID, Name: b.Name})
		}
		return out, err
	})
}

type addCounter struct {
	Store string `required:"" help:"Id or name of the store."`
	Brand string `required:"" help:"Id or name of the brand."`
	Name  string `help:"Name; empty: brand and store."`
}

// Run adds a counter.
func (f addCounter) Run(c *call, a *adminCommand) error {
	return a.with(c, func(_ *App, tx *db.Tx) ([]told, error) {
		stores, err := staff.ListStores(tx)
		if err != nil {
			return nil, err
		}
		brands, err := staff.ListBrands(tx)
		if err != nil {
			return nil, err
		}
		form := staff.CounterForm{Name: f.Name}
		store, brand := f.Store, f.Brand
		for _, s := range stores {
			if s.ID == f.Store || s.Name == f.Store {
				form.StoreID, store = s.ID, s.Name
			}
		}
		for _, b := range brands {
			if b.ID == f.Brand || b.Name == f.Brand {
				form.BrandID, brand = b.ID, b.Name
			}
		}
		if form.Name == "" {
			form.Name = brand + " " + store
		}
		saved, err := staff.SaveCounter(tx, staff.System(), form)
		return []told{{ID: saved.ID, Name: saved.Name}}, err
	})
}

type listCounters struct{}

// Run lists counters.
func (listCounters) Run(c *call, a *adminCommand) error {
	return a.with(c, func(_ *App, tx *db.Tx) (out []told, err error) {
		d, err := staff.LoadDirectory(tx)
		for _, x := range d.Open() {
			out = append(out, told{ID: x.ID, Name: x.Name})
		}
		return out, err
	})
}

// counterID finds a counter by id or name; empty takes the only one there is.
func counterID(tx *db.Tx, name string) (string, error) {
	d, err := staff.LoadDirectory(tx)
	if err != nil {
		return "", err
	}
	open := d.Open()
	if name == "" {
		switch len(open) {
		case 0:
			return firstCounter(tx)
		case 1:
			return open[0].ID, nil
		}
		return "", fmt.Errorf("--counter: there are %d counters, say which (dingdong admin counter list)", len(open))
	}
	for _, x := range open {
		if x.ID == name || x.Name == name {
			return x.ID, nil
		}
	}
	return "", fmt.Errorf("--counter: no counter is called %q (dingdong admin counter list)", name)
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
