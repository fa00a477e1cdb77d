package privacy

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"dingdong/internal/audit"
	"dingdong/internal/db"
	"dingdong/internal/job"
	"dingdong/internal/staff"
	"dingdong/internal/vault"
)

// FileState is how far the file about a person has come.
type FileState string

// The life of a file about a person.
const (
	FileMaking FileState = "making"
	FileReady  FileState = "ready"
	FileFailed FileState = "failed"
	FileGone   FileState = "gone" // it was too old, and was destroyed
)

// File is everything about one person, as a zip. It is sealed with her own key, so
// that an erasure reaches it wherever it lies.
type File struct {
	ID, PersonID, RequestID string
	By, ByName              string
	Language                string
	State                   FileState
	Code                    string // stands in the file, and leads back here
	Downloads               int    // how often it was fetched
	Size                    int64
	At, ReadyAt, Expires    time.Time
}

const labelFile = "person_file"

func fileKey(id string) string { return "person/" + id }

// JobFile makes the file about a person.
const JobFile = "privacy_file"

type fileArgs struct {
	File string `json:"file"`
}

// Exporting is a person whose file is to be made.
type Exporting struct {
	PersonID  string // any of her records
	Language  string // hers; empty: as her platform says
	RequestID string // what asked for it, if anything did
}

// ExportFor has the file about a person made, for somebody who may.
func (r *Room) ExportFor(tx *db.Tx, v staff.Viewer, e Exporting) (File, error) {
	if !v.May(staff.KeepPrivacy) {
		return File{}, staff.ErrForbidden
	}
	if err := notLeaving(tx, v); err != nil {
		return File{}, err
	}
	return r.Export(tx, e, v.ID)
}

// notLeaving refuses files to somebody who is about to leave, as every export does.
func notLeaving(tx *db.Tx, v staff.Viewer) error {
	leaves, err := staff.LeavingAt(tx, v.ID)
	if err != nil && !errors.Is(err, db.ErrNotFound) { // the command line is nobody's
		return err
	}
	if !leaves.IsZero() {
		return db.Invalid{Field: "kind", Code: "leaving"}
	}
	return nil
}

// newCode names a copy. Letters and digits that are taken for another are not in it.
func newCode() string {
	const alphabet = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
	raw := make([]byte, 10)
	rand.Read(raw) // never fails
	for i, b := range raw {
		raw[i] = alphabet[b&31]
	}
	return string(raw)
}

// TraceFile follows the code in a copy to who had it made, and puts that on record.
func (r *Room) TraceFile(tx *db.Tx, v staff.Viewer, code string) (File, error) {
	if !v.May(staff.SeeAudit) {
		return File{}, staff.ErrForbidden
	}
	f, err := scanFile(tx.QueryRow(`SELECT `+fileColumns+fileFrom+`WHERE f.code <> '' AND f.code = $1`, strings.ToUpper(strings.TrimSpace(db.CleanText(code)))))
	if err != nil {
		return f, db.NotFound(err)
	}
	audit.Record(tx, audit.Entry{Actor: v.ID, Action: "export.traced", Customer: f.PersonID, Object: f.ID})
	return f, nil
}

// Export has the file about a person made by a durable job.
func (r *Room) Export(tx *db.Tx, e Exporting, by string) (File, error) {
	person, err := r.Book.Person(tx, e.PersonID)
	if err != nil {
		return File{}, err
	}
	rules, err := ReadRules(tx)
	if err != nil {
		return File{}, err
	}
	if e.Language == "" {
		records, err := r.Book.Records(tx, person)
		if err != nil {
			return File{}, err
		}
		if e.Language, err = r.languageOf(tx, records); err != nil {
			return File{}, err
		}
	}
	f := File{ID: tx.NewID("pfl"), PersonID: person, RequestID: e.RequestID, By: by, Language: fileLanguage(e.Language), State: FileMaking, Code: newCode(),
		At: tx.Now, Expires: tx.Now.AddDate(0, 0, rules.FileDays)}
	if _, err := tx.Exec(`INSERT INTO person_file (id, person_id, request_id, by, language, at, expires_at, code) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		f.ID, f.PersonID, f.RequestID, f.By, f.Language, db.Micro(f.At), db.Micro(f.Expires), f.Code); err != nil {
		return f, fmt.Errorf("file about a person: %w", err)
	}
	if e.RequestID != "" {
		if _, err := tx.Exec(`UPDATE privacy_request SET state = 'working' WHERE id = $1 AND closed_at IS NULL`, e.RequestID); err != nil {
			return f, fmt.Errorf("file about a person: %w", err)
		}
		if err := r.step(tx, stepping{request: e.RequestID, act: "started", by: by}); err != nil {
			return f, err
		}
	}
	audit.Record(tx, audit.Entry{Actor: by, Action: "customer.exported", Customer: person, Object: f.ID, Detail: e.RequestID})
	return f, job.Enqueue(tx, job.New{Kind: JobFile, Key: f.ID, Args: fileArgs{f.ID}})
}

func (r *Room) languageOf(tx *db.Tx, records []string) (string, error) {
	for _, id := range records {
		identities, err := r.Book.Identities(tx, id)
		if err != nil {
			return "", err
		}
		for _, i := range identities {
			if i.Language != "" {
				return i.Language, nil
			}
		}
	}
	return "zh-Hant", nil // the first market's
}

// makeFile is the job handler that makes the file about a person.
func (r *Room) makeFile(ctx context.Context, j job.Job) (job.Outcome, error) {
	var args fileArgs
	if err := j.Decode(&args); err != nil {
		return nil, job.Fatal(err)
	}
	var f File
	err := r.DB.Read(ctx, func(tx *db.Tx) (err error) {
		f, err = r.fileByID(tx, args.File)
		return err
	})
	if errors.Is(err, db.ErrNotFound) || err == nil && f.State != FileMaking { // she was erased
		return nil, r.Blobs.Delete(ctx, fileKey(args.File))
	}
	if err != nil {
		return nil, err
	}
	size, err := r.sealArchive(ctx, f)
	if errors.Is(err, vault.ErrErased) || errors.Is(err, db.ErrNotFound) {
		return nil, r.Blobs.Delete(ctx, fileKey(f.ID))
	}
	if err != nil {
		return nil, fmt.Errorf("file about a person: %w", err)
	}
	return func(tx *db.Tx) error {
		n, err := tx.Exec(`UPDATE person_file SET state = 'ready', blob = $2, size = $3, ready_at = $4 WHERE id = $1`, f.ID, fileKey(f.ID), size, db.Micro(tx.Now))
		if err != nil {
			return err
		}
		if n == 0 { // she was erased while it was made
			return job.Enqueue(tx, job.New{Kind: JobDropFile, Args: dropArgs{Keys: []string{fileKey(f.ID)}}})
		}
		if f.RequestID == "" {
			return nil
		}
		return r.step(tx, stepping{request: f.RequestID, act: "file_ready", by: "system"})
	}, nil
}

// sealArchive writes the zip into a blob while it is made.
func (r *Room) sealArchive(ctx context.Context, f File) (size int64, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	pr, pw := io.Pipe()
	done := make(chan error, 1)
	go func() {
		var sealed io.WriteCloser
		err := r.DB.Read(ctx, func(tx *db.Tx) (err error) {
			sealed, err = r.Vault.SealStream(tx, f.PersonID, labelFile, pw)
			return err
		})
		if err == nil {
			counted := &counter{to: sealed}
			err = errors.Join(r.writeArchive(ctx, counted, f), sealed.Close())
			size = counted.n
		}
		pw.CloseWithError(err)
		done <- err
	}()
	_, err = r.Blobs.Put(ctx, fileKey(f.ID), pr)
	pr.CloseWithError(err)
	cancel()
	if made := <-done; made != nil {
		err = made
	}
	return size, err
}

type counter struct {
	to io.Writer
	n  int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.to.Write(p)
	c.n += int64(n)
	return n, err
}

// OpenFile opens the file about a person for somebody who may, and puts that on record.
func (r *Room) OpenFile(ctx context.Context, v staff.Viewer, id string) (io.ReadCloser, File, error) {
	if !v.May(staff.KeepPrivacy) {
		return nil, File{}, staff.ErrForbidden
	}
	var f File
	err := r.DB.Write(ctx, func(tx *db.Tx) (err error) {
		if f, err = r.fileByID(tx, id); err != nil {
			return err
		}
		if err := notLeaving(tx, v); err != nil {
			return err
		}
		if !r.fetchable(f) {
			return db.ErrNotFound
		}
		return fetched(tx, v.ID, f)
	})
	if err != nil {
		return nil, f, err
	}
	in, err := r.open(ctx, f)
	return in, f, err
}

// fetched counts a download and puts it on record, before the first byte is told.
func fetched(tx *db.Tx, by string, f File) error {
	if _, err := tx.Exec(`UPDATE person_file SET downloads = downloads + 1 WHERE id = $1`, f.ID); err != nil {
		return fmt.Errorf("count a download: %w", err)
	}
	audit.Record(tx, audit.Entry{Actor: by, Action: "customer.export_fetched", Customer: f.PersonID, Object: f.ID})
	return nil
}

func (r *Room) fetchable(f File) bool { return f.State == FileReady && !r.DB.Now().After(f.Expires) }

// OpenOwn opens the file about a person for herself: the caller has proved who she is.
func (r *Room) OpenOwn(ctx context.Context, personID, id string) (io.ReadCloser, File, error) {
	var f File
	err := r.DB.Read(ctx, func(tx *db.Tx) (err error) {
		if f, err = r.fileByID(tx, id); err != nil {
			return err
		}
		person, err := r.Book.Person(tx, personID)
		if err != nil {
			return err
		}
		// It may have been made before two records were found to be her.
		whose, err := r.Book.Person(tx, f.PersonID)
		if err == nil && person != whose {
			err = db.ErrNotFound
		}
		return err
	})
	if err != nil {
		return nil, f, err
	}
	in, err := r.open(ctx, f)
	return in, f, err
}

func (r *Room) open(ctx context.Context, f File) (io.ReadCloser, error) {
	if !r.fetchable(f) {
		return nil, db.ErrNotFound
	}
	sealed, _, err := r.Blobs.Get(ctx, fileKey(f.ID))
	if err != nil {
		return nil, err
	}
	var plain io.Reader
	err = r.DB.Read(ctx, func(tx *db.Tx) (err error) {
		plain, err = r.Vault.OpenStream(tx, f.PersonID, labelFile, sealed)
		return err
	})
	if err != nil {
		sealed.Close()
		return nil, fmt.Errorf("file about a person: %w", err)
	}
	return struct {
		io.Reader
		io.Closer
	}{plain, sealed}, nil
}

const fileColumns = `f.id, f.person_id, f.request_id, f.by, COALESCE(s.name, ''), f.language, f.state, f.code, f.downloads, f.size, f.at, COALESCE(f.ready_at, 0), f.expires_at`

const fileFrom = ` FROM person_file f LEFT JOIN staff s ON s.id = f.by `

func scanFile(r interface{ Scan(...any) error }) (File, error) {
	var f File
	var at, ready, expires int64
	err := r.Scan(&f.ID, &f.PersonID, &f.RequestID, &f.By, &f.ByName, &f.Language, &f.State, &f.Code, &f.Downloads, &f.Size, &at, &ready, &expires)
	f.At, f.Expires = db.Time(at), db.Time(expires)
	if ready > 0 {
		f.ReadyAt = db.Time(ready)
	}
	return f, err
}

func (r *Room) fileByID(tx *db.Tx, id string) (File, error) {
	f, err := scanFile(tx.QueryRow(`SELECT `+fileColumns+fileFrom+`WHERE f.id = $1`, db.CleanText(id)))
	if err != nil {
		return f, db.NotFound(err)
	}
	one := []File{f}
	err = r.withoutMixed(tx, f.PersonID, one)
	return one[0], err
}

// withoutMixed takes the files of a person for gone that were asked for before somebody
// was taken apart from her: the other one stands in them.
func (r *Room) withoutMixed(tx *db.Tx, personID string, files []File) error {
	if len(files) == 0 {
		return nil
	}
	merges, err := r.Book.Merges(tx, personID)
	if err != nil {
		return err
	}
	for _, m := range merges {
		for i := range files {
			if m.UndoneAt.After(files[i].At) {
				files[i].State = FileGone
			}
		}
	}
	return nil
}

// dropMixed destroys the files of others in which some records stand, because they were
// taken for one person when these were made. It comes before their merges are forgotten.
func (r *Room) dropMixed(tx *db.Tx, records []string) error {
	marks, args := db.In(records, 1)
	rows, err := tx.Query(`UPDATE person_file SET state = 'gone', blob = '' WHERE state <> 'gone' AND EXISTS (
		SELECT 1 FROM merge m JOIN customer c ON c.id = m.kept_id OR c.id = m.lost_id
		WHERE (m.kept_id IN (`+marks+`) OR m.lost_id IN (`+marks+`)) AND m.undone_at > person_file.at
			AND (c.id = person_file.person_id OR c.person_id = person_file.person_id)) RETURNING id`, args...)
	return dropFilesOf(tx, rows, err)
}

// dropFilesOf has the bytes of files destroyed that a statement has marked as gone.
func dropFilesOf(tx *db.Tx, rows *sql.Rows, err error) error {
	keys, err := db.Collect(rows, err, scanText)
	if err != nil {
		return fmt.Errorf("files about a person: %w", err)
	}
	if len(keys) == 0 {
		return nil
	}
	for i := range keys {
		keys[i] = fileKey(keys[i])
	}
	return job.Enqueue(tx, job.New{Kind: JobDropFile, Args: dropArgs{Keys: keys}})
}

// FilesOf lists the files about a person, the latest first.
func (r *Room) FilesOf(tx *db.Tx, personID string) ([]File, error) {
	records, err := r.Book.Records(tx, personID)
	if err != nil {
		return nil, err
	}
	marks, args := db.In(records, 1)
	rows, err := tx.Query(`SELECT `+fileColumns+fileFrom+`WHERE f.person_id IN (`+marks+`) ORDER BY f.at DESC, f.id DESC LIMIT 20`, args...)
	list, err := db.Collect(rows, err, func(rs *sql.Rows) (File, error) { return scanFile(rs) })
	if err != nil {
		return nil, fmt.Errorf("files about a person: %w", err)
	}
	return list, r.withoutMixed(tx, personID, list)
}

// dropFilesTooOld destroys files about persons that can no longer be fetched.
func (r *Room) dropFilesTooOld(ctx context.Context) error {
	return r.DB.Write(ctx, func(tx *db.Tx) error {
		rows, err := tx.Query(`UPDATE person_file SET state = 'gone', blob = '' WHERE state <> 'gone' AND expires_at < $1 RETURNING id`, db.Micro(tx.Now))
		return dropFilesOf(tx, rows, err)
	})
}

// WriteFile writes the file about a person somewhere at once, for the command line.
func (r *Room) WriteFile(ctx context.Context, w io.Writer, e Exporting) error {
	var person string
	err := r.DB.Write(ctx, func(tx *db.Tx) (err error) {
		if person, err = r.Book.Person(tx, e.PersonID); err != nil {
			return err
		}
		if e.Language == "" {
			records, err := r.Book.Records(tx, person)
			if err != nil {
				return err
			}
			if e.Language, err = r.languageOf(tx, records); err != nil {
				return err
			}
		}
		audit.Record(tx, audit.Entry{Actor: "command", Action: "customer.exported", Customer: person})
		return nil
	})
	if err != nil {
		return err
	}
	return r.writeArchive(ctx, w, File{PersonID: person, Language: e.Language, By: "command"})
}
