package app

import (
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

type brandCommands struct {
	Add    addBrand    `cmd:"" help:"Add a brand."`
	List   listBrands  `cmd:"" help:"List brands: id, state, name."`
	Edit   editBrand   `cmd:"" help:"Rename a brand."`
	Close  closeBrand  `cmd:"" help:"Close a brand whose counters are closed."`
	Reopen reopenBrand `cmd:"" help:"Open a closed brand again; its counters stay closed."`
}

func brandTold(b staff.Brand) row { return told(b.ID, shown("name", b.Name)) }

// findBrand finds a brand by its id or name.
func findBrand(tx *db.Tx, what, key string) (staff.Brand, error) {
	list, err := staff.ListBrands(tx)
	if err != nil {
		return staff.Brand{}, err
	}
	for _, b := range list {
		if b.ID == key || b.Name == key {
			return b, nil
		}
	}
	return staff.Brand{}, missing(what, key, "brand")
}

type addBrand struct {
	Name string `required:"" help:"Name of the brand."`
}

// Run adds a brand.
func (f addBrand) Run(c *call, a *adminCommand) error {
	return a.change(c, func(_ *App, tx *db.Tx) ([]row, error) {
		b, err := staff.SaveBrand(tx, staff.System(), staff.BrandForm{Name: f.Name})
		return []row{brandTold(b)}, err
	})
}

type listBrands struct{}

// Run lists brands, closed ones last.
func (listBrands) Run(c *call, a *adminCommand) error {
	return a.look(c, func(_ *App, tx *db.Tx) (out []row, err error) {
		list, err := staff.ListBrands(tx)
		for _, b := range list {
			out = append(out, told(b.ID, openOrClosed(!b.ClosedAt.IsZero()), shown("name", b.Name), detail("closed_at", b.ClosedAt)))
		}
		return out, err
	})
}

type editBrand struct {
	Brand string `arg:"" help:"Id or name."`
	Name  string `required:"" help:"New name."`
}

// Run renames a brand.
func (f editBrand) Run(c *call, a *adminCommand) error {
	return a.change(c, func(_ *App, tx *db.Tx) ([]row, error) {
		b, err := findBrand(tx, "brand", f.Brand)
		if err != nil {
			return nil, err
		}
		b, err = staff.SaveBrand(tx, staff.System(), staff.BrandForm{ID: b.ID, Name: f.Name})
		return []row{brandTold(b)}, err
	})
}

type closeBrand struct {
	Brand string `arg:"" help:"Id or name."`
}

// Run closes a brand.
func (f closeBrand) Run(c *call, a *adminCommand) error {
	return a.change(c, func(_ *App, tx *db.Tx) ([]row, error) {
		b, err := findBrand(tx, "brand", f.Brand)
		if err != nil {
			return nil, err
		}
		return []row{brandTold(b)}, staff.CloseBrand(tx, staff.System(), b.ID)
	})
}

type reopenBrand struct {
	Brand string `arg:"" help:"Id or name."`
}

// Run opens a brand again.
func (f reopenBrand) Run(c *call, a *adminCommand) error {
	return a.change(c, func(_ *App, tx *db.Tx) ([]row, error) {
		b, err := findBrand(tx, "brand", f.Brand)
		if err != nil {
			return nil, err
		}
		return []row{brandTold(b)}, staff.ReopenBrand(tx, staff.System(), b.ID)
	})
}
