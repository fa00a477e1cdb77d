package app

import (
	"errors"
	"fmt"

	"dingdong/internal/db"
	"dingdong/internal/export"
	"dingdong/internal/staff"
)

// exportCommands decide on a file where nobody in the house can: one administrator by
// herself, and no privacy officer. Whoever has the server is then the second person.
type exportCommands struct {
	List   listExports  `cmd:"" help:"List files that were asked for, the newest first: id, when, kind, state, rows, by whom."`
	Pass   passExport   `cmd:"" help:"Agree to a file that waits, if nobody else in the house can."`
	Refuse refuseExport `cmd:"" help:"Refuse a file that waits, if nobody else in the house can."`
}

func exportTold(x export.Export) row {
	return told(x.ID, shown("at", x.At), shown("kind", string(x.Kind)), shown("state", string(x.State)), shown("rows", max(x.Rows, x.Expected)), shown("by", x.By),
		detail("second", x.Second), detail("decided_by", x.DecidedBy), detail("downloads", x.Downloads))
}

type listExports struct {
	Limit int `default:"50" help:"Most lines."`
}

// Run lists exports: never why they were asked for, which is somebody's own words.
func (f listExports) Run(c *call, a *adminCommand) error {
	return a.look(c, func(h *App, tx *db.Tx) (out []row, err error) {
		list, err := h.Files.List(tx, staff.System(), export.Asked{Limit: f.Limit})
		for _, x := range list {
			out = append(out, exportTold(x))
		}
		return out, err
	})
}

type passExport struct {
	ID string `arg:"" help:"Id of the export: exp_..."`
}

// Run agrees to a file.
func (f passExport) Run(c *call, a *adminCommand) error {
	return decideExport(c, a, export.Decision{ID: f.ID, Pass: true})
}

type refuseExport struct {
	ID string `arg:"" help:"Id of the export: exp_..."`
}

// Run refuses a file.
func (f refuseExport) Run(c *call, a *adminCommand) error {
	return decideExport(c, a, export.Decision{ID: f.ID})
}

func decideExport(c *call, a *adminCommand, d export.Decision) error {
	return a.change(c, func(h *App, tx *db.Tx) ([]row, error) {
		x, err := h.Files.DecideAtServer(tx, d)
		if errors.Is(err, export.ErrOthers) {
			return nil, fmt.Errorf("export %q: %w, on its page in the console", d.ID, err)
		}
		return []row{exportTold(x)}, absent(err, "export", d.ID, "export")
	})
}
