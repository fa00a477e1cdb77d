package app

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"

	"dingdong/internal/catalogue"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

type importCommand struct {
	Purchases importPurchases `cmd:"" help:"Import receipts of the tills: each once, by source and number."`
	Products  importProducts  `cmd:"" help:"Import products with variants and prices: made, or changed to what the file says."`
	Customers importCustomers `cmd:"" help:"Import customers: each once, by member number or phone number."`
}

type importPurchases struct {
	importFile
	Source string `help:"Name of the till system, where no column names it. The same file under another source is imported again." default:"file"`
}

type importProducts struct{ importFile }

type importCustomers struct {
	importFile
	Region string `help:"Country of phone numbers without one." default:"TW"`
	Proved bool   `help:"The phone numbers were proved, by a code or at the till. Member numbers always are."`
}

// importFile is what every import is told.
type importFile struct {
	File     string            `arg:"" help:"CSV, or JSON lines; '-' reads standard input."`
	Map      map[string]string `help:"Which heading holds a field, e.g. --map ref=Receipt --map total=Sum. '-' for a heading leaves the field out." mapsep:"none"`
	Currency string            `help:"Currency where the file names none." default:"TWD"`
	Timezone string            `help:"Time zone of dates without one." default:"Asia/Taipei"`
	ROC      bool              `name:"roc" help:"Years are those of the Republic of China: 115/01/02."`
	DryRun   bool              `help:"Read everything, and write nothing."`
	Errors   string            `help:"File for the rows that are wrong. Default: the file's name with .errors.csv; none for standard input."`
	Quiet    bool              `help:"Print the summary only."`
}

// Run imports purchases.
func (i importPurchases) Run(c *call) error {
	return i.run(c, catalogue.ImportPurchases, catalogue.ImportOptions{Source: i.Source})
}

// Run imports products.
func (i importProducts) Run(c *call) error {
	return i.run(c, catalogue.ImportProducts, catalogue.ImportOptions{})
}

// Run imports customers.
func (i importCustomers) Run(c *call) error {
	return i.run(c, catalogue.ImportCustomers, catalogue.ImportOptions{Region: i.Region, Proved: i.Proved})
}

func (i importFile) run(c *call, kind catalogue.ImportKind, o catalogue.ImportOptions) error {
	h, err := existingStores(c)
	if err != nil {
		return err
	}
	defer h.close()
	in, size, err := i.open(c)
	if err != nil {
		return err
	}
	defer in.Close()
	counted := &countedReader{from: in}
	wrong := &wrongRows{path: i.errorsPath()}
	show := i.shower(c, size, counted)
	o.Columns, o.Currency, o.Timezone, o.ROC = i.Map, i.Currency, i.Timezone, i.ROC
	began := h.DB.Now()
	p, err := h.Shop.ImportFile(c.ctx, staff.System(), catalogue.FileImport{
		Kind: kind, Name: i.File, From: bufio.NewReaderSize(counted, 1<<20), DryRun: i.DryRun,
		Options: o,
		Tell: func(p catalogue.Progress, bad []catalogue.RowError) {
			wrong.add(bad)
			show(p)
		},
	})
	err = errors.Join(explained(err), wrong.close())
	verb := "imported"
	if i.DryRun {
		verb = "looked at, nothing written"
	}
	fmt.Fprintf(c.Out, "%d rows %s in %s: %d added or changed, %d there already, %d wrong\n",
		p.Rows, verb, h.DB.Now().Sub(began).Round(10*time.Millisecond), p.Added, p.Repeated, p.Bad)
	if wrong.file != nil {
		fmt.Fprintf(c.Out, "what is wrong with each row: %s\n", wrong.path)
	}
	return err
}

// explained says what is wrong with the file as a whole.
func explained(err error) error {
	var bad db.Invalid
	if errors.As(err, &bad) {
		return fmt.Errorf("%s: %s (see docs/import.md; --map FIELD=HEADING names a column)", bad.Field, cmp.Or(invalidWords[bad.Code], bad.Code))
	}
	return err
}

func (i importFile) open(c *call) (io.ReadCloser, int64, error) {
	if i.File == "-" {
		return io.NopCloser(c.In), -1, nil
	}
	f, err := os.Open(i.File)
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return f, -1, err
	}
	return f, info.Size(), nil
}

func (i importFile) errorsPath() string {
	switch {
	case i.Errors != "":
		return i.Errors
	case i.File == "-":
		return ""
	}
	return i.File + ".errors.csv"
}

// shower shows how far it has come: a bar to people, a line now and then to a log.
func (i importFile) shower(c *call, size int64, read *countedReader) func(catalogue.Progress) {
	if i.Quiet {
		return func(catalogue.Progress) {}
	}
	if isTerminal(c.Err) {
		bar := progressbar.NewOptions64(size, progressbar.OptionSetWriter(c.Err), progressbar.OptionShowBytes(true),
			progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())
		return func(p catalogue.Progress) {
			bar.Describe(fmt.Sprintf("%d rows, %d wrong", p.Rows, p.Bad))
			bar.Set64(read.n.Load())
		}
	}
	const every = 100_000
	next := int64(every)
	return func(p catalogue.Progress) {
		if p.Rows >= next {
			fmt.Fprintf(c.Err, "%d rows, %d wrong\n", p.Rows, p.Bad)
			next = p.Rows/every*every + every
		}
	}
}

// isTerminal says whether a person watches.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
