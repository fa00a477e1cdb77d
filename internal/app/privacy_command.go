package app

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"dingdong/internal/db"
	"dingdong/internal/privacy"
	"dingdong/internal/staff"
	"dingdong/internal/web"
)

type privacyCommand struct {
	Export   privacyExport   `cmd:"" help:"Write everything about one customer into a zip."`
	Erase    privacyErase    `cmd:"" help:"Erase one customer for good."`
	Retain   privacyRetain   `cmd:"" help:"Let go of what is too old, as every night; with --dry-run only say what would go."`
	Erasures privacyErasures `cmd:"" help:"Write the list of erasures, to be kept apart from backups: restore wants it."`
}

type privacyExport struct {
	Customer string `arg:"" help:"Id of the customer: cus_..."`
	File     string `arg:"" help:"Zip to write; it must not be there yet."`
	Language string `help:"Language of the page: zh-Hant, zh-Hans, en, ar, id, ms, th or vi. Default: hers." enum:",zh-Hant,zh-Hans,en,ar,id,ms,th,vi" default:""`
}

// Run writes the file. It is as personal as anything can be: the mode is for its
// owner alone.
func (p privacyExport) Run(c *call) error {
	h, err := existingStores(c)
	if err != nil {
		return err
	}
	defer h.close()
	if h.Privacy.Words, err = web.NewHerWords(); err != nil {
		return err
	}
	out, err := os.OpenFile(p.File, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	err = h.Privacy.WriteFile(c.ctx, out, privacy.Exporting{PersonID: p.Customer, Language: p.Language})
	if err = errors.Join(err, out.Sync(), out.Close()); err != nil {
		os.Remove(p.File)
		return fmt.Errorf("export %s: %w", p.Customer, err)
	}
	_, err = fmt.Fprintln(c.Out, "everything about her is in", p.File)
	return err
}

type privacyErase struct {
	Customer string `arg:"" help:"Id of the customer: cus_..."`
	Yes      bool   `help:"Erase without asking."`
}

// Run erases. A house that serves finishes it within minutes; one that does not, at
// its next start.
func (p privacyErase) Run(c *call) error {
	h, err := existingStores(c)
	if err != nil {
		return err
	}
	defer h.close()
	if !p.Yes {
		fmt.Fprintf(c.Out, "This destroys everything about %s and cannot be undone. Type her id to go on: ", p.Customer)
		var typed string
		if _, err := fmt.Fscanln(c.In, &typed); err != nil || typed != p.Customer {
			return errors.New("nothing was erased")
		}
	}
	n := 0
	err = h.DB.Write(c.ctx, func(tx *db.Tx) error {
		e, err := h.Privacy.EraseFor(tx, staff.System(), p.Customer, "")
		n = len(e.Records)
		return err
	})
	if err != nil {
		return fmt.Errorf("erase %s: %w", p.Customer, err)
	}
	if err := h.Privacy.FinishNow(c.ctx); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.Out, "erased: %d records\n", n)
	return err
}

type privacyRetain struct {
	DryRun bool `help:"Say what would go, and let nothing go."`
}

// Run lets go of what is too old.
func (p privacyRetain) Run(c *call) error {
	h, err := existingStores(c)
	if err != nil {
		return err
	}
	defer h.close()
	if p.DryRun {
		would, err := h.Privacy.DryRun(c.ctx, staff.System())
		if err != nil {
			return err
		}
		for _, w := range would {
			oldest := ""
			if !w.Oldest.IsZero() {
				oldest = w.Oldest.Format(time.DateOnly)
			}
			fmt.Fprintf(c.Out, "%-12s %6d days %10d would go  %s\n", w.Kind, w.Days, w.Count, oldest)
		}
		return nil
	}
	run, err := h.Privacy.Retain(c.ctx)
	kinds := make([]string, 0, len(run.Counts))
	for kind := range run.Counts {
		kinds = append(kinds, kind)
	}
	slices.Sort(kinds)
	for _, kind := range kinds {
		fmt.Fprintf(c.Out, "%-12s %10d\n", kind, run.Counts[kind])
	}
	return err
}

type privacyErasures struct {
	File string `arg:"" help:"File to write; '-' is standard output."`
}

// Run writes the list.
func (p privacyErasures) Run(c *call) error {
	h, err := existingStores(c)
	if err != nil {
		return err
	}
	defer h.close()
	var out io.Writer = c.Out
	if p.File != "-" {
		f, err := os.OpenFile(p.File, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		defer f.Close()
		out = f
	}
	_, err = h.Privacy.WriteList(c.ctx, out)
	return err
}
