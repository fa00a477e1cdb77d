package app

import (
	"bufio"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"

	"dingdong/internal/audit"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

type auditCommand struct {
	Verify verifyAudit `cmd:"" help:"Recompute the hash chain and say where it breaks."`
	Export exportAudit `cmd:"" help:"Write the whole audit into a CSV file, which can be verified without the database."`
}

type verifyAudit struct {
	File string `type:"path" placeholder:"FILE" help:"Verify a CSV file of the audit and not the database; needs no house."`
}

// Run verifies the audit of the database, or a file of it.
func (f verifyAudit) Run(c *call) error {
	if f.File != "" {
		return verifyFile(c.Out, f.File)
	}
	h, err := existingStores(c)
	if err != nil {
		return err
	}
	defer h.close()
	return h.DB.Read(c.ctx, func(tx *db.Tx) error {
		checked, broken, err := audit.Verify(tx)
		if err != nil {
			return err
		}
		if broken > 0 {
			return fmt.Errorf("the audit chain is broken at entry %d", broken)
		}
		_, err = fmt.Fprintf(c.Out, "%d entries, the chain is whole\n", checked)
		return err
	})
}

func verifyFile(out io.Writer, name string) error {
	in, err := os.Open(name)
	if err != nil {
		return err
	}
	defer in.Close()
	report, err := audit.VerifyFile(in)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	switch {
	case report.Broken > 0:
		return fmt.Errorf("the file is broken at entry %d", report.Broken)
	case report.Whole:
		_, err = fmt.Fprintf(out, "%d entries, the chain is whole up to here; last hash %s\n", report.Rows, report.Hash)
	default:
		_, err = fmt.Fprintf(out, "%d entries from %d to %d, none changed; entries are left out in %d places; last hash %s\n",
			report.Rows, report.First, report.Last, report.Gaps, report.Hash)
	}
	return err
}

type exportAudit struct {
	To string `required:"" type:"path" placeholder:"FILE" help:"File to write; it must not exist."`
}

// Run writes the whole audit into a file. That is an export like any other, so it is on
// record; the line about it is the last one of the file.
func (f exportAudit) Run(c *call) (err error) {
	h, err := existingStores(c)
	if err != nil {
		return err
	}
	defer h.close()
	out, err := os.OpenFile(f.To, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	if err := noteCommand(c.ctx, h.DB, "export.made"); err != nil {
		return err
	}
	buffered := bufio.NewWriter(out)
	w := csv.NewWriter(buffered)
	if err := w.Write(audit.Columns()); err != nil {
		return err
	}
	n, after := 0, int64(0)
	for {
		var rows []audit.Row
		err := h.DB.Read(c.ctx, func(tx *db.Tx) (err error) {
			rows, err = audit.Forward(tx, audit.Filter{After: after})
			return err
		})
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			break
		}
		for _, row := range rows {
			if err := w.Write(row.Cells()); err != nil {
				return err
			}
		}
		n, after = n+len(rows), rows[len(rows)-1].Seq
	}
	w.Flush()
	if err := errors.Join(w.Error(), buffered.Flush(), out.Sync()); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.Out, "%d entries written to %s\n", n, f.To)
	return err
}

// noteCommand puts on record that the command line carried data away.
func noteCommand(ctx context.Context, d *db.DB, action string) error {
	return d.Write(ctx, func(tx *db.Tx) error {
		audit.Record(tx, audit.Entry{Actor: staff.System().ID, Action: action, Detail: "command line"})
		return nil
	})
}
