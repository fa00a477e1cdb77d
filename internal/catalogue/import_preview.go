package catalogue

import (
	"context"
	"errors"
	"fmt"
	"io"

	"dingdong/internal/audit"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// previewErrors is how many wrong rows a preview shows.
const previewErrors = 100

// Preview tells what an import of an uploaded file would do. It reads all of it, and
// writes nothing but how many rows it has.
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
	plain, file, err := s.open(ctx, i.ID)
	if err != nil {
		return Preview{}, fmt.Errorf("preview: %w", err)
	}
	defer file.Close()
	p, err := s.preview(ctx, i.Kind, plain, o, nil)
	if err != nil {
		return p, err
	}
	return p, s.DB.Write(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(`UPDATE import SET total = $2 WHERE id = $1 AND state = 'preview'`, i.ID, p.Total)
		return err
	})
}

func (s *Shop) preview(ctx context.Context, k ImportKind, from io.Reader, o ImportOptions, tell func(Progress, []RowError)) (Preview, error) {
	r, err := newImportReader(k, from, o)
	if err != nil {
		return Preview{}, err
	}
	p := Preview{Format: r.sheet.format, Encoding: r.sheet.encoding, Missing: r.missing()}
	if p.Format == formatCSV {
		p.Comma, p.Headings, p.Columns = string(r.sheet.comma), r.columns.headings, r.columns.columns()
	}
	var sum Progress
	for {
		b, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil && len(p.Missing) == 0 {
			var part Progress
			var bad []RowError
			if err = s.prepareBatch(ctx, r, b, ""); err == nil {
				err = s.DB.Read(ctx, func(tx *db.Tx) (err error) {
					part, bad, err = s.settle(tx, b, "", false)
					return err
				})
			}
			sum = Progress{Rows: part.Rows, Bytes: part.Bytes, Added: sum.Added + part.Added, Repeated: sum.Repeated + part.Repeated, Bad: sum.Bad + part.Bad}
			p.Errors = append(p.Errors, bad[:min(len(bad), previewErrors-len(p.Errors))]...)
			if tell != nil {
				tell(sum, bad)
			}
		}
		if err != nil {
			return p, fmt.Errorf("preview: %w", err)
		}
		if err := ctx.Err(); err != nil {
			return p, err
		}
	}
	p.Sample, p.Total, p.New, p.Repeated, p.Bad = r.sample, r.rows, sum.Added, sum.Repeated, sum.Bad
	return p, nil
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
		p, err := s.preview(ctx, f.Kind, f.From, f.Options, tell)
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
	var id string
	err = s.DB.Write(ctx, func(tx *db.Tx) error {
		id = tx.NewID("imp")
		audit.Record(tx, audit.Entry{Actor: v.ID, Action: "import.run", Object: id, Detail: string(f.Kind)})
		return insertImport(tx, v, ImportUpload{Kind: f.Kind, Name: f.Name}, Import{ID: id, State: ImportRunning, Options: f.Options})
	})
	if err != nil {
		return sum, fmt.Errorf("import: %w", err)
	}
	state, why := ImportDone, ""
	if err = s.work(ctx, id, r, tell); err != nil {
		state, why = ImportFailed, "file cut_off"
	}
	return sum, errors.Join(err, s.forget(context.WithoutCancel(ctx), id, state, why))
}
