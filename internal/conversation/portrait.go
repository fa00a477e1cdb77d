package conversation

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"image"
	"io"
	"strings"
	"time"

	"dingdong/internal/channel"
	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/job"
	"dingdong/internal/staff"
)

// JobPortrait fetches a person's picture from a platform.
const JobPortrait = "portrait"

const (
	maxPortrait    = 1 << 20    // bytes that a platform's picture may have
	portraitPixels = 16_000_000 // one that claims more is not decoded
	portraitSize   = 192        // pixels on the longer side of our copy: the largest place for it, on a sharp screen
	portraitTime   = 30 * time.Second
	portraitTries  = 8 // then she keeps her initial until she has another picture
)

// portraitFolder is where the copies lie in the blob store.
const portraitFolder = "f/"

// portrayed follows what a profile says of her picture: fetch another one, destroy the
// copy of one that she took away.
func (d *Desk) portrayed(tx *db.Tx, a Account, identityID, address string) error {
	if _, ok := d.Adapters[a.Kind].(channel.Portrayer); !ok {
		return nil
	}
	fetch, gone, err := d.Book.PortraitAt(tx, identityID, address)
	if err != nil {
		return err
	}
	if fetch {
		return job.Enqueue(tx, job.New{Kind: JobPortrait, Key: identityID, Args: profileArgs{Identity: identityID}})
	}
	return dropPortrait(tx, gone)
}

func dropPortrait(tx *db.Tx, key string) error {
	if key == "" {
		return nil
	}
	return dropBlobs(tx, []string{key})
}

// FetchPortrait is the job handler that makes our small copy of a person's picture. What
// it holds is drawn anew: no byte of the platform's file is kept.
func (d *Desk) FetchPortrait(ctx context.Context, j job.Job) (job.Outcome, error) {
	var args profileArgs
	if err := j.Decode(&args); err != nil {
		return nil, job.Fatal(err)
	}
	key := portraitFolder + j.ID // the same at every attempt
	var p customer.Portrait
	var i customer.Identity
	var a Account
	err := d.DB.Read(ctx, func(tx *db.Tx) error {
		var err error
		if p, err = d.Book.Portrait(tx, args.Identity); err != nil {
			return err
		}
		if i, err = d.Book.IdentityByID(tx, args.Identity); err != nil {
			return err
		}
		a, err = d.accountOut(tx, i.AccountID)
		return err
	})
	if errors.Is(err, db.ErrNotFound) { // she was erased; an attempt before may have stored it
		return nil, d.Blobs.Delete(ctx, key)
	}
	portrayer, ok := d.Adapters[a.Kind].(channel.Portrayer)
	if err != nil || !ok || p.Address == "" {
		return nil, err
	}
	small, err := d.portrait(ctx, portrayer, a.Account, p.Address)
	var e *channel.Error
	switch {
	case errors.Is(err, channel.ErrGone), errors.As(err, &e) && e.Kind != channel.Retry && e.Kind != channel.Throttled:
		key = ""
	case e != nil && j.Attempt >= portraitTries:
		return nil, nil // a picture is no failure that anybody has to look at
	case err != nil:
		return nil, err
	default:
		if _, err := d.store(ctx, i.CustomerID, labelPortrait, key, bytes.NewReader(small)); err != nil {
			return nil, err
		}
	}
	return func(tx *db.Tx) error {
		gone, err := d.Book.SetPortrait(tx, customer.Portrait{IdentityID: i.ID, Address: p.Address, Key: key})
		if errors.Is(err, db.ErrNotFound) { // erased while we fetched
			return dropPortrait(tx, key)
		}
		if err != nil {
			return err
		}
		if err := dropPortrait(tx, gone); err != nil || gone == key {
			return err
		}
		return d.customerNews(tx, i.CustomerID, "platform")
	}, nil
}

// portrait fetches a picture and draws it small. What is none, or is too large, is
// channel.ErrGone: the bytes say what they are, whatever the platform calls them.
func (d *Desk) portrait(ctx context.Context, from channel.Portrayer, a channel.Account, address string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, portraitTime)
	defer cancel()
	body, err := from.Portrait(ctx, a, address)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	data, err := io.ReadAll(io.LimitReader(body, maxPortrait+1))
	if err != nil {
		return nil, &channel.Error{Kind: channel.Retry, Err: fmt.Errorf("read a picture: %w", err)}
	}
	if len(data) > maxPortrait || allowed[sniff(data)] != channel.Image {
		return nil, channel.ErrGone
	}
	d.decoding.Lock()
	defer d.decoding.Unlock()
	size, _, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil || size.Width <= 0 || size.Height <= 0 || size.Width*size.Height > portraitPixels {
		return nil, channel.ErrGone
	}
	img, _, err := image.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, channel.ErrGone
	}
	return encodeJPEG(img, orientationOf(data), portraitSize)
}

// Face names this version of her picture; it is empty when there is none.
func (t Thread) Face() string { return strings.TrimPrefix(t.Picture, portraitFolder) }

// FaceFor opens the picture that a thread shows of her, to a viewer who may see the
// thread, and tells whose it is. A version that is not the present one is not found.
func (d *Desk) FaceFor(ctx context.Context, v staff.Viewer, threadID, version string) (c Content, customerID string, err error) {
	err = d.DB.Read(ctx, func(tx *db.Tx) error {
		t, err := d.Thread(tx, v, threadID)
		if err != nil {
			return err
		}
		if t.Face() == "" || t.Face() != version {
			return db.ErrNotFound
		}
		customerID, c.ThreadID = t.CustomerID, t.ID
		return d.openPortrait(ctx, tx, &c, t.Picture, t.pictureOf)
	})
	return c, customerID, err
}

func (d *Desk) openPortrait(ctx context.Context, tx *db.Tx, c *Content, key, record string) error {
	file, size, err := d.Blobs.Get(ctx, key)
	if err != nil {
		return db.ErrNotFound
	}
	if c.ReadSeeker, err = d.Vault.OpenSeeker(tx, record, labelPortrait, file, size); err != nil {
		file.Close()
		return fmt.Errorf("open her picture: %w", err)
	}
	c.Closer, c.MIME = file, "image/jpeg"
	return nil
}

// ExtractPicture is a picture that a platform showed of her, for her copy.
type ExtractPicture struct {
	Account string `json:"account"`
	File    string `json:"file"` // its name in the archive

	key, record string
}

// ExportPictures names the pictures of some records that we have a copy of.
func (d *Desk) ExportPictures(tx *db.Tx, records []string) ([]ExtractPicture, error) {
	if len(records) == 0 {
		return nil, nil
	}
	marks, args := db.In(records, 1)
	rows, err := tx.Query(`SELECT i.id, i.customer_id, i.picture, COALESCE(a.name, '') FROM identity i LEFT JOIN account a ON a.id = i.account_id
		WHERE i.customer_id IN (`+marks+`) AND i.picture <> '' ORDER BY i.created_at, i.id`, args...)
	out, err := db.Collect(rows, err, func(r *sql.Rows) (p ExtractPicture, err error) {
		err = r.Scan(&p.File, &p.record, &p.key, &p.Account)
		p.File = "files/" + p.File + ".jpg"
		return p, err
	})
	if err != nil {
		return nil, fmt.Errorf("pictures of her copy: %w", err)
	}
	return out, nil
}

// ExportPicture opens the bytes of one of them.
func (d *Desk) ExportPicture(ctx context.Context, p ExtractPicture) (io.ReadCloser, error) {
	var c Content
	err := d.DB.Read(ctx, func(tx *db.Tx) error { return d.openPortrait(ctx, tx, &c, p.key, p.record) })
	if err != nil {
		return nil, err
	}
	return c, nil
}
