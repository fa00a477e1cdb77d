package api

import (
	"cmp"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"dingdong/internal/channel"
	"dingdong/internal/conversation"
	"dingdong/internal/db"
	"dingdong/internal/staff"
	"dingdong/internal/webhook"
)

// Voice says in whose name a message is sent: give exactly one.
type Voice struct {
	Automation string `json:"automation,omitempty" maxLength:"60" doc:"The automation's name, as staff will read it." example:"echo"`
	Staff      string `json:"staff,omitempty" doc:"An advisor who answers at the thread's counter." example:""`
}

type sendInput struct {
	ID   string `path:"id" example:"thr_06hk2q8s1n7v0000000000000a"`
	Key  string `header:"Idempotency-Key" required:"true" minLength:"1" maxLength:"255" doc:"Yours, and the same for every repeat of the same message." example:"order-4711-ready"`
	Body struct {
		Text   string `json:"text,omitempty" doc:"What to say; or give an upload." example:"Your cushion is here."`
		Upload string `json:"upload,omitempty" doc:"The id of an upload made for this thread; or give a text."`
		Quotes string `json:"quotes,omitempty" doc:"The id of a message of this thread that this one answers."`
		As     Voice  `json:"as"`

		Purpose   string    `json:"purpose,omitempty" maxLength:"60" doc:"Why: service, marketing, or another purpose of the group. Empty: service." example:"service"`
		Kind      string    `json:"kind,omitempty" maxLength:"100" doc:"What is said, so that her contact budget knows a repeat of it." example:"birthday"`
		Priority  int       `json:"priority,omitempty" minimum:"0" maximum:"9" doc:"9 is the most valuable: it may take the place of another that is planned."`
		NotBefore time.Time `json:"not_before,omitzero" doc:"Not earlier; at most 90 days ahead."`
		ExpiresAt time.Time `json:"expires_at,omitzero" doc:"After this it is stale, and refused rather than sent."`
	}
}

type sendOutput struct {
	Status   int
	Replayed string `header:"Idempotency-Replayed" doc:"true: this message was accepted before, under the same key."`
	Body     webhook.Message
}

type uploadInput struct {
	ID   string `path:"id" example:"thr_06hk2q8s1n7v0000000000000a"`
	Name string `query:"name" maxLength:"200" doc:"The file's name." example:"shades.pdf"`

	body io.Reader
	size int64
}

// Resolve takes the body as a stream: twenty megabytes are not held in memory.
func (in *uploadInput) Resolve(ctx huma.Context) []error {
	r, w := humago.Unwrap(ctx)
	in.body, in.size = http.MaxBytesReader(w, r.Body, conversation.MaxUpload+1), r.ContentLength
	return nil
}

// Upload is a file that waits to be sent.
type Upload struct {
	ID        string           `json:"id" doc:"Opaque. Give it as upload with a message of the same thread."`
	Type      channel.BodyType `json:"type" enum:"image,video,audio,file" doc:"By its content, not by its name." example:"image"`
	Name      string           `json:"name" example:"shades.pdf"`
	MIME      string           `json:"mime" example:"image/jpeg"`
	Size      int64            `json:"size" example:"48213"`
	ExpiresAt time.Time        `json:"expires_at"`
}

type uploadOutput struct{ Body Upload }

func (s *server) sendOperations() {
	replayed := &huma.Response{Description: "The message that was accepted before", Content: map[string]*huma.MediaType{
		"application/json": {Schema: s.api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[webhook.Message](), true, "")}}}
	register(s, huma.Operation{OperationID: "send-message", Method: http.MethodPost, Path: prefix + "/threads/{id}/messages", Tags: []string{tagMessages},
		Summary: "Send a message", Security: needs(staff.MessagesWrite), DefaultStatus: http.StatusAccepted,
		Responses: map[string]*huma.Response{"200": replayed},
		Description: "202: it is queued, and its delivery is certain to be tried; or it is planned, with the time in at: what she did not ask for waits for a " +
			"place in her contact budget, and is asked about once more when that comes. 200 with Idempotency-Replayed: the same request was accepted before; " +
			"this is its message as it is now. A message to somebody who cannot be written to, or has not agreed to its purpose, is kept with the status refused and the reason as failure."}, s.send)
	register(s, huma.Operation{OperationID: "upload-file", Method: http.MethodPost, Path: prefix + "/threads/{id}/uploads", Tags: []string{tagMessages},
		Summary: "Upload a file", Security: needs(staff.MessagesWrite), DefaultStatus: http.StatusCreated,
		Description: "The body is the file itself, at most 20 MB. Use it within a day.",
		RequestBody: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
			"application/octet-stream": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}}}}, s.upload)
}

func (s *server) send(ctx context.Context, in *sendInput) (*sendOutput, error) {
	c := callerOf(ctx)
	out := &sendOutput{}
	err := s.DB.Write(ctx, func(tx *db.Tx) error {
		t, err := s.Desk.Thread(tx, c.Viewer, in.ID)
		if err != nil {
			return err
		}
		f, err := s.draft(tx, c, in)
		if err != nil {
			return err
		}
		f.ThreadID = t.ID // another one since a merge
		m, replayed, err := s.once(tx, c, f, t.CounterID)
		if err != nil {
			return err
		}
		*out = sendOutput{Status: http.StatusAccepted, Body: webhook.NewMessage(m)}
		if replayed {
			out.Status, out.Replayed = http.StatusOK, "true"
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, s.saw(ctx, c, out.Body.Customer)
}

// draft turns a request into what the desk sends; only what the request itself
// can get wrong is checked here.
func (s *server) draft(tx *db.Tx, c caller, in *sendInput) (conversation.Draft, error) {
	f := conversation.Draft{ThreadID: in.ID, ClientKey: clientKey(c, in.Key), Quotes: in.Body.Quotes, Purpose: strings.TrimSpace(in.Body.Purpose),
		Kind: strings.TrimSpace(in.Body.Kind), Priority: in.Body.Priority, NotBefore: in.Body.NotBefore, Expires: in.Body.ExpiresAt}
	if f.NotBefore.After(tx.Now.Add(farthest)) {
		return f, db.Invalid{Field: "not_before", Code: "too_far"}
	}
	if !f.Expires.IsZero() && !f.Expires.After(tx.Now) {
		return f, db.Invalid{Field: "expires_at", Code: "past"}
	}
	as := in.Body.As
	as.Automation = strings.TrimSpace(db.CleanText(as.Automation))
	switch {
	case (as.Automation == "") == (as.Staff == ""):
		return f, db.Invalid{Field: "as", Code: "one_of"}
	case as.Staff != "":
		f.Author, f.AuthorID = conversation.AuthorStaff, as.Staff
	default:
		f.Author, f.AuthorID = conversation.AuthorAutomation, as.Automation
	}
	if (in.Body.Text == "") == (in.Body.Upload == "") {
		return f, db.Invalid{Field: "text", Code: "one_of"}
	}
	if in.Body.Upload == "" {
		if utf8.RuneCountInString(in.Body.Text) > conversation.MaxText {
			return f, db.Invalid{Field: "text", Code: "too_long"}
		}
		f.Body = channel.Body{Type: channel.Text, Text: db.CleanText(in.Body.Text)}
		return f, nil
	}
	up, err := s.openUpload(tx, in.ID, in.Body.Upload)
	if err != nil {
		return f, err
	}
	media := up.Media
	f.Body, f.Blob, f.Preview, f.BlobOf = channel.Body{Type: up.Type, Media: &media}, up.Blob, up.Preview, up.CustomerID
	return f, nil
}

// farthest is how far ahead a message can be planned.
const farthest = 90 * 24 * time.Hour

// clientKey keeps two programs from meeting under the same key.
func clientKey(c caller, key string) string {
	sum := sha256.Sum256([]byte(c.token.ID + "\x00" + key))
	return "api/" + hex.EncodeToString(sum[:20])
}

// once sends a draft, or finds what was sent under its key. A repeat is compared
// with the stored message itself, so nothing else has to be kept of the first.
func (s *server) once(tx *db.Tx, c caller, f conversation.Draft, counterID string) (m conversation.Message, replayed bool, err error) {
	var first string
	err = tx.QueryRow(`SELECT id FROM message WHERE thread_id = $1 AND client_key = $2`, f.ThreadID, f.ClientKey).Scan(&first)
	switch {
	case err == nil:
		m, err = s.Desk.MessageFor(tx, c.Viewer, first)
		replayed = true
	case errors.Is(err, sql.ErrNoRows):
		if f.Author == conversation.AuthorStaff {
			if err := answers(tx, f.AuthorID, counterID, "as.staff"); err != nil {
				return m, false, err
			}
		}
		m, err = s.Desk.Send(tx, f)
		if errors.Is(err, db.ErrNotFound) && f.Quotes != "" { // the thread is there
			return m, false, db.Invalid{Field: "quotes", Code: "unknown"}
		}
		// Another node may have sent it in between: then this is that one's.
		replayed = !m.ArrivedAt.Equal(tx.Now)
	}
	if err != nil || !replayed {
		return m, false, err
	}
	same, err := s.same(tx, c, m, f)
	if err == nil && !same {
		err = errKeyReused
	}
	return m, true, err
}

// same tells whether a message is what a draft would have become.
func (s *server) same(tx *db.Tx, c caller, m conversation.Message, f conversation.Draft) (bool, error) {
	if m.Author != f.Author || m.AuthorID != f.AuthorID || m.Type != f.Body.Type || m.Purpose != cmp.Or(f.Purpose, "service") || m.Kind != f.Kind || m.Blob != f.Blob || m.Body.Text != f.Body.Text {
		return false, nil
	}
	if f.Quotes == "" {
		return m.Body.QuoteID == "", nil
	}
	quoted, err := s.Desk.MessageFor(tx, c.Viewer, f.Quotes)
	if errors.Is(err, db.ErrNotFound) {
		return false, nil
	}
	// A quoted message that was unsent since has lost what would tell.
	return quoted.ThreadID == m.ThreadID && (quoted.Unsent || quoted.Body.QuoteToken == m.Body.QuoteID), err
}

const (
	// labelUpload is what the ids of uploads are signed for.
	labelUpload = "api.upload"
	uploadTime  = 24 * time.Hour
)

// ticket is what the id of an upload says: which file, for which thread. It is
// signed, so nothing has to be kept of it.
type ticket struct {
	Thread string              `json:"t"`
	Upload conversation.Upload `json:"u"`
}

func (s *server) upload(ctx context.Context, in *uploadInput) (*uploadOutput, error) {
	if in.size > conversation.MaxUpload {
		return nil, errTooLarge
	}
	c := callerOf(ctx)
	up, err := s.Desk.Upload(ctx, c.Viewer, conversation.File{ThreadID: in.ID, Name: in.Name, From: in.body})
	if err != nil {
		return nil, err
	}
	raw, err := json.Marshal(ticket{in.ID, up})
	if err != nil {
		return nil, fmt.Errorf("upload: %w", err)
	}
	until := s.DB.Now().Add(uploadTime)
	return &uploadOutput{Upload{ID: s.Desk.Vault.Sign(labelUpload, raw, until), Type: up.Type, Name: up.Media.Name, MIME: up.Media.MIME,
		Size: up.Media.Size, ExpiresAt: until}}, nil
}

func (s *server) openUpload(tx *db.Tx, threadID, id string) (conversation.Upload, error) {
	raw, err := s.Desk.Vault.Verify(labelUpload, id, tx.Now)
	if err != nil {
		return conversation.Upload{}, db.Invalid{Field: "upload", Code: "expired"}
	}
	var t ticket
	if err := json.Unmarshal(raw, &t); err != nil || t.Thread != threadID {
		return conversation.Upload{}, db.Invalid{Field: "upload", Code: "unknown"}
	}
	return t.Upload, nil
}
