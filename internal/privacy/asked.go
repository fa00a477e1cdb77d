package privacy

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"

	"dingdong/internal/conversation"
	"dingdong/internal/db"
	"dingdong/internal/job"
)

// askedInChat is the job handler that enters what she asked for and confirmed in her own
// chat. A copy is made at once: she needs nobody for it.
func (r *Room) askedInChat(_ context.Context, j job.Job) (job.Outcome, error) {
	var asked conversation.Asked
	if err := j.Decode(&asked); err != nil {
		return nil, job.Fatal(err)
	}
	kind := map[string]RequestKind{conversation.AskedExport: AskExport, conversation.AskedErase: AskErase}[asked.What]
	if kind == "" {
		return nil, job.Fatal(fmt.Errorf("asked in the chat for %q", asked.What))
	}
	return func(tx *db.Tx) error {
		q, err := r.Ask(tx, Asking{PersonID: asked.Customer, Kind: kind, Origin: FromChat})
		if errors.Is(err, db.ErrNotFound) { // she was erased meanwhile
			return nil
		}
		if err != nil || kind != AskExport {
			return err
		}
		files, err := r.FilesOf(tx, q.PersonID)
		if err != nil {
			return err
		}
		for _, f := range files {
			if f.RequestID == q.ID && f.State != FileFailed && f.State != FileGone {
				return nil // she asked twice
			}
		}
		_, err = r.Export(tx, Exporting{PersonID: q.PersonID, RequestID: q.ID}, byCustomer)
		return err
	}, nil
}

// byCustomer is the actor of what a customer does herself.
const byCustomer = "customer"

// FetchOwn is OpenOwn for who takes the file away: it is put on record, and what she
// asked for is done.
func (r *Room) FetchOwn(ctx context.Context, personID, id string) (io.ReadCloser, File, error) {
	in, f, err := r.OpenOwn(ctx, personID, id)
	if err != nil {
		return nil, f, err
	}
	err = r.DB.Write(ctx, func(tx *db.Tx) error {
		if err := fetched(tx, byCustomer, f); err != nil {
			return err
		}
		n, err := tx.Exec(`UPDATE privacy_request SET state = 'done', closed_at = $2 WHERE id = $1 AND closed_at IS NULL`, f.RequestID, db.Micro(tx.Now))
		if err != nil {
			return fmt.Errorf("her file was fetched: %w", err)
		}
		if n == 0 {
			return nil
		}
		return r.step(tx, stepping{request: f.RequestID, act: "done"})
	})
	if err != nil {
		in.Close()
		return nil, f, err
	}
	return in, f, nil
}

// OpenRequests lists what a person asked and still waits for, for her own page.
func (r *Room) OpenRequests(tx *db.Tx, personID string) ([]Request, error) {
	records, err := r.Book.Records(tx, personID)
	if err != nil {
		return nil, err
	}
	marks, args := db.In(records, 1)
	rows, err := tx.Query(`SELECT `+requestColumns+requestFrom+`WHERE q.closed_at IS NULL AND q.person_id IN (`+marks+`) ORDER BY q.due_at, q.id`, args...)
	found, err := db.Collect(rows, err, func(rs *sql.Rows) (sealedRequest, error) { return scanRequest(rs) })
	if err != nil {
		return nil, fmt.Errorf("what she asked: %w", err)
	}
	out := make([]Request, len(found))
	for i, q := range found {
		out[i] = q.Request
	}
	return out, nil
}
