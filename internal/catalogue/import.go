package catalogue

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"dingdong/internal/audit"
	"dingdong/internal/db"
	"dingdong/internal/job"
	"dingdong/internal/staff"
	"dingdong/internal/vault"
)

// MaxUpload bounds a file that is uploaded; the command line takes any size.
const MaxUpload = 512 << 20

// JobImport imports an uploaded file.
const JobImport = "import"

const labelFile = "import.file"

// mayImport says whether the viewer may import this kind of file.
func mayImport(v staff.Viewer, k ImportKind) error {
	switch {
	case k == ImportPurchases && v.May(staff.KeepPurchases), k == ImportProducts && v.May(staff.KeepCatalogue):
		return nil
	case k == ImportCustomers && v.May(staff.KeepPurchases) && v.May(staff.KeepCards): // an advisor brings in nobody's files
		return nil
	case importColumns[k] == nil:
		return db.Invalid{Field: "kind", Code: "unknown"}
	}
	return staff.ErrForbidden
}

// Upload keeps a file, sealed under a key of its own, for a preview and its import.
func (s *Shop) Upload(ctx context.Context, v staff.Viewer, u ImportUpload) (Import, error) {
	if err := mayImport(v, u.Kind); err != nil {
		return Import{}, err
	}
	var id string
	err := s.DB.Write(ctx, func(tx *db.Tx) error {
		id = tx.NewID("imp")
		if err := s.Vault.NewKey(tx, id); err != nil {
			return err
		}
		if err := insertImport(tx, v, u, Import{ID: id, State: ImportPreview}); err != nil {
			return err
		}
		audit.Record(tx, audit.Entry{Actor: v.ID, Action: "import.upload", Object: id, Detail: string(u.Kind)})
		_, err := tx.Exec(`UPDATE import SET blob = $2 WHERE id = $1`, id, blobKey(id))
		return err
	})
	if err != nil {
		return Import{}, fmt.Errorf("upload: %w", err)
	}
	size, err := s.store(ctx, id, io.LimitReader(u.From, MaxUpload+1))
	if err == nil {
		switch {
		case size == 0:
			err = db.Invalid{Field: "file", Code: "required"}
		case size > MaxUpload:
			err = db.Invalid{Field: "file", Code: "too_large"}
		}
	}
	if err != nil {
		return Import{}, errors.Join(err, s.forget(context.WithoutCancel(ctx), id, ImportDropped, ""))
	}
	var i Import
	err = s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		i, err = s.ImportByID(tx, v, id)
		return err
	})
	return i, err
}

func blobKey(importID string) string { return "import/" + importID }

// store seals bytes into the blob store while they stream in.
func (s *Shop) store(ctx context.Context, id string, from io.Reader) (size int64, err error) {
	r, w := io.Pipe()
	done := make(chan error, 1)
	go func() {
		var sealed io.WriteCloser
		err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
			sealed, err = s.Vault.SealStream(tx, id, labelFile, w)
			return err
		})
		if err == nil {
			size, err = io.Copy(sealed, from)
			err = errors.Join(err, sealed.Close())
		}
		w.CloseWithError(err)
		done <- err
	}()
	_, err = s.Blobs.Put(ctx, blobKey(id), r)
	r.CloseWithError(err)
	if sealing := <-done; err == nil {
		err = sealing
	}
	if err != nil {
		return size, fmt.Errorf("keep the file: %w", err)
	}
	return size, nil
}

func insertImport(tx *db.Tx, v staff.Viewer, u ImportUpload, i Import) error {
	options, err := json.Marshal(i.Options)
	if err != nil {
		return err
	}
	name := oneLine(u.Name)
	if r := []rune(name); len(r) > maxName {
		name = string(r[:maxName])
	}
	_, err = tx.Exec(`INSERT INTO import (id, kind, name, by, at, state, mapping) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		i.ID, string(u.Kind), name, v.ID, db.Micro(tx.Now), string(i.State), string(options))
	return err
}

// open opens the file of an import.
func (s *Shop) open(ctx context.Context, id string) (io.Reader, io.Closer, error) {
	plain, file, _, err := s.openSized(ctx, id)
	return plain, file, err
}

// openSized tells the size of the sealed file too, which is hardly more than what is in it.
func (s *Shop) openSized(ctx context.Context, id string) (io.Reader, io.Closer, int64, error) {
	sealed, size, err := s.Blobs.Get(ctx, blobKey(id))
	if err != nil {
		return nil, nil, 0, err
	}
	var plain io.Reader
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		plain, err = s.Vault.OpenStream(tx, id, labelFile, sealed)
		return err
	})
	if err != nil {
		sealed.Close()
		return nil, nil, 0, err
	}
	return plain, sealed, size, nil
}

// RunImport begins the import of an uploaded file; a job does it, and goes on where it
// stood when the house is started again.
func (s *Shop) RunImport(tx *db.Tx, v staff.Viewer, importID string, o ImportOptions) (Import, error) {
	i, err := s.ImportByID(tx, v, importID)
	if err != nil {
		return i, err
	}
	if err := mayImport(v, i.Kind); err != nil {
		return i, err
	}
	if i.State != ImportPreview {
		return i, db.Invalid{Field: "import", Code: "fixed"}
	}
	options, err := json.Marshal(o)
	if err != nil {
		return i, err
	}
	if _, err := tx.Exec(`UPDATE import SET state = 'running', mapping = $2 WHERE id = $1`, i.ID, string(options)); err != nil {
		return i, fmt.Errorf("run import: %w", err)
	}
	audit.Record(tx, audit.Entry{Actor: v.ID, Action: "import.run", Object: i.ID, Detail: string(i.Kind)})
	// One after another: two files may tell of the same receipts.
	if err := job.Enqueue(tx, job.New{Kind: JobImport, Lane: JobImport, Key: i.ID, Args: importArgs{i.ID}}); err != nil {
		return i, err
	}
	return s.ImportByID(tx, v, importID)
}

type importArgs struct {
	Import string `json:"import"`
}

// continueImport is the job of an import.
func (s *Shop) continueImport(ctx context.Context, j job.Job) (job.Outcome, error) {
	var args importArgs
	if err := j.Decode(&args); err != nil {
		return nil, err
	}
	var i Import
	err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		i, err = readImport(tx, args.Import)
		return err
	})
	if errors.Is(err, db.ErrNotFound) || err == nil && i.State != ImportRunning {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	err = s.importFrom(ctx, i)
	var invalid db.Invalid
	switch {
	case errors.Is(err, errStopped):
		return nil, nil
	case errors.As(err, &invalid):
		return nil, s.forget(ctx, i.ID, ImportFailed, invalid.Field+" "+invalid.Code)
	case errors.Is(err, db.ErrNotFound), errors.Is(err, vault.ErrErased), errors.Is(err, vault.ErrTampered):
		return nil, s.forget(ctx, i.ID, ImportFailed, "file unknown")
	case err != nil:
		return nil, err
	}
	return nil, s.forget(ctx, i.ID, ImportDone, "")
}

func (s *Shop) importFrom(ctx context.Context, i Import) error {
	plain, file, err := s.open(ctx, i.ID)
	if err != nil {
		return err
	}
	defer file.Close()
	r, err := newImportReader(i.Kind, plain, i.Options)
	if err != nil {
		return err
	}
	if missing := r.missing(); len(missing) > 0 {
		return db.Invalid{Field: "columns." + missing[0], Code: "required"}
	}
	if err := r.skip(i.Settled); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return s.work(ctx, i, r, nil)
}

// forget ends an import and destroys its file: first the state, so that a crash between
// the two leaves no import without its file.
func (s *Shop) forget(ctx context.Context, id string, state ImportState, why string) error {
	err := s.DB.Write(ctx, func(tx *db.Tx) error {
		if _, err := tx.Exec(`UPDATE import SET state = $2, error = $3, done_at = $4, blob = '',
			total = CASE WHEN $2 = 'done' THEN settled ELSE total END WHERE id = $1 AND state IN ('preview', 'running')`,
			id, string(state), why, db.Micro(tx.Now)); err != nil {
			return err
		}
		return s.Vault.DropKey(tx, id)
	})
	if err != nil {
		return fmt.Errorf("end import: %w", err)
	}
	if s.Blobs == nil {
		return nil
	}
	return s.Blobs.Delete(ctx, blobKey(id))
}

// DropImport forgets an uploaded file, and stops its import if that is running: what is
// in stays.
func (s *Shop) DropImport(ctx context.Context, v staff.Viewer, importID string) error {
	var i Import
	err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		i, err = s.ImportByID(tx, v, importID)
		return err
	})
	if err == nil {
		err = mayImport(v, i.Kind)
	}
	if err != nil {
		return err
	}
	err = s.DB.Write(ctx, func(tx *db.Tx) error {
		audit.Record(tx, audit.Entry{Actor: v.ID, Action: "import.drop", Object: i.ID})
		return nil
	})
	if err != nil {
		return err
	}
	return s.forget(ctx, i.ID, ImportDropped, "")
}

const importRowColumns = `id, kind, name, by, at, state, mapping, total, settled, added, repeated, bad, error, done_at, blob, moved_at`

// stoppedAfter is how long an import of the command line may stand still. A batch takes
// seconds; a pipe that brings the file may be slower.
const stoppedAfter = 10 * time.Minute

// scanImport reads an import as it stands at a time.
func scanImport(now time.Time, scan func(...any) error) (Import, error) {
	var i Import
	var at, moved int64
	var done *int64
	var options, blob string
	err := scan(&i.ID, &i.Kind, &i.Name, &i.By, &at, &i.State, &options, &i.Total, &i.Settled, &i.Added, &i.Repeated, &i.Bad, &i.Error, &done, &blob, &moved)
	if err != nil {
		return i, err
	}
	i.At = db.Time(at)
	if done != nil {
		i.DoneAt = db.Time(*done)
	}
	if moved > 0 {
		i.Moved = db.Time(moved)
	}
	// An uploaded file has a job, which goes on by itself; what came from the command line
	// has nobody but its process.
	if last := max(at, moved); i.State == ImportRunning && blob == "" && now.Sub(db.Time(last)) > stoppedAfter {
		i.State = ImportStopped
	}
	return i, json.Unmarshal([]byte(options), &i.Options)
}

func readImport(tx *db.Tx, id string) (Import, error) {
	i, err := scanImport(tx.Now, tx.QueryRow(`SELECT `+importRowColumns+` FROM import WHERE id = $1`, id).Scan)
	if err != nil {
		return i, fmt.Errorf("import: %w", db.NotFound(err))
	}
	return i, nil
}

// ImportByID gives one import, or db.ErrNotFound.
func (s *Shop) ImportByID(tx *db.Tx, v staff.Viewer, id string) (Import, error) {
	i, err := readImport(tx, id)
	if err == nil && mayImport(v, i.Kind) != nil {
		err = db.ErrNotFound
	}
	if err != nil {
		return Import{}, err
	}
	return i, nil
}

// Imports lists imports, the latest first.
func (s *Shop) Imports(tx *db.Tx, v staff.Viewer, limit int) ([]Import, error) {
	var kinds []string
	for _, k := range ImportKinds() {
		if mayImport(v, k) == nil {
			kinds = append(kinds, string(k))
		}
	}
	if len(kinds) == 0 {
		return nil, staff.ErrForbidden
	}
	marks, args := db.In(kinds, 2)
	rows, err := tx.Query(`SELECT `+importRowColumns+` FROM import WHERE kind IN (`+marks+`) ORDER BY id DESC LIMIT $1`,
		append([]any{cmp.Or(max(min(limit, longest), 0), usualPage)}, args...)...)
	list, err := db.Collect(rows, err, func(r *sql.Rows) (Import, error) { return scanImport(tx.Now, r.Scan) })
	if err != nil {
		return nil, fmt.Errorf("imports: %w", err)
	}
	return list, nil
}

// ImportErrors lists what was wrong with the rows of an import after a line.
func (s *Shop) ImportErrors(tx *db.Tx, v staff.Viewer, importID string, after int64, limit int) ([]RowError, error) {
	if _, err := s.ImportByID(tx, v, importID); err != nil {
		return nil, err
	}
	rows, err := tx.Query(`SELECT line, field, code FROM import_error WHERE import_id = $1 AND line > $2 ORDER BY line LIMIT $3`,
		importID, after, cmp.Or(max(min(limit, keptErrors), 0), usualPage))
	list, err := db.Collect(rows, err, func(r *sql.Rows) (e RowError, err error) { return e, r.Scan(&e.Line, &e.Field, &e.Code) })
	if err != nil {
		return nil, fmt.Errorf("import errors: %w", err)
	}
	return list, nil
}

// WriteErrorHeadings begins a file of errors.
func WriteErrorHeadings(w io.Writer) error {
	_, err := io.WriteString(w, "line,field,code,value\n")
	return err
}

// WriteErrors adds errors to a file of CSV, in which no cell is a formula.
func WriteErrors(w io.Writer, list []RowError) error {
	out := csv.NewWriter(w)
	for _, e := range list {
		if err := out.Write(e.cells()); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

func (e RowError) cells() []string {
	return []string{strconv.FormatInt(e.Line, 10), harmless(e.Field), harmless(e.Code), harmless(e.Value)}
}

// harmless is text that a spreadsheet does not run: OWASP, "CSV Injection".
func harmless(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}

// CountLeft counts files that were uploaded before a time and never imported, and
// says when the oldest came.
func CountLeft(tx *db.Tx, since time.Time) (n int, oldest time.Time, err error) {
	var at int64
	if err := tx.QueryRow(`SELECT COUNT(*), COALESCE(MIN(at), 0) FROM import WHERE state = 'preview' AND at < $1`, db.Micro(since)).Scan(&n, &at); err != nil {
		return 0, oldest, fmt.Errorf("count left files: %w", err)
	}
	if at > 0 {
		oldest = db.Time(at)
	}
	return n, oldest, nil
}

// ForgetLeft destroys files that were uploaded before a time and never imported, and
// tells how many.
func (s *Shop) ForgetLeft(ctx context.Context, since time.Time) (int, error) {
	var ids []string
	err := s.DB.Read(ctx, func(tx *db.Tx) error {
		rows, err := tx.Query(`SELECT id FROM import WHERE state = 'preview' AND at < $1 ORDER BY at, id LIMIT 500`, db.Micro(since))
		ids, err = db.Collect(rows, err, func(r *sql.Rows) (id string, err error) { return id, r.Scan(&id) })
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("left files: %w", err)
	}
	for n, id := range ids {
		if err := s.forget(ctx, id, ImportDropped, ""); err != nil {
			return n, err
		}
	}
	return len(ids), nil
}
