package catalogue

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"

	"dingdong/internal/audit"
	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// previewErrors is how many wrong rows a preview shows.
const previewErrors = 100

// previewRows is how many rows a preview looks into: enough to see whether the columns
// are right, and soon done however large the file is.
const previewRows = 5000

// Preview tells what an import of an uploaded file would do, as far as its first rows
// show. It writes nothing but how many rows the file may have, and who looked into a
// file of customers.
func (s *Shop) Preview(ctx context.Context, v staff.Viewer, importID string, o ImportOptions) (Preview, error) {
	var i Import
	err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		i, err = s.ImportByID(tx, v, importID)
		return err
	})
	if err != nil {
		return Preview{}, err
	}
	if i.State != ImportPreview {
		return Preview{}, db.Invalid{Field: "import", Code: "fixed"}
	}
	plain, file, size, err := s.openSized(ctx, i.ID)
	if err != nil {
		return Preview{}, fmt.Errorf("preview: %w", err)
	}
	defer file.Close()
	p, err := s.preview(ctx, looking{kind: i.Kind, from: plain, options: o, rows: previewRows, size: size})
	if err != nil {
		return p, err
	}
	return p, s.DB.Write(ctx, func(tx *db.Tx) error {
		if i.Kind == ImportCustomers {
			audit.Record(tx, audit.Entry{Actor: v.ID, Action: "import.looked", Object: i.ID, Detail: string(i.Kind)})
		}
		_, err := tx.Exec(`UPDATE import SET total = $2 WHERE id = $1 AND state = 'preview'`, i.ID, p.Total)
		return err
	})
}

// looking is a look into a file.
type looking struct {
	kind    ImportKind
	from    io.Reader
	options ImportOptions
	rows    int64 // to stop after about so many; 0: at the end
	size    int64 // of the file, to guess how many rows it has
	tell    func(Progress, []RowError)
}

func (s *Shop) preview(ctx context.Context, l looking) (Preview, error) {
	r, err := newImportReader(l.kind, l.from, l.options)
	if err != nil {
		return Preview{}, err
	}
	p := Preview{Format: r.sheet.format, Encoding: r.sheet.encoding, Missing: r.missing()}
	if p.Format == formatCSV {
		p.Comma, p.Headings, p.Columns = string(r.sheet.comma), r.columns.headings, r.columns.columns()
	}
	var sum Progress
	whole, seen := false, customer.NewSeen()
	for l.rows == 0 || r.rows < l.rows {
		b, err := r.Next()
		if errors.Is(err, io.EOF) {
			whole = true
			break
		}
		if err == nil && len(p.Missing) == 0 {
			var bad []RowError
			if sum, bad, err = s.look(ctx, r, b, lookedAt{sum, seen}); err == nil {
				p.Errors = append(p.Errors, bad[:min(len(bad), previewErrors-len(p.Errors))]...)
				if l.tell != nil {
					l.tell(sum, bad)
				}
			}
		}
		if err != nil {
			return p, fmt.Errorf("preview: %w", err)
		}
		if err := ctx.Err(); err != nil {
			return p, err
		}
	}
	p.Sample, p.Read, p.Total, p.New, p.Repeated, p.Bad = r.sample, r.rows, r.rows, sum.Added, sum.Repeated, sum.Bad
	if !whole {
		p.Total = r.guessRows(l.size)
		p.Read = cmp.Or(sum.Rows, p.Read) // the row that opens the next batch was not looked into
	}
	return p, nil
}

// lookedAt is what a look has come to so far.
type lookedAt struct {
	sum  Progress
	seen customer.Seen // who came in former batches
}

// look tells what would become of a batch, and adds it up.
func (s *Shop) look(ctx context.Context, r *importReader, b *importBatch, so lookedAt) (Progress, []RowError, error) {
	sum := so.sum
	var part Progress
	var bad []RowError
	err := s.prepareBatch(ctx, r, b, "")
	if err == nil {
		err = s.DB.Read(ctx, func(tx *db.Tx) (err error) {
			part, bad, err = s.settle(tx, b, writing{seen: so.seen.Begin()})
			return err
		})
	}
	if err == nil {
		so.seen.Keep()
	}
	return Progress{Rows: part.Rows, Bytes: part.Bytes, Added: sum.Added + part.Added, Repeated: sum.Repeated + part.Repeated, Bad: sum.Bad + part.Bad}, bad, err
}

// guessRows guesses how many rows a file of a size has, by those that were read.
func (r *importReader) guessRows(size int64) int64 {
	if r.sheet.read == 0 {
		return r.rows
	}
	if r.sheet.encoding == encodingUTF16 { // what was read is counted in UTF-8: exactness is not needed
		size /= 2
	}
	return max(r.rows, int64(float64(r.rows)*float64(size)/float64(r.sheet.read)))
}

// FileImport is a file that is imported while it is read: from the command line, of any
// size.
type FileImport struct {
	Kind    ImportKind
	Name    string
	From    io.Reader
	Options ImportOptions
	DryRun  bool
	Tell    func(p Progress, bad []RowError) // after each batch; may be nil
}

// ImportFile imports a file at once. A repeat is harmless, also after it was cut off.
func (s *Shop) ImportFile(ctx context.Context, v staff.Viewer, f FileImport) (Progress, error) {
	var sum Progress
	tell := func(p Progress, bad []RowError) {
		if sum = p; f.Tell != nil {
			f.Tell(p, bad)
		}
	}
	if err := mayImport(v, f.Kind); err != nil {
		return sum, err
	}
	if f.DryRun {
		p, err := s.preview(ctx, looking{kind: f.Kind, from: f.From, options: f.Options, tell: tell})
		if err == nil && len(p.Missing) > 0 {
			err = db.Invalid{Field: "columns." + p.Missing[0], Code: "required"}
		}
		return sum, err
	}
	r, err := newImportReader(f.Kind, f.From, f.Options)
	if err != nil {
		return sum, err
	}
	if missing := r.missing(); len(missing) > 0 {
		return sum, db.Invalid{Field: "columns." + missing[0], Code: "required"}
	}
	i := Import{By: v.ID, State: ImportRunning, Options: f.Options}
	err = s.DB.Write(ctx, func(tx *db.Tx) error {
		i.ID = tx.NewID("imp")
		audit.Record(tx, audit.Entry{Actor: v.ID, Action: "import.run", Object: i.ID, Detail: string(f.Kind)})
		return insertImport(tx, v, ImportUpload{Kind: f.Kind, Name: f.Name}, i)
	})
	if err != nil {
		return sum, fmt.Errorf("import: %w", err)
	}
	state, why := ImportDone, ""
	if err = s.work(ctx, i, r, tell); err != nil {
		state, why = ImportFailed, "file cut_off"
	}
	return sum, errors.Join(err, s.forget(context.WithoutCancel(ctx), i.ID, state, why))
}
