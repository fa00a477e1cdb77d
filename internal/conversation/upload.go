package conversation

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	_ "image/gif" // decoders for what phones and browsers send
	"image/jpeg"
	_ "image/png"
	"io"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/gabriel-vasile/mimetype"
	"golang.org/x/image/draw"
	_ "golang.org/x/image/webp"

	"dingdong/internal/channel"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// MaxUpload bounds what staff and web visitors upload.
const MaxUpload = 20 << 20

const (
	maxImage   = 20 << 20   // bytes of a picture that is decoded
	maxPixels  = 50_000_000 // a picture that claims more is not decoded
	previewMax = 800        // pixels on the longer side of a preview
)

var errTooLarge = errors.New("conversation: media is too large")

// Upload is what keep found and stored.
type Upload struct {
	MessageID     string // the blob's name; the message that will use it may have another id
	CustomerID    string // whose key sealed the bytes
	Type          channel.BodyType
	Media         channel.Media
	Blob, Preview string
}

// allowed are the kinds of file that may be uploaded, by content. What a browser
// would run (HTML, SVG, scripts) is served as a download only, and not accepted.
var allowed = map[string]channel.BodyType{
	"image/jpeg": channel.Image, "image/png": channel.Image, "image/webp": channel.Image, "image/gif": channel.Image,
	"video/mp4": channel.Video, "video/quicktime": channel.Video,
	"audio/mpeg": channel.Audio, "audio/mp4": channel.Audio, "audio/x-m4a": channel.Audio,
	"audio/wav": channel.Audio, "audio/ogg": channel.Audio, "audio/webm": channel.Audio, "video/webm": channel.Video,
	"application/pdf": channel.File, "text/plain": channel.File, "text/csv": channel.File,
	"application/vnd.openxmlformats-officedocument.wordprocessingml.document":   channel.File,
	"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet":         channel.File,
	"application/vnd.openxmlformats-officedocument.presentationml.presentation": channel.File,
	"application/zip": channel.File,
}

// File is something a person hands in.
type File struct {
	ThreadID string
	Name     string
	From     io.Reader
}

// Upload stores a file that staff wants to send. The viewer must be able to
// write in the thread.
func (d *Desk) Upload(ctx context.Context, v staff.Viewer, f File) (Upload, error) {
	var customerID, id string
	err := d.DB.Read(ctx, func(tx *db.Tx) error {
		t, err := d.writable(tx, v, f.ThreadID)
		customerID, id = t.RecordID, tx.NewID("upl")
		return err
	})
	if err != nil {
		return Upload{}, err
	}
	return d.accept(ctx, keeping{MessageID: id, CustomerID: customerID, From: f.From, Limit: MaxUpload, Name: f.Name})
}

// accept keeps a file if its content is of a kind we take.
func (d *Desk) accept(ctx context.Context, k keeping) (Upload, error) {
	k.onlyAllowed = true
	up, err := d.keep(ctx, k)
	if errors.Is(err, errTooLarge) {
		return up, db.Invalid{Field: "file", Code: "too_large"}
	}
	return up, err
}

type keeping struct {
	MessageID, CustomerID string
	From                  io.Reader
	Limit                 int64
	Name                  string
	onlyAllowed           bool
}

// keep seals bytes into the blob store while they stream in, tells by their
// content what they are, and makes a small picture of a picture.
func (d *Desk) keep(ctx context.Context, k keeping) (Upload, error) {
	head := make([]byte, 3072)
	n, err := io.ReadFull(k.From, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return Upload{}, fmt.Errorf("read media: %w", err)
	}
	head = head[:n]
	up := Upload{MessageID: k.MessageID, CustomerID: k.CustomerID, Type: channel.File, Blob: blobKey(k.MessageID)}
	up.Media = channel.Media{MIME: sniff(head), Name: cleanFileName(k.Name)}
	if k.onlyAllowed {
		kind, ok := allowed[up.Media.MIME]
		switch {
		case n == 0:
			return up, db.Invalid{Field: "file", Code: "required"}
		case !ok:
			return up, db.Invalid{Field: "file", Code: "kind"}
		}
		up.Type = kind
	}
	from := io.LimitReader(io.MultiReader(bytes.NewReader(head), k.From), k.Limit+1)
	if strings.HasPrefix(up.Media.MIME, "image/") {
		return d.keepPicture(ctx, k, up, from)
	}
	if up.Media.Size, err = d.store(ctx, k.CustomerID, labelBlob, up.Blob, from); err != nil {
		return up, err
	}
	if up.Media.Size > k.Limit {
		return up, errors.Join(errTooLarge, d.Blobs.Delete(ctx, up.Blob))
	}
	if up.Type == channel.Video || strings.HasPrefix(up.Media.MIME, "video/") {
		// LINE wants a picture with every video; one that only says "film" costs
		// no decoder in the house.
		up.Preview = previewKey(k.MessageID)
		_, err = d.store(ctx, k.CustomerID, labelPreview, up.Preview, bytes.NewReader(filmPicture()))
	}
	return up, err
}

func (d *Desk) keepPicture(ctx context.Context, k keeping, up Upload, from io.Reader) (Upload, error) {
	limit := min(k.Limit, maxImage)
	data, err := io.ReadAll(io.LimitReader(from, limit+1))
	if err != nil {
		return up, fmt.Errorf("read picture: %w", err)
	}
	if int64(len(data)) > limit {
		return up, errTooLarge
	}
	// One picture at a time: a few of the largest at once would fill the memory.
	d.decoding.Lock()
	defer d.decoding.Unlock()
	size, _, err := image.DecodeConfig(bytes.NewReader(data))
	sound := err == nil && size.Width > 0 && size.Height > 0 && size.Width*size.Height <= maxPixels
	if !sound && k.onlyAllowed {
		return up, db.Invalid{Field: "file", Code: "picture"}
	}
	if sound {
		up.Media.Width, up.Media.Height = size.Width, size.Height
		if orientationOf(data).lies() { // the size is that of what is seen
			up.Media.Width, up.Media.Height = size.Height, size.Width
		}
		if data, err = d.previewOf(ctx, k, &up, data); err != nil {
			return up, err
		}
	}
	up.Media.Size = int64(len(data))
	_, err = d.store(ctx, k.CustomerID, labelBlob, up.Blob, bytes.NewReader(data))
	return up, err
}

// previewOf stores a small JPEG beside a picture and returns the bytes to keep.
// A customer's picture from a platform stays as it came, to the byte; of what is
// uploaded to us it takes out what the camera wrote, and turns what not every
// messenger shows (WebP, GIF) into a JPEG.
func (d *Desk) previewOf(ctx context.Context, k keeping, up *Upload, data []byte) ([]byte, error) {
	img, _, err := image.Decode(bytes.NewReader(data))
	if err != nil {
		if k.onlyAllowed {
			return nil, db.Invalid{Field: "file", Code: "picture"}
		}
		return data, nil // a customer's broken picture is kept as it came
	}
	turn := orientationOf(data)
	small, err := encodeJPEG(img, turn, previewMax)
	if err != nil {
		return nil, err
	}
	up.Preview = previewKey(k.MessageID)
	if _, err := d.store(ctx, k.CustomerID, labelPreview, up.Preview, bytes.NewReader(small)); err != nil {
		return nil, err
	}
	switch {
	case !k.onlyAllowed:
		return data, nil
	case up.Media.MIME == "image/jpeg", up.Media.MIME == "image/png":
		return withoutMetadata(data, img, turn)
	}
	up.Media.MIME = "image/jpeg"
	return encodeJPEG(img, turn, 4096)
}

// encodeJPEG shrinks a picture to at most longest pixels on its longer side,
// on white where it was transparent, and turns it upright.
func encodeJPEG(img image.Image, turn orientation, longest int) ([]byte, error) {
	b := img.Bounds()
	w, h := b.Dx(), b.Dy()
	if m := max(w, h); m > longest {
		w, h = max(1, w*longest/m), max(1, h*longest/m)
	}
	flat := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.Draw(flat, flat.Bounds(), image.NewUniform(color.White), image.Point{}, draw.Src)
	draw.ApproxBiLinear.Scale(flat, flat.Bounds(), img, b, draw.Over, nil)
	var out bytes.Buffer
	if err := jpeg.Encode(&out, turn.apply(flat), &jpeg.Options{Quality: 82}); err != nil {
		return nil, fmt.Errorf("encode picture: %w", err)
	}
	return out.Bytes(), nil
}

// filmPicture stands for a video whose frames we do not read.
func filmPicture() []byte {
	img := image.NewRGBA(image.Rect(0, 0, 320, 320))
	draw.Draw(img, img.Bounds(), image.NewUniform(color.RGBA{0x23, 0x1d, 0x20, 0xff}), image.Point{}, draw.Src)
	for y := 110; y < 210; y++ { // a triangle that points right
		for x := 125; x < 125+(100-2*abs(y-160)); x++ {
			img.Set(x, y, color.White)
		}
	}
	var out bytes.Buffer
	_ = jpeg.Encode(&out, img, nil) // a picture in memory cannot fail to encode
	return out.Bytes()
}

func abs(n int) int {
	if n < 0 {
		return -n
	}
	return n
}

// store seals a stream into the blob store and returns its plain size.
func (d *Desk) store(ctx context.Context, customerID, label, key string, from io.Reader) (int64, error) {
	var counted int64
	pr, pw := io.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		var err error
		counted, err = d.seal(ctx, sealing{customerID, label, from, pw})
		pw.CloseWithError(err)
	}()
	_, err := d.Blobs.Put(ctx, key, pr)
	pr.CloseWithError(err) // frees the sealer when the store gave up
	<-done
	if err != nil {
		return 0, fmt.Errorf("store media: %w", err)
	}
	return counted, nil
}

type sealing struct {
	customerID, label string
	from              io.Reader
	to                io.Writer
}

func (d *Desk) seal(ctx context.Context, s sealing) (int64, error) {
	var sealer io.WriteCloser
	err := d.DB.Read(ctx, func(tx *db.Tx) error {
		var err error
		sealer, err = d.Vault.SealStream(tx, s.customerID, s.label, s.to)
		return err
	})
	if err != nil {
		return 0, err
	}
	n, err := io.Copy(sealer, s.from)
	if err != nil {
		return n, err
	}
	return n, sealer.Close()
}

// sniff tells a file's kind from its first bytes.
func sniff(head []byte) string {
	found := mimetype.Detect(head)
	name, _, _ := strings.Cut(found.String(), ";")
	return name
}

// cleanFileName keeps the last part of a name, without what a path or a
// terminal could misread.
func cleanFileName(name string) string {
	name = filepath.Base(strings.ReplaceAll(db.CleanText(name), `\`, "/"))
	name = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || strings.ContainsRune(`"<>|:*?/`, r) || (r >= 0x202a && r <= 0x202e) || (r >= 0x2066 && r <= 0x2069) {
			return -1
		}
		return r
	}, name)
	for utf8.RuneCountInString(name) > 120 {
		name = string([]rune(name)[:120])
	}
	if name == "." || name == "" {
		return "file"
	}
	return name
}
