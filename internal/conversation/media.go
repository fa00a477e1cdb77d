package conversation

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"strings"
	"time"

	"dingdong/internal/channel"
	"dingdong/internal/db"
	"dingdong/internal/event"
	"dingdong/internal/job"
	"dingdong/internal/staff"
)

// Jobs that move the bytes of messages.
const (
	JobFetch     = "fetch_media"
	JobDropMedia = "drop_media"
)

type fetchArgs struct {
	Message string `json:"message"`
}

// MaxMedia bounds what is fetched from a platform: LINE's own largest.
const MaxMedia = 200 << 20

// fetchTime is how long one download may take: a stalled one must not hold its
// place for ever.
const fetchTime = 10 * time.Minute

// prepareTime is how long a platform may prepare a video before we stop asking.
const prepareTime = time.Hour

func blobKey(messageID string) string    { return "m/" + messageID }
func previewKey(messageID string) string { return "p/" + messageID }

// FetchMedia is the job handler that brings a message's bytes in, at once:
// platforms keep them for a time they do not tell.
func (d *Desk) FetchMedia(ctx context.Context, j job.Job) (job.Outcome, error) {
	var args fetchArgs
	if err := j.Decode(&args); err != nil {
		return nil, job.Fatal(err)
	}
	var m Message
	var a Account
	err := d.DB.Read(ctx, func(tx *db.Tx) error {
		var err error
		if m, err = d.message(tx, args.Message); err != nil {
			return err
		}
		a, err = d.accountOut(tx, m.AccountID)
		return err
	})
	if errors.Is(err, db.ErrNotFound) { // erased; an attempt before may have brought the bytes in
		return d.DropMedia(ctx, j)
	}
	if err == nil && (m.Unsent || m.MediaState != MediaPending) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	fetcher, ok := d.Adapters[a.Kind].(channel.Fetcher)
	if !ok {
		return func(tx *db.Tx) error { return d.mediaIs(tx, m, MediaGone) }, nil
	}
	ctx, cancel := context.WithTimeout(ctx, fetchTime)
	defer cancel()
	body, info, err := fetcher.Fetch(ctx, a.Account, m.ExternalID, m.Type)
	switch {
	case errors.Is(err, channel.ErrNotReady) && d.DB.Now().Sub(m.ArrivedAt) < prepareTime:
		return nil, job.Snooze(d.DB.Now().Add(2 * time.Second))
	case errors.Is(err, channel.ErrGone), errors.Is(err, channel.ErrNotReady):
		return func(tx *db.Tx) error { return d.mediaIs(tx, m, MediaGone) }, nil
	case err != nil:
		// A platform that is ill for hours must not cost a customer's picture.
		now := d.DB.Now()
		var e *channel.Error
		ill := errors.As(err, &e) && (e.Kind == channel.Retry || e.Kind == channel.Throttled)
		if age := now.Sub(m.ArrivedAt); ill && age < giveUpAfter {
			return nil, job.Snooze(now.Add(patience(age)))
		}
		return nil, err
	}
	defer body.Close()
	if info.Size > MaxMedia {
		return func(tx *db.Tx) error { return d.mediaIs(tx, m, MediaTooLarge) }, nil
	}
	up, err := d.keep(ctx, keeping{MessageID: m.ID, CustomerID: m.CustomerID, From: body, Limit: MaxMedia})
	if errors.Is(err, errTooLarge) {
		return func(tx *db.Tx) error { return d.mediaIs(tx, m, MediaTooLarge) }, nil
	}
	if err != nil {
		return nil, err
	}
	return func(tx *db.Tx) error { return d.mediaArrived(tx, m, up) }, nil
}

func (d *Desk) mediaArrived(tx *db.Tx, m Message, up Upload) error {
	media := up.Media
	if m.Body.Media != nil {
		media.Name, media.Duration = m.Body.Media.Name, m.Body.Media.Duration
	}
	m.Body.Media = &media
	body, err := d.sealBody(tx, m.CustomerID, stored{Body: m.Body, Sender: m.Sender})
	if err != nil {
		return err
	}
	n, err := tx.Exec(`UPDATE message SET body = $2, blob = $3, preview = $4, media_state = 'ready' WHERE id = $1 AND unsent_at IS NULL`,
		m.ID, body, up.Blob, up.Preview)
	if err != nil {
		return err
	}
	if n == 0 { // unsent while we fetched
		return job.Enqueue(tx, job.New{Kind: JobDropMedia, Key: m.ID, Args: fetchArgs{Message: m.ID}})
	}
	return d.mediaNews(tx, m)
}

func (d *Desk) mediaIs(tx *db.Tx, m Message, s MediaState) error {
	if _, err := tx.Exec(`UPDATE message SET media_state = $2 WHERE id = $1`, m.ID, string(s)); err != nil {
		return err
	}
	return d.mediaNews(tx, m)
}

func (d *Desk) mediaNews(tx *db.Tx, m Message) error {
	var counter string
	if err := tx.QueryRow(`SELECT counter_id FROM thread WHERE id = $1`, m.ThreadID).Scan(&counter); err != nil {
		return db.NotFound(err)
	}
	event.Append(tx, event.Event{Kind: event.MediaReady, Customer: m.CustomerID, Thread: m.ThreadID, Counter: counter, Message: m.ID, By: "platform"})
	return nil
}

// DropMedia is the job handler that destroys the bytes of an unsent message.
func (d *Desk) DropMedia(ctx context.Context, j job.Job) (job.Outcome, error) {
	var args fetchArgs
	if err := j.Decode(&args); err != nil {
		return nil, job.Fatal(err)
	}
	for _, key := range []string{blobKey(args.Message), previewKey(args.Message)} {
		if err := d.Blobs.Delete(ctx, key); err != nil && !errors.Is(err, db.ErrNotFound) {
			return nil, fmt.Errorf("drop media: %w", err)
		}
	}
	return func(tx *db.Tx) error {
		_, err := tx.Exec(`UPDATE message SET blob = '', preview = '' WHERE id = $1`, args.Message)
		return err
	}, nil
}

// Content is a message's bytes, opened.
type Content struct {
	io.ReadSeeker
	io.Closer
	Name, MIME string
	Size       int64
	At         time.Time
	ThreadID   string
}

// ContentFor opens the bytes of a message that the viewer may see.
func (d *Desk) ContentFor(ctx context.Context, v staff.Viewer, messageID string, preview bool) (Content, error) {
	return d.content(ctx, messageID, preview, func(tx *db.Tx, m Message) error {
		_, err := d.Thread(tx, v, m.ThreadID)
		return err
	})
}

// ContentByLink opens the bytes that a signed link names: platforms fetch
// pictures that way, and web chat visitors see theirs.
func (d *Desk) ContentByLink(ctx context.Context, token string) (Content, error) {
	payload, err := d.Vault.Verify(labelBlob, token, d.DB.Now())
	if err != nil {
		return Content{}, db.ErrNotFound
	}
	id, preview := strings.CutSuffix(string(payload), "/p")
	return d.content(ctx, id, preview, func(*db.Tx, Message) error { return nil })
}

func (d *Desk) content(ctx context.Context, messageID string, preview bool, allow func(*db.Tx, Message) error) (Content, error) {
	var m Message
	var c Content
	err := d.DB.Read(ctx, func(tx *db.Tx) error {
		var err error
		if m, err = d.message(tx, messageID); err != nil {
			return err
		}
		if err = allow(tx, m); err != nil {
			return err
		}
		key, label := m.Blob, labelBlob
		if preview && m.Preview != "" {
			key, label = m.Preview, labelPreview
		}
		if m.Unsent || key == "" || m.Body.Media == nil {
			return db.ErrNotFound
		}
		file, size, err := d.Blobs.Get(ctx, key)
		if err != nil {
			return db.ErrNotFound
		}
		c.Closer = file
		if c.ReadSeeker, err = d.Vault.OpenSeeker(tx, m.CustomerID, label, file, size); err != nil {
			file.Close()
			return fmt.Errorf("open media: %w", err)
		}
		c.Name, c.MIME, c.At, c.ThreadID = m.Body.Media.Name, m.Body.Media.MIME, m.At, m.ThreadID
		if label == labelPreview {
			c.MIME = "image/jpeg"
		}
		return nil
	})
	return c, err
}

// mediaLinkTime is how long a platform can fetch what we sent. The end depends
// on the message alone, so that a repeat of a call is the same to the letter.
const mediaLinkTime = 30 * 24 * time.Hour

// MediaLink is a public address of a message's bytes.
func (d *Desk) MediaLink(m Message, preview bool) string {
	payload := m.ID
	if preview {
		payload += "/p"
	}
	return d.PublicURL + "/m/" + d.Vault.Sign(labelBlob, []byte(payload), m.At.Add(mediaLinkTime)) + extension(m, preview)
}

// extension helps platforms that look at the end of an address.
func extension(m Message, preview bool) string {
	if preview || m.Body.Media == nil {
		return ".jpg"
	}
	known := map[string]string{"image/jpeg": ".jpg", "image/png": ".png", "video/mp4": ".mp4", "audio/mp4": ".m4a", "audio/mpeg": ".mp3"}
	if e := known[m.Body.Media.MIME]; e != "" {
		return e
	}
	if e, _ := mime.ExtensionsByType(m.Body.Media.MIME); len(e) > 0 {
		return e[0]
	}
	return ""
}

// outward is a message's body as the platform gets it.
func (d *Desk) outward(m Message) (channel.Body, error) {
	b := m.Body
	if b.Media == nil {
		return b, nil
	}
	media := *b.Media
	media.URL = d.MediaLink(m, false)
	media.Preview = media.URL
	if m.Preview != "" {
		media.Preview = d.MediaLink(m, true)
	}
	b.Media = &media
	return b, nil
}
