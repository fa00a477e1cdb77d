package export

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"dingdong/internal/audit"
	"dingdong/internal/db"
	"dingdong/internal/job"
	"dingdong/internal/staff"
	"dingdong/internal/vault"
)

// JobMake makes a file, JobExpire destroys it when its time is over.
const (
	JobMake   = "export"
	JobExpire = "export_expire"
)

type exportArgs struct {
	Export string `json:"export"`
}

// Handlers are the room's background work.
func (r *Room) Handlers() map[string]job.Handler {
	return map[string]job.Handler{JobMake: r.make, JobExpire: r.expire}
}

// errGone: it was dropped while it was made.
var errGone = errors.New("export: dropped meanwhile")

// make makes a file. Run again, it begins anew: the bytes of a former run are replaced.
func (r *Room) make(ctx context.Context, j job.Job) (job.Outcome, error) {
	var args exportArgs
	if err := j.Decode(&args); err != nil {
		return nil, err
	}
	var x Export
	var v staff.Viewer
	var leaves time.Time
	err := r.DB.Read(ctx, func(tx *db.Tx) (err error) {
		if x, err = r.get(tx, args.Export); err != nil || x.State != Making {
			return errors.Join(err, errGone)
		}
		if v, err = staff.ViewerByID(tx, x.By); err == nil {
			leaves, err = staff.LeavingAt(tx, x.By)
		}
		return err
	})
	m, known := r.maker(x.Kind)
	switch {
	case errors.Is(err, errGone):
		return nil, nil
	case errors.Is(err, db.ErrNotFound): // whoever asked for it works here no more
		return r.fail(x.ID, "left"), nil
	case err != nil:
		return nil, err
	case !leaves.IsZero():
		return r.fail(x.ID, "leaving"), nil
	case !known || !v.May(m.May):
		return r.fail(x.ID, "not_allowed"), nil
	}
	made, size, err := r.write(ctx, m, x, v)
	switch {
	case errors.Is(err, vault.ErrErased):
		return nil, nil
	case err != nil:
		return nil, err
	}
	if err := r.noteCustomers(ctx, x, made.Customers); err != nil {
		return nil, err
	}
	return func(tx *db.Tx) error {
		s, err := Load(tx)
		if err != nil {
			return err
		}
		until := tx.Now.Add(time.Duration(s.Hours) * time.Hour)
		n, err := tx.Exec(`UPDATE export SET state = 'ready', rows = $2, left_out = $3, bytes = $4, made_at = $5, expires_at = $6 WHERE id = $1 AND state = 'making'`,
			x.ID, made.Rows, made.LeftOut, size, db.Micro(tx.Now), db.Micro(until))
		if err != nil || n == 0 {
			return err
		}
		audit.Record(tx, audit.Entry{Actor: x.By, Action: "export.made", Customer: x.Filter.Customer, Object: x.ID,
			Detail: fmt.Sprintf("%s, %d rows, %d left out", x.Kind, made.Rows, made.LeftOut)})
		return job.Enqueue(tx, job.New{Kind: JobExpire, Key: x.ID, Args: exportArgs{x.ID}, RunAt: until})
	}, nil
}

// write seals the file into the blob store while it is made.
func (r *Room) write(ctx context.Context, m Maker, x Export, v staff.Viewer) (made Made, size int64, err error) {
	out, in := io.Pipe()
	done := make(chan error, 1)
	go func() {
		var err error
		made, err = r.fill(ctx, m, filling{x, v, in})
		in.CloseWithError(err)
		done <- err
	}()
	size, err = r.Blobs.Put(ctx, blobKey(x.ID), out)
	out.CloseWithError(err)
	if making := <-done; making != nil {
		err = making
	}
	if err != nil {
		return made, 0, fmt.Errorf("make export: %w", err)
	}
	return made, size, nil
}

// filling is a file on its way through the seal.
type filling struct {
	Export
	v  staff.Viewer
	to io.Writer
}

func (r *Room) fill(ctx context.Context, m Maker, f filling) (Made, error) {
	var who staff.Person
	var sealed io.WriteCloser
	err := r.DB.Read(ctx, func(tx *db.Tx) (err error) {
		if who, err = staff.GetStaff(tx, f.By); err != nil {
			return err
		}
		sealed, err = r.Vault.SealStream(tx, f.ID, labelFile, f.to)
		return err
	})
	if err != nil {
		return Made{}, err
	}
	w := r.newWriter(f.Export, sealed)
	w.head(who.Name+" <"+who.Email+">", r.DB.Now())
	made, err := m.Write(ctx, w, f.v)
	return made, errors.Join(err, w.err, w.out.Flush(), sealed.Close())
}

// noteCustomers puts on record whose lines a file holds, before it can be fetched: once
// each, also when the file has to be made again.
func (r *Room) noteCustomers(ctx context.Context, x Export, customers []string) error {
	slices.Sort(customers)
	customers = slices.Compact(customers)
	for part := range slices.Chunk(customers, 500) {
		err := r.DB.Write(ctx, func(tx *db.Tx) error {
			noted, err := notedCustomers(tx, x, part)
			if err != nil {
				return err
			}
			for _, id := range part {
				if noted[id] {
					continue
				}
				audit.Record(tx, audit.Entry{Actor: x.By, Action: "customer.exported", Customer: id, Object: x.ID, Detail: x.Filter.Purpose})
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("record who stands in an export: %w", err)
		}
	}
	return nil
}

// notedCustomers are those whose line a former attempt has put on record. Only what came
// after the request is read.
func notedCustomers(tx *db.Tx, x Export, customers []string) (map[string]bool, error) {
	noted := map[string]bool{}
	f := audit.Filter{Customers: customers, Action: "customer.exported", Actor: x.By, From: x.At}
	for {
		rows, err := audit.Forward(tx, f)
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			if row.Object == x.ID {
				noted[row.Customer] = true
			}
			f.After = row.Seq
		}
		if len(rows) == 0 {
			return noted, nil
		}
	}
}

// fail ends a request that cannot be served.
func (r *Room) fail(id, why string) job.Outcome {
	return func(tx *db.Tx) error {
		n, err := tx.Exec(`UPDATE export SET state = 'failed', error = $2, blob = '' WHERE id = $1 AND state = 'making'`, id, why)
		if err != nil || n == 0 {
			return err
		}
		audit.Record(tx, audit.Entry{Actor: "system", Action: "export.failed", Object: id, Detail: why})
		return r.Vault.DropKey(tx, id)
	}
}

// expire destroys a file, or a request that nobody decided on, when its time is over.
func (r *Room) expire(ctx context.Context, j job.Job) (job.Outcome, error) {
	var args exportArgs
	if err := j.Decode(&args); err != nil {
		return nil, err
	}
	over := false
	err := r.DB.Write(ctx, func(tx *db.Tx) error {
		x, err := r.get(tx, args.Export)
		if err != nil {
			return err
		}
		over = x.State != Making && !(x.State == Ready && tx.Now.Before(x.ExpiresAt)) && !(x.State == Waiting && tx.Now.Before(x.ExpiresAt))
		if !over {
			return nil
		}
		return r.end(tx, "system", x.ID)
	})
	if errors.Is(err, db.ErrNotFound) || err == nil && !over {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return nil, r.Blobs.Delete(ctx, blobKey(args.Export))
}
